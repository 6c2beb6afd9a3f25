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
from longterm.effects.capabilities import EmbedsLater
from longterm.effects.steps import Flow, Has, StoreCall, search, search_op
from longterm.errors import ConfigurationError
from longterm.evals.suites import Suite, SuiteConversation, SuiteQuestion, SuiteTurn
from longterm.memory.namespace import NamespaceTemplate
from longterm.memory.revision import Source
from longterm.recall.block import block, compose
from longterm.recall.candidates import Candidate, as_candidate
from longterm.recall.fusion import Weights
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.results import RecallResult
from longterm.recall.retriever import create_recall
from longterm.settings import embedded_store

__all__ = [
    "BASELINES",
    "BLOCK_BUDGETS",
    "FACTS_PLACE",
    "PLACE",
    "SIGNALS",
    "Found",
    "Method",
    "Stores",
    "left_out",
    "methods",
    "names_in",
]

#: Each conversation has a namespace of its own.
PLACE = NamespaceTemplate(("evals", "{suite}", "{conversation}"))
#: … and another for the facts that come with it.
FACTS_PLACE = NamespaceTemplate(("evals-facts", "{suite}", "{conversation}"))
#: Recall over turns and facts; turns alone are counted.
_WITH_FACTS = "facts"

#: Ours with all weights but one at nothing.
SIGNALS = tuple(one.name for one in fields(Weights))
#: What others do: full text alone; LangMem's search, cosines on an `InMemoryStore`; and the search
#: of our own store, as managers and tools use it.
BASELINES = ("bm25", "cosine", "store")
#: Budgets, in tokens, of the blocks whose evidence is counted.
BLOCK_BUDGETS = (500, 1_000, 2_000, 4_000)
#: Tokens of the shortest turns, about: how many turns a block may hold at most follows.
_SHORT_TURN = 20


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
    record: Callable[[Sequence[SuiteTurn], RunnableConfig], Flow[object]]
    find: Callable[[SuiteQuestion, RunnableConfig], Flow[Found]]
    #: Ids of the turns that stand in the block of each of `BLOCK_BUDGETS`.
    blocks: Callable[[SuiteQuestion, RunnableConfig], Flow[dict[int, frozenset[str]]]]
    #: Takes the facts of a conversation, where the method looks at them.
    learn: Callable[[SuiteConversation, RunnableConfig], Flow[object]] | None = None


def names_in(texts: Iterable[str]) -> list[str]:
    """Names of methods, from texts that may hold several; "signals" and "all" stand for theirs.

    Raises `ConfigurationError` for an unknown one.
    """
    groups = {
        "signals": SIGNALS,
        "arms": SIGNALS,
        "all": ("longterm", _WITH_FACTS, *BASELINES, *SIGNALS),
    }
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


def left_out(names: Sequence[str], suite: Suite, stores: Stores) -> dict[str, str]:
    """Say which of *names* have nothing to measure here, each with the reason in a sentence."""
    reasons: dict[str, str] = {}
    if not any(conversation.facts for conversation in suite.conversations):
        reasons[_WITH_FACTS] = f"no conversation of {suite.name} comes with facts"
    if getattr(stores.ours, "index_config", None) is None:
        why = "it compares embeddings, and the store has none"
        reasons |= dict.fromkeys(("cosine", "vector"), why)
    return {
        name: f"The method {name} is left out: {reasons[name]}."
        for name in names
        if name in reasons
    }


def methods(names: Sequence[str], stores: Stores, *, limit: int, budget: int) -> list[Method]:
    """Make the methods of these names; each finds *limit* turns and fills *budget* tokens."""
    made = {
        "bm25": lambda: _plain_search("bm25", stores.full_text, limit, budget),
        "cosine": lambda: _plain_search("cosine", stores.cosine, limit, budget),
        # The search of the store itself, over the turns that recall looks at.
        "store": lambda: Method(
            "store",
            stores.ours,
            _record_turns(stores.ours),
            *_searching(limit, budget, lambda one: one.message_id),
        ),
    }
    return [
        made[name]() if name in made else _recall(name, stores.ours, limit, budget)
        for name in names
    ]


