"""Servers that take every request, and the forms of answers, of Google, Ollama and Responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langchain_google_genai import ChatGoogleGenerativeAI
from langchain_openai import ChatOpenAI
from openai_wire import OpenAIServer
from typing_extensions import override
from wire_server import Failure, ProviderServer, WireReply

__all__ = [
    "GoogleServer",
    "LooseServer",
    "OllamaServer",
    "ResponsesServer",
    "function_call",
    "gemini",
    "google",
    "ollama",
    "openai",
    "response",
    "responses",
]


class LooseServer(ProviderServer):
    """Takes every request: these services' own checks are not rebuilt here."""

    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        """Take any request."""

    @override
    def check_script(self, body: dict[str, Any], reply: dict[str, Any]) -> None:
        """Take any script."""

    @override
    def error(self, failure: Failure) -> dict[str, Any]:
        return {"error": {"code": failure.status, "message": failure.message, "status": "ERROR"}}


class GoogleServer(LooseServer):
    path = "/v1beta/models/gemini-2.5-flash:generateContent"


class OllamaServer(LooseServer):
    path = "/api/chat"


class ResponsesServer(LooseServer):
    path = "/v1/responses"


def openai(server: OpenAIServer) -> ChatOpenAI:
    options: dict[str, Any] = {"api_key": "k", "max_retries": 0}
    return ChatOpenAI(model="m", base_url=server.url, **options)


def gemini(*parts: dict[str, Any], finish: str = "STOP") -> WireReply:
    candidate = {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}
    return {"candidates": [candidate], "modelVersion": "gemini-2.5-flash"}


def google(server: GoogleServer) -> ChatGoogleGenerativeAI:
    options: dict[str, Any] = {"google_api_key": "k", "base_url": server.root, "max_retries": 0}
    return ChatGoogleGenerativeAI(model="gemini-2.5-flash", **options)


def ollama(text: str = "", done: str = "stop", **message: Any) -> WireReply:
    message = {"role": "assistant", "content": text, **message}
    return {"model": "m", "message": message, "done": True, "done_reason": done}


def response(*output: dict[str, Any], status: str = "completed", why: str | None = None) -> Any:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "incomplete_details": {"reason": why} if why else None,
        "output": list(output),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
    }


def function_call(arguments: str, status: str = "completed") -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "fc_1",
        "call_id": "c1",
        "name": "Memory",
        "arguments": arguments,
        "status": status,
    }


def responses(server: ResponsesServer) -> ChatOpenAI:
    options: dict[str, Any] = {"api_key": "k", "max_retries": 0, "use_responses_api": True}
    return ChatOpenAI(model="m", base_url=f"{server.root}/v1", **options)
