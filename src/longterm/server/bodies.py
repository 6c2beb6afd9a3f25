"""What requests may hold: JSON that an answer can hold again, and times there are everywhere.

What a body says is taken as it stands: no number is read as a time, none as true or false.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from starlette.exceptions import HTTPException

from longterm.text.characters import NO_JSON, is_json, mapped, whole_characters

__all__ = ["Day", "Moment", "StrictBody", "StrictRoute", "whole"]


class StrictBody(BaseModel):
    """A body whose fields have the types they are described with."""

    model_config = ConfigDict(strict=True)


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


def _written_out(time: Any) -> Any:
    """Refuse numbers, also in a text: 2024 would be a second of 1970, not a year."""
    if isinstance(time, str) and "-" in time[4:]:
        return time
    raise ValueError("a time is written like 2026-11-27 or 2026-11-27T14:00:00Z")


def _in_every_zone(time: datetime) -> datetime:
    try:
        time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError("this time is before year 1 or after year 9999 in UTC") from None
    return time


def _whole(number: Any) -> Any:
    """Return an integer for 10.0, which is one in JSON."""
    return int(number) if isinstance(number, float) and number.is_integer() else number


#: What stands last in the type of a number, after its bounds: before them it hides them.
whole = BeforeValidator(_whole)
#: A time that can be compared with those of memories.
Moment = Annotated[
    datetime, Field(strict=False), BeforeValidator(_written_out), AfterValidator(_in_every_zone)
]
Day = Annotated[date, Field(strict=False), BeforeValidator(_written_out)]
