"""An extraction's changes as writes, each with the messages it came from. Pure.

Where no word tells which message a memory came from, the store's embeddings do. Few need that, and
no conversation is embedded for the others: of LoCoMo's facts 3 % do. Those are paraphrases, which
name another thing than the message does, or the same in another language.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from langchain_core.messages import BaseMessage
from langgraph.store.base import Item

from longterm.commit import Skip, Write
from longterm.effects.steps import Embed
from longterm.memory.conversation import (
    Attributor,
    message_text,
    message_time,
    origin_of_message,
    speaker,
    turn_keys,
    zoned,
)
from longterm.memory.model import Draft, Entry, carried_over, content_text, document_of, value_of
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Source, weakest
from longterm.text.quoting import shortened

__all__ = ["ConversationSources", "compare", "writes_of"]

#: A longer conversation would keep its writer waiting.
_AT_MOST = 64


async def compare(sources: ConversationSources, entries: Iterable[Entry]) -> None:
    """Let *sources* know how near those *entries* that no word explains are to their messages."""
    texts = sources.texts
    said = [place for place, text in enumerate(texts) if text]  # many models refuse an empty one
    contents = sources.unsourced(entries) if said and len(texts) <= _AT_MOST else []
    made = await Embed((*contents, *(texts[place] for place in said))) if contents else None
    if made is None:
        return
    import numpy as np  # slow to load, and few conversations come here

    vectors = np.array(made)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Texts that the model cannot read have no length, and are near to nothing.
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    nearness = np.zeros((len(contents), len(texts)))
    nearness[:, said] = units[: len(contents)] @ units[len(contents) :].T
    sources.nearness = dict(zip(contents, nearness.tolist(), strict=True))


_QUOTE = 200
#: Of a longer message its beginning is embedded.
_EMBEDDED = 1_000
_LONGEST = 20_000


class ConversationSources:
    """The messages of one conversation, as sources of what was extracted from it.

    *now* is when those were said that do not say.
    """

    def __init__(
        self, messages: Sequence[BaseMessage], thread: str | None, now: datetime | None = None
    ) -> None:
        keys = turn_keys(messages, thread=thread or "", limit=_LONGEST)
        said = [message_text(message).strip() for message in messages]
        self._sources = [
            Source(
                thread_id=thread,
                message_id=message.id or key,
                time=(time := message_time(message) or now) and zoned(time),
                speaker=message.name or speaker(message),
                role=speaker(message),
                origin=origin_of_message(message),
                quote=shortened(text, _QUOTE),
            )
            for message, key, text in zip(messages, keys, said, strict=True)
        ]
        self._thread = thread
        self._attributor = Attributor(messages)
        #: The cosines of contents, see `unsourced`, to each of `texts`, where they are known.
        self.nearness: Mapping[str, Sequence[float]] = {}
        self.texts = [shortened(text, _EMBEDDED) for text in said]

    def unsourced(self, entries: Iterable[Entry]) -> list[str]:
        """Return the contents of *entries* of which no word and no citation shows the source."""
        return [
            content_text(entry.document.content)
            for entry in entries
            if entry.changed
            and not entry.deleted
            and not self._attributor.decides(entry.document.content, _replaced(entry))
            and not self._cited(entry)
        ]

    def of(self, entry: Entry) -> tuple[Source, ...]:
        """Return what *entry* came from: the messages it cites, else those its words point to.

        A citation counts that shares a word with what is new in the memory, and it never makes
        the origin a better one: the sources by words then stay beside it. The same holds of
        messages that are near by their vectors. Where nothing points anywhere, it came from
        somewhere in the conversation, and its origin is the weakest there.
        """
        content, before = entry.document.content, _replaced(entry)
        by_words = self.of_content(content, before)
        cited = self._cited(entry)
        if not cited and (nearness := self.nearness.get(content_text(content))):
            places = self._attributor.of(content, before, nearness=nearness)
            cited = tuple(self._sources[place] for place in places)
        if not cited:
            return by_words
        if weakest(one.origin for one in (*cited, *by_words)) == weakest(
            one.origin for one in cited
        ):
            return cited
        return tuple(dict.fromkeys((*cited, *by_words)))

    def _cited(self, entry: Entry) -> tuple[Source, ...]:
        content, before = entry.document.content, _replaced(entry)
        return tuple(
            self._sources[place]
            for place in dict.fromkeys(entry.cited)
            if place < len(self._sources) and self._attributor.shared(content, place, before)
        )

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
        if len(places) == 1:
            return list(places)
        shared = {place: self._attributor.shared(content, place) for place in places}

        def repeats(place: int, other: int) -> bool:
            origin, said = self._sources[place].origin, self._sources[other].origin
            weaker = said != origin == weakest((said, origin))
            return weaker and shared[place] <= shared[other]

        return [place for place in places if not any(repeats(place, one) for one in places)]


def _replaced(entry: Entry) -> Any:
    """Return what *entry* said until now, where it is a change."""
    return entry.before.content if entry.before and not entry.deleted else None


def writes_of(draft: Draft, namespace: Namespace, sources: ConversationSources) -> list[Write]:
    """Return what *draft* changed, for `commit`, with the *sources* of each change.

    A model takes seconds to answer, and others may have changed a memory meanwhile: the edits
    are made on what it is when it is written, and a new one never takes the place of what is
    there. A memory is changed where it lies, and a new one is written to *namespace*.
    """
    return [
        Write(
            entry.document.namespace or namespace,
            entry.document.id,
            partial(_made_again, entry),
            fresh=entry.before is None,
            sources=sources.of(entry),
        )
        for entry in draft.entries
        if entry.changed
    ]


def _made_again(entry: Entry, item: Item | None) -> dict[str, Any] | Skip | None:
    now = item and document_of(item.key, item.value, entry.document.namespace)
    entry, lost = carried_over(entry, now)
    if not entry.changed:
        return Skip(lost)
    return None if entry.deleted else value_of(entry.document)
