"""What a client makes of our tools on the wire, and how to have it say what our schemas say.

Most clients hand a tool's JSON schema on as it is. Google's own rewrites it (every nested field
becomes required, free keys and inner forms vanish), but takes a declaration in the form of
Google's API as it is. Ollama's keeps a field's type, items, enum and description. What of a
form has no other place goes into the field's description. Anthropic's, asked for an answer of a
schema, closes all objects in it, so that nothing could stand in one whose keys are free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from longterm.errors import ConfigurationError
from longterm.models.names import ChatModel, innermost

__all__ = ["bind_tools", "garbles", "holds_to"]

#: Limits of values that Google's API has, by their names in its client.
_GOOGLE_KEEPS = {
    "default": "default",
    "description": "description",
    "maxItems": "max_items",
    "maxLength": "max_length",
    "maximum": "maximum",
    "minItems": "min_items",
    "minLength": "min_length",
    "minimum": "minimum",
    "pattern": "pattern",
}
#: Limits of values that it has not, or has for strings only.
_GOOGLE_LOSES = ("const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format", "multipleOf",
                 "prefixItems", "propertyNames", "uniqueItems")  # fmt: skip
_TYPES: Mapping[type[object], str] = {
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
#: What Ollama's client drops from a tool's field although its form needs it.
_OLLAMA_LOSES = ("properties", "required", "anyOf", "additionalProperties", "const", "prefixItems")
#: What it drops of the limits of values.
_OLLAMA_OMITS = ("default", "exclusiveMaximum", "exclusiveMinimum", "format", "maxItems",
                 "maxLength", "maximum", "minItems", "minLength", "minimum", "multipleOf",
                 "pattern", "propertyNames", "uniqueItems")  # fmt: skip


def bind_tools(
    model: Any, tools: Sequence[Mapping[str, Any]], options: Mapping[str, Any]
) -> ChatModel:
    """Return *model* with *tools*, in OpenAI's form, and *options* bound to it.

    Raises `ConfigurationError` for a model that cannot call tools.
    """
    if not hasattr(model, "bind_tools"):
        raise _cannot_call_tools(model)
    try:
        match _kind_of(model):
            case "chat-google-generative-ai" if declarations := _google_tools(tools):
                return model.bind(tools=declarations, **options)
            case "chat-ollama":
                return model.bind_tools([_ollama_tool(tool) for tool in tools], **options)
            case _:
                return model.bind_tools(tools, **options)
    except NotImplementedError as error:
        raise _cannot_call_tools(model) from error


def garbles(model: ChatModel, schema: Mapping[str, Any]) -> bool:
    """Tell whether the client of *model* would send less of a tool's *schema* than it says."""
    if _kind_of(innermost(model)) != "chat-ollama":
        return False
    fields = cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {}))
    return any(not _has_types(field) and {*_OLLAMA_LOSES} & {*field} for field in fields.values())


def holds_to(model: ChatModel, schema: Mapping[str, Any]) -> bool:
    """Tell whether a value of *schema* could be answered, where the client holds *model* to it."""
    return _kind_of(innermost(model)) != "anthropic-chat" or _is_closed(schema)


def _is_closed(schema: Any) -> bool:
    match schema:
        case {"properties": {**fields}, **rest}:
            inner = cast("Mapping[str, Any]", fields).values()
            return not rest.get("additionalProperties") and all(map(_is_closed, inner))
        case {"type": "object"} | {"prefixItems": _}:
            return False
        case {"items": items}:
            return _is_closed(items)
        case {"anyOf": [*options]}:
            return all(map(_is_closed, options))
        case _:
            return isinstance(schema, Mapping) and bool({"type", "enum", "const"} & {*schema})


def _kind_of(model: Any) -> str:
    """Return LangChain's name for the client of *model*."""
    return str(getattr(model, "_llm_type", ""))


def _cannot_call_tools(model: Any) -> ConfigurationError:
    return ConfigurationError(
        f"{type(model).__name__} cannot call tools. Pass protocol='json' or protocol='text'."
    )


