"""The history of a store's memories: what they were, restored, erased, taken elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, Item, SearchItem

from longterm.commit import Policy, Skip, Write, commit
from longterm.effects.clock import utc_now
from longterm.effects.drivers import arun, run
from longterm.effects.runnable import both
from longterm.errors import InvalidInputError, UnknownMemoryError
from longterm.history import reading
from longterm.history.erasing import Erasure, SourceFilter, erase, purge, scrub_store
from longterm.history.exchange import Cursor, Imported, export_page, header, import_lines
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Actor, Revision, Source, sources_now
from longterm.memory.world_time import WorldTime, held_at, moment_of

__all__ = ["History"]


class History:
    """The history of the memories in *store*, any LangGraph store.

    Every method has an awaited form, ``of`` and ``aof``, and is written once, as a flow that
    other flows can await: ``of_flow``. A namespace
    means exactly that one, not what lies below. On stores that keep no revisions themselves
    they are items in ``("longterm-history", *namespace)``; there a program that writes past
    longterm leaves none.
    """

    def __init__(
        self,
        store: BaseStore,
        *,
        policy: Policy | None = None,
        world_times: Mapping[str, WorldTime] | None = None,
    ) -> None:
        self.store = store
        self.config = RunnableConfig()
        self.policy = policy or Policy()
        #: By kind, which fields say when a memory holds in the world; see `longterm.ValidFrom`.
        self.world_times = world_times or {}

    async def of_flow(self, namespace: Namespace, key: str) -> list[Revision]:
        """Return the revisions of a memory, oldest first; none where it never was."""
        return await reading.revisions_of(_labels_of(namespace), key)

    of, aof = both(of_flow)

    async def as_of_flow(
        self,
        namespace: Namespace,
        time: datetime | None = None,
        key: str | None = None,
        *,
        valid_at: date | None = None,
    ) -> Any:
        """Return what a namespace held at *time*, None for now: a list of items.

        With *key* only that one, or None. With *valid_at* only what says of itself that it was
        true then (see `longterm.ValidFrom`). A time without a zone is local time.
        """
        found = await self.state(_labels_of(namespace), time, key=key, valid_at=valid_at)
        if key is None:
            return found
        return found[0] if found else None

    as_of, aas_of = both(as_of_flow)

    async def state(
        self,
        namespace: Namespace,
        time: datetime | None,
        *,
        valid_at: date | None = None,
        key: str | None = None,
        query: str | None = None,
        filter: Mapping[str, Any] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[SearchItem]:
        """Find among what *namespace* held at *time*; a flow, for other flows."""
        moment = utc_now() if time is None else moment_of(time)
        found = await reading.state_at(
            namespace, moment.astimezone(UTC), key=key, query=query, filter=filter
        )
        if valid_at is not None:
            then = moment_of(valid_at)
            found = [item for item in found if held_at(item.value, then, self.world_times)]
        return found[offset : None if limit is None else offset + limit]

    async def restore_flow(
        self, namespace: Namespace, key: str, revision: int, *, actor: Actor = "user"
    ) -> Revision:
        """Make a memory what it was after *revision*, a number; return the new revision.

        Raises `UnknownMemoryError` where there is no such revision, and `InvalidInputError`
        where it holds no content.
        """
        place = _labels_of(namespace)
        revisions = await reading.revisions_of(place, key)
        wanted = next((one for one in revisions if one.number == revision), None)
        if wanted is None:
            raise UnknownMemoryError(key, revision if revisions else None)
        value = wanted.value
        if value is None:
            raise InvalidInputError(
                f"Revision {revision} says that the memory was {wanted.action}: it has no content "
                "to restore. Choose an earlier one."
            )

        def edit(item: Item | None) -> dict[str, Any] | Skip:
            return Skip() if item is not None and item.value == value else value

        write = Write(place, key, edit, sources=wanted.sources, action="restored")
        done = await commit([write], actor=actor, policy=self.policy)
        return done.written[0].revision or wanted if done.written else revisions[-1]

    restore, arestore = both(restore_flow)

    async def sources_flow(self, namespace: Namespace, key: str) -> list[Source]:
        """Return the messages that what a memory says now came from, newest first, each once."""
        return sources_now(await reading.revisions_of(_labels_of(namespace), key))

    sources, asources = both(sources_flow)

    async def erase_flow(
        self,
        namespace: Namespace,
        key: str | None = None,
        *,
        cascade: bool = False,
        derived_in: Namespace | None = None,
        actor: Actor = "user",
    ) -> Erasure:
        """Remove a memory, or all of a namespace, with its history; nothing brings it back.

        Each leaves only that it was erased, and when. What is erased may be the source of
        memories in *derived_in* (for turns, the memories of the same labels): the report lists
        these, and with *cascade* they are erased as well; else they stay, without what they
        quote of it.
        """
        report = await erase(
            _labels_of(namespace), key, cascade=cascade, derived_in=derived_in, actor=actor
        )
        await scrub_store()
        return report

    erase, aerase = both(erase_flow)

    async def purge_flow(self, namespace: Namespace, source: SourceFilter) -> Erasure:
        """Erase every memory of a namespace that came from *source*, if only in part.

        *source* is the id of a thread or message, the name of a speaker or tool, a `Source` of
        which all that is set must agree, or a function of a source.
        """
        report = await purge(_labels_of(namespace), source)
        await scrub_store()
        return report

    purge, apurge = both(purge_flow)

    def export(self, *namespaces: Namespace) -> Iterator[str]:
        """Yield lines of JSON: all that is in *namespaces*, with its revisions and sources."""
        yield header()
        for namespace in map(_labels_of, namespaces):
            cursor: Cursor | None = Cursor()
            while cursor is not None:
                lines, cursor = run(export_page(namespace, cursor), store=self.store)
                yield from lines

    async def aexport(self, *namespaces: Namespace) -> AsyncIterator[str]:
        """Yield what `export` yields."""
        yield header()
        for namespace in map(_labels_of, namespaces):
            cursor: Cursor | None = Cursor()
            while cursor is not None:
                lines, cursor = await arun(export_page(namespace, cursor), store=self.store)
                for line in lines:
                    yield line

    async def import_flow(
        self,
        lines: Iterable[str | bytes],
        *,
        namespace: Namespace | None = None,
        bring_back_erased: bool = False,
    ) -> Imported:
        """Bring in what `export` wrote, or Mem0's export; what is there already stays as it is.

        *namespace* takes the place of the namespaces in *lines*. Importing twice changes
        nothing. What was erased here stays erased, unless *bring_back_erased*: then it comes
        back as it was last, without its earlier revisions. Raises `InvalidInputError` with the
        number of the line that cannot be read.
        """
        return await import_lines(
            lines,
            None if namespace is None else _labels_of(namespace),
            self.policy,
            bring_back_erased=bring_back_erased,
        )

    import_, aimport = both(import_flow)


def _labels_of(namespace: Any) -> Namespace:
    """Return *namespace* as a tuple; one label may stand by itself."""
    labels = (namespace,) if isinstance(namespace, str) else tuple(namespace)
    if not labels or not all(isinstance(label, str) and label for label in labels):
        raise InvalidInputError(f"A namespace is a tuple of texts, not {namespace!r}.")
    return labels
