"""The guard finds what must not be kept, says where it is, and holds nothing of it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from corpus import innocent, planted
from hypothesis import given, strategies as st
from second_corpus import second_innocent, second_planted
from third_corpus import third_innocent, third_planted

from longterm.errors import ConfigurationError
from longterm.guard import DEFAULT_RULES, Finding, Guard, Match

PLANTED, INNOCENT = planted(), innocent()
TEXTS = {
    "the first": (PLANTED, INNOCENT),
    "the second": (second_planted(), second_innocent()),
    "the third": (third_planted(), third_innocent()),
}
SIZES = {"the first": 200, "the second": 200, "the third": 120}


@pytest.mark.parametrize("corpus", TEXTS)
def test_what_is_planted_is_found(corpus: str) -> None:
    guard, texts = Guard(), TEXTS[corpus][0]
    missed = [
        one.text
        for one in texts
        if not any(
            found.class_ == one.class_
            and found.start <= one.text.index(one.value) + 1
            and found.end >= one.text.index(one.value) + len(one.value) - 1
            for found in guard.check(one.text).findings
        )
    ]

    assert len({*texts}) == SIZES[corpus]
    assert len(missed) <= len(texts) * 0.05, missed


@pytest.mark.parametrize("corpus", TEXTS)
def test_innocent_texts_are_let_alone(corpus: str) -> None:
    guard, texts = Guard(), TEXTS[corpus][1]
    found = [(text, guard.check(text).findings) for text in texts if guard.check(text).findings]

    assert len({*texts}) == SIZES[corpus]
    assert len(found) <= len(texts) * 0.01, found


def test_nothing_that_was_found_stands_in_the_verdict_or_its_repr() -> None:
    guard = Guard(
        actions=dict.fromkeys(("card", "iban", "email", "phone", "national_id"), "redact")
    )

    for one in PLANTED:
        verdict = guard.check({"content": one.text})
        if one.class_ in {found.class_ for found in verdict.findings}:
            assert one.value not in repr(verdict)


def test_secrets_are_redacted_and_the_rest_is_allowed() -> None:
    verdict = Guard().check({"kind": "Memory", "content": {"content": "pwd=Tulip!94 a@b.org"}})

    assert verdict.action == "redact"
    assert verdict.value == {
        "kind": "Memory",
        "content": {"content": "pwd=[redacted: secret] a@b.org"},
    }
    assert verdict.findings == (
        Finding("secret", "content.content", 4, 12),
        Finding("email", "content.content", 13, 20),
    )


def test_a_value_without_findings_is_the_same_object() -> None:
    value = {"content": "Ann likes tea", "tags": ["a", 1, None, True, 2.5]}

    verdict = Guard().check(value)

    assert (verdict.action, verdict.findings) == ("allow", ())
    assert verdict.value is value


def test_the_strictest_action_decides() -> None:
    guard = Guard(actions={"email": "quarantine", "card": "block"})
    text = "pwd=Tulip!94, a@b.org"

    assert guard.check(text).action == "quarantine"
    assert guard.check(text).value == "pwd=[redacted: secret], a@b.org"
    blocked = guard.check(f"{text}, 4539148803436467")
    assert (blocked.action, blocked.value) == ("block", None)


def test_everything_can_be_allowed() -> None:
    assert Guard(actions={"secret": "allow"}).check("pwd=Tulip!94").action == "allow"


def test_every_text_of_a_value_is_looked_at() -> None:
    value = {"list": [{"note": "pwd=Tulip!94"}], "tuple": ("x", "pwd=Tulip!95")}

    verdict = Guard().check(value)

    assert [one.path for one in verdict.findings] == ["list.0.note", "tuple.1"]
    assert "Tulip" not in str(verdict.value)


@pytest.mark.parametrize("name", ["password", "apiKey", "client_secret", "db.password", "密码"])
def test_a_field_that_is_called_a_secret_holds_one(name: str) -> None:
    assert Guard().check({name: "marmalade"}).value == {name: "[redacted: secret]"}


def test_a_key_of_a_value_is_looked_at_and_no_path_holds_it() -> None:
    secret, other = "AKIA" + "Q7ZX2M4LPT9RWB5K", "AKIA" + "M4LPQ7ZX2T9RWB5K"
    value = {"notes": {secret: "staging", other: f"rotates to {secret}", "region": "Oslo"}}
    verdict = Guard().check(value)
    assert list(verdict.value["notes"].values()) == [
        "staging",
        "rotates to [redacted: secret]",
        "Oslo",
    ]
    for one in (secret, other):
        assert one not in repr(verdict)
    assert verdict.findings[0].path == "notes.(key 0)"


@pytest.mark.parametrize(
    "value",
    [
        {"home": {"door": "The password is hunter2."}, "home.door": "Blue, with a small window"},
        {"home.door": "Blue, with a small window", "home": {"door": "The password is hunter2."}},
        {"(key 0)": "The password is hunter2."},
        {"a": "b", "(value 0)": "The password is hunter2."},
        {"home\\": {"door": "The password is hunter2."}, "home\\.door": "Blue, with a window"},
    ],
    ids=["after", "before", "key", "value", "backslash"],
)
def test_a_name_that_looks_like_a_path_hides_and_spoils_no_text(value: Any) -> None:
    expected = json.loads(json.dumps(value).replace("hunter2", "[redacted: secret]"))

    assert Guard().check(value).value == expected


def test_a_number_is_looked_at() -> None:
    guard = Guard(actions={"card": "redact"})

    assert guard.check({"card": 4539148803436467}).value == {"card": "[redacted: card]"}
    assert guard.check({"age": 41, "born": 19850101}).action == "allow"


def test_digits_of_full_width_are_digits() -> None:
    text = "カードは４５３９１４８８０３４３６４６７です"

    assert [one.class_ for one in Guard().check(text).findings] == ["card"]


def test_a_rule_is_a_function() -> None:
    def projects(text: str) -> list[tuple[str, int, int]]:
        at = text.find("Bluebird")
        return [("project", at, at + 8)] if at >= 0 else []

    guard = Guard((*DEFAULT_RULES, projects), {"project": "redact"})

    assert guard.check("Project Bluebird ships").value == "Project [redacted: project] ships"


def test_of_what_overlaps_the_strictest_counts() -> None:
    def everything(text: str) -> list[Match]:
        return [Match("all", 0, len(text))]

    guard = Guard((*DEFAULT_RULES, everything), {"email": "redact"})

    assert guard.check("a@b.org").value == "[redacted: email]"


@pytest.mark.parametrize(
    ("actions", "trust"),
    [({"secret": "delete"}, {}), ({}, {"tool": "redact"}), ({}, {"robot": "block"})],
)
def test_what_is_no_action_is_refused(actions: Any, trust: Any) -> None:
    with pytest.raises(ConfigurationError):
        Guard(actions=actions, trust=trust)


def test_an_origin_can_be_kept_out() -> None:
    guard = Guard(trust={"tool": "quarantine", "import": "block"})

    assert guard.check("Ann likes tea", origin="user").action == "allow"
    assert guard.check("Ann likes tea", origin="tool").action == "quarantine"
    assert guard.check("Ann likes tea", origin="import").value is None
    assert guard.check("Ann likes tea").action == "allow"


@given(st.text())
def test_no_text_breaks_it_and_redacting_twice_is_redacting_once(text: str) -> None:
    guard = Guard(
        actions=dict.fromkeys(("card", "iban", "email", "phone", "national_id"), "redact")
    )
    once = guard.check(text).value

    assert guard.check(once).value == once


def test_redacted_secrets_are_found_no_more() -> None:
    guard = Guard()

    for one in PLANTED:
        once = guard.check(one.text).value
        assert guard.check(once).value == once


@pytest.mark.parametrize(
    "unit", ["password ", "a@", "1 ", "4-", "sk-", "密码是", "eyJ.", "://", "key="]
)
def test_a_text_made_to_be_slow_comes_to_an_end(unit: str) -> None:
    assert Guard().check(unit * 20_000).action in ("allow", "redact")


@pytest.mark.parametrize(
    "text",
    [
        "const apiKey = 'YOUR_API_KEY_HERE';",
        "const apiKey = 'MY_API_KEY';",
        "Put it in the file with your API key:\n\n```plaintext\nAPI_KEY=\n```",
        "user = User(name=name, password=hashed_password)",
        'password = request.form["password"]',
        '<label for="password">Password:</label><input type="password">',
        "- **Hash passwords**\n- **Task 2:** write the login",
        "`test_login_empty_password`: Tests an empty password.",
        "API_KEY=${API_KEY}",
    ],
)
def test_what_stands_for_a_secret_in_code_is_none(text: str) -> None:
    assert Guard().check(text).findings == ()


def test_what_stored_values_are_made_of_is_let_alone_and_their_secrets_are_not() -> None:
    id = "123e4567-e89b-42d3-a456-426614174000"
    turn = {
        "kind": "Turn",
        "time": "2026-11-26T11:42:48.787391+00:00",
        "before": id,
        "role": "user",
    }
    assert Guard().check(turn).findings == ()
    assert [one.path for one in Guard().check({**turn, "password": id}).findings] == ["password"]


#: Another rule besides, that finds nothing: each text is looked into, one by one.
THOROUGH = Guard([*DEFAULT_RULES, lambda _: ()])


def said(text: str) -> dict[str, object]:
    """Return *text* as it stands in a turn, cut into pieces."""
    half = len(text) // 2
    return {
        "kind": "Turn",
        "content": text,
        "speaker": "Ann",
        "role": "user",
        "time": "2024-05-01T09:00:00+00:00",
        "thread": "t1",
        "position": 3,
        "message_id": "m-17",
        "before": "ff5b8f80-af90-5888-8340-be960742a481",
        "pieces": [text[:half], text[half:]],
    }


@pytest.mark.parametrize("corpus", TEXTS)
def test_turns_that_are_passed_over_hold_nothing(corpus: str) -> None:
    planted_texts, innocent_texts = TEXTS[corpus]
    for text in [*(one.text for one in planted_texts), *innocent_texts]:
        assert Guard().check(said(text)) == THOROUGH.check(said(text))


@given(
    st.text()
    | st.text("0123456789 -@.Aａ１", max_size=30)
    | st.from_regex(r"\w{0,20} ?(pass|Key|PIN|ｐｗ|密码)?: ?\w{0,20}", fullmatch=True)
)
def test_any_turn_that_is_passed_over_holds_nothing(text: str) -> None:
    assert Guard().check(said(text)) == THOROUGH.check(said(text))
    assert Guard().check({"content": {"password": text}}) == THOROUGH.check(
        {"content": {"password": text}}
    )
