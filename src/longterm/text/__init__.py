"""Text as data: terms, scripts, fences and truncation; one copy of each. Pure."""
