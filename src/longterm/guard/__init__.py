"""The guard: secrets, personal data and origin, looked at before anything is written. Pure."""

from longterm.guard.check import (
    DEFAULT_ACTIONS,
    DEFAULT_RULES,
    Finding,
    Guard,
    GuardAction,
    Verdict,
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
    "Match",
    "Rule",
    "Verdict",
    "personal",
    "secrets",
]
