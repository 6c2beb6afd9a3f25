"""What an attacker tries: other users' keys, forged tokens, odd paths, headers and bodies."""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from longterm.server.options import TokenOptions
from longterm.service import MemoryService

Connect = Callable[..., Awaitable[httpx.AsyncClient]]
MakeKey = Callable[..., Awaitable[str]]
Tokens = tuple[TokenOptions, Callable[..., str]]

ANN, BO = "/v1/users/ann", "/v1/users/bo"


async def test_a_stranger_gets_the_same_answer_everywhere(
    connect: Connect, make_key: MakeKey
) -> None:
    await make_key("ann")
    client = await connect()
    paths = [
        "/v1/users",
        f"{ANN}/memories",
        f"{BO}/memories",
        "/v1/nowhere",
        "/mcp",
        "/store/items",
    ]
    answers = [await client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert (await client.get("/healthz")).status_code == 200


@pytest.mark.parametrize(
    "key",
    ["", "x", "lt_", "lt__", "lt_abc_def", "lt_../keys_x", "a.b.c", "lt_" + "a" * 9_000, "lt_ä_ö"],
)
async def test_a_key_that_was_made_up_opens_nothing(
    connect: Connect, make_key: MakeKey, key: str
) -> None:
    await make_key("ann")
    client = await connect()
    header = f"Bearer {key}".encode()
    answer = await client.get(f"{ANN}/memories", headers=[(b"Authorization", header)])
    assert answer.status_code == 401


async def test_the_right_id_with_another_secret_opens_nothing(
    connect: Connect, make_key: MakeKey
) -> None:
    ann, bo = await make_key("ann"), await make_key("bo")
    mixed = f"{ann.rpartition('_')[0]}_{bo.split('_', 2)[2]}"
    assert (await (await connect(mixed)).get(f"{ANN}/memories")).status_code == 401


async def test_another_users_key_reaches_nothing_and_learns_nothing(
    connect: Connect, make_key: MakeKey
) -> None:
    owner = await connect(await make_key("ann"))
    added = await owner.post(f"{ANN}/memories", json={"content": "Ann likes tea"})
    thief = await connect(await make_key("bo"))
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/memories", None),
        ("GET", f"/memories/{added.json()['id']}", None),
        ("PATCH", f"/memories/{added.json()['id']}", {"content": "x"}),
        ("DELETE", f"/memories/{added.json()['id']}", None),
        ("POST", "/memories", {"content": "x"}),
        ("POST", "/recall", {"question": "tea"}),
        ("POST", "/record", {"messages": "x"}),
    ]
    for method, path, body in asked:
        real = await thief.request(method, f"{ANN}{path}", json=body)
        none = await thief.request(method, f"/v1/users/nobody{path}", json=body)
        assert real.status_code == none.status_code == 403
        assert real.text == none.text
    assert (await thief.get("/v1/users")).status_code == 403
    theirs = await thief.get(f"{BO}/memories/{added.json()['id']}")
    assert theirs.status_code == 404
    assert len((await owner.get(f"{ANN}/memories")).json()["memories"]) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/v1/users/bo/../ann/memories",
        "/v1/users/bo/%2e%2e/ann/memories",
        "/v1/users/bo%2F..%2Fann/memories",
        "/v1/users/bo%00/memories",
        "/v1/users/ANN/memories",
        "/v1/users/ann%20/memories",
        "//v1/users/ann/memories",
        "/v1//users/ann/memories",
        "/v1/users/ann/memories/",
        "/V1/users/ann/memories",
        "/v1/users/bo/memories/../../ann/memories",
    ],
)
async def test_no_spelling_of_a_path_leads_to_another_user(
    connect: Connect, make_key: MakeKey, path: str
) -> None:
    owner = await connect(await make_key("ann"))
    await owner.post(f"{ANN}/memories", json={"content": "Ann likes tea"})
    thief = await connect(await make_key("bo"))
    request = thief.build_request("GET", "/")
    request.url = httpx.URL(request.url, raw_path=path.encode())
    answer = await thief.send(request)
    assert answer.status_code in {403, 404, 307, 405}
    assert "tea" not in answer.text


@pytest.mark.parametrize(
    "header", ["X-User", "X-Forwarded-User", "X-Original-URL", "X-Rewrite-URL", "X-Forwarded-For"]
)
async def test_no_header_makes_one_another_user(
    connect: Connect, make_key: MakeKey, header: str
) -> None:
    thief = await connect(await make_key("bo"))
    for value in ("ann", f"{ANN}/memories", "127.0.0.1"):
        answer = await thief.get(f"{ANN}/memories", headers={header: value})
        assert answer.status_code == 403


