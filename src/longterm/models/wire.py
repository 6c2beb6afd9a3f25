"""What a client makes of our tools on the wire, and how to have it say what our schemas say.

Most clients hand a tool's JSON schema on as it is. Google's own rewrites it (every nested field
becomes required, free keys and inner forms vanish), but takes a declaration in the form of
Google's API as it is. Ollama's keeps a field's type, items, enum and description, so the rest of
a field's form goes into its description.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from longterm.errors import ConfigurationError
from longterm.models.names import ChatModel, innermost

__all__ = ["bind_tools", "garbles"]

#: What Google's API calls the same.
_GOOGLE_KEEPS = ("description", "minimum", "maximum", "pattern")
#: What Ollama's client drops from a tool's field although its form needs it.
_OLLAMA_LOSES = ("properties", "required", "anyOf", "additionalProperties", "const", "prefixItems")


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
    shown = [(field, _ollama_field(field)) for field in fields.values()]
    return any(one.get("description") != field.get("description") for field, one in shown)


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
    kept = {key: schema[key] for key in _GOOGLE_KEEPS if key in schema}
    types = schema.get("type", [])
    members = schema.get("anyOf") or [{"type": one} for one in types if isinstance(types, list)]
    options = [member for member in members if member.get("type") != "null"]
    if len(options) < len(members):
        kept["nullable"] = True
    if len(options) == 1:
        return {**_google_schema(options[0]), **kept}
    if options:
        return {**kept, "any_of": list(map(_google_schema, options))}
    values = schema.get("enum", [schema["const"]] if "const" in schema else [])
    if values and all(isinstance(value, str) for value in values):
        kept |= {"type": "STRING", "enum": values}
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
    members = cast("list[Mapping[str, Any]]", field.get("anyOf", []))
    if members and all([*member] == ["type"] for member in members):
        return {**field, "type": [member["type"] for member in members]}
    lost = {key: field[key] for key in _OLLAMA_LOSES if key in field}
    if not lost:
        return dict(field)
    form = json.dumps(lost, ensure_ascii=False)
    described = " ".join(filter(None, [str(field.get("description", "")), f"JSON schema: {form}"]))
    return {**field, "description": described}
