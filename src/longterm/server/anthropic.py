"""Anthropic's memory stores under /v1/memory_stores, for `beta.memory_stores` of its SDK.

A store is a scope of the key's user, a memory in it a file: a path and a text. A version is
a revision; redacting one takes what all past versions of that memory said.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import Field

from longterm.memory.namespace import escape_label
from longterm.memory.revision import Revision
from longterm.server.access import Reader, Service, Writer
from longterm.server.anthropic_errors import ERROR_FORM, PREFIX, WrongRequestError
from longterm.server.bodies import StrictBody, StrictRoute
from longterm.server.problems import EVERYWHERE, declared
from longterm.service import (
    MEMORY_STORES,
    MemoryRecord,
    MemoryService,
    UserMemory,
    erase_past,
)
from longterm.service.keys import Principal

__all__ = ["router"]

router = APIRouter(
    prefix=PREFIX,
    tags=["Anthropic's memory stores"],
    route_class=StrictRoute,
    responses=declared(*EVERYWHERE, 404, 409, form=ERROR_FORM),
)

#: The kind of a memory that is a file.
_FILE = "File"
_MOST = 10_000
_LARGEST = 102_400
_LONGEST_PATH = 1_024

View = Literal["basic", "full"]
PageSize = Annotated[int, Query(ge=1, le=100)]
Page = Annotated[str | None, Query()]


class NewStore(StrictBody):
    """A store to create."""

    name: str = Field(min_length=1, max_length=255)
    description: str = Field("", max_length=1_024)
    metadata: dict[str, str] = Field(default_factory=dict[str, str], max_length=16)


class ChangedStore(StrictBody):
    """What shall be different; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=255)
    description: str | None = Field(None, max_length=1_024)
    metadata: dict[str, str | None] | None = None


class NewFile(StrictBody):
    """A memory to create."""

    path: str
    content: str | None = ""


class Precondition(StrictBody):
    """What the content must be for a change to be made."""

    type: Literal["content_sha256"]
    content_sha256: str


class ChangedFile(StrictBody):
    """What shall be different; what is left out stays."""

    path: str | None = None
    content: str | None = None
    precondition: Precondition | None = None


class _Shelf:
    """The stores of one principal: what is known of them, and their memories."""

    def __init__(self, service: MemoryService, principal: Principal) -> None:
        self._service = service
        self.owner = principal.user or "me"
        self._namespace = (MEMORY_STORES, escape_label(self.owner))

    async def all(self) -> list[dict[str, Any]]:
        items = await self._service.own_items.asearch(self._namespace, limit=_MOST)
        stores = [item.value for item in items if item.namespace == self._namespace]
        return sorted(stores, key=lambda store: store["created_at"], reverse=True)

    async def one(self, id: str) -> dict[str, Any]:
        item = await self._service.own_items.aget(self._namespace, id)
        if item is None:
            raise _not_found("memory store")
        return dict(item.value)

    async def keep(self, store: dict[str, Any]) -> dict[str, Any]:
        items = self._service.own_items
        await items.aput(self._namespace, store["id"], store, index=False, ttl=None)
        return store

    async def drop(self, id: str) -> None:
        await self._service.own_items.aput(self._namespace, id, None)

    async def memory(self, id: str) -> UserMemory:
        """Return what is in a store, which must be there."""
        await self.one(id)
        return self._service.scope(self.owner, id)

    async def writable(self, id: str) -> UserMemory:
        """Return what is in a store that is not archived."""
        if (await self.one(id))["archived_at"]:
            raise WrongRequestError(400, "invalid_request_error", "The store is archived.")
        return self._service.scope(self.owner, id)


async def _read_shelf(principal: Reader, service: Service) -> _Shelf:
    return _Shelf(service, principal)


async def _write_shelf(principal: Writer, service: Service) -> _Shelf:
    return _Shelf(service, principal)


