"""The pages: users, memories, history, recall, turns, what is kept, reflections, keys."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from starlette.exceptions import HTTPException

from longterm.errors import UnknownMemoryError
from longterm.server.access import service_of
from longterm.server.console.rendering import page, steps_of
from longterm.server.console.session import (
    ConsoleRoute,
    Guarded,
    Looker,
    Memory,
    Operator,
    signed_in,
    signed_out,
)
from longterm.service.keys import scopes_in

__all__ = ["router"]

router = APIRouter(route_class=ConsoleRoute, include_in_schema=False)

_PAGE = 50
#: Items the explainer shows: those of the block, and the next best that had no room.
_EXPLAINED = 40
#: Memories whose sources are read to show the facts beside their turns.
_FACTS = 200
#: Days whose cost is shown.
_DAYS = 31

Text = Annotated[str, Form()]


@router.get("/login")
async def login_page(request: Request) -> Response:
    """Ask for a key."""
    return page(request, "login.html", wrong=False)


@router.post("/login")
async def log_in(request: Request, key: Text) -> Response:
    """Keep a right key in a cookie."""
    if await service_of(request).keys.afind(key.strip()) is None:
        return page(request, "login.html", 401, wrong=True)
    return signed_in(request, key.strip())


@router.post("/logout", dependencies=[Guarded])
async def log_out() -> Response:
    """Forget the key."""
    return signed_out()


@router.get("/")
async def users_page(request: Request, principal: Looker, find: str = "") -> Response:
    """List the users, or go to the only one that the key is for."""
    if principal.user is not None and not principal.may("admin"):
        return _to_user(principal.user)
    found = await service_of(request).ausers()
    users = sorted((one for one in found if find in one), key=str.casefold)
    return page(request, "users.html", find=find, users=users)


@router.get("/users/{user:segment}")
async def memories_page(
    *, request: Request, user: str, memory: Memory, q: str = "", kind: str = "", offset: int = 0
) -> Response:
    """Show memories: the latest, or those that fit a search."""
    only = kind.strip() or None
    if q.strip():
        records = await memory.asearch(q, filter={"kind": only} if only else None, limit=_PAGE)
        more = False
    else:
        records = await memory.alist(limit=_PAGE + 1, offset=max(offset, 0), kind=only)
        more = len(records) > _PAGE
    return page(
        request,
        "memories.html",
        user=user,
        q=q,
        kind=kind,
        records=records[:_PAGE],
        following=max(offset, 0) + _PAGE if more else None,
    )


@router.get("/users/{user:segment}/forgotten")
async def forgotten(request: Request, user: str, memory: Memory) -> Response:
    """Show what was deleted and can be restored."""
    return page(request, "forgotten.html", user=user, records=await memory.aforgotten())


@router.post("/users/{user:segment}/memories", dependencies=[Guarded])
async def add_form(user: str, memory: Memory, content: Text) -> Response:
    """Store a memory by hand."""
    await memory.aadd(content)
    return _to_user(user)


@router.get("/users/{user:segment}/memories/{id:segment}")
async def one_memory(request: Request, user: str, id: str, memory: Memory) -> Response:
    """Show a memory, where it came from, and what it was."""
    revisions = await memory.ahistory(id)
    record = await memory.aget(id)
    if record is None and not revisions:
        raise UnknownMemoryError(id)
    return page(
        request,
        "memory.html",
        user=user,
        id=id,
        record=record,
        steps=[*reversed(await asyncio.to_thread(steps_of, revisions))],
        all_steps=len(revisions),
        sources=await memory.asources(id),
    )


@router.post("/users/{user:segment}/memories/{id:segment}/edit", dependencies=[Guarded])
async def edit_form(
    user: str, id: str, memory: Memory, content: Text, revision: Annotated[int, Form()]
) -> Response:
    """Put another text in the place of a memory's own, if it has not changed meanwhile."""
    await memory.aedit(id, content, expected_revision=revision)
    return _to_memory(user, id)


@router.post("/users/{user:segment}/memories/{id:segment}/forget", dependencies=[Guarded])
async def forget_form(user: str, id: str, memory: Memory) -> Response:
    """Delete a memory; it can be restored."""
    await memory.aforget(id)
    return _to_memory(user, id)


@router.post("/users/{user:segment}/memories/{id:segment}/restore", dependencies=[Guarded])
async def restore_form(
    user: str, id: str, memory: Memory, revision: Annotated[int, Form()]
) -> Response:
    """Make a memory what it was."""
    await memory.arestore(id, revision)
    return _to_memory(user, id)


@router.get("/users/{user:segment}/recall")
async def recall_page(
    request: Request, user: str, memory: Memory, question: str = "", budget: int = 2_000
) -> Response:
    """Explain what is recalled for a question, and why."""
    budget = min(max(budget, 0), 100_000)
    found = None
    if question.strip():
        found = await asyncio.to_thread(memory.recall, question, limit=_EXPLAINED, budget=budget)
    items = found.items if found else ()
    return page(
        request,
        "recall.html",
        user=user,
        question=question,
        budget=budget,
        found=found,
        most=max((abs(one) for item in items for one in item.parts.values()), default=1.0) or 1.0,
    )


