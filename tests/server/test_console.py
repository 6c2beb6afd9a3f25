"""The console as pages: what they show, to whom, and what they never do."""

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest

import longterm
from longterm.errors import LongtermError
from longterm.guard import Guard
from longterm.server.console.rendering import steps_of
from longterm.service import MemoryService
from longterm.testing import ScriptedChatModel, tool_calls

Connect = Callable[..., Awaitable[httpx.AsyncClient]]
MakeKey = Callable[..., Awaitable[str]]

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


async def mark_of(client: httpx.AsyncClient, path: str = "/users/ann") -> str:
    found = re.search(r'name="mark" value="([^"]+)"', (await client.get(path)).text)
    assert found
    return found[1]


async def test_a_memory_is_added_changed_forgotten_and_restored_by_forms(connect: Connect) -> None:
    client = await connect()
    mark = await mark_of(client)
    added = await client.post(
        "/users/ann/memories", data={"mark": mark, "content": "Ann likes tea"}
    )
    assert added.headers["location"] == "/users/ann"
    listed = await client.get("/users/ann", params={"q": "tea"})
    place = re.findall(r"/users/ann/memories/[\w-]+", listed.text)[0]
    form = {"mark": mark, "content": "Ann likes coffee", "revision": "1"}
    assert (await client.post(f"{place}/edit", data=form)).status_code == 303
    stale = await client.post(f"{place}/edit", data=form | {"content": "Ann likes juice"})
    assert stale.status_code == 409
    assert "That did not work" in stale.text

    shown = (await client.get(place)).text
    assert "<del>tea</del>" in shown
    assert "<ins>coffee</ins>" in shown
    assert (await client.post(f"{place}/forget", data={"mark": mark})).status_code == 303
    assert "This memory is gone" in (await client.get(place)).text
    assert place in (await client.get("/users/ann/forgotten")).text
    await client.post(f"{place}/restore", data={"mark": mark, "revision": "1"})
    assert 'class="said large">Ann likes tea<' in (await client.get(place)).text


async def test_recall_explains_itself(connect: Connect, service: MemoryService) -> None:
    ann = service.user("ann")
    ann.add("Ann likes tea")
    ann.record("I moved to Lyon last week", thread="monday")
    client = await connect()
    explained = (
        await client.get("/users/ann/recall", params={"question": "Where did I move?"})
    ).text
    assert "In the block" in explained
    assert "<meter" in explained
    tight = {"question": "Where did I move?", "budget": 0}
    assert "Left out" in (await client.get("/users/ann/recall", params=tight)).text
    assert "monday" in (await client.get("/users/ann/turns")).text


async def test_what_was_said_is_never_a_script(connect: Connect, service: MemoryService) -> None:
    name = SCRIPT.replace("/", "")  # a path ends a user's id at a slash
    user = f"/users/{quote(name, safe='')}"
    ann = service.user(name)
    other = ann.add(SCRIPT).id
    ann.edit(other, f"{SCRIPT} again")
    ann.record([{"role": "user", "name": SCRIPT, "content": SCRIPT}], thread=SCRIPT)
    client = await connect()
    for path in ("/", user, f"{user}/memories/{other}", f"{user}/turns", f"{user}/data"):
        page = await client.get(path)
        assert page.status_code == 200, path
        assert "<script>alert" not in page.text
        assert "<img" not in page.text
        assert "script-src 'self'" in page.headers["content-security-policy"]
        # With "no-referrer" a browser would hide the origin of our own forms from us.
        assert page.headers["referrer-policy"] == "same-origin"
        assert "unsafe" not in page.headers["content-security-policy"]
    asked = await client.get(f"{user}/recall", params={"question": SCRIPT})
    assert "<script>alert" not in asked.text


async def test_a_form_of_another_site_changes_nothing(
    connect: Connect, service: MemoryService
) -> None:
    client = await connect()
    await mark_of(client)
    for form in ({}, {"mark": ""}, {"mark": "guessed"}):
        refused = await client.post("/users/ann/memories", data=form | {"content": "x"})
        assert refused.status_code == 403
    other = await client.post(
        "/users/ann/memories",
        data={"mark": await mark_of(client), "content": "x"},
        headers={"Origin": "https://evil.example"},
    )
    assert other.status_code == 403
    assert service.user("ann").list() == []


async def test_a_stranger_sees_the_login_and_nothing_else(
    connect: Connect, make_key: MakeKey
) -> None:
    key = await make_key("ann")
    client = await connect()
    for path in ("/", "/users/ann", "/users/nobody", "/keys", "/reflections", "/users/ann/export"):
        answer = await client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert (await client.post("/login", data={"key": "lt_x_y"})).status_code == 401
    entered = await client.post("/login", data={"key": key})
    cookie = entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert (await client.get("/")).headers["location"] == "/users/ann"
    assert (await client.get("/users/ann")).status_code == 200
    assert (await client.get("/users/bo")).status_code == 403
    assert (await client.get("/keys")).status_code == 403
    # The cookie is for pages: programs send the key in a header.
    assert (await client.get("/v1/users/ann/memories")).status_code == 401


