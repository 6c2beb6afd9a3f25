"""A model that keeps a store's own thread waiting."""

import threading

from typing_extensions import override

from longterm.testing import HashEmbeddings


class SlowInBackground(HashEmbeddings):
    """A model that answers a store's own thread only when `may_answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer, self.was_asked = threading.Event(), threading.Event()
        self.seen: list[str] = []

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.seen += texts
        if threading.current_thread().name == "longterm-vectors":
            self.was_asked.set()
            assert self.may_answer.wait(30)
        return super().embed_documents(texts)

    def let_it_end(self) -> None:
        """Let the store's thread go on, and wait until there is none."""
        self.may_answer.set()
        for thread in threading.enumerate():
            if thread.name == "longterm-vectors":
                thread.join(30)
