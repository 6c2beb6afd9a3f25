"""Recording a conversation and recalling from it, on several stores."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import pytest
from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore, GetOp, SearchOp
from langgraph.store.memory import InMemoryStore
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.errors import ConfigurationError, InvalidInputError, NoStoreError, RecallLimitWarning
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.retriever import RecallItem, RecallResult, Reranker, create_recall
from longterm.stores.embedded.store import EmbeddedStore
from longterm.testing import HashEmbeddings
from longterm.types import RecallInput

NOW = datetime(2023, 6, 10, tzinfo=UTC)
ANN: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": "t1"}}
BO: Any = {"configurable": {"langgraph_user_id": "bo", "thread_id": "t1"}}

CHAT: list[dict[str, Any]] = [
    {"role": "user", "name": "Ann", "content": "I moved to Lyon last week", "id": "1"},
    {"role": "assistant", "content": "How do you like it there?", "id": "2"},
    {"role": "user", "name": "Ann", "content": "The bread is wonderful", "id": "3"},
    {"role": "user", "name": "Ann", "content": "我喜欢味噌拉面", "id": "4"},
]


@pytest.fixture(params=["embedded", "embedded without vectors", "memory", "memory without vectors"])
def store(request: pytest.FixtureRequest) -> Iterator[BaseStore]:
    index: Any = {"embed": HashEmbeddings(64), "dims": 64}
    index = None if "without" in request.param else index
    if request.param.startswith("memory"):
        yield InMemoryStore(index=index)
    else:
        with EmbeddedStore(":memory:", index=index) as embedded:
            yield embedded


def record(store: BaseStore, messages: Any = CHAT, config: Any = ANN) -> list[dict[str, Any]]:
    recorder = create_conversation_recorder(store=store, clock=lambda: NOW)
    return recorder.invoke({"messages": messages}, config)


def test_a_conversation_is_stored_once(store: BaseStore) -> None:
    assert [put["value"]["content"] for put in record(store)] == [
        message["content"] for message in CHAT
    ]
    assert not record(store)
    assert len(record(store, [*CHAT, {"role": "user", "content": "new"}])) == 1
    assert len(store.search(("turns", "ann"), limit=99)) == len(CHAT) + 1


def test_what_was_said_is_recalled(store: BaseStore) -> None:
    record(store)

    recalled = create_recall(store=store, limit=2).invoke("Where did Ann move to?", ANN)

    best = recalled.items[0]
    assert (best.text, best.speaker, best.kind) == ("I moved to Lyon last week", "Ann", "turn")
    assert best.score == pytest.approx(sum(best.parts.values()))
    assert "[2023-06-10, Saturday]" in recalled.text
    assert "Ann: I moved to Lyon last week" in recalled.text


async def test_recall_awaits_as_well(store: BaseStore) -> None:
    record(store)

    recalled = await create_recall(store=store, limit=1).ainvoke("拉面", ANN)

    assert [item.text for item in recalled.items] == ["我喜欢味噌拉面"]


def test_the_last_message_is_a_question_too(store: BaseStore) -> None:
    record(store)
    recall = create_recall(store=store, limit=1, running_thread=True)
    messages = [*CHAT, {"role": "user", "content": "How is the bread?"}]

    inputs: list[Any] = [messages, {"messages": messages}, {"question": "How is the bread?"}]
    for asked in inputs:
        assert recall.invoke(asked, ANN).items[0].text == "The bread is wonderful"


def test_nobody_recalls_what_another_said(store: BaseStore) -> None:
    record(store)
    record(store, [{"role": "user", "content": "I moved to Rome"}], BO)

    found = create_recall(store=store).invoke("Where did I move?", BO)

    assert [item.text for item in found.items] == ["I moved to Rome"]


def test_memories_and_turns_are_recalled_together(store: BaseStore) -> None:
    record(store)
    value = {"kind": "Memory", "content": {"content": "Ann moved to Lyon"}, "sources": ["1"]}
    store.put(("memories", "ann"), "m", value)

    recalled = create_recall(store=store).invoke("Where did Ann move?", ANN)

    assert {item.kind for item in recalled.items} == {"turn", "memory"}
    assert "Ann: I moved to Lyon last week\n  fact: Ann moved to Lyon" in recalled.text


TODAY: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": "today"}}


def test_the_thread_that_is_going_on_is_left_out(store: BaseStore) -> None:
    record(store)
    record(store, [{"role": "user", "content": "I move to Rome", "id": "9"}], TODAY)
    question = {"messages": [{"role": "user", "content": "Where did I move to?"}]}

    def texts(asked: Any, **options: Any) -> str:
        return create_recall(store=store, **options).invoke(asked, TODAY).text

    assert "Lyon" in texts(question)
    assert "Rome" not in texts(question)
    assert "Rome" not in texts("Where did I move to?")
    assert "Rome" in texts(question, running_thread=True)


def test_what_the_model_reads_anyway_fills_no_block(store: BaseStore) -> None:
    record(store)
    recall = create_recall(store=store)

    assert not recall.invoke(CHAT, ANN).text
    assert not recall.invoke({"question": "Where did I move to?", "thread": "t1"}, ANN).text
    # A question alone may come from a reader who has read nothing.
    assert "Lyon" in recall.invoke("Where did I move to?", ANN).text


def test_the_budget_decides_how_much_is_recalled(store: BaseStore) -> None:
    said = [{"role": "user", "content": f"Boat {at} is {at} feet long"} for at in range(60)]
    record(store, said)

    few, many = (
        create_recall(store=store, budget=budget).invoke("How long is the boat?", ANN)
        for budget in (200, 2_000)
    )

    assert 0 < len(few.items) < len(many.items) == len(said)
    assert all(item.text in few.text for item in few.items)


def test_what_came_later_is_not_recalled(store: BaseStore) -> None:
    days = [
        {
            "role": "user",
            "content": f"went running on the {day}",
            "timestamp": f"2023-05-{day}T09:00",
        }
        for day in ("02", "10", "24")
    ]
    record(store, days)

    asked: RecallInput = {"question": "When did I run?", "as_of": "2023-05-10T12:00"}
    found = create_recall(store=store).invoke(asked, BO | ANN)

    assert {item.time.day for item in found.items} == {2, 10}


def test_the_way_from_the_question_to_an_item_is_explained(store: BaseStore) -> None:
    record(store)

    text = create_recall(store=store, limit=2).invoke("Where did Ann move to?", ANN).explain()

    assert "full text looks for: mov" in text
    assert "about: Ann" in text
    assert "1. " in text
    assert "Ann, 2023-06-10: I moved to Lyon last week" in text
    assert "stored: turns/ann, key" in text


def test_a_large_namespace_of_a_store_without_full_text_is_warned_about_once() -> None:
    store = InMemoryStore()
    record(store, [{"role": "user", "content": f"line {number}"} for number in range(801)])
    recall = create_recall(store=store)

    with pytest.warns(RecallLimitWarning, match="800 items") as warned:
        recall.invoke("line", ANN)
    recall.invoke("line", ANN)

    assert warned[0].filename == __file__


def test_nothing_to_recall_is_no_error(store: BaseStore) -> None:
    recall = create_recall(store=store)

    assert recall.invoke("Where did Ann move?", ANN).items == ()
    assert recall.invoke("", ANN).text == recall.invoke([], ANN).text == ""


def test_now_says_what_last_week_is(store: BaseStore) -> None:
    weeks = [
        {"role": "user", "content": "went running", "id": day, "timestamp": f"2023-05-{day}T09:00"}
        for day in ("02", "10", "24")
    ]
    record(store, weeks)
    config: Any = {"configurable": ANN["configurable"] | {"now": datetime(2023, 5, 17, tzinfo=UTC)}}

    recalled = create_recall(store=store, limit=1).invoke("Did I go running last week?", config)

    assert recalled.items[0].time.day == 10


def test_a_function_can_choose(store: BaseStore) -> None:
    record(store)

    def questions(_: str, items: Sequence[RecallItem]) -> list[RecallItem]:
        return [item for item in items if item.text.endswith("?")]

    recalled = create_recall(store=store, limit=1, reranker=questions).invoke("拉面", ANN)

    assert recalled.items[0].text == "How do you like it there?"


class _Shortest(BaseDocumentCompressor):
    """Keep the shortest document."""

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        return sorted(documents, key=lambda document: len(document.page_content))[:1]


async def test_a_document_compressor_can_choose(store: BaseStore) -> None:
    record(store)
    recall = create_recall(store=store, reranker=_Shortest())

    expected = ["我喜欢味噌拉面"]
    assert [item.text for item in recall.invoke("bread", ANN).items] == expected
    assert [item.text for item in (await recall.ainvoke("bread", ANN)).items] == expected


def test_what_is_recalled_may_be_changed(store: BaseStore) -> None:
    record(store)
    recall = create_recall(store=store, limit=1)
    recalled = recall.invoke("Where did Ann move to?", ANN)
    cast("dict[str, Any]", recalled.items[0].value)["content"] = "changed"

    again = recall.invoke("Where did Ann move to?", ANN)

    assert again.items[0].value["content"] == "I moved to Lyon last week"


def test_a_turn_that_was_rewritten_is_recalled_as_it_is_now(store: BaseStore) -> None:
    (put, *_) = record(store)
    recall = create_recall(store=store, limit=1)
    assert "Lyon" in recall.invoke("Where did Ann move to?", ANN).text
    store.put(put["namespace"], put["key"], put["value"] | {"content": "I moved to Rome"})

    assert recall.invoke("Where did Ann move to?", ANN).items[0].text == "I moved to Rome"


def test_a_question_is_embedded_once() -> None:
    model = HashEmbeddings(64)
    with EmbeddedStore(":memory:", index={"embed": model, "dims": 64}) as store:
        record(store)
        create_recall(store=store).invoke("Where did Ann move to?", ANN)

    assert model.queries == ["I move to"]


def test_neighbours_come_with_a_long_conversation_recorded_turn_by_turn() -> None:
    index: Any = {"embed": HashEmbeddings(64), "dims": 64}
    said = [f"filler number {number} of many" for number in range(1_000)]
    said[500:502] = ["Where is the zeppelin moored?", "Behind the hill"]
    with EmbeddedStore(":memory:", index=index) as store:
        for number, text in enumerate(said):
            record(store, [{"role": "user", "content": text, "id": str(number)}])
        recalled = create_recall(store=store, limit=2).invoke("zeppelin", ANN)

    assert [item.text for item in recalled.items] == said[500:502]


def test_arguments_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="negative"):
        create_recall(limit=-1)
    with pytest.raises(ConfigurationError, match="max_characters"):
        create_conversation_recorder(max_characters=0)


def test_without_a_store_the_error_says_what_to_do() -> None:
    with pytest.raises(NoStoreError, match="store="):
        create_recall().invoke("bread", ANN)


def test_a_user_id_is_needed() -> None:
    with pytest.raises(ConfigurationError, match="langgraph_user_id"):
        create_recall(store=InMemoryStore()).invoke("bread", {})


def test_exact_leaves_out_what_lies_below(store: BaseStore) -> None:
    record(store)
    record(store, [{"role": "user", "content": "I moved to Oslo"}], BO)
    store.put(("turns",), "1", {"content": "we moved the office"})

    def texts(*, exact: bool) -> set[str]:
        recall = create_recall(namespace=("turns",), store=store, exact=exact)
        return {item.text for item in recall.invoke("Who moved?", {}).items}

    assert texts(exact=True) == {"we moved the office"}
    assert {"I moved to Oslo", "we moved the office"} < texts(exact=False)


def test_however_much_lies_below_what_lies_in_the_namespace_is_found() -> None:
    with EmbeddedStore(":memory:", index={"embed": HashEmbeddings(64), "dims": 64}) as store:
        record(store, [{"role": "user", "content": f"who moved, {n}?"} for n in range(1_200)])
        store.put(("turns",), "1", {"content": "we moved the office last spring"})
        recall = create_recall(namespace=("turns",), store=store, exact=True)

        assert [item.key for item in recall.invoke("Who moved?", {}).items] == ["1"]


class Found(NamedTuple):
    text: str


class Cases(FlowRunnable[str, Found]):
    """Finds the same examples for everything."""

    def __init__(self, text: str, store: BaseStore | None = None) -> None:
        self.text, self.store, self.asked = text, store, list[str]()

    @override
    async def flow(self, input: str, config: RunnableConfig) -> Found:
        self.asked.append(input)
        return Found(self.text)


def test_examples_follow_what_is_remembered(store: BaseStore) -> None:
    record(store)
    cases = Cases("<examples>…</examples>")
    found = create_recall(store=store, examples=cases).invoke("Where did Ann move to?", ANN)
    assert cases.asked == ["Where did Ann move to?"]
    assert found.text.endswith("</memory>\n\n<examples>…</examples>")


def test_examples_are_paid_from_the_budget(store: BaseStore) -> None:
    record(store)

    def text(examples: str) -> str:
        recall = create_recall(
            store=store, examples=Cases(examples), budget=120, token_counter=len, limit=1
        )
        return recall.invoke("Where did Ann move to?", ANN).text

    assert text("x" * 50) == "x" * 50  # what is left is too little for memories
    assert "x" not in text("x" * 61)


def test_examples_alone_are_a_text_too(store: BaseStore) -> None:
    found = create_recall(store=store, examples=Cases("Cases")).invoke("Anything?", ANN)
    assert (found.items, found.text) == ((), "Cases")


def test_examples_of_another_store_are_refused(store: BaseStore) -> None:
    with pytest.raises(ConfigurationError, match="give the store to the recall"):
        create_recall(store=store, examples=Cases("", InMemoryStore()))


def test_now_may_be_written_out(store: BaseStore) -> None:
    weeks = [
        {"role": "user", "content": "went running", "id": day, "timestamp": f"2023-05-{day}T09:00"}
        for day in ("02", "10", "24")
    ]
    record(store, weeks)
    recall = create_recall(store=store, limit=1)

    def asked(now: object) -> Any:
        return recall.invoke(
            "Did I go running last week?", {"configurable": ANN["configurable"] | {"now": now}}
        )

    assert asked("2023-05-17").items[0].time.day == 10
    for wrong in ("yesterday", 5):
        with pytest.raises(InvalidInputError, match=r'"now" is .* ISO 8601'):
            asked(wrong)


def test_of_a_very_long_question_the_beginning_counts(store: BaseStore) -> None:
    record(store)
    question = "Where did Ann move to? " + " ".join(f"word{number}" for number in range(9_999))

    found = create_recall(store=store, limit=1).invoke(question, ANN)

    assert found.items[0].text == "I moved to Lyon last week"
    assert len(found.question) == 2_000


def test_a_list_that_may_be_one_namespace_or_several_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="one as a tuple"):
        create_recall(namespace=["turns", "{langgraph_user_id}"])


def test_a_reranker_chooses_each_once_and_only_among_what_it_is_given(store: BaseStore) -> None:
    record(store)

    def thrice(_: str, items: Sequence[RecallItem]) -> list[RecallItem]:
        return [items[0]] * 3

    def others(_: str, items: Sequence[RecallItem]) -> list[RecallItem]:
        return [replace(items[0], key="other")]

    def recall(reranker: Reranker) -> RecallResult:
        return create_recall(store=store, reranker=reranker).invoke("bread", ANN)

    assert len(recall(thrice).items) == 1
    with pytest.raises(ConfigurationError, match="not given"):
        recall(others)
    with pytest.raises(ConfigurationError, match="keeps their metadata"):
        recall(_Forgetful())


class _Forgetful(BaseDocumentCompressor):
    """Make documents of its own."""

    @override
    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Any = None
    ) -> Sequence[Document]:
        return [Document(document.page_content) for document in documents]


def test_a_reranker_sees_as_many_as_are_asked_for(store: BaseStore) -> None:
    record(store, [{"role": "user", "content": f"line {number}"} for number in range(90)])

    recall = create_recall(store=store, limit=80, reranker=lambda _, items: items)

    assert len(recall.invoke("line", ANN).items) == 80


class _Watched(InMemoryStore):
    """Remember what was asked, and find "anna" below "ann" as a match of plain text would."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[Any] = []

    @override
    def batch(self, ops: Iterable[Any]) -> list[Any]:
        ops = list(ops)
        self.asked += ops
        return super().batch([_careless(op) for op in ops])


