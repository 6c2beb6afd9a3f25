"""Schemas: the user's types → what a model is shown, and a model's values → checked JSON data.

A schema may be a pydantic model, a dataclass, a TypedDict, a JSON schema (bare, or in
OpenAI's function form) or plain `str`, which stands for `Memory`. Values are checked in JSON
mode, by field name or alias, and kept by field name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from langchain_core.utils.json_schema import dereference_refs
from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json, to_jsonable_python
from typing_extensions import is_typeddict

from longterm.errors import ConfigurationError
from longterm.extract.strict import without_gaps
from longterm.extract.typeddict import modern
from longterm.memory.draft import ProposalError
from longterm.memory.model import Memory

__all__ = ["MemorySchema", "Schema", "memory_schemas", "plain", "problems_in"]

#: What users may pass as a schema.
Schema = type[Any] | Mapping[str, Any]

_TOOL_NAME = re.compile(r"[^a-zA-Z0-9_-]")
_MAX_PROBLEMS = 5


@dataclass(frozen=True)
class MemorySchema:
    """A schema by its name, ready to be shown to a model and to check what comes back."""

    #: Name under which memories of this kind are stored.
    name: str
    description: str
    #: JSON schema of a whole memory, references resolved, without titles.
    parameters: dict[str, Any]
    _load: Callable[[Any], Any]
    _dump: Callable[[Any], Any]

    @cached_property
    def tool_name(self) -> str:
        """Name in the alphabet that providers allow for tools."""
        return _TOOL_NAME.sub("_", self.name)[:57]

    @cached_property
    def changes(self) -> dict[str, Any]:
        """JSON schema of an edit: every field may be there, none must."""
        return _partial(self.parameters)

    def check(self, content: Any) -> Any:
        """Return *content* as checked JSON data; raises `ProposalError` telling what is wrong."""
        return self.dump(self.value(content))

    def value(self, content: Any) -> Any:
        """Return the user's own object for *content*; raises `ProposalError` like `check`.

        Null in a field that takes none and need not be there is read as "left out".
        """
        try:
            return self._load(content)
        except ProposalError:
            return self._load(without_gaps(content, self.parameters))

    def dump(self, value: Any) -> Any:
        """Return *value*, which `value` made, as JSON data."""
        return self._dump(value)

    def load(self, content: Any, otherwise: Any) -> Any:
        """Return the user's own object for *content*, or *otherwise* if it does not check."""
        try:
            return self._load(content)
        except ProposalError:
            return otherwise


def memory_schemas(schemas: Sequence[Schema] | Schema) -> tuple[MemorySchema, ...]:
    """Prepare *schemas*, or a single one; raises `ConfigurationError` for what cannot be one."""
    several = schemas if isinstance(schemas, list | tuple) else [schemas]
    kinds = tuple(_kind(schema) for schema in cast("Sequence[Any]", several))
    names = [kind.tool_name.lower() for kind in kinds]  # models mix up upper and lower case
    if repeated := {name for name in names if names.count(name) > 1}:
        raise ConfigurationError(
            f"Several schemas are called {sorted(repeated)}. Memories are stored under the name "
            "of their schema, so each needs its own."
        )
    return kinds


