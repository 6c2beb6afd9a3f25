"""longterm and LangMem side by side, in one run: what each costs beside the model it asks.

Usage: python benchmarks/overhead.py [--langmem PYTHON] [--rounds N]

PYTHON is the interpreter of an environment that has langmem 0.0.30; without the option one is
made in .cache/. Both libraries run the same probe (probe.py) with the same made-up model, in
turn, several rounds each, and the best round counts. Trust the ratios, not the numbers.
"""

import argparse
import json
import os
import subprocess
import sys
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent / ".cache"
PACKAGE = "langmem==0.0.30"
LIBRARIES = ("longterm", "langmem")

Results = dict[str, float]

#: By how a row begins: the ratio, or the value, that is to be reached.
GOALS = {
    "manager.": ("ratio", 0.1),
    "import": ("ratio", 1 / 3),
    "100 ainvoke at once": ("value", 300),
    "characters": ("ratio", 0.4),
    "… for": ("ratio", 0.4),
}


def main() -> None:
    """Measure both libraries in turn and print a table."""
    options = _options()
    pythons = {"longterm": sys.executable, "langmem": options.langmem or _langmem_python()}
    rounds = [
        {library: _measured(library, pythons[library]) for library in LIBRARIES}
        for _ in range(options.rounds)
    ]
    best = {library: _best([one[library] for one in rounds]) for library in LIBRARIES}
    _print_table(best)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=_Plain)
    parser.add_argument("--langmem", metavar="PYTHON", help="python that has langmem 0.0.30")
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


class _Plain(argparse.RawDescriptionHelpFormatter):
    """Keep the docstring's lines as they are."""


def _langmem_python() -> str:
    """Return the python of an environment with LangMem, which is made on first use."""
    folder = CACHE / PACKAGE.replace("==", "-")
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PACKAGE, "numpy"], check=True)
    return str(python)


def _measured(library: str, python: str) -> Results:
    output = _output(python, str(HERE / "probe.py"), library)
    return {
        "import": _import_time(python, f"import {library}"),
        "first use: create_memory_manager": _import_time(
            python, f"from {library} import create_memory_manager"
        ),
        **json.loads(output),
    }


def _import_time(python: str, statement: str) -> float:
    """Return the processor's time for *statement* in a fresh interpreter: the best of several."""
    code = f"from time import process_time as t; s = t(); {statement}; print(1000 * (t() - s))"
    return min(float(_output(python, "-c", code)) for _ in range(5))


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _best(rounds: list[Results]) -> Results:
    return {row: min(one[row] for one in rounds) for row in rounds[0]}


def _print_table(best: dict[str, Results]) -> None:
    ours, theirs = best["longterm"], best["langmem"]
    print("| | longterm | LangMem | ratio | goal |")
    print("| --- | --: | --: | --: | --- |")
    for row in ours:
        ratio = ours[row] / theirs[row] if theirs[row] else float("nan")
        cells = (_labelled(row), _number(ours[row]), _number(theirs[row]), f"{ratio:.2f}")
        print(f"| {' | '.join(cells)} | {_goal(row, ours[row], ratio)} |")


def _labelled(row: str) -> str:
    counted = "calls" in row or "batches" in row or "characters" in row
    return row if counted else f"{row}, ms"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"  # noqa: PLR2004 - three digits are enough


def _goal(row: str, value: float, ratio: float) -> str:
    for start, (sort, limit) in GOALS.items():
        if row.startswith(start):
            reached = (ratio if sort == "ratio" else value) <= limit
            shown = f"ratio {limit:.2f}" if sort == "ratio" else f"{limit:.0f}"
            return f"at most {shown}: {'reached' if reached else 'missed'}"
    return ""


if __name__ == "__main__":
    main()
