"""``longterm record``: keep the messages of chat files as turns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from longterm.cli.chats import Chat, read_chats
from longterm.cli.place import Place
from longterm.cli.showing import bar
from longterm.flow import run as run_flow
from longterm.recall.recorder import ConversationRecorder, create_conversation_recorder

__all__ = ["run"]

_AT_ONCE = 64


def run(files: Sequence[Path], place: Place, thread: str, console: Console | None = None) -> None:
    """Record every chat of *files* and tell how much of it was new."""
    console = console or Console()
    chats = [chat for file in files for chat in read_chats(file)]
    total = sum(len(chat.messages) for chat in chats)
    with place.opened() as store:
        recorder = create_conversation_recorder(namespace=place.turns, store=store)
        steps = (len(new) for chat in chats for new in _recorded(recorder, chat, place, thread))
        new = sum(bar("recording", steps, sum(map(_parts, chats))))
    console.out(f"{new} new of {total} messages recorded in {place.store}.", highlight=False)


def _parts(chat: Chat) -> int:
    return -(-len(chat.messages) // _AT_ONCE)


def _recorded(
    recorder: ConversationRecorder, chat: Chat, place: Place, thread: str
) -> Iterator[list[dict[str, Any]]]:
    """Record part by part."""
    config = place.config(thread_id=thread or chat.thread)
    said = recorder.turns_in(chat.messages, config)
    for start in range(0, len(said), _AT_ONCE):
        part = recorder.keep(said[start : start + _AT_ONCE], config)
        yield run_flow(part, config, store=recorder.store)
