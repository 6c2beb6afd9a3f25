"""Schemas: what a model is shown of the user's types, and how its values are checked."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NotRequired,
    TypedDict as TypingTypedDict,
    TypeVar,
)

import pytest
from hypothesis import given, strategies as st
from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    Json,
    RootModel,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
    model_serializer,
)
from typing_extensions import TypedDict

from longterm.errors import ConfigurationError
from longterm.extract.schema import MemorySchema, memory_schemas, plain
from longterm.memory.model import Memory, ProposalError

T = TypeVar("T")


class Cuisine(StrEnum):
    JAPANESE = "japanese"
    ITALIAN = "italian"


class Shop(BaseModel):
    """Where to eat."""

    name: str
    street: str | None = None


class Food(BaseModel):
    """A food a person likes or dislikes."""

    name: str = Field(description="The dish.")
    cuisine: Cuisine = Cuisine.ITALIAN
    liking: int = Field(50, ge=0, le=100)
    shops: list[Shop] = []
    since: date | None = None
    mood: Literal["hot", "cold"] = "hot"

    @field_validator("name")
    @classmethod
    def _not_empty(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("give it a name")
        return name


class Aliased(BaseModel):
    """A person."""

    model_config = ConfigDict(populate_by_name=False)

    full_name: str = Field(alias="fullName")


class Node(BaseModel):
    """A part with parts."""

    name: str
    parts: list["Node"] = []


class OldPoint(TypingTypedDict):
    """A point as the standard library makes it."""

    x: int
    label: NotRequired[Annotated[str, Field(max_length=3)]]


class NewPoint(TypedDict):
    """A point as typing_extensions makes it."""

    x: int
    label: NotRequired[Annotated[str, Field(max_length=3)]]


class OldLine(TypingTypedDict):
    """Two points."""

    ends: list[OldPoint]
    style: OldPoint | None


class Chain(TypedDict):
    """A link."""

    link: "Chain | None"


class OldChain(TypingTypedDict):
    """A link as the standard library makes it."""

    link: "OldChain | None"


@dataclass
class Walk:
    """A walk."""

    length: float
    stops: list[str] = field(default_factory=list[str])


SONG = {
    "title": "Song",
    "description": "A song.",
    "type": "object",
    "properties": {"title": {"type": "string"}, "year": {"type": "integer"}},
    "required": ["title"],
}
TITLED = {"title": "Imagine"}


def kind_of(schema: Any) -> MemorySchema:
    (kind,) = memory_schemas([schema])
    return kind


def complaint(schema: Any, content: Any) -> str:
    with pytest.raises(ProposalError) as error:
        kind_of(schema).check(content)
    return str(error.value)


# Every form of schema

FORMS: list[tuple[Any, str, Any]] = [
    (Memory, "Memory", {"content": "tea"}),
    (str, "Memory", {"content": "tea"}),
    (Shop, "Shop", {"name": "Ito", "street": None}),
    (OldPoint, "OldPoint", {"x": 1}),
    (NewPoint, "NewPoint", {"x": 1, "label": "a"}),
    (OldLine, "OldLine", {"ends": [{"x": 1}], "style": None}),
    (Walk, "Walk", {"length": 1.5, "stops": ["bar"]}),
    (SONG, "Song", TITLED),
    ({"name": "Song", "description": "", "parameters": SONG}, "Song", TITLED),
    ({"type": "function", "function": {"name": "Song", "parameters": SONG}}, "Song", {"title": ""}),
    ({"type": "json_schema", "json_schema": {"name": "Song", "schema": SONG}}, "Song", TITLED),
    ({"name": "Song", "input_schema": SONG}, "Song", TITLED),
    ({"name": "Song", "inputSchema": SONG}, "Song", TITLED),
    ({"title": "Any", "properties": {"a": {}}}, "Any", {"a": [1]}),
    (Node, "Node", {"name": "a", "parts": [{"name": "b", "parts": []}]}),
    (Chain, "Chain", {"link": {"link": None}}),
]


@pytest.mark.parametrize(("schema", "name", "content"), FORMS)
def test_every_form_of_schema_checks_and_keeps_what_fits(
    schema: Any, name: str, content: Any
) -> None:
    kind = kind_of(schema)
    assert kind.name == name
    assert kind.check(content) == content
    assert kind.parameters["type"] == "object"


@pytest.mark.parametrize(("schema", "name", "content"), FORMS)
def test_what_was_checked_checks_again(schema: Any, name: str, content: Any) -> None:
    kind = kind_of(schema)
    assert kind.check(kind.check(content)) == kind.check(content)


@pytest.mark.parametrize("schema", [Memory, Shop, Walk, NewPoint, OldPoint, SONG])
@pytest.mark.parametrize("content", [None, "tea", 5, [], {}, {"unheard": 1}])
def test_every_form_of_schema_refuses_what_does_not_fit(schema: Any, content: Any) -> None:
    assert complaint(schema, content)


def test_instances_of_the_users_types_come_back() -> None:
    assert kind_of(Shop).load({"name": "Ito"}, None) == Shop(name="Ito")
    assert kind_of(Walk).load({"length": 2}, None) == Walk(2.0)
    assert kind_of(OldPoint).load({"x": 1}, None) == {"x": 1}


def test_what_does_not_load_is_what_it_is() -> None:
    assert kind_of(Shop).load({"street": "x"}, "raw") == "raw"


# What a model is shown


def test_a_model_is_shown_descriptions_but_no_made_up_titles() -> None:
    kind = kind_of(Food)
    assert kind.description == "A food a person likes or dislikes."
    assert kind.parameters["properties"]["name"]["description"] == "The dish."
    assert "title" not in kind.parameters["properties"]["name"]


def test_a_field_called_title_is_shown() -> None:
    assert kind_of(SONG).parameters["properties"]["title"] == {"type": "string"}


class Walked(BaseModel):
    """A way that was walked."""

    ends: tuple[float, float]
    named: tuple[str, int] | None = None
    notes: list[Any] = []


def test_every_list_says_what_its_items_are_as_openai_and_gemini_demand() -> None:
    fields = kind_of(Walked).parameters["properties"]
    assert fields["ends"]["items"] == {"type": "number"}
    assert fields["named"]["anyOf"][0]["items"] == {
        "anyOf": [{"type": "string"}, {"type": "integer"}]
    }
    pair = [{"type": "string"}, {"type": "integer"}]
    lists = {
        "bare": {"type": "array"},
        "or_null": {"type": ["array", "null"]},
        "closed": {"prefixItems": pair, "items": False},
    }
    loose = kind_of({"title": "Loose", "type": "object", "properties": lists})
    forms = loose.parameters["properties"]
    assert all(isinstance(form["items"], dict) for form in forms.values())
    assert forms["closed"]["prefixItems"] == pair
    older = {
        "title": "Older",
        "type": "object",
        "properties": {"a": {"type": "array", "items": pair}},
    }
    draft = {"$schema": "http://json-schema.org/draft-07/schema#", **older}
    assert kind_of(draft).parameters["properties"]["a"]["prefixItems"] == pair
    assert loose.check({"closed": ["a", 1]}) == {"closed": ["a", 1]}
    kept = kind_of(Walked).check({"ends": [0, 1], "named": ["a", 2]})
    assert kept == {"ends": [0, 1], "named": ["a", 2], "notes": []}


def test_references_are_resolved() -> None:
    shown = kind_of(Food).parameters
    assert shown["properties"]["shops"]["items"]["properties"]["street"]
    assert "$defs" not in shown


def test_a_schema_without_words_is_described_by_its_name() -> None:
    class Bare(TypedDict):
        x: int

    assert kind_of(Bare).description == "A memory of kind Bare."


def test_an_edit_needs_no_field_and_has_no_defaults() -> None:
    edit = kind_of(Food).changes
    assert "required" not in edit
    assert all("default" not in shown for shown in edit["properties"].values())
    assert edit["properties"].keys() == Food.model_fields.keys()


def test_an_edit_of_a_nested_object_needs_no_field_either() -> None:
    class Home(BaseModel):
        shop: Shop

    assert "required" not in kind_of(Home).changes["properties"]["shop"]


def test_a_generic_s_name_is_one_providers_take() -> None:
    class Box(BaseModel, Generic[T]):
        value: T

    assert kind_of(Box[int]).tool_name == "Box_int_"


# Checking


def test_nested_values_enums_lists_and_dates_are_checked() -> None:
    content = {
        "name": "ramen",
        "cuisine": "japanese",
        "liking": "95",
        "shops": [{"name": "Ito"}],
        "since": "2024-05-03",
    }
    assert kind_of(Food).check(content) == {
        "name": "ramen",
        "cuisine": "japanese",
        "liking": 95,
        "shops": [{"name": "Ito", "street": None}],
        "since": "2024-05-03",
        "mood": "hot",
    }


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"liking": 101}, "liking: Input should be less than or equal to 100"),
        ({"cuisine": "french"}, "cuisine: Input should be 'japanese' or 'italian'"),
        ({"shops": [{"street": "x"}]}, "shops.0.name: Field required"),
        ({"mood": "warm"}, "mood"),
        ({"name": " "}, "name: Value error, give it a name"),
        ({"since": "yesterday"}, "since"),
        ({"name": None, "liking": -1}, "name: .*; liking: "),
    ],
)
def test_a_complaint_names_the_field_and_the_reason(wrong: Any, words: str) -> None:
    assert re.search(words, complaint(Food, {"name": "ramen", **wrong}))


def test_a_json_schema_s_complaint_names_the_field() -> None:
    assert complaint(SONG, {"title": 5}).startswith("$.title: 5 is not of type")


def test_a_complaint_stays_short() -> None:
    assert len(complaint(Food, {"shops": [{}] * 500})) < 500


def test_half_an_emoji_is_a_complaint_not_a_crash() -> None:
    assert complaint(Memory, {"content": "tea \ud83c"})


@pytest.mark.parametrize("name", ["fullName", "full_name"])
def test_a_value_is_read_by_alias_and_by_name_and_kept_by_name(name: str) -> None:
    kind = kind_of(Aliased)
    assert kind.check({name: "Ann"}) == {"full_name": "Ann"}
    assert kind.load({"full_name": "Ann"}, None) == Aliased(fullName="Ann")


def test_a_model_is_shown_names_not_aliases() -> None:
    assert kind_of(Aliased).parameters["required"] == ["full_name"]


foods = st.builds(
    Food,
    name=st.text(min_size=1).filter(str.strip),
    cuisine=st.sampled_from(Cuisine),
    liking=st.integers(0, 100),
    shops=st.lists(st.builds(Shop, name=st.text(), street=st.none() | st.text())),
    since=st.none() | st.dates(),
)


@given(foods)
def test_what_is_stored_loads_as_what_it_was(food: Food) -> None:
    kind = kind_of(Food)
    assert kind.load(kind.check(plain(food)), None) == food


# What cannot be a schema


class Number(RootModel[int]):
    """No object."""


BROKEN = {"title": "X", "type": "object", "properties": {"a": {"type": "strng"}}}
DANGLING = {"title": "X", "type": "object", "properties": {"a": {"$ref": "#/$defs/Y"}}}


@pytest.mark.parametrize(
    "schema",
    [5, None, "Memory", int, list[str], Number, Cuisine, {}, {"type": "object"}, BROKEN, DANGLING],
)
def test_what_cannot_be_a_schema_is_refused_at_once(schema: Any) -> None:
    with pytest.raises(ConfigurationError):
        memory_schemas([schema])


def test_the_standard_library_s_typed_dict_cannot_hold_itself_before_python_3_12() -> None:
    try:
        assert kind_of(OldChain).check({"link": None}) == {"link": None}
    except ConfigurationError as error:
        assert "typing_extensions" in str(error)  # noqa: PT017 - which of the two depends on Python


def test_one_schema_needs_no_list() -> None:
    assert [kind.name for kind in memory_schemas(Food)] == ["Food"]
    assert [kind.name for kind in memory_schemas(SONG)] == ["Song"]


def test_two_schemas_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="memory"):
        memory_schemas([Memory, {"title": "Memory", "properties": {}}])


def test_names_that_differ_only_in_case_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="memory"):
        memory_schemas([Memory, {"title": "memory", "properties": {}}])


# What is written reads back


class Trip(BaseModel):
    model_config = ConfigDict(extra="forbid")

    days: int
    note: str = Field(default="", exclude=True)

    @computed_field
    @property
    def nights(self) -> int:
        return self.days - 1


def test_computed_fields_are_never_stored_and_excluded_ones_never_asked_for() -> None:
    (trip,) = memory_schemas([Trip])
    assert trip.check({"days": 3}) == {"days": 3}
    assert trip.load({"days": 3, "nights": 2}, None) == Trip(days=3)
    assert trip.parameters["properties"].keys() == {"days"}


class Hidden(BaseModel):
    text: str = Field(exclude=True)


class Login(BaseModel):
    password: SecretStr


class Spelled(BaseModel):
    number: int

    @field_serializer("number")
    def _in_words(self, number: int) -> str:
        return "many" * number


class Keyring(BaseModel):
    logins: dict[str, Login] = {}


class Pairs(BaseModel):
    pair: tuple[Hidden, int] | None = None


@pytest.mark.parametrize("schema", [Hidden, Login, Spelled, Keyring, Pairs])
def test_a_schema_that_does_not_read_back_is_refused(schema: type[BaseModel]) -> None:
    with pytest.raises(ConfigurationError, match="does not read back"):
        memory_schemas([schema])


class Total(BaseModel):
    amount: int = 0

    @model_serializer
    def _as_total(self) -> dict[str, int]:
        return {"total": self.amount}


def test_a_value_that_reads_back_as_another_is_not_kept() -> None:
    (total,) = memory_schemas([Total])
    with pytest.raises(ProposalError, match="reads back as another"):
        total.check({"amount": 4})


class Journey(BaseModel):
    model_config = ConfigDict(extra="forbid")

    trips: list[Trip] = []
    first: Trip | None = None
    by_year: dict[str, Trip] = {}


def test_what_is_computed_is_left_out_at_any_depth() -> None:
    (journey,) = memory_schemas([Journey])
    trip = {"days": 3, "nights": 2}
    given = {"trips": [trip], "first": trip, "by_year": {"2026": trip}}
    bare = {"days": 3}
    assert journey.check(given) == {"trips": [bare], "first": bare, "by_year": {"2026": bare}}
    assert "nights" not in str(journey.parameters)


class Inbox(BaseModel):
    """Fields that have other names, in each of pydantic's ways."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(validation_alias=AliasChoices("from", "author"))
    sent_on: date | None = Field(None, alias="sentOn")
    tags: list[str] = []
    scores: list[int] | None = None
    nicknames: list[str] | None = None
    places: list[Shop] = []


