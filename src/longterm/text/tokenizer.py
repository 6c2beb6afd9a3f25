"""Text as terms, and terms as numbers: the one tokenizer of every store and of recall. Pure.

Rule 1: this module knows no store, so that both backends find the same things.
Rule 2: whatever a query asks for must be among what a document is indexed by:
`query_terms(text)` is a subset of `terms(text)`.

Scripts that put spaces between words give words in one spelling (`folded`), reduced by a
light English stemmer; a word with ü, ö, ä, å or ø also stands as it is written without them
(Mueller), and one with an apostrophe inside as it is written without that (OBrien, dont).
Scripts that do not (Chinese, Japanese, Thai …), and Korean, whose words carry endings, give every
character and every pair of neighbours; a query uses the pairs, which are precise, and falls back
to the character only where it stands alone.

`folded` lowers capitals and drops accents, and does for each script what its readers do without
thinking: Arabic and Hebrew without points, one alef, one yeh, one heh; digits of every script as
ASCII; a letter and its form with a dot or stroke; hiragana for katakana, one form of a Han
character for all that it has. The tables follow Unicode's normalisation (UAX 15) and what
full-text engines do for these languages (Lucene's analyzers and ASCII folding).

64 bits of a hash stand for a term on disk and wherever terms are compared: the same in every
process, so what one has read of a text another need not read again.
"""

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import pairwise

from longterm.text.han import FORMS, SAME

__all__ = [
    "MARKS",
    "TERM_BYTES",
    "UNSPACED",
    "VERSION",
    "count_terms",
    "count_words",
    "folded",
    "forget_terms",
    "forget_words",
    "is_unspaced",
    "main_script",
    "pack_terms",
    "packed_terms",
    "query_terms",
    "scripts",
    "terms",
    "words",
]

#: Letters of scripts that put no spaces between words, as ranges of a character class.
UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f\u1780-\u17ff"  # Myanmar, Khmer
    "\u1100-\u11ff\u3130-\u318f\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u3005-\u3007\u3031-\u3035\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"  # kana
    "\u3105-\u312f\u31a0-\u31bf"  # Bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
#: Vowel signs that belong to the word, though Python's \w leaves them out.
MARKS = (
    "\u07a6-\u07b0\u07eb-\u07f3"  # Thaana, N'Ko
    "\u0900-\u0963\u0966-\u096f\u0971-\u0df3"  # Indic, without dandas
    "\u0f18\u0f19\u0f35\u0f37\u0f39\u0f71-\u0f84\u0f86\u0f87\u0f8d-\u0fbc"  # Tibetan
    "\u1712-\u1714\u1732-\u1734\u1752\u1753\u1772\u1773\u1920-\u193b\u1a17-\u1a1b\u1a55-\u1a7e"
    "\u1b00-\u1b04\u1b34-\u1b44\u1b80-\u1b82\u1ba1-\u1bad\ua980-\ua983\ua9b3-\ua9c0"
)

_ONE_UNSPACED = re.compile(f"[{UNSPACED}]")

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

