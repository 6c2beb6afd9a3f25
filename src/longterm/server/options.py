"""What a server is started with."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["LOOPBACK", "ServerOptions", "TokenOptions"]

#: Hosts that only this machine reaches.
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenOptions:
    """Which JSON web tokens are accepted beside keys."""

    #: Where the issuer publishes its public keys, as a JWKS.
    jwks_url: str
    issuer: str
    audience: str
    #: The claim that holds the user's id.
    user_claim: str = "sub"
    #: The claim that holds the scopes, with spaces between them; without it: read and write.
    scope_claim: str = "scope"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """Where the memories are, and what the server allows; must be picklable for workers."""

    #: None takes what the settings say.
    store: str | None = None
    model: str | None = None
    embeddings: str = "auto"
    host: str = "127.0.0.1"
    port: int = 8787
    workers: int = 1
    #: Requests of one key, or of one address without a key, as `limits` writes them.
    rate_limit: str = "6000/minute"
    #: The largest body of a request, in bytes; an import may be sixteen times as large.
    max_body: int = 4 * 2**20
    tokens: TokenOptions | None = None
    #: Names the server is reached by besides its address; a request for another is refused.
    hosts: tuple[str, ...] = field(default=())
