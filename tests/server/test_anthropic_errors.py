"""Whatever goes wrong below Anthropic's paths is answered in Anthropic's form."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from longterm.service import MemoryService

Connect = Callable[..., Awaitable[httpx.AsyncClient]]
MakeKey = Callable[..., Awaitable[str]]
STORES = "/v1/memory_stores"


def error_in(answer: httpx.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert answer.headers["content-type"] == "application/json"
    assert body.keys() == {"type", "error"}
    assert body["type"] == "error"
    return answer.status_code, body["error"]["type"], body["error"]["message"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{}", "body.name: Field required"),
        ('{"name": 7}', "body.name: Input should be a valid string"),
        ("[1", "JSON"),
        ('{"name": "x", "metadata": {"a": NaN}}', "NaN"),
        ('"text"', "body: Input should be a valid"),
    ],
)
async def test_a_malformed_body_is_an_invalid_request(
    connect: Connect, body: str, says: str
) -> None:
    client = await connect()
    headers = {"content-type": "application/json"}
    answer = await client.post(STORES, content=body, headers=headers)
    status, kind, message = error_in(answer)
    assert (status, kind) == (400, "invalid_request_error")
    assert says in message


async def test_what_the_gate_and_the_router_refuse_has_its_form_too(
    connect: Connect, make_key: MakeKey
) -> None:
    reader = await connect(await make_key("ann", "read"))
    assert error_in(await reader.post(STORES, json={"name": "x"}))[:2] == (403, "permission_error")
    stranger = await connect()
    refused = await stranger.get(STORES)
    assert error_in(refused)[:2] == (401, "authentication_error")
    assert refused.headers["www-authenticate"] == "Bearer"
    nothing = await reader.get(f"{STORES}/one/two/three/four")
    assert error_in(nothing)[:2] == (404, "not_found_error")
    no_method = await reader.put(STORES, json={})
    assert error_in(no_method)[:2] == (405, "invalid_request_error")
    assert no_method.headers["allow"] == "GET, POST"
    small = await connect(await make_key("ann"), max_body=10)
    assert error_in(await small.post(STORES, json={"name": "x" * 20}))[1] == "request_too_large"


async def test_a_service_that_is_closed_has_its_form_too(
    connect: Connect, service: MemoryService
) -> None:
    client = await connect()
    await service.aclose()
    status, kind, message = error_in(await client.get(STORES))
    assert (status, kind) == (503, "api_error")
    assert "closed" in message


async def test_other_paths_keep_their_problems(connect: Connect) -> None:
    client = await connect()
    for path in ("/v1/users/ann/recall", "/v1/memory_storesX"):
        answer = await client.post(path, json={})
        assert answer.headers["content-type"] == "application/problem+json"
