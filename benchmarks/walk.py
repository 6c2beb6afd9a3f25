"""How many functions and files of longterm a memory's way crosses.

Usage: python benchmarks/walk.py [--durable] [--list]

Counts the functions that are entered (by `sys.setprofile`, each once) while one conversation is
handed to a manager and one memory comes to lie in an `EmbeddedStore`; with --durable, while one
payload is submitted to durable reflection, and while another goes all the way: submitted, carried
out by a worker of the same process and settled, in all its threads. The first call, which imports
and sets up, and a second one, which is what a running program does. The counts of one thread are
exact, so one run is enough; of threads that wait for one another a few functions come and go.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import longterm
from longterm import ReflectionExecutor, create_memory_store_manager
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls
from longterm.types import MessagesInput

ROOT = Path(longterm.__file__).parent
#: Comprehensions and the like are part of the function they stand in.
INSIDE = ("<listcomp", "<dictcomp", "<setcomp", "<genexpr")
SAID: MessagesInput = {
    "messages": [{"role": "user", "content": "I moved to Lyon, and I like tea."}]
}


class Walk:
    """Writes down which functions of longterm are entered: here, and in threads begun after it."""

    def __init__(self) -> None:
        self._seen: dict[CodeType, None] = {}
        threading.setprofile(self._look)

    def of(self, do: Callable[[], object]) -> dict[CodeType, None]:
        """Return the functions that are entered while *do* is done, by their first call."""
        self._seen = {}
        sys.setprofile(self._look)
        try:
            do()
        finally:
            sys.setprofile(None)
        return {code: None for code in [*self._seen] if ROOT in Path(code.co_filename).parents}

    def _look(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and not frame.f_code.co_name.startswith(INSIDE):
            self._seen.setdefault(frame.f_code)


def show(what: str, codes: dict[CodeType, None], *, whole: bool) -> None:
    """Print how many *codes* there are, of which rooms."""
    paths = [Path(code.co_filename).relative_to(ROOT) for code in codes]
    rooms = Counter(path.parts[0] for path in paths)
    print(f"{what}: {len({*paths})} files, {len(codes)} functions")
    print("  " + ", ".join(f"{room} {count}" for room, count in rooms.most_common()))
    if whole:
        for path, code in zip(paths, codes, strict=True):
            print(f"    {path}:{code.co_firstlineno} {code.co_qualname}")


def main() -> None:
    """Print both walks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--durable", action="store_true", help="of a submit to durable reflection")
    parser.add_argument("--list", action="store_true", help="name each function")
    options = parser.parse_args()
    config: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": "t1"}}
    model = ScriptedChatModel(
        *(tool_calls(("Memory", {"content": f"Ann lives in Lyon ({n})"})) for n in range(4))
    )
    walk = Walk()
    with tempfile.TemporaryDirectory() as folder, EmbeddedStore(Path(folder) / "a.db") as store:
        manager = create_memory_store_manager(model, store=store)
        if not options.durable:
            for what in ("first call", "second call"):
                codes = walk.of(lambda: manager.invoke(SAID, config))
                show(what, codes, whole=options.list and what == "second call")
            return
        url = f"sqlite:///{folder}/reflections.db"
        with ReflectionExecutor(manager, store=store, durable=url, max_workers=0) as executor:
            for what in ("first submit", "second submit"):
                codes = walk.of(lambda: executor.submit(SAID, config, after_seconds=3600))
                show(what, codes, whole=options.list and what == "second submit")
            executor.shutdown(wait=False, cancel_futures=True)
        with ReflectionExecutor(manager, store=store, durable=url) as executor:
            for what in ("first way to its end", "second way to its end"):
                codes = walk.of(lambda: executor.submit(SAID, config, after_seconds=0).result())
                show(what, codes, whole=options.list and what == "second way to its end")


if __name__ == "__main__":
    main()
