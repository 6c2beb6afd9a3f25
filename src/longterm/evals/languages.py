"""Conversations in English, Chinese and Japanese of one make, to compare recall across scripts.

Three stories exist once in each language, turn by turn and question by question; a tenth
conversation mixes the three. All were written for longterm before recall was tuned to them.
Every second question is held back from tuning. Conversations of your own, in the same form,
are read as well.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal, NotRequired, TypeAlias

from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from longterm.errors import InvalidInputError
from longterm.evals.files import file_text
from longterm.evals.suites import (
    Suite,
    SuiteConversation,
    SuiteFact,
    SuiteQuestion,
    SuiteTurn,
)

__all__ = ["Part", "read_languages"]

#: Which questions are asked.
Part: TypeAlias = Literal["all", "development", "held-back"]

_BETWEEN_TURNS = timedelta(minutes=1)
_ROLES = ("user", "assistant")


class _Session(TypedDict):
    time: datetime
    #: Who is speaking, a name or a role, and the words.
    turns: list[tuple[str, str]]


class _Question(TypedDict):
    text: str
    #: "session:turn", both counted from 1.
    evidence: list[str]
    answer: NotRequired[str]
    held_back: NotRequired[bool]


class _Fact(TypedDict):
    text: str
    #: The turns it was learned from, as in a question's evidence.
    turns: list[str]


class _Conversation(TypedDict):
    language: str
    sessions: list[_Session]
    questions: list[_Question]
    facts: NotRequired[list[_Fact]]


_FORM = TypeAdapter(_Conversation)


def read_languages(path: Path | None = None, part: Part = "all") -> Suite:
    """Read the conversations in *path*, a file or a folder; without one, those of longterm.

    The category of a question is the language of its conversation. Raises `InvalidInputError`
    where a file has another form.
    """
    if path is None:
        with as_file(files("longterm.evals") / "conversations") as folder:
            return read_languages(folder, part)
    found = [path] if path.is_file() else sorted(path.glob("*.json"))
    if not found:
        raise InvalidInputError(f"There is no .json file in {path}.")
    return Suite("languages", tuple(_read(file, part) for file in found))


def _read(file: Path, part: Part) -> SuiteConversation:
    try:
        data = _FORM.validate_json(file_text(file))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInputError(f"{file} is not a conversation: {where}: {first['msg']}.") from None
    conversation = SuiteConversation(
        file.stem,
        tuple(_turns(data["sessions"])),
        facts=tuple(SuiteFact(one["text"], tuple(one["turns"])) for one in data.get("facts", ())),
    )
    wanted = {"all": (False, True), "development": (False,), "held-back": (True,)}[part]
    return conversation.asking(
        SuiteQuestion(
            text=asked["text"],
            category=data["language"],
            evidence=tuple(asked["evidence"]),
            now=conversation.over,
            answer=asked.get("answer", ""),
        )
        for asked in data["questions"]
        if asked.get("held_back", False) in wanted
    )


def _turns(sessions: list[_Session]) -> Iterator[SuiteTurn]:
    for number, session in enumerate(sessions, 1):
        begin = session["time"]
        begin = begin if begin.tzinfo else begin.replace(tzinfo=UTC)
        for at, (speaker, text) in enumerate(session["turns"], 1):
            yield SuiteTurn(
                id=f"{number}:{at}",
                text=text,
                time=begin + (at - 1) * _BETWEEN_TURNS,
                role=speaker if speaker in _ROLES else "user",
                speaker="" if speaker in _ROLES else speaker,
                session=f"{number:04}",
            )