ReadShelf = Annotated[_Shelf, Depends(_read_shelf)]
WriteShelf = Annotated[_Shelf, Depends(_write_shelf)]


# --- stores ---


@router.post("")
async def create_store(body: NewStore, shelf: WriteShelf) -> dict[str, Any]:
    """Create a store."""
    now = _now()
    store = {
        "id": f"memstore_{secrets.token_hex(12)}",
        "type": "memory_store",
        **body.model_dump(),
        "created_at": now,
        "updated_at": now,
        "archived_at": None,
    }
    return await shelf.keep(store)


@router.get("")
async def list_stores(
    *, limit: PageSize = 20, page: Page = None, include_archived: bool = False, shelf: ReadShelf
) -> dict[str, Any]:
    """List the stores, newest first."""
    stores = [one for one in await shelf.all() if include_archived or not one["archived_at"]]
    return _paged(stores, limit, page)


@router.get("/{store_id}")
async def get_store(store_id: str, shelf: ReadShelf) -> dict[str, Any]:
    """Read what is known of a store."""
    return await shelf.one(store_id)


@router.post("/{store_id}")
async def update_store(store_id: str, body: ChangedStore, shelf: WriteShelf) -> dict[str, Any]:
    """Change what is known of a store."""
    store = await shelf.one(store_id)
    changes = body.model_dump(exclude_none=True, exclude={"metadata"})
    merged = {**store["metadata"], **(body.metadata or {})}
    metadata = {key: value for key, value in merged.items() if value is not None}
    return await shelf.keep({**store, **changes, "metadata": metadata, "updated_at": _now()})


@router.post("/{store_id}/archive")
async def archive_store(store_id: str, shelf: WriteShelf) -> dict[str, Any]:
    """Archive a store: nothing is written to it any more."""
    store = await shelf.one(store_id)
    now = _now()
    return await shelf.keep(
        {**store, "archived_at": store["archived_at"] or now, "updated_at": now}
    )


@router.delete("/{store_id}")
async def delete_store(store_id: str, shelf: WriteShelf) -> dict[str, str]:
    """Erase a store with its memories and their versions."""
    await (await shelf.memory(store_id)).aerase()
    await shelf.drop(store_id)
    return {"id": store_id, "type": "memory_store_deleted"}


# --- memories ---


@router.post("/{store_id}/memories")
async def create_file(
    store_id: str, body: NewFile, shelf: WriteShelf, view: View = "basic"
) -> dict[str, Any]:
    """Create a memory at a path that is free."""
    memory = await shelf.writable(store_id)
    content = _checked_path(body.path, body.content or "")
    if await _all_at(memory, body.path):
        raise WrongRequestError(409, "conflict_error", "There is a memory at this path.")
    id = f"mem_{secrets.token_hex(12)}"
    added = await memory.aadd(content, kind=_FILE, id=id)
    if len(there := await _all_at(memory, body.path)) > 1:  # another came at the same moment
        first = min(there, key=lambda one: (one.created_at, one.id))
        if first.id != id:
            await memory.aerase(id)
            raise WrongRequestError(409, "conflict_error", "There is a memory at this path.")
    return _file(store_id, added, view)


@router.get("/{store_id}/memories")
async def list_files(
    *,
    store_id: str,
    limit: PageSize = 20,
    page: Page = None,
    path_prefix: str = "/",
    depth: int = 0,
    view: View = "basic",
    shelf: ReadShelf,
) -> dict[str, Any]:
    """List memories below a path, and with a depth the folders that hold deeper ones."""
    records = await (await shelf.memory(store_id)).alist(limit=_MOST, kind=_FILE)
    entries: dict[str, dict[str, Any]] = {}
    for record in sorted(records, key=lambda one: one.content["path"]):
        path: str = record.content["path"]
        if path.startswith(path_prefix):
            segments = path.removeprefix(path_prefix).split("/")
            if depth and len(segments) > depth:
                folder = f"{path_prefix}{'/'.join(segments[:depth])}/"
                entries[folder] = {"type": "memory_prefix", "path": folder}
            else:
                entries[path] = _file(store_id, record, view)
    return _paged([*entries.values()], limit, page)


