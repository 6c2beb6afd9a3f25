"""Flows as what users call: a LangChain Runnable, or a method in its blocking and awaited form.

`FlowRunnable` adds config, callbacks and tracing; `both` makes two methods of the one flow that
is their body.
"""

from __future__ import annotations

import inspect
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    CallbackManagerForChainRun,
)
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.drivers import arun, context_store, run
from longterm.effects.steps import Flow

__all__ = ["RUNTIME", "FlowRunnable", "OnStore", "both", "given_store"]

#: Where LangGraph keeps a run's runtime, with its context, in the config.
RUNTIME = "__pregel_runtime"

In = TypeVar("In")
Out = TypeVar("Out")


class FlowRunnable(Runnable[In, Out]):
    """A LangChain Runnable whose work is one flow.

    Subclasses write `flow`; `invoke`, `ainvoke`, `batch`, `abatch`, config, callbacks and
    tracing come from here. `store` is the one given at construction, or None to take the
    one of the running graph, anew in each call.
    """

    store: BaseStore | None = None

    @abstractmethod
    def flow(self, input: In, config: RunnableConfig) -> Flow[Out]:
        """Return the job to do for *input*."""

    @property
    @override
    def InputType(self) -> Any:
        # For LangChain's own schema of it, which pydantic would make of our types.
        return Any

    @override
    def invoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        return self._call_with_config(
            _drive, input, _with_runtime(config), runnable=self, store=self.store_here()
        )

    @override
    async def ainvoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        return await self._acall_with_config(
            _adrive, input, _with_runtime(config), runnable=self, store=self.store_here()
        )

    @property
    def given_store(self) -> BaseStore | None:
        """The store given at construction."""
        return self.store

    def store_here(self) -> BaseStore | None:
        """Return the store given, or the caller's graph's, which an explicit config would hide."""
        return context_store() if self.store is None else self.store


def _signed(called: Any) -> Any:
    """Keep the signature with the function: LangChain looks at it three times in each call."""
    called.__signature__ = inspect.signature(called)
    return called


@_signed
def _drive(
    input: In,
    run_manager: CallbackManagerForChainRun,  # noqa: ARG001 - LangChain calls by these names
    config: RunnableConfig,
    runnable: FlowRunnable[In, Out],
    store: BaseStore | None,
) -> Out:
    return run(runnable.flow(input, config), config, store=store)


@_signed
async def _adrive(
    input: In,
    run_manager: AsyncCallbackManagerForChainRun,  # noqa: ARG001 - LangChain calls by these names
    config: RunnableConfig,
    runnable: FlowRunnable[In, Out],
    store: BaseStore | None,
) -> Out:
    return await arun(runnable.flow(input, config), config, store=store)


def given_store(runnable: object) -> BaseStore | None:
    """Return the store that *runnable* was given; None where it takes that of its graph."""
    if isinstance(runnable, FlowRunnable):
        return runnable.given_store
    return getattr(runnable, "store", None)


def _with_runtime(config: RunnableConfig | None) -> RunnableConfig | None:
    """Return *config* with the runtime of the caller's graph, which it would hide otherwise."""
    if config is None:
        return None
    runtime = ensure_config().get("configurable", {}).get(RUNTIME)
    if runtime is None:
        return config
    configurable = {RUNTIME: runtime, **config.get("configurable", {})}
    return cast("RunnableConfig", {**config, "configurable": configurable})


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
