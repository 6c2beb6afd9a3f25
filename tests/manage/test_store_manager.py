"""Managers on a store: recall, extract, write."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import GetOp, Op, PutOp, SearchOp
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field
from typing_extensions import override

from longterm import create_memory_store_manager
from longterm.errors import (
    ConfigurationError,
    DroppedWarning,
    InvalidInputError,
    NoStoreError,
    PartialWriteError,
)
from longterm.manage.store_manager import MemoryStoreManager
from longterm.stores import EmbeddedStore
from longterm.testing import Asked, HashEmbeddings, ScriptedChatModel, tool_calls

NOTHING = tool_calls()
ALICE = ("memories", "alice")
BOB = ("memories", "bob")
TEA = {"kind": "Memory", "content": {"content": "likes tea"}}
ALE = {"kind": "Memory", "content": {"content": "likes ale"}}


class Profile(BaseModel):
    """Who the user is."""

    name: str | None = None
    age: int | None = None
    city: str | None = None


class Food(BaseModel):
    """A food."""

    name: str
    liking: int = Field(50, ge=0, le=100)


class Counting(InMemoryStore):
    """Remembers the batches it was given."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.batches: list[list[Op]] = []

    @override
    def batch(self, ops: Any) -> list[Any]:
        self.batches.append(list(ops))
        return super().batch(self.batches[-1])

    @override
    async def abatch(self, ops: Any) -> list[Any]:
        self.batches.append(list(ops))
        return await super().abatch(self.batches[-1])


def add(*texts: Any) -> Any:
    return tool_calls(*[("Memory", {"content": text}) for text in texts])


def change(number: int, **changes: Any) -> Any:
    return tool_calls(("update_Memory", {"number": number, "changes": changes}))


def know(**fields: Any) -> Any:
    return tool_calls(("update_Profile", {"number": 0, "changes": fields}))


def manager(store: InMemoryStore | None, *script: Any, **options: Any) -> MemoryStoreManager:
    return create_memory_store_manager(ScriptedChatModel(*script), store=store, **options)


def values(store: InMemoryStore, namespace: tuple[str, ...] = ALICE) -> list[Any]:
    return [item.value for item in store.search(namespace, limit=1_000)]


def shown_to(model: ScriptedChatModel, call: int = 0) -> str:
    """Return the known memories that *model* saw."""
    before, _, _ = model.asked[call].text.partition("</memories>")
    return before.partition("<memories>")[2]


# Writing


