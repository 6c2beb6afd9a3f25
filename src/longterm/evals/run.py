"""Running a suite: record every conversation, then ask every question that has evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

from langchain_core.runnables import RunnableConfig

from longterm.effects.drivers import run
from longterm.evals.methods import Found, Method
from longterm.evals.suites import Suite, SuiteConversation, SuiteQuestion

__all__ = ["QuestionResult", "ask_all", "config_of", "questions_in", "record_all", "sessions_in"]


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """A question that was asked, what was found, and how long that took."""

    method: str
    conversation: str
    question: SuiteQuestion
    found: Found
    seconds: float
    #: Ids of the turns in the blocks of several budgets, in tokens.
    blocks: dict[int, frozenset[str]]


def record_all(methods: Sequence[Method], suite: Suite) -> Iterator[str]:
    """Record the suite in each store once; yields at each session, of which `sessions_in` tells."""
    recorders = {id(method.store): method for method in methods}
    for conversation in suite.conversations:
        for session, turns in conversation.sessions:
            config = config_of(suite, conversation, thread_id=session)
            for method in recorders.values():
                run(method.record(turns, config), config, store=method.store)
                yield conversation.name
        for method in methods:
            if method.learn is not None:
                config = config_of(suite, conversation)
                run(method.learn(conversation, config), config, store=method.store)


def sessions_in(methods: Sequence[Method], suite: Suite) -> int:
    """Count what `record_all` will yield."""
    stores = {id(method.store) for method in methods}
    return len(stores) * sum(len(list(one.sessions)) for one in suite.conversations)


def ask_all(methods: Sequence[Method], suite: Suite) -> Iterator[QuestionResult]:
    """Ask every question that has evidence by each of *methods*."""
    for conversation in suite.conversations:
        for question in questions_in(conversation):
            config = config_of(suite, conversation, now=question.now)
            for method in methods:
                begin = perf_counter()
                found = run(method.find(question, config), config, store=method.store)
                seconds = perf_counter() - begin
                blocks = run(method.blocks(question, config), config, store=method.store)
                yield QuestionResult(
                    method.name, conversation.name, question, found, seconds, blocks
                )


def questions_in(conversation: SuiteConversation) -> list[SuiteQuestion]:
    """Questions that can be measured: those that name turns as evidence."""
    return [question for question in conversation.questions if question.evidence]


def config_of(suite: Suite, conversation: SuiteConversation, **more: object) -> RunnableConfig:
    """Configure a run for one conversation: its namespace, and *more*."""
    place = {"suite": suite.name, "conversation": conversation.label}
    return RunnableConfig(configurable=place | more)
