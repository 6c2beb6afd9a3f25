"""Notes of revisions as text, and those that a store writes by itself. Pure."""

import json
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from pydantic_core import to_json

from longterm.effects.capabilities import RevisionNote, RevisionRow
from longterm.stores.names import from_column, to_labels
from longterm.stores.rows import moment
from longterm.stores.values import decode

__all__ = ["BEFORE", "EXPIRED", "note_text", "revision_row"]

#: Of an item that was there before its history began.
BEFORE = RevisionNote("created", "user", reason="as it was when its history began")
EXPIRED = RevisionNote("deleted", "policy", reason="its time to live ended")


_SAID = tuple(field.name for field in fields(RevisionNote) if field.name != "action")
_said_by = attrgetter(*_SAID)


def note_text(note: RevisionNote) -> str:
    """Write what a note says besides its action as JSON."""
    said = zip(_SAID, _said_by(note), strict=True)
    known = {name: value for name, value in said if value}
    try:
        return to_json(known).decode()
    except ValueError:  # half an emoji, which Python's JSON escapes
        return json.dumps(known)


def revision_row(row: Sequence[Any]) -> RevisionRow:
    """Read a row of path, key, number, action, note, value, time and created_at."""
    path, key, number, action, note, value, time, created_at = row
    said: dict[str, Any] = json.loads(note)
    sources = tuple(said.pop("sources", ()))
    # A newer longterm on the same database may say more.
    known = {name: value for name, value in said.items() if name in _SAID}
    return RevisionRow(
        to_labels(path),
        from_column(key),
        number,
        RevisionNote(action, sources=sources, **known),
        None if value is None else decode(value),
        moment(time),
        moment(created_at),
    )
