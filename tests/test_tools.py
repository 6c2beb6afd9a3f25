"""The tools with which agents write and search memories."""

import json
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.store.base import BaseStore, GetOp, Result, SearchItem
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field, RootModel, SecretStr, field_validator
from typing_extensions import TypedDict, override

from longterm import (
    create_manage_memory_tool,
    create_memory_store_manager,
    create_search_memory_tool,
)
from longterm.errors import ConfigurationError, NoStoreError
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls
from longterm.tools import MemoryTool

PLACE = ("memories", "alice")
TEMPLATE = ("memories", "{langgraph_user_id}")


class Food(BaseModel):
    """A food a person likes or dislikes."""

    name: str
    liking: int = Field(50, ge=0, le=100)


class Place(TypedDict):
    """A place."""

    name: str


@pytest.fixture
def manage(store: InMemoryStore) -> MemoryTool:
    return create_manage_memory_tool(PLACE, store=store)


@pytest.fixture
def find(store: InMemoryStore) -> MemoryTool:
    return create_search_memory_tool(PLACE, store=store)


def values(store: InMemoryStore) -> list[Any]:
    return [item.value for item in store.search(PLACE)]


def openai_call(arguments: Any) -> dict[str, Any]:
    function = {"name": "manage_memory", "arguments": arguments}
    return {"id": "call_1", "type": "function", "function": function}


# Writing


@pytest.mark.parametrize("make", [InMemoryStore, lambda: EmbeddedStore(":memory:")])
def test_two_equal_creates_at_one_moment_make_one_memory(make: Callable[[], BaseStore]) -> None:
    own_store, both = make(), threading.Barrier(2)
    tool = create_manage_memory_tool(PLACE, store=own_store)

    def create() -> str:
        both.wait(30)
        return tool.invoke({"content": "my key is sk-ant-api03-" + "a1B2" * 24})

    with ThreadPoolExecutor(2) as pool:
        said = {call.result() for call in [pool.submit(create), pool.submit(create)]}
    [item] = own_store.search(PLACE)
    assert said == {f"created memory {item.key}"}
    assert "sk-ant" not in str(item.value)


