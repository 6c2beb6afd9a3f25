"""LangMem's path to the rules of a prompt; the code lives in `longterm.text.placeholders`."""

from longterm.text.placeholders import complaint, fill, healed, is_template, placeholders

__all__ = ["complaint", "fill", "healed", "is_template", "placeholders"]
