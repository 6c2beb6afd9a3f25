"""``longterm eval fit``: weights for recall's signals, by a suite's own questions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
from langgraph.store.base import BaseStore
from rich.console import Console

from longterm.cli.showing import bar, output, table, write_report
from longterm.effects.drivers import run
from longterm.errors import ConfigurationError
from longterm.evals.fitting import AskedQuestion, compared, fitted
from longterm.evals.methods import PLACE, Stores, methods
from longterm.evals.run import config_of, questions_in, record_all, sessions_in
from longterm.evals.suites import Suite
from longterm.recall.fusion import Weights
from longterm.recall.retriever import create_recall

__all__ = ["run_fit"]


def run_fit(
    suite: Suite, store: BaseStore, path: Path | None, console: Console | None = None
) -> dict[str, Any]:
    """Record *suite*, fit weights to its questions, print both; write and return the weights."""
    console = console or output()
    questions = sum(len(questions_in(one)) for one in suite.conversations)
    if not questions:
        raise ConfigurationError("No question of this suite names the turns that answer it.")
    chosen = methods(["longterm"], Stores.beside(store), limit=10, budget=0)
    for _ in bar("recording", record_all(chosen, suite), sessions_in(chosen, suite)):
        pass
    examples = [*bar("asking", _examples(suite, store), questions)]
    weights = fitted(examples)
    rows = [["signal", "shipped", "fitted"]]
    shipped, own = asdict(Weights()), asdict(weights)
    rows += [[name, f"{shipped[name]:.2f}", f"{own[name]:.2f}"] for name in shipped]
    console.print(table(rows, f"weights, by {questions} questions of {suite.name}"))
    report: dict[str, Any] = {"weights": own}
    if len(suite.conversations) > 1:
        seen = compared(examples)
        report["recall@10"] = {"shipped": round(seen.shipped, 4), "fitted": round(seen.fitted, 4)}
        console.print(
            f"recall@10 on conversations left out of the fit: {seen.shipped:.3f} as shipped, "
            f"{seen.fitted:.3f} fitted"
        )
    else:
        console.print("With one conversation there is none to leave out, so nothing is compared.")
    write_report(path, report)
    return json.loads(json.dumps(report))


def _examples(suite: Suite, store: BaseStore) -> Iterator[AskedQuestion]:
    """Ask every question that has evidence, and keep what each signal says."""
    names = [one.name for one in fields(Weights)]
    every = create_recall(
        namespace=PLACE, store=store, weights=Weights(**dict.fromkeys(names, 1.0))
    )
    for conversation in suite.conversations:
        for question in questions_in(conversation):
            config = config_of(suite, conversation, now=question.now)
            ranking = run(every.ranking(question.text, config), config, store=store)
            if ranking is None:
                continue
            ids = [one.message_id for one in ranking.candidates.candidates]
            yield AskedQuestion(
                conversation.name,
                np.stack([ranking.weighed[name] for name in names], axis=1),
                np.isin(ids, question.evidence),
                len(question.evidence),
            )