def test_what_was_created_and_says_something_else_by_now_is_created_anew(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    first = manage.invoke({"content": "I like tea"}).split()[-1]
    manage.invoke({"action": "update", "id": first, "content": "I like ale"})
    second = manage.invoke({"content": "I like tea"}).split()[-1]
    assert second != first
    assert manage.invoke({"content": "I like tea"}).endswith(second)
    assert len(store.search(PLACE)) == 2


def test_values_that_come_as_json_text_are_understood(store: InMemoryStore) -> None:
    class Meal(BaseModel):
        foods: list[Food]

    tool = create_manage_memory_tool(PLACE, schema=Meal, store=store)
    as_text = json.dumps([{"name": "ramen", "liking": "90"}])
    assert tool.invoke({"content": json.dumps({"foods": as_text})}).startswith("created")
    assert values(store) == [{"content": {"foods": [{"name": "ramen", "liking": 90}]}}]
    find = create_search_memory_tool(PLACE, store=store)
    assert "ramen" in find.invoke({"query": "food", "filter": "{}", "limit": "5"})
    assert "do not fit" in find.invoke({"query": "food", "filter": "{"})


@pytest.mark.parametrize("schema", [str, Food, list[Any]])
def test_arguments_of_300_levels_are_answered(schema: Any, store: InMemoryStore) -> None:
    content: Any = "x"
    for _ in range(300):
        content = [content]
    tool = create_manage_memory_tool(PLACE, schema=schema, store=store)
    answer = tool.invoke({"content": content})
    # How deep pydantic goes before it says what else is wrong, depends on the Python.
    assert any(why in answer for why in ("too deeply", "depth exceeded", "do not fit"))
    assert not values(store)


@pytest.mark.parametrize(
    ("tool", "required"),
    [(create_manage_memory_tool(("m",)), []), (create_search_memory_tool(("m",)), ["query"])],
)
def test_a_provider_is_always_shown_what_is_required(tool: MemoryTool, required: list[str]) -> None:
    assert convert_to_openai_tool(tool)["function"]["parameters"]["required"] == required


def test_creating_stores_the_content_and_tells_the_id(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    answer = manage.invoke({"content": "likes tea"})
    ((item),) = store.search(PLACE)
    assert answer == f"created memory {item.key}"
    assert item.value == {"content": "likes tea"}
    assert uuid.UUID(item.key)


def test_updating_changes_the_content_under_its_id(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    store.put(PLACE, "my-own-key", {"content": "likes tea"})
    answer = manage.invoke({"action": "update", "id": "my-own-key", "content": "likes ale"})
    assert answer == "updated memory my-own-key"
    assert values(store) == [{"content": "likes ale"}]


def test_deleting_removes_the_memory(manage: MemoryTool, store: InMemoryStore) -> None:
    store.put(PLACE, "k", {"content": "likes tea"})
    assert manage.invoke({"action": "delete", "id": "k"}) == "Deleted memory k"
    assert values(store) == []


def test_an_id_may_be_a_uuid_object(manage: MemoryTool, store: InMemoryStore) -> None:
    key = uuid.uuid4()
    store.put(PLACE, str(key), {"content": "likes tea"})
    assert manage.invoke({"action": "delete", "id": key}) == f"Deleted memory {key}"


@pytest.mark.parametrize("form", ["{}", " {} ", '"{}"', "<{}>", "`{}`"])
def test_an_id_is_understood_in_other_signs(
    form: str, manage: MemoryTool, store: InMemoryStore
) -> None:
    key = uuid.UUID(int=0xABCDEF << 100)
    for written in (str(key), str(key).upper(), key.hex):
        store.put(PLACE, str(key), {"content": "likes tea"})
        answer = manage.invoke({"action": "delete", "id": form.format(written)})
        assert answer == f"Deleted memory {key}"


def test_an_id_that_is_there_as_it_is_written_is_that_one(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    store.put(PLACE, "<k>", {"content": "likes tea"})
    store.put(PLACE, "k", {"content": "likes ale"})
    assert manage.invoke({"action": "delete", "id": "<k>"}) == "Deleted memory <k>"
    assert values(store) == [{"content": "likes ale"}]


def test_an_empty_id_is_none(manage: MemoryTool, store: InMemoryStore) -> None:
    assert manage.invoke({"content": "likes tea", "id": ""}).startswith("created memory")


async def test_the_tool_does_the_same_async(manage: MemoryTool, store: InMemoryStore) -> None:
    assert (await manage.ainvoke({"content": "likes tea"})).startswith("created memory")
    assert values(store) == [{"content": "likes tea"}]


# What goes wrong is reported, and nothing is changed


WRONG = {
    "update of an unknown id": ({"action": "update", "id": "x", "content": "new"}, "no memory x"),
    "delete of an unknown id": ({"action": "delete", "id": "x"}, "no memory x"),
    "update without an id": ({"action": "update", "content": "new"}, "id of the memory"),
    "update without a content": ({"action": "update", "id": "k"}, "content is missing"),
    "create without a content": ({"action": "create"}, "content is missing"),
    "create of nothing": ({"content": "  "}, "content is missing"),
    "create of what cannot be seen": ({"content": " \u200b\0"}, "content is missing"),
    "create with an id": ({"action": "create", "id": "k", "content": "new"}, "leave out the id"),
    "unknown action": ({"action": "forget", "id": "k"}, "do not fit"),
    "content of the wrong type": ({"content": {"a": 1}}, "do not fit"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_told_to_the_model_and_loses_nothing(
    case: str, manage: MemoryTool, store: InMemoryStore
) -> None:
    arguments, reason = WRONG[case]
    store.put(PLACE, "k", {"content": "likes tea"})
    assert reason in manage.invoke(arguments)
    assert values(store) == [{"content": "likes tea"}]


class Overtaken(EmbeddedStore):
    """A store in which another writer changes a memory just after each time it is read."""

    @override
    def batch(self, ops: Iterable[Any]) -> list[Result]:
        answers = super().batch(ops := list(ops))
        for op in ops:
            if isinstance(op, GetOp) and op.namespace == PLACE:
                self.put(op.namespace, op.key, {"content": "newest"})
        return answers


def test_an_action_is_understood_in_other_letters(manage: MemoryTool, store: InMemoryStore) -> None:
    store.put(PLACE, "k", {"content": "likes tea"})
    assert manage.invoke({"action": "Delete", "id": "k"}) == "Deleted memory k"


@pytest.mark.parametrize("id", ["a\0b", "half \ud83d", "k" * 100_000])
def test_an_answer_that_quotes_the_model_can_be_sent_to_every_provider(
    id: str, manage: MemoryTool
) -> None:
    answer = manage.invoke({"action": "delete", "id": id})
    assert "There is no memory" in answer
    assert len(answer.encode()) < 2_000
    assert "\0" not in answer


def test_a_filter_that_is_no_object_is_told_to_the_model(
    find: MemoryTool, store: InMemoryStore
) -> None:
    store.put(PLACE, "k", {"content": "likes tea"})
    assert "do not fit" in find.invoke({"query": "tea", "filter": "kind is food"})


@pytest.mark.parametrize("action", ["update", "delete"])
def test_a_memory_that_others_are_changing_is_left_to_them(action: str) -> None:
    with Overtaken(":memory:") as store:
        store.put(PLACE, "k", {"content": "old"})
        tool = create_manage_memory_tool(PLACE, store=store)
        call = {"action": action, "id": "k", "content": "mine"}
        assert "was changed just now" in tool.invoke(call)
        assert [item.value for item in store.search(PLACE)] == [{"content": "newest"}]


def test_a_mistake_in_a_tool_call_is_marked_as_an_error(manage: MemoryTool) -> None:
    call = {"type": "tool_call", "id": "1", "name": "manage_memory", "args": {"action": "delete"}}
    answer = manage.invoke(call)
    assert isinstance(answer, ToolMessage)
    assert answer.status == "error"


def test_a_forbidden_action_is_refused(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, actions_permitted=("create",), store=store)
    store.put(PLACE, "k", {"content": "likes tea"})
    assert "do not fit" in tool.invoke({"action": "delete", "id": "k"})
    assert len(values(store)) == 1


def test_without_create_the_first_permitted_action_is_meant(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, actions_permitted=("delete",), store=store)
    store.put(PLACE, "k", {"content": "likes tea"})
    assert tool.invoke({"id": "k"}) == "Deleted memory k"


@pytest.mark.parametrize("actions", [(), ("forget",), ("create", "forget")])
def test_unknown_actions_are_refused_at_creation(actions: Any) -> None:
    with pytest.raises(ConfigurationError, match="actions_permitted"):
        create_manage_memory_tool(PLACE, actions_permitted=actions)


def test_the_description_names_only_permitted_actions() -> None:
    tool = create_manage_memory_tool(PLACE, actions_permitted=("create", "update"))
    assert tool.description.startswith("Create or update a long-term memory.")


# Schemas


def test_a_schema_is_shown_to_the_model(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, schema=Food, store=store)
    shown = convert_to_openai_tool(tool)["function"]["parameters"]["properties"]["content"]
    assert "liking" in json.dumps(shown)


def test_a_schema_s_content_is_checked_and_stored_as_json(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, schema=Food, store=store)
    assert "liking" in tool.invoke({"content": {"name": "ramen", "liking": 300}})
    tool.invoke({"content": {"name": "ramen", "liking": 95}})
    assert values(store) == [{"content": {"name": "ramen", "liking": 95}}]


def test_a_typed_dict_is_a_schema(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, schema=Place, store=store)
    assert "do not fit" in tool.invoke({"content": {"nome": "Rome"}})
    tool.invoke({"content": {"name": "Rome"}})
    assert values(store) == [{"content": {"name": "Rome"}}]


class Guest(BaseModel):
    name: str
    diet: str | None
    seat: str = "any"


def test_null_and_what_is_left_out_are_understood_for_each_other(store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, schema=Guest, store=store)
    tool.invoke({"content": {"name": "Ann", "seat": None}})
    assert values(store) == [{"content": {"name": "Ann", "diet": None, "seat": "any"}}]


class Login(BaseModel):
    password: SecretStr


class Loud(BaseModel):
    text: str

    @field_validator("text")
    @classmethod
    def _louder(cls, text: str) -> str:
        return f"{text}!"


def test_what_would_not_read_back_is_never_written(store: InMemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="does not read back"):
        create_manage_memory_tool(PLACE, schema=Login)
    tool = create_manage_memory_tool(PLACE, schema=Loud, store=store)
    assert "reads back as another" in tool.invoke({"content": {"text": "tea"}})
    assert values(store) == []


@pytest.mark.parametrize(
    ("schema", "content"),
    [(list[str], ["tea"]), (RootModel[list[str]], ["tea"]), (Food | Place, {"name": "Rome"})],
)
def test_any_type_is_a_schema(schema: Any, content: Any, store: InMemoryStore) -> None:
    tool = create_manage_memory_tool(PLACE, schema=schema, store=store)
    tool.invoke({"content": content})
    assert len(values(store)) == 1


def test_a_json_schema_is_shown_and_checked(store: InMemoryStore) -> None:
    schema = {"title": "Song", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    tool = create_manage_memory_tool(PLACE, schema=schema, store=store)
    assert '"name"' in json.dumps(convert_to_openai_tool(tool))
    assert "name" in tool.invoke({"content": {"title": "Imagine"}})
    tool.invoke({"content": {"name": "Imagine"}})
    assert values(store) == [{"content": {"name": "Imagine"}}]


# Beside a manager


def test_an_update_keeps_the_kind_a_manager_stored(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    store.put(PLACE, "k", {"kind": "Memory", "content": {"content": "likes tea"}})
    manage.invoke({"action": "update", "id": "k", "content": "likes ale"})
    assert values(store) == [{"kind": "Memory", "content": {"content": "likes ale"}}]


def test_a_text_does_not_take_the_place_of_fields(manage: MemoryTool, store: InMemoryStore) -> None:
    food = {"kind": "Food", "content": {"name": "ramen", "liking": 95}}
    store.put(PLACE, "k", food)
    answer = manage.invoke({"action": "update", "id": "k", "content": "likes ale"})
    assert "liking" in answer
    assert values(store) == [food]


def test_a_manager_works_on_what_the_tool_wrote(
    store: InMemoryStore, manage: MemoryTool, alice: RunnableConfig
) -> None:
    manage.invoke({"content": "likes tea"})
    change = tool_calls(("update_memory", {"number": 0, "changes": {"content": "likes ale"}}))
    create_memory_store_manager(ScriptedChatModel(change), store=store).invoke("ale!", alice)
    assert values(store) == [{"content": "likes ale"}]


# Raw calls of providers' own clients


@pytest.mark.parametrize(
    "call",
    [
        openai_call('{"content": "likes tea"}'),
        {"type": "function_call", "name": "manage_memory", "arguments": '{"content": "likes tea"}'},
        {"type": "tool_use", "id": "1", "name": "manage_memory", "input": {"content": "likes tea"}},
        {"toolUse": {"toolUseId": "1", "name": "m", "input": {"content": "likes tea"}}},
        {"functionCall": {"name": "manage_memory", "args": {"content": "likes tea"}}},
        {"id": None, "name": "manage_memory", "args": {"content": "likes tea"}},
        {"type": "tool_call", "id": "1", "name": "m", "args": {"content": "likes tea"}},
        '{"content": "likes tea"}',
        "likes tea",
        {"content": "likes tea"},
    ],
    ids=[
        "chat completions",
        "responses",
        "anthropic",
        "bedrock",
        "google",
        "google's client",
        "langchain",
        "json",
        "text",
        "arguments",
    ],
)
def test_calls_of_every_client_are_understood(
    call: Any, manage: MemoryTool, store: InMemoryStore
) -> None:
    manage.invoke(call)
    assert values(store) == [{"content": "likes tea"}]


async def test_a_tool_can_be_run_as_well_as_invoked(
    manage: MemoryTool, store: InMemoryStore
) -> None:
    manage.run("likes tea")
    await manage.arun('{"content": "likes ale"}')
    assert values(store) == [{"content": "likes tea"}, {"content": "likes ale"}]


def test_a_client_s_call_object_is_understood(manage: MemoryTool, store: InMemoryStore) -> None:
    class Block(BaseModel):
        type: str = "tool_use"
        id: str = "1"
        input: dict[str, str]

    manage.invoke(Block(input={"content": "likes tea"}))
    assert values(store) == [{"content": "likes tea"}]


@pytest.mark.parametrize("arguments", ["", "{}", '{"content": "likes t', "null", "[1]", '"tea"', 5])
def test_broken_raw_arguments_store_nothing(
    arguments: Any, manage: MemoryTool, store: InMemoryStore
) -> None:
    assert "Nothing was changed" in manage.invoke(openai_call(arguments))
    assert values(store) == []


# Searching


def test_the_search_answers_json_of_the_items(find: MemoryTool, store: InMemoryStore) -> None:
    store.put(PLACE, "k", {"content": "喜欢拉面"})
    (item,) = json.loads(find.invoke({"query": "food"}))
    assert (item["key"], item["value"]) == ("k", {"content": "喜欢拉面"})
    assert "喜欢拉面" in find.invoke({"query": "food"})


def test_a_plan_whose_day_is_past_is_noted_beside_its_value(
    find: MemoryTool, store: InMemoryStore
) -> None:
    day = datetime.now(UTC) + timedelta(days=2)
    plan = {"kind": "Memory", "content": {"content": f"Ann's exam is on {day:%Y-%m-%d}"}}
    store.put(PLACE, "k", plan)
    store.put(PLACE, "l", {"content": "Ann likes tea"})

    def found(now: datetime) -> dict[str, Any]:
        config: Any = {"configurable": {"now": now.isoformat()}}
        return {one["key"]: one for one in json.loads(find.invoke({"query": ""}, config))}

    assert not any("note" in one for one in found(day).values())
    later = found(day + timedelta(days=3))
    assert later["k"]["note"] == "planned, now past"
    assert later["k"]["value"] == plan
    assert "note" not in later["l"]


def test_the_search_finds_what_is_nearest_first(indexed: InMemoryStore) -> None:
    for key, text in enumerate(["drives fast cars", "likes ramen", "reads books"]):
        indexed.put(PLACE, str(key), {"content": text})
    find = create_search_memory_tool(PLACE, store=indexed)
    assert json.loads(find.invoke({"query": "ramen", "limit": 1}))[0]["key"] == "1"


def test_limit_offset_and_filter_are_honoured(find: MemoryTool, store: InMemoryStore) -> None:
    for n in range(5):
        store.put(PLACE, str(n), {"content": str(n), "even": n % 2 == 0})
    found = json.loads(
        find.invoke({"query": "", "limit": 2, "offset": 1, "filter": {"even": True}})
    )
    assert [item["key"] for item in found] == ["2", "4"]


def test_the_artifact_holds_the_items(store: InMemoryStore) -> None:
    store.put(PLACE, "k", {"content": "likes tea"})
    find = create_search_memory_tool(PLACE, store=store, response_format="content_and_artifact")
    call = {"type": "tool_call", "id": "1", "name": "search_memory", "args": {"query": "tea"}}
    answer = find.invoke(call)
    assert isinstance(answer.artifact[0], SearchItem)


@pytest.mark.parametrize(
    "arguments", [{}, {"query": "x", "limit": 0}, {"query": "x", "offset": -1}]
)
def test_bad_search_arguments_are_told_to_the_model(arguments: Any, find: MemoryTool) -> None:
    assert "do not fit" in find.invoke(arguments)


def test_half_an_emoji_in_a_memory_does_not_spoil_a_search(
    find: MemoryTool, store: InMemoryStore
) -> None:
    store.put(PLACE, "k", {"content": "tea \ud83c"})
    assert find.invoke({"query": "tea"}).encode()


# Whose memories


def test_a_namespace_is_filled_for_each_user(
    store: InMemoryStore, alice: RunnableConfig, bob: RunnableConfig
) -> None:
    manage = create_manage_memory_tool(TEMPLATE, store=store)
    find = create_search_memory_tool(TEMPLATE, store=store)
    manage.invoke({"content": "alice's"}, alice)
    manage.invoke({"content": "bob's"}, bob)
    (item,) = json.loads(find.invoke({"query": ""}, bob))
    assert item["value"] == {"content": "bob's"}


def test_one_user_cannot_touch_another_one_s_memory(
    store: InMemoryStore, bob: RunnableConfig
) -> None:
    store.put(PLACE, "k", {"content": "alice's"})
    manage = create_manage_memory_tool(TEMPLATE, store=store)
    assert "no memory k" in manage.invoke({"action": "delete", "id": "k"}, bob)
    assert len(values(store)) == 1


def test_a_missing_user_is_the_developer_s_mistake(store: InMemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="langgraph_user_id"):
        create_manage_memory_tool(TEMPLATE, store=store).invoke({"content": "x"})


def test_a_missing_store_says_what_to_do() -> None:
    with pytest.raises(NoStoreError, match="store="):
        create_manage_memory_tool(PLACE).invoke({"content": "x"})


def test_the_store_of_the_running_graph_is_used(
    store: InMemoryStore, graph: Callable[..., Any]
) -> None:
    tool = create_manage_memory_tool(PLACE)
    graph(tool.invoke, store).invoke({"content": "likes tea"})
    assert values(store) == [{"content": "likes tea"}]


def test_two_graphs_with_one_tool_keep_their_stores_apart(graph: Callable[..., Any]) -> None:
    tool, first, second = create_manage_memory_tool(PLACE), InMemoryStore(), InMemoryStore()
    graph(tool.invoke, first).invoke({"content": "first"})
    graph(tool.invoke, second).invoke({"content": "second"})
    assert [values(first), values(second)] == [[{"content": "first"}], [{"content": "second"}]]
