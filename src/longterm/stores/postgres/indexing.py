"""What items are found by: terms, vectors, and the embedding model that the vectors belong to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from longterm.errors import ModelChangedError
from longterm.stores.embedding import Embedder, text_hash
from longterm.stores.operations import Indexed
from longterm.stores.postgres.binary import half_vectors, integers, place_arrays, uuids
from longterm.stores.postgres.connection import PostgresPool
from longterm.stores.postgres.items import Place, Session, as_text, unnested

__all__ = [
    "WIDEST",
    "ModelRegistry",
    "NewVectors",
    "forget_vectors",
    "index_items",
    "insert_vectors",
    "look_up_vectors",
    "term_array",
    "term_number",
    "term_numbers",
]

#: What fits, with its keys, into a tuple of a B-tree: 2,704 bytes.
WIDEST = 1330


class NewVectors(NamedTuple):
    """Packed vectors by the hash of their text, and the number of the model that made them."""

    by_text: Mapping[bytes, bytes]
    model: int | None
    #: Number that the server knows the type of vectors by.
    halfvec: int = 0
    #: The open store that makes those of the writes that do not wait for them.
    writer: int = 0


def term_numbers(packed: bytes) -> list[int]:
    """Numbers of packed terms: the first half of each hash, as PostgreSQL's integer."""
    return np.frombuffer(packed, dtype="<i4")[::2].tolist()


def term_number(term: np.uint64) -> int:
    """Return the number of a term, as `term_numbers` has it."""
    return int(term.astype(np.uint32).view(np.int32))


def term_array(numbers: Iterable[int]) -> str:
    """Each term once, as PostgreSQL spells an array."""
    return "{" + ",".join(map(str, dict.fromkeys(numbers))) + "}"


def look_up_vectors(pool: PostgresPool, model: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """Look up which vectors of a model there are, packed, by the hashes of their texts."""
    found: dict[bytes, bytes] = {}
    with pool.reading() as connection:
        for table in ("vectors", "wide_vectors"):
            rows = Session(connection).rows(
                "SELECT DISTINCT ON (v.text_hash) uuid_send(v.text_hash), halfvec_send(v.vector) "
                f"FROM unnest(%s::uuid[]) AS w (text_hash) JOIN {table} v "
                "ON v.model = %s AND v.text_hash = w.text_hash",
                (uuids(digests), model),
            )
            for digest, sent in rows:
                row = np.frombuffer(sent, dtype=">f2", offset=4)
                found[digest] = row.astype("<f2").tobytes()
    return found


class ModelRegistry:
    """The embedding models of a database, each with a number, and which of them is searched."""

    def __init__(self, session: Session, embedder: Embedder) -> None:
        self._session, self._embedder = session, embedder

    def current(self) -> int | None:
        """Look up the model's number, None while there is no vector; another model is an error."""
        found = self._session.rows(
            "SELECT m.id, m.name, m.dims FROM state JOIN models m ON m.id = state.model"
        )
        if not found:
            return None
        number, name, dims = found[0]
        if (name, dims) != (self._embedder.name, self._embedder.dims):
            raise ModelChangedError(
                f"The database holds vectors of {name} ({dims} dimensions) and is opened with "
                f"{self._embedder.name} ({self._embedder.dims}). Open it with the former, or call "
                "store.reindex() to compute every vector again."
            )
        return int(number)

    def require(self) -> int:
        """Look up the model's number where a vector is about to be written, maybe the first."""
        known = self.current()
        if known is None:
            number = self.register()
            self._session.run("UPDATE state SET model = %s WHERE model IS NULL", (number,))
            known = self.current()  # another client may have been faster
        return known or self.register()

    def register(self) -> int:
        """Give the model a number, whether or not it is the one that is searched."""
        named = (as_text(self._embedder.name), self._embedder.dims)
        self._session.run(
            "INSERT INTO models (name, dims) VALUES (%s, %s) ON CONFLICT DO NOTHING", named
        )
        found = self._session.rows("SELECT id FROM models WHERE name = %s AND dims = %s", named)
        return int(found[0][0])


def index_items(
    session: Session, places: Sequence[Place], found_by: Sequence[Indexed], vectors: NewVectors
) -> None:
    """Write what items are found by; nothing of theirs may be there already."""
    if not places:
        return
    numbers = [np.frombuffer(indexed.terms, dtype="<i4")[::2] for indexed in found_by]
    lengths = np.array([len(terms) for terms in numbers], dtype=np.int32)
    owners = np.repeat(np.arange(len(places)), lengths)
    keys, counts = np.unique(
        owners << 32 | np.concatenate(numbers).astype(np.uint32), return_counts=True
    )
    owner, term = keys >> 32, (keys & 0xFFFFFFFF).astype(np.uint32).view(np.int32)
    namespace, item = np.array(places, dtype=np.int64)[owner].T
    # In the order of the index, which grows faster so.
    order = np.lexsort((item, term, namespace))
    columns = (namespace.astype(np.int32), term, item, counts.astype(np.int32), lengths[owner])
    session.run(
        "INSERT INTO postings "
        "SELECT * FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::int[], %s::int[])",
        [integers(column[order]) for column in columns],
    )
    if vectors.model is not None:
        insert_vectors(session, places, found_by, vectors)


def forget_vectors(session: Session, places: Sequence[Place], model: int) -> None:
    """Delete the vectors of one model that items are found by."""
    for table in ("vectors", "wide_vectors"):
        session.run(
            f"DELETE FROM {table} v USING unnest(%s::int[], %s::bigint[]) AS w (namespace, item) "
            "WHERE v.model = %s AND v.namespace = w.namespace AND v.item = w.item",
            (*place_arrays(places), model),
        )


def insert_vectors(
    session: Session, places: Sequence[Place], found_by: Sequence[Indexed], vectors: NewVectors
) -> None:
    """Write the vectors of one model that items are found by; none may be there already."""
    rows = [
        (*place, chunk, digest)
        for place, indexed in zip(places, found_by, strict=True)
        for chunk, digest in enumerate(map(text_hash, indexed.texts))
        if digest in vectors.by_text
    ]
    if not rows:
        return
    namespaces, items, chunks, digests = unnested(rows, 4)
    packed = [vectors.by_text[digest] for digest in digests]
    table, signs = "vectors", ""
    if len(packed[0]) > 2 * WIDEST:
        table, signs = "wide_vectors", "binary_quantize(w.vector), "
    session.run(
        f"INSERT INTO {table} SELECT %s, w.namespace, w.item, w.chunk, w.hash, {signs}w.vector "
        "FROM unnest(%s::int[], %s::bigint[], %s::int[], %s::uuid[], %s::halfvec[]) "
        "AS w (namespace, item, chunk, hash, vector)",
        (vectors.model, namespaces, items, chunks, uuids(digests),
         half_vectors(packed, vectors.halfvec)),
    )  # fmt: skip
