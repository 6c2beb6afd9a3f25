"""Recording: every message of a conversation, word for word, once. No model, no key."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import NOT_PROVIDED, BaseStore, Item
from typing_extensions import override

from longterm.commit import Policy, Skip, Write, commit
from longterm.effects.capabilities import EmbedLater
from longterm.effects.clock import utc_now
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Ttl
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError
from longterm.guard import Guard, GuardOption, guard_of
from longterm.memory.conversation import as_messages, unread_times
from longterm.memory.model import indexed_fields
from longterm.memory.namespace import NamespaceTemplate
from longterm.recall.turns import Turn, turns
from longterm.types import Conversation, MessagesInput

__all__ = ["ConversationRecorder", "create_conversation_recorder", "said_messages"]


def create_conversation_recorder(
    *,
    namespace: tuple[str, ...] | str | NamespaceTemplate = ("turns", "{langgraph_user_id}"),
    store: BaseStore | None = None,
    max_characters: int = 20_000,
    ttl: Ttl = NOT_PROVIDED,
    clock: Callable[[], datetime] = utc_now,
    guard: GuardOption = "default",
) -> "ConversationRecorder":
    """Create a recorder that keeps each message of a conversation as a turn.

    *store* is any LangGraph store; without one, that of the running graph is used. *namespace*
    is filled from ``config["configurable"]``, and the thread is its ``thread_id``. A message
    longer than *max_characters* keeps both ends. *ttl*, in minutes, needs a store that knows it;
    left out it is the store's own, and None is for ever.
    *guard* looks at each turn before it is stored: the default one redacts secrets, None lets
    everything in (see `longterm.guard`).
    """
    if max_characters < 1:
        raise ConfigurationError(f"max_characters must be at least 1, not {max_characters}.")
    return ConversationRecorder(
        NamespaceTemplate(namespace),
        store,
        limit=max_characters,
        ttl=ttl,
        clock=clock,
        guard=guard_of(guard),
    )


class ConversationRecorder(FlowRunnable[MessagesInput | Conversation, list[dict[str, Any]]]):
    """Keeps messages as turns; see `create_conversation_recorder`.

    ``invoke({"messages": …}, config)`` returns the turns that were new, as ``{"namespace",
    "key", "value"}`` dicts. Give the whole conversation or what is new in it, as you like: a
    message is stored once.
    """

    def __init__(
        self,
        namespace: NamespaceTemplate,
        store: BaseStore | None,
        *,
        limit: int,
        ttl: Ttl,
        clock: Callable[[], datetime],
        guard: Guard | None,
    ) -> None:
        self.store = store
        self.namespace = namespace
        self._limit = limit
        self._ttl = ttl
        self._clock = clock
        # A turn never changes, so it has no history.
        self._policy = Policy(guard, keep_revisions=0)

    @override
    async def flow(
        self, input: MessagesInput | Conversation, config: RunnableConfig
    ) -> list[dict[str, Any]]:
        return await self.keep(self.turns_in(input, config), config)

    def turns_in(self, input: MessagesInput | Conversation, config: RunnableConfig) -> list[Turn]:
        """Make turns of a conversation, for `keep`."""
        thread_id = config.get("configurable", {}).get("thread_id")
        match input:
            case {"messages": messages}:
                pass
            case messages:
                pass
        return turns(
            said_messages(messages),
            thread="" if thread_id is None else str(thread_id),
            now=self._clock(),
            limit=self._limit,
        )

    async def keep(self, said: Sequence[Turn], config: RunnableConfig) -> list[dict[str, Any]]:
        """Store those of *said* that are new, all of a conversation or one part after another."""
        place = self.namespace.location(config)
        first_of_each = {turn.key: turn for turn in reversed(said)}
        values = [(turn.key, turn.value) for turn in said if first_of_each[turn.key] is turn]
        writes = [
            Write(
                place,
                key,
                partial(_unless_there, value),
                index=EmbedLater(indexed_fields(value)),
                ttl=self._ttl,
            )
            for key, value in values
        ]
        return (await commit(writes, actor="manager", policy=self._policy)).puts


def said_messages(given: Any) -> list[BaseMessage]:
    """Return `as_messages` of *given*, with a warning for times that cannot be read."""
    messages = as_messages(given)
    if unread := unread_times(messages):
        warn_caller(unread, UserWarning)
    return messages


def _unless_there(value: dict[str, Any], item: Item | None) -> dict[str, Any] | Skip:
    return value if item is None else Skip()
