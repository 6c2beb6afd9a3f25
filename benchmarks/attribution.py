"""How often the message that a fact came from is found: by its words, and with vectors.

    python benchmarks/attribution.py LOCOMO.json
    python benchmarks/attribution.py benchmarks/paraphrases.json --embeddings

LoCoMo's facts are its own observations, which name their turns, where the file has them (the
public one does); else its questions with their answers, those whose evidence lies in one session.
A fact is looked for in the messages of its session, as it is when a conversation is extracted; at
most three are cited. The paraphrases are ours, in English, Chinese and Japanese: facts that share
hardly a word with what was said. With ``--embeddings`` the embedded models decide where words do
not tell, as a store's own would.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.embeddings import Embeddings
from langchain_core.messages import BaseMessage
from langgraph.store.memory import InMemoryStore

from longterm.effects.drivers import run
from longterm.evals.locomo import conversation_in
from longterm.evals.suites import SuiteConversation
from longterm.manage.sources import ConversationSources, compare
from longterm.memory.conversation import as_messages
from longterm.memory.model import Document, Draft
from longterm.models.embed.by_script import EmbeddingsByScript
from longterm.models.embed.minilm import MiniLMEmbeddings
from longterm.models.embed.multilingual import MultilingualEmbeddings

_CITED = 3


@dataclass(frozen=True, slots=True)
class Conversation:
    """Messages that facts came from: each fact with the ids of the right ones."""

    name: str
    ids: list[str]
    messages: list[BaseMessage]
    facts: list[tuple[str, frozenset[str]]]


def observations(data: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what LoCoMo observed of each speaker, with the turns that it names."""
    for by_speaker in data.get("observation", {}).values():
        for facts in by_speaker.values():
            for text, turns in facts:
                yield text, (turns,) if isinstance(turns, str) else tuple(turns)


def answered(talk: SuiteConversation) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield questions with their answers, and the turns that are their evidence."""
    for one in talk.questions:
        if one.category != "adversarial" and one.answer:
            yield f"{one.text} {one.answer}", one.evidence


def conversations(data: Any) -> Iterator[Conversation]:
    """Yield the sessions of a conversation of LoCoMo, or one of our paraphrases."""
    if "facts" in data:
        said = [{"role": role, "content": text} for role, text in data["messages"]]
        ids = [str(at) for at in range(len(said))]
        facts = [(text, frozenset([str(at)])) for text, at in data["facts"]]
        yield Conversation(data["language"], ids, as_messages(said), facts)
        return
    talk = conversation_in(data, str(data.get("sample_id", "")))
    known = [*observations(data)] or [*answered(talk)]
    for _, turns in talk.sessions:
        ids = [turn.id for turn in turns]
        facts = [(text, frozenset(by)) for text, by in known if by and {*by} <= {*ids}]
        yield Conversation("locomo", ids, as_messages([one.message for one in turns]), facts)


def places(one: Conversation, store: InMemoryStore) -> Iterator[int | None]:
    """Yield, for each fact, the place of a right message among those cited; None for none."""
    draft = Draft()
    for number, (text, _) in enumerate(one.facts):
        draft = draft.insert(Document(str(number), "Memory", {"content": text}))
    known = [
        message.model_copy(update={"id": id})
        for id, message in zip(one.ids, one.messages, strict=True)
    ]
    sources = ConversationSources(known, thread=None)
    run(compare(sources, draft.entries), store=store)
    for entry in draft.entries:
        right = one.facts[int(entry.document.id)][1]
        cited: Sequence[str | None] = [source.message_id for source in sources.of(entry)][:_CITED]
        yield next((at for at, id in enumerate(cited, 1) if id in right), None)


def main() -> None:
    """Print how often the right message is the first, and among the first two and three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--embeddings", action="store_true")
    options = parser.parse_args()
    embed: Embeddings = EmbeddingsByScript(MiniLMEmbeddings(), MultilingualEmbeddings())
    index: Any = {"embed": embed, "dims": 384}
    store = InMemoryStore(index=index) if options.embeddings else InMemoryStore()
    found: defaultdict[str, list[int | None]] = defaultdict(list)
    for data in json.loads(options.file.read_text(encoding="utf-8")):
        for one in conversations(data):
            found[one.name] += places(one, store)
    for name, ranks in found.items():
        for most in range(1, _CITED + 1):
            right = sum(rank is not None and rank <= most for rank in ranks)
            print(f"{name}, among {most}: {right} of {len(ranks)} ({right / len(ranks):.1%})")


if __name__ == "__main__":
    main()
