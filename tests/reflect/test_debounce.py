"""Which task runs next, without threads and without time."""

# pyright: reportPrivateUsage=false

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given, strategies as st

from longterm.reflect.debounce import Debounce


def test_an_item_is_taken_when_it_is_due_and_not_before() -> None:
    queue: Debounce[str] = Debounce()
    queue.put("a", "one", due=5)
    assert queue.take(4.9) is None
    assert queue.take(5) == ("a", "one")
    assert queue.take(99) is None


def test_a_newer_item_replaces_the_waiting_one_however_often() -> None:
    queue: Debounce[int] = Debounce()
    replaced = [queue.put("a", turn, due=turn) for turn in range(5)]
    assert replaced == [None, 0, 1, 2, 3]
    assert queue.take(3) is None
    assert queue.take(4) == ("a", 4)
    assert len(queue) == 0


def test_a_newer_item_may_be_due_earlier() -> None:
    queue: Debounce[str] = Debounce()
    queue.put("a", "late", due=50)
    queue.put("a", "soon", due=1)
    assert queue.next_due() == 1
    assert queue.take(1) == ("a", "soon")
    assert queue.take(50) is None


def test_what_arrives_during_a_run_waits_for_its_end() -> None:
    queue: Debounce[str] = Debounce()
    queue.put("a", "first", due=0)
    queue.take(0)
    queue.put("a", "second", due=1)
    assert queue.next_due() is None
    assert queue.take(10) is None
    queue.done("a")
    assert queue.take(10) == ("a", "second")


def test_a_running_key_holds_up_nobody_else() -> None:
    queue: Debounce[str] = Debounce()
    queue.put("a", "first", due=0)
    queue.take(0)
    queue.put("a", "second", due=1)
    queue.put("b", "other", due=2)
    assert queue.take(2) == ("b", "other")


def test_order_is_by_due_time_then_by_turn() -> None:
    queue: Debounce[int] = Debounce()
    for turn, due in enumerate([3, 1, 1, 2]):
        queue.put(turn, turn, due)
    assert [queue.take(9) for _ in range(4)] == [(1, 1), (2, 2), (3, 3), (0, 0)]


def test_the_first_of_what_runs_is_what_was_due_first_or_long_after_all_others() -> None:
    queue: Debounce[str] = Debounce()
    for name, due in (("a", 1.0), ("b", 1.0), ("c", 1.05), ("d", 9.0)):
        queue.put(name, name, due)
        queue.take(9)
    assert [queue.is_first(name, together=0.1) for name in "abcd"] == [True, False, False, True]
    queue.done("a")
    assert [queue.is_first(name, together=0.1) for name in "bc"] == [True, False]


def test_drop_forgets_only_the_very_item() -> None:
    queue: Debounce[list[str]] = Debounce()
    old, new = ["same"], ["same"]
    queue.put("a", old, 1)
    queue.put("a", new, 1)
    assert not queue.drop("a", old)
    assert queue.drop("a", new)
    assert queue.take(9) is None


def test_hurry_keeps_the_order() -> None:
    queue: Debounce[str] = Debounce()
    queue.put("a", "later", 100)
    queue.put("b", "sooner", 50)
    queue.put("c", "overdue", 1)
    queue.hurry(10)
    assert [queue.take(10) for _ in range(3)] == [
        ("c", "overdue"),
        ("b", "sooner"),
        ("a", "later"),
    ]


def test_replacing_puts_an_item_off_no_longer_than_to_its_latest_moment() -> None:
    queue: Debounce[str] = Debounce()
    for now in range(5):
        queue.put("a", f"at {now}", due=now + 2.0, latest=now + 4.0)
    assert queue.next_due() == 4.0
    assert queue.take(4.0) == ("a", "at 4")
    queue.put("a", "anew", due=7.0, latest=9.0)
    queue.done("a")
    assert queue.next_due() == 7.0


def test_replacing_for_ever_does_not_grow() -> None:
    queue: Debounce[int] = Debounce()
    for turn in range(10_000):
        queue.put(turn % 3, turn, due=10_000 - turn)
    assert len(queue._heap) < 100


@dataclass
class _Model:
    """The same rules, written as slowly and plainly as possible."""

    waiting: dict[int, tuple[float, int, int]] = field(
        default_factory=dict[int, tuple[float, int, int]]
    )
    running: set[int] = field(default_factory=set[int])

    turn: int = 0

    def put(self, key: int, item: int, due: float) -> None:
        self.turn += 1
        self.waiting[key] = (due, self.turn, item)

    def hurry(self, now: float) -> None:
        for key, (due, _, item) in sorted(self.waiting.items(), key=lambda pair: pair[1]):
            self.put(key, item, min(due, now))

    def take(self, now: float) -> tuple[int, int] | None:
        due = [
            (when, turn, key, item)
            for key, (when, turn, item) in self.waiting.items()
            if when <= now and key not in self.running
        ]
        if not due:
            return None
        _, _, key, item = min(due)
        del self.waiting[key]
        self.running.add(key)
        return key, item


_steps = st.lists(
    st.tuples(
        st.sampled_from(["put", "take", "done", "hurry"]), st.integers(0, 3), st.integers(0, 9)
    )
)


@given(_steps)
def test_it_agrees_with_the_plain_model(steps: list[tuple[str, int, int]]) -> None:
    queue: Debounce[int] = Debounce()
    model = _Model()
    for turn, (step, key, when) in enumerate(steps):
        match step:
            case "put":
                replaced = model.waiting.get(key)
                assert queue.put(key, turn, when) == (replaced[2] if replaced else None)
                model.put(key, turn, when)
            case "take":
                assert queue.take(when) == model.take(when)
            case "done":
                queue.done(key)
                model.running.discard(key)
            case _:
                queue.hurry(when)
                model.hurry(when)
        assert len(queue) == len(model.waiting)
        assert queue.running == len(model.running)
