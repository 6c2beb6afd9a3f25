"""Names of tools as models write them → the tool that is meant, where only one can be. Pure.

Models change the case of a name, put a namespace, a server or a channel mark before or after
it, use another verb for the same action, or put it last. A name is understood when the words of
exactly one tool stand in it, one after another, and nothing else in it names another action.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

__all__ = ["named", "words_in_name"]

#: Marks of chat templates, and what follows them: ``Person<|channel|>commentary``.
_MARKS = re.compile(r"<[|｜][^>]*>?")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")

_ADDS = {"add", "create", "insert", "save", "store", "remember", "record", "write", "append"}
_CHANGES = {"update", "change", "edit", "patch", "modify", "replace", "revise"}
_REMOVES = {"delete", "remove", "forget", "erase", "drop"}
_OTHERS = {"search", "find", "recall", "manage", "get", "list", "read", "query", "load", "undo"}


def words_in_name(name: str) -> tuple[str, ...]:
    """Return the words in *name*, in lower case, with one verb for each action."""
    words = (word.lower() for word in _WORDS.findall(_MARKS.sub(" ", name)))
    return tuple(
        "update" if word in _CHANGES else "delete" if word in _REMOVES else word for word in words
    )


def named(name: str, tools: Mapping[str, str]) -> str | None:
    """Return what *name* means in *tools*, by their names; None where none or several could be."""
    if name in tools:
        return tools[name]
    squashed = "".join(words_in_name(name))
    if len(same := {tools[one] for one in tools if "".join(words_in_name(one)) == squashed}) == 1:
        return same.pop()
    fitting = sorted(
        (one for one in tools if _stands_in(one, name)), key=lambda one: len(words_in_name(one))
    )
    # A shorter name may stand in a longer one, "Person" in "update_Person", but not beside it.
    beside = [
        one for one in fitting if not set(words_in_name(one)) <= set(words_in_name(fitting[-1]))
    ]
    same_length = [
        one for one in fitting if len(words_in_name(one)) == len(words_in_name(fitting[-1]))
    ]
    meant = {tools[one] for one in same_length}
    return meant.pop() if len(meant) == 1 and not beside else None


def _stands_in(tool: str, name: str) -> bool:
    """Whether the words of *tool* follow each other in *name*, and the rest is no other action."""
    inner, outer = words_in_name(tool), words_in_name(name)
    orders = {inner, (*inner[1:], *inner[:1])}  # update_person, person_update
    for start in range(len(outer) - len(inner) + 1):
        if inner and outer[start : start + len(inner)] in orders:
            rest = {*outer[:start], *outer[start + len(inner) :]}
            other_actions = {"update", "delete", *_OTHERS}
            if {"update", "delete"} & set(inner):
                other_actions |= _ADDS
            return not rest & other_actions
    return False
