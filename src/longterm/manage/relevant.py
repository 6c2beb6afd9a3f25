"""Known memories in every natural shape, and which of those found matter to a conversation. Pure.

Strings, pairs of id and value, triples with a kind, `ExtractedMemory`, instances of a schema, dicts
and store items are understood. Markers for removed memories are left out.

A store with an index has scored what it found. One without returns it in an order that says
nothing; then shared words decide, and among equals the newer memory comes first.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import is_dataclass
from itertools import chain, zip_longest
from math import fsum
from typing import Any, TypeVar, cast

from langgraph.store.base import Item, SearchItem
from pydantic import BaseModel
from pydantic_core import PydanticSerializationError

from longterm.effects.steps import Reach, best_of_each, place_of, score_of
from longterm.errors import InvalidInputError
from longterm.extract.schema import MemorySchema, plain
from longterm.memory.model import Document, ProposalError, content_text, document_of, is_turn
from longterm.text.bm25 import idf
from longterm.text.tokenizer import query_terms, terms

__all__ = [
    "Known",
    "best",
    "in_turn",
    "is_scored",
    "memories",
    "merged",
    "normalize_existing",
    "sharing_words",
    "unique",
    "within",
]

Found = TypeVar("Found", bound=Item)


def merged(found: Iterable[Sequence[SearchItem]], reach: Reach) -> list[SearchItem]:
    """Return the memories of several searches in *reach* once each, with their best score."""
    return best_of_each(memories(chain.from_iterable(found), reach))


def in_turn(found: Iterable[Sequence[SearchItem]], reach: Reach) -> list[SearchItem]:
    """Return the memories in *reach* once each: the best of every search, then the second.

    Scores of two queries do not compare, so that places count, and no search takes them all.
    """
    ranks = zip_longest(*(memories(items, reach) for items in found))
    return unique(item for rank in ranks for item in rank if item is not None)


def unique(items: Iterable[Found]) -> list[Found]:
    """Return *items* once each, where they come first."""
    first: dict[tuple[str, ...], Found] = {}
    for item in items:
        first.setdefault(place_of(item), item)
    return list(first.values())


def memories(items: Iterable[SearchItem], reach: Reach) -> Iterator[SearchItem]:
    """Yield those of *items* that lie in *reach*; what was said, word for word, is no memory."""
    return (item for item in items if reach.holds(item.namespace) and not is_turn(item.value))


def sharing_words(items: Sequence[SearchItem], queries: Sequence[str]) -> list[list[SearchItem]]:
    """Return for each of *queries* the *items* that share a word with it, most shared first."""
    found: list[list[SearchItem]] = []
    for shared in _shared_words(items, [[query] for query in queries]):
        order = sorted(range(len(items)), key=shared.__getitem__, reverse=True)
        found.append([items[n] for n in order if shared[n]])
    return found


def within(items: Iterable[Found], tokens: int) -> list[Found]:
    """Return the first *items* that take no more than about *tokens* of a prompt."""
    used, fit = 0.0, list[Found]()
    for item in items:
        text = content_text(document_of(item.key, item.value).content)
        # About four letters of an alphabet are a token, and one of other scripts.
        ascii_letters = len(text) if text.isascii() else sum(map(str.isascii, text))
        used += 4 + len(text) - 0.75 * ascii_letters
        if used > tokens:
            break
        fit.append(item)
    return fit


def best(
    items: Sequence[SearchItem], asked: Sequence[Sequence[str]], limit: int
) -> list[list[SearchItem]]:
    """Return for each of *asked*, which are queries, the *limit* items that matter most to it."""
    if any(map(is_scored, items)):
        ordered = sorted(items, key=score_of, reverse=True)[:limit]
        return [ordered for _ in asked]
    found: list[list[SearchItem]] = []
    for shared in _shared_words(items, asked):
        marks = [(words, item.updated_at) for words, item in zip(shared, items, strict=True)]
        order = sorted(range(len(items)), key=marks.__getitem__, reverse=True)
        found.append([items[n] for n in order[:limit]])
    return found


def is_scored(item: SearchItem) -> bool:
    """Tell whether the store gave *item* a score."""
    return item.score is not None


def _shared_words(
    items: Sequence[SearchItem], asked: Sequence[Sequence[str]]
) -> Iterator[list[float]]:
    """Sum for each of *asked*, and each item, the rarities of the words that the two share.

    An item's words are read once, not for each query.
    """
    wanted = [{term for query in queries for term in query_terms(query)} for queries in asked]
    of_any = set(chain.from_iterable(wanted))
    words = [of_any.intersection(terms(str(item.value))) for item in items]
    for asked_for in wanted:
        shared = [asked_for & held for held in words]
        frequency = Counter(chain.from_iterable(shared))
        rarity = {term: idf(held, len(items)) for term, held in frequency.items()}
        yield [fsum(map(rarity.__getitem__, held)) for held in shared]


#: Documents under their ids, with the objects that stand for them in a result.
Known = dict[str, tuple[Document, Any]]

_ANY_KIND = "__any__"


def normalize_existing(existing: Any, kinds: Sequence[MemorySchema]) -> Known:
    """Return the memories in *existing*, one or many, by id, in their order.

    Raises `InvalidInputError` for what is no memory in any shape we know.
    """
    known: Known = {}
    for item in _each_known(existing):
        document, content = _read_known(item, kinds)
        if type(content).__name__ != "RemoveDoc":
            known[document.id] = (document, content)
    return known


def _each_known(existing: Any) -> Iterable[Any]:
    match existing:
        case None:
            return ()
        case str() | BaseModel() | Mapping() | Item():
            return (cast("Any", existing),)
        case Iterable():
            return cast("Iterable[Any]", existing)
        case _:
            return (existing,)


def _read_known(item: Any, kinds: Sequence[MemorySchema]) -> tuple[Document, Any]:
    match item:
        case (str(key), str(kind), content):
            return _document(key, kind, content, kinds)
        case Item(key=key, value=value) | {"key": str(key), "value": value}:
            return _stored(key, value, kinds)
        case (key, content) if not isinstance(item, str):
            return _document(str(key), None, content, kinds)
        case {"id": str(key), "content": value, **others} if others.keys() <= {"kind"}:
            return _document(key, others.get("kind"), value, kinds)
        case _ if isinstance(item, str | dict) or _is_instance(item):
            return _document(str(uuid.uuid4()), None, item, kinds)
        case _:
            raise InvalidInputError(
                f"{type(item).__name__} is not a memory. Pass texts, (id, content) pairs, "
                "(id, kind, content) triples, schema instances, dicts or items of a store."
            )


def _is_instance(item: Any) -> bool:
    if isinstance(item, dict):  # by far the most frequent, and asked first for that reason
        return False
    return isinstance(item, BaseModel) or (is_dataclass(item) and not isinstance(item, type))


def _stored(key: str, value: Any, kinds: Sequence[MemorySchema]) -> tuple[Document, Any]:
    """Read a store's value, or what the managers' own search makes of one."""
    match value:
        case {"kind": str(name), "content": content}:
            document = document_of(key, cast("Mapping[str, Any]", value))
            own = [kind for kind in kinds if kind.name == name]
            return document, own[0].load(content, content) if own else content
        case {"content": content} if all(kind.load(value, None) is None for kind in kinds):
            return _document(key, None, content, kinds)
        case _:
            return _document(key, None, value, kinds)


def _document(
    key: str, kind: str | None, content: Any, kinds: Sequence[MemorySchema]
) -> tuple[Document, Any]:
    if _is_instance(content):
        return Document(key, kind or type(content).__name__, _plain_content(content)), content
    if kind is None or kind == _ANY_KIND:
        return _guessed(key, content, kinds)
    return _guessed(key, content, [one for one in kinds if one.name == kind], kind)


def _plain_content(content: Any) -> Any:
    try:
        return plain(content)
    except PydanticSerializationError as error:
        raise InvalidInputError(f"A memory must be made of JSON data: {error}.") from error


def _guessed(
    key: str, content: Any, kinds: Sequence[MemorySchema], otherwise: str | None = None
) -> tuple[Document, Any]:
    """Give *content* the first kind it fits; a text fits a kind that has just a content."""
    forms = (content, {"content": content})
    if isinstance(content, str) and not ("{" in content or "[" in content):
        forms = forms[::-1]  # to find that a mere text is no memory in itself takes long
    for kind in kinds:
        for form in forms:
            try:
                value = kind.value(form)
            except ProposalError:
                continue
            return Document(key, kind.name, kind.dump(value)), value
    data = _plain_content(content)
    return Document(key, otherwise, data), data
