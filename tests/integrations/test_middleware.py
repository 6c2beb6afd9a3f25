"""Agents of LangChain remember: before they answer, and after."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain.agents import create_agent  # type: ignore[reportUnknownVariableType]
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import create_react_agent  # type: ignore[reportUnknownVariableType]
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command, interrupt

from longterm.errors import ConfigurationError, InvalidInputError
from longterm.integrations.langgraph import RecallNode, ReflectNode
from longterm.integrations.middleware import LongtermMiddleware
from longterm.manage.manager import create_memory_manager
from longterm.manage.store_manager import create_memory_store_manager
from longterm.recall.recorder import create_conversation_recorder
from longterm.recall.results import RecallResult
from longterm.recall.retriever import create_recall
from longterm.short_term import SummarizationNode
from longterm.testing import Asked, HashEmbeddings, Reply, ScriptedChatModel, tool_calls

NAMESPACE = ("memories", "{user_id}")


def user(name: str, thread: str = "1") -> Any:
    return {"configurable": {"user_id": name, "thread_id": f"{name} {thread}"}}


def store() -> InMemoryStore:
    return InMemoryStore(index={"embed": HashEmbeddings(), "dims": 64})


def learn(*facts: str) -> AIMessage:
    return tool_calls(*[("Memory", {"content": fact}) for fact in facts])


def keeper(*replies: Reply) -> Any:
    return create_memory_store_manager(ScriptedChatModel(*replies), namespace=NAMESPACE)


def agent(model: Any, middleware: LongtermMiddleware, **options: Any) -> Any:
    options.setdefault("store", store())
    return create_agent(model, middleware=[middleware], **options)


def says(text: str) -> Any:
    return {"messages": [{"role": "user", "content": text}]}


def systems(asked: Asked) -> list[str]:
    return [message.text for message in asked.messages if message.type == "system"]


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_what_one_conversation_taught_is_known_in_the_next(way: str) -> None:
    model = ScriptedChatModel("Nice!", "Rome.")
    graph = agent(model, LongtermMiddleware(keeper(learn("Ann lives in Rome"), "Nothing new.")))
    talk(graph, way, says("I live in Rome"), user("ann"))
    talk(graph, way, says("Where do I live?"), user("ann", "2"))
    assert systems(model.asked[0]) == []
    assert "fact: Ann lives in Rome" in systems(model.asked[1])[0]


def test_what_was_said_and_what_was_learned_are_both_recalled() -> None:
    model = ScriptedChatModel("Nice!", "Rome.")
    recorder = create_conversation_recorder(namespace=("turns", "{user_id}"))
    memory = LongtermMiddleware(keeper(learn("Ann lives in Rome"), "Nothing."), recorder=recorder)
    graph = agent(model, memory)

    graph.invoke(says("I moved to Rome, near the river"), user("ann"))
    graph.invoke(says("Where did I move?"), user("ann", "2"))

    (block,) = systems(model.asked[1])
    assert "user: I moved to Rome, near the river" in block
    assert "fact: Ann lives in Rome" in block


def test_one_line_sets_up_all_of_it() -> None:
    chat = ScriptedChatModel("Nice!", "Rome.")
    learning = ScriptedChatModel(learn("Ann lives in Rome"), "Nothing.")
    graph = agent(chat, LongtermMiddleware.of(learning, user="{user_id}"))

    graph.invoke(says("I moved to Rome, near the river"), user("ann"))
    graph.invoke(says("Where did I move?"), user("ann", "2"))

    (block,) = systems(chat.asked[1])
    assert "user: I moved to Rome, near the river" in block
    assert "fact: Ann lives in Rome" in block


def test_the_running_thread_is_not_recalled_again() -> None:
    model = ScriptedChatModel("Nice!", "Rome.")
    memory = LongtermMiddleware.of(ScriptedChatModel("None.", "None."), user="{user_id}")
    graph = agent(model, memory, checkpointer=InMemorySaver())

    graph.invoke(says("I moved to Rome, near the river"), user("ann"))
    graph.invoke(says("Where did I move?"), user("ann"))

    assert systems(model.asked[1]) == []


def test_a_recorder_whose_turns_no_recall_looks_at_is_warned_about() -> None:
    with pytest.warns(UserWarning, match="looks at none of them") as warned:
        LongtermMiddleware(
            keeper(),
            recorder=create_conversation_recorder(),
            recall=create_recall(namespace=NAMESPACE),
        )

    assert warned[0].filename == __file__


def talk(graph: Any, way: str, state: Any, config: Any) -> None:
    match way:
        case "invoke":
            graph.invoke(state, config)
        case "ainvoke":
            asyncio.run(graph.ainvoke(state, config))
        case "stream":
            list(graph.stream(state, config))
        case _:
            asyncio.run(_drain(graph, state, config))


async def _drain(graph: Any, state: Any, config: Any) -> None:
    async for _ in graph.astream(state, config):
        pass


def rome(payload: Any) -> RecallResult:
    return RecallResult("", (), "Ann lives in Rome")


def test_the_agents_own_prompt_comes_first_and_stays() -> None:
    model = ScriptedChatModel("Hi")
    memory = LongtermMiddleware(keeper("Nothing."), recall=RunnableLambda(rome))
    agent(model, memory, system_prompt="Be kind.").invoke(says("hi"), user("ann"))
    assert systems(model.asked[0]) == ["Be kind.\n\nAnn lives in Rome"]


def test_recall_is_given_the_conversation_and_asked_once_for_each_run() -> None:
    asked: list[Any] = []

    def recall(payload: Any) -> RecallResult:
        asked.append([message.text for message in payload["messages"]])
        return RecallResult("", (), "facts")

    @tool
    def look() -> str:
        """Look."""
        return "seen"

    model = ScriptedChatModel(tool_calls(("look", {})), "done")
    memory = LongtermMiddleware(keeper("Nothing."), recall=RunnableLambda(recall))
    agent(model, memory, tools=[look]).invoke(says("go"), user("ann"))
    assert asked == [["go"]]
    assert [systems(one) for one in model.asked] == [["facts"], ["facts"]]


def test_users_at_once_do_not_see_each_other() -> None:
    names = [f"user{n}" for n in range(8)]

    def answer(asked: Asked) -> str:
        return "Noted." if "I am" in asked.text else "\n".join(systems(asked))

    def extract(asked: Asked) -> AIMessage:
        name = next((one for one in names if f"I am {one}" in asked.text), "")
        return learn(f"This is {name}") if name else AIMessage("Nothing.")

    graph = agent(ScriptedChatModel(*[answer] * 16), LongtermMiddleware(keeper(*[extract] * 16)))

    def introduce(name: str) -> Any:
        return graph.invoke(says(f"I am {name}"), user(name))

    def ask_again(name: str) -> Any:
        return graph.invoke(says("Who?"), user(name, "2"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(introduce, names))
        answers = list(pool.map(ask_again, names))

    async def all_at_once() -> list[Any]:
        again = ScriptedChatModel(*[answer] * 8)
        memory = LongtermMiddleware(keeper(*[AIMessage("Nothing.")] * 8))
        graph2 = agent(again, memory, store=graph.store)
        return await asyncio.gather(*[graph2.ainvoke(says("Who?"), user(n, "3")) for n in names])

    for name, result in zip(names * 2, [*answers, *asyncio.run(all_at_once())], strict=True):
        text = result["messages"][-1].text
        assert f"This is {name}" in text
        assert text.count("This is user") == 1


class Later:
    """An executor that remembers what was submitted."""

    def __init__(self) -> None:
        self.submitted: list[tuple[list[str], str, float]] = []

    def submit(
        self, payload: Any, /, config: RunnableConfig | None = None, *, after_seconds: float = 0
    ) -> None:
        texts = [message.text for message in payload["messages"]]
        thread = (config or {}).get("configurable", {})["thread_id"]
        self.submitted.append((texts, thread, after_seconds))

    async def asubmit(
        self, payload: Any, /, config: RunnableConfig | None = None, *, after_seconds: float = 0
    ) -> None:
        await asyncio.sleep(0)
        self.submit(payload, config, after_seconds=after_seconds)


@pytest.mark.parametrize("way", ["invoke", "ainvoke", "stream", "astream"])
def test_an_executor_reflects_later_on_the_whole_conversation(way: str) -> None:
    later = Later()
    memory = LongtermMiddleware(keeper(), executor=later, after_seconds=30)
    graph = agent(ScriptedChatModel("a", "b"), memory, checkpointer=InMemorySaver())
    talk(graph, way, says("one"), user("ann"))
    talk(graph, way, says("two"), user("ann"))
    assert later.submitted == [
        (["one", "a"], "ann 1", 30),
        (["one", "a", "two", "b"], "ann 1", 30),
    ]


def test_a_failed_reflection_takes_no_answer_away(caplog: pytest.LogCaptureFixture) -> None:
    memory = LongtermMiddleware(keeper(TimeoutError("slow")))
    with caplog.at_level(logging.ERROR):
        result = agent(ScriptedChatModel("Hi"), memory).invoke(says("hi"), user("ann"))
    assert result["messages"][-1].text == "Hi"
    assert "could not be reflected on" in caplog.text


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_failed_recall_takes_no_answer_away(way: str, caplog: pytest.LogCaptureFixture) -> None:
    memory = LongtermMiddleware(keeper(learn("Ann sings")), recall=RunnableLambda(no_disk))
    model, kept = ScriptedChatModel("Hi"), store()
    talk(agent(model, memory, store=kept), way, says("I sing"), user("ann"))
    assert systems(model.asked[0]) == []
    assert "Nothing could be recalled" in caplog.text
    assert len(kept.search(("memories", "ann"))) == 1


def no_disk(_: Any) -> RecallResult:
    raise OSError("The disk is gone.")


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_failed_summary_takes_no_answer_away(way: str, caplog: pytest.LogCaptureFixture) -> None:
    summarize = SummarizationNode(
        model=ScriptedChatModel("they met", *[TimeoutError("slow")] * 3),
        max_tokens=5,
        max_summary_tokens=1,
        token_counter=len,
    )
    later = Later()
    model = ScriptedChatModel(*"abcdef")
    memory = LongtermMiddleware(keeper(), executor=later, summarize=summarize)
    graph = agent(model, memory, checkpointer=InMemorySaver())
    for n in range(6):
        talk(graph, way, says(f"question {n}"), user("ann"))
    assert "could not be summarised" in caplog.text
    assert systems(model.asked[5]) == ["Summary of what was said before:\nthey met"]
    assert model.asked[5].messages[-1].text == "question 5"
    assert len(later.submitted) == 6


def test_a_recall_may_ask_somebody_first() -> None:
    def asks(payload: Any) -> RecallResult:
        return RecallResult("", (), interrupt("May I look?"))

    model = ScriptedChatModel("Hi")
    memory = LongtermMiddleware(keeper("Nothing."), recall=RunnableLambda(asks))
    graph = agent(model, memory, checkpointer=InMemorySaver())
    assert graph.invoke(says("hi"), user("ann"))["__interrupt__"][0].value == "May I look?"
    graph.invoke(Command(resume="Ann lives in Rome"), user("ann"))
    assert systems(model.asked[0]) == ["Ann lives in Rome"]


def test_a_recall_gives_a_text_or_something_with_one() -> None:
    def words(payload: Any) -> str:
        return "Ann lives in Rome"

    model = ScriptedChatModel("Hi")
    graph = agent(model, LongtermMiddleware(keeper("Nothing."), recall=RunnableLambda(words)))
    graph.invoke(says("hi"), user("ann"))
    assert systems(model.asked[0]) == ["Ann lives in Rome"]

    def nothing(payload: Any) -> None:
        return None

    graph = agent(model, LongtermMiddleware(keeper(), recall=RunnableLambda(nothing)))
    with pytest.raises(ConfigurationError, match=r"gives a text or .*, not NoneType"):
        graph.invoke(says("hi"), user("ann"))


def test_a_manager_with_options_recalls_its_own_memories() -> None:
    kept = store()
    for team in ("red", "ann"):
        value = {"kind": "Memory", "content": {"content": f"the {team} ones like tea"}}
        kept.put(("memories", team), "1", value)
    manager = create_memory_store_manager(
        ScriptedChatModel("Nothing."), namespace=("memories", "{team}")
    )
    manager = manager.with_retry().with_config(configurable={"team": "red"})
    model = ScriptedChatModel("Hi")
    agent(model, LongtermMiddleware(manager), store=kept).invoke(says("tea?"), user("ann"))
    assert "the red ones like tea" in systems(model.asked[0])[0]
    assert "the ann ones" not in systems(model.asked[0])[0]


def test_what_was_set_up_wrongly_raises() -> None:
    graph = agent(ScriptedChatModel("Hi"), LongtermMiddleware(keeper()))
    with pytest.raises(ConfigurationError, match="user_id"):
        graph.invoke(says("hi"))


def test_what_memory_needs_is_not_part_of_the_agents_output() -> None:
    memory = LongtermMiddleware(keeper(learn("x")))
    result = agent(ScriptedChatModel("Hi"), memory).invoke(says("hi"), user("ann"))
    assert set(result) == {"messages"}


def test_a_stream_of_words_holds_the_agents_only() -> None:
    summarize = SummarizationNode(
        model=ScriptedChatModel("Summary"), max_tokens=3, max_summary_tokens=1, token_counter=len
    )
    memory = LongtermMiddleware(keeper("Secret thoughts"), summarize=summarize)
    graph = agent(ScriptedChatModel("Hi"), memory)
    history = {"messages": [("user", "a"), ("assistant", "b"), ("user", "c"), ("user", "d")]}
    words = [chunk.text for chunk, _ in graph.stream(history, user("ann"), stream_mode="messages")]
    assert [one for one in words if one not in "abcd"] == ["Hi"]


@pytest.mark.parametrize("way", ["invoke", "ainvoke"])
def test_a_long_history_is_shown_in_short_and_kept_whole(way: str) -> None:
    summarizer = ScriptedChatModel("they greeted", "they greeted twice")
    summarize = SummarizationNode(
        model=summarizer, max_tokens=5, max_summary_tokens=1, token_counter=len
    )
    later = Later()
    model = ScriptedChatModel(*[f"answer {n}" for n in range(6)])
    graph = agent(
        model,
        LongtermMiddleware(keeper(), executor=later, summarize=summarize),
        checkpointer=InMemorySaver(),
        system_prompt="Be kind.",
    )
    for n in range(6):
        talk(graph, way, says(f"question {n}"), user("ann"))
    assert all(len(asked.messages) <= 6 for asked in model.asked)
    assert "they greeted" in model.asked[3].text
    assert "question 0" not in model.asked[3].text
    assert model.asked[5].messages[-1].text == "question 5"
    assert len(later.submitted[-1][0]) == 12


def test_a_manager_without_a_store_recalls_nothing() -> None:
    manager = create_memory_manager(ScriptedChatModel(learn("x")))
    model = ScriptedChatModel("Hi")
    agent(model, LongtermMiddleware(manager)).invoke(says("hi"), user("ann"))
    assert systems(model.asked[0]) == []


# ---- graphs of one's own ----


@pytest.mark.parametrize("node", [RecallNode, ReflectNode])
def test_a_node_says_that_its_messages_are_missing(node: Any) -> None:
    with pytest.raises(InvalidInputError, match="'mesages'"):
        node(RunnableLambda(rome), input_messages_key="mesages").invoke({"messages": ["hi"]})


async def test_what_a_node_recalls_is_for_the_model_and_not_for_the_stream() -> None:
    recalls = RecallNode(RunnableLambda(rome), output_messages_key="messages")
    model = ScriptedChatModel("Hi", "Hi")

    def answer(state: MessagesState) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    builder: Any = StateGraph(MessagesState)
    builder.add_node("recall", recalls)
    builder.add_node(answer)
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "answer")
    graph = builder.compile()
    words = [chunk.text for chunk, _ in graph.stream(says("hello"), stream_mode="messages")]
    stream = graph.astream(says("hello"), stream_mode="messages")
    assert [words, [chunk.text async for chunk, _ in stream]] == [["Hi"], ["Hi"]]
    assert all("Rome" in asked.text for asked in model.asked)


def test_what_is_recalled_is_the_end_of_the_system_message() -> None:
    node = RecallNode(RunnableLambda(rome))
    history = {"messages": [("system", "Be kind."), ("user", "hello")]}
    memory, said = node.invoke(history)["llm_input_messages"]
    assert memory.text == "Be kind.\n\nAnn lives in Rome"
    assert (memory.type, said.text) == ("system", "hello")


def test_react_agents_remember_through_their_hooks() -> None:
    manager = keeper(learn("Ann lives in Rome"), "Nothing.")
    model = ScriptedChatModel("Nice!", "Rome.")
    with pytest.warns(DeprecationWarning, match="create_agent"):
        graph: Any = create_react_agent(  # type: ignore[reportDeprecated]
            model,
            [],
            prompt="Be kind.",
            pre_model_hook=RecallNode(manager),
            post_model_hook=ReflectNode(manager),
            store=store(),
        )
    graph.invoke(says("I live in Rome"), user("ann"))
    result = graph.invoke(says("Where do I live?"), user("ann"))
    assert "fact: Ann lives in Rome" in model.asked[1].text
    assert [message.type for message in result["messages"]] == ["human", "ai"]


async def test_graphs_remember_through_nodes() -> None:
    class State(MessagesState):
        shown: list[BaseMessage]

    manager = keeper(learn("Ann lives in Rome"), "Nothing.")
    model = ScriptedChatModel("Nice!", "Rome.")

    async def answer(state: State) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["shown"])]}

    builder: Any = StateGraph(State)
    builder.add_node("recall", RecallNode(manager, output_messages_key="shown"))
    builder.add_node("answer", answer)
    builder.add_node("reflect", ReflectNode(manager))
    builder.add_edge(START, "recall")
    builder.add_edge("recall", "answer")
    builder.add_edge("answer", "reflect")
    graph = builder.compile(store=store())
    await graph.ainvoke(says("I live in Rome"), user("ann"))
    await graph.ainvoke(says("Where do I live?"), user("ann"))
    assert "fact: Ann lives in Rome" in model.asked[1].text


def test_a_recorder_keeps_the_words_before_anyone_reflects() -> None:
    memory = LongtermMiddleware(
        keeper(AIMessage("Nothing.")),
        recorder=create_conversation_recorder(namespace=("turns", "{user_id}")),
    )
    kept = store()
    agent(ScriptedChatModel("Hello!"), memory, store=kept).invoke(says("I am Ann"), user("ann"))
    turns = kept.search(("turns", "ann"))
    assert {turn.value["content"] for turn in turns} == {"I am Ann", "Hello!"}


def test_a_failed_recording_takes_neither_answer_nor_memory_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(_: Any) -> None:
        raise OSError("The disk is full.")

    memory = LongtermMiddleware(keeper(learn("Ann sings")), recorder=RunnableLambda(broken))
    kept = store()
    graph = agent(ScriptedChatModel("Hello!"), memory, store=kept)
    assert graph.invoke(says("I sing"), user("ann"))["messages"][-1].text == "Hello!"
    assert "could not be recorded" in caplog.text
    assert len(kept.search(("memories", "ann"))) == 1


@pytest.mark.parametrize("exact", [False, True])
def test_memories_below_the_namespace_are_recalled_unless_the_manager_is_exact(
    *, exact: bool
) -> None:
    kept = store()
    kept.put(("memories",), "1", {"kind": "Memory", "content": {"content": "tea is at five"}})
    kept.put(("memories", "bo"), "1", {"kind": "Memory", "content": {"content": "bo hates tea"}})
    manager = create_memory_store_manager(
        ScriptedChatModel(AIMessage("Nothing.")), namespace=("memories",), exact=exact
    )
    chat = ScriptedChatModel("At five.")
    agent(chat, LongtermMiddleware(manager), store=kept).invoke(says("When is tea?"), user("ann"))
    assert "tea is at five" in chat.asked[0].text
    assert ("hates" in chat.asked[0].text) is not exact


@pytest.mark.parametrize("model", ["openai:gpt-5", ScriptedChatModel()])
def test_a_model_in_the_place_of_a_manager_is_refused(model: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"LongtermMiddleware\.of\(model\)"):
        LongtermMiddleware(model)
