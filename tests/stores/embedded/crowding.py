"""A program for the test of many processes: writers and readers on one file at once.

All children wait at a pipe until the last one is there. Each writer puts its own items, counts
in one common item by compare-and-set, and creates the file together with the others if it is
not there yet.

Usage: crowding.py FILE WRITERS READERS PUTS
"""

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from longterm.errors import ConflictError
from longterm.stores import EmbeddedStore

COMMON = ("common",)


def write(path: Path, writer: int, puts: int) -> None:
    with EmbeddedStore(path, synchronous="normal") as store:
        for number in range(puts):
            store.put(("own", str(writer)), str(number), {"text": f"tea {writer} {number}"})
            count(store)


def count(store: EmbeddedStore) -> None:
    while True:
        item = store.get(COMMON, "count")
        value = 1 if item is None else item.value["n"] + 1
        try:
            store.put_if(
                COMMON, "count", {"n": value}, expected_updated_at=item and item.updated_at
            )
        except ConflictError:
            continue
        return


def read(path: Path, reader: int, puts: int) -> None:
    """Search again and again: what was there once stays there."""
    seen = 0
    with EmbeddedStore(path, synchronous="normal") as store:
        for _ in range(puts):
            found = len(store.search(("own",), query="tea", limit=10_000))
            assert found >= seen
            seen = found


def started(work: Callable[[Path, int, int], None], gate: int, *arguments: object) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            os.read(gate, 1)
            work(*arguments)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]
            code = 0
        except BaseException:  # noqa: BLE001 - the parent prints what a child says on its way out
            traceback.print_exc()
        finally:
            os._exit(code)
    return child


def main(path: Path, writers: int, readers: int, puts: int) -> int:
    gate, opener = os.pipe()
    children = [started(write, gate, path, number, puts) for number in range(writers)]
    children += [started(read, gate, path, number, puts) for number in range(readers)]
    os.write(opener, b"." * len(children))
    failures = [child for child in children if os.waitpid(child, 0)[1]]
    with EmbeddedStore(path) as store:
        item = store.get(COMMON, "count")
        found = len(store.search(("own",), limit=writers * puts + 1))
        wrong = store.check()
    print(f"failed {len(failures)}, items {found}, count {item and item.value['n']}, wrong {wrong}")  # noqa: T201
    whole = item is not None and item.value["n"] == writers * puts == found
    return 0 if whole and not failures and not wrong else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *map(int, sys.argv[2:])))
