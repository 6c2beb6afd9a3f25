"""commit: the one way in which a memory or a turn is changed.

Managers, tools, the recorder and all others hand their writes to `commit`; nothing else writes
to a store. It reads what is there, makes each write on that, and writes all of it by one batch,
with a revision for each memory that changed: what it was, who changed it and why.

No change of another writer is lost: a store that compares and sets refuses a write on what has
changed since it was read, and it is all done once more; on any other store the writers of this
process take turns. Between processes such a store leaves a window of one round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace as changed
from datetime import datetime, timedelta
from typing import Any, NoReturn, cast
from uuid import uuid4

from langgraph.store.base import NOT_PROVIDED, Item, NotProvided, PutOp

from longterm.effects.capabilities import RevisionNote, RevisionRow, Revisions
from longterm.effects.clock import utc_now
from longterm.effects.observe import observed
from longterm.effects.operations import Index, Ttl, get_op, put_op
from longterm.effects.steps import Exclusive, Has, Noted, StoreCall, fetch, replace
from longterm.errors import ConflictError, GuardedError, PartialWriteError
from longterm.guard import Guard, Verdict
from longterm.memory.history_items import (
    Chain,
    KeepRevisions,
    appended,
    chain_of,
    droppable,
    history_namespace,
    latest_key,
    numbered_key,
)
from longterm.memory.namespace import Namespace
from longterm.memory.quarantine import Held, quarantine_namespace
from longterm.memory.revision import (
    Action,
    Actor,
    Revision,
    Source,
    json_sources,
    origin_of,
    sources_in,
)

__all__ = [
    "Committed",
    "Edit",
    "Policy",
    "Skip",
    "Write",
    "Written",
    "commit",
    "if_unchanged",
    "revision_of",
]

#: Each conflict means that another writer went ahead, so there are few.
_TRIES = 100

#: Revisions of a memory are at least this far apart.
_MOMENT = timedelta(microseconds=1)
_FOUND = "found in the store: written there by another program"

_Place = tuple[Namespace, str]


@dataclass(frozen=True, slots=True)
class Skip:
    """An edit's answer: leave the item as it is."""

    #: What was lost by it, where something was.
    reason: str | None = None


#: Makes an item's new value, None to delete it, from what is there; may be called again.
Edit = Callable[[Item | None], dict[str, Any] | Skip | None]


