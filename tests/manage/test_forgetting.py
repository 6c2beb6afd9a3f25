"""What users ask to have forgotten is gone, all of it; and what was not found is reported."""

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langgraph.store.base import BaseStore
from langgraph.store.memory import InMemoryStore

from longterm import create_memory_manager, create_memory_store_manager
from longterm.errors import DroppedWarning
from longterm.manage.forgetting import requests_to_forget
from longterm.stores.embedded.store import EmbeddedStore
from longterm.testing import Asked, HashEmbeddings, ScriptedChatModel, tool_calls

PLACE = ("m",)


@pytest.fixture(params=["words", "vectors", "embedded"])
def store(request: pytest.FixtureRequest) -> BaseStore:
    embed = HashEmbeddings()
    match request.param:
        case "words":
            return InMemoryStore()
        case "vectors":
            return InMemoryStore(index={"dims": embed.dims, "embed": embed})
        case _:
            return EmbeddedStore(":memory:")


def fill(store: BaseStore, texts: Sequence[str]) -> None:
    for number, text in enumerate(texts):
        store.put(PLACE, f"k{number}", {"kind": "Memory", "content": {"content": text}})


def left(store: BaseStore, word: str) -> list[str]:
    items = store.search(PLACE, limit=5_000)
    return [text for one in items if word in (text := one.value["content"]["content"].lower())]


def obedient(word: str, pages: int = 100) -> ScriptedChatModel:
    """Return a model that removes each memory it is shown that holds *word*, and does no more."""

    def answer(asked: Asked) -> AIMessage:
        shown = re.findall(r"^\[(\d+)\] (.*)$", asked.messages[1].text, re.MULTILINE)
        return tool_calls(*(remove(int(n)) for n, text in shown if word in text.lower()))

    return ScriptedChatModel(*[answer] * pages)


def remove(number: int) -> tuple[str, dict[str, Any]]:
    return "delete_memory", {"number": number}


def add(text: str) -> tuple[str, dict[str, Any]]:
    return "Memory", {"content": text}


def manager(model: Any, store: BaseStore, **options: Any) -> Any:
    options = {"enable_deletes": True} | options
    return create_memory_store_manager(model, namespace=PLACE, store=store, **options)


def about_peanuts(count: int, tail: str = "") -> list[str]:
    texts = [f"Likes chess in town {n}" for n in range(500 - count)]
    texts += [f"Peanut note {n}{tail}" for n in range(count)]
    return random.Random(1).sample(texts, len(texts))  # noqa: S311 - an order, no secret


@pytest.mark.parametrize("tail", ["", " and a long tail of words about it" * 6])
@pytest.mark.parametrize("count", [7, 50])
def test_every_memory_that_holds_it_goes(store: BaseStore, count: int, tail: str) -> None:
    fill(store, about_peanuts(count, tail))
    result = manager(obedient("peanut"), store).invoke("Please forget everything about peanuts.")
    assert left(store, "peanut") == []
    assert len(left(store, "chess")) == 500 - count
    assert result.report.dropped == ()


def test_a_store_of_thousands_without_an_index_is_read_whole() -> None:
    store = InMemoryStore()
    fill(store, [*(f"Likes chess in town {n}" for n in range(2_500)), "Hates peanuts", "A peanut"])
    manager(obedient("peanut"), store).invoke("Forget what I said about the peanut")
    assert left(store, "peanut") == []


def test_it_is_shown_with_what_was_said_just_before(store: BaseStore) -> None:
    fill(store, about_peanuts(40, " and a long tail of words" * 4))
    model = obedient("peanut")
    said = ["I play chess", "Peanut notes are silly", "Forget that, please.", "Chess, then?"]
    manager(model, store).invoke(said)
    assert left(store, "peanut") == []
    assert "Peanut notes are silly" in model.asked[1].text
    assert "Chess, then?" not in model.asked[1].text


def test_questions_about_pages_add_nothing_new(store: BaseStore) -> None:
    fill(store, about_peanuts(60, " and a long tail of words" * 4))
    removes = obedient("peanut", 1).script[0]

    def eager(asked: Asked) -> AIMessage:
        if "not permitted" in asked.messages[-1].text:
            return tool_calls()
        message = removes(asked)
        return tool_calls(*((one["name"], one["args"]) for one in message.tool_calls), add("A fan"))

    model = ScriptedChatModel(removes, *[eager] * 40)
    with pytest.warns(DroppedWarning, match="not permitted"):
        manager(model, store).invoke("Forget all about peanuts")
    assert left(store, "peanut") == left(store, "a fan") == []


