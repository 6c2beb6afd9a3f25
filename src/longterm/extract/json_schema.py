"""JSON schemas, read: what a schema says of values, and forms of it for models. Pure.

Schemas here have their references resolved (`inlined`). A schema that says nothing of a place
takes anything there. `json_values` brings values to the form that a schema gives them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, cast

__all__ = [
    "NAMES",
    "Schema",
    "inlined",
    "members",
    "nullable",
    "one_form",
    "partial",
    "properties_of",
    "type_of",
    "types_of",
    "unmarked",
    "with_plain_names",
]

Schema = Mapping[str, Any]

#: How often a schema that contains itself is shown within itself, and how large it may grow so.
_NESTED = 2
_MOST_NODES = 2_000
#: Keywords that hold values, not schemas.
_VALUES = ("enum", "const", "default", "required", "examples", "x-names")
#: Our own mark of an object: other names of its fields, and None for what is computed from others.
NAMES = "x-names"
#: What only costs tokens: titles that pydantic makes up, what is resolved, and our own marks. (So
#: does a default of null: the field is not required, and takes it.)
_DROPPED = ("title", "$defs", "definitions", "discriminator", "x-valid")

_PLAIN_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,64}")
_PLAIN_LENGTH = 50

#: Keywords that the tools of some providers may not have at the top of their arguments.
_REFUSED_AT_TOP = ("anyOf", "oneOf", "not", "enum")


def inlined(schema: Schema) -> dict[str, Any]:
    """Return *schema* with its references resolved, without titles.

    Where it contains itself, the inner form is shown once more and then named. Raises `KeyError`
    for a reference to nothing.
    """
    left = _MOST_NODES

    def walk(node: Any, path: tuple[str, ...]) -> Any:
        nonlocal left
        left -= 1
        match node:
            case {"$ref": str(reference), **beside}:
                target = cast("dict[str, Any]", _referred(schema, reference))
                if path.count(reference) >= (_NESTED if left > 0 else 1):
                    again = f"Another {reference.rsplit('/', 1)[-1]}, of the same form."
                    kind = {"type": target["type"]} if "type" in target else {}
                    return {**kind, "description": again}
                return walk({**target, **beside}, (*path, reference))
            case {"properties": Mapping(), **rest}:
                fields = properties_of(cast("Schema", node))
                shown = {name: walk(_as_object(field), path) for name, field in fields.items()}
                return {**walk(rest, path), "properties": shown}
            case {"allOf": [*parts], **rest} if all(isinstance(part, Mapping) for part in parts):
                shown = [walk(part, path) for part in parts]
                return _combined([*shown, walk(rest, path)])
            case {"oneOf": options, **rest} if "anyOf" not in rest:
                shown = walk({**rest, "anyOf": options}, path)
                match rest.get("discriminator"):
                    case {"propertyName": str(mark)}:
                        return {**shown, "anyOf": [_marked(one, mark) for one in shown["anyOf"]]}
                    case _:
                        return shown
            case Mapping():
                items = cast("Mapping[str, Any]", node).items()
                shown = {
                    key: value if key in _VALUES else walk(value, path)
                    for key, value in items
                    if key not in _DROPPED and (key, value) != ("default", None)
                }
                return _with_items(shown)
            case list():
                return [walk(_as_object(item), path) for item in cast("list[Any]", node)]
            case _:
                return node

    return cast("dict[str, Any]", walk(schema, ()))


def _with_items(form: dict[str, Any]) -> dict[str, Any]:
    """Return *form*; that of a list says what its items are, or OpenAI and Gemini refuse it."""
    types = form.get("type", "array" if "prefixItems" in form else None)
    items = form.get("items")
    if not (types == "array" or (isinstance(types, list) and "array" in types)):
        return form
    if isinstance(items, Mapping):
        return form
    parts = cast("list[Any]", form.get("prefixItems") or (items if isinstance(items, list) else []))
    if not parts:
        return {**form, "items": {}}
    each = [one for at, one in enumerate(parts) if one not in parts[:at]]
    return {**form, "prefixItems": parts, "items": each[0] if len(each) == 1 else {"anyOf": each}}


def _as_object(schema: Any) -> Any:
    """Return *schema* as an object, where it may be JSON schema's word for anything or nothing."""
    return ({} if schema else {"not": {}}) if isinstance(schema, bool) else schema


def one_form(schema: Schema) -> dict[str, Any]:
    """Return *schema*, of an object, without the alternatives at its top that providers refuse.

    The fields of each may be there, and what all of them require must.
    """
    own = {key: value for key, value in schema.items() if key not in _REFUSED_AT_TOP}
    options = [one for one in members(schema) if one is not schema]
    if not options or not (own.get("type") == "object" or types_of(schema) == {"object"}):
        return own
    forms: dict[str, list[Schema]] = {name: [form] for name, form in properties_of(own).items()}
    for name, form in (field for one in options for field in properties_of(one).items()):
        if name not in properties_of(own) and form not in forms.setdefault(name, []):
            forms[name].append(form)
    fields = {name: each[0] if len(each) == 1 else {"anyOf": each} for name, each in forms.items()}
    common = set[str].intersection(*({*one.get("required", ())} for one in options))
    required = dict.fromkeys([*own.get("required", ()), *sorted(common)])
    return {**own, "type": "object", "properties": fields, "required": [*required]}


