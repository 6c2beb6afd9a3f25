"""What a principal may reach, as FastAPI's dependencies.

They wait for nothing, and are async so that none is sent to a thread.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.exceptions import HTTPException

from longterm.server.segments import know_segments
from longterm.service import MemoryService, UserMemory
from longterm.service.keys import Principal, Scope

__all__ = ["Admin", "ReadUser", "Reader", "Service", "WriteUser", "Writer", "service_of"]

know_segments()


def service_of(request: Request) -> MemoryService:
    """Return the service that the application has opened."""
    return request.app.state.service


async def _service(request: Request) -> MemoryService:
    return service_of(request)


async def _may_read(request: Request) -> Principal:
    return _checked_user(request, "read")


async def _may_write(request: Request) -> Principal:
    return _checked_user(request, "write")


async def _may_all(request: Request) -> Principal:
    return _checked_user(request, "admin")


def _checked_user(request: Request, scope: Scope) -> Principal:
    principal: Principal | None = request.state.principal
    if principal is None:
        raise HTTPException(401, "A key is needed.")
    if not principal.may(scope):
        raise HTTPException(403, f"This key has no scope {scope}.")
    return principal


async def _read_user(user: str, request: Request) -> UserMemory:
    return _memory_of(user, _checked_user(request, "read"), request)


async def _write_user(user: str, request: Request) -> UserMemory:
    return _memory_of(user, _checked_user(request, "write"), request)


def _memory_of(user: str, principal: Principal, request: Request) -> UserMemory:
    if not principal.reaches(user):
        # The same words whether there is such a user or not.
        raise HTTPException(403, "This key is for another user.")
    return service_of(request).user(user)


Service = Annotated[MemoryService, Depends(_service)]
Reader = Annotated[Principal, Depends(_may_read)]
Writer = Annotated[Principal, Depends(_may_write)]
Admin = Annotated[Principal, Depends(_may_all)]
#: The memory of the user in the path, for who may read or write it.
ReadUser = Annotated[UserMemory, Depends(_read_user)]
WriteUser = Annotated[UserMemory, Depends(_write_user)]
