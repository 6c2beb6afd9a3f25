"""The console in a real browser: without a script, by keyboard, on a phone, in the dark."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

import longterm
from longterm.server.app import build
from longterm.server.options import ServerOptions
from longterm.service import MemoryService

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
uvicorn = pytest.importorskip("uvicorn")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")

HOSTILE = '<script>document.title = "owned"</script><img src=x onerror="document.title=\'owned\'">'
PAGES = [
    "/",
    "/users/ann",
    "/users/ann/recall?question=tea",
    "/users/ann/turns",
    "/users/ann/quarantine",
    "/users/ann/data",
    "/users/ann/forgotten",
    "/reflections",
    "/keys",
    "/login",
]


@pytest.fixture(scope="module")
def service() -> Iterator[MemoryService]:
    with longterm.open(":memory:", embeddings=None) as opened:
        ann = opened.user("ann")
        for number in range(3):
            ann.add(f"Ann likes tea number {number}")
        ann.add(HOSTILE, kind=HOSTILE, id=HOSTILE)
        ann.edit(HOSTILE, f"{HOSTILE} again")
        ann.add(HOSTILE, id="gone")
        ann.forget("gone")
        ann.record(HOSTILE, thread=HOSTILE)
        opened.user(HOSTILE).add("tea")
        opened.keys.create(user=HOSTILE, name=HOSTILE)
        yield opened


@pytest.fixture(scope="module")
def key(service: MemoryService) -> str:
    return service.keys.create(user=None, scopes=("admin",))[1]


@pytest.fixture(scope="module")
def url(service: MemoryService) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = build(ServerOptions(), service)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="on"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        launched = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def look(browser: Any, url: str, key: str) -> Iterator[Callable[..., Any]]:
    """Open a page; what the browser complains about fails the test."""
    complaints: list[str] = []
    contexts: list[Any] = []

    def note(complaint: object) -> None:
        complaints.append(str(complaint))

    def note_error(line: Any) -> None:
        if line.type == "error":
            note(line.text)

    def opened(path: str, **options: Any) -> Any:
        signed_in = {"Authorization": f"Bearer {key}"}
        context = browser.new_context(extra_http_headers=signed_in, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", note)
        page.on("console", note_error)
        page.goto(url + path)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_read_without_a_script_and_fits_a_phone(
    look: Callable[..., Any], path: str
) -> None:
    page = look(path, java_script_enabled=False, viewport={"width": 360, "height": 700})
    assert page.locator("h1").count() == 1
    wide = look(path, viewport={"width": 360, "height": 700}, color_scheme="dark")
    assert wide.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    "path",
    [
        *PAGES,
        f"/?find={quote(HOSTILE)}",
        f"/users/{quote(HOSTILE, safe='')}",
        f"/users/ann?q={quote(HOSTILE)}&kind={quote(HOSTILE)}",
        f"/users/ann/memories/{quote(HOSTILE, safe='')}",
        "/users/ann/memories/gone",
        f"/users/ann/recall?question={quote(HOSTILE)}",
    ],
)
def test_a_script_in_what_is_shown_never_runs(look: Callable[..., Any], path: str) -> None:
    page = look(path)
    page.wait_for_load_state("networkidle")
    assert page.title() != "owned"
    assert page.locator("main script, main img").count() == 0


def test_a_search_shows_what_fits_while_one_types(look: Callable[..., Any]) -> None:
    page = look("/users/ann")
    page.fill("input[name=q]", "number 2")
    page.locator("#results meter").first.wait_for()
    assert "number 2" in page.inner_text("#results li >> nth=0")


def test_everything_is_done_by_keyboard(look: Callable[..., Any], service: MemoryService) -> None:
    id = service.user("bo").add("Bo likes jazz").id
    page = look(f"/users/bo/memories/{id}")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.focus("textarea[name=content]")
    page.keyboard.press("Control+A")
    page.keyboard.type("Bo likes blues")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator("ins", has_text="blues").wait_for()
    page.focus("button:has-text('Forget')")
    page.keyboard.press("Enter")
    page.locator("text=This memory is gone").wait_for()
    page.focus("button:has-text('Restore revision 1')")
    page.keyboard.press("Enter")
    page.locator("p.large", has_text="Bo likes jazz").wait_for()


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault(look: Callable[..., Any], tmp_path: Path, scheme: str) -> None:
    fetched = subprocess.run(  # noqa: S603 - one package
        ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(tmp_path), "axe-core"],  # noqa: S607
        capture_output=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip("npm could not fetch axe-core")
    axe = (tmp_path / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
    for path in PAGES:
        page = look(path, bypass_csp=True, color_scheme=scheme)
        page.evaluate(axe)
        faults = page.evaluate("axe.run().then(result => result.violations)")
        grave = [
            (one["id"], one["nodes"][0]["html"])
            for one in faults
            if one["impact"] in ("serious", "critical")
        ]
        assert not grave, path
