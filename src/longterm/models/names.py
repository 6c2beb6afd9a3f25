"""Chat models by name (``"openai:gpt-5"``), or ones you made, and tools as their clients take them.

Nothing here calls a model; provider packages are imported only when their name is used.

Most clients hand a tool's JSON schema on as it is. Google's own rewrites it (every nested field
becomes required, free keys and inner forms vanish), but takes a declaration in the form of
Google's API as it is. Cohere's takes no JSON schema, but its API takes the tool as it is. Ollama's
keeps a field's type, items, enum and description. What of a form has no other place goes into the
field's description. Anthropic's, asked for an answer of a schema, closes all objects in it, so that
nothing could stand in one whose keys are free.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pkgutil import resolve_name
from typing import Any, Literal, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import (
    Runnable,
    RunnableConfig,
    RunnableLambda,
    RunnableWithFallbacks,
)
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.configurable import DynamicRunnable

from longterm.errors import ConfigurationError, MissingExtraError

__all__ = [
    "ChatModel",
    "ProtocolName",
    "adapt",
    "as_model",
    "bind_tools",
    "chosen_late",
    "default_protocol",
    "garbles",
    "has_strict_mode",
    "holds_to",
    "innermost",
    "is_chosen_late",
    "says_its_end",
    "takes_plain_names_only",
]

#: A chat model, or one wrapped by ``.bind()``, ``.with_config()``, ``.with_retry()``, …
ChatModel = Runnable[Any, Any]

#: Ways to talk with a model: tool calls; JSON held to a schema by the provider, the same for small
#: models; JSON in words.
ProtocolName = Literal["tools", "json", "notes", "text"]

#: Providers we have an extra for; every other one is installed under its own package name.
_EXTRAS = ("openai", "anthropic")


def as_model(model: str | ChatModel) -> ChatModel:
    """Return *model* itself, or the one its name stands for.

    Raises `MissingExtraError` where a provider's package is not installed and
    `ConfigurationError` for an unknown name.
    """
    match model:
        case str() if model.strip():
            provider, colon, rest = map(str.strip, model.partition(":"))
            if provider.isidentifier() and rest:
                provider = provider.lower()
            if rest and (path := _COMPOSED.get(provider)):
                return resolve_name(path)(rest)
            return _hosted(f"{provider}{colon}{rest}", provider)
        case Runnable():
            return model
        case _:
            raise ConfigurationError(
                f"A model is a name such as 'openai:gpt-5' or a LangChain chat model, "
                f"not {model!r:.100}."
            )


#: Models that are made by the composition root, which knows the environment: arrows point down,
#: so it is named here by its path and not imported.
_COMPOSED = {"local": "longterm.settings:configured_chat_model"}


def _hosted(name: str, provider: str) -> ChatModel:
    """Have LangChain make the model; say what to do where it cannot."""
    extra = provider if provider in _EXTRAS else None
    try:
        from langchain.chat_models import init_chat_model
    except ImportError as error:
        other = "openai" if name.startswith("gpt") else "agents"
        raise MissingExtraError(f"Model {name!r}", extra or other) from error
    try:
        return init_chat_model(name)
    except ImportError as error:
        if extra:
            raise MissingExtraError(f"Model {name!r}", extra) from error
        raise ConfigurationError(f"Model {name!r} cannot be used: {error}") from error
    except Exception as error:  # clients raise what they like at construction
        if isinstance(error, ValueError) and "model_provider" in str(error):
            raise ConfigurationError(
                f"Model {name!r} is not known. Write it as 'provider:model', for example "
                "'openai:gpt-5', 'anthropic:claude-sonnet-5', 'ollama:qwen3' or "
                "'local:qwen2.5-coder-1.5b', or pass a LangChain chat model."
            ) from error
        raise ConfigurationError(f"Model {name!r} cannot be set up: {error}") from error


def innermost(model: ChatModel) -> ChatModel:
    """Return the chat model inside ``.bind()``, ``.with_retry()``, ``.with_fallbacks()``, …."""
    match model:
        case RunnableBindingBase():
            return innermost(model.bound)
        case RunnableWithFallbacks():
            return innermost(model.runnable)
        case DynamicRunnable():
            return innermost(model.default)
        case _:
            return model


def adapt(model: ChatModel, change: Callable[[ChatModel], ChatModel]) -> ChatModel:
    """Apply *change* to the chat model inside *model* and keep what is wrapped around it."""
    match model:
        case RunnableBindingBase():
            _refuse_tools(cast("dict[str, Any]", model.kwargs))
            inner = adapt(model.bound, change)
            return model.model_copy(update={"bound": inner})
        case RunnableWithFallbacks():
            others = [adapt(other, change) for other in model.fallbacks]
            inner = adapt(model.runnable, change)
            return model.model_copy(update={"runnable": inner, "fallbacks": others})
        case _ if is_chosen_late(model):
            return chosen_late(model, lambda chosen: adapt(chosen, change))
        case _:
            return change(model)


def is_chosen_late(model: ChatModel) -> bool:
    """Tell whether it depends on the config of a call which model is asked."""
    # What init_chat_model gives where fields are configurable has no public name.
    return isinstance(model, DynamicRunnable) or type(model).__name__ == "_ConfigurableModel"


def chosen_late(model: Any, change: Callable[[ChatModel], ChatModel]) -> ChatModel:
    """Return what asks the model that a call's config chooses, with *change* applied to it."""

    def choose(_: Any, config: RunnableConfig, **options: Any) -> ChatModel:
        if isinstance(model, DynamicRunnable):
            chosen = cast("ChatModel", model.prepare(config)[0])
        else:
            chosen = model._model(config)  # noqa: SLF001 - bind_tools would be called on it later
        changed = change(chosen)
        return changed.bind(**options) if options else changed

    return RunnableLambda(choose)


