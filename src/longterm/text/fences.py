"""Text of others inside a prompt: it cannot end the tags that it stands between. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

__all__ = ["fenced"]


def fenced(text: str, *tags: str) -> str:
    """Return *text* so that no tag in it can open or close one of *tags*."""
    return _opening(tags).sub("&lt;", text)


@lru_cache
def _opening(tags: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(tags)})\b)", re.IGNORECASE)