@dataclass(frozen=True, slots=True)
class Write:
    """What one item is to become; a commit takes at most one for each item."""

    namespace: Namespace
    key: str
    #: The new value, None to delete, or an edit of what is there.
    value: dict[str, Any] | Edit | None
    index: Index = None
    ttl: Ttl = NOT_PROVIDED
    #: The key was made up just now, so there is nothing to read.
    fresh: bool = False
    #: The messages it came from; None for those of the whole commit.
    sources: tuple[Source, ...] | None = None
    #: What the revision says was done, where it is not plain from what was there.
    action: Action | None = None
    #: Its whole history from elsewhere; it is left as it is where it has one here already.
    past: tuple[Revision, ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """What a commit does beside writing."""

    #: Looks at each value before it is written, and at what is quoted as its source.
    guard: Guard | None = None
    keep_revisions: KeepRevisions = None


@dataclass(frozen=True, slots=True)
class Written:
    """An item that was written or, with None for a value, deleted."""

    namespace: Namespace
    key: str
    value: dict[str, Any] | None
    #: None where none is kept.
    revision: Revision | None = None


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit did."""

    written: tuple[Written, ...] = ()
    #: Why something was left out.
    lost: tuple[str, ...] = ()
    #: What the guard kept out, or in quarantine, by class and place.
    guarded: tuple[str, ...] = ()

    def checked(self) -> Committed:
        """Return this, or raise `GuardedError` where the guard kept something out."""
        if self.guarded:
            raise GuardedError(" ".join(self.guarded))
        return self

    @property
    def puts(self) -> list[dict[str, Any]]:
        """What was written but not deleted, in LangMem's form."""
        return [
            {"namespace": one.namespace, "key": one.key, "value": one.value}
            for one in self.written
            if one.value is not None
        ]


def if_unchanged(before: Item | None, value: dict[str, Any] | None) -> Edit:
    """Return an edit to *value* that raises `ConflictError` where the item is not as *before*."""

    def edit(item: Item | None) -> dict[str, Any] | None:
        if _updated_at(item) != _updated_at(before):
            raise ConflictError("The memory was changed meanwhile: read it again and decide anew.")
        return value

    return edit


async def commit(
    writes: Sequence[Write],
    *,
    actor: Actor,
    sources: Sequence[Source] = (),
    model: str | None = None,
    reason: str | None = None,
    policy: Policy | None = None,
) -> Committed:
    """Carry out *writes* by one batch and return what was written.

    Raises what an edit raises, with nothing written; `ConflictError` where others went ahead
    again and again; `PartialWriteError` where the store failed and something was, or may have
    been, written; the store's own error where nothing was.
    """
    if not writes:
        return Committed()
    change = _Change(tuple(writes), actor, tuple(sources), model, reason, policy or Policy())
    namespaces = frozenset(write.namespace for write in writes)
    deletes = all(write.value is None for write in writes)
    creates = all(write.fresh for write in writes)
    operation = "delete_memory" if deletes else "create_memory" if creates else "upsert_memory"
    with observed(operation, writes[0].namespace[0]) as seen:
        done = await Exclusive(namespaces, _carried_out(change))
        seen.records = len(done.written)
        return done


@dataclass(frozen=True, slots=True)
class _Change:
    """The arguments of a commit."""

    writes: tuple[Write, ...]
    actor: Actor
    sources: tuple[Source, ...]
    model: str | None
    reason: str | None
    policy: Policy

    def sources_of(self, write: Write) -> tuple[Source, ...]:
        """Return where *write* came from; what is quoted has passed the guard as well."""
        sources, guard = self.sources if write.sources is None else write.sources, self.policy.guard
        if guard is None:
            return sources
        return tuple(
            changed(source, quote=guard.check(source.quote).value or "") for source in sources
        )


@dataclass(frozen=True, slots=True)
class _Planned:
    """A write with its operations: the item's own first, then those of its history."""

    #: None for what is in quarantine.
    written: Written | None
    ops: tuple[PutOp, ...]
    guarded: str | None = None
    #: A whole history from elsewhere.
    past: tuple[Revision, ...] = ()

    @property
    def revision(self) -> Revision | None:
        """The revision to keep of it, if any."""
        return self.written.revision if self.written else None

    @property
    def settles(self) -> bool:
        """Whether it is written though its value is not a new one: for index or time to live."""
        op = self.ops[0]
        open_ttl = isinstance(cast("Any", op.ttl), NotProvided)
        return self.written is None or op.index is not None or not open_ttl


async def _carried_out(change: _Change) -> Committed:
    by_store = change.policy.keep_revisions != 0 and await Has(Revisions)
    for remaining in reversed(range(_TRIES)):
        current = await _current(change, histories=not by_store)
        plans, lost, guarded = _plans(change, current)
        if by_store:
            plans = await _unless_known(plans)
        ops = [plan.ops[0] for plan in plans]
        try:
            if by_store:
                written = await _noted(plans, change, current)
            else:
                written = await _replaced(plans, current)
        except ConflictError:
            if not remaining:
                raise
        except Exception as error:  # noqa: BLE001 - raised again, with an account
            await _raise_with_account(ops, current, error)
        else:
            return Committed(written, (*lost, *guarded), guarded)
    raise AssertionError("the last try returns or raises")


def _plans(
    change: _Change, current: Mapping[_Place, Item]
) -> tuple[list[_Planned], tuple[str, ...], tuple[str, ...]]:
    """Return what is to be written, and why something is left out: by an edit, by the guard."""
    plans: list[_Planned] = []
    lost: list[str] = []
    guarded: list[str] = []
    for write in change.writes:
        match _planned(write, change, current):
            case _Planned() as plan:
                plans.append(plan)
                guarded += [plan.guarded] if plan.guarded else []
            case Verdict() as verdict:
                guarded.append(_reason("Not written", verdict))
            case Skip(reason):
                lost += [reason] if reason else []
    return plans, tuple(lost), tuple(guarded)


async def _replaced(
    plans: Sequence[_Planned], current: Mapping[_Place, Item]
) -> tuple[Written, ...]:
    """Write *plans*, with their histories as items, by one batch."""
    # Items before histories: of what a failure leaves half-written, memories come first.
    ops = [plan.ops[0] for plan in plans] + [op for plan in plans for op in plan.ops[1:]]
    await replace(ops, [_updated_at(current.get((op.namespace, op.key))) for op in ops])
    return tuple(plan.written for plan in plans if plan.written)


async def _unless_known(plans: Sequence[_Planned]) -> list[_Planned]:
    """Leave out the memories with a past from elsewhere that have one here."""
    return [
        plan
        for plan in plans
        if not plan.past
        or not await StoreCall("get_revisions", (plan.ops[0].namespace, plan.ops[0].key))
    ]


async def _noted(
    plans: Sequence[_Planned], change: _Change, current: Mapping[_Place, Item]
) -> tuple[Written, ...]:
    """Write *plans* on a store that keeps revisions itself; return what was written."""
    seen = [_updated_at(current.get((plan.ops[0].namespace, plan.ops[0].key))) for plan in plans]
    plain = [place for place, plan in enumerate(plans) if not plan.revision and plan.settles]
    await replace([plans[place].ops[0] for place in plain], [seen[place] for place in plain])
    rows = [row for plan in plans for row in _rows(plan)]
    if rows:
        await StoreCall("add_revisions", (rows,))
    written = {place: plan.written for place, plan in enumerate(plans) if plan.written}
    notes = {
        place: _note(plan.revision)
        for place, plan in enumerate(plans)
        if plan.revision and not plan.past
    }
    if notes:
        step = Noted(
            tuple(plans[place].ops[0] for place in notes),
            tuple(seen[place] for place in notes),
            tuple(notes.values()),
            change.policy.keep_revisions,
        )
        for place, row in zip(notes, await step, strict=True):
            written[place] = changed(written[place], revision=row and revision_of(row))
    return tuple(written.values())


def _note(revision: Revision) -> RevisionNote:
    return RevisionNote(
        revision.action,
        revision.actor,
        tuple(json_sources(revision.sources)),
        revision.model,
        revision.reason,
    )


def _rows(plan: _Planned) -> list[RevisionRow]:
    """Return a past from elsewhere as rows; what is there after a delete was created anew."""
    born: datetime | None = None
    rows: list[RevisionRow] = []
    for one in plan.past:
        born = born or one.time
        rows.append(
            RevisionRow(
                plan.ops[0].namespace,
                plan.ops[0].key,
                one.number,
                _note(one),
                one.value,
                one.time,
                born,
            )
        )
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
    )


