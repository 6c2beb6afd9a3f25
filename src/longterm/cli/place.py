"""Where the commands keep things: the store's file, and whose namespace."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from longterm import settings
from longterm.errors import ConfigurationError

__all__ = ["Place"]

_TURNS = ("turns", "{langgraph_user_id}")
_MEMORIES = ("memories", "{langgraph_user_id}")


@dataclass(frozen=True, slots=True)
class Place:
    """A store's file, and a namespace in it: one that was named, or else a user's."""

    store: Path
    user: str
    namespace: str = ""

    @property
    def turns(self) -> tuple[str, ...]:
        """Where turns are recorded."""
        return self._named or _TURNS

    @property
    def all(self) -> list[tuple[str, ...]]:
        """Where turns and memories are found."""
        return [self._named] if self._named else [_TURNS, _MEMORIES]

    @property
    def _named(self) -> tuple[str, ...]:
        labels = (label.strip() for label in self.namespace.split("/"))
        # A name is taken as it stands, braces and all.
        return tuple(label.replace("{", "{{").replace("}", "}}") for label in labels if label)

    def config(self, **more: object) -> RunnableConfig:
        """Configure a run for the user."""
        return RunnableConfig(configurable={"langgraph_user_id": self.user, **more})

    def opened(self) -> AbstractContextManager[BaseStore]:
        """Open the store, and make it where there is none."""
        return settings.embedded_store(self.store)

    def existing(self) -> AbstractContextManager[BaseStore]:
        """Open the store; that there is none is an error."""
        if not self.store.is_file():
            raise ConfigurationError(
                f"There is no store at {self.store}. Make one with: "
                f"longterm record chat.json --store {self.store}"
            )
        return self.opened()
