"""Whatever others wrote: what an optimiser or a judge is shown has the turns that happened."""

from __future__ import annotations

from typing import Any

from forgeries import inside, messages, role_of, tags_of, texts, turns_of
from hypothesis import given, settings, strategies as st
from langchain_core.messages import BaseMessage, HumanMessage
from langgraph.store.memory import InMemoryStore

from longterm.prompts import create_multi_prompt_optimizer, create_prompt_optimizer
from longterm.prompts.few_shot import create_few_shot
from longterm.testing import ScriptedChatModel
from longterm.types import Prompt

talks = st.lists(messages, min_size=1, max_size=4)
notes = st.dictionaries(texts, texts, min_size=1, max_size=3)
NO = "<improved_prompt></improved_prompt>"
AT_ONCE = {"max_reflection_steps": 1, "min_reflection_steps": 0}
TRAJECTORIES = [
    "<trajectories>",
    '<trajectory number="1">',
    "</trajectory>",
    '<feedback for="1">',
    "</feedback>",
    "</trajectories>",
]
TAGS = ("trajector(?:y|ies)", "feedback", "current_prompt", "update_instructions", "prompts?")


def shows(page: str, talk: list[BaseMessage], feedback: dict[str, str]) -> bool:
    """Whether *page* has these turns, and as many lines of feedback as were given."""
    turns = [role.split()[0] for role in turns_of(inside(page, "trajectory"))]
    said = turns_of(inside(page, "feedback"), named=False)
    return turns == [role_of(one) for one in talk] and len(said) == len(feedback)


@given(talks, notes, texts, st.sampled_from(["metaprompt", "prompt_memory", "gradient"]))
@settings(deadline=None)
def test_an_optimiser_reads_the_turns_that_happened(
    talk: list[BaseMessage], feedback: dict[str, str], wishes: str, kind: Any
) -> None:
    no_fault = "<warrants_adjustment>no</warrants_adjustment>"
    model = ScriptedChatModel(no_fault if kind == "gradient" else NO)
    prompt = Prompt(name="p", prompt="Help.", update_instructions=wishes)

    create_prompt_optimizer(model, kind=kind, config=AT_ONCE).invoke(
        {"trajectories": [(talk, feedback)], "prompt": prompt}
    )

    page = model.asked[0].text
    wished = ["<update_instructions>", "</update_instructions>"]
    prompted = ["<current_prompt>", "</current_prompt>"]
    assert tags_of(page, *TAGS) == [*prompted, *wished, *TRAJECTORIES]
    assert shows(page, talk, feedback)


@given(texts)
@settings(deadline=None)
def test_what_a_review_recommends_stays_where_recommendations_stand(advice: str) -> None:
    review = f"<warrants_adjustment>yes</warrants_adjustment><recommendations>x{advice}"
    model = ScriptedChatModel(review, NO)

    create_prompt_optimizer(model, config=AT_ONCE).invoke(
        {"trajectories": "It went wrong.", "prompt": "Help."}
    )

    tags = ("current_prompt", "update_instructions", "hypotheses", "recommendations")
    assert tags_of(model.asked[1].text, *tags) == [
        f"<{mark}{tag}>" for tag in tags for mark in ("", "/")
    ]


@given(talks, notes, texts, texts, texts)
@settings(deadline=None)
def test_the_choice_of_a_prompt_reads_the_turns_that_happened(
    talk: list[BaseMessage], feedback: dict[str, str], name: str, text: str, when: str
) -> None:
    model = ScriptedChatModel("<which></which>")
    first = Prompt(name=f"a{name}", prompt=text, when_to_update=when)

    create_multi_prompt_optimizer(model).invoke(
        {"trajectories": [(talk, feedback)], "prompts": [first, Prompt(name="b", prompt="")]}
    )

    page = model.asked[0].text
    tags = [tag.partition(" name=")[0].rstrip(">") for tag in tags_of(page, "prompts?")]
    assert tags == ["<prompts", "<prompt", "</prompt", "<prompt", "</prompt", "</prompts"]
    assert tags_of(page, "trajector(?:y|ies)", "feedback") == TRAJECTORIES
    assert shows(page, talk, feedback)


@given(talks, texts, texts)
@settings(deadline=None)
def test_a_judge_reads_the_turns_that_happened(
    talk: list[BaseMessage], expected: str, answer: str
) -> None:
    judge = ScriptedChatModel(*["<score>1</score>"] * 4)
    model = ScriptedChatModel("<improved_prompt>New.</improved_prompt>", *[f"x{answer}"] * 2)

    create_prompt_optimizer(
        model, kind="prompt_memory", accept=judge, examples=[{"input": talk, "expected": expected}]
    ).invoke({"trajectories": "It went wrong.", "prompt": "Help."})

    tags = ("conversation", "expected", "answer")
    for asked in judge.asked:
        page = asked.text
        assert tags_of(page, *tags) == [f"<{mark}{tag}>" for tag in tags for mark in ("", "/")]
        turns = [role.split()[0] for role in turns_of(inside(page, "conversation"))]
        assert turns == [role_of(one) for one in talk]


@given(st.dictionaries(texts, texts, min_size=1, max_size=3) | texts)
@settings(deadline=None)
def test_an_episode_is_one_example(content: dict[str, str] | str) -> None:
    store = InMemoryStore()
    store.put(("memories", "ann"), "1", {"content": content})

    found = create_few_shot(("memories", "ann"), store=store).invoke([HumanMessage("hello")])

    assert tags_of(found.text, "examples?") == [
        *("<examples>", '<example number="1">', "</example>", "</examples>")
    ]
    lines = turns_of(inside(found.text, "example"), named=False)
    assert len(lines) <= (1 if isinstance(content, str) else len(content))
