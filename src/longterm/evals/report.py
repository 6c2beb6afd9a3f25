"""What came out of a run: figures per method, as JSON and as rows of a table. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import mean, pstdev
from typing import Any

import numpy as np

from longterm.evals.run import Asked
from longterm.evals.suites import Suite
from longterm.recall.block import approximate_tokens

__all__ = ["Figures", "as_json", "category_rows", "figures", "method_rows"]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the evidence was found, for some of the questions."""

    questions: int
    #: By how many turns counted.
    recall: dict[int, float]
    #: How often the first turn was evidence.
    hit: float

    @property
    def json(self) -> dict[str, Any]:
        """The figures under the keys of the report."""
        recall = {str(k): _rounded(share) for k, share in self.recall.items()}
        return {"questions": self.questions, "recall": recall, "hit@1": _rounded(self.hit)}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one method reached."""

    method: str
    overall: Share
    by_category: dict[str, Share]
    by_conversation: dict[str, Share]
    #: Milliseconds per question, half and nineteen of twenty of them.
    p50: float
    p95: float
    #: Tokens of the block, on average.
    tokens: float

    @property
    def json(self) -> dict[str, Any]:
        """The figures under the keys of the report."""
        return self.overall.json | {
            "by_category": _json_of(self.by_category),
            "by_conversation": _json_of(self.by_conversation),
            "spread": {str(k): _rounded(self.spread(k)) for k in self.overall.recall},
            "block_tokens": round(self.tokens),
            "latency_ms": {"p50": round(self.p50, 2), "p95": round(self.p95, 2)},
        }

    def spread(self, k: int) -> float:
        """Tell the standard deviation of recall@*k* over the conversations."""
        return pstdev(share.recall[k] for share in self.by_conversation.values())


def _json_of(shares: dict[str, Share]) -> dict[str, Any]:
    return {name: share.json for name, share in shares.items()}


def _rounded(share: float) -> float:
    return round(share, 4)


def figures(asked: Sequence[Asked], ks: Sequence[int]) -> list[Figures]:
    """Sum up what each method reached, in the order of the methods."""
    by_method = {one.method: [*_of(asked, one.method)] for one in asked}
    return [_figures(method, answers, ks) for method, answers in by_method.items()]


def _of(asked: Iterable[Asked], method: str) -> Iterable[Asked]:
    return (one for one in asked if one.method == method)


def _figures(method: str, asked: Sequence[Asked], ks: Sequence[int]) -> Figures:
    p50, p95 = np.percentile([one.seconds * 1000 for one in asked], [50, 95]).tolist()
    return Figures(
        method=method,
        overall=_share(asked, ks),
        by_category=_shares(asked, ks, lambda one: one.question.category),
        by_conversation=_shares(asked, ks, lambda one: one.conversation),
        p50=p50,
        p95=p95,
        tokens=mean(approximate_tokens(one.found.block) for one in asked),
    )


def _shares(
    asked: Sequence[Asked], ks: Sequence[int], key: Callable[[Asked], str]
) -> dict[str, Share]:
    return {name: _share([*some], ks) for name, some in groupby(sorted(asked, key=key), key)}


def _share(asked: Sequence[Asked], ks: Sequence[int]) -> Share:
    return Share(
        questions=len(asked),
        recall={k: mean(_recall(one, k) for one in asked) for k in ks},
        hit=mean(_recall(one, 1) > 0 for one in asked),
    )


def _recall(one: Asked, k: int) -> float:
    """Share of the question's evidence among the first *k* turns found."""
    evidence = set(one.question.evidence)
    return len(evidence & set(one.found.ids[:k])) / len(evidence)


def as_json(suite: Suite, reached: Sequence[Figures], *, budget: int) -> dict[str, Any]:
    """Make the report: the first method's figures at the top, every method's by its name."""
    return {
        "suite": suite.name,
        "conversations": len(suite.conversations),
        "turns": sum(len(one.turns) for one in suite.conversations),
        "budget": budget,
        "method": reached[0].method,
        **reached[0].json,
        "methods": {one.method: one.json for one in reached},
    }


def method_rows(reached: Sequence[Figures]) -> list[list[str]]:
    """Rows of a table of the methods, the first row its heads."""
    ks = [*reached[0].overall.recall]
    heads = ["method", *(f"R@{k}" for k in ks), "hit@1", "tokens", "p50 ms", "p95 ms"]
    return [heads, *(_method_row(one) for one in reached)]


def _method_row(one: Figures) -> list[str]:
    rest = [f"{one.tokens:.0f}", f"{one.p50:.1f}", f"{one.p95:.1f}"]
    return [one.method, *_cells(one.overall), *rest]


def category_rows(one: Figures) -> list[list[str]]:
    """Rows of a table of one method's categories, the first row its heads."""
    heads = ["category", "questions", *(f"R@{k}" for k in one.overall.recall), "hit@1"]
    shares = one.by_category | {"all": one.overall}
    rows = [[name, str(share.questions), *_cells(share)] for name, share in shares.items()]
    return [heads, *rows]


def _cells(share: Share) -> list[str]:
    return [f"{value:.3f}" for value in (*share.recall.values(), share.hit)]
