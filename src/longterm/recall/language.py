"""The words of English, Chinese and Japanese that recall's rules look for; data, no logic.

Every pattern is a cheap hint for a weight, never a decision: a miss costs a little rank.
"""

import re
from typing import NamedTuple

from longterm.text.tokenizer import pack_terms, terms

__all__ = [
    "ADDRESSES_ASSISTANT",
    "ASKS_HOW_MANY",
    "ASKS_WHEN",
    "FIRST_PERSON",
    "NUMBERS",
    "PERSONAL",
    "REQUEST",
    "STANDING",
    "STOP_TERMS",
    "SUMMARY",
    "SURVEY",
    "TIME_WORDS",
    "Sign",
]


class Sign(NamedTuple):
    """A pattern that is slow to search for, and what is quicker in lower-cased ASCII text.

    There *plain* finds as much as *pattern*, and where it finds anything a term of the text is
    among *clue_terms*, or it has a digit and *digits* are a clue.
    """

    clue_terms: bytes
    digits: bool
    plain: re.Pattern[str]
    pattern: re.Pattern[str]


def _sign(clues: str, plain: str, others: str) -> Sign:
    """Make a sign of what English says and what *others* say."""
    pattern = re.compile(f"{plain}|{others}", re.IGNORECASE)
    return Sign(pack_terms(terms(clues)), "0" in clues.split(), re.compile(plain), pattern)


_STOP_WORDS = """
a about above after again against all am an and any are aren as at be because been before being
below between both but by can cannot could couldn d did didn do does doesn doing don down during
each few for from further had hadn has hasn have haven having he her here hers herself him himself
his how i if in into is isn it its itself just ll m me more most my myself no nor not now o of off
on once only or other our ours ourselves out over own re s same shan she should shouldn so some
such t than that the their theirs them themselves then there these they this those through to too
under until up ve very was wasn we were weren what when where which while who whom whose why will
with won would wouldn you your yours yourself yourselves
many much kind kinds type types
什么 怎么 哪里 哪儿 哪个 哪些 为什么 时候 吗 呢 吧 啊 的 了 是 在 我 你 他 她 们 和 有 也 都 就
です ます した して ます いつ どこ だれ なに 何 の は が を に へ と も や か ね よ
"""

#: Terms that say nothing about what is asked.
STOP_TERMS = frozenset(term for word in _STOP_WORDS.split() for term in terms(word))

FIRST_PERSON = re.compile(r"\b(?:i|me|my|mine|we|us|our)\b|[我俺咱私僕]", re.IGNORECASE)

ASKS_WHEN = re.compile(
    r"^\s*when\b|\bhow long\b|\bhow many (?:days|weeks|months|years)\b"
    r"|\b(?:what|which) (?:date|day|month|year|time)\b"
    r"|什么时候|何时|哪天|哪一天|哪年|几月|几号|多久|いつ|何時|何月|何日|何年|どのくらい",
    re.IGNORECASE,
)
ASKS_HOW_MANY = re.compile(
    r"\bhow (?:many|much|often|old)\b|多少|几[个次岁本]|いくつ|いくら|何[人回個歳]", re.IGNORECASE
)

TIME_WORDS = _sign(
    "yesterday today tonight tomorrow ago recently just weekend last next this few "
    "monday tuesday wednesday thursday friday saturday sunday january february march april june "
    "july august september october november december 0",
    r"\b(?:yesterday|today|tonight|tomorrow|ago|recently|just|weekend"
    r"|last (?:night|week|month|year|weekend|summer|winter|spring|fall"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)\w*)"
    r"|next (?:week|month|year|weekend|\w+day)|this (?:week|month|year|morning|weekend)"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|few (?:days|weeks|months|years)"
    r"|january|february|march|april|june|july|august|september|october|november|december"
    r"|(?:19|20)\d\d)\b",
    r"昨天|今天|明天|前天|上周|上个月|去年|今年|明年|刚刚|最近|\d+[年月日号]"
    r"|昨日|今日|明日|先週|先月|来週|来月|最近",
)  # fmt: skip
NUMBERS = _sign(
    "two three four five six seven eight nine ten dozen once twice couple several first second "
    "third 0",
    r"\b(?:\d[\d,.]*|two|three|four|five|six|seven|eight|nine|ten|dozen|once|twice|couple|several"
    r"|first|second|third)\b|\d",
    r"[两二三四五六七八九十百千]",
)  # fmt: skip

#: A turn that says how things shall be done from now on.
STANDING = _sign(
    "always never prefer now sure whenever",
    r"(?:^|[.!?,]\s+|\n)(?:please\s+)?(?:always|never)\s+[a-z]+"
    r"|\bi(?:'d)?\s+(?:really |would |strongly |always )?prefer\b"
    r"|\bfrom now on\b|\bmake sure (?:you|to always)\b|\bwhenever i\b",
    r"以后(?:都|请|要)|请(?:总是|一直|不要再)|总是要|永远不要|今后"
    r"|今後は|これからは|いつも.{0,12}(?:ください|して)|必ず.{0,12}(?:ください|して)",
)

#: A question that wants something done or advised, where standing wishes apply.
REQUEST = re.compile(
    r"\b(?:can|could|would|should) (?:you|i)\b|\bhow (?:do|can|should|would) i\b|\bwhat should\b"
    r"|请|帮我|能不能|怎么|ください|どうすれば|教えて",
    re.IGNORECASE,
)
#: A question about what happened, to which a standing wish is no answer.
PERSONAL = re.compile(r"\b(?:I|[Mm]y|[Mm]e|did|was|were)\b|[我私僕]")
SUMMARY = re.compile(r"\bsummar|\boverview\b|\brecap\b|总结|概括|概述|要約|まとめ", re.IGNORECASE)
SURVEY = re.compile(
    SUMMARY.pattern
    + r"|\b(?:in|the) order\b|\bthroughout our\b|\bover time\b|按顺序|先后|順番|順に",
    re.IGNORECASE,
)
#: A question about what the assistant said.
ADDRESSES_ASSISTANT = re.compile(
    r"\b(?:did|have|had|would|were|do) you\b"
    r"|\byou (?:recommend|suggest|said|told|advise|explain|help|describe|mention)"
    r"|你(?:说|推荐|建议|告诉|提到|解释)|(?:あなた|君)(?:が|は)",
    re.IGNORECASE,
)
