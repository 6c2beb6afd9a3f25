"""Where `longterm.open` finds its store, its model and its embeddings."""

from pathlib import Path
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

import longterm
from longterm import settings
from longterm.errors import ConfigurationError
from longterm.testing import HashEmbeddings, ScriptedChatModel, tool_calls


@pytest.mark.parametrize("form", ["{path}", "sqlite:///{path}"])
def test_a_path_or_its_url_opens_the_same_file(tmp_path: Path, form: str) -> None:
    path = tmp_path / "deep" / "memory.db"
    with longterm.open(form.format(path=path), embeddings=None) as service:
        service.user("ann").add("Ann likes tea")
    with longterm.open(path, embeddings=None) as service:
        assert service.users() == ["ann"]


@pytest.mark.parametrize("where", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    monkeypatch.chdir(tmp_path)
    with longterm.open(where, embeddings=None) as service:
        service.user("ann").add("Ann likes tea")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["mysql://me:secret@host/db", "", " "])
def test_what_is_no_store_is_refused_without_its_password(where: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        longterm.open(where)
    assert "secret" not in str(refused.value)


def test_a_store_of_yours_stays_open(tmp_path: Path) -> None:
    store = settings.open_store(tmp_path / "memory.db", embeddings=None)
    with longterm.open(store) as service:
        service.user("ann").add("Ann likes tea")
    assert len(store.search(("memories",))) == 1
    with pytest.raises(ConfigurationError, match="takes no options"):
        longterm.open(InMemoryStore(), ttl=None)


def test_embeddings_of_yours_are_used() -> None:
    embeddings = HashEmbeddings()
    with longterm.open(":memory:", embeddings=embeddings) as service:
        service.user("ann").add("Ann likes tea")
    assert any("tea" in text for text in embeddings.documents)


def test_arguments_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "longterm.toml"
    file.write_text('store = "from_file.db"\nmodel = "openai:x"\nthreads = 2\n')
    environ = {"LONGTERM_CONFIG": str(file)}

    assert settings.setting("store", environ) == "from_file.db"
    assert settings.setting("store", environ | {"LONGTERM_STORE": "said.db"}) == "said.db"
    assert settings.setting("model", environ) == "openai:x"
    assert settings.threads(environ) == 2


def test_where_nothing_is_said_the_store_is_in_the_users_data_folder(tmp_path: Path) -> None:
    environ = {"XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    assert settings.default_store(environ) == str(tmp_path / "longterm" / "longterm.db")


@pytest.mark.parametrize("text", ["store = ", 'stroe = "x"', "[store]\nx = 1"])
def test_a_file_that_makes_no_sense_is_an_error_that_names_it(tmp_path: Path, text: str) -> None:
    file = tmp_path / "longterm.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"longterm\.toml"):
        settings.setting("store", {"LONGTERM_CONFIG": str(file)})


def test_a_file_that_was_named_and_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="LONGTERM_CONFIG"):
        settings.setting("store", {"LONGTERM_CONFIG": str(tmp_path / "none.toml")})


@pytest.mark.parametrize(("said", "kept"), [("2", [2, 3]), ("90d", [1, 2, 3]), ("", [1, 2, 3])])
def test_revisions_are_kept_as_the_environment_says(
    said: str, kept: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTERM_KEEP_REVISIONS", said)
    with longterm.open(":memory:", embeddings=None) as memory:
        ann = memory.user("ann")
        ann.add("Ann likes tea", id="1")
        ann.edit("1", "Ann likes ale")
        ann.forget("1")

        assert [one.number for one in ann.history("1")] == kept


def test_what_is_no_retention_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTERM_KEEP_REVISIONS", "a month")
    with pytest.raises(ConfigurationError, match="90d"):
        longterm.open(":memory:", embeddings=None)


@pytest.mark.parametrize(
    ("given", "said", "numbers"),
    [
        ({}, None, 0),
        ({}, "true", 1),
        ({}, "0", 0),
        ({"cite_messages": True}, None, 1),
        ({"cite_messages": False}, "1", 0),
    ],
)
def test_models_cite_messages_where_an_argument_or_the_environment_says_so(
    given: dict[str, Any], said: str | None, numbers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if said is not None:
        monkeypatch.setenv("LONGTERM_CITE_MESSAGES", said)
    cited = {"cited": [1]} if numbers else {}
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Ann may run again", **cited})))
    messages = [
        {"role": "user", "content": "My doctor lets me run again.", "id": "doctor"},
        {"role": "user", "content": "Ann may run again, says Bob.", "id": "bob"},
    ]
    with longterm.open(":memory:", embeddings=None, model=model, **given) as memory:
        (news,) = memory.user("ann").remember(messages)
        (made,) = memory.user("ann").history(news.id)
    assert model.asked[0].text.count("#2 user") == numbers
    assert made.sources[0].message_id == ("doctor" if numbers else "bob")


def test_what_is_neither_true_nor_false_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGTERM_CITE_MESSAGES", "perhaps")
    with pytest.raises(ConfigurationError, match="'perhaps'"):
        longterm.open(":memory:", embeddings=None)


def test_an_option_that_the_store_does_not_have_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'modle'.*cache_bytes"):
        longterm.open(":memory:", modle="openai:gpt-5")
