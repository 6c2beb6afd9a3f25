"""What to search for when a conversation is to be remembered: its parts, all of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from longterm.memory.conversation import QUERY_LIMIT, UNSPOKEN, message_text, speaker, windows
from longterm.text.tokenizer import words

__all__ = ["conversation_queries"]

#: Windows over what the newest messages' own windows leave out; of more, some are passed over.
_MOST_EARLIER = 8
#: How many messages at the end have windows of their own.
_NEWEST = 15
_EMPTY_WORDS = re.compile(
    r"(?:hi|hello|hey|dear|thanks?|thank|you|very|much|so|bye|goodbye|ok|okay|yes|no|sure|fine|"
    r"great|good|nice|cool|morning|evening|afternoon|night|day|see|later|soon|please|lol|haha|"
    r"welcome|how|are|i|am|well|a|have|the|too|and|there|again)"
)
_EMPTY_TEXTS = re.compile(
    r"[\s!.,?~、。!?…]*(?:你好|您好|谢谢|多谢|再见|好的|嗯+|こんにちは|おはよう|こんばんは|"
    r"ありがとう(?:ございます)?|さようなら|はい)?[\s!.,?~、。!?…]*"
)


def conversation_queries(messages: Sequence[BaseMessage]) -> list[str]:
    """Return queries for the whole of *messages*, those for the newest first.

    Greetings, thanks and goodbyes say nothing to search for and take no part, unless there is
    nothing else.
    """
    said = [one for one in messages if speaker(one) not in UNSPOKEN and not _is_empty(one)]
    earlier = said[:-_NEWEST]
    texts = [message_text(message)[:QUERY_LIMIT] for message in earlier]
    size = max(6, -(-len(texts) // _MOST_EARLIER))
    parts = ["\n".join(texts[at : at + size])[:QUERY_LIMIT] for at in range(0, len(texts), size)]
    return list(dict.fromkeys([*windows(said or messages), *reversed(parts)]))


def _is_empty(message: BaseMessage) -> bool:
    text = message_text(message)
    return bool(_EMPTY_TEXTS.fullmatch(text)) or all(map(_EMPTY_WORDS.fullmatch, words(text)))
