"""Memories as lines of JSON: written from any store, read into any other.

The first line says the format; each further one is an item with its revisions. Mem0's export
is read as well. Nothing is held in memory but a page of items.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace as changed
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any, get_args

from langgraph.store.base import Item

from longterm.commit import Policy, Skip, Write, commit
from longterm.effects.clock import utc_now
from longterm.effects.steps import fetch, get_op, place_of, search, search_op
from longterm.errors import InvalidInputError
from longterm.history import reading
from longterm.memory.conversation import zoned
from longterm.memory.model import TURN, index_of
from longterm.memory.namespace import Namespace, escape_label
from longterm.memory.revision import (
    Action,
    Actor,
    Origin,
    Revision,
    Source,
    json_revision,
    revision_in,
)

__all__ = ["Cursor", "Imported", "export_page", "header", "import_lines"]

_VERSION = 1
_AS_IT_WAS = "as it was in a store that keeps no history"
#: Items that an export reads at once, and that an import writes at once.
_PAGE, _BATCH = 2_000, 500
#: Times that a namespace of several pages is looked through, while others go on writing to it.
_SCANS = 4


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    #: Items that were not there.
    added: int = 0
    #: Items that were there already, and stayed as they are.
    kept: int = 0
    #: Items that the guard kept out, or in quarantine.
    held: int = 0
    #: Items that were erased here before, and stay so.
    erased: int = 0

    @property
    def counts(self) -> dict[str, int]:
        """The same as JSON data; of what was held or stays erased only where there is some."""
        counts = {"added": self.added, "kept": self.kept}
        rare = {"held": self.held, "erased": self.erased}
        return counts | {name: count for name, count in rare.items() if count}

    def __add__(self, other: Imported) -> Imported:
        """Return the account of both."""
        return Imported(
            self.added + other.added,
            self.kept + other.kept,
            self.held + other.held,
            self.erased + other.erased,
        )


def header() -> str:
    """Return the first line of an export."""
    return _export_line({"longterm_export": _VERSION, "exported_at": utc_now().isoformat()})


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where the next page of an export begins."""

    #: The items, those written last last; None where it was not asked yet which there are.
    keys: Sequence[str] | None = None
    #: The place among them, and behind them among the memories that are deleted.
    start: int = 0
    after: Any = None


async def _keys_in(namespace: Namespace) -> list[str]:
    """Return the keys of the items of *namespace*, those written last last.

    What is written or deleted meanwhile moves others from page to page, past what reads them. So
    several pages are read again where the first item or the last is another by then.
    """
    written: dict[str, datetime] = {}
    for _ in range(_SCANS):
        places: list[tuple[str, ...]] = []
        while len(places) % _PAGE == 0:
            op = search_op(namespace, limit=_PAGE, offset=len(places), refresh_ttl=False)
            [found] = await search([op])
            for item in found:
                if tuple(item.namespace) == namespace:
                    written.setdefault(item.key, item.updated_at)
            places += map(place_of, found)
            if not found:
                break
        if len(places) < _PAGE:
            break
        ends = [(1, 0), (2, len(places) - 1)]
        ops = [search_op(namespace, limit=n, offset=at, refresh_ttl=False) for n, at in ends]
        if [place_of(item) for page in await search(ops) for item in page] == [
            places[0],
            places[-1],
        ]:
            break
    keys = [*reversed(written)]  # the order of what was written at the same moment
    keys.sort(key=written.__getitem__)
    return keys


async def export_page(namespace: Namespace, cursor: Cursor) -> tuple[list[str], Cursor | None]:
    """Return a page of lines, and where the next one begins; None after the last.

    The items come first, then the memories that are deleted but can be restored.
    """
    keys = await _keys_in(namespace) if cursor.keys is None else cursor.keys
    own: dict[str, Item | None] = {}
    following: Cursor | None
    if page := keys[cursor.start : cursor.start + _PAGE]:
        found = await fetch([get_op(namespace, key, refresh_ttl=False) for key in page])
        own |= {item.key: item for item in found if item is not None}
        following = Cursor(keys, cursor.start + _PAGE)
    else:
        deleted, after = await reading.deleted_page(namespace, cursor.after)
        own |= dict.fromkeys(deleted)
        following = None if after is None else Cursor(keys, len(keys), after)
    revisions = await reading.revisions_of_each(namespace, list(own)) if own else {}
    lines = [
        _export_line(
            {
                "namespace": list(namespace),
                "key": key,
                "value": item.value if item else None,
                "created_at": item.created_at.isoformat() if item else None,
                "updated_at": item.updated_at.isoformat() if item else None,
                "revisions": [json_revision(one) for one in revisions[key]],
            }
        )
        for key, item in own.items()
    ]
    return lines, following


