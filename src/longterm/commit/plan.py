"""What is to be written, from what is there: operations, revisions, the guard's answer. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace as changed
from datetime import datetime, timedelta
from typing import Any, NamedTuple, cast
from uuid import NAMESPACE_OID, uuid5

from langgraph.store.base import NOT_PROVIDED, Item, NotProvided, PutOp
from pydantic_core import to_json

from longterm.effects.capabilities import RevisionNote, RevisionRow
from longterm.effects.clock import utc_now
from longterm.effects.steps import Index, Ttl, put_op
from longterm.errors import ConfigurationError, ConflictError, GuardedError
from longterm.guard import Guard, Orders, Verdict
from longterm.memory.model import TURN
from longterm.memory.namespace import Namespace
from longterm.memory.quarantine import Held, quarantine_namespace
from longterm.memory.revision import (
    Action,
    Actor,
    Chain,
    ExtractionRun,
    KeepRevisions,
    Revision,
    Source,
    appended,
    chain_of,
    droppable,
    history_namespace,
    json_sources,
    latest_key,
    numbered_key,
    origin_of,
    run_in,
)
from longterm.text.characters import mapped, whole_characters

__all__ = [
    "Change",
    "Committed",
    "Edit",
    "Place",
    "Plan",
    "Policy",
    "Skip",
    "Write",
    "Written",
    "checked_by",
    "if_unchanged",
    "note_of",
    "plans_of",
    "updated_at",
]

#: Revisions of a memory are at least this far apart.
_MOMENT = timedelta(microseconds=1)
_FOUND = "found in the store: written there by another program"

#: Where an item lies: its namespace and key.
Place = tuple[Namespace, str]


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
    #: Nothing is known under the key, so that it is read only where the store cannot tell.
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

    def __post_init__(self) -> None:
        """Refuse what says no number and no time: everything would be kept, or nothing."""
        match self.keep_revisions:
            case None:
                pass
            case int() as count if count >= 0 and not isinstance(count, bool):
                pass
            case timedelta() as time if time >= timedelta():
                pass
            case other:
                raise ConfigurationError(
                    "keep_revisions is a number from 0, a timedelta, or None to keep all, not "
                    f"{other!r}."
                )


class Written(NamedTuple):
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
        # Times alone do not tell: LangGraph's SqliteStore writes whole seconds.
        if _state(item) != _state(before):
            raise ConflictError("The memory was changed meanwhile: read it again and decide anew.")
        return value

    return edit


def _state(item: Item | None) -> tuple[datetime, dict[str, Any]] | None:
    return (item.updated_at, item.value) if item else None


def note_of(
    action: Action,
    actor: Actor,
    sources: Sequence[Source],
    *,
    model: str | None,
    reason: str | None,
    run: ExtractionRun | None,
) -> RevisionNote:
    """Return what a store that keeps revisions itself is to note of a change."""
    return RevisionNote(
        action, actor, tuple(json_sources(sources)), model, reason, run and asdict(run)
    )


def updated_at(item: Item | None) -> datetime | None:
    """Return when *item* was last written; None for one that is not there."""
    return item.updated_at if item else None


@dataclass(frozen=True, slots=True)
class Change:
    """The arguments of a commit."""

    writes: tuple[Write, ...]
    actor: Actor
    sources: tuple[Source, ...]
    model: str | None
    reason: str | None
    policy: Policy
    run: ExtractionRun | None = None

    def past_of(self, write: Write) -> list[Revision]:
        """Return the past that *write* brings along, without what the guard keeps out."""
        guard = self.policy.guard
        if guard is None:
            return list(write.past)
        checked = [(one, guard.check(one.value)) for one in write.past]
        return [
            changed(one, value=verdict.value, sources=self.guarded(one.sources))
            for one, verdict in checked
            if verdict.action in ("allow", "redact")
        ]

    def guarded(self, sources: tuple[Source, ...]) -> tuple[Source, ...]:
        """Return *sources* with what the guard leaves of their quotes."""
        guard = self.policy.guard
        if guard is None or not sources:
            return sources
        quoted = ((one, guard.check(one.quote).value or "") for one in sources)
        return tuple(
            one if quote == one.quote else changed(one, quote=quote) for one, quote in quoted
        )

    def droppable(self, write: Write, current: Mapping[Place, Item]) -> list[Place]:
        """Return the places of the revisions that *write* may have to drop."""
        namespace = history_namespace(write.namespace)
        latest = current.get((namespace, latest_key(write.key)))
        if latest is None:
            return []
        keep, erased = self.policy.keep_revisions, write.action == "erased"
        numbers = droppable(latest.value, keep, erased=erased)
        return [(namespace, numbered_key(write.key, number)) for number in numbers]

    def chain(self, write: Write, current: Mapping[Place, Item]) -> Chain:
        """Return what was read of the revisions of the memory that *write* is about."""
        place = history_namespace(write.namespace), latest_key(write.key)
        latest = current.get(place)
        oldest = (current.get(one) for one in self.droppable(write, current))
        return chain_of(latest and latest.value, [one.value for one in oldest if one])


class Plan(NamedTuple):
    """A write with its operations: the item's own first, then those of its history."""

    #: None for what is in quarantine.
    written: Written | None
    ops: tuple[PutOp, ...]
    #: When the item was last written, as it was read; None for one that was not there.
    seen: datetime | None
    guarded: str | None = None
    #: A whole history from elsewhere.
    past: tuple[Revision, ...] = ()
    #: What a store that keeps revisions itself is to note of it, and the messages it came from.
    note: RevisionNote | None = None
    sources: tuple[Source, ...] = ()

    @property
    def place(self) -> Place:
        """Where the item lies."""
        return self.ops[0].namespace, self.ops[0].key

    def written_as(self, row: RevisionRow | None) -> Written:
        """Return what was written, with the revision that a store left of it; None for none."""
        op, note = self.ops[0], self.note
        value = cast("dict[str, Any] | None", op.value)
        if row is None or note is None:
            return Written(op.namespace, op.key, value)
        revision = Revision(
            row.number, cast("Action", note.action), value, row.time,
            cast("Actor", note.actor), self.sources, note.model, note.reason,
            run_in(note.run),
        )  # fmt: skip
        return Written(op.namespace, op.key, value, revision)

    @property
    def settles(self) -> bool:
        """Whether it is written though its value is not a new one: for index or time to live."""
        op = self.ops[0]
        open_ttl = isinstance(cast("Any", op.ttl), NotProvided)
        return self.written is None or op.index is not None or not open_ttl


