"""LanceDB's hybrid search over the turns that recall.py measures; it starts this one.

Every user's turns are in one table with an index for full text; a search keeps to its user.
"""

import argparse
import tempfile
from importlib import import_module
from typing import Any

from synthetic import SESSION, Talk, hashed, measured

LIMIT = 50


class Peer:
    """A table, what is written to it and what is asked."""

    def __init__(self, folder: str) -> None:
        self.talk, self.folder = Talk(), folder
        self.database: Any = import_module("lancedb").connect(folder)
        self.table: Any = None

    def reopen(self) -> None:
        """Open the table with nothing of it in memory."""
        self.database = import_module("lancedb").connect(self.folder)
        self.table = self.database.open_table("turns")

    def rows(self, user: str, turns: int) -> list[dict[str, Any]]:
        """Make the turns of a conversation, with their vectors."""
        return [
            {"user": user, "text": one["content"], "vector": hashed(one["content"])}
            for session in range(-(-turns // SESSION))
            for one in self.talk.messages(session, min(SESSION, turns - session * SESSION))
        ]

    def write(self, rows: list[dict[str, Any]]) -> None:
        """Add rows, and bring the index for full text up to date."""
        if self.table is None:
            self.table = self.database.create_table("turns", rows)
            self.table.create_index("text", config=import_module("lancedb.index").FTS())
        else:
            self.table.add(rows)
            self.table.optimize()

    def ask(self, user: str) -> None:
        """Search by text and vector, fused as LanceDB does by default."""
        question = self.talk.question()
        search = self.table.search(query_type="hybrid").vector(hashed(question)).text(question)
        search.where(f"user = '{user}'", prefilter=True).limit(LIMIT).to_list()


def main() -> None:
    """Measure what recall.py measures, as far as LanceDB knows it."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("questions", "turns", "users", "big"):
        parser.add_argument(f"--{name}", type=int, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(folder)
        rows = peer.rows("a", options.turns)
        measured(f"write {options.turns} turns at once", lambda _: peer.write(rows), 1)
        measured("first search", lambda _: peer.ask("a"), 1)
        measured(f"search, {options.turns} turns", lambda _: peer.ask("a"), options.questions)
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(folder)
        many = [row for at in range(options.users) for row in peer.rows(f"u{at}", options.turns)]
        peer.write(many + peer.rows("big", options.big))
        measured("search, every time another user", lambda at: peer.ask(f"u{at}"), options.users)
        measured("search, one of ten users", lambda at: peer.ask(f"u{at % 10}"), options.questions)
        measured(f"first search of {options.big} turns", lambda _: peer.ask("big"), 1)
        measured(f"search, {options.big} turns", lambda _: peer.ask("big"), options.questions)
        peer.reopen()
        measured("first search of it, just opened", lambda _: peer.ask("big"), 1)


if __name__ == "__main__":
    main()
