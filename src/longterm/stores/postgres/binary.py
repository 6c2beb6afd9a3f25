"""Values as they go over the wire, where psycopg's own way takes long. Pure.

psycopg writes every number of an array as text, one after the other, and makes an object of each
that it reads, which takes longer than the server needs to do with them what it shall.
"""

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from psycopg.adapt import Dumper
from psycopg.pq import Format
from typing_extensions import override

__all__ = [
    "Binary",
    "BinaryDumper",
    "half_vector",
    "half_vectors",
    "integers",
    "place_arrays",
    "received",
    "uuids",
]

#: What stands before the elements of an array of one dimension.
_HEAD = 20
#: PostgreSQL's numbers of its types.
_INTEGERS = {np.dtype(np.int32): 23, np.dtype(np.int64): 20}
_UUID = 2950


class Binary(bytes):
    """A value in the form that the server receives; of which type it is, the statement says."""

    __slots__ = ()


class BinaryDumper(Dumper):
    """Hands a `Binary` over as it is."""

    format = Format.BINARY
    oid = 0

    @override
    def dump(self, obj: Binary) -> bytes:
        return bytes(obj)


def integers(numbers: NDArray[Any]) -> Binary:
    """Shape an array of `int` or `bigint`, as many bits as the numbers have."""
    return _array(numbers, _INTEGERS[numbers.dtype])


def uuids(digests: Sequence[bytes]) -> Binary:
    """Shape an array of `uuid`."""
    return _array(np.frombuffer(b"".join(digests), "V16"), _UUID)


def place_arrays(places: Sequence[tuple[int, int]]) -> list[Binary]:
    """Shape items' places as an array of `int` and one of `bigint`, which are unnested together."""
    namespaces, items = np.array(places, dtype=np.int64).reshape(-1, 2).T
    return [integers(namespaces.astype(np.int32)), integers(items)]


def half_vector(packed: bytes) -> Binary:
    """Shape a packed vector as pgvector receives it: dimensions, two zero bytes, half floats."""
    row = np.frombuffer(packed, dtype="<f2")
    return Binary(len(row).to_bytes(2, "big") + b"\0\0" + row.astype(">f2").tobytes())


def half_vectors(packed: Sequence[bytes], oid: int) -> Binary:
    """Shape an array of vectors of one length, of the type that has the number *oid* here."""
    received = [half_vector(one) for one in packed]
    return _array(np.frombuffer(b"".join(received), f"V{len(received[0])}"), oid)


def received(sent: bytes | None, dtype: DTypeLike) -> NDArray[Any]:
    """Read what `array_send` makes of an array without nulls; it makes null of no array."""
    if sent is None:
        return np.empty(0, dtype)
    return np.frombuffer(sent, _elements(np.dtype(dtype)), offset=_HEAD)["element"].astype(dtype)


def _array(elements: NDArray[Any], oid: int) -> Binary:
    """Put a head before all elements, and its length before each."""
    shape = _elements(elements.dtype)
    body = np.empty(len(elements), shape)
    body["size"], body["element"] = elements.itemsize, elements
    return Binary(struct.pack(">5i", 1, 0, oid, len(elements), 1) + body.tobytes())


def _elements(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype([("size", ">i4"), ("element", dtype.newbyteorder(">"))])
