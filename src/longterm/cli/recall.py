"""``longterm recall``: what is remembered for a question, as the block or as JSON."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from rich.console import Console

from longterm.cli.place import Place
from longterm.effects.drivers import run as run_flow
from longterm.recall.retriever import RecallItem, RecallResult, create_recall

__all__ = ["run"]


def run(
    question: str,
    place: Place,
    *,
    limit: int,
    budget: int,
    now: datetime | None,
    as_json: bool,
    console: Console | None = None,
) -> None:
    """Recall for *question* and print it."""
    console = console or Console()
    config = place.config(**({"now": now} if now else {}))
    with place.existing() as store:
        recall = create_recall(namespace=place.all, store=store, limit=limit, budget=budget)
        recalled = run_flow(recall.flow(question, config), config, store=store)
    text = json.dumps(_json(recalled), ensure_ascii=False, indent=2) if as_json else recalled.text
    if not text:
        Console(stderr=True).print("Nothing is remembered.")
    else:
        console.out(text, highlight=False)


def _json(recalled: RecallResult) -> dict[str, Any]:
    return {
        "question": recalled.question,
        "text": recalled.text,
        "items": [_item(item) for item in recalled.items],
    }


def _item(item: RecallItem) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "text": item.text,
        "score": round(item.score, 4),
        "parts": {arm: round(added, 4) for arm, added in item.parts.items()},
        "time": item.time.isoformat(),
        "speaker": item.speaker,
        "namespace": list(item.namespace),
        "key": item.key,
    }
