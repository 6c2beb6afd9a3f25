"""What a measured optimisation found: scores, costs, and whether the prompt was taken."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

__all__ = ["MeasuredPrompt", "PromptCandidate", "Report"]


@dataclass(frozen=True, slots=True)
class PromptCandidate:
    """A prompt that was tried."""

    prompt: str
    #: Mean on the examples held back; None where it was not tried on all of them.
    score: float | None
    #: Score of each example held back.
    scores: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """Result of one measured optimisation; print it, or `save` it."""

    kind: str
    #: Whether a candidate took the place of the old prompt.
    accepted: bool
    #: The old prompt.
    baseline: PromptCandidate
    candidates: tuple[PromptCandidate, ...]
    #: Number of examples held back.
    held_back: int
    calls: int
    max_calls: int
    tokens: int
    #: Why it ended before it was done, if it did.
    note: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Everything in it, ready for JSON."""
        return asdict(self)

    def save(self, path: str | Path) -> None:
        """Write it to *path* as JSON."""
        text = json.dumps(self.as_dict(), ensure_ascii=False, indent=2)
        Path(path).write_text(text + "\n", encoding="utf-8")

    def __str__(self) -> str:
        verdict = "accepted" if self.accepted else "the old prompt stays"
        lines = [f"{self.kind}: {verdict} (score on {self.held_back} examples held back)"]
        names = ["old", *map(str, range(1, len(self.candidates) + 1))]
        for name, one in zip(names, (self.baseline, *self.candidates), strict=True):
            score = "not done" if one.score is None else f"{one.score:8.3f}"
            lines.append(f"  {name:>4}  {score:>8}  {' '.join(one.prompt.split())[:60]}")
        lines.append(f"{self.calls} of {self.max_calls} calls, {self.tokens} tokens")
        return "\n".join([*lines, self.note] if self.note else lines)


class MeasuredPrompt(str):  # noqa: SLOT000 - it carries a report
    """A prompt, a plain text in every way, that knows how it was measured."""

    report: Report

    def __new__(cls, text: str, report: Report) -> Self:
        """Return *text* with its *report*."""
        prompt = super().__new__(cls, text)
        prompt.report = report
        return prompt

    def __getnewargs__(self) -> tuple[str, Report]:  # type: ignore[override] - for copy and pickle
        return str(self), self.report
