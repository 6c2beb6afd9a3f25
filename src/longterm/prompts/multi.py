"""Several prompts of one system: decide which a failure belongs to, and change only those."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.steps import ask, together
from longterm.effects.warn import warn_caller
from longterm.models.names import ChatModel, as_model
from longterm.prompts.answers import field
from longterm.prompts.inputs import TAGS, as_prompt, as_trajectories, show_trajectories
from longterm.prompts.instructions import CHOOSE
from longterm.prompts.measure import Score
from longterm.prompts.rewrite import Case, Rewriter, exchange, unfinished
from longterm.prompts.single import Kind, make_rewriter
from longterm.text.placeholders import fill
from longterm.text.quoting import as_json, fenced, turn
from longterm.types import MultiPromptOptimizerInput, Prompt

__all__ = ["MultiPromptOptimizer", "create_multi_prompt_optimizer"]

_WHICH = ("which", "names", "prompts")
_BETWEEN = ",;\n"
_DRESS = r"\s\"'`*.\[\]-"
_NONE = ("", "none", "nothing", "n/a", "no", "null")


class MultiPromptOptimizer(FlowRunnable[MultiPromptOptimizerInput, list[Prompt]]):
    """Rewrites some of ``{"trajectories": …, "prompts": […]}``."""

    def __init__(self, model: ChatModel, rewriter: Rewriter) -> None:
        self.model = model
        self.rewriter = rewriter

    @override
    async def flow(self, input: MultiPromptOptimizerInput, config: RunnableConfig) -> list[Prompt]:
        given: list[Any] = list(input["prompts"])
        prompts = [as_prompt(value, f"prompt_{number}") for number, value in enumerate(given, 1)]
        conversations = as_trajectories(input.get("trajectories"))
        trajectories = show_trajectories(conversations)
        chosen = await _chosen(self.model, prompts, trajectories)
        cases = [
            Case(one, trajectories, tuple(conversations))
            for one in prompts
            if one["name"] in chosen
        ]
        texts = iter(await together([self.rewriter(case) for case in cases]))
        results: list[Any] = []
        for value, prompt in zip(given, prompts, strict=True):
            if prompt["name"] in chosen:
                text = next(texts)
                results.append(text if isinstance(value, str) else {**value, "prompt": text})
            else:
                results.append(value)
        return results

    async def __call__(
        self, trajectories: str | Sequence[Any] | None, prompts: Sequence[Prompt]
    ) -> list[Prompt]:
        """Optimise *prompts* on the running event loop."""
        return await self.ainvoke({"trajectories": trajectories, "prompts": prompts})


async def _chosen(model: ChatModel, prompts: Sequence[Prompt], trajectories: str) -> set[str]:
    """Names of the prompts to change; a prompt that stands alone needs no choice."""
    names = {prompt["name"] for prompt in prompts}
    if not trajectories or not prompts:
        return set()
    if len(prompts) == 1 and not prompts[0].get("when_to_update"):
        return names
    listed: list[str] = []
    for prompt in prompts:
        notes = {
            "When to update it": prompt.get("when_to_update"),
            "How to update it": prompt.get("update_instructions"),
        }
        said = "".join(f"\n{turn(title, text)}" for title, text in notes.items() if text)
        name, text = as_json(prompt["name"]), fenced(prompt["prompt"], *TAGS)
        listed.append(f"<prompt name={name}>\n{text}\n</prompt>{fenced(said, *TAGS)}")
    task = fill(CHOOSE, prompts="\n\n".join(listed), trajectories=trajectories)
    messages = [HumanMessage(task)]
    answer = await ask(model, messages)
    found = _read_names(answer, names)
    if found is None:
        known = f"Answer with names out of {', '.join(sorted(names))}, between <which> tags."
        found = _read_names(await ask(model, exchange(messages, answer, known)), names)
    if found is None:
        text = "The model did not say which prompts to change, so all stay as they were."
        warn_caller(text, RuntimeWarning)
        return set()
    return found


def _read_names(answer: Any, names: set[str]) -> set[str] | None:
    """Names in *answer*; None where it says nothing that we understand."""
    which = field(answer, *_WHICH)
    if which is None or unfinished(answer):
        return None
    text = "\n".join(_listed_in(which))
    found = {name for name in names if _is_in(text, name)}
    listed = re.split(rf"[{_BETWEEN}]", text.casefold())
    none = all(re.sub(rf"[{_DRESS}]", "", one) in _NONE for one in listed)
    return found if found or none else None


def _listed_in(which: Any) -> list[str]:
    """Return what *which* lists, whatever a model made of the list."""
    match which:
        case {"name": name}:
            return [str(name)]
        case list():
            return [name for one in cast("list[Any]", which) for name in _listed_in(one)]
        case Mapping():
            return list(map(str, cast("Mapping[Any, Any]", which)))
        case _:
            return [str(which)]


def _is_in(text: str, name: str) -> bool:
    """Whether *text* lists *name*, which may itself hold what separates names."""
    dressed = rf"(?:\A|[{_BETWEEN}])[{_DRESS}]*{re.escape(name)}[{_DRESS}]*(?:\Z|[{_BETWEEN}])"
    return re.search(dressed, text, re.IGNORECASE) is not None


def create_multi_prompt_optimizer(
    model: str | ChatModel,
    /,
    *,
    kind: Kind = "gradient",
    config: Mapping[str, Any] | None = None,
    accept: Score | str | ChatModel | None = None,
    examples: Sequence[Any] | None = None,
) -> MultiPromptOptimizer:
    """Create an optimiser for the prompts of one system; see `create_prompt_optimizer`.

    One call decides which prompts to change, by their when_to_update and what happened; the
    others come back as they are, all of them in their order and with their other keys.
    """
    chat = as_model(model)
    return MultiPromptOptimizer(chat, make_rewriter(chat, kind, config or {}, accept, examples))
