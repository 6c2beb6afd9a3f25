"""What was learned from turns that were erased while a model read them is taken back.

An erase of a user removes the turns first and then the memories. So what an extraction writes
between these two the erase removes itself; and where it writes later, the turns are gone by then
and bear the mark of an erase, which is seen here.
"""

from __future__ import annotations

from collections.abc import Sequence

from longterm.commit import Written, drop_quotes
from longterm.effects.steps import fetch, get_op
from longterm.history.erasing import erase, scrub_store
from longterm.history.quarantine import drop, held_in
from longterm.history.reading import revisions_of_each
from longterm.history.tables import replace_notes
from longterm.memory.namespace import Namespace
from longterm.memory.revision import Source
from longterm.recall.turns import Turn

__all__ = ["take_back"]


async def take_back(
    written: Sequence[Written], memories: Namespace, place: Namespace, turns: Sequence[Turn]
) -> bool:
    """Take back what was *written* from those of *turns* that were erased; say if any were.

    The turns lie in *place*. A memory that was there before stays and quotes them no more. What
    waits of them in quarantine is dropped.
    """
    keys = [turn.key for turn in turns]
    items = await fetch([get_op(place, key, refresh_ttl=False) for key in keys])
    missing = [turn for turn, item in zip(turns, items, strict=True) if item is None]
    if not missing:
        return False
    revisions = await revisions_of_each(place, [turn.key for turn in missing])
    # One that is missing without a mark has outlived its time, or the guard kept it out.
    gone = [turn for turn in missing if any(one.action == "erased" for one in revisions[turn.key])]
    said = {(turn.thread or None, id) for turn in gone for id in (turn.key, turn.message_id) if id}

    def was_erased(sources: Sequence[Source]) -> bool:
        """Tell whether what has *sources*, or does not know any, came from what was erased."""
        return not sources or any((one.thread_id, one.message_id) in said for one in sources)

    if not gone:
        return False
    await drop([held for held in await held_in(memories) if was_erased(held.sources)], scrub=False)
    for one in written:
        known = one.revision
        if known is None:  # no history is kept: it is clear only where all was erased
            is_new, was_of_it = True, len(gone) == len(turns)
        else:
            is_new, was_of_it = known.action == "created", was_erased(known.sources)
        if was_of_it and is_new:
            await erase(one.namespace, one.key, cascade=False, derived_in=None, actor="user")
        elif was_of_it:
            await drop_quotes(one.namespace, one.key, said, replace_notes)
    await scrub_store()
    return True
