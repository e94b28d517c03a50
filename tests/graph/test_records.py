"""Nested metadata as immutable values."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

from lattice.errors import LatticeTypeError
from lattice.graph.records import FrozenArray, Record, frozen, thawed

NESTED: dict[str, Any] = {
    "n": 1,
    "name": "x",
    "deep": {"list": [1.0, 2.0], "texts": ["a", "b"], "flag": True},
    "int": np.int32(3),
    "plane": np.arange(6).reshape(2, 3),
}


def test_round_trip() -> None:
    record = Record(NESTED)
    back = thawed(record)
    assert list(back) == list(NESTED)
    assert back["deep"]["texts"].tolist() == ["a", "b"]
    assert back["plane"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert type(back["int"]) is np.int32
    back["plane"][0, 0] = 9
    assert record["plane"].array[0, 0] == 0


def test_equal_records_are_one_value() -> None:
    a, b = Record(NESTED), Record(NESTED)
    assert a == b
    assert hash(a) == hash(b)
    assert pickle.loads(pickle.dumps(a)) == a
    assert hash(pickle.loads(pickle.dumps(a))) == hash(a)


@pytest.mark.parametrize(
    "other", [{"a": 1.0}, {"a": True}, {"a": "1"}, {"b": 1}, {"a": [1]}, {"a": np.int32(1)}]
)
def test_type_and_name_count(other: dict[str, Any]) -> None:
    assert Record({"a": 1}) != Record(other)


def test_arrays_cannot_be_changed() -> None:
    values = np.arange(3.0)
    kept = FrozenArray(values)
    values[0] = 5
    assert kept.array[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        kept.array[0] = 1
    assert FrozenArray([1, 2]) != FrozenArray([1.0, 2.0])


@pytest.mark.parametrize("value", [object(), [object()], {"a": {1, 2}}, [[1], [1, 2]]])
def test_refuses_what_no_file_holds(value: Any) -> None:
    with pytest.raises(LatticeTypeError):
        frozen(value)


def test_refuses_bottomless_nesting() -> None:
    value: dict[str, Any] = {}
    for _ in range(100):
        value = {"a": value}
    with pytest.raises(LatticeTypeError, match="nested deeper"):
        frozen(value)


def test_misspelt_fields_get_advice() -> None:
    with pytest.raises(KeyError, match="telescope"):
        Record({"telescope": "VLA"})["telescop"]
