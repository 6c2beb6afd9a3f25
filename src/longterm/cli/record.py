"""``longterm record``: keep the messages of chat files as turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from rich.console import Console

from longterm.cli.chats import Chat, read_chats
from longterm.cli.place import Place
from longterm.cli.showing import bar
from longterm.effects.drivers import run as run_flow
from longterm.errors import InvalidInputError
from longterm.recall.recorder import ConversationRecorder, create_conversation_recorder
from longterm.recall.turns import Turn

__all__ = ["run"]

_AT_ONCE = 64


class _Part(NamedTuple):
    """Turns that are stored at once, so that the bar moves."""

    turns: Sequence[Turn]
    config: RunnableConfig


def run(files: Sequence[Path], place: Place, thread: str, console: Console | None = None) -> None:
    """Record every chat of *files* and tell how much of it was new."""
    console = console or Console()
    chats = [chat for file in files for chat in read_chats(file)]
    total = sum(len(chat.messages) for chat in chats)
    recorder = create_conversation_recorder(namespace=place.turns)
    # All of them before the first is stored: a message of unknown form is an error.
    parts = [part for chat in chats for part in _parts(recorder, chat, place, thread)]
    with place.opened() as store:
        steps = (_recorded(recorder, part, store) for part in parts)
        new = sum(bar("recording", steps, len(parts)))
    console.out(f"{new} new of {total} messages recorded in {place.store}.", highlight=False)


def _parts(
    recorder: ConversationRecorder, chat: Chat, place: Place, thread: str
) -> Iterator[_Part]:
    config = place.config(thread_id=thread or chat.thread)
    try:
        said = recorder.turns_in(chat.messages, config)
    except InvalidInputError as error:
        raise InvalidInputError(f"{chat.thread}: {error}") from error
    for start in range(0, len(said), _AT_ONCE):
        yield _Part(said[start : start + _AT_ONCE], config)


def _recorded(recorder: ConversationRecorder, part: _Part, store: BaseStore) -> int:
    return len(run_flow(recorder.keep(part.turns, part.config), part.config, store=store))
