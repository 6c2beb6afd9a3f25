"""Where an extraction's memories came from: its messages as sources, and who cites which. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from langchain_core.messages import BaseMessage

from longterm.effects.clock import utc_now
from longterm.memory.attribution import Attributor
from longterm.memory.conversation import message_text, message_time, origin_of_message, speaker
from longterm.memory.draft import Entry
from longterm.memory.revision import Source, weakest
from longterm.recall.turns import turns
from longterm.text.truncation import shortened

__all__ = ["ConversationSources"]

_QUOTE = 200
_LONGEST = 20_000


class ConversationSources:
    """The messages of one conversation, as sources of what was extracted from it.

    *now* is when those were said that do not say.
    """

    def __init__(
        self, messages: Sequence[BaseMessage], thread: str | None, now: datetime | None = None
    ) -> None:
        keys = _turn_keys(messages, thread)
        self._sources = [
            Source(
                thread_id=thread,
                message_id=message.id or key,
                time=message_time(message) or now,
                speaker=message.name or speaker(message),
                role=speaker(message),
                origin=origin_of_message(message),
                quote=shortened(message_text(message).strip(), _QUOTE),
            )
            for message, key in zip(messages, keys, strict=True)
        ]
        self._thread = thread
        self._attributor = Attributor(messages)

    def of(self, entry: Entry) -> tuple[Source, ...]:
        """Return what *entry* came from: the messages it cites, else those its words point to.

        A citation counts that shares a word with what is new in the memory, and it never makes
        the origin a better one: the sources by words then stay beside it. Where nothing points
        anywhere, it came from somewhere in the conversation, and its origin is the weakest there.
        """
        content = entry.document.content
        before = (entry.before and not entry.deleted and entry.before.content) or None
        by_words = self.of_content(content, before)
        cited = tuple(
            self._sources[place]
            for place in dict.fromkeys(entry.cited)
            if place < len(self._sources) and self._attributor.shared(content, place, before)
        )
        if not cited:
            return by_words
        if weakest(one.origin for one in (*cited, *by_words)) == weakest(
            one.origin for one in cited
        ):
            return cited
        return tuple(dict.fromkeys((*cited, *by_words)))

    def of_content(self, content: Any, before: Any = None) -> tuple[Source, ...]:
        """Return what *content*, which was *before* until now, came from, by its words."""
        places = self._without_echoes(self._attributor.of(content, before), content)
        if places:
            return tuple(self._sources[place] for place in places)
        if not self._sources:
            return ()
        origin = weakest(source.origin for source in self._sources)
        return (Source(thread_id=self._thread, origin=origin),)

    def _without_echoes(self, places: Sequence[int], content: Any) -> list[int]:
        """Leave out of *places* messages that add nothing to one of more trusted origin.

        An assistant that confirms what its user has just asked for is no source of it.
        """
        shared = {place: self._attributor.shared(content, place) for place in places}

        def repeats(place: int, other: int) -> bool:
            origin, said = self._sources[place].origin, self._sources[other].origin
            weaker = said != origin == weakest((said, origin))
            return weaker and shared[place] <= shared[other]

        return [place for place in places if not any(repeats(place, one) for one in places)]


def _turn_keys(messages: Sequence[BaseMessage], thread: str | None) -> list[str | None]:
    """Return the key that each message has, or would have, as a recorded turn."""
    recorded = turns(messages, thread=thread or "", now=utc_now(), limit=_LONGEST)
    keys: list[str | None] = []
    for message in messages:
        text = shortened(message_text(message).strip(), _LONGEST)
        is_turn = bool(recorded) and recorded[0].text == text
        keys.append(recorded.pop(0).key if is_turn else None)
    return keys
