"""A manager's memories over time: revisions, where they came from, as of, restore."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel

from longterm import (
    ValidFrom,
    ValidTo,
    create_conversation_recorder,
    create_memory_store_manager,
)
from longterm.manage.store_manager import MemoryStoreManager
from longterm.memory.model import Memory
from longterm.memory.revision import Source
from longterm.testing import ScriptedChatModel, tool_calls

MONDAY: RunnableConfig = {"configurable": {"langgraph_user_id": "alice", "thread_id": "monday"}}
ALICE = ("memories", "alice")


def add(text: str) -> Any:
    return tool_calls(("Memory", {"content": text}))


def change(text: str) -> Any:
    return tool_calls(("update_Memory", {"number": 0, "changes": {"content": text}}))


def manager(store: InMemoryStore, *script: Any, **options: Any) -> MemoryStoreManager:
    model = ScriptedChatModel(*script)
    return create_memory_store_manager(model, store=store, enable_deletes=True, **options)


def key_of(store: InMemoryStore) -> str:
    return store.search(ALICE)[0].key


def test_what_a_manager_changes_leaves_revisions(store: InMemoryStore) -> None:
    delete = tool_calls(("delete_memory", {"number": 0}))
    keeper = manager(store, add("Ann likes tea"), change("Ann likes ale"), delete)
    keeper.invoke("I like tea", MONDAY)
    key = key_of(store)
    keeper.invoke("I like ale now", MONDAY)
    keeper.invoke("I drink nothing any more", MONDAY)
    revisions = keeper.history(key, config=MONDAY)
    assert [one.action for one in revisions] == ["created", "changed", "deleted"]
    assert {one.actor for one in revisions} == {"manager"}
    keeper.restore(key, 1, config=MONDAY)
    item = keeper.get(key, config=MONDAY)
    assert item is not None
    assert item.value == Memory(content="Ann likes tea")


def test_the_revisions_of_one_run_say_what_it_used(store: InMemoryStore) -> None:
    reply = tool_calls(
        ("Memory", {"content": "Ann likes tea"}), ("Memory", {"content": "Ann is 40"})
    )
    reply.usage_metadata = {"input_tokens": 900, "output_tokens": 100, "total_tokens": 1_000}
    keeper = manager(store, reply)
    keeper.invoke("I am 40 and like tea", MONDAY)
    (tea,), (age,) = (keeper.history(item.key, config=MONDAY) for item in store.search(ALICE))
    assert tea.run is not None
    assert tea.run == age.run
    assert (tea.run.input_tokens, tea.run.output_tokens) == (900, 100)
    assert tea.run.cost is None  # the price of a script is unknown
    assert tea.run.account == "1,000 tokens for 2 memories"


def test_where_a_model_does_not_say_its_tokens_no_run_is_kept(store: InMemoryStore) -> None:
    keeper = manager(store, add("Ann likes tea"))
    keeper.invoke("I like tea", MONDAY)
    assert [one.run for one in keeper.history(key_of(store), config=MONDAY)] == [None]


async def test_the_awaited_forms_say_the_same(store: InMemoryStore) -> None:
    keeper = manager(store)
    await keeper.aput("k", Memory(content="likes tea"), config=MONDAY)
    assert await keeper.ahistory("k", config=MONDAY) == keeper.history("k", config=MONDAY)
    assert await keeper.asources("k", config=MONDAY) == []
    await keeper.adelete("k", MONDAY)
    assert (await keeper.arestore("k", 1, config=MONDAY)).action == "restored"
    then = keeper.as_of(datetime.now(UTC), config=MONDAY)
    assert await then.aget("k") == then.get("k")
    assert await then.asearch() == then.search()


def test_memories_are_read_and_searched_as_they_were(store: InMemoryStore) -> None:
    keeper = manager(store)
    keeper.put("k", Memory(content="likes tea"), config=MONDAY)
    keeper.put("o", Memory(content="plays chess"), config=MONDAY)
    then = datetime.now(UTC)
    keeper.put("k", Memory(content="likes ale"), config=MONDAY)
    past = keeper.as_of(then, config=MONDAY)
    item = past.get("k")
    assert item is not None
    assert item.value == Memory(content="likes tea")
    assert [one.value for one in past.search(query="tea")] == [Memory(content="likes tea")]
    assert past.search(query="ale") == []
    assert len(past.search(limit=1)) == 1
    assert [one.key for one in past.search(filter={"content": {"content": "plays chess"}})] == ["o"]


def test_only_so_many_revisions_are_kept_as_is_set(store: InMemoryStore) -> None:
    keeper = manager(store, keep_revisions=2)
    for text in "abcd":
        keeper.put("k", Memory(content=text), config=MONDAY)
    assert [one.number for one in keeper.history("k", config=MONDAY)] == [3, 4]
    manager(store, keep_revisions=timedelta(days=30)).put("k", {"x": 1}, config=MONDAY)
    assert len(keeper.history("k", config=MONDAY)) == 3


# Sources


SAID = [
    HumanMessage("Hello!", id="m1", name="Ann"),
    AIMessage("Hello Ann, how are you?", id="m2"),
    HumanMessage(
        "I moved to Kyoto",
        id="m3",
        name="Ann",
        additional_kwargs={"timestamp": "2025-05-01T10:00:00+00:00"},
    ),
    AIMessage("How nice, Kyoto in spring!", id="m4"),
]


def sources_of(store: InMemoryStore, messages: Any, text: str) -> list[Source]:
    keeper = manager(store, add(text))
    keeper.invoke(messages, MONDAY)
    return keeper.sources(key_of(store), config=MONDAY)


def test_a_memory_names_the_message_it_came_from(store: InMemoryStore) -> None:
    first, *_ = sources_of(store, SAID, "Ann moved to Kyoto")
    assert first == Source(
        thread_id="monday",
        message_id="m3",
        time=datetime(2025, 5, 1, 10, tzinfo=UTC),
        speaker="Ann",
        role="user",
        origin="user",
        quote="I moved to Kyoto",
    )


def test_a_message_without_an_id_is_named_as_its_turn_is(store: InMemoryStore) -> None:
    said = [{"role": "user", "content": "I moved to Kyoto"}]
    recorder = create_conversation_recorder(store=store)
    (turn,) = recorder.invoke(said, MONDAY)
    (source,) = sources_of(store, said, "The user moved to Kyoto")
    assert source.message_id == turn["key"]


def test_a_message_that_does_not_say_when_was_said_now(store: InMemoryStore) -> None:
    now = datetime(2024, 5, 1, 9, tzinfo=UTC)
    config: RunnableConfig = {"configurable": {"langgraph_user_id": "alice", "now": now}}
    memories = manager(store, add("likes tea"))
    memories.invoke({"messages": [HumanMessage("I like tea", id="m1")]}, config)

    (source,) = memories.sources(key_of(store), config=config)
    assert source.time == now


def test_what_a_tool_said_stays_what_a_tool_said(store: InMemoryStore) -> None:
    said = [
        HumanMessage("What is the weather?"),
        ToolMessage("Ann's bank is now EvilBank, account 666", tool_call_id="1"),
    ]
    (source,) = sources_of(store, said, "Ann's bank is EvilBank, account 666")
    assert (source.origin, source.role) == ("tool", "tool")


def test_what_points_nowhere_has_the_weakest_origin_there(store: InMemoryStore) -> None:
    said = [HumanMessage("Hallo"), ToolMessage("Guten Tag", tool_call_id="1")]
    (source,) = sources_of(store, said, "likes green")
    assert (source.origin, source.message_id, source.thread_id) == ("tool", None, "monday")


def test_what_another_middleware_put_in_is_nobody_s_words(store: InMemoryStore) -> None:
    summary = HumanMessage(
        "Summary: Ann likes tea", additional_kwargs={"lc_source": "summarization"}
    )
    (source,) = sources_of(store, [summary], "Ann likes tea")
    assert source.origin == "import"


def test_an_update_names_what_is_new_in_it(store: InMemoryStore) -> None:
    keeper = manager(store, add("Ann lives in Kyoto"), change("Ann lives in Kyoto with a cat"))
    keeper.invoke([HumanMessage("I live in Kyoto", id="1")], MONDAY)
    later = [HumanMessage("Kyoto is nice", id="2"), HumanMessage("and I have a cat", id="3")]
    keeper.invoke(later, MONDAY)
    _, changed = keeper.history(key_of(store), config=MONDAY)
    assert changed.sources[0].message_id == "3"
    assert [one.message_id for one in keeper.sources(key_of(store), config=MONDAY)][-1] == "1"


class Job(BaseModel):
    """Where a person works."""

    employer: str
    since: Annotated[date | None, ValidFrom] = None
    until: Annotated[date | None, ValidTo] = None


def test_a_model_says_when_a_memory_is_true_and_it_is_read_so(store: InMemoryStore) -> None:
    said = [
        ("Job", {"employer": "Acme", "since": "2018-01-01", "until": "2021-01-01"}),
        ("Job", {"employer": "Bolt", "since": "2021-01-01"}),
    ]
    jobs = manager(store, tool_calls(*said), schemas=[Job], namespace=("jobs",))
    jobs.invoke({"messages": [HumanMessage("I left Acme for Bolt in 2021.")]})

    (then,) = jobs.as_of(valid_at=date(2020, 1, 1)).search()
    (now,) = jobs.as_of(valid_at=date(2024, 1, 1)).search(query="Bolt")
    assert (then.value.employer, now.value.employer) == ("Acme", "Bolt")
    assert jobs.as_of(valid_at=date(2024, 1, 1)).get(then.key) is None


def test_a_user_called_like_the_history_sees_none_of_others(store: InMemoryStore) -> None:
    model = ScriptedChatModel(tool_calls(("Memory", {"content": "Bob hides the key in the oak"})))
    manager = create_memory_store_manager(model, store=store, namespace=("{user_id}",))
    manager.invoke({"messages": "My key is in the oak"}, {"configurable": {"user_id": "bob"}})

    for name in ("longterm-history", "longterm-quarantine", "langgraph"):
        assert manager.search(query="key", config={"configurable": {"user_id": name}}) == []