@pytest.mark.parametrize("name", ["sender", "from", "author", "Sender", "SENDER"])
def test_a_field_is_known_by_all_of_its_names(name: str) -> None:
    (inbox,) = memory_schemas([Inbox])
    assert inbox.check({name: "Ann"})["sender"] == "Ann"
    assert inbox.unknown_fields({name: "Ann"}) == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"tags": '["a"]'}, {"tags": ["a"]}),
        ({"tags": "['a']"}, {"tags": ["a"]}),
        ({"tags": "a"}, {"tags": ["a"]}),
        ({"tags": "null"}, {"tags": []}),
        ({"tags": None}, {"tags": []}),
        ({"scores": "[1]"}, {"scores": [1]}),
        ({"scores": 1}, {"scores": [1]}),
        ({"scores": ""}, {"scores": None}),
        ({"scores": "None"}, {"scores": None}),
        ({"nicknames": "Annie"}, {"nicknames": ["Annie"]}),
        ({"places": {"name": "Ichi"}}, {"places": [{"name": "Ichi", "street": None}]}),
        ({"places": '{"Name": "Ichi"}'}, {"places": [{"name": "Ichi", "street": None}]}),
        ({"places": ['{"name": "Ichi"}']}, {"places": [{"name": "Ichi", "street": None}]}),
        ({"places": {"item": [{"name": "Ichi"}]}}, {"places": [{"name": "Ichi", "street": None}]}),
    ],
)
def test_a_list_is_understood_in_the_forms_models_give_it(
    given: dict[str, Any], kept: dict[str, Any]
) -> None:
    (inbox,) = memory_schemas([Inbox])
    checked = inbox.check({"sender": "Ann", **given})
    assert {name: checked[name] for name in kept} == kept


