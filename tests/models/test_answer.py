"""What a model answered, and how its answer ended, for every provider."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from pydantic import BaseModel, ValidationError

from longterm.models.answer import Answer, AnswerEnd, refuses_a_forced_call, without_thoughts
from longterm.models.prices import cost_of

USAGE: Any = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


@pytest.mark.parametrize(
    "text",
    [
        "<think>maybe {}</think>done",
        "<THINKING>maybe</THINKING> done",
        "done<reasoning>cut o",
        "maybe {}</think>done",  # a template that begins an answer inside of the tag
        "[THINK]maybe[/THINK]done",
        "<seed:think>maybe</seed:think>done",
        "◁think▷maybe◁/think▷done",
        "<|START_THINKING|>maybe<|END_THINKING|>done",
        "<|channel>thought\nmaybe<channel|>done",
        "<|channel|>analysis<|message|>maybe<|end|><|start|>assistantdone",
    ],
)
def test_thoughts_are_no_part_of_an_answer(text: str) -> None:
    assert without_thoughts(text) == "done"
    assert Answer.of(AIMessage(text)).text == "done"


@pytest.mark.parametrize("mark", ["[THINK]", "◁think▷", "<|channel>thought"])
def test_a_mark_without_an_end_inside_of_an_answer_belongs_to_it(mark: str) -> None:
    assert without_thoughts(f"The tag is {mark} and more") == f"The tag is {mark} and more"
    assert not without_thoughts(f"{mark} maybe")


@pytest.mark.parametrize("begin", ["[THINK]", "◁think▷", "<|START_THINKING|>"])
def test_many_marks_without_an_end_are_looked_through_once(begin: str) -> None:
    marks = "x" + begin * 100_000
    assert without_thoughts(marks) == marks


def test_a_thought_behind_white_space_takes_nothing_else_with_it() -> None:
    assert without_thoughts("\n[THINK]maybe[/THINK]done") == "done"


def test_an_answer_in_blocks_is_read_as_its_text() -> None:
    blocks: list[Any] = [
        {"type": "reasoning", "reasoning": "hm"},
        {"type": "text", "text": "done"},
    ]
    assert Answer.of(AIMessage(content=blocks)).text == "done"


@pytest.mark.parametrize("answer", [None, 3])
def test_what_is_no_text_says_nothing(answer: object) -> None:
    assert Answer.of(answer).text == ""


class Parsed(BaseModel):
    """What a parser behind a model may make of its answer."""

    when: date


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ({"a": 1}, '{"a": 1}'),
        ([{"a": "\ud83d"}], '[{"a": "\ufffd"}]'),
        (Parsed(when=date(2026, 1, 2)), '{"when": "2026-01-02"}'),
    ],
)
def test_what_a_parser_made_of_an_answer_is_read_as_json(answer: object, text: str) -> None:
    assert Answer.of(answer).text == text


def test_the_answer_of_a_graph_is_its_last_message() -> None:
    assert Answer.of({"messages": [HumanMessage("hi"), AIMessage("hello")]}).text == "hello"


def test_a_structured_answer_is_the_message_inside_it() -> None:
    raw = AIMessage("", usage_metadata=USAGE)
    assert Answer.of({"raw": raw, "parsed": {"a": 1}}).text == '{"a": 1}'
    assert Answer.of({"raw": raw, "parsed": None}).usage == USAGE == Answer.of(raw).usage


# How it ended


@pytest.mark.parametrize(
    ("metadata", "end"),
    [
        # OpenAI chat and what speaks its form
        ({"finish_reason": "stop"}, "complete"),
        ({"finish_reason": "tool_calls"}, "complete"),
        ({"finish_reason": "length"}, "cut"),
        ({"finish_reason": "content_filter"}, "refused"),
        ({"finish_reason": "stop", "stop_reason": 128009}, "complete"),  # vLLM: a token's number
        ({"finish_reason": "abort"}, "cut"),
        ({"finish_reason": "insufficient_system_resource"}, "cut"),  # DeepSeek
        # OpenAI Responses
        ({"status": "completed"}, "complete"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "cut"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "refused"),
        ({"status": "failed"}, "malformed"),
        ({"status": "cancelled"}, "cut"),
        # Anthropic
        ({"stop_reason": "end_turn"}, "complete"),
        ({"stop_reason": "tool_use"}, "complete"),
        ({"stop_reason": "stop_sequence"}, "complete"),
        ({"stop_reason": "max_tokens"}, "cut"),
        ({"stop_reason": "model_context_window_exceeded"}, "cut"),
        ({"stop_reason": "refusal"}, "refused"),
        # Gemini
        ({"finish_reason": "STOP"}, "complete"),
        ({"finish_reason": "MAX_TOKENS"}, "cut"),
        ({"finish_reason": "FinishReason.MAX_TOKENS"}, "cut"),
        ({"finish_reason": "MALFORMED_FUNCTION_CALL"}, "malformed"),
        ({"finish_reason": "UNEXPECTED_TOOL_CALL"}, "malformed"),
        ({"finish_reason": "SAFETY"}, "refused"),
        ({"finish_reason": "PROHIBITED_CONTENT"}, "refused"),
        ({"prompt_feedback": {"block_reason": "SAFETY"}}, "refused"),
        ({"prompt_feedback": {"block_reason": "BLOCK_REASON_UNSPECIFIED"}}, "complete"),
        # Bedrock
        ({"stopReason": "end_turn"}, "complete"),
        ({"stopReason": "malformed_tool_use"}, "malformed"),
        ({"stopReason": "guardrail_intervened"}, "refused"),
        # Ollama
        ({"done_reason": "stop"}, "complete"),
        ({"done_reason": "length"}, "cut"),
        # unknown providers
        ({"finish_reason": "Output-Limit-Reached"}, "cut"),
        ({"finish_reason": "sensitive"}, "refused"),
        ({"finish_reason": "invalid_output"}, "malformed"),
        ({"finish_reason": "eos_token"}, "complete"),
        ({"finish_reason": "not_finished"}, "cut"),
        ({"finish_reason": ["length"]}, "cut"),
        ({"completionReason": "LENGTH"}, "cut"),
        ({"choices": [{"finish_reason": "length", "logprobs": {"content": ["Ann"]}}]}, "cut"),
        ({"reasoning": {"effort": "max"}, "token_limit": "error"}, "complete"),
        # of something else
        ({"finish_reason": "stop", "cache": {"status": "failed"}}, "complete"),
        ({"finish_reason": "stop", "citations": [{"status": "blocked"}]}, "complete"),
        ({"finish_reason": "stop", "routing": {"reason": "error of the first"}}, "complete"),
        ({"finish_reason": "stop", "cache_miss_reason": "over the limit"}, "complete"),
        ({"finish_reason": "stop", "top": {17: "length"}}, "complete"),
        # of every part of a stream, put together by a client
        ({"finish_reason": "OTHEROTHER"}, "malformed"),
        ({"finish_reason": "stopstop"}, "complete"),
        ({}, "complete"),
    ],
)
def test_every_provider_s_word_for_the_end_is_known(
    metadata: dict[str, Any], end: AnswerEnd
) -> None:
    assert Answer.of(AIMessage("", response_metadata=metadata)).end == end


def test_half_of_one_call_is_the_end_of_all() -> None:
    block: Any = {"type": "function_call", "name": "M", "arguments": "{}", "status": "incomplete"}
    message = AIMessage([block], response_metadata={"status": "completed"})
    assert Answer.of(message).end == "cut"


@pytest.mark.parametrize("type_", ["web_search_call", "code_interpreter_call", "mcp_call"])
def test_what_a_provider_does_meanwhile_may_fail_and_the_answer_is_whole(type_: str) -> None:
    failed: Any = {"type": type_, "id": "ws_1", "status": "failed"}
    message = AIMessage(
        [failed, {"type": "text", "text": "done"}], response_metadata={"status": "completed"}
    )
    answer = Answer.of(message)
    assert (answer.end, answer.text) == ("complete", "done")


@pytest.mark.parametrize(
    ("metadata", "whole"),
    [
        ({}, True),  # nothing is known: a fake
        ({"stop_reason": "end_turn"}, True),
        ({"finish_reason": "stop"}, False),
        ({"finish_reason": None, "model_name": "m"}, False),
    ],
)
def test_an_empty_answer_is_a_fault_where_its_provider_says_anything_but_end_turn(
    metadata: dict[str, Any], whole: object
) -> None:
    answer = Answer.of(AIMessage("", response_metadata=metadata))
    assert answer.is_whole_though_empty is whole


def test_half_an_emoji_travels_no_further() -> None:
    call = {"name": "Memory", "args": {"content": "Zo \ud83d"}, "id": "1", "type": "tool_call"}
    torn = {"name": "Memory", "args": '{"content": "Zo \ud83d', "id": "2", "error": None}
    message = AIMessage(
        [{"type": "text", "text": "Zo \ud83d"}], tool_calls=[call], invalid_tool_calls=[torn]
    )
    answer = Answer.of(message)
    assert answer.text == "Zo \ufffd"
    assert [call["args"] for call in answer.calls] == [
        {"content": "Zo \ufffd"},
        '{"content": "Zo \ufffd',
    ]
    assert Answer.of("Zo \ud83d").text == "Zo \ufffd"
    str(answer.message).encode()


def test_a_call_in_openai_s_first_form_is_a_call() -> None:
    call = {"name": "M", "arguments": '{"a": 1}'}
    (read,) = Answer.of(AIMessage("", additional_kwargs={"function_call": call})).calls
    assert (read["name"], read["args"]) == ("M", '{"a": 1}')


INPUT = {"a": 1}


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "i", "name": "M", "input": INPUT},
        {"type": "tool_use", "id": "i", "name": "M", "input": {}, "partial_json": '{"a": 1}'},
        {"type": "tool_call", "id": "i", "name": "M", "args": INPUT},
        {"type": "function_call", "call_id": "i", "name": "M", "arguments": '{"a": 1}'},
        {"functionCall": {"id": "i", "name": "M", "args": INPUT}},
        {"toolUse": {"toolUseId": "i", "name": "M", "input": INPUT}},
        {
            "type": "non_standard",
            "value": {"type": "tool_call", "id": "i", "name": "M", "args": INPUT},
        },
    ],
)
def test_a_call_that_a_client_left_in_the_content_is_a_call(block: dict[str, Any]) -> None:
    text = {"type": "text", "text": "I keep it."}
    answer = Answer.of(AIMessage([text, block]))
    (read,) = answer.calls
    assert (read["name"], read["args"], read["id"]) == ("M", '{"a": 1}', "i")
    assert answer.message is not None
    assert answer.message.content == [text]


def test_a_call_that_a_client_left_beside_the_content_is_a_call() -> None:
    function = {"name": "M", "arguments": INPUT}
    raw = {"tool_calls": [{"id": "i", "type": "function", "function": function}]}
    (read,) = Answer.of(AIMessage("", additional_kwargs=raw)).calls
    assert (read["name"], read["args"], read["id"]) == ("M", '{"a": 1}', "i")


def test_an_error_of_a_client_about_an_answer_is_an_answer() -> None:
    class ContentFilterFinishReasonError(Exception):
        """As OpenAI's client calls it."""

    filtered = Answer.of_error(ContentFilterFinishReasonError())
    assert filtered is not None
    assert filtered.refused_by_mark
    with pytest.raises(ValidationError) as caught:
        AIMessage("", tool_calls=[{"name": "M", "args": "text", "id": "1"}])  # pyright: ignore[reportArgumentType] - as a model may
    garbled = Answer.of_error(caught.value)
    assert garbled is not None
    assert garbled.end == "malformed"
    assert garbled.calls == []
    with pytest.raises(ValidationError) as caught:
        AIMessage("", tool_calls=[{"name": "M", "args": '{"a": 1}', "id": "1"}])  # pyright: ignore[reportArgumentType] - as a model may
    twice = Answer.of_error(caught.value)
    assert twice is not None
    assert [call["args"] for call in twice.calls] == ['{"a": 1}']
    assert Answer.of_error(ConnectionError()) is None


