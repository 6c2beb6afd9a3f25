"""The order in which vectors that come late are made, without a database."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from typing_extensions import override

from longterm.effects.drivers import run
from longterm.stores.embedding import Embedder
from longterm.stores.late_vectors import MOST_FAILURES, LateVectors
from longterm.stores.operations import Indexed
from longterm.stores.reindexing import EntryToIndex
from longterm.testing import HashEmbeddings


class PoisonedModel(HashEmbeddings):
    """A model that cannot read one text, and another only when `may_answer` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer, self.was_asked = threading.Event(), threading.Event()

    @override
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        if "riddle" in texts:
            self.was_asked.set()
            assert self.may_answer.wait(30)
        if "poison" in texts:
            raise ValueError(texts)
        return super().embed_documents(texts)


class InADict(LateVectors[int]):
    """What lacks its vectors, by number: the text, and how often it failed."""

    first_pause = 0.0

    def __init__(self, texts: Sequence[str]) -> None:
        self.model_asked = PoisonedModel()
        super().__init__(Embedder({"embed": self.model_asked, "dims": 64}))
        self.failures = dict.fromkeys(enumerate(texts), 0)
        self.made: list[str] = []
        self.written: list[int] = []
        self.is_done = threading.Event()

    def adopt(self) -> None:
        pass

    def own(self) -> list[EntryToIndex[int]]:
        left = [(n, one) for one, n in self.failures.items() if n < MOST_FAILURES]
        rows = [(failures, *one) for failures, one in sorted(left)]
        if not rows:
            self.is_done.set()
        return [_entry(number, text) for _, number, text in self.alone_if_failed(rows)]

    def below(self, path: str) -> list[EntryToIndex[int]]:
        return [_entry(*one) for one, failures in self.failures.items() if not failures]

    def known(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        return {}

    def write(
        self,
        entries: Sequence[EntryToIndex[int]],
        vectors: Mapping[bytes, bytes],
    ) -> None:
        self.written.append(len(entries))
        for entry in entries:
            (text,) = entry.found_by.texts
            self.failures.pop((entry.place, text), None)
            self.made.append(text)

    def failed(self, entries: Sequence[EntryToIndex[int]]) -> None:
        for entry in entries:
            self.failures[entry.place, entry.found_by.texts[0]] += 1


def _entry(number: int, text: str) -> EntryToIndex[int]:
    return EntryToIndex(number, 1, Indexed(texts=(text,)))


@pytest.fixture
def late() -> Iterator[InADict]:
    one = InADict(["poison", "noodles", "rice"])
    yield one
    one.stop(30)


@pytest.fixture
def busy() -> Iterator[InADict]:
    """Whose thread waits for the model."""
    one = InADict(["riddle"])
    one.wake()
    assert one.model_asked.was_asked.wait(30)
    yield one
    one.model_asked.may_answer.set()
    one.stop(30)


def test_a_text_that_no_model_can_read_holds_up_no_other_and_is_given_up(late: InADict) -> None:
    late.wake()
    assert late.is_done.wait(30)
    assert late.made == ["noodles", "rice"]
    assert late.failures == {(0, "poison"): MOST_FAILURES}


def test_a_store_that_is_closed_begins_nothing(late: InADict) -> None:
    before = {*threading.enumerate()}
    late.stop()
    late.wake()
    assert late.made == []
    assert {*threading.enumerate()} <= before


def test_what_another_makes_is_waited_for_and_not_made_twice(busy: InADict) -> None:
    flow = busy.complete([""])
    waiting = flow.send(flow.send(None).perform())
    busy.model_asked.may_answer.set()
    is_made = waiting.perform()
    assert is_made
    assert flow.send(is_made).perform() == []
    assert busy.made == ["riddle"]
    with pytest.raises(StopIteration) as end:
        flow.send([])
    assert end.value.value == 0


def test_who_waits_in_vain_makes_it(busy: InADict) -> None:
    busy.patience = 0
    flow = busy.complete([""])
    assert not flow.send(flow.send(None).perform()).perform()
    flow.close()
    busy.model_asked.was_asked.clear()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(run, busy.complete([""]))
        assert busy.model_asked.was_asked.wait(30)
        busy.model_asked.may_answer.set()
    assert done.result() == 1


def test_no_more_is_made_at_once_than_a_store_that_closes_can_wait_for() -> None:
    late = InADict([f"{number} " + "long " * 2_000 for number in range(3)])
    assert run(late.complete([""])) == 3
    assert late.written == [1, 1, 1]
