"""OpenAI's chat completions, as strict about requests as the service itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any, cast

from jsonschema import Draft202012Validator
from typing_extensions import override
from wire_schemas import check_strict_schema
from wire_server import Failure, ProviderServer, only, require

__all__ = ["OpenAIServer", "called", "refusal", "said"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_FIELDS = (
    "model", "messages", "tools", "tool_choice", "parallel_tool_calls", "response_format",
    "temperature", "max_tokens", "max_completion_tokens", "stream", "n", "stop", "seed", "user",
    "reasoning_effort", "metadata", "store", "top_p",
)  # fmt: skip
_NUMBERS = count(1)


def said(text: str | None, *, finish: str = "stop", **message: Any) -> dict[str, Any]:
    """Return a completion with *text*; it costs 20 tokens in and 5 out."""
    return {
        "id": f"chatcmpl-{next(_NUMBERS)}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-2024-08-06",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": text, "refusal": None, **message},
                "logprobs": None,
                "finish_reason": finish,
            }
        ],
        "usage": {
            "prompt_tokens": 20,
            "completion_tokens": 5,
            "total_tokens": 25,
            "prompt_tokens_details": {"cached_tokens": 8, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
        },
        "service_tier": "default",
        "system_fingerprint": "fp_1",
    }


def called(
    *calls: tuple[str, Any], text: str | None = None, finish: str = "tool_calls"
) -> dict[str, Any]:
    """Return a completion that calls tools; arguments that are text go out as they are."""
    made = [
        {
            "id": f"call_{next(_NUMBERS)}",
            "type": "function",
            "function": {
                "name": name,
                "arguments": args if isinstance(args, str) else json.dumps(args),
            },
        }
        for name, args in calls
    ]
    return said(text, finish=finish, tool_calls=made)


def refusal(words: str) -> dict[str, Any]:
    """Return a completion in which the model refuses."""
    return said(None, refusal=words)


class OpenAIServer(ProviderServer):
    """Speaks ``POST /v1/chat/completions``."""

    path = "/v1/chat/completions"

    @property
    def url(self) -> str:
        """The base_url for clients."""
        return f"{self.root}/v1"

    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        require(headers.get("authorization", "").startswith("Bearer "), "No API key provided.")
        only(body, _FIELDS, "request")
        require(isinstance(body.get("model"), str), "you must provide a model parameter")
        _check_messages(body.get("messages") or [])
        _check_tools(body)
        _check_format(body.get("response_format"))

    @override
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Hold a reply in strict mode to the schema, as constrained decoding does."""
        choice = reply["choices"][0]
        match body.get("response_format"):
            case {"json_schema": {"strict": True, "schema": schema}}:
                if choice["finish_reason"] == "stop" and choice["message"]["content"]:
                    validator: Any = Draft202012Validator(schema)
                    problems = [
                        error.message
                        for error in validator.iter_errors(json.loads(choice["message"]["content"]))
                    ]
                    require(not problems, f"Strict mode would not write this: {problems}")
            case _:
                pass

    @override
    def error(self, failure: Failure) -> dict[str, Any]:
        return {
            "error": {
                "message": failure.message,
                "type": failure.kind,
                "param": None,
                "code": failure.kind,
            }
        }


def _check_messages(messages: Sequence[Mapping[str, Any]]) -> None:
    require(messages, "[] is too short - 'messages'")
    waiting: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            require(message.get("tool_call_id") in waiting, "tool message answers no tool call")
            waiting.remove(message["tool_call_id"])
            require(isinstance(message.get("content"), str | list), "tool message has no content")
            continue
        require(
            not waiting,
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            f"to each 'tool_call_id'. These had no response: {waiting}",
        )
        waiting = _check_message(message)
    require(not waiting, f"tool calls without a response: {waiting}")


def _check_message(message: Mapping[str, Any]) -> list[str]:
    """Return the ids of the tool calls that the next messages must answer."""
    roles = ("system", "developer", "user", "assistant")
    require(message["role"] in roles, f"unknown role {message['role']}")
    calls = cast("list[Any]", message.get("tool_calls") or [])
    content = message.get("content")
    require(content is not None or calls, "Expected a string or an array, got null.")
    for call in calls:
        require(call.get("id") and call["type"] == "function", "a tool call needs an id")
        require(isinstance(call["function"]["arguments"], str), "arguments must be a string")
        require(_NAME.fullmatch(call["function"]["name"]), "bad function name")
    return [call["id"] for call in calls]


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = cast("list[Any]", body.get("tools", []))
    names = [tool["function"]["name"] for tool in tools]
    require("tools" not in body or tools, "[] is too short - 'tools'")
    require(len(names) == len(set(names)), "tool names must be unique")
    for tool in tools:
        only(tool, ("type", "function"), "tools")
        only(tool["function"], ("name", "description", "parameters", "strict"), "tools.function")
        require(_NAME.fullmatch(tool["function"]["name"]), "bad function name")
        parameters = tool["function"].get("parameters", {"type": "object"})
        require(parameters.get("type") == "object", "schema must be of type object")
        described = len(tool["function"].get("description", ""))
        require(described <= 1_024, "tools.function.description: string too long")
        require(_has_items(parameters), "array schema missing items")
        if tool["function"].get("strict"):
            check_strict_schema(parameters)
    _check_choice(body, names)


def _has_items(schema: Any) -> bool:
    """Whether each list in *schema*, at any depth, says what its items are."""
    if isinstance(schema, list):
        return all(map(_has_items, cast("list[Any]", schema)))
    if not isinstance(schema, Mapping):
        return True
    form = cast("Mapping[str, Any]", schema)
    is_list = form.get("type") == "array" or "prefixItems" in form
    return ("items" in form or not is_list) and all(map(_has_items, form.values()))


def _check_choice(body: Mapping[str, Any], names: Sequence[str]) -> None:
    for option in ("tool_choice", "parallel_tool_calls"):
        require(option not in body or names, f"'{option}' is only allowed with 'tools'")
    match body.get("tool_choice", "auto"):
        case "auto" | "none" | "required":
            pass
        case {"type": "function", "function": {"name": name}}:
            require(name in names, f"tool_choice names {name}, which is not among the tools")
        case other:
            require(fact=False, message=f"unknown tool_choice {other}")


def _check_format(response_format: Mapping[str, Any] | None) -> None:
    match response_format:
        case None | {"type": "text" | "json_object"}:
            pass
        case {"type": "json_schema", "json_schema": {"name": str(name), "schema": schema, **rest}}:
            require(_NAME.fullmatch(name), "bad response_format name")
            only(rest, ("description", "strict"), "json_schema")
            if rest.get("strict"):
                check_strict_schema(schema)
        case other:
            require(fact=False, message=f"unknown response_format {other}")
