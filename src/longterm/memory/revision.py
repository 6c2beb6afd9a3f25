"""Revisions: what a memory was after one change, and the messages it came from. Pure.

An origin never changes, and what is derived has the weakest origin of its sources: content
can be reworded until it looks harmless, where it came from cannot.

On stores that keep no history themselves, revisions are items beside the memories. The history of
namespace ``("a", "b")`` lies in ``("longterm-history", "a", "b")``, where no search for memories
looks. A memory's latest revision has the key ``latest:<key>`` and moves to ``<number>:<key>`` when
the next one comes: so one look-up says what came last, and all others are found by their numbers,
without a search.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, Literal

from longterm.memory.model import shown_content
from longterm.memory.namespace import Namespace

__all__ = [
    "HISTORY_ROOT",
    "Action",
    "Actor",
    "Chain",
    "ExtractionRun",
    "KeepRevisions",
    "Origin",
    "Revision",
    "Source",
    "appended",
    "chain_of",
    "droppable",
    "history_namespace",
    "json_revision",
    "json_sources",
    "key_in",
    "latest_key",
    "numbered_key",
    "origin_of",
    "revision_in",
    "run_in",
    "sources_in",
    "sources_now",
    "weakest",
]

Origin = Literal["user", "assistant", "tool", "import"]
Action = Literal["created", "changed", "deleted", "restored", "erased"]
Actor = Literal["manager", "tool", "user", "import", "policy"]

#: From the most trusted to the least.
_ORIGINS: tuple[Origin, ...] = ("user", "assistant", "tool", "import")


@dataclass(frozen=True, slots=True)
class Source:
    """A message that a memory came from; None where it is not known."""

    thread_id: str | None = None
    message_id: str | None = None
    #: When it was said.
    time: datetime | None = None
    speaker: str | None = None
    #: As the message had it: user, assistant, tool, …
    role: str | None = None
    origin: Origin = "import"
    #: The words that matter, or the beginning of the message.
    quote: str = ""


_SOURCE_FIELDS = tuple(field.name for field in fields(Source))
_fields_of = attrgetter(*_SOURCE_FIELDS)


@dataclass(frozen=True, slots=True)
class ExtractionRun:
    """What one extraction used: once, for all the memories that it wrote."""

    #: The same in the revisions of one run, so that their cost is counted once.
    id: str
    #: How many memories it was to write; those that the guard kept out are among them.
    memories: int
    input_tokens: int
    output_tokens: int
    #: In US dollars, at the price of that day; None where the price is not known.
    cost: float | None = None

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    @property
    def account(self) -> str:
        """What was used, and for how many memories: "1,240 tokens, $0.0004 for 3 memories"."""
        spent = "" if self.cost is None else f", ${self.cost:.4f}"
        memories = "1 memory" if self.memories == 1 else f"{self.memories} memories"
        return f"{self.tokens:,} tokens{spent} for {memories}"


@dataclass(frozen=True, slots=True)
class Revision:
    """What a memory was after one change; a memory's revisions count from 1."""

    number: int
    action: Action
    #: The stored value; None after a delete and after an erase.
    value: dict[str, Any] | None
    time: datetime
    actor: Actor
    sources: tuple[Source, ...] = ()
    #: Name of the model that proposed the change.
    model: str | None = None
    reason: str | None = None
    #: The extraction that it came of; None where no model was asked, or none said its tokens.
    run: ExtractionRun | None = None

    @property
    def content(self) -> Any:
        """What the memory said: its text, or its fields; None where `value` is."""
        return None if self.value is None else shown_content(self.value.get("content", self.value))


def weakest(origins: Iterable[Origin]) -> Origin:
    """Return the origin that is trusted least; "import" where none is known."""
    return _ORIGINS[max(map(_ORIGINS.index, origins), default=-1)]


def origin_of(sources: Sequence[Source], actor: Actor) -> Origin:
    """Return the weakest origin of *sources*; where there are none, what *actor* stands for."""
    if sources:
        return weakest(source.origin for source in sources)
    match actor:
        case "user":
            return "user"
        case "manager" | "tool":
            return "assistant"
        case _:
            return "import"


def sources_now(revisions: Sequence[Revision]) -> list[Source]:
    """Return what a memory of these *revisions* says now came from, newest first, each once."""
    found: dict[Source, None] = {}
    for revision in reversed(revisions):
        if revision.value is None:
            break
        found.update(dict.fromkeys(revision.sources))
    return list(found)


def json_sources(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Return *sources* as JSON data, without what is not known."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in zip(_SOURCE_FIELDS, _fields_of(source), strict=True)
            if value not in (None, "")
        }
        for source in sources
    ]