def _careless(op: Any) -> Any:
    return op._replace(namespace_prefix=op.namespace_prefix[:1]) if _searches(op) else op


def _searches(op: Any) -> bool:
    return isinstance(op, SearchOp)


def test_no_store_makes_one_user_s_turns_another_s() -> None:
    store = _Watched()
    record(store, [{"role": "user", "content": "I moved to Rome"}], BO)

    assert not create_recall(store=store).invoke("Where did I move?", ANN).items


def test_recalling_makes_nothing_live_longer() -> None:
    store = _Watched()
    record(store)
    create_recall(store=store).invoke("Where did Ann move to?", ANN)

    assert not any(op.refresh_ttl for op in store.asked if _searches(op) or isinstance(op, GetOp))


def test_no_thread_is_no_name_of_one(store: BaseStore) -> None:
    nowhere: Any = {"configurable": {"langgraph_user_id": "ann", "thread_id": None}}

    assert {put["value"]["thread"] for put in record(store, config=nowhere)} == {""}


def test_a_recall_can_be_copied() -> None:
    store = InMemoryStore()
    store.put(("turns",), "a", {"content": "likes tea"})
    recall = copy.deepcopy(create_recall(namespace=("turns",)))
    recall.store = store
    assert "tea" in recall.invoke("tea").text
