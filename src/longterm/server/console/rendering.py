"""Pages from templates, and what they show that is more than text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any, Literal
from urllib.parse import quote

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined

from longterm.memory.namespace import unescape_label
from longterm.memory.revision import Revision
from longterm.text.characters import whole_characters

__all__ = ["RevisionStep", "content_shown", "page", "steps_of"]

#: No script, style or picture from elsewhere, no form to elsewhere, no frame.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


#: Revisions of a memory that its page shows.
_MOST_STEPS = 50
#: Words that changed times those they became: with more, a comparison may take seconds.
_MOST_PAIRS = 250**2


def content_shown(content: Any) -> str:
    """Return a memory's content as text: its words, or its fields as JSON."""
    return (
        content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=2)
    )


def _local_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"


_TEMPLATES = Environment(
    loader=PackageLoader("longterm.server.console"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "moment": _local_time,
    "plain": unescape_label,
    "part": lambda text: quote(str(text), safe=""),
    "words": content_shown,
}


def page(request: Request, template: str, /, status: int = 200, **shown_there: Any) -> HTMLResponse:
    """Return a page made of *template*."""
    html = _TEMPLATES.get_template(template).render(
        principal=getattr(request.state, "principal", None),
        mark=getattr(request.state, "mark", ""),
        path=request.url.path,
        **shown_there,
    )
    return HTMLResponse(whole_characters(html), status, {"Content-Security-Policy": _POLICY})


@dataclass(frozen=True, slots=True)
class RevisionStep:
    """A revision, and how its text differs from that of the one before."""

    revision: Revision
    pieces: Sequence[tuple[Literal["same", "gone", "new"], str]]


def steps_of(revisions: Sequence[Revision]) -> list[RevisionStep]:
    """Return the last revisions with their differences, word by word."""
    steps: list[RevisionStep] = []
    before = ""
    for one in revisions[-_MOST_STEPS - 1 :]:
        after = "" if one.value is None else content_shown(one.content)
        steps.append(RevisionStep(one, [*_pieces(before, after)]))
        before = after
    return steps[-_MOST_STEPS:]


def _alike(some: Sequence[str], others: Sequence[str]) -> int:
    """Return how many they begin with alike."""
    return sum(1 for _ in takewhile(lambda two: two[0] == two[1], zip(some, others, strict=False)))


def _pieces(before: str, after: str) -> Iterator[tuple[Literal["same", "gone", "new"], str]]:
    old, new = before.split(), after.split()
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    changed, into = old[head : len(old) - tail], new[head : len(new) - tail]
    if len(changed) * len(into) > _MOST_PAIRS:
        changes = [("replace", 0, len(changed), 0, len(into))]
    else:
        changes = SequenceMatcher(None, changed, into, autojunk=False).get_opcodes()
    if head:
        yield "same", " ".join(new[:head])
    for change, a, b, c, d in changes:
        if change == "equal":
            yield "same", " ".join(into[c:d])
            continue
        if a < b:
            yield "gone", " ".join(changed[a:b])
        if c < d:
            yield "new", " ".join(into[c:d])
    if tail:
        yield "same", " ".join(new[-tail:])
