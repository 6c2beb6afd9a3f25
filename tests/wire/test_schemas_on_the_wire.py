"""What each real client sends for our tools says the same as our schemas; and how answers end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from anthropic_wire import AnthropicServer, blocks, text_block, use
from langchain_anthropic import ChatAnthropic
from langchain_ollama import ChatOllama
from loose_wire import (
    GoogleServer,
    OllamaServer,
    ResponsesServer,
    function_call,
    gemini,
    google,
    ollama,
    openai,
    response,
    responses,
)
from openai_wire import OpenAIServer, called, said
from pydantic import BaseModel, Field
from typing_extensions import override
from wire_server import Refused, WireReply

from longterm import create_memory_manager, create_thread_extractor
from longterm.errors import DroppedWarning
from longterm.extract.json_schema import with_plain_names
from longterm.extract.schema import memory_schemas
from longterm.memory.model import SummarizeThread

TALK = "I am Ann, I live in Rome and have a cat."


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    breed: str


class Person(BaseModel):
    """A person."""

    name: str
    city: str | None = None
    pet: Cat | Dog | None = None
    scores: dict[str, int] = {}
    children: list[Person] = []


ANN = Person(name="Ann", pet=Cat(lives=9))


class ThinkingServer(OpenAIServer):
    """Does not take a forced call, as services in thinking mode do."""

    @override
    def check(self, headers: Mapping[str, str], body: dict[str, Any]) -> None:
        if body.get("tool_choice") not in (None, "auto"):
            raise Refused("tool_choice is not taken in thinking mode")
        super().check(headers, body)


def asked(model: Any, schema: type[BaseModel] = Person, existing: Any = ANN) -> None:
    manager = create_memory_manager(model, schemas=[schema])
    manager.invoke({"messages": TALK, "existing": [existing]})


def says_it_all(forms: Mapping[str, Any]) -> None:
    """Check the forms of adding and changing a person, as a model sees them."""
    added, changes = forms["Person"], forms["update_Person"]["properties"]["changes"]
    assert added["required"] == ["name"]
    assert not changes.get("required")
    for form in (added, changes):
        text = json.dumps(form["properties"]["pet"])
        assert "lives" in text
        assert "breed" in text
        inner = form["properties"]["children"]["items"]
        assert inner["properties"].keys() == added["properties"].keys()
        assert "integer" in json.dumps(form["properties"]["scores"]).lower()


# The forms of tools


def test_openai_s_client_sends_our_schemas() -> None:
    with OpenAIServer(said("Nothing.")) as server:
        asked(openai(server))
    functions = [tool["function"] for tool in server.requests[0]["tools"]]
    says_it_all({one["name"]: one["parameters"] for one in functions})


def test_the_responses_api_gets_our_schemas() -> None:
    words: Any = {"type": "output_text", "text": "Nothing.", "annotations": []}
    message = {"type": "message", "id": "m1", "role": "assistant", "status": "completed"}
    with ResponsesServer(response({**message, "content": [words]})) as server:
        asked(responses(server))
    says_it_all({tool["name"]: tool["parameters"] for tool in server.requests[0]["tools"]})


def test_anthropic_s_client_sends_our_schemas() -> None:
    with AnthropicServer(blocks(text_block("Nothing."))) as server:
        options: dict[str, Any] = {"api_key": "k", "base_url": server.root, "max_retries": 0}
        asked(ChatAnthropic(model="claude-sonnet-5", **options))  # pyright: ignore[reportCallIssue] - its types leave out the aliases
    says_it_all({tool["name"]: tool["input_schema"] for tool in server.requests[0]["tools"]})


def test_google_s_client_sends_our_schemas() -> None:
    with GoogleServer(gemini({"text": "Nothing."})) as server:
        asked(google(server))
    (tool,) = server.requests[0]["tools"]
    forms = {one["name"]: one["parameters"] for one in tool["functionDeclarations"]}
    says_it_all(forms)
    changes = forms["update_Person"]["properties"]["changes"]["properties"]
    assert changes["city"] == {"type": "STRING", "nullable": True}
    assert changes["pet"]["nullable"]


class Mood(Enum):
    """How it was."""

    GOOD = "good"
    BAD = "bad"


class Visit(BaseModel):
    """A visit, with all that limits its values."""

    day: date
    end: date | None = Field(None, description="When it ended.")
    begin: datetime
    place: tuple[float, float]
    row: tuple[int, str]
    floor: Literal[1, 2] = 1
    mood: Mood | None = None
    unit: Literal["", "cm"] = ""
    mixed: Literal["all", 1] | None = None
    code: Annotated[str, Field(pattern="^[a-z]+$", max_length=5)]
    share: Annotated[float, Field(gt=0, le=1)]
    tags: Annotated[set[str], Field(max_length=3)] = set()


def test_google_s_client_sends_what_limits_a_value() -> None:
    with GoogleServer(gemini({"text": "Nothing."})) as server:
        create_memory_manager(google(server), schemas=[Visit]).invoke({"messages": TALK})
    (tool,) = server.requests[0]["tools"]
    (form,) = [one["parameters"] for one in tool["functionDeclarations"] if one["name"] == "Visit"]
    assert set(form["required"]) == {"day", "begin", "place", "row", "code", "share"}
    fields = form["properties"]
    assert '"format": "date"' in fields["day"]["description"]
    assert fields["end"]["description"] == 'When it ended. JSON schema: {"format": "date"}'
    assert fields["end"]["nullable"]
    assert fields["begin"] == {"type": "STRING", "format": "date-time"}
    pair = {"type": "ARRAY", "items": {"type": "NUMBER"}, "min_items": 2, "max_items": 2}
    assert fields["place"] == pair
    assert [one["type"] for one in fields["row"]["items"]["any_of"]] == ["INTEGER", "STRING"]
    assert '"prefixItems"' in fields["row"]["description"]
    assert "[1, 2]" in fields["floor"]["description"]
    assert (fields["mood"]["type"], fields["mood"]["enum"]) == ("STRING", ["good", "bad"])
    assert fields["mood"]["nullable"]
    # Google refuses a choice of nothing, so it is told in words.
    assert (fields["unit"]["type"], "enum" in fields["unit"]) == ("STRING", False)
    assert '"enum": ["", "cm"]' in fields["unit"]["description"]
    assert [one["type"] for one in fields["mixed"]["any_of"]] == ["STRING", "INTEGER"]
    assert fields["mixed"]["nullable"]
    assert (fields["code"]["pattern"], fields["code"]["max_length"]) == ("^[a-z]+$", 5)
    assert '"exclusiveMinimum": 0' in fields["share"]["description"]
    assert '"uniqueItems": true' in fields["tags"]["description"]


def test_ollama_s_client_sends_what_limits_a_value() -> None:
    class Day(BaseModel):
        day: date
        share: Annotated[float, Field(gt=0, le=1, description="Of the bill.")]
        code: Annotated[str, Field(pattern="^[a-z]+$")]

    with OllamaServer(ollama("Nothing.")) as server:
        model = ChatOllama(model="m", base_url=server.root)
        create_memory_manager(model, schemas=[Day]).invoke({"messages": TALK})
    (tool,) = server.requests[0]["tools"]
    fields = tool["function"]["parameters"]["properties"]
    assert fields["day"]["description"] == 'JSON schema: {"format": "date"}'
    assert fields["share"]["description"].startswith("Of the bill. JSON schema: ")
    assert '"maximum": 1' in fields["share"]["description"]
    assert '"pattern": "^[a-z]+$"' in fields["code"]["description"]


def test_a_schema_ollama_s_client_would_garble_goes_as_the_form_of_the_answer() -> None:
    with OllamaServer(ollama('{"operations": []}')) as server:
        asked(ChatOllama(model="m", base_url=server.root))
    (request,) = server.requests
    assert not request.get("tools")
    assert {"lives", "breed"} <= set(json.dumps(request["format"]).split('"'))


def test_a_flat_schema_is_a_tool_for_ollama_whose_changes_are_told_in_words() -> None:
    class Note(BaseModel):
        text: str
        place: str | None = None

    with OllamaServer(ollama("Nothing.")) as server:
        asked(ChatOllama(model="m", base_url=server.root), Note, Note(text="tea"))
    functions = [tool["function"] for tool in server.requests[0]["tools"]]
    forms = {one["name"]: one["parameters"]["properties"] for one in functions}
    assert forms["Note"]["place"]["type"] == ["string", "null"]
    assert '"place"' in forms["update_Note"]["changes"]["description"]


class Home(BaseModel):
    """A home."""

    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize("protocol", ["tools", "json"])
def test_the_field_that_tells_forms_apart_is_asked_for(protocol: Any) -> None:
    with OpenAIServer(said('{"operations": []}'), said("Nothing.")) as server:
        create_memory_manager(openai(server), schemas=[Home], protocol=protocol).invoke(
            {"messages": TALK}
        )
    sent = json.dumps([server.requests[0].get("tools"), server.requests[0].get("response_format")])
    assert '["kind", "lives"]' in sent
    assert '["kind", "breed"]' in sent


def anthropic_asked(schema: Any, *script: WireReply) -> tuple[Any, list[dict[str, Any]]]:
    with AnthropicServer(*script) as server:
        options: dict[str, Any] = {"api_key": "k", "base_url": server.root, "max_retries": 0}
        model = ChatAnthropic(model="claude-sonnet-5", **options)  # pyright: ignore[reportCallIssue] - its types leave out the aliases
        manager = create_memory_manager(model, schemas=[schema], protocol="json")
        return manager.invoke({"messages": TALK}), server.requests


class Essay(BaseModel):
    text: str


def test_a_long_description_is_cut_where_openai_s_api_takes_no_more_and_told_in_full() -> None:
    described = "An essay. " + "It is long. " * 200
    schema = {**Essay.model_json_schema(), "description": described.strip()}
    with OpenAIServer(said("Nothing")) as server:
        create_memory_manager(openai(server), schemas=[schema]).invoke({"messages": TALK})
    (function,) = (tool["function"] for tool in server.requests[0]["tools"])
    assert function["description"].startswith("An essay. It is long.")
    assert function["parameters"]["description"] == described.strip()


class Address(BaseModel):
    rue: str
    numéro: int = 1  # noqa: PLC2401 - what the test is about


class Personne(BaseModel):
    """A person, in French."""

    prénom: str = Field(description="the first one only")  # noqa: PLC2401 - as above
    adresses: list[Address] = []


def test_fields_that_anthropic_s_api_refuses_have_plain_names_there() -> None:
    own: dict[str, str] = {}
    with_plain_names(memory_schemas([Personne])[0].parameters, own)
    plain = {name: known_as for known_as, name in own.items()}
    first, number = plain["prénom"], plain["numéro"]
    added = {first: "Ann", "adresses": [{"rue": "Breil", number: 7}]}
    changed = {"number": 0, "changes": {first: "Bo"}}
    with AnthropicServer(blocks(use("Personne", added), use("update_Personne", changed))) as server:
        options: dict[str, Any] = {"api_key": "k", "base_url": server.root, "max_retries": 0}
        model = ChatAnthropic(model="claude-sonnet-5", **options)  # pyright: ignore[reportCallIssue] - its types leave out the aliases
        manager = create_memory_manager(model.with_retry(), schemas=[Personne])
        kept = manager.invoke({"messages": TALK, "existing": [("1", Personne(prénom="Al"))]})
    ann = Personne(prénom="Ann", adresses=[Address(rue="Breil", numéro=7)])
    assert [memory.content for memory in kept] == [Personne(prénom="Bo"), ann]
    form = server.requests[0]["tools"][0]["input_schema"]
    assert form["required"] == [first]
    assert form["properties"][first]["description"] == "prénom. the first one only"


class Scores(BaseModel):
    """Scores by game."""

    scores: dict[str, int]


def test_keys_that_anthropic_s_client_would_forbid_are_asked_for_in_words() -> None:
    content: dict[str, Any] = {"scores": {"chess": 3}}
    operation = {"action": "add", "kind": "Scores", "content": content}
    answer = blocks(text_block(json.dumps({"operations": [operation]})), stop="end_turn")
    (memory,), (request,) = anthropic_asked(Scores, answer)
    assert memory.content == Scores(**content)
    assert not {"output_config", "output_format"} & request.keys()
    assert '"additionalProperties": {"type": "integer"}' in json.dumps(request).replace("\\", "")


def test_a_closed_form_holds_anthropic_s_model_to_it() -> None:
    answer = blocks(text_block('{"operations": []}'), stop="end_turn")
    _, (request,) = anthropic_asked(Home, answer)
    assert {"output_config", "output_format"} & request.keys()


# How answers end


def test_a_call_that_the_responses_api_cut_is_asked_for_again() -> None:
    half = response(
        function_call('{"content": "Ann must not'), status="incomplete", why="max_output_tokens"
    )
    whole = response(function_call('{"content": "Ann must not eat nuts."}'))
    with ResponsesServer(half, whole) as server:
        kept = create_memory_manager(responses(server)).invoke({"messages": TALK})
    assert [memory.content.content for memory in kept] == ["Ann must not eat nuts."]


@pytest.mark.parametrize("finish", ["MALFORMED_FUNCTION_CALL", "MAX_TOKENS"])
def test_an_answer_gemini_did_not_finish_is_asked_for_again(finish: str) -> None:
    call = {"functionCall": {"name": "Memory", "args": {"content": "Ann lives in Rome."}}}
    with GoogleServer(gemini(finish=finish), gemini(call)) as server:
        kept = create_memory_manager(google(server)).invoke({"messages": TALK})
    assert len(kept) == 1


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ([gemini(finish="SAFETY")], "The model refused"),
        ([gemini(finish="MALFORMED_FUNCTION_CALL")] * 2, "could not read"),
    ],
)
def test_an_answer_that_never_came_is_no_silence(script: list[WireReply], reason: str) -> None:
    with GoogleServer(*script) as server, pytest.warns(DroppedWarning, match=reason):
        kept = create_memory_manager(google(server)).invoke({"messages": TALK})
    assert kept == []
    assert len(server.requests) == len(script)


def test_tokens_spent_on_thinking_are_reported() -> None:
    script = [said("", finish="length")] * 2
    with OpenAIServer(*script) as server:
        manager = create_memory_manager(openai(server))
        with pytest.warns(DroppedWarning, match="thinking"):
            manager.invoke({"messages": TALK})


def test_calls_that_ollama_left_in_the_words_count() -> None:
    words = '{"name": "Memory", "parameters": {"content": "Ann lives in Rome."}}'
    with OllamaServer(ollama(words)) as server:
        model = ChatOllama(model="m", base_url=server.root)
        kept = create_memory_manager(model).invoke({"messages": TALK})
    assert [memory.content.content for memory in kept] == ["Ann lives in Rome."]


def test_where_a_call_cannot_be_forced_it_is_asked_for() -> None:
    title = {"title": "Rome", "summary": "Ann lives there."}
    calls = [called(("SummarizeThread", title))] * 2
    with ThinkingServer(calls[0], *calls) as server:
        model = openai(server)
        extractor = create_thread_extractor(model)
        assert extractor.invoke({"messages": TALK}) == SummarizeThread(**title)
        extractor.invoke({"messages": TALK})
    assert len(server.requests) == 3  # once and for all
