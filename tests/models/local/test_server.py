import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from longterm.errors import LocalModelError
from longterm.models.local.server import Engine, Server, running_server

FAKE = str(Path(__file__).with_name("fake_server.py"))


def engine(tmp_path: Path, *arguments: str) -> Engine:
    command = (sys.executable, FAKE, *arguments)
    return Engine(model=tmp_path / "m.gguf", context=512, threads=1, command=command)


def is_running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_equal_engines_share_one_server_and_others_do_not(tmp_path: Path) -> None:
    first, again = running_server(engine(tmp_path)), running_server(engine(tmp_path))
    other = running_server(engine(tmp_path, "other"))
    assert first is again
    assert first.url.startswith("http://127.0.0.1:")
    assert other.url != first.url
    assert other.key != first.key


def test_threads_that_ask_at_once_start_one_server(tmp_path: Path) -> None:
    servers: list[Server] = []
    threads = [
        threading.Thread(target=lambda: servers.append(running_server(engine(tmp_path))))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({server.url for server in servers}) == 1


def test_a_server_that_died_is_started_again(tmp_path: Path) -> None:
    first = running_server(engine(tmp_path))
    first.process.kill()
    first.process.wait()
    assert running_server(engine(tmp_path)).url != first.url


def test_a_server_that_fails_is_an_error_with_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"m\.gguf(.|\n)*not enough memory for this test"):
        running_server(engine(tmp_path, "dies"))


@pytest.mark.timeout(60)
def test_a_server_that_never_answers_is_an_error_in_time(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="did not start within 1 s"):
        running_server(engine(tmp_path, "mute"), seconds=1)


def test_a_broken_model_file_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(LocalModelError, match="did not start"):
        running_server(Engine(model=tmp_path / "m.gguf", context=512, threads=1))


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("end", ["", "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"])
def test_the_server_ends_with_its_process_however_that_ends(tmp_path: Path, end: str) -> None:
    program = (
        "import sys; from pathlib import Path\n"
        "from longterm.models.local.server import Engine, running_server\n"
        f"command = (sys.executable, {FAKE!r})\n"
        "engine = Engine(model=Path('m'), context=1, threads=1, command=command)\n"
        f"print(running_server(engine).process.pid, flush=True)\n{end}"
    )
    done = subprocess.run(  # noqa: S603 (our own program)
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    pid = int(done.stdout)
    deadline = time.monotonic() + 60
    while is_running(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(pid)
