"""``longterm eval answers``: how often a model that reads the block answers rightly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from longterm.cli.showing import bar, output, table, write_report
from longterm.errors import ConfigurationError
from longterm.evals.answers import Answered, answer_all, answerable, by_category
from longterm.evals.methods import Method
from longterm.evals.run import record_all, sessions_in
from longterm.evals.suites import Suite
from longterm.models.names import ChatModel, as_model

__all__ = ["Models", "run_answers"]


@dataclass(frozen=True, slots=True)
class Models:
    """Who answers, and who judges."""

    answering: str | ChatModel
    judging: str | ChatModel


def run_answers(
    suite: Suite,
    method: Method,
    models: Models,
    path: Path | None = None,
    console: Console | None = None,
) -> dict[str, Any]:
    """Record *suite*, have its questions answered and judged; return the report, printed too."""
    console = console or output()
    total = sum(len(answerable(one)) for one in suite.conversations)
    if not total:
        raise ConfigurationError("No question of this suite comes with its right answer.")
    model, judge = as_model(models.answering), as_model(models.judging)
    for _ in bar("recording", record_all([method], suite), sessions_in([method], suite)):
        pass
    answers = [*bar("answering", answer_all(method, suite, model, judge), total)]
    console.print(table(_answer_rows(answers), f"{suite.name}: answers found right"))
    report = _report(suite, method, answers)
    write_report(path, report)
    return report


def _answer_rows(answers: list[Answered]) -> list[list[str]]:
    shares = by_category(answers).items()
    rows = [[name, str(questions), f"{right:.3f}"] for name, (questions, right) in shares]
    return [["category", "questions", "right"], *rows]


def _report(suite: Suite, method: Method, answers: list[Answered]) -> dict[str, Any]:
    *categories, (_, (questions, right)) = by_category(answers).items()
    return {
        "suite": suite.name,
        "method": method.name,
        "questions": questions,
        "right": right,
        "without_verdict": sum(one.right is None for one in answers),
        "by_category": {
            name: {"questions": count, "right": share} for name, (count, share) in categories
        },
        "answers": [one.json for one in answers],
    }
