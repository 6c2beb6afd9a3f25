"""Memory as nodes of a LangGraph graph: one that recalls, one that reflects.

State, store and config are those of the running graph, anew in each call, so that one node
serves many users at once.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from typing import Any, Protocol, cast
from uuid import NAMESPACE_URL, uuid5

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from typing_extensions import override

from longterm.effects.drivers import UNSEEN
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import ask
from longterm.effects.unsaid import Unsaid
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.integrations.failing import NOTHING_RECALLED, safely
from longterm.manage.access import NamespaceAccess
from longterm.memory.conversation import as_messages, message_text, speaker
from longterm.models.names import adapt, innermost
from longterm.recall.recorder import ConversationRecorder
from longterm.recall.retriever import Recall, create_recall
from longterm.short_term.history import joined
from longterm.short_term.node import state_field

__all__ = [
    "BackgroundExecutor",
    "RecallNode",
    "ReflectNode",
    "as_recall",
    "own_recall",
    "recalled_text",
    "warn_of_unread_turns",
]

#: What a run of a graph names a message that came without an id: anew in each run.
_PASSING_ID = re.compile(
    r"(lc_)?run-.*|[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
)
_LASTING_IDS = uuid5(NAMESPACE_URL, "longterm/message")


class BackgroundExecutor(Protocol):
    """What reflects in the background: `ReflectionExecutor`, or anything of its form."""

    def submit(
        self, payload: Any, /, config: RunnableConfig | None = None, *, after_seconds: float = 0
    ) -> Any:
        """Reflect on *payload* later."""
        ...

    async def asubmit(
        self, payload: Any, /, config: RunnableConfig | None = None, *, after_seconds: float = 0
    ) -> Any:
        """Reflect on *payload* later, without blocking the event loop."""
        ...


class RecallNode(FlowRunnable[Any, dict[str, Any]]):
    """A node that puts what *recall* finds before the messages a model is to see.

    It is a system message, or the end of the one that the messages begin with.
    *recall* takes ``{"messages": …}`` and gives a text or something with a `text`; a store manager
    stands for its own memories. Where it fails, that is logged and nothing is recalled. As
    `pre_model_hook` of LangGraph's `create_react_agent` it needs no more options.
    """

    def __init__(
        self,
        recall: Runnable[Any, Any],
        *,
        input_messages_key: str = "messages",
        output_messages_key: str = "llm_input_messages",
        name: str = "recall",
    ) -> None:
        self.name = name
        self.recall = as_recall(recall)
        self.input_messages_key = input_messages_key
        self.output_messages_key = output_messages_key

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> dict[str, Any]:
        messages = _messages(input, self.input_messages_key)
        text = await recalled_text(self.recall, messages)
        if not text:
            return {self.output_messages_key: messages}
        head = [*takewhile(lambda one: isinstance(one, SystemMessage), messages)]
        shown = joined([*head, SystemMessage(text), *messages[len(head) :]])
        return {self.output_messages_key: await Unsaid(shown)}


def as_recall(recall: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """*recall*, or what recalls the memories of a store manager."""
    own = own_recall(recall)
    return recall if own is None else own


def own_recall(
    manager: Runnable[Any, Any], recorder: Runnable[Any, Any] | None = None
) -> Runnable[Any, Any] | None:
    """Return what recalls the memories of a store manager, and the turns that *recorder* keeps.

    It reaches as far as the manager's own searches.
    """
    if not isinstance(innermost(manager), NamespaceAccess):
        return None
    keeps = None if recorder is None else innermost(recorder)
    turns = [keeps.namespace] if isinstance(keeps, ConversationRecorder) else []

    def own(inner: Runnable[Any, Any]) -> Runnable[Any, Any]:
        access = cast("NamespaceAccess", inner)
        return create_recall(
            namespace=[*turns, access.namespace],
            store=access.given_store,
            exact=access.exact,
        )

    return adapt(manager, own)


def warn_of_unread_turns(recall: Runnable[Any, Any], recorder: Runnable[Any, Any] | None) -> None:
    """Warn where *recall* looks at no namespace that *recorder* writes to."""
    looks, keeps = innermost(recall), None if recorder is None else innermost(recorder)
    if not isinstance(looks, Recall) or not isinstance(keeps, ConversationRecorder):
        return
    turns = keeps.namespace.template
    if not any(turns[: len(place.template)] == place.template for place in looks.namespaces):
        warn_caller(
            f"The recorder keeps turns in {turns}, and the recall looks at none of them. Give "
            "create_recall that namespace as well, or leave recall= out.",
            UserWarning,
        )


async def recalled_text(recall: Runnable[Any, Any] | None, messages: Sequence[BaseMessage]) -> str:
    """Text of what *recall* finds for *messages*; none, and a line in the log, where it fails."""
    if recall is None or not messages:
        return ""
    return await safely(_text(recall, messages), NOTHING_RECALLED) or ""


async def _text(recall: Runnable[Any, Any], messages: Sequence[BaseMessage]) -> str:
    found = await ask(_given_messages(recall), messages)
    text = found if isinstance(found, str) else getattr(found, "text", None)
    if not isinstance(text, str):
        raise ConfigurationError(
            f"A recall gives a text or something with a text, not {type(found).__name__}."
        )
    return text.strip()


def _given_messages(work: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Wrap *work* to take bare messages, and to keep the words of its models out of the stream."""
    return (RunnableLambda(_payload) | work).with_config(UNSEEN)


