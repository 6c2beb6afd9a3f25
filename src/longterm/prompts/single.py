"""One prompt, better: `create_prompt_optimizer`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from typing_extensions import override

from longterm.effects.runnable import FlowRunnable
from longterm.effects.warn import warn_caller
from longterm.errors import ConfigurationError
from longterm.models.names import ChatModel, as_model
from longterm.prompts.inputs import as_prompt, as_trajectories, show_trajectories
from longterm.prompts.kinds import gradient, metaprompt, prompt_memory
from longterm.prompts.measure import Measure, Score
from longterm.prompts.measured import MeasureOptions, guarded
from longterm.prompts.rewrite import Case, Rewriter
from longterm.types import OptimizerInput, Prompt

__all__ = [
    "Kind",
    "PromptOptimizer",
    "UnknownKindError",
    "create_prompt_optimizer",
    "make_rewriter",
]

Kind = Literal["gradient", "metaprompt", "prompt_memory", "gepa"]

_KINDS: dict[str, Callable[[ChatModel, Mapping[str, Any]], Rewriter]] = {
    "gradient": gradient,
    "metaprompt": metaprompt,
    "prompt_memory": prompt_memory,
}
#: What a config may hold.
_SETTINGS = (
    "max_reflection_steps",
    "min_reflection_steps",
    "gradient_prompt",
    "metaprompt",
    "max_calls",
    "min_gain",
    "task",
    "held_back",
    "max_rounds",
    "batch_size",
    "seed",
)


class UnknownKindError(ConfigurationError, NotImplementedError):
    """There is no optimiser of this kind."""


class PromptOptimizer(FlowRunnable[OptimizerInput, str]):
    """Rewrites the prompt of ``{"trajectories": …, "prompt": …}``."""

    def __init__(self, rewriter: Rewriter, *, searches: bool = False) -> None:
        self.rewriter = rewriter
        self.searches = searches  # with examples of its own it needs no trajectories

    @override
    async def flow(self, input: OptimizerInput, config: RunnableConfig) -> str:
        prompt = as_prompt(input["prompt"])
        trajectories = as_trajectories(input.get("trajectories"))
        if not trajectories and not self.searches:
            return prompt["prompt"]
        return await self.rewriter(
            Case(prompt, show_trajectories(trajectories), tuple(trajectories))
        )

    async def __call__(self, trajectories: str | Sequence[Any] | None, prompt: str | Prompt) -> str:
        """Optimise *prompt* on the running event loop."""
        return await self.ainvoke({"trajectories": trajectories, "prompt": prompt})


def create_prompt_optimizer(
    model: str | ChatModel,
    /,
    *,
    kind: Kind = "gradient",
    config: Mapping[str, Any] | None = None,
    accept: Score | str | ChatModel | None = None,
    examples: Sequence[Any] | None = None,
) -> PromptOptimizer:
    """Create an optimiser that improves a prompt from what happened when it was used.

    *kind* is "gradient" (review, then update), "metaprompt" (think, then rewrite),
    "prompt_memory" (one call) or "gepa" (try many candidates and measure them). *config* may
    hold max_reflection_steps, min_reflection_steps, and the prompts gradient_prompt and
    metaprompt. With *accept*, a function of an example and an answer or a model that judges, a
    new prompt is returned only if it scores better on *examples*, and the result has a `report`;
    then *config* may also hold max_calls, min_gain, held_back, task and seed.
    """
    chat = as_model(model)
    rewriter = make_rewriter(chat, kind, config or {}, accept, examples)
    return PromptOptimizer(rewriter, searches=kind == "gepa")


def make_rewriter(
    model: ChatModel,
    kind: str,
    config: Mapping[str, Any],
    accept: Score | str | ChatModel | None = None,
    examples: Sequence[Any] | None = None,
) -> Rewriter:
    """Return the rewriter of *kind*, measured where *accept* says how."""
    if kind not in (*_KINDS, "gepa"):
        names = ", ".join(sorted([*_KINDS, "gepa"]))
        raise UnknownKindError(f"There is no optimiser of kind {kind!r}. Choose one of {names}.")
    for name in (name for name in config if name not in _SETTINGS):
        near = "".join(f"did you mean {one!r}? " for one in get_close_matches(name, _SETTINGS, 1))
        warn_caller(
            f"The config has {name!r}, which changes nothing: {near}"
            f"It may hold {', '.join(_SETTINGS)}.",
            UserWarning,
        )
    if accept is None and kind == "gepa":
        raise ConfigurationError('kind="gepa" needs accept=…, a score function or a judge model.')
    if accept is None:
        return _KINDS[kind](model, config)
    measure = Measure.of(model, accept, config.get("task"))
    options = MeasureOptions.of(measure, examples, config)
    if kind == "gepa":
        from longterm.prompts.search import searched

        return searched(model, options, config)
    return guarded(kind, model, lambda metered: _KINDS[kind](metered, config), options)
