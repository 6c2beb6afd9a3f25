"""Recall: find what matters now among turns and memories, and hand it on as a block of text.

In this order: a first search by words, to learn who took part → parse the question → one search
for candidates → rank them by every signal → let a reranker choose, if there is one → fill the
budget of the block. No language model takes part.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate, chain
from math import isnan
from os import PathLike
from types import MappingProxyType
from typing import Any, cast

import numpy as np
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, GetOp, Item, SearchOp
from typing_extensions import override

from longterm.effects.capabilities import SearchColumns
from longterm.effects.clock import utc_now
from longterm.effects.observe import observed
from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import HybridQuery, fetch, search
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError, RecallLimitWarning
from longterm.memory.conversation import QUERY_LIMIT, as_messages, message_text, turn_key, windows
from longterm.memory.namespace import Namespace, NamespaceTemplate
from longterm.memory.world_time import WorldTime, held_at, moment_of
from longterm.models.embed.names import reranker_by_name
from longterm.recall.block import TokenCounter, compose
from longterm.recall.cache import FoundCandidates, ReadingCache
from longterm.recall.candidates import Candidate
from longterm.recall.fusion import Ranking, Weights, rank
from longterm.recall.question import Question, parse_question
from longterm.recall.reading import approximate_tokens
from longterm.recall.reranking import Reranker, reranked
from longterm.recall.results import RecallItem, RecallResult, recall_item
from longterm.recall.selection import by_value
from longterm.recall.sources import memories_at, sourced
from longterm.recall.timeline import CandidateSet, candidate_set, named_speakers
from longterm.recall.weights import weights_in
from longterm.types import Conversation, MessagesInput, RecallInput

__all__ = ["Recall", "RecallItem", "RecallResult", "Reranker", "create_recall"]

#: How many items the first search brings; their speakers are the names a question may hold.
_FIRST_ITEMS = 24
#: Namespaces that hold no more turns and memories are read as a whole.
_FULL_SCAN_LIMIT = 800
#: Of a larger one each signal of the store brings so many, and so many around the best of them.
_CANDIDATES, _NEIGHBORS = 200, 3
#: How many of the best may call for the turn before, where the store brought none.
_PREDECESSORS = 40
#: Bytes of texts a recall keeps for the next question.
_CACHE_BYTES = 64 * 2**20

#: Where the recorder and the managers write unless they are given another namespace.
DEFAULT_NAMESPACES: list[tuple[str, ...]] = [
    ("turns", "{langgraph_user_id}"),
    ("memories", "{langgraph_user_id}"),
]

_Place = tuple[str, ...] | str | NamespaceTemplate


def create_recall(
    *,
    namespace: _Place | Sequence[_Place] = DEFAULT_NAMESPACES,
    store: BaseStore | None = None,
    limit: int | None = None,
    budget: int = 2_000,
    token_counter: TokenCounter = approximate_tokens,
    weights: Weights | str | PathLike[str] = Weights(),
    reranker: Reranker | str | None = None,
    examples: FlowRunnable[str, Any] | None = None,
    exact: bool = False,
    running_thread: bool = False,
    cache_bytes: int = _CACHE_BYTES,
    clock: Callable[[], datetime] = utc_now,
) -> "Recall":
    """Create a Runnable that recalls what matters to a question or to messages.

    *namespace* is a prefix, filled from ``config["configurable"]``: what lies below it, turns
    and memories alike, is searched, and with *exact* only what lies in it itself; a list of
    them searches each. `RecallResult.text` holds what adds most in at most *budget* tokens, as
    *token_counter* counts them; with a *limit*, the best *limit* items are recalled, and the
    block holds those of them that fit.

    What a model reads anyway is left out, unless *running_thread*: the messages that are given,
    and what else was said in the thread that the config names, if there is anything else. ``now``
    in the config says what "last week" is relative to, else *clock* does; with ``as_of`` what
    came later is not recalled. The input may name all three: ``{"question": …, "thread": …,
    "now": …, "as_of": …}``; a thread that is named there is left out whatever else there is.

    *weights* say how much each signal counts, or name the file of a fit; *reranker* chooses among
    the best, by a name such as "onnx:cross-encoder/ms-marco-MiniLM-L6-v2" too. What
    *examples* finds for the question (see `longterm.prompts.create_few_shot`), in the same
    store, follows the block, out of the same budget, unless it takes more than half of it. Of
    what was read last, about *cache_bytes* are kept in memory for the next question, until
    `Recall.close` or an erase.
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
        weights=weights if isinstance(weights, Weights) else weights_in(weights),
        reranker=reranker_by_name(reranker) if isinstance(reranker, str) else reranker,
        examples=examples,
        exact=exact,
        running_thread=running_thread,
        cache=ReadingCache(cache_bytes),
        clock=clock,
    )


