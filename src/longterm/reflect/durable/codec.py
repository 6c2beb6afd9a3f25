"""Payloads and results as JSON text, so that another process, or another version, can read them.

Plain data comes back as it was, tuples included; LangChain messages come back as messages.
Anything else that has an obvious plain form (a model, a date, a UUID) takes that form for good.
What has none is refused by `encode` with the path to it, before anything is stored. Nothing is
ever unpickled, and no class is imported because stored text names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence, Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time
from enum import Enum
from typing import Any, cast
from uuid import UUID

from langchain_core.messages import BaseMessage, message_to_dict, messages_from_dict
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from longterm.errors import InvalidInputError

__all__ = ["decode", "encodable", "encode", "portable_config"]

#: A dict with this one key stands for something that JSON has no form for.
_MARK = "$longterm"


def encode(value: Any) -> str:
    """Return *value* as JSON text."""
    return json.dumps(_plain(value, "payload"), separators=(",", ":"))


def decode(text: str) -> Any:
    """Return what `encode` was given, in its plain form."""
    return _restore(json.loads(text))


def encodable(value: Any) -> bool:
    """Whether `encode` takes *value*."""
    try:
        _plain(value, "")
    except (InvalidInputError, RecursionError):
        return False
    return True


def portable_config(config: RunnableConfig) -> tuple[RunnableConfig, list[str]]:
    """Return what of *config* can be stored, and the names of what cannot.

    Callbacks belong to this process and are not even missed.
    """
    missing: list[str] = []

    def kept(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
        fit = {key: value for key, value in values.items() if encodable(value)}
        missing.extend(f"{part}.{key}" for key in values if key not in fit)
        return fit

    stored = RunnableConfig(
        tags=list(config.get("tags") or ()),
        metadata=kept("metadata", config.get("metadata") or {}),
        configurable=kept("configurable", config.get("configurable") or {}),
    )
    return stored, missing


def _plain(value: Any, path: str) -> Any:  # noqa: C901 - a table, one line for each kind
    match value:
        case Enum():
            return _plain(value.value, path)
        case None | bool() | int() | float() | str():
            return value
        case BaseMessage():
            return {_MARK: "message", "of": _plain(_plain_message(value, path), path)}
        case BaseModel():
            return _plain(_plain_model(value, path), path)
        case datetime() | date() | time():
            return value.isoformat()
        case UUID():
            return str(value)
        case Mapping():
            return _plain_mapping(cast("Mapping[Any, Any]", value), path)
        case tuple():
            return {_MARK: "tuple", "of": _plain_items(cast("tuple[Any, ...]", value), path)}
        case list() | AbstractSet():
            return _plain_items(list(cast("list[Any]", value)), path)
        case _ if is_dataclass(value) and not isinstance(value, type):
            return {
                f.name: _plain(getattr(value, f.name), f"{path}.{f.name}") for f in fields(value)
            }
        case _:
            raise _refusal(value, path)


def _refusal(value: object, path: str) -> InvalidInputError:
    return InvalidInputError(
        f"{path} is a {type(value).__name__}, which cannot be stored as JSON. "
        "A durable reflection takes plain data and messages only."
    )


def _plain_message(message: BaseMessage, path: str) -> dict[str, Any]:
    """Return the fields of *message*, if LangChain makes a message of them again."""
    plain = message_to_dict(message)
    if not type(message).__module__.startswith("langchain_core."):
        try:
            messages_from_dict([plain])
        except ValueError:  # a type of message that only its own program knows
            raise _refusal(message, path) from None
    return plain


def _plain_model(model: BaseModel, path: str) -> Any:
    try:
        return model.model_dump(mode="json")
    except PydanticSerializationError:
        raise _refusal(model, path) from None


def _plain_items(values: Sequence[Any], path: str) -> list[Any]:
    return [_plain(value, f"{path}[{index}]") for index, value in enumerate(values)]


def _plain_mapping(mapping: Mapping[Any, Any], path: str) -> dict[str, Any]:
    """Return a JSON object; as pairs where keys are no strings, or one could be our mark."""
    if all(isinstance(key, str) for key in mapping) and _MARK not in mapping:
        return {key: _plain(value, f"{path}.{key}") for key, value in mapping.items()}
    pairs = [[_plain(k, path), _plain(v, f"{path}.{k}")] for k, v in mapping.items()]
    return {_MARK: "dict", "of": pairs}


def _restore(value: Any) -> Any:
    match value:
        case dict():
            restored = {k: _restore(v) for k, v in cast("dict[str, Any]", value).items()}
            return _marked(restored[_MARK], restored["of"]) if _MARK in restored else restored
        case list():
            return [_restore(item) for item in cast("list[Any]", value)]
        case _:
            return value


def _marked(kind: str, content: Any) -> Any:
    match kind:
        case "message":
            return messages_from_dict([content])[0]
        case "tuple":
            return tuple(content)
        case _:
            return dict(content)
