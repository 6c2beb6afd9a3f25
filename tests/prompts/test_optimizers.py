"""Optimisers ask little, understand odd answers, and never break a prompt."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
from langchain_core.messages import AIMessage

from longterm.errors import ConfigurationError
from longterm.prompts import create_multi_prompt_optimizer, create_prompt_optimizer
from longterm.testing import Asked, ScriptedChatModel, tool_calls
from longterm.types import Prompt

TALK = [
    {"role": "user", "content": "Explain {this}"},
    {"role": "assistant", "content": "It is complicated."},
]
TRAJECTORIES = [(TALK, "too short")]
YES = (
    "<warrants_adjustment>yes</warrants_adjustment>"
    "<hypotheses>no rule on length</hypotheses>"
    "<recommendations>ask for examples</recommendations>"
)
HELP = "Help {name}, with examples."
NEW = "<improved_prompt>\nHelp {name}, with examples.\n</improved_prompt>"
OLD = "Help {name}."
KINDS = ("gradient", "metaprompt", "prompt_memory")


def optimized(*replies: Any, kind: Any = "gradient", prompt: Any = OLD, **config: Any) -> Any:
    model = ScriptedChatModel(*replies)
    optimizer = create_prompt_optimizer(model, kind=kind, config=config)
    result = optimizer.invoke({"trajectories": TRAJECTORIES, "prompt": prompt})
    assert len(model.asked) == len(replies), "every scripted reply is one needed call"
    return result


def test_a_misspelt_option_is_named_with_the_one_that_was_meant() -> None:
    with pytest.warns(UserWarning, match="'max_reflexion_steps'.*'max_reflection_steps'"):
        create_prompt_optimizer(ScriptedChatModel(), config={"max_reflexion_steps": 1})


# ---- calls ----


def test_gradient_thinks_advises_and_updates() -> None:
    assert optimized("hm", YES, NEW) == "Help {name}, with examples."


def test_gradient_stops_where_nothing_went_wrong() -> None:
    assert optimized("hm", "<warrants_adjustment>no</warrants_adjustment>") == OLD
    assert optimized("hm", "No recommendations.", max_reflection_steps=2) == OLD


def test_gradient_may_advise_at_once() -> None:
    replies = (YES, NEW)
    new = optimized(*replies, max_reflection_steps=1, min_reflection_steps=0)
    assert new == "Help {name}, with examples."
    assert optimized(YES, NEW, max_reflection_steps=1, min_reflection_steps=4) == new


@pytest.mark.parametrize("most", [1, 2, 3])
def test_gradient_takes_advice_without_form_after_its_last_step(most: int) -> None:
    replies = ["It should give examples."] * most
    assert optimized(*replies, NEW, max_reflection_steps=most) != OLD


def test_gradient_thinks_as_often_as_asked() -> None:
    new = optimized("hm", YES, YES, NEW, min_reflection_steps=2, max_reflection_steps=5)
    assert new == "Help {name}, with examples."


def test_metaprompt_stops_when_it_has_its_answer() -> None:
    assert optimized("hm", NEW, kind="metaprompt") == "Help {name}, with examples."
    one = {"max_reflection_steps": 1, "min_reflection_steps": 0}
    assert optimized(NEW, kind="metaprompt", **one) == "Help {name}, with examples."


def test_prompt_memory_asks_once() -> None:
    assert optimized(NEW, kind="prompt_memory") == "Help {name}, with examples."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nothing", [[], "", None])
def test_no_trajectories_cost_no_call(kind: Any, nothing: Any) -> None:
    optimizer = create_prompt_optimizer(ScriptedChatModel(), kind=kind)
    assert optimizer.invoke({"trajectories": nothing, "prompt": OLD}) == OLD


@pytest.mark.parametrize("kind", KINDS)
async def test_called_and_async_it_does_the_same(kind: Any) -> None:
    steps = {"max_reflection_steps": 1, "min_reflection_steps": 0}
    replies = [YES, NEW] if kind == "gradient" else [NEW]
    optimizer = create_prompt_optimizer(ScriptedChatModel(*replies), kind=kind, config=steps)
    new = await optimizer(TRAJECTORIES, {"name": "main", "prompt": OLD})
    assert new == "Help {name}, with examples."


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_error_comes_through_once(kind: Any) -> None:
    with pytest.raises(TimeoutError):
        optimized(TimeoutError("slow"), kind=kind)


# ---- what the model is shown ----


def test_the_model_sees_the_prompt_the_advice_on_it_and_what_happened() -> None:
    model = ScriptedChatModel(NEW)
    optimizer = create_prompt_optimizer(model, kind="prompt_memory")
    prompt: Prompt = {"name": "x", "prompt": OLD, "update_instructions": "be brief"}
    optimizer.invoke({"trajectories": TRAJECTORIES, "prompt": prompt})
    text = model.asked[0].text
    assert all(part in text for part in (OLD, "be brief", "too short", "Explain {this}"))
    assert "placeholders: {name}. Keep" in text


def test_prompts_of_ones_own_are_used() -> None:
    model = ScriptedChatModel(YES, NEW)
    config = {
        "gradient_prompt": 'Judge {prompt} as {"json": 1}: {trajectories}',
        "metaprompt": "Apply {recommendations} for {hypotheses} to {current_prompt} {{now}}",
        "max_reflection_steps": 1,
    }
    optimizer = create_prompt_optimizer(model, config=config)
    optimizer.invoke({"trajectories": TRAJECTORIES, "prompt": OLD})
    assert model.asked[0].text.startswith('Judge Help {name}. as {"json": 1}: <trajectory')
    applied = "Apply ask for examples for no rule on length to Help {name}. {now}"
    assert model.asked[1].text.startswith(applied)


# ---- odd answers ----


@pytest.mark.parametrize(
    "reply",
    [
        NEW,
        "<think>or <improved_prompt>x</improved_prompt>?</think>" + NEW,
        "Here it is:\n```\n<improved_prompt>\n```text\nHelp {name}, with examples.\n```",
        "<IMPROVED_PROMPT>Help {name}, with examples.</Improved_Prompt> Hope that helps!",
        '{"analysis": "short", "improved_prompt": "Help {name}, with examples."}',
        '```json\n{"new_prompt": "Help {name}, with examples.",}\n```',
        tool_calls(("Output", {"improved_prompt": "Help {name}, with examples."})),
        AIMessage(
            [{"type": "tool_use", "id": "1", "name": "Output", "input": {"new_prompt": HELP}}]
        ),
        AIMessage([{"type": "text", "text": NEW}]),
        NEW + " I did not leave <improved_prompt></improved_prompt> empty.",
    ],
)
def test_a_prompt_is_found_in_every_form(reply: Any) -> None:
    assert optimized(reply, kind="prompt_memory") == "Help {name}, with examples."


@pytest.mark.parametrize("around", ["{}", "```xml\n{}\n```", "Here it is:\n{}\nHope that helps!"])
def test_a_prompt_may_speak_of_the_tags_around_it(around: str) -> None:
    new = "Help {name}. Put it between <improved_prompt> and </improved_prompt>, and no more."
    tagged = f"<improved_prompt>\n{new}\n</improved_prompt>"
    assert optimized(around.replace("{}", tagged), kind="prompt_memory") == new


@pytest.mark.parametrize(
    "reply",
    [
        "<improved_prompt></improved_prompt>",
        "<improved_prompt>\n…\n</improved_prompt>",
        "<improved_prompt>Help {name}.\n</improved_prompt>",
        '{"logic": "fine", "update_prompt": false, "new_prompt": ""}',
        '{"update_prompt": "False", "new_prompt": "Broken"}',
        tool_calls(("Response", {"update_prompt": False, "new_prompt": ""})),
    ],
)
@pytest.mark.parametrize("kind", ["metaprompt", "prompt_memory"])
def test_a_model_that_changes_nothing_is_taken_at_its_word(reply: Any, kind: Any) -> None:
    assert optimized(reply, kind=kind, max_reflection_steps=1) == OLD


@pytest.mark.parametrize(
    "reply",
    [
        YES,
        tool_calls(("recommend", {"warrants_adjustment": True, "full_recommendations": "more"})),
        '{"warrants_adjustment": true, "recommendations": "more"}',
        "<recommendations>more",
    ],
)
def test_advice_is_found_in_every_form(reply: Any) -> None:
    assert optimized("hm", reply, NEW) != OLD


def test_thinking_by_tool_calls_goes_on_as_text() -> None:
    replies = (tool_calls(("think", {"thought": "why?"})), YES, NEW)
    assert optimized(*replies) != OLD


# ---- placeholders ----


@pytest.mark.parametrize("kind", KINDS)
def test_a_lost_placeholder_is_mended_by_asking_once_more(kind: Any) -> None:
    def mend(asked: Asked) -> str:
        assert "It lost {name}" in asked.text
        return NEW

    before = [YES] if kind == "gradient" else []
    broken = "<improved_prompt>Help, with examples.</improved_prompt>"
    new = optimized(*before, broken, mend, kind=kind, max_reflection_steps=1)
    assert new == "Help {name}, with examples."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "broken", ["Help.", "<improved_prompt>Help {name} of {town}</improved_prompt>", ""]
)
def test_a_prompt_that_stays_broken_leaves_the_old_one(kind: Any, broken: str) -> None:
    before = [YES] if kind == "gradient" else []
    with pytest.warns(RuntimeWarning, match="stays as it was"):
        assert optimized(*before, broken, broken, kind=kind, max_reflection_steps=1) == OLD


ENDS = ("length", "content_filter", "MALFORMED_FUNCTION_CALL")


def ended(text: str, reason: str) -> AIMessage:
    return AIMessage(text, response_metadata={"finish_reason": reason})


@pytest.mark.parametrize("reason", ENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_half_a_prompt_is_never_taken_for_a_whole_one(kind: Any, reason: str) -> None:
    before = [YES] if kind == "gradient" else []
    half = ended("<improved_prompt>Help {name}, and never", reason)
    assert optimized(*before, half, NEW, kind=kind, max_reflection_steps=1) == (
        "Help {name}, with examples."
    )
    with pytest.warns(RuntimeWarning, match=r"stays as it was\. .* before its end"):
        assert optimized(*before, half, half, kind=kind, max_reflection_steps=1) == OLD


@pytest.mark.parametrize("answer", ["", ended("I wi", "content_filter"), "I'm sorry, but I can't."])
def test_a_review_that_fails_is_no_advice_and_not_taken_for_nothing_to_change(answer: Any) -> None:
    with pytest.warns(RuntimeWarning, match="stays as it was"):
        assert optimized(answer, max_reflection_steps=1) == OLD


def test_json_and_escaped_braces_survive() -> None:
    old = 'Help {name}. Answer as {{"a": 1}}.'
    reply = '<improved_prompt>Help {name} well. Answer as {"a": {"b": 1}}.</improved_prompt>'
    new = optimized(reply, kind="prompt_memory", prompt=old)
    assert new == 'Help {name} well. Answer as {{"a": {{"b": 1}}}}.'
    raw = 'Answer as {"a": 1}.'
    reply = '<improved_prompt>Answer only as {"a": 1}.</improved_prompt>'
    assert optimized(reply, kind="prompt_memory", prompt=raw) == 'Answer only as {"a": 1}.'


def test_options_that_cannot_work_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no optimiser of kind 'magic'"):
        create_prompt_optimizer(ScriptedChatModel(), kind="magic")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="max_reflection_steps"):
        create_prompt_optimizer(ScriptedChatModel(), config={"max_reflection_steps": 0})


# ---- several prompts ----

PROMPTS: list[Any] = [
    {"name": "research", "prompt": "Research {topic}", "when_to_update": "facts are wrong"},
    {"name": "write", "prompt": "Write", "update_instructions": "stay brief", "owner": "ann"},
    {"name": "check", "prompt": "Check"},
]
WRITTEN = "<improved_prompt>Write with examples</improved_prompt>"


def several(*replies: Any, prompts: Any = PROMPTS) -> Any:
    model = ScriptedChatModel(*replies)
    optimizer = create_multi_prompt_optimizer(model, kind="prompt_memory")
    result = optimizer.invoke({"trajectories": TRAJECTORIES, "prompts": prompts})
    assert len(model.asked) == len(replies)
    return result


@pytest.mark.parametrize(
    "which",
    [
        "<which>write</which>",
        "<which>- `Write`\n- unknown</which>",
        '{"reasoning": "short", "which": ["write"]}',
        '{"which": [{"name": "write", "why": "long"}]}',
        "<which>write.</which>",
        tool_calls(("Classify", {"reasoning": "short", "which": ["write"]})),
    ],
)
def test_only_the_prompt_that_is_to_blame_changes(which: Any) -> None:
    result = several(which, WRITTEN)
    assert result == [PROMPTS[0], {**PROMPTS[1], "prompt": "Write with examples"}, PROMPTS[2]]


@pytest.mark.parametrize(
    "which",
    ["<which></which>", "<which>None.</which>", "<which>-\n- none</which>", '{"which": []}'],
)
def test_no_prompt_may_be_to_blame(which: str) -> None:
    assert several(which) == PROMPTS


def test_the_choice_knows_when_and_how_prompts_change() -> None:
    def choose(asked: Asked) -> str:
        assert "facts are wrong" in asked.text
        assert "stay brief" in asked.text
        return "<which></which>"

    several(choose)


def test_an_unclear_choice_is_asked_for_again_and_else_changes_nothing() -> None:
    assert several("the second", "<which>write</which>", WRITTEN)[1]["prompt"] != "Write"
    with pytest.warns(RuntimeWarning, match="did not say which"):
        assert several("the second", "<which>second</which>") == PROMPTS


def test_half_a_choice_is_an_unclear_one() -> None:
    half = ended("<which>write", "length")
    assert several(half, "<which>write, check</which>", WRITTEN, WRITTEN)[2] != PROMPTS[2]


@pytest.mark.parametrize("which", ["7", "true", "null", "[[1]]"])
def test_a_choice_of_no_known_form_is_an_unclear_one(which: str) -> None:
    with pytest.warns(RuntimeWarning, match="did not say which"):
        assert several(f'{{"which": {which}}}', "?") == PROMPTS


def test_a_name_may_hold_a_comma() -> None:
    prompts = [{"name": "plan, act", "prompt": "Plan"}, PROMPTS[2]]
    result = several("<which>plan, act</which>", WRITTEN, prompts=prompts)
    assert [one["prompt"] for one in result] == ["Write with examples", "Check"]


def test_a_prompt_that_stands_alone_needs_no_choice() -> None:
    assert several(WRITTEN, prompts=[PROMPTS[1]])[0]["prompt"] == "Write with examples"
    assert several("<which></which>", prompts=[PROMPTS[0]]) == [PROMPTS[0]]
    assert several(prompts=[]) == []


def test_prompts_may_be_texts() -> None:
    assert several("<which>prompt_2</which>", WRITTEN, prompts=["a", "b"]) == [
        "a",
        "Write with examples",
    ]


async def test_several_prompts_are_rewritten_side_by_side() -> None:
    def rewrite(asked: Asked) -> str:
        name = "research" if "Research {topic}" in asked.text else "check"
        placeholder = " {topic}" if name == "research" else ""
        return f"<improved_prompt>{name} better{placeholder}</improved_prompt>"

    model = ScriptedChatModel("<which>check, research</which>", rewrite, rewrite)
    optimizer = create_multi_prompt_optimizer(model, kind="metaprompt", config=ONE_STEP)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = await optimizer(TRAJECTORIES, PROMPTS)
    texts = [prompt["prompt"] for prompt in result]
    assert texts == ["research better {topic}", "Write", "check better"]


ONE_STEP = {"max_reflection_steps": 1, "min_reflection_steps": 0}
