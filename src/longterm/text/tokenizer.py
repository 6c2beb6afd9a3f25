"""Text as terms: the one tokenizer of every store and of recall.

Rule 1: this module is pure and knows no store, so that both backends find the same things.
Rule 2: whatever a query asks for must be among what a document is indexed by:
`query_terms(text)` is a subset of `terms(text)`.

Scripts that put spaces between words give words in one spelling (see `scripts`), reduced by a
light English stemmer; a word with ü, ö, ä, å or ø also stands as it is written without them
(Mueller), and one with an apostrophe inside as it is written without that (OBrien, dont).
Scripts that do not (Chinese, Japanese, Thai …), and Korean, whose words carry endings, give every
character and every pair of neighbours; a query uses the pairs, which are precise, and falls back
to the character only where it stands alone.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

from longterm.text.scripts import MARKS, UNSPACED, folded
from longterm.text.term_hashes import forget_terms, pack_terms

__all__ = [
    "VERSION",
    "count_terms",
    "count_words",
    "forget_words",
    "packed_terms",
    "query_terms",
    "terms",
    "words",
]

#: Raised whenever `terms` answers differently, so that a store can tell an old index from a new.
VERSION = 5

#: What a word is made of; the half-space (U+200C) of Persian stands between parts of one.
_WORD = rf"(?:[^\W_{UNSPACED}]+|[{MARKS}]+)+"
_RUNS = re.compile(rf"(?P<unspaced>[{UNSPACED}]+)|(?P<word>{_WORD}(?:\u200c+{_WORD})*)")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")
_HALF_SPACE = "\u200c"
_UMLAUT = re.compile("[äöüåøÄÖÜÅØ\u0308\u030a]")
#: These begin where a word does: a search within one, from each of its letters, is quadratic.
_WITH_UMLAUT = re.compile(r"(?<![^\W\d_])[^\W\d_]*[äöüåø][^\W\d_]*")
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
#: A word with apostrophes inside, or the marks that Hebrew has in their place.
_APOSTROPHES = "'\u2018\u2019\u05f3\u05f4"
_LETTER = rf"[^\W\d_{UNSPACED}]"
_WITH_APOSTROPHE = re.compile(
    rf"(?<!{_LETTER}){_LETTER}+"
    rf"(?:(?:[{_APOSTROPHES}]|(?<=[\u05d0-\u05ea])\"(?=[\u05d0-\u05ea])){_LETTER}+)+"
)
_ASCII_WITH_APOSTROPHE = re.compile("(?<![A-Za-z])[A-Za-z]+(?:'[A-Za-z]+)+")
_APOSTROPHE = re.compile(f'[{_APOSTROPHES}"]')
#: What English puts behind one, and readers take for no part of the word.
_SHORTENED = re.compile(f"[{_APOSTROPHES}](?:s|m|re|ve|ll|d)\\Z", re.IGNORECASE)
#: Latin text with signs and pictures, of which nothing but ASCII words is left: a term each.
_IS_SPACED = re.compile(
    "[\x00-\xb4\xb6-\xc3\xc6-\xd5\xd7\xd9-\xdb\xdd-\xe3\xe6-\xf5\xf7\xf9-\xfb\xfd-\u017f\u2010-\u2027\u202f-\u205e\u20a0-\u20c0\u2190-\u23ff\u2500-\u2775"
    "\ufe0f\U0001f300-\U0001faff]*"
)


def terms(text: str) -> list[str]:
    """Return what a document is found by, in order and with repetitions."""
    return _terms(text, folded(text))


def packed_terms(text: str) -> bytes:
    """Return the hashes of `terms`, as `pack_terms` makes them of these, in less time."""
    plain = folded(text)
    words = _ascii_words(plain) if plain.isascii() else []
    if max(map(len, words), default=_USUAL + 1) > _USUAL:
        return pack_terms(_terms(text, plain))
    return b"".join(map(_usual_hash, words)) + pack_terms(_otherwise_written(text, plain))


def _terms(text: str, plain: str) -> list[str]:
    if plain.isascii():
        return [*_stems(_ascii_words(plain)), *_otherwise_written(text, plain)]
    found: list[str] = []
    for run, unspaced in _runs(plain):
        found += [*run, *_pairs(run)] if unspaced else _spellings(run)
    return [*found, *_otherwise_written(text, plain)]


def query_terms(text: str) -> list[str]:
    """Return what a query asks for: each term once, in order."""
    found: dict[str, None] = {}
    plain = folded(text)
    for run, unspaced in _runs(plain):
        pairs = unspaced and len(run) > 1
        forms = _pairs(run) if pairs else [run] if unspaced else _spellings(run)
        found |= dict.fromkeys(forms)
    return list(found | dict.fromkeys(_otherwise_written(text, plain)))


def words(text: str) -> list[str]:
    """Lower-cased words as they stand, unstemmed; a run without spaces is one word."""
    plain = folded(text)
    if plain.isascii():
        return _ascii_words(plain)
    return [run.replace(_HALF_SPACE, "") for run, _ in _runs(plain)]


def count_terms(text: str) -> int:
    """Return how many `terms` *text* has."""
    return (
        len(_ascii_words(text)) + len(_without_apostrophes(text))
        if text.isascii()
        else len(terms(text))
    )


def count_words(text: str, count: int) -> int:
    """Return how many words a reader sees in *text*, which has *count* terms.

    Where nothing separates words, two characters make one.
    """
    if text.isascii() or _IS_SPACED.fullmatch(text):
        return count - len(_without_apostrophes(text))
    return sum(1 if run.isascii() else max(1, len(run) // 2) for run in words(text))


def _otherwise_written(text: str, plain: str) -> list[str]:
    return [*_without_umlauts(text), *_without_apostrophes(plain)]


def _without_apostrophes(plain: str) -> list[str]:
    """Return the words of *plain* with an apostrophe inside, written without: O'Brien as obrien."""
    if plain.isascii():
        found = _ASCII_WITH_APOSTROPHE.findall(plain) if "'" in plain else []
    else:
        found = _WITH_APOSTROPHE.findall(plain) if _APOSTROPHE.search(plain) else []
    whole = (_SHORTENED.sub("", word) for word in found)
    return [_stem(_APOSTROPHE.sub("", word)) for word in whole if _APOSTROPHE.search(word)]


