from __future__ import annotations

import os
from typing import Any

import pytest
from wire_server import Invoke

_SETTINGS = ("openai_", "anthropic_", "google_", "gemini_", "ollama_", "langsmith_", "langchain_")


@pytest.fixture(autouse=True)
def _nobody_s_settings(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction] - pytest uses it
    """Keep a developer's own keys, addresses and proxies away from the clients."""
    for name in os.environ:
        if name.lower().startswith(_SETTINGS):
            monkeypatch.delenv(name)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture(params=["invoke", "ainvoke"])
def invoke(request: pytest.FixtureRequest) -> Invoke:
    """Call a Runnable, by both of its ways in."""

    async def call(runnable: Any, *args: Any) -> Any:
        if request.param == "invoke":
            return runnable.invoke(*args)
        return await runnable.ainvoke(*args)

    return call
