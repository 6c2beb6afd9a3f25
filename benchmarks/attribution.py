"""How often the message that a fact came from is found by its words.

    python benchmarks/attribution.py LOCOMO.json

Facts are LoCoMo's own observations, which name their turns, where the file has them (the public one
does); else its questions with their answers, those whose evidence lies in one session. A fact is
looked for in the messages of its session, as it is when a conversation is extracted; at most three
are cited.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from longterm.evals.locomo import conversation_in
from longterm.evals.suites import SuiteConversation
from longterm.memory.attribution import Attributor
from longterm.memory.conversation import as_messages

_CITED = 3


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


def measured(data: Any) -> Iterator[int | None]:
    """Yield, for each fact, the place of a right message among those cited; None for none."""
    talk = conversation_in(data, str(data.get("sample_id", "")))
    sessions: list[tuple[list[str], Attributor]] = []
    for _, turns in talk.sessions:
        messages: list[BaseMessage] = as_messages([turn.message for turn in turns])
        sessions.append(([turn.id for turn in turns], Attributor(messages)))
    for text, evidence in [*observations(data)] or [*answered(talk)]:
        for ids, attributor in sessions:
            if evidence and {*evidence} <= {*ids}:
                cited = [ids[place] for place in attributor.of(text, limit=_CITED)]
                yield next((at for at, id in enumerate(cited, 1) if id in evidence), None)


def main() -> None:
    """Print how often the right message is the first, and among the first two and three."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    places = [
        place
        for data in json.loads(parser.parse_args().file.read_text())
        for place in measured(data)
    ]
    for most in range(1, _CITED + 1):
        found = sum(place is not None and place <= most for place in places)
        print(f"among {most}: {found} of {len(places)} ({found / len(places):.1%})")


if __name__ == "__main__":
    main()
