"""REST under /v1: users, their turns and memories.

What computes more than it waits runs in one thread from end to end, and the loop answers others.
"""

from __future__ import annotations

import uuid
from functools import partial
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from longterm.errors import ConflictError, UnknownMemoryError
from longterm.history import Erasure
from longterm.memory.conversation import as_messages, unread_times
from longterm.memory.revision import json_revision
from longterm.server.access import Admin, ReadUser, Service, WriteUser
from longterm.server.bodies import Day, Moment, StrictBody, StrictRoute, whole
from longterm.server.problems import declared
from longterm.service import MemoryRecord, UserMemory, recall_body, remember_once
from longterm.text.characters import json_data

__all__ = ["router"]

_VALID_AT = "Memories that say of themselves that they were not true then are left out."
_AS_OF = "As it was known then, instead of now."
ValidAt = Moment | Day | None

router = APIRouter(prefix="/v1", tags=["memory"], route_class=StrictRoute)

#: The root of ids of memories that were sent with an Idempotency-Key.
_IDEMPOTENT = uuid.uuid5(uuid.NAMESPACE_URL, "longterm/idempotency-key")

_LINES = "application/x-ndjson"

#: Bytes of an import that are held in memory; more goes to a temporary file.
_IN_MEMORY = 2**20


class _Body(StrictBody):
    model_config = ConfigDict(extra="forbid")


class _ExportStream(StreamingResponse):
    media_type = _LINES


class ConversationBody(_Body):
    """Messages, as OpenAI's dicts or one text."""

    messages: list[dict[str, Any]] | str
    thread: str | None = None
    now: Moment | None = Field(None, description="When they were said, where they do not say.")


class RememberBody(ConversationBody):
    """Messages to learn from."""

    wait: bool = Field(True, description="false: in the background.")  # noqa: FBT003 - pydantic's form


class QuestionBody(_Body):
    """What is to be recalled."""

    question: str
    limit: Annotated[int, Field(ge=0, le=1_000), whole] | None = None
    budget: Annotated[int, Field(ge=0, le=1_000_000), whole] = 2_000
    thread: str | None = Field(None, description="The conversation that is going on: left out.")
    now: Moment | None = Field(None, description='What "last week" is relative to.')
    as_of: Moment | None = Field(None, description="What came later is left out.")
    valid_at: ValidAt = Field(None, description=_VALID_AT)


Content = (
    Annotated[str, Field(json_schema_extra={"minLength": 1, "pattern": r"\S"})]
    | Annotated[dict[str, Any], Field(json_schema_extra={"minProperties": 1})]
)


class NewMemory(_Body):
    """A memory written by hand."""

    content: Content
    kind: str | None = None
    id: str | None = Field(None, min_length=1, max_length=200)


class Past(_Body):
    """The number of a revision."""

    revision: Annotated[int, Field(ge=1), whole]


class NewContent(_Body):
    """What is put in the place of a memory's content."""

    content: Content


Limit = Annotated[int, Query(ge=1, le=1_000)]
Offset = Annotated[int, Query(ge=0)]
IdempotencyKey = Annotated[str | None, Header(max_length=255)]
IfMatch = Annotated[str | None, Header()]
AsOf = Annotated[Moment | None, Query(description=_AS_OF)]
WasValid = Annotated[ValidAt, Query(description=_VALID_AT)]


async def _as_known(memory: ReadUser, as_of: AsOf = None, valid_at: WasValid = None) -> UserMemory:
    """Return the user's memory, as of a time where the query names one."""
    if as_of is None and valid_at is None:
        return memory
    return memory.as_of(as_of, valid_at=valid_at)


KnownUser = Annotated[UserMemory, Depends(_as_known)]


@router.get("/users")
async def list_users(_: Admin, service: Service) -> dict[str, list[str]]:
    """List the users something is kept of."""
    return {"users": json_data(await service.ausers())}


