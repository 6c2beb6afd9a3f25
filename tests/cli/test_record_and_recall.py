"""Recording chat files and recalling from them, on the command line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from longterm.errors import ConfigurationError, InvalidInputError

Run = Callable[..., Result]
Chat = list[dict[str, Any]]


def write(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def test_a_recall_has_the_ids_and_fields_that_rest_answers_with(run: Run) -> None:
    id = json.loads(run("add", "Ann likes tea", "--json").stdout)["id"]
    [item] = json.loads(run("recall", "tea?", "--json").stdout)["items"]
    assert (item["id"], item["key"], item["kind"]) == (id, id, "memory")
    assert item["in_block"]


def test_what_was_recorded_is_recalled(run: Run, tmp_path: Path, chat: Chat) -> None:
    recorded = run("record", write(tmp_path / "chat.json", chat))
    assert recorded.stdout == "3 new of 3 messages recorded in longterm.db.\n"

    recalled = run("recall", "Where did I move?", "--limit", 1)
    assert "user: I moved to Lyon last week\n" in recalled.stdout
    assert recalled.stdout.startswith("<memory>\n")


def test_a_word_that_is_no_file_is_told_how_a_message_is_given(run: Run) -> None:
    error = run("record", "hello").exception
    assert isinstance(error, InvalidInputError)
    assert "echo hello | longterm record -" in str(error)


def test_a_chat_recorded_twice_is_stored_once(run: Run, tmp_path: Path, chat: Chat) -> None:
    long = chat + [{"role": "user", "content": f"line {number}"} for number in range(150)]
    path = write(tmp_path / "chat.json", long)

    assert run("record", path).stdout.startswith("153 new of 153")
    assert run("record", path).stdout.startswith("0 new of 153")


def test_json_tells_scores_parts_and_places(run: Run, tmp_path: Path, chat: Chat) -> None:
    run("record", write(tmp_path / "chat.json", chat), "--user", "ann")

    found = json.loads(run("recall", "Lyon", "--user", "ann", "--json").stdout)

    best = found["items"][0]
    assert best["text"] == "I moved to Lyon last week"
    assert best["namespace"] == ["turns", "ann"]
    assert best["score"] == pytest.approx(sum(best["parts"].values()), abs=0.01)


def test_nobody_recalls_for_another(run: Run, tmp_path: Path, chat: Chat) -> None:
    run("record", write(tmp_path / "chat.json", chat), "--user", "ann")

    nothing = run("recall", "Lyon", "--user", "bo")

    assert nothing.stdout == ""
    assert "remembered of user bo in longterm.db" in nothing.stderr
    assert "longterm users" in nothing.stderr


def test_a_namespace_can_be_named(run: Run, tmp_path: Path, chat: Chat) -> None:
    run("record", write(tmp_path / "chat.json", chat), "--namespace", "team/{x}/chat")
    assert "Lyon" in run("recall", "Lyon", "--namespace", "team/{x}").stdout
    assert not run("recall", "Lyon").stdout


def test_now_says_what_last_week_is(run: Run, tmp_path: Path) -> None:
    runs = [
        {"role": "user", "content": "went running", "id": day, "timestamp": f"2023-05-{day}T09:00"}
        for day in ("02", "10", "24")
    ]
    run("record", write(tmp_path / "chat.json", runs))

    question = ("recall", "Did I go running last week?", "--limit", 1)
    assert "2023-05-10" in run(*question, "--now", "2023-05-17").stdout


def test_every_form_of_chat_file_is_read(run: Run, tmp_path: Path, chat: Chat) -> None:
    said = [{"speaker": "Ann", "dia_id": "D1:1", "text": "I moved to Oslo"}]
    forms = {
        "wrapped.json": {"messages": chat},
        "lines.jsonl": "\n".join(map(json.dumps, chat)),
        "chats.jsonl": json.dumps({"messages": chat}) + "\n\n" + json.dumps({"messages": chat}),
        "one.json": chat[0] | {"id": 7},
        "locomo.json": [{"conversation": {"session_1": said}}],
        "beam.json": [{"turns": [chat]}],
    }
    recorded = [
        run("record", write(tmp_path / name, data), "--user", name).stdout.split(" messages")[0]
        for name, data in forms.items()
    ]
    assert recorded == [
        "3 new of 3",
        "3 new of 3",
        "6 new of 6",
        "1 new of 1",
        "1 new of 1",
        "3 new of 3",
    ]
    assert "Ann: I moved to Oslo" in run("recall", "Oslo", "--user", "locomo.json").stdout


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("chat.json", "{", "is not JSON"),
        ("notes.txt", "I moved to Oslo", "Known are a list of"),
        ("chat.json", "[]", "no chat of a form"),
        ("chat.json", '{"a": 1}', "no chat of a form"),
        ("chat.json", '"words"', "no chat of a form"),
        ("chat.jsonl", '{"role": "user", "content": "hi"}\n{', "line 2, is not JSON"),
        ("chat.json", '[{"role": "king", "content": "hi"}]', "chat.json: Message 0"),
        ("chat.json", "[" * 99_999, "nested too deeply"),
        ("chat.json", '{"messages": "hello"}', "Chat 0 in"),
        ("chat.json", '{"messages": 5}', "Chat 0 in"),
        ("chats.jsonl", '{"messages": []}\n[1]', "Chat 1 in"),
        ("chats.jsonl", '{"messages": []}\n{"role": "user", "content": "hi"}', "Chat 1 in"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_that_says_why(
    run: Run, tmp_path: Path, name: str, content: str, says: str
) -> None:
    result = run("record", write(tmp_path / name, content))

    assert isinstance(result.exception, InvalidInputError)
    assert says in str(result.exception)


def test_nothing_of_a_chat_with_a_wrong_message_is_recorded(
    run: Run, tmp_path: Path, chat: Chat
) -> None:
    run("record", write(tmp_path / "chat.json", chat * 40 + [{"role": "king", "content": "hi"}]))

    assert not (tmp_path / "longterm.db").exists()


def test_a_file_that_cannot_be_read_is_named(run: Run, tmp_path: Path) -> None:
    assert str(run("record", "nowhere.json").exception).startswith("nowhere.json cannot be read")
    (tmp_path / "latin.json").write_bytes(b"\xe9")
    assert str(run("record", "latin.json").exception) == "latin.json is not text in UTF-8."


def test_two_files_of_one_name_are_two_conversations(run: Run, tmp_path: Path) -> None:
    for city in ("Lyon", "Oslo"):
        (tmp_path / city).mkdir()
        message = {"role": "user", "content": f"I moved to {city}", "id": 1}
        write(tmp_path / city / "chat.json", [message])

    assert run("record", "Lyon/chat.json", "Oslo/chat.json").stdout.startswith("2 new of 2")
    assert run("record", tmp_path / "Oslo" / "chat.json").stdout.startswith("0 new of 1")


def test_lines_are_told_by_what_is_in_them(run: Run, tmp_path: Path, chat: Chat) -> None:
    said = [*chat, {"role": "user", "content": "one line\u2028and another"}]
    lines = "\n".join(json.dumps(message, ensure_ascii=False) for message in said)

    for name in ("chat.jsonl", "chat.JSONL", "chat.txt"):
        assert run("record", write(tmp_path / name, lines)).stdout.startswith("4 new of 4")


def test_what_is_no_terminal_gets_no_progress(run: Run, tmp_path: Path, chat: Chat) -> None:
    assert not run("record", write(tmp_path / "chat.json", chat)).stderr


def test_recalling_makes_no_store(run: Run, tmp_path: Path) -> None:
    result = run("recall", "Lyon", "--store", "other.db")

    assert isinstance(result.exception, ConfigurationError)
    assert "longterm record chat.json --store other.db" in str(result.exception)
    assert not (tmp_path / "other.db").exists()
