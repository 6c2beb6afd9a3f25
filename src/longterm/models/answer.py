"""What a model answered and how its answer ended: one table for all providers. Asks no model.

Providers say in a dozen vocabularies why an answer ended, in metadata that each client names
differently. Here every one of them becomes one of four ends, so that an answer that was cut,
garbled or refused is never taken for a whole one, from any provider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any, Literal, cast

from langchain_core.messages import AIMessage, BaseMessage, InvalidToolCall
from langchain_core.messages.ai import UsageMetadata
from langchain_core.messages.tool import invalid_tool_call
from pydantic import BaseModel, ValidationError

from longterm.errors import UnreadableAnswerError
from longterm.text.characters import mapped, whole_characters
from longterm.text.quoting import ENCODER

__all__ = ["Answer", "AnswerEnd", "http_status", "refuses_a_forced_call", "without_thoughts"]

#: How an answer ended, from the best to the worst.
AnswerEnd = Literal["complete", "cut", "malformed", "refused"]

#: Words of providers for the three ends that are not "complete", in lower case.
_ENDS: Mapping[str, AnswerEnd] = {
    # OpenAI chat and everything that speaks its form (vLLM, DeepSeek, Groq, Mistral, OpenRouter)
    "length": "cut",
    "model_length": "cut",
    "abort": "cut",
    "insufficient_system_resource": "cut",
    "error": "malformed",
    "content_filter": "refused",
    # OpenAI Responses
    "incomplete": "cut",
    "in_progress": "cut",
    "max_output_tokens": "cut",
    "cancelled": "cut",
    "failed": "malformed",
    # Anthropic
    "max_tokens": "cut",
    "model_context_window_exceeded": "cut",
    "refusal": "refused",
    # Gemini
    "malformed_function_call": "malformed",
    "malformed_response": "malformed",
    "unexpected_tool_call": "malformed",
    "too_many_tool_calls": "malformed",
    "missing_thought_signature": "malformed",
    "other": "malformed",
    "safety": "refused",
    "recitation": "refused",
    "language": "refused",
    "blocklist": "refused",
    "prohibited_content": "refused",
    "spii": "refused",
    "model_armor": "refused",
    "jailbreak": "refused",
    # Bedrock
    "malformed_model_output": "malformed",
    "malformed_tool_use": "malformed",
    "guardrail_intervened": "refused",
    "content_filtered": "refused",
    # Cohere
    "error_limit": "cut",
    "error_toxic": "refused",
    # whole answers that the words below would misread
    "stop_sequence": "complete",
    "stop_limit": "complete",
    "block_reason_unspecified": "complete",
}
#: What a word that is not in the table tells by what it contains; the first that fits.
_HINTS: tuple[tuple[str, AnswerEnd], ...] = (
    (
        r"filter|safety|refus|block|prohibit|guardrail|sensitive|moderat|policy|toxic|harm",
        "refused",
    ),
    (r"malformed|invalid|unexpected|error|fail", "malformed"),
    (r"incomplete|length|max|limit|exceed|trunc|interrupt|abort|cancel|timeout", "cut"),
    (r"not_finished|unfinished|cut_?off|overload", "cut"),
)
_SEVERITY: tuple[AnswerEnd, ...] = ("complete", "cut", "malformed", "refused")
_NO_END: tuple[AnswerEnd, str | None] = ("complete", None)
#: Where clients put such a word, as the letters of the keys that lead to it, so deep in an answer's
#: metadata. A cache, a source or a fallback has a status and a reason, too.
_PLACE = re.compile(
    "status|[a-z]*(?:finish|stop|done|completion|termination|block|incompletedetails)reason"
)
_DEPTH = 4
#: A word that came with several parts of a stream, which its client has put together.
_REPEATED = re.compile(r"(.{3,40}?)\1+")

#: Blocks of OpenAI Responses whose status is the answer's. A search that its provider makes while
#: the model answers may fail, and the answer is whole.
_OWN_CALLS = ("function_call", "custom_tool_call", "reasoning", "message")

#: Where they put the arguments and the id of a call.
_ARGUMENTS = ("partial_json", "input", "args", "arguments")
_IDS = ("call_id", "toolUseId", "id")

#: Marks around what a model thinks aloud: all up to the last end, one thought, and one that begins
#: an answer. Without an end they count there alone: further on they may be quoted.
_MARKS = tuple(
    (
        re.compile(rf".*{end}", re.DOTALL | re.IGNORECASE),
        re.compile(rf"{begin}.*?{end}", re.DOTALL | re.IGNORECASE),
        re.compile(rf"\s*{begin}", re.IGNORECASE),
    )
    for begin, end in (
        (r"\[THINK\]", r"\[/THINK\]"),  # Magistral
        ("◁think▷", "◁/think▷"),  # Kimi-VL
        (r"<\|START_THINKING\|>", r"<\|END_THINKING\|>"),  # Cohere
        (r"<\|begin_of_thought\|>", r"<\|end_of_thought\|>"),
        (r"<\|channel>thought\b", r"<channel\|>"),  # Gemma 4
    )
)
_GPT_OSS = (
    r"<\|channel\|>analysis\b(?:(?!to=|<\|).)*<\|message\|>.*?"
    r"(?:<\|end\|>(?:<\|start\|>assistant)?|(?=<\|channel\|>)|\Z)"
)
_THOUGHTS = re.compile(
    r"<((?:\w+:)?(?:think|thinking|thought|thoughts|reasoning))>.*?(</\1>|\Z)"
    # Where a template begins an answer inside of the tag, only its end is there.
    rf"|\A(?:(?!<think>).)*</think>|{_GPT_OSS}",
    re.DOTALL | re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:I['\u2019]m (?:sorry|unable)|I am (?:sorry|unable)|Sorry\b|I apologi[sz]e|"
    r"I can(?:no|['\u2019])t|I won['\u2019]t)\b",
    re.IGNORECASE,
)
#: Errors that clients make of an answer, by name: OpenAI's of one that it should have parsed,
#: and pydantic's of a call whose arguments are no object.
_ENDS_AS_ERRORS: Mapping[str, AnswerEnd] = {
    "LengthFinishReasonError": "cut",
    "ContentFilterFinishReasonError": "refused",
}
#: Statuses of a request that the provider does not take as it is.
_BAD_REQUEST = (400, 422)
#: NVIDIA's client raises bare exceptions: "[400] Bad Request".
_STATUS_IN_WORDS = re.compile(r"\[(\d{3})\]")
_REFUSAL_LENGTH = 400  # a refusal is short; an answer that happens to begin so is not


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model answered, in the same form for every provider."""

    #: None where the model, or a parser behind it, gave something that is no message.
    message: AIMessage | None
    #: The answer's words, without what a reasoning model thought aloud.
    text: str
    end: AnswerEnd
    #: The provider's own word for the end, in lower case; None where it gives none.
    reason: str | None
    #: The model's words for its refusal; what it said at all where its provider only marks one.
    refusal: str | None
    #: What its client raised in its place.
    error: Exception | None = None

    @classmethod
    def of(cls, given: Any) -> Answer:
        """Read what asking a model gave: a message, structured output around one, or a text."""
        match given:
            case {"raw": raw, "parsed": parsed, **_rest}:
                answer = cls.of(raw)
                text = answer.text or ("" if parsed is None else json.dumps(parsed, default=str))
                return replace(answer, text=text)
            case {"raw": raw, **_rest}:
                return cls.of(raw)
            case AIMessage():
                return cls._of_message(given)
            case BaseMessage() | str():
                said = str(given.text) if isinstance(given, BaseMessage) else given
                text = without_thoughts(whole_characters(said))
                refusal = text if _sounds_like_a_refusal(text) else None
                return cls(None, text, "complete", None, refusal)
            case {"messages": [*_, BaseMessage() as last]}:  # a graph in a model's place
                return cls.of(last)
            case BaseModel():
                return cls.of(given.model_dump(mode="json"))
            case dict() | list():  # what a parser made of an answer
                text = whole_characters(ENCODER.encode(given))
                return cls(None, text, "complete", None, None)
            case _:
                return cls(None, "", "complete", None, None)

    @classmethod
    def of_error(cls, error: Exception) -> Answer | None:
        """Return the answer that a client made an *error* of; None where it is about the asking."""
        unread = isinstance(error, UnreadableAnswerError)
        cause = error.__cause__ if unread else error
        if isinstance(cause, ValidationError) and (unread or cause.title.startswith("AIMessage")):
            calls = [
                invalid_tool_call(name="", args=one["input"], id=None, error=None)
                for one in cause.errors(include_url=False)
                if one["loc"][-1] in ("args", "arguments") and _is_json_object(one["input"])
            ]
            message = AIMessage("", invalid_tool_calls=calls) if calls else None
            about_a_call = calls or cause.title.startswith("AIMessage")
            raised = None if about_a_call else error
            return cls(message, "", "malformed", "malformed_call", None, raised)
        if unread:
            return cls(None, "", "malformed", "unreadable", None, error)
        end = _ENDS_AS_ERRORS.get(type(error).__name__)
        if end is None:
            return None
        completion: Any = getattr(error, "completion", None)
        said = completion.choices[0].message.content if completion else ""
        text = without_thoughts(str(said or ""))
        return cls(None, text, end, end, text if end == "refused" else None)

    @classmethod
    def _of_message(cls, message: AIMessage) -> Answer:
        message = _with_whole_characters(message)
        words = list(_words_for_an_end(message.response_metadata))
        listed = () if isinstance(message.content, str) else message.content
        blocks = [block for block in listed if isinstance(block, dict)]
        for block in blocks:
            if block.get("type") in _OWN_CALLS:
                words += _words_for_an_end(block.get("status"), "status")
        if not (message.tool_calls or message.invalid_tool_calls):
            message = _with_calls_left(message)
        match message.additional_kwargs:  # OpenAI's form before it had tools
            case {"function_call": {"name": name, "arguments": text}, **rest} if not (
                message.tool_calls or message.invalid_tool_calls
            ):
                call = invalid_tool_call(name=name, args=text, id=None, error=None)
                update = {"invalid_tool_calls": [call], "additional_kwargs": rest}
                message = message.model_copy(update=update)
            case _:
                pass
        text = without_thoughts(str(message.text))
        named: list[tuple[AnswerEnd, str | None]] = [(_end_named(word), word) for word in words]
        end, reason = max(named, key=lambda one: _SEVERITY.index(one[0]), default=_NO_END)
        marked = [
            str(block.get("refusal") or "") for block in blocks if block.get("type") == "refusal"
        ]
        if beside := message.additional_kwargs.get("refusal"):
            marked.append(str(beside))
        if marked or end == "refused" or (text and _sounds_like_a_refusal(text)):
            return cls(message, text, end, reason, next(filter(None, marked), text))
        return cls(message, text, end, reason, None)

    @property
    def refused(self) -> bool:
        """Whether the model declined to answer, or its provider kept the answer back."""
        return self.refusal is not None

    @property
    def refused_by_mark(self) -> bool:
        """Whether more than the words says so: words alone may be an answer about a refusal."""
        return self.refusal is not None and (self.end == "refused" or self.refusal != self.text)

    @property
    def only_thought(self) -> bool:
        """Whether nothing was said because the tokens went into thinking."""
        return self.end == "cut" and not self.text and not self.calls

    @property
    def is_void(self) -> bool:
        """Whether nothing was said or called, nor why."""
        return self.reason is None and not (self.text or self.calls or self.refused)

    @property
    def is_whole_though_empty(self) -> bool:
        """Whether an empty answer is no fault: Claude ends its turn so when it has nothing to say.

        Where nothing at all is known about the answer, nothing speaks against it either.
        """
        known = self.message and (self.message.response_metadata or self.message.usage_metadata)
        return self.reason == "end_turn" or not (self.reason or known)

    @property
    def calls(self) -> list[Mapping[str, Any]]:
        """The tool calls of the answer, those whose arguments its client could not parse last."""
        if self.message is None:
            return []
        return [*self.message.tool_calls, *self.message.invalid_tool_calls]

    @property
    def ends_in_a_call(self) -> bool:
        """Whether a tool call is the last thing in the answer: cut there, half of it is missing."""
        content = cast("str | list[Any]", self.message.content if self.message else "")
        if not self.calls or isinstance(content, str) or not content:
            return bool(self.calls)
        match content[-1]:
            case {"type": "text" | "output_text" | "thinking" | "reasoning"}:
                return bool(self.message and self.message.invalid_tool_calls)
            case _:
                return True

    @property
    def usage(self) -> UsageMetadata | None:
        """The tokens the answer cost, where its provider says so."""
        return self.message.usage_metadata if self.message else None


