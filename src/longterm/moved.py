"""Import paths of the first release whose modules have moved since: they work, and warn.

Importing one gives a module that hands on every name from its new home with a
`DeprecationWarning` at the caller's line. The paths go with the next release but one.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["PATHS", "install"]

#: Old path → where its names are now; the first that has the name counts.
PATHS: dict[str, tuple[str, ...]] = {
    "longterm.adapters": (),
    "longterm.adapters.langgraph": ("longterm.integrations.langgraph",),
    "longterm.adapters.middleware": ("longterm.integrations.middleware",),
    "longterm.embed": ("longterm.models.embed",),
    "longterm.flow": (
        "longterm.effects.steps",
        "longterm.effects.drivers",
        "longterm.effects.runnable",
    ),
    "longterm.local": ("longterm.models.local",),
    "longterm.optimize": ("longterm.prompts",),
    "longterm.recall.fuse": ("longterm.recall.fusion",),
    "longterm.recall.recalling": ("longterm.recall.retriever",),
    "longterm.summarize": ("longterm.short_term",),
    "longterm.summarize.wording": ("longterm.short_term.prompts",),
}


class _Moved(MetaPathFinder, Loader):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the protocol's parameters
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname not in PATHS:
            return None
        is_package = any(old.startswith(f"{fullname}.") for old in PATHS)
        return ModuleSpec(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        old, homes = module.__name__, PATHS[module.__name__]

        def hand_on(name: str) -> Any:
            if not name.startswith("__"):
                for home in map(import_module, homes):
                    if hasattr(home, name):
                        message = f"{old}.{name} has moved: import it from {home.__name__}."
                        warnings.warn(message, DeprecationWarning, stacklevel=2)
                        return getattr(home, name)
            raise AttributeError(f"module {old!r} has no attribute {name!r}")

        module.__getattr__ = hand_on  # pyright: ignore[reportAttributeAccessIssue] - PEP 562


def install() -> None:
    """Make the old paths importable; done once, when the package is imported."""
    if not any(isinstance(finder, _Moved) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Moved())  # folders of an old version may still lie there
