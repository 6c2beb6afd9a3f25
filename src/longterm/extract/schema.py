"""Schemas: the user's types → what a model is shown, and a model's values → checked JSON data.

A schema may be a pydantic model, a dataclass, a TypedDict, a JSON schema (bare, or in the form of
OpenAI's, Anthropic's or MCP's tools) or plain `str`, which stands for `Memory`. Values are checked
in JSON mode, by field name or alias, and kept by field name. What is written reads back: a schema
for which that cannot be is refused when it is made ready.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, partial as bound
from hashlib import blake2b
from typing import Any, cast, get_args

from pydantic import BaseModel, PydanticUserError, TypeAdapter, ValidationError
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import PydanticSerializationError, core_schema, to_json, to_jsonable_python
from typing_extensions import is_typeddict, override

from longterm.errors import ConfigurationError
from longterm.extract.json_schema import (
    NAMES,
    inlined,
    members,
    one_form,
    partial,
    properties_of,
    types_of,
    unmarked,
)
from longterm.extract.json_values import decoded, known_part, ordered, unknown_fields, without_gaps
from longterm.extract.reading import unwrapped
from longterm.extract.typeddict import modern
from longterm.memory.model import Memory, ProposalError
from longterm.memory.world_time import WORLD_TIME, WorldTime, world_time

__all__ = [
    "MemorySchema",
    "Schema",
    "memory_schemas",
    "plain",
    "problems_in",
    "several",
    "world_times",
]

#: What users may pass as a schema.
Schema = type[Any] | Mapping[str, Any]

_MAX_PROBLEMS = 5
#: What is neither a text nor holds one.
_WORDLESS = (int, float, bool, type(None))
#: What models wrap arguments in; any other name may be a field where unknown ones are kept.
_WRAPPERS = ("arguments", "parameters", "args", "input", "kwargs", "properties", "changes")
#: Providers take 64 characters; "update_" stands in front of a name.
_TOOL_NAME_LENGTH = 57


@dataclass(frozen=True)
class MemorySchema:
    """A schema by its name, ready to be shown to a model and to check what comes back."""

    #: Name under which memories of this kind are stored.
    name: str
    description: str
    #: JSON schema of a whole memory, references resolved, without titles.
    parameters: dict[str, Any]
    #: The same schema with marks for what a field is called elsewhere, and for computed fields.
    _form: dict[str, Any]
    _load: Callable[[Any], Any]
    _dump: Callable[[Any], Any]
    #: Fields that the schema does not name are kept.
    open: bool = False
    #: The fields that say from when and to when a memory of this kind holds in the world.
    world_time: WorldTime = WORLD_TIME

    @cached_property
    def tool_name(self) -> str:
        """Name in the alphabet that providers allow for tools, each its own."""
        name = re.sub(r"[^a-zA-Z0-9_-]", "_", self.name)
        if not re.match(r"[a-zA-Z_]", name):
            name = f"_{name}"
        if self.name.isascii() and len(name) <= _TOOL_NAME_LENGTH:
            return name
        mark = blake2b(self.name.encode("utf-8", "replace"), digest_size=4).hexdigest()
        word = name.strip("_")[: _TOOL_NAME_LENGTH - len(mark) - 1]
        return f"{word or 'Memory'}_{mark}"

    @cached_property
    def changes(self) -> dict[str, Any]:
        """JSON schema of an edit: every field may be there, none must."""
        return partial({k: v for k, v in self.parameters.items() if k != "description"})

    def check(self, content: Any) -> Any:
        """Return *content* as checked JSON data that reads back.

        Raises `ProposalError` with what is wrong.
        """
        form, value = self._read(content)
        data = self.dump(value)
        written = repr(data)
        # Databases and readers of JSON take no other numbers.
        if ("inf" in written or "nan" in written) and not _is_finite(data):
            raise ProposalError("A number is infinite, or none. Give one that is, or leave it out.")
        if data == form and written == repr(form):  # just this has been read
            return data
        try:
            again = self.dump(self._load(data))
        except ProposalError as error:
            raise ProposalError(
                f"A {self.name} does not read back as it is written, so it is not kept: {error}",
                plain=f"A {self.name} does not read back as it is written: {error.plain}",
            ) from error
        if not self.same(again, data):
            raise ProposalError(f"A {self.name} reads back as another than was written.")
        return data

    def value(self, content: Any) -> Any:
        """Return the user's own object for *content*; raises `ProposalError` like `check`.

        What does not check as it is, or holds unknown fields, is read in the form that was meant
        (`normalized`), null in a field that takes none and need not be there as "left out", and
        what is left out as null where it must be there and may be null.
        """
        return self._read(content)[1]

    def _read(self, content: Any) -> tuple[Any, Any]:
        """Return the form of *content* that checks, and the user's own object for it."""
        known = self.open or self._is_plain(content)
        strange = not known and any(unknown_fields(content, self.parameters))
        form = self.normalized(content) if strange else content
        try:
            return form, self._load(form)
        except ProposalError:
            form = without_gaps(self.normalized(content), self.parameters)
            return form, self._load(form)

    def _is_plain(self, content: Any) -> bool:
        """Whether *content* holds texts and numbers in fields of ours, and none is meant for more.

        A text that stands in a field of texts is no object in JSON.
        """
        return type(content) is dict and all(
            type(one) in _WORDLESS and name in self._fields
            if type(one) is not str
            else name in self._text_fields
            for name, one in cast("dict[Any, Any]", content).items()
        )

    @cached_property
    def _fields(self) -> frozenset[str]:
        return frozenset(properties_of(self.parameters))

    @cached_property
    def _text_fields(self) -> frozenset[str]:
        fields = properties_of(self.parameters).items()
        return frozenset(
            name for name, form in fields if not (types := types_of(form)) or "string" in types
        )

    def normalized(self, content: Any) -> Any:
        """Return *content* by field names, and with JSON text decoded where no text belongs."""
        return decoded(content, self._form)

    def unwrapped(self, content: Any) -> Any:
        """Return *content*, or what stands inside where a model wrapped it once more."""
        if not isinstance(content, Mapping):
            return content
        fields = properties_of(self.parameters)
        others = self.open or self.parameters.get("additionalProperties")
        given = cast("Mapping[str, Any]", content)
        return unwrapped(given, fields, (*_WRAPPERS, self.name) if others else None)

    def unknown_fields(self, content: Any) -> list[str]:
        """Return the paths of fields in *content* that the schema would drop in silence."""
        if self.open or self._is_plain(content):
            return []
        return list(unknown_fields(self.normalized(content), self.parameters))

    def known_part(self, content: Any) -> Any:
        """Return *content*, kept by an older form of the schema, without what this one lacks."""
        given = self.normalized(content)
        return given if self.open else known_part(given, self.parameters)

    def same(self, one: Any, other: Any) -> bool:
        """Whether two contents say the same: sets have no order."""
        return one == other or (
            self._has_sets and ordered(one, self.parameters) == ordered(other, self.parameters)
        )

    @cached_property
    def _has_sets(self) -> bool:
        return '"uniqueItems"' in json.dumps(self.parameters, default=str)

    def dump(self, value: Any) -> Any:
        """Return *value*, which `value` made, as JSON data, sets in one order.

        Raises `ProposalError`.
        """
        try:
            data = self._dump(value)
        except PydanticSerializationError as error:
            raise _no_json(error) from error
        return ordered(data, self.parameters) if self._has_sets else data

    def load(self, content: Any, otherwise: Any) -> Any:
        """Return the user's own object for *content*, or *otherwise* if it does not check."""
        try:
            return self._load(content)
        except ProposalError:
            pass
        try:
            return self._load(self.known_part(content))
        except ProposalError:
            return otherwise


