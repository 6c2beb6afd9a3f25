"""JSON schemas in the form that a provider's strict mode takes, pure.

Strict mode guarantees an answer of the form that was asked for, and takes few schemas: every
field is required and every object closed. So a field that may be left out becomes one that
may be null, and `without_gaps` takes the nulls out again that stand only for "left out".
Limits that strict mode does not know are dropped: values are checked when they arrive.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from longterm.extract.json_schema import nullable, types_of

__all__ = ["closed_object", "strict_edits", "strict_form"]

_NULL = {"type": "null"}
#: Keywords that strict mode takes as they are; the structural ones are rewritten below.
_KEPT = (
    "type",
    "enum",
    "const",
    "description",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
)
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")


class _InexpressibleError(ValueError):
    """Strict mode has no form for this schema."""


def strict_form(schema: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return *schema*, whose references are resolved, in strict form; None where it has none.

    Objects with free keys, tuples and values of any type have none.
    """
    try:
        return _strict(schema)
    except _InexpressibleError:
        return None


def strict_edits(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the form of edits of a value of *schema*, an object: a list of fields with values.

    A patch, whose fields may be left out, looks in strict mode like one that sets all of
    them. *schema* must have a strict form.
    """
    fields = cast("Mapping[str, Any]", schema["properties"])
    edits = [
        closed_object(field={"type": "string", "const": name}, value=_strict(field))
        for name, field in fields.items()
    ]
    return {"type": "array", "items": {"anyOf": edits}}


def closed_object(**fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of an object with exactly *fields*."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _strict(schema: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if schema.get("format") in _FORMATS:
        kept["format"] = schema["format"]
    if options := [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
        return {**_only_description(kept), "anyOf": [_strict(option) for option in options]}
    match schema:
        case {"type": "object", "properties": {**given}} if not schema.get("additionalProperties"):
            fields = cast("Mapping[str, Mapping[str, Any]]", given)
            forms = {name: _strict(field) for name, field in fields.items()}
            for name in fields.keys() - set(schema.get("required", ())):
                if not nullable(fields[name]):
                    bare = {key: one for key, one in forms[name].items() if key != "description"}
                    options = [*bare.get("anyOf", [bare]), _NULL]
                    forms[name] = {**_only_description(forms[name]), "anyOf": options}
            return {**kept, **closed_object(**forms)}
        case {"type": "array", "items": {**items}} if "prefixItems" not in schema:
            return {**kept, "items": _strict(items)}
        case {"type": "object" | "array"}:
            raise _InexpressibleError
        case {"type": str()}:
            return kept
        case {"enum": _} | {"const": _}:  # of values whose types pydantic leaves out
            kinds = sorted(types_of(schema))
            return {**kept, "type": kinds[0] if len(kinds) == 1 else kinds}
        case {"type": [*kinds]} if not {"object", "array"} & set(cast("list[str]", kinds)):
            return kept
        case _:
            raise _InexpressibleError


def _only_description(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": schema["description"]} if "description" in schema else {}
