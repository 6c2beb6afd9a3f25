"""Past experience as examples for a prompt: the episodes most like what happens now.

No model is asked. The result has a `text`, so that it can stand wherever a recall can, and is
empty where nothing alike was ever kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, SearchItem, SearchOp
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import search, together
from longterm.memory.conversation import as_messages, windows
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.text.fences import fenced
from longterm.text.quoting import as_label, turn

__all__ = ["Examples", "FewShot", "create_few_shot"]

#: How many to look at where others' memories lie below, and fill what was found.
_MANY = 1_000
_HEADING = "Earlier cases much like this one. Learn from them; do not mistake them for this one."


@dataclass(frozen=True, slots=True)
class Examples:
    """Episodes that were found, best first, and the block of text that shows them."""

    items: tuple[SearchItem, ...]
    text: str


class FewShot(FlowRunnable[Any, Examples]):
    """Finds examples for ``{"messages": …}``, messages or a text; see `create_few_shot`."""

    def __init__(
        self, namespace: NamespaceTemplate, kind: str | None, limit: int, store: BaseStore | None
    ) -> None:
        self.namespace = namespace
        self.kind = kind
        self.limit = limit
        self.store = store

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Examples:
        namespace = self.namespace(config)
        queries = windows(as_messages(input), 2)
        only = {"kind": self.kind} if self.kind else None
        found = [_own(namespace, only, self.limit, query) for query in queries]
        items = _best(await together(found), self.limit)
        return Examples(items, _block(items))


async def _own(
    namespace: Namespace, only: dict[str, Any] | None, limit: int, query: str
) -> list[SearchItem]:
    """Search in *namespace*; what lies below it is somebody else's, and a search finds it too."""
    mine: list[SearchItem] = []
    for most in (limit, _MANY):
        [found] = await search([SearchOp(namespace, only, most, query=query)])
        mine = [one for one in found if one.namespace == namespace]
        if len(mine) >= limit or len(mine) == len(found):
            break
    return mine[:limit]


def _best(found: Sequence[Sequence[SearchItem]], limit: int) -> tuple[SearchItem, ...]:
    """Return the best *limit* of all that was found; among equals, what the last words found."""
    once: dict[str, SearchItem] = {}
    for item in (item for items in found for item in items):
        once[item.key] = max(once.get(item.key, item), item, key=_score)
    return tuple(sorted(once.values(), key=_score, reverse=True)[:limit])


def _score(item: SearchItem) -> float:
    return item.score or 0.0


def _block(items: Sequence[SearchItem]) -> str:
    if not items:
        return ""
    shown = "\n".join(
        f'<example number="{number}">\n{_shown(item.value)}\n</example>'
        for number, item in enumerate(items, 1)
    )
    return f"{_HEADING}\n<examples>\n{shown}\n</examples>"


def _shown(value: Mapping[str, Any]) -> str:
    content = value.get("content", value)
    if isinstance(content, Mapping):
        content = "\n".join(_lines(cast("Mapping[str, Any]", content)))
    return fenced(str(content), "example", "examples")


def _lines(content: Mapping[str, Any]) -> Iterator[str]:
    for name, said in content.items():
        if said not in (None, "", [], {}):
            yield turn(as_label(name.replace("_", " ").capitalize()), str(said))


def create_few_shot(
    namespace: tuple[str, ...] | str = ("memories", "{langgraph_user_id}"),
    *,
    kind: str | None = None,
    limit: int = 3,
    store: BaseStore | None = None,
) -> FewShot:
    """Create a finder of examples among the memories in *namespace*.

    *kind* is the name of the schema whose memories are examples, such as "Episode"; without
    it, all are.
    """
    return FewShot(NamespaceTemplate(namespace), kind, limit, store)
