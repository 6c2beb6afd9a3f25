"""The prompt for answering from memory."""

from datetime import UTC, date, datetime

from longterm.recall.answering import READING_PROMPT, reading_prompt

NOW = datetime(2023, 6, 1, tzinfo=UTC)


def test_it_says_what_day_it_is_and_holds_the_block() -> None:
    prompt = reading_prompt("<memory>\nAnn: {today} {x}\n</memory>", now=NOW)

    assert "Today is 2023-06-01, Thursday" in prompt
    assert "Ann: {today} {x}" in prompt


def test_with_nothing_remembered_it_says_so() -> None:
    assert "Nothing is remembered." in reading_prompt("", now=NOW)


def test_it_asks_for_dates_latest_values_counts_and_honesty() -> None:
    for wanted in ("Reckon dates", "latest value", "count", "not known"):
        assert wanted in READING_PROMPT


def test_left_out_the_day_is_this_machines_own() -> None:
    before, prompt, after = date.today(), reading_prompt(""), date.today()  # noqa: DTZ011 - meant
    assert any(f"Today is {day}" in prompt for day in (before, after))
