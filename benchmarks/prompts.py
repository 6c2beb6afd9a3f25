"""What measured prompt optimisation makes of a small task, with the model on this machine.

    python benchmarks/prompts.py

The task: say who lives where, as `name|city` and nothing else. The first prompt does not tell
the form. Both the answers and the new prompts come from the same small model.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping

from longterm.models.local import local_chat_model
from longterm.prompts import MeasuredPrompt, create_prompt_optimizer

#: Tokens of an answer: a small model may ramble, and a new prompt here is short.
_LONGEST = 256
PROMPT = "Say who lives where."
PLACES = [
    ("Ann moved from Lyon to Kyoto in May.", "Ann|Kyoto"),
    ("After years in Rome, Bob has settled in Oslo.", "Bob|Oslo"),
    ("Chen works in Paris but lives in Lille.", "Chen|Lille"),
    ("Dora's home is in Quito.", "Dora|Quito"),
    ("You find Emil in Vienna these days.", "Emil|Vienna"),
    ("Fatima left Cairo and lives in Tunis now.", "Fatima|Tunis"),
    ("Greta has a flat in Bern.", "Greta|Bern"),
    ("Hugo lives in Porto with his two dogs.", "Hugo|Porto"),
    ("Ivan was born in Kazan and still lives there.", "Ivan|Kazan"),
    ("Jana's new address is in Prague.", "Jana|Prague"),
    ("Kofi stayed in Accra when his brother left.", "Kofi|Accra"),
    ("Lena never wanted to live anywhere but in Riga.", "Lena|Riga"),
    ("Mei has lived in Taipei since 2019.", "Mei|Taipei"),
    ("Nils sold his house in Bergen and bought one in Malmö.", "Nils|Malmö"),
    ("Olga rents a room in Minsk.", "Olga|Minsk"),
    ("Pedro came to Lima as a student and stayed.", "Pedro|Lima"),
]
EXAMPLES = [{"input": text, "expected": expected} for text, expected in PLACES]


def in_form(example: Mapping[str, str], answer: str) -> tuple[float, str]:
    """Score *answer*: 1 for exactly what is expected, a half if only the form is right."""
    expected = example["expected"]
    if answer.strip() == expected:
        return 1.0, "right"
    wish = f"The form is wrong. Write name|city and nothing else, here: {expected}"
    return (0.5 if _has_form(answer) else 0.0), wish


def _has_form(answer: str) -> bool:
    parts = answer.strip().split("|")
    return len(parts) == len("ab") and all(part.strip() for part in parts) and "\n" not in answer


def main() -> None:
    """Search for a better prompt and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--calls", type=int, default=40)
    asked = parser.parse_args()
    optimizer = create_prompt_optimizer(
        local_chat_model("qwen2.5-coder-1.5b", max_tokens=_LONGEST),
        kind="gepa",
        accept=in_form,
        examples=EXAMPLES,
        config={"max_calls": asked.calls, "min_gain": 0.1, "batch_size": 2},
    )
    started = time.perf_counter()
    prompt = optimizer.invoke({"prompt": PROMPT})
    if isinstance(prompt, MeasuredPrompt):
        print(prompt.report)
    print(f"{time.perf_counter() - started:.0f} s")
    print(f"\nbefore: {PROMPT}\nafter:  {prompt}")


if __name__ == "__main__":
    main()
