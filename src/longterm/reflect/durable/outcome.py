"""What is stored of a durable reflection: the job before it, the outcome after it. Pure.

A job keeps its id through retries and moves, so that what derives ids of memories from it
derives the same ones each time. `submitted` tells which of two payloads is newer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from typing import Any

from langchain_core.runnables import RunnableConfig

from longterm.errors import InvalidInputError
from longterm.reflect.durable.codec import decode_payload

__all__ = [
    "Done",
    "Job",
    "JobVerdict",
    "Moved",
    "Other",
    "Outcome",
    "Replaced",
    "judge",
    "read_outcome",
    "write_outcome",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A reflection to do."""

    id: str
    thread: str | None
    #: When it was submitted, in nanoseconds since 1970.
    submitted: int
    #: Payload and config, as `codec.encode` made them.
    payload: str
    config: str
    attempt: int = 1
    #: Whose memories it makes; () for a reflector that has no namespace.
    namespace: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Job:
        """Return the job that *text* was made of; raises `InvalidInputError` for other texts."""
        try:
            fields: dict[str, Any] = json.loads(text)
            fields["namespace"] = tuple(fields.get("namespace", ()))
            return cls(**fields)
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInputError(
                "A stored reflection is damaged: it is not a job of ours."
            ) from error

    @property
    def text(self) -> str:
        """The job as JSON."""
        return json.dumps(asdict(self))

    @property
    def key(self) -> str:
        """What is debounced, as a digest: the thread of a namespace, or else this job alone."""
        whose = [*self.namespace, self.id if self.thread is None else f"thread {self.thread}"]
        return sha256(json.dumps(whose).encode()).hexdigest()[:32]

    def content(self) -> tuple[Any, RunnableConfig]:
        """Return payload and config."""
        return decode_payload(self.payload), decode_payload(self.config)

    def again(self) -> Job:
        """Return the same job on its next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def first(self) -> Job:
        """Return the same job as if it had never been tried."""
        return replace(self, attempt=1)


@dataclass(frozen=True, slots=True)
class Done:
    """It was reflected, with this result (encoded)."""

    job: str
    result: str


@dataclass(frozen=True, slots=True)
class Moved:
    """It waits on as another workflow."""

    job: str
    to: str


@dataclass(frozen=True, slots=True)
class Replaced:
    """A newer submit took its place."""

    job: str


Outcome = Done | Moved | Replaced
_KINDS: dict[str, type[Outcome]] = {"done": Done, "moved": Moved, "replaced": Replaced}


def write_outcome(outcome: Outcome) -> str:
    """Return *outcome* as JSON."""
    return json.dumps({"kind": type(outcome).__name__.lower(), **asdict(outcome)})


def read_outcome(text: str) -> Outcome:
    """Return what `write_outcome` was given; raises `InvalidInputError` for other texts."""
    try:
        fields = json.loads(text)
        return _KINDS[fields.pop("kind")](**fields)
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
        raise InvalidInputError("The stored end of a reflection is damaged.") from error


@dataclass(frozen=True, slots=True)
class Other:
    """Another reflection of the same thread that is not finished."""

    workflow: str
    running: bool
    job: Job


@dataclass(frozen=True, slots=True)
class JobVerdict:
    """What a job that is about to start must do."""

    #: Give way to a newer one.
    replaced: bool = False
    #: Wait for an older one that runs.
    wait: bool = False
    #: Workflows with older payloads that must not run any more.
    outdated: tuple[str, ...] = ()


def judge(job: Job, others: Iterable[Other]) -> JobVerdict:
    """Decide between *job* and all *others* of its thread: the newest payload wins."""
    others = list(others)
    age = (job.submitted, job.id)
    if any((other.job.submitted, other.job.id) > age for other in others):
        return JobVerdict(replaced=True)
    return JobVerdict(
        wait=any(other.running for other in others),
        outdated=tuple(other.workflow for other in others if not other.running),
    )