def _with_whole_characters(message: AIMessage) -> AIMessage:
    """Return *message* without halves of emoji, which could be neither stored nor sent back."""
    parts: dict[str, Any] = {
        "content": cast("Any", message.content),
        "tool_calls": message.tool_calls,
        "invalid_tool_calls": message.invalid_tool_calls,
    }
    try:
        ENCODER.encode(parts).encode()
    except UnicodeEncodeError:
        return message.model_copy(update=mapped(whole_characters, parts))
    except (ValueError, RecursionError):  # values that no JSON has, and levels without end
        pass
    return message


def _with_calls_left(message: AIMessage) -> AIMessage:
    """Return *message* with the calls that its client left in the content, or beside it."""
    beside = cast("Any", message.additional_kwargs.get("tool_calls") or ())
    content = cast("str | list[Any]", message.content)
    blocks = [] if isinstance(content, str) else content
    calls = [call for block in (*blocks, *beside) if (call := _call_in(block))]
    if not calls:
        return message
    others = [block for block in blocks if not _call_in(block)]
    update = {"invalid_tool_calls": calls, "content": others if blocks else content}
    return message.model_copy(update=update)


def _call_in(block: Any) -> InvalidToolCall | None:
    """Return the call that a *block* of content is, in the form of any provider."""
    match block:
        case {"type": "non_standard", "value": inner}:
            return _call_in(inner)
        case {"functionCall": {**inner}} | {"toolUse": {**inner}}:
            call = cast("dict[str, Any]", inner)
        case {"type": "function", "function": {**inner}}:
            call = {**cast("dict[str, Any]", block), **cast("dict[str, Any]", inner)}
        case {"type": "tool_use" | "tool_call" | "tool_call_chunk" | "function_call"}:
            call = cast("dict[str, Any]", block)
        case _:
            return None
    given = next((call[key] for key in _ARGUMENTS if call.get(key)), "")
    return invalid_tool_call(
        name=str(call.get("name") or ""),
        args=given if isinstance(given, str) else json.dumps(given, default=str),
        id=next((str(call[key]) for key in _IDS if call.get(key)), None),
        error=None,
    )


