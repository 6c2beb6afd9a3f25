"""Writing changes to a store: nobody else's change is overwritten, no failure goes unsaid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from langgraph.store.base import Item, PutOp

from longterm.effects.operations import get_op, put_op
from longterm.effects.steps import fetch, replace
from longterm.errors import ConflictError, PartialWriteError
from longterm.memory.draft import Draft, Entry, rebase
from longterm.memory.model import (
    Change,
    Delete,
    Document,
    Insert,
    Update,
    document_of,
    value_of,
)
from longterm.memory.namespace import Namespace

__all__ = ["save", "to_ops", "write_all"]

#: Each conflict means that somebody else went ahead, so there are few.
_MORE_TRIES = 100


async def save(
    draft: Draft, namespace: Namespace, *, random_ids: bool = True
) -> tuple[list[PutOp], list[str]]:
    """Write what *draft* changed by one batch; return the operations and what was lost on the way.

    A model takes seconds to answer, and somebody else may have changed a memory meanwhile. So
    those that are to be changed are read again, and the edits made on what they are now; and
    so are new ones, unless *random_ids* are theirs alone. Where the store notices a change
    between that reading and the writing, it is all done once more.
    """
    for _ in range(_MORE_TRIES):
        with suppress(ConflictError):
            return await _save(draft, namespace, random_ids=random_ids)
    return await _save(draft, namespace, random_ids=random_ids)


async def _save(
    draft: Draft, namespace: Namespace, *, random_ids: bool
) -> tuple[list[PutOp], list[str]]:
    touched = [entry for entry in draft.entries if entry.changed]
    keys = [entry.document.id for entry in touched if entry.before or not random_ids]
    items = await fetch([get_op(namespace, key, refresh_ttl=False) for key in keys])
    now = {key: item for key, item in zip(keys, items, strict=True) if item is not None}
    current, lost = rebase(draft, [_as_it_is(entry, keys, now) for entry in draft.entries])
    ops = to_ops(current.changes(), namespace)
    await write_all(ops, [now[op.key].updated_at if op.key in now else None for op in ops])
    return ops, lost


def _as_it_is(entry: Entry, read: Sequence[str], now: Mapping[str, Item]) -> Document | None:
    key = entry.document.id
    if key not in read:
        return entry.before
    return document_of(key, now[key].value) if key in now else None


async def write_all(ops: Sequence[PutOp], seen: Sequence[datetime | None]) -> None:
    """Write *ops* by one batch, if the items are as they were *seen* (see `flow.replace`).

    Raises `ConflictError` where the store notices that they are not, and `PartialWriteError`,
    which tells what was written and what was not, where it fails; its error is the cause.
    """
    try:
        await replace(ops, seen)
    except ConflictError:
        raise
    except Exception as error:
        raise await _partial(ops, error) from error


async def _partial(ops: Sequence[PutOp], error: Exception) -> PartialWriteError:
    written = await _written(ops)
    failed = [op.key for op in ops if op.key not in (written or ())]
    return PartialWriteError(
        f"The store failed while writing {len(ops)} memories ({type(error).__name__}: {error}). "
        f"{_account(written, failed)} Run the same conversation again when the store works.",
        written=written or (),
        failed=failed,
    )


def _account(written: Sequence[str] | None, failed: Sequence[str]) -> str:
    if written is None:
        return f"It cannot be read either, so any of these may be written or not: {failed}."
    return f"Written: {written or 'none'}. Not written: {failed or 'none'}."


async def _written(ops: Sequence[PutOp]) -> list[str] | None:
    """Return the keys of *ops* that took effect; None where the store does not even read."""
    try:
        items = await fetch([get_op(op.namespace, op.key, refresh_ttl=False) for op in ops])
    except Exception:  # noqa: BLE001 - the first error is the one to report
        return None
    pairs = zip(ops, items, strict=True)
    return [op.key for op, item in pairs if (item.value if item else None) == op.value]


def to_ops(changes: Sequence[Change], namespace: Namespace) -> list[PutOp]:
    """Return *changes* as store operations in *namespace*; a delete puts nothing in its place."""
    return [_to_op(change, namespace) for change in changes]


def _to_op(change: Change, namespace: Namespace) -> PutOp:
    match change:
        case Delete(document):
            return put_op(namespace, document.id, None)
        case Insert(document) | Update(document, _):
            return put_op(namespace, document.id, value_of(document))
