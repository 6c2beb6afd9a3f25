"""What a model wants, read from its answer and not yet judged.

A protocol turns an answer into these values; a `ProposalApplier` carries one of them out on a
draft, or raises `ProposalError` with words for the model. Rules: an action that is not permitted is
refused here, whatever the model was shown, and a value enters the draft only checked.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from longterm.extract.edit import edited
from longterm.extract.excerpt import restored, texts_in
from longterm.extract.grounding import speaks_of
from longterm.extract.json_values import mapped_texts
from longterm.extract.schema import MemorySchema
from longterm.memory.anchors import Spoken, anchored
from longterm.memory.draft import Draft, ProposalError
from longterm.memory.model import Document
from longterm.text.fences import visible

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
    "Silent",
    "Unreadable",
    "is_blank",
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
    #: The places of the messages that it is said to come from.
    cited: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class ProposedUpdate:
    """Change memory *target*: *changes* is a merge patch, or a list of JSON patch operations."""

    target: Target
    changes: Any
    cited: tuple[int, ...] = ()


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
    #: The reason without a word of the model's, where it has one.
    plain: str | None = None


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was proposed, and nothing says that nothing is to be done, for *reason*."""

    reason: str


#: Half of something is never taken for the whole.
CUT_OFF = Unreadable("The answer was cut off in the middle of this one.")

Proposal = ProposedInsert | ProposedUpdate | ProposedDelete | Finish | Unreadable | Silent


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
    #: Whether a first memory may be begun even where inserts are not permitted: a profile.
    begins: bool = True

    def adds(self, *, known: bool) -> bool:
        """Whether a memory may be added where memories are *known*, or none is."""
        return self.inserts or (self.begins and not known)


class FinalError(ProposalError):
    """A proposal that asking again would not mend: it is reported, and that is all."""


class UngroundedError(FinalError):
    """A slip of the model: nothing in the conversation speaks of the memory it names."""


@dataclass(frozen=True)
class ProposalApplier:
    """Carries proposals out by the schemas and permissions of one manager."""

    kinds: tuple[MemorySchema, ...]
    permissions: Permissions
    new_id: NewId
    #: What was said, where the model may mix up the numbers of memories.
    said: str | None = None
    #: How many new memories one answer may bring.
    max_inserts: int = 100
    #: The messages, by which days in new texts are held to the calendar.
    spoken: Sequence[Spoken] = ()

    def apply(self, draft: Draft, proposal: Proposal, begun: int = 0) -> tuple[Draft, str | None]:
        """Return *draft* with *proposal* carried out, and what was ignored in it, if anything.

        *begun* is the number of the memories before the answer. Raises `ProposalError` for what
        cannot be carried out, a `FinalError` where asking again would be no use.
        """
        match self._grounded(draft, proposal):
            case ProposedInsert(kind, content, cited):
                if len(draft.entries) - begun >= self.max_inserts:
                    raise FinalError(f"One answer may add {self.max_inserts} memories, no more.")
                return self._insert(draft, kind, content, cited)
            case ProposedUpdate(target, changes, cited):
                self._permit(self.permissions.updates, "Changing memories")
                number = draft.number(target)
                kind, meant = self._kind_of(draft, number), restored(changes, *_shown_texts(draft))
                after = draft.update(number, partial(self._edited, kind, meant), cited)
                left = after.entries[number].document.content
                emptied = isinstance(left, Mapping) and None in cast("Any", left).values()
                if is_blank(left) and not emptied:  # where null may be, it says something
                    raise ProposalError(f"Memory [{number}] would be left empty")
                return after, None
            case ProposedDelete(target):
                self._permit(self.permissions.deletes, "Removing memories")
                return draft.delete(draft.number(target)), None
            case Finish():
                return draft, None
            case Unreadable(reason, plain):
                raise ProposalError(reason, plain=plain)
            case Silent(reason):
                raise ProposalError(reason)

    def _grounded(self, draft: Draft, proposal: Proposal) -> Proposal:
        """Return *proposal*, or what it rather means if nothing speaks of the memory it names."""
        if self.said is None:
            return proposal
        match proposal:
            case ProposedUpdate(target, changes) if changes:
                number = draft.number(target)
                kind = self._kind_of(draft, number)
                if speaks_of(draft, number, self.said, changes) or kind is None:
                    return proposal
                return ProposedInsert(kind, changes) if self.permissions.inserts else proposal
            case ProposedDelete(target) if len(draft.living) > 1:
                if not speaks_of(draft, draft.number(target), self.said):
                    raise UngroundedError(f"Nothing that was said is about memory [{target}].")
                return proposal
            case _:
                return proposal

    def _insert(
        self, draft: Draft, kind: MemorySchema, content: Any, cited: tuple[int, ...]
    ) -> tuple[Draft, str | None]:
        self._permit(self.permissions.adds(known=bool(draft.living)), "Adding memories")
        content = restored(content, *_shown_texts(draft))
        checked = self._dated(kind, kind.check(content))
        if is_blank(checked):
            raise FinalError("There is nothing in it.")
        unknown = kind.unknown_fields(content)
        ignored = (
            f"{kind.name} has no field {', '.join(unknown)}; the rest is kept." if unknown else None
        )
        document = Document(self.new_id(kind.name, checked), kind.name, checked)
        same = (one for one in draft.living if one[1].kind == kind.name)
        if any(kind.same(one.content, checked) for _, one in same):
            return draft, ignored
        if self.permissions.inserts:
            return draft.insert(document, cited=cited), ignored
        removed = [
            number for number, one in enumerate(draft.entries) if one.document.kind == kind.name
        ]
        if removed:  # and written anew: the same profile
            return draft.rewrite(removed[0], checked), ignored
        return draft.insert(document, partial(self._edited, kind, content), cited), ignored

    def _edited(self, kind: MemorySchema | None, changes: Any, content: Any) -> Any:
        return self._dated(kind, edited(kind, content, changes), content)

    def _dated(self, kind: MemorySchema | None, content: Any, before: Any = None) -> Any:
        """Return *content* with the days in the texts that are not from *before* dated."""
        known = {*texts_in(before)}

        def dated(text: str) -> str:
            return text if text in known else anchored(text, self.spoken, " ".join(known))

        after = mapped_texts(content, {} if kind is None else kind.parameters, dated)
        try:
            return after if kind is None or after == content else kind.check(after)
        except ProposalError:  # there is no room for it
            return content

    def _kind_of(self, draft: Draft, number: int) -> MemorySchema | None:
        name = draft.entries[number].document.kind
        return next((kind for kind in self.kinds if kind.name == name), None)

    @staticmethod
    def _permit(permitted: bool, what: str) -> None:  # noqa: FBT001 - a predicate's value
        if not permitted:
            raise ProposalError(f"{what} is not permitted here. Leave it.")


def is_blank(content: Any) -> bool:
    """Whether *content* says nothing: what has no letters, nulls, and empty lists and objects."""
    match content:
        case str():
            # Fillers of Hangul are letters to Unicode, and the empty cell of Braille is a symbol.
            seen = visible(content).replace("\u2800", "")
            return all(unicodedata.category(character)[0] in "ZC" for character in seen)
        case None:
            return True
        case Mapping():
            return all(map(is_blank, cast("Mapping[str, Any]", content).values()))
        case list():
            return all(map(is_blank, cast("list[Any]", content)))
        case _:
            return False


def _shown_texts(draft: Draft) -> Iterator[Any]:
    """Yield what a model has seen of known memories, and what they have become since."""
    for entry in draft.entries:
        yield from (one.content for one in (entry.before, entry.document) if one is not None)