def _is_json_object(value: Any) -> bool:
    try:
        return isinstance(value, str) and isinstance(json.loads(value), dict)
    except (ValueError, RecursionError):
        return False


def without_thoughts(text: str) -> str:
    """Return *text* without what a reasoning model thought aloud."""
    if not ("<" in text or "[" in text or "◁" in text):  # one of these is in every mark
        return text.strip()
    text = _THOUGHTS.sub("", text)
    for up_to_the_end, thought, beginning in _MARKS:
        # Behind the last end each beginning would be followed through all of the rest in vain.
        ended = up_to_the_end.match(text)
        end = ended.end() if ended else 0
        text = thought.sub("", text[:end]) + text[end:]
        text = "" if beginning.match(text) else text
    return text.strip()


def http_status(error: BaseException) -> int | None:
    """Return the HTTP status in *error*, of a model's client, wherever its provider keeps it."""
    response: Any = getattr(error, "response", None)
    try:
        of_aws = response["ResponseMetadata"]["HTTPStatusCode"]
    except (TypeError, LookupError):
        of_aws = None
    in_words = _STATUS_IN_WORDS.match(str(error)) if type(error) is Exception else None
    found = (
        getattr(error, "status_code", None),
        getattr(response, "status_code", None),
        getattr(error, "status", None),  # aiohttp
        getattr(error, "code", None),  # Google
        of_aws,
        int(in_words[1]) if in_words else None,
    )
    return next((status for status in found if isinstance(status, int)), None)