def _payload(messages: Sequence[BaseMessage], config: RunnableConfig) -> dict[str, Any]:
    place = config.get("configurable", {})
    if place.get("__pregel_checkpointer") is None:  # else each message keeps its id
        thread = place.get("thread_id")
        return {"messages": [*_with_lasting_ids(messages, "" if thread is None else str(thread))]}
    return {"messages": list(messages)}


def _with_lasting_ids(messages: Sequence[BaseMessage], thread: str) -> Iterator[BaseMessage]:
    """Name messages of a run without memory of its own by what was said until then.

    Callers hand such a run the whole history each time, which gives old messages new ids, and
    every one of them would be recorded again. What lies between question and answer, tools,
    callers leave out when they hand it on; so it names nothing that comes after it. A first
    message of no thread may be said anew in every run, and keeps its id.
    """
    if not thread and not any(isinstance(one, AIMessage) for one in _history(messages)):
        yield from messages
        return
    before, between = thread, 0
    for message in messages:
        calls = isinstance(message, AIMessage) and message.tool_calls
        is_turn = isinstance(message, HumanMessage | AIMessage) and not calls
        between = 0 if is_turn else between + 1
        id = message.id
        if not id or _PASSING_ID.fullmatch(id):
            said = [speaker(message), message.name, message_text(message).strip()]
            id = str(uuid5(_LASTING_IDS, json.dumps([before, between, *said])))
        before = id if is_turn else before
        yield message.model_copy(update={"id": id})


def _history(messages: Sequence[BaseMessage]) -> Sequence[BaseMessage]:
    """Return what was said before the last message of the user."""
    asked = [place for place, one in enumerate(messages) if isinstance(one, HumanMessage)]
    return messages[: asked[-1]] if asked else ()


def _messages(state: Any, key: str) -> list[BaseMessage]:
    found = state_field(state, key)
    if found is None:
        raise InvalidInputError(f"The state has no {key!r}.")
    return as_messages(found)


class ReflectNode(FlowRunnable[Any, dict[str, Any]]):
    """A node that has a conversation reflected on, once the agent has answered.

    By *executor* in the background where one is given, else by *manager* at once; *recorder*,
    see `create_conversation_recorder`, keeps it word for word before that. Their failure is
    logged and takes no answer away; only what was set up wrongly raises.
    """

    def __init__(
        self,
        manager: Runnable[Any, Any],
        *,
        executor: BackgroundExecutor | None = None,
        recorder: Runnable[Any, Any] | None = None,
        after_seconds: float = 0,
        input_messages_key: str = "messages",
        name: str = "reflect",
    ) -> None:
        self.name = name
        self.reflection = _reflection(manager, executor, after_seconds)
        self.recording = None if recorder is None else _given_messages(recorder)
        self.input_messages_key = input_messages_key

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> dict[str, Any]:
        messages = _messages(input, self.input_messages_key)
        last = messages[-1] if messages else None
        is_calling = isinstance(last, AIMessage) and last.tool_calls
        if messages and not is_calling:
            if self.recording is not None:
                await safely(
                    ask(self.recording, messages), "The conversation could not be recorded."
                )
            trouble = "The conversation could not be reflected on; it is not remembered."
            await safely(ask(self.reflection, messages), trouble)
        return {}


def _reflection(
    manager: Runnable[Any, Any], executor: BackgroundExecutor | None, after_seconds: float
) -> Runnable[Any, Any]:
    if executor is None:
        return _given_messages(manager)

    def submit(messages: Any, config: RunnableConfig) -> None:
        executor.submit(_payload(messages, config), config, after_seconds=after_seconds)

    async def asubmit(messages: Any, config: RunnableConfig) -> None:
        await executor.asubmit(_payload(messages, config), config, after_seconds=after_seconds)

    return RunnableLambda(submit, asubmit)
