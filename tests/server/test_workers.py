"""Several workers, replaced while the server runs."""

import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from running_server import Running, running_server


def workers(server: Running) -> set[str]:
    pid = server.process.pid
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return {one for one in children if b"spawn_main" in Path(f"/proc/{one}/cmdline").read_bytes()}


@contextmanager
def born_with(handler: signal.Handlers) -> Generator[None]:
    """Have children heed the end of their terminal, or ignore it as nohup makes them do."""
    before = signal.signal(signal.SIGHUP, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.skipif(sys.platform != "linux", reason="children are found by /proc")
def test_workers_are_renewed_while_the_server_answers(tmp_path: Path) -> None:
    with running_server(tmp_path, "--workers", "2") as server:
        old = workers(server)
        assert len(old) == 2
        server.process.send_signal(signal.SIGHUP)
        refused = 0
        while old & workers(server):
            try:
                assert httpx.get(f"{server.url}/healthz").status_code == 200
            except httpx.ConnectError:
                refused += 1
            except httpx.TransportError:
                assert server.answers()  # a connection that its worker closed as it went
        assert not refused
        assert len(workers(server)) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGHUP")
def test_a_single_worker_ends_when_its_terminal_does(tmp_path: Path) -> None:
    with born_with(signal.SIG_DFL), running_server(tmp_path) as server:
        server.process.send_signal(signal.SIGHUP)
        assert server.process.wait(timeout=40) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="what is ignored is found by /proc")
def test_a_single_worker_that_nohup_began_ignores_the_end_of_its_terminal(tmp_path: Path) -> None:
    with born_with(signal.SIG_IGN), running_server(tmp_path) as server:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        (ignored,) = [line for line in status.splitlines() if line.startswith("SigIgn")]
        assert int(ignored.split()[1], 16) & 1
