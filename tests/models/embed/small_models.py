"""Small models in ONNX form, made here, in the folders that makers publish them in."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers
from onnx import TensorProto, helper, numpy_helper

WORDS = ("[PAD]", "[CLS]", "[SEP]", "[UNK]", "noodles", "basil", "car", "tyres", "query", ":")
DIMS = 8


def word_tokenizer(folder: Path) -> None:
    """Write a tokenizer of whole words, with the marks that BERT sets."""
    vocabulary = {word: at for at, word in enumerate(WORDS)}
    made: Any = tokenizers.Tokenizer(
        tokenizers.models.WordLevel(vocabulary, unk_token="[UNK]")  # noqa: S106 - no secret
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    made.save(str(folder / "tokenizer.json"))


def word_vectors() -> np.ndarray[Any, np.dtype[np.float32]]:
    """Return what the embedding model has for each word: an axis of its own, almost."""
    return np.eye(len(WORDS), DIMS, k=-2, dtype=np.float32) + np.float32(0.01)


def embedding_model(folder: Path, **files: Any) -> Path:
    """Write a network that looks each token up; *files* are written as JSON, "/" as "__"."""
    table = numpy_helper.from_array(word_vectors(), "table")
    ids, mask = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "attention_mask")
    )
    hidden = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["texts", "tokens", DIMS]
    )
    node = helper.make_node("Gather", ["table", "input_ids"], ["last_hidden_state"])
    _save(folder, helper.make_graph([node], "embed", [ids, mask], [hidden], [table]))
    return _written(folder, {"config": {"hidden_size": DIMS}} | files)


def cross_encoder(folder: Path) -> Path:
    """Write a network whose score counts the tokens of the second text that are "basil"."""
    ids, types = (
        helper.make_tensor_value_info(name, TensorProto.INT64, ["texts", "tokens"])
        for name in ("input_ids", "token_type_ids")
    )
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["texts", 1])
    basil = numpy_helper.from_array(np.array([WORDS.index("basil")], np.int64), "basil")
    axis = numpy_helper.from_array(np.array([1], np.int64), "axis")
    nodes = [
        helper.make_node("Equal", ["input_ids", "basil"], ["is_basil"]),
        helper.make_node("Cast", ["is_basil"], ["found"], to=TensorProto.INT64),
        helper.make_node("Mul", ["found", "token_type_ids"], ["in_second"]),
        helper.make_node("ReduceSum", ["in_second", "axis"], ["count"], keepdims=1),
        helper.make_node("Cast", ["count"], ["logits"], to=TensorProto.FLOAT),
    ]
    _save(folder, helper.make_graph(nodes, "rerank", [ids, types], [logits], [basil, axis]))
    return _written(folder, {})


def _save(folder: Path, graph: Any) -> None:
    (folder / "onnx").mkdir(parents=True)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    (folder / "onnx" / "model.onnx").write_bytes(model.SerializeToString())


def _written(folder: Path, files: dict[str, Any]) -> Path:
    word_tokenizer(folder)
    for name, content in files.items():
        file = folder / f"{name.replace('__', '/')}.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(content))
    return folder
