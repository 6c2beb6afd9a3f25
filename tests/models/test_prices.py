"""What model calls cost."""

from __future__ import annotations

import pytest

from longterm.models.prices import cost_of


def test_a_known_model_has_its_price() -> None:
    pytest.importorskip("genai_prices")
    cost = cost_of("openai:gpt-5-mini", read=1_000_000, written=0)
    assert cost is not None
    assert cost > 0
    assert cost_of("gpt-5-mini", read=1_000_000, written=0) == cost


@pytest.mark.parametrize("model", [None, "", "local:qwen2.5-coder-1.5b", "openai:no-such-model"])
def test_an_unknown_price_is_none_and_not_nothing(model: str | None) -> None:
    assert cost_of(model, read=1_000, written=1_000) is None
