"""Deleting what has expired, once or every so often."""

import logging
import threading

from longterm.stores.embedded.database import Database
from longterm.stores.embedded.revising import end_expired
from longterm.stores.embedded.transaction import Clock, Transaction
from longterm.stores.rows import micros

__all__ = ["Sweeper", "sweep"]

_logger = logging.getLogger(__name__)
_AT_ONCE = 1000


def sweep(database: Database, clock: Clock) -> int:
    """Delete every expired item; a thousand at a time, so that writers need not wait for all."""
    swept, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        with database.writing() as connection:
            tx = Transaction(connection, database.path, micros(clock()))
            last = end_expired(tx, limit=_AT_ONCE)
        swept += last
    return swept


class Sweeper:
    """A thread that sweeps at an interval. It ends with the process, or when it is stopped."""

    def __init__(self, database: Database, clock: Clock, interval_minutes: float) -> None:
        self._database, self._clock = database, clock
        self._seconds = interval_minutes * 60
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="longterm-sweeper", daemon=True)
        self._thread.start()

    def stop(self, timeout: float | None = None) -> bool:
        """Stop; whether it ended within *timeout* seconds."""
        self._stop.set()
        if self._thread is not threading.current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.wait(self._seconds):
            try:
                sweep(self._database, self._clock)
            except Exception:  # whatever it is, the next round may go well
                _logger.warning("Sweeping %s failed.", self._database.path, exc_info=True)
