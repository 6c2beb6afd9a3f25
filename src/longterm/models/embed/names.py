"""Embedding models and rerankers by name.

``"onnx:owner/model"``, or ``"owner/model"`` alone, is a model of the hub in ONNX form, and
``"onnx:./folder"`` one that lies here; ``"sentence-transformers:name"`` is loaded by that
package; of embeddings ``"provider:model"`` is LangChain's.
"""

from langchain_core.documents import BaseDocumentCompressor
from langchain_core.embeddings import Embeddings

from longterm.errors import ConfigurationError, MissingExtraError
from longterm.models.embed.onnx import OnnxEmbeddings, OnnxReranker
from longterm.models.embed.sentence_transformers import (
    CrossEncoderReranker,
    SentenceTransformerEmbeddings,
    load,
)

__all__ = ["check_reranker_name", "embeddings_by_name", "reranker_by_name"]


_EMBEDDINGS = (
    ', or "provider:model" such as "openai:text-embedding-3-small", "minilm", "multilingual" or '
    '"none"'
)


def embeddings_by_name(
    name: str, *, threads: int | None = None, batch_size: int | None = None
) -> Embeddings:
    """Return the embedding model that *name* stands for; one in ONNX form runs as is said."""
    match name.partition(":"):
        case ("onnx", _, model) | (model, "", _) if "/" in model:
            return OnnxEmbeddings(model, threads=threads, batch_size=batch_size)
        case ("sentence-transformers", _, model) if model:
            return SentenceTransformerEmbeddings(load("SentenceTransformer", model), model)
        case (_, ":", model) if model:
            return _hosted(name)
        case _:
            raise ConfigurationError(_unknown("Embeddings", name, _EMBEDDINGS))


def check_reranker_name(name: str) -> None:
    """Raise `ConfigurationError` for a name that can stand for no cross-encoder."""
    match name.partition(":"):
        case ("onnx", _, model) | (model, "", _) if "/" in model:
            pass
        case ("sentence-transformers", _, model) if model:
            pass
        case _:
            raise ConfigurationError(_unknown("The reranker", name))


def reranker_by_name(name: str, *, threads: int | None = None) -> BaseDocumentCompressor:
    """Return the cross-encoder that *name* stands for."""
    check_reranker_name(name)
    kind, separator, model = name.partition(":")
    if kind == "sentence-transformers":
        return CrossEncoderReranker(loaded=load("CrossEncoder", model))
    return OnnxReranker(name=model if separator else kind, threads=threads)


def _hosted(name: str) -> Embeddings:
    try:
        from langchain.embeddings import init_embeddings

        return init_embeddings(name)
    except ImportError as error:
        raise MissingExtraError(f"Embeddings {name!r}", "openai") from error
    except ValueError as error:
        raise ConfigurationError(_unknown("Embeddings", name, _EMBEDDINGS)) from error
    except Exception as error:  # clients raise what they like at construction
        raise ConfigurationError(f"Embeddings {name!r} cannot be set up: {error}") from error


def _unknown(what: str, name: str, more: str = "") -> str:
    return (
        f'{what} {name!r}: no such model is known. Write "onnx:owner/model" (or a folder) or '
        f'"sentence-transformers:name"{more}.'
    )
