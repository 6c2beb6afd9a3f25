"""The JSON protocol: one object for everything, read tolerantly."""

import json
from typing import Any

import pytest
from hypothesis import given, strategies as st
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableParallel,
    RunnablePassthrough,
)
from pydantic import BaseModel
from typing_extensions import override

from longterm.errors import ConfigurationError
from longterm.extract.json_answer import JsonProtocol, answer_schema
from longterm.extract.prompts import MEMORY_FRAME
from longterm.extract.proposal import (
    CUT_OFF,
    Finish,
    Permissions,
    Proposal,
    ProposedDelete,
    ProposedInsert,
    ProposedUpdate,
    Unreadable,
)
from longterm.extract.protocol import AllowedActions, PromptInput, State
from longterm.extract.schema import memory_schemas
from longterm.memory.model import Memory
from longterm.models.answer import Answer
from longterm.testing import ScriptedChatModel, tool_calls


class Food(BaseModel):
    """A food."""

    name: str


MEMORY, FOOD = memory_schemas([Memory, Food])
ALL = Permissions(deletes=True)
CUT = {"finish_reason": "MAX_TOKENS"}
NONE_KNOWN, KNOWN = State(), State(frozenset({"Memory"}))
TEA: Proposal = ProposedInsert(MEMORY, {"content": "tea"})
ADD_TEA = {"action": "add", "kind": "Memory", "content": {"content": "tea"}}


def dialogue(*kinds: Any, structured: bool = False) -> JsonProtocol:
    return JsonProtocol(
        ScriptedChatModel(), AllowedActions(tuple(kinds) or (MEMORY,), ALL), structured=structured
    )


def read(answer: Any, *kinds: Any) -> list[Proposal]:
    return [one.proposal for one in dialogue(*kinds).read(Answer.of(answer))]


# Reading


@pytest.mark.parametrize("end", ["max_tokens", "stop"])
def test_a_call_that_was_not_asked_for_counts_unless_half_of_it_is_missing(end: str) -> None:
    calls = tool_calls(("Memory", {"content": "tea"}), ("Memory", {"content": "tea"}))
    calls.response_metadata = {"stop_reason": end}

    assert read(calls) == [TEA, TEA if end == "stop" else CUT_OFF]


@pytest.mark.parametrize(
    "answer",
    [
        {"operations": [ADD_TEA]},
        [ADD_TEA],
        ADD_TEA,
        {"memories": [ADD_TEA]},
        {"add": [{"content": {"content": "tea"}}]},
        {"add": {"content": "tea"}},
        {"action": "ADD", "kind": "memory", "content": {"content": "tea"}},
        {"action": "insert", "content": {"content": "tea"}},
        {"action": "create", "content": "tea"},
        {"kind": "Memory", "content": "tea"},
        {"content": "tea"},
        {"action": "add", "number": None, "content": "tea"},
        {"operations": None, "changes": [ADD_TEA]},
        {"operations": [json.dumps(ADD_TEA)]},
        {"memory_operations": {"operations": [ADD_TEA]}},
        {"memory_operations": [ADD_TEA]},
        {"op": "add", "kind": "Memory", "content": {"content": "tea"}},
        {"action": "add_Memory", "kind": "Memory", "content": {"content": "tea"}},
    ],
)
def test_an_addition_is_understood_in_many_forms(answer: Any) -> None:
    assert read(json.dumps(answer)) == [TEA]


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "change", "number": 0, "changes": {"content": "ale"}},
        {"action": "update", "number": "[0]", "changes": {"content": "ale"}},
        {"action": "edit", "kind": "Memory", "number": 0, "content": "ale"},
        {"number": 0, "content": "ale"},
        {"update": [{"number": 0, "changes": {"content": "ale"}}]},
        {"action": "update_Memory", "id": 0, "changes": {"content": "ale"}},
        {"event": "UPDATE", "number": 0, "changes": {"content": "ale"}},
    ],
)
def test_a_change_is_understood_in_many_forms(answer: Any) -> None:
    assert read(json.dumps(answer)) == [ProposedUpdate(0, {"content": "ale"})]


@pytest.mark.parametrize(
    "answer",
    [
        {"action": "remove", "number": 0},
        {"action": "forget", "number": "0"},
        {"number": 0},
        {"remove": [0]},
        {"delete": {"number": 0}},
        {"operation": "remove", "memory_id": 0},
    ],
)
def test_a_removal_is_understood_in_many_forms(answer: Any) -> None:
    assert read(json.dumps(answer)) == [ProposedDelete(0)]


