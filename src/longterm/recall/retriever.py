"""Recall: find what matters now among turns and memories, and hand it on as a block of text.

In this order: a first look by words, to learn who took part → read the question → one look for
candidates → rank them by every arm → let a reranker choose, if there is one → the block.
No language model takes part.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, GetOp, Item, SearchOp
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import Compress, HybridQuery, fetch, search
from longterm.errors import ConfigurationError
from longterm.memory.conversation import QUERY_LIMIT, as_messages, windows
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.recall.block import TokenCounter, approximate_tokens, block
from longterm.recall.candidates import Candidate, Kind, Pool, pooled, speakers
from longterm.recall.fusion import Ranked, Weights, rank
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
#: How many of the best candidates a reranker is shown at least.
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
    examples: FlowRunnable[str, Any] | None = None,
    exact: bool = False,
    clock: Callable[[], datetime] = _utc_now,
) -> "Recall":
    """Create a Runnable that recalls what matters to a question or to messages.

    *namespace* is a prefix, filled from ``config["configurable"]``: what lies below it, turns
    and memories alike, is searched, and with *exact* only what lies in it itself; a list of
    them searches each. At most *limit* items are recalled, and `Recalled.text` holds the best
    of them in at most *budget* tokens, as *token_counter* counts them. What *examples* finds for
    the question (see `longterm.prompts.create_few_shot`), in the same store, follows them
    there, out of the same budget, unless it takes more than half of it. *weights* say how much
    each arm counts, *clock* what "last week" is relative to; ``now`` in the config goes before
    it.
    """
    if limit < 0 or budget < 0:
        raise ConfigurationError(f"limit ({limit}) and budget ({budget}) cannot be negative.")
    if examples is not None and examples.store not in (None, store):
        raise ConfigurationError(
            "examples are looked for in the store of the recall: give the store to the recall."
        )
    return Recall(
        _templates(namespace),
        store,
        limit=limit,
        written=_Writer(budget, token_counter),
        weights=weights,
        reranker=reranker,
        examples=examples,
        exact=exact,
        clock=clock,
    )


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes the text of what was recalled, within a budget."""

    budget: int
    count: TokenCounter

    def __call__(self, items: Sequence[Candidate], examples: str) -> str:
        cost = self.count(examples)
        if cost > self.budget // 2:
            return block(items, budget=self.budget, count=self.count)
        memory = block(items, budget=self.budget - cost, count=self.count)
        return f"{memory}\n\n{examples}".strip()


@dataclass(frozen=True, slots=True)
class _Where:
    """The namespaces that are searched, and whether what lies below them counts."""

    places: tuple[Namespace, ...]
    exact: bool

    def holds(self, one: Candidate) -> bool:
        """Whether it lies where it was looked for: a store may take "ann" for part of "anna"."""
        if self.exact:
            return one.namespace in self.places
        return any(one.namespace[: len(place)] == place for place in self.places)


def _templates(namespace: _Place | Sequence[_Place]) -> tuple[NamespaceTemplate, ...]:
    if isinstance(namespace, list):
        if any(isinstance(place, str) for place in namespace):
            raise ConfigurationError(
                f"{namespace!r} may mean one namespace or several: write one as a tuple of its "
                "labels, several as a list of tuples."
            )
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
        written: _Writer,
        weights: Weights,
        reranker: Reranker | None,
        examples: FlowRunnable[str, Any] | None,
        exact: bool,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self._namespaces = namespaces
        self._limit = limit
        self._written = written
        self._weights = weights
        self._reranker = reranker
        self._examples = examples
        self._exact = exact
        self._clock = clock

    @override
    async def flow(self, input: Any, config: RunnableConfig) -> Recalled:
        text = _question_in(input)
        where = _Where(tuple(template(config) for template in self._namespaces), self._exact)
        if not text:
            return Recalled(text, (), "")
        chosen = await self._found(text, where, self._now(config))
        block = self._written([one.candidate for one in chosen], await self._like(text, config))
        return Recalled(text, tuple(map(_recollection, chosen)), block)

    def _now(self, config: RunnableConfig) -> datetime:
        now = _now_in(config) or self._clock()
        return now if now.tzinfo else now.replace(tzinfo=UTC)

    async def _found(self, text: str, where: _Where, now: datetime) -> Sequence[Ranked]:
        pool = await _pool(await _read(text, where, now), where)
        question = ask(text, speakers=pool.talk.speakers, now=now)
        ranked = rank(question, pool, self._weights, max(self._limit, _RERANKED))
        return await self._chosen(text, ranked)

    async def _like(self, text: str, config: RunnableConfig) -> str:
        """Find examples like *text*."""
        if self._examples is None:
            return ""
        return str((await self._examples.flow(text, config)).text)

    async def _chosen(self, text: str, ranked: Sequence[Ranked]) -> Sequence[Ranked]:
        match self._reranker:
            case None:
                return ranked[: self._limit]
            case BaseDocumentCompressor() as compressor:
                order = await _compressed(compressor, text, ranked)
            case function:
                order = _ordered(function, text, ranked)
        return order[: self._limit]