@router.post("/users/{user:segment}/remember", responses=declared(409, 502))
async def remember_messages(
    memory: WriteUser,
    service: Service,
    body: RememberBody,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Keep the turns and extract memories from them; once for an Idempotency-Key."""
    remember = partial(
        memory.aremember, body.messages, thread=body.thread, now=body.now, wait=body.wait
    )
    if idempotency_key:
        request = body.model_dump_json()
        return (await remember_once(service, memory, idempotency_key, request, remember)).as_json()
    return (await remember()).as_json()


@router.post("/users/{user:segment}/record")
async def record_turns(memory: WriteUser, body: ConversationBody) -> dict[str, Any]:
    """Keep the turns only, each once; says how many were new, and what could not be read."""
    record = partial(memory.record, body.messages, thread=body.thread, now=body.now)
    recorded, unread = await run_in_threadpool(record), unread_times(as_messages(body.messages))
    return {"recorded": recorded} | ({"left_out": [unread]} if unread else {})


@router.post("/users/{user:segment}/recall")
async def recall_items(memory: ReadUser, body: QuestionBody) -> Response:
    """Find what matters to a question, as items and as a block of text."""
    asked = body.model_dump(exclude={"question", "valid_at"})
    if body.valid_at is not None:
        asked["now"] = body.now or body.as_of
        memory = memory.as_of(asked.pop("as_of"), valid_at=body.valid_at)
    found = await run_in_threadpool(memory.recall, body.question, **asked)
    return Response(recall_body(found), media_type="application/json")


@router.get("/users/{user:segment}/memories")
async def list_memories(
    *,
    memory: KnownUser,
    response: Response,
    limit: Limit = 100,
    offset: Offset = 0,
    kind: str | None = None,
    query: str | None = None,
) -> dict[str, Any]:
    """List memories, those written last first, or search for those that fit *query*."""
    if query is not None:
        found = await memory.asearch(query, filter={"kind": kind} if kind else None, limit=limit)
        return {"memories": [one.as_json() for one in found], "next_offset": None}
    records = await memory.alist(limit=limit + 1, offset=offset, kind=kind)
    following = offset + limit if len(records) > limit else None
    if following is not None:
        response.headers["Link"] = f'<?limit={limit}&offset={following}>; rel="next"'
    return {"memories": [one.as_json() for one in records[:limit]], "next_offset": following}


@router.post("/users/{user:segment}/memories", status_code=201, responses=declared(409))
async def add_memory(
    user: str,
    memory: WriteUser,
    body: NewMemory,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> dict[str, Any]:
    """Store a memory; sent again with the same Idempotency-Key it is stored once."""
    id = body.id
    if id is None and idempotency_key:
        id = str(uuid.uuid5(_IDEMPOTENT, f"{user}\0{idempotency_key}"))
    try:
        added = await run_in_threadpool(memory.add, body.content, kind=body.kind, id=id)
    except ConflictError as error:
        if idempotency_key and body.id is None:
            raise HTTPException(422, "This Idempotency-Key came with another body.") from error
        raise
    response.headers["Location"] = f"memories/{quote(added.id, safe='')}"
    return _tagged(added, response)


@router.get(
    "/users/{user:segment}/memories/{id:segment}",
    responses={**declared(404), 304: {"description": "It is as its ETag says."}},
)
async def get_memory(
    memory: KnownUser, id: str, response: Response, if_none_match: IfMatch = None
) -> Any:
    """Read one memory; its ETag is for If-Match."""
    record = await memory.aget(id)
    if record is None:
        raise UnknownMemoryError(id)
    if if_none_match == _etag(record):
        return Response(status_code=304, headers={"ETag": _etag(record)})
    return _tagged(record, response)


@router.patch("/users/{user:segment}/memories/{id:segment}", responses=declared(404, 409, 412))
async def edit_memory(
    memory: WriteUser, id: str, body: NewContent, response: Response, if_match: IfMatch = None
) -> dict[str, Any]:
    """Put another content in the place of a memory's own; with If-Match only if unchanged."""
    expected = None if if_match is None else await _expected(memory, id, if_match)
    try:
        edited = await run_in_threadpool(memory.edit, id, body.content, expected_revision=expected)
    except ConflictError as error:
        if if_match is None:
            raise
        raise HTTPException(412, str(error)) from error
    return _tagged(edited, response)


@router.delete(
    "/users/{user:segment}/memories/{id:segment}",
    status_code=204,
    responses=declared(404, 409, 412),
)
async def forget_memory(memory: WriteUser, id: str, if_match: IfMatch = None) -> None:
    """Delete a memory; its history stays, and it can be restored."""
    expected = None if if_match is None else await _expected(memory, id, if_match)
    try:
        await memory.aforget(id, expected_revision=expected)
    except ConflictError as error:
        if if_match is None:
            raise
        raise HTTPException(412, str(error)) from error


@router.get("/users/{user:segment}/memories/{id:segment}/history", responses=declared(404))
async def memory_history(memory: ReadUser, id: str) -> dict[str, Any]:
    """List a memory's revisions, oldest first, with the messages each came from."""
    revisions = await memory.ahistory(id)
    if not revisions and await memory.aget(id) is None:
        raise UnknownMemoryError(id)
    return {"revisions": [json_data(json_revision(one)) for one in revisions]}


@router.post("/users/{user:segment}/memories/{id:segment}/restore", responses=declared(404, 409))
async def restore_memory(
    memory: WriteUser, id: str, body: Past, response: Response
) -> dict[str, Any]:
    """Make a memory what it was after a revision, also one that was deleted."""
    return _tagged(await memory.arestore(id, body.revision), response)


@router.get(
    "/users/{user:segment}/export",
    response_class=_ExportStream,
    responses={200: {"content": {_LINES: {"schema": {"type": "string"}}}}},
)
async def export_user(memory: ReadUser) -> StreamingResponse:
    """Stream all memories, their revisions and sources, and all turns as lines of JSON."""
    return _ExportStream(memory.alines())


@router.post(
    "/users/{user:segment}/import",
    openapi_extra={"requestBody": {"content": {_LINES: {"schema": {"type": "string"}}}}},
)
async def import_user(
    memory: WriteUser, request: Request, *, bring_back_erased: bool = False
) -> dict[str, int]:
    """Bring in the lines of an export; importing twice changes nothing.

    What was erased here stays erased, unless it is to be brought back.
    """
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        async for part in request.stream():
            file.write(part)
        file.seek(0)
        done = await run_in_threadpool(memory.import_, file, bring_back_erased=bring_back_erased)
    return done.counts


@router.get("/users/{user:segment}/stats")
async def user_stats(memory: ReadUser) -> dict[str, Any]:
    """Count what is kept of a user."""
    return (await memory.astats()).as_json()


@router.delete("/users/{user:segment}")
async def erase_user(memory: WriteUser) -> dict[str, Any]:
    """Remove everything of a user, with its history; nothing brings it back."""
    return _erase_report(await memory.aerase())


@router.delete("/users/{user:segment}/memories/{id:segment}/history", responses=declared(404))
async def erase_memory(memory: WriteUser, id: str) -> dict[str, Any]:
    """Remove a memory with its history; nothing brings it back."""
    return _erase_report(await memory.aerase(id))


@router.get("/reflections")
async def list_reflections(_: Admin, service: Service) -> dict[str, Any]:
    """List what is extracted in the background, what waits for it, and what was given up."""
    queue, failed = await run_in_threadpool(lambda: (service.queue(), service.failures()))
    return {
        "queue": [one.as_json() for one in queue],
        "failed": [one.as_json() for one in failed],
    }


@router.post("/reflections/{id:segment}/retry", status_code=202, responses=declared(404))
async def retry_reflection(_: Admin, service: Service, id: str) -> dict[str, str]:
    """Begin again, now, what was given up."""
    if not await run_in_threadpool(service.retry, id):
        raise HTTPException(404, "No reflection with this id was given up.")
    return {"retried": id}


def _erase_report(report: Erasure) -> dict[str, Any]:
    return {"removed": report.removed, "beyond": list(report.beyond)}


async def _expected(memory: WriteUser, id: str, if_match: str) -> int | None:
    """Return the revision that *if_match* stands for; raises 412 where it is past."""
    record = await memory.aget(id)
    if record is None:
        raise UnknownMemoryError(id)
    tags = [tag.strip().removeprefix("W/") for tag in if_match.split(",")]
    if "*" not in tags and _etag(record) not in tags:
        raise HTTPException(412, "The memory has changed: read it again and decide anew.")
    return record.revision


def _tagged(record: MemoryRecord, response: Response) -> dict[str, Any]:
    response.headers["ETag"] = _etag(record)
    return record.as_json()


def _etag(record: MemoryRecord) -> str:
    return f'"{record.revision}-{int(record.updated_at.timestamp() * 1_000_000):x}"'
