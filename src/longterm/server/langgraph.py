"""LangGraph's store API under /store, so that its clients use this server as a remote store.

A key for a user reaches what lies in and below that user's two namespaces.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from langgraph.store.base import NOT_PROVIDED, Item, SearchItem
from pydantic import Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from longterm.memory.namespace import escape_label
from longterm.server.access import Reader, Service, Writer
from longterm.server.bodies import StrictBody, StrictRoute, whole
from longterm.service import ROOTS
from longterm.service.keys import Principal
from longterm.text.characters import json_data

__all__ = ["router"]

router = APIRouter(prefix="/store", tags=["LangGraph's store"], route_class=StrictRoute)


Labels = list[Annotated[str, Field(json_schema_extra={"pattern": r"^[^.\x00]+$"})]]
Count = Annotated[int, Field(ge=0), whole]
Namespace = Annotated[Labels, Field(json_schema_extra={"minItems": 1})]
_Dotted = Annotated[str, Query(json_schema_extra={"pattern": r"^[^.\x00]+(\.[^.\x00]+)*$"})]


class PutBody(StrictBody):
    """An item to store."""

    namespace: Namespace
    key: str
    value: dict[str, Any]
    index: Literal[False] | list[str] | None = None
    #: Minutes.
    ttl: float | None = Field(None, ge=0)


class DeleteBody(StrictBody):
    """An item to delete."""

    namespace: Namespace
    key: str


class SearchBody(StrictBody):
    """What to look for."""

    namespace_prefix: Labels = Field(default_factory=list[str])
    filter: dict[str, Any] | None = None
    limit: Count = 10
    offset: Count = 0
    query: str | None = None
    refresh_ttl: bool | None = None


class NamespacesBody(StrictBody):
    """Which namespaces to list."""

    prefix: Labels | None = None
    suffix: Labels | None = None
    max_depth: Count | None = None
    limit: Count = 100
    offset: Count = 0


@router.put("/items", status_code=204)
async def put_item(body: PutBody, principal: Writer, service: Service) -> None:
    """Store an item."""
    namespace = _reached(principal, body.namespace)
    ttl = NOT_PROVIDED if body.ttl is None else body.ttl
    put = service.items.put
    await run_in_threadpool(put, namespace, body.key, body.value, index=body.index, ttl=ttl)


@router.get("/items", response_model=None)
async def get_item(
    *,
    namespace: _Dotted,
    key: str,
    refresh_ttl: bool | None = None,
    principal: Reader,
    service: Service,
) -> dict[str, Any] | None:
    """Read an item; null where there is none."""
    place = _reached(principal, namespace.split("."))
    item = await service.items.aget(place, key, refresh_ttl=refresh_ttl)
    return None if item is None else _item_json_body(item)


@router.delete("/items", status_code=204)
async def delete_item(body: DeleteBody, principal: Writer, service: Service) -> Response:
    """Delete an item."""
    await service.items.aput(_reached(principal, body.namespace), body.key, None)
    return Response(status_code=204)


@router.post("/items/search")
async def search_items(body: SearchBody, principal: Reader, service: Service) -> dict[str, Any]:
    """Find items at and below a namespace."""
    prefix = _reached(principal, body.namespace_prefix)
    found = await service.items.asearch(
        prefix,
        query=body.query,
        filter=body.filter,
        limit=body.limit,
        offset=body.offset,
        refresh_ttl=body.refresh_ttl,
    )
    return {"items": [_item_json_body(item) for item in found]}


@router.post("/namespaces")
async def list_namespaces(
    body: NamespacesBody, principal: Reader, service: Service
) -> dict[str, Any]:
    """List namespaces."""
    prefix = _reached(principal, body.prefix or [])
    found = await service.items.anamespaces(
        prefix=prefix,
        suffix=body.suffix or [],
        max_depth=body.max_depth,
        limit=body.limit,
        offset=body.offset,
    )
    return {"namespaces": [list(one) for one in found]}


def _reached(principal: Principal, labels: list[str]) -> tuple[str, ...]:
    """Return the namespace, or 403 where it is not one of the principal's user."""
    namespace = tuple(labels)
    if principal.user is None or "admin" in principal.scopes:
        return namespace
    root, owner = [*namespace, "", ""][:2]
    if root not in ROOTS or owner != escape_label(principal.user):
        raise HTTPException(
            403, "This key reaches the namespaces memories/<its user> and turns/<its user> only."
        )
    return namespace


def _item_json_body(item: Item) -> dict[str, Any]:
    fields = {
        "namespace": list(item.namespace),
        "key": item.key,
        "value": json_data(item.value),
        "created_at": item.created_at.isoformat(),
        "updated_at": item.updated_at.isoformat(),
    }
    return fields | ({"score": item.score} if isinstance(item, SearchItem) else {})
