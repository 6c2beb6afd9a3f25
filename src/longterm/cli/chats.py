"""Chat files: OpenAI's messages as JSON or JSONL, and the forms of LoCoMo and BEAM.

Which of them a file is, its contents tell, not its name.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longterm.errors import InvalidInputError
from longterm.evals.beam import turns_in
from longterm.evals.files import dicts_in, read_json, read_text
from longterm.evals.locomo import conversation_in
from longterm.evals.suites import Conversation

__all__ = ["Chat", "read_chats"]

_FORMS = (
    'Known are a list of {"role": …, "content": …} messages, {"messages": […]}, one of these '
    "per line (JSONL), and the chat files of LoCoMo and BEAM."
)


@dataclass(frozen=True, slots=True)
class Chat:
    """Messages of one conversation, and the thread they are recorded under."""

    thread: str
    messages: list[Any]


def read_chats(path: Path) -> list[Chat]:
    """Read the conversations in *path*."""
    data = _lines(path) if path.suffix == ".jsonl" else read_json(path)
    chats = [chat for chat in _chats(data, path.stem) if chat.messages]
    if not chats:
        raise InvalidInputError(f"{path} holds no chat of a form longterm knows. {_FORMS}")
    return chats


def _lines(path: Path) -> list[Any]:
    lines = enumerate(read_text(path).splitlines(), 1)
    return [_line(path, number, line) for number, line in lines if line.strip()]


def _line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise InvalidInputError(f"{path}, line {number}, is not JSON: {error}.") from error


def _chats(data: Any, name: str) -> Iterator[Chat]:
    if isinstance(data, dict):
        data = [data]
    match data:
        case [{"role": _}, *_]:
            yield Chat(name, _messages(data))
        case [{"messages": _}, *_]:
            yield from (_wrapped(one, name, at) for at, one in enumerate(data))
        case [{"conversation": dict()}, *_]:
            for at, one in enumerate(dicts_in(data, "conversation")):
                title = str(one.get("sample_id") or f"{name}-{at}")
                yield from _sessions(conversation_in(one, title))
        case _:
            yield from _sessions(Conversation(name, tuple(turns_in(data))))


def _wrapped(one: Any, name: str, at: int) -> Chat:
    thread = str(one.get("thread_id") or one.get("id") or (f"{name}-{at}" if at else name))
    return Chat(thread, _messages(one.get("messages") or ()))


def _messages(data: Sequence[Any]) -> list[Any]:
    """Hand the messages on; ids that are numbers become text, as LangChain wants them."""
    return [_with_text_id(one) for one in data]


def _with_text_id(message: Any) -> Any:
    match message:
        case {"id": int(number)}:
            return {**message, "id": str(number)}
        case _:
            return message


def _sessions(conversation: Conversation) -> Iterator[Chat]:
    for session, turns in conversation.sessions:
        yield Chat(f"{conversation.name}/{session}", [turn.message for turn in turns])
