"""Drafts as writes: what an extraction changed, made again on what its memories are by then."""

from __future__ import annotations

from functools import partial
from typing import Any

from langgraph.store.base import Item

from longterm.commit import Skip, Write
from longterm.manage.sources import ConversationSources
from longterm.memory.draft import Draft, Entry, carried_over
from longterm.memory.model import document_of, value_of
from longterm.memory.namespace import Namespace

__all__ = ["writes_of"]


def writes_of(
    draft: Draft,
    namespace: Namespace,
    sources: ConversationSources,
    *,
    random_ids: bool = True,
) -> list[Write]:
    """Return what *draft* changed, for `commit`, with the *sources* of each change.

    A model takes seconds to answer, and others may have changed a memory meanwhile: the edits
    are made on what it is when it is written, and a new one never takes the place of what is
    there. With *random_ids* new ones need no look. A memory is changed where it lies, and a new
    one is written to *namespace*.
    """
    return [
        Write(
            entry.document.namespace or namespace,
            entry.document.id,
            partial(_made_again, entry),
            fresh=random_ids and entry.before is None,
            sources=sources.of(entry),
        )
        for entry in draft.entries
        if entry.changed
    ]


def _made_again(entry: Entry, item: Item | None) -> dict[str, Any] | Skip | None:
    now = item and document_of(item.key, item.value, entry.document.namespace)
    entry, lost = carried_over(entry, now)
    if not entry.changed:
        return Skip(lost)
    return None if entry.deleted else value_of(entry.document)