def test_several_words_for_a_list_are_a_complaint() -> None:
    (inbox,) = memory_schemas([Inbox])
    with pytest.raises(ProposalError, match="tags"):
        inbox.check({"sender": "Ann", "tags": "a, b"})


class Answers(BaseModel):
    age: int | None = None
    shop: Shop | None = None
    diet: Literal["No meat", "Vegan", "vegan!"] | None = None
    mood: str = ""


@pytest.mark.parametrize("given", [{"age": "forty"}, {"shop": "Ichi"}])
def test_a_text_that_is_no_such_value_is_a_complaint_and_never_null(given: Any) -> None:
    with pytest.raises(ProposalError, match="Input should be a"):
        kind_of(Answers).check(given)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"diet": "NO_MEAT"}, {"diet": "No meat"}),
        ({"diet": ["no meat"]}, {"diet": "No meat"}),
        ({"mood": "good"}, {"mood": "good"}),
    ],
)
def test_a_choice_is_understood_in_other_letters(
    given: dict[str, Any], kept: dict[str, Any]
) -> None:
    checked = kind_of(Answers).check(given)
    assert {name: checked[name] for name in kept} == kept


class Walker(BaseModel):
    name: str
    dog: str | None
    shoes: Shop | None


def test_what_must_be_there_and_is_left_out_is_null_where_it_may_be() -> None:
    assert kind_of(Walker).check({"name": "Ann"}) == {"name": "Ann", "dog": None, "shoes": None}
    assert "name: Field required" in complaint(Walker, {"dog": "Rex"})


