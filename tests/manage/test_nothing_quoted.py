"""No warning, log or error of ours quotes what was said, remembered or answered."""

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from heard import heard_of
from hypothesis import given, settings, strategies as st
from langchain_core.messages import AIMessage
from langgraph.store.memory import InMemoryStore
from pydantic import BaseModel, Field, field_validator
from pydantic_core import PydanticCustomError

from longterm import create_memory_manager, create_memory_store_manager, create_thread_extractor
from longterm.errors import ExtractionError, LongtermError
from longterm.stores import EmbeddedStore
from longterm.testing import ScriptedChatModel, tool_calls

WORD = "zanzibar"  # what a user said; it stands in every answer of the model, too
SAID = f"My safe word is {WORD}."


class Note(BaseModel):
    """A note."""

    text: str = Field(max_length=40)
    level: int = 0

    @field_validator("text")
    @classmethod
    def _its_own_words(cls, text: str) -> str:
        if "bad" in text:
            raise ValueError(f"{text} is bad")
        if "worse" in text:
            raise PydanticCustomError("worse", "{text} is worse", {"text": text})
        return text


values: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from([WORD, f"bad {WORD}", f"worse {WORD}", f"{WORD} " * 20, 5, None, 0]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["text", "level", "content", WORD]), inner, max_size=2)
    ),
    max_leaves=4,
)
names = st.sampled_from(
    [
        "Note",
        "update_Note",
        "delete_memory",
        "PatchDoc",
        WORD,
        f"remember_{WORD}",
        f"a {WORD}",
    ]
)
arguments = st.dictionaries(
    st.sampled_from(
        [
            "text",
            "level",
            "number",
            "changes",
            "content",
            "json_doc_id",
            "patches",
            WORD,
        ]
    ),
    values,
    max_size=4,
)
operations = st.dictionaries(
    st.sampled_from(["action", "kind", "number", "content", "changes", "text", WORD]), values
)
calls = st.lists(st.tuples(names, arguments), min_size=1, max_size=3)
answers: st.SearchStrategy[AIMessage] = st.one_of(
    calls.map(lambda some: tool_calls(*some)),
    st.lists(operations, max_size=3).map(lambda some: AIMessage(json.dumps({"operations": some}))),
    st.sampled_from(
        [
            AIMessage(f"No, {WORD}!"),
            AIMessage([{"type": "refusal", "refusal": f"I will not say {WORD}."}]),
            AIMessage(f'{{"operations": [{{"action": "{WORD}'),
            AIMessage(f"Note(text='{WORD}', {WORD}=2)"),
        ]
    ),
)


def heard(work: Callable[[], Any]) -> str:
    """Return all that *work* warns of, logs and raises."""
    raised = ""
    with heard_of("longterm") as lines, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            work()
        except LongtermError as error:
            raised = f"{error} {error!r}"
    return "\n".join([*(str(one.message) for one in caught), *lines, raised])


@given(st.lists(answers, min_size=4, max_size=4), st.sampled_from(["tools", "json", "text"]))
@settings(max_examples=60)
def test_whatever_a_model_answers(script: list[AIMessage], protocol: Any) -> None:
    store = InMemoryStore()
    store.put(("m",), "k", {"kind": "Note", "content": {"text": WORD, "level": 1}})
    options: dict[str, Any] = {"schemas": [Note], "enable_deletes": True, "protocol": protocol}
    on_store = create_memory_store_manager(
        ScriptedChatModel(*script), namespace=("m",), store=store, **options
    )
    manager = create_memory_manager(ScriptedChatModel(*script), **options)
    assert WORD not in heard(lambda: on_store.invoke(SAID))
    assert WORD not in heard(lambda: manager.invoke({"messages": SAID, "existing": [WORD]}))
    extractor = create_thread_extractor(ScriptedChatModel(*script), schema=Note)
    assert WORD not in heard(lambda: extractor.invoke({"messages": SAID}))
    assert WORD not in repr((on_store, manager, extractor))


def test_what_was_left_out_is_in_the_report() -> None:
    answer = tool_calls(("Note", {"text": f"bad {WORD}"}))
    manager = create_memory_manager(ScriptedChatModel(answer, answer, answer), schemas=[Note])
    with pytest.warns(match="does not pass a check of its schema"):
        result: Any = manager.invoke({"messages": SAID})
    [dropped] = result.report.dropped
    assert WORD in dropped.said
    assert f"bad {WORD} is bad" in dropped.reason


def test_a_thread_without_a_value_is_an_error_that_quotes_nothing() -> None:
    answer = tool_calls(("Note", {"text": f"bad {WORD}"}))
    extractor = create_thread_extractor(ScriptedChatModel(answer, answer, answer), schema=Note)
    with pytest.raises(ExtractionError, match="does not pass a check") as raised:
        extractor.invoke({"messages": SAID})
    assert WORD not in str(raised.value)


@pytest.mark.parametrize(
    "filter",
    [{"a": {"$gt": [WORD]}}, {"a": {"$in": WORD}}, {"$or": WORD}, {"a": {"$nin": {WORD: 1}}}],
)
def test_a_wrong_filter_is_not_quoted(filter: Any) -> None:
    with EmbeddedStore(":memory:") as store:
        said = heard(lambda: store.search(("m",), filter=filter))
    assert said.strip()
    assert WORD not in said


@pytest.mark.parametrize("existing", [[{WORD}], [object], [(WORD, WORD, WORD, WORD)]])
def test_what_is_no_memory_is_not_quoted(existing: Any) -> None:
    manager = create_memory_manager(ScriptedChatModel(tool_calls()))
    said = heard(lambda: manager.invoke({"messages": SAID, "existing": existing}))
    assert "not a memory" in said
    assert WORD not in said
