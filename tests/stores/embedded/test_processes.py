"""Many processes, and processes that die. The work is in `crashing.py` and `crowding.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def ran(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, str(HERE / program), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
    )


@pytest.mark.parametrize("seed", range(4))
def test_kill_9_loses_nothing_and_leaves_a_sound_file(path: Path, seed: int) -> None:
    done = ran("crashing.py", path, 55, seed)
    assert done.returncode == 0, done.stdout + done.stderr


def test_eight_processes_write_while_others_read(path: Path) -> None:
    done = ran("crowding.py", path, 8, 3, 40)
    assert done.returncode == 0, done.stdout + done.stderr
