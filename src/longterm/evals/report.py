"""What came out of a run: figures per method, as JSON and as rows of a table. Pure."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import mean, pstdev
from typing import Any

import numpy as np

from longterm.evals.run import QuestionResult
from longterm.evals.suites import Suite
from longterm.recall.reading import approximate_tokens

__all__ = ["Figures", "category_rows", "figures", "method_rows", "report_json"]


@dataclass(frozen=True, slots=True)
class Share:
    """How much of the evidence was found, for some of the questions."""

    questions: int
    #: By how many turns counted.
    recall: dict[int, float]
    #: How often the first turn was evidence.
    hit: float
    #: How much of it stands in the block, by the block's budget in tokens.
    block: dict[int, float]

    @classmethod
    def of(cls, asked: Sequence[QuestionResult], ks: Sequence[int]) -> "Share":
        """Average over *asked*, counting the first k turns for each of *ks*."""
        return cls(
            questions=len(asked),
            recall={k: mean(_share(one, one.found.ids[:k]) for one in asked) for k in ks},
            hit=mean(_share(one, one.found.ids[:1]) > 0 for one in asked),
            block={
                tokens: mean(_share(one, one.blocks[tokens]) for one in asked)
                for tokens in asked[0].blocks
            },
        )

    @property
    def json(self) -> dict[str, Any]:
        """The figures under the keys of the report."""
        return {
            "questions": self.questions,
            "recall": {str(k): round(share, 4) for k, share in self.recall.items()},
            "hit@1": round(self.hit, 4),
            "block": {str(tokens): round(share, 4) for tokens, share in self.block.items()},
        }

    @property
    def cells(self) -> list[str]:
        """The figures as a table shows them."""
        figures = (*self.recall.values(), self.hit, *self.block.values())
        return [f"{value:.3f}" for value in figures]

    @property
    def heads(self) -> list[str]:
        """What stands above `cells`."""
        return [
            *(f"R@{k}" for k in self.recall),
            "hit@1",
            *(f"in {tokens}" for tokens in self.block),
        ]


def _share(one: QuestionResult, ids: Collection[str]) -> float:
    """Share of the question's evidence among *ids*."""
    evidence = set(one.question.evidence)
    return len(evidence.intersection(ids)) / len(evidence)


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
            "by_category": {name: share.json for name, share in self.by_category.items()},
            "by_conversation": {name: share.json for name, share in self.by_conversation.items()},
            "spread": {str(k): round(self.spread(k), 4) for k in self.overall.recall},
            "block_tokens": round(self.tokens),
            "latency_ms": {"p50": round(self.p50, 2), "p95": round(self.p95, 2)},
        }

    def spread(self, k: int) -> float:
        """Return the standard deviation of recall@*k* over the conversations."""
        return pstdev(share.recall[k] for share in self.by_conversation.values())


def figures(asked: Sequence[QuestionResult], ks: Sequence[int]) -> list[Figures]:
    """Sum up what each method reached, in the order of the methods."""
    by_method = _by_category(asked, lambda one: one.method)
    reached: list[Figures] = []
    for method, answers in by_method.items():
        milliseconds = [one.seconds * 1000 for one in answers]
        p50, p95 = np.percentile(milliseconds, [50, 95]).tolist()
        categories = _by_category(answers, lambda one: one.question.category)
        conversations = _by_category(answers, lambda one: one.conversation)
        one = Figures(
            method=method,
            overall=Share.of(answers, ks),
            by_category={name: Share.of(categories[name], ks) for name in sorted(categories)},
            by_conversation={name: Share.of(some, ks) for name, some in conversations.items()},
            p50=p50,
            p95=p95,
            tokens=mean(approximate_tokens(one.found.block) for one in answers),
        )
        reached.append(one)
    return reached


def _by_category(
    asked: Iterable[QuestionResult], key: Callable[[QuestionResult], str]
) -> dict[str, list[QuestionResult]]:
    groups: dict[str, list[QuestionResult]] = {}
    for one in asked:
        groups.setdefault(key(one), []).append(one)
    return groups


def report_json(suite: Suite, reached: Sequence[Figures], *, budget: int) -> dict[str, Any]:
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
    rows = [
        [one.method, *one.overall.cells, f"{one.tokens:.0f}", f"{one.p50:.1f}", f"{one.p95:.1f}"]
        for one in reached
    ]
    return [["method", *reached[0].overall.heads, "tokens", "p50 ms", "p95 ms"], *rows]


def category_rows(one: Figures) -> list[list[str]]:
    """Rows of a table of one method's categories, the first row its heads."""
    shares = one.by_category | {"all": one.overall}
    rows = [[name, str(share.questions), *share.cells] for name, share in shares.items()]
    return [["category", "questions", *one.overall.heads], *rows]
