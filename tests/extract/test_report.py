"""Reports: what happened on the way to a result."""

from typing import Any

from longterm.extract.report import Dropped, ExtractionReport

USAGE: Any = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}


def test_reports_add_up() -> None:
    one = ExtractionReport(1, (Dropped("a", "no"),), USAGE)
    both = one + ExtractionReport(2, (Dropped("b", "no"),))
    assert (both.asked, len(both.dropped), both.usage) == (3, 2, USAGE)


def test_without_counts_there_are_none() -> None:
    assert (ExtractionReport() + ExtractionReport()).usage is None


def test_a_dropped_part_says_what_and_why() -> None:
    assert str(Dropped("add(1)", "not a text")) == "add(1): not a text"
    assert str(Dropped("", "gone")) == "gone"
