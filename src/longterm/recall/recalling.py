"""Recall: find what matters now among turns and memories, and hand it on as a block of text.

In this order: a first look by words, to learn who took part → read the question → one look for
candidates → rank them by every arm → let a reranker choose, if there is one → the block.
No language model takes part.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, GetOp, Item, SearchOp
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.flow import Compress, FlowRunnable, Look, fetch, search
from longterm.memory.conversation import as_messages, windows
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.recall.candidates import Candidate, Kind, Pool, pooled, speakers
from longterm.recall.context import TokenCounter, approximate_tokens, block
from longterm.recall.fuse import Ranked, Weights, rank
from longterm.recall.question import Question, ask
from longterm.recall.turns import as_candidate, unsealed

__all__ = ["Recall", "Recalled", "Recollection", "Reranker", "create_recall"]

#: How many items the first look brings; their speakers are the names a question may hold.
_SCOUTS = 24
#: A conversation of so many turns and memories is seen whole.
_WHOLE = 800
#: Of a longer one each arm of the store brings so many, and so many around the best of them.
_CANDIDATES, _AROUND = 200, 3
#: How many of the best may call for the turn before, where the look did not bring it.
_PREDECESSORS = 40
#: How many of the best candidates a reranker is shown.
_RERANKED = 50

_Place = tuple[str, ...] | str | NamespaceTemplate


@dataclass(frozen=True, slots=True)
class Recollection:
    """One thing recalled, where it came from and why."""

    kind: Kind
    text: str
    #: Compares within one recall only; *parts* add up to it.
    score: float
    parts: Mapping[str, float]
    time: datetime
    speaker: str
    namespace: Namespace
    key: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was recalled for a question, best first."""

    question: str
    items: tuple[Recollection, ...]
    #: The block for the system prompt; "" where nothing was found.
    text: str


#: Chooses among what was recalled: LangChain's document compressors, or a function.
Reranker = BaseDocumentCompressor | Callable[[str, Sequence[Recollection]], Sequence[Recollection]]


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_recall(
    *,
    namespace: _Place | Sequence[_Place] = ("turns", "{langgraph_user_id}"),
    store: BaseStore | None = None,
    limit: int = 20,
    budget: int = 2_000,
    token_counter: TokenCounter = approximate_tokens,
    weights: Weights = Weights(),  # noqa: B008 - frozen
    reranker: Reranker | None = None,
    clock: Callable[[], datetime] = _utc_now,
) -> "Recall":
    """Create a Runnable that recalls what matters to a question or to messages.

    *namespace* is a prefix, filled from ``config["configurable"]``: what lies below it, turns
    and memories alike, is searched; a list of them searches each. At most *limit* items are
    recalled, and `Recalled.text` holds the best of them in at most *budget* tokens, as
    *token_counter* counts them. *weights* say how much each arm counts, *clock* what "last
    week" is relative to; ``now`` in the config goes before it.
    """
    if limit < 0 or budget < 0:
        raise ConfigurationError(f"limit ({limit}) and budget ({budget}) cannot be negative.")
    return Recall(
        _templates(namespace),
        store,
        limit=limit,
        written=lambda items: block(items, budget=budget, count=token_counter),
        weights=weights,
        reranker=reranker,
        clock=clock,
    )


def _templates(namespace: _Place | Sequence[_Place]) -> tuple[NamespaceTemplate, ...]:
    if isinstance(namespace, list):
        return tuple(map(NamespaceTemplate, namespace))
    return (NamespaceTemplate(cast("_Place", namespace)),)


