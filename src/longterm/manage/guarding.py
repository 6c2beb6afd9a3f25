"""The guard over what a manager returns and does not store. Pure.

There is no quarantine to put aside what does not pass, so it is left out and reported, without
its words; what it was to change stays as it was.
"""

from __future__ import annotations

from longterm.commit import checked_by
from longterm.extract.engine import Dropped, ExtractionReport
from longterm.guard import Guard
from longterm.manage.sources import ConversationSources
from longterm.memory.model import Draft

__all__ = ["guarded_draft"]


def guarded_draft(
    draft: Draft, sources: ConversationSources, guard: Guard
) -> tuple[Draft, ExtractionReport]:
    """Return *draft* as *guard* leaves it, and an account of what it kept out."""
    dropped: list[Dropped] = []
    for number, entry in enumerate(draft.entries):
        if not entry.changed or entry.deleted:
            continue
        content = entry.document.content
        verdict = checked_by(guard, {"content": content}, sources.of(entry), "manager")
        if verdict.action in ("allow", "redact"):
            if verdict.value["content"] != content:
                draft = draft.rewrite(number, verdict.value["content"])
            continue
        if entry.before is None:
            draft = draft.delete(number)
        else:
            draft = draft.rewrite(number, entry.before.content)
        dropped.append(Dropped("", verdict.account("Not kept")))
    return draft, ExtractionReport(dropped=tuple(dropped))
