"""The examples of the pages on prompts, short-term memory and agents run as they stand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

_DOCS = Path(__file__).parent.parent / "docs"
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", ["short_term.md", "prompts.md", "agents.md"])
def test_the_examples_of_a_page_run_one_after_the_other(page: str) -> None:
    text = (_DOCS / page).read_text(encoding="utf-8")
    names: dict[str, Any] = {"__name__": page}
    for match in _BLOCK.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        code = compile("\n" * line + match[1], page, "exec")
        exec(code, names)  # noqa: S102 - our own documentation