class Recall(FlowRunnable[Any, Recalled]):
    """Finds what matters now; see `create_recall`."""

    def __init__(
        self,
        namespaces: tuple[NamespaceTemplate, ...],
        store: BaseStore | None,
        *,
        limit: int,
        written: Callable[[Sequence[Candidate]], str],
        weights: Weights,
        reranker: Reranker | None,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self._namespaces = namespaces
        self._limit = limit
        self._written = written
        self._weights = weights
        self._reranker = reranker
        self._clock = clock

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Recalled:
        text = _question_in(input)
        places = tuple(template(config) for template in self._namespaces)
        if not text:
            return Recalled(text, (), "")
        now = self._now(config)
        pool = await _pool(await _read(text, places, now), places)
        question = ask(text, speakers=pool.talk.speakers, now=now)
        ranked = rank(question, pool, self._weights, max(self._limit, _RERANKED))
        chosen = await self._chosen(text, ranked)
        return Recalled(text, tuple(map(_recollection, chosen)), self._block(chosen))

    def _now(self, config: RunnableConfig) -> datetime:
        now = config.get("configurable", {}).get("now")
        now = now if isinstance(now, datetime) else self._clock()
        return now if now.tzinfo else now.replace(tzinfo=UTC)

    def _block(self, chosen: Sequence[Ranked]) -> str:
        return self._written([one.candidate for one in chosen])

    async def _chosen(self, text: str, ranked: Sequence[Ranked]) -> Sequence[Ranked]:
        match self._reranker:
            case None:
                return ranked[: self._limit]
            case BaseDocumentCompressor() as compressor:
                order = await _compressed(compressor, text, ranked[:_RERANKED])
            case function:
                order = _ordered(function, text, ranked[:_RERANKED])
        return order[: self._limit]


async def _read(text: str, places: tuple[Namespace, ...], now: datetime) -> Question:
    """Read the question, knowing whose names it may hold: of those who answered as well."""
    scouts = await Look(places, text, meaning="", limit=_SCOUTS, around=1)
    return ask(text, speakers=speakers(unsealed(hit.sealed) for hit in scouts), now=now)


async def _pool(question: Question, places: tuple[Namespace, ...]) -> Pool:
    """Find candidates, and what is needed to see them in their conversation."""
    statement = question.statement
    hits = await Look(places, statement, statement, _CANDIDATES, _AROUND, _WHOLE)
    cosines = {unsealed(hit.sealed): hit.cosine for hit in hits}
    if hits and not any(isinstance(hit.sealed, Item) for hit in hits):
        return pooled(cosines, cosines)
    return pooled([*cosines, *await _neighbours(cosines, places)], cosines)


async def _neighbours(
    found: Mapping[Candidate, float | None], places: Sequence[Namespace]
) -> list[Candidate]:
    """Find neighbours where the store knows none."""
    if any(cosine is not None for cosine in found.values()):
        return await _predecessors([*found])
    # Without vectors only turns that share a word were found.
    latest = await search([SearchOp(place, limit=_WHOLE) for place in places])
    return [as_candidate(item) for items in latest for item in items]


async def _predecessors(found: Sequence[Candidate]) -> list[Candidate]:
    """Read the turns before those found, where the look did not bring them."""
    known = {one.id for one in found}
    best = found[:_PREDECESSORS]
    before = [(one.namespace, str(one.value.get("before") or "")) for one in best]
    missing = list(dict.fromkeys(one for one in before if one[1] and one not in known))
    items = await fetch([GetOp(*one, refresh_ttl=False) for one in missing])
    return [as_candidate(item) for item in items if item is not None]


def _question_in(input: Any) -> str:
    """Take the question itself, or the last message of a conversation."""
    match input:
        case str():
            return input.strip()
        case {"question": str(text)} | {"query": str(text)}:
            return text.strip()
        case _:
            return next(iter(windows(as_messages(input), 1)), "")


def _recollection(one: Ranked) -> Recollection:
    it = one.candidate
    return Recollection(
        kind=it.kind,
        text=it.text,
        score=one.score,
        parts=one.parts,
        time=it.time,
        speaker=it.speaker,
        namespace=it.namespace,
        key=it.key,
        value=deepcopy(it.value),
    )


# --- rerankers --------------------------------------------------------------------------------


async def _compressed(
    compressor: BaseDocumentCompressor, text: str, ranked: Sequence[Ranked]
) -> list[Ranked]:
    documents = tuple(
        Document(f"[{one.candidate.time:%Y-%m-%d}] {one.candidate.text}", metadata={"rank": rank})
        for rank, one in enumerate(ranked)
    )
    return [ranked[it.metadata["rank"]] for it in await Compress(compressor, documents, text)]


def _ordered(
    function: Callable[[str, Sequence[Recollection]], Sequence[Recollection]],
    text: str,
    ranked: Sequence[Ranked],
) -> list[Ranked]:
    by_id = {one.candidate.id: one for one in ranked}
    return [by_id[it.namespace, it.key] for it in function(text, [*map(_recollection, ranked)])]
