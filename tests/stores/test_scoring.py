"""Scores."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from longterm.stores.lexicon import Lexicon, hashed
from longterm.stores.matrix import Matrix, pack as pack_vector, unpack, widened, widened_product
from longterm.stores.scoring import (
    LENGTH_COST,
    NOTHING,
    USUAL_TERMS,
    Scores,
    TextScores,
    contributions,
    fused,
    in_order,
    score_terms,
)
from longterm.text.tokenizer import pack_terms

DOCUMENTS = ["tea tea milk", "tea", "coffee with milk and sugar", ""]


@pytest.fixture
def lexicon() -> Lexicon:
    return Lexicon.of([pack_terms(text.split()) for text in DOCUMENTS])


ALL = np.ones(4, dtype=np.bool_)


def test_bm25_is_the_textbook_formula(lexicon: Lexicon) -> None:
    found = score_terms(lexicon, ALL, hashed(["milk"])).bm25[0]
    rarity = math.log(1 + (4 - 2 + 0.5) / (2 + 0.5))
    norm = 1.2 * (0.25 + 0.75 * 3 / (9 / 4))
    assert found == pytest.approx(rarity * 2.2 / (1 + norm))


def test_a_term_that_comes_twice_counts_more(lexicon: Lexicon) -> None:
    postings = lexicon.postings(hashed(["tea"])[0])
    assert (postings.slots.tolist(), postings.counts.tolist()) == ([0, 1], [2, 1])


def test_an_unknown_term_is_nowhere(lexicon: Lexicon) -> None:
    assert len(lexicon.postings(hashed(["wine"])[0]).slots) == 0


def test_a_dead_slot_neither_scores_nor_counts(lexicon: Lexicon) -> None:
    live = np.array([False, True, True, True])
    alone = Lexicon.of([pack_terms(text.split()) for text in DOCUMENTS[1:]])
    found = score_terms(lexicon, live, hashed(["milk", "tea"]))
    expected = score_terms(alone, ALL[1:], hashed(["milk", "tea"]))
    assert found.bm25.tolist() == pytest.approx([0, *expected.bm25.tolist()])


@pytest.mark.parametrize("begins_in_order", [False, True])
@pytest.mark.parametrize("count", [1, 3, 5000])
def test_a_lexicon_that_grew_is_as_one_made_at_once(count: int, *, begins_in_order: bool) -> None:
    packed = [pack_terms([f"w{number % 7}", "all", "all"]) for number in range(count)]
    grown = Lexicon.of(packed[:1])
    grown = grown.in_order() if begins_in_order else grown
    for start in range(1, count, 999):
        grown = grown.appended(packed[start : start + 999])
    once = Lexicon.of(packed)
    for term in hashed(["all", "w0", "w3", "none"]):
        for other in (once, once.in_order()):
            assert grown.postings(term).slots.tolist() == other.postings(term).slots.tolist()
            assert grown.postings(term).counts.tolist() == other.postings(term).counts.tolist()


def test_a_lexicon_in_order_holds_each_term_and_each_slot_of_it_once() -> None:
    packed = [pack_terms(["all", "all", f"w{number % 3}"]) for number in range(9)]
    for lexicon in (
        Lexicon.of(packed).in_order(),
        Lexicon.of(packed[:4]).in_order().appended(packed[4:]).in_order(),
    ):
        assert len(lexicon.terms) == 4
        assert len(lexicon.slots) == len(lexicon.counts) == 9 + 9
        postings = lexicon.postings(hashed(["all"])[0])
        assert postings.slots.tolist() == [*range(9)]
        assert postings.counts.tolist() == [2] * 9


def test_a_lexicon_that_is_in_order_stays_so_as_it_grows() -> None:
    packed = [pack_terms([f"w{number}", "all"]) for number in range(5000)]
    assert not Lexicon.of(packed).is_sorted
    assert Lexicon.of(packed).in_order().is_sorted
    assert Lexicon.of(packed[:10]).in_order().appended(packed[10:]).is_sorted


def lengths(*terms: int) -> NDArray[np.float32]:
    return np.array(terms, dtype=np.float32)


def test_of_two_equal_matches_the_long_one_counts_less_and_short_ones_alike() -> None:
    same = np.array([1.0, 1.0, 1.0], dtype=np.float32)
    text = TextScores(same, 3.0, lengths(10, USUAL_TERMS, 10 * USUAL_TERMS))
    score = fused(text, same, np.ones(3, dtype=np.bool_)).score
    assert score[0] == score[1]
    assert score[2] == pytest.approx(score[0] / (1 + LENGTH_COST * np.log(10)))


def test_a_perfect_match_scores_one() -> None:
    text = TextScores(np.array([9.0], dtype=np.float32), 3.0, lengths(20))
    scores = fused(text, np.array([1.0], dtype=np.float32), ALL[:1])
    assert scores.score[0] == pytest.approx(1.0)


def test_one_arm_alone_is_the_score() -> None:
    cosines = np.array([0.5, -0.5, np.nan], dtype=np.float32)
    assert fused(None, cosines, ALL[:3]).score.tolist() == [0.5, 0.0, NOTHING]


def test_no_arm_finds_nothing() -> None:
    assert fused(None, None, ALL).score.tolist() == [NOTHING] * 4


def test_contributions_add_up_to_the_score() -> None:
    text = TextScores(np.array([1.0], dtype=np.float32), 3.0, lengths(1000))
    scores = fused(text, np.array([0.5], dtype=np.float32), ALL[:1])
    parts = contributions(scores, 0)
    assert sum(part or 0 for part in parts) == pytest.approx(float(scores.score[0]))


@pytest.mark.parametrize("first", [1, 2, 5, 50, 1000])
def test_the_order_is_that_of_sorting_everything(first: int) -> None:
    generator = np.random.default_rng(7)
    score = generator.integers(-1, 5, 200).astype(np.float32)
    score[::9] = -np.inf
    revisions = generator.permutation(200).astype(np.int64)
    found = [slot for part in in_order(score, revisions, first) for slot in part.tolist()]
    living = [slot for slot in range(200) if score[slot] > -np.inf]
    assert found == sorted(living, key=lambda slot: (-score[slot], -revisions[slot]))


# --- vectors ----------------------------------------------------------------------------------


def test_a_packed_vector_has_length_one() -> None:
    row = unpack(pack_vector(np.array([[3.0, 4.0]])), 2)[0]
    assert row.tolist() == pytest.approx([0.6, 0.8], abs=1e-3)


def test_every_number_of_half_precision_is_widened_to_the_same_number() -> None:
    halves = np.arange(2**16, dtype=np.uint16).view(np.float16)
    halves = halves[np.isfinite(halves)].reshape(-1, 2)  # 2**-24 and -0.0 among them
    wide = np.full(halves.shape, np.nan, np.float32)
    assert widened(halves, wide) is wide
    assert wide.tobytes() == halves.astype(np.float32).tobytes()
    assert widened(halves[:0]).shape == (0, 2)


def matrix_of(rows: NDArray[np.float16], owners: list[int]) -> Matrix:
    return Matrix.of([widened(rows)], np.array(owners, np.int32), rows.shape[1])


def test_a_zero_vector_is_near_nothing() -> None:
    matrix = matrix_of(unpack(pack_vector(np.zeros((1, 2))), 2), [0])
    assert matrix.cosines(np.array([1, 0], np.float32), 1).tolist() == [0.0]


def test_the_best_row_of_a_slot_counts() -> None:
    rows = unpack(pack_vector(np.array([[1.0, 0], [0, 1], [1, 1]])), 2)
    matrix = matrix_of(rows, [0, 0, 2])
    found = matrix.cosines(np.array([0, 1], np.float32), 3)
    assert found.tolist() == pytest.approx([1.0, math.nan, 0.7071], abs=1e-3, nan_ok=True)


def test_a_longer_matrix_leaves_the_shorter_as_it_was() -> None:
    rows = unpack(pack_vector(np.array([[1.0, 0]])), 2)
    short = matrix_of(rows, [0]).appended(rows, np.array([1], np.int32))
    assert short.appended(rows, np.array([2], np.int32)).rows is not short.rows
    longer = short.appended(np.concatenate([rows] * 4), np.arange(2, 6, dtype=np.int32))
    longest = longer.appended(rows, np.array([6], np.int32))
    assert longest.rows is longer.rows  # there was room
    for matrix, size in ((short, 2), (longer, 6), (longest, 7)):
        assert matrix.cosines(np.array([1, 0], np.float32), size).tolist() == [1.0] * size


@pytest.mark.parametrize("count", [5, 1_000, 1_030, 3_000])
def test_a_matrix_that_grew_finds_the_same_cosines_as_rows_that_are_not_kept(count: int) -> None:
    vectors = np.random.default_rng(3).standard_normal((count, 8))
    rows = unpack(pack_vector(vectors), 8)
    query, owners = widened(rows[:1])[0], np.arange(count, dtype=np.int32)
    alone = np.array([widened(row[None])[0] @ query for row in rows])

    at_once = widened_product(rows, query)
    grown = Matrix.of([widened(rows[:2]), widened(rows[2:3])], owners[:3], 8)
    for start in range(3, count, 700):
        end = start + 700
        grown = grown.appended(rows[start:end], owners[start:end])

    assert at_once.tolist() == pytest.approx(alone.tolist(), abs=1e-6)
    assert grown.cosines(query, count).tobytes() == at_once.tobytes()


def test_the_raw_scores_of_many_are_those_of_each() -> None:
    text = TextScores(np.array([0, 2.5, 1], np.float32), 3.0, np.ones(3, np.float32))
    cosines = np.array([0.5, np.nan, 0.25], np.float32)
    slots = np.array([2, 0, 1])
    for scores in (
        Scores(text, cosines, cosines),
        Scores(None, cosines, cosines),
        Scores(text, None, cosines),
    ):
        bm25, cosine = zip(*map(scores.raw, slots.tolist()), strict=True)
        of_each = [np.array(bm25, np.float32), np.array(cosine, np.float32)]  # None becomes NaN
        found = scores.raw_of(slots)
        assert found[0].tolist() == np.nan_to_num(of_each[0]).tolist()
        assert found[1].tobytes() == of_each[1].tobytes()

    found = Scores(text, cosines, cosines).raw_of(slots[:2])
    assert [one.tolist() for one in found] == [[1.0, 0.0], [0.25, 0.5]]
