"""Fakes: a chat model with a script, embeddings without a model, a clock.

Nothing here is random and nothing sleeps: the same script gives the same run.
"""

from __future__ import annotations

import re
import threading
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.embeddings import Embeddings
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolCall
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from pydantic import PrivateAttr
from typing_extensions import override

from longterm.effects.clock import ManualClock

__all__ = ["Asked", "HashEmbeddings", "ManualClock", "Reply", "ScriptedChatModel", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that a `ScriptedChatModel` received."""

    messages: tuple[BaseMessage, ...]
    #: What `bind_tools` got, as OpenAI tool definitions.
    tools: tuple[dict[str, Any], ...] = ()
    #: Every other option of the call: tool_choice, response_format, …
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def text(self) -> str:
        """All messages of the call as one text."""
        return "\n\n".join(str(message.text) for message in self.messages)

    @property
    def tool_names(self) -> list[str]:
        """Names of the tools the model was shown."""
        return [str(tool["function"]["name"]) for tool in self.tools]


#: What a script may hold: words, a whole message, an error to raise, or a function of the call.
Reply = str | AIMessage | BaseException | Callable[[Asked], "str | AIMessage"]


class ScriptedChatModel(BaseChatModel):
    """A chat model that gives the replies of *script* in turn and remembers what it was asked.

    A reply is a text, an `AIMessage` (see `tool_calls`), an exception to raise, or a function
    from the `Asked` call to either. Being asked more often than scripted is an error. Models
    bound from this one (`bind_tools`, `bind`) share its script. Thread-safe.
    """

    script: list[Any]
    _asked: list[Asked] = PrivateAttr(default_factory=list[Asked])
    _lock: Any = PrivateAttr(default_factory=threading.Lock)

    def __init__(self, *script: Reply, **options: Any) -> None:
        for reply in script:
            if not (isinstance(reply, (str, AIMessage, BaseException)) or callable(reply)):
                raise TypeError(
                    "A reply is a text, an AIMessage, an exception or a function, not "
                    f"{reply!r:.80}: give the replies one by one, ScriptedChatModel(*replies)."
                )
        super().__init__(script=list(script), **options)  # type: ignore[call-arg] - pydantic's init

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The calls received so far, oldest first."""
        return tuple(self._asked)

    @property
    @override
    def _llm_type(self) -> str:
        return "scripted"

    @override
    def bind_tools(
        self, tools: Sequence[Any], *, tool_choice: str | None = None, **kwargs: Any
    ) -> Runnable[Any, AIMessage]:
        from langchain_core.utils.function_calling import convert_to_openai_tool

        definitions = [convert_to_openai_tool(tool) for tool in tools]
        choice = {} if tool_choice is None else {"tool_choice": tool_choice}
        return self.bind(tools=definitions, **choice, **kwargs)

    @override
    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        tools = tuple(kwargs.pop("tools", ()))
        options = kwargs if stop is None else {**kwargs, "stop": stop}
        reply = self._next(Asked(tuple(messages), tools, options))
        return ChatResult(generations=[ChatGeneration(message=reply)])

    def _next(self, asked: Asked) -> AIMessage:
        with self._lock:
            turn = len(self._asked)
            self._asked.append(asked)
        if turn >= len(self.script):
            message = f"The script has {len(self.script)} replies, and this is call {turn + 1}."
            raise AssertionError(message)
        return _reply_message(self.script[turn], asked)


def _reply_message(reply: Reply, asked: Asked) -> AIMessage:
    match reply:
        case BaseException():
            raise reply
        case AIMessage():
            return reply
        case str():
            return AIMessage(reply)
        case _:
            return _reply_message(reply(asked), asked)


def tool_calls(*calls: tuple[str, dict[str, Any]], text: str = "") -> AIMessage:
    """Build a message that calls tools: pairs of a name and its arguments."""
    return AIMessage(
        text,
        tool_calls=[
            ToolCall(name=name, args=args, id=f"call_{index}")
            for index, (name, args) in enumerate(calls)
        ],
    )


class HashEmbeddings(Embeddings):
    """Embeddings made of hashed words: equal words bring texts together, no model needed.

    Vectors have *dims* entries and length 1. `documents` and `queries` hold every text that
    was embedded, in order.
    """

    def __init__(self, dims: int = 64) -> None:
        self.dims = dims
        self.documents: list[str] = []
        self.queries: list[str] = []

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.documents.extend(texts)
        return [self._vector(text) for text in texts]

    @override
    def embed_query(self, text: str) -> list[float]:
        self.queries.append(text)
        return self._vector(text)

    def _vector(self, text: str) -> list[float]:
        vector = np.full(self.dims, 1e-6)
        for word in re.findall(r"\w+", text.lower()):
            vector[zlib.crc32(word.encode()) % self.dims] += 1.0
        return (vector / np.linalg.norm(vector)).tolist()
