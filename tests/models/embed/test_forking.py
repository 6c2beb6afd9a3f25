import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from longterm.models.embed.forking import NativeWork

#: Forks while another thread loads the network; the child embeds, or is killed by its alarm.
PROGRAM = """
import os, signal, sys, threading
from longterm.models.embed import MiniLMEmbeddings

model = MiniLMEmbeddings()
thread = threading.Thread(target=model.embed_query, args=("ramen",))
thread.start()
while "onnxruntime" not in sys.modules:
    pass
child = os.fork()
if not child:
    signal.alarm(20)
    os._exit(len(model.embed_query("ramen")) != model.dims)
thread.join()
raise SystemExit(os.waitpid(child, 0)[1])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_child_embeds_though_another_thread_loaded_the_model_at_the_fork() -> None:
    command = [sys.executable, "-W", "ignore", "-c", PROGRAM]
    subprocess.run(command, check=True, timeout=60)  # noqa: S603 - our own program


def test_a_fork_waits_for_work_that_has_begun_and_lets_none_begin() -> None:
    work, has_begun, may_end = NativeWork(), threading.Event(), threading.Event()

    def first() -> None:
        with work:
            has_begun.set()
            assert may_end.wait(30)

    def second() -> None:
        with work:
            pass

    with ThreadPoolExecutor(3) as pool:
        begun = pool.submit(first)
        assert has_begun.wait(30)
        fork = pool.submit(work.before_fork)
        assert not fork.done()
        may_end.set()
        begun.result(30)
        fork.result(30)
        later = pool.submit(second)
        assert not later.done()
        work.after_fork()
        later.result(30)
