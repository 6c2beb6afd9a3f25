import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from openai import APIConnectionError

import longterm.models.local
from longterm.errors import LocalModelError
from longterm.models.local import LocalChatModel, local_chat_model
from longterm.models.local.server import Engine

FAKE = str(Path(__file__).with_name("fake_server.py"))


def model(tmp_path: Path, *arguments: str, **options: Any) -> LocalChatModel:
    command = (sys.executable, FAKE, *arguments)
    engine = Engine(model=tmp_path / "m.gguf", context=512, threads=1, command=command)
    return LocalChatModel.on(engine, **options)


def seen(answer: BaseMessage) -> dict[str, Any]:
    return json.loads(str(answer.content))


def test_it_says_that_it_follows_a_schema_and_calls_no_tools(tmp_path: Path) -> None:
    profile = model(tmp_path).profile
    assert profile
    assert profile.get("structured_output") is True
    assert profile.get("tool_calling") is False
    assert profile.get("max_input_tokens") == 512


def test_a_call_starts_the_server_and_carries_its_key(tmp_path: Path) -> None:
    asked = seen(model(tmp_path).invoke("hello"))
    assert asked["authorized"]
    assert asked["settings"] == {"model": str(tmp_path / "m.gguf"), "context": 512, "threads": 1}


def test_defaults_suit_a_small_model_and_options_override_them(tmp_path: Path) -> None:
    plain = seen(model(tmp_path).invoke("hello"))["body"]
    assert plain["temperature"] == 0
    assert plain["max_completion_tokens"] == 1024
    warm = seen(model(tmp_path, temperature=0.7, max_tokens=5).invoke("hello"))["body"]
    assert (warm["temperature"], warm["max_completion_tokens"]) == (0.7, 5)


def test_structured_output_goes_out_as_a_json_schema(tmp_path: Path) -> None:
    # LangChain types the result by the schema's class; a schema in JSON has none.
    local: Any = model(tmp_path)
    schema = {"title": "Food", "type": "object", "properties": {"name": {"type": "string"}}}
    bound = local.with_structured_output(schema, method="json_schema", include_raw=True)
    sent = seen(bound.invoke("ramen")["raw"])["body"]["response_format"]
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["properties"] == {"name": {"type": "string"}}


def test_the_environments_proxies_and_addresses_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    local = model(tmp_path)
    assert seen(local.invoke("hello"))["authorized"]
    assert seen(asyncio.run(local.ainvoke("hello")))["authorized"]


def test_it_works_in_one_event_loop_after_another(tmp_path: Path) -> None:
    local = model(tmp_path)
    for _ in range(3):
        assert seen(asyncio.run(local.ainvoke("hello")))["authorized"]


async def test_starting_the_server_does_not_hold_up_the_event_loop(tmp_path: Path) -> None:
    call = asyncio.create_task(model(tmp_path, "fresh").ainvoke("hello"))
    turns = 0
    while not call.done():
        turns += 1
        await asyncio.sleep(0.005)
    assert turns > 3


def test_a_crash_is_an_error_once_and_the_next_call_has_a_new_server(tmp_path: Path) -> None:
    local = model(tmp_path)
    before = seen(local.invoke("hello"))["pid"]
    with pytest.raises(APIConnectionError):
        local.invoke("crash")
    assert seen(local.invoke("hello"))["pid"] != before


def test_a_server_that_does_not_start_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="not enough memory"):
        model(tmp_path, "dies").invoke("hello")


def test_a_missing_file_is_an_error_when_the_model_is_made(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="neither a file nor a model"):
        local_chat_model(tmp_path / "nothing.gguf", cache=tmp_path)


def test_the_package_has_no_other_names() -> None:
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        longterm.models.local.other  # noqa: B018 (the access is the test)


async def test_after_a_crash_in_a_loop_the_next_call_has_a_new_server(tmp_path: Path) -> None:
    local = model(tmp_path)
    before = seen(await local.ainvoke("hello"))["pid"]
    with pytest.raises(APIConnectionError):
        await local.ainvoke("crash")
    assert seen(await local.ainvoke("hello"))["pid"] != before
