"""Where the commands keep things: the store, and whose memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from langchain_core.runnables import RunnableConfig

from longterm import settings
from longterm.errors import ConfigurationError
from longterm.service import MemoryService

__all__ = ["Place"]

#: Where the first release kept things where no option said so.
_OLD_DEFAULT = Path("longterm.db")


@dataclass(frozen=True, slots=True)
class Place:
    """A store, and a user or a namespace in it; None takes what the settings say."""

    store: str | None = None
    user: str = "me"
    #: A namespace such as "team/chat", in place of the user's.
    namespace: str = ""
    embeddings: str = "auto"

    @property
    def where(self) -> str:
        """The path or URL of the store."""
        if self.store is not None:
            if not self.store.strip():
                raise ConfigurationError("--store is a path or a URL, not an empty text.")
            return self.store
        if settings.setting("store") or not _OLD_DEFAULT.is_file():
            return settings.default_store()
        return str(_OLD_DEFAULT)

    @property
    def shown(self) -> str:
        """The store as it may be printed: a URL without its password."""
        scheme, separator, rest = self.where.partition("://")
        plain = rest.rpartition("@")[2].partition("?")[0]
        return f"{scheme}://{plain}" if separator else scheme

    @property
    def named(self) -> tuple[str, ...]:
        """The labels of the namespace, as a template; a name is taken as it stands."""
        labels = (label.strip() for label in self.namespace.split("/"))
        return tuple(label.replace("{", "{{").replace("}", "}}") for label in labels if label)

    @property
    def nothing(self) -> str:
        """Say that nothing was found, and where else to look."""
        whose = self.namespace or f"user {self.user}"
        return (
            f"Nothing that fits is remembered of {whose} in {self.shown}. "
            "Whose memories are there: longterm users"
        )

    def config(self, **more: object) -> RunnableConfig:
        """Configure a run for the user."""
        return RunnableConfig(configurable={"langgraph_user_id": self.user, **more})

    def opened(self, model: str | None = None) -> MemoryService:
        """Open the store, and make it where there is none."""
        return settings.open(self.where, model=model, embeddings=self.embeddings)

    def existing(self, model: str | None = None) -> MemoryService:
        """Open the store; that there is none is an error."""
        where = self.where
        is_file = "://" not in where and where != ":memory:"
        if is_file and not Path(where).expanduser().is_file():
            raise ConfigurationError(
                f"There is no store at {where}. Make one with: "
                f'longterm add "…" --store {where}, or longterm record chat.json --store {where}'
            )
        return self.opened(model)
