"""Long texts in short: what a model is shown of a memory, and what its answer means. Pure.

A memory may hold a whole file, and shown in full it would fill the context of every later call.
So the middle of a long text is left out behind a mark. A model that changes such a text copies
the mark, and the middle takes its place again: nothing is lost by not having been shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any, cast

from longterm.memory.draft import ProposalError

__all__ = ["LIMIT", "excerpt", "restored", "texts_in"]

#: Texts of so many characters are shown whole.
LIMIT = 4_000

_MARK = re.compile(r"\[… \d+ characters not shown: [0-9a-f]{8} …\]")


def excerpt(content: Any) -> Any:
    """Return *content* with a mark in the middle of each long text."""
    marks = {text: f"{text[:half]}{mark}{text[-half:]}" for mark, text, half in _long(content)}
    return _mapped(content, marks) if marks else content


def restored(changes: Any, *shown: Any) -> Any:
    """Return *changes* with what the marks in it stand for in the documents that were *shown*.

    Raises `ProposalError` for a mark that stands in none of them.
    """
    marked = [text for text in texts_in(changes) if _MARK.search(text)]
    if not marked:
        return changes
    hidden = {mark: text[half:-half] for one in shown for mark, text, half in _long(one)}
    return _mapped(changes, {text: _filled(text, hidden) for text in marked})


def _long(content: Any) -> Iterator[tuple[str, str, int]]:
    """Yield the long texts, each with its mark and how much is shown on either side of it."""
    half = LIMIT // 2
    for text in texts_in(content):
        if len(text) > LIMIT:
            fingerprint = blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
            yield f"[… {len(text) - 2 * half} characters not shown: {fingerprint} …]", text, half


def _filled(text: str, hidden: Mapping[str, str]) -> str:
    def fill(mark: re.Match[str]) -> str:
        if mark.group() not in hidden:
            raise ProposalError(
                f"{mark.group()} stands in no known memory. Copy the mark of a text that was not "
                "shown whole as it is, or leave that field out."
            )
        return hidden[mark.group()]

    return _MARK.sub(fill, text)


def texts_in(content: Any) -> Iterator[str]:
    """Yield every text in *content*, at any depth."""
    match content:
        case str(text):
            yield text
        case Mapping():
            for inner in cast("Mapping[str, Any]", content).values():
                yield from texts_in(inner)
        case Sequence() if not isinstance(content, bytes):
            for inner in cast("Sequence[Any]", content):
                yield from texts_in(inner)
        case _:
            return


def _mapped(content: Any, texts: Mapping[str, str]) -> Any:
    """Return *content* with *texts* in place of theirs, or itself where there are none."""
    match content:
        case str(text):
            return texts.get(text, text)
        case Mapping() if texts:
            fields = cast("Mapping[str, Any]", content)
            return {name: _mapped(inner, texts) for name, inner in fields.items()}
        case list() | tuple() if texts:
            return [_mapped(inner, texts) for inner in cast("Sequence[Any]", content)]
        case _:
            return content