@pytest.mark.parametrize("diet", ["VEGAN", "fruit", "?"])
def test_a_choice_that_may_be_one_of_several_or_none_is_a_complaint(diet: str) -> None:
    assert "diet" in complaint(Answers, {"diet": diet})


class Reminder(BaseModel):
    model_config = ConfigDict(ser_json_timedelta="float", ser_json_temporal="seconds")

    every: timedelta
    first: datetime
    days: Json[list[int]] = []


def test_what_is_written_in_another_form_that_reads_back_is_no_fault() -> None:
    given = {"every": 90.5, "first": 1_700_000_000, "days": "[1, 2]"}
    reminder = kind_of(Reminder)
    assert reminder.load(reminder.check(given), None) == Reminder.model_validate(given)


def test_a_json_schema_may_say_true_for_anything_and_false_for_nothing() -> None:
    pair = {"type": "array", "prefixItems": [True], "items": False}
    fields = {"any": True, "none": False, "pair": pair, "one": {"anyOf": [True]}}
    (kind,) = memory_schemas([{"title": "Note", "type": "object", "properties": fields}])
    note = {"any": {"a": [1]}, "pair": ["x"], "one": 2}
    assert kind.check(note) == note
    for wrong in ({"none": 1}, {"pair": "x"}, {"pair": [1, 2]}):
        with pytest.raises(ProposalError):
            kind.check(wrong)


