"""REST: what one user of a server can do."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast
from urllib.parse import quote

import httpx
import pytest

from longterm.service import MemoryService

Connect = Callable[..., Awaitable[httpx.AsyncClient]]

ANN = "/v1/users/ann"


async def test_a_memory_lives_through_all_its_routes(connect: Connect) -> None:
    client = await connect()
    added = await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"})
    assert added.status_code == 201, added.text
    memory = added.json()
    place = f"{ANN}/memories/{memory['id']}"

    assert (await client.get(place)).json() == memory
    edited = await client.patch(place, json={"content": "Ann likes coffee"})
    assert edited.json()["content"] == "Ann likes coffee"
    listed = (await client.get(f"{ANN}/memories")).json()
    assert [one["content"] for one in listed["memories"]] == ["Ann likes coffee"]
    found = (await client.get(f"{ANN}/memories", params={"query": "coffee"})).json()
    assert [one["id"] for one in found["memories"]] == [memory["id"]]
    assert (await client.delete(place)).status_code == 204
    assert (await client.get(place)).status_code == 404


async def test_of_files_that_come_to_one_path_at_one_moment_one_is_kept(connect: Connect) -> None:
    client = await connect()
    made = (await client.post("/v1/memory_stores", json={"name": "notes"})).json()
    files = f"/v1/memory_stores/{made['id']}/memories"

    sent = [client.post(files, json={"path": "/a", "content": f"tea {n}"}) for n in range(8)]
    answers = await asyncio.gather(*sent)

    kept = [one.json()["id"] for one in answers if one.status_code == 200]
    assert len(kept) == 1
    assert sorted({one.status_code for one in answers}) == [200, 409]
    assert [one["id"] for one in (await client.get(files)).json()["data"]] == kept


async def test_a_memory_store_outlives_what_is_in_it(
    connect: Connect, service: MemoryService
) -> None:
    service.store.ttl_config = {"default_ttl": 0}
    client = await connect()
    made = (await client.post("/v1/memory_stores", json={"name": "notes"})).json()
    await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"})

    assert cast("Any", service.store).sweep_ttl() == 1
    assert (await client.get(f"/v1/memory_stores/{made['id']}")).json() == made


async def test_what_was_recorded_is_recalled(connect: Connect) -> None:
    client = await connect()
    messages = [{"role": "user", "content": "I moved to Lyon last week"}]
    said = await client.post(f"{ANN}/record", json={"messages": messages, "thread": "monday"})
    assert said.json() == {"recorded": 1}

    found = await client.post(f"{ANN}/recall", json={"question": "Where did I move?"})
    assert "Lyon" in found.json()["text"]
    assert found.json()["items"][0]["text"] == "I moved to Lyon last week"
    assert (await client.get("/v1/users")).json() == {"users": ["ann"]}


@pytest.mark.parametrize(
    "user", ["a/b", "ann@example.com", "a b", "a.b", "é/ü/ß", "a%2Fb", "../bo", "42", "x" * 2_000]
)
async def test_any_id_is_one_segment_of_a_path(connect: Connect, user: str) -> None:
    client = await connect()
    ours = f"/v1/users/{quote(user, safe='')}"
    added = await client.post(f"{ours}/memories", json={"content": "likes tea", "id": user[:200]})
    assert added.status_code == 201, added.text
    place = f"{ours}/{added.headers['location']}"

    assert (await client.get(place)).json()["id"] == user[:200]
    assert (await client.get("/v1/users")).json() == {"users": [user]}
    assert (await client.get(f"{place}/history")).json()["revisions"][0]["number"] == 1
    page = await client.get(f"/users/{quote(user, safe='')}")
    assert "likes tea" in page.text
    assert (await client.delete(ours)).json()["removed"]["items"] == 1


async def test_a_slash_in_an_id_leads_to_no_other_user(
    connect: Connect, make_key: Callable[..., Awaitable[str]]
) -> None:
    client = await connect(await make_key("a"))
    assert (await client.get("/v1/users/a%2Fmemories/memories")).status_code == 403
    assert (await client.delete("/v1/users/a%2fmemories")).status_code == 403
    assert (await client.get("/v1%2Fusers/a/memories")).status_code == 404


@pytest.mark.parametrize("blank", ["%20", "%E2%80%8B", "%E2%A0%80", "%00"])
async def test_a_blank_user_is_refused(connect: Connect, blank: str) -> None:
    client = await connect()
    answer = await client.get(f"/v1/users/{blank}/memories")
    assert (answer.status_code, answer.json()["status"]) == (422, 422)


async def test_an_edit_of_what_has_changed_meanwhile_is_refused(connect: Connect) -> None:
    client = await connect()
    added = await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"})
    place, tag = f"{ANN}/memories/{added.json()['id']}", added.headers["etag"]

    first = await client.patch(place, json={"content": "coffee"}, headers={"If-Match": tag})
    late = await client.patch(place, json={"content": "juice"}, headers={"If-Match": tag})

    assert first.status_code == 200
    assert late.status_code == 412
    assert (await client.get(place)).json()["content"] == "coffee"
    same = await client.get(place, headers={"If-None-Match": first.headers["etag"]})
    assert same.status_code == 304


async def test_a_post_that_is_sent_again_is_stored_once(connect: Connect) -> None:
    client = await connect()
    key = {"Idempotency-Key": "one"}
    posts = [
        await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"}, headers=key)
        for _ in range(2)
    ]
    assert posts[0].json() == posts[1].json()
    assert len((await client.get(f"{ANN}/memories")).json()["memories"]) == 1
    other = await client.post(f"{ANN}/memories", json={"content": "coffee"}, headers=key)
    assert other.status_code == 422


async def test_a_conversation_that_is_sent_again_is_answered_as_before(connect: Connect) -> None:
    client = await connect()
    key, body = {"Idempotency-Key": "one"}, {"messages": "I moved to Lyon"}
    answers = [await client.post(f"{ANN}/remember", json=body, headers=key) for _ in range(2)]
    assert [one.json() for one in answers] == [
        {"changes": [], "tokens": 0, "cost": 0.0, "left_out": []}
    ] * 2
    other = await client.post(f"{ANN}/remember", json={"messages": "No"}, headers=key)
    assert other.status_code == 422


async def test_pages_lead_from_one_to_the_next(connect: Connect) -> None:
    client = await connect()
    for number in range(5):
        await client.post(f"{ANN}/memories", json={"content": f"fact {number}"})
    first = await client.get(f"{ANN}/memories", params={"limit": 3})
    rest = await client.get(
        f"{ANN}/memories", params={"limit": 3, "offset": first.json()["next_offset"]}
    )
    assert len(first.json()["memories"]) == 3
    assert 'rel="next"' in first.headers["link"]
    assert len(rest.json()["memories"]) == 2
    assert rest.json()["next_offset"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", f"{ANN}/memories/none", None, 404),
        ("PATCH", f"{ANN}/memories/none", {"content": "x"}, 404),
        ("DELETE", f"{ANN}/memories/none", None, 404),
        ("POST", f"{ANN}/memories", {"content": ""}, 422),
        ("POST", f"{ANN}/memories", {"contents": "private words"}, 422),
        ("POST", f"{ANN}/recall", {"question": 7}, 422),
        (
            "POST",
            f"{ANN}/record",
            {"messages": [{"role": "king"}]},
            422,
        ),
        ("POST", f"{ANN}/record", {"messages": [{"text": "private words"}]}, 422),
        ("GET", f"{ANN}/memories?limit=0", None, 422),
        ("GET", "/v1/nowhere", None, 404),
        ("PUT", "/v1/users", None, 405),
    ],
)
async def test_an_error_is_a_problem_document_that_quotes_nothing(
    connect: Connect, method: str, path: str, body: Any, status: int
) -> None:
    client = await connect()
    answer = await client.request(method, path, json=body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert "private words" not in answer.text


async def test_the_description_says_what_there_is(connect: Connect) -> None:
    client = await connect()
    described = (await client.get("/openapi.json")).json()
    assert described["openapi"].startswith("3.1")
    assert f"{ANN.replace('ann', '{user}')}/recall" in described["paths"]


async def test_the_description_says_how_each_request_may_fail(connect: Connect) -> None:
    client = await connect()
    paths = (await client.get("/openapi.json")).json()["paths"]
    operations = [
        (method, path, answers["responses"])
        for path, methods in paths.items()
        for method, answers in methods.items()
    ]
    assert len(operations) > 35
    for method, path, responses in operations:
        assert {"400", "401", "403", "408", "413", "422", "429", "503"} <= responses.keys()
        edits = method in {"patch", "delete"} and path.endswith("/memories/{id}")
        assert ("412" in responses) == (edits and path.startswith("/v1/users"))
        failures = {status: one for status, one in responses.items() if status >= "400"}
        anthropic = path.startswith("/v1/memory_stores")
        form = "application/json" if anthropic else "application/problem+json"
        assert all([*one["content"]] == [form] for one in failures.values())
    one = f"{ANN}/memories/none"
    for method in ("get", "patch", "delete"):
        body = {"content": "x"} if method == "patch" else None
        status = (await client.request(method, one, json=body)).status_code
        assert str(status) in paths["/v1/users/{user}/memories/{id}"][method]["responses"]


async def test_the_description_says_where_a_key_goes_and_what_is_streamed(
    connect: Connect,
) -> None:
    client = await connect()
    described = (await client.get("/openapi.json")).json()
    assert described["components"]["schemas"]["Problem"]["required"]
    ways = described["components"]["securitySchemes"]
    assert {name for one in described["security"] for name in one} == ways.keys()
    users = described["paths"]["/v1/users/{user}/export"]["get"]["responses"]["200"]
    brought = described["paths"]["/v1/users/{user}/import"]["post"]["requestBody"]
    assert [*users["content"], *brought["content"]] == ["application/x-ndjson"] * 2


async def test_the_description_says_how_large_numbers_may_be(connect: Connect) -> None:
    client = await connect()
    forms = (await client.get("/openapi.json")).json()["components"]["schemas"]
    asked = forms["QuestionBody"]["properties"]
    assert asked["limit"]["anyOf"][0] == {"type": "integer", "minimum": 0, "maximum": 1_000}
    assert asked["budget"]["maximum"] == 1_000_000
    assert forms["SearchBody"]["properties"]["offset"]["minimum"] == 0


async def test_a_method_there_is_not_is_answered_with_those_there_are(connect: Connect) -> None:
    client = await connect()
    allowed = {
        path: (await client.request("OPTIONS", path)).headers["allow"]
        for path in (f"{ANN}/memories/x", "/store/items", "/healthz")
    }
    assert allowed == {
        f"{ANN}/memories/x": "DELETE, GET, PATCH",
        "/store/items": "DELETE, GET, PUT",
        "/healthz": "GET",
    }


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (f"{ANN}/record", {"messages": "tea", "now": 0}),
        (f"{ANN}/recall", {"question": "tea", "valid_at": 2024}),
        (f"{ANN}/recall", {"question": "tea", "as_of": "2024"}),
        (f"{ANN}/recall", {"question": "tea", "limit": True}),
        (f"{ANN}/remember", {"messages": "tea", "wait": 0}),
        ("/store/items/search", {"offset": "1"}),
    ],
)
async def test_nothing_is_read_as_another_type(connect: Connect, path: str, body: Any) -> None:
    client = await connect()
    assert (await client.post(path, json=body)).status_code == 422


async def test_a_body_that_is_sent_as_a_form_is_told_that_it_is_to_be_json(
    connect: Connect,
) -> None:
    client = await connect()
    form = {"content-type": "application/x-www-form-urlencoded"}  # as curl -d sends it
    refused = await client.post(f"{ANN}/recall", content='{"question": "tea"}', headers=form)
    assert refused.status_code == 422
    assert "Content-Type: application/json" in refused.json()["detail"]
    wrong = await client.post(f"{ANN}/recall", json={"limit": 5})
    assert "Content-Type" not in wrong.json()["detail"]


async def test_a_time_that_cannot_be_read_is_in_the_answer(connect: Connect) -> None:
    client = await connect()
    said = {"role": "user", "content": "I like tea", "timestamp": "last week"}
    with pytest.warns(UserWarning, match="time of message 0"):
        answer = await client.post(f"{ANN}/record", json={"messages": [said]})
    assert answer.json()["recorded"] == 1
    [note] = answer.json()["left_out"]
    assert note.startswith("The time of message 0 cannot be read")


async def test_a_year_alone_is_no_time(connect: Connect) -> None:
    client = await connect()
    for name in ("as_of", "valid_at"):
        assert (await client.get(f"{ANN}/memories?{name}=2024")).status_code == 422


async def test_a_whole_number_may_be_written_with_a_point(connect: Connect) -> None:
    client = await connect()
    asked = {"question": "tea", "limit": 5.0}
    assert (await client.post(f"{ANN}/recall", json=asked)).status_code == 200


async def test_health_and_figures_name_no_user(connect: Connect) -> None:
    client = await connect()
    await client.post("/v1/users/secret-user/memories", json={"content": "tea"})
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    figures = (await client.get("/metrics")).text
    assert 'longterm_requests_total{method="POST",route="/v1/users/{user}/memories"' in figures
    assert "secret-user" not in figures


async def test_the_past_is_listed_restored_and_erased(connect: Connect) -> None:
    client = await connect()
    id = (await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"})).json()["id"]
    place = f"{ANN}/memories/{id}"
    await client.patch(place, json={"content": "Ann likes coffee"})
    await client.delete(place)

    revisions = (await client.get(f"{place}/history")).json()["revisions"]
    assert [one["action"] for one in revisions] == ["created", "changed", "deleted"]
    restored = await client.post(f"{place}/restore", json={"revision": 1})
    assert restored.json()["content"] == "Ann likes tea"
    assert (await client.post(f"{place}/restore", json={"revision": 9})).status_code == 404
    assert (await client.get(f"{ANN}/memories/none/history")).status_code == 404

    erased = await client.delete(ANN)
    assert erased.json()["removed"]["items"] == 1
    assert (await client.get(f"{ANN}/memories")).json()["memories"] == []


async def test_an_export_is_imported_into_its_own_user_only(connect: Connect) -> None:
    client = await connect()
    await client.post(f"{ANN}/memories", json={"content": "Ann likes tea"})
    await client.post(f"{ANN}/record", json={"messages": "I moved to Lyon"})
    lines = await client.get(f"{ANN}/export")
    assert lines.headers["content-type"].startswith("application/x-ndjson")

    first = await client.post("/v1/users/bo/import", content=lines.content)
    again = await client.post("/v1/users/bo/import", content=lines.content)
    assert (first.json(), again.json()) == ({"added": 2, "kept": 0}, {"added": 0, "kept": 2})
    assert (await client.get("/v1/users/bo/stats")).json()["turns"] == 1
    assert (await client.post("/v1/users/bo/import", content=b"{")).status_code == 422

    await client.delete("/v1/users/bo")
    stays = await client.post("/v1/users/bo/import", content=lines.content)
    assert stays.json() == {"added": 0, "kept": 0, "erased": 2}
    asked = {"bring_back_erased": "true"}
    back = await client.post("/v1/users/bo/import", content=lines.content, params=asked)
    assert back.json() == {"added": 2, "kept": 0}


async def test_memories_are_read_as_they_were_known_and_as_they_were_true(connect: Connect) -> None:
    client = await connect()
    job = {"employer": "Acme", "valid_from": "2018-01-01", "valid_to": "2021-01-01"}
    body = {"content": job, "kind": "Job", "id": "job"}
    added = await client.post(f"{ANN}/memories", json=body)
    await client.patch(f"{ANN}/memories/job", json={"content": {**job, "employer": "Bolt"}})

    async def found(**when: str) -> list[str]:
        listed = await client.get(f"{ANN}/memories", params=when)
        return [one["content"]["employer"] for one in listed.json()["memories"]]

    assert await found(valid_at="2020-06-01") == ["Bolt"]
    assert await found(valid_at="2022-06-01", query="Bolt") == []
    assert await found(as_of=added.json()["updated_at"]) == ["Acme"]
    assert (await client.get(f"{ANN}/memories/job?valid_at=2022-06-01")).status_code == 404
    for day, there in (("2020-06-01", True), ("2022-06-01", False)):
        asked = {"question": "Bolt employer?", "valid_at": day}
        text = (await client.post(f"{ANN}/recall", json=asked)).json()["text"]
        assert ("Bolt" in text) is there
