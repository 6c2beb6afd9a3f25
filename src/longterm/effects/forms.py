"""Both forms of a method, blocking and awaited, from the one flow that is its body."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from longterm.effects.drivers import arun, run
from longterm.effects.steps import Flow

__all__ = ["OnStore", "both"]


class OnStore(Protocol):
    """What has a store to perform flows on, and a config to perform them with."""

    @property
    def store(self) -> BaseStore:
        """Where its flows read and write."""
        ...

    @property
    def config(self) -> RunnableConfig:
        """What its flows are configured with."""
        ...


S = TypeVar("S", bound=OnStore)
P = ParamSpec("P")
T = TypeVar("T")


def both(
    flow: Callable[Concatenate[S, P], Flow[T]],
) -> tuple[Callable[Concatenate[S, P], T], Callable[Concatenate[S, P], Awaitable[T]]]:
    """Return the blocking and the awaited form of the method whose flow is *flow*.

    Write ``get, aget = both(get_flow)`` in the class: the flow's signature and docstring are
    theirs, and other flows await the flow itself.
    """

    @wraps(flow)
    def blocking(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        return run(flow(self, *args, **kwargs), self.config, store=self.store)

    @wraps(flow)
    async def awaited(self: S, *args: P.args, **kwargs: P.kwargs) -> T:
        return await arun(flow(self, *args, **kwargs), self.config, store=self.store)

    owner, _, own = flow.__qualname__.rpartition(".")
    name = own.removeprefix("_").removesuffix("_flow")
    for form, known_as in ((blocking, name), (awaited, f"a{name.rstrip('_')}")):
        form.__name__, form.__qualname__ = known_as, f"{owner}.{known_as}"
    # Python's error for a wrong argument names the flow, which callers do not know.
    flow.__qualname__ = blocking.__qualname__
    return blocking, awaited
