"""Methods side by side on a small suite."""

from dataclasses import replace
from pathlib import Path

import pytest

from longterm.errors import ConfigurationError
from longterm.evals.locomo import read_locomo
from longterm.evals.methods import SIGNALS, Method, Stores, methods, names_in
from longterm.evals.report import category_rows, figures, method_rows, report_json
from longterm.evals.run import QuestionResult, ask_all, record_all, sessions_in
from longterm.evals.suites import Suite
from longterm.stores import EmbeddedStore
from longterm.testing import HashEmbeddings


@pytest.fixture
def suite(locomo: Path) -> Suite:
    return read_locomo(locomo)


@pytest.fixture
def stores() -> Stores:
    index = {"embed": HashEmbeddings(), "dims": 64}
    return Stores.beside(EmbeddedStore(":memory:", index=index))  # pyright: ignore[reportArgumentType]


def measured(chosen: list[Method], suite: Suite) -> list[QuestionResult]:
    assert len(list(record_all(chosen, suite))) == sessions_in(chosen, suite)
    return list(ask_all(chosen, suite))


def test_every_method_answers_every_question_that_has_evidence(
    suite: Suite, stores: Stores
) -> None:
    names = names_in(["all"])
    chosen = methods(names, stores, limit=5, budget=500)

    asked = measured(chosen, suite)

    assert len(asked) == len(names) * 3
    turns = {turn.id for turn in suite.conversations[0].turns}
    assert all(set(one.found.ids) <= turns for one in asked)
    assert all(one.found.block.startswith("<memory>") for one in asked)
    assert all(ids <= turns for one in asked for ids in one.blocks.values())


def test_what_was_asked_for_is_found_first(suite: Suite, stores: Stores) -> None:
    for one in measured(methods(["longterm", "bm25"], stores, limit=5, budget=500), suite):
        if one.question.text == "Where did Ann move to?":
            assert one.found.ids[0] == "D1:1"


def test_a_turn_is_found_by_what_was_learned_from_it(suite: Suite, stores: Stores) -> None:
    (conversation,) = suite.conversations
    asked = replace(conversation.questions[0], text="Who owns a boat?", evidence=("D2:1",))
    other = replace(suite, conversations=(replace(conversation, questions=(asked,)),))

    plain, taught = measured(methods(["longterm", "facts"], stores, limit=5, budget=500), other)

    assert taught.found.ids[0] == "D2:1"
    assert plain.found.ids[0] != "D2:1"
    assert set(taught.found.ids) == {"D1:1", "D1:2", "D1:3", "D2:1"}
    assert "fact: Bo owns a boat." in taught.found.block


def test_a_store_that_was_filled_before_stays_as_it_is(suite: Suite, stores: Stores) -> None:
    chosen = methods(["longterm"], stores, limit=5, budget=500)
    measured(chosen, suite)
    before = stores.ours.search((), limit=100)
    measured(chosen, suite)
    assert len(stores.ours.search((), limit=100)) == len(before) == 4


def test_conversations_of_one_name_do_not_mix(suite: Suite, stores: Stores) -> None:
    (one,) = suite.conversations
    other = replace(one, turns=one.turns[1:])
    chosen = methods(["longterm"], stores, limit=5, budget=500)
    measured(chosen, suite)

    asked = measured(chosen, Suite("locomo", (other,)))

    assert all("D1:1" not in answer.found.ids for answer in asked)


def test_a_signal_alone_weighs_nothing_else(suite: Suite, stores: Stores) -> None:
    (text,) = methods(["text"], stores, limit=1, budget=500)
    asked = {one.question.text: one.found.ids for one in measured([text], suite)}
    assert asked["Where did Ann move to?"] == ("D1:1",)


def test_names_of_methods_are_lists_and_groups(suite: Suite) -> None:
    assert names_in(["longterm, bm25", "bm25"]) == ["longterm", "bm25"]
    assert names_in(["signals"]) == list(SIGNALS)
    with pytest.raises(ConfigurationError, match="no method 'lucene'"):
        names_in(["lucene"])


def test_recall_is_the_share_of_the_evidence_among_the_first(suite: Suite, stores: Stores) -> None:
    asked = measured(methods(["longterm"], stores, limit=50, budget=500), suite)
    (reached,) = figures(asked, [1, 50])

    both = next(one for one in asked if len(one.question.evidence) == 2)
    assert both.found.ids[0] in both.question.evidence
    assert reached.by_category["multi-hop"].recall == {1: 0.5, 50: 1.0}
    assert reached.by_category["multi-hop"].hit == 1.0
    assert reached.overall.recall[50] == 1.0
    assert reached.overall.block == {500: 1.0, 1_000: 1.0, 2_000: 1.0, 4_000: 1.0}
    assert reached.spread(50) == 0.0


def test_the_report_has_the_first_method_at_the_top_and_all_by_name(
    suite: Suite, stores: Stores
) -> None:
    asked = measured(methods(["longterm", "cosine"], stores, limit=10, budget=500), suite)
    report = report_json(suite, figures(asked, [5, 10]), budget=500)

    assert report["suite"] == "locomo"
    assert report["questions"] == 3
    assert report["recall"].keys() == {"5", "10"}
    assert report["latency_ms"].keys() == {"p50", "p95"}
    assert report["by_category"].keys() == {"single-hop", "multi-hop", "seven"}
    assert report["methods"].keys() == {"longterm", "cosine"}
    assert report["methods"]["longterm"]["recall"] == report["recall"]
    assert 0 < report["block_tokens"] <= 500
    assert report["block"].keys() == {"500", "1000", "2000", "4000"}


def test_tables_have_a_row_for_each(suite: Suite, stores: Stores) -> None:
    asked = measured(methods(["longterm", "cosine"], stores, limit=10, budget=500), suite)
    reached = figures(asked, [5, 10])

    heads, ours, theirs = method_rows(reached)
    assert heads[:3] == ["method", "R@5", "R@10"]
    assert (ours[0], theirs[0]) == ("longterm", "cosine")
    assert [row[0] for row in category_rows(reached[0])][-1] == "all"


def test_a_suite_can_be_cut_short(suite: Suite) -> None:
    assert suite.first(0, None).conversations == ()
    (cut,) = suite.first(1, 1).conversations
    assert [one.text for one in cut.questions] == ["Where did Ann move to?"]
