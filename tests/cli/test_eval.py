"""``longterm eval`` on small suites."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from longterm.cli import eval_answers
from longterm.cli.showing import write_report
from longterm.errors import ConfigurationError
from longterm.evals.locomo import read_locomo
from longterm.evals.methods import SIGNALS, Stores, methods
from longterm.recall.retriever import create_recall
from longterm.settings import embedded_store
from longterm.testing import ScriptedChatModel

Run = Callable[..., Result]

SAID = [
    {"speaker": "Ann", "dia_id": "D1:1", "text": "I moved to Lyon last week"},
    {"speaker": "Bo", "dia_id": "D1:2", "text": "I bought a red kayak"},
]


@pytest.fixture
def locomo(tmp_path: Path) -> Path:
    asked: list[dict[str, Any]] = [
        {"question": "Where did Ann move to?", "answer": "Lyon", "evidence": ["D1:1"]},
        {"question": "What did Bo buy?", "answer": "A kayak", "evidence": ["D1:2"]},
    ]
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps([{"conversation": {"session_1": SAID}, "qa": asked}]), "utf-8")
    return path


def test_recall_is_measured_printed_and_written(run: Run, locomo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    options = ("--method", "longterm,bm25", "--method", "cosine", "--k", "1,2", "--report", out)

    result = run("eval", "recall", "--suite", "locomo", "--data", locomo, *options)

    assert result.exit_code == 0, result.exception
    for word in ("longterm", "bm25", "cosine", "R@1", "hit@1", "p95 ms", "unknown"):
        assert word in result.stdout
    report = json.loads(out.read_text("utf-8"))
    assert (report["suite"], report["questions"]) == ("locomo", 2)
    assert report["recall"] == {"1": 1.0, "2": 1.0}
    assert report["methods"].keys() == {"longterm", "bm25", "cosine"}


def test_weights_are_fitted_printed_and_written(run: Run, locomo: Path, tmp_path: Path) -> None:
    one = json.loads(locomo.read_text("utf-8"))
    locomo.write_text(json.dumps([{**one[0], "sample_id": "1"}, {**one[0], "sample_id": "2"}]))
    out = tmp_path / "weights.json"
    done = run("eval", "fit", "--suite", "locomo", "--data", locomo, "--weights", out, "--json")
    written = json.loads(out.read_text("utf-8"))
    assert json.loads(done.output) == written
    assert written["recall@10"] == {"shipped": 1.0, "fitted": 1.0}
    assert set(written["weights"]) == set(SIGNALS)
    found = create_recall(weights=out, store=embedded_store(vectors=False), namespace=("turns",))
    assert found.invoke("Where did Ann move to?").items == ()
    alone = run("eval", "fit", "--suite", "locomo", "--data", locomo, "--conversations", 1)
    assert "none to leave out" in alone.output


def test_one_suite_comes_with_longterm(run: Run) -> None:
    options = ("--part", "held-back", "--conversations", 1, "--limit", 1, "--k", 10)

    result = run("eval", "recall", "--suite", "languages", *options)

    assert result.exit_code == 0, result.exception
    assert "languages: 1 questions, 72 turns" in result.stdout


def test_a_store_that_is_named_keeps_what_was_recorded(run: Run, locomo: Path) -> None:
    words = ("eval", "recall", "--suite", "locomo", "--data", locomo, "--store", "eval.db")
    assert run(*words).exit_code == run(*words, "--limit", 1).exit_code == 0
    assert "Lyon" in run("recall", "Lyon", "--store", "eval.db", "--namespace", "evals").stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--method", "lucene"), "no method 'lucene'"),
        (("--k", "5,ten"), "whole numbers"),
        (("--k", "0"), "whole numbers"),
        (("--k", "5,99999999999999999999"), "whole numbers"),
        (("--method", " ,"), "Name a method"),
        (("--report", "nowhere/out.json"), "cannot be written"),
        (("--conversations", "1", "--data", "nowhere"), "nothing at nowhere"),
    ],
)
def test_options_that_cannot_work_are_refused(
    run: Run, locomo: Path, options: tuple[str, ...], says: str
) -> None:
    result = run("eval", "recall", "--suite", "locomo", "--data", locomo, *options)

    assert isinstance(result.exception, ConfigurationError)
    assert says in str(result.exception)


def test_a_method_with_nothing_to_measure_is_left_out_and_that_is_said(
    run: Run, locomo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGTERM_EMBEDDINGS", "none")
    words = ("eval", "recall", "--suite", "locomo", "--data", locomo, "--method")

    result = run(*words, "longterm,facts,cosine", "--json")

    assert json.loads(result.stdout)["methods"].keys() == {"longterm"}
    assert "facts is left out: no conversation of locomo comes with facts." in result.stderr
    assert "cosine is left out: it compares embeddings, and the store has none." in result.stderr
    alone = run(*words, "facts")
    assert isinstance(alone.exception, ConfigurationError)
    assert "no conversation of locomo comes with facts" in str(alone.exception)
    assert "left out" not in run(*words, "longterm").stderr


def test_facts_of_a_suite_are_recalled_beside_its_turns(run: Run) -> None:
    options = ("--method", "facts", "--conversations", 1, "--limit", 1, "--k", 10, "--json")

    result = run("eval", "recall", "--suite", "languages", *options)

    assert json.loads(result.stdout)["method"] == "facts"
    assert "left out" not in result.stderr


def test_a_suite_without_evidence_or_answers_is_refused(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    path.write_text(json.dumps([{"conversation": {"session_1": SAID}}]), "utf-8")
    suite = ("--suite", "locomo", "--data", path)

    assert "names the turns" in str(run("eval", "recall", *suite).exception)
    assert "right answer" in str(run("eval", "answers", *suite, "--model", "x").exception)


def test_answers_are_judged_printed_and_written(
    locomo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (ours,) = methods(["longterm"], Stores.beside(embedded_store(vectors=False)), limit=9, budget=9)
    models = eval_answers.Models(
        ScriptedChatModel("Lyon", "A car"), ScriptedChatModel("CORRECT", "WRONG")
    )
    out = tmp_path / "out.json"

    eval_answers.run_answers(read_locomo(locomo), ours, models, out)

    assert "0.500" in capsys.readouterr().out
    report = json.loads(out.read_text("utf-8"))
    assert (report["questions"], report["right"], report["without_verdict"]) == (2, 0.5, 0)
    assert [one["answer"] for one in report["answers"]] == ["Lyon", "A car"]


def test_a_report_that_cannot_be_written_is_an_error_that_says_why(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be written to"):
        write_report(tmp_path / "nowhere" / "out.json", {})
