"""commit: the one way in which a memory or a turn is changed.

Managers, tools, the recorder and all others hand their writes to `commit`; nothing else writes
to a store. It reads what is there, makes each write on that, and writes all of it by one batch,
with a revision for each memory that changed: what it was, who changed it and why.

No change of another writer is lost: a store that compares and sets refuses a write on what has
changed since it was read, and it is all done once more; on any other store the writers of this
process take turns. Between processes such a store leaves a window of one round trip.
"""

from longterm.commit.flow import commit, revision_of
from longterm.commit.plan import (
    Committed,
    Edit,
    Policy,
    Skip,
    Write,
    Written,
    checked_by,
    if_unchanged,
)
from longterm.commit.quotes import SaidBy, drop_quotes

__all__ = [
    "Committed",
    "Edit",
    "Policy",
    "SaidBy",
    "Skip",
    "Write",
    "Written",
    "checked_by",
    "commit",
    "drop_quotes",
    "if_unchanged",
    "revision_of",
]
