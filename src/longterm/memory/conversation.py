"""Conversations: every form that callers use → messages → the text a model or a search sees.

The text names who spoke and, where a message carries a time, when. Pictures and files become
a short note such as ``[image]``, never their bytes; over-long messages keep both ends.

A message has a key as a turn, one that was said word for word: it follows from its thread and its
id (without an id, from what was said, by whom and, if known, when).

`Attributor` finds which messages a memory came from, by its words and, where these do not tell, by
vectors: for models that cite nothing, and for what they cite wrongly. A message counts that shares
rare words with the memory, more so where the memory names its speaker, or where the message answers
one that shares words: "How long have you been married?" and "Five years". The weights were
chosen on questions and answers of LoCoMo that name their turn: among three messages of a
session the right one is there in 94 % of 599.
"""

from __future__ import annotations

import json
import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from hashlib import sha1
from json.encoder import encode_basestring_ascii as in_quotes
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

from langchain_core.messages import (
    AIMessage,
    BaseMessage,
    ChatMessage,
    HumanMessage,
    RemoveMessage,
    SystemMessage,
    ToolMessage,
    convert_to_messages,
    messages_from_dict,
)

from longterm.errors import InvalidInputError
from longterm.memory.model import content_text
from longterm.memory.revision import Origin
from longterm.text.bm25 import bm25
from longterm.text.questions import QUESTION_MARKS
from longterm.text.quoting import as_label, poses, shortened, turn
from longterm.text.tokenizer import query_terms, terms

__all__ = [
    "QUERY_LIMIT",
    "REMOVE_ALL",
    "UNSPOKEN",
    "Attributor",
    "as_messages",
    "as_time",
    "key_of",
    "message_text",
    "message_time",
    "origin_of_message",
    "render",
    "speaker",
    "spoken",
    "turn_key",
    "turn_keys",
    "unread_times",
    "well_formed",
    "windows",
    "zoned",
]

#: LangGraph's REMOVE_ALL_MESSAGES, whose module is slow to import.
REMOVE_ALL = "__remove_all__"
#: A message longer than this many characters is shown by its two ends.
MESSAGE_LIMIT = 100_000
#: A search query longer than this many characters says nothing more to an embedding model.
QUERY_LIMIT = 2_000
#: Speakers of what no person says in a conversation: instructions, and other programs' summaries.
UNSPOKEN = frozenset({"system", "summary"})

_TIME_KEYS = ("timestamp", "created_at", "time", "datetime", "date")
#: Those that no client uses for anything else.
_SURELY_TIMES = ("timestamp", "created_at", "datetime")
_NUMBER = re.compile(r"[0-9]{9,}(?:\.[0-9]*)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+;base64,[A-Za-z0-9+/=\s]{64,}")
#: What recall put into a prompt: it is known already, and was not said here.
_RECALLED = re.compile(
    r"<memory>\nRemembered from earlier conversations.*?(?:</memory>|\Z)", re.DOTALL
)
_SECONDS = 1e8  # a smaller number is a duration, not a moment after March 1973
_MILLISECONDS = 1e11  # an epoch above this cannot be in seconds before the year 5138


def as_messages(value: Any) -> list[BaseMessage]:
    """Messages in *value*: OpenAI dicts, messages, (role, text) pairs, strings, or one of them.

    Raises `InvalidInputError` with the position of the first one of unknown form.
    """
    match value:
        case None:
            return []
        case str() | BaseMessage():
            return [_as_message(0, value)]
        case (str(), *others) if isinstance(value, tuple) and all(
            isinstance(part, str) for part in others
        ):
            return [_as_message(0, value)]
        case {"messages": inner, **_rest} if "role" not in value:
            return as_messages(inner)
        case {"role": _} | {"type": _, "content": _} | {"type": _, "data": _} | {"lc": _}:
            return [_as_message(0, value)]
        case Sequence():
            items = cast("Sequence[Any]", value)
            return _left([_as_message(index, item) for index, item in enumerate(items)])
        case _:
            raise InvalidInputError(
                f"Messages must be a list, not {type(value).__name__}. Pass a list of "
                '{"role": …, "content": …} dicts, LangChain messages, pairs or strings.'
            )


def _left(messages: list[BaseMessage]) -> list[BaseMessage]:
    """Return *messages* without those that one of them, as in LangGraph, takes back."""
    if not any(isinstance(message, RemoveMessage) for message in messages):
        return messages
    left: list[BaseMessage] = []
    for message in messages:
        if not isinstance(message, RemoveMessage):
            left.append(message)
        else:
            everything = message.id == REMOVE_ALL
            left = [] if everything else [one for one in left if one.id != message.id]
    return left


