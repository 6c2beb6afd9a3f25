"""Namespaces: templates filled from ``config["configurable"]`` or a graph's runtime context.

Labels that a store would refuse are escaped, reversibly and one to one: two different user
ids never share a namespace. Ordinary labels stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from string import Formatter
from typing import Any, cast
from uuid import UUID

from langchain_core.runnables import RunnableConfig, ensure_config
from langchain_core.runnables.config import var_child_runnable_config
from pydantic import BaseModel

from longterm.errors import ConfigurationError
from longterm.text.quoting import visible

__all__ = [
    "OWN_ROOT",
    "Namespace",
    "NamespaceTemplate",
    "context_values",
    "escape_label",
    "id_text",
    "unescape_label",
]

Namespace = tuple[str, ...]

#: The beginning of the first label of what longterm keeps for itself: history, quarantine, keys.
OWN_ROOT = "longterm-"

#: Where LangGraph keeps the run's own runtime, and in it the user's context.
_RUNTIME = "__pregel_runtime"
_RESERVED_ROOT = "langgraph"
_CODES = {"%": "%25", ".": "%2E", "\0": "%00"}
_ESCAPED = "%6C"
_ESCAPE = re.compile(r"%(?:25|2E|00|u[0-9A-F]{4})")
#: Letters of a text that alone are no name: space, joiners, the empty pattern of Braille.
_UNSEEN = re.compile("[\\s\u200c\u200d\u2800]+")
_FORBIDDEN = re.compile("[.\0\ud800-\udfff]|%(?:25|2E|00|6C|u[0-9A-F]{4})")


def escape_label(label: str) -> str:
    """Return *label* in a form every store takes; most labels come back unchanged."""
    if label == _RESERVED_ROOT:
        return _ESCAPED + label[1:]
    if not _FORBIDDEN.search(label):
        return label
    return "".join(map(_code, label))


def unescape_label(label: str) -> str:
    """Return what `escape_label` was given."""
    if label.startswith(_ESCAPED):
        return "l" + unescape_label(label.removeprefix(_ESCAPED))
    return _ESCAPE.sub(lambda code: chr(int(code[0].lstrip("%u"), 16)), label)


def id_text(value: object) -> str:
    """Return *value*, the id of a user or of another owner, as text.

    Raises `ConfigurationError` for what is no text, integer or UUID, and for a text in which there
    is nothing to see.
    """
    # To Python True is the integer 1, and 7.0 is equal to 7 but another text.
    is_id = isinstance(value, str | int | UUID) and not isinstance(value, bool)
    if is_id and _UNSEEN.sub("", visible(str(value))):
        return str(value)
    raise ConfigurationError(
        f"{'a blank text' if isinstance(value, str) else type(value).__name__} is not an id: "
        "pass a text that is not blank, an integer or a UUID, because memories without an owner "
        "would mix with all others."
    )


def _code(character: str) -> str:
    if "\ud800" <= character <= "\udfff":  # half an emoji, which no database takes
        return f"%u{ord(character):04X}"
    return _CODES.get(character, character)


def context_values(config: RunnableConfig) -> dict[str, Any]:
    """Return the plain values of LangGraph's ``context=`` of *config*, or of the running graph."""
    match _context(config):
        case {**given}:
            values = cast("dict[str, Any]", given)
        case BaseModel() as context:
            values = dict(context)
        case context:
            values: dict[str, Any] = {}
            for name in dir(context):
                # A property that fails is nothing a namespace could be filled with.
                with suppress(Exception):
                    values[name] = None if name.startswith("_") else getattr(context, name)
    return {k: v for k, v in values.items() if isinstance(v, str | int | float | UUID)}


def _context(config: RunnableConfig) -> Any:
    running = var_child_runnable_config.get() or RunnableConfig()
    runtimes = (one.get("configurable", {}).get(_RUNTIME) for one in (config, running))
    return getattr(next((one for one in runtimes if one), None), "context", None)


def _named_in(context: Any, names: Iterable[str]) -> Mapping[str, Any]:
    """Return what *context*, a mapping or an object of any class, has of *names*."""
    if isinstance(context, Mapping):
        return cast("Mapping[str, Any]", context)
    return {name: getattr(context, name) for name in names if hasattr(context, name)}