@router.get("/{store_id}/memories/{id}")
async def get_file(store_id: str, id: str, shelf: ReadShelf, view: View = "full") -> dict[str, Any]:
    """Read a memory."""
    return _file(store_id, await _existing(await shelf.memory(store_id), id), view)


@router.post("/{store_id}/memories/{id}")
async def update_file(
    store_id: str, id: str, body: ChangedFile, shelf: WriteShelf, view: View = "basic"
) -> dict[str, Any]:
    """Change a memory's content or path, if its content is what was expected."""
    memory = await shelf.writable(store_id)
    record = await _existing(memory, id)
    old = record.content
    if body.precondition and body.precondition.content_sha256 != _content_sha256(old["content"]):
        raise WrongRequestError(409, "conflict_error", "The memory's content is another by now.")
    path = body.path or old["path"]
    content = _checked_path(path, old["content"] if body.content is None else body.content)
    if path != old["path"] and await _all_at(memory, path):
        raise WrongRequestError(409, "conflict_error", "There is a memory at this path.")
    edited = await memory.aedit(id, content, expected_revision=record.revision)
    return _file(store_id, edited, view)


@router.delete("/{store_id}/memories/{id}")
async def delete_file(
    store_id: str, id: str, shelf: WriteShelf, expected_content_sha256: str | None = None
) -> dict[str, str]:
    """Delete a memory; its versions stay."""
    memory = await shelf.memory(store_id)
    record = await _existing(memory, id)
    if expected_content_sha256 not in (None, _content_sha256(record.content["content"])):
        raise WrongRequestError(409, "conflict_error", "The memory's content is another by now.")
    await memory.aforget(id, expected_revision=record.revision)
    return {"id": id, "type": "memory_deleted"}


# --- versions ---


@router.get("/{store_id}/memory_versions")
async def list_versions(
    *,
    store_id: str,
    memory_id: str | None = None,
    operation: str | None = None,
    limit: PageSize = 20,
    page: Page = None,
    view: View = "basic",
    shelf: ReadShelf,
) -> dict[str, Any]:
    """List versions, newest first: of one memory, or of all that are there."""
    memory = await shelf.memory(store_id)
    ids = (
        [record.id for record in await memory.alist(limit=_MOST, kind=_FILE)]
        if memory_id is None
        else [memory_id]
    )
    versions = [
        version
        for id in ids
        for version in _versions(store_id, id, await memory.ahistory(id), view)
    ]
    chosen = [one for one in versions if operation in (None, one["operation"])]
    return _paged(sorted(chosen, key=lambda one: one["created_at"], reverse=True), limit, page)


@router.get("/{store_id}/memory_versions/{version_id}")
async def get_version(
    store_id: str, version_id: str, shelf: ReadShelf, view: View = "full"
) -> dict[str, Any]:
    """Read one version."""
    memory = await shelf.memory(store_id)
    id, number = _place_of(version_id)
    versions = _versions(store_id, id, await memory.ahistory(id), view)
    for version in versions:
        if version["id"] == version_id:
            return version
    if versions and number < versions[0]["number"]:  # its history was erased
        erased = {"operation": "modified", "redacted_at": versions[0]["created_at"]}
        return {**versions[0], **_REDACTED, **erased, "id": version_id}
    raise _not_found("memory version")