def refuses_a_forced_call(error: Exception) -> bool:
    """Whether *error*, met when a call was forced, may be a no to the forcing.

    Thinking models answer it with a bad request, and some clients know no such option. Clients
    have no error in common, and some wrap their provider's; what they share is the status.
    """
    statuses = [http_status(one) for one in (error, error.__cause__) if one is not None]
    status = next((one for one in statuses if one is not None), None)
    if status is None:
        own = error.__cause__ if isinstance(error, UnreadableAnswerError) else error
        return isinstance(own, TypeError | ValueError | NotImplementedError)
    return status in _BAD_REQUEST


def _sounds_like_a_refusal(text: str) -> bool:
    return len(text) <= _REFUSAL_LENGTH and bool(_REFUSAL.match(text))


def _words_for_an_end(data: Any, place: str = "", depth: int = _DEPTH) -> Iterator[str]:
    """Yield every word in metadata that says why an answer ended, in lower case."""
    match data:
        case Enum():
            yield from _words_for_an_end(data.value, place, depth)
        case str() if _PLACE.fullmatch(re.sub(r"[^a-z]", "", place.lower())):
            word = data.strip().lower().replace("-", "_").removeprefix("finishreason.")
            whole = _REPEATED.fullmatch(word)
            yield whole[1] if whole else word
        case {**fields} if depth:
            for name, value in cast("dict[str, Any]", fields).items():
                yield from _words_for_an_end(value, f"{place}{name}", depth - 1)
        case [*items] if depth:
            for item in items:
                yield from _words_for_an_end(item, place, depth - 1)
        case _:  # vLLM gives the number of a token as stop_reason
            pass


def _end_named(word: str) -> AnswerEnd:
    if word in _ENDS:
        return _ENDS[word]
    hinted: list[AnswerEnd] = [end for hint, end in _HINTS if re.search(hint, word)]
    return hinted[0] if hinted else "complete"
