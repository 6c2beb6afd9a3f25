"""What the providers' structured output takes of JSON schema, as their documentation says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from wire_server import require

__all__ = ["check_anthropic_schema", "check_strict_schema"]

_SHARED = {
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "anyOf",
    "enum",
    "const",
    "description",
    "title",
    "$defs",
    "$ref",
    "format",
    "minItems",
}
_LIMITS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "maxItems"}
_STRICT = frozenset(_SHARED | _LIMITS)
_ANTHROPIC = frozenset(_SHARED | {"allOf", "default"})
_FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}


def check_strict_schema(schema: Mapping[str, Any]) -> None:
    """Refuse what OpenAI's strict mode does: every field required, every object closed."""
    require(schema.get("type") == "object", "schema must be a JSON Schema of 'type: \"object\"'")
    _check(schema, _STRICT, "()", all_required=True)


def check_anthropic_schema(schema: Mapping[str, Any]) -> None:
    """Refuse what Anthropic's structured output does: objects must be closed."""
    _check(schema, _ANTHROPIC, "output_config.format.schema", all_required=False)


def _check(
    schema: Mapping[str, Any], keywords: frozenset[str], where: str, *, all_required: bool
) -> None:
    unknown = sorted(set(schema) - keywords)
    require(not unknown, f"In context={where}, {unknown} is not permitted.")
    known = {"type", "anyOf", "allOf", "enum", "const", "$ref"} & set(schema)
    require(known, f"In context={where}, schema must have a 'type' key.")
    require(schema.get("format", "date") in _FORMATS, f"In context={where}, unknown format.")
    if schema.get("type") == "object":
        _check_object(schema, where, all_required=all_required)
    if schema.get("type") == "array":
        require("items" in schema, f"In context={where}, array schema missing items.")
        _check(schema["items"], keywords, f"{where}.items", all_required=all_required)
    fields = cast("dict[str, Any]", schema.get("properties", {}))
    for name, inner in fields.items():
        _check(inner, keywords, f"{where}.{name}", all_required=all_required)
    for index, inner in enumerate(cast("list[Any]", schema.get("anyOf", []))):
        _check(inner, keywords, f"{where}.anyOf[{index}]", all_required=all_required)


def _check_object(schema: Mapping[str, Any], where: str, *, all_required: bool) -> None:
    closed = schema.get("additionalProperties") is False
    require(closed, f"In context={where}, 'additionalProperties' must be false.")
    if all_required:
        missing = set(schema.get("properties", {})) - set(schema.get("required", []))
        require(not missing, f"In context={where}, 'required' must name {sorted(missing)}.")
