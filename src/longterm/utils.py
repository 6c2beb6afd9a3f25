"""LangMem's path to the namespace template, and its small helpers around messages and prompts."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.messages import merge_message_runs

from longterm.memory.conversation import as_messages
from longterm.memory.namespace import NamespaceTemplate
from longterm.prompts.inputs import as_trajectories, show_trajectories
from longterm.prompts.utils import get_prompt_extraction_schema
from longterm.text.placeholders import escaped, placeholders

__all__ = [
    "NamespaceTemplate",
    "dumps",
    "format_sessions",
    "get_conversation",
    "get_dialated_windows",
    "get_prompt_extraction_schema",
    "get_var_healer",
]


def get_conversation(messages: Sequence[Any], delimiter: str = "\n\n") -> str:
    """Return *messages* as text; those of one speaker in a row are one."""
    merged = merge_message_runs(as_messages(list(messages)))
    return delimiter.join(message.pretty_repr() for message in merged)


def get_dialated_windows(
    messages: Sequence[Any],
    N: int = 5,  # noqa: N803 - LangMem's name
    delimiter: str = "\n\n",
) -> list[str]:
    """Return the last 1, 2, 4, … messages as texts, at most *N* of them, each size once."""
    sizes = dict.fromkeys(min(len(messages), 1 << step) for step in range(N))
    return [get_conversation(messages[-size:], delimiter) for size in sizes if size]


def format_sessions(sessions: Any) -> str:
    """Return conversations, with or without feedback, as the text an optimiser is shown."""
    return show_trajectories(as_trajectories(sessions))


def get_var_healer(
    vars: set[str] | str,
    all_required: bool = False,  # noqa: FBT001, FBT002 - LangMem's form
) -> Callable[[str], str]:
    """Return a function that doubles all braces of a text but those of the placeholders *vars*.

    *vars* are names, or a prompt whose placeholders count. With *all_required* a text that lacks
    one is a `ValueError`.
    """
    names = placeholders(vars) if isinstance(vars, str) else vars
    wanted = {name.strip("{}") for name in names}

    def heal(text: str) -> str:
        if all_required and (lost := {name for name in wanted if f"{{{name}}}" not in text}):
            raise ValueError(f"The prompt lost {sorted(lost)}; it must keep them.")
        return escaped(text, wanted)

    return heal


def dumps(obj: Any) -> str:
    """Return *obj* as JSON; models and messages by their fields, the rest by its words."""
    return json.dumps(obj, default=_dumped, ensure_ascii=False, separators=(",", ":"))


def _dumped(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)
