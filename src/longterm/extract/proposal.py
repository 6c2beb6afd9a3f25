"""What a model wants, read from its answer, and how that is judged.

A protocol turns an answer into these values; a `ProposalApplier` carries one of them out on a
draft, or raises `ProposalError` with words for the model. Rules: an action that is not permitted is
refused here, whatever the model was shown, and a value enters the draft only checked.

A memory may hold a whole file, and shown in full it would fill the context of every later call. So
the middle of a long text is left out behind a mark. A model that changes such a text copies the
mark, and the middle takes its place again: nothing is lost by not having been shown.

Models of few parameters mix numbers up, and a change under a wrong number would overwrite a memory
that was not spoken of. What they change must therefore have a word in common with what was said or
with what they write; a word that several memories have in common tells nothing. A change without
one is taken for a new memory, so nothing is lost, at the price that an outdated memory may stay
beside the new one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from typing import Any, cast

from longterm.extract.edit import edited, with_places
from longterm.extract.json_values import mapped_texts
from longterm.extract.schema import MemorySchema
from longterm.memory.anchors import Spoken, anchored
from longterm.memory.model import Document, Draft, ProposalError
from longterm.memory.when import may_speak_of_time
from longterm.text.quoting import visible
from longterm.text.tokenizer import is_unspaced, terms

__all__ = [
    "CUT_OFF",
    "LIMIT",
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
    "excerpt",
    "is_blank",
    "label",
    "restored",
    "speaks_of",
    "texts_in",
]

_HOLLOW_WORDS = """
the and now has have had was were are with that this for from not but you your her his she they
them been will would very also just like likes love loves any more
"""

#: Terms that tell no memory from another; shorter ones do not either.
_HOLLOW = frozenset(term for word in _HOLLOW_WORDS.split() for term in terms(word))


def speaks_of(draft: Draft, number: int, *texts: Any) -> bool:
    """Whether *texts*, words or documents, have something in common with memory *number* alone."""
    others = [_telling(label(one)) for other, one in draft.living if other != number]
    own = _telling(label(draft.entries[number].document)).difference(*others)
    return bool(own & _telling(" ".join(_words(texts))))


def label(document: Document) -> str:
    """Return the first value of a document, which says what it is about."""
    content: Any = document.content
    values: list[Any] = [*content.values()] if isinstance(content, dict) else [content]
    return " ".join(str(values[0] if values else "(empty)").split())


def _telling(text: str) -> set[str]:
    long = (term for term in terms(text) if len(term) >= (2 if is_unspaced(term) else 3))
    return set(long) - _HOLLOW


def _words(texts: Iterable[Any]) -> Iterator[str]:
    for one in texts:
        match one:
            case str(text):
                yield text
            case Mapping():
                yield from _words(cast("Mapping[str, Any]", one).values())
            case Sequence():
                yield from _words(cast("Sequence[Any]", one))
            case _:
                continue


#: Texts of so many characters are shown whole.
LIMIT = 4_000

_MARK = re.compile(r"\[… \d+ characters not shown: [0-9a-f]{8} …\]")


def excerpt(content: Any) -> Any:
    """Return *content* with a mark in the middle of each long text."""
    marks = {text: f"{text[:half]}{mark}{text[-half:]}" for mark, text, half in _long(content)}
    return _mapped(content, marks) if marks else content


def restored(changes: Any, draft: Draft) -> Any:
    """Return *changes* with what the marks in it stand for in the memories of *draft*.

    These are as a model has seen them, or what they have become since.

    Raises `ProposalError` for a mark that stands in none of them.
    """
    marked = [text for text in texts_in(changes) if _MARK.search(text)]
    if not marked:
        return changes
    shown = [one for entry in draft.entries for one in (entry.before, entry.document) if one]
    hidden = {mark: text[half:-half] for one in shown for mark, text, half in _long(one.content)}
    return _mapped(changes, {text: _filled(text, hidden) for text in marked})


def _long(content: Any) -> Iterator[tuple[str, str, int]]:
    """Yield the long texts, each with its mark and how much is shown on either side of it."""
    half = LIMIT // 2
    for text in texts_in(content):
        if len(text) > LIMIT:
            fingerprint = blake2b(text.encode("utf-8", "replace"), digest_size=4).hexdigest()
            yield f"[… {len(text) - 2 * half} characters not shown: {fingerprint} …]", text, half


def _filled(text: str, hidden: Mapping[str, str]) -> str:
    def fill(mark: re.Match[str]) -> str:
        if mark.group() not in hidden:
            raise ProposalError(
                f"{mark.group()} stands in no known memory. Copy the mark of a text that was not "
                "shown whole as it is, or leave that field out."
            )
        return hidden[mark.group()]

    return _MARK.sub(fill, text)


def texts_in(content: Any) -> Iterator[str]:
    """Yield every text in *content*, at any depth."""
    match content:
        case str(text):
            yield text
        case Mapping():
            for inner in cast("Mapping[str, Any]", content).values():
                yield from texts_in(inner)
        case Sequence() if not isinstance(content, bytes):
            for inner in cast("Sequence[Any]", content):
                yield from texts_in(inner)
        case _:
            return


def _mapped(content: Any, texts: Mapping[str, str]) -> Any:
    """Return *content* with *texts* in place of theirs, or itself where there are none."""
    match content:
        case str(text):
            return texts.get(text, text)
        case Mapping() if texts:
            fields = cast("Mapping[str, Any]", content)
            return {name: _mapped(inner, texts) for name, inner in fields.items()}
        case list() | tuple() if texts:
            return [_mapped(inner, texts) for inner in cast("Sequence[Any]", content)]
        case _:
            return content


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
        meant = proposal if self.said is None else self._grounded(draft, proposal, self.said)
        match meant:
            case ProposedInsert(kind, content, cited):
                if len(draft.entries) - begun >= self.max_inserts:
                    raise FinalError(f"One answer may add {self.max_inserts} memories, no more.")
                return self._insert(draft, kind, content, cited)
            case ProposedUpdate(target, changes, cited):
                if not self.permissions.updates:
                    raise _not_permitted("Changing")
                number, changes = draft.number(target), restored(changes, draft)
                edit = partial(self._edited, self._kind_of(draft, number), changes)
                after = draft.update(number, edit, cited)
                left = after.entries[number].document.content
                if is_blank(left) and not _says_none(left):
                    raise ProposalError(f"Memory [{number}] would be left empty")
                return after, None
            case ProposedDelete(target):
                if not self.permissions.deletes:
                    raise _not_permitted("Removing")
                return draft.delete(draft.number(target)), None
            case Finish():
                return draft, None
            case Unreadable(reason, plain):
                raise ProposalError(reason, plain=plain)
            case Silent(reason):
                raise ProposalError(reason)

    def _grounded(self, draft: Draft, proposal: Proposal, said: str) -> Proposal:
        """Return *proposal*, or what it rather means if nothing speaks of the memory it names."""
        match proposal:
            case ProposedUpdate(target, changes) if changes:
                number = draft.number(target)
                kind = self._kind_of(draft, number)
                if speaks_of(draft, number, said, changes) or kind is None:
                    return proposal
                return ProposedInsert(kind, changes) if self.permissions.inserts else proposal
            case ProposedDelete(target) if len(draft.living) > 1:
                if not speaks_of(draft, draft.number(target), said):
                    raise UngroundedError(f"Nothing that was said is about memory [{target}].")
                return proposal
            case _:
                return proposal

    def _insert(
        self, draft: Draft, kind: MemorySchema, content: Any, cited: tuple[int, ...]
    ) -> tuple[Draft, str | None]:
        living = [entry.document for entry in draft.entries if not entry.deleted]
        if not self.permissions.adds(known=bool(living)):
            raise _not_permitted("Adding")
        content = with_places(kind, restored(content, draft))
        checked = self._dated(kind, kind.check(content))
        if is_blank(checked):
            raise FinalError("There is nothing in it.")
        unknown = kind.unknown_fields(content)
        ignored = (
            f"{kind.name} has no field {', '.join(unknown)}; the rest is kept." if unknown else None
        )
        document = Document(self.new_id(kind.name, checked), kind.name, checked)
        if any(one.kind == kind.name and kind.same(one.content, checked) for one in living):
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
        if not any(map(may_speak_of_time, texts_in(content))):
            return content
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


def _not_permitted(doing: str) -> ProposalError:
    return ProposalError(f"{doing} memories is not permitted here. Leave it.")


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


def _says_none(content: Any) -> bool:
    """Whether null or an empty list stands in *content*: put there, it says something."""
    match content:
        case None | [] | {} if not content:
            return True
        case Mapping():
            return any(map(_says_none, cast("Mapping[str, Any]", content).values()))
        case list():
            return any(map(_says_none, cast("list[Any]", content)))
        case _:
            return False
