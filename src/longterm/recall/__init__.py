"""Finding what matters now: question → candidates → signals → one score → a block of text."""