def _as_message(index: int, value: Any) -> BaseMessage:
    try:
        match value:
            case {"type": str(), "data": {**_fields}}:  # as LangChain's stores of histories keep it
                return messages_from_dict([cast("dict[str, Any]", value)])[0]
            case _:
                return convert_to_messages([value])[0]
    except json.JSONDecodeError:  # a call that a model garbled, and that so was never made
        return _as_message(index, {**value, "tool_calls": []})
    except (ValueError, TypeError, NotImplementedError, KeyError):
        # LangChain's own words quote the message.
        raise InvalidInputError(
            f"Message {index} ({type(value).__name__}) is of a form longterm does not know. Use "
            '{"role": "user" | "assistant" | "system" | "tool", "content": …}, a LangChain '
            "message, a (role, text) pair or a string; a tool message needs its tool_call_id."
        ) from None


def render(messages: Sequence[BaseMessage], *, numbered: bool = False) -> str:
    """Text of *messages*, one paragraph each: ``[2024-05-03 14:00] user (Ann): Hello``.

    Further lines of a message are set in, so that none of them passes for another's. With
    *numbered* each has its number in front, from ``#1`` on.
    """
    turns: list[str] = []
    for number, message in enumerate(messages, 1):
        time = message_time(message)
        zone = f" {time.isoformat()[-6:]}" if time and time.utcoffset() else ""
        stamp = f"[{time:%Y-%m-%d %H:%M}{zone}] " if time else ""
        role, name = speaker(message), as_label(message.name) if message.name else ""
        shown = f" ({name})" if name and not poses(name, role) else ""
        mark = f"#{number} " if numbered else ""
        turns.append(turn(f"{mark}{stamp}{role}{shown}", message_text(message)))
    return "\n\n".join(turns)


def speaker(message: BaseMessage) -> str:
    """Role of *message* in the words of OpenAI's API: user, assistant, tool, system.

    What another middleware wrote into the history are no person's words: its role is "summary".
    """
    match message:
        case BaseMessage(additional_kwargs={"lc_source": _}):
            return "summary"
        case HumanMessage():
            return "user"
        case AIMessage():
            return "assistant"
        case SystemMessage():
            return "system"
        case ToolMessage():
            return "tool"
        case ChatMessage(role=role):
            label = as_label(role)
            return label if label and not poses(label, role) else "other"
        case _:
            return message.type


def origin_of_message(message: BaseMessage) -> Origin:
    """Return whose words a message holds; what a program put in is no person's, so an import."""
    match speaker(message):
        case "user" | "assistant" | "tool" as origin:
            return origin
        case _:
            return "import"


def message_time(message: BaseMessage) -> datetime | None:
    """Time *message* carries in its metadata (ISO 8601 or seconds or milliseconds), if any."""
    for holder in (message.additional_kwargs, message.response_metadata):
        for key in _TIME_KEYS if holder else ():
            if key in holder and (time := as_time(cast("dict[str, Any]", holder)[key])):
                return time
    return None


def as_time(value: object) -> datetime | None:
    """Read a time: a date, ISO 8601, or seconds or milliseconds since 1970; None for others.

    A number may be a text, as in many an export.
    """
    try:
        match value:
            case datetime():
                return value
            case date():
                return datetime.combine(value, datetime.min.time())
            case bool():
                return None
            case int() | float() if value > _SECONDS:
                return datetime.fromtimestamp(value / (1000 if value > _MILLISECONDS else 1), UTC)
            case str() if _NUMBER.fullmatch(value):
                return as_time(float(value))
            case str():
                return datetime.fromisoformat(value)
            case _:
                return None
    except (ValueError, OverflowError, OSError):
        return None  # some other use of the word; a message without a time is no error


def unread_times(messages: Sequence[BaseMessage]) -> str | None:
    """Say which of *messages* carry a time that cannot be read; None where none does."""
    unread = [
        str(place)
        for place, message in enumerate(messages)
        if any(message.additional_kwargs.get(key) not in (None, "") for key in _SURELY_TIMES)
        and message_time(message) is None
    ]
    if not unread:
        return None
    which = ", ".join(unread[:3]) + (f" and {len(unread) - 3} more" if unread[3:] else "")
    return (
        f"The time of message {which} cannot be read, so that it counts as said when the one "
        "before it was, or else now. Write it like 2026-11-27T14:00:00+09:00, or as seconds since "
        "1970."
    )