@router.get("/users/{user:segment}/turns")
async def turns_page(request: Request, user: str, memory: Memory, offset: int = 0) -> Response:
    """Show what was said, thread by thread, with the facts that were drawn from each turn."""
    said = await memory.aturns(limit=4 * _PAGE, offset=max(offset, 0))
    facts: dict[Any, list[Any]] = {}
    for record in await memory.alist(limit=_FACTS):
        for source in await memory.asources(record.id):
            facts.setdefault((source.thread_id or "", source.message_id), []).append(record)
    ordered = sorted(said, key=lambda turn: (turn.thread, turn.time, turn.position))
    threads = [(name, [*some]) for name, some in groupby(ordered, lambda turn: turn.thread)]
    threads.sort(key=lambda thread: thread[1][-1].time, reverse=True)
    following = offset + 4 * _PAGE if len(said) == 4 * _PAGE else None
    return page(request, "turns.html", user=user, threads=threads, facts=facts, following=following)


@router.get("/users/{user:segment}/quarantine")
async def quarantine(request: Request, user: str, memory: Memory) -> Response:
    """Show what the guard keeps back."""
    return page(request, "quarantine.html", user=user, held=await memory.aquarantined())


@router.post("/users/{user:segment}/quarantine/{id:segment}/{what}", dependencies=[Guarded])
async def decide(user: str, id: str, what: Literal["release", "drop"], memory: Memory) -> Response:
    """Release what was kept back, or remove it for good."""
    await (memory.arelease(id) if what == "release" else memory.adrop(id))
    return RedirectResponse(f"/users/{quote(user, safe='')}/quarantine", 303)


@router.get("/users/{user:segment}/data")
async def data_page(request: Request, user: str, memory: Memory) -> Response:
    """Show what is kept and what it cost; export and erase."""
    stats, days = await memory.astats(), await memory.acosts()
    return page(request, "data.html", user=user, stats=stats, days=days[:_DAYS])


@router.get("/users/{user:segment}/export")
async def export_file(memory: Memory) -> Response:
    """Hand over everything of a user as a file."""
    name = {"Content-Disposition": 'attachment; filename="memory.jsonl"'}
    return StreamingResponse(memory.alines(), media_type="application/x-ndjson", headers=name)


@router.post("/users/{user:segment}/erase", dependencies=[Guarded])
async def erase_form(request: Request, user: str, memory: Memory, confirm: Text) -> Response:
    """Erase everything of a user whose id was written out once more."""
    if confirm != user:
        raise HTTPException(422, "Nothing was erased: write the user's id to confirm.")
    return page(request, "erased.html", user=user, report=await memory.aerase())


@router.get("/reflections")
async def reflections(request: Request, _: Operator) -> Response:
    """Show what is extracted in the background, what waits for it, and what was given up."""
    ours = service_of(request)
    queue, failures = await asyncio.to_thread(lambda: (ours.queue(), ours.failures()))
    return page(request, "reflections.html", queue=queue, failures=failures)


@router.post("/reflections/{id:segment}/retry", dependencies=[Guarded])
async def retry_form(request: Request, id: str, _: Operator) -> Response:
    """Begin again, now, what was given up."""
    if not await asyncio.to_thread(service_of(request).retry, id):
        raise HTTPException(404, "No reflection with this id was given up; look at the list again.")
    return RedirectResponse("/reflections", 303)


@router.get("/keys")
async def keys_page(request: Request, _: Operator) -> Response:
    """List the keys, without their secrets."""
    found = await service_of(request).keys.alist()
    return page(request, "keys.html", keys=found, made=None)


@router.post("/keys", dependencies=[Guarded])
async def create_key(
    request: Request, _: Operator, user: Text = "", scope: Text = "read,write", name: Text = ""
) -> Response:
    """Make a key and show it, this once."""
    ours = service_of(request).keys
    _key, made = await ours.acreate(user=user.strip() or None, scopes=scopes_in(scope), name=name)
    return page(request, "keys.html", keys=await ours.alist(), made=made)


@router.post("/keys/{id:segment}/revoke", dependencies=[Guarded])
async def revoke_key(request: Request, id: str, _: Operator) -> Response:
    """End a key at once."""
    await service_of(request).keys.arevoke(id)
    return RedirectResponse("/keys", 303)


def _to_user(user: str) -> Response:
    return RedirectResponse(f"/users/{quote(user, safe='')}", 303)


def _to_memory(user: str, id: str) -> Response:
    return RedirectResponse(f"/users/{quote(user, safe='')}/memories/{quote(id, safe='')}", 303)