def _check_bounds(limit: int | None, budget: int) -> None:
    if (limit is not None and limit < 0) or budget < 0:
        raise ConfigurationError(f"limit ({limit}) and budget ({budget}) cannot be negative.")


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked, where to look, and what does not count."""

    text: str
    places: tuple[Namespace, ...]
    #: Whether what lies below the places is left out.
    exact: bool
    now: datetime
    #: The thread whose turns are left out, and the moment after which nothing counts.
    thread: str | None
    as_of: datetime | None
    #: Memories are left out that say of themselves that they were not true then.
    valid_at: datetime | None
    #: Whether they are left out even where no other turns are found.
    strict: bool
    #: What the model reads anyway: ids and texts of the messages that were given.
    given: frozenset[str]
    #: By kind, which fields of a memory say when it was true.
    world_times: Mapping[str, WorldTime]

    def takes_all(self, found: FoundCandidates) -> bool:
        """Whether nothing of *found* is left out."""
        return (
            self.as_of is None
            and self.valid_at is None
            and self.thread not in found.threads
            and all(map(self._covers, found.namespaces))
        )

    def held_among(self, found: Sequence[Candidate]) -> Sequence[Candidate]:
        """Those of *found* that may be recalled; a store may take "ann" for part of "anna"."""
        outside = {one for one in {one.namespace for one in found} if not self._covers(one)}
        if outside:
            found = [one for one in found if one.namespace not in outside]
        if (end := self.as_of) is not None:
            found = [one for one in found if one.kind == "memory" or one.time <= end]
        return found

    def _covers(self, namespace: Namespace) -> bool:
        return namespace in self.places or (
            not self.exact and any(namespace[: len(place)] == place for place in self.places)
        )

    def held(self, memory: Candidate) -> bool:
        """Whether it was true when it has to have been, as far as it says."""
        return self.valid_at is None or held_at(memory.value, self.valid_at, self.world_times)

    def without_thread(self, found: Sequence[Candidate]) -> Sequence[Candidate]:
        """Leave out the turns of the thread that is going on, and those that were given."""
        if self.thread is None:
            return found
        news = [
            one
            for one in found
            if one.thread != self.thread or not self.given & {one.message_id, one.text}
        ]
        others = [one for one in news if one.kind == "memory" or one.thread != self.thread]
        if self.strict or any(one.kind == "turn" for one in others):
            return others
        return news


class Recall(FlowRunnable[RecallInput | MessagesInput | Conversation, RecallResult]):
    """Finds what matters now; see `create_recall`."""

    def __init__(
        self,
        namespaces: tuple[NamespaceTemplate, ...],
        store: BaseStore | None,
        *,
        limit: int | None,
        budget: int,
        token_counter: TokenCounter,
        weights: Weights,
        reranker: Reranker | None,
        examples: FlowRunnable[str, Any] | None,
        exact: bool,
        running_thread: bool,
        cache: ReadingCache,
        clock: Callable[[], datetime],
    ) -> None:
        self.store = store
        self.namespaces = namespaces
        self._limit = limit
        self._budget = budget
        self._token_counter = token_counter
        self._weights = weights
        self._reranker = reranker
        self._examples = examples
        self._exact = exact
        self._world_times: Mapping[str, WorldTime] = {}
        self._running_thread = running_thread
        self._cache = cache
        self._clock = clock
        self._warned: set[Namespace] = set()

    @override
    async def flow(
        self, input: RecallInput | MessagesInput | Conversation, config: RunnableConfig
    ) -> RecallResult:
        with observed("search_memory", self.namespaces[0].template[0]) as seen:
            found = await self._recalled(input, config)
            seen.records = len(found.items)
            return found

    async def _recalled(self, input: Any, config: RunnableConfig) -> RecallResult:
        ranking = await self.ranking(input, config)
        if ranking is None:
            return RecallResult("", (), "")
        if self._reranker is None:
            best = ranking.best(self._limit)
            order = by_value(ranking, None if self._limit is None else best)
        else:
            chosen = await reranked(self._reranker, ranking, self._limit)
            best = chosen[: self._limit]
            order = iter(best)

        question = ranking.question
        examples = ""
        if self._examples is not None:
            examples = str((await self._examples.flow(question.text, config)).text)
        cost = self._token_counter(examples)
        fits = cost <= self._budget // 2
        timeline = ranking.candidates.timeline
        text, shown = compose(
            (timeline.candidates[at] for at in order),
            budget=self._budget - cost if fits else self._budget,
            count=self._token_counter,
            before=timeline.before,
            now=question.asked_at,
        )
        in_block = set(shown)
        if self._limit is None:
            best = [at for at in best if timeline.candidates[at] in in_block]
        return RecallResult(
            question.text,
            tuple(recall_item(ranking[at], in_block) for at in best),
            f"{text}\n\n{examples}".strip() if fits else text,
            question,
        )

    async def ranking(self, input: Any, config: RunnableConfig) -> Ranking | None:
        """Rank all that may be recalled; None where nothing is asked."""
        request = self._request(input, config)
        if not request.text:
            return None
        # By words alone: whose names may the question hold? Those of who answered as well.
        first = await HybridQuery(
            request.places,
            request.text,
            vector_query="",
            limit=_FIRST_ITEMS,
            neighbors=1,
            exact=request.exact,
        )
        items = [*chain.from_iterable(found.encoded for found in first)]
        read = self._cache.candidates(request.places, items)
        people = named_speakers(request.held_among(read))
        question = parse_question(request.text, speakers=people, now=request.now)
        candidates = await self._candidates(question, request)
        if people != candidates.timeline.speakers:
            people = candidates.timeline.speakers
            question = parse_question(request.text, speakers=people, now=request.now)
        return rank(question, candidates, self._weights)

    def within(
        self,
        *,
        limit: int | None,
        budget: int,
        world_times: Mapping[str, WorldTime] = MappingProxyType({}),
    ) -> "Recall":
        """Return this recall with another limit (None: its own) and budget, and the same cache.

        *world_times* says, by kind, which fields of a memory say when it was true.
        """
        limit = self._limit if limit is None else limit
        _check_bounds(limit, budget)
        other = copy(self)
        vars(other).update(_limit=limit, _budget=budget, _world_times=world_times)
        return other

    def close(self) -> None:
        """Drop what was read; the next question reads anew."""
        self._cache.close()

    def _request(self, input: Any, config: RunnableConfig) -> _Request:
        given = {**config.get("configurable", {})}
        strict, messages = False, list[BaseMessage]()
        match input:
            case str(text):
                pass
            case {"question": str(text)} | {"query": str(text)}:
                named = cast("Mapping[str, Any]", input)
                strict = bool(named.get("thread"))
                given |= {"thread_id": named["thread"]} if strict else {}
                given |= {
                    name: named[name] for name in ("now", "as_of", "valid_at") if named.get(name)
                }
            case _:  # of a conversation the last message counts
                messages = as_messages(input)
                text = next(iter(windows(messages, 1)), "")
        thread = given.get("thread_id")
        now, as_of, valid_at = (
            None if given.get(name) is None else moment_of(given[name], f'"{name}"')
            for name in ("now", "as_of", "valid_at")
        )
        return _Request(
            text=text.strip()[:QUERY_LIMIT],
            places=tuple(template.location(config) for template in self.namespaces),
            exact=self._exact,
            now=now or moment_of(self._clock()),
            thread=None if thread in (None, "") or self._running_thread else str(thread),
            as_of=as_of,
            valid_at=valid_at,
            strict=strict,
            given=frozenset(
                mark for one in messages for mark in (one.id, message_text(one).strip()) if mark
            ),
            world_times=self._world_times,
        )

    async def _candidates(self, question: Question, request: _Request) -> CandidateSet:
        """Find candidates, and what is needed to see them in their conversation."""
        places, statement = request.places, question.statement
        brought = await HybridQuery(
            places,
            statement,
            statement,
            _CANDIDATES,
            _NEIGHBORS,
            _FULL_SCAN_LIMIT,
            request.exact,
        )
        read = self._cache.found(places, [part.encoded for part in brought])
        if read.unsourced:
            read = await self._with_sources(places, read)
        cosines = dict(zip(read.candidates, _cosines(brought), strict=True))
        is_plain = any(isinstance(part.encoded[0], Item) for part in brought if part.encoded)
        is_whole = len(read.candidates) <= _FULL_SCAN_LIMIT
        if is_whole and not is_plain and request.takes_all(read):
            return candidate_set(self._cache.timeline(places, read.candidates), cosines)
        found = [*request.held_among([*cosines])]
        if is_plain:  # of a store that knows no neighbours
            items = await _neighbors({one: cosines[one] for one in found}, places)
            self._warn_of_limits(places, read.candidates)
            others = FoundCandidates(tuple(self._cache.candidates(places, items)))
            found += request.held_among((await self._with_sources(places, others)).candidates)
        if not is_whole:
            best = request.held_among(_best_first(read.candidates, brought))
            items = await _source_turns(best, places)
            found += request.held_among(self._cache.candidates(places, items))
        if request.as_of is not None or request.valid_at is not None:
            # Memories as they were then, those deleted since too.
            turns = [one for one in found if one.kind == "turn"]
            others = {one.namespace for one in found if one.kind == "memory"}.union(places)
            others -= {one.namespace for one in turns}
            then = await memories_at(sorted(others), request.as_of or request.now)
            found = [*turns, *filter(request.held, then)]
        timeline = self._cache.timeline(places, request.without_thread(found))
        return candidate_set(timeline, cosines)

    async def _with_sources(
        self, places: tuple[Namespace, ...], found: FoundCandidates
    ) -> FoundCandidates:
        """Learn where the memories among *found* came from; once for each state of one."""
        known = await sourced(found.unsourced)
        self._cache.replace(places, known)
        return FoundCandidates(tuple([known.get(one, one) for one in found.candidates]))

    def _warn_of_limits(self, places: tuple[Namespace, ...], read: Sequence[Candidate]) -> None:
        """Say once of a namespace that a store without full text shows no more of it."""
        for place in places:
            here = sum(one.namespace[: len(place)] == place for one in read)
            if here >= _FULL_SCAN_LIMIT and place not in self._warned:
                self._warned.add(place)
                warn_caller(
                    f"This store has no full text of its own, so recall sees {_FULL_SCAN_LIMIT} "
                    f"items of the namespace {place} at most, and more lie there: what matters "
                    "may be missed. EmbeddedStore and PostgresStore of longterm.stores search "
                    "all of it.",
                    RecallLimitWarning,
                )


def _cosines(brought: Sequence[SearchColumns]) -> list[float]:
    """How near vectors find each, one place after the other."""
    return [*chain.from_iterable(np.asarray(part.cosines).tolist() for part in brought)]


def _best_first(
    candidates: Sequence[Candidate], brought: Sequence[SearchColumns]
) -> list[Candidate]:
    """Put *candidates*, in the order in which they were brought, best first for each place."""
    starts = accumulate((len(part.encoded) for part in brought), initial=0)
    parts = zip(brought, starts, strict=False)
    return [candidates[start + at] for part, start in parts for at in part.best_first()]


async def _neighbors(found: Mapping[Candidate, float], places: Sequence[Namespace]) -> list[Item]:
    """Find neighbours where the store knows none: the turns before the best, or the latest ones."""
    if all(map(isnan, found.values())):
        # Without vectors only turns that share a word were found.
        latest = await search(
            [SearchOp(place, limit=_FULL_SCAN_LIMIT, refresh_ttl=False) for place in places]
        )
        return [item for items in latest for item in items]
    known = {one.id for one in found}
    best = list(found)[:_PREDECESSORS]
    before = ((one.namespace, str(one.value.get("before") or "")) for one in best)
    missing = dict.fromkeys(place for place in before if place[1] and place not in known)
    items = await fetch([GetOp(*place, refresh_ttl=False) for place in missing])
    return [item for item in items if item is not None]


async def _source_turns(found: Sequence[Candidate], places: Sequence[Namespace]) -> list[Item]:
    """Read the turns that the best memories came from, where the store did not bring them."""
    known = {one.key for one in found}
    memories = [one for one in found if one.kind == "memory"][:_PREDECESSORS]
    wanted: dict[GetOp, None] = {}
    for source in chain.from_iterable(one.sources for one in memories):
        # The turn of a message without an id is named by its own key.
        name = source.message_id or ""
        keys = {turn_key(source.thread_id or "", name), name} if name else set[str]()
        if keys.isdisjoint(known):
            wanted |= {
                GetOp(place, key, refresh_ttl=False): None for key in keys for place in places
            }
    return [item for item in await fetch([*wanted]) if item is not None]
