"""Models of sentence-transformers, by stand-ins that have its methods."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from langchain_core.documents import Document

from longterm.models.embed.sentence_transformers import (
    CrossEncoderReranker,
    SentenceTransformerEmbeddings,
)


class Encoder:
    """Stands for a ``SentenceTransformer``; keeps what it was given."""

    def __init__(self, prompts: dict[str, str]) -> None:
        self.prompts = prompts
        self.given: list[str] = []

    def get_sentence_embedding_dimension(self) -> int:
        return 2

    def encode(self, texts: Sequence[str], *, prompt: str, **_: Any) -> Any:
        self.given += [prompt + text for text in texts]
        return np.ones((len(texts), 2), np.float32)


class Scorer:
    """Stands for a ``CrossEncoder``: the longer text is the better one."""

    def predict(self, pairs: Sequence[tuple[str, str]], **_: Any) -> Any:
        return np.array([len(text) for _, text in pairs])


def test_the_prompts_of_the_model_stand_before_its_texts() -> None:
    encoder = Encoder({"query": "Q: ", "passage": "P: "})
    model = SentenceTransformerEmbeddings(encoder, "someone/model")
    assert model.embed_query("noodles") == [1.0, 1.0]
    assert model.embed_documents(["a", "b"]) == [[1.0, 1.0], [1.0, 1.0]]
    assert encoder.given == ["Q: noodles", "P: a", "P: b"]
    assert model.dims == 2


def test_a_model_that_says_none_has_those_of_its_family() -> None:
    encoder = Encoder({})
    SentenceTransformerEmbeddings(encoder, "intfloat/e5-base-v2").embed_query("noodles")
    assert encoder.given == ["query: noodles"]


def test_a_cross_encoder_puts_the_best_first() -> None:
    documents = [Document("a"), Document("ccc"), Document("bb")]
    found = CrossEncoderReranker(loaded=Scorer(), top_n=2).compress_documents(documents, "?")
    assert [one.page_content for one in found] == ["ccc", "bb"]
    assert CrossEncoderReranker(loaded=Scorer()).compress_documents([], "?") == []
