"""A LangGraph node that keeps the history of a graph small."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from langchain_core.messages import BaseMessage, RemoveMessage
from langchain_core.runnables import RunnableConfig
from typing_extensions import Unpack, override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.unsaid import Unsaid
from longterm.errors import InvalidInputError
from longterm.memory.conversation import REMOVE_ALL
from longterm.short_term.history import as_running
from longterm.short_term.summarizer import (
    SummaryOptions,
    make_summarizer,
    shown,
    summarizing,
)

__all__ = ["SummarizationNode", "state_field"]


class SummarizationNode(FlowRunnable[Any, dict[str, Any]]):
    """A node that summarises the messages of a graph's state once they outgrow *max_tokens*.

    It reads *input_messages_key* and writes *output_messages_key* and the running summary
    under ``context``. With the same key for both, the state's own messages are replaced.
    Options are those of `summarize_messages`; a state is a dict, a dataclass or a model.
    """

    def __init__(
        self,
        *,
        input_messages_key: str = "messages",
        output_messages_key: str = "summarized_messages",
        name: str = "summarization",
        **options: Unpack[SummaryOptions],
    ) -> None:
        self.name = name
        self.summarizer = make_summarizer(**options)
        self.model = self.summarizer.model
        self.max_tokens = self.summarizer.limits.max_tokens
        self.max_tokens_before_summary = self.summarizer.limits.max_tokens_before_summary
        self.max_summary_tokens = self.summarizer.limits.max_summary_tokens
        self.token_counter = self.summarizer.counter
        self.input_messages_key = input_messages_key
        self.output_messages_key = output_messages_key

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> dict[str, Any]:
        messages = state_field(input, self.input_messages_key)
        if messages is None:
            raise InvalidInputError(f"The state has no {self.input_messages_key!r} to summarise.")
        context: Mapping[str, Any] = state_field(input, "context") or {}
        before = as_running(context.get("running_summary"))
        result = await summarizing(messages, before, self.summarizer)
        written, running = result.messages, result.running_summary
        if running and self.input_messages_key == self.output_messages_key:
            written = [RemoveMessage(REMOVE_ALL), *written]
        update: dict[str, Any] = {self.output_messages_key: await Unsaid(written)}
        if running or "running_summary" in context:  # one that no longer holds is taken back
            update["context"] = {**context, "running_summary": running}
        return update

    def show(self, messages: Any, running: Any) -> list[BaseMessage]:
        """Return *messages* as a model is to see them, given their running summary, if any."""
        return shown(messages, running, self.summarizer)


def state_field(state: Any, key: str) -> Any:
    """Value of *key* in the state of a graph, a mapping or an object; None if it has none."""
    if isinstance(state, Mapping):
        return cast("Mapping[str, Any]", state).get(key)
    return getattr(state, key, None)
