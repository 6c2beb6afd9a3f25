"""A message history as summaries see it: who is who, what is new, where it may be cut.

Everything here is pure. Rule 1: a message is never changed, only copied. Rule 2: a tool call
and its result never end up on two sides of a cut.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, takewhile
from typing import Any, cast

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from longterm.effects.warn import warn_caller
from longterm.errors import InvalidInputError

__all__ = ["HistoryView", "RunningSummary", "as_running", "digest", "identified", "joined", "look"]

#: Between the texts of system messages that are shown as one.
_BETWEEN = "\n\n"


@dataclass
class RunningSummary:
    """What was said so far in short, and which messages that covers."""

    summary: str
    summarized_message_ids: set[str]
    last_summarized_message_id: str | None
    #: What each summarised message said, oldest first, so that later edits are noticed.
    digests: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A history next to the summary of its beginning."""

    #: The system messages it begins with; they are never summarised.
    head: tuple[BaseMessage, ...]
    #: What no summary covers yet, in order.
    body: tuple[BaseMessage, ...]
    #: How many messages of the body may be summarised without parting a call from its result.
    cuts: tuple[int, ...]
    #: The summary that holds for this history.
    running: RunningSummary | None


def as_running(value: Any) -> RunningSummary | None:
    """Read *value*: a summary, or the dict that some checkpointers make of one."""
    match value:
        case None | RunningSummary():
            return value
        case {"summary": str(summary), "summarized_message_ids": ids, **rest}:
            last, digests = rest.get("last_summarized_message_id"), rest.get("digests", {})
            return RunningSummary(summary, set(ids), last, dict(digests))
        case _:
            raise InvalidInputError(
                f"A running summary is the RunningSummary of an earlier call or None, "
                f"not {type(value).__name__}."
            )


def look(
    messages: Sequence[BaseMessage],
    running: RunningSummary | None,
    shown: Sequence[BaseMessage] = (),
) -> HistoryView:
    """View of *messages*, of which *running* covers a part.

    *shown* is how the summary was shown to the model: where a history that was overwritten
    begins with that, it is taken for what it is.
    """

    def is_head(message: BaseMessage) -> bool:
        return isinstance(message, SystemMessage)

    def is_shown(message: BaseMessage) -> bool:
        return any(message.type == one.type and message.content == one.content for one in shown)

    if running is None:
        start = tuple(takewhile(is_head, messages))
    else:
        start = tuple(takewhile(lambda one: is_head(one) or is_shown(one), messages))
    head = tuple(_parted(message, shown) for message in start if not is_shown(message))
    seed = running.summary if running and head != start else ""
    rest = identified(messages[len(start) :], seed)
    covered = running.summarized_message_ids if running else set[str]()
    said = {message.id: digest(message) for message in rest if message.id in covered}
    running = _still_true(running, said)
    bonds = list(_bonds(rest))
    new = _new(rest, bonds, said, running)
    body = tuple(message for message, is_new in zip(rest, new, strict=True) if is_new)
    return HistoryView(head, body, _cuts(bonds, new), running)


def joined(messages: Sequence[BaseMessage]) -> list[BaseMessage]:
    """*messages* with the system messages at their beginning as one.

    The templates of many open models, and some providers, refuse a second one.
    """
    head = [*takewhile(lambda one: isinstance(one, SystemMessage), messages)]
    if not head[1:]:
        return list(messages)
    texts = [one.content for one in head if one.content]
    content: Any = (
        _BETWEEN.join(cast("list[str]", texts))
        if all(isinstance(text, str) for text in texts)
        else [block for text in texts for block in _as_blocks(text)]
    )
    return [head[0].model_copy(update={"content": content}), *messages[len(head) :]]


def _as_blocks(content: str | list[Any]) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _parted(message: BaseMessage, shown: Sequence[BaseMessage]) -> BaseMessage:
    """*message* without the summary that was joined to it, which *shown* has alone."""
    for text in (one.content for one in shown if isinstance(one, SystemMessage)):
        match cast("Any", message.content):
            case str(whole) if isinstance(text, str) and whole.endswith(_BETWEEN + text):
                return message.model_copy(
                    update={"content": whole.removesuffix(text).removesuffix(_BETWEEN)}
                )
            case [_, *_] as blocks if blocks[1:] and blocks[-1:] == _as_blocks(text):
                return message.model_copy(update={"content": blocks[:-1]})
            case _:
                pass
    return message


