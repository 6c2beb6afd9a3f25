"""Known memories + what a model wants → what is known then → operations on a store.

A `Draft` numbers the memories it knows, takes proposals one after the other and at the end
tells the difference to where it began. So two updates of one memory both count, what was
inserted and then removed never existed, and what stayed the same is not written.

Rule: a proposal that cannot be carried out raises `ProposalError`, whose message is written for the
model that made it; the draft stays as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from longterm.errors import LongtermError
from longterm.memory.model import Change, Delete, Document, Insert, Update

__all__ = ["Draft", "Entry", "ProposalError", "carried_over"]

#: Turns the content of a memory into its next content; raises `ProposalError` if it cannot.
Edit = Callable[[Any], Any]


class ProposalError(LongtermError):
    """A proposal cannot be carried out; the message tells the model why.

    *plain* says it without a word of the model's or of a memory, for warnings; where it is not
    given, the message has none.
    """

    def __init__(self, message: str, *, plain: str | None = None) -> None:
        super().__init__(message)
        self.plain = plain or message


@dataclass(frozen=True, slots=True)
class Entry:
    """One memory of a draft: what it is now, and what it was at the beginning."""

    document: Document
    #: None for a memory that this draft inserted.
    before: Document | None
    edits: tuple[Edit, ...] = ()
    deleted: bool = False
    #: The places of the messages that a model says its changes came from.
    cited: tuple[int, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is different from the beginning."""
        if self.before is None:
            return not self.deleted
        return self.deleted or self.document.content != self.before.content


@dataclass(frozen=True, slots=True)
class Draft:
    """Memories under numbers: the position in *entries* is the number a model uses."""

    entries: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, known: Sequence[Document]) -> Draft:
        """Begin with what is known."""
        return cls(tuple(Entry(document, document) for document in known))

    @property
    def living(self) -> list[tuple[int, Document]]:
        """Memories that are not deleted, with their numbers."""
        return [(n, entry.document) for n, entry in enumerate(self.entries) if not entry.deleted]

    def number(self, target: int | str) -> int:
        """Return the number that *target*, a number or an id, stands for."""
        by_id = {entry.document.id: number for number, entry in enumerate(self.entries)}
        number = by_id.get(target, -1) if isinstance(target, str) else target
        if not 0 <= number < len(self.entries):
            numbers = ", ".join(f"[{number}]" for number, _ in self.living)
            known = f"The known ones are {numbers}." if numbers else "No memories are known."
            raise ProposalError(
                f"There is no memory [{target}]. {known}", plain="There is no such memory."
            )
        return number

    def insert(
        self, document: Document, edit: Edit | None = None, cited: tuple[int, ...] = ()
    ) -> Draft:
        """Add *document*; what is known already, word for word, is not added again.

        *edit* makes the same of one that another has begun under this id meanwhile.
        """
        same = (document.kind, document.content)
        if any((other.kind, other.content) == same for _, other in self.living):
            return self
        edits = (edit,) if edit else ()
        return Draft((*self.entries, Entry(document, None, edits, cited=cited)))

    def update(self, number: int, edit: Edit, cited: tuple[int, ...] = ()) -> Draft:
        """Change memory *number* by *edit*."""
        entry = self.entries[number]
        if entry.deleted:
            raise ProposalError(f"Memory [{number}] was removed and cannot be changed.")
        document = replace(entry.document, content=edit(entry.document.content))
        edits, cited = (*entry.edits, edit), (*entry.cited, *cited)
        return self._with(number, replace(entry, document=document, edits=edits, cited=cited))

    def delete(self, number: int) -> Draft:
        """Remove memory *number*; removing it twice is no mistake."""
        return self._with(number, replace(self.entries[number], deleted=True))

    def rewrite(self, number: int, content: Any) -> Draft:
        """Have *content* in memory *number*, which was removed or not."""
        living = replace(self.entries[number], deleted=False)
        return self._with(number, living).update(number, lambda _: content)

    def changes(self) -> list[Change]:
        """Return the difference to the beginning, in the order of the numbers."""
        changes: list[Change] = []
        for entry in self.entries:
            if entry.before is None:
                changes += [Insert(entry.document)] if entry.changed else []
            elif entry.deleted:
                changes.append(Delete(entry.before))
            elif entry.changed:
                changes.append(Update(entry.document, entry.before))
        return changes

    def _with(self, number: int, entry: Entry) -> Draft:
        return Draft((*self.entries[:number], entry, *self.entries[number + 1 :]))


def carried_over(entry: Entry, now: Document | None) -> tuple[Entry, str | None]:
    """Return *entry* made again on what its memory is *now* (None: it is not there).

    Edits are made again on the newer content, and an insert never takes the place of what is
    there. What cannot be carried over stays as it is now, and the reason comes along.
    """
    if not entry.changed or now == entry.before:
        return entry, None
    if now is None:
        before = entry.before or entry.document
        gone = None if entry.deleted else "was deleted by another writer and is not brought back"
        return Entry(before, before), _lost(entry, gone)
    if entry.deleted:
        return Entry(now, now), _lost(entry, "was changed by another writer and is not deleted")
    try:
        content = now.content
        for edit in entry.edits:
            content = edit(content)
        return replace(entry, document=replace(now, content=content), before=now), None
    except ProposalError as error:
        return Entry(now, now), _lost(entry, f"was changed by another writer: {error.plain}")


def _lost(entry: Entry, reason: str | None) -> str | None:
    return reason and f"Memory {entry.document.id} {reason}."
