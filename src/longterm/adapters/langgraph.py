"""Memory as nodes of a LangGraph graph: one that recalls, one that reflects.

State, store and config are those of the running graph, anew in each call, so that one node
serves many users at once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from langchain_core.messages import AIMessage, BaseMessage, SystemMessage
from langchain_core.runnables import Runnable, RunnableConfig, RunnableLambda
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.flow import Flow, FlowRunnable, ask
from longterm.manage.access import NamespaceAccess
from longterm.memory.conversation import as_messages
from longterm.recall.recalling import create_recall

__all__ = [
    "UNSEEN",
    "Executor",
    "RecallNode",
    "ReflectNode",
    "as_recall",
    "recalled",
]

_LOG = logging.getLogger(__name__)
#: LangGraph leaves the words of models with this tag out of what it streams.
UNSEEN: RunnableConfig = {"tags": ["nostream"]}
_LIMIT = 10


class Executor(Protocol):
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

    *recall* takes ``{"messages": …}`` and gives something with a `text`; a store manager stands
    for its own memories. As `pre_model_hook` of LangGraph's `create_react_agent` it needs no
    more options.
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
        text = await recalled(self.recall, messages)
        memory = [SystemMessage(text)] if text else []
        return {self.output_messages_key: [*memory, *messages]}


def as_recall(recall: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """*recall*, or what recalls the memories of a store manager, those of its namespace alone."""
    if not isinstance(recall, NamespaceAccess):
        return recall
    return create_recall(namespace=recall.namespace, store=recall.store, limit=_LIMIT, exact=True)


async def recalled(recall: Runnable[Any, Any] | None, messages: Sequence[BaseMessage]) -> str:
    """Text of what *recall* finds for *messages*."""
    if recall is None or not messages:
        return ""
    found = await ask(_given_messages(recall), messages)
    return str(found.text).strip()


def _given_messages(work: Runnable[Any, Any]) -> Runnable[Any, Any]:
    """Wrap *work* to take bare messages, and to keep the words of its models out of the stream."""
    return (RunnableLambda(_payload) | work).with_config(UNSEEN)


def _payload(messages: Sequence[BaseMessage]) -> dict[str, Any]:
    return {"messages": list(messages)}


def _messages(state: Any, key: str) -> list[BaseMessage]:
    if isinstance(state, Mapping):
        return as_messages(cast("Mapping[str, Any]", state).get(key))
    return as_messages(getattr(state, key, None))


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
        executor: Executor | None = None,
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
        if messages and not _is_calling(messages[-1]):
            if self.recording is not None:
                await _safely(ask(self.recording, messages), "recorded")
            await _safely(ask(self.reflection, messages), "reflected on; it is not remembered")
        return {}


def _is_calling(message: BaseMessage) -> bool:
    return isinstance(message, AIMessage) and bool(message.tool_calls)


async def _safely(work: Flow[Any], done: str) -> None:
    try:
        await work
    except ConfigurationError:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the user has been answered
        _LOG.exception("The conversation could not be %s.", done)


def _reflection(
    manager: Runnable[Any, Any], executor: Executor | None, after_seconds: float
) -> Runnable[Any, Any]:
    if executor is None:
        return _given_messages(manager)

    def submit(messages: Any, config: RunnableConfig) -> None:
        executor.submit(_payload(messages), config, after_seconds=after_seconds)

    async def asubmit(messages: Any, config: RunnableConfig) -> None:
        await executor.asubmit(_payload(messages), config, after_seconds=after_seconds)

    return RunnableLambda(submit, asubmit)
