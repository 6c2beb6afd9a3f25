"""Reflection that survives crashes and is shared by workers, on DBOS (SQLite or PostgreSQL).

DBOS brings the queue, the debouncing and the recovery of half-done work; only `dbos_client`
knows it. What is ours, because DBOS leaves it to a paid service or to its user:

- **Who is dead.** Every worker has an id of its own and holds a lock under it (`lease`). The
  others take over the work of ids whose lock is free.
- **One run per thread.** DBOS's debouncing covers a job until it is due. Before a due one
  starts, it gives way to newer ones of its thread and waits for one that runs (`outcome`).
- **JSON.** Nothing is pickled (`codec`), and nothing unpickled (`database`).
- **Versions.** Ours is pinned, so that an update of the program finds the jobs of the old one.
- **Retention.** Finished jobs, and the conversations in them, are deleted after a set time.

A reflection that was interrupted runs again from its beginning, with the same job id in
``config["configurable"]``, from which the managers derive the ids of new memories.
"""

from longterm.reflect.durable.executor import DurableExecutor, erase_in, executors_in

__all__ = ["DurableExecutor", "erase_in", "executors_in"]