async def _current(change: _Change, *, histories: bool) -> dict[_Place, Item]:
    """Read the items that are to be written, and of their histories what matters."""
    written = [write for write in change.writes if not write.fresh]
    places = [(write.namespace, write.key) for write in written]
    if change.policy.keep_revisions == 0 or not histories:
        return await _read_items(places)
    latest = [(history_namespace(write.namespace), latest_key(write.key)) for write in written]
    current = await _read_items([*places, *latest])
    old = [place for write in written for place in _droppable(write, change, current)]
    return current | await _read_items(old)


def _droppable(write: Write, change: _Change, current: Mapping[_Place, Item]) -> list[_Place]:
    """Return the places of the revisions that *write* may have to drop."""
    namespace = history_namespace(write.namespace)
    latest = current.get((namespace, latest_key(write.key)))
    if latest is None:
        return []
    numbers = droppable(latest.value, change.policy.keep_revisions, erased=write.action == "erased")
    return [(namespace, numbered_key(write.key, number)) for number in numbers]


async def _read_items(places: Sequence[_Place]) -> dict[_Place, Item]:
    items = await fetch([get_op(*place, refresh_ttl=False) for place in places])
    return {place: item for place, item in zip(places, items, strict=True) if item is not None}


def _planned(
    write: Write, change: _Change, current: Mapping[_Place, Item]
) -> _Planned | Skip | Verdict:
    """Return the operations of *write*, or why there are none: a `Verdict` that blocks it."""
    item = current.get((write.namespace, write.key))
    value = write.value(item) if callable(write.value) else write.value
    if isinstance(value, Skip):
        return value
    if change.actor in ("manager", "tool"):
        value = _without_nul(value)
    if value is not None and change.policy.guard is not None:
        origin = origin_of(change.sources_of(write), change.actor)
        verdict = change.policy.guard.check(value, origin=origin)
        match verdict.action:
            case "block":
                return verdict
            case "quarantine":
                return _held(write, change, verdict)
            case _:
                value = verdict.value
    op = put_op(write.namespace, write.key, value, index=write.index, ttl=write.ttl)
    latest = current.get((history_namespace(write.namespace), latest_key(write.key)))
    oldest = (current.get(place) for place in _droppable(write, change, current))
    chain = chain_of(latest and latest.value, [one.value for one in oldest if one])
    if write.past and chain.latest:
        return Skip()
    unchanged = not (write.action or write.past) and value == (item.value if item else None)
    if unchanged or change.policy.keep_revisions == 0:
        return _Planned(Written(write.namespace, write.key, value), (op,))
    namespace = history_namespace(write.namespace)
    new = _revisions(write, change, chain, item, value)
    records = appended(write.key, chain, new, change.policy.keep_revisions)
    history = (put_op(namespace, key, one, index=False, ttl=write.ttl) for key, one in records)
    written = Written(write.namespace, write.key, value, new[-1])
    return _Planned(written, (op, *history), past=write.past)