#: What a word is the same without: accents, points, nuktas, tatweel, what has no width and
#: what chooses among the shapes of a character.
#: The half-space (U+200C) stays: it stands between parts of a word.
_DROPPED = re.compile(
    "[\u0300-\u036f\u0483-\u0489\xad\u180b-\u180d\u180f\U000e0100-\U000e01ef\u200b\u200d-\u200f\u202a-\u202e\u2060-\u2064\ufe00-\ufe0f\ufeff"
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed"
    "\u08ca-\u08e1\u08e3-\u08ff\u0711\u0730-\u074a"  # Arabic, Syriac
    "\u093c\u09bc\u0a3c\u0abc\u0b3c\u0cbc]"  # Indic
)
_DIGIT = re.compile(r"[^\D0-9]")
#: Thai and Lao: a tone mark typed before the circle of -am.
_TONE_FIRST = re.compile("([\u0e48-\u0e4b\u0ec8-\u0ecb])([\u0e4d\u0ecd])")
_FOURTH = 3
#: Small hiragana that stand one before their large forms.
_SMALL_KANA = tuple(map(ord, "ぁぃぅぇぉっゃゅょゎ"))
_SAME: dict[int, str] = str.maketrans(
    {
        # Latin letters that have no decomposition.
        "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ð": "d", "ħ": "h", "ı": "i", "ĸ": "k",
        "ł": "l", "ŋ": "n", "þ": "th", "ŧ": "t", "ƀ": "b", "ɓ": "b", "ɗ": "d", "ɖ": "d",
        "ƙ": "k", "ƴ": "y", "ɨ": "i", "ʉ": "u", "ə": "e", "ǝ": "e", "ɛ": "e", "ɔ": "o",
        "ȷ": "j",
        # Apostrophes that count as letters.
        "\u02b9": "'", "\u02bb": "'", "\u02bc": "'", "\u02bd": "'", "\ua78c": "'",
        # Cyrillic: a letter that Ukrainian did without for sixty years.
        "\u0491": "\u0433",
        # Arabic, Persian, Urdu, Kurdish: alef, kaf, yeh, heh, noon.
        "\u06ba": "\u0646",
        "\u0671": "\u0627", "\u0672": "\u0627", "\u0673": "\u0627",
        "\u06a9": "\u0643", "\u06aa": "\u0643", "\u063b": "\u0643", "\u063c": "\u0643",
        "\u0649": "\u064a", "\u06cc": "\u064a", "\u06cd": "\u064a", "\u06d0": "\u064a",
        "\u06d2": "\u064a", "\u0629": "\u0647", "\u06be": "\u0647", "\u06c1": "\u0647",
        "\u06c3": "\u0647", "\u06d5": "\u0647", "\u06ff": "\u0647",
        # Indic: one sign for the nasal, and letters of their own for consonants without a vowel.
        "\u0901": "\u0902", "\u0981": "\u0982", "\u0a81": "\u0a82", "\u0a01": "\u0a02",
        "\u09ce": "\u09a4\u09cd",
        "\u0d7a": "\u0d23\u0d4d", "\u0d7b": "\u0d28\u0d4d", "\u0d7c": "\u0d30\u0d4d",
        "\u0d7d": "\u0d32\u0d4d", "\u0d7e": "\u0d33\u0d4d", "\u0d7f": "\u0d15\u0d4d",
        # Katakana as hiragana, small ones as large ones (キヤノン), and its marks of repetition.
        **{chr(letter): chr(letter - 0x60) for letter in range(0x30A1, 0x30F7)},
        **{chr(letter + shift): chr(letter + 1)
           for letter in _SMALL_KANA for shift in (0, 0x60)},
        "\u3095": "か", "\u30f5": "か", "\u3096": "け", "\u30f6": "け",
        "\u30fd": "\u309d", "\u30fe": "\u309e",
        # Amharic letters of one sound; in the rows of h and of a the first and the fourth, too.
        **{
            chr(row + order): chr(first + (0 if order == _FOURTH else order))
            for first, rows in ((0x1200, (0x1200, 0x1210, 0x1280)), (0x12A0, (0x12A0, 0x12D0)))
            for row in rows
            for order in range(7)
            if row != first or order == _FOURTH
        },
        **{chr(0x1220 + order): chr(0x1230 + order) for order in range(8)},
        **{chr(0x1340 + order): chr(0x1338 + order) for order in range(7)},
        # Han characters: traditional, simplified and Japanese forms.
        **dict(zip(FORMS, SAME, strict=True)),
    }
)  # fmt: skip
_HAS_SAME = re.compile(f"[{re.escape(''.join(map(chr, _SAME)))}]")


#: Letters that are others before or after some: n and m before a stop that they are spoken with
#: (Hindi, Gujarati), the Armenian "yev", the Catalan point between two l.
_IN_COMPANY = re.compile(
    "\u0919\u094d(?=[\u0915-\u0918])|\u091e\u094d(?=[\u091a-\u091d])"
    "|\u0923\u094d(?=[\u091f-\u0922])|\u0928\u094d(?=[\u0924-\u0927])"
    "|\u092e\u094d(?=[\u092a-\u092d])"
    "|\u0a99\u0acd(?=[\u0a95-\u0a98])|\u0a9e\u0acd(?=[\u0a9a-\u0a9d])"
    "|\u0aa3\u0acd(?=[\u0a9f-\u0aa2])|\u0aa8\u0acd(?=[\u0aa4-\u0aa7])"
    "|\u0aae\u0acd(?=[\u0aaa-\u0aad])"
    "|\u0582(?<=\u0565.)|\u00b7(?<=l.)(?=l)"
)
#: One of these is in each: a plain search for them is many times faster.
_OF_COMPANY = ("\u094d", "\u0acd", "\u0582", "\u00b7")
_BECOMES = {"\u0582": "\u057e", "\u00b7": ""}
#: A wave for a long vowel, after kana.
_WAVES = re.compile("(?<=[\u3041-\u3096\u30fc])[\u301c~]+")
_REPEATED = re.compile("([\u3400-\u9fff\U00020000-\U0003ffff])(\u3005+)")