def several(schemas: Any) -> tuple[Schema, ...]:
    """Return *schemas* as they are, and a single one, or what is none, as the only one of them."""
    if isinstance(schemas, type | Mapping | str) or not isinstance(schemas, Iterable):
        return (cast("Schema", schemas),)
    return tuple(cast("Iterable[Schema]", schemas))


def memory_schemas(schemas: Iterable[Schema] | Schema) -> tuple[MemorySchema, ...]:
    """Prepare *schemas*, or a single one; raises `ConfigurationError` for what cannot be one."""
    kinds = tuple(map(_prepared, several(schemas)))
    names = [kind.tool_name.lower() for kind in kinds]  # models mix up upper and lower case
    if repeated := {kind.name.lower() for kind in kinds if names.count(kind.tool_name.lower()) > 1}:
        raise ConfigurationError(
            f"Several schemas are called {sorted(repeated)}. Memories are stored under the name "
            "of their schema, so each needs its own."
        )
    return kinds


def _is_finite(data: Any) -> bool:
    try:
        json.dumps(data, allow_nan=False)
    except ValueError:
        return False
    return True


def world_times(schemas: Iterable[MemorySchema]) -> dict[str, WorldTime]:
    """Return by kind which fields say when a memory holds in the world."""
    return {schema.name: schema.world_time for schema in schemas}


