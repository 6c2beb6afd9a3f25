"""Arrays as they go over the wire."""

import numpy as np
import psycopg
import pytest

from longterm.stores.postgres.binary import Binary, BinaryDumper, integers, received


@pytest.mark.parametrize(
    ("type_name", "dtype", "values"),
    [
        ("int[]", "i4", [-(2**31), 0, 2**31 - 1]),
        ("bigint[]", "i8", [-(2**63), 0, 2**63 - 1]),
        ("float4[]", "f4", [-0.5, float("inf"), 0.25]),
        ("bool[]", "?", [True, False, True]),
        ("int[]", "i4", []),
    ],
)
def test_an_array_is_read_as_the_server_sends_it(
    url: str, type_name: str, dtype: str, values: list[object]
) -> None:
    statement = f"SELECT array_send((SELECT array_agg(x) FROM unnest(%s::{type_name}) x))"
    with psycopg.connect(url) as connection:
        ((sent,),) = connection.execute(statement.encode(), (values,), binary=True).fetchall()
    found = received(sent, dtype)
    assert (found.tolist(), found.dtype) == (values, np.dtype(dtype))


def test_an_array_that_is_sent_arrives(url: str) -> None:
    numbers = np.array([3, -1, 2**40])
    with psycopg.connect(url) as connection:
        connection.adapters.register_dumper(Binary, BinaryDumper)
        ((found,),) = connection.execute("SELECT %s::bigint[]", (integers(numbers),)).fetchall()
    assert found == numbers.tolist()
