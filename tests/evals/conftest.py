"""Suites small enough to read, in the forms of the public ones."""

import json
from pathlib import Path
from typing import Any

import pytest

LOCOMO: list[dict[str, Any]] = [
    {
        "sample_id": "conv-1",
        "conversation": {
            "speaker_a": "Ann",
            "speaker_b": "Bo",
            "session_2_date_time": "7:05 pm on 20 May, 2023",
            "session_2": [
                {"speaker": "Bo", "dia_id": "D2:1", "text": "I bought a red kayak"},
                {"speaker": "Ann", "dia_id": "D2:2", "text": ""},
            ],
            "session_1_date_time": "1:56 pm on 8 May, 2023",
            "session_1": [
                {"speaker": "Ann", "dia_id": "D1:1", "text": "I moved to Lyon last week"},
                {"speaker": "Bo", "dia_id": "D1:02", "text": "Look", "blip_caption": "a dog"},
                {"speaker": "Ann", "text": "It has no id"},
            ],
        },
        "observation": {
            "session_1_observation": {"Ann": [["Ann lives in France since May 2023.", "D1:1"]]},
            "session_2_observation": {"Bo": [["Bo owns a boat.", ["D2:1", "D1:02"]], ["Hm", []]]},
        },
        "qa": [
            {
                "question": "Where did Ann move to?",
                "answer": "Lyon",
                "evidence": ["D1:1", "D9:9"],
                "category": 4,
            },
            {
                "question": "What did Bo show and buy?",
                "answer": "A dog and a kayak",
                "evidence": ["D:1:2; D2:01"],
                "category": 1,
            },
            {
                "question": "Why did Ann sell the kayak?",
                "adversarial_answer": "Rent",
                "category": 5,
            },
            {"question": "Who is new here?", "evidence": ["D1:3"], "category": "seven"},
        ],
    }
]

BEAM_CHAT: list[dict[str, Any]] = [
    {
        "batch_number": 1,
        "turns": [
            [
                {
                    "role": "user",
                    "id": 0,
                    "time_anchor": "March-15-2024",
                    "content": "I use Flask 2.3 ->-> 1,1",
                },
                {"role": "assistant", "id": 1, "content": "Flask it is."},
            ],
            [{"role": "user", "id": 2, "content": "Always answer in verse ->-> 1, 2"}],
        ],
    },
    {"batch_number": 2, "turns": [[{"role": "user", "id": 3, "content": "Now Flask 3.0"}]]},
]

BEAM_QUESTIONS: dict[str, Any] = {
    "knowledge_update": [
        {
            "question": "Which Flask do I use?",
            "answer": "3.0",
            "source_chat_ids": {"original": [0], "updated": [3, 99]},
        }
    ],
    "abstention": [{"question": "Who is my landlord?", "ideal_response": "It was never said."}],
    "new_category": [{"question": "How do I want answers?", "source_chat_ids": [2, 2]}],
}


@pytest.fixture
def locomo(tmp_path: Path) -> Path:
    """Return a LoCoMo file."""
    path = tmp_path / "locomo.json"
    path.write_text(json.dumps(LOCOMO), "utf-8")
    return path


@pytest.fixture
def beam(tmp_path: Path) -> Path:
    """Return a BEAM folder with one conversation."""
    folder = tmp_path / "beam" / "1"
    folder.mkdir(parents=True)
    (folder / "chat.json").write_text(json.dumps(BEAM_CHAT), "utf-8")
    (folder / "probing_questions.json").write_text(json.dumps(BEAM_QUESTIONS), "utf-8")
    return folder.parent
