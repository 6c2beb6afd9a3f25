"""History on stores that keep none themselves: revisions as items beside the memories. Pure.

The history of namespace ``("a", "b")`` lies in ``("longterm-history", "a", "b")``, where no
search for memories looks. A memory's latest revision has the key ``latest:<key>`` and moves to
``<number>:<key>`` when the next one comes: so one look-up says what came last, and all others
are found by their numbers, without a search.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from longterm.memory.namespace import Namespace
from longterm.memory.revision import ExtractionRun, Revision, json_sources, sources_in

__all__ = [
    "HISTORY_ROOT",
    "Chain",
    "KeepRevisions",
    "appended",
    "chain_of",
    "droppable",
    "history_namespace",
    "json_revision",
    "key_in",
    "latest_key",
    "numbered_key",
    "revision_in",
    "run_in",
]

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
