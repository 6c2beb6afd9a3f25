"""Memory for LangChain's `create_agent`: recall before, reflection after, a history that fits.

The only module that imports `langchain.agents`. What is remembered of one run lives in that
run's state, never on the middleware, so that one agent serves many users at once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, NotRequired, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AnyMessage, SystemMessage
from langchain_core.runnables import Runnable
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.drivers import UNSEEN, arun, run
from longterm.errors import ConfigurationError, MissingExtraError
from longterm.integrations.failing import safely
from longterm.integrations.langgraph import (
    BackgroundExecutor,
    ReflectNode,
    as_recall,
    own_recall,
    recalled_text,
    warn_of_unread_turns,
)
from longterm.manage.store_manager import create_memory_store_manager
from longterm.memory.conversation import as_messages
from longterm.models.names import ChatModel
from longterm.recall.recorder import create_conversation_recorder
from longterm.short_term import RunningSummary, SummarizationNode
from longterm.short_term.history import as_running, joined

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest
    from langchain.agents.middleware.types import PrivateStateAttr
except ImportError as error:
    raise MissingExtraError("LongtermMiddleware", "agents") from error

__all__ = ["LongtermMiddleware", "LongtermState"]

_RECALLED, _SUMMARY = "longterm_recalled", "longterm_summary"


class LongtermState(AgentState[Any]):
    """What the middleware keeps of one run, hidden from the agent's input and output."""

    #: By the name of the middleware that recalled it.
    longterm_recalled: NotRequired[Annotated[dict[str, str], PrivateStateAttr]]
    longterm_summary: NotRequired[Annotated[Any, PrivateStateAttr]]


class LongtermMiddleware(AgentMiddleware[AgentState[Any], Any, Any]):
    """Long-term memory for an agent: ``create_agent(…, middleware=[LongtermMiddleware(manager)])``.

    What *recall* finds for the conversation goes into the system prompt; by default that is what
    *manager* learned and what *recorder* kept. After the agent has answered, *recorder*, where
    one is given, keeps every message word for word, and *manager* reflects on the whole
    conversation: through *executor* where one is given (*after_seconds* later), else at once.
    With *summarize*, the model sees a long history in short, while the state keeps all of it.
    A second one in the same agent, with another manager, needs another *name*. What of all this
    fails is logged, and the agent answers all the same; what was set up wrongly raises.
    """

    state_schema = LongtermState

    def __init__(
        self,
        manager: Runnable[Any, Any],
        *,
        recall: Runnable[Any, Any] | None = None,
        executor: BackgroundExecutor | None = None,
        recorder: Runnable[Any, Any] | None = None,
        summarize: SummarizationNode | None = None,
        after_seconds: float = 0,
        name: str = "LongtermMiddleware",
    ) -> None:
        super().__init__()
        self._name = name
        if isinstance(manager, str | BaseChatModel):
            raise ConfigurationError(
                "LongtermMiddleware takes a memory manager, not a model: "
                "LongtermMiddleware.of(model) makes one."
            )
        if recall is not None:
            warn_of_unread_turns(recall, recorder)
        self._recall = own_recall(manager, recorder) if recall is None else as_recall(recall)
        self._reflect = ReflectNode(
            manager, executor=executor, recorder=recorder, after_seconds=after_seconds
        )
        self._summarize = summarize

    @property
    @override
    def name(self) -> str:
        return self._name

    @classmethod
    def of(
        cls,
        model: str | ChatModel,
        store: BaseStore | None = None,
        *,
        user: str = "{langgraph_user_id}",
        **options: Any,
    ) -> LongtermMiddleware:
        """Set up all of it: *model* extracts memories, and every message is kept as well.

        Both are kept for *user*, a label with placeholders for ``config["configurable"]``, in
        *store* or that of the running agent. *options* are those of the class.
        """
        manager = create_memory_store_manager(
            model, namespace=("memories", user), store=store, enable_deletes=True
        )
        recorder = create_conversation_recorder(namespace=("turns", user), store=store)
        given: dict[str, Any] = {"recorder": recorder, **options}
        return cls(manager, **given)

    @override
    def before_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return run(self._recalled(state))

    @override
    async def abefore_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return await arun(self._recalled(state))

    @override
    def before_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return run(self._summarized(state), UNSEEN)

    @override
    async def abefore_model(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return await arun(self._summarized(state), UNSEEN)

    @override
    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        return handler(self._remembering(request))

    @override
    async def awrap_model_call(self, request: Any, handler: Callable[[Any], Awaitable[Any]]) -> Any:
        return await handler(self._remembering(request))

    @override
    def after_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return run(self._reflect.flow(state, {}))

    @override
    async def aafter_agent(self, state: Any, runtime: Any) -> dict[str, Any] | None:
        return await arun(self._reflect.flow(state, {}))

    async def _recalled(self, state: Any) -> dict[str, Any]:
        """Find what matters, once for each run of the agent."""
        text = await recalled_text(self._recall, as_messages(state["messages"]))
        return {_RECALLED: {**_by_name(state), self.name: text}}

    async def _summarized(self, state: Any) -> dict[str, Any] | None:
        """Bring the running summary up to date."""
        if self._summarize is None:
            return None
        before = {"running_summary": state.get(_SUMMARY)}
        seen = {self._summarize.input_messages_key: state["messages"], "context": before}
        trouble = "The history could not be summarised; the model sees what is new in full."
        after = (await safely(self._summarize.flow(seen, {}), trouble) or {}).get("context", before)
        running: RunningSummary | None = as_running(after["running_summary"])
        # As plain data: a checkpointer may refuse to restore classes it does not know.
        return {_SUMMARY: vars(running)} if running else {_SUMMARY: None}

    def _remembering(self, request: ModelRequest[Any]) -> ModelRequest[Any]:
        """*request* with what was recalled, and its history in short."""
        state = cast("dict[str, Any]", request.state)
        system, messages = request.system_message, request.messages
        if self._summarize is not None and state.get(_SUMMARY):
            short = self._summarize.show(messages, state[_SUMMARY])
            first, *rest = joined([*([system] if system else []), *short])
            begins = isinstance(first, SystemMessage)
            system = first if begins else None
            messages = cast("list[AnyMessage]", rest if begins else short)
        if text := _by_name(state).get(self.name):
            system = _extended(system, text)
        return request.override(system_message=system, messages=messages)


def _by_name(state: Mapping[str, Any]) -> dict[str, str]:
    """Return what was recalled; a thread of 0.1 has one text, from a run that has ended."""
    found = state.get(_RECALLED)
    return cast("dict[str, str]", found) if isinstance(found, dict) else {}


def _extended(system: SystemMessage | None, text: str) -> SystemMessage:
    """*system* with *text* behind it, where it spoils no cached prefix."""
    if system is None:
        return SystemMessage(text)
    if isinstance(system.content, str):
        return system.model_copy(update={"content": f"{system.content}\n\n{text}".strip()})
    return system.model_copy(update={"content": [*system.content, {"type": "text", "text": text}]})