def plain(value: Any) -> Any:
    """Return *value*, an instance of any schema, as JSON data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return to_jsonable_python(value)


def _kind(schema: Any) -> MemorySchema:
    if schema is str:
        return _kind(Memory)
    if isinstance(schema, Mapping):
        return _json_kind(cast("Mapping[str, Any]", schema))
    if isinstance(schema, type):
        return _typed_kind(cast("type[Any]", schema))
    raise ConfigurationError(
        f"{schema!r} is not a schema. Pass a pydantic model, a TypedDict, a dataclass or a "
        "JSON schema."
    )


def _typed_kind(schema: type[Any]) -> MemorySchema:
    try:
        adapter = TypeAdapter[Any](modern(schema))
        # Field names, not aliases: the model is shown memories as they are stored.
        parameters = adapter.json_schema(by_alias=False)
    except RecursionError as error:
        raise ConfigurationError(
            f"{schema!r} contains itself: on Python 3.11, take TypedDict from typing_extensions."
        ) from error
    except (PydanticUserError, NameError) as error:
        raise ConfigurationError(f"{schema!r} cannot be used as a schema: {error}") from error
    return MemorySchema(
        schema.__name__,
        _description(schema, parameters),
        _object_schema(schema.__name__, parameters),
        lambda content: _validated(adapter, content),
        lambda value: adapter.serializer.to_python(value, mode="json", by_alias=False),
    )


def _description(schema: Any, parameters: Mapping[str, Any]) -> str:
    """Return what the author wrote of *schema*; dict and dataclass write texts of their own."""
    own = schema.__doc__ if is_typeddict(schema) else parameters.get("description")
    return " ".join(str(own or f"A memory of kind {schema.__name__}.").split())


def _validated(adapter: TypeAdapter[Any], content: Any) -> Any:
    try:
        return adapter.validator.validate_json(
            to_json(content, inf_nan_mode="constants"), by_alias=True, by_name=True
        )
    except ValidationError as error:
        raise ProposalError(problems_in(error)) from error
    except PydanticSerializationError as error:
        raise ProposalError(f"The value is not JSON data: {error}") from error


def problems_in(error: ValidationError) -> str:
    """Return what is wrong, field by field, in a few words."""
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
        for problem in error.errors(include_url=False)[:_MAX_PROBLEMS]
    ]
    return "; ".join(problems)


def _json_kind(schema: Mapping[str, Any]) -> MemorySchema:
    parameters, name, description = _json_parts(schema)
    if not name:
        raise ConfigurationError(
            'A JSON schema needs a "title" (or "name"): memories are stored under it.'
        )
    if "properties" in parameters:
        parameters.setdefault("type", "object")
    return MemorySchema(
        name,
        description or f"A memory of kind {name}.",
        _object_schema(name, parameters),
        _json_checker(name, parameters),
        lambda value: value,
    )


def _json_parts(schema: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    match schema:
        case {"function": function}:
            return _json_parts(function)
        case {"name": str(name), "parameters": parameters}:
            return dict(parameters), name, str(schema.get("description", ""))
        case _:
            return dict(schema), str(schema.get("title", "")), str(schema.get("description", ""))


def _json_checker(name: str, schema: dict[str, Any]) -> Callable[[Any], Any]:
    from jsonschema import (  # noqa: PLC0415 - slow to load, rarely needed
        Draft202012Validator,
        SchemaError,
    )

    validator: Any = Draft202012Validator(schema)  # its types do not know what JSON is
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        raise ConfigurationError(f"JSON schema {name} is not valid: {error.message}.") from error

    def check(content: Any) -> Any:
        errors = list(validator.iter_errors(content))
        if errors:
            problems = [f"{error.json_path}: {error.message}" for error in errors[:_MAX_PROBLEMS]]
            raise ProposalError("; ".join(problems))
        return content

    return check


def _object_schema(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    try:
        inlined = dereference_refs(schema)
    except (KeyError, RecursionError) as error:
        raise ConfigurationError(f"Schema {name} refers to what is not there: {error}.") from error
    if inlined.get("type") != "object":
        raise ConfigurationError(
            f"Schema {name} must be an object with named fields, not {inlined.get('type')!r}."
        )
    inlined.pop("description", None)  # shown as the tool's own
    return cast("dict[str, Any]", _without_titles(inlined))


def _without_titles(node: Any) -> Any:
    """Drop what only costs tokens: titles that pydantic makes up, and resolved definitions."""
    match node:
        case {"properties": properties, **rest}:
            fields = cast("Mapping[str, Any]", properties)
            kept = {name: _without_titles(field) for name, field in fields.items()}
            return {**_without_titles(rest), "properties": kept}
        case Mapping():
            items = cast("Mapping[str, Any]", node).items()
            return {k: _without_titles(v) for k, v in items if k not in ("title", "$defs")}
        case list():
            return [_without_titles(item) for item in cast("list[Any]", node)]
        case _:
            return node


def _partial(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Make every field optional, in nested objects too, and take the defaults away."""
    kept = {k: v for k, v in schema.items() if k not in ("required", "default", "description")}
    fields = cast("Mapping[str, Mapping[str, Any]]", schema.get("properties", {}))
    if fields:
        kept["properties"] = {name: _partial_field(field) for name, field in fields.items()}
    return kept


def _partial_field(field: Mapping[str, Any]) -> dict[str, Any]:
    if field.get("type") == "object":
        return {**_partial(field), **_only(field, "description")}
    return {key: value for key, value in field.items() if key != "default"}


def _only(field: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: field[key] for key in keys if key in field}
