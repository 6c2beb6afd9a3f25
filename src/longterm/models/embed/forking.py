"""Native code and forks: what a library holds while the process forks, a child waits for in vain.

Threads do not follow into a child, but their locks do, those inside a library included, which
are never released there. So a fork waits until no thread is at work, and none begins meanwhile.
"""

import os
import threading
import time

__all__ = ["NativeWork", "native_work"]

#: Seconds that a fork waits at most: for a network that loads, or for one text.
_PATIENCE = 5.0


class NativeWork:
    """`with native_work:` around a call that a fork must not catch midway; not one in another."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Forget who is at work: a child has none of the other threads."""
        self._gate, self._count = threading.Lock(), threading.Lock()
        self._at_work = 0

    def __enter__(self) -> None:
        with self._gate, self._count:
            self._at_work += 1

    def __exit__(self, *_: object) -> None:
        with self._count:
            self._at_work -= 1

    def before_fork(self) -> None:
        """Let nothing begin, and wait for what has begun."""
        self._gate.acquire()
        deadline = time.monotonic() + _PATIENCE
        while self._at_work and time.monotonic() < deadline:
            time.sleep(0.001)

    def after_fork(self) -> None:
        """Go on."""
        self._gate.release()


native_work = NativeWork()

if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(
        before=native_work.before_fork,
        after_in_parent=native_work.after_fork,
        after_in_child=native_work.begin_anew,
    )
