"""What is in the database of reflections: nothing that runs, no secret, no fault that spreads."""

from __future__ import annotations

import logging
import os
import pickle
import sqlite3
import stat
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import sqlalchemy as sa
from heard import heard_of
from hypothesis import HealthCheck, given, settings, strategies as st
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langgraph.store.memory import InMemoryStore
from sqlalchemy.exc import OperationalError

from longterm import create_memory_store_manager
from longterm.errors import (
    ClosedError,
    ConfigurationError,
    InvalidInputError,
    ReflectionError,
    ReflectionTimeoutError,
    StoreError,
)
from longterm.reflect import ReflectionExecutor, Retry, erase_reflections
from longterm.reflect.durable.database import database_url, in_our_words, masked, open_engine
from longterm.reflect.durable.dbos_client import prepare
from longterm.reflect.executor import LocalReflectionExecutor
from longterm.testing import ScriptedChatModel, tool_calls

SOON = 30


class Exploit:
    """Pickled, it makes a folder where it is read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.folder),)


def thread(name: str, **more: Any) -> RunnableConfig:
    return RunnableConfig(configurable={"thread_id": name, **more})


def desk(url: str, **options: Any) -> LocalReflectionExecutor:
    """Return an executor that only submits."""
    return ReflectionExecutor(RunnableLambda(str), durable=url, max_workers=0, **options)


def change(url: str, statement: str, **values: Any) -> None:
    """Change the database behind the library."""
    engine = open_engine(database_url(url))
    if engine.name == "postgresql":
        statement = statement.replace("workflow_", "longterm_reflection.workflow_")
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)
    engine.dispose()


def pickled(folder: Path) -> str:
    return b64encode(pickle.dumps(Exploit(folder))).decode()


def test_a_row_that_says_it_is_pickled_is_not_unpickled_and_fails_alone(
    make_url: Callable[[], str], tmp_path: Path
) -> None:
    url, folder = make_url(), tmp_path / "exploited"
    submitter = desk(url)
    broken = submitter.submit("broken", thread("a"))
    change(
        url,
        "UPDATE workflow_status SET serialization = 'py_pickle', inputs = :evil",
        evil=pickled(folder),
    )
    change(url, "UPDATE workflow_input SET inputs = :evil", evil=pickled(folder))
    fine = submitter.submit("fine", thread("b"))
    with ReflectionExecutor(RunnableLambda(str), durable=url) as worker:
        assert fine.result(SOON) == "fine"
        with pytest.raises(ReflectionError):
            broken.result(SOON)
        [failure] = worker.failed()
        with pytest.raises(ConfigurationError, match="damaged"):
            worker.retry(failure.id)
    submitter.shutdown()
    assert not folder.exists()


@pytest.mark.parametrize("output", ["pickled", "{not json", '"no outcome"', "17"])
def test_an_end_that_cannot_be_read_fails_alone(
    sqlite: Callable[[], str], tmp_path: Path, output: str
) -> None:
    url, folder = sqlite(), tmp_path / "exploited"
    submitter = desk(url)
    broken = submitter.submit("broken", thread("a"), after_seconds=3600)
    fine = submitter.submit("fine", thread("b"), after_seconds=3600)
    text = pickled(folder) if output == "pickled" else output
    change(
        url,
        "UPDATE workflow_status SET status = 'SUCCESS', serialization = 'py_pickle', output = :o"
        " WHERE workflow_uuid = (SELECT min(workflow_uuid) FROM workflow_status)",
        o=text,
    )
    change(url, "UPDATE workflow_output SET output = :o", o=text)
    submitter.flush()
    with ReflectionExecutor(RunnableLambda(str), durable=url) as worker:
        ended = [future.exception(SOON) for future in (broken, fine)]
        assert worker.failed() == []
    submitter.shutdown()
    assert [type(error) for error in ended if error] == [ReflectionError]
    assert not folder.exists()


def test_secrets_of_a_config_are_not_stored_and_their_names_are_logged(
    sqlite: Callable[[], str], caplog: pytest.LogCaptureFixture
) -> None:
    url = sqlite()
    config = thread(
        "t",
        openai_api_key="S1",
        langgraph_auth_user={"identity": "ann", "token": "S2"},
        Cookie="S3",
        options={"x-forwarded": "S4", "max_tokens": 99},
        pin="S5",
        user_id="ann",
    )
    with caplog.at_level(logging.WARNING), desk(url, secrets=["pin"]) as executor:
        executor.submit("hello", config)
        engine = open_engine(database_url(url))
        with engine.connect() as connection:
            [stored] = connection.execute(sa.text("SELECT inputs FROM workflow_input")).scalars()
        engine.dispose()
    assert not [secret for secret in ("S1", "S2", "S3", "S4", "S5") if secret in stored]
    assert '\\"max_tokens\\' in stored.replace("\\\\", "\\")
    assert "ann" in stored
    assert "configurable.openai_api_key" in caplog.text
    assert "S1" not in caplog.text


def test_what_fills_the_namespace_is_stored_whatever_it_is_called(
    sqlite: Callable[[], str],
) -> None:
    store = InMemoryStore()
    manager = create_memory_store_manager(
        ScriptedChatModel(tool_calls(("Memory", {"content": "likes tea"}))),
        namespace=("m", "{author_key}"),
        store=store,
    )
    with ReflectionExecutor(manager, durable=sqlite()) as executor:
        executor.submit({"messages": "tea"}, thread("t", author_key="ann")).result(SOON)
    assert len(store.search(("m", "ann"))) == 1


def test_two_users_whose_threads_have_one_name_are_both_reflected(
    sqlite: Callable[[], str],
) -> None:
    store = InMemoryStore()
    answers = [tool_calls(("Memory", {"content": "likes tea"}))] * 2
    manager = create_memory_store_manager(
        ScriptedChatModel(*answers), namespace=("m", "{user_id}"), store=store
    )
    with ReflectionExecutor(manager, durable=sqlite()) as executor:
        for future in [
            executor.submit({"messages": "tea"}, thread("main", user_id=user), after_seconds=0.5)
            for user in ("ann", "bob")
        ]:
            future.result(SOON)
    assert [len(store.search(("m", user))) for user in ("ann", "bob")] == [1, 1]


def test_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        with ReflectionExecutor(
            RunnableLambda(str), durable=f"sqlite:///{tmp_path}/new/r.db"
        ) as executor:
            executor.submit("x", thread("t")).result(SOON)
            made = [tmp_path / "new", *(tmp_path / "new").iterdir()]
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    finally:
        os.umask(before)
    assert modes.pop("new") == modes.pop("r.db-workers") == 0o700
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("name", ["a\0b", "half \ud83d", "味噌", "x" * 5000])
def test_any_thread_id_will_do(make_url: Callable[[], str], name: str) -> None:
    with ReflectionExecutor(RunnableLambda(str), durable=make_url()) as executor:
        assert executor.submit("x", thread(name)).result(SOON) == "x"


def test_a_payload_that_holds_itself_is_refused(sqlite: Callable[[], str]) -> None:
    circle: list[Any] = []
    circle.append(circle)
    with desk(sqlite()) as executor, pytest.raises(InvalidInputError, match="holds itself"):
        executor.submit({"messages": circle}, thread("t"))


def test_one_that_hangs_is_given_up_and_delays_nobody_else(sqlite: Callable[[], str]) -> None:
    go_on = threading.Event()

    def reflect(payload: str) -> str:
        if payload == "hangs":
            go_on.wait(SOON)
        return payload

    with ReflectionExecutor(
        RunnableLambda(reflect),
        durable=sqlite(),
        max_workers=1,
        timeout=0.5,
        retry=Retry(attempts=1),
    ) as executor:
        hangs = executor.submit("hangs", thread("a"))
        assert executor.submit("fine", thread("b")).result(SOON) == "fine"
        with pytest.raises(ReflectionTimeoutError, match="longer than"):
            hangs.result(SOON)
        [failure] = executor.failed()
        assert "0.5 seconds" in failure.error
    go_on.set()


def test_an_erase_removes_what_is_pending_and_what_has_finished(
    make_url: Callable[[], str],
) -> None:
    url = make_url()
    manager = create_memory_store_manager(
        ScriptedChatModel(*["nothing"] * 9), namespace=("m", "{user_id}"), store=InMemoryStore()
    )
    with ReflectionExecutor(manager, durable=url) as executor:
        for user in ("ann", "anna"):
            config = thread("t", user_id=user)
            executor.submit({"messages": f"{user} was here"}, config).result(SOON)
        pending = executor.submit(
            {"messages": "ann will be"}, thread("u", user_id="ann"), after_seconds=3600
        )
        report = executor.erase(("m", "ann"))
        assert report == {"pending": 1, "running": 0, "finished": 1, "usage": 1}
        assert pending.cancelled() or pending.cancel()
        assert list(executor.usage()) == [("m", "anna")]
    assert erase_reflections(url, ("m",))["finished"] == 1
    assert erase_reflections(url, ("m",)) == dict.fromkeys(report, 0)


def test_no_byte_of_what_was_erased_is_in_the_files(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/r.db"
    with desk(url) as executor:
        for number in range(20):
            text = f"the secret recipe {number}"
            executor.submit(text, thread(str(number)), after_seconds=3600)
        executor.erase(())
        files = b"".join(path.read_bytes() for path in tmp_path.glob("r.db*") if path.is_file())
    assert b"secret recipe" not in files


def test_a_submit_after_shutdown_is_a_runtime_error_too(sqlite: Callable[[], str]) -> None:
    executor = desk(sqlite())
    executor.shutdown()
    with pytest.raises(RuntimeError, match="shut down") as refused:
        executor.submit("x", thread("t"))
    assert isinstance(refused.value, ClosedError)


def test_sqlite_answers_for_the_time_in_parts_of_a_second(sqlite: Callable[[], str]) -> None:
    engine = prepare(database_url(sqlite()))
    with engine.connect() as connection:
        now = connection.execute(sa.text("SELECT unixepoch('subsec') * 1000")).scalar()
    engine.dispose()
    assert now is not None


_parts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


_SECRET = "hunter2secret"  # noqa: S105 - what must not be shown


@st.composite
def urls(draw: st.DrawFn) -> str:
    """Draw a URL, well-formed or not, with a secret in it."""
    scheme = draw(
        st.sampled_from(["postgresql://", "postgres:", "mysql://", "", "host=h password="])
    )
    ends = ["@host/db", "@host:5432/db?sslmode=require", "", "/x", " dbname=y", "?a=b"]
    before, end = draw(_parts), draw(st.sampled_from(ends))
    query = draw(st.sampled_from(["?password=", "?PASSWORD=", "?user=u&password=", "?x=#", "?x@"]))
    secrets = [f"me:{before}{_SECRET}{before}{end}", f"me@host/db{query}{_SECRET}"]
    return scheme + draw(st.sampled_from(secrets))


@given(urls())
def test_no_spelling_of_a_url_shows_its_password(url: str) -> None:
    assert _SECRET not in masked(url)


@given(urls())
def test_no_error_shows_a_password(url: str) -> None:
    shown: list[str] = []
    driver = sqlite3.OperationalError(f"no host {url}")
    for error in (driver, OSError(url), OperationalError(url, {"p": _SECRET}, driver)):
        try:
            with in_our_words(database_url(url)):
                raise error
        except (ConfigurationError, StoreError) as ours:
            shown += format_exception(ours)
    assert shown
    assert _SECRET not in "".join(shown)


def test_a_submit_that_cannot_be_kept_is_an_error_of_ours_that_quotes_nothing(
    sqlite: Callable[[], str],
) -> None:
    url = sqlite()
    with desk(url) as executor:
        change(url, "DROP TABLE workflow_input")
        with pytest.raises(StoreError, match="a table is missing") as failed:
            executor.submit(_SECRET, thread("t", api_key=_SECRET))
    assert _SECRET not in "".join(format_exception(failed.value))


@pytest.fixture
def heard(sqlite: Callable[[], str]) -> Iterator[list[str]]:
    """Hear what DBOS says in a process that keeps reflections."""
    prepare(database_url(sqlite())).dispose()
    with heard_of("dbos") as lines:
        yield lines


def _fail(error: Exception) -> None:
    raise error


@given(url=urls(), with_trace=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_dbos_says_of_an_error_shows_neither_address_nor_rows(
    heard: list[str], url: str, *, with_trace: bool
) -> None:
    talk = logging.getLogger("dbos")
    driver = sqlite3.OperationalError(f'connection to "{url}" failed: no database "{_SECRET}"')
    rows = OperationalError("INSERT …", {"inputs": f"payload {_SECRET}"}, driver)
    for error in (driver, rows, OSError(url)):
        try:
            _fail(error)
        except Exception as caught:  # noqa: BLE001 - as DBOS does
            if with_trace:
                talk.error(f"Error serializing object: {url}", exc_info=caught)
            else:
                talk.warning(f"Notification listener error: {caught}")
    said = "\n".join(heard)
    assert _SECRET not in said
    assert "DBOS has trouble in test_what_dbos_says" in said
    assert "OperationalError" in said


def test_what_dbos_says_of_no_error_stands(heard: list[str]) -> None:
    try:
        _fail(KeyError("another's"))
    except KeyError:
        logging.getLogger("dbos").warning("Auto-upgrade thread did not exit within timeout")
    assert heard == ["Auto-upgrade thread did not exit within timeout"]
