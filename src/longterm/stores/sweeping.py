"""Deleting what has expired every so often, whatever the database."""

import logging
import threading
from collections.abc import Callable

from longterm.effects.observe import error_text

__all__ = ["Sweeper"]

_logger = logging.getLogger(__name__)


class Sweeper:
    """A thread that calls *sweep* at an interval. It ends with the process, or when stopped.

    *name* says in the log which store it is.
    """

    def __init__(self, sweep: Callable[[], int], interval_minutes: float, name: str) -> None:
        self._sweep, self._seconds, self._name = sweep, interval_minutes * 60, name
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
                self._sweep()
            except Exception as error:  # noqa: BLE001 - the next round may go well
                _logger.warning("Sweeping %s failed: %s", self._name, error_text(error))