def _marked(option: dict[str, Any], mark: str) -> dict[str, Any]:
    """Return *option*, one of several forms, with the field *mark* that tells them apart required.

    Pydantic takes it for one that may be left out, where it has a default, and then refuses it.
    """
    if mark not in properties_of(option):
        return option
    return {**option, "required": list(dict.fromkeys([mark, *option.get("required", ())]))}


def _referred(schema: Schema, reference: str) -> Any:
    if not reference.startswith("#"):
        raise KeyError(reference)
    node: Any = schema
    for part in reference.removeprefix("#").strip("/").split("/") if reference != "#" else ():
        node = node[part.replace("~1", "/").replace("~0", "~")]
    if reference == "#":
        return {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    return node


def _combined(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return one schema for a value that is of all *parts*: the fields of all, else the last's."""
    combined = {key: value for part in parts for key, value in part.items()}
    if fields := {name: one for part in parts for name, one in properties_of(part).items()}:
        required = [name for part in parts for name in part.get("required", ())]
        combined |= {"type": "object", "properties": fields}
        combined |= {"required": list(dict.fromkeys(required))} if required else {}
    return combined


def unmarked(schema: Schema, mark: str = NAMES) -> dict[str, Any]:
    """Return *schema* without the keyword *mark*, at any depth: by default, without our own."""

    def walk(node: Any) -> Any:
        match node:
            case {"properties": Mapping(), **rest}:
                fields = properties_of(cast("Schema", node))
                shown = {name: walk(field) for name, field in fields.items()}
                return {**walk(rest), "properties": shown}
            case Mapping():
                items = cast("Mapping[str, Any]", node).items()
                return {
                    key: value if key in _VALUES else walk(value)
                    for key, value in items
                    if key != mark
                }
            case list():
                return list(map(walk, cast("list[Any]", node)))
            case _:
                return node

    return cast("dict[str, Any]", walk(schema))


def with_plain_names(schema: Schema, names: dict[str, str]) -> dict[str, Any]:
    """Return *schema* with fields whose names are of ASCII letters, digits, ``_``, ``.`` and ``-``.

    *names* gets, by its plain name, the own name of each field that has another one.
    """

    def walk(node: Any) -> Any:
        match node:
            case {"properties": Mapping(), **rest}:
                fields = properties_of(cast("Schema", node)).items()
                shown = {_plain(name): _called(name, walk(field)) for name, field in fields}
                required = [_plain(name) for name in rest.get("required", ())]
                kept = {**walk(rest), "required": required} if required else walk(rest)
                return {**kept, "properties": shown}
            case Mapping():
                items = cast("Mapping[str, Any]", node).items()
                return {key: value if key in _VALUES else walk(value) for key, value in items}
            case list():
                return list(map(walk, cast("list[Any]", node)))
            case _:
                return node

    def _called(name: str, field: dict[str, Any]) -> dict[str, Any]:
        if _plain(name) == name:
            return field
        names[_plain(name)] = name
        described = ". ".join(filter(None, [name, field.get("description")]))
        return {**field, "description": described}

    return cast("dict[str, Any]", walk(schema))


def _plain(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return name
    mark = blake2b(name.encode("utf-8", "replace"), digest_size=4).hexdigest()
    word = re.sub(r"[^a-zA-Z0-9_.-]+", "_", name).strip("_")[:_PLAIN_LENGTH]
    return f"{word or 'field'}_{mark}"


def partial(schema: Schema) -> dict[str, Any]:
    """Return the form of edits: every field may be there, in nested objects too, and none must.

    A field of several object types keeps them whole, for such a value is replaced as a whole.
    """
    kept = {key: value for key, value in schema.items() if key not in ("required", "default")}
    if fields := properties_of(schema):
        kept["properties"] = {name: partial(field) for name, field in fields.items()}
    if "anyOf" in kept and len([one for one in members(schema) if properties_of(one)]) == 1:
        kept["anyOf"] = [partial(option) for option in members(schema)]
    return kept


def properties_of(schema: Schema) -> Mapping[str, Schema]:
    """Return the named fields of an object's *schema*."""
    return cast("Mapping[str, Schema]", schema.get("properties", {}))


def members(schema: Schema) -> list[Schema]:
    """Return the alternatives in *schema*, those within alternatives too, or itself for none."""
    options: list[Schema] = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    if not options:
        return [schema]
    return [member for option in options for member in members(option)]


def types_of(schema: Schema) -> set[str]:
    """Return the names of the JSON types that *schema* takes; none where it takes any."""
    found: set[str] = set()
    for member in members(schema):
        match member:
            case {"type": str(name)}:
                found.add(name)
            case {"type": [*names]}:
                found.update(cast("list[str]", names))
            case {"enum": [*values]}:
                found.update(map(type_of, values))
            case {"const": value}:
                found.add(type_of(value))
            case {"properties": _}:
                found.add("object")
            case _:
                return set()
    return found


def type_of(value: Any) -> str:
    """Return the name of the JSON type of *value*."""
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case None:
            return "null"
        case list():
            return "array"
        case _:
            return "object"


def nullable(schema: Schema) -> bool:
    """Tell whether null is expressly a value of *schema*."""
    return "null" in types_of(schema) or any(
        None in member.get("enum", [member.get("const", "")]) for member in members(schema)
    )
