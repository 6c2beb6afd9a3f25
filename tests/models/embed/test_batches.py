"""Which texts a network reads together."""

import pytest

from longterm.models.embed.batches import batches


@pytest.mark.parametrize(
    ("lengths", "size", "expected"),
    [
        ([], 4, []),
        ([9, 3, 9, 3, 9], 4, [[1, 3, 0, 2], [4]]),
        ([9, 3, 9, 3, 9], 2, [[1, 3], [0, 2], [4]]),
        ([256, 100, 129, 128, 128], 4, [[1, 3], [4], [2], [0]]),
        ([512, 0], 4, [[1], [0]]),
    ],
    ids=["none", "like lengths", "no more than asked for", "long ones alone", "longest and empty"],
)
def test_texts_of_like_length_are_read_together_and_long_ones_alone(
    lengths: list[int], size: int, expected: list[list[int]]
) -> None:
    assert batches(lengths, size) == expected