def test_tokens_spent_on_thinking_are_told_from_an_answer() -> None:
    cut = {"done_reason": "length"}
    assert Answer.of(AIMessage("<think>I wonder", response_metadata=cut)).only_thought
    assert not Answer.of(AIMessage("half a sen", response_metadata=cut)).only_thought


TOOL_USE: Any = {"type": "tool_use", "id": "1", "name": "M", "input": {}}


@pytest.mark.parametrize(
    ("content", "ends"),
    [
        ("", True),
        ([TOOL_USE], True),
        ([TOOL_USE, {"type": "text"}], False),
        ([{"type": "function_call", "name": "M", "arguments": "{"}], True),
    ],
)
def test_it_is_known_whether_a_call_stands_at_the_end(content: Any, ends: object) -> None:
    call: Any = {"name": "M", "args": {}, "id": "1"}
    assert Answer.of(AIMessage(content, tool_calls=[call])).ends_in_a_call is ends


# Refusals


@pytest.mark.parametrize(
    "answer",
    [
        AIMessage("", additional_kwargs={"refusal": "no"}),
        AIMessage("", response_metadata={"finish_reason": "content_filter"}),
        AIMessage(content=[{"type": "refusal", "refusal": "no"}]),
        {"raw": AIMessage([{"type": "refusal", "refusal": "no"}]), "parsed": None},
    ],
)
def test_a_refusal_is_found_where_providers_mark_it(answer: Any) -> None:
    assert Answer.of(answer).refused_by_mark


