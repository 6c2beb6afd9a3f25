"""Anthropic's messages, as strict about requests as the service itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, cast

from typing_extensions import override
from wire_schemas import check_anthropic_schema
from wire_server import Failure, ProviderServer, only, require

__all__ = ["AnthropicServer", "blocks", "text_block", "thinking_block", "use"]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_FIELD = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_ID = re.compile(r"[a-zA-Z0-9_-]+")
_FIELDS = (
    "model", "messages", "max_tokens", "system", "tools", "tool_choice", "temperature", "stream",
    "stop_sequences", "metadata", "thinking", "output_config", "top_p", "top_k",
)  # fmt: skip
_NUMBERS = count(1)


def text_block(text: str) -> dict[str, Any]:
    """Return a block of words."""
    return {"type": "text", "text": text}


def thinking_block(text: str) -> dict[str, Any]:
    """Return a block of signed thoughts, which must come back unchanged."""
    return {"type": "thinking", "thinking": text, "signature": "c2lnbmVk"}


def use(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a block that calls a tool."""
    return {"type": "tool_use", "id": f"toolu_{next(_NUMBERS)}", "name": name, "input": arguments}


def blocks(*content: dict[str, Any], stop: str | None = None) -> dict[str, Any]:
    """Return a message made of *content*; it costs 30 tokens in and 7 out."""
    calls = any(block["type"] == "tool_use" for block in content)
    return {
        "id": f"msg_{next(_NUMBERS)}",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-5",
        "content": list(content),
        "stop_reason": stop or ("tool_use" if calls else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": 22,
            "output_tokens": 7,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 8,
            "service_tier": "standard",
        },
    }


class AnthropicServer(ProviderServer):
    """Speaks ``POST /v1/messages``."""

    path = "/v1/messages"

    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        key = headers.get("x-api-key") or headers.get("authorization")
        require(key, "x-api-key header is required")
        require(headers.get("anthropic-version"), "anthropic-version header is required")
        only(body, _FIELDS, "request")
        require(isinstance(body.get("max_tokens"), int), "max_tokens: Field required")
        require(body.get("system", "words"), "system: text content blocks must be non-empty")
        _check_tools(body)
        _check_messages(body["messages"], has_tools="tools" in body)
        _check_output(body.get("output_config") or {})

    @override
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Take any script: what it holds is what the service may send."""

    @override
    def error(self, failure: Failure) -> dict[str, Any]:
        problem = {"type": failure.kind, "message": failure.message}
        return {"type": "error", "error": problem, "request_id": "req_1"}


def _check_tools(body: Mapping[str, Any]) -> None:
    tools = cast("list[Any]", body.get("tools", []))
    names = [tool["name"] for tool in tools]
    require(len(names) == len(set(names)), "tools: Tool names must be unique.")
    for tool in tools:
        only(tool, ("name", "description", "input_schema", "strict", "cache_control"), "tools")
        require(_NAME.fullmatch(tool["name"]), "tools.name: String should match pattern")
        schema = tool["input_schema"]
        require(schema.get("type") == "object", "tools.input_schema.type: Field required")
        plain = all(map(_FIELD.fullmatch, _fields_in(schema)))
        require(plain, "tools.input_schema.properties: Property keys should match pattern")
    match body.get("tool_choice", {"type": "auto"}):
        case {"type": "auto" | "any" | "none", **_rest}:
            require(
                tools or "tool_choice" not in body, "tool_choice may only be specified with tools"
            )
        case {"type": "tool", "name": name, **_rest}:
            require(name in names, f"Tool '{name}' not found in provided tools")
        case other:
            require(fact=False, message=f"tool_choice: {other}")


def _fields_in(schema: Any) -> Iterator[str]:
    if isinstance(schema, list):
        for one in cast("list[Any]", schema):
            yield from _fields_in(one)
    elif isinstance(schema, Mapping):
        form = cast("Mapping[str, Any]", schema)
        fields = form.get("properties", {})
        yield from fields
        for one in (*fields.values(), *(form[key] for key in ("items", "anyOf") if key in form)):
            yield from _fields_in(one)


def _check_messages(messages: Sequence[Mapping[str, Any]], *, has_tools: bool) -> None:
    require(messages and messages[0]["role"] == "user", "messages: first must use the user role")
    waiting: list[str] = []
    seen: set[str] = set()
    for index, message in enumerate(messages):
        require(message["role"] in ("user", "assistant"), f"messages.{index}.role: {message}")
        content = _blocks(message["content"])
        require(content, f"messages.{index}: all messages must have non-empty content")
        _check_results(content, waiting, index)
        waiting = _check_blocks(content, seen, index, has_tools=has_tools)
    require(not waiting, f"tool_use ids without tool_result blocks: {waiting}")


def _blocks(content: str | list[Any]) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    return content


def _check_results(
    content: Sequence[Mapping[str, Any]], waiting: Sequence[str], index: int
) -> None:
    """Refuse unless the first blocks answer every waiting tool_use exactly once."""
    results = [block["tool_use_id"] for block in content if block["type"] == "tool_result"]
    require(
        sorted(results) == sorted(waiting),
        f"messages.{index}: tool_use ids {list(waiting)} need tool_result blocks immediately "
        f"after, got {results}",
    )
    kinds = [block["type"] for block in content]
    first = kinds[: len(results)]
    require(set(first) <= {"tool_result"}, f"messages.{index}: tool_result blocks come first")


def _check_blocks(
    content: Sequence[Mapping[str, Any]], seen: set[str], index: int, *, has_tools: bool
) -> list[str]:
    waiting: list[str] = []
    for block in content:
        match block:
            case {"type": "text", "text": str(text)}:
                require(text.strip(), f"messages.{index}: text content blocks must be non-empty")
            case {"type": "tool_use", "id": str(identity), "input": dict()}:
                require(has_tools, "Requests with tool_use blocks must define tools.")
                require(_ID.fullmatch(identity), f"tool_use.id: bad pattern {identity!r}")
                require(identity not in seen, "tool_use ids must be unique")
                seen.add(identity)
                waiting.append(identity)
            case {"type": "tool_result"} | {"type": "thinking", "signature": "c2lnbmVk"}:
                pass
            case other:
                require(fact=False, message=f"messages.{index}: unknown block {other}")
    return waiting


def _check_output(config: Mapping[str, Any]) -> None:
    match config.get("format"):
        case None:
            pass
        case {"type": "json_schema", "schema": schema}:
            check_anthropic_schema(schema)
        case other:
            require(fact=False, message=f"output_config.format: {other}")
