"""Models in ONNX form, as their makers publish them: a folder, or a name on the model hub.

Read is what sentence-transformers writes beside a model: its tokenizer, how long a text may
be, how the vectors of its tokens become one, and what stands before a question and before a
passage. Nothing in such a folder is ever executed.
"""

import json
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, cast

from longterm.errors import ConfigurationError, LocalModelError

__all__ = ["ModelFolder", "Pooling", "Prompts", "prompts_by_name"]

#: How a text's vector is made of its tokens': their mean, that of the first, that of the last.
Pooling = Literal["mean", "cls", "lasttoken"]

_POOLINGS: dict[str, Pooling] = {
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_lasttoken": "lasttoken",
}
#: Where exports put the network, the full precision first.
_NETWORKS = (
    "onnx/model.onnx",
    "model.onnx",
    "model_optimized.onnx",
    "onnx/model_quantized.onnx",
    "model_quantized.onnx",
)
_NEEDED = ("*.json", "*/config.json", "*.onnx_data", "onnx/*.onnx_data", *_NETWORKS)
#: Models say how long their texts may be; some say a number that means "any".
_USUAL_TOKENS, _MOST_TOKENS = 512, 8192


@dataclass(frozen=True, slots=True)
class Prompts:
    """What a model wants before a question, and before what is to be found."""

    query: str = ""
    document: str = ""


_RETRIEVAL = "Represent this sentence for searching relevant passages: "
#: Families whose files do not say it; from their model cards.
_FAMILIES = {
    "e5-": Prompts("query: ", "passage: "),
    "nomic-embed": Prompts("search_query: ", "search_document: "),
    "bge-small-en": Prompts(_RETRIEVAL),
    "bge-base-en": Prompts(_RETRIEVAL),
    "bge-large-en": Prompts(_RETRIEVAL),
    "mxbai-embed": Prompts(_RETRIEVAL),
    "snowflake-arctic-embed": Prompts(_RETRIEVAL),
}


def prompts_by_name(name: str) -> Prompts:
    """Return the prompts of the family that *name* is one of; none where it is of no known one."""
    model = name.rpartition("/")[2].lower()
    return next((said for family, said in _FAMILIES.items() if family in model), Prompts())


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """The files of one model."""

    name: str
    path: Path

    @classmethod
    def find(cls, name: str) -> "ModelFolder":
        """Find *name*: a folder, or an "owner/model" of the hub, which is fetched once.

        Raises `ConfigurationError` for what is neither, and `LocalModelError` where it cannot be
        fetched.
        """
        folder = Path(name).expanduser()
        if folder.is_dir():
            return cls(folder.name, folder)
        if name.count("/") != 1 or name.startswith((".", "/", "~")):
            raise ConfigurationError(
                f"There is no folder {name!r}, and a model of the hub is named 'owner/model'."
            )
        try:
            hub: Any = import_module("huggingface_hub")
        except ModuleNotFoundError as exc:
            raise LocalModelError(
                f"To fetch {name!r}, install the hub's client: pip install huggingface-hub. Or "
                "give the path of a folder that holds the model."
            ) from exc
        try:
            found = hub.snapshot_download(name, allow_patterns=list(_NEEDED))
        except Exception as exc:
            raise LocalModelError(
                f"The model {name!r} could not be fetched from the hub ({type(exc).__name__}). "
                "Check its name and the network, or give the path of a folder that holds it."
            ) from exc
        return cls(name, Path(found))

    @property
    def network(self) -> Path:
        """The ONNX file."""
        for file in _NETWORKS:
            if (self.path / file).is_file():
                return self.path / file
        raise LocalModelError(
            f"{self.path} holds no ONNX file ({', '.join(_NETWORKS)}). Export the model with "
            "optimum, or choose one that is published in this form."
        )

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's file."""
        file = self.path / "tokenizer.json"
        if not file.is_file():
            raise LocalModelError(f"{self.path} holds no tokenizer.json, so it cannot be used.")
        return file

    @property
    def dims(self) -> int | None:
        """Length of the vectors, where the files say it."""
        said = self._pooling().get("word_embedding_dimension") or self._read("config.json").get(
            "hidden_size"
        )
        return said if isinstance(said, int) else None

    @property
    def most_tokens(self) -> int:
        """How many tokens of a text count."""
        said = (
            self._read("sentence_bert_config.json").get("max_seq_length"),
            self._read("tokenizer_config.json").get("model_max_length"),
            self._read("config.json").get("max_position_embeddings"),
        )
        usable = (one for one in said if isinstance(one, int) and 0 < one <= _MOST_TOKENS)
        return next(usable, _USUAL_TOKENS)

    @property
    def pooling(self) -> Pooling:
        """How the vectors of the tokens become one; the mean where nothing is said."""
        said = self._pooling()
        for key, mode in _POOLINGS.items():
            if said.get(key):
                return mode
        if any(on is True for key, on in said.items() if key.startswith("pooling_mode_")):
            raise LocalModelError(
                f"{self.name} pools its vectors in a way that is not supported here; "
                f"{', '.join(_POOLINGS.values())} are."
            )
        return "mean"

    @property
    def prompts(self) -> Prompts:
        """What its files say stands before a text, else what its name says."""
        said: dict[str, str] = self._read("config_sentence_transformers.json").get("prompts") or {}
        if not any(said.values()):
            return prompts_by_name(self.name)
        return Prompts(said.get("query", ""), said.get("document") or said.get("passage") or "")

    def _pooling(self) -> dict[str, Any]:
        return self._read("1_Pooling/config.json")

    def _read(self, file: str) -> dict[str, Any]:
        try:
            return cast("dict[str, Any]", json.loads((self.path / file).read_text("utf-8")))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as exc:
            raise LocalModelError(f"{self.path / file} cannot be read.") from exc
