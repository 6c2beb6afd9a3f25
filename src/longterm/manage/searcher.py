"""Search by a model's queries: several aspects of a conversation, one ranked answer."""

from __future__ import annotations

from itertools import chain

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, SearchItem
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Reach, best_of_each, score_of, together
from longterm.extract.prompts import SEARCH_ASPECTS
from longterm.manage.manager import fields_in, plain_values
from longterm.manage.query import QueryWriter
from longterm.manage.searching import search_best
from longterm.memory.conversation import as_messages
from longterm.memory.namespace import NamespaceTemplate
from longterm.models.names import ChatModel, as_model
from longterm.types import Conversation, MessagesInput

__all__ = ["MemorySearcher", "create_memory_searcher"]


def create_memory_searcher(
    model: str | ChatModel,
    prompt: str = SEARCH_ASPECTS,
    *,
    namespace: tuple[str, ...] | str | NamespaceTemplate = ("memories", "{langgraph_user_id}"),
    store: BaseStore | None = None,
    exact: bool = False,
) -> MemorySearcher:
    """Create a Runnable that finds the memories that matter to a conversation.

    *model* writes the queries as *prompt* says, whose placeholders are filled from the input;
    the items come once each, best first. What lies below *namespace* is found too, unless *exact*.
    """
    template, queries = NamespaceTemplate(namespace), QueryWriter(as_model(model), prompt)
    return MemorySearcher(queries, template, store, exact=exact)


class MemorySearcher(FlowRunnable[MessagesInput | Conversation, list[SearchItem]]):
    """Finds memories: ``invoke({"messages": …})``; see `create_memory_searcher`."""

    def __init__(
        self,
        queries: QueryWriter,
        namespace: NamespaceTemplate,
        store: BaseStore | None,
        *,
        exact: bool,
    ) -> None:
        self._queries = queries
        self._namespace = namespace
        self._exact = exact
        self.store = store

    @override
    async def flow(
        self, input: MessagesInput | Conversation, config: RunnableConfig
    ) -> list[SearchItem]:
        reach = Reach(self._namespace.location(config), self._exact)
        fields = fields_in(input)
        messages, values = as_messages(fields["messages"]), plain_values(fields)
        queries = await self._queries.write(messages, values) if messages else []
        found = await together([search_best(reach, query) for query in queries])
        return sorted(best_of_each(chain.from_iterable(found)), key=score_of, reverse=True)
