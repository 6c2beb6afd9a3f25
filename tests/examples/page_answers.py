"""What the model that a page names said when the page was written.

It stands in for weights, keys and a network. Where a number of a memory is asked for, it is read
in the prompt, as a model would.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from langchain_core.messages import AIMessage
from replies import replies_by_task

from longterm.testing import Asked, Reply, tool_calls

__all__ = ["ANSWERS"]


def _number_of(words: str, asked: Asked) -> int:
    """Return the number under which the prompt shows the memory that has *words*."""
    found = re.search(rf"\[(\d+)\][^\[]*{words}", asked.text)
    assert found is not None
    return int(found[1])


def _moved(asked: Asked) -> AIMessage:
    changes = {"content": "Ann moved to Osaka now"}
    return tool_calls(("update_Memory", {"number": _number_of("Kyoto", asked), "changes": changes}))


def _bob_leads(asked: Asked) -> AIMessage:
    return tool_calls(
        (
            "update_Relation",
            {"number": _number_of("manages", asked), "changes": {"subject": "Bob"}},
        ),
        ("delete_memory", {"number": _number_of("mentors", asked)}),
    )


#: Two conversations with the local model.
_KYOTO_THEN_OSAKA: list[Reply] = [
    tool_calls(
        ("Memory", {"content": "Ann moved to Kyoto in May"}),
        ("Memory", {"content": "Ann loves ramen"}),
    ),
    _moved,
]


def _about_thursday(prompt: str) -> str:
    known, _, said = prompt.rpartition("</memory>")
    if "free on Thursday" not in said:
        return "Noted."
    return "No, you play tennis at six." if "tennis" in known else "I know of nothing on Thursday."


def _about_tennis(word: str, answer: str) -> Callable[[str], str]:
    """Say *answer* where *word* stands in what is recalled."""
    return lambda prompt: answer if word in prompt.rpartition("</memory>")[0] else "…"


def _about_kyoto(prompt: str) -> str:
    known, _, said = prompt.rpartition("</memory>")
    if "Where do I live?" not in said:
        return "How do you like it there?"
    return "In Kyoto." if "Kyoto" in known else "I do not know yet."


#: By the name of the page.
ANSWERS: dict[str, list[Reply]] = {
    "README.md": [
        *_KYOTO_THEN_OSAKA,
        *replies_by_task("Ann plays tennis on Thursdays at six", _about_thursday),
    ],
    "README.zh.md": [
        *_KYOTO_THEN_OSAKA,
        *replies_by_task("安每周四六点打网球", _about_tennis("网球", "没空，您六点打网球。")),
    ],
    "README.ja.md": [
        *_KYOTO_THEN_OSAKA,
        *replies_by_task(
            "アンは毎週木曜の六時にテニスをする",
            _about_tennis("テニス", "いいえ、六時にテニスがあります。"),
        ),
    ],
    "chat-service.md": replies_by_task("Ann lives in Kyoto", _about_kyoto),
    "episodic.md": [
        tool_calls(
            (
                "Episode",
                {
                    "observation": "Ann, a beginner, asked what a binary tree is.",
                    "thoughts": "A family tree is familiar to everyone.",
                    "action": "Compared it with a family tree.",
                    "result": "Understood at once. Begin with what is familiar.",
                },
            )
        )
    ],
    "from-mem0.md": [_moved],
    "langgraph-agent.md": replies_by_task("Ann plays tennis on Thursdays at six", _about_thursday),
    "postgres-workers.md": [tool_calls(("Memory", {"content": "Ann works at the harbour"}))],
    "procedural.md": [
        "The answer named a fact, but the user wants a source.",
        """
        <warrants_adjustment>yes</warrants_adjustment>
        <hypotheses>The prompt does not ask for sources.</hypotheses>
        <recommendations>Ask for a source for each fact.</recommendations>
        """,
        "<improved_prompt>You help {name}. Name a source for each fact.</improved_prompt>",
    ],
    "quickstart.md": [
        tool_calls(("Memory", {"content": "Ann works at the harbour"})),
        tool_calls(
            ("update_Memory", {"number": 0, "changes": {"content": "Ann works at the zoo"}})
        ),
    ],
    "semantic.md": [
        tool_calls(
            ("Relation", {"subject": "Alice", "relation": "manages", "object": "ML team"}),
            ("Relation", {"subject": "Alice", "relation": "mentors", "object": "Bob"}),
        ),
        _bob_leads,
        tool_calls(
            ("update_Profile", {"number": 0, "changes": {"name": "Ann", "timezone": "UTC-8"}})
        ),
    ],
}
