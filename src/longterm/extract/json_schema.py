"""JSON schemas, read: what a schema says about a value, and values brought to its form. Pure.

Schemas here have their references resolved (`inlined`). A schema that says nothing of a place
takes anything there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, cast

from longterm.extract.reading import parsed

__all__ = [
    "NAMES",
    "decoded",
    "inlined",
    "known_part",
    "mapped_texts",
    "member_for",
    "members",
    "nullable",
    "object_for",
    "one_form",
    "ordered",
    "partial",
    "properties_of",
    "types_of",
    "unknown_fields",
    "unmarked",
    "without_gaps",
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

#: Keywords that the tools of some providers may not have at the top of their arguments.
_REFUSED_AT_TOP = ("anyOf", "oneOf", "not", "enum")

#: Keys of an object about a value that stands in it under "value".
_ABOUT = {"type", "description", "title", "name"}

#: Keywords of texts that are no sentences.
_BINDS = {"enum", "const", "format", "pattern"}


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
                shown = {name: walk(field, path) for name, field in fields.items()}
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
                return {
                    key: value if key in _VALUES else walk(value, path)
                    for key, value in items
                    if key not in _DROPPED and (key, value) != ("default", None)
                }
            case list():
                return [walk(item, path) for item in cast("list[Any]", node)]
            case _:
                return node

    return cast("dict[str, Any]", walk(schema, ()))


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
                found.update(map(_type_of, values))
            case {"const": value}:
                found.add(_type_of(value))
            case {"properties": _}:
                found.add("object")
            case {"anyOf": _} | {"oneOf": _}:
                found |= types_of(member)
            case _:
                return set()
    return found


def _type_of(value: Any) -> str:
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


def object_for(value: Mapping[str, Any], schema: Schema) -> Schema | None:
    """Return the object schema in *schema* that *value* fits: the only one, or the first that does.

    Of several, one fits if it has all the fields of *value*, in it the values that tell it from
    others, and if *value* has all that it must have. None where none fits.
    """
    objects = [one for one in members(schema) if "object" in types_of(one) or not types_of(one)]
    if len(objects) == 1:
        return objects[0]
    return next((one for one in objects if _fits_schema(value, one, whole=True)), None)


def member_for(value: Mapping[str, Any], patch: Mapping[str, Any], schema: Schema) -> Schema | None:
    """Return the object schema in *schema* that *value* has and a *patch* of it keeps, if any."""
    objects = [one for one in members(schema) if "object" in types_of(one) or not types_of(one)]
    if len(objects) == 1:
        return objects[0]
    current = next((one for one in objects if _fits_schema(value, one, whole=True)), None)
    return current if current is not None and _fits_schema(patch, current, whole=False) else None


def _fits_schema(value: Mapping[str, Any], schema: Schema, *, whole: bool) -> bool:
    fields = properties_of(schema)
    named = value.keys() <= fields.keys() or bool(schema.get("additionalProperties"))
    complete = not whole or set(schema.get("required", ())) <= value.keys()
    return named and complete and _has_marks_of(value, schema)


def _takes_mark(value: Any, field: Schema) -> bool:
    """Whether *field*, where it takes certain values only, takes *value*."""
    match field:
        case {"const": const}:
            return value == const
        case {"enum": [*values]}:
            return value in values
        case _:
            return True


def _likeliest(value: Mapping[str, Any], schema: Schema) -> Schema:
    """Return the object schema in *schema* that *value* is most likely meant for; {} for none.

    It takes the values that tell it from others, knows most fields, and misses the fewest.
    """
    # Nearly always it is an object without alternatives, and this is asked of all that is known.
    if schema.get("type") == "object" and schema.keys().isdisjoint(("anyOf", "oneOf")):
        return schema
    objects = [one for one in members(schema) if "object" in types_of(one) or not types_of(one)]
    if len(objects) == 1:
        return objects[0]
    fitting = [
        (*_strangeness(value, one), at)
        for at, one in enumerate(objects)
        if _has_marks_of(value, one)
    ]
    return objects[min(fitting)[2]] if fitting else {}


def _strangeness(value: Mapping[str, Any], form: Schema) -> tuple[int, int]:
    """Return how many fields *value* has that *form* does not know, and how many it misses."""
    known = {*properties_of(form), None}
    meant = {_field_meant(key, value, form) for key in value}
    unknown = 0 if form.get("additionalProperties") else len(meant - known)
    return unknown, len({*form.get("required", ())} - meant)


def _has_marks_of(value: Mapping[str, Any], form: Schema) -> bool:
    fields = properties_of(form)
    return all(_takes_mark(value[name], fields[name]) for name in value.keys() & fields.keys())


def _field_meant(key: str, value: Mapping[str, Any], form: Schema) -> str | None:
    """Return the field of *form* that *key* of *value* means; None for what is not to be kept.

    A field is meant by its name, by an alias, and, where only one can be meant, by its name in
    other letters: "City", "homeTown".
    """
    fields, names = properties_of(form), cast("Mapping[str, str | None]", form.get(NAMES, {}))
    if key in fields:
        return key
    if key in names:
        return names[key]
    if form.get("additionalProperties"):
        return key
    letters = _letters(key)
    meant = [name for name in fields if _letters(name) == letters and name not in value]
    return meant[0] if len(meant) == 1 and letters else key


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name)).casefold()


def _inner(value: Any, schema: Schema) -> Iterator[tuple[Any, Any, Schema]]:
    """Yield what stands inside of *value*: its key or index, itself and its schema."""
    match value:
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            form = _likeliest(fields, schema)
            others = form.get("additionalProperties")
            free: Schema = cast("Schema", others) if isinstance(others, Mapping) else {}
            for name, one in fields.items():
                yield name, one, properties_of(form).get(name, free)
        case list():
            arrays = [one for one in members(schema) if "array" in types_of(one)]
            form: Schema = arrays[0] if len(arrays) == 1 else {}
            first = cast("Sequence[Schema]", form.get("prefixItems", ()))
            rest = cast("Any", form.get("items"))
            for index, one in enumerate(cast("list[Any]", value)):
                free: Schema = cast("Schema", rest) if isinstance(rest, Mapping) else {}
                yield index, one, first[index] if index < len(first) else free
        case _:
            return


def _rebuilt_schema(value: Any, inner: Iterator[tuple[Any, Any]]) -> Any:
    return dict(inner) if isinstance(value, Mapping) else [one for _, one in inner]


def decoded(value: Any, schema: Schema) -> Any:
    """Return *value* in the form that *schema* gives it, at any depth, where one is meant.

    Fields stand under their own names, what is computed is left out, JSON text is decoded
    wherever no text belongs, a single item of a list stands in one, and a value alone where a
    model put it into a list, beside its type, or beside what it was.
    """
    types = types_of(schema)
    value = _bare(value, types)
    match value:
        case str() if types and "string" not in types:
            found, half = parsed(value)
            if half:
                return value
            if isinstance(found, str) and found != value:  # encoded twice
                return decoded(found, schema)
            if found is None and value.strip().lower() in ("", "null", "none"):
                return None
            same = _type_of(found) in types or (_type_of(found) == "integer" and "number" in types)
            if same and found is not None:
                return decoded(found, schema)
            if types <= {"array", "null"}:
                return _listed(cast("Any", found) if isinstance(found, Mapping) else value, schema)
            return value
        case str():
            return _as_choice(value, schema)
        case Mapping() if "array" in types and not types & {"object"}:
            return _listed(value, schema)
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            form = _likeliest(fields, schema)
            named = {_field_meant(key, fields, form): one for key, one in fields.items()}
            named.pop(None, None)
            value = cast("Any", named)
        case list():
            pass
        case int() | float() if types and types <= {"array", "null"}:
            return _listed(value, schema)
        case _:
            return value
    return _rebuilt_schema(
        value, ((key, decoded(one, form)) for key, one, form in _inner(value, schema))
    )


def _as_choice(text: str, schema: Schema) -> str:
    """Return the one choice that *text* is in other letters, where *schema* takes only choices."""
    texts = [one for one in members(schema) if "string" in types_of(one)]
    choices = [one.get("enum", [one["const"]] if "const" in one else [text]) for one in texts]
    letters = _letters(text)
    meant = [
        choice
        for one in choices
        for choice in one
        if isinstance(choice, str) and _letters(choice) == letters
    ]
    return meant[0] if letters and len(meant) == 1 else text


def _bare(value: Any, types: set[str]) -> Any:
    """Return what stands alone in *value*, where neither a list nor an object belongs."""
    match value:
        case [alone] if types and "array" not in types:
            return alone
        case {"value": alone, **rest} if types and "object" not in types and rest.keys() <= _ABOUT:
            return alone
        case {"old": _, "new": alone, **rest} | {"from": _, "to": alone, **rest} if (
            types and "object" not in types and not rest
        ):
            return alone
        case _:
            return value


def _listed(value: Any, schema: Schema) -> Any:
    """Return the list that *value*, a single item of it, is meant for, if it can be only that."""
    match value:
        case {"item": [*items]} | {"items": [*items]} if len(value) == 1:
            return decoded(items, schema)
        case str() if re.search(r"[,;\n]", value):
            return value  # several, it may be
        case _:
            (_, item, form), *_ = _inner([value], schema)
            fits = _type_of(decoded(item, form)) in types_of(form)
            return decoded([value], schema) if fits else value


def mapped_texts(value: Any, schema: Schema, change: Callable[[str], str]) -> Any:
    """Return *value* with *change* made to its texts, but where *schema* takes only some texts."""
    if isinstance(value, str):
        changed = change(value)
        forms = members(schema)
        room = min((one.get("maxLength", len(changed)) for one in forms), default=0)
        fits = len(changed) <= room and all(map(_BINDS.isdisjoint, forms))
        return changed if fits else value
    if not isinstance(value, Mapping | list):
        return value
    return _rebuilt_schema(
        value, ((key, mapped_texts(one, form, change)) for key, one, form in _inner(value, schema))
    )


def without_gaps(value: Any, schema: Schema) -> Any:
    """Return *value* without the nulls that its *schema* forbids and that may be left out.

    Null is put where it must stand: models leave out what is null.
    """
    if not isinstance(value, Mapping | list):
        return value
    form: Schema = _likeliest(cast("Any", value), schema) if isinstance(value, Mapping) else {}
    fields, required = properties_of(form), form.get("required", ())
    nulls = {name: None for name in required if nullable(fields.get(name, {}))}
    if isinstance(value, Mapping) and not nulls.keys() <= value.keys():
        value = cast("Any", {**nulls, **value})
    return _rebuilt_schema(
        value,
        (
            (key, without_gaps(one, inner))
            for key, one, inner in _inner(value, schema)
            if not (one is None and key in fields and key not in required and not nullable(inner))
        ),
    )


def known_part(value: Any, schema: Schema) -> Any:
    """Return *value* without the fields that its *schema* neither names nor leaves open."""
    if not isinstance(value, Mapping | list):
        return value
    form: Schema = _likeliest(cast("Any", value), schema) if isinstance(value, Mapping) else {}
    closed = not form.get("additionalProperties")
    fields: Mapping[str, Schema] = properties_of(form) if closed else {}
    return _rebuilt_schema(
        value,
        (
            (key, known_part(one, inner))
            for key, one, inner in _inner(value, schema)
            if not fields or key in fields
        ),
    )


def ordered(value: Any, schema: Schema) -> Any:
    """Return *value* with its sets, which are lists in JSON, in one order."""
    if not isinstance(value, Mapping | list):
        return value
    inner: Any = _rebuilt_schema(
        value, ((key, ordered(one, form)) for key, one, form in _inner(value, schema))
    )
    if isinstance(inner, list) and any(one.get("uniqueItems") for one in members(schema)):
        inner = sorted(cast("list[Any]", inner), key=lambda one: json.dumps(one, sort_keys=True))
    return cast("Any", inner)


def unknown_fields(value: Any, schema: Schema, path: str = "") -> Iterator[str]:
    """Yield the paths of fields in *value* that *schema* neither names nor leaves open."""
    if isinstance(value, Mapping):
        form = _likeliest(cast("Mapping[str, Any]", value), schema)
        if properties_of(form) and not form.get("additionalProperties"):
            yield from (
                f"{path}{name}"
                for name in cast("Mapping[str, Any]", value)
                if name not in properties_of(form)
            )
    for key, one, inner in _inner(value, schema):
        if isinstance(one, list | Mapping):
            yield from unknown_fields(one, inner, f"{path}{key}.")