def test_a_json_schema_is_checked_by_the_draft_it_names() -> None:
    ends = {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}
    above = {"type": "number", "minimum": 0, "exclusiveMinimum": True}
    draft = "http://json-schema.org/draft-04/schema#"
    properties = {"ends": ends, "size": above}
    line = {"$schema": draft, "title": "Line", "type": "object", "properties": properties}
    assert kind_of(line).check({"ends": ["a", 1], "size": 1}) == {"ends": ["a", 1], "size": 1}
    assert "size" in complaint(line, {"size": 0})


REACHED: dict[str, Any] = {
    "title": "Contact",
    "type": "object",
    "properties": {"name": {"type": "string"}, "by": {"type": "string"}},
    "required": ["name"],
    "oneOf": [
        {"properties": {"by": {}, "kind": {"const": "mail"}}, "required": ["kind", "by"]},
        {"properties": {"kind": {"const": "phone"}, "code": {"type": "integer"}}}
        | {"required": ["kind"]},
    ],
}


def test_alternatives_of_a_whole_object_are_shown_as_one_form_and_checked_all_the_same() -> None:
    contact = kind_of(REACHED)
    assert contact.parameters.keys() == {"type", "properties", "required"}
    assert contact.parameters["required"] == ["name", "kind"]
    assert contact.parameters["properties"] == {
        "name": {"type": "string"},
        "by": {"type": "string"},
        "kind": {"anyOf": [{"const": "mail"}, {"const": "phone"}]},
        "code": {"type": "integer"},
    }
    assert contact.check({"name": "Ann", "kind": "phone", "code": 1})
    assert complaint(REACHED, {"name": "Ann", "kind": "mail"})


