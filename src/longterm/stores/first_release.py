"""Names of the first release that have others now: they work for one release more, and warn."""

import warnings
from collections.abc import Callable
from typing import Any

from longterm.stores.operations import HybridHit, HybridSearchOp

__all__ = ["OLD_NAMES", "renamed"]


def renamed(old: str, new: str) -> None:
    """Warn at the line of the caller's caller."""
    message = f"{old} is called {new} now; the old name goes with the next release."
    warnings.warn(message, DeprecationWarning, stacklevel=3)


def _arms_op(  # noqa: PLR0917 - as it was
    namespace_prefix: tuple[str, ...],
    query: str,
    filter: dict[str, Any] | None = None,
    limit: int = 100,
    meaning: str | None = None,
    around: int = 0,
    whole: int = 0,
    exact: bool = False,  # noqa: FBT001, FBT002 - as it was
) -> HybridSearchOp:
    return HybridSearchOp(namespace_prefix, query, filter, limit, meaning, around, whole, exact)


#: Old name → new name, and what stands for it.
OLD_NAMES: dict[str, tuple[str, Callable[..., Any]]] = {
    "ArmHit": ("HybridHit", HybridHit),
    "ArmsOp": ("HybridSearchOp", _arms_op),
}
