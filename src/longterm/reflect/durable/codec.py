"""Payloads and results as JSON text, so that another process, or another version, can read them.

Plain data comes back as it was, tuples included; LangChain messages come back as messages.
Anything else that has an obvious plain form (a model, a date, a UUID) takes that form for good.
What has none is refused by `encode_payload` with the path to it, before anything is
stored. Nothing is
ever unpickled, and no class is imported because stored text names it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence, Set as AbstractSet
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

__all__ = ["decode_payload", "encode_payload", "portable_config"]

#: A dict with this one key stands for something that JSON has no form for.
_MARK = "$longterm"
#: How deep a payload may be nested: less than Python's JSON takes.
_DEEPEST = 200
#: What a name has in it that LangGraph takes for a secret (`_OMIT` in its `_internal/_config`).
_SECRET = ("key", "token", "secret", "password", "auth")
#: What else is one, to us.
_SECRET_TOO = ("cookie", "credential", "passwd", "bearer", "dsn", "header")


def encode_payload(value: Any) -> str:
    """Return *value* as JSON text; raises `InvalidInputError` for what has no plain form."""
    return json.dumps(_plain(value, ("payload",)), separators=(",", ":"))


def decode_payload(text: str) -> Any:
    """Return what `encode_payload` was given, in its plain form."""
    return _restore(json.loads(text))


def portable_config(
    config: RunnableConfig, *, needed: Collection[str] = (), secrets: Collection[str] = ()
) -> tuple[RunnableConfig, list[str]]:
    """Return what of *config* is stored, and the names of what is not.

    Left out is what has no plain form, what its name makes a secret, at any depth, and what
    *secrets* names; never what is *needed*, to fill a namespace. Callbacks belong to this
    process and are not even missed.
    """
    missing: list[str] = []

    def is_secret(name: str, value: object) -> bool:
        folded = name.casefold()
        if name in needed or (folded.endswith("tokens") and isinstance(value, int)):  # a limit
            return False
        parts = (*_SECRET, *_SECRET_TOO)
        return name in secrets or folded.startswith("x-") or any(part in folded for part in parts)

    def kept(part: str, values: Mapping[Any, Any]) -> dict[Any, Any]:
        fit: dict[Any, Any] = {}
        for name, value in values.items():
            path = f"{part}.{name}"
            if is_secret(str(name), value) or not _has_plain_form(value):
                missing.append(path)
            elif isinstance(value, Mapping):
                fit[name] = kept(path, cast("Mapping[Any, Any]", value))
            else:
                fit[name] = value
        return fit

    stored = RunnableConfig(
        tags=list(config.get("tags") or ()),
        metadata=kept("metadata", config.get("metadata") or {}),
        configurable=kept("configurable", config.get("configurable") or {}),
    )
    return stored, missing


#: The names on the way to a value, each with its dot or brackets.
_Path = tuple[str, ...]


def _has_plain_form(value: object) -> bool:
    try:
        _plain(value, ())
    except InvalidInputError:
        return False
    return True


def _plain(value: Any, path: _Path) -> Any:  # noqa: PLR0912 - a table, one line for each kind
    if len(path) > _DEEPEST:
        raise InvalidInputError(
            f"{''.join(path)[:80]}… is nested more than {_DEEPEST} levels deep, or holds itself. "
            "A durable reflection takes plain data and messages only."
        )
    match value:
        case Enum():
            return _plain(value.value, path)
        case None | bool() | int() | float() | str():
            return value
        case BaseMessage():
            return {_MARK: "message", "of": _plain(_plain_message(value, path), path)}
        case BaseModel():
            try:
                return _plain(value.model_dump(mode="json"), path)
            except PydanticSerializationError:
                raise _refusal(value, path) from None
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
                f.name: _plain(getattr(value, f.name), (*path, f".{f.name}")) for f in fields(value)
            }
        case _:
            raise _refusal(value, path)


def _refusal(value: object, path: _Path) -> InvalidInputError:
    return InvalidInputError(
        f"{''.join(path)} is a {type(value).__name__}, which cannot be stored as JSON. "
        "A durable reflection takes plain data and messages only."
    )


def _plain_message(message: BaseMessage, path: _Path) -> dict[str, Any]:
    """Return the fields of *message*, if LangChain makes a message of them again."""
    plain = message_to_dict(message)
    if not type(message).__module__.startswith("langchain_core."):
        try:
            messages_from_dict([plain])
        except ValueError:  # a type of message that only its own program knows
            raise _refusal(message, path) from None
    return plain


def _plain_items(values: Sequence[Any], path: _Path) -> list[Any]:
    return [_plain(value, (*path, f"[{index}]")) for index, value in enumerate(values)]


def _plain_mapping(mapping: Mapping[Any, Any], path: _Path) -> dict[str, Any]:
    """Return a JSON object; as pairs where keys are no strings, or one could be our mark."""
    if all(isinstance(key, str) for key in mapping) and _MARK not in mapping:
        return {key: _plain(value, (*path, f".{key}")) for key, value in mapping.items()}
    pairs = [[_plain(k, path), _plain(v, (*path, f".{k}"))] for k, v in mapping.items()]
    return {_MARK: "dict", "of": pairs}


def _restore(value: Any) -> Any:
    match value:
        case dict():
            restored = {k: _restore(v) for k, v in cast("dict[str, Any]", value).items()}
            match restored.get(_MARK):
                case None:
                    return restored
                case "message":
                    return messages_from_dict([restored["of"]])[0]
                case "tuple":
                    return tuple(restored["of"])
                case _:
                    return dict(restored["of"])
        case list():
            return [_restore(item) for item in cast("list[Any]", value)]
        case _:
            return value