def _refuse_tools(options: dict[str, Any]) -> None:
    if "tools" in options:
        raise ConfigurationError(
            "The model has tools bound to it, which would hide ours. Pass it without bind_tools."
        )


def default_protocol(model: ChatModel) -> ProtocolName:
    """Return the best way to talk with *model*, by what it says it can do.

    Where one of its fallbacks cannot do that, it is words, which all of them take.
    """
    if isinstance(model, RunnableWithFallbacks):
        first, *others = map(default_protocol, (model.runnable, *model.fallbacks))
        fit = {"tools"} if first == "tools" else {"tools", "json", "notes"}
        return first if {*others} <= fit else "text"
    if isinstance(model, RunnableBindingBase):
        return default_protocol(model.bound)
    chat = innermost(model)
    profile = cast("dict[str, Any]", getattr(chat, "profile", None) or {})
    if profile.get("tool_calling") is False and profile.get("structured_output"):
        return "notes" if getattr(chat, "small", False) else "json"
    if profile.get("tool_calling") is False:
        return "text"
    if isinstance(chat, BaseChatModel) and type(chat).bind_tools is BaseChatModel.bind_tools:
        return "text"
    return "tools" if hasattr(chat, "bind_tools") else "text"


def has_strict_mode(model: ChatModel) -> bool:
    """Tell whether *model* is OpenAI's, which can be held to a schema of the strict form."""
    return getattr(innermost(model), "_llm_type", None) in ("openai-chat", "azure-openai-chat")


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
            case "cohere-chat":
                forced = {"tool_choice": "REQUIRED"} if "tool_choice" in options else {}
                return model.bind(tools=list(tools), **{**options, **forced})
            case _:
                return model.bind_tools(tools, **options)
    except NotImplementedError as error:
        raise _cannot_call_tools(model) from error


#: Clients whose every answer says why it ended; of Google's none does that has no candidate.
_SAY_THEIR_END = (
    "openai-chat", "azure-openai-chat", "anthropic-chat", "chat-google-generative-ai",
)  # fmt: skip


def says_its_end(model: ChatModel) -> bool:
    """Tell whether the client of *model* says of each whole answer why it ended."""
    return _kind_of(innermost(model)) in _SAY_THEIR_END


def takes_plain_names_only(model: ChatModel) -> bool:
    """Tell whether tools of *model* may have no field whose name is beyond ASCII, as of Claude."""
    if isinstance(model, RunnableWithFallbacks):
        return any(map(takes_plain_names_only, (model.runnable, *model.fallbacks)))
    if isinstance(model, RunnableBindingBase):
        return takes_plain_names_only(model.bound)
    chat = innermost(model)
    named = [getattr(chat, name, None) for name in ("_llm_type", "model", "model_name", "model_id")]
    return any(re.search("anthropic|claude", str(name), re.IGNORECASE) for name in named)


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
    # Google refuses an empty choice.
    if types == "string" and words and all(value and isinstance(value, str) for value in words):
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
