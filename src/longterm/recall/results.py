"""What a recall gives: items with their scores and sources, and the block. Plain data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from longterm.memory.namespace import Namespace
from longterm.memory.revision import Source
from longterm.recall.candidates import Candidate, ItemType
from longterm.recall.fusion import Ranked
from longterm.recall.question import Question

__all__ = ["RecallItem", "RecallResult", "recall_item"]


@dataclass(frozen=True, slots=True)
class RecallItem:
    """One thing recalled, where it came from and why."""

    kind: ItemType
    text: str
    #: Compares within one recall only; *parts*, by the names of the signals, add up to it.
    score: float
    parts: Mapping[str, float]
    time: datetime
    speaker: str
    namespace: Namespace
    key: str
    value: Mapping[str, Any]
    #: The conversation a turn belongs to.
    thread: str = ""
    #: The messages a memory came from, where they are known.
    sources: tuple[Source, ...] = ()
    #: Whether it stands in the block.
    in_block: bool = True

    def explain(self) -> str:
        """Write down its score, what each signal added, and where it came from."""
        parts = sorted(self.parts.items(), key=lambda part: -abs(part[1]))
        signals = ", ".join(f"{name} {added:+.2f}" for name, added in parts)
        place = f"{'/'.join(self.namespace)}, key {self.key}"
        lines = [
            f"{self.score:.2f} = {signals}{'' if self.in_block else ' (no room in the block)'}",
            f"{self.speaker or 'fact'}, {self.time:%Y-%m-%d}: {' '.join(self.text.split())[:200]}",
            f"stored: {place}{f', thread {self.thread}' if self.thread else ''}",
        ]
        for source in self.sources:
            who = source.speaker or source.role or source.origin
            when = f", {source.time:%Y-%m-%d}" if source.time else ""
            where = f", thread {source.thread_id}" if source.thread_id else ""
            lines.append(f"from: {who}{when}{where}, message {source.message_id or 'not known'}")
        return "\n   ".join(lines)


@dataclass(frozen=True, slots=True)
class RecallResult:
    """What was recalled for a question, best first."""

    question: str
    items: tuple[RecallItem, ...]
    #: The block for the system prompt; "" where nothing was found.
    text: str
    #: How the question was read; None where nothing was asked.
    parsed: Question | None = None

    def explain(self) -> str:
        """Write down why these items: the question as it was read, their signals and sources."""
        lines = [f"Question: {self.question}"]
        if self.parsed is not None:
            lines.append(f"  full text looks for: {', '.join(self.parsed.terms)}")
            lines.append(f"  vectors look for: {self.parsed.statement}")
            lines += [f"  about: {name}" for name in sorted(self.parsed.named)]
            lines += [
                f"  time: {span.start:%Y-%m-%d} up to {span.end:%Y-%m-%d}"
                for span in self.parsed.spans
            ]
        for rank, item in enumerate(self.items, 1):
            lines.append(f"{rank}. {item.explain()}")
        return "\n".join(lines)


def recall_item(one: Ranked, in_block: Collection[Candidate] = ()) -> RecallItem:
    """Return what *one* is for the caller: a copy, so that nothing kept can be changed."""
    it = one.candidate
    return RecallItem(
        kind=it.kind,
        text=it.text,
        score=one.score,
        parts=one.parts,
        time=it.time,
        speaker=it.speaker,
        namespace=it.namespace,
        key=it.key,
        value=_copied(it.value),
        thread=it.thread if it.kind == "turn" else "",
        sources=it.sources,
        in_block=it in in_block,
    )


def _copied(value: Any) -> Any:
    """Copy a value of JSON, in a fifth of the time of `copy.deepcopy`."""
    match value:
        case dict():
            return {name: _copied(one) for name, one in cast("dict[str, Any]", value).items()}
        case list():
            return [_copied(one) for one in cast("list[Any]", value)]
        case _:
            return value
