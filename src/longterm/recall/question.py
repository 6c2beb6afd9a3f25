"""Questions: what is asked, of whom, when, and which kind of answer would do. Pure."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from longterm.memory.when import Span, spans
from longterm.recall.language import (
    ADDRESSES_ASSISTANT,
    ASKS_HOW_MANY,
    ASKS_WHEN,
    FIRST_PERSON,
    PERSONAL,
    REQUEST,
    STOP_TERMS,
    SUMMARY,
    SURVEY,
)
from longterm.text.questions import QUESTION_LEAD, asked_terms
from longterm.text.tokenizer import query_terms, words

__all__ = ["Question", "parse_question"]

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Question:
    """A question, read by rules."""

    text: str
    #: What full text looks for: no stop words, no names of who speaks.
    terms: tuple[str, ...]
    #: What vectors look for: the question turned into what its answer may sound like.
    statement: str
    #: The speakers it names, as they are written in the turns.
    named: frozenset[str]
    spans: tuple[Span, ...]
    first_person: bool
    addresses_assistant: bool
    wants_time: bool
    wants_number: bool
    summary: bool
    survey: bool
    request: bool
    asked_at: datetime


def parse_question(text: str, *, speakers: Collection[str] = (), now: datetime) -> Question:
    """Read *text*, asked at *now*, where *speakers* took part in what may be recalled."""
    mentions = {speaker: _mentions(speaker) for speaker in speakers}
    named = {
        speaker: forms
        for speaker, forms in mentions.items()
        if any(form.search(text) for form in forms)
    }
    found = [term for term in asked_terms(text) if term not in STOP_TERMS]
    names = {term for speaker in named for term in query_terms(speaker)}
    return Question(
        text=text,
        # The names only where nothing else is asked for.
        terms=tuple([term for term in found if term not in names] or found or query_terms(text)),
        statement=_statement(text, [form for forms in named.values() for form in forms]),
        named=frozenset(named),
        spans=tuple(spans(text, now)),
        first_person=FIRST_PERSON.search(text) is not None,
        addresses_assistant=ADDRESSES_ASSISTANT.search(text) is not None,
        wants_time=ASKS_WHEN.search(text) is not None,
        wants_number=ASKS_HOW_MANY.search(text) is not None,
        summary=SUMMARY.search(text) is not None,
        survey=SURVEY.search(text) is not None,
        request=REQUEST.search(text) is not None or PERSONAL.search(text) is None,
        asked_at=now,
    )


def _mentions(speaker: str) -> list[re.Pattern[str]]:
    """Make patterns of the forms a speaker is named by: in full, and by the first name."""
    names = dict.fromkeys((speaker.strip(), *_WORD.findall(speaker)[:1]))
    bounds = {name: r"\b" if name.isascii() else "" for name in names if name}
    return [
        re.compile(f"{bound}{re.escape(name)}{bound}", re.IGNORECASE)
        for name, bound in bounds.items()
    ]


def _statement(text: str, mentions: Collection[re.Pattern[str]]) -> str:
    """Say it as the named speaker would.

    A name in the query pulls towards turns in which *others* address that person; the one who
    is asked about says "I".
    """
    for mention in mentions:
        text = re.sub(rf"{mention.pattern}['’]s\b", "my", text, flags=re.IGNORECASE)
        text = mention.sub("I" if mention.pattern.isascii() else "我", text)
    statement = QUESTION_LEAD.sub("", text.strip()).rstrip("?？ ")
    return statement if words(statement) else text
