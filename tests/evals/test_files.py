"""Small helpers for uneven files."""

from longterm.evals.files import dicts_in, natural


def test_objects_are_found_however_deep_they_lie() -> None:
    data = {"a": [{"turns": 1}, [[{"turns": 2, "more": {"turns": 3}}]]], "b": "turns"}
    assert [one["turns"] for one in dicts_in(data, "turns")] == [1, 2]
    assert list(dicts_in("turns", "turns")) == []


def test_names_sort_by_the_number_they_end_with() -> None:
    assert sorted(["10", "9", "conv-2", "x"], key=natural) == ["x", "conv-2", "9", "10"]
