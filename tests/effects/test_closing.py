"""`Closing`: every way out of a block closes, and none blocks an event loop."""

import asyncio
import threading

import pytest

from longterm.effects.closing import Closing


class Door(Closing):
    def __init__(self) -> None:
        self.closed_in: list[int] = []

    def close(self) -> None:
        self.closed_in.append(threading.get_ident())


def test_a_block_closes_at_its_end() -> None:
    with Door() as door:
        assert not door.closed_in
    assert door.closed_in == [threading.get_ident()]


def test_an_error_closes_and_comes_out() -> None:
    door = Door()
    with pytest.raises(KeyError), door:
        raise KeyError
    assert door.closed_in


def test_an_async_block_closes_outside_the_event_loop() -> None:
    async def main() -> Door:
        async with Door() as door:
            assert not door.closed_in
        return door

    door = asyncio.run(main())
    assert len(door.closed_in) == 1
    assert door.closed_in != [threading.get_ident()]
