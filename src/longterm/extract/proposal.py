"""What a model wants, read from its answer and not yet judged.

A protocol turns an answer into these values; a `ProposalApplier` carries one of them out on a
draft, or raises `ProposalError` with words for the model. Rules: an action that is not permitted is
refused here, whatever the model was shown, and a value enters the draft only checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast

from longterm.extract.edit import apply_patch, keep_nulls, merge
from longterm.extract.excerpt import restored
from longterm.extract.grounding import speaks_of
from longterm.extract.schema import MemorySchema
from longterm.memory.draft import Draft, ProposalError
from longterm.memory.model import Document

__all__ = [
    "CUT_OFF",
    "Finish",
    "NewId",
    "Permissions",
    "Proposal",
    "ProposalApplier",
    "Proposed",
    "ProposedDelete",
    "ProposedInsert",
    "ProposedUpdate",
    "Unreadable",
]


#: Makes the id of a new memory from its kind and content.
NewId = Callable[[str, Any], str]

#: The number of a memory, or the id it has in the store.
Target = int | str


@dataclass(frozen=True, slots=True)
class ProposedInsert:
    """Remember *content* as a memory of *kind*."""

    kind: MemorySchema
    content: Any


@dataclass(frozen=True, slots=True)
class ProposedUpdate:
    """Change memory *target*: *changes* is a merge patch, or a list of JSON patch operations."""

    target: Target
    changes: Any


@dataclass(frozen=True, slots=True)
class ProposedDelete:
    """Forget memory *target*."""

    target: Target


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more is to be done."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something was answered that means nothing to us, for *reason*."""

    reason: str


#: Half of something is never taken for the whole.
CUT_OFF = Unreadable("The answer was cut off in the middle of this one.")

Proposal = ProposedInsert | ProposedUpdate | ProposedDelete | Finish | Unreadable


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal and where it stands in the answer."""

    proposal: Proposal
    #: The tool call's id, or the position in a JSON answer.
    id: str
    #: The answer's own words for it, for reports.
    said: str


@dataclass(frozen=True, slots=True)
class Permissions:
    """Which kinds of change are permitted."""

    inserts: bool = True
    updates: bool = True
    deletes: bool = False


class UngroundedError(ProposalError):
    """A slip of the model: it is told in the report, and not asked about again."""


@dataclass(frozen=True)
class ProposalApplier:
    """Judges proposals by the schemas and permissions of one manager."""

    kinds: tuple[MemorySchema, ...]
    permissions: Permissions
    new_id: NewId
    #: What was said, where the model may mix up the numbers of memories.
    said: str | None = None

    def judge(self, draft: Draft, proposal: Proposal) -> Draft:
        """Return *draft* with *proposal* carried out; raises `ProposalError` if it cannot be."""
        match self._meant(draft, proposal):
            case ProposedInsert(kind, content):
                return self._add(draft, kind, content)
            case ProposedUpdate(target, changes):
                self._permit(self.permissions.updates, "Changing memories")
                return self._change(draft, draft.number(target), changes)
            case ProposedDelete(target):
                self._permit(self.permissions.deletes, "Removing memories")
                return draft.delete(draft.number(target))
            case Finish():
                return draft
            case Unreadable(reason):
                raise ProposalError(reason)

    def _meant(self, draft: Draft, proposal: Proposal) -> Proposal:
        """Return *proposal*, or what it rather means if nothing speaks of the memory it names."""
        match proposal:
            case ProposedUpdate(target, changes) if changes and not self._spoken_of(
                draft, target, changes
            ):
                kind = self._kind_of(draft, draft.number(target))
                return (
                    ProposedInsert(kind, changes) if kind and self.permissions.inserts else proposal
                )
            case ProposedDelete(target) if len(draft.living) > 1 and not self._spoken_of(
                draft, target
            ):
                raise UngroundedError(f"Nobody spoke of memory [{target}].")
            case _:
                return proposal

    def _spoken_of(self, draft: Draft, target: Target, changes: Any = None) -> bool:
        number = draft.number(target)
        return self.said is None or speaks_of(draft, number, self.said, changes)

    def _add(self, draft: Draft, kind: MemorySchema, content: Any) -> Draft:
        # A profile: the first document is always welcome, a second one never.
        self._permit(self.permissions.inserts or not draft.living, "Adding memories")
        content = restored(content, *_shown(draft))
        checked = kind.check(content)
        document = Document(self.new_id(kind.name, checked), kind.name, checked)
        if self.permissions.inserts:
            return draft.insert(document)
        if draft.entries:  # removed and written anew: the same profile
            return _anew(draft, document)
        return draft.insert(document, lambda begun: _edited(kind, begun, content))

    def _change(self, draft: Draft, number: int, changes: Any) -> Draft:
        kind, meant = self._kind_of(draft, number), restored(changes, *_shown(draft))
        return draft.update(number, lambda content: _edited(kind, content, meant))

    def _kind_of(self, draft: Draft, number: int) -> MemorySchema | None:
        name = draft.entries[number].document.kind
        return next((kind for kind in self.kinds if kind.name == name), None)

    @staticmethod
    def _permit(permitted: bool, what: str) -> None:  # noqa: FBT001 - a predicate's value
        if not permitted:
            raise ProposalError(f"{what} is not permitted here. Leave it.")


def _anew(draft: Draft, document: Document) -> Draft:
    for number, entry in enumerate(draft.entries):
        if entry.document.kind == document.kind:
            return draft.rewrite(number, document.content)
    return draft.insert(document)


def _shown(draft: Draft) -> Iterator[Any]:
    """Yield what a model has seen of known memories, and what they have become since."""
    for entry in draft.entries:
        yield from (one.content for one in (entry.before, entry.document) if one is not None)


_MISFIT = (
    "The changes do not fit the memory. Name only fields that it has, or give "
    '{"content": "the new text"} for a memory that is a plain text.'
)


def _edited(kind: MemorySchema | None, content: Any, changes: Any) -> Any:
    if isinstance(changes, Sequence) and not isinstance(changes, str):
        patched = apply_patch(content, cast("Sequence[Any]", changes))
        return _patched_untyped(content, patched) if kind is None else kind.check(patched)
    if kind is None:
        return _edited_untyped(content, changes)
    return _edited_typed(kind, content, changes)


def _edited_typed(kind: MemorySchema, content: Any, changes: Any) -> Any:
    """Merge and check; where a null may not remove its field, it may be the field's value."""
    try:
        return kind.check(merge(content, changes))
    except ProposalError:
        return kind.check(keep_nulls(content, changes))


def _edited_untyped(content: Any, changes: Any) -> Any:
    """Change a document whose schema nobody knows: only in the fields it has."""
    match content, changes:
        case (str(), {"content": str(text)}) | (str(), str(text)):
            return text
        case ({**fields}, {**named}) if named.keys() <= fields.keys():
            return merge(fields, named)
        case _:
            raise ProposalError(_MISFIT)


def _patched_untyped(content: Any, patched: Any) -> Any:
    match content, patched:
        case (str(), str()):
            return patched
        case ({**fields}, {**named}) if named.keys() <= fields.keys():
            return named
        case _:
            raise ProposalError(_MISFIT)
