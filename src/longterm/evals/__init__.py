"""Evaluation: how well recall finds, and answers follow, on suites that anybody can fetch."""
