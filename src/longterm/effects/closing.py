"""`Closing`: what is used in `with` or `async with`, and closes at the end of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from longterm.effects.drivers import Work

__all__ = ["Closing"]


class Closing(ABC):
    """Gives a class that has `close` the other ways of being closed."""

    __slots__ = ()

    @abstractmethod
    def close(self) -> None:
        """Close it; may be called again."""

    async def aclose(self) -> None:
        """Do what `close` does, without blocking the event loop."""
        await Work(self.close).aperform()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