class Surgery(BaseModel):
    """A surgery, with fields that are called as actions are in answers."""

    type: str = ""
    event: str = ""
    operation: str = ""
    action: str = ""
    operations: list[str] = []


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "none known", "event": "a fall"},
        {"operation": "Remove appendix", "type": "new"},
        {"event": "update of the heart", "type": "keep open"},
    ],
)
def test_a_field_of_a_memory_is_not_taken_for_the_action(fields: Any) -> None:
    (surgery,) = memory_schemas([Surgery])
    for answer in (fields, {"content": fields}, {"action": "add", **fields}):
        assert read(json.dumps(answer), surgery) == [ProposedInsert(surgery, fields)]


@pytest.mark.parametrize("fields", [{"action": "stitch"}, {"operations": ["stitch", "cut"]}])
def test_a_memory_that_stands_alone_is_not_taken_for_operations(fields: Any) -> None:
    (surgery,) = memory_schemas([Surgery])
    assert read(json.dumps({"content": fields}), surgery) == [ProposedInsert(surgery, fields)]


@pytest.mark.parametrize("answer", ['{"operations": []}', "[]", "{}", ""])
def test_nothing_is_understood(answer: str) -> None:
    assert read(answer) == []


def test_an_action_to_do_nothing_finishes() -> None:
    assert read('{"action": "none"}') == [Finish()]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("They talked about tea.", "not JSON"),
        ('{"operations": ["tea"]}', "must be a JSON object"),
        ('{"action": "explode"}', "no action 'explode'"),
        ('{"action": "change", "changes": {"content": "x"}}', "needs the number"),
        ('{"action": "change", "number": 0}', "needs the number of a memory and its changes"),
        ('{"action": "remove"}', "give its number"),
        ('{"action": "add", "kind": "Song", "content": {}}', "Name the kind"),
    ],
)
def test_what_is_not_understood_is_a_complaint(answer: str, reason: str) -> None:
    (proposal,) = read(answer)
    assert isinstance(proposal, Unreadable)
    assert reason in proposal.reason


def test_with_several_kinds_a_kind_must_be_named() -> None:
    (proposal,) = read('{"action": "add", "content": {"name": "udon"}}', MEMORY, FOOD)
    assert proposal == Unreadable("Name the kind: Memory, Food.")


def test_what_was_cut_off_is_never_taken_for_whole() -> None:
    whole = json.dumps({"operations": [ADD_TEA, {**ADD_TEA, "content": {"content": "half a mem"}}]})
    first, second = read(whole[: whole.index("a mem")])
    assert first == TEA
    assert isinstance(second, Unreadable)


@given(st.data())
def test_no_cut_makes_a_memory_nobody_wrote(data: st.DataObject) -> None:
    texts = ["likes tea", "lives in Rome", "has two cats"]
    operations = [{**ADD_TEA, "content": {"content": text}} for text in texts]
    whole = json.dumps({"operations": operations})
    proposals = read(whole[: data.draw(st.integers(0, len(whole)))])
    added = [one.content.get("content") for one in proposals if isinstance(one, ProposedInsert)]
    assert added == texts[: len(added)]


def test_thoughts_are_passed_over() -> None:
    assert read(f"<think>{{maybe}}</think>{json.dumps(ADD_TEA)}") == [TEA]


def test_an_answer_of_a_structured_model_is_read() -> None:
    parsed = {"operations": [ADD_TEA]}
    assert read({"raw": AIMessage(""), "parsed": parsed, "parsing_error": None}) == [TEA]
    assert read({"raw": AIMessage(json.dumps(parsed)), "parsed": None}) == [TEA]


# Asking


def test_the_schema_offers_only_what_the_moment_allows() -> None:
    def actions(known: State, permissions: Permissions) -> set[str]:
        schema = answer_schema(AllowedActions((MEMORY, FOOD), permissions), known)
        items = schema["properties"]["operations"]["items"]
        return {one["properties"]["action"]["const"] for one in items.get("anyOf", [items])}

    assert actions(NONE_KNOWN, ALL) == {"add"}
    assert actions(KNOWN, ALL) == {"add", "change", "remove"}
    assert actions(KNOWN, Permissions(inserts=False)) == {"change"}


