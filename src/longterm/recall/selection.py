"""Selection: in which order candidates are to fill the budget of a block. Pure.

A block holds tokens, not items: two short turns that may answer are worth more than a long one
that is a little likelier to. The weights of `fusion` were fitted to log odds, so ``exp(score)``
grows with the odds that a turn is evidence, and what counts here is that per token:
``score - ln(tokens)``. On the development halves a block of 2,000 tokens holds .01 (LoCoMo) and
.07 (BEAM) more of the evidence in this order than best first.
"""

from collections.abc import Collection, Iterator

import numpy as np

from longterm.recall.fusion import Ranking
from longterm.recall.timeline import Floats, Timeline

__all__ = ["by_value"]

#: Tokens below which a turn is not worth more for being short.
_SHORT = 25
#: What a survey takes off for each turn of the same session that was chosen: lists, orders and
#: summaries want something of every time.
_COVERAGE = 0.2
#: An answer of at most so many tokens ranks no further below its question than this.
_ANSWER_TOKENS, _ANSWER_LAG = 60, 0.7
#: Terms that a text needs for being called a repetition.
_TERMS = 3
_NEVER = -np.inf


def by_value(ranking: Ranking, among: Collection[int] | None = None) -> Iterator[int]:
    """Places of the candidates (only those *among* these) in the order of their worth by token.

    What says nothing that those before it do not say, word for word, is left out.
    """
    timeline = ranking.candidates.timeline
    value = _values_of(ranking.scores, timeline)
    if among is not None:
        left_out = np.ones(len(value), np.bool_)
        left_out[list(among)] = False
        value[left_out] = _NEVER
    survey = ranking.question.survey
    said: list[frozenset[int]] = []
    for at in _best_left(value) if survey else _best_first(value):
        terms = timeline.terms_of(at)
        if len(terms) >= _TERMS and any(map(terms.issubset, said)):
            continue
        said.append(terms)
        if survey:
            value[timeline.starts[at] : timeline.ends[at]] -= _COVERAGE
        yield at


def _best_first(value: Floats) -> list[int]:
    order = np.argsort(-value, kind="stable")
    return order[value[order] > _NEVER].tolist()


def _best_left(value: Floats) -> Iterator[int]:
    """Yield places best first and take each out of *value*, which may change meanwhile."""
    while value.max(initial=_NEVER) > _NEVER:
        at = int(np.argmax(value))
        value[at] = _NEVER
        yield at


def _values_of(scores: Floats, timeline: Timeline) -> Floats:
    """Log odds of each candidate, or of being the answer to the one before it, by token."""
    tokens = timeline.tokens
    answers = (
        (np.arange(len(scores)) > timeline.starts)
        & (np.roll(timeline.asks, 1) > 0)
        & (tokens <= _ANSWER_TOKENS)
    )
    scores = np.where(answers, np.maximum(scores, np.roll(scores, 1) - _ANSWER_LAG), scores)
    return scores - np.log(np.maximum(tokens, _SHORT))
