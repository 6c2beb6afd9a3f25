"""What the tests of recall share."""

from datetime import timedelta

import pytest
from talk import NOW, Say

from longterm.recall.candidates import Candidate


@pytest.fixture
def say() -> Say:
    """Make turns, a minute after one another."""
    said = 0

    def turn(text: str, speaker: str = "user", **more: object) -> Candidate:
        nonlocal said
        said += 1
        role = speaker if speaker in {"user", "assistant"} else "user"
        fields = {
            "namespace": ("turns",),
            "key": f"t{said:03}",
            "kind": "turn",
            "time": NOW + timedelta(minutes=said),
            "role": role,
            "thread": "one",
            "position": said,
        }
        return Candidate(text=text, speaker=speaker, **(fields | more))  # pyright: ignore[reportArgumentType]

    return turn