def folded(text: str) -> str:
    """Return *text* in the one spelling that all its spellings share."""
    if text.isascii():
        return text.lower()
    # Marks go first: a capital letter's iota subscript would become a letter of its own.
    bare = _DROPPED.sub("", unicodedata.normalize("NFKD", text))
    plain = unicodedata.normalize("NFKC", bare.casefold())
    digits = _DIGIT.sub(lambda digit: str(unicodedata.decimal(digit.group())), plain)
    same = digits.translate(_SAME) if _HAS_SAME.search(digits) else digits
    if "\u301c" in same or "~" in same:
        same = _WAVES.sub("\u30fc", same)
    if "\u3005" in same:
        same = _REPEATED.sub(lambda found: found[1] * (1 + len(found[2])), same)
    if any(letter in same for letter in _OF_COMPANY):
        same = _IN_COMPANY.sub(_alone, same)
    return _TONE_FIRST.sub(r"\2\1", same).replace("\u0e40\u0e40", "\u0e41")


def _alone(found: re.Match[str]) -> str:
    letter = found.group()
    return _BECOMES.get(letter, "\u0902" if letter < "\u0a00" else "\u0a82")


def scripts(text: str) -> frozenset[str]:
    """Return the names of the scripts that occur in *text*."""
    return frozenset(name for name, letters in _SCRIPTS.items() if letters.search(text))


def main_script(text: str) -> str:
    """Return the name of the script that most letters of *text* are of, "" where it knows none.

    Kana make a text Japanese, however many Han characters it has.
    """
    counts = {name: len(letters.findall(text)) for name, letters in _SCRIPTS.items()}
    counts["kana"] += counts["han"] if counts["kana"] else 0
    best = max(counts, key=lambda name: counts[name])
    return best if counts[best] else ""


def is_unspaced(text: str) -> bool:
    """Tell whether *text* holds a script that is indexed by characters and pairs."""
    return _ONE_UNSPACED.search(text) is not None


#: What a term takes.
TERM_BYTES = 8
#: Longer terms are seldom met again, and may be megabytes: no cache keeps them.
_USUAL_TERM = 64


def _digest(term: str) -> bytes:
    return blake2b(term.encode("utf-8", "surrogatepass"), digest_size=TERM_BYTES).digest()


_usual_digest = lru_cache(maxsize=65_536)(_digest)


def pack_terms(terms: Sequence[str]) -> bytes:
    """Return the hashes of *terms*, one after the other: integers of 64 bits, little-endian."""
    usual = max(map(len, terms), default=0) <= _USUAL_TERM
    return b"".join(map(_usual_digest if usual else _digest, terms))


def forget_terms() -> None:
    """Drop the terms that were met and whose hashes are kept."""
    _usual_digest.cache_clear()


#: Raised whenever `terms` answers differently, so that a store can tell an old index from a new.
VERSION = 5

#: What a word is made of; the half-space (U+200C) of Persian stands between parts of one.
_WORD = rf"(?:[^\W_{UNSPACED}]+|[{MARKS}]+)+"
_RUNS = re.compile(rf"(?P<unspaced>[{UNSPACED}]+)|(?P<word>{_WORD}(?:\u200c+{_WORD})*)")
#: Finds the runs of ASCII text, the same ones as `_runs` and many times faster.
_ascii_words = re.compile("[A-Za-z0-9]+").findall
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
#: Most apostrophes are quotation marks: to look at each takes a fraction of the time.
_INSIDE_A_WORD = re.compile("'(?<=[A-Za-z]')[A-Za-z]")
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
    if plain.isascii():  # its words are terms, and no pairs stand beside characters
        return list(dict.fromkeys(_terms(text, plain)))
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
    if text.isascii() and not ("'" in plain and _INSIDE_A_WORD.search(plain)):
        return []
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
    return _digest(_usual_stem.__wrapped__(word))


def forget_words() -> None:
    """Drop the words that were met and are kept to be read faster: one may be a password."""
    _usual_stem.cache_clear()
    _usual_hash.cache_clear()
    forget_terms()
