"""Spelling: what is written in several ways in a script becomes one. Pure.

`folded` is what every term is made of. It lowers capitals and drops accents, and does for each
script what its readers do without thinking: Arabic and Hebrew without points, one alef, one
yeh, one heh; digits of every script as ASCII; a letter and its form with a dot or stroke;
hiragana for katakana, one form of a Han character for all that it has. The tables follow Unicode's
normalisation (UAX 15) and what full-text engines do for these languages (Lucene's analyzers and
ASCII folding).
"""

import re
import unicodedata

from longterm.text.han import FORMS, SAME

__all__ = ["MARKS", "UNSPACED", "folded", "is_unspaced", "main_script", "scripts"]

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