def plans_of(
    change: Change, current: Mapping[Place, Item], *, in_items: bool = True
) -> tuple[list[Plan], tuple[str, ...], tuple[str, ...]]:
    """Return what is to be written, and why something is left out: by an edit, by the guard.

    *current* has the items that are there, of those to be written and, *in_items*, of their
    histories.
    """
    plans: list[Plan] = []
    lost: list[str] = []
    guarded: list[str] = []
    for write in change.writes:
        match _plan_of(write, change, current, in_items=in_items):
            case Plan() as plan:
                plans.append(plan)
                guarded += [plan.guarded] if plan.guarded else []
            case Verdict() as verdict:
                guarded.append(verdict.account("Not written"))
            case Skip(reason):
                lost += [reason] if reason else []
    return plans, tuple(lost), tuple(guarded)


def _plan_of(
    write: Write, change: Change, current: Mapping[Place, Item], *, in_items: bool
) -> Plan | Skip | Verdict:
    """Return the operations of *write*, or why there are none: a `Verdict` that blocks it."""
    item = current.get((write.namespace, write.key))
    seen = updated_at(item)
    value = write.value(item) if callable(write.value) else write.value
    if isinstance(value, Skip):
        return value
    if change.actor in ("manager", "tool"):
        value = _storable(value)
    keep, guard = change.policy.keep_revisions, change.policy.guard
    sources = change.guarded(change.sources if write.sources is None else write.sources)
    if value is not None and guard is not None:
        match _checked(write, change, value, sources, guard):
            case Plan() as aside:
                return aside
            case Verdict(action="block") as verdict:
                return verdict
            case Verdict(value=left):
                value = left
    op = put_op(write.namespace, write.key, value, index=write.index, ttl=write.ttl)
    chain = change.chain(write, current) if in_items and keep != 0 else Chain()
    if write.past and chain.latest:
        return Skip()
    unchanged = not (write.action or write.past) and value == (item.value if item else None)
    if unchanged or keep == 0:
        return Plan(Written(write.namespace, write.key, value), (op,), seen)
    past = tuple(change.past_of(write)) if write.past else ()
    if not in_items and not past:
        action = _action(write, item, value)
        note = note_of(
            action, change.actor, sources, model=change.model, reason=change.reason, run=change.run
        )
        written = Written(write.namespace, write.key, value)
        return Plan(written, (op,), seen, note=note, sources=sources)
    new = list(past) or _revisions(write, change, sources, chain.latest, item=item, value=value)
    written = Written(write.namespace, write.key, value, new[-1])
    if not in_items:
        return Plan(written, (op,), seen, past=past)
    namespace = history_namespace(write.namespace)
    records = appended(write.key, chain, new, keep)
    history = (put_op(namespace, key, one, index=False, ttl=write.ttl) for key, one in records)
    return Plan(written, (op, *history), seen, past=past)


