"""Turns: messages word for word, as values of a store. Pure.

A turn's key follows from its thread and its message's id (without an id, from what was said,
by whom and, if known, when), so that recording a message twice stores it once.
"""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha1
from json.encoder import encode_basestring_ascii as in_quotes
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from langchain_core.messages import BaseMessage

from longterm.memory.conversation import UNSPOKEN, message_text, message_time, speaker, zoned
from longterm.memory.model import TURN
from longterm.recall.reading import pieces
from longterm.text.quoting import shortened

__all__ = ["Turn", "turn_key", "turn_keys", "turns"]

_KEYS = uuid5(NAMESPACE_URL, "longterm/turn")
#: The two highest bits of the digit are the variant's.
_VARIANTS = {f"{digit:x}": f"{0b1000 | digit & 0b0011:x}" for digit in range(16)}


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
        if text := _spoken(message, limit):
            role, key = speaker(message), _key(message, text, thread, said)
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


def turn_keys(messages: Sequence[BaseMessage], *, thread: str, limit: int) -> list[str | None]:
    """Return the key that each message has, or would have, as a turn; None for what is none."""
    said: Counter[str] = Counter()
    spoken = ((message, _spoken(message, limit)) for message in messages)
    return [_key(message, text, thread, said) if text else None for message, text in spoken]


def _spoken(message: BaseMessage, limit: int) -> str:
    """Return what a turn keeps of *message*; nothing of instructions and summaries."""
    text = shortened(message_text(message).strip(), limit)
    return text if text and speaker(message) not in UNSPOKEN else ""


def turn_key(thread: str, message_id: str) -> str:
    """Name the turn of a message that has an id."""
    # As json.dumps writes a list of both, which takes longer to begin than to write it.
    return _uuid5(f"[{in_quotes(thread)}, {in_quotes(message_id)}]")


def _key(message: BaseMessage, text: str, thread: str, said: "Counter[str]") -> str:
    """Name the turn; the same words twice in one conversation are two turns."""
    if message.id:
        return turn_key(thread, message.id)
    own_time = message_time(message)
    parts = [thread, speaker(message), message.name, text, own_time and own_time.isoformat()]
    content = json.dumps(parts)
    said[content] += 1
    return _uuid5(f"{content}#{said[content]}")


def _uuid5(name: str) -> str:
    """Return what `uuid.uuid5` makes of *name*, in a quarter of the time."""
    digest = sha1(_KEYS.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"