def _without_umlauts(text: str) -> list[str]:
    """Return the words of *text* with an umlaut or a ring, written without: Müller as mueller."""
    if text.isascii() or not _UMLAUT.search(text):
        return []
    plain = unicodedata.normalize("NFC", text).lower()
    return [
        _stem(word)
        for found in _WITH_UMLAUT.findall(plain)
        for word in _ascii_words(folded(found.translate(_WRITTEN_OUT)))
    ]


def _runs(plain: str) -> list[tuple[str, bool]]:
    found = _RUNS.finditer(plain)
    return [(run.group(), run.lastgroup == "unspaced") for run in found]


def _ascii_words(plain: str) -> list[str]:
    """Find the runs of ASCII text, the same ones as `_runs` and many times faster."""
    return _ASCII_WORD.findall(plain)


def _spellings(word: str) -> list[str]:
    """Stem *word*; one with half-spaces is also written in one, or with spaces."""
    if _HALF_SPACE not in word:
        return [_stem(word)]
    parts = [part for part in word.split(_HALF_SPACE) if part]
    return [_stem(part) for part in ["".join(parts), *parts]]


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)]


def _stems(words: list[str]) -> list[str]:
    """Stem words; one call less for each where none of them is long."""
    usual = max(map(len, words), default=0) <= _USUAL
    return list(map(_usual_stem if usual else _stem, words))


def _stem(word: str) -> str:
    return _usual_stem(word) if len(word) <= _USUAL else _usual_stem.__wrapped__(word)


_SHORT = 3
#: Longer words are seldom met again, and may be megabytes: no cache keeps them.
_USUAL = 64
_VOWEL = re.compile("[aeiouy]")
#: Of words with other letters at their end nothing is taken.
_LAST = frozenset("sgdey")
_PLURALS = (("sses", "ss"), ("ies", "y"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""))


@lru_cache(maxsize=65_536)
def _usual_stem(word: str) -> str:
    """Take an English ending off: enough that "hikes", "hiked" and "hiking" meet."""
    if len(word) <= _SHORT or word[-1] not in _LAST or not (word.isascii() and word.isalpha()):
        return word
    for ending, instead in _PLURALS:
        if word.endswith(ending):
            word = word.removesuffix(ending) + instead
            break
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORT - 1 and _VOWEL.search(stem):
            doubled = len(stem) > _SHORT and stem[-1] == stem[-2] and stem[-1] not in "lsz"
            word = stem[:-1] if doubled else stem
            break
    if len(word) <= _SHORT or word[-1] not in "ey":
        return word
    return word[:-1] if word[-1] == "e" else word[:-1] + "i"


@lru_cache(maxsize=65_536)
def _usual_hash(word: str) -> bytes:
    return pack_terms([_usual_stem.__wrapped__(word)])


def forget_words() -> None:
    """Drop the words that were met and are kept to be read faster: one may be a password."""
    _usual_stem.cache_clear()
    _usual_hash.cache_clear()
    forget_terms()