def zoned(time: datetime) -> datetime:
    """Return *time* with its zone; UTC where it has none, as the stamps of servers."""
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def message_text(message: BaseMessage) -> str:
    """Words of *message*, with notes for what is not words; both ends where it is very long."""
    content = cast("str | list[Any]", message.content)
    if isinstance(content, str) and not ("<memory>" in content or ";base64," in content):
        parts = [content]
    else:
        parts = [*_content_parts(content)]
    for call in message.tool_calls if isinstance(message, AIMessage) else ():
        arguments = json.dumps(call["args"], ensure_ascii=False, default=str)
        parts.append(f"[calls {call['name']}({arguments})]")
    text = "\n".join(filter(None, parts))
    if text.isascii() and len(text) <= MESSAGE_LIMIT:
        return text
    return well_formed(shortened(text, MESSAGE_LIMIT))


def well_formed(text: str) -> str:
    """Return *text* with halves of emoji, which no client can send, replaced or joined."""
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _content_parts(content: str | list[Any]) -> Iterator[str]:
    blocks = [content] if isinstance(content, str) else content
    for block in blocks:
        yield _RECALLED.sub("", _DATA_URL.sub("[data]", _block_text(block)))


def _block_text(block: Any) -> str:
    match block:
        case str():
            return block
        case {"type": "text" | "output_text" | "input_text", "text": str(text)}:
            return text
        case {"type": "refusal", "refusal": str(text)}:
            return text
        case {"type": "tool_use" | "tool_call" | "thinking" | "reasoning" | "redacted_thinking"}:
            return ""  # calls are shown from tool_calls; a model's thoughts are not conversation
        case {"type": "tool_result", "content": inner} if inner is not None:
            return "\n".join(_content_parts(cast("str | list[Any]", inner)))
        case {"type": str(kind)}:
            return f"[{kind.removesuffix('_url').removeprefix('input_')}]"
        case _:
            return json.dumps(block, ensure_ascii=False, default=str)


def windows(messages: Sequence[BaseMessage], count: int = 4) -> list[str]:
    """Search queries from a conversation: its last message, the 2 before, the 4 before.

    At most *count* texts of at most `QUERY_LIMIT` characters, newest first, without repeats.
    System messages, other programs' summaries and what has no words take no part.
    """
    said = [one for one in messages if speaker(one) not in UNSPOKEN]
    parts = [_content_parts(cast("str | list[Any]", one.content)) for one in said]
    texts = [text for one in parts if (text := well_formed("\n".join(one)).strip())]
    queries: list[str] = []
    end = len(texts)
    for size in (1 << index for index in range(count)):
        if end <= 0:
            break
        start = max(0, end - size)
        share = QUERY_LIMIT // (end - start) - 1  # the line break takes its place
        queries.append("\n".join(text[:share] for text in texts[start:end]))
        end = start
    return list(dict.fromkeys(queries))


_KEYS = uuid5(NAMESPACE_URL, "longterm/turn")
#: The two highest bits of the digit are the variant's.
_VARIANTS = {f"{digit:x}": f"{0b1000 | digit & 0b0011:x}" for digit in range(16)}


def turn_keys(messages: Sequence[BaseMessage], *, thread: str, limit: int) -> list[str | None]:
    """Return the key that each message has, or would have, as a turn; None for what is none."""
    said: Counter[str] = Counter()
    texts = ((message, spoken(message, limit)) for message in messages)
    return [key_of(message, text, thread, said) if text else None for message, text in texts]


def spoken(message: BaseMessage, limit: int) -> str:
    """Return what a turn keeps of *message*; nothing of instructions and summaries."""
    text = shortened(message_text(message).strip(), limit)
    return text if text and speaker(message) not in UNSPOKEN else ""


def turn_key(thread: str, message_id: str) -> str:
    """Name the turn of a message that has an id."""
    # As json.dumps writes a list of both, which takes longer to begin than to write it.
    return _uuid5(f"[{in_quotes(thread)}, {in_quotes(message_id)}]")


def key_of(message: BaseMessage, text: str, thread: str, said: Counter[str]) -> str:
    """Name the turn of *message*, whose text is *text*.

    The same words twice in one conversation are two turns: *said* counts them.
    """
    if message.id:
        return turn_key(thread, message.id)
    own_time = message_time(message)
    parts = [thread, speaker(message), message.name, text, own_time and own_time.isoformat()]
    content = json.dumps(parts)
    said[content] += 1
    return _uuid5(f"{content}#{said[content]}")


