"""Finding what matters now: question → candidates → arms → one score → a block of text."""
