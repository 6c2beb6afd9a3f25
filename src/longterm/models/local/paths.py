"""Where models are kept and how many threads they get by default.

Knows the platform's customs, not the environment: `longterm.settings` reads that and passes
what it finds as arguments.
"""

import os
import sys
from pathlib import Path

__all__ = ["default_cache", "default_threads"]

_CACHES = {
    "darwin": ("Library", "Caches", "longterm"),
    "win32": ("AppData", "Local", "longterm", "Cache"),
}


def default_cache() -> Path:
    """Return the folder for files that can be fetched again."""
    return Path.home().joinpath(*_CACHES.get(sys.platform, (".cache", "longterm")))


def default_threads() -> int:
    """Return how many processors this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
