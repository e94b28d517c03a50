"""The language against casacore: every record of ``tests/data/lel_conformance.jsonl``.

The records were measured on casacore 3.8.1 with the images of ``conformance_inputs.py``.  Fields of a record:

``expr``, ``tag``      the expression and what it is about
``error``              casacore refuses it, with ``error_class`` and, in ``error_stage``, when
``kind`` ``dtype`` ``shape`` ``values`` ``mask`` ``undefined``
                       the result, numpy order, True = good; complex numbers are pairs, "nan" and "inf" words
``rtol`` ``atol``      tolerance, part by part for complex numbers
``alternative``        another result that is right as well, where casacore errs or its manual says otherwise

Compared are dtype, shape, mask, and the values of good pixels.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.errors import (
    CoordinateMismatchError,
    FunctionError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    LELSyntaxError,
    NameNotFoundError,
    RegionError,
    ShapeMismatchError,
)
from lattice.execute.run import compute
from lattice.graph.node import Node
from lattice.graph.show import to_lel
from lattice.language.binder import bind
from tests.language.conformance_inputs import images
from tests.language.resolving import Shelf

TABLE = Path(__file__).parents[1] / "data" / "lel_conformance.jsonl"
RECORDS = [json.loads(line) for line in TABLE.read_text(encoding="utf-8").splitlines()]
IMAGES = images()

# Some records combine images of different frequencies on purpose.
pytestmark = pytest.mark.filterwarnings("ignore::lattice.errors.CoordinateWarning")

CLASSES: dict[str, tuple[type[LatticeError], ...]] = {
    "syntax": (LELSyntaxError,),
    "function": (FunctionError,),
    "name": (NameNotFoundError,),
    "type": (LatticeTypeError,),
    "shape": (ShapeMismatchError,),
    "coordinates": (CoordinateMismatchError,),
    "range": (LatticeRangeError,),
    "region": (RegionError,),
    "crash": (LatticeError,),  # casacore dies
}

# Errors of another class than casacore's, and why.
OTHER_CLASS: dict[str, tuple[type[LatticeError], str]] = {
    "x y": (LELSyntaxError, "the whole text is parsed before names are looked up"),
    "'f1'[index in [0]]": (LELSyntaxError, "the whole text is parsed before names are looked up"),
    "iif(T,1,2,3)": (FunctionError, "the grammar does not limit the number of arguments"),
}

# Accepted although casacore refuses it: index conditions combine with lattices in every operator.
ACCEPTED = {"'f1'*iif(index0 in [1],1,0)"}


def _params(records: list[dict[str, Any]]) -> list[Any]:
    return [pytest.param(record, id=f"{record['id']}-{record['tag']}") for record in records]


def _refused(record: dict[str, Any]) -> bool:
    return (
        "error" in record and "error" in record.get("alternative", record) and record["expr"] not in ACCEPTED
    )


RESULTS = _params([r for r in RECORDS if not _refused(r) and r["expr"] not in ACCEPTED])
ERRORS = _params([r for r in RECORDS if _refused(r)])


def _bind(text: str) -> Node:
    return bind(text, Shelf(IMAGES))


def _numbers(values: Any, dtype: str) -> np.ndarray:
    """Return the values of a record as an array."""
    if dtype.startswith("complex"):
        parts = np.asarray(values, dtype=object).astype(float)
        return np.asarray(parts[..., 0] + 1j * parts[..., 1])
    return np.asarray(values, dtype=object).astype(bool if dtype == "bool" else float)


def _agree(found: np.ndarray, record: dict[str, Any]) -> np.ndarray:
    """Return where values agree within the tolerance of a record."""
    wanted = _numbers(record["values"], record["dtype"])
    if record["dtype"] == "bool":
        return np.asarray(found == wanted)
    rtol, atol = record.get("rtol", 0.0), record.get("atol", 0.0)

    def close(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore"):
            return (x == v) | (np.isnan(x) & np.isnan(v)) | (np.abs(x - v) <= atol + rtol * np.abs(v))

    if np.iscomplexobj(wanted):
        return close(found.real, wanted.real) & close(found.imag, wanted.imag)
    return close(np.asarray(found, dtype=float), wanted)


def _difference(node: Node, record: dict[str, Any]) -> str | None:
    """Return in which respect the value of a node is not that of a record."""
    result = compute(node)
    if str(node.attrs.dtype) != record["dtype"]:
        return f"type {node.attrs.dtype}, not {record['dtype']}"
    if list(node.attrs.shape or ()) != record["shape"]:
        return f"shape {node.attrs.shape}, not {record['shape']}"
    if record.get("undefined"):
        return None if result.values is None else f"{result.values}, not undefined"
    if result.values is None:
        return "undefined"
    values = np.asarray(result.values)
    if values.dtype != record["dtype"] or list(values.shape) != record["shape"]:
        return f"values are {values.dtype}{values.shape}"
    good = np.ones(values.shape, bool) if result.mask is None else np.asarray(result.mask)
    wanted = record.get("mask")
    if not np.array_equal(good, np.ones(values.shape, bool) if wanted is None else np.asarray(wanted)):
        return f"mask {good.astype(int).tolist()}, not {wanted}"
    wrong = good & ~_agree(values, record)
    if wrong.any():
        expected = _numbers(record["values"], record["dtype"])
        return f"values {values[wrong].tolist()}, not {expected[wrong].tolist()}"
    return None


@pytest.mark.parametrize("record", RESULTS)
def test_results(record: dict[str, Any]) -> None:
    alternative = record.get("alternative", {})
    right = [r for r in (record, alternative) if "values" in r]
    try:
        node = _bind(record["expr"])
        differences = [_difference(node, r) for r in right]
    except LatticeError:
        assert alternative.get("error"), record["expr"]
        return
    assert None in differences, f"{record['expr']}: {differences}"


@pytest.mark.parametrize("record", ERRORS)
def test_errors(record: dict[str, Any]) -> None:
    with pytest.raises(LatticeError) as caught:
        compute(_bind(record["expr"]))
    error = caught.value
    expected = CLASSES[record.get("error_class", "crash")]
    if record["expr"] in OTHER_CLASS:
        expected = (OTHER_CLASS[record["expr"]][0],)
    assert isinstance(error, expected), f"{record['expr']}: {type(error).__name__}: {error.message}"
    if record.get("error_stage") == "parse":
        assert error.span is not None


@pytest.mark.parametrize("record", RESULTS)
def test_printed_text_binds_to_the_same_node(record: dict[str, Any]) -> None:
    node = _bind(record["expr"])
    assert _bind(to_lel(node)) is node


def test_extensions_do_what_the_operators_would() -> None:
    for text in ACCEPTED:
        product = compute(_bind(text)).values
        expected = IMAGES["f1"].values * (np.arange(4) == 1)
        np.testing.assert_array_equal(product, expected)


def test_no_record_is_missing() -> None:
    assert len(RECORDS) == 1140
    assert len(RESULTS) + len(ERRORS) + len(ACCEPTED) == 1140
