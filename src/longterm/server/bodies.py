"""What requests may hold: JSON that an answer can hold again, and times there are everywhere."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.exceptions import HTTPException

from longterm.text.characters import NO_JSON, is_json, mapped, whole_characters

__all__ = ["Moment", "StrictRoute"]


class StrictRoute(APIRoute):
    """A route whose bodies are JSON by the letter; half an emoji is read as U+FFFD.

    Python reads more than that, and stores keep it: every later answer with it would fail.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Have the body read by `_StrictRequest`."""
        handle = super().get_route_handler()

        async def strictly(request: Request) -> Response:
            return await handle(_StrictRequest(request.scope, request.receive))

        return strictly


class _StrictRequest(Request):
    async def json(self) -> Any:
        data = await super().json()
        if is_json(data):
            return data
        with suppress(RecursionError):
            whole = mapped(whole_characters, data)
            if is_json(whole):
                return whole
        raise HTTPException(422, NO_JSON)


def _in_every_zone(time: datetime) -> datetime:
    try:
        time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError("this time is before year 1 or after year 9999 in UTC") from None
    return time


#: A time that can be compared with those of memories.
Moment = Annotated[datetime, AfterValidator(_in_every_zone)]
