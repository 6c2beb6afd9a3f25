"""The flow of a commit: read, plan, write by one batch; once more where another went ahead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NoReturn, cast

from langgraph.store.base import Item, PutOp

from longterm.commit.plan import (
    Change,
    Committed,
    Place,
    Plan,
    Policy,
    Write,
    Written,
    note_of,
    plans_of,
    updated_at,
)
from longterm.effects.capabilities import CompareAndSet, RevisionRow, Revisions
from longterm.effects.observe import observed
from longterm.effects.steps import Exclusive, Has, Noted, StoreCall, fetch, get_op, replace
from longterm.errors import ConflictError, PartialWriteError
from longterm.memory.revision import (
    Action,
    Actor,
    ExtractionRun,
    Revision,
    Source,
    history_namespace,
    latest_key,
    run_in,
    sources_in,
)

__all__ = ["commit", "revision_of"]

#: Each conflict means that another writer went ahead, so there are few.
_TRIES = 100


async def commit(
    writes: Sequence[Write],
    *,
    actor: Actor,
    sources: Sequence[Source] = (),
    model: str | None = None,
    reason: str | None = None,
    policy: Policy | None = None,
    run: ExtractionRun | None = None,
) -> Committed:
    """Carry out *writes* by one batch and return what was written.

    Raises what an edit raises, with nothing written; `ConflictError` where others went ahead
    again and again; `PartialWriteError` where the store failed and something was, or may have
    been, written; the store's own error where nothing was.
    """
    if not writes:
        return Committed()
    change = Change(tuple(writes), actor, tuple(sources), model, reason, policy or Policy(), run)
    namespaces = frozenset(write.namespace for write in writes)
    deletes = all(write.value is None for write in writes)
    creates = all(write.fresh for write in writes)
    operation = "delete_memory" if deletes else "create_memory" if creates else "upsert_memory"
    with observed(operation, writes[0].namespace[0]) as seen:
        done = await Exclusive(namespaces, _carried_out(change))
        seen.records = len(done.written)
        actions = {one.revision.action for one in done.written if one.revision}
        if actions in ({"changed"}, {"created"}):
            seen.operation = "update_memory" if "changed" in actions else "create_memory"
        return done


async def _carried_out(change: Change) -> Committed:
    by_store = change.policy.keep_revisions != 0 and await Has(Revisions)
    # What is new as far as is known is not read where a store says that it is there.
    unread = any(write.fresh for write in change.writes) and await Has(CompareAndSet)
    for remaining in reversed(range(_TRIES)):
        read = [write for write in change.writes if not (write.fresh and unread)]
        current = await _current(change, read, histories=not by_store) if read else {}
        unread = False
        plans, lost, guarded = plans_of(change, current, in_items=not by_store)
        if by_store:  # what comes with a past from elsewhere is left as it is if it has one here
            plans = [
                plan
                for plan in plans
                if not (plan.past and await StoreCall("get_revisions", plan.place))
            ]
        if aside := [plan.place for plan in plans if plan.written is None]:
            # In quarantine the same once more takes the place of the first.
            current |= await _items_at(aside)
            plans = [one._replace(seen=updated_at(current.get(one.place))) for one in plans]
        items = [plan.ops[0] for plan in plans]
        # Items before histories: of what a failure leaves half-written, memories come first.
        ops = items + [op for plan in plans for op in plan.ops[1:]]
        try:
            if by_store:
                written = await _written_with_notes(plans, change)
            else:
                await replace(ops, [updated_at(current.get((op.namespace, op.key))) for op in ops])
                written = tuple(plan.written for plan in plans if plan.written)
        except ConflictError:
            if not remaining:
                raise
        except Exception as error:  # noqa: BLE001 - raised again, with an account
            await _raise_with_account(items, current, error)
        else:
            return Committed(written, (*lost, *guarded), guarded)
    raise AssertionError("the last try returns or raises")


async def _current(
    change: Change, written: Sequence[Write], *, histories: bool
) -> dict[Place, Item]:
    """Read the items that are to be *written*, and of their histories what matters."""
    places = [(write.namespace, write.key) for write in written]
    if change.policy.keep_revisions == 0 or not histories:
        return await _items_at(places)
    latest = [(history_namespace(write.namespace), latest_key(write.key)) for write in written]
    current = await _items_at([*places, *latest])
    old = [place for write in written for place in change.droppable(write, current)]
    return current | await _items_at(old)


async def _items_at(places: Sequence[Place]) -> dict[Place, Item]:
    items = await fetch([get_op(*place, refresh_ttl=False) for place in places])
    return {place: item for place, item in zip(places, items, strict=True) if item is not None}


async def _written_with_notes(plans: Sequence[Plan], change: Change) -> tuple[Written, ...]:
    """Write *plans* on a store that keeps revisions itself; return what was written."""
    plain = [plan for plan in plans if not (plan.note or plan.past) and plan.settles]
    if plain:
        await replace([plan.ops[0] for plan in plain], [plan.seen for plan in plain])
    if rows := [row for plan in plans if plan.past for row in _rows(plan)]:
        await StoreCall("add_revisions", (rows,))
    left: Iterator[RevisionRow | None] = iter(())
    if noted := [(plan, plan.note) for plan in plans if plan.note]:
        planned, notes = zip(*noted, strict=True)
        ops, seen = zip(*((plan.ops[0], plan.seen) for plan in planned), strict=True)
        left = iter(await Noted(ops, seen, notes, change.policy.keep_revisions))
    return tuple(
        plan.written_as(next(left)) if plan.note else plan.written for plan in plans if plan.written
    )


def _rows(plan: Plan) -> list[RevisionRow]:
    """Return a past from elsewhere as rows; what is there after a delete was created anew."""
    born: datetime | None = None
    rows: list[RevisionRow] = []
    for one in plan.past:
        born = born or one.time
        note = note_of(
            one.action, one.actor, one.sources, model=one.model, reason=one.reason, run=one.run
        )
        rows.append(RevisionRow(*plan.place, one.number, note, one.value, one.time, born))
        born = None if one.value is None else born
    return rows


def revision_of(row: RevisionRow) -> Revision:
    """Read a revision that a store keeps itself."""
    return Revision(
        number=row.number,
        action=cast("Action", row.note.action),
        value=row.value,
        time=row.time,
        actor=cast("Actor", row.note.actor),
        sources=sources_in(row.note.sources),
        model=row.note.model,
        reason=row.note.reason,
        run=run_in(row.note.run),
    )


async def _raise_with_account(
    ops: Sequence[PutOp], current: Mapping[Place, Item], error: Exception
) -> NoReturn:
    """Raise *error* where nothing was written, else a `PartialWriteError` that says what was."""
    keys = [op.key for op in ops]
    written: list[str] = []
    try:
        items = await fetch([get_op(op.namespace, op.key, refresh_ttl=False) for op in ops])
    except Exception:  # noqa: BLE001 - the first error is the one to report
        account = f"any of these may be written or not: {keys}."
    else:
        for op, item in zip(ops, items, strict=True):
            before, now = current.get((op.namespace, op.key)), item.value if item else None
            if now == op.value and now != (before.value if before else None):
                written.append(op.key)
        if not written:
            raise error
        account = f"Written: {written}. Not written: {sorted(set(keys) - set(written)) or 'none'}."
    raise PartialWriteError(
        f"The store failed while writing {len(ops)} items ({type(error).__name__}: {error}). "
        f"{account} Do the same again when the store works.",
        written=written,
        failed=[key for key in keys if key not in written],
    ) from error
