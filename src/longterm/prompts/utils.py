"""LangMem's helpers for optimisers of one's own."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field, create_model, field_validator

from longterm.memory.conversation import as_messages, render
from longterm.text.placeholders import complaint, healed, placeholders

__all__ = ["get_prompt_extraction_schema", "get_trajectory_clean"]


def get_trajectory_clean(messages: Iterable[Any]) -> str:
    """Return *messages* as the text a model is shown."""
    return render(as_messages(list(messages)))


def get_prompt_extraction_schema(original_prompt: str) -> type[BaseModel]:
    """Return a schema for a model's better version of *original_prompt*.

    It has `analysis` and `improved_prompt`; one that lost a placeholder, or made one up, does
    not check, and braces that are no placeholders are escaped.
    """
    names = sorted(placeholders(original_prompt))
    kept = f"Keep {', '.join(names)} exactly as written." if names else "It has no placeholders."

    def checked(text: str | None) -> str | None:
        if text is None:
            return None
        better = healed(original_prompt, text)
        if wrong := complaint(original_prompt, better):
            raise ValueError(wrong)
        return better

    return create_model(
        "OptimizedPromptOutput",
        __doc__="A better prompt, and why.",
        __validators__={"checked": field_validator("improved_prompt")(checked)},
        analysis=(str, Field(description="What went wrong, and what would mend it.")),
        improved_prompt=(
            str | None,
            Field(description=f"The whole new prompt; null to leave it as it is. {kept}"),
        ),
    )
