"""Errors as answers: problem documents (RFC 9457), which never quote what was sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from traceback import format_tb
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from langgraph.store.base import InvalidNamespaceError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from longterm.errors import (
    ConfigurationError,
    ConflictError,
    ExtractionError,
    InvalidInputError,
    LongtermError,
    StoreError,
    UnknownMemoryError,
)

__all__ = [
    "EVERYWHERE",
    "MEDIA_TYPE",
    "PROBLEM",
    "Unforeseen",
    "add_handlers",
    "declared",
    "problem",
    "status_of",
]

logger = logging.getLogger("longterm.server")


_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
MEDIA_TYPE = "application/problem+json"
#: What a problem document looks like, as JSON schema.
PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What is wrong, and what to do."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "what": {"type": "string"}},
            },
        },
    },
}
#: What any request may be answered with: by the gate, for its form, by the store, or for a fault.
EVERYWHERE = (400, 401, 403, 408, 413, 421, 422, 429, 500, 503)


def declared(
    *statuses: int, form: Mapping[str, object] | None = None
) -> dict[int | str, dict[str, Any]]:
    """Return *statuses* as OpenAPI describes them: each answered with a problem document.

    *form* is the JSON schema of the form that they have instead.
    """
    content: dict[str, Any] = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    if form is not None:
        content = {"application/json": {"schema": form}}
    return {
        status: {"description": HTTPStatus(status).phrase, "content": content}
        for status in statuses
    }


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object
) -> JSONResponse:
    """Return a problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return JSONResponse(body, status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def status_of(error: LongtermError) -> int:
    """Return the status that says who must act on *error*."""
    match error:
        case UnknownMemoryError():
            return 404
        case InvalidInputError() | ConfigurationError():
            return 422
        case ConflictError():
            return 409
        case ExtractionError():
            return 502
        case StoreError():
            return 503
        case _:
            return 500


def add_handlers(app: FastAPI) -> None:
    """Have *app* answer every error with a problem document."""

    @app.exception_handler(LongtermError)
    async def of_ours(_request: Request, error: LongtermError) -> JSONResponse:
        return _of_ours(error)

    @app.exception_handler(HTTPException)
    async def of_http(request: Request, error: HTTPException) -> JSONResponse:
        detail = str(error.detail)
        if "Allow" in (error.headers or {}):
            # The router names those of the first route at this path, and has one for each method.
            tries = [(method, {**request.scope, "method": method}) for method in _METHODS]
            allowed = [
                method
                for method, scope in tries
                if any(route.matches(scope)[0] == Match.FULL for route in app.routes)
            ]
            return problem(error.status_code, f"{detail}.", {"Allow": ", ".join(allowed)})
        if detail == HTTPStatus.NOT_FOUND.phrase:  # as the router says it
            detail = "There is nothing at this path; /openapi.json lists what there is."
        return problem(error.status_code, detail, error.headers)

    @app.exception_handler(RequestValidationError)
    async def of_form(request: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself is left out: it may be what a user said.
        wrong = [
            {"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()
        ]
        detail = "The request does not have the form it needs."
        sent = request.headers.get("content-type", "")
        if "json" not in sent and any(one["where"] == "body" for one in wrong):
            detail += " Send JSON, with the header Content-Type: application/json."
        return problem(422, detail, errors=wrong)

    @app.exception_handler(InvalidNamespaceError)
    async def of_namespace(_request: Request, _error: InvalidNamespaceError) -> JSONResponse:
        # LangGraph's own words quote the labels.
        return problem(422, "A label of a namespace is a text that is not empty, without a dot.")

    _ = (of_ours, of_http, of_form, of_namespace)


def _of_ours(error: LongtermError) -> JSONResponse:
    status = status_of(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("Request failed: %s", error)
    return problem(status, str(error))


class Unforeseen:
    """ASGI middleware: an error that no handler knows is answered, and logged without its words.

    What it says may quote users, so the log has its class and the places it came through. One of
    ours comes from before the handlers, as of a gate that cannot look up a key.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; one that has begun to be answered is broken off."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as error:  # noqa: BLE001 - every one is answered
            if isinstance(error, LongtermError) and not begun:
                await _of_ours(error)(scope, receive, send)
                return
            places = "".join(format_tb(error.__traceback__))
            logger.error("Request failed: %s\n%s", type(error).__name__, places)  # noqa: TRY400 - its words stay out
            if begun:
                raise RuntimeError("The answer was cut short; the server's log says why.") from None
            answer = problem(500, "Something went wrong here; the server's log says what.")
            await answer(scope, receive, send)
