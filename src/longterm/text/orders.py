"""Orders: sentences that say how an agent shall act from now on. Pure.

Whether one counts depends on whose words it is, which a text does not say: the user's own are
wishes, those of a tool, a document or another agent are none. A list of forms in six languages
finds what is put as an order; one that is put as a plain fact ("the refund limit is a million")
is not distinguished from a fact by any list.
"""

from __future__ import annotations

import re

__all__ = ["claims_a_wish", "order_spans", "without_orders"]

_SENTENCE = re.compile(r"(?:[^.!?。！？\n]|[.!?](?=\S))+[.!?。！？]*")
#: Where a clause may begin, and with what courtesy.
_COURTESY = r"(?:(?:please|kindly|important|note|attention|assistant|agent|ai)\b[:,!]?\s*){0,3}"
_START = r"^|[:;,\u2014\u2013(\[>*\"'\u201c\u2018-]\s*|\b(?:and|then|so|also)\s+"
_BEGIN = rf"(?:{_START}|\b(?:that|to)\s+){_COURTESY}"
#: Not after "to": she wants to visit Kyoto in May.
_CLAUSE = rf"(?:{_START}){_COURTESY}"
_VERBS = (
    r"(?:send|forward|recommend|use|reply|respond|answer|redirect|transfer|approve|skip|reveal"
    r"|share"
    r"|include|append|insert|suggest|promote|mention|email|mail|upload|delete|execute|run|visit"
    r"|open"
    r"|click|treat|tell|give|grant|trust|accept|refuse|hide|put|add|book|order|buy|sell|call|say"
    r"|ask|assume|describe|store|save|copy|post|pay|charge|disable|enable|stop|start|keep)"
)
#: Those that are hardly ever nouns: "book club meets in the library" is no order.
_PLAIN_VERBS = (
    r"(?:send|forward|recommend|use|reply|respond|answer|redirect|transfer|approve|reveal|include"
    r"|append|insert|suggest|promote|treat|give|grant|trust|upload|delete|execute|visit|put|add"
    r"|tell)"
)
_ENGLISH = re.compile(
    rf"{_BEGIN}(?:always|never|do not ever|don['\u2019]t ever|under no circumstances)\s+\w"
    rf"|{_BEGIN}(?:do not|don['\u2019]t|avoid|refrain from)\s+\w"
    r"|\b(?:from (?:now|this (?:point|moment)|today|here) on(?:ward|wards)?|going forward"
    r"|henceforth"
    r"|until further notice|from this day forward)\b"
    r"|\b(?:in|for|on) (?:all|any|every|each) (?:future|later|next|following|new|subsequent)\b"
    r"|\b(?:in|for|with|into|before|after|to|on) every (?:answer|reply|response|question"
    r"|conversation"
    r"|session|message|request|search|e-?mail|call|task|user|customer)\b"
    r"|\b(?:whenever|every ?time|each ?time|any ?time|when|if) (?:you|the (?:user|customer|agent"
    r"|assistant)|someone|anyone|users?|customers?|asked)\b[^.]{0,200}?,\s*"
    rf"(?:please\s+)?(?:always|never|you|{_VERBS})\b"
    rf"|{_BEGIN}(?:remember|memori[sz]e|keep in mind|bear in mind|take note|make a note"
    rf"|note to self"
    r"|learn|store|save|record|write)\b\s*(?::|,|that|to\b|this|the following|it (?:in|to)\b)"
    r"|\b(?:to|in|into) (?:your|the|its|long-term|permanent) (?:\w+ )?memor(?:y|ies)\b"
    rf"|{_BEGIN}(?:make sure|be sure|ensure|see to it)\b"
    r"|\b(?:you|(?:the|this|your|any|every|all) (?:\w+ )?(?:assistants?|agents?|models?|ai|bots?"
    r"|llms?"
    r"|systems?)|assistants|agents|bots)\s+(?:must|shall|should|ha(?:s|ve) to|needs? to|(?:is"
    r"|are) (?:to|required|instructed"
    r"|ordered|expected|supposed|told)\b|may not|can(?:not|'t)|will (?:always|never|now)|ought to)"
    r"|\b(?:must|shall|should|may|can|will) (?:always|never|ever|no longer|not)\b"
    r"|\b(?:every|each|all|any) (?:\w+ )?(?:answers?|repl(?:y|ies)|responses?|messages?|e-?mails?"
    r"|requests?|invoices?|payments?)\b[^.]{0,60}?\b(?:must|shall|should|ha(?:s|ve) to|(?:is"
    r"|are) to)\b"
    r"|\b(?:ignore|disregard|forget|override|overrule|bypass|discard)\s+(?:all|any|every|the|your"
    r"|previous|prior|earlier|above|what|everything|these|those|safety)\b"
    r"|\b(?:new|updated|standing|permanent|secret|hidden|system|admin\w*|developer|security)[ -]"
    r"(?:rules?|polic(?:y|ies)|instructions?|orders?|directives?|prompts?|notices?|overrides?"
    r"|mode)\b"
    r"|\b(?:allow|permit|authori[sz]e|approve|grant|clear)(?:s|ed|d)?\b[^.]{0,200}\bwithout\b"
    r"|\bwithout (?:asking|confirm\w*|verif\w*|approv\w*|permission|checking|warning|telling"
    r"|consent)"
    r"|\b(?:is|are) (?:now |hereby |fully |pre-?)?(?:authori[sz]ed|permitted|allowed|entitled) to\b"
    rf"|{_CLAUSE}{_VERBS}\s+(?:all|any|every|each|only|the|this|that|these|those|your|users?"
    rf"|customers?"
    r"|them|everyone|it|him|her|me|us|nobody|no one|people|whatever|anything|everything"
    r"|patients?)\b"
    rf"|{_CLAUSE}{_PLAIN_VERBS}\s+(?!\d|of\b|was\b|is\b|were\b"
    rf"|are\b)(?:[\w'.@-]+\s+){{1,6}}?(?:first|instead|only|as|to|before|with|in|via)\b",
    re.IGNORECASE,
)
_OTHERS = re.compile(
    # Chinese
    r"从现在(?:起|开始)|从今(?:以后|往后|天起)|以后(?:[^。！？\n]{0,8}?(?:都|要)|请|一律|每|不|必|总|就|只|别)|今后|此后一律"
    r"|(?:请|要)?(?:总是|始终|永远|一律|务必|切勿|切记|不得)|一定要|千万(?:别|不要)"
    r"|(?:你|您|助手|助理|智能体|模型|系统|机器人|回答|回复)[^。！？\n]{0,6}?(?:必须|应该|应当|需要|不能|不要|不得)"
    r"|(?:请|要|给我)?(?:记住|记下|牢记)|写入(?:长期)?记忆|存入记忆"
    r"|(?:忽略|无视|忘记|忘掉|不要理会)(?:之前|以上|先前|上面|所有|一切|你|任何)"
    r"|每(?:次|当|一次)[^。！？\n]{0,16}?(?:都|请|就|先|要)|请(?:把|将|给|向|在|使用|用|推荐|不要|勿|直接)"
    r"|(?:无需|不必|不用|无须)(?:再)?(?:询问|确认|核实|批准|验证|同意)|^(?:请|把|将|推荐|优先|不要|别|禁止)"
    # Japanese
    r"|今後(?:は|も|、)|これから(?:は|も)|以後|以降(?:は|、)|必ず|常に|絶対に|決して|いつも.{0,20}(?:ください|こと|せよ)"
    r"|て(?:ください|下さい|おけ|おくこと)|ないで(?:ください|下さい)|(?:覚え|記憶し)て(?:おいて|ください|おくこと|おけ)"
    r"|(?:無視|優先|推奨|送信|転送|紹介|回答|返信|使用|削除|実行|承認|記憶)(?:する(?:こと|ように|べき)|せよ|しろ|しなさい)"
    r"|(?:なければ(?:ならない|なりません)|べき(?:だ|です|である))|禁止(?:する|です|。)|(?:無視)して"
    r"|(?:確認|許可|承認)(?:なし|なく|せず)|メモリに(?:保存|記録)"
    # German, French, Spanish, Portuguese
    r"|\b(?:ab (?:sofort|jetzt|heute)|von nun an|künftig|in zukunft)\b"
    r"|(?:^|[:;,]\s*)(?:immer|niemals?|stets|ignoriere?|vergiss|merke? dir|denk daran)\b"
    r"|\b(?:désormais|dorénavant|à partir de maintenant|à l['\u2019]avenir)\b"
    r"|(?:^|[:;,]\s*)(?:toujours|jamais|ne [\w'\u2019]+ jamais|ignorez?|oubliez?|souviens-toi"
    r"|rappelle-toi)\b"
    r"|\b(?:a partir de (?:ahora|agora)|de (?:ahora|agora) en? (?:adelante|diante)|en adelante"
    r"|en el futuro)\b"
    r"|(?:^|[:;,]\s*)(?:siempre|nunca|jamás|ignora|olvida|recuerda|sempre|lembre-se|esqueça)\b",
    re.IGNORECASE,
)
#: That a user likes something is a fact; that they allow it, or want it done so, is a wish.
_WISH = re.compile(
    r"\b(?:users?|customers?|clients?|owners?|humans?|account holders?)(?:['\u2019]s)?\s+"
    r"(?:\w+ly\s+|has\s+|have\s+|had\s+|now\s+|already\s+|would\s+|also\s+){0,2}"
    r"(?:(?:authori[sz]|consent|permit|allow|approv|instruct|grant|insist|demand|trust)"
    r"|(?:want|wish|prefer|ask|request|agre|order|told|said)\w*\s+(?:that|you|for (?:all|every)"
    r"|to (?:be|have|receive|get|always|never)|all|every|answers?|repl(?:y|ies)|the (?:agent"
    r"|assistant)))"
    r"|(?:用户|客户|顾客|主人)[^。！？\n]{0,4}?(?:授权|同意|允许|吩咐|指示|信任|要求|(?:希望|想要)"
    r"[^。！？\n]{0,8}?(?:你|所有|每|都|回答|发送))"
    r"|(?:ユーザー?|お客様|顧客|利用者)[^。！？\n]{0,12}?(?:許可|同意|指示|依頼|承認|信頼"
    r"|(?:こと|よう)[^。！？\n]{0,4}?(?:希望|望ん|求め))",
    re.IGNORECASE,
)
_LEFT_OUT = "[an order that is not the user's: left out]"


def order_spans(text: str) -> list[tuple[int, int]]:
    """Return where in *text* the sentences stand that are put as orders."""
    found: list[tuple[int, int]] = []
    for sentence in _SENTENCE.finditer(text):
        said = sentence.group()
        start = sentence.start() + len(said) - len(said.lstrip())
        if _ENGLISH.search(said.strip()) or _OTHERS.search(said.strip()):
            found.append((start, sentence.end()))
    return found


def claims_a_wish(text: str) -> bool:
    """Whether *text* says what a user wants or allows: a wish only in the user's own words."""
    return _WISH.search(text) is not None


def without_orders(text: str) -> str:
    """Return *text* with a mark in the place of each sentence that is put as an order."""
    for start, end in reversed(order_spans(text)):
        text = f"{text[:start]}{_LEFT_OUT}{text[end:]}"
    return text
