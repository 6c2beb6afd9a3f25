"""Memory that fails takes no answer away, and hides nothing that was set up wrongly."""

import logging

import pytest
from langgraph.errors import GraphInterrupt

from longterm.errors import ConfigurationError
from longterm.integrations.failing import safely


async def said(what: str | Exception) -> str:
    if isinstance(what, Exception):
        raise what
    return what


async def test_what_works_is_returned() -> None:
    assert await safely(said("tea"), "No tea.") == "tea"


async def test_what_fails_is_logged_without_what_it_quotes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        assert await safely(said(ValueError("private words")), "No tea.") is None
    assert "No tea." in caplog.text
    assert "ValueError" in caplog.text
    assert "private words" not in caplog.text


@pytest.mark.parametrize("error", [ConfigurationError("No model."), GraphInterrupt()])
async def test_what_was_set_up_wrongly_or_meant_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        await safely(said(error), "No tea.")
