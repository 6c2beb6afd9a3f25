"""A provider's package that is not installed: the error names the extra that brings it."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Makes modules impossible to import, as if they were not installed, and creates a manager.
SCRIPT = """
import sys
for name in {blocked!r}:
    sys.modules[name] = None
from longterm import create_memory_manager
try:
    create_memory_manager({model!r})
except Exception as error:
    print(type(error).__name__, isinstance(error, ImportError), error)
"""


def answer(model: str, *blocked: str) -> str:
    script = SCRIPT.format(model=model, blocked=blocked)
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=100
    )
    return done.stdout


@pytest.mark.parametrize(
    ("model", "blocked", "extra"),
    [
        ("openai:gpt-5", "langchain_openai", "openai"),
        ("anthropic:claude-sonnet-5", "langchain_anthropic", "anthropic"),
        ("anthropic:claude-sonnet-5", "langchain", "anthropic"),
        ("openai:gpt-5", "langchain", "openai"),
        ("gpt-5", "langchain", "openai"),
        ("ollama:qwen3", "langchain", "agents"),
    ],
)
def test_the_error_names_the_extra(model: str, blocked: str, extra: str) -> None:
    said = answer(model, blocked)
    assert said.startswith("MissingExtraError True")
    assert f'pip install "longterm[{extra}]"' in said


def test_a_provider_without_an_extra_is_named_by_its_own_package() -> None:
    said = answer("ollama:qwen3", "langchain_ollama")
    assert said.startswith("ConfigurationError")
    assert "langchain-ollama" in said


@pytest.mark.parametrize(
    ("option", "blocked", "extra"),
    [
        ("embeddings='local'", "tokenizers", "local"),
        ("embeddings='minilm'", "tokenizers", "local"),
        ("reflect='sqlite:///reflections.db'", "dbos", "durable"),
    ],
)
def test_what_an_option_needs_is_missed_when_the_store_is_opened(
    option: str, blocked: str, extra: str
) -> None:
    script = f"""
import sys
sys.modules[{blocked!r}] = None
import longterm
try:
    longterm.open(":memory:", {option})
except longterm.errors.MissingExtraError as error:
    print(error)
print(longterm.open(":memory:").user("ann").add("Ann is vegan.").content)
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=100
    )
    assert f'pip install "longterm[{extra}]"' in done.stdout
    assert "Ann is vegan." in done.stdout


def test_an_unknown_provider_is_told_how_a_name_is_written() -> None:
    said = answer("nobody:model")
    assert said.startswith("ConfigurationError")
    assert "provider:model" in said