@dataclass(frozen=True, slots=True)
class _Line:
    """What one line says is to be written."""

    write: Write
    #: Turns never change, so that no history of them is kept.
    is_turn: bool


async def import_lines(
    lines: Iterable[str | bytes],
    namespace: Namespace | None,
    policy: Policy,
    *,
    bring_back_erased: bool = False,
) -> Imported:
    """Bring in *lines*; see `History.import_`."""
    done = Imported()
    page: dict[tuple[Namespace, str], _Line] = {}
    for line in _lines(lines, namespace):
        place = line.write.namespace, line.write.key
        if len(page) == _BATCH or place in page:
            done += await _brought_in(page, policy, bring_back_erased=bring_back_erased)
            page = {}
        page[place] = line
    return done + await _brought_in(page, policy, bring_back_erased=bring_back_erased)


async def _brought_in(
    page: Mapping[tuple[Namespace, str], _Line], policy: Policy, *, bring_back_erased: bool
) -> Imported:
    done, erased = Imported(), await _erased_of(list(page))
    if bring_back_erased:  # as it was last: what it was before is gone
        page = {
            place: changed(one, write=_without_past(one.write)) if place in erased else one
            for place, one in page.items()
        }
    else:
        page = {place: one for place, one in page.items() if place not in erased}
        done = Imported(erased=len(erased))
    turns = [one.write for one in page.values() if one.is_turn]
    memories = [one.write for one in page.values() if not one.is_turn]
    for writes, keeping in ((memories, policy), (turns, changed(policy, keep_revisions=0))):
        new = await commit(writes, actor="import", policy=keeping)
        held = len(new.guarded)
        done += Imported(len(new.written), len(writes) - len(new.written) - held, held)
    return done


def _without_past(write: Write) -> Write:
    return changed(write, past=(), sources=write.past[-1].sources if write.past else None)


async def _erased_of(
    places: Sequence[tuple[Namespace, str]],
) -> set[tuple[Namespace, str]]:
    """Return which of *places* were erased, and nothing has been written there since."""
    items = await fetch([get_op(*place, refresh_ttl=False) for place in places])
    absent = sorted(place for place, item in zip(places, items, strict=True) if item is None)
    erased: set[tuple[Namespace, str]] = set()
    for namespace, some in groupby(absent, lambda place: place[0]):
        revisions = await reading.revisions_of_each(namespace, [key for _, key in some])
        erased |= {
            (namespace, key)
            for key, ones in revisions.items()
            if ones[-1:] and ones[-1].action == "erased"
        }
    return erased


def _lines(lines: Iterable[str | bytes], namespace: Namespace | None) -> Iterator[_Line]:
    """Read *lines* one by one, or all of them where they are one JSON document."""
    numbered = enumerate((line for line in lines if line.strip()), 1)
    for number, line in numbered:
        try:
            data = json.loads(line)
        except RecursionError:
            raise _unreadable_line(number, "it has too many levels") from None
        except ValueError:
            if number > 1:
                raise _unreadable_line(number, "it is no JSON") from None
            rest = [line, *(line for _, line in numbered)]
            try:
                text = "\n".join(one.decode() if isinstance(one, bytes) else one for one in rest)
                data = json.loads(text)
            except (ValueError, RecursionError):
                raise _unreadable_line(1, "it is no JSON") from None
        try:
            read = list(_read_line(data, number, namespace))
        except InvalidInputError:
            raise
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            why = f"a field of it is missing or no such value ({type(error).__name__})"
            raise _unreadable_line(number, why) from None
        yield from read


