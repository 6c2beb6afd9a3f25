"""What the embedding model is asked before a batch is carried out. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from longterm.stores.embedding import Embedder
from longterm.stores.matrix import Vector
from longterm.stores.operations import Operation
from longterm.stores.preparing import (
    AddRows,
    FindItems,
    FindStates,
    Indexed,
    Prepared,
    WriteItem,
    prepared,
)

__all__ = ["NO_VECTORS", "BatchPlan", "EmbeddedTexts", "plan_batch"]


@dataclass(frozen=True, slots=True)
class EmbeddedTexts:
    """What the embedding model said: of texts by their hash, of queries by themselves."""

    texts: Mapping[bytes, bytes]
    queries: Mapping[str, Vector]


NO_VECTORS = EmbeddedTexts({}, {})


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """A batch that was checked, and what its vectors are made of."""

    ops: Sequence[Prepared]
    texts: tuple[str, ...] = ()
    queries: tuple[str, ...] = ()
    #: Below these paths vectors are compared: none that is on its way may be missing.
    paths: tuple[str, ...] = ()
    #: Searches of the past; the texts of what they find get vectors, too.
    past: tuple[FindStates, ...] = ()
    #: Whether something is written whose vectors come later.
    is_ahead: bool = False
    #: The number of the embedding model, None while the database has no vectors.
    model: int | None = None
    #: Whether that number is the one of an earlier batch: who searches with it has to look.
    is_assumed: bool = False

    @property
    def needs_model(self) -> bool:
        """Whether the embedding model has to be that of the database."""
        return self.is_ahead or bool(self.texts or self.queries)

    @property
    def only_searches(self) -> bool:
        """Whether vectors are wanted for nothing but to compare those that are there."""
        return bool(self.queries) and not (self.texts or self.is_ahead or self.past)


def plan_batch(
    ops: Sequence[Operation], fields: Sequence[str], embedder: Embedder | None
) -> BatchPlan:
    """Check *ops* and collect what gets a vector; *fields* are indexed where an op names none.

    Vectors of what is written come later where that was asked for, unless the same batch
    searches with a vector: a read sees what was written before it.
    """
    if embedder is None:
        return BatchPlan([prepared(op, fields, embeds=False) for op in ops])
    checked = [prepared(op, fields) for op in ops]
    searches = [op for op in checked if isinstance(op, FindItems) and op.vector_query]
    past = [op for op in checked if isinstance(op, FindStates) and op.find.vector_query]
    queries = [find.vector_query for find in (*searches, *(op.find for op in past))]
    may_wait = embedder.is_blocking and not queries
    texts: list[str] = []
    is_ahead = False
    for place, op in enumerate(checked):
        match op:
            case WriteItem(found_by=found_by, later=later):
                if later and may_wait and any(map(embedder.supports, found_by.texts)):
                    # All of its vectors or none: not one that the batch makes for another.
                    checked[place] = op._replace(found_by=Indexed(found_by.terms))
                    is_ahead = True
                else:
                    checked[place] = op._replace(later=False) if later else op
                    texts += found_by.texts
            case AddRows():
                texts += [text for item in op.items.values() for text in item.found_by.texts]
            case _:
                pass
    return BatchPlan(
        checked,
        tuple(texts),
        tuple(query for query in queries if query),
        tuple(dict.fromkeys(op.path for op in searches)),
        tuple(past),
        is_ahead,
    )
