"""Recall: find what matters now among turns and memories, and hand it on as a block of text.

In this order: a first search by words, to learn who took part → parse the question → one search
for candidates → rank them by every signal → let a reranker choose, if there is one → the block.
No language model takes part.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import copy, deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, GetOp, Item, SearchOp
from typing_extensions import override

from longterm.effects.clock import utc_now
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Compress, HybridQuery, fetch, search
from longterm.errors import ConfigurationError
from longterm.memory.conversation import QUERY_LIMIT, as_messages, windows
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.recall.block import TokenCounter, approximate_tokens, block
from longterm.recall.cache import ReadingCache
from longterm.recall.candidates import (
    Candidate,
    CandidateSet,
    ItemType,
    candidate_set,
    named_speakers,
)
from longterm.recall.fusion import Ranked, Weights, rank
from longterm.recall.question import Question, parse_question

__all__ = ["Recall", "RecallItem", "RecallResult", "Reranker", "create_recall"]

#: How many items the first search brings; their speakers are the names a question may hold.
_FIRST_ITEMS = 24
#: Namespaces that hold no more turns and memories are read as a whole.
_FULL_SCAN_LIMIT = 800
#: Of a larger one each signal of the store brings so many, and so many around the best of them.
_CANDIDATES, _NEIGHBORS = 200, 3
#: How many of the best may call for the turn before, where the store brought none.
_PREDECESSORS = 40
#: How many of the best candidates a reranker is shown at least.
_RERANKED = 50
#: Bytes of texts a recall keeps for the next question.
_CACHE_BYTES = 64 * 2**20

_Place = tuple[str, ...] | str | NamespaceTemplate


@dataclass(frozen=True, slots=True)
class RecallItem:
    """One thing recalled, where it came from and why."""

    kind: ItemType
    text: str
    #: Compares within one recall only; *parts*, by the names of the signals, add up to it.
    score: float
    parts: Mapping[str, float]
    time: datetime
    speaker: str
    namespace: Namespace
    key: str
    value: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What was recalled for a question, best first."""

    question: str
    items: tuple[RecallItem, ...]
    #: The block for the system prompt; "" where nothing was found.
    text: str


#: Chooses among what was recalled: LangChain's document compressors, or a function.
Reranker = BaseDocumentCompressor | Callable[[str, Sequence[RecallItem]], Sequence[RecallItem]]


def create_recall(
    *,
    namespace: _Place | Sequence[_Place] = ("turns", "{langgraph_user_id}"),
    store: BaseStore | None = None,
    limit: int = 20,
    budget: int = 2_000,
    token_counter: TokenCounter = approximate_tokens,
    weights: Weights = Weights(),  # noqa: B008 - frozen
    reranker: Reranker | None = None,
    examples: FlowRunnable[str, Any] | None = None,
    exact: bool = False,
    cache_bytes: int = _CACHE_BYTES,
    clock: Callable[[], datetime] = utc_now,
) -> "Recall":
    """Create a Runnable that recalls what matters to a question or to messages.

    *namespace* is a prefix, filled from ``config["configurable"]``: what lies below it, turns
    and memories alike, is searched, and with *exact* only what lies in it itself; a list of
    them searches each. At most *limit* items are recalled, and `RecallResult.text` holds the
    best of them in at most *budget* tokens, as *token_counter* counts them. What *examples*
    finds for the question (see `longterm.prompts.create_few_shot`), in the same store, follows
    them there, out of the same budget, unless it takes more than half of it. *weights* say how
    much each signal counts, *clock* what "last week" is relative to; ``now`` in the config goes
    before it. Of what was read last, about *cache_bytes* are kept in memory for the next
    question, until `Recall.close` or an erase.
    """
    _check_bounds(limit, budget)
    if examples is not None and examples.store not in (None, store):
        raise ConfigurationError(
            "examples are looked for in the store of the recall: give the store to the recall."
        )
    if isinstance(namespace, list) and any(isinstance(place, str) for place in namespace):
        raise ConfigurationError(
            f"{namespace!r} may mean one namespace or several: write one as a tuple of its "
            "labels, several as a list of tuples."
        )
    places = namespace if isinstance(namespace, list) else [cast("_Place", namespace)]
    return Recall(
        tuple(map(NamespaceTemplate, places)),
        store,
        limit=limit,
        budget=budget,
        token_counter=token_counter,
        weights=weights,
        reranker=reranker,
        examples=examples,
        exact=exact,
        cache=ReadingCache(cache_bytes),
        clock=clock,
    )


def _check_bounds(limit: int, budget: int) -> None:
    if limit < 0 or budget < 0:
        raise ConfigurationError(f"limit ({limit}) and budget ({budget}) cannot be negative.")


@dataclass(frozen=True, slots=True)
class _Scope:
    """The namespaces that are searched, and whether what lies below them counts."""

    places: tuple[Namespace, ...]
    exact: bool

    def holds(self, one: Candidate) -> bool:
        """Whether it lies where it was looked for: a store may take "ann" for part of "anna"."""
        if self.exact:
            return one.namespace in self.places
        return any(one.namespace[: len(place)] == place for place in self.places)


