"""Past experience as examples for a prompt: the episodes most like what happens now.

No model is asked. The result has a `text`, so that it can stand wherever a recall can, and is
empty where nothing alike was ever kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, cast

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, SearchItem
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Reach, best_of_each, score_of, search_within, together
from longterm.memory.conversation import as_messages, windows
from longterm.memory.namespace import NamespaceTemplate
from longterm.text.quoting import as_label, fenced, indented, turn
from longterm.types import Conversation, MessagesInput

__all__ = ["Examples", "FewShot", "create_few_shot"]

_HEADING = "Earlier cases much like this one. Learn from them; do not mistake them for this one."


@dataclass(frozen=True, slots=True)
class Examples:
    """Episodes that were found, best first, and the block of text that shows them."""

    items: tuple[SearchItem, ...]
    text: str


class FewShot(FlowRunnable[MessagesInput | Conversation, Examples]):
    """Finds examples for ``{"messages": …}``, messages or a text; see `create_few_shot`."""

    def __init__(
        self,
        namespace: NamespaceTemplate,
        kind: str | None,
        limit: int,
        store: BaseStore | None,
        *,
        exact: bool,
    ) -> None:
        self.namespace = namespace
        self.kind = kind
        self.limit = limit
        self.store = store
        self.exact = exact

    @override
    async def flow(self, input: MessagesInput | Conversation, config: RunnableConfig) -> Examples:
        reach = Reach(self.namespace.location(config), self.exact)
        only = {"kind": self.kind} if self.kind else None
        queries = windows(as_messages(input), 2)
        found = await together(
            [search_within(reach, query, filter=only, limit=self.limit) for query in queries]
        )
        # Among equals, what the last words found.
        once = best_of_each(chain.from_iterable(found))
        items = tuple(sorted(once, key=score_of, reverse=True)[: self.limit])
        return Examples(items, _block(items))


def _block(items: Sequence[SearchItem]) -> str:
    """Show *items* as numbered examples, fenced; nothing for none."""
    if not items:
        return ""
    blocks: list[str] = []
    for number, item in enumerate(items, 1):
        content = item.value.get("content", item.value)
        if isinstance(content, Mapping):
            fields = cast("Mapping[str, Any]", content).items()
            content = "\n".join(
                turn(as_label(name.replace("_", " ").capitalize()), str(said))
                for name, said in fields
                if said not in (None, "", [], {})
            )
        else:
            content = indented(str(content))
        shown = fenced(content, "example", "examples")
        blocks.append(f'<example number="{number}">\n{shown}\n</example>')
    return "\n".join([_HEADING, "<examples>", *blocks, "</examples>"])


def create_few_shot(
    namespace: tuple[str, ...] | str = ("memories", "{langgraph_user_id}"),
    *,
    kind: str | None = None,
    limit: int = 3,
    store: BaseStore | None = None,
    exact: bool = False,
) -> FewShot:
    """Create a finder of examples among the memories in *namespace*.

    *kind* is the name of the schema whose memories are examples, such as "Episode"; without
    it, all are. What lies below *namespace* is found too, unless *exact*.
    """
    return FewShot(NamespaceTemplate(namespace), kind, limit, store, exact=exact)
