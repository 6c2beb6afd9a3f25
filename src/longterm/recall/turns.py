"""Turns: messages word for word, as values of a store. Pure.

A turn has the key of its message (`key_of`), so that recording a message twice stores it once.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from longterm.memory.conversation import key_of, message_time, speaker, spoken, zoned
from longterm.memory.model import TURN
from longterm.recall.reading import pieces

__all__ = ["Turn", "turns"]


class Turn(NamedTuple):
    """One message of a conversation, word for word."""

    key: str
    text: str
    #: A name, or else the role.
    speaker: str
    role: str
    time: datetime
    thread: str
    #: The place in the conversation it was recorded with.
    position: int
    message_id: str
    #: The key of the turn before it, if that one was recorded with it.
    before: str

    @property
    def value(self) -> dict[str, Any]:
        """What the store keeps."""
        value: dict[str, Any] = {
            "kind": TURN,
            "content": self.text,
            "speaker": self.speaker,
            "role": self.role,
            "time": self.time.isoformat(),
            "thread": self.thread,
            "position": self.position,
            "message_id": self.message_id,
            "before": self.before,
        }
        if len(parts := pieces(self.text)) > 1:
            value["pieces"] = parts
        return value


def turns(messages: Sequence[BaseMessage], *, thread: str, now: datetime, limit: int) -> list[Turn]:
    """Make turns of *messages* in their order, without instructions, summaries and empty ones.

    A message without a time has that of the one before it, the first one *now*. Of a text
    longer than *limit* characters both ends are kept.
    """
    found: list[Turn] = []
    said: Counter[str] = Counter()
    time, before = now, ""
    for message in messages:
        time = zoned(message_time(message) or time)
        if text := spoken(message, limit):
            role, key = speaker(message), key_of(message, text, thread, said)
            found.append(
                Turn(
                    key=key,
                    text=text,
                    speaker=message.name or role,
                    role=role,
                    time=time,
                    thread=thread,
                    position=len(found),
                    message_id=message.id or "",
                    before=before,
                )
            )
            before = key
    return found
