"""Edits of a known document, pure: what a model wants changed → the document's next content.

The edit a model is offered is a JSON merge patch (RFC 7396) that the schema reads: fields that
are named take the new value, objects of one type are merged, a value of several types and a list
are replaced as a whole, and null is null where the field takes it. A list of fields with whole
new values, as strict mode wants it, and a JSON patch (RFC 6902), as models trained on other tools
may answer, are understood as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NoReturn, cast

import jsonpatch

from longterm.extract.json_schema import nullable, properties_of, types_of
from longterm.extract.json_values import member_for, object_for
from longterm.extract.reading import DEPTH_LIMIT
from longterm.extract.schema import MemorySchema
from longterm.memory.model import ProposalError

__all__ = ["edited", "merge", "with_places"]

#: Verbs of models: for a whole new value, for one more item of a list, and for the end of either.
_SET = {"set", "update", "replace", "change", "modify", "edit"}
_ADD = {"add", "append", "push", "insert", "extend"}
_REMOVE = {"remove", "delete"}
#: Where verbs and places stand.
_OF_EDITS = ("op", "operation", "action", "field", "path")
#: Of the number of an item.
_DIGITS = 6


def edited(kind: MemorySchema | None, content: Any, changes: Any) -> Any:
    """Return what *content*, of *kind* (None: its schema is unknown), is after *changes*.

    Raises `ProposalError` for changes that do not fit, a field that does not exist among them.
    """
    fields = properties_of({} if kind is None else kind.parameters)
    if isinstance(changes, str) and [types_of(form) for form in fields.values()] == [{"string"}]:
        changes = dict.fromkeys(fields, changes)  # the new text of a memory that is only a text
    changes = _in_one_form(changes, fields)
    match changes:
        case [{"field": str(), "value": _}, *_] as edits:
            named = {edit.get("field"): edit.get("value") for edit in edits}
            if kind is None:
                return _edited_untyped(content, named)
            after = {**content, **(given := kind.normalized(named))}
            emptied = [(name,) for name, value in given.items() if value is None]
        case [*operations]:
            after = _patched(content, operations)
            emptied = list(_nulled(operations))
            if kind is None:
                return after if _same_form(content, after) else _misfit()
        case _ if kind is None:
            return _edited_untyped(content, changes)
        case _:
            given = kind.normalized(kind.unwrapped(changes))
            after = merge(content, given, kind.parameters, keep_unknown=kind.open)
            emptied = list(_nulls(given))
    known = kind.unknown_fields(content)
    if added := [name for name in kind.unknown_fields(after) if name not in known]:
        raise _no_such_field(added[0], kind.parameters)
    checked = kind.check(kind.known_part(after) if known else after)
    for path in emptied:  # "no tags" is an empty list; a default is never meant by null
        if _value_at(checked, path) not in (None, "", [], {}):
            raise _no_null(".".join(path))
    return content if kind.same(content, checked) else checked


def with_places(kind: MemorySchema, content: Any) -> Any:
    """Return a new *content* with what is named by its place, "home.city", in the object there."""
    if kind.open or not isinstance(content, Mapping):
        return content
    fields = properties_of(kind.parameters)
    objects = {name for name, field in fields.items() if "object" in types_of(field)}
    return _by_place(cast("Mapping[str, Any]", content), fields, objects)


def _in_one_form(changes: Any, fields: Mapping[str, Any]) -> Any:
    """Return *changes* as a merge patch, a list of fields with values, or a JSON patch."""
    if isinstance(changes, Mapping):
        changes = _by_place(cast("Mapping[str, Any]", changes), fields)
    match changes:
        case {**edit} if operation := _with_verb(edit, fields):
            return [operation]
        case [_, *_] if all(
            operations := [_with_verb(edit, fields) for edit in cast("list[Any]", changes)]
        ):
            return operations
        case {"op": str(), "path": str()} if "op" not in fields:
            return [changes]
        case {"value": _} if edit := _field_and_value(changes, fields):
            return _in_one_form([edit], fields)
        case [{"value": _}, *_] if all(
            edits := [_field_and_value(edit, fields) for edit in cast("list[Any]", changes)]
        ):
            named = {edit["field"]: edit["value"] for edit in edits if edit}
            placed = _by_place(named, fields)
            return edits if placed == named else placed
        case [{**first}, *others] if not {"op", "field"} & first.keys():
            together = cast("dict[str, Any]", dict(first))
            for other in others:
                if not isinstance(other, dict) or together.keys() & {*cast("Any", other)}:
                    return changes
                together |= cast("dict[str, Any]", other)
            return together
        case _:
            return changes


def _with_verb(edit: Any, fields: Collection[str]) -> dict[str, Any] | None:
    """Return *edit*, a field with a verb and perhaps a value, as an operation of a JSON patch."""
    match edit:
        case (
            {"op": str(verb), "field": str(path), **rest}
            | {"operation": str(verb), "field": str(path), **rest}
            | {"operation": str(verb), "path": str(path), **rest}
            | {"action": str(verb), "field": str(path), **rest}
            | {"action": str(verb), "path": str(path), **rest}
        ) if rest.keys() <= {"value"} and not any(name in fields for name in _OF_EDITS):
            known = verb.lower() in _SET | _ADD | _REMOVE
            verb = "append" if verb.lower() == "add" else verb.lower()
            return {"op": verb, "path": path, **rest} if known else None
        case _:
            return None


def _by_place(
    changes: Mapping[str, Any], fields: Collection[str], objects: Collection[str] | None = None
) -> dict[str, Any]:
    """Return *changes* with what is named by its place, "home.city" or "/home/city", there.

    *objects* are those of *fields* that may have something in them; None: all.
    """
    objects = fields if objects is None else objects
    after: dict[str, Any] = {}
    for name, value in changes.items():
        outer, *inner = name.strip("/").replace("/", ".").split(".")
        if name in fields or outer not in objects or len(inner) > DEPTH_LIMIT:
            outer, inner = name, []
        for within in reversed(inner):
            value = {within: value}  # noqa: PLW2901 - from the inside out
        after[outer] = _together(after.get(outer), value)
    return after


def _together(one: Any, other: Any) -> Any:
    """Return what both say of one field; the *other*, said later, where they are at odds."""
    match one, other:
        case {**fields}, {**more}:
            return {**fields, **{key: _together(fields.get(key), more[key]) for key in more}}
        case _:
            return other


def _field_and_value(edit: Any, fields: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return *edit* as a field and its value, where it is that and no object of fields."""
    match edit:
        case {"value": value, **rest} if len(cast("Mapping[str, Any]", rest)) == 1:
            (key, name), *_ = rest.items()
            field = str(name).removeprefix("/")
            known = key == "field" or field in fields
            own = key in fields and "value" in fields
            return {"field": field, "value": value} if known and not own else None
        case _:
            return None


