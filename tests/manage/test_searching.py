"""A search reads a store that cannot rank as a whole, and lets what is not returned expire."""

from collections.abc import Iterator

import pytest
from langgraph.store.base import TTLConfig
from langgraph.store.sqlite import SqliteStore

from longterm.effects.drivers import run
from longterm.effects.steps import Reach
from longterm.manage.forgetting import Request, find_requested
from longterm.manage.searching import search_best

# LangGraph's store hands datetimes to sqlite3, which Python 3.12 warns of.
pytestmark = pytest.mark.filterwarnings("ignore:The default datetime adapter:DeprecationWarning")

PLACE = ("m",)
HERE = Reach(PLACE, exact=True)
LATER = "2099-01-01T00:00:00+00:00"


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    """Hold five memories that expire in the far future; a reading brings that nearer."""
    ttl = TTLConfig(default_ttl=60, refresh_on_read=True)
    with SqliteStore.from_conn_string(":memory:", ttl=ttl) as sqlite:
        sqlite.setup()
        for number in range(5):
            content = {"content": f"note {number} about {'a lake' if number == 3 else 'tea'}"}
            sqlite.put(PLACE, f"k{number}", {"kind": "Memory", "content": content})
        sqlite.conn.execute("UPDATE store SET expires_at = ?", (LATER,))
        yield sqlite


def read(store: SqliteStore) -> set[str]:
    rows = store.conn.execute("SELECT key FROM store WHERE expires_at != ?", (LATER,))
    return {key for (key,) in rows}


def test_a_scan_for_shared_words_prolongs_only_what_it_returns(store: SqliteStore) -> None:
    [found] = run(search_best(HERE, "the lake", limit=1), store=store)
    assert found.key == "k3"
    first_of_the_store = {item.key for item in store.search(PLACE, limit=1, refresh_ttl=False)}
    assert read(store) == {"k3"} | first_of_the_store


def test_a_search_that_is_to_prolong_nothing_does_not(store: SqliteStore) -> None:
    run(search_best(HERE, "the lake", limit=1, refresh_ttl=False), store=store)
    assert read(store) == set()


def test_looking_for_what_is_to_be_forgotten_prolongs_nothing(store: SqliteStore) -> None:
    assert [one.key for one in run(find_requested([Request(0, "lake")], HERE), store=store)]
    assert read(store) == set()