def _read_line(data: Any, number: int, namespace: Namespace | None) -> Iterator[_Line]:
    match data:
        case {"longterm_export": int(version)}:
            if version > _VERSION:
                raise _unreadable_line(number, f"its format is {version}, newer than {_VERSION}")
        case {"namespace": [*labels], "key": str(key), "value": value}:
            place = namespace or tuple(map(str, labels))
            if type(value) not in (dict, type(None)):
                raise TypeError("A stored value is an object.")
            past = _past_in(data.get("revisions", ()))
            if not past and value and data.get("updated_at") and value.get("kind") != TURN:
                time = zoned(datetime.fromisoformat(data["updated_at"])).astimezone(UTC)
                past = (Revision(1, "created", value, time, "import", reason=_AS_IT_WAS),)
            yield _line(place, key, value, past)
        case {"memory": str(text), "id": str() | int() as id}:  # Mem0
            labels = ("memories", escape_label(str(data["user_id"]))) if data.get("user_id") else ()
            place = namespace or labels or ("memories",)
            beside = {name: data[name] for name in ("metadata", "categories") if data.get(name)}
            value = {"kind": "Memory", "content": {"content": text}, **beside}
            yield _line(place, str(id), value, (_from_mem0(data, value),))
        case {"results": [*inner]} | {"memories": [*inner]} | [*inner]:
            for one in inner:
                yield from _read_line(one, number, namespace)
        case _:
            raise _unreadable_line(
                number, "it is neither an item of an export nor a memory of Mem0"
            )


def _past_in(revisions: Sequence[Mapping[str, Any]]) -> tuple[Revision, ...]:
    """Read a memory's revisions; raises a `ValueError` where they are none, or in no order.

    A store may keep anything, and what is no revision would end each later look at its memory.
    """
    read = map(revision_in, revisions)
    past = [changed(one, time=zoned(one.time).astimezone(UTC)) for one in read]
    in_order = all(
        one.number < other.number and one.time < other.time for one, other in pairwise(past)
    )
    if not (in_order and all(map(_is_revision, past))):
        raise ValueError("These are no revisions, or in no order.")
    return tuple(past)


def _is_revision(one: Any) -> bool:
    """Whether all that *one* holds is of its kind."""
    texts = [one.model, one.reason]
    for source in one.sources:
        texts += [source.thread_id, source.message_id, source.speaker, source.role, source.quote]
    return (
        all(text is None or isinstance(text, str) for text in texts)
        and type(one.number) is int
        and one.number > 0
        and (one.value is None or isinstance(one.value, dict))
        and one.action in get_args(Action)
        and one.actor in get_args(Actor)
        and all(source.origin in get_args(Origin) for source in one.sources)
    )


def _line(
    namespace: Namespace, key: str, value: dict[str, Any] | None, past: tuple[Revision, ...]
) -> _Line:
    index = index_of(value)

    def edit(item: Item | None) -> dict[str, Any] | Skip | None:
        return value if item is None else Skip()

    return _Line(Write(namespace, key, edit, index=index, past=past), index is not None)


def _from_mem0(data: Mapping[str, Any], value: dict[str, Any]) -> Revision:
    when, thread = data.get("updated_at") or data.get("created_at"), data.get("run_id")
    time = datetime.fromisoformat(when) if when else utc_now()
    return Revision(
        number=1,
        action="created",
        value=value,
        time=time.astimezone(UTC),  # one without a zone is local time
        actor="import",
        sources=(Source(thread_id=str(thread) if thread else None, origin="import"),),
        reason="from Mem0",
    )


def _export_line(data: Mapping[str, Any]) -> str:
    line = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    try:
        line.encode()
    except UnicodeEncodeError:  # half an emoji: no file takes it, unless it is spelt out
        line = json.dumps(data, separators=(",", ":"))
    return f"{line}\n"


def _unreadable_line(number: int, why: str) -> InvalidInputError:
    return InvalidInputError(
        f"Line {number} of the import cannot be read: {why}. Everything before it may be in "
        "already; importing again when it is mended brings in the rest."
    )
