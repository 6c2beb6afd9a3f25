"""Chat models by name: ``"openai:gpt-5"``, ``"local:qwen2.5-coder-1.5b"``, or one you made.

Nothing here calls a model; provider packages are imported only when their name is used.
"""

from __future__ import annotations

from typing import Any

from langchain_core.runnables import Runnable

from longterm.errors import ConfigurationError, MissingExtraError

__all__ = ["ChatModel", "as_model"]

#: A chat model, or one wrapped by ``.bind()``, ``.with_config()``, ``.with_retry()``, …
ChatModel = Runnable[Any, Any]

#: Providers we have an extra for; every other one is installed under its own package name.
_EXTRAS = ("openai", "anthropic")


def as_model(model: str | ChatModel) -> ChatModel:
    """Return *model* itself, or the one its name stands for.

    Raises `MissingExtraError` where a provider's package is not installed and
    `ConfigurationError` for a name nobody knows.
    """
    match model:
        case str():
            return _by_name(model)
        case Runnable():
            return model
        case _:
            raise ConfigurationError(
                f"A model is a name such as 'openai:gpt-5' or a LangChain chat model, "
                f"not {type(model).__name__}."
            )


def _by_name(name: str) -> ChatModel:
    provider, _, rest = name.partition(":")
    if provider == "local" and rest:
        return _local(rest)
    return _hosted(name, provider)


def _local(name: str) -> ChatModel:
    from longterm.local import local_chat_model  # noqa: PLC0415 - an extra

    return local_chat_model(name)


def _hosted(name: str, provider: str) -> ChatModel:
    try:
        from langchain.chat_models import init_chat_model  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError(f"Model {name!r}", _extra(provider)) from error
    try:
        return init_chat_model(name)
    except ImportError as error:
        raise _missing(name, provider, error) from error
    except ValueError as error:
        raise ConfigurationError(
            f"Model {name!r} is not known: {error} Write it as 'provider:model', for example "
            "'openai:gpt-5', 'anthropic:claude-sonnet-5', 'ollama:qwen3' or "
            "'local:qwen2.5-coder-1.5b', or pass a LangChain chat model."
        ) from error


def _extra(provider: str) -> str:
    return provider if provider in _EXTRAS else "openai"


def _missing(name: str, provider: str, error: ImportError) -> ConfigurationError:
    if provider in _EXTRAS:
        return MissingExtraError(f"Model {name!r}", provider)
    return ConfigurationError(f"Model {name!r} cannot be used: {error}")
