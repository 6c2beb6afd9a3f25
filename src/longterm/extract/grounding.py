"""Which memory a small model means, when the number it gives may be a slip. Pure.

Models of few parameters mix numbers up, and a change under a wrong number would overwrite a
memory that was not spoken of. What they change must therefore have a word in common with what was
said or with what they write; a word that several memories have in common tells nothing. A
change without one is taken for a new memory, so nothing is lost, at the price that an outdated
memory may stay beside the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from longterm.memory.draft import Draft
from longterm.memory.model import Document
from longterm.text.scripts import is_unspaced
from longterm.text.tokenizer import terms

__all__ = ["label", "speaks_of"]

_HOLLOW_WORDS = """
the and now has have had was were are with that this for from not but you your her his she they
them been will would very also just like likes love loves any more
"""

#: Terms that tell no memory from another; shorter ones do not either.
_HOLLOW = frozenset(term for word in _HOLLOW_WORDS.split() for term in terms(word))


def speaks_of(draft: Draft, number: int, *texts: Any) -> bool:
    """Whether *texts*, words or documents, have something in common with memory *number* alone."""
    others = [_telling(label(one)) for other, one in draft.living if other != number]
    own = _telling(label(draft.entries[number].document)).difference(*others)
    return bool(own & _telling(" ".join(_words(texts))))


def label(document: Document) -> str:
    """Return the first value of a document, which says what it is about."""
    content: Any = document.content
    values: list[Any] = [*content.values()] if isinstance(content, dict) else [content]
    return " ".join(str(values[0] if values else "(empty)").split())


def _telling(text: str) -> set[str]:
    long = (term for term in terms(text) if len(term) >= (2 if is_unspaced(term) else 3))
    return set(long) - _HOLLOW


def _words(texts: Iterable[Any]) -> Iterator[str]:
    for one in texts:
        match one:
            case str(text):
                yield text
            case Mapping():
                yield from _words(cast("Mapping[str, Any]", one).values())
            case Sequence():
                yield from _words(cast("Sequence[Any]", one))
            case _:
                continue
