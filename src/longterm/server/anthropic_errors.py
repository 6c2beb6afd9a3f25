"""Errors as Anthropic's API answers them, for all that is asked below its paths."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, cast

from fastapi import Request
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longterm.server.problems import MEDIA_TYPE

__all__ = ["ERROR_FORM", "PREFIX", "InTheirForm", "WrongRequestError", "answer_wrong_request"]

#: Where Anthropic's API is.
PREFIX = "/v1/memory_stores"
#: An error in Anthropic's form, as JSON schema.
ERROR_FORM = {
    "type": "object",
    "required": ["type", "error"],
    "properties": {
        "type": {"const": "error"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}


class WrongRequestError(Exception):
    """An error in Anthropic's form."""

    def __init__(self, status: int, kind: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind


async def answer_wrong_request(_request: Request, error: Exception) -> JSONResponse:
    """Answer a `WrongRequestError` as Anthropic's API does."""
    wrong = cast("WrongRequestError", error)  # it is registered for these alone
    body = {"type": "error", "error": {"type": wrong.kind, "message": str(wrong)}}
    return JSONResponse(body, wrong.status)


#: Anthropic's names for what went wrong; else a request is invalid, or the API has failed.
_KINDS = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
}


class InTheirForm:
    """ASGI middleware: problem documents of this API's paths become errors in Anthropic's form.

    The gate, the router and every handler of errors answer with such documents.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        if scope["type"] != "http" or not f"{scope['path']}/".startswith(f"{PREFIX}/"):
            await self.app(scope, receive, send)
            return
        problem: MutableHeaders | None = None
        status, document = 0, b""

        async def translated(message: Message) -> None:
            nonlocal problem, status, document
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type") == MEDIA_TYPE:
                    problem, status = headers, message["status"]
                    return
            if problem is None:
                await send(message)
                return
            document += message.get("body", b"")
            if not message.get("more_body"):
                answer = _in_their_form(status, json.loads(document))
                del problem["content-type"], problem["content-length"]
                answer.raw_headers += problem.raw
                await answer(scope, receive, send)

        await self.app(scope, receive, translated)


def _in_their_form(status: int, document: dict[str, Any]) -> JSONResponse:
    wrong = [f"{one['where']}: {one['what']}" for one in document.get("errors", ())]
    message = " ".join([document["detail"], *wrong])
    status = 400 if status == HTTPStatus.UNPROCESSABLE_ENTITY else status
    failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = _KINDS.get(status, "api_error" if failed else "invalid_request_error")
    return JSONResponse({"type": "error", "error": {"type": kind, "message": message}}, status)
