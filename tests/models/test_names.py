"""Chat models by name, and what is wrapped around them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel, GenericFakeChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import (
    ConfigurableField,
    Runnable,
    RunnableConfig,
    RunnableLambda,
)
from typing_extensions import override

from longterm.errors import ConfigurationError, LocalModelError
from longterm.models.names import (
    ChatModel,
    adapt,
    as_model,
    bind_tools,
    default_protocol,
    innermost,
)
from longterm.testing import ScriptedChatModel


def wordy() -> GenericFakeChatModel:
    """Return a model that cannot call tools."""
    return GenericFakeChatModel(messages=iter([AIMessage("hi")]))


def profiled(**profile: Any) -> ScriptedChatModel:
    return ScriptedChatModel(profile=profile)


def test_a_model_is_taken_as_it_is() -> None:
    model = ScriptedChatModel()
    assert as_model(model) is model


def test_a_name_stands_for_the_provider_s_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    for name in ("openai:gpt-5-mini", " openai:gpt-5-mini\n", "OpenAI: gpt-5-mini"):
        model = as_model(name)
        assert isinstance(model, BaseChatModel)
        assert type(model).__name__ == "ChatOpenAI"
        assert getattr(model, "model_name", None) == "gpt-5-mini"


@pytest.mark.parametrize("name", ["nobody:knows", "no-such-model", "local:", ":", "  ", ""])
def test_an_unknown_name_says_how_to_write_one(name: str) -> None:
    with pytest.raises(ConfigurationError, match="openai:gpt-5"):
        as_model(name)


@pytest.mark.parametrize("thing", [None, 5, object(), ["openai:gpt-5"]])
def test_what_is_no_model_is_refused(thing: Any) -> None:
    with pytest.raises(ConfigurationError, match="LangChain chat model"):
        as_model(thing)


# Wrappers


def wrapped(model: ScriptedChatModel) -> list[ChatModel]:
    return [
        model.bind(stop=["x"]),
        model.with_config(tags=["t"]),
        model.with_retry(),
        model.with_fallbacks([model]),
        model.bind(stop=["x"]).with_config(tags=["t"]).with_retry(),
    ]


def test_the_model_inside_any_wrapper_is_found() -> None:
    model = ScriptedChatModel()
    assert all(innermost(outer) is model for outer in wrapped(model))


@pytest.mark.parametrize("index", range(5))
def test_tools_are_bound_inside_every_wrapper(index: int) -> None:
    model = ScriptedChatModel("ok")
    outer = adapt(wrapped(model)[index], lambda inner: inner.bind(note="inside"))
    outer.invoke("?")
    assert model.asked[0].options["note"] == "inside"


def test_bound_options_survive_adapting() -> None:
    model = ScriptedChatModel("ok")
    adapt(model.bind(stop=["x"]), lambda inner: inner.bind(note="inside")).invoke("?")
    assert model.asked[0].options == {"note": "inside", "stop": ["x"]}


def test_adapting_leaves_the_given_model_alone() -> None:
    model = ScriptedChatModel("ok")
    outer = model.bind(stop=["x"])
    adapt(outer, lambda inner: inner.bind(note="inside"))
    outer.invoke("?")
    assert "note" not in model.asked[0].options


def test_a_model_with_tools_bound_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="without bind_tools"):
        adapt(ScriptedChatModel().bind_tools([]), lambda inner: inner)


class Cohere(ScriptedChatModel):
    """Takes no tool that is a dict, as Cohere's client."""

    @property
    @override
    def _llm_type(self) -> str:
        return "cohere-chat"

    @override
    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Runnable[Any, AIMessage]:
        raise ValueError("Unsupported dict type.")


def test_tools_reach_cohere_in_the_form_of_its_api() -> None:
    model = Cohere("ok")  # pyright: ignore[reportCallIssue] - its base's init
    tool = {"type": "function", "function": {"name": "Memory", "parameters": {"type": "object"}}}
    bind_tools(model, [tool], {"tool_choice": "any"}).invoke("?")
    assert model.asked[0].tools == (tool,)
    assert model.asked[0].options == {"tool_choice": "REQUIRED"}


def test_tools_are_bound_to_the_model_that_a_call_s_config_chooses() -> None:
    one, other = ScriptedChatModel("one"), ScriptedChatModel("other")
    choice = ConfigurableField(id="which")
    either = one.configurable_alternatives(choice, default_key="one", other=other)
    outer = adapt(either.bind(stop=["x"]), lambda inner: inner.bind(note="inside"))
    assert outer.invoke("?").text == "one"
    config: RunnableConfig = {"configurable": {"which": "other"}}
    assert asyncio.run(outer.ainvoke("?", config)).text == "other"
    assert one.asked[0].options == other.asked[0].options == {"note": "inside", "stop": ["x"]}
    assert innermost(either) is one
    assert default_protocol(either) == "tools"


@dataclass
class Late:
    """Notes which model is to have its tools bound, and asks none."""

    chosen: list[str] = field(default_factory=list[str])

    def change(self, model: ChatModel) -> ChatModel:
        self.chosen.append(type(model).__name__)
        return ScriptedChatModel("ok")


def test_tools_are_bound_once_langchain_has_made_the_model_that_is_configured() -> None:
    late = Late()
    model = init_chat_model(configurable_fields="any")
    outer = adapt(model.with_retry(), late.change)
    named = {"model": "m", "model_provider": "openai", "api_key": "none"}
    outer.invoke("?", {"configurable": named})
    assert late.chosen == ["ChatOpenAI"]


# Protocols


def test_a_model_that_calls_tools_talks_by_tools() -> None:
    assert default_protocol(ScriptedChatModel()) == "tools"


def test_a_model_without_tools_talks_in_words() -> None:
    assert default_protocol(wordy()) == "text"


def test_a_model_that_says_it_has_only_structured_output_talks_json() -> None:
    assert default_protocol(profiled(tool_calling=False, structured_output=True)) == "json"


def test_a_model_that_says_it_has_neither_talks_in_words() -> None:
    assert default_protocol(profiled(tool_calling=False)) == "text"


def test_the_protocol_is_that_of_the_model_inside() -> None:
    assert {default_protocol(model) for model in wrapped(ScriptedChatModel())} == {"tools"}


def test_a_model_whose_fallback_calls_no_tools_talks_in_words() -> None:
    tools, json = ScriptedChatModel(), profiled(tool_calling=False, structured_output=True)
    assert default_protocol(tools.with_fallbacks([wordy()]).with_retry()) == "text"
    assert default_protocol(tools.with_fallbacks([json])) == "text"
    assert default_protocol(json.with_fallbacks([tools])) == "json"


def test_any_other_runnable_talks_in_words() -> None:
    def echo(_: Any) -> str:
        return "hi"

    assert default_protocol(RunnableLambda(echo)) == "text"


def test_a_local_name_is_made_by_the_composition_root() -> None:
    with pytest.raises(LocalModelError, match="neither a file nor a model we know"):
        as_model("local:no-such-model")
