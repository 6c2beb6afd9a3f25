"""Where `longterm.open` finds its store, its model and its embeddings."""

import re
from pathlib import Path
from typing import Any, cast

import pytest
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

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


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("store = ", "cannot be read"),
        ('stroe = "x"', "did you mean 'store'"),
        ("colour = 1", "no setting: settings are store"),
        ("[store]\nx = 1", "must be a text in quotes"),
        ("store = 5", "store in .* must be a text in quotes, not 5"),
        ("threads = true", "must be a whole number"),
        ("keep_revisions = 1.5", "must be a whole number"),
        ("cite_messages = 7", "must be true or false"),
    ],
)
def test_a_file_that_makes_no_sense_is_an_error_that_names_it_and_says_why(
    tmp_path: Path, text: str, says: str
) -> None:
    file = tmp_path / "longterm.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"longterm\.toml") as raised:
        settings.setting("store", {"LONGTERM_CONFIG": str(file)})
    assert re.search(says, str(raised.value))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("threads = 0", "^threads in .*longterm.toml must be a whole number from 1, not '0'"),
        ('keep_revisions = "soon"', "^keep_revisions in .*longterm.toml must be a number"),
        ('cite_messages = "maybe"', "^cite_messages in .*longterm.toml must be"),
    ],
)
def test_a_bad_value_is_reported_by_the_place_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, says: str
) -> None:
    file = tmp_path / "longterm.toml"
    file.write_text(text)
    monkeypatch.setenv("LONGTERM_CONFIG", str(file))
    with pytest.raises(ConfigurationError, match=says):
        longterm.open(":memory:", embeddings="minilm")
    name = text.split(" ", maxsplit=1)[0]
    monkeypatch.setenv(f"LONGTERM_{name.upper()}", "neither")
    with pytest.raises(ConfigurationError, match=f"^LONGTERM_{name.upper()} must be"):
        longterm.open(":memory:", embeddings="minilm")


def test_numbers_and_switches_of_the_file_count_as_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "longterm.toml"
    file.write_text("keep_revisions = 0\ncite_messages = true\n")
    monkeypatch.setenv("LONGTERM_CONFIG", str(file))
    with longterm.open(":memory:", embeddings=None) as memory:
        ann = memory.user("ann")
        assert ann.history(ann.add("Ann likes tea").id) == []
    assert settings.setting("cite_messages") == "true"


def test_a_misspelt_variable_is_warned_of_with_the_right_name() -> None:
    with pytest.warns(UserWarning, match="LONGTERM_EMBEDINGS .* did you mean LONGTERM_EMBEDDINGS"):
        settings.setting("store", {"LONGTERM_EMBEDINGS": "none"})


def test_variables_of_others_that_begin_like_ours_are_left_alone(
    recwarn: pytest.WarningsRecorder,
) -> None:
    # What Kubernetes sets for services that are called longterm and longterm-store.
    others = ("SERVICE_HOST", "PORT_8080_TCP", "STORE_PORT", "STORE_SERVICE_HOST")
    settings.setting("store", {f"LONGTERM_{name}": "10.0.0.1" for name in others})
    assert not recwarn.list


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


@pytest.mark.parametrize("reflect", ["foo", "reflections.db", "mysql://x/y", "sqlite://"])
def test_what_can_be_no_database_of_reflections_is_refused_when_memory_is_opened(
    reflect: str,
) -> None:
    with pytest.raises(ConfigurationError, match="Reflections cannot be kept in"):
        longterm.open(":memory:", embeddings=None, reflect=reflect)


@pytest.mark.parametrize(
    "slip",
    [
        {"guard": "off"},
        {"keep_revisions": "90d"},
        {"keep_revisions": -1},
        {"keep_revisions": True},
        {"cite_messages": "no"},
        {"reranker": 5},
        {"embeddings": 5},
    ],
)
def test_an_argument_that_means_nothing_is_refused_and_not_taken_for_something_else(
    slip: dict[str, Any],
) -> None:
    given: dict[str, Any] = {"embeddings": None, **slip}
    with pytest.raises(ConfigurationError, match=next(iter(slip)).rstrip("s")[1:]):
        longterm.open(":memory:", **given)


def test_a_single_schema_needs_no_list() -> None:
    class Food(BaseModel):
        """A food."""

        name: str

    model, one = ScriptedChatModel(tool_calls()), cast("Any", Food)
    with longterm.open(":memory:", embeddings=None, model=model, schemas=one) as service:
        assert service.user("ann").add({"name": "ramen"}).kind == "Food"


@pytest.mark.parametrize("name", ["foo", "onnx:foo", "foo:a/b", "sentence-transformers:"])
def test_what_can_be_no_reranker_is_refused_when_memory_is_opened(name: str) -> None:
    with pytest.raises(ConfigurationError, match="The reranker"):
        longterm.open(":memory:", embeddings=None, reranker=name)


def test_an_option_that_the_store_does_not_have_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"no option 'modle'.*cache_bytes"):
        longterm.open(":memory:", modle="openai:gpt-5")
