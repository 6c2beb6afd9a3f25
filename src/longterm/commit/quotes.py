"""The words of erased messages, taken out of the histories of what came from them.

A memory that stays when its source is erased keeps what it says, but not the beginning of the
message that its revisions quote.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set as AbstractSet
from dataclasses import replace as changed
from typing import Any

from langgraph.store.base import PutOp

from longterm.effects.capabilities import RevisionNote, RevisionRow, Revisions
from longterm.effects.erasure import forget_texts
from longterm.effects.steps import Batch, Flow, Has, StoreCall, fetch, get_op, put_op
from longterm.memory.namespace import Namespace
from longterm.memory.revision import history_namespace, latest_key, numbered_key

__all__ = ["SaidBy", "drop_quotes"]

#: Messages, by thread and by the message's own id or its key as a turn.
SaidBy = AbstractSet[tuple[str | None, str]]


#: Puts notes, by number, in the place of those of an item's revisions in a store that has them.
_Replace = Callable[[Namespace, str, Mapping[int, RevisionNote]], Flow[None]]


async def drop_quotes(
    namespace: Namespace, key: str, said: SaidBy, replace_notes: _Replace
) -> None:
    """Leave out of the history of memory *key* what it quotes of the messages *said*."""
    if await Has(Revisions):
        rows: list[RevisionRow] = await StoreCall("get_revisions", (namespace, key))
        notes = {
            row.number: changed(row.note, sources=_unquoted(row.note.sources, said))
            for row in rows
            if _quotes(row.note.sources, said)
        }
        if notes:
            await replace_notes(namespace, key, notes)
            forget_texts(namespace, key)
        return
    place = history_namespace(namespace)
    [latest] = await fetch([get_op(place, latest_key(key), refresh_ttl=False)])
    if latest is None:
        return
    numbers = range(latest.value["first"], latest.value["number"])
    keys = [numbered_key(key, number) for number in numbers]
    older = await fetch([get_op(place, one, refresh_ttl=False) for one in keys])
    puts: list[PutOp] = []
    for item in (latest, *older):
        sources = item.value.get("sources", ()) if item else ()
        if item and _quotes(sources, said):
            value = {**item.value, "sources": list(_unquoted(sources, said))}
            puts.append(put_op(place, item.key, value, index=False))
    if puts:
        await Batch(tuple(puts))
        forget_texts(namespace, key)


def _quotes(sources: Sequence[Mapping[str, Any]], said: SaidBy) -> bool:
    return any("quote" in one and _message(one) in said for one in sources)


def _unquoted(sources: Sequence[Mapping[str, Any]], said: SaidBy) -> tuple[dict[str, Any], ...]:
    return tuple(
        {name: what for name, what in one.items() if name != "quote" or _message(one) not in said}
        for one in sources
    )


def _message(source: Mapping[str, Any]) -> tuple[str | None, str]:
    return source.get("thread_id"), source.get("message_id", "")
