"""What model calls cost in US dollars, by the price list of `genai-prices`, offline."""

from __future__ import annotations

__all__ = ["cost_of"]


def cost_of(model: str | None, *, read: int, written: int) -> float | None:
    """Return the price of tokens *read* and *written* by *model*, as ``provider:name`` or a name.

    None where it is not known: a local model, a new one, or no price list installed
    (``pip install "longterm[otel]"``). An unknown price is never 0.
    """
    if not model:
        return None
    try:
        from genai_prices import Usage, calc_price
    except ImportError:
        return None
    provider, _, name = model.rpartition(":")
    usage = Usage(input_tokens=read, output_tokens=written)
    try:
        priced = calc_price(usage, model_ref=name, provider_id=provider or None)
    except LookupError:
        return None
    return float(priced.total_price)
