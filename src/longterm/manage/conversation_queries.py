"""What to search for when a conversation is to be remembered: its parts, all of them. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from langchain_core.messages import BaseMessage

from longterm.memory.conversation import QUERY_LIMIT, UNSPOKEN, message_text, speaker, well_formed
from longterm.text.tokenizer import words

__all__ = ["conversation_queries"]

#: Parts of what is earlier than the newest messages.
_MOST_EARLIER = 8
#: How many messages at the end are searched for by themselves or in pairs.
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

    The last message is searched for by itself, those before it two by two, and what is earlier
    in a few parts: in a vector of many subjects none is near. Greetings, thanks and goodbyes say
    nothing to search for and take no part, unless there is nothing else.
    """
    turns = [one for one in messages if speaker(one) not in UNSPOKEN and message_text(one).strip()]
    said = [one for one in turns if not _is_empty(one)] or turns
    texts = [well_formed(message_text(message)).strip() for message in reversed(said)]
    earlier = texts[_NEWEST:]
    size = max(6, -(-len(earlier) // _MOST_EARLIER))
    newest = [texts[:1], *_in_groups(texts[1:_NEWEST], 2)]
    parts = [*newest, *_in_groups(earlier, size)]
    return list(dict.fromkeys(_joined(part) for part in parts if part))


def _in_groups(texts: Sequence[str], size: int) -> list[Sequence[str]]:
    return [texts[at : at + size] for at in range(0, len(texts), size)]


def _joined(texts: Sequence[str]) -> str:
    """Return *texts*, newest first, as one query in the order of time, each with its share."""
    share = QUERY_LIMIT // len(texts) - 1  # the line break takes its place
    return "\n".join(text[:share] for text in reversed(texts))


def _is_empty(message: BaseMessage) -> bool:
    text = message_text(message)
    return bool(_EMPTY_TEXTS.fullmatch(text)) or all(map(_EMPTY_WORDS.fullmatch, words(text)))
