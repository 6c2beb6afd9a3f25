"""Payloads as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from threading import Lock
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, ConfigDict

from longterm.errors import InvalidInputError
from longterm.reflect.durable.codec import decode_payload, encode_payload, portable_config

_leaf = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
_keys = st.text() | st.just("$longterm") | st.integers()
_data: st.SearchStrategy[Any] = st.recursive(
    _leaf,
    lambda inner: (
        st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(_keys, inner, max_size=4)
    ),
    max_leaves=12,
)


@given(_data)
def test_plain_data_comes_back_as_it_was(value: object) -> None:
    assert decode_payload(encode_payload(value)) == value


MESSAGES: list[BaseMessage] = [
    HumanMessage(
        [{"type": "text", "text": "hi"}, {"type": "image_url", "image_url": {"url": "u"}}]
    ),
    AIMessage(
        "",
        id="m1",
        tool_calls=[{"name": "search", "args": {"q": "味噌"}, "id": "c1"}],
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
        response_metadata={"finish_reason": "tool_calls"},
    ),
    ToolMessage("found", tool_call_id="c1", artifact={"rows": [1, 2]}),
]


def test_messages_come_back_as_messages() -> None:
    payload = {"messages": [*MESSAGES, ("user", "more"), {"role": "user", "content": "x"}]}
    assert decode_payload(encode_payload(payload)) == payload


def test_nothing_is_pickled() -> None:
    text = encode_payload({"messages": MESSAGES})
    assert "pickle" not in text
    assert json.loads(text)["messages"][0]["$longterm"] == "message"


class Colour(Enum):
    RED = "red"


class Model(BaseModel):
    when: datetime


@dataclass
class Point:
    x: int


def test_what_has_a_plain_form_takes_it() -> None:
    when = datetime(2026, 3, 1, tzinfo=UTC)
    values = [Colour.RED, Model(when=when), Point(1), UUID(int=1), when, {1}]
    assert decode_payload(encode_payload(values)) == [
        "red",
        {"when": "2026-03-01T00:00:00Z"},
        {"x": 1},
        str(UUID(int=1)),
        "2026-03-01T00:00:00+00:00",
        [1],
    ]


def test_what_has_none_is_refused_with_its_place() -> None:
    with pytest.raises(InvalidInputError, match=r"payload\.messages\[1\]\.file is a object"):
        encode_payload({"messages": ["fine", {"file": object()}]})


class Mine(HumanMessage):
    """A message that LangChain cannot tell from its stored form."""

    type: Any = "mine"


@dataclass
class Holder:
    held: object


class Wrapper(BaseModel):
    model_config = ConfigDict(arbitrary_types_allowed=True)
    held: Any


@pytest.mark.parametrize(
    "value", [Mine(content="x"), Holder(Lock()), Wrapper(held=Lock()), b"image"]
)
def test_what_could_not_be_read_again_is_refused_too(value: object) -> None:
    with pytest.raises(InvalidInputError, match=r"payload\[0\].* cannot be stored as JSON"):
        encode_payload([value])


def test_a_config_leaves_out_what_nobody_could_store() -> None:
    circle: dict[str, Any] = {}
    circle["self"] = circle
    values = {"holder": Holder(Lock()), "wrapper": Wrapper(held=Lock()), "circle": circle}
    stored, missing = portable_config(RunnableConfig(configurable={"user_id": "ann", **values}))
    assert stored.get("configurable") == {"user_id": "ann"}
    assert missing == [f"configurable.{name}" for name in values]


def test_broken_text_comes_back_as_it_was() -> None:
    assert decode_payload(encode_payload("half a \ud83d pair")) == "half a \ud83d pair"
    encode_payload("half a \ud83d pair").encode()


def test_a_config_keeps_what_can_be_stored_and_names_the_rest() -> None:
    config = RunnableConfig(
        configurable={"user_id": "ann", "client": object()},
        metadata={"source": "chat", "trace": object()},
        tags=["a"],
        callbacks=[],
    )
    stored, missing = portable_config(config)
    assert stored == {
        "configurable": {"user_id": "ann"},
        "metadata": {"source": "chat"},
        "tags": ["a"],
    }
    assert missing == ["metadata.trace", "configurable.client"]
