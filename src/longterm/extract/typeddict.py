"""`typing.TypedDict` before Python 3.12, which pydantic refuses, rebuilt in a form it takes.

From Python 3.12 on every type comes back as it is. This file goes when 3.11 does.
"""

from __future__ import annotations

import sys
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import typing_extensions

__all__ = ["modern"]


def modern(hint: Any) -> Any:
    """Return *hint* with every TypedDict in it in a form that pydantic takes."""
    if sys.version_info >= (3, 12):
        return hint
    if typing_extensions.is_typeddict(hint):
        return _rebuilt(hint) if type(hint).__module__ == "typing" else hint
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (None, Literal):
        return hint
    if origin is Annotated:
        return Annotated[(modern(arguments[0]), *arguments[1:])]
    maker: Any = Union if origin is UnionType else origin
    inner = [modern(argument) for argument in arguments]
    return maker[tuple(inner)] if len(inner) > 1 else maker[inner[0]]


def _rebuilt(typed_dict: Any) -> Any:
    hints = get_type_hints(typed_dict, include_extras=True)
    required = typed_dict.__required_keys__
    fields = {
        name: _typed_field(hint) if name in required else NotRequired[_typed_field(hint)]
        for name, hint in hints.items()
    }
    make: Any = typing_extensions.TypedDict  # a call with a computed name is beyond its types
    return make(typed_dict.__name__, fields)


def _typed_field(hint: Any) -> Any:
    marked = get_origin(hint) in (Required, NotRequired)
    return modern(*get_args(hint)) if marked else modern(hint)
