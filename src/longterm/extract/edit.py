"""Edits of a known document, pure: what a model wants changed → the document's next content.

The edit a model is offered is a JSON merge patch (RFC 7396): fields that are named take the
new value, objects are merged, lists are replaced, null removes. A JSON patch (RFC 6902), as
models trained on other tools may answer, is understood as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import jsonpatch  # pyright: ignore[reportMissingTypeStubs] - ships no types

from longterm.memory.draft import ProposalError

__all__ = ["apply_patch", "keep_nulls", "merge"]


def merge(content: Any, patch: Any) -> Any:
    """Apply the merge *patch* to *content* and return the result; neither is changed."""
    if not isinstance(patch, Mapping):
        return patch
    merged = _as_object(content)
    for key, value in cast("Mapping[str, Any]", patch).items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged


def keep_nulls(content: Any, patch: Any) -> Any:
    """Apply *patch* like `merge`, but store null where it stands instead of removing the field."""
    if not isinstance(patch, Mapping):
        return patch
    merged = _as_object(content)
    for key, value in cast("Mapping[str, Any]", patch).items():
        merged[key] = None if value is None else keep_nulls(merged.get(key), value)
    return merged


def apply_patch(content: Any, operations: Sequence[Any]) -> Any:
    """Apply the JSON patch *operations* to *content* and return the result.

    Raises `ProposalError` where an operation does not fit the document.
    """
    try:
        return jsonpatch.apply_patch(content, list(operations))
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        raise ProposalError(f"The patch does not fit the memory: {error}.") from error


def _as_object(content: Any) -> dict[str, Any]:
    return dict(cast("Mapping[str, Any]", content)) if isinstance(content, Mapping) else {}
