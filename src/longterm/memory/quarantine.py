"""Quarantine: what was kept back instead of written, until a person decides. Pure.

What a guard keeps back from namespace ``("a", "b")`` lies in ``("longterm-quarantine", "a",
"b")``, unindexed, where no search for memories looks and no model reads it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from longterm.memory.model import shown_content
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Origin, Source, json_sources, sources_in

__all__ = ["QUARANTINE_ROOT", "Held", "quarantine_namespace"]

QUARANTINE_ROOT = "longterm-quarantine"


@dataclass(frozen=True, slots=True)
class Held:
    """A value that was kept back, where it was to be written, and why."""

    #: Its name in the quarantine.
    id: str
    namespace: Namespace
    key: str
    value: dict[str, Any]
    origin: Origin
    time: datetime
    #: Classes of what was found in it, with their places: ``card at content.content``.
    found: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def content(self) -> Any:
        """What it says: its text, or its fields."""
        return shown_content(self.value.get("content", self.value))

    @property
    def record(self) -> dict[str, Any]:
        """The value under which a store keeps it."""
        return {
            "key": self.key,
            "value": self.value,
            "origin": self.origin,
            "time": self.time.isoformat(),
            "found": list(self.found),
            "sources": json_sources(self.sources),
        }

    @classmethod
    def of(cls, id: str, namespace: Namespace, record: dict[str, Any]) -> Held:
        """Read what `record` wrote."""
        return cls(
            id,
            namespace,
            record["key"],
            record["value"],
            record["origin"],
            datetime.fromisoformat(record["time"]),
            tuple(record["found"]),
            sources_in(record["sources"]),
        )


def quarantine_namespace(namespace: Namespace) -> Namespace:
    """Return where what was kept back from *namespace* lies."""
    return (QUARANTINE_ROOT, *namespace)
