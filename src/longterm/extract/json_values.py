"""Values in the form that a JSON schema gives them: what a model wrote, as it was meant. Pure.

Schemas here are those of `json_schema`, with their references resolved.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

from longterm.extract.json_schema import (
    NAMES,
    Schema,
    members,
    nullable,
    properties_of,
    type_of,
    types_of,
)
from longterm.extract.reading import parsed

__all__ = [
    "decoded",
    "known_part",
    "mapped_texts",
    "member_for",
    "object_for",
    "ordered",
    "unknown_fields",
    "without_gaps",
]

#: Keys of an object about a value that stands in it under "value".
_ABOUT = {"type", "description", "title", "name"}

#: What has nothing within.
_PLAIN = (str, int, float, type(None))

#: Keywords of texts that are no sentences.
_BINDS = {"enum", "const", "format", "pattern"}


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
            same = type_of(found) in types or (type_of(found) == "integer" and "number" in types)
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
            fits = type_of(decoded(item, form)) in types_of(form)
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
    match value:
        case Mapping():
            fields = cast("Mapping[str, Any]", value)
            form = _likeliest(fields, schema)
            known = properties_of(form)
            if known and not form.get("additionalProperties"):
                yield from (f"{path}{name}" for name in fields if name not in known)
            within = cast("Iterable[Any]", fields.values())
        case list():
            within = cast("list[Any]", value)
        case _:
            return
    if all(isinstance(one, _PLAIN) for one in within):  # as it nearly always is
        return
    for key, one, inner in _inner(value, schema):
        if isinstance(one, list | Mapping):
            yield from unknown_fields(one, inner, f"{path}{key}.")
