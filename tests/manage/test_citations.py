"""Citations: a model may say which messages a memory comes from; believed where it fits."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from pydantic import BaseModel

from longterm import create_memory_store_manager
from longterm.stores import EmbeddedStore
from longterm.testing import Asked, ScriptedChatModel, tool_calls

USER: Any = {"configurable": {"user_id": "ann"}}
SAID: list[BaseMessage] = [
    HumanMessage("The doctor called about my knee.", id="knee"),
    AIMessage("What did she say?", id="question"),
    HumanMessage("The doctor says that I may run again.", id="run"),
    ToolMessage("Doctors of Ann: knee, run, doctor Lee.", tool_call_id="1", id="record"),
]
NEWS = "The doctor lets Ann run again"


def sources_of(content: Any, messages: list[BaseMessage] = SAID) -> list[str]:
    """Return the ids of the messages that the memory added by *content* came from."""
    model = ScriptedChatModel(tool_calls(("Memory", content)))
    with EmbeddedStore(":memory:") as store:
        manager = create_memory_store_manager(
            model, namespace=("m", "{user_id}"), store=store, cite_messages=True
        )
        (put,) = manager.invoke({"messages": messages}, USER)
        assert put["value"]["content"] == {"content": content["content"]}
        return [str(one.message_id) for one in manager.sources(put["key"], config=USER)]


@pytest.mark.parametrize("cited", [[3], ["3"], ["#3"], 3, "[3]", [3, 99, 0, -1, None, "x"]])
def test_a_citation_that_fits_decides(cited: Any) -> None:
    words = [*SAID[:3], HumanMessage("The doctor lets Bob run again, not Ann.", id="bob")]
    assert sources_of({"content": NEWS}, words)[0] == "bob"
    assert sources_of({"content": NEWS, "cited": cited}, words) == ["run"]


@pytest.mark.parametrize("cited", [[2], [99], [], None, "none", {"a": 1}])
def test_a_citation_that_does_not_fit_counts_for_nothing(cited: Any) -> None:
    assert sources_of({"content": NEWS, "cited": cited}) == sources_of({"content": NEWS})


def test_a_citation_never_makes_the_origin_better() -> None:
    content = {"content": "Ann's doctor is doctor Lee"}
    assert sources_of(content) == ["record"]
    assert set(sources_of({**content, "cited": [1]})) == {"knee", "record"}


def test_an_update_may_cite_too() -> None:
    script = [
        tool_calls(("Memory", {"content": "Ann's knee hurts"})),
        tool_calls(
            ("update_Memory", {"number": 0, "changes": {"content": NEWS}, "cited": [3]}),
        ),
    ]
    with EmbeddedStore(":memory:") as store:
        manager = create_memory_store_manager(
            ScriptedChatModel(*script),
            namespace=("m", "{user_id}"),
            store=store,
            cite_messages=True,
        )
        manager.invoke({"messages": SAID[:3]}, USER)
        (put,) = manager.invoke({"messages": SAID[:3]}, USER)
        revisions = manager.history(put["key"], config=USER)
    (changed,) = [one for one in revisions if one.action == "changed"]
    assert [one.message_id for one in changed.sources] == ["run"]


def shown(*, cite_messages: bool = False, protocol: Any = "tools") -> Asked:
    model = ScriptedChatModel("Nothing")
    with EmbeddedStore(":memory:") as store:
        manager = create_memory_store_manager(
            model,
            namespace=("m", "{user_id}"),
            store=store,
            cite_messages=cite_messages,
            protocol=protocol,
        )
        manager.invoke({"messages": SAID}, USER)
    return model.asked[0]


def test_messages_have_numbers_only_where_they_may_be_cited() -> None:
    assert "#3 user: The doctor says" in shown(cite_messages=True).text
    assert "cited" in str(shown(cite_messages=True).tools)
    assert "#3" not in shown().text
    assert "#3" not in shown(cite_messages=True, protocol="text").text
    assert "cited" not in str(shown().tools)


def test_citing_costs_few_tokens() -> None:
    asked, plain = shown(cite_messages=True), shown()
    assert len(asked.text) - len(plain.text) == len("#1 ") * len(SAID)
    assert len(str(asked.tools)) - len(str(plain.tools)) < 130


def test_a_field_of_that_name_is_the_user_s() -> None:
    class Paper(BaseModel):
        title: str
        cited: list[int] = []

    model = ScriptedChatModel(tool_calls(("Paper", {"title": "On knees", "cited": [3]})))
    with EmbeddedStore(":memory:") as store:
        manager = create_memory_store_manager(
            model,
            schemas=[Paper],
            namespace=("m", "{user_id}"),
            store=store,
            cite_messages=True,
        )
        (put,) = manager.invoke({"messages": SAID}, USER)
    assert put["value"]["content"] == {"title": "On knees", "cited": [3]}