def _nulls(patch: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the fields that *patch* sets to null."""
    if isinstance(patch, Mapping):
        for name, value in cast("Mapping[str, Any]", patch).items():
            if value is None:
                yield (*path, name)
            yield from _nulls(value, (*path, name))


def _value_at(content: Any, path: Sequence[str]) -> Any:
    for name in path:
        match content:
            case {**fields}:
                content = fields.get(name)
            case [*items] if name.isdecimal() and len(name) < _DIGITS and int(name) < len(items):
                content = items[int(name)]
            case _:
                return None
    return content


def _no_null(place: str) -> ProposalError:
    return ProposalError(
        f"{place} cannot be null. Give the value it is to have.", plain="A field cannot be null."
    )


def merge(
    content: Any,
    patch: Any,
    schema: Mapping[str, Any],
    *,
    keep_unknown: bool = False,
    path: str = "",
) -> Any:
    """Apply the merge *patch* to *content*, of *schema*; neither is changed.

    Raises `ProposalError` for a field that *schema* does not name, unless *keep_unknown*,
    and for a null that would let a default take the field's place.
    """
    if not isinstance(patch, Mapping):
        return patch
    given = cast("Mapping[str, Any]", patch)
    base = dict(cast("Mapping[str, Any]", content)) if isinstance(content, Mapping) else {}
    form = member_for(base, given, schema) if base else object_for(given, schema)
    if form is None:
        return cast(
            "Any", patch
        )  # a value of another type takes the place of the old one as a whole
    fields, others = properties_of(form), form.get("additionalProperties")
    for name, value in given.items():
        place = f"{path}{name}"
        if name not in fields and fields and not others and not keep_unknown:
            raise _no_such_field(place, form)
        free: Mapping[str, Any] = cast("Any", others) if isinstance(others, Mapping) else {}
        inner = fields.get(name, free)
        if value is not None:
            base[name] = merge(
                base.get(name), value, inner, keep_unknown=keep_unknown, path=f"{place}."
            )
        elif nullable(inner) or (name in fields and not types_of(inner)):
            base[name] = None
        elif name in form.get("required", ()) or inner.get("default"):
            raise _no_null(place)
        else:
            base.pop(name, None)
    return base


def _no_such_field(place: str, form: Mapping[str, Any]) -> ProposalError:
    fields = f"The fields are {', '.join(properties_of(form))}."
    return ProposalError(
        f"There is no field {place}. {fields}", plain=f"There is no such field. {fields}"
    )


def _in_rfc_words(operation: Any, content: Any) -> list[Any]:
    """Return *operation* of a JSON patch in the RFC's words: models name paths and verbs freely.

    To them, to add to a list in *content* is to add an item, and to remove a value from it is to
    remove that one.
    """
    match operation:
        case {"op": "copy"}:  # each may double the memory
            raise ProposalError("Nothing can be copied in a patch. Give the value.")
        case {"op": str(verb), "path": str(path), **rest}:
            if path and not path.startswith("/"):
                path = f"/{path.replace('.', '/')}"
            known = _value_at(content, path.split("/")[1:])
            if isinstance(known, list) and "value" in rest and verb not in _SET:
                return _of_list(verb, path, cast("list[Any]", known), rest["value"])
            if verb in _SET:
                # To add what an object has is to replace it, and what it has not may be set, too.
                verb = "replace" if path.rpartition("/")[2].isdigit() else "add"
            return [{**rest, "op": "remove" if verb in _REMOVE else verb, "path": path}]
        case _:
            return [operation]


def _of_list(verb: str, path: str, known: list[Any], value: Any) -> list[Any]:
    """Return what adds *value* to the list *known* at *path*, or removes it from there."""
    several = isinstance(value, list) and not any(isinstance(one, list) for one in known)
    values = cast("list[Any]", value if several else [value])
    if verb in _REMOVE:
        if absent := [one for one in values if one not in known]:
            raise ProposalError(
                f"{path} has no {absent[0]!r}.",
                plain="What is to be removed from a list is not there.",
            )
        left = [one for one in known if one not in values]
        return [{"op": "replace", "path": path, "value": left}]
    if verb in _ADD and not (verb == "add" and several):  # in the RFC that is the whole new list
        return [{"op": "add", "path": f"{path}/-", "value": one} for one in values]
    return [{"op": verb, "path": path, "value": value}]


def _nulled(operations: Sequence[Any]) -> Iterator[tuple[str, ...]]:
    """Yield the paths of the fields that a JSON patch sets to null."""
    for operation in operations:
        match operation:
            case {"path": str(path), "value": None}:
                yield tuple(path.split("/")[1:])
            case _:
                pass


def _patched(content: Any, operations: Sequence[Any]) -> Any:
    after = deepcopy(content)
    try:
        for operation in operations:
            after = jsonpatch.apply_patch(after, _in_rfc_words(operation, after), in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        plain = "The patch does not fit the memory"
        raise ProposalError(f"{plain}: {error}.", plain=f"{plain}.") from error
    return after


def _edited_untyped(content: Any, changes: Any) -> Any:
    """Change a document whose schema is unknown: only in the fields it has."""
    match content, changes:
        case (str(), {"content": str(text)}) | (str(), str(text)):
            return text
        case ({**fields}, {**named}) if named.keys() <= fields.keys():
            return merge(fields, named, {})
        case _:
            return _misfit()


def _same_form(content: Any, after: Any) -> bool:
    match content, after:
        case (str(), str()):
            return True
        case ({**fields}, {**named}):
            return named.keys() <= fields.keys()
        case _:
            return False


def _misfit() -> NoReturn:
    raise ProposalError(
        "The changes do not fit the memory. Name only fields that it has, or give "
        '{"content": "the new text"} for a memory that is a plain text.'
    )
