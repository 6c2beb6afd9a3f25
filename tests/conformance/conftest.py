"""Runs each test of the contract over each store."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from langgraph.store.base import BaseStore
from subjects import DIMS, SUBJECTS, Make, Options, Subject

from longterm.stores import CapableStore
from longterm.testing import HashEmbeddings


@pytest.fixture(params=SUBJECTS, ids=lambda subject: subject.name)
def subject(request: pytest.FixtureRequest) -> Subject:
    chosen: Subject = request.param
    name = request.node.originalname
    if name in chosen.unsure:
        pytest.skip(f"{chosen.name}: {chosen.unsure[name]}")
    if name in chosen.known_failures:
        reason = chosen.known_failures[name]
        request.applymarker(pytest.mark.xfail(reason=reason, strict=True))
    return chosen


@pytest.fixture
def make(subject: Subject, tmp_path: Path) -> Iterator[Make]:
    with ExitStack() as stack:

        def opened(options: Options) -> BaseStore:
            if options.ttl is not None and not subject.ttl:
                pytest.skip(f"{subject.name} has no time to live")
            if options.index is not None and not subject.vectors:
                pytest.skip(f"{subject.name} has no vectors on this Python")
            return stack.enter_context(subject.opened(options, tmp_path))

        yield opened


@pytest.fixture
def store(make: Make) -> BaseStore:
    return make(Options())


@pytest.fixture
def model() -> HashEmbeddings:
    return HashEmbeddings()


@pytest.fixture
def indexed(make: Make, model: HashEmbeddings) -> BaseStore:
    return make(Options(index={"embed": model, "dims": DIMS, "fields": ["text"]}))


@pytest.fixture
def revised(store: BaseStore) -> CapableStore:
    """Return a store that has every capability of ours; the others are skipped."""
    if not isinstance(store, CapableStore):
        pytest.skip("has no capability of ours")
    return store
