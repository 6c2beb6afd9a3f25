"""BEAM: long chats of a user with an assistant (mohammadtavakoli78/BEAM). Reads its own JSON.

A folder for each conversation: ``chat.json``, and ``probing_questions.json`` in it or below.
Forgiving: fields may be missing, and batches may lie deeper than in the smaller sizes.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from longterm.errors import InvalidInputError
from longterm.evals.files import dicts_in, json_file, natural, plain_text
from longterm.evals.suites import BEGINNING, Suite, SuiteConversation, SuiteQuestion, SuiteTurn

__all__ = ["read_beam", "turns_in"]

_CHAT, _QUESTIONS = "chat.json", "probing_questions.json"
_MARK = re.compile(r"\s*->->\s*[\d,\s]+$")
_TIME = "%B-%d-%Y"
_BETWEEN_BATCHES = timedelta(days=1)
_ANSWERS = ("answer", "ideal_answer", "ideal_response", "ideal_summary")


def read_beam(path: Path) -> Suite:
    """Read the suite in *path*: a conversation's folder, or one that holds several."""
    root = path.parent if path.is_file() else path
    folders = sorted((chat.parent for chat in root.rglob(_CHAT)), key=lambda at: natural(at.name))
    read = [_conversation(folder, root) for folder in folders]
    if not any(one.turns for one in read):
        raise InvalidInputError(
            f"No BEAM conversations in {path}. Give a folder with 1/{_CHAT} and 1/{_QUESTIONS}."
        )
    return Suite("beam", tuple(read))


def _conversation(folder: Path, root: Path) -> SuiteConversation:
    name = folder.name if folder == root else folder.relative_to(root).as_posix()
    read = SuiteConversation(name, tuple(turns_in(json_file(folder / _CHAT))))
    files = sorted(folder.rglob(_QUESTIONS))[:1]
    return read.asking(one for file in files for one in _questions(json_file(file), read.over))


def turns_in(data: Any) -> Iterator[SuiteTurn]:
    """Yield the turns of a chat, batch by batch; a batch is a session."""
    begin, position = BEGINNING - _BETWEEN_BATCHES, 0
    for session, batch in enumerate(dicts_in(data, "turns"), 1):
        begin = _batch_time(batch) or begin + _BETWEEN_BATCHES
        for said in dicts_in(batch["turns"], "content"):
            if text := _MARK.sub("", plain_text(said["content"])).strip():
                time = begin + timedelta(minutes=position)
                yield SuiteTurn(
                    id=plain_text(said.get("id")) or str(position),
                    text=text,
                    time=time,
                    role="assistant" if said.get("role") == "assistant" else "user",
                    session=f"{session:04}",
                )
            position += 1


def _batch_time(batch: Mapping[str, Any]) -> datetime | None:
    """Take the date of a batch, its own or that of a turn in it."""
    for dated in (batch, *dicts_in(batch["turns"], "time_anchor")):
        try:
            return datetime.strptime(plain_text(dated.get("time_anchor")), _TIME).replace(
                tzinfo=UTC
            )
        except ValueError:
            continue
    return None


def _questions(data: Any, now: datetime) -> Iterator[SuiteQuestion]:
    categories = cast("dict[str, Any]", data) if isinstance(data, dict) else {"unknown": data}
    for category, asked in categories.items():
        for one in dicts_in(asked, "question"):
            yield SuiteQuestion(
                text=plain_text(one["question"]),
                category=category,
                evidence=tuple(_ids(one.get("source_chat_ids"))),
                now=now,
                answer=next(
                    (plain_text(one[key]) for key in _ANSWERS if plain_text(one.get(key))), ""
                ),
            )


def _ids(data: Any) -> Iterator[str]:
    match data:
        case bool():
            return
        case int() | str():
            yield str(data)
        case dict():
            yield from _ids(list(cast("dict[str, Any]", data).values()))
        case list():
            for inner in cast("list[Any]", data):
                yield from _ids(inner)
        case _:
            return