class NamespaceTemplate:
    """A namespace with placeholders: ``NamespaceTemplate(("chat", "user-{user_id}"))``.

    Call it with a config to fill it; without one, the config of the running graph is used. What
    ``config["configurable"]`` does not have is taken from the ``context=`` of LangGraph's run.
    ``{{`` and ``}}`` stand for single braces. Raises `ConfigurationError` where a placeholder
    has no value, and at construction where the template itself is malformed.
    """

    __slots__ = ("_labels", "placeholders", "template")

    def __init__(self, template: tuple[str, ...] | list[str] | str | NamespaceTemplate) -> None:
        match template:
            case NamespaceTemplate():
                self.template: Namespace = template.template
            case str():
                self.template = (template,)
            case _:
                self.template = tuple(template)
        self._labels = tuple(map(_parse, self.template))
        if not self.template or not all(self.template):
            raise ConfigurationError(f"Namespace {self.template!r} has an empty label or none.")
        if any(not text and name for label in self._labels for text, name in label.parts[1:]):
            raise ConfigurationError(
                f"In namespace {self.template!r} two placeholders touch, so that different values "
                "could give one label. Put some text between them, or each into its own label."
            )
        #: Names that must be in the config or in the runtime context.
        self.placeholders = tuple(name for label in self._labels for name in label.names)

    def __call__(self, config: RunnableConfig | None = None) -> Namespace:
        """Fill the template from *config*; a label without a placeholder stays as it is written."""
        return tuple(
            filled if label.names else label.fill({})
            for filled, label in zip(self.location(config), self._labels, strict=True)
        )

    def location(self, config: RunnableConfig | None = None) -> Namespace:
        """Fill the template from *config*; every label is one that a store takes."""
        found = ensure_config(config)
        values: Mapping[str, Any] = found.get("configurable", {})
        if (context := _context(found)) is not None:
            values = {**_named_in(context, self.placeholders), **values}
        first, *others = (escape_label(label.fill(values)) for label in self._labels)
        if first.startswith(OWN_ROOT) and not self.template[0].startswith(OWN_ROOT):
            # Whose id begins so reaches no history, no quarantine and no key of others.
            first = _ESCAPED + first[1:]
        return (first, *others)

    @property
    def vars(self) -> dict[int, str]:
        """The first placeholder of each label that has one, by the label's place."""
        return {place: one.names[0] for place, one in enumerate(self._labels) if one.names}

    def __repr__(self) -> str:
        return f"NamespaceTemplate({self.template!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, NamespaceTemplate) and other.template == self.template

    def __hash__(self) -> int:
        return hash(self.template)


@dataclass(frozen=True, slots=True)
class _Label:
    """A label of a template, read."""

    #: Literal text, and the placeholder after it (None at the end).
    parts: tuple[tuple[str, str | None], ...]
    names: tuple[str, ...]
    #: Of two values in one label neither may hold what stands between them.
    between: frozenset[str]

    def fill(self, values: Mapping[str, Any]) -> str:
        """Return the label with *values*; raises `ConfigurationError` where one is missing."""
        filled = ""
        for text, name in self.parts:
            value = "" if name is None else _value(name, values)
            if not self.between.isdisjoint(value):
                value = "".join(f"%{ord(x):02X}" if x in self.between else x for x in value)
            filled += text + value
        return filled


def _parse(label: str) -> _Label:
    try:
        parts = tuple(Formatter().parse(label))
    except (ValueError, TypeError):  # the second for a label that is no text
        parts = (("", "", None, None),)
    if any(name == "" or spec or conversion for _, name, spec, conversion in parts):
        raise ConfigurationError(
            f"Namespace label {label!r} is malformed. Write a placeholder as {{name}}, a name and "
            "nothing else, and a literal brace as {{ or }}."
        )
    names = tuple(name for _, name, *_ in parts if name is not None)
    between = {text[0] for text, *_ in parts[1:] if text} | {"%"} if len(names) > 1 else ()
    return _Label(tuple((text, name) for text, name, *_ in parts), names, frozenset(between))


def _value(name: str, values: Mapping[str, Any]) -> str:
    if name not in values:
        # Without LangGraph's own, "__pregel_…" and "checkpoint_…".
        given = sorted(key for key in values if not key.startswith(("__", "checkpoint_")))
        raise ConfigurationError(
            f"The namespace needs {{{name}}}, but config['configurable'] "
            f"{f'has only {given}' if given else 'has nothing'}. "
            f'Pass config={{"configurable": {{"{name}": …}}}}, have it in the context of the '
            "graph, or write another name into the namespace."
        )
    try:
        return id_text(values[name])
    except ConfigurationError as error:
        raise ConfigurationError(f"The namespace needs {{{name}}}, but {error}") from error
