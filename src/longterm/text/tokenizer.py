"""Text as terms: the one tokenizer of every store and of recall.

Rule 1: this module is pure and knows no store, so that both backends find the same things.
Rule 2: whatever a query asks for must be among what a document is indexed by:
`query_terms(text)` is a subset of `terms(text)`.

Scripts that put spaces between words give lower-cased words without accents, reduced by a
light English stemmer. Scripts that do not (Chinese, Japanese, Thai …), and Korean, whose words
carry endings, give every character and every pair of neighbours; a query uses the pairs,
which are precise, and falls back to the character only where it stands alone.
"""

import re
import unicodedata
from functools import lru_cache
from itertools import pairwise

__all__ = ["VERSION", "is_unspaced", "query_terms", "scripts", "terms", "words"]

#: Raised whenever `terms` answers differently, so that a store can tell an old index from a new.
VERSION = 1

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3031-\u3035\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
# Python's \w leaves out the vowel signs of Indic and Arabic script, which belong to the word.
_MARKS = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0dff\u0f00-\u0fff"
_RUNS = re.compile(rf"(?P<unspaced>[{_UNSPACED}]+)|(?P<word>(?:[^\W_{_UNSPACED}]+|[{_MARKS}]+)+)")
_ASCII_WORD = re.compile("[A-Za-z0-9]+")
_ONE_UNSPACED = re.compile(f"[{_UNSPACED}]")
_ACCENTS = re.compile("[\u0300-\u036f]")

_SCRIPTS = {
    "latin": re.compile("[A-Za-z\u00aa\u00ba\u00c0-\u024f\u1e00-\u1eff]"),
    "greek": re.compile("[\u0370-\u03ff\u1f00-\u1fff]"),
    "cyrillic": re.compile("[\u0400-\u052f]"),
    "hebrew": re.compile("[\u0590-\u05ff]"),
    "arabic": re.compile("[\u0600-\u06ff\u0750-\u077f]"),
    "indic": re.compile("[\u0900-\u0dff]"),
    "thai": re.compile("[\u0e00-\u0e7f]"),
    "hangul": re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7ff]"),
    "kana": re.compile("[\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff]"),
    "han": re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"),
}


def terms(text: str) -> list[str]:
    """Return what a document is found by, in order and with repetitions."""
    folded = _folded(text)
    if folded.isascii():
        return _stems(_ascii_words(folded))
    return [term for run in _runs(folded) for term in _indexed(*run)]


def query_terms(text: str) -> list[str]:
    """Return what a query asks for: each term once, in order."""
    return list(dict.fromkeys(term for run in _runs(_folded(text)) for term in _asked(*run)))


def words(text: str) -> list[str]:
    """Lower-cased words as they stand, unstemmed; a run without spaces is one word."""
    folded = _folded(text)
    return _ascii_words(folded) if folded.isascii() else [run for run, _ in _runs(folded)]


def scripts(text: str) -> frozenset[str]:
    """Return the names of the scripts that occur in *text*."""
    return frozenset(name for name, letters in _SCRIPTS.items() if letters.search(text))


def is_unspaced(text: str) -> bool:
    """Tell whether *text* holds a script that is indexed by characters and pairs."""
    return _ONE_UNSPACED.search(text) is not None


def _runs(folded: str) -> list[tuple[str, bool]]:
    found = _RUNS.finditer(folded)
    return [(run.group(), run.lastgroup == "unspaced") for run in found]


def _ascii_words(folded: str) -> list[str]:
    """Find the runs of ASCII text, the same ones as `_runs` and many times faster."""
    return _ASCII_WORD.findall(folded)


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", decomposed))


def _indexed(run: str, unspaced: bool) -> list[str]:  # noqa: FBT001 - the pair that _runs makes
    return [*run, *_pairs(run)] if unspaced else [_stem(run)]


def _asked(run: str, unspaced: bool) -> list[str]:  # noqa: FBT001 - the pair that _runs makes
    if not unspaced:
        return [_stem(run)]
    return _pairs(run) if len(run) > 1 else [run]


def _pairs(run: str) -> list[str]:
    return [first + second for first, second in pairwise(run)]


def _stems(words: list[str]) -> list[str]:
    """Stem words; one call less for each where none of them is long."""
    usual = max(map(len, words), default=0) <= _USUAL
    return list(map(_usual_stem if usual else _stem, words))


def _stem(word: str) -> str:
    return _usual_stem(word) if len(word) <= _USUAL else _usual_stem.__wrapped__(word)


@lru_cache(maxsize=65_536)
def _usual_stem(word: str) -> str:
    """Take an English ending off: enough that "hikes", "hiked" and "hiking" meet."""
    if len(word) <= _SHORT or not word.isascii() or not word.isalpha():
        return word
    stem = _without_ing_or_ed(_without_s(word))
    return stem[:-1] if stem.endswith("e") and len(stem) > _SHORT else _y_as_i(stem)


_SHORT = 3
#: Longer words are seldom met again, and may be megabytes: no cache keeps them.
_USUAL = 64
_VOWEL = re.compile("[aeiouy]")
_PLURALS = (("sses", "ss"), ("ies", "y"), ("ss", "ss"), ("us", "us"), ("is", "is"), ("s", ""))


def _without_s(word: str) -> str:
    for ending, instead in _PLURALS:
        if word.endswith(ending):
            return word.removesuffix(ending) + instead
    return word


def _without_ing_or_ed(word: str) -> str:
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) >= _SHORT - 1 and _VOWEL.search(stem):
            return _single(stem)
    return word


def _single(stem: str) -> str:
    doubled = len(stem) > _SHORT and stem[-1] == stem[-2] and stem[-1] not in "lsz"
    return stem[:-1] if doubled else stem


def _y_as_i(stem: str) -> str:
    return stem[:-1] + "i" if stem.endswith("y") and len(stem) > _SHORT else stem