class Recall(FlowRunnable[Any, RecallResult]):
    """Finds what matters now; see `create_recall`."""

    def __init__(
        self,
        namespaces: tuple[NamespaceTemplate, ...],
        store: BaseStore | None,
        *,
        limit: int,
        budget: int,
        token_counter: TokenCounter,
        weights: Weights,
        reranker: Reranker | None,
        examples: FlowRunnable[str, Any] | None,
        exact: bool,
        cache: ReadingCache,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self._namespaces = namespaces
        self._limit = limit
        self._budget = budget
        self._token_counter = token_counter
        self._weights = weights
        self._reranker = reranker
        self._examples = examples
        self._exact = exact
        self._cache = cache
        self._clock = clock

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> RecallResult:
        match input:
            case str(text) | {"question": str(text)} | {"query": str(text)}:
                text = text.strip()[:QUERY_LIMIT]
            case _:  # of a conversation the last message counts, the beginning of it
                text = next(iter(windows(as_messages(input), 1)), "")
        scope = _Scope(tuple(template(config) for template in self._namespaces), self._exact)
        if not text:
            return RecallResult(text, (), "")
        now = _now_in(config) or self._clock()
        found = await self._found(text, scope, now if now.tzinfo else now.replace(tzinfo=UTC))
        return RecallResult(
            text,
            tuple(map(_recall_item, found)),
            await self._text(text, [one.candidate for one in found], config),
        )

    def within(self, *, limit: int | None, budget: int) -> "Recall":
        """Return this recall with another limit (None: its own) and budget, and the same cache."""
        limit = self._limit if limit is None else limit
        _check_bounds(limit, budget)
        other = copy(self)
        vars(other).update(_limit=limit, _budget=budget)
        return other

    def close(self) -> None:
        """Drop what was read; the next question reads anew."""
        self._cache.close()

    async def _found(self, text: str, scope: _Scope, now: datetime) -> Sequence[Ranked]:
        # By words alone: whose names may the question hold? Those of who answered as well.
        first = await HybridQuery(
            scope.places, text, vector_query="", limit=_FIRST_ITEMS, neighbors=1, exact=scope.exact
        )
        people = filter(
            scope.holds, self._cache.candidates(scope.places, (hit.encoded for hit in first))
        )
        question = parse_question(text, speakers=named_speakers(people), now=now)
        candidates = await self._candidates(question, scope)
        question = parse_question(text, speakers=candidates.timeline.speakers, now=now)
        ranked = rank(question, candidates, self._weights, max(self._limit, _RERANKED))
        match self._reranker:
            case None:
                pass
            case BaseDocumentCompressor() as compressor:
                ranked = await _compressed(compressor, text, ranked)
            case function:
                by_id = {one.candidate.id: one for one in ranked}
                chosen = function(text, [*map(_recall_item, ranked)])
                ranked = _picked(by_id, ((it.namespace, it.key) for it in chosen))
        return ranked[: self._limit]

    async def _candidates(self, question: Question, scope: _Scope) -> CandidateSet:
        """Find candidates, and what is needed to see them in their conversation."""
        statement = question.statement
        hits = await HybridQuery(
            scope.places,
            statement,
            statement,
            _CANDIDATES,
            _NEIGHBORS,
            _FULL_SCAN_LIMIT,
            scope.exact,
        )
        read = self._cache.candidates(scope.places, (hit.encoded for hit in hits))
        pairs = zip(read, (hit.cosine for hit in hits), strict=True)
        cosines = {one: cosine for one, cosine in pairs if scope.holds(one)}
        found = [*cosines]
        if not hits or any(isinstance(hit.encoded, Item) for hit in hits):
            items = await _neighbors(cosines, scope)
            others = self._cache.candidates(scope.places, items)
            found += filter(scope.holds, others)
        return candidate_set(self._cache.timeline(scope.places, found), cosines)

    async def _text(self, text: str, items: Sequence[Candidate], config: RunnableConfig) -> str:
        """Write the block, and after it examples like *text*, within the budget."""
        examples = ""
        if self._examples is not None:
            examples = str((await self._examples.flow(text, config)).text)
        cost = self._token_counter(examples)
        if cost > self._budget // 2:
            return block(items, budget=self._budget, count=self._token_counter)
        memory = block(items, budget=self._budget - cost, count=self._token_counter)
        return f"{memory}\n\n{examples}".strip()


async def _neighbors(found: Mapping[Candidate, float | None], scope: _Scope) -> list[Item]:
    """Find neighbours where the store knows none: the turns before the best, or the latest ones."""
    if all(cosine is None for cosine in found.values()):
        # Without vectors only turns that share a word were found.
        latest = await search(
            [SearchOp(place, limit=_FULL_SCAN_LIMIT, refresh_ttl=False) for place in scope.places]
        )
        return [item for items in latest for item in items]
    known = {one.id for one in found}
    best = list(found)[:_PREDECESSORS]
    before = ((one.namespace, str(one.value.get("before") or "")) for one in best)
    missing = dict.fromkeys(place for place in before if place[1] and place not in known)
    items = await fetch([GetOp(*place, refresh_ttl=False) for place in missing])
    return [item for item in items if item is not None]


def _now_in(config: RunnableConfig) -> datetime | None:
    """Take the time the config names, written out where it came over a network."""
    now = config.get("configurable", {}).get("now")
    with suppress(ValueError):
        now = datetime.fromisoformat(now) if isinstance(now, str) else now
    if now is None or isinstance(now, datetime):
        return now
    raise ConfigurationError(f'"now" is a datetime, or one written as ISO 8601, not {now!r}.')


def _recall_item(one: Ranked) -> RecallItem:
    it = one.candidate
    return RecallItem(
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
    chosen = await Compress(compressor, documents, text)
    return _picked(dict(enumerate(ranked)), (it.metadata.get("rank") for it in chosen))


def _picked(given: Mapping[Any, Ranked], chosen: Iterable[Hashable]) -> list[Ranked]:
    """Take what a reranker chose, each once."""
    once = dict.fromkeys(chosen)
    if not once.keys() <= given.keys():
        raise ConfigurationError(
            "The reranker returned something it was not given: it may only choose among the "
            "items, and a document compressor keeps their metadata."
        )
    return [given[one] for one in once]
