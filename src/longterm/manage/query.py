"""Search queries written by a model, for those who want one in the read path.

The model may call ``search_memory`` several times or answer with a JSON list. An answer
without a usable query is no error: the caller then searches with the conversation itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, cast

from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from longterm.effects.steps import ask
from longterm.extract.prompts import SEARCH_BY_JSON, SEARCH_FRAME, SEARCH_TOOL
from longterm.extract.reading import as_value, read_json
from longterm.memory.conversation import QUERY_LIMIT, render, windows
from longterm.models.answer import Answer
from longterm.models.names import ChatModel, adapt, bind_tools, default_protocol
from longterm.text.placeholders import fill
from longterm.text.quoting import fenced

__all__ = ["QueryWriter"]

MAX_QUERIES = 8

_TOOL = {
    "type": "function",
    "function": {
        "name": "search_memory",
        "description": SEARCH_TOOL,
        "parameters": {
            "type": "object",
            "properties": {"query": {"type": "string"}},
            "required": ["query"],
        },
    },
}


class QueryWriter:
    """Has *model* write the queries for a conversation; the tool is bound once."""

    def __init__(self, model: ChatModel, prompt: str) -> None:
        by_tools = default_protocol(model) == "tools"
        bind = partial(bind_tools, tools=[_TOOL], options={})
        self._model = adapt(model, bind) if by_tools else model
        self._prompt = prompt if by_tools else f"{prompt}\n{SEARCH_BY_JSON}"

    async def write(
        self, messages: Sequence[BaseMessage], values: Mapping[str, Any] = MappingProxyType({})
    ) -> list[str]:
        """Return at least one query for *messages*, unless there is nothing to search for.

        *values* fill placeholders of the prompt.
        """
        prompt = fill(self._prompt, **values)
        said = fenced(render(messages), "conversation")
        answer = await ask(
            self._model,
            [
                SystemMessage(SEARCH_FRAME.format(prompt=prompt)),
                HumanMessage(f"<conversation>\n{said}\n</conversation>"),
            ],
        )
        queries = [query.strip()[:QUERY_LIMIT] for query in _queries(answer) if query.strip()]
        return list(dict.fromkeys(queries))[:MAX_QUERIES] or windows(messages)


def _queries(given: Any) -> Iterator[str]:
    answer = Answer.of(given)
    for call in answer.calls:
        yield from _listed_queries(as_value(call["args"])[0])
    yield from _listed_queries(read_json(answer.text))


def _listed_queries(data: Any) -> Iterator[str]:
    match data:
        case {"queries": inner} | {"query": inner}:
            yield from _listed_queries(inner)
        case {"arguments": inner} | {"parameters": inner}:  # a call that is spelled out
            yield from _listed_queries(as_value(inner)[0])
        case list():
            for item in cast("list[Any]", data):
                yield from _listed_queries(item)
        case str():
            yield data
        case _:
            return
