"""How near memories are to messages by the store's embeddings, where no word tells the source.

Few need it, and no conversation is embedded for the others: of LoCoMo's facts 3 % do. Those are
paraphrases, which name another thing than the message does, or the same in another language.
"""

from __future__ import annotations

from collections.abc import Iterable

from longterm.effects.steps import Embed
from longterm.manage.sources import ConversationSources
from longterm.memory.draft import Entry

__all__ = ["compare"]

#: A longer conversation would keep its writer waiting.
_AT_MOST = 64


async def compare(sources: ConversationSources, entries: Iterable[Entry]) -> None:
    """Let *sources* know how near those *entries* that no word explains are to their messages."""
    texts = sources.texts
    contents = sources.unsourced(entries) if 0 < len(texts) <= _AT_MOST else []
    made = await Embed((*contents, *texts)) if contents else None
    if made is None:
        return
    import numpy as np  # slow to load, and few conversations come here

    vectors = np.array(made)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    # Texts that the model cannot read have no length, and are near to nothing.
    units = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    memories, messages = units[: len(contents)], units[len(contents) :]
    sources.nearness = dict(zip(contents, (memories @ messages.T).tolist(), strict=True))