def plain(value: Any) -> Any:
    """Return *value*, an instance of any schema, as JSON data that reads back."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", round_trip=True)
    return to_jsonable_python(value)


def problems_in(error: ValidationError) -> str:
    """Return what is wrong, field by field, in a few words."""
    problems = [
        f"{'.'.join(map(str, problem['loc'])) or 'value'}: {problem['msg']}"
        for problem in error.errors(include_url=False)[:_MAX_PROBLEMS]
    ]
    return "; ".join(problems)


def _plain_problems(error: ValidationError) -> str:
    """Say what is wrong without a word of the value: no names of keys, no words of a validator."""
    known = get_args(core_schema.ErrorType)
    said = (
        problem["msg"]
        if problem["type"] in known and not {"error", "tag"} & problem.get("ctx", {}).keys()
        else "A value does not pass a check of its schema"
        for problem in error.errors(include_url=False, include_input=False)
    )
    return "; ".join(list(dict.fromkeys(said))[:_MAX_PROBLEMS])


def _no_json(error: PydanticSerializationError) -> ProposalError:
    plain = "The value is not JSON data"
    return ProposalError(f"{plain}: {error}", plain=f"{plain}.")


def _prepared(schema: Any) -> MemorySchema:
    match schema:
        case type():
            return _of_type(Memory if schema is str else cast("type[Any]", schema))
        case Mapping():
            return _of_json(cast("Mapping[str, Any]", schema))
        case _:
            raise ConfigurationError(
                f"{schema!r} is not a schema. Pass a pydantic model, a TypedDict, a dataclass or "
                "a JSON schema."
            )


def _of_type(schema: type[Any]) -> MemorySchema:
    try:
        adapter = TypeAdapter[Any](modern(schema))
        # Field names, not aliases: the model is shown memories as they are stored.
        raw = adapter.json_schema(by_alias=False, schema_generator=_MarkingNames)
    except RecursionError as error:
        raise ConfigurationError(
            f"{schema!r} contains itself: on Python 3.11, take TypedDict from typing_extensions."
        ) from error
    except (PydanticUserError, NameError) as error:
        raise ConfigurationError(f"{schema!r} cannot be used as a schema: {error}") from error
    name = schema.__name__
    # What the author wrote; dict and dataclass write texts of their own.
    described = schema.__doc__ if is_typeddict(schema) else _resolved(name, raw).get("description")
    form = _object_schema(name, raw)
    try:
        written = inlined(adapter.json_schema(mode="serialization", by_alias=False))
    except (PydanticUserError, KeyError, RecursionError):
        written = form  # a serializer without a form; each value is read back when written
    # Fields that are never written and need not be are taken out of the form, too: what a model
    # put there would be lost.
    if faults := list(_unreadable(form, written, "")):
        raise ConfigurationError(f"Schema {name} does not read back what it writes: {faults[0]}.")
    parameters = unmarked(form)

    def load(content: Any) -> Any:
        try:
            data = to_json(content, inf_nan_mode="constants")
            return adapter.validator.validate_json(data, by_alias=True, by_name=True)
        except ValidationError as error:
            raise ProposalError(problems_in(error), plain=_plain_problems(error)) from error
        except PydanticSerializationError as error:
            raise _no_json(error) from error

    return MemorySchema(
        name,
        " ".join(str(described or f"A memory of kind {name}.").split()),
        parameters,
        form,
        load,
        bound(adapter.serializer.to_python, mode="json", by_alias=False, round_trip=True),
        world_time=world_time(raw),
    )


class _MarkingNames(GenerateJsonSchema):
    """Marks each object with the other names of its fields, and what is computed with None."""

    @override
    def model_fields_schema(self, schema: Any) -> JsonSchemaValue:
        fields = cast("Mapping[str, Any]", schema["fields"]).items()
        return _with_names(super().model_fields_schema(schema), fields, schema)

    @override
    def typed_dict_schema(self, schema: Any) -> JsonSchemaValue:
        fields = cast("Mapping[str, Any]", schema["fields"]).items()
        return _with_names(super().typed_dict_schema(schema), fields, schema)

    @override
    def dataclass_args_schema(self, schema: Any) -> JsonSchemaValue:
        fields = [(one["name"], one) for one in cast("Sequence[Any]", schema["fields"])]
        return _with_names(super().dataclass_args_schema(schema), fields, schema)


def _with_names(
    form: JsonSchemaValue, fields: Iterable[tuple[str, Any]], schema: Mapping[str, Any]
) -> JsonSchemaValue:
    computed: dict[str, str | None] = {
        one["property_name"]: None for one in schema.get("computed_fields", ())
    }
    aliases: dict[str, str | None] = {}
    for name, field in fields:
        match field.get("validation_alias"):
            case str(alias):
                aliases[alias] = name
            case [*paths]:
                aliases |= {path[0]: name for path in paths if len(path) == 1}
            case _:
                pass
    return {**form, NAMES: computed | aliases} if computed or aliases else form


def _resolved(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return inlined(schema)
    except (KeyError, TypeError, RecursionError) as error:
        raise ConfigurationError(f"Schema {name} refers to what is not there: {error}.") from error


def _object_schema(name: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    shown = one_form(_resolved(name, schema))
    if shown.get("type") != "object":
        raise ConfigurationError(
            f"Schema {name} must be an object with named fields, not {shown.get('type')!r}."
        )
    shown.pop("description", None)  # shown as the tool's own
    return shown


def _unreadable(read: dict[str, Any], written: Mapping[str, Any], path: str) -> Iterator[str]:
    if read.get("writeOnly"):
        yield f"{path[:-1]} is a secret, of which only asterisks would be kept"
    types = _types_read(read), types_of(written)
    if path and all(types) and not (types[0] & types[1]) and types != ({"integer"}, {"number"}):
        yield f"{path[:-1]} is written as {sorted(types[1])} and read as {sorted(types[0])}"
    fields, kept = properties_of(read), properties_of(written)
    for name in list(fields) if "properties" in written else ():
        if name in kept:
            yield from _unreadable(cast("Any", fields[name]), kept[name], f"{path}{name}.")
        elif name in read.get("required", ()):
            yield f"{path}{name} is required and excluded from what is written"
        else:
            cast("dict[str, Any]", fields).pop(name)
    for key in ("items", "additionalProperties"):
        inner = cast("Any", (read.get(key), written.get(key)))
        if all(isinstance(one, Mapping) for one in inner):
            yield from _unreadable(inner[0], inner[1], path)
    for one, other in zip(
        read.get("prefixItems", ()), written.get("prefixItems", ()), strict=False
    ):
        yield from _unreadable(one, other, path)
    if "anyOf" in read and len(members(read)) == len(members(written)):
        for one, other in zip(members(read), members(written), strict=True):
            yield from _unreadable(cast("Any", one), other, path)


def _types_read(form: Mapping[str, Any]) -> set[str]:
    """Return the JSON types that are read where pydantic describes *form*, which names but one."""
    match form:
        case {"contentMediaType": _}:  # a text of JSON is written as one for a round trip
            return set()
        case {"type": "string", "format": "date-time" | "date" | "time" | "duration"}:
            return {"string", "integer", "number"}
        case _:
            return types_of(form)


def _of_json(schema: Mapping[str, Any]) -> MemorySchema:
    parameters, name, description = _json_parts(schema)
    if not name:
        raise ConfigurationError(
            'A JSON schema needs a "title" (or "name"): memories are stored under it.'
        )
    if "properties" in parameters:
        parameters.setdefault("type", "object")
    shown = _object_schema(name, parameters)
    return MemorySchema(
        name,
        description or f"A memory of kind {name}.",
        shown,
        shown,
        _json_checker(name, parameters),
        deepcopy,
        open=True,
        world_time=world_time(parameters),
    )


def _json_parts(schema: Mapping[str, Any]) -> tuple[dict[str, Any], str, str]:
    match schema:
        case {"function": inner} | {"json_schema": inner} if "properties" not in schema:
            return _json_parts(inner)
        case (
            {"name": str(name), "parameters": {**parameters}}  # OpenAI's tools
            | {"name": str(name), "schema": {**parameters}}  # OpenAI's response formats
            | {"name": str(name), "input_schema": {**parameters}}  # Anthropic
            | {"name": str(name), "inputSchema": {**parameters}}  # MCP
        ):
            return dict(parameters), name, str(schema.get("description", ""))
        case _:
            return dict(schema), str(schema.get("title", "")), str(schema.get("description", ""))


def _json_checker(name: str, schema: dict[str, Any]) -> Callable[[Any], Any]:
    from jsonschema import Draft202012Validator, SchemaError
    from jsonschema.validators import validator_for

    # Its types do not know what JSON is.
    validator: Any = validator_for(cast("Any", schema), default=Draft202012Validator)(schema)
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        raise ConfigurationError(f"JSON schema {name} is not valid: {error.message}.") from error

    def check(content: Any) -> Any:
        errors = list(validator.iter_errors(content))
        if errors:
            problems = [f"{error.json_path}: {error.message}" for error in errors[:_MAX_PROBLEMS]]
            raise ProposalError("; ".join(problems), plain="The value does not fit its schema.")
        return content

    return check