async def _read(text: str, where: _Where, now: datetime) -> Question:
    """Read the question, knowing whose names it may hold: of those who answered as well."""
    scouts = await HybridQuery(
        where.places, text, vector_query="", limit=_SCOUTS, neighbors=1, exact=where.exact
    )
    people = filter(where.holds, (unsealed(hit.encoded) for hit in scouts))
    return ask(text, speakers=speakers(people), now=now)


async def _pool(question: Question, where: _Where) -> Pool:
    """Find candidates, and what is needed to see them in their conversation."""
    statement = question.statement
    hits = await HybridQuery(
        where.places, statement, statement, _CANDIDATES, _AROUND, _WHOLE, where.exact
    )
    read = ((unsealed(hit.encoded), hit.cosine) for hit in hits)
    cosines = {one: cosine for one, cosine in read if where.holds(one)}
    if hits and not any(isinstance(hit.encoded, Item) for hit in hits):
        return pooled(cosines, cosines)
    return pooled([*cosines, *await _neighbours(cosines, where)], cosines)


async def _neighbours(found: Mapping[Candidate, float | None], where: _Where) -> list[Candidate]:
    """Find neighbours where the store knows none."""
    if any(cosine is not None for cosine in found.values()):
        return await _predecessors([*found])
    # Without vectors only turns that share a word were found.
    latest = await search(
        [SearchOp(place, limit=_WHOLE, refresh_ttl=False) for place in where.places]
    )
    return [one for items in latest for one in map(as_candidate, items) if where.holds(one)]


async def _predecessors(found: Sequence[Candidate]) -> list[Candidate]:
    """Read the turns before those found, where the look did not bring them."""
    known = {one.id for one in found}
    best = found[:_PREDECESSORS]
    before = [(one.namespace, str(one.value.get("before") or "")) for one in best]
    missing = list(dict.fromkeys(one for one in before if one[1] and one not in known))
    items = await fetch([GetOp(*one, refresh_ttl=False) for one in missing])
    return [as_candidate(item) for item in items if item is not None]


def _now_in(config: RunnableConfig) -> datetime | None:
    """Take the time the config names, written out where it came over a network."""
    now = config.get("configurable", {}).get("now")
    with suppress(ValueError):
        now = datetime.fromisoformat(now) if isinstance(now, str) else now
    if now is None or isinstance(now, datetime):
        return now
    raise ConfigurationError(f'"now" is a datetime, or one written as ISO 8601, not {now!r}.')


def _question_in(input: Any) -> str:
    """Take the question itself, or the last message of a conversation; the beginning counts."""
    match input:
        case str(text) | {"question": str(text)} | {"query": str(text)}:
            return text.strip()[:QUERY_LIMIT]
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
    chosen = await Compress(compressor, documents, text)
    return _picked(dict(enumerate(ranked)), (it.metadata.get("rank") for it in chosen))


def _ordered(
    function: Callable[[str, Sequence[Recollection]], Sequence[Recollection]],
    text: str,
    ranked: Sequence[Ranked],
) -> list[Ranked]:
    by_id = {one.candidate.id: one for one in ranked}
    chosen = function(text, [*map(_recollection, ranked)])
    return _picked(by_id, ((it.namespace, it.key) for it in chosen))


def _picked(given: Mapping[Any, Ranked], chosen: Iterable[Hashable]) -> list[Ranked]:
    """Take what a reranker chose, each once."""
    once = dict.fromkeys(chosen)
    if not once.keys() <= given.keys():
        raise ConfigurationError(
            "The reranker returned something it was not given: it may only choose among the "
            "items, and a document compressor keeps their metadata."
        )
    return [given[one] for one in once]