@router.post("/{store_id}/memory_versions/{version_id}/redact")
async def redact_version(store_id: str, version_id: str, shelf: WriteShelf) -> dict[str, Any]:
    """Erase what a memory said in a past version, and in every other one before the present."""
    version = await get_version(store_id, version_id, shelf, "basic")
    memory, id = await shelf.memory(store_id), version["memory_id"]
    living = await memory.aget(id)
    if living is not None and living.revision == version["number"]:
        raise WrongRequestError(
            400, "invalid_request_error", "This is what the memory says now: change or delete it."
        )
    if living is None:
        await memory.aerase(id)
    else:
        await erase_past(memory, id)
    return {**version, **_REDACTED, "redacted_at": version["redacted_at"] or _now()}


#: What a redacted version has in the place of what it said.
_REDACTED = dict.fromkeys(("content", "path", "content_size_bytes", "content_sha256"))


def _versions(
    store_id: str, id: str, revisions: Sequence[Revision], view: View
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    path = None
    for one in revisions:
        content: dict[str, Any] = (one.value or {}).get("content") or {}
        path = content.get("path", path)
        text = content.get("content")
        redacted = one.action == "erased"
        found.append(
            {
                "id": f"memver_{id.removeprefix('mem_')}_{one.number}",
                "type": "memory_version",
                "memory_id": id,
                "memory_store_id": store_id,
                "number": one.number,
                "operation": _OPERATIONS.get(one.action, "modified"),
                "created_at": one.time.isoformat(),
                "path": None if redacted else path,
                "redacted_at": one.time.isoformat() if redacted else None,
                **_measured(text, view),
            }
        )
    return found


_OPERATIONS = {"created": "created", "deleted": "deleted", "erased": "deleted"}


def _file(store_id: str, record: MemoryRecord, view: View) -> dict[str, Any]:
    return {
        "id": record.id,
        "type": "memory",
        "memory_store_id": store_id,
        "memory_version_id": f"memver_{record.id.removeprefix('mem_')}_{record.revision}",
        "path": record.content["path"],
        "created_at": record.created_at.isoformat(),
        "updated_at": record.updated_at.isoformat(),
        **_measured(record.content["content"], view),
    }


def _measured(text: str | None, view: View) -> dict[str, Any]:
    return {
        "content": text if view == "full" else None,
        "content_sha256": None if text is None else _content_sha256(text),
        "content_size_bytes": None if text is None else len(text.encode()),
    }


def _checked_path(path: str, content: str) -> dict[str, str]:
    segments = path.split("/")
    plain = path.startswith("/") and not any(part in ("", ".", "..") for part in segments[1:])
    if not plain or not path.isprintable() or len(path.encode()) > _LONGEST_PATH:
        raise WrongRequestError(
            400, "invalid_request_error", "A path is like /notes/todo.md: no empty part, no dots."
        )
    if len(content.encode()) > _LARGEST:
        raise WrongRequestError(400, "invalid_request_error", f"At most {_LARGEST} bytes fit.")
    return {"path": path, "content": content}


async def _all_at(memory: UserMemory, path: str) -> list[MemoryRecord]:
    files = await memory.alist(limit=_MOST, kind=_FILE)
    return [one for one in files if one.content["path"] == path]


async def _existing(memory: UserMemory, id: str) -> MemoryRecord:
    record = await memory.aget(id)
    if record is None:
        raise _not_found("memory")
    return record


def _place_of(version_id: str) -> tuple[str, int]:
    """Return the memory's id and the number of its revision."""
    id, _, number = version_id.removeprefix("memver_").rpartition("_")
    if not number.isascii() or not number.isdigit():
        raise _not_found("memory version")
    return f"mem_{id}", int(number)


def _paged(entries: Sequence[dict[str, Any]], limit: int, page: str | None) -> dict[str, Any]:
    start = int(page) if page and page.isascii() and page.isdigit() else 0
    following = str(start + limit) if start + limit < len(entries) else None
    return {"data": list(entries[start : start + limit]), "next_page": following}


def _not_found(what: str) -> WrongRequestError:
    return WrongRequestError(404, "not_found_error", f"There is no such {what}.")


def _content_sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat()
