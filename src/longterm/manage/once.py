"""What is kept once, however often and by however many at a time it is given."""

from __future__ import annotations

import json
import uuid
from typing import Any

from langgraph.store.base import Item

from longterm.commit import Policy, Skip, Write, commit
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Actor, Source

__all__ = ["keep_once"]

_GIVEN = uuid.uuid5(uuid.NAMESPACE_URL, "longterm/once")


async def keep_once(
    namespace: Namespace,
    value: dict[str, Any],
    *,
    actor: Actor,
    sources: tuple[Source, ...] | None,
    policy: Policy,
) -> str:
    """Keep *value* and return its key, which follows from it: the same once more adds nothing.

    Raises `GuardedError` for what the guard keeps out.
    """
    key, taken = "", True

    def unless_there(item: Item | None) -> dict[str, Any] | Skip:
        nonlocal taken
        if item is None:
            taken = False
            return value
        kept = value if policy.guard is None else policy.guard.check(value).value
        taken = item.value != kept
        return Skip()

    while taken:  # what was kept then says something else by now
        said = json.dumps([namespace, key, value], sort_keys=True, default=str)
        key = str(uuid.uuid5(_GIVEN, said))
        write = Write(namespace, key, unless_there, fresh=True, sources=sources)
        (await commit([write], actor=actor, policy=policy)).checked()
    return key
