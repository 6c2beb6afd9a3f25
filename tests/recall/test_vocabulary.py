"""One look-up says which rules know a term."""

import numpy as np
import pytest

from longterm.recall.language import NUMBERS, STANDING, STOP_TERMS, TIME_WORDS, Sign
from longterm.recall.vocabulary import STOP, Vocabulary, clue_to, known_by, unpacked_terms
from longterm.text.tokenizer import pack_terms, terms


def hashes(*words: str) -> np.ndarray:
    return unpacked_terms(pack_terms(words))


def test_a_term_has_a_bit_for_each_group_that_holds_it() -> None:
    vocabulary = Vocabulary([pack_terms(["tea", "rain"]), pack_terms(["rain", "sun"])])

    assert vocabulary.marks(hashes("tea", "rain", "sun", "moon")).tolist() == [1, 3, 2, 0]


def test_no_other_term_is_taken_for_one_that_is_known() -> None:
    some = hashes("tea")
    near = some[:, None] ^ (1 << np.arange(63, dtype=np.int64))  # each differs by one bit

    assert not Vocabulary([some.tobytes()]).marks(near.ravel()).any()
    assert not Vocabulary([some.tobytes()]).marks(np.zeros(1, np.int64)).any()


def test_every_stop_word_is_known() -> None:
    assert (known_by(hashes(*STOP_TERMS)) & STOP).all()
    assert not (known_by(hashes("lyon", "1999", "東京")) & STOP).any()


@pytest.mark.parametrize("sign", [STANDING, TIME_WORDS, NUMBERS])
def test_every_clue_is_known(sign: Sign) -> None:
    assert (known_by(unpacked_terms(sign.clue_terms)) & clue_to(sign)).all()
    assert not (known_by(hashes(*terms("Lyon is lovely"))) & clue_to(sign)).any()
