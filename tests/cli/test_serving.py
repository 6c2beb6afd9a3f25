"""What is said of a server, or of its keys, that cannot be: before anything listens."""

from collections.abc import Callable

import pytest
from typer.testing import Result

from longterm.errors import ConfigurationError, InvalidInputError

Run = Callable[..., Result]

TOKENS = ("--jwt-issuer", "https://id.example", "--jwt-audience", "memory")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("serve", "--rate-limit", "lots"), "100/minute"),
        (("serve", "--rate-limit", "0/minute"), "lets no request through"),
        (("serve", "--name", "https://memory.example"), "like memory.example.org"),
        (("serve", "--name", "memory.example:80"), "without a port"),
        (("serve", "--model", "nothing"), "Model 'nothing' is not known"),
        (("serve", "--store", ""), "not an empty text"),
        (("serve", "--host", "0.0.0.0"), "longterm keys create"),  # noqa: S104 - it is refused
        (("serve", "--jwks-url", "https://id.example/jwks"), "--jwt-issuer"),
        (("serve", "--jwks-url", "ftp://id.example", *TOKENS), "JWKS"),
        (("mcp", "--user", " "), "is not an id"),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(
    run: Run, words: tuple[str, ...], says: str
) -> None:
    result = run(*words)
    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)


def test_a_key_is_for_a_user_or_for_every_one(run: Run) -> None:
    result = run("keys", "create")
    assert isinstance(result.exception, InvalidInputError)
    assert "name its user" in str(result.exception)