def identified(messages: Sequence[BaseMessage], seed: str = "") -> list[BaseMessage]:
    """*messages*, each with an id of its own.

    An id made here follows from what was said up to there, so that the same history without
    ids gets the same ones in the next call.
    """
    seen: set[str] = set()
    found: list[BaseMessage] = []
    link = seed
    for message in messages:
        link = _hash(link, message.id or digest(message))
        name = link if message.id is None or message.id in seen else message.id
        seen.add(name)
        found.append(message if name == message.id else message.model_copy(update={"id": name}))
    return found


def digest(message: BaseMessage) -> str:
    """Short fingerprint of what *message* says."""
    calls = message.tool_calls if isinstance(message, AIMessage) else ()
    said = [(call["name"], call["args"]) for call in calls]
    return _hash(message.type, json.dumps([message.content, said], default=str, sort_keys=True))


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\0".join(parts).encode(errors="replace"), digest_size=8).hexdigest()


def _still_true(running: RunningSummary | None, said: dict[str, str]) -> RunningSummary | None:
    """Return *running*, or None where messages it covers were changed or taken back since.

    A beginning that is gone is no edit, for that is how a history is kept small. But where it
    is gone and the rest was edited, only the summary knows the beginning, and it stays.
    """
    covered = [] if running is None else list(running.digests.items())
    first = next((place for place, (name, _) in enumerate(covered) if name in said), None)
    if first is None or all(said.get(name) == words for name, words in covered[first:]):
        return running
    if first == 0:
        return None
    warn_caller(
        "Messages were changed that a running summary covers, and older ones are gone, so it "
        "cannot be written anew: it may tell of what was taken back.",
        RuntimeWarning,
    )
    return running


def _new(
    messages: Sequence[BaseMessage],
    bonds: Sequence[tuple[int, int]],
    said: dict[str, str],
    running: RunningSummary | None,
) -> list[bool]:
    """Whether each of *messages* is new to the summary; the results of a new call are, too."""
    known = running.digests if running else {}
    covered = {name for name in said if running and known.get(name, said[name]) == said[name]}
    new = [message.id not in covered for message in messages]
    for call, result in bonds:
        if new[call] and result < len(messages):
            new[result] = True
    return new


def _cuts(bonds: Sequence[tuple[int, int]], new: Sequence[bool]) -> tuple[int, ...]:
    """Lengths at which the *new* messages may be cut; 0 is one unless a bond crosses it."""
    before = [0, *accumulate(new)]
    barred: set[int] = set()
    for call, result in bonds:
        first = before[call] if new[call] else -1
        if new[call] or (result < len(new) and new[result]):
            barred.update(range(first + 1, before[result] + 1))
    return tuple(cut for cut in range(before[-1] + 1) if cut not in barred)


def _bonds(messages: Sequence[BaseMessage]) -> Iterator[tuple[int, int]]:
    """Pairs of the place of a call and of its result; of the end, while it is waited for."""
    calls: dict[str, int] = {}
    waiting: dict[str, int] = {}
    for place, message in enumerate(messages):
        for name in _results(message):
            if name in calls:
                yield calls[name], place
                waiting.pop(name, None)
        if isinstance(message, HumanMessage):
            waiting.clear()  # no answer to a call comes once the user has gone on
        for name in _calls(message):
            calls[name] = waiting[name] = place
    yield from ((place, len(messages)) for place in set(waiting.values()))


def _calls(message: BaseMessage) -> Iterator[str]:
    if isinstance(message, AIMessage):
        named = [*message.tool_calls, *message.invalid_tool_calls]
        yield from (name for call in named if (name := call["id"]))
    for block in _blocks(message):
        match block:
            case {"type": "tool_use" | "tool_call", "id": str(name)}:
                yield name
            case _:
                pass


def _results(message: BaseMessage) -> Iterator[str]:
    if isinstance(message, ToolMessage):
        yield message.tool_call_id
    for block in _blocks(message):
        match block:
            case {"type": "tool_result", "tool_use_id": str(name)}:
                yield name
            case _:
                pass


def _blocks(message: BaseMessage) -> Iterator[Mapping[str, Any]]:
    content = cast("str | list[Any]", message.content)
    if not isinstance(content, str):
        yield from (block for block in content if isinstance(block, dict))
