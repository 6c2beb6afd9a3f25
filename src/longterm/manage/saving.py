"""Writing changes to a store: nobody else's change is overwritten, no failure goes unsaid."""

from __future__ import annotations

from collections.abc import Sequence

from langgraph.store.base import Item, PutOp

from longterm.errors import PartialWriteError
from longterm.flow import fetch, write
from longterm.memory.model import Document, document_of
from longterm.memory.namespace import Namespace
from longterm.memory.operations import get_op
from longterm.memory.reconcile import Draft, rebase, to_ops

__all__ = ["save", "write_all"]


async def save(
    draft: Draft, namespace: Namespace, *, random_ids: bool = True
) -> tuple[list[PutOp], list[str]]:
    """Write what *draft* changed by one batch; return the operations and what was lost on the way.

    A model takes seconds to answer, and somebody else may have changed a memory meanwhile. So
    those that are to be changed are read again, and the edits made on what they are now; and
    so are new ones, unless *random_ids* are theirs alone.
    """
    current, lost = await _up_to_date(draft, namespace, random_ids=random_ids)
    ops = to_ops(current.changes(), namespace)
    await write_all(ops)
    return ops, lost


async def _up_to_date(
    draft: Draft, namespace: Namespace, *, random_ids: bool
) -> tuple[Draft, list[str]]:
    touched = [entry for entry in draft.entries if entry.changed]
    keys = [entry.document.id for entry in touched if entry.before or not random_ids]
    items = await fetch([get_op(namespace, key, refresh_ttl=False) for key in keys])
    now = {key: _document(item) for key, item in zip(keys, items, strict=True)}
    return rebase(draft, [now.get(e.document.id, e.before) for e in draft.entries])


def _document(item: Item | None) -> Document | None:
    return None if item is None else document_of(item.key, item.value)


async def write_all(ops: Sequence[PutOp]) -> None:
    """Write *ops* by one batch.

    Raises `PartialWriteError`, which tells what was written and what was not, where the store
    fails; it is the cause.
    """
    try:
        await write(ops)
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
