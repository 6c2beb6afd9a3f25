"""Methods: the ways of finding turns that are measured side by side.

Ours, each of its signals alone, and what others do. All that are ours share one store.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from math import copysign
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from longterm.commit import Write, commit
from longterm.effects.operations import search_op
from longterm.effects.steps import Flow, search
from longterm.errors import ConfigurationError
from longterm.evals.suites import Question, Turn
from longterm.memory.namespace import NamespaceTemplate
from longterm.recall.block import block
from longterm.recall.fusion import Weights
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import create_recall
from longterm.recall.turns import as_candidate
from longterm.settings import embedded_store

__all__ = ["BASELINES", "PLACE", "SIGNALS", "Found", "Method", "Stores", "methods", "names_in"]

#: Each conversation has a namespace of its own.
PLACE = NamespaceTemplate(("evals", "{suite}", "{conversation}"))

#: Ours with all weights but one at nothing.
SIGNALS = tuple(one.name for one in fields(Weights))
#: What others do: full text alone; and LangMem's search, cosines on an `InMemoryStore`.
BASELINES = ("bm25", "cosine")


@dataclass(frozen=True, slots=True)
class Found:
    """What a method found: ids of turns, best first, and the block for the prompt."""

    ids: tuple[str, ...]
    block: str


@dataclass(frozen=True, slots=True)
class Method:
    """A way of finding turns, in a store of its kind."""

    name: str
    store: BaseStore
    #: Takes the turns of one session.
    record: Callable[[Sequence[Turn], RunnableConfig], Flow[object]]
    find: Callable[[Question, RunnableConfig], Flow[Found]]


def names_in(texts: Iterable[str]) -> list[str]:
    """Names of methods, from texts that may hold several; "signals" and "all" stand for theirs.

    Raises `ConfigurationError` for one that nobody knows.
    """
    groups = {"signals": SIGNALS, "arms": SIGNALS, "all": ("longterm", *BASELINES, *SIGNALS)}
    known = dict.fromkeys(groups["all"])
    said = [name.strip() for text in texts for name in text.split(",") if name.strip()]
    names = [name for one in said for name in groups.get(one, (one,))]
    if not names:
        raise ConfigurationError(f"Name a method: {', '.join([*known, *groups])}.")
    if unknown := [name for name in names if name not in known]:
        raise ConfigurationError(
            f"There is no method {unknown[0]!r}. Known are {', '.join([*known, *groups])}."
        )
    return list(dict.fromkeys(names))


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that methods record in: ours for all of ours, one for each baseline."""

    ours: BaseStore
    full_text: BaseStore
    cosine: BaseStore

    @classmethod
    def beside(cls, ours: BaseStore) -> "Stores":
        """Make those of the baselines; the cosine has the embedding model of *ours*."""
        index: Any = getattr(ours, "index_config", None)
        of_contents: Any = {**index, "fields": ["content"]} if index else None
        return cls(ours, embedded_store(vectors=False), InMemoryStore(index=of_contents))


def methods(names: Sequence[str], stores: Stores, *, limit: int, budget: int) -> list[Method]:
    """Make the methods of these names; each finds *limit* turns and fills *budget* tokens."""
    baselines = {"bm25": stores.full_text, "cosine": stores.cosine}
    return [
        _baseline(name, baselines[name], limit, budget)
        if name in baselines
        else _ours(name, stores.ours, limit, budget)
        for name in names
    ]


# --- ours -------------------------------------------------------------------------------------


def _ours(name: str, store: BaseStore, limit: int, budget: int) -> Method:
    weights = _alone(name) if name in SIGNALS else Weights()
    recall = create_recall(
        namespace=PLACE, store=store, limit=limit, budget=budget, weights=weights
    )
    recorder = create_conversation_recorder(namespace=PLACE, store=store)

    def record(turns: Sequence[Turn], config: RunnableConfig) -> Flow[object]:
        return recorder.flow([turn.message for turn in turns], config)

    async def find(question: Question, config: RunnableConfig) -> Found:
        recalled = await recall.flow(question.text, config)
        return Found(tuple(str(one.value["message_id"]) for one in recalled.items), recalled.text)

    return Method(name, store, record, find)


def _alone(arm: str) -> Weights:
    """Weigh one arm, for or against as shipped, and nothing else."""
    nothing = dict.fromkeys(SIGNALS, 0.0)
    return Weights(**nothing | {arm: copysign(1.0, getattr(Weights(), arm))})


# --- what others do ---------------------------------------------------------------------------


def _baseline(name: str, store: BaseStore, limit: int, budget: int) -> Method:
    """Put each turn as a memory and search for the question as it is."""

    async def record(turns: Sequence[Turn], config: RunnableConfig) -> None:
        await commit(
            [Write(PLACE(config), turn.id, _memory(turn)) for turn in turns], actor="import"
        )

    async def find(question: Question, config: RunnableConfig) -> Found:
        (items,) = await search([search_op(PLACE(config), question.text, limit=limit)])
        return Found(
            tuple(item.key for item in items),
            block([as_candidate(item) for item in items], budget=budget),
        )

    return Method(name, store, record, find)


def _memory(turn: Turn) -> dict[str, Any]:
    return {"content": f"{turn.speaker or turn.role}: {turn.text}", "time": turn.time.isoformat()}