def _checked(
    write: Write,
    change: Change,
    value: dict[str, Any],
    sources: tuple[Source, ...],
    guard: Guard,
) -> Plan | Verdict:
    """Return what the guard says of *value* or, where that is quarantine, the way there."""
    actor = change.actor
    if write.past:  # an import does not wash anything: its origin comes along
        sources, actor = change.guarded(write.past[-1].sources), write.past[-1].actor
    allowed = (
        value.get("kind") == TURN  # what was said, whatever it was
        or write.action == "restored"  # who restores something has decided
        # An import is its operator's own act.
        or (change.actor == "import" and origin_of(sources, actor) == "import")
    )
    verdict = checked_by(guard, value, sources, actor, orders_allowed=allowed)
    if verdict.action != "quarantine":
        return verdict
    # The same once more takes the place of the first; of a turn its key says enough.
    content = "" if value.get("kind") == TURN else to_json(verdict.value).decode()
    said = "\0".join((*write.namespace, write.key, content))
    id, places = str(uuid5(NAMESPACE_OID, said)), tuple(verdict.places)
    kept, origin = verdict.value, origin_of(sources, actor)
    held = Held(id, write.namespace, write.key, kept, origin, utc_now(), places, sources)
    aside = put_op(quarantine_namespace(write.namespace), id, held.record, index=False)
    return Plan(None, (aside,), None, verdict.account("In quarantine"))


def checked_by(
    guard: Guard,
    value: Any,
    sources: tuple[Source, ...],
    actor: Actor,
    *,
    orders_allowed: bool = False,
) -> Verdict:
    """Return what *guard* says of *value*, which came from *sources* and is written by *actor*."""
    origin = origin_of(sources, actor)
    explained = any(one.message_id for one in sources)
    # What an agent writes that no message explains is for its user, unless a tool has spoken.
    allowed = orders_allowed or (origin == "assistant" and not explained)
    orders: Orders = None if allowed else "and claims" if explained else "alone"
    return guard.check(value, origin=origin, orders=orders)


def _revisions(
    write: Write,
    change: Change,
    sources: tuple[Source, ...],
    before: Revision | None,
    *,
    item: Item | None,
    value: dict[str, Any] | None,
) -> list[Revision]:
    """Return the revisions to add: of what others left meanwhile, if anything, and of *write*."""
    new: list[Revision] = []
    if item is not None and (before is None or before.value != item.value):
        action = "changed" if before and before.value else "created"
        before = _after(
            before, item.updated_at, action=action, value=item.value, actor="import", reason=_FOUND
        )
        new.append(before)
    revision = _after(
        before,
        utc_now(),
        action=_action(write, item, value),
        value=value,
        actor=change.actor,
        sources=sources,
        model=change.model,
        reason=change.reason,
        run=change.run,
    )
    return [*new, revision]


def _action(write: Write, item: Item | None, value: dict[str, Any] | None) -> Action:
    return write.action or ("deleted" if value is None else "changed" if item else "created")


def _after(before: Revision | None, time: datetime, **fields: Any) -> Revision:
    """Return the revision that follows *before*, with its number, and no earlier than it."""
    if before is None:
        return Revision(number=1, time=time, **fields)
    return Revision(number=before.number + 1, time=max(time, before.time + _MOMENT), **fields)


def _storable(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what a model or a message said without NUL and without halves of emoji.

    One such letter, from a file that was no text, would lose everything else in its batch:
    PostgreSQL's JSON refuses NUL, and UTF-8 has no halves.
    """
    try:
        if b"\\u0000" not in to_json(value):
            return value
    except ValueError:
        pass
    return cast(
        "dict[str, Any]", mapped(lambda text: whole_characters(text.replace("\0", "")), value)
    )