async def test_a_key_for_reading_does_not_write(connect: Connect, make_key: MakeKey) -> None:
    reader = await connect(await make_key("ann", "read"))
    assert (await reader.get(f"{ANN}/memories")).status_code == 200
    assert (await reader.post(f"{ANN}/memories", json={"content": "x"})).status_code == 403
    item: dict[str, Any] = {"namespace": ["memories", "ann"], "key": "k", "value": {}}
    assert (await reader.put("/store/items", json=item)).status_code == 403


async def test_a_key_that_was_revoked_ends_with_the_next_request(
    connect: Connect, make_key: MakeKey, service: Any
) -> None:
    key = await make_key("ann")
    client = await connect(key)
    assert (await client.get(f"{ANN}/memories")).status_code == 200
    await make_key("bo")
    await service.keys.arevoke(key.split("_")[1])
    assert (await client.get(f"{ANN}/memories")).status_code == 401


async def test_the_store_s_protocol_keeps_to_the_user_and_hides_the_keys(
    connect: Connect, make_key: MakeKey
) -> None:
    ann = await connect(await make_key("ann"))
    for labels in (["memories", "bo"], ["memories"], [], ["longterm-server", "keys"], ["ann"]):
        found = await ann.post("/store/items/search", json={"namespace_prefix": labels})
        assert found.status_code == 403
        assert (await ann.post("/store/namespaces", json={"prefix": labels})).status_code == 403
    admin = await connect(await make_key(None, "admin"))
    keys = await admin.post(
        "/store/items/search", json={"namespace_prefix": ["longterm-server", "keys"]}
    )
    assert keys.status_code == 422
    everything = await admin.post("/store/items/search", json={"limit": 100})
    assert "sha256" not in everything.text


async def test_no_protocol_takes_so_many_values_that_they_hold_up_its_worker(
    connect: Connect, make_key: MakeKey
) -> None:
    ann, many = await connect(await make_key("ann")), {"all": [0] * 10_000}
    put = {"namespace": ["memories", "ann"], "key": "k", "value": many}
    answers = [
        await ann.put("/store/items", json=put),
        await ann.post(f"{ANN}/memories", json={"content": many}),
    ]
    assert [answer.status_code for answer in answers] == [422, 422]
    assert all("10,000 values" in answer.text for answer in answers)
    assert (await ann.get("/store/items?namespace=memories.ann&key=k")).json() is None


async def test_no_protocol_stores_a_secret(
    connect: Connect, make_key: MakeKey, service: MemoryService
) -> None:
    secret = "AKIA" + "Q7ZX2M4LPT9RWB5K"
    ann = await connect(await make_key("ann"))
    put = {"namespace": ["memories", "ann"], "key": "k", "value": {"text": f"key {secret}"}}
    assert (await ann.put("/store/items", json=put)).is_success
    store = {"name": "notes", "description": f"key {secret}", "metadata": {secret: "x"}}
    made = await ann.post("/v1/memory_stores", json=store)
    assert made.is_success
    stored = await service.store.asearch((), limit=1_000)
    assert "[redacted: secret]" in repr(stored)
    assert secret not in repr(stored)
    assert secret not in (await ann.get(f"/v1/memory_stores/{made.json()['id']}")).text


# --- tokens ---