def _uuid5(name: str) -> str:
    """Return what `uuid.uuid5` makes of *name*, in a quarter of the time."""
    digest = sha1(_KEYS.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = _VARIANTS[digest[16]]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


#: How much of the score of a question before it counts for a message.
_OF_THE_QUESTION = 0.3
#: How much more a message counts whose speaker the memory names.
_NAMED = 1.5
#: A message is cited that scores at least this part of the best.
_NEAR_THE_BEST = 0.4
#: A message that shares so many of a memory's words decides; of LoCoMo's facts 3 % have none.
_ENOUGH = 0.2
#: How soon a lower rank counts less where words and vectors are put together.
_RANKS = 2
#: Fewer words stand in many messages.
_A_SENTENCE = 4


class Attributor:
    """Finds the messages that memories came from; reads *messages* once for many memories."""

    def __init__(self, messages: Sequence[BaseMessage]) -> None:
        self._verbatim = [" ".join(message_text(message).split()) for message in messages]
        self._asks = [any(mark in text for mark in QUESTION_MARKS) for text in self._verbatim]
        # A tool can say something by its name, too.
        names = [message.name or "" if message.type == "tool" else "" for message in messages]
        self._texts = [
            terms(f"{name} {text}") for name, text in zip(names, self._verbatim, strict=True)
        ]
        self._speakers = [message.name or speaker(message) for message in messages]

    def of(
        self,
        content: Any,
        before: Any = None,
        *,
        limit: int = 3,
        nearness: Sequence[float] | None = None,
    ) -> list[int]:
        """Return the places of at most *limit* messages that *content* came from, best first.

        With *before*, what the memory said until now, only what is new counts, if anything is.
        None are returned where no word is shared. What stands word for word in a message came
        from the first one that says it. With *nearness*, a cosine for each message, the nearest
        ones count as much as those that share words.
        """
        text = " ".join(content_text(content).split())
        wanted = frozenset(query_terms(text))
        if len(wanted) >= _A_SENTENCE:
            said = next((at for at, one in enumerate(self._verbatim) if text in one), None)
            if said is not None:
                return [said]
        by_words = self._ranked(_new_terms(wanted, before))[:limit]
        if nearness is None:
            return by_words
        with_words = (place for place, text in enumerate(self._verbatim) if text)
        nearest = sorted(with_words, key=lambda place: nearness[place], reverse=True)
        fused: dict[int, float] = {}
        for ranked in (by_words, nearest[:limit]):
            for rank, place in enumerate(ranked):
                fused[place] = fused.get(place, 0.0) + 1 / (_RANKS + rank)
        return sorted(fused, key=lambda place: fused[place], reverse=True)[:limit]

    def decides(self, content: Any, before: Any = None) -> bool:
        """Whether words decide where *content* came from: some message shares enough of them."""
        text = " ".join(content_text(content).split())
        wanted = _new_terms(query_terms(text), before)
        enough = max(1.0, len(wanted) * _ENOUGH)
        return any(
            text in verbatim or len(wanted.intersection(said)) >= enough
            for verbatim, said in zip(self._verbatim, self._texts, strict=True)
        )

    def shared(self, content: Any, place: int, before: Any = None) -> frozenset[str]:
        """Return the terms of *content* that the message at *place* has as well.

        With *before*, what the memory said until now, only new ones count, if there are any.
        """
        now = query_terms(content_text(content))
        return _new_terms(now, before) & frozenset(self._texts[place])

    def _ranked(self, wanted: frozenset[str]) -> list[int]:
        """Return the places of the messages that share the most of *wanted*, best first."""
        if len(self._texts) == 1:
            return [] if wanted.isdisjoint(self._texts[0]) else [0]
        shared = bm25(wanted, self._texts)
        asked_before = [0.0, *map(operator.mul, shared, self._asks)][: len(shared)]
        scores = [
            (own + _OF_THE_QUESTION * asked) * (_NAMED if name and name <= wanted else 1)
            for own, asked, name in zip(shared, asked_before, self._names, strict=True)
        ]
        best = max(scores, default=0.0)
        near = [place for place, score in enumerate(scores) if score > best * _NEAR_THE_BEST]
        return sorted(near, key=lambda place: scores[place], reverse=True) if best else []

    @cached_property
    def _names(self) -> list[frozenset[str]]:
        return [frozenset(terms(speaker)) for speaker in self._speakers]


def _new_terms(now: Iterable[str], before: Any) -> frozenset[str]:
    """Return the terms of *now* that are not in what was *before*, or all of them if all are."""
    now = frozenset(now)
    return now if before is None else now - frozenset(query_terms(content_text(before))) or now
