"""Searching among items as they were: no index stands for them, so one is made here. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from langgraph.store.base import SearchItem

from longterm.stores.embedding import text_hash
from longterm.stores.filters import EVERYTHING, Condition, holds
from longterm.stores.lexicon import Lexicon
from longterm.stores.matrix import Vector, best_by_owner, product, unpack, widened
from longterm.stores.operations import FindItems, Indexed
from longterm.stores.preparing import indexed
from longterm.stores.rows import Row, decode
from longterm.stores.scoring import NOTHING, Floats, fused, score_terms

__all__ = ["IndexedState", "ranked", "states_of"]


class IndexedState(NamedTuple):
    """An item as it was, and what it was found by."""

    row: Row
    found_by: Indexed


def states_of(
    rows: Iterable[tuple[Row, str | None]], condition: Condition, fields: Sequence[str]
) -> list[IndexedState]:
    """Index those of *rows* that are as *condition* says; with each, what its put indexed."""
    read = ((row, decode(row.value), own) for row, own in rows)
    return [
        IndexedState(row, indexed(value, own, fields))
        for row, value, own in read
        if condition == EVERYTHING or holds(condition, value)
    ]


def ranked(
    states: Sequence[IndexedState],
    op: FindItems,
    query: Vector | None,
    vectors: Mapping[bytes, bytes],
) -> list[SearchItem]:
    """Return the page that *op* asks for, best first; *vectors* by the hash of their text."""
    times = np.array([state.row.updated_at for state in states], dtype=np.int64)
    score = np.zeros(len(states), dtype=np.float32)
    if op.query is not None and states:
        live = np.ones(len(states), dtype=np.bool_)
        lexicon = Lexicon.of([state.found_by.terms for state in states])
        text = score_terms(lexicon, live, op.terms) if op.terms else None
        cosines = None if query is None else _similarities(states, query, vectors)
        score = fused(text, cosines, live).score
    order: list[int] = np.lexsort((-times, -score))[op.offset : op.offset + op.limit].tolist()
    return [
        states[slot].row.found(
            None if op.query is None or score[slot] == NOTHING else float(score[slot])
        )
        for slot in order
    ]


def _similarities(
    states: Sequence[IndexedState], query: Vector, vectors: Mapping[bytes, bytes]
) -> Floats:
    owned = [
        (slot, vectors[digest])
        for slot, state in enumerate(states)
        for digest in map(text_hash, state.found_by.texts)
        if digest in vectors
    ]
    owners = np.array([slot for slot, _ in owned], dtype=np.int32)
    rows = widened(unpack([vector for _, vector in owned], len(query)))
    return best_by_owner(product(rows, query), owners, len(states))