def test_a_new_memory_is_stored_with_its_kind_and_content(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    (put,) = manager(store, add("likes tea")).invoke({"messages": "tea"}, alice)
    ((item),) = store.search(ALICE)
    assert put == {"namespace": ALICE, "key": item.key, "value": TEA}
    assert item.value == TEA
    assert uuid.UUID(item.key)


def test_an_update_keeps_the_key(store: InMemoryStore, alice: RunnableConfig) -> None:
    store.put(ALICE, "k", TEA)
    result = manager(store, change(0, content="likes ale")).invoke("ale", alice)
    assert result == [{"namespace": ALICE, "key": "k", "value": ALE}]
    assert values(store) == [ALE]


def test_a_delete_is_physical_and_no_put(store: InMemoryStore, alice: RunnableConfig) -> None:
    store.put(ALICE, "k", TEA)
    answer = tool_calls(("delete_memory", {"number": 0}))
    assert manager(store, answer, enable_deletes=True).invoke("no tea", alice) == []
    assert values(store) == []


@pytest.mark.parametrize("answer", [NOTHING, change(0, content="likes tea"), add("likes tea")])
def test_what_stayed_the_same_is_not_written(answer: Any, alice: RunnableConfig) -> None:
    store = Counting()
    store.put(ALICE, "k", TEA)
    store.batches.clear()
    assert manager(store, answer).invoke("tea", alice) == []
    assert not [op for batch in store.batches for op in batch if isinstance(op, PutOp)]


def test_what_stands_beside_kind_and_content_stays(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", {**TEA, "source": "import"})
    manager(store, change(0, content="likes ale")).invoke("ale", alice)
    assert values(store) == [{**ALE, "source": "import"}]


@pytest.mark.parametrize("make", [InMemoryStore, lambda: EmbeddedStore(":memory:")])
def test_two_equal_calls_at_one_moment_make_one_memory(
    make: Callable[[], Any], alice: RunnableConfig
) -> None:
    both, own_store = threading.Barrier(2), make()

    def answer(_: Any) -> AIMessage:
        both.wait(30)  # each has looked at what is known before the other writes
        return add("Ann likes tea")

    keeper = manager(own_store, answer, answer)
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(keeper.invoke, "I like tea", alice) for _ in range(2)]
        kept = [call.result() for call in calls]
    assert sorted(map(len, kept)) == [0, 1]
    assert len(own_store.search(ALICE)) == 1


def test_the_same_said_of_what_has_changed_since_is_another_memory(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper = manager(store, add("Ann likes tea"), add("Ann likes tea"))
    (first,) = keeper.invoke("I like tea", alice)
    store.put(ALICE, first["key"], TEA | {"content": {"content": "Ann likes ale"}})
    (second,) = keeper.invoke("I like tea", alice)
    assert second["key"] != first["key"]
    assert len(store.search(ALICE)) == 2


def test_one_update_is_one_batch_of_searches_a_look_at_new_keys_and_one_batch_of_writes(
    alice: RunnableConfig,
) -> None:
    store = Counting()
    manager(store, add("a", "b", "c")).invoke(["one", "two", "three"], alice)
    searches, looks, writes = store.batches
    assert all(isinstance(op, SearchOp) for op in searches)
    assert all(isinstance(op, GetOp) for op in looks)
    places = [op.namespace for op in writes if isinstance(op, PutOp)]
    assert places == [ALICE] * 3 + [("longterm-history", *ALICE)] * 3


async def test_sync_and_async_do_the_same(alice: RunnableConfig) -> None:
    one, other = Counting(), Counting()
    for store in (one, other):
        store.put(ALICE, "k", TEA)
    manager(one, change(0, content="x")).invoke("tea", alice)
    await manager(other, change(0, content="x")).ainvoke("tea", alice)
    assert list(map(len, one.batches)) == list(map(len, other.batches))
    assert values(one) == values(other)


def test_memories_with_equal_fields_to_embed_are_all_written(alice: RunnableConfig) -> None:
    embed = HashEmbeddings()
    store = InMemoryStore(index={"dims": embed.dims, "embed": embed, "fields": ["content.name"]})
    answer = tool_calls(*[("Food", {"name": "ramen", "liking": n}) for n in (1, 2)])
    assert len(manager(store, answer, schemas=[Food]).invoke("ramen", alice)) == 2


def test_a_call_keeps_what_matters(store: InMemoryStore) -> None:
    keeper = manager(store, add("likes tea"), namespace=("all",))
    asyncio.run(keeper("tea"))
    assert values(store, ("all",)) == [TEA]


# Input


@pytest.mark.parametrize("nothing", [[], {"messages": []}, {"messages": None}])
def test_no_messages_cost_neither_a_question_nor_a_search(
    nothing: Any, alice: RunnableConfig
) -> None:
    store = Counting()
    assert manager(store).invoke(nothing, alice) == []
    assert store.batches == []


@pytest.mark.parametrize("input", [{"message": "hi"}, 5, [5], {"messages": "hi", "max_steps": 0}])
def test_an_unknown_input_is_a_clear_error(
    input: Any, store: InMemoryStore, alice: RunnableConfig
) -> None:
    with pytest.raises(InvalidInputError):
        manager(store).invoke(input, alice)


def test_no_store_says_what_to_do(alice: RunnableConfig) -> None:
    with pytest.raises(NoStoreError, match="store="):
        manager(None).invoke("hi", alice)


def test_a_missing_user_names_the_placeholder_before_anything_is_asked(
    store: InMemoryStore,
) -> None:
    with pytest.raises(ConfigurationError, match="langgraph_user_id"):
        manager(store).invoke("hi")


def test_a_negative_query_limit_is_refused(store: InMemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="query_limit"):
        manager(store, query_limit=-1)


def test_two_megabytes_are_cut_before_they_reach_the_embedder(
    indexed: InMemoryStore, embeddings: HashEmbeddings, alice: RunnableConfig
) -> None:
    manager(indexed, NOTHING).invoke("words " * 350_000, alice)
    assert sum(map(len, embeddings.queries)) <= 2_000


# Errors


async def test_a_model_that_raises_is_asked_once_and_nothing_is_written(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", TEA)
    model = ScriptedChatModel(TimeoutError("slow"), TimeoutError("slow"))
    keeper = create_memory_store_manager(model, store=store)
    with pytest.raises(TimeoutError):
        keeper.invoke("hi", alice)
    with pytest.raises(TimeoutError):
        await keeper.ainvoke("hi", alice)
    assert len(model.asked) == 2
    assert values(store) == [TEA]


async def test_a_store_that_fails_in_the_middle_tells_what_was_written(
    failing: Any, alice: RunnableConfig
) -> None:
    with pytest.raises(PartialWriteError, match="disk full") as sync:
        manager(failing(1), add("a", "b", "c")).invoke("hi", alice)
    with pytest.raises(PartialWriteError, match="disk full") as async_:
        await manager(failing(1), add("a", "b", "c")).ainvoke("hi", alice)
    for error in (sync.value, async_.value):
        assert (len(error.written), len(error.failed)) == (1, 2)
        assert isinstance(error.__cause__, OSError)


def test_a_bad_part_is_warned_of_and_the_good_parts_are_stored(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    with pytest.warns(DroppedWarning, match="valid string"):
        result: Any = manager(store, add("good", 5), "no").invoke("hi", alice)
    assert len(values(store)) == len(result) == 1
    assert result.report.asked == 2


# Recall


def test_known_memories_are_shown(store: InMemoryStore, alice: RunnableConfig) -> None:
    store.put(ALICE, "k", TEA)
    model = ScriptedChatModel(NOTHING)
    create_memory_store_manager(model, store=store).invoke("hi", alice)
    assert "likes tea" in shown_to(model)


@pytest.mark.parametrize("limit", [0, 1, 3, 5, 40, 80])
async def test_query_limit_is_honoured_alike_sync_and_async(
    limit: int, indexed: InMemoryStore, alice: RunnableConfig
) -> None:
    for n in range(100):
        indexed.put(ALICE, str(n), {"kind": "Memory", "content": {"content": f"fact {n}"}})
    model = ScriptedChatModel(NOTHING, NOTHING)
    keeper = create_memory_store_manager(model, store=indexed, query_limit=limit)
    keeper.invoke("fact", alice)
    await keeper.ainvoke("fact", alice)
    assert shown_to(model, 0).count("fact ") == shown_to(model, 1).count("fact ") == limit


def test_more_than_the_last_message_is_searched_for(alice: RunnableConfig) -> None:
    embed = HashEmbeddings(4_096)
    indexed = InMemoryStore(index={"dims": embed.dims, "embed": embed})
    for n in range(50):
        indexed.put(ALICE, str(n), {"kind": "Memory", "content": {"content": f"thing {n}"}})
    indexed.put(ALICE, "cat", {"kind": "Memory", "content": {"content": "her cat is called Tom"}})
    model = ScriptedChatModel(NOTHING)
    keeper = create_memory_store_manager(model, store=indexed, query_limit=1)
    keeper.invoke(["what does my cat eat?", "hm", "ok"], alice)
    assert "Tom" in shown_to(model)


def test_without_an_index_a_new_memory_is_recalled_as_well_as_an_old_one(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    for n in range(200):
        store.put(ALICE, str(n), {"kind": "Memory", "content": {"content": f"thing {n}"}})
    store.put(ALICE, "new", {"kind": "Memory", "content": {"content": "喜欢味噌拉面"}})
    model = ScriptedChatModel(NOTHING)
    create_memory_store_manager(model, store=store, query_limit=1).invoke("我不喜欢拉面了", alice)
    assert "拉面" in shown_to(model)


def test_where_exact_memories_below_the_namespace_do_not_crowd_out_its_own(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    for n in range(200):
        store.put((*ALICE, "work"), str(n), {"content": f"thing {n}"})
    store.put(ALICE, "k", TEA)
    model = ScriptedChatModel(NOTHING)
    create_memory_store_manager(model, store=store, exact=True).invoke("tea", alice)
    assert "likes tea" in shown_to(model)
    assert "thing" not in shown_to(model)


def test_a_query_model_writes_the_queries(
    indexed: InMemoryStore, embeddings: HashEmbeddings, alice: RunnableConfig
) -> None:
    indexed.put(ALICE, "k", TEA)
    writer = ScriptedChatModel(
        tool_calls(("search_memory", {"query": "drinks"}), ("search_memory", {"query": "food"}))
    )
    manager(indexed, NOTHING, query_model=writer, known_tokens=0).invoke("hi", alice)
    assert sorted(embeddings.queries) == ["drinks", "food"]


def test_while_all_memories_are_shown_no_query_is_written_or_embedded(
    indexed: InMemoryStore, embeddings: HashEmbeddings, alice: RunnableConfig
) -> None:
    indexed.put(ALICE, "k", TEA)
    asked_for_nothing, model = ScriptedChatModel(), ScriptedChatModel(NOTHING)
    create_memory_store_manager(model, store=indexed, query_model=asked_for_nothing).invoke(
        "What do I drink?", alice
    )
    assert "likes tea" in shown_to(model)
    assert embeddings.queries == []


@pytest.mark.parametrize(
    "answer",
    [
        "no idea",
        NOTHING,
        tool_calls(("search_memory", {})),
        tool_calls(("search_memory", {"query": None})),
        tool_calls(("search_memory", {"query": {"x": 1}})),
        tool_calls(("nope", {"q": 1})),
    ],
)
def test_a_query_model_without_a_query_does_not_blind_the_manager(
    answer: Any, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", TEA)
    model = ScriptedChatModel(NOTHING)
    writer = ScriptedChatModel(answer)
    create_memory_store_manager(model, store=store, query_model=writer).invoke("tea", alice)
    assert "likes tea" in shown_to(model)


# Whose memories


def test_users_never_see_each_other_s_memories(
    store: InMemoryStore, alice: RunnableConfig, bob: RunnableConfig
) -> None:
    model = ScriptedChatModel(add("alice's secret"), NOTHING)
    keeper = create_memory_store_manager(model, store=store)
    keeper.invoke("hi", alice)
    keeper.invoke("hi", bob)
    assert "secret" not in model.asked[1].text
    assert values(store, BOB) == []


#: Ids that can be seen: others are refused.
visible = st.characters(codec=None, exclude_categories=["C", "Z"])
users = st.text(visible, min_size=1) | st.integers()


@given(users, users)
def test_any_two_users_are_kept_apart(one: str | int, other: str | int) -> None:
    store = InMemoryStore()
    keeper = manager(store, add("one's"), add("other's"))
    configs: list[RunnableConfig] = [
        {"configurable": {"langgraph_user_id": user}} for user in (one, other)
    ]
    for config in configs:
        keeper.invoke("hi", config)
    seen = [len(keeper.search(config=config)) for config in configs]
    assert seen == ([1, 1] if str(one) != str(other) else [2, 2])


def test_a_placeholder_inside_a_label_keeps_users_apart(store: InMemoryStore) -> None:
    keeper = manager(store, add("likes tea"), namespace=("chat", "user-{user}"))
    keeper.invoke("hi", {"configurable": {"user": "ann"}})
    assert values(store, ("chat", "user-ann")) == [TEA]


def test_one_manager_in_two_graphs_writes_to_the_store_of_each(
    graph: Callable[..., Any], alice: RunnableConfig
) -> None:
    keeper, first, second = manager(None, add("first"), add("second")), Counting(), Counting()
    graph(keeper.invoke, first).invoke("hi", alice)
    graph(keeper.invoke, second).invoke("hi", alice)
    assert ["first" in str(values(first)), "second" in str(values(first))] == [True, False]
    assert ["first" in str(values(second)), "second" in str(values(second))] == [False, True]


def test_a_manager_works_in_a_node_with_the_graph_s_config(
    store: InMemoryStore, node_graph: Callable[..., Any], alice: RunnableConfig
) -> None:
    keeper = manager(None, add("likes tea"))

    def node(state: Any) -> Any:
        keeper.invoke({"messages": state["text"]})
        return state

    node_graph(node, store).invoke({"text": "hi"}, alice)
    assert values(store) == [TEA]


# Two at once


def test_two_runs_that_change_different_fields_both_count(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "p", {"kind": "Profile", "content": {"name": "Ann"}})
    quick = manager(store, know(city="Rome"), schemas=[Profile])

    def while_the_other_runs(_: Asked) -> Any:
        quick.invoke("I moved to Rome", alice)
        return know(age=30)

    manager(store, while_the_other_runs, schemas=[Profile]).invoke("I am 30", alice)
    assert values(store)[0]["content"] == {"name": "Ann", "age": 30, "city": "Rome"}


async def test_two_async_runs_that_change_different_fields_both_count(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "p", {"kind": "Profile", "content": {"name": "Ann"}})
    keeper = manager(store, know(city="Rome"), know(age=30), schemas=[Profile])
    await asyncio.gather(keeper.ainvoke("Rome", alice), keeper.ainvoke("30", alice))
    assert values(store)[0]["content"] == {"name": "Ann", "age": 30, "city": "Rome"}


@pytest.mark.parametrize("default", [None, Profile(name="Ann")])
def test_a_profile_begun_by_two_runs_at_once_keeps_what_both_said(
    default: Profile | None, store: InMemoryStore, alice: RunnableConfig
) -> None:
    def say(**fields: Any) -> Any:
        return know(**fields) if default else tool_calls(("Profile", fields))

    options: dict[str, Any] = {
        "schemas": [Profile],
        "enable_inserts": False,
        "default": default,
    }
    quick = manager(store, say(city="Rome"), **options)

    def while_the_other_runs(_: Asked) -> Any:
        quick.invoke("Rome", alice)
        return say(age=30)

    manager(store, while_the_other_runs, **options).invoke("30", alice)
    (value,) = values(store)
    assert (value["content"]["city"], value["content"]["age"]) == ("Rome", 30)


def test_a_memory_deleted_meanwhile_is_not_brought_back(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", TEA)

    def while_it_is_deleted(_: Asked) -> Any:
        store.delete(ALICE, "k")
        return change(0, content="likes ale")

    with pytest.warns(DroppedWarning, match="deleted by another writer"):
        manager(store, while_it_is_deleted).invoke("ale", alice)
    assert values(store) == []


# Jobs that may run twice


def test_a_job_run_twice_writes_once(store: InMemoryStore) -> None:
    job: RunnableConfig = {
        "configurable": {"langgraph_user_id": "alice", "longterm_job_id": "job-1"}
    }
    keeper = manager(store, add("a", "b"), add("a", "b"), query_limit=0)
    keeper.invoke("hi", job)
    assert keeper.invoke("hi", job) == []
    assert len(values(store)) == 2


def test_a_job_s_second_run_never_overwrites_what_the_first_one_wrote(
    store: InMemoryStore,
) -> None:
    job: RunnableConfig = {
        "configurable": {"langgraph_user_id": "alice", "longterm_job_id": "job-1"}
    }
    keeper = manager(store, add("first"), add("second"))
    keeper.invoke("hi", job)
    keeper.invoke("hi", job)
    assert len(values(store)) == 2


# Profiles and defaults


def test_a_profile_is_one_document_kept_current(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    script = [tool_calls(("Profile", {"name": "Ann"})), know(age=30), know(city="Rome")]
    keeper = manager(store, *script, schemas=[Profile], enable_inserts=False)
    for text in ("I am Ann", "I am 30", "about something else entirely"):
        keeper.invoke(text, alice)
    (value,) = values(store)
    assert value["content"] == {"name": "Ann", "age": 30, "city": "Rome"}


def test_a_profile_s_second_document_is_refused(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    answer = tool_calls(("Profile", {"name": "Ann"}), ("Profile", {"name": "Bob"}))
    keeper = manager(store, answer, NOTHING, schemas=[Profile], enable_inserts=False)
    with pytest.warns(DroppedWarning, match="not permitted"):
        keeper.invoke("hi", alice)
    assert len(values(store)) == 1


def drink_of(config: RunnableConfig) -> str:
    return f"likes {config.get('configurable', {})['drink']}"


DEFAULTS: list[dict[str, Any]] = [
    {"default": "likes tea"},
    {"default": {"content": "likes tea"}},
    {"default_factory": drink_of},
]
CONFIG: RunnableConfig = {"configurable": {"langgraph_user_id": "alice", "drink": "tea"}}


@pytest.mark.parametrize("options", DEFAULTS)
def test_a_default_is_there_before_the_first_run_and_saved_by_it(
    options: dict[str, Any], store: InMemoryStore
) -> None:
    keeper = manager(store, NOTHING, **options)
    item = keeper.get("default", config=CONFIG)
    assert item is not None
    assert item.value.content == "likes tea"
    assert values(store) == []
    keeper.invoke("hi", CONFIG)
    assert [(one.key, one.value) for one in store.search(ALICE)] == [("default", TEA)]


def test_a_default_is_shown_to_the_model_and_can_be_changed(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    keeper = manager(store, change(0, content="likes ale"), default="likes tea")
    keeper.invoke("ale", alice)
    assert values(store) == [ALE]


def test_a_default_is_not_saved_where_memories_are(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", ALE)
    manager(store, NOTHING, default="likes tea").invoke("hi", alice)
    assert values(store) == [ALE]


def test_a_default_that_fits_no_schema_is_refused(store: InMemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="fits none"):
        manager(store, schemas=[Food], default="tea")


def test_two_defaults_are_refused(store: InMemoryStore) -> None:
    with pytest.raises(ConfigurationError, match="not both"):
        manager(store, default="x", default_factory=str)


# Phases


def test_a_phase_works_on_what_the_first_extraction_left(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    model = ScriptedChatModel(
        tool_calls(("Food", {"name": "ramen"}), ("Food", {"name": "Ramen"})),
        tool_calls(
            ("delete_memory", {"number": 1}),
            ("update_Food", {"number": 0, "changes": {"liking": 95}}),
        ),
    )
    keeper = create_memory_store_manager(
        model, store=store, schemas=[Food], phases=[{"instructions": "Tidy up."}]
    )
    keeper.invoke("ramen", alice)
    assert values(store) == [{"kind": "Food", "content": {"name": "ramen", "liking": 95}}]
    assert "Tidy up." in model.asked[1].text
    assert "<conversation>" not in model.asked[1].text.split("\n\n")[-1]


def test_kinds_survive_phases_that_leave_them_alone(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    script = [tool_calls(("Food", {"name": "ramen"})), NOTHING]
    manager(store, *script, schemas=[Food], phases=[{}]).invoke("ramen", alice)
    assert values(store)[0]["kind"] == "Food"


def test_a_phase_sees_the_conversation_if_it_is_to(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    model = ScriptedChatModel(add("x"), NOTHING)
    phases: Any = [{"include_messages": True}]
    create_memory_store_manager(model, store=store, phases=phases).invoke("I like tea", alice)
    assert "user: I like tea" in model.asked[1].text


def test_a_phase_keeps_to_its_own_permissions(store: InMemoryStore, alice: RunnableConfig) -> None:
    model = ScriptedChatModel(add("x"), NOTHING)
    phases: Any = [{"enable_inserts": False, "enable_deletes": False}]
    create_memory_store_manager(model, store=store, phases=phases).invoke("hi", alice)
    assert model.asked[1].tool_names == ["update_Memory"]


def test_a_phase_with_nothing_to_work_on_is_not_asked(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    assert manager(store, NOTHING, phases=[{}]).invoke("hi", alice) == []


# Beside others


@pytest.mark.parametrize(
    "value",
    [
        {"content": "likes tea"},
        {"text": "likes tea"},
        {"kind": "Gone", "content": {"text": "likes tea"}},
        {"kind": 5, "content": ["likes tea"]},
        {},
        {"content": None},
    ],
)
def test_what_others_wrote_is_shown_and_left_alone(
    value: Any, store: InMemoryStore, alice: RunnableConfig
) -> None:
    store.put(ALICE, "k", value)
    manager(store, add("likes ale")).invoke("ale", alice)
    assert sorted(map(str, values(store))) == sorted(map(str, [value, ALE]))


def test_a_field_s_alias_does_not_make_a_memory_unreadable(
    store: InMemoryStore, alice: RunnableConfig
) -> None:
    class Person(BaseModel):
        """A person."""

        full_name: str = Field(alias="fullName")

    answers: Sequence[Any] = [
        tool_calls(("Person", {"fullName": "Ann"})),
        tool_calls(("update_Person", {"number": 0, "changes": {"full_name": "Anna"}})),
    ]
    keeper = manager(store, *answers, schemas=[Person])
    keeper.invoke("Ann", alice)
    keeper.invoke("Anna", alice)
    (item,) = keeper.search(config=alice)
    assert item.value == Person(fullName="Anna")
