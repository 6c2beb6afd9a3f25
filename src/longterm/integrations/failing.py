"""Memory that fails: the agent answers without it, and no answer is lost. For all adapters."""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from typing import TypeVar

from langgraph.errors import GraphBubbleUp

from longterm.effects.observe import log_error
from longterm.errors import ConfigurationError

__all__ = ["NOTHING_RECALLED", "safely"]

T = TypeVar("T")

#: What is logged, by all adapters alike, where a recall fails.
NOTHING_RECALLED = "Nothing could be recalled; the agent answers without its memory."

_LOG = logging.getLogger(__name__)


async def safely(work: Awaitable[T], trouble: str) -> T | None:
    """Return the result of *work*; where it fails, log *trouble*, for the user waits for us.

    What was set up wrongly raises, and so does what a graph does on purpose: an interrupt.
    """
    try:
        return await work
    except (ConfigurationError, GraphBubbleUp):
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, no answer is lost for it
        log_error(_LOG, "%s %s", trouble, error=error)
        return None
