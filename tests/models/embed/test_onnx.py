"""Models in ONNX form, by small networks of our own."""

from pathlib import Path

import numpy as np
import pytest
from langchain_core.documents import Document
from small_models import DIMS, WORDS, cross_encoder, embedding_model, word_vectors

from longterm import create_conversation_recorder, create_recall
from longterm.errors import ConfigurationError, LocalModelError
from longterm.models.embed.hub import Prompts, prompts_by_name
from longterm.models.embed.names import embeddings_by_name, reranker_by_name
from longterm.models.embed.onnx import OnnxEmbeddings, OnnxReranker
from longterm.stores import EmbeddedStore


def without_network(folder: Path) -> Path:
    embedding_model(folder)
    (folder / "onnx" / "model.onnx").unlink()
    return folder


def unit(*words: str) -> list[float]:
    found = word_vectors()[[WORDS.index(word) for word in words]].mean(axis=0)
    return (found / np.linalg.norm(found)).tolist()


def test_a_vector_is_the_mean_of_its_tokens_with_length_one(tmp_path: Path) -> None:
    model = OnnxEmbeddings(str(embedding_model(tmp_path)))
    (vector,) = model.embed_documents(["noodles basil"])
    assert vector == pytest.approx(unit("[CLS]", "noodles", "basil", "[SEP]"), abs=1e-6)
    assert model.dims == len(vector) == DIMS


def test_texts_of_a_batch_have_the_vectors_they_have_alone(tmp_path: Path) -> None:
    model = OnnxEmbeddings(str(embedding_model(tmp_path)), batch_size=3)
    texts = ["noodles", "car tyres car tyres car", "basil noodles", "tyres", "", "car car"]
    together = model.embed_documents(texts)
    alone = [model.embed_documents([text])[0] for text in texts]
    assert np.allclose(together, alone, atol=1e-6)
    assert model.embed_documents([]) == []


def test_the_first_token_counts_where_the_files_say_so(tmp_path: Path) -> None:
    folder = embedding_model(tmp_path, **{"1_Pooling__config": {"pooling_mode_cls_token": True}})
    assert OnnxEmbeddings(str(folder)).embed_query("noodles") == pytest.approx(
        unit("[CLS]"), abs=1e-6
    )


def test_a_pooling_that_is_not_known_is_refused(tmp_path: Path) -> None:
    folder = embedding_model(
        tmp_path, **{"1_Pooling__config": {"pooling_mode_weightedmean_tokens": True}}
    )
    with pytest.raises(LocalModelError, match="pools its vectors"):
        OnnxEmbeddings(str(folder)).embed_query("noodles")


def test_no_more_tokens_count_than_the_model_can_read(tmp_path: Path) -> None:
    folder = embedding_model(tmp_path, sentence_bert_config={"max_seq_length": 4})
    model = OnnxEmbeddings(str(folder))
    assert model.embed_documents(["noodles basil car"]) == model.embed_documents(["noodles basil"])


def test_a_question_and_a_passage_get_the_prompts_of_the_files(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query: ", "document": ""}}
    model = OnnxEmbeddings(str(embedding_model(tmp_path, config_sentence_transformers=prompts)))
    asked = unit("[CLS]", "query", ":", "noodles", "[SEP]")
    assert model.embed_query("noodles") == pytest.approx(asked, abs=1e-6)
    assert model.embed_documents(["noodles"])[0] == pytest.approx(
        unit("[CLS]", "noodles", "[SEP]"), abs=1e-6
    )


@pytest.mark.parametrize(
    ("name", "prompts"),
    [
        ("intfloat/multilingual-e5-small", Prompts("query: ", "passage: ")),
        ("nomic-ai/nomic-embed-text-v1.5", Prompts("search_query: ", "search_document: ")),
        ("sentence-transformers/all-MiniLM-L6-v2", Prompts()),
    ],
)
def test_families_whose_files_are_silent_have_their_prompts_by_name(
    name: str, prompts: Prompts
) -> None:
    assert prompts_by_name(name) == prompts


def test_a_reranker_puts_the_best_first(tmp_path: Path) -> None:
    reranker = OnnxReranker(name=str(cross_encoder(tmp_path)), top_n=2)
    documents = [Document("car"), Document("noodles basil"), Document("basil basil basil")]
    found = reranker.compress_documents(documents, "basil basil basil basil")
    assert [one.page_content for one in found] == ["basil basil basil", "noodles basil"]
    assert reranker.compress_documents([], "basil") == []


def test_recall_takes_both_by_name(tmp_path: Path) -> None:
    folder = embedding_model(tmp_path / "embed")
    model = embeddings_by_name(f"onnx:{folder}", threads=1)
    assert isinstance(model, OnnxEmbeddings)
    with EmbeddedStore(":memory:", index={"embed": model, "dims": model.dims}) as store:
        recorder = create_conversation_recorder(store=store, namespace=("turns",))
        said = ["car tyres", "noodles", "noodles basil basil"]
        recorder.invoke({"messages": [("user", text) for text in said]})
        reranker = f"onnx:{cross_encoder(tmp_path / 'rerank')}"
        recall = create_recall(store=store, namespace=("turns",), reranker=reranker, limit=3)
        found = recall.invoke("Who had noodles?")
        assert found.items[0].text == "noodles basil basil"
        assert store.stats().model == "OnnxEmbeddings:embed"


def test_a_folder_without_a_network_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="no ONNX file"):
        OnnxEmbeddings(str(without_network(tmp_path))).embed_query("noodles")


@pytest.mark.parametrize("name", ["minilm6", "onnx:", "sentence-transformers:"])
def test_a_name_that_means_nothing_says_what_can_be_written(name: str) -> None:
    with pytest.raises(ConfigurationError, match="owner/model"):
        embeddings_by_name(name)
    with pytest.raises(ConfigurationError, match="owner/model"):
        reranker_by_name(name)


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub() -> None:
    with pytest.raises(ConfigurationError, match="There is no folder"):
        embeddings_by_name("onnx:./nowhere")


def test_a_package_that_is_missing_says_how_to_install_it() -> None:
    with pytest.raises(ConfigurationError, match="pip install sentence-transformers"):
        embeddings_by_name("sentence-transformers:all-MiniLM-L6-v2")


def test_a_hosted_model_without_its_key_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        embeddings_by_name("openai:text-embedding-3-small")
