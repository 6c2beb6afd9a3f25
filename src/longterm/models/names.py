"""Chat models by name: ``"openai:gpt-5"``, ``"local:qwen2.5-coder-1.5b"``, or one you made.

Nothing here calls a model; provider packages are imported only when their name is used.
"""

from __future__ import annotations

from collections.abc import Callable
from pkgutil import resolve_name
from typing import Any, Literal, cast

from langchain_core.language_models import BaseChatModel
from langchain_core.runnables import Runnable, RunnableWithFallbacks
from langchain_core.runnables.base import RunnableBindingBase

from longterm.errors import ConfigurationError, MissingExtraError

__all__ = [
    "ChatModel",
    "ProtocolName",
    "adapt",
    "as_model",
    "default_protocol",
    "has_strict_mode",
    "innermost",
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
            provider, _, rest = model.partition(":")
            if rest and (path := _COMPOSED.get(provider)):
                return resolve_name(path)(rest)
            return _hosted(model, provider)
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
        case _:
            return change(model)


def _refuse_tools(options: dict[str, Any]) -> None:
    if "tools" in options:
        raise ConfigurationError(
            "The model has tools bound to it, which would hide ours. Pass it without bind_tools."
        )


def default_protocol(model: ChatModel) -> ProtocolName:
    """Return the best way to talk with *model*, by what it says it can do."""
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