@pytest.mark.parametrize(
    "text",
    ["I'm sorry, I can't help with that.", "I cannot do this.", "<think>Should I?</think>I won't."],
)
def test_a_refusal_in_words_is_noticed(text: str) -> None:
    answer = Answer.of(AIMessage(text))
    assert answer.refused
    assert not answer.refused_by_mark


@pytest.mark.parametrize(
    "text", ["Ann cannot swim.", "I can't swim, said Ann. " * 40, "Sorrel grows here.", ""]
)
def test_what_only_sounds_like_one_is_none(text: str) -> None:
    assert not Answer.of(AIMessage(text)).refused


class StatusError(Exception):
    def __init__(self, status_code: int) -> None:
        super().__init__("no")
        self.status_code = status_code


class ResponseError(Exception):
    """As Mistral's client (a response with a status) and Amazon's (a dict) have it."""

    def __init__(self, response: Any) -> None:
        super().__init__("no")
        self.response = response


def wrapped(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "refuses"),
    [
        (StatusError(400), True),
        (StatusError(401), False),
        (StatusError(429), False),
        (StatusError(500), False),
        (ResponseError(StatusError(422)), True),
        (ResponseError({"ResponseMetadata": {"HTTPStatusCode": 400}}), True),
        (ResponseError({"ResponseMetadata": {"HTTPStatusCode": 429}}), False),
        (wrapped(RuntimeError("no"), StatusError(400)), True),
        (wrapped(ValueError("no"), StatusError(429)), False),
        (NotImplementedError(), True),
        (TimeoutError(), False),
        (Exception("[400] Bad Request\nno forced call here"), True),
        (Exception("[429] Too Many Requests"), False),
        (Exception("no"), False),
    ],
)
def test_only_a_bad_request_may_be_a_no_to_a_forced_call(error: Exception, refuses: object) -> None:
    assert refuses_a_forced_call(error) is refuses


def test_a_known_model_has_its_price() -> None:
    pytest.importorskip("genai_prices")
    cost = cost_of("openai:gpt-5-mini", read=1_000_000, written=0)
    assert cost is not None
    assert cost > 0
    assert cost_of("gpt-5-mini", read=1_000_000, written=0) == cost


@pytest.mark.parametrize("model", [None, "", "local:qwen2.5-coder-1.5b", "openai:no-such-model"])
def test_an_unknown_price_is_none_and_not_nothing(model: str | None) -> None:
    assert cost_of(model, read=1_000, written=1_000) is None
