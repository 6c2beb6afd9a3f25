"""Tool calls of a streamed answer as they were written: LangChain completes those that are cut.

A client that streams, because it was made so or because a graph streams its tokens, gives the
parts of a call's arguments one by one, and LangChain reads what has come by then as if it were
whole. Of an answer that broke off, half a call would pass for a whole one. The words themselves
are seen only where each token is.
"""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AIMessageChunk, InvalidToolCall
from langchain_core.messages.tool import invalid_tool_call
from langchain_core.runnables import RunnableConfig
from langchain_core.runnables.config import ensure_config, merge_configs
from langchain_core.utils.json import parse_partial_json
from typing_extensions import override

__all__ = ["StreamedCalls"]


class StreamedCalls(BaseCallbackHandler):
    """Listens to one answer while it is streamed, and knows which of its calls are whole."""

    run_inline = True  # in the loop, without a thread for each token

    def __init__(self) -> None:
        self._parts: dict[UUID, list[AIMessageChunk]] = {}

    def listening(self, config: RunnableConfig | None) -> RunnableConfig:
        """Return *config* with this among its callbacks, beside those of the running program."""
        return merge_configs(ensure_config(config), RunnableConfig(callbacks=[self]))

    @override
    def on_chat_model_start(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: without this LangChain would write the whole conversation as one text."""

    @override
    def on_llm_new_token(
        self, token: Any, *, chunk: Any = None, run_id: UUID, **kwargs: Any
    ) -> None:
        message = getattr(chunk, "message", None)
        if isinstance(message, AIMessageChunk) and message.tool_call_chunks:
            self._parts.setdefault(run_id, []).append(message)

    def checked(self, answer: Any) -> Any:
        """Return *answer* with the calls that broke off among those that cannot be read."""
        match answer:
            case AIMessage() if self._parts and answer.tool_calls:
                return self._without_torn(answer)
            case {"raw": AIMessage() as raw, **rest} if self._parts:
                return {"raw": self.checked(raw), **rest}
            case _:
                return answer

    def _without_torn(self, answer: AIMessage) -> AIMessage:
        calls, torn = list(answer.tool_calls), list[InvalidToolCall]()
        for first, *others in self._parts.values():
            for part in (first + others).tool_call_chunks:
                name, args = part["name"] or "", part["args"] or ""
                # What no call was read as is of another attempt, which failed and was made again.
                read_as = _read_as_whole(args)
                call = next((c for c in calls if (c["name"], c["args"]) == (name, read_as)), None)
                if call is not None:
                    calls.remove(call)
                    torn.append(invalid_tool_call(name=name, args=args, id=call["id"], error=None))
        if not torn:
            return answer
        invalid = [*answer.invalid_tool_calls, *torn]
        return answer.model_copy(update={"tool_calls": calls, "invalid_tool_calls": invalid})


def _read_as_whole(text: str) -> Any:
    """Return what LangChain makes of *text*, a part of JSON; None where it is all of it or none."""
    try:
        json.loads(text, strict=False)  # as LangChain reads it
    except RecursionError:
        return None
    except ValueError:
        try:
            return parse_partial_json(text)
        except ValueError:
            return None
    return None
