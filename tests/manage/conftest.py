"""Stores that fail, and what a manager's model may answer."""

from typing import Any

import pytest
from langgraph.store.base import Op, PutOp
from langgraph.store.memory import InMemoryStore
from typing_extensions import override


class FailingStore(InMemoryStore):
    """Fails at the write after the first *after*; `reads_too` makes reading fail from then on."""

    def __init__(self, after: int = 0, *, reads_too: bool = False) -> None:
        super().__init__()
        self.after = after
        self.reads_too = reads_too
        self.failed = False

    @override
    def batch(self, ops: Any) -> list[Any]:
        return [self._one(op) for op in ops]

    @override
    async def abatch(self, ops: Any) -> list[Any]:
        return self.batch(ops)

    def _one(self, op: Op) -> Any:
        if isinstance(op, PutOp):
            self.after -= 1
            if self.after < 0:
                self.failed = True
                raise OSError("disk full")
        elif self.failed and self.reads_too:
            raise OSError("gone")
        return super().batch([op])[0]


@pytest.fixture
def failing() -> type[FailingStore]:
    return FailingStore
