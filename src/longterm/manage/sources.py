"""Where an extraction's memories came from: its messages as sources, and who cites which. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    HumanMessage,
    ToolMessage,
)

from longterm.effects.clock import utc_now
from longterm.memory.attribution import Attributor
from longterm.memory.conversation import message_text, message_time, speaker
from longterm.memory.draft import Entry
from longterm.memory.revision import Origin, Source, weakest
from longterm.recall.turns import turns
from longterm.text.truncation import shortened

__all__ = ["ConversationSources", "origin_of_message"]

_QUOTE = 200
_LONGEST = 20_000


class ConversationSources:
    """The messages of one conversation, as sources of what was extracted from it."""

    def __init__(self, messages: Sequence[BaseMessage], thread: str | None) -> None:
        keys = _turn_keys(messages, thread)
        self._sources = [
            Source(
                thread_id=thread,
                message_id=message.id or key,
                time=message_time(message),
                speaker=message.name or speaker(message),
                role=speaker(message),
                origin=origin_of_message(message),
                quote=shortened(message_text(message).strip(), _QUOTE),
            )
            for message, key in zip(messages, keys, strict=True)
        ]
        self._thread = thread
        self._attributor = Attributor(messages)

    def of(self, entry: Entry, cited: Sequence[int] = ()) -> tuple[Source, ...]:
        """Return what *entry* came from: the messages *cited*, else those its words point to.

        Where nothing points anywhere, it came from somewhere in the conversation, and its
        origin is the weakest there.
        """
        places = [place for place in cited if 0 <= place < len(self._sources)]
        if not places:
            before = entry.before and not entry.deleted and entry.before.content
            places = self._attributor.of(entry.document.content, before or None)
        if places:
            return tuple(self._sources[place] for place in places)
        if not self._sources:
            return ()
        origin = weakest(source.origin for source in self._sources)
        return (Source(thread_id=self._thread, origin=origin),)


def origin_of_message(message: BaseMessage) -> Origin:
    """Return whose words a message holds; what a program put in is nobody's, so an import."""
    extra = cast("Mapping[str, Any]", message.additional_kwargs)  # pyright: ignore[reportUnknownMemberType] - untyped in LangChain
    if "lc_source" in extra:
        return "import"
    match message:
        case HumanMessage():
            return "user"
        case AIMessage():
            return "assistant"
        case ToolMessage():
            return "tool"
        case _:
            return "user" if speaker(message) == "user" else "import"


def _turn_keys(messages: Sequence[BaseMessage], thread: str | None) -> list[str | None]:
    """Return the key that each message has, or would have, as a recorded turn."""
    recorded = turns(messages, thread=thread or "", now=utc_now(), limit=_LONGEST)
    keys: list[str | None] = []
    for message in messages:
        text = shortened(message_text(message).strip(), _LONGEST)
        is_turn = bool(recorded) and recorded[0].text == text
        keys.append(recorded.pop(0).key if is_turn else None)
    return keys
