"""The guard: secrets, personal data and origin, looked at before anything is written. Pure."""

from longterm.guard.check import (
    DEFAULT_ACTIONS,
    DEFAULT_RULES,
    Finding,
    Guard,
    GuardAction,
    GuardOption,
    Orders,
    Verdict,
    guard_of,
)
from longterm.guard.personal import personal
from longterm.guard.rule import Match, Rule
from longterm.guard.secrets import secrets

__all__ = [
    "DEFAULT_ACTIONS",
    "DEFAULT_RULES",
    "Finding",
    "Guard",
    "GuardAction",
    "GuardOption",
    "Match",
    "Orders",
    "Rule",
    "Verdict",
    "guard_of",
    "personal",
    "secrets",
]
