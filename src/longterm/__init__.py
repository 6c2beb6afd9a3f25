"""Long-term memory for LLM agents."""

__all__: list[str] = []
