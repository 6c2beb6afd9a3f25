"""Turns: messages word for word, as values of a store, and back. Pure.

A turn's key follows from its thread and its message's id (without an id, from what was said,
by whom and, if known, when), so that recording a message twice stores it once.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from langchain_core.messages import BaseMessage
from langgraph.store.base import Item

from longterm.effects.capabilities import KeepsTerms
from longterm.memory.conversation import UNSPOKEN, message_text, message_time, speaker
from longterm.memory.model import TURN, indexed_fields, is_turn
from longterm.memory.revision import Source
from longterm.recall.candidates import Candidate
from longterm.recall.reading import LONG_TEXT, pieces
from longterm.text.term_hashes import TERM_BYTES
from longterm.text.tokenizer import count_terms
from longterm.text.truncation import shortened

__all__ = ["Turn", "as_candidate", "turns"]

_KEYS = uuid5(NAMESPACE_URL, "longterm/turn")


@dataclass(frozen=True, slots=True)
class Turn:
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
        parts = pieces(self.text)
        return {
            "kind": TURN,
            "content": self.text,
            "speaker": self.speaker,
            "role": self.role,
            "time": self.time.isoformat(),
            "thread": self.thread,
            "position": self.position,
            "message_id": self.message_id,
            "before": self.before,
        } | ({"pieces": parts} if len(parts) > 1 else {})


def turns(messages: Sequence[BaseMessage], *, thread: str, now: datetime, limit: int) -> list[Turn]:
    """Make turns of *messages* in their order, without instructions, summaries and empty ones.

    A message without a time has that of the one before it, the first one *now*. Of a text
    longer than *limit* characters both ends are kept.
    """
    found: list[Turn] = []
    said: Counter[str] = Counter()
    time = now
    for message in messages:
        time = _aware(message_time(message)) or time
        text = shortened(message_text(message).strip(), limit)
        if text and speaker(message) not in UNSPOKEN:
            role = speaker(message)
            turn = Turn(
                key=_key(message, text, thread, said),
                text=text,
                speaker=message.name or role,
                role=role,
                time=time,
                thread=thread,
                position=len(found),
                message_id=message.id or "",
                before=found[-1].key if found else "",
            )
            found.append(turn)
    return found


def turn_key(thread: str, message_id: str) -> str:
    """Name the turn of a message that has an id."""
    return str(uuid5(_KEYS, json.dumps([thread, message_id])))


def _key(message: BaseMessage, text: str, thread: str, said: "Counter[str]") -> str:
    """Name the turn; the same words twice in one conversation are two turns."""
    if message.id:
        return turn_key(thread, message.id)
    own_time = message_time(message)
    parts = [thread, speaker(message), message.name, text, own_time and own_time.isoformat()]
    content = json.dumps(parts)
    said[content] += 1
    return str(uuid5(_KEYS, f"{content}#{said[content]}"))


# --- from the store ---------------------------------------------------------------------------


def as_candidate(item: Item, found_by: KeepsTerms | None = None) -> Candidate:
    """Read an item of a store as what may be recalled: a turn, or else a memory.

    *found_by* has the terms of the item where the store brought them along.
    """
    value = cast("Mapping[str, Any]", item.value)
    if is_turn(value):
        text: str = value["content"]
        position = value.get("position")
        return Candidate(
            namespace=item.namespace,
            key=item.key,
            kind="turn",
            text=text,
            time=_parsed_time(value.get("time")) or _aware(item.created_at) or item.created_at,
            speaker=str(value.get("speaker") or ""),
            role=str(value.get("role") or ""),
            thread=str(value.get("thread") or ""),
            position=position if isinstance(position, int) else 0,
            message_id=str(value.get("message_id") or ""),
            value=value,
            written=_aware(item.created_at),
            updated=item.updated_at,
            packed_terms=None if found_by is None else _content_terms(found_by, value, text),
        )
    cited: object = value.get("sources")
    ids = cast("list[object]", cited) if isinstance(cited, list) else []
    return Candidate(
        namespace=item.namespace,
        key=item.key,
        kind="memory",
        text="; ".join(_leaves(value.get("content", value))),
        time=_aware(item.updated_at) or item.updated_at,
        thread=item.key,
        # Whose words they are, the value does not say.
        sources=tuple(Source(message_id=str(id), origin="user") for id in ids),
        value=value,
        updated=item.updated_at,
    )


def _content_terms(found_by: KeepsTerms, value: Mapping[str, Any], text: str) -> bytes | None:
    """Return the terms of a turn's *text*: what it is found by, without those of its pieces."""
    packed = found_by.terms_of(indexed_fields(value))
    if packed is None or len(text) > LONG_TEXT:
        return None
    cut: object = value.get("pieces")
    if not isinstance(cut, list):
        return packed
    again = sum(count_terms(part) for part in cast("list[object]", cut) if isinstance(part, str))
    return packed[: len(packed) - TERM_BYTES * again]


def _leaves(content: Any, name: str = "") -> Iterator[str]:
    """Words of a document, each with the name of its field."""
    match content:
        case {"content": str(text)} if len(cast("dict[str, Any]", content)) == 1:
            yield text
        case dict():
            for key, inner in cast("dict[str, Any]", content).items():
                yield from _leaves(inner, key)
        case list():
            for inner in cast("list[Any]", content):
                yield from _leaves(inner, name)
        case None:
            return
        case _:
            yield f"{name}: {content}" if name else str(content)


def _aware(time: datetime | None) -> datetime | None:
    return time.replace(tzinfo=UTC) if time is not None and time.tzinfo is None else time


def _parsed_time(text: object) -> datetime | None:
    try:
        return _aware(datetime.fromisoformat(text)) if isinstance(text, str) else None
    except ValueError:
        return None
