"""Looking after a database: sweeping what has expired, statistics, check, the HNSW index."""

from collections.abc import Callable
from datetime import datetime

from longterm.errors import ConfigurationError
from longterm.stores.embedding import Embedder
from longterm.stores.operations import Stats
from longterm.stores.postgres.connection import PostgresPool
from longterm.stores.postgres.indexing import WIDEST, ModelRegistry
from longterm.stores.postgres.items import Session
from longterm.stores.postgres.revisions import end_items
from longterm.stores.postgres.writing import lock_paths
from longterm.stores.rows import micros
from longterm.text.tokenizer import VERSION

__all__ = ["build_graph", "count_contents", "find_faults", "sweep_expired"]

_AT_ONCE = 1000


def sweep_expired(pool: PostgresPool, clock: Callable[[], datetime]) -> int:
    """Delete every expired item; a thousand at a time, so that writers need not wait for all."""
    swept, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        last = pool.retried(lambda: _sweep_some(pool, micros(clock())))
        swept += last
    return swept


def _sweep_some(pool: PostgresPool, now: int) -> int:
    with pool.writing() as connection:
        session = Session(connection, now)
        rows = session.rows(
            "SELECT DISTINCT n.path FROM (SELECT namespace FROM items WHERE expires_at <= %s "
            "LIMIT %s) AS i JOIN namespaces n ON n.id = i.namespace "
            "WHERE n.tenant = current_tenant()",
            (now, _AT_ONCE),
        )
        # Namespaces before items, as every writer does: no deadlock.
        numbers = lock_paths(session, [path for (path,) in rows], make=())
        expired = session.rows(
            "SELECT namespace, id, key FROM items WHERE expires_at <= %s "
            "AND namespace = ANY (%s::int[]) LIMIT %s",
            (now, list(numbers.values()), _AT_ONCE),
        )
        places = [(namespace, number) for namespace, number, _ in expired]
        end_items(session, places, {(namespace, key) for namespace, _, key in expired})
        return len(expired)


def count_contents(pool: PostgresPool, cache_bytes: int) -> Stats:
    """Count what this tenant sees; *cache_bytes* are what the store keeps of it."""
    with pool.reading() as connection:
        session = Session(connection)
        ((items, namespaces),) = session.rows(
            "SELECT coalesce(sum(items), 0)::bigint, count(*) FROM namespaces "
            "WHERE items > 0 AND tenant = current_tenant()"
        )
        model = session.rows(
            "SELECT m.id, m.name, m.dims FROM state JOIN models m ON m.id = state.model"
        )
        number, name, dims = model[0] if model else (None, None, None)
        vectors = 0
        if dims is not None:
            table = "wide_vectors" if dims > WIDEST else "vectors"
            ((vectors,),) = session.rows(
                f"SELECT count(*) FROM {table} WHERE model = %s AND namespace IN "
                "(SELECT id FROM namespaces WHERE tenant = current_tenant())",
                (number,),
            )
        ((revisions,),) = session.rows("SELECT count(*) FROM revisions")
        pending = 0
        if pool.readiness.vector_schema is not None:
            ((pending,),) = session.rows(
                "SELECT count(*) FROM late_vectors WHERE namespace IN "
                "(SELECT id FROM namespaces WHERE tenant = current_tenant())"
            )
        ((outdated,),) = session.rows(
            "SELECT count(*) FROM state s JOIN items i ON i.generation <= s.generation "
            "WHERE s.tokenizer < %s AND i.namespace IN "
            "(SELECT id FROM namespaces WHERE tenant = current_tenant())",
            (VERSION,),
        )
        ((size,),) = session.rows(
            "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM pg_class "
            "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
        )
        return Stats(
            items,
            namespaces,
            vectors,
            name,
            dims,
            size,
            cache_bytes,
            pool.readiness.version,
            revisions,
            pending,
            outdated,
        )


def find_faults(pool: PostgresPool) -> list[str]:
    """Say what is wrong with the tables, in words; nothing when they are sound."""
    with pool.reading() as connection:
        session = Session(connection)
        checks = dict(_MUST_BE_NONE)
        if pool.readiness.vector_schema is not None:
            checks |= _NO_VECTOR_MAY
        return [wrong for wrong, query in checks.items() if session.rows(query) != [(0,)]]


_MUST_BE_NONE = {
    "the number of items or terms of a namespace is wrong": """
        SELECT count(*) FROM namespaces n LEFT JOIN (
            SELECT namespace, count(*) AS items, sum(length) AS terms FROM items GROUP BY 1
        ) i ON i.namespace = n.id
        WHERE n.items <> coalesce(i.items, 0) OR n.terms <> coalesce(i.terms, 0)""",
    "text is indexed for an item that is not there": """
        SELECT count(*) FROM postings p WHERE NOT EXISTS
        (SELECT FROM items i WHERE i.namespace = p.namespace AND i.id = p.item)""",
    "the text index of an item is not what its terms say": """
        SELECT count(*) FROM items i LEFT JOIN (
            SELECT namespace, item, sum(count) AS terms, count(*) AS different
            FROM postings GROUP BY 1, 2
        ) p ON p.namespace = i.namespace AND p.item = i.id
        WHERE coalesce(p.terms, 0) <> i.length
        OR coalesce(p.different, 0) <> cardinality(i.terms)
        OR octet_length(i.hashes) <> 8 * i.length""",
}
_NO_VECTOR_MAY = {
    f"one of the {table} belongs to an item that is not there": f"""
        SELECT count(*) FROM {table} v WHERE NOT EXISTS
        (SELECT FROM items i WHERE i.namespace = v.namespace AND i.id = v.item)"""
    for table in ("vectors", "wide_vectors", "late_vectors")
}


def build_graph(pool: PostgresPool, embedder: Embedder | None) -> None:
    """Build an HNSW index over the vectors of the store's model, while others read and write."""
    if embedder is None or embedder.dims > WIDEST:
        raise ConfigurationError(
            f"An HNSW index needs an embedding model of at most {WIDEST} dimensions; search below "
            "a prefix works without it."
        )
    with pool.reading() as connection:
        model = ModelRegistry(Session(connection), embedder).current()
    if model is None or pool.readiness.vector_schema is None:
        raise ConfigurationError("There are no vectors to build an index of.")
    dims, name = embedder.dims, f"vectors_graph_{model}"
    with pool.outside() as connection:
        # A build that was interrupted leaves an index that is not valid, and no use.
        connection.execute(f'DROP INDEX CONCURRENTLY IF EXISTS "{pool.schema}".{name}'.encode())
        pgvector = pool.readiness.vector_schema
        connection.execute(
            f'CREATE INDEX CONCURRENTLY {name} ON "{pool.schema}".vectors USING hnsw '
            f'((vector::"{pgvector}".halfvec({dims})) "{pgvector}".halfvec_ip_ops) '
            f"WHERE model = {model}".encode()
        )