@pytest.fixture
def tokens() -> Iterator[Tokens]:
    """Run an identity provider: the keys it publishes, and its pen."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public: dict[str, Any] = RSAAlgorithm.to_jwk(private.public_key(), as_dict=True)
    jwks = json.dumps({"keys": [public | {"kid": "one", "alg": "RS256", "use": "sig"}]})

    class Keys(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(jwks.encode())

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            pass

    def token(key: Any = private, algorithm: str = "RS256", **claims: Any) -> str:
        good = {
            "iss": "https://id.example",
            "aud": "memory",
            "sub": "ann",
            "exp": int(time.time()) + 60,
        }
        payload = {name: value for name, value in (good | claims).items() if value is not None}
        return jwt.encode(payload, key, algorithm, headers={"kid": "one"})

    with HTTPServer(("127.0.0.1", 0), Keys) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/jwks"
        yield TokenOptions(jwks_url=url, issuer="https://id.example", audience="memory"), token
        server.shutdown()


async def test_a_token_of_the_issuer_is_its_users_key(connect: Connect, tokens: Tokens) -> None:
    options, token = tokens
    client = await connect(token(), tokens=options)
    assert (await client.get(f"{ANN}/memories")).status_code == 200
    assert (await client.get(f"{BO}/memories")).status_code == 403
    assert (await client.get("/v1/users")).status_code == 403
    reader = await connect(token(scope="read"), tokens=options)
    assert (await reader.post(f"{ANN}/memories", json={"content": "x"})).status_code == 403


async def test_a_forged_token_opens_nothing(connect: Connect, tokens: Tokens) -> None:
    options, token = tokens
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    now = int(time.time())
    forged = {
        "expired": token(exp=now - 60),
        "never expires": token(exp=None),
        "for another audience": token(aud="billing"),
        "for no audience": token(aud=None),
        "of another issuer": token(iss="https://evil.example"),
        "of nobody": token(sub=None),
        "of a blank user": token(sub=" "),
        "of a user with nothing to see": token(sub="\u200b\u2060"),
        "not yet valid": token(nbf=now + 600),
        "signed by another": token(other),
        "not signed": token(None, "none"),
        "signed with the public key": token("the public key" * 4, "HS256"),
        "cut": token()[:-4],
    }
    client = await connect(tokens=options)
    for what, text in forged.items():
        answer = await client.get(f"{ANN}/memories", headers={"Authorization": f"Bearer {text}"})
        assert answer.status_code == 401, what
    assert (await client.get(f"{ANN}/memories")).status_code == 401


# --- bodies, hosts, floods ---


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"content": "\xff"}',
        b'{"content": NaN}',
        b"[" * 100_000,
        b'{"content": {"a": ' * 20_000,
        b'{"content": "x", "content": ["y"]}',
        b'{"content": "\\ud800"}',
        b'{"content": {"a": "\\ud800"}}',
        b'{"content": {"\\ud800": 1}}',
        b'{"content": {"a": NaN}}',
        b'{"content": {"a": 1e400}}',
        b'{"content": ' + b'{"a":' * 300 + b"1" + b"}" * 301,
    ],
)
async def test_a_malformed_body_is_an_error_of_its_sender(connect: Connect, body: bytes) -> None:
    client = await connect()
    headers = {"Content-Type": "application/json"}
    answer = await client.post(f"{ANN}/memories", content=body, headers=headers)
    assert answer.status_code in {201, 400, 422}, answer.text
    assert (await client.get(f"{ANN}/memories")).status_code == 200


@pytest.mark.parametrize("value", ['{"a": NaN}', '{"a": 1e400}', '{"a": [-Infinity]}'])
async def test_what_no_answer_can_hold_enters_by_no_protocol(connect: Connect, value: str) -> None:
    client = await connect()
    item = f'{{"namespace": ["memories", "ann"], "key": "k", "value": {value}}}'
    headers = {"Content-Type": "application/json"}
    answer = await client.put("/store/items", content=item, headers=headers)
    assert answer.status_code == 422
    assert (await client.get(f"{ANN}/memories")).json()["memories"] == []


async def test_what_is_stored_at_any_depth_is_answered_by_every_protocol(connect: Connect) -> None:
    client = await connect()
    headers = {"Content-Type": "application/json"}

    def nested(levels: int) -> str:
        return '{"tea": ' * levels + '"tea"' + "}" * levels

    async def added(levels: int) -> int:
        body = f'{{"content": {nested(levels)}, "id": "{levels}"}}'
        return (await client.post(f"{ANN}/memories", content=body, headers=headers)).status_code

    async def put(levels: int) -> int:
        item = (
            f'{{"namespace": ["memories", "ann"], "key": "{levels}x", "value": {nested(levels)}}}'
        )
        return (await client.put("/store/items", content=item, headers=headers)).status_code

    assert {await added(levels) for levels in (150, 199)} == {201}
    assert {await put(levels) for levels in (150, 199)} == {204}
    assert {await added(levels) for levels in (205, 250, 300)} == {422}
    assert {await put(levels) for levels in (205, 250, 300)} == {422}
    exported = await client.get(f"{ANN}/export")
    answers = [
        await client.get(f"{ANN}/memories"),
        await client.get(f"{ANN}/memories?query=tea"),
        await client.get(f"{ANN}/memories/199/history"),
        await client.post(f"{ANN}/recall", json={"question": "tea"}),
        await client.post("/store/items/search", json={"namespace_prefix": ["memories", "ann"]}),
        await client.get("/users/ann"),
        await client.get("/users/ann/memories/199"),
        await client.post("/v1/users/bo/import", content=exported.content),
    ]
    assert [answer.status_code for answer in answers] == [200] * len(answers)
    deep = await client.post("/v1/users/bo/import", content=b"[" * 100_000)
    later = await client.post(
        "/v1/users/bo/import", content=exported.content.splitlines()[0] + b"\n" + b"[" * 100_000
    )
    assert (deep.status_code, later.status_code) == (422, 422)


async def test_half_an_emoji_loses_nothing_but_itself(connect: Connect) -> None:
    client = await connect()
    half, headers = r"tea \ud83c", {"Content-Type": "application/json"}
    sent = [
        await client.post(f"{ANN}/record", content=f'{{"messages": "{half}"}}', headers=headers),
        await client.post(f"{ANN}/memories", content=f'{{"content": "{half}"}}', headers=headers),
        await client.put(
            "/store/items",
            content=f'{{"namespace": ["memories", "ann"], "key": "k", "value": {{"a": "{half}"}}}}',
            headers=headers,
        ),
    ]
    assert [answer.status_code for answer in sent] == [200, 201, 204]
    kept = (await client.get(f"{ANN}/memories")).json()["memories"]
    assert [one["content"] for one in kept] == [{"a": "tea \ufffd"}, "tea \ufffd"]
    recalled = (await client.post(f"{ANN}/recall", json={"question": "tea"})).json()["text"]
    assert "user: tea \ufffd" in recalled


async def test_a_namespace_there_cannot_be_is_an_error_of_its_sender(connect: Connect) -> None:
    client = await connect()
    item: dict[str, Any] = {"namespace": ["memories", "a.b"], "key": "k", "value": {"a": 1}}
    answers = [
        await client.put("/store/items", json=item),
        await client.post("/store/namespaces", json={"suffix": [""]}),
        await client.post("/store/namespaces", json={"prefix": ["memories", "a.b"]}),
    ]
    assert {answer.status_code for answer in answers} == {422}
    assert all("a.b" not in answer.text for answer in answers)


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
async def test_a_time_outside_of_all_years_is_an_error_of_its_sender(
    connect: Connect, time: str
) -> None:
    client = await connect()
    answer = await client.get(f"{ANN}/memories", params={"as_of": time})
    assert answer.status_code == 422
    asked = {"question": "tea", "as_of": time, "valid_at": "2026-01-01"}
    assert (await client.post(f"{ANN}/recall", json=asked)).status_code == 422


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(connect: Connect) -> None:
    client = await connect(max_body=1_000)
    large = json.dumps({"content": "x" * 2_000}).encode()

    async def in_pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 100):
            yield large[start : start + 100]

    headers = {"Content-Type": "application/json"}
    said = await client.post(f"{ANN}/memories", content=large, headers=headers)
    unsaid = await client.post(f"{ANN}/memories", content=in_pieces(), headers=headers)
    assert said.status_code == unsaid.status_code == 413


@pytest.mark.parametrize("second", ["evil.example", "127.0.0.1:8787"])
async def test_a_request_with_two_hosts_is_refused(connect: Connect, second: str) -> None:
    client = await connect()
    hosts = [("Host", "127.0.0.1:8787"), ("Host", second)]
    assert (await client.get(f"{ANN}/memories", headers=hosts)).status_code == 400


async def test_a_page_of_another_site_reaches_nothing(connect: Connect) -> None:
    client = await connect()
    evil = await client.post(
        f"{ANN}/memories", json={"content": "x"}, headers={"Origin": "https://evil.example"}
    )
    assert evil.status_code == 403
    own = str(client.base_url).rstrip("/")
    for origins in (["http://[evil"], [own, "https://evil.example"], ["null"], [""]):
        headers = [("Origin", origin) for origin in origins]
        assert (await client.get(f"{ANN}/memories", headers=headers)).status_code == 403
    rebound = await client.get(f"{ANN}/memories", headers={"Host": "evil.example:8787"})
    assert rebound.status_code == 421


async def test_a_name_the_server_is_reached_by_counts_in_any_case(connect: Connect) -> None:
    client = await connect(hosts=("Memory.Example",))
    for host in ("memory.example", "MEMORY.example:8787", "127.0.0.1:8787"):
        assert (await client.get("/healthz", headers={"Host": host})).status_code == 200
    refused = await client.get("/healthz", headers={"Host": "other.example"})
    assert refused.status_code == 421


async def test_too_many_requests_are_told_when_to_come_back(connect: Connect) -> None:
    client = await connect(rate_limit="3/minute")
    answers = [await client.get(f"{ANN}/memories") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60


async def test_two_hundred_clients_at_once_lose_nothing(
    connect: Connect, make_key: MakeKey
) -> None:
    client = await connect(await make_key(None, "admin"))

    async def one(number: int) -> int:
        path = f"/v1/users/user{number % 20}/memories"
        return (await client.post(path, json={"content": f"fact {number}"})).status_code

    assert set(await asyncio.gather(*map(one, range(200)))) == {201}
    counts = [
        len((await client.get(f"/v1/users/user{user}/memories")).json()["memories"])
        for user in range(20)
    ]
    assert counts == [10] * 20
