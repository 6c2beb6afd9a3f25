"""Messages that a node of a graph returns without having said them.

With ``stream_mode="messages"`` LangGraph streams to the user what a node's models say, and every
message in what the node returns that was not in what it was given. A summary, or what was
recalled, is for the next model and not for the user; so it counts as given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from langchain_core.messages import BaseMessage
from langchain_core.runnables import ensure_config
from langchain_core.runnables.config import (
    get_async_callback_manager_for_config,
    get_callback_manager_for_config,
)
from typing_extensions import override

from longterm.effects.drivers import OwnStep

__all__ = ["Unsaid"]

_NODE = "langgraph_node"


@dataclass(frozen=True, slots=True)
class Unsaid(OwnStep[list[BaseMessage]]):
    """Return *messages* so that the graph running here, if any, streams none of them.

    LangGraph knows messages by their ids, so each gets one, and takes what a run with the node's
    own name is given for given to the node; hence such a run, which does nothing.
    """

    messages: Sequence[BaseMessage]

    @override
    def perform(self) -> list[BaseMessage]:
        node, given = self._here()
        if node is not None:
            manager = get_callback_manager_for_config(ensure_config())
            manager.on_chain_start(_NO_FORM, {"messages": given}, name=node).on_chain_end({})
        return given

    @override
    async def aperform(self) -> list[BaseMessage]:
        node, given = self._here()
        if node is not None:
            manager = get_async_callback_manager_for_config(ensure_config())
            run = await manager.on_chain_start(_NO_FORM, {"messages": given}, name=node)
            await run.on_chain_end({})
        return given

    def _here(self) -> tuple[str | None, list[BaseMessage]]:
        """Return the name of the node that runs here, if any, and the messages it returns."""
        node = ensure_config().get("metadata", {}).get(_NODE)
        if node is None:
            return None, list(self.messages)
        named = (
            one if one.id else one.model_copy(update={"id": str(uuid4())}) for one in self.messages
        )
        return node, list(named)


#: The run is of no class that could be written down.
_NO_FORM: Any = None
