"""What requests may hold: data that an answer can hold again, and times there are everywhere."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator
from pydantic_core import to_json

__all__ = ["JsonObject", "Moment"]


def _sendable(data: dict[str, Any]) -> dict[str, Any]:
    # Python reads more than JSON can say, and stores keep it: every later answer would fail.
    try:
        json.dumps(data, allow_nan=False)
        to_json(data)
    except (ValueError, RecursionError):
        raise ValueError(
            "this is not JSON that can be sent back: leave out NaN, infinite numbers, halves of "
            "emoji and more than 250 levels"
        ) from None
    return data


def _in_every_zone(time: datetime) -> datetime:
    try:
        time.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise ValueError("this time is before year 1 or after year 9999 in UTC") from None
    return time


#: An object that any JSON reader understands.
JsonObject = Annotated[dict[str, Any], AfterValidator(_sendable)]
#: A time that can be compared with those of memories.
Moment = Annotated[datetime, AfterValidator(_in_every_zone)]
