"""The thread that deletes what has expired outlives whatever goes wrong."""

import logging
import threading

import pytest

from longterm.errors import StoreError
from longterm.stores.sweeping import Sweeper

WAIT = 60


@pytest.mark.parametrize(
    "error",
    [StoreError("no"), PermissionError("/private/ann.db"), RuntimeError("bug"), KeyError(1)],
)
def test_the_sweeper_survives_any_error_and_says_so(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    failed, went_on = threading.Event(), threading.Event()

    def sweep() -> int:
        if not failed.is_set():
            failed.set()
            raise error
        went_on.set()
        return 0

    with caplog.at_level(logging.WARNING):
        sweeper = Sweeper(sweep, 1e-6, "EmbeddedStore")
        assert went_on.wait(WAIT)
        assert sweeper.stop(WAIT)
    (said,) = [one.getMessage() for one in caplog.records if "Sweeping" in one.getMessage()]
    assert "Sweeping EmbeddedStore failed" in said
    assert "ann.db" not in said


def test_a_sweeper_that_is_stopped_sweeps_no_more() -> None:
    swept = threading.Event()

    def sweep() -> int:
        swept.set()
        return 0

    sweeper = Sweeper(sweep, 1e-6, "EmbeddedStore")
    assert swept.wait(WAIT)
    assert sweeper.stop(WAIT)  # it says whether the thread has ended
