"""Errors as answers: problem documents (RFC 9457), which never quote what was sent."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from longterm.errors import (
    ConfigurationError,
    ConflictError,
    ExtractionError,
    InvalidInputError,
    LongtermError,
    StoreError,
    UnknownMemoryError,
)

__all__ = ["add_handlers", "problem", "status_of"]

logger = logging.getLogger("longterm.server")


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
    return JSONResponse(
        body, status, headers=dict(headers or {}), media_type="application/problem+json"
    )


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
        status = status_of(error)
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("Request failed: %s", error)
        return problem(status, str(error))

    @app.exception_handler(HTTPException)
    async def of_http(_request: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), error.headers)

    @app.exception_handler(RequestValidationError)
    async def of_form(_request: Request, error: RequestValidationError) -> JSONResponse:
        # The input itself is left out: it may be what a user said.
        wrong = [
            {"where": ".".join(map(str, one["loc"])), "what": one["msg"]} for one in error.errors()
        ]
        return problem(422, "The request does not have the form it needs.", errors=wrong)

    @app.exception_handler(Exception)
    async def of_others(_request: Request, error: Exception) -> JSONResponse:
        logger.error("Request failed", exc_info=error)
        return problem(500, "Something went wrong here; the server's log says what.")

    _ = (of_ours, of_http, of_form, of_others)
