"""What fails inside of a model's client while it reads an answer, apart from all else that fails.

Clients take it for granted that a server answers as their provider does. What another one sends,
a proxy or a server that only resembles it, ends in an `IndexError` or the like somewhere within.
Such an error says nothing of where it was raised but by its traceback: the innermost frames of
installed packages, up to the first of a program. Those of a client are in it, or they are not.
"""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from traceback import walk_tb
from types import FrameType

from langchain_core.exceptions import OutputParserException
from langchain_core.language_models.chat_models import BaseChatModel

from longterm.errors import UnreadableAnswerError

__all__ = ["readable"]

#: Where errors come from that no client makes itself: those have a name and words of their own.
_PLAIN = re.compile(r"builtins|json\b|pydantic")
_WRONG_FORM = (LookupError, TypeError, AttributeError, ValueError)
#: Packages of clients, and those that stand between a client and its callers.
_CLIENT = re.compile(r"(?!langchain(_core|_classic)?\b)\w*langchain\w*")
#: Functions of LangChain's that take the first candidate of an answer for granted.
_TAKING_THE_FIRST = ("invoke", "ainvoke", "generate_from_stream", "agenerate_from_stream")
#: Functions of clients that write the question, and words of Python about their arguments.
_ASKING = re.compile(r"request|payload|params|messages|to_dict|prepare|tools")
_WRONG_CALL = re.compile(r"(keyword|positional|required) argument")
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")})


@contextmanager
def readable() -> Generator[None]:
    """Raise `UnreadableAnswerError` for what a client failed to read; all else as it is."""
    try:
        yield
    except Exception as error:
        if reader := _reader_of(error):
            raise UnreadableAnswerError(type(error).__name__, reader) from error
        raise


def _reader_of(error: Exception) -> str | None:
    """Return the module that raised *error* while it read an answer; None where none did."""
    if isinstance(error, OutputParserException):
        return type(error).__module__
    if not (isinstance(error, _WRONG_FORM) and _PLAIN.match(type(error).__module__)):
        return None
    frames = list(_innermost(error))
    clients = [frame for frame in frames if _CLIENT.match(_module(frame))]
    if not clients:
        return _giver_of_nothing(frames)
    asking = any(_ASKING.search(frame.f_code.co_name) for frame in clients)
    return None if asking or _WRONG_CALL.search(str(error)) else _module(clients[0])


def _giver_of_nothing(frames: Sequence[FrameType]) -> str | None:
    """Return the module of an installed client that gave LangChain an answer without anything.

    That of a program's own model is its own matter.
    """
    if not frames or frames[0].f_code.co_name not in _TAKING_THE_FIRST:
        return None
    held = (frame.f_locals.get("self") for frame in frames)
    model = next((type(one) for one in held if isinstance(one, BaseChatModel)), None)
    code = getattr(getattr(model, "_generate", None), "__code__", None)
    if model is None or code is None or not code.co_filename.startswith(_INSTALLED):
        return None
    return model.__module__


def _innermost(error: Exception) -> Iterator[FrameType]:
    """Yield the frames that *error* came through, the innermost first, up to a program's own."""
    for frame, _line in reversed(list(walk_tb(error.__traceback__))):
        if not frame.f_code.co_filename.startswith(_INSTALLED) or _module(frame) == __name__:
            return
        yield frame


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))