def sources_in(data: Sequence[Mapping[str, Any]]) -> tuple[Source, ...]:
    """Return the sources in JSON *data*: the inverse of `json_sources`; a time has a zone."""
    return tuple(
        Source(**{**one, "time": _zoned(one["time"])} if "time" in one else one) for one in data
    )


def _zoned(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


HISTORY_ROOT = "longterm-history"


#: How many revisions of a memory are kept, or for how long; None keeps all, 0 none.
KeepRevisions = int | timedelta | None

#: Old revisions that one change drops at most.
_AT_MOST_DROPPED = 8

_Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chain:
    """What is known of the revisions that are kept of one memory."""

    latest: Revision | None = None
    #: Number of the oldest one that is kept.
    first: int = 1
    #: The oldest ones, as many as were read, from *first* on.
    oldest: tuple[Revision, ...] = ()


def history_namespace(namespace: Namespace) -> Namespace:
    """Return where the revisions of the memories in *namespace* are kept."""
    return (HISTORY_ROOT, *namespace)


def latest_key(key: str) -> str:
    """Return the key of the latest revision of memory *key*."""
    return f"latest:{key}"


def numbered_key(key: str, number: int) -> str:
    """Return the key of an earlier revision of memory *key*."""
    return f"{number:08d}:{key}"


def chain_of(latest: Mapping[str, Any] | None, oldest: Sequence[Mapping[str, Any]] = ()) -> Chain:
    """Read a memory's *latest* record, and the *oldest* ones where they matter."""
    if latest is None:
        return Chain()
    return Chain(revision_in(latest), latest["first"], tuple(map(revision_in, oldest)))


def appended(
    key: str, chain: Chain, new: Sequence[Revision], keep: KeepRevisions
) -> list[tuple[str, _Record | None]]:
    """Return what is to be put (None: deleted) so that *new* come after *chain*.

    Only what was read of the oldest is deleted, so a long history shrinks little by little.
    """
    *passed, last = [chain.latest, *new] if chain.latest else new
    begin = chain.first if chain.latest else new[0].number
    first = _first_kept(begin, chain, last, keep)
    return [
        *((numbered_key(key, old.number), None) for old in chain.oldest if old.number < first),
        *(
            (numbered_key(key, one.number), {"key": key, **json_revision(one)})
            for one in passed
            if one.number >= first
        ),
        (latest_key(key), {"key": key, "first": first, **json_revision(last)}),
    ]


def _first_kept(begin: int, chain: Chain, last: Revision, keep: KeepRevisions) -> int:
    match keep:
        case _ if last.action == "erased":
            return last.number
        case None:
            return begin
        case int():
            return max(begin, min(last.number - keep + 1, begin + len(chain.oldest) + 1))
        case timedelta():
            # What a revision said was true until the next one came.
            replaced = [later.time for later in chain.oldest[1:]]
            return begin + sum(1 for time in replaced if time < last.time - keep)


def droppable(record: Mapping[str, Any], keep: KeepRevisions, *, erased: bool) -> range:
    """Return the numbers of earlier revisions that the next change may drop.

    *record* is the latest one. A change drops a few at most, so that none takes long, an erase
    all of them.
    """
    first, last = record["first"], record["number"]
    if erased:
        return range(first, last)
    return range(first, first if keep is None else min(last, first + _AT_MOST_DROPPED))


def key_in(record: Mapping[str, Any]) -> str:
    """Return the key of the memory that a *record* is about."""
    return record["key"]


def revision_in(record: Mapping[str, Any]) -> Revision:
    """Read a record, or what `json_revision` made."""
    return Revision(
        number=record["number"],
        action=record["action"],
        value=record.get("value"),
        time=datetime.fromisoformat(record["time"]),
        actor=record["actor"],
        sources=sources_in(record.get("sources", ())),
        model=record.get("model"),
        reason=record.get("reason"),
        run=run_in(record.get("run")),
    )


def run_in(data: Mapping[str, Any] | None) -> ExtractionRun | None:
    """Read what `asdict` made of a run; None for what is no run, of a newer longterm maybe."""
    match data:
        case {
            "id": str(id),
            "memories": int(memories),
            "input_tokens": int(asked),
            "output_tokens": int(answered),
            "cost": float() | int() | None as cost,
        } if bool not in map(type, (memories, asked, answered, cost)):
            return ExtractionRun(id, memories, asked, answered, cost)
        case _:
            return None


def json_revision(revision: Revision) -> dict[str, Any]:
    """Return *revision* as JSON data, without what is not known: `revision_in` reads it."""
    data = {
        "number": revision.number,
        "action": revision.action,
        "value": revision.value,
        "time": revision.time.isoformat(),
        "actor": revision.actor,
        "sources": json_sources(revision.sources),
        "model": revision.model,
        "reason": revision.reason,
        "run": revision.run and asdict(revision.run),
    }
    return {name: value for name, value in data.items() if value not in (None, [])}