def test_only_kinds_of_which_one_is_known_have_a_form_for_changes() -> None:
    schema = answer_schema(AllowedActions((MEMORY, FOOD), ALL), State(frozenset({"Food", None})))
    changes = [
        one["properties"]["changes"]["properties"].keys()
        for one in schema["properties"]["operations"]["items"]["anyOf"]
        if one["properties"]["action"]["const"] == "change"
    ]
    assert changes == [FOOD.changes["properties"].keys(), {"content"}]


def test_words_describe_the_form_and_the_kinds() -> None:
    prompt_input = PromptInput(KNOWN, "Keep it.", MEMORY_FRAME, [], [HumanMessage("hi")], None)
    system, user = dialogue(MEMORY, FOOD).opening(prompt_input)
    assert '"action": "remove"' in system.text
    assert "Food: A food." in system.text
    assert "user: hi" in user.text


def test_a_model_in_words_is_asked_as_it_is() -> None:
    talk = dialogue()
    assert isinstance(talk.model(NONE_KNOWN), ScriptedChatModel)


def test_a_model_is_held_to_the_schema_once_for_each_scene() -> None:
    talk = dialogue(structured=True)
    assert talk.model(NONE_KNOWN) is talk.model(NONE_KNOWN)
    assert talk.model(NONE_KNOWN) is not talk.model(KNOWN)


def test_a_model_without_structured_output_says_what_to_pass_instead() -> None:
    model = GenericFakeChatModel(messages=iter([AIMessage("hi")]))
    talk = JsonProtocol(model, AllowedActions((MEMORY,), ALL), structured=True)
    with pytest.raises(ConfigurationError, match="protocol='tools' or protocol='text'"):
        talk.model(NONE_KNOWN)


class HeldChatModel(ScriptedChatModel):
    """Takes no options beside the form, and has a parser of its own behind it, as clients do."""

    beside: bool = True

    @override
    def with_structured_output(self, schema: Any, **options: Any) -> Runnable[Any, Any]:
        if options.keys() - {"method", "include_raw", "strict"}:
            raise ValueError("Received unsupported arguments")
        held = self.bind(form=schema["title"], strict=options.get("strict"))
        if not self.beside and options.get("include_raw"):
            raise NotImplementedError("include_raw=True is not implemented")
        if not self.beside:
            return held | JsonOutputParser()
        return RunnableParallel(raw=held) | RunnablePassthrough.assign(parsed=lambda _: None)


def held(*script: Any, beside: bool) -> HeldChatModel:
    """Return such a model, whose answer stands *beside* what its parser makes of it, or alone."""
    return HeldChatModel(*script, beside=beside)  # pyright: ignore[reportCallIssue] - its base's init


@pytest.mark.parametrize("beside", [True, False])
def test_options_bound_to_a_model_that_is_held_to_a_form_stay_on_it(*, beside: bool) -> None:
    model = held("{}", "{}", beside=beside)
    bound = model.bind(stop=["x"], strict=True).with_retry().bind(stop=["y"])
    for outer in (bound, model.with_fallbacks([]).bind(stop=["y"], strict=True)):
        talk = JsonProtocol(outer, AllowedActions((MEMORY,), ALL), structured=True)
        talk.model(NONE_KNOWN).invoke("?")
        options = {"form": "memory_operations", "strict": True, "stop": ["y"]}
        assert model.asked[-1].options == options


def test_the_model_that_a_call_s_config_chooses_is_held_to_the_form() -> None:
    one, other = held("{}", beside=True), held("{}", beside=False)
    choice = ConfigurableField(id="which")
    either = one.configurable_alternatives(choice, default_key="one", other=other)
    talk = JsonProtocol(either, AllowedActions((MEMORY,), ALL), structured=True)
    talk.model(NONE_KNOWN).invoke("?", {"configurable": {"which": "other"}})
    assert other.asked[0].options == {"form": "memory_operations", "strict": None}


def test_an_answer_held_to_a_form_keeps_why_it_ended() -> None:
    model = held(AIMessage('{"operations": [', response_metadata=CUT), beside=False)
    talk = JsonProtocol(model, AllowedActions((MEMORY,), ALL), structured=True)
    assert Answer.of(talk.model(NONE_KNOWN).invoke("?")).end == "cut"


def test_outcomes_are_shown_under_the_operations_numbers() -> None:
    answer, outcome = dialogue().reply(
        Answer.of('{"operations": []}'), {"0": "Done.", "1": "Not done: no."}
    )
    assert isinstance(answer, AIMessage)
    assert outcome.text == "1. Done.\n2. Not done: no."
