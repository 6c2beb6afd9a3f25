"""Who may do what on a LangGraph server: LangSmith's keys, and each user's own memories.

Name it in ``langgraph.json`` as ``"auth": {"path": "longterm.graphs.auth:auth"}``. A caller is
known by the LangSmith key in ``x-api-key``; threads are its own, every namespace of the store
begins with its id, and everything else is refused but to LangGraph Studio.
"""

from __future__ import annotations

from typing import Any

from langgraph_sdk import Auth

__all__ = ["accept", "auth", "filter_store_requests", "ls_authenticate", "refuse"]

auth = Auth()


@auth.authenticate
async def ls_authenticate(headers: dict[bytes, bytes]) -> Any:
    """Return who the LangSmith key of a request belongs to; 401 where it is none."""
    # Only there on a LangGraph server, which alone calls this.
    from langgraph_api.auth.langsmith.client import auth_client

    key = headers.get(b"x-api-key", b"").decode("latin-1")
    if not key:
        raise Auth.exceptions.HTTPException(status_code=401, detail="Send a key in x-api-key.")
    async with auth_client() as client:
        answer = await client.get("/auth/public", headers=[("X-Api-Key", key)])
    if answer.status_code in (401, 403):
        raise Auth.exceptions.HTTPException(status_code=401, detail="This key is not valid.")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return {**found, "identity": found.get("user_id") or found["tenant_id"]}


@auth.on
async def refuse(ctx: Auth.types.AuthContext, value: Any) -> bool:  # noqa: ARG001 - LangGraph's form
    """Refuse what no other rule allows."""
    return isinstance(ctx.user, Auth.types.StudioUser)


@auth.on.threads
async def accept(ctx: Auth.types.AuthContext, value: Any) -> Any:
    """Let users have threads of their own."""
    if isinstance(ctx.user, Auth.types.StudioUser):
        return True
    owner = {"owner": ctx.user.identity}
    value.setdefault("metadata", {}).update(owner)
    return owner


@auth.on.store
async def filter_store_requests(ctx: Auth.types.AuthContext, value: Any) -> bool:
    """Put the user's id before every namespace that does not begin with it."""
    if not isinstance(ctx.user, Auth.types.StudioUser):
        namespace = tuple(value.get("namespace") or ())
        if namespace[:1] != (ctx.user.identity,):
            value["namespace"] = (ctx.user.identity, *namespace)
    return True
