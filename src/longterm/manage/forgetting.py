"""Requests to forget: what users ask to have forgotten, and what became of it.

The usual question shows a model what fits its prompt; a request to forget means everything. So
what it finds in the store is shown page after page, in questions of their own, until a page holds
nothing of it. What reads or asks here is a flow; the rest is pure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from langchain_core.messages import BaseMessage
from langgraph.store.base import Item, SearchItem

from longterm.effects.steps import PAGE, Reach, search, search_op, search_within
from longterm.extract.engine import (
    Dropped,
    Extraction,
    ExtractionInput,
    ExtractionReport,
    Extractor,
)
from longterm.manage.relevant import in_turn, is_scored, sharing_words, within
from longterm.memory.conversation import QUERY_LIMIT, message_text, speaker
from longterm.memory.model import Draft, content_text, document_of
from longterm.text.tokenizer import query_terms, terms, words

__all__ = [
    "Forgetting",
    "Request",
    "find_requested",
    "requests_to_forget",
    "unmet",
    "without_requests",
]

#: How many messages before a request are shown with it: "forget that" speaks of the last one.
_BEFORE = 2

#: Said to the assistant: not "don't forget", "I forget" or "forget to".
_FORGET = re.compile(
    r"""
    (?: (?:^|[.!?,;:\n(])\s*                                  # an English imperative: where a
      | \b(?:please|now|also|and|then|just|so|ok(?:ay)?|to)\s  # clause begins, or asked of "you"
      | \byou\s (?:(?:can|could|should|may|must|to)\s)?
    )
    (?:please\s|just\s)*
    (?: forget\b (?!\s+(?:how\s+)?to\b)
      | (?:delete|erase|remove|drop|wipe|clear)\b (?=[^.!?\n]{0,80} \b(?:
            memor(?:y|ies)|remember\w*|you(?:\s|['’]ve\s)(?:have|know|saved|stored|learned|noted)
          | about\s(?:me|us)|notes?|my|our)\b)
      | (?:do\snot|don['’]?t|stop) \s (?:remember|keep|stor)(?:e|ing)?\b
    )
    | \b(?:no\slonger|do\snot|don['’]?t)\swant\syou\sto\s(?:know|remember)\b
    | (?:^|[.!?,;\n]\s*|\b(?:bitte|por\sfavor|per\sfavore|pla[iî]t|пожалуйста)[\s,]+)
      (?: vergiss\b(?!\s+nicht) | vergessen\ssie\b | olvid[ae]\b | esque[cç]a\b
        | oublie[rz]?\b(?!\s+pas) | dimentica\b | забудь(?:те)?\b )
    | 잊어
    | (?<![别別不我没沒勿会會]) (?:忘掉|忘记|忘記|忘了) (?![带帶拿买買关關])
    | (?:删除|删掉|刪除|刪掉) (?=.{0,20}(?:记|記|我|知道))
    | (?<=[我记記])[^，。,.]{0,20}(?:删除|删掉|刪除|刪掉)
    | 忘れて (?![いしたまばる]) | 覚え(?:ておか)?ないで
    | (?:消して|削除して) (?=ください|下さい|ほし|欲し|くれ|[。!！]|$)
    """,
    re.IGNORECASE | re.VERBOSE | re.MULTILINE,
)
_SENTENCE = re.compile(r"[^.!?。！？\n]*[.!?。！？\n]?")
#: "That", "it all", "what I just said": it is the message before that says what.
_POINTER = re.compile(
    r"that|this|it|them|those|these|all|of|everything|what|which|i|you|we|just|said|told|again|"
    r"please|thing|things|the|last|about|message|now|这个|那个|这|那|这些|把这个|把它|それ|これ|は|を"
)
#: What a note about a request says, where a model keeps one.
_NOTE = re.compile(
    r"\b(?:forget|forgotten|erased?|deleted?|removed?|not (?:be )?remember(?:ed)?)\b"
    r"|忘|删|刪|削除|消し",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """One sentence that asks for something to be forgotten."""

    #: The position of its message.
    at: int
    #: What it is about, in its own words: the sentence without the asking.
    about: str

    def speaks_of(self, text: str) -> bool:
        """Whether *text* shares a word with what is to be forgotten."""
        return not set(query_terms(self.about)).isdisjoint(terms(text))


def requests_to_forget(messages: Sequence[BaseMessage]) -> list[Request]:
    """Return what users, and only they, ask to have forgotten."""
    found: list[Request] = []
    for at, message in enumerate(messages):
        if speaker(message) != "user":
            continue
        text = message_text(message)
        sentences = [one for one in _SENTENCE.findall(text) if _FORGET.search(one)]
        for sentence in sentences or ([text] if _FORGET.search(text) else []):
            about = _FORGET.sub(" ", sentence).strip(" \n.!?。！？,")
            if at and all(map(_POINTER.fullmatch, words(about))):
                about = f"{message_text(messages[at - 1])}\n{about}"
            found.append(Request(at, (about or text)[:QUERY_LIMIT]))
    return found


def without_requests(draft: Draft, requests: Sequence[Request]) -> tuple[Draft, ExtractionReport]:
    """Take new memories out of *draft* that only say that something is to be forgotten."""
    dropped: list[Dropped] = []
    for number, entry in enumerate(draft.entries):
        text = content_text(entry.document.content)
        new = entry.before is None and not entry.deleted and _NOTE.search(text)
        if new and any(one.speaks_of(text) for one in requests):
            draft = draft.delete(number)
            dropped.append(Dropped(text, "A request to forget is not itself remembered."))
    return draft, ExtractionReport(dropped=tuple(dropped))


def unmet(
    requests: Sequence[Request], drafts: Sequence[Draft], *, permitted: bool
) -> ExtractionReport:
    """Report the *requests* that changed nothing in *drafts*."""
    changed = [
        content_text(entry.before.content)
        for draft in drafts
        for entry in draft.entries
        if entry.before is not None and entry.changed
    ]
    missed = [one for one in requests if not any(map(one.speaks_of, changed))]
    if changed and len(missed) == len(requests):  # what it went by was no word they share
        return ExtractionReport()
    reason = (
        "Nothing that is known was found to hold it."
        if permitted
        else "Nothing was removed: this manager may not delete (enable_deletes=False)."
    )
    asked = "a request to forget"
    noted = f"{asked}. {reason}"
    return ExtractionReport(dropped=tuple(Dropped(asked, reason, noted) for _ in missed))


async def find_requested(requests: Sequence[Request], reach: Reach) -> list[SearchItem]:
    """Return what *requests* speak of, best first: by the store's search and by shared words.

    For the words *reach* is read whole, so that nothing is missed whatever the store's
    own search is worth.
    """
    searched = await search(
        [search_op(reach.namespace, one.about, limit=PAGE, refresh_ttl=False) for one in requests]
    )
    items = await search_within(reach, refresh_ttl=False)
    by_words = sharing_words(items, [one.about for one in requests])
    scored = [found for found in searched if any(map(is_scored, found))]
    return in_turn([*by_words, *scored], reach)


@dataclass(frozen=True, slots=True)
class Forgetting:
    """Asks a model about everything that requests to forget find and it has not seen."""

    extractor: Extractor
    #: About how much of a prompt the memories of one question may take.
    tokens: int
    #: How many memories one question shows at most; None for as many as fit.
    limit: int | None = None

    async def flow(
        self,
        requests: Sequence[Request],
        asked: ExtractionInput,
        extraction: Extraction,
        later: Sequence[Item],
    ) -> list[Extraction]:
        """Return further extractions, a page of *later* each, until one holds nothing of it.

        They begin where the question *asked* removed or changed something it knew.
        """
        rounds: list[Extraction] = []
        near = {at for one in requests for at in range(one.at - _BEFORE, one.at + 1)}
        said = [message for at, message in enumerate(asked.messages) if at in near]
        last = extraction
        while any(entry.before is not None and entry.changed for entry in last.draft.entries):
            page = (within(later, self.tokens) or list(later[:1]))[: self.limit]
            if not page:
                break
            later = later[len(page) :]
            draft = Draft.of([document_of(item.key, item.value, item.namespace) for item in page])
            last = await self.extractor.extract(
                replace(asked, messages=said, draft=draft, max_steps=1)
            )
            rounds.append(last)
        return rounds
