"""LoCoMo: very long chats of two people (snap-research/LoCoMo). Reads its own JSON.

Forgiving, as its files are uneven: what lacks words is left out, citations are read in every
spelling they come in, unknown categories keep their number.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from longterm.errors import InvalidInputError
from longterm.evals.files import dicts_in, json_file, natural, plain_text
from longterm.evals.suites import (
    BEGINNING,
    Suite,
    SuiteConversation,
    SuiteFact,
    SuiteQuestion,
    SuiteTurn,
)

__all__ = ["Corrections", "conversation_in", "read_corrections", "read_locomo"]

_CATEGORIES = {
    "1": "multi-hop",
    "2": "temporal",
    "3": "open domain",
    "4": "single-hop",
    "5": "adversarial",
}
#: The right answer to a question that takes for granted what was never said.
_NOT_KNOWN = "This is not known: it was never said."
_SESSION = re.compile(r"session_\d+")
_CITATION = re.compile(r"D:?(\d+):(\d+)")
_TIME = "%I:%M %p on %d %B, %Y"
_BETWEEN_SESSIONS = timedelta(days=1)

#: The turns that answer a question, for citations known to be wrong.
Corrections = Mapping[tuple[str, tuple[str, ...]], tuple[str, ...]]
_NO_CORRECTIONS: Corrections = {}


def read_locomo(path: Path, corrections: Corrections | None = None) -> Suite:
    """Read the suite in *path*: a file, or a folder with one or several."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    found = {
        str(one.get("sample_id", f"{file.stem} {number}")): one
        for file in reversed(files)
        for number, one in enumerate(dicts_in(json_file(file), "conversation"))
    }
    names = sorted(found, key=natural)
    read = [conversation_in(found[name], name, corrections or _NO_CORRECTIONS) for name in names]
    if not any(one.turns for one in read):
        raise InvalidInputError(
            f"No LoCoMo conversations in {path}. Give a file such as locomo10.json, or its folder."
        )
    return Suite("locomo", tuple(read))


def conversation_in(
    data: Mapping[str, Any], name: str, corrections: Corrections = _NO_CORRECTIONS
) -> SuiteConversation:
    """Read one conversation with its questions, and its observations as facts."""
    read = SuiteConversation(
        name, tuple(_turns(data["conversation"])), facts=tuple(_facts(data.get("observation")))
    )
    asked = (_question(qa, read.over, corrections) for qa in dicts_in(data.get("qa"), "question"))
    return read.asking(asked)


def _turns(data: Any) -> Iterator[SuiteTurn]:
    sessions = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    names = sorted(filter(_SESSION.fullmatch, sessions), key=natural)
    begin = BEGINNING
    for name in names:
        begin = _session_time(sessions.get(f"{name}_date_time")) or begin + _BETWEEN_SESSIONS
        session = natural(name)[0]
        for number, said in enumerate(dicts_in(sessions[name], "text")):
            caption, id_ = plain_text(said.get("blip_caption")), plain_text(said.get("dia_id"))
            id_ = id_ or f"D{session}:{number + 1}"
            # With what is known of a picture in it.
            image = f"[image: {caption}]" if caption else ""
            words = (plain_text(said["text"]), image, plain_text(said.get("query")))
            if text := " ".join(filter(None, words)):
                yield SuiteTurn(
                    id=next(_citations(id_), id_),
                    text=text,
                    time=begin + timedelta(minutes=number),
                    speaker=plain_text(said.get("speaker")),
                    session=f"{session:04}",
                )


def _facts(data: Any) -> Iterator[SuiteFact]:
    """Yield what *data* says by session and speaker: pairs of a text and the turns it names."""
    match data:
        case dict():
            for inner in cast("dict[str, Any]", data).values():
                yield from _facts(inner)
        case [str(text), cited] if turns := tuple(_citations(cited)):
            yield SuiteFact(text.strip(), turns)
        case list():
            for inner in cast("list[Any]", data):
                yield from _facts(inner)
        case _:
            return


def _session_time(text: Any) -> datetime | None:
    try:
        return datetime.strptime(plain_text(text), _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _question(qa: Mapping[str, Any], now: datetime, corrections: Corrections) -> SuiteQuestion:
    text, category = plain_text(qa["question"]), plain_text(qa.get("category"))
    cited = tuple(_citations(qa.get("evidence")))
    return SuiteQuestion(
        text=text,
        category=_CATEGORIES.get(category, category or "unknown"),
        evidence=corrections.get((text, cited), cited),
        now=now,
        answer=plain_text(qa.get("answer")) or (_NOT_KNOWN if "adversarial_answer" in qa else ""),
    )


def _citations(data: Any) -> Iterator[str]:
    """Yield turns cited in *data*, "D8:6; D9:17" and "D:11:26" and "D30:05" as well."""
    if isinstance(data, list):
        for inner in cast("list[Any]", data):
            yield from _citations(inner)
    else:
        for session, number in _CITATION.findall(plain_text(data)):
            yield f"D{int(session)}:{int(number)}"


def read_corrections(path: Path) -> Corrections:
    """Read corrected citations: the ``errors.json`` of dial481/locomo-audit."""
    return {
        (plain_text(error["question"]), tuple(_citations(error.get("cited_evidence")))): right
        for error in dicts_in(json_file(path), "question")
        if error.get("error_type") == "WRONG_CITATION"
        and (right := tuple(_citations(error.get("correct_evidence"))))
    }
