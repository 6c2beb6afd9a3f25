"""Keys: who may ask a server, for whom and for what.

A key is ``lt_<id>_<secret>``. The secret has 256 random bits, so its SHA-256 is all that is
kept, in the service's own store: every worker on it knows the same keys, and a key that is
revoked ends with the next request.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, get_args

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, SearchItem

from longterm.commit import Write, commit
from longterm.effects.runnable import both
from longterm.effects.steps import fetch, get_op, search, search_op
from longterm.errors import ConfigurationError, InvalidInputError
from longterm.memory.namespace import OWN_ROOT, id_text

__all__ = ["SCOPES", "Key", "Keys", "Principal", "Scope", "scopes_in"]

Scope = Literal["read", "write", "admin"]

_NAMESPACE = (f"{OWN_ROOT}server", "keys")
_MOST = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: what a key, a token or a session stands for."""

    #: The key's or the token's id; what rate limits count by.
    id: str
    #: Whose memory it reaches; None for every user's.
    user: str | None
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Tell whether it may do what *scope* stands for; an admin may everything."""
        return scope in self.scopes or "admin" in self.scopes

    def reaches(self, user: str) -> bool:
        """Tell whether it may ask about *user*."""
        return self.user is None or self.user == user or "admin" in self.scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What is known of a key; never its secret."""

    id: str
    user: str | None
    scopes: tuple[Scope, ...]
    created_at: str
    name: str = ""

    @property
    def principal(self) -> Principal:
        """Who asks with this key."""
        return Principal(self.id, self.user, frozenset(self.scopes))

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "id": self.id,
            "user": self.user,
            "scopes": list(self.scopes),
            "created_at": self.created_at,
            "name": self.name,
        }


#: Every scope there is.
SCOPES: tuple[Scope, ...] = get_args(Scope)


def scopes_in(text: str) -> tuple[Scope, ...]:
    """Read "read,write"; raises `InvalidInputError` for a scope that is none."""
    wanted = [part.strip() for part in text.split(",") if part.strip()]
    if not wanted or not set(wanted) <= set(SCOPES):
        raise InvalidInputError(f"Scopes are {', '.join(SCOPES)}, with commas between them.")
    return tuple(scope for scope in SCOPES if scope in wanted)


# `list` is a method below, and hides the type from the annotations of its class.
_Keys = list[Key]
_Items = list[SearchItem]


class Keys:
    """The keys of one service's server."""

    def __init__(self, store: BaseStore) -> None:
        self._store = store
        self.config = RunnableConfig()

    @property
    def store(self) -> BaseStore:
        """The store they are in."""
        return self._store

    async def create_flow(
        self, *, user: str | None, scopes: Iterable[Scope] = ("read", "write"), name: str = ""
    ) -> tuple[Key, str]:
        """Make a key and return it with its text, which is shown this once.

        Raises `InvalidInputError` for a *user* that is no id, and for none without the scope admin.
        """
        try:
            user = None if user is None else id_text(user)
        except ConfigurationError as error:
            raise InvalidInputError(str(error)) from error
        if user is None and "admin" not in scopes:
            raise InvalidInputError(
                "A key for every user needs the scope admin; else name its user."
            )
        key = Key(
            id=secrets.token_hex(6),
            user=user,
            scopes=tuple(scopes),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            name=name,
        )
        secret = secrets.token_urlsafe(32)
        value = key.as_json() | {"sha256": _key_hash(secret)}
        write = Write(_NAMESPACE, key.id, value, index=False, ttl=None, fresh=True)
        await commit([write], actor="user")
        return key, f"lt_{key.id}_{secret}"

    create, acreate = both(create_flow)

    async def list_flow(self) -> _Keys:
        """Return every key, oldest first."""
        items = await self._stored(_MOST)
        return sorted((_parsed_key(item.value) for item in items), key=lambda key: key.created_at)

    list, alist = both(list_flow)

    async def revoke_flow(self, id: str) -> bool:
        """End a key at once; tell whether there was one."""
        (item,) = await fetch([get_op(_NAMESPACE, id)])
        if item is not None:
            await commit([Write(_NAMESPACE, id, None)], actor="user")
        return item is not None

    revoke, arevoke = both(revoke_flow)

    async def find_flow(self, text: str) -> Key | None:
        """Return the key that *text* is; None for anything else."""
        prefix, _, rest = text.partition("_")
        id, _, secret = rest.partition("_")
        if prefix != "lt" or not id.isalnum() or not id.isascii() or not secret:
            return None
        (item,) = await fetch([get_op(_NAMESPACE, id, refresh_ttl=False)])
        stored = "" if item is None else str(item.value.get("sha256"))
        if item is None or not hmac.compare_digest(stored, _key_hash(secret)):
            return None
        return _parsed_key(item.value)

    find, afind = both(find_flow)

    async def exist_flow(self) -> bool:
        """Tell whether there is a key at all."""
        return bool(await self._stored(1))

    exist, aexist = both(exist_flow)

    async def _stored(self, limit: int) -> _Items:
        (items,) = await search([search_op(_NAMESPACE, limit=limit, refresh_ttl=False)])
        return [item for item in items if item.namespace == _NAMESPACE]


def _key_hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _parsed_key(value: dict[str, Any]) -> Key:
    return Key(
        id=value["id"],
        user=value["user"],
        scopes=tuple(value["scopes"]),
        created_at=value["created_at"],
        name=value.get("name", ""),
    )
