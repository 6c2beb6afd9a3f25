import pytest

from longterm.errors import LocalModelError, MissingExtraError
from longterm.models.embed.minilm import checked


def test_a_file_with_another_hash_is_refused() -> None:
    with pytest.raises(LocalModelError, match=r"NOTICE of longterm\.models\.embed is not"):
        checked("longterm.models.embed", "NOTICE", "0" * 64)


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingExtraError, match=r"longterm\[local\]"):
        checked("no_such_package", "model.onnx", "0" * 64)
