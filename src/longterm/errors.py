"""Every error longterm raises itself, in one tree, split by who must act.

LongtermError
├── ConfigurationError          the developer: an argument, a placeholder, an install
│   ├── ClosedError             … an executor is used after its shutdown
│   ├── MissingExtraError       … an optional dependency is not installed
│   ├── ModelChangedError       … a store was indexed with another embedding model
│   └── NoStoreError            … no store was given and none is in the context
├── InvalidInputError           the caller: messages or memories of an unknown form
│   ├── UnknownMemoryError      … no memory has this id
│   └── GuardedError            … what the guard does not let in
├── ExtractionError             the model: nothing usable came back
│   └── UnreadableAnswerError   … its client could not make sense of what its server answered
├── StoreError                  the store: an operation failed, or the file is unfit
│   ├── StoreUnavailableError   … the database is away or too busy for now
│   ├── PartialWriteError       … in the middle of a write; knows what was written
│   └── ConflictError           … another writer changed the memory meanwhile
├── ReflectionError             the background: a reflection was given up, or ran elsewhere
│   └── ReflectionTimeoutError  … it took longer than it was given
└── LocalModelError             the machine: a model file is missing, broken or does not run

RecallLimitWarning              not an error: recall saw a part of a large namespace only
DroppedWarning                  not an error: part of a model's answer was left out, and why

What a chat model or a store raises about itself comes through as it is. All of these derive
from `Exception`, so that a worker thread survives them.
"""

from collections.abc import Sequence
from typing import Any

__all__ = [
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "DroppedWarning",
    "ExtractionError",
    "GuardedError",
    "InvalidInputError",
    "LocalModelError",
    "LongtermError",
    "MissingExtraError",
    "ModelChangedError",
    "NoStoreError",
    "PartialWriteError",
    "RecallLimitWarning",
    "ReflectionError",
    "ReflectionTimeoutError",
    "StoreError",
    "StoreUnavailableError",
    "UnknownMemoryError",
    "UnreadableAnswerError",
]


class LongtermError(Exception):
    """The base of every error in longterm."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Let copies, and other processes, have the message as it is: constructors differ."""
        return _same_error, (type(self), self.args), self.__dict__


def _same_error(kind: type[LongtermError], args: tuple[Any, ...]) -> LongtermError:
    error = kind.__new__(kind, *args)
    error.args = args
    return error


class ConfigurationError(LongtermError, ValueError):
    """Something was set up in a way that cannot work.

    A `ValueError` as well: what LangMem's users catch.
    """


class ClosedError(ConfigurationError, RuntimeError):
    """An executor was used after its shutdown; a store that is closed is a `StoreError`."""


class MissingExtraError(ConfigurationError, ImportError):
    """An optional dependency is missing.

    *what* needs it, and *extra* is the name to install.
    """

    def __init__(self, what: str, extra: str) -> None:
        self.extra = extra
        super().__init__(
            f"{what} needs packages that are not installed. "
            f'Install them with: pip install "longterm[{extra}]"'
        )


class ModelChangedError(ConfigurationError):
    """A store's index was made in another way than it is now asked to be searched."""


class NoStoreError(ConfigurationError):
    """No store was given and none is in the context."""

    def __init__(self) -> None:
        super().__init__(
            "There is no store to work on. Pass store=… when you create the manager or tool "
            "(for example InMemoryStore() from langgraph.store.memory), or call it inside a "
            "LangGraph graph that was compiled with a store."
        )


class InvalidInputError(LongtermError, ValueError):
    """The input has a form that longterm does not know."""


class UnknownMemoryError(InvalidInputError, LookupError):
    """No memory has this id, or this one not that revision; it may have been forgotten."""

    def __init__(self, id: str, revision: int | None = None, *, held: bool = False) -> None:
        self.id = id
        if held:
            message = f"Nothing in quarantine has the id {id!r}. Look it up with quarantined."
        elif revision is None:
            message = f"There is no memory {id!r}. Look it up with list or search."
        else:
            message = f"Memory {id!r} has no revision {revision}. Look it up with history."
        super().__init__(message)


class GuardedError(InvalidInputError):
    """The guard kept a value out, or in quarantine; says which class of thing stood where."""


class ExtractionError(LongtermError):
    """The model's answer holds nothing that can be used."""


class UnreadableAnswerError(ExtractionError):
    """A model's client failed while it read an answer; its own error is the cause of this one.

    *error* is the name of its class, *module* where it was raised.
    """

    def __init__(self, error: str, module: str) -> None:
        super().__init__(
            f"The model's client could not read what its server answered ({error} in {module}). "
            "Ask again: the server may be starting, or a proxy has answered for it. If it stays "
            "so, the server does not answer in the form of its provider: see the cause of this "
            "error, and the server's log."
        )


class StoreError(LongtermError):
    """A store did not do what it was asked."""


class StoreUnavailableError(StoreError):
    """The database is away or too busy for now; the same call may go well later."""


class PartialWriteError(StoreError):
    """A write failed; *written* and *failed* hold the keys on either side of it."""

    def __init__(self, message: str, *, written: Sequence[str], failed: Sequence[str]) -> None:
        self.written = tuple(written)
        self.failed = tuple(failed)
        super().__init__(message)


class ConflictError(StoreError):
    """A memory was changed by another writer between reading and writing it."""


class ReflectionError(LongtermError):
    """A reflection failed; its message names the class and the place of the error that ended it."""


class ReflectionTimeoutError(ReflectionError, TimeoutError):
    """A reflection took longer than the *seconds* it was given."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"The reflection took longer than {seconds:g} seconds and was given up. Give it more "
            "with ReflectionExecutor(…, timeout=…), or the model a time limit of its own."
        )


class LocalModelError(LongtermError):
    """A local model cannot be found, verified or started."""


class DroppedWarning(UserWarning):
    """Part of a model's answer was not carried out; the rest of it stands."""


class RecallLimitWarning(UserWarning):
    """A store showed recall a part of a namespace only; what matters may be missed."""
