"""Who looks at the console: a key in a cookie, and a mark in every form against other sites."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from typing_extensions import override

from longterm.errors import LongtermError
from longterm.server.access import service_of
from longterm.server.console.rendering import page
from longterm.server.gate import COOKIE
from longterm.server.problems import status_of
from longterm.service import UserMemory
from longterm.service.keys import Principal

__all__ = ["ConsoleRoute", "Guarded", "Looker", "Memory", "Operator", "signed_in", "signed_out"]

#: The cookie whose value every form must repeat: other sites can read neither.
_MARK = "longterm_form"


class ConsoleRoute(APIRoute):
    """A route whose errors are pages, and which marks the browser for its forms."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            request.state.mark = request.cookies.get(_MARK) or secrets.token_urlsafe(16)
            try:
                response = await handle(request)
            except HTTPException as error:
                if error.status_code == HTTPStatus.UNAUTHORIZED:
                    response = RedirectResponse("/login", 303)
                else:
                    response = page(request, "error.html", error.status_code, says=error.detail)
            except LongtermError as error:
                response = page(request, "error.html", status_of(error), says=str(error))
            if _MARK not in request.cookies:
                _set_cookie(request, response, _MARK, request.state.mark)
            return response

        return handled


def signed_in(request: Request, key: str) -> Response:
    """Answer a right key: keep it in a cookie that no script reads."""
    response = RedirectResponse("/", 303)
    _set_cookie(request, response, COOKIE, key)
    return response


def signed_out() -> Response:
    """Forget the key."""
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE)
    return response


def _set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, httponly=True, samesite="strict", secure=secure)


def _looker(request: Request) -> Principal:
    principal: Principal | None = request.state.principal
    if principal is None:
        raise HTTPException(401)
    if not principal.may("read"):
        raise HTTPException(403, "This key may not read.")
    return principal


def _is_operator(principal: Annotated[Principal, Depends(_looker)]) -> Principal:
    if not principal.may("admin"):
        raise HTTPException(403, "This page is for keys with the scope admin.")
    return principal


def _memory(
    user: str, request: Request, principal: Annotated[Principal, Depends(_looker)]
) -> UserMemory:
    if not principal.reaches(user):
        raise HTTPException(403, "This key is for another user.")
    return service_of(request).user(user)


def _guarded(
    request: Request,
    principal: Annotated[Principal, Depends(_looker)],
    mark: Annotated[str, Form()] = "",
) -> None:
    cookie = request.cookies.get(_MARK, "")
    if not cookie or not hmac.compare_digest(mark.encode(), cookie.encode()):
        raise HTTPException(403, "This form is too old, or from another site: load it again.")
    if not principal.may("write"):
        raise HTTPException(403, "This key may not write.")


#: Who looks; for administrators only; the memory of the user in the path.
Looker = Annotated[Principal, Depends(_looker)]
Operator = Annotated[Principal, Depends(_is_operator)]
Memory = Annotated[UserMemory, Depends(_memory)]
#: For routes that change something.
Guarded = Depends(_guarded)
