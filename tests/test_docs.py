"""Every example in the README and in docs/ runs, and prints what the page says."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import re
import shlex
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from page_answers import ANSWERS
from postgres_server import server_url
from typer.core import TyperGroup
from typer.main import get_command
from typer.testing import CliRunner

import longterm
import longterm.errors
import longterm.short_term
from longterm.cli.app import app
from longterm.server.app import build
from longterm.server.options import ServerOptions
from longterm.testing import ScriptedChatModel

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("README*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_MODEL = re.compile(r'init_chat_model\("[^"]*"\)|"(local:qwen2.5-coder-1.5b|openai:gpt-5-mini)"')
_BLOCK = re.compile(
    r"(?P<skip><!-- not run: .+ -->\n+)?```(?P<language>python|console)\n(?P<code>.*?)```\n"
    r"(?:\n*```text\n(?P<prints>.*?)```)?",
    re.DOTALL,
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_examples_of_a_page_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.setenv("LONGTERM_EMBEDDINGS", "none")
    if "DATABASE_URL" in page.read_text():
        monkeypatch.setenv("DATABASE_URL", server_url())
    names: dict[str, Any] = {
        "__name__": f"docs_{page.stem.replace('-', '_')}",
        "stand_in": ScriptedChatModel(*ANSWERS.get(page.name, [])),
    }
    for block in _BLOCK.finditer(page.read_text()):
        if block["skip"]:
            continue
        if block["language"] == "console":
            _type(block["code"])
        else:
            _run(page, block, names)


def _run(page: Path, block: re.Match[str], names: dict[str, Any]) -> None:
    line = page.read_text()[: block.start("code")].count("\n")
    code = "\n" * line + block["code"]
    if page.name in ANSWERS:
        code = _MODEL.sub("stand_in", code)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, str(page), "exec", dont_inherit=True), names)  # noqa: S102 - our own pages
    if block["prints"] is not None:
        assert printed.getvalue() == block["prints"]


def _type(session: str) -> None:
    """Type the commands of *session*, each after a ``$``, and compare what they print.

    Times and new ids are as good as any other; other programs than ours are not started.
    """
    for command, shown in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", session, re.MULTILINE):
        words = shlex.split(command, comments=True)
        if words[0] == "longterm":
            done = CliRunner(env={"COLUMNS": "100"}).invoke(app, words[1:])
            assert done.exit_code == 0, done.output
            assert _timeless(done.output) == _timeless(shown)


def _timeless(text: str) -> list[str]:
    text = re.sub(r"\d{4}-\d\d-\d\d( \d\d:\d\d)?(, \w+day)?", "<time>", text)
    text = re.sub(r"\w{8}-(\w{4}-){3}\w{12}", "<id>", text)
    return [line.rstrip() for line in text.splitlines() if line.strip()]


_SHOWN = re.findall(r"^::: (\S+)", (ROOT / "docs" / "reference.md").read_text(), re.MULTILINE)
_MODULES = [f"longterm.{name}" for name in ("types", "errors", "testing", "effects.capabilities")]
#: Pages about how longterm is made, or that say of themselves that their names may change.
_NOT_PROMISED = {"flow.md", "evals.md"}


def test_the_reference_names_everything_that_is_public() -> None:
    shown = {name.rpartition(".")[2] for name in _SHOWN}
    assert set(longterm.__all__) <= shown
    assert set(longterm.short_term.__all__) <= shown


@pytest.mark.parametrize("path", sorted({*_SHOWN} - {*_MODULES}))
def test_what_the_reference_shows_is_there(path: str) -> None:
    room, _, name = path.rpartition(".")
    spec = find_spec(room)  # read and not imported: a framework may be missing
    assert spec is not None
    assert spec.origin is not None
    assert re.search(rf"\b{name}\b", Path(spec.origin).read_text())


@pytest.mark.parametrize(
    "page",
    [*PAGES, *sorted((ROOT / "examples").rglob("*.py"))],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_what_a_page_imports_from_us_is_in_the_reference(page: Path) -> None:
    shown = {name.rpartition(".")[2] for name in _SHOWN}
    shown |= {name for path in _MODULES for name in import_module(path).__all__}
    text = page.read_text()
    python = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    blocks = [text] if page.suffix == ".py" else python
    imported = {
        alias.name
        for block in blocks
        for node in ast.walk(ast.parse(block))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("longterm")
        for alias in node.names
    }
    assert page.name in _NOT_PROMISED or imported <= shown


def test_the_page_of_errors_has_every_error() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", (ROOT / "docs" / "errors.md").read_text(), re.MULTILINE)
    assert sorted(rows) == longterm.errors.__all__


def test_the_page_of_a_users_memory_has_every_method() -> None:
    page = (ROOT / "docs" / "service.md").read_text()
    named = set(re.findall(r"`(?:memory\.|await ann\.)?(\w+)\(", page))
    for kind in (longterm.UserMemory, longterm.MemoryService):
        public = {name for name in dir(kind) if callable(getattr(kind, name)) and name[0] != "_"}
        awaited = {f"a{name.removesuffix('_')}" for name in public}
        methods = {name for name in public - awaited if not name.endswith("_flow")}
        assert methods <= named | {"close"}


def test_the_page_of_the_server_has_every_path_and_every_field() -> None:
    page = (ROOT / "docs" / "server.md").read_text()
    description = build(ServerOptions(store=":memory:", embeddings="none")).openapi()
    forms = description["components"]["schemas"]
    for path, methods in description["paths"].items():
        if not path.startswith(("/v1/users", "/v1/reflections")):
            continue  # LangGraph's and Anthropic's, which their own pages describe
        assert path.removeprefix("/v1/users/{user}") in page
        for method in methods.values():
            named = {one["name"] for one in method.get("parameters", ()) if one["in"] == "query"}
            body = method.get("requestBody", {}).get("content", {}).get("application/json", {})
            named |= {
                *forms.get(body.get("schema", {}).get("$ref", "")[21:], {}).get("properties", {})
            }
            assert {name for name in named if not re.search(rf"[`\"?]{name}\b", page)} == set()


_OURS = r"(?:https://\S+?/longterm/(?:blob/)?main/)?([\w./-]+)"


def _outline(page: str) -> dict[str, Any]:
    return {
        "links": set(re.findall(rf"\]\({_OURS}\)", page)) - {"README.md"},
        "headings": re.findall(r"^#+", page, re.MULTILINE),
        "rows": len(re.findall(r"^\|", page, re.MULTILINE)),
        "figures": sorted(re.findall(r"\.\d\d\d?\b", page)),
        "versions": sorted(re.findall(r"\d+\.\d+\.\d+", page)),
        "extras": re.findall(r"^    pip install \S+", page, re.MULTILINE),
    }


@pytest.mark.parametrize("language", ["zh", "ja"])
def test_a_readme_in_another_language_says_what_the_english_one_says(language: str) -> None:
    english, other = (ROOT / "README.md").read_text(), (ROOT / f"README.{language}.md").read_text()
    ours = {"README.zh.md", "README.ja.md"}
    expected, found = _outline(english), _outline(other)
    assert found.pop("links") - ours == expected.pop("links") - ours
    assert found == expected


def test_every_page_is_in_the_navigation() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    listed = re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text())
    assert sorted(listed) == sorted(pages)


def test_every_page_is_linked_from_the_first() -> None:
    pages = {str(page.relative_to(ROOT / "docs")) for page in (ROOT / "docs").rglob("*.md")}
    linked = re.findall(r"\]\(([\w/-]+\.md)\)", (ROOT / "docs" / "index.md").read_text())
    assert set(linked) == pages - {"index.md"}


def _fences(*languages: str, having: str = "") -> list[Any]:
    """Return the blocks of *languages* in all pages that have a match of *having*."""
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, (language, block) in enumerate(fence.findall(page.read_text()))
        if language in languages and re.search(having, block, re.MULTILINE)
    ]


@pytest.mark.parametrize("block", _fences("json"))
def test_json_in_a_page_is_json(block: str) -> None:
    json.loads(block)


_COMMAND = r"^(?:\$ )?longterm (.*)$"


@pytest.mark.parametrize("block", _fences("", "sh", "console", having=_COMMAND))
def test_our_commands_in_a_page_exist_with_their_options(block: str) -> None:
    for line in re.findall(_COMMAND, block, re.MULTILINE):
        words = shlex.split(line, comments=True)
        command: Any = get_command(app)
        while isinstance(command, TyperGroup):
            command = command.commands[words.pop(0)]
        known = {name for one in command.params for name in one.opts}
        assert {word for word in words if word.startswith("--")} <= known
