"""Where memories came from, as the history says: for their place in time and beside their turns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile

from longterm.history.reading import revisions_of_each, state_at
from longterm.memory.namespace import Namespace
from longterm.recall.candidates import Candidate, as_candidate

__all__ = ["memories_at", "sourced"]


async def sourced(memories: Sequence[Candidate]) -> dict[Candidate, Candidate]:
    """Each of *memories* with its sources, and the time of what it tells instead of its writing."""
    by_namespace: defaultdict[Namespace, list[Candidate]] = defaultdict(list)
    for one in memories:
        by_namespace[one.namespace].append(one)
    found: dict[Candidate, Candidate] = {}
    for namespace, here in by_namespace.items():
        revisions = await revisions_of_each(namespace, [one.key for one in here])
        for one in here:
            # Those of the last change that names any, since the last delete.
            alive = takewhile(lambda past: past.value is not None, reversed(revisions[one.key]))
            sources = next((past.sources for past in alive if past.sources), one.sources)
            said = [source.time for source in sources if source.time is not None]
            time = max(said, default=one.time)
            found[one] = replace(one, sources=sources, time=time, is_sourced=True)
    return found


async def memories_at(namespaces: Iterable[Namespace], time: datetime) -> list[Candidate]:
    """Return the memories of *namespaces* as they were at *time*."""
    return [
        as_candidate(item) for namespace in namespaces for item in await state_at(namespace, time)
    ]