async def test_an_administrator_makes_and_revokes_keys(
    connect: Connect, make_key: MakeKey, service: MemoryService
) -> None:
    client = await connect(await make_key(None, "admin"))
    mark = await mark_of(client, "/keys")
    made = await client.post("/keys", data={"mark": mark, "user": "bo", "scope": "read"})
    assert re.search(r"<code>lt_\w+_[\w-]+</code>", made.text)
    [key] = [one for one in await service.keys.alist() if one.user == "bo"]
    await client.post(f"/keys/{key.id}/revoke", data={"mark": mark})
    assert [one.user for one in await service.keys.alist()] == [None]
    reflections = (await client.get("/reflections")).text
    assert "Nothing runs or waits." in reflections
    assert "None." in reflections


async def test_a_user_is_erased_when_the_id_is_written_once_more(
    connect: Connect, service: MemoryService
) -> None:
    service.user("ann").add("Ann likes tea")
    client = await connect()
    mark = await mark_of(client)
    wrong = await client.post("/users/ann/erase", data={"mark": mark, "confirm": "an"})
    assert wrong.status_code == 422
    assert service.user("ann").list()
    assert "Ann likes tea" in (await client.get("/users/ann/export")).text
    erased = await client.post("/users/ann/erase", data={"mark": mark, "confirm": "ann"})
    assert "1 items" in erased.text
    assert service.user("ann").list() == []


@pytest.mark.parametrize("name", ["console.css", "htmx.min.js"])
async def test_what_pages_need_comes_with_the_package(connect: Connect, name: str) -> None:
    assert (await (await connect()).get(f"/static/{name}")).status_code == 200


def test_a_difference_is_told_word_by_word(service: MemoryService) -> None:
    ann = service.user("ann")
    id = ann.add("Ann likes green tea").id
    ann.edit(id, "Ann likes black tea")
    last = steps_of(ann.history(id))[-1]
    assert list(last.pieces) == [
        ("same", "Ann likes"),
        ("gone", "green"),
        ("new", "black"),
        ("same", "tea"),
    ]


async def test_a_memory_s_page_says_what_an_extraction_used(
    connect: Connect, service: MemoryService
) -> None:
    reply = tool_calls(("Memory", {"content": "Ann likes tea"}))
    reply.usage_metadata = {"input_tokens": 900, "output_tokens": 100, "total_tokens": 1_000}
    with longterm.open(service.store, model=ScriptedChatModel(reply)) as learning:
        [change] = learning.user("ann").remember("I like tea")
    page = await (await connect()).get(f"/users/ann/memories/{change.id}")
    assert "1,000 tokens for 1 memory" in page.text


async def test_what_the_guard_keeps_back_is_released_or_removed(
    connect: Connect, service: MemoryService
) -> None:
    guard = Guard(actions={"email": "quarantine"})
    with longterm.open(service.store, guard=guard) as guarded:
        for name in ("one", "two"):
            with suppress(LongtermError):
                await guarded.user("ann").aadd(f"Ann's address is {name}@example.com")
    client = await connect()
    mark = await mark_of(client)
    shown = (await client.get("/users/ann/quarantine")).text
    first, second = re.findall(r'action="(/users/ann/quarantine/[^"]+)/release"', shown)
    await client.post(f"{first}/release", data={"mark": mark})
    await client.post(f"{second}/drop", data={"mark": mark})
    assert len(service.user("ann").list()) == 1
    assert "Nothing." in (await client.get("/users/ann/quarantine")).text


def test_long_texts_of_which_little_changed_are_told_word_by_word(service: MemoryService) -> None:
    ann = service.user("ann")
    words = [f"word{n}" for n in range(5_000)]
    id = ann.add(" ".join(words)).id
    ann.edit(id, " ".join([*words[:10], "new", *words[11:]]))
    (last,) = steps_of(ann.history(id))[1:]
    assert [*last.pieces][1:3] == [("gone", "word10"), ("new", "new")]


def test_long_texts_of_which_much_changed_are_told_as_a_whole(service: MemoryService) -> None:
    ann = service.user("ann")
    id = ann.add("first " + "a b " * 2_000 + "end").id
    ann.edit(id, "first " + "c b " * 2_000 + "end")
    (last,) = steps_of(ann.history(id))[1:]
    assert [what for what, _ in last.pieces] == ["same", "gone", "new", "same"]


async def test_a_page_shows_the_last_revisions_of_a_memory_and_how_many_more(
    connect: Connect, service: MemoryService
) -> None:
    ann = service.user("ann")
    id = ann.add("version 1").id
    for number in range(2, 54):
        ann.edit(id, f"version {number}")
    shown = (await (await connect()).get(f"/users/ann/memories/{id}")).text
    assert "3 earlier revisions" in shown
    assert "<del>3</del> <ins>4</ins>" in shown
    assert "<del>2</del>" not in shown