def _google_tools(tools: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return *tools* as declarations of Google's; none where its client is of an older kind."""
    try:
        from google.genai import types
    except ImportError:
        return []
    functions = [cast("Mapping[str, Any]", tool["function"]) for tool in tools]
    declarations = [
        types.FunctionDeclaration(
            name=function["name"],
            description=function["description"],
            parameters=types.Schema.model_validate(_google_schema(function["parameters"])),
        )
        for function in functions
    ]
    return [types.Tool(function_declarations=declarations)]


def _google_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return *schema* in the form of Google's API: null is a mark, a constant a choice of one."""
    if not schema:
        return {"type": "STRING"}  # anything; every field there has a type
    values = cast(
        "list[object]", schema.get("enum", [schema["const"]] if "const" in schema else [])
    )
    if values and not {"type", "anyOf"} & {*schema}:
        of_values = dict.fromkeys(_TYPES.get(type(value), "object") for value in values)
        schema = {**schema, "anyOf": [{"type": one} for one in of_values]}
    types = schema.get("type", [])
    members = schema.get("anyOf") or [{"type": one} for one in types if isinstance(types, list)]
    options = [member for member in members if member.get("type") != "null"]
    nullable = {"nullable": True} if len(options) < len(members) else {}
    if len(options) == 1:
        beside = {key: value for key, value in schema.items() if key not in ("anyOf", "type")}
        return {**_google_schema({**options[0], **beside}), **nullable}
    lost = {key: schema[key] for key in _GOOGLE_LOSES if key in schema}
    kept = {name: schema[key] for key, name in _GOOGLE_KEEPS.items() if key in schema}
    words = [value for value in values if value is not None]
    if types == "string" and words and all(isinstance(value, str) for value in words):
        kept["enum"] = words
        lost = {key: value for key, value in lost.items() if key not in ("const", "enum")}
    if lost.get("format") == "date-time":
        kept["format"] = lost.pop("format")
    if parts := schema.get("prefixItems"):
        forms = [one for at, one in enumerate(parts) if one not in parts[:at]]
        schema = {**schema, "items": {"anyOf": forms}}
        if len(forms) == 1:
            del lost["prefixItems"]
    kept = {**_in_words(kept, lost), **nullable}
    if options:
        return {**kept, "any_of": list(map(_google_schema, options))}
    if isinstance(types, str):
        kept["type"] = types.upper()
    if fields := schema.get("properties"):
        kept["properties"] = {name: _google_schema(field) for name, field in fields.items()}
        kept["required"] = schema.get("required", [])
    for key, name in (("items", "items"), ("additionalProperties", "additional_properties")):
        if isinstance(schema.get(key), Mapping):
            kept[name] = _google_schema(schema[key])
    return kept


def _ollama_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    function = cast("Mapping[str, Any]", tool["function"])
    parameters = cast("Mapping[str, Any]", function["parameters"])
    fields = cast("Mapping[str, Mapping[str, Any]]", parameters.get("properties", {}))
    shown = {name: _ollama_field(field) for name, field in fields.items()}
    return {**tool, "function": {**function, "parameters": {**parameters, "properties": shown}}}


def _ollama_field(field: Mapping[str, Any]) -> dict[str, Any]:
    """Return *field* with its form in words where the client would drop it."""
    if _has_types(field):
        field = {**field, "type": [member["type"] for member in field["anyOf"]]}
    dropped = [key for key in (*_OLLAMA_LOSES, *_OLLAMA_OMITS) if key in field]
    if _has_types(field):
        dropped.remove("anyOf")
    return _in_words(field, {key: field[key] for key in dropped})


def _has_types(field: Mapping[str, Any]) -> bool:
    """Tell whether *field* is a choice of plain types, which the client takes as a list."""
    members = cast("list[Mapping[str, Any]]", field.get("anyOf", []))
    return bool(members) and all([*member] == ["type"] for member in members)


def _in_words(field: Mapping[str, Any], lost: Mapping[str, Any]) -> dict[str, Any]:
    """Return *field* with what of its form would be *lost* in its description."""
    if not lost:
        return dict(field)
    form = json.dumps(lost, ensure_ascii=False)
    described = " ".join(filter(None, [str(field.get("description", "")), f"JSON schema: {form}"]))
    return {**field, "description": described}
