"""The guard: what a memory is checked for before it is written, and what becomes of it. Pure.

A finding says which class of thing stands where, never what it is: nothing here keeps, logs or
shows what was found.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from longterm.errors import ConfigurationError
from longterm.guard.personal import may_hold_personal, personal
from longterm.guard.rule import Match, Rule
from longterm.guard.secrets import may_hold_secrets, names_a_secret, secrets
from longterm.memory.revision import Origin
from longterm.text.orders import claims_a_wish, order_spans

__all__ = [
    "DEFAULT_ACTIONS",
    "DEFAULT_RULES",
    "Finding",
    "Guard",
    "GuardAction",
    "GuardOption",
    "Orders",
    "Verdict",
    "guard_of",
]

#: What to do about a class of finding, from the mildest to the strictest.
GuardAction = Literal["allow", "redact", "quarantine", "block"]

#: Whether orders are looked for, and what others say that a user wants.
Orders = Literal["and claims", "alone"] | None

_ACTIONS: tuple[GuardAction, ...] = get_args(GuardAction)
DEFAULT_RULES: tuple[Rule, ...] = (secrets, personal)
DEFAULT_ACTIONS: Mapping[str, GuardAction] = {"secret": "redact", "order": "quarantine"}
#: Full-width ASCII, one for one, so that a place in the one is a place in the other.
_NARROW = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
_DIGIT = re.compile(r"[^\D0-9]")
#: A number in a value is looked at where it is long enough to be a card's or a phone's.
_LONG_NUMBER = 10**7


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found where: a class, the path to a text, and the stretch of that text.

    A key of a mapping in which something was found is named by its place: ``content.(key 0)``,
    and so is what stands under it: ``content.(value 0)``.
    """

    class_: str
    #: As in ``content.phones.0``; "" where the value is a text itself.
    path: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a value."""

    action: GuardAction
    #: The value to write: redacted where that is asked for, None where it is blocked.
    value: Any
    findings: tuple[Finding, ...] = ()

    @property
    def places(self) -> list[str]:
        """Each class that was found with its place: ``card at content.content``."""
        return list(
            dict.fromkeys(f"{one.class_} at {one.path or 'the text'}" for one in self.findings)
        )

    def account(self, what: str) -> str:
        """Say why *what* became of the value, without a word of it."""
        why = ", ".join(self.places) or "it does not come from the user"
        return f"{what}, as the guard says: {why}."


@dataclass(frozen=True, slots=True, init=False)
class Guard:
    """Checks values by *rules* and does with each class of finding what *actions* say.

    A rule is a function from a text to (class, start, end) tuples. Classes of the built-in
    rules are secret, card, iban, email, phone and national_id. One more, order, is what says
    how to act from now on where it came from others than the user, and what a tool or an import
    says that the user wants. *actions* add to the default, which redacts secrets, keeps orders
    in quarantine and allows the rest; so does a class without an action.

    *trust* says what becomes of values by their origin (user, assistant, tool, import): the
    weakest origin among the sources of a memory. Without an entry an origin is allowed.
    """

    rules: tuple[Rule, ...]
    actions: Mapping[str, GuardAction]
    trust: Mapping[Origin, GuardAction]

    def __init__(
        self,
        rules: Sequence[Rule] = DEFAULT_RULES,
        actions: Mapping[str, GuardAction] | None = None,
        *,
        trust: Mapping[Origin, GuardAction] | None = None,
    ) -> None:
        by_class, by_origin = dict(actions or {}), dict(trust or {})
        wrong = [one for one in by_class.values() if one not in _ACTIONS]
        wrong += [one for one in by_origin.values() if one not in _ACTIONS or one == "redact"]
        wrong += [one for name, one in by_class.items() if (name, one) == ("order", "redact")]
        if wrong:
            raise ConfigurationError(
                f"The guard's action is one of {', '.join(_ACTIONS)}, not {wrong[0]!r}; orders and "
                "what comes of an origin are not redacted."
            )
        if unknown := {*by_origin} - {*get_args(Origin)}:
            raise ConfigurationError(
                f"trust= says what becomes of {', '.join(get_args(Origin))}; there is no origin "
                f"{', '.join(map(repr, sorted(unknown)))}."
            )
        object.__setattr__(self, "rules", tuple(rules))
        object.__setattr__(self, "actions", {**DEFAULT_ACTIONS, **by_class})
        object.__setattr__(self, "trust", by_origin)

    def check(
        self, value: Any, *, origin: Origin | None = None, orders: Orders = "and claims"
    ) -> Verdict:
        """Look at every text in *value*, a memory's content or a whole stored value.

        With *origin*, whose words it is, also for orders that are not the user's own, "alone" or
        "and claims" of what a user wants; without
        *orders* these are let alone. What an assistant says that its user wants is no claim.
        """
        if origin in (None, "user"):
            orders = None
        elif origin == "assistant" and orders == "and claims":
            orders = "alone"
        findings: list[Finding] = []
        if orders is not None or self.rules != DEFAULT_RULES or not _is_harmless(value):
            self._look(value, (), orders, findings)
        if not findings and origin not in self.trust:
            return Verdict("allow", value)
        asked: list[GuardAction] = ["allow", *(self._action(one.class_) for one in findings)]
        if origin is not None:
            asked.append(self.trust.get(origin, "allow"))
        action = max(asked, key=_ACTIONS.index)
        if action == "block":
            return Verdict(action, None, tuple(findings))
        places: dict[str, list[Finding]] = {}
        for one in findings:
            here = places.setdefault(one.path, [])
            if self._action(one.class_) == "redact":
                here.append(one)
        left = _redacted(value, (), places) if any(places.values()) else value
        return Verdict(action, left, tuple(findings))

    def _action(self, class_: str) -> GuardAction:
        return self.actions.get(class_, "allow")

    def _look(
        self, value: Any, path: tuple[str, ...], orders: Orders, found: list[Finding]
    ) -> None:
        """Add to *found* what is found in *value*, which stands at *path*."""
        match value:
            case str(text):
                if text in _INERT or (_INERT_FORM.fullmatch(text) and not _is_secret(path)):
                    return
                spans = [] if orders is None else _orders_in(text, orders)
                matches = [*(("order", *span) for span in spans), *self._matches(text, path)]
                found += (Finding(class_, ".".join(path), *span) for class_, *span in matches)
            case bool():
                return
            case int() if abs(value) >= _LONG_NUMBER:
                self._look(str(value), path, orders, found)
            case dict() | Mapping():  # to ask for dict first takes half the time
                for place, (name, inner) in enumerate(cast("Mapping[Any, Any]", value).items()):
                    label, step, before = str(name), _step(name), len(found)
                    if label not in _INERT:
                        self._look(label, (*path, f"(key {place})"), orders, found)
                        if len(found) > before:
                            step = f"(value {place})"
                    self._look(inner, (*path, step), orders, found)
            case list() | tuple() | set() | frozenset():
                for place, inner in enumerate(cast("Sequence[Any]", value)):
                    self._look(inner, (*path, str(place)), orders, found)
            case _:
                return

    def _matches(self, text: str, path: tuple[str, ...]) -> list[Match]:
        """Find what the rules find, from left to right; of what overlaps, the strictest."""
        plain = text if text.isascii() else _narrowed(text)
        found = [Match(*one) for rule in self.rules for one in rule(plain)]
        if _is_secret(path) and secrets in self.rules and text.strip():
            found.append(Match("secret", 0, len(text)))
        if not found:
            return found
        kept: list[Match] = []
        strictness = [-_ACTIONS.index(self._action(one.class_)) for one in found]
        for _, one in sorted(zip(strictness, found, strict=True), key=lambda pair: pair[0]):
            if not any(one.start < other.end and other.start < one.end for other in kept):
                kept.append(one)
        return sorted(kept, key=lambda one: one.start)


#: What joins the steps of a path, and begins those that are no names.
_OF_PATHS = re.compile(r"[\\.(]")
#: Names and words of stored values and turns, which are most of the texts to look at.
_INERT = frozenset({
    "", "kind", "content", "speaker", "role", "time", "thread", "position", "message_id",
    "before", "pieces", "user", "assistant", "Memory", "Turn",
})  # fmt: skip
#: Times and ids as they are written into them. As the value of a password an id still counts.
_INERT_FORM = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:[+-][0-9]{2}:[0-9]{2})?"
    r"|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
)


def _is_harmless(value: Any) -> bool:
    """Whether no built-in rule would look into any text of *value*.

    Most turns are so; to walk through one, text by text, takes ten times as long. A field of
    another name than those of turns and plain memories is left to the walk.
    """
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        if type(one) is str:
            if one in _INERT or _INERT_FORM.fullmatch(one):
                continue
            plain = one if one.isascii() else _narrowed(one)
            if may_hold_personal(plain) or may_hold_secrets(plain):
                return False
        elif type(one) is dict:
            named = cast("dict[Any, Any]", one)
            if not _INERT.issuperset(named):
                return False
            waiting += named.values()
        elif type(one) is list:
            waiting += cast("list[Any]", one)
        elif type(one) is not int or abs(one) >= _LONG_NUMBER:
            return False
    return True


def _narrowed(text: str) -> str:
    """Return *text*, as long as it was, with ASCII letters and digits for those of full width."""
    narrow = text.translate(_NARROW)
    return _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), narrow)


def _step(name: object) -> str:
    """Return the *name* of a field as a step of a path, so that no two texts have the same path."""
    return _OF_PATHS.sub(r"\\\g<0>", str(name))


def _is_secret(path: tuple[str, ...]) -> bool:
    """Whether the name of the field at *path* says that it holds a secret."""
    name = path[-1].replace("\\", "") if path else ""
    return name not in _INERT and names_a_secret(name)


def _orders_in(text: str, orders: Orders) -> list[tuple[int, int]]:
    spans = order_spans(text)
    return spans or ([(0, len(text))] if orders == "and claims" and claims_a_wish(text) else [])


#: A guard, the default one, or none.
GuardOption = Guard | Literal["default"] | None


def guard_of(option: GuardOption) -> Guard | None:
    """Return the guard that *option* names; raises `ConfigurationError` for another name."""
    match option:
        case None | Guard():
            return option
        case "default":
            return Guard()
        case _:
            raise ConfigurationError(
                f'guard is "default", None or a longterm.guard.Guard, not {option!r:.60}.'
            )


def _redacted(value: Any, path: tuple[str, ...], places: Mapping[str, Sequence[Finding]]) -> Any:
    """Return *value* with a mark for the class in the places of the findings.

    *places* has each path where something was found, with what is to be redacted of it.
    """
    found = places.get(".".join(path), ())
    match value:
        case str() | int() if found:
            text = str(value)
            for one in reversed(found):
                text = f"{text[: one.start]}[redacted: {one.class_}]{text[one.end :]}"
            return text
        case Mapping():
            done: dict[Any, Any] = {}
            for place, (name, inner) in enumerate(cast("Mapping[Any, Any]", value).items()):
                key = _redacted(name, (*path, f"(key {place})"), places)
                while key in done:  # two keys that read alike once redacted
                    key = f"{key} (again)"
                found_in_key = ".".join((*path, f"(key {place})")) in places
                step = f"(value {place})" if found_in_key else _step(name)
                done[key] = _redacted(inner, (*path, step), places)
            return done
        case list() | tuple():
            inners = enumerate(cast("Sequence[Any]", value))
            return [_redacted(inner, (*path, str(place)), places) for place, inner in inners]
        case _:
            return value