def _held(write: Write, change: _Change, verdict: Verdict) -> _Planned:
    sources, id = change.sources_of(write), str(uuid4())
    origin = origin_of(sources, change.actor)
    found = tuple(verdict.places)
    held = Held(id, write.namespace, write.key, verdict.value, origin, utc_now(), found, sources)
    op = put_op(quarantine_namespace(write.namespace), id, held.record, index=False)
    return _Planned(None, (op,), _reason("In quarantine", verdict))


def _reason(what: str, verdict: Verdict) -> str:
    why = ", ".join(verdict.places) or "it does not come from the user"
    return f"{what}, as the guard says: {why}."


def _revisions(
    write: Write, change: _Change, chain: Chain, item: Item | None, value: dict[str, Any] | None
) -> list[Revision]:
    """Return the revisions to add: of what others left meanwhile, if anything, and of *write*."""
    if write.past:
        return list(write.past)
    new: list[Revision] = []
    before = chain.latest
    if item is not None and (before is None or before.value != item.value):
        action = "changed" if before and before.value else "created"
        before = _after(
            before, item.updated_at, action=action, value=item.value, actor="import", reason=_FOUND
        )
        new.append(before)
    revision = _after(
        before,
        utc_now(),
        action=write.action or ("deleted" if value is None else "changed" if item else "created"),
        value=value,
        actor=change.actor,
        sources=change.sources_of(write),
        model=change.model,
        reason=change.reason,
    )
    return [*new, revision]


def _after(before: Revision | None, time: datetime, **fields: Any) -> Revision:
    """Return the revision that follows *before*, with its number, and no earlier than it."""
    if before is None:
        return Revision(number=1, time=time, **fields)
    return Revision(number=before.number + 1, time=max(time, before.time + _MOMENT), **fields)


def _without_nul(value: Any) -> Any:
    """Return what a model or a message said without NUL, which PostgreSQL's JSON refuses.

    One such letter, from a file that was no text, would lose everything else in its batch.
    """
    match value:
        case str():
            return value.replace("\0", "")
        case dict():
            fields = cast("dict[str, Any]", value)
            return {_without_nul(name): _without_nul(one) for name, one in fields.items()}
        case list():
            return [_without_nul(one) for one in cast("list[Any]", value)]
        case _:
            return value


def _updated_at(item: Item | None) -> datetime | None:
    return item.updated_at if item else None


async def _raise_with_account(
    ops: Sequence[PutOp], current: Mapping[_Place, Item], error: Exception
) -> NoReturn:
    """Raise *error* where nothing was written, else a `PartialWriteError` that says what was."""
    keys = [op.key for op in ops]
    try:
        items = await fetch([get_op(op.namespace, op.key, refresh_ttl=False) for op in ops])
    except Exception:  # noqa: BLE001 - the first error is the one to report
        written, account = list[str](), f"any of these may be written or not: {keys}."
    else:
        pairs = zip(ops, items, strict=True)
        written = [op.key for op, item in pairs if _took_effect(op, item, current)]
        if not written:
            raise error
        account = f"Written: {written}. Not written: {sorted(set(keys) - set(written)) or 'none'}."
    raise PartialWriteError(
        f"The store failed while writing {len(ops)} items ({type(error).__name__}: {error}). "
        f"{account} Do the same again when the store works.",
        written=written,
        failed=[key for key in keys if key not in written],
    ) from error


def _took_effect(op: PutOp, item: Item | None, current: Mapping[_Place, Item]) -> bool:
    before, now = current.get((op.namespace, op.key)), item.value if item else None
    return now == op.value and now != (before.value if before else None)