def _record_turns(
    store: BaseStore,
) -> Callable[[Sequence[SuiteTurn], RunnableConfig], Flow[object]]:
    recorder = create_conversation_recorder(namespace=PLACE, store=store)

    async def record(turns: Sequence[SuiteTurn], config: RunnableConfig) -> None:
        await recorder.flow([turn.message for turn in turns], config)
        if await Has(EmbedsLater):  # or the first question would take the time
            await StoreCall("embed_pending", ())

    return record


async def _learn(conversation: SuiteConversation, config: RunnableConfig) -> None:
    """Put each fact as a memory that was learned from its turns."""
    said = {
        turn.id: Source(turn.session, turn.id, turn.time, origin="user")
        for turn in conversation.turns
    }
    writes = [
        Write(
            FACTS_PLACE(config),
            f"{number}",
            {"kind": "Memory", "content": {"content": fact.text}},
            sources=tuple(said[turn] for turn in fact.turns if turn in said),
        )
        for number, fact in enumerate(conversation.facts)
    ]
    await commit(writes, actor="import")


def _recall(name: str, store: BaseStore, limit: int, budget: int) -> Method:
    """Recall as it is shipped, or with one signal, for or against as shipped, and no other."""
    weights = Weights()
    if name in SIGNALS:
        nothing = dict.fromkeys(SIGNALS, 0.0)
        weights = Weights(**nothing | {name: copysign(1.0, getattr(weights, name))})
    learns = name == _WITH_FACTS
    places = [PLACE, FACTS_PLACE] if learns else [PLACE]
    recall = create_recall(namespace=places, store=store, budget=budget, weights=weights)
    # Facts are no evidence; about every second item may be one.
    limited = recall.within(limit=2 * limit if learns else limit, budget=budget)

    async def find(question: SuiteQuestion, config: RunnableConfig) -> Found:
        recalled = await limited.flow(question.text, config)
        return Found(_turns_in(recalled)[:limit], recalled.text)

    async def blocks(question: SuiteQuestion, config: RunnableConfig) -> dict[int, frozenset[str]]:
        found: dict[int, frozenset[str]] = {}
        for tokens in BLOCK_BUDGETS:
            recalled = await recall.within(limit=None, budget=tokens).flow(question.text, config)
            found[tokens] = frozenset(_turns_in(recalled))
        return found

    return Method(name, store, _record_turns(store), find, blocks, learn=_learn if learns else None)


def _turns_in(recalled: RecallResult) -> tuple[str, ...]:
    return tuple(str(one.value["message_id"]) for one in recalled.items if one.kind == "turn")


def _plain_search(name: str, store: BaseStore, limit: int, budget: int) -> Method:
    """Put each turn as a memory and search for the question as it is."""

    async def record(turns: Sequence[SuiteTurn], config: RunnableConfig) -> None:
        writes = [
            Write(
                PLACE(config),
                turn.id,
                {
                    "content": f"{turn.speaker or turn.role}: {turn.text}",
                    "time": turn.time.isoformat(),
                },
            )
            for turn in turns
        ]
        await commit(writes, actor="import")

    find, blocks = _searching(limit, budget, lambda one: one.key)
    return Method(name, store, record, find, blocks)


def _searching(
    limit: int, budget: int, id_of: Callable[[Candidate], str]
) -> tuple[
    Callable[[SuiteQuestion, RunnableConfig], Flow[Found]],
    Callable[[SuiteQuestion, RunnableConfig], Flow[dict[int, frozenset[str]]]],
]:
    """Find by the store's search, best first, as much as the block holds."""

    async def candidates(
        question: SuiteQuestion, config: RunnableConfig, limit: int
    ) -> list[Candidate]:
        (items,) = await search([search_op(PLACE(config), question.text, limit=limit)])
        return [as_candidate(item) for item in items]

    async def find(question: SuiteQuestion, config: RunnableConfig) -> Found:
        found = await candidates(question, config, limit)
        return Found(tuple(map(id_of, found)), block(found, budget=budget))

    async def blocks(question: SuiteQuestion, config: RunnableConfig) -> dict[int, frozenset[str]]:
        found = await candidates(question, config, max(BLOCK_BUDGETS) // _SHORT_TURN)
        return {
            tokens: frozenset(map(id_of, compose(found, budget=tokens)[1]))
            for tokens in BLOCK_BUDGETS
        }

    return find, blocks
