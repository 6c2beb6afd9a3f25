"""Questions: what they ask for, and what their answers may sound like. Pure.

Embedding models put a question near other questions, and near everything that names the one it
asks about; the answer often has no name in it, since people say "I" of themselves.

Chinese and Japanese put no spaces between words, so a question becomes pairs of characters, and
most pairs of "大輔はどこで泳いでいる" are particles, endings, or lie across two words. Cut where
words stand that only hold a sentence together, it asks for 大輔 and 泳い. Japanese writes these
in hiragana, so only runs of hiragana are cut, from their ends inward; their middle may be a word.
Chinese has no such mark, so only words that are seldom a part of others are listed. A miss costs
a little rank.
"""

import re

from longterm.text.tokenizer import query_terms, words

__all__ = [
    "QUESTION_LEAD",
    "QUESTION_MARKS",
    "as_statement",
    "asked_terms",
    "without_function_words",
]

_JAPANESE = """
でしょうか でしたか ましたか ませんか ですか ますか だろうか のですか のか でした です ました
ません ます でしょう だった であった である だろう ている ていた ていて でいる でいた てる てた
でる でた ておく てしまった てもらった てくれた てほしい された される させた させる られた
られる れた れる せた せる なかった なければ ない なった なって なる なら たい たかった たく
った って った して した する しない しよう いる いた いて ある あった あり という といった
どんな どうやって どうして どのくらい どのように どれくらい どれ どの どこ どう いつ だれ なに
なぜ なん いくら いくつ どちら どっち それ これ あれ その この あの そこ ここ そう こう もの
こと ところ とき ため ほう など から まで ので のに では には とは への での との にも でも
ても より だけ しか ばかり くらい ごろ もう まだ ずっと とても よく かな よね だよ だね んだ
んで のは のが のを のも べき
"""
_CHINESE = """
什么时候 为什么 怎么样 什么 怎么 怎样 哪里 哪儿 哪个 哪些 哪种 哪天 哪一天 哪年 哪位 哪件 哪 谁
为何 多少 多久 几点 几个 几次 几 如何 是不是 有没有 能不能 会不会 还是 或者 以及 因为 所以 但是
如果 虽然 他们 她们 我们 你们 它们 这个 那个 这些 那些 这样 那样 时候 现在 已经 曾经 以前 之前
以后 之后 后来 最后 可以 应该 打算 觉得 需要 有过 的 了 吗 呢 吧 啊 呀 么 着 是 在 我 你 他 她
它 们 跟 也 都 就 被 把 这 那 很 还 又 才 让 给
"""


def _alternatives(words: str) -> str:
    return "|".join(sorted(words.split(), key=len, reverse=True))


_WORDS, _PARTICLES = _alternatives(_JAPANESE), "はがをにへとものでかや"
_BEGIN = f"^(?:{_WORDS}|[{_PARTICLES}])+"
_ENDS = re.compile(f"{_BEGIN}|(?:{_WORDS}|[{_PARTICLES}よねだ])+$")
#: What follows a Han character is its ending.
_ENDS_AFTER_HAN = re.compile(f"{_BEGIN}|(?:{_WORDS}|[{_PARTICLES}よねだたてな])+$")
_HIRAGANA = re.compile("(?P<ending>(?<=[\u3400-\u9fff]))?[ぁ-ゖ]+")
_FUNCTION_WORD = re.compile(_alternatives(_CHINESE))
_KANA = re.compile("[ぁ-ゖァ-ヺ]")
_HAN = re.compile("[\u3400-\u9fff]")


def without_function_words(text: str) -> str:
    """Put spaces where such words stand; text in other scripts stays as it is."""
    if _KANA.search(text):
        return _HIRAGANA.sub(_content_of, text)
    return _FUNCTION_WORD.sub(" ", text) if _HAN.search(text) else text


def _content_of(run: re.Match[str]) -> str:
    ends = _ENDS if run["ending"] is None else _ENDS_AFTER_HAN
    content = ends.sub(" ", run[0])
    # One sign alone is an ending, too.
    return content if len(content.strip()) > 1 or run["ending"] is not None else " "


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
    if text.isascii():
        return query_terms(text)
    return query_terms(without_function_words(text)) or query_terms(text)
