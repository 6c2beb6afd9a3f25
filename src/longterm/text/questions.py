"""Questions, turned into what their answers may sound like. Pure.

Embedding models put a question near other questions, and near everything that names the one it
asks about; the answer often has no name in it, since people say "I" of themselves.
"""

import re

from longterm.text.function_words import without_function_words
from longterm.text.tokenizer import query_terms, words

__all__ = ["QUESTION_LEAD", "QUESTION_MARKS", "as_statement", "asked_terms"]

QUESTION_MARKS = ("?", "？", "؟")

QUESTION_LEAD = re.compile(
    r"^(?:when|what|who|where|why|how many|how much|how|which|would|did|does|do|is|are|was|were"
    r"|can|could|has|have|had)\b(?:\s+(?:did|does|do|is|are|was|were|has|have|had)\b)?\s*",
    re.IGNORECASE,
)
#: Who a question is about, in English: a name behind an auxiliary, or before a possessive.
_SUBJECT = re.compile(
    r"\b(?i:did|does|do|is|are|was|were|has|have|had|will|would|could|should|can|might|may)"
    r"\s+([A-Z][a-z]+)\b|\b([A-Z][a-z]+)['’]s\b"
)


def as_statement(text: str) -> str:
    """Return a question as the one it is about would answer it; other text as it is.

    "When did Ann move to Kyoto?" becomes "I move to Kyoto".
    """
    if not text.rstrip().endswith(QUESTION_MARKS):
        return text
    said = text
    for name in {first or second for first, second in _SUBJECT.findall(text)}:
        said = re.sub(rf"\b{name}['’]s\b", "my", said)
        said = re.sub(rf"\b{name}\b", "I", said)
    said = QUESTION_LEAD.sub("", said.strip()).rstrip("?？؟ ")
    return said if words(said) else text


def asked_terms(text: str) -> list[str]:
    """Return what *text* asks for: each term once, those that only hold it together left out.

    Where nothing else is asked for, they are what is.
    """
    return query_terms(without_function_words(text)) or query_terms(text)