def test_forms_that_belong_together_are_one() -> None:
    name: dict[str, Any] = {"properties": {"name": {"type": "string"}}, "required": ["name"]}
    age: dict[str, Any] = {"properties": {"age": {"type": "integer"}}, "required": ["age"]}
    age["type"] = "object"
    (kind,) = memory_schemas([{"title": "P", "properties": {"who": {"allOf": [name, age]}}}])
    who = kind.parameters["properties"]["who"]
    assert who["properties"].keys() == {"name", "age"}
    assert who["required"] == ["name", "age"]
    assert kind.check({"who": '{"name": "Ann", "age": 41}'}) == {"who": {"name": "Ann", "age": 41}}


def test_schemas_in_any_script_have_names_that_providers_take() -> None:
    kinds = memory_schemas([{"title": title, "properties": {}} for title in ("偏好", "经历", "3D")])
    assert len({kind.tool_name for kind in kinds}) == 3
    assert all(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_-]{0,56}", kind.tool_name) for kind in kinds)


def test_what_is_written_as_it_was_read_is_read_once() -> None:
    read: list[str] = []

    class Note(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def _trimmed(cls, text: str) -> str:
            read.append(text)
            return text.strip()

    (note,) = memory_schemas([Note])
    assert (note.check({"text": "tea"}), read) == ({"text": "tea"}, ["tea"])
    assert (note.check({"text": " ale"}), read) == ({"text": "ale"}, ["tea", " ale", "ale"])


def test_a_number_that_is_none_does_not_read_back() -> None:
    class Measure(BaseModel):
        value: float

    (measure,) = memory_schemas([Measure])
    for number in ("nan", "inf", "-inf"):
        with pytest.raises(ProposalError, match="infinite, or none"):
            measure.check({"value": float(number)})


def test_what_is_kept_is_no_part_of_what_a_model_answered() -> None:
    (note,) = memory_schemas([{"title": "Note", "type": "object", "properties": {"tags": {}}}])
    answered = {"tags": ["tea"]}
    kept = note.check(answered)
    answered["tags"].append("ale")
    assert kept == {"tags": ["tea"]}


class Errand(BaseModel):
    what: str
    shop: Shop | None = None
    days: int = 1
    more: list[str] = []


VALUES = st.sampled_from(["tea", "{}", '{"name": "A", "zip": 1}', "[1]", "null", "", 7, 0.5, None])


@given(st.dictionaries(st.sampled_from(["what", "shop", "days", "What", "zip"]), VALUES))
def test_fields_that_would_be_lost_are_known_in_every_form(content: dict[str, Any]) -> None:
    (errand,) = memory_schemas([Errand])
    in_full: dict[str, Any] = {
        **content,
        "more": [],
    }  # of texts and numbers alone much is known at a glance
    assert errand.unknown_fields(content) == errand.unknown_fields(in_full)
