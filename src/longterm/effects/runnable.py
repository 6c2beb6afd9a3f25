"""FlowRunnable: a flow as a LangChain Runnable, with config, callbacks and tracing."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, TypeVar, cast

from langchain_core.callbacks import (
    AsyncCallbackManagerForChainRun,
    CallbackManagerForChainRun,
)
from langchain_core.runnables import Runnable, RunnableConfig, ensure_config
from langgraph.store.base import BaseStore
from typing_extensions import override

from longterm.effects.drivers import arun, context_store, run
from longterm.effects.steps import Flow

__all__ = ["RUNTIME", "FlowRunnable", "given_store"]

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
            self._run, input, _with_runtime(config), store=self.store_here()
        )

    @override
    async def ainvoke(self, input: In, config: RunnableConfig | None = None, **kwargs: Any) -> Out:
        return await self._acall_with_config(
            self._arun, input, _with_runtime(config), store=self.store_here()
        )

    @property
    def given_store(self) -> BaseStore | None:
        """The store given at construction."""
        return self.store

    def store_here(self) -> BaseStore | None:
        """Return the store given, or the caller's graph's, which an explicit config would hide."""
        return context_store() if self.store is None else self.store

    def _run(
        self,
        input: In,
        run_manager: CallbackManagerForChainRun,  # noqa: ARG002 - LangChain calls by these names
        config: RunnableConfig,
        store: BaseStore | None = None,
    ) -> Out:
        return run(self.flow(input, config), config, store=store)

    async def _arun(
        self,
        input: In,
        run_manager: AsyncCallbackManagerForChainRun,  # noqa: ARG002 - LangChain calls by these names
        config: RunnableConfig,
        store: BaseStore | None = None,
    ) -> Out:
        return await arun(self.flow(input, config), config, store=store)


def given_store(runnable: Runnable[Any, Any]) -> BaseStore | None:
    """Return the store that *runnable* was given; None where it takes that of its graph."""
    if isinstance(runnable, FlowRunnable):
        return runnable.given_store
    return getattr(runnable, "store", None)


def _with_runtime(config: RunnableConfig | None) -> RunnableConfig | None:
    """Return *config* with the runtime of the caller's graph, which it would hide otherwise."""
    runtime = ensure_config().get("configurable", {}).get(RUNTIME)
    if config is None or runtime is None:
        return config
    configurable = {RUNTIME: runtime, **config.get("configurable", {})}
    return cast("RunnableConfig", {**config, "configurable": configurable})
