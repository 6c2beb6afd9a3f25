"""JSON web tokens of an identity provider, checked against the keys it publishes."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import jwt

from longterm.errors import ConfigurationError
from longterm.memory.namespace import id_text
from longterm.server.options import TokenOptions
from longterm.service.keys import SCOPES, Principal, Scope

__all__ = ["TokenVerifier"]

logger = logging.getLogger("longterm.server")

#: Signatures that need a private key: with "none" or a shared secret anybody could sign.
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"]
_NEEDED = ["exp", "iss", "aud"]


class TokenVerifier:
    """Reads tokens of one issuer, for one audience."""

    def __init__(self, options: TokenOptions) -> None:
        self._options = options
        try:
            self._keys = jwt.PyJWKClient(options.jwks_url, cache_keys=True, timeout=5)
        except jwt.PyJWTError as error:
            raise ConfigurationError(f"The JWKS URL cannot be used: {error}") from error

    async def principal(self, token: str) -> Principal | None:
        """Return who asks with *token*; None where it does not check."""
        try:
            claims = await asyncio.to_thread(self._claims, token)
        except jwt.PyJWTError as error:
            logger.info("A token was refused: %s", type(error).__name__)
            return None
        try:
            user = id_text(claims.get(self._options.user_claim))
        except ConfigurationError:
            logger.info("A token was refused: its claim of a user is not an id.")
            return None
        said = str(claims.get(self._options.scope_claim, "read write")).split()
        scopes = frozenset[Scope](filter(said.__contains__, SCOPES))
        return Principal(f"jwt:{user}", user, scopes)

    def _claims(self, token: str) -> dict[str, Any]:
        key = self._keys.get_signing_key_from_jwt(token)
        return jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=self._options.audience,
            issuer=self._options.issuer,
            leeway=10,
            options={"require": _NEEDED},
        )
