"""Erasing: a memory with its history, what was derived from it, and an account of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, cast

from langgraph.store.base import Item, ListNamespacesOp, MatchCondition

from longterm.commit import Write, commit, drop_quotes
from longterm.effects.capabilities import Revisions
from longterm.effects.erasure import forget_texts
from longterm.effects.steps import Batch, Has, StoreCall, fetch, get_op, search_exactly
from longterm.history import reading
from longterm.history.quarantine import drop, held_in
from longterm.history.tables import erased, replace_notes
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Actor, Source
from longterm.stores.base import CapableStore
from longterm.stores.operations import Scrub

__all__ = ["Erasure", "SourceFilter", "erase", "purge", "scrub_store"]

#: A thread's or message's id, a speaker, a source whose set fields must agree, or a function.
SourceFilter = str | Source | Callable[[Source], bool]

_BEYOND = (
    "backups and exports made before",
    "what model providers have logged",
    "messages and running summaries in a LangGraph checkpointer, whose threads are deleted there",
)
_OF_ANY_STORE = ("what the store keeps of its own: logs, replicas, snapshots",)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What an erase removed, by place, and what it could not reach."""

    #: How many were removed of items, revisions, …
    removed: dict[str, int] = field(default_factory=dict[str, int])
    #: Memories that came from what was erased, with their namespaces.
    derived: tuple[tuple[Namespace, str], ...] = ()
    #: What an erase cannot reach.
    beyond: tuple[str, ...] = _BEYOND

    def __add__(self, other: Erasure) -> Erasure:
        """Return the account of both."""
        removed = dict(Counter(self.removed) + Counter(other.removed))
        derived = tuple(dict.fromkeys([*self.derived, *other.derived]))
        return Erasure(removed, derived, tuple(dict.fromkeys([*self.beyond, *other.beyond])))


async def erase(
    namespace: Namespace,
    key: str | None,
    *,
    cascade: bool,
    derived_in: Namespace | None,
    actor: Actor,
) -> Erasure:
    """Erase *key*, or all of *namespace*; see `History.erase`. `scrub_store` follows."""
    if derived_in is None and namespace[0] == "turns":
        derived_in = ("memories", *namespace[1:])
    if derived_in is None:
        return await _removed(namespace, key, actor)
    said = await _erased_messages(namespace, key)

    def was_said(source: Source) -> bool:
        return (source.thread_id, source.message_id) in said

    derived = await _came_from(derived_in, was_said)
    report = await _removed(namespace, key, actor)
    # It waits with its sources, and their quotes.
    held_of_it = [held for held in await held_in(derived_in) if any(map(was_said, held.sources))]
    await drop(held_of_it, scrub=False)
    report += Erasure({"quarantine": len(held_of_it)})
    for one in derived:
        if cascade:
            report += await _removed(derived_in, one, actor)
        else:
            await drop_quotes(derived_in, one, said, replace_notes)
    return report + Erasure(derived=tuple((derived_in, one) for one in derived))


async def purge(namespace: Namespace, source: SourceFilter) -> Erasure:
    """Erase what came from *source*; see `History.purge`. `scrub_store` follows."""
    report, matches = Erasure(), _matcher(source)
    held = [one for one in await held_in(namespace) if any(map(matches, one.sources))]
    await drop(held, scrub=False)
    report += Erasure({"quarantine": len(held)})
    for key in await _came_from(namespace, matches):
        report += await _removed(namespace, key, "user")
    return report


async def scrub_store() -> None:
    """Have a store of ours remove the last bytes of what was erased, once for all of it.

    It may have to wait for readers. So it is the last thing that an erase does: where they read
    on for too long, nothing but those bytes is left.
    """
    if await Has(CapableStore):
        await Batch((cast("Any", Scrub()),))


async def _removed(namespace: Namespace, key: str | None, actor: Actor) -> Erasure:
    by_store, keys = await Has(Revisions), list[str | None]([key])
    if key is None:
        here = MatchCondition("prefix", namespace)
        (places,) = await Batch((ListNamespacesOp((here,), limit=2),))
        # A store erases what lies below as well, and that is another's.
        if not by_store or any(tuple(place) != namespace for place in places):
            living = await search_exactly(namespace, refresh_ttl=False)
            known = await reading.all_revisions(namespace)
            keys = [*dict.fromkeys([*(item.key for item in living), *known])]
    left = await StoreCall("left_by_erase", ()) if await Has(CapableStore) else _OF_ANY_STORE
    report = Erasure(beyond=(*_BEYOND, *left))
    held = [one for one in await held_in(namespace) if key is None or one.key == key]
    await drop(held, scrub=False)
    report += Erasure({"quarantine": len(held)})
    for one in keys:
        if by_store:
            report += Erasure(await erased(namespace, one, actor))
        elif one is not None:
            report += await _one_removed(namespace, one, actor)
    forget_texts(namespace, key)
    return report


async def _one_removed(namespace: Namespace, key: str, actor: Actor) -> Erasure:
    revisions = await reading.revisions_of(namespace, key)
    [item] = await fetch([get_op(namespace, key, refresh_ttl=False)])
    if item is None and (not revisions or revisions[-1].action == "erased"):
        return Erasure()
    await commit([Write(namespace, key, None, action="erased")], actor=actor)
    contents = [one for one in revisions if one.action != "erased"]
    return Erasure({"items": 0 if item is None else 1, "revisions": len(contents)})


async def _erased_messages(namespace: Namespace, key: str | None) -> set[tuple[str | None, str]]:
    """Return how sources name the turns that are erased: by thread and by message or turn."""
    if key is None:
        turns: Sequence[Item | None] = await search_exactly(namespace, refresh_ttl=False)
    else:
        turns = await fetch([get_op(namespace, key, refresh_ttl=False)])
    # Another program may have written anything there.
    values = [(turn.key, turn.value) for turn in turns if turn is not None]
    return {
        (thread if isinstance(thread := value.get("thread"), str) and thread else None, id)
        for key, value in values
        for id in (key, value.get("message_id"))
        if isinstance(id, str) and id
    }


async def _came_from(namespace: Namespace, matches: Callable[[Source], bool]) -> list[str]:
    """Return the keys of memories with a revision of which a source *matches*."""
    revisions = await reading.all_revisions(namespace)
    return [
        key
        for key, ones in revisions.items()
        if any(matches(source) for revision in ones for source in revision.sources)
    ]


def _matcher(wanted: SourceFilter) -> Callable[[Source], bool]:
    match wanted:
        case str():
            return lambda source: wanted in (source.thread_id, source.message_id, source.speaker)
        case Source():
            empty = Source()
            names = [
                one.name
                for one in fields(Source)
                if getattr(wanted, one.name) != getattr(empty, one.name)
            ] or ["origin"]  # nothing else is said, so that is meant
            return lambda source: all(
                getattr(source, name) == getattr(wanted, name) for name in names
            )
        case _:
            return wanted
