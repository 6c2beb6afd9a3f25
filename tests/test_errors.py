"""Errors go wherever a program sends them."""

import copy
import pickle

import pytest

from longterm import errors

BUILT: list[errors.LongtermError] = [
    errors.ConfigurationError("wrong"),
    errors.MissingExtraError("Model 'openai:gpt-5'", "openai"),
    errors.NoStoreError(),
    errors.UnknownMemoryError("k", 3),
    errors.UnknownMemoryError("k", held=True),
    errors.UnreadableAnswerError("IndexError", "openai"),
    errors.PartialWriteError("half of it", written=["a"], failed=["b"]),
    errors.ReflectionTimeoutError(5),
]


@pytest.mark.parametrize("error", BUILT, ids=lambda error: type(error).__name__)
def test_an_error_is_the_same_in_another_process(error: errors.LongtermError) -> None:
    sent = pickle.loads(pickle.dumps(error))  # noqa: S301 - just written here
    for twin in (sent, copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert vars(twin) == vars(error)
