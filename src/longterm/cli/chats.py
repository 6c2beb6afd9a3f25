"""Chat files: OpenAI's messages as JSON or JSONL, and the forms of LoCoMo and BEAM.

Which of them a file is, its contents tell, not its name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from longterm.errors import InvalidInputError
from longterm.evals.beam import turns_in
from longterm.evals.files import dicts_in, file_text, parsed_json
from longterm.evals.locomo import conversation_in
from longterm.evals.suites import SuiteConversation

__all__ = ["Chat", "chats_in_text", "message_chat", "read_chats"]

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
    # The whole path: two files called chat.json are two conversations.
    lines = path.suffix.lower() == ".jsonl"
    return _chats_in(file_text(path), str(path), str(path.resolve()), lines=lines)


def chats_in_text(text: str) -> list[Chat]:
    """Read the conversations in *text*, which came without a file; else it is a message itself."""
    if not text.lstrip().startswith(("[", "{")):
        return [message_chat(text.strip())] if text.strip() else []
    # Of two chats that came so, the same words are said twice; one that comes again is the same.
    thread = f"stdin-{sha256(text.encode()).hexdigest()[:12]}"
    return _chats_in(text, "Standard input", thread, lines=False)


def message_chat(text: str) -> Chat:
    """Return the conversation of one message."""
    return Chat("", [{"role": "user", "content": text}])


def _chats_in(text: str, where: str, thread: str, *, lines: bool) -> list[Chat]:
    chats = [chat for chat in _chats(_data(text, where, lines=lines), thread) if chat.messages]
    if not chats:
        raise InvalidInputError(f"{where} holds no chat of a form longterm knows. {_FORMS}")
    return chats


def _data(text: str, where: str, *, lines: bool) -> Any:
    """Read JSON, or JSONL: several *lines* or such as have JSON in the first by itself."""
    # Not splitlines(): JSON allows its other line breaks inside of texts.
    filled = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    if lines or (len(filled) > 1 and _is_json(filled[0][1])):
        return [parsed_json(line, f"{where}, line {number},") for number, line in filled]
    try:
        return parsed_json(text, where)
    except InvalidInputError as error:
        raise InvalidInputError(f"{error} {_FORMS}") from error


def _is_json(line: str) -> bool:
    try:
        parsed_json(line, "")
    except InvalidInputError:
        return False
    return True


def _chats(data: Any, name: str) -> Iterator[Chat]:
    if isinstance(data, dict):
        data = [data]
    match data:
        case [{"role": _}, *_]:
            yield Chat(name, _messages_of(data))
        case [{"messages": _}, *_]:
            yield from (_wrapped(one, name, at) for at, one in enumerate(data))
        case [{"conversation": dict()}, *_]:
            for at, one in enumerate(dicts_in(data, "conversation")):
                title = str(one.get("sample_id") or f"{name}-{at}")
                yield from _sessions(conversation_in(one, title))
        case _:
            yield from _sessions(SuiteConversation(name, tuple(turns_in(data))))


def _wrapped(one: Any, name: str, at: int) -> Chat:
    match one:
        case {"messages": list() | None}:
            messages: list[Any] | None = one["messages"]
            own_name = f"{name}-{at}" if at else name
            thread = str(one.get("thread_id") or one.get("id") or own_name)
            return Chat(thread, _messages_of(messages or []))
        case _:
            raise InvalidInputError(f'Chat {at} in {name} is not of the form {{"messages": […]}}.')


def _messages_of(data: Sequence[Any]) -> list[Any]:
    """Hand the messages on; ids that are numbers become text, as LangChain wants them."""
    messages: list[Any] = []
    for one in data:
        match one:
            case {"id": int(number)}:
                messages.append({**one, "id": str(number)})
            case _:
                messages.append(one)
    return messages


def _sessions(conversation: SuiteConversation) -> Iterator[Chat]:
    for session, turns in conversation.sessions:
        yield Chat(f"{conversation.name}/{session}", [turn.message for turn in turns])