def test_at_most_so_many_are_shown_at_a_time_as_is_set(store: BaseStore) -> None:
    fill(store, about_peanuts(9))
    model = obedient("peanut")
    manager(model, store, query_limit=3).invoke("Forget all about peanuts")
    assert left(store, "peanut") == []
    assert all(asked.text.count("\n[") <= 3 for asked in model.asked)


def test_one_question_is_enough_where_nothing_is_removed(store: BaseStore) -> None:
    fill(store, about_peanuts(7))
    model = ScriptedChatModel(tool_calls())
    with pytest.warns(DroppedWarning, match="Nothing that is known was found to hold it"):
        manager(model, store).invoke("Forget my sailing boat")
    assert len(model.asked) == 1


def test_each_request_is_reported_by_itself(store: BaseStore) -> None:
    fill(store, ["Has a peanut allergy", "Likes chess"])
    with pytest.warns(DroppedWarning) as warned:
        result = manager(obedient("peanut"), store).invoke(
            ["Forget about the peanut.", "Forget my sailing boat."]
        )
    assert len(warned) == len(result.report.dropped) == 1


def test_a_manager_that_may_not_delete_says_so(store: BaseStore) -> None:
    fill(store, ["Has a peanut allergy"])
    model = ScriptedChatModel(tool_calls())
    with pytest.warns(DroppedWarning, match="enable_deletes=False"):
        manager(model, store, enable_deletes=False).invoke("Forget the peanut thing")


def test_the_request_is_not_itself_remembered(store: BaseStore) -> None:
    fill(store, ["Has a peanut allergy", "Likes chess"])
    answer = tool_calls(remove(0), add("User wants peanuts to be forgotten"), add("Likes tea"))
    with pytest.warns(DroppedWarning, match="not itself remembered"):
        manager(ScriptedChatModel(answer), store).invoke("Forget about peanuts. I like tea.")
    assert left(store, "peanut") == []
    assert left(store, "tea") == ["likes tea"]


def test_without_a_store_it_is_the_same() -> None:
    model = ScriptedChatModel(tool_calls(add("Asked to forget the peanuts")))
    with pytest.warns(DroppedWarning) as warned:
        result = create_memory_manager(model, enable_deletes=True).invoke(
            {"messages": "Forget the peanuts", "existing": [("a", "Likes tea")]}
        )
    assert [one.id for one in result] == ["a"]
    assert len(warned) == 2


@pytest.mark.parametrize(
    "text",
    [
        "FORGET my address",
        "Please forget my address",
        "Could you please forget what I said about Ann?",
        "I moved; forget Elm Street.",
        "I'd like you to forget my birthday",
        "Delete everything you know about my job",
        "Can you erase my phone number from your memory?",
        "Don't remember my card number",
        "请忘记我的地址",
        "把我的地址忘掉",
        "删除你记得的关于我的一切",
        "住所は忘れてください",
        "私の電話番号を消してください",
        "Vergiss meine Adresse",
        "Olvida mi dirección",
        "Oublie mon adresse",
    ],
)
def test_a_request_to_forget_is_seen(text: str) -> None:
    said = [HumanMessage(text), AIMessage("Forget it"), ToolMessage("Forget it", tool_call_id="1")]
    assert [one.at for one in requests_to_forget(said)] == [0]


def test_what_another_program_put_into_the_history_asks_for_nothing() -> None:
    summary = HumanMessage("Please forget the tea.", additional_kwargs={"lc_source": "summary"})
    assert requests_to_forget([summary]) == []


@pytest.mark.parametrize(
    "text",
    [
        "Don't forget to buy milk",
        "I always forget my keys",
        "I forgot where I live",
        "Never forget your friends",
        "I deleted the branch yesterday",
        "Remove the trailing comma in line 3",
        "I don't remember his name",
        "别忘了带伞",
        "我忘了他的名字",
        "鍵を忘れてしまった",
        "Vergiss nicht, Milch zu kaufen",
    ],
)
def test_talk_of_forgetting_is_no_request(text: str) -> None:
    assert requests_to_forget([HumanMessage(text)]) == []
