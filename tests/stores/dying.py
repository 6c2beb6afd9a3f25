"""A program that is killed: it records a turn, and its embedding model never answers.

Usage: dying.py WHERE [SCHEMA]. Writes a line as soon as the turn is recorded.
"""

import os
import signal
import sys
import threading

from typing_extensions import override

from longterm import create_conversation_recorder
from longterm.stores import EmbeddedStore, PostgresStore, StoreIndex
from longterm.testing import HashEmbeddings


class Silent(HashEmbeddings):
    """A model that never answers."""

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        threading.Event().wait()
        raise AssertionError(texts)


def main(where: str, schema: str = "longterm") -> None:
    index: StoreIndex = {"embed": Silent(), "dims": 64, "model": "words"}
    if where.startswith("postgresql:"):
        store = PostgresStore(where, index=index, schema=schema)
    else:
        store = EmbeddedStore(where, index=index)
    recorder = create_conversation_recorder(store=store, namespace=("turns",))
    recorder.invoke({"messages": [{"role": "user", "content": "noodles with basil", "id": "1"}]})
    os.write(1, b"recorded\n")
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
