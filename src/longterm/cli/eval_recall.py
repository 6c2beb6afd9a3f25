"""``longterm eval recall``: how much of the evidence recall finds, method by method."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from longterm.cli.showing import bar, output, print_line, table, write_report
from longterm.errors import ConfigurationError
from longterm.evals.methods import Method, Stores, left_out, methods
from longterm.evals.report import Figures, category_rows, figures, method_rows, report_json
from longterm.evals.run import QuestionResult, ask_all, questions_in, record_all, sessions_in
from longterm.evals.suites import Suite

__all__ = ["Choice", "run_recall", "whole_numbers"]

_NUMBER = re.compile(r"0*[1-9]\d{0,5}", re.ASCII)
#: Tables by category are shown for so many methods; the JSON has them all.
_FEW = 3


@dataclass(frozen=True, slots=True)
class Choice:
    """What shall be measured, as the options say."""

    methods: Sequence[str]
    ks: Sequence[int]
    budget: int
    report: Path | None = None


def whole_numbers(text: str) -> list[int]:
    """Read "5,10" as numbers from 1, in order."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(map(_NUMBER.fullmatch, parts)):
        raise ConfigurationError(f"--k takes whole numbers such as 5,10,25,50, not {text!r}.")
    return sorted({int(part) for part in parts})


def run_recall(
    suite: Suite, stores: Stores, choice: Choice, console: Console | None = None
) -> dict[str, Any]:
    """Record *suite*, ask its questions, print the figures; write and return the report."""
    console = console or output()
    if not any(questions_in(one) for one in suite.conversations):
        raise ConfigurationError("No question of this suite names the turns that answer it.")
    missing = left_out(choice.methods, suite, stores)
    names = [name for name in choice.methods if name not in missing]
    if not names:
        raise ConfigurationError(" ".join([*missing.values(), "Nothing remains to be measured."]))
    for sentence in missing.values():
        print_line(sentence, err=True)
    chosen = methods(names, stores, limit=max(choice.ks), budget=choice.budget)
    asked = _timed_run(chosen, suite)
    reached = figures(asked, choice.ks)
    _show_figures(console, suite, reached)
    report = report_json(suite, reached, budget=choice.budget)
    write_report(choice.report, report)
    return report


def _timed_run(chosen: Sequence[Method], suite: Suite) -> list[QuestionResult]:
    for _ in bar("recording", record_all(chosen, suite), sessions_in(chosen, suite)):
        pass
    questions = sum(len(questions_in(one)) for one in suite.conversations)
    return [*bar("asking", ask_all(chosen, suite), questions * len(chosen))]


def _show_figures(console: Console, suite: Suite, reached: Sequence[Figures]) -> None:
    turns = sum(len(one.turns) for one in suite.conversations)
    title = f"{suite.name}: {reached[0].overall.questions} questions, {turns} turns"
    console.print(table(method_rows(reached), title))
    for one in reached if len(reached) <= _FEW else reached[:1]:
        console.print(table(category_rows(one), one.method))
