"""Types, shapes and labels are known, and operands refused, when a node is built."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    CoordinateMismatchError,
    CoordinateWarning,
    FunctionError,
    LatticeRangeError,
    LatticeTypeError,
    ShapeMismatchError,
)
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.build import call, index_set, value_list
from lattice.graph.conform import axis_number
from lattice.graph.node import Extend, Literal, Node, Source
from lattice.graph.types import BOOL, COMPLEX, DCOMPLEX, DOUBLE, FLOAT
from lattice.io.memory import ArrayReader

B, F, D, C, Z = BOOL, FLOAT, DOUBLE, COMPLEX, DCOMPLEX
NUMERIC = [F, D, C, Z]
RDF = ("spectral", "latitude", "longitude")


def lattice(
    dtype: Any = F,
    shape: tuple[int, ...] = (2, 3, 4),
    kinds: tuple[str, ...] | None = None,
    masked: bool = False,
    **labels: Any,
) -> Node:
    coords = None if kinds is None else CoordinateSystem.from_kinds(kinds)
    labels.setdefault("dims", default_dims(len(shape)) if coords is None else coords.dims)
    name = labels.pop("name", f"{np.dtype(dtype).name}_{len(shape)}")
    reader = ArrayReader(np.zeros(shape, dtype))
    attrs = Attributes(np.dtype(dtype), shape, coords=coords, **labels)
    node: Node = Source(reader, name, "", "nan" if masked else None, attrs)
    return node


def op(symbol: str, *args: Node) -> Node:
    return call(lookup(symbol, len(args)), *args)


ARITHMETIC = ["+", "-", "*", "/", "^"]
ORDERING = ["<", "<=", ">", ">="]


@pytest.mark.parametrize("symbol", ARITHMETIC)
def test_arithmetic_promotes(symbol: str) -> None:
    for a, b in itertools.product(NUMERIC, NUMERIC):
        want = np.promote_types(a, b)
        assert op(symbol, lattice(a), lattice(b)).attrs.dtype == want
        assert op(symbol, lattice(a), Literal.of(1, b)).attrs.dtype == want
        assert op(symbol, Literal.of(1, a), Literal.of(1, b)).attrs.dtype == want
    for a in NUMERIC:
        for pair in ((lattice(a), lattice(B)), (lattice(B), lattice(a)), (lattice(B), lattice(B))):
            with pytest.raises(LatticeTypeError):
                op(symbol, *pair)


def test_remainder_and_ordering_by_type() -> None:
    for a, b in itertools.product([F, D], [F, D]):
        assert op("%", lattice(a), lattice(b)).attrs.dtype == np.promote_types(a, b)
    for symbol, a in itertools.product(ORDERING, [F, D, C, Z]):
        assert op(symbol, lattice(a), lattice(F)).attrs.dtype == B
    for symbol in ORDERING:
        with pytest.raises(LatticeTypeError):
            op(symbol, lattice(B), lattice(B))
    with pytest.raises(LatticeTypeError):
        op("%", lattice(C), lattice(F))


def test_equality_and_logic_by_type() -> None:
    for symbol in ("==", "!="):
        for a, b in itertools.product(NUMERIC, NUMERIC):
            assert op(symbol, lattice(a), lattice(b)).attrs.dtype == B
        assert op(symbol, lattice(B), lattice(B)).attrs.dtype == B
        with pytest.raises(LatticeTypeError):
            op(symbol, lattice(B), lattice(F))
    for symbol in ("&&", "||"):
        assert op(symbol, lattice(B), lattice(B)).attrs.dtype == B
        for a in NUMERIC:
            with pytest.raises(LatticeTypeError, match="needs a Bool operand") as caught:
                op(symbol, lattice(B), lattice(a))
            assert "!= 0" in str(caught.value)
    assert op("!", lattice(B)).attrs.dtype == B
    for a in NUMERIC:
        assert op("-", lattice(a)).attrs.dtype == a
        with pytest.raises(LatticeTypeError):
            op("!", lattice(a))
    with pytest.raises(LatticeTypeError):
        op("-", lattice(B))


@pytest.mark.parametrize(
    ("name", "types"),
    [
        ("sin", {F: F, D: D, C: C, Z: Z}),
        ("abs", {F: F, D: D, C: F, Z: D}),
        ("real", {F: F, D: D, C: F, Z: D}),
        ("imag", {C: F, Z: D}),
        ("sign", {F: F, D: F}),
        ("round", {F: F, D: D}),
        ("isnan", {F: B, D: B, C: B, Z: B}),
        ("sum", {F: F, D: D, C: C, Z: Z}),
        ("median", {F: F, D: D}),
        ("avdev", {F: F, D: D, C: C, Z: D}),
        ("nelements", {B: D, F: D, D: D, C: D, Z: D}),
        ("any", {B: B}),
        ("ntrue", {B: D}),
        ("float", {F: F, D: F}),
        ("double", {F: D, D: D}),
    ],
)
def test_functions_by_type(name: str, types: dict[Any, Any]) -> None:
    for dtype in (B, F, D, C, Z):
        if dtype in types:
            assert call(lookup(name, 1), lattice(dtype)).attrs.dtype == types[dtype]
        else:
            with pytest.raises(LatticeTypeError):
                call(lookup(name, 1), lattice(dtype))


def test_numbers_of_arguments() -> None:
    with pytest.raises(FunctionError, match="there is no function sin of 2 arguments") as caught:
        lookup("sin", 2)
    assert "usage: sin(x)" in str(caught.value)
    with pytest.raises(FunctionError, match="did you mean 'median'"):
        lookup("medain", 1)
    with pytest.raises(FunctionError, match="sin takes 1 argument, not 0"):
        call(lookup("sin", 1))


def test_masks_and_units_of_results() -> None:
    x, y = lattice(unit="Jy", masked=True), lattice(unit="K", name="k")
    assert op("+", y, x).attrs.masked
    assert not op("+", y, y).attrs.masked
    assert op("+", y, x).attrs.unit == "K"
    assert op("+", Literal.of(1.0, F), x).attrs.unit == "Jy"
    assert op(">", x, y).attrs.unit == ""
    assert op("[]", y, op(">", y, Literal.of(0, F))).attrs.masked
    assert call(lookup("mean", 1), x).attrs.masked
    assert not call(lookup("sum", 1), x).attrs.masked
    assert not call(lookup("mask", 1), x).attrs.masked
    # a < b is b > a: the right operand brings the coordinates
    a, b = lattice(kinds=RDF), lattice(kinds=RDF, meta=(("K", 1, ""),), name="b")
    assert op("<", a, b).attrs.meta == b.attrs.meta
    assert op(">", a, b).attrs.meta == ()


# -- which lattices fit together ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ((3, 4), RDF[1:]),
        ((1, 3, 4), RDF),
        ((2, 1, 1), RDF),
        ((2,), RDF[:1]),
        ((1,), RDF[:1]),
        ((1, 1, 1), RDF),
    ],
)
def test_operators_extend_one_operand(shape: tuple[int, ...], kinds: tuple[str, ...]) -> None:
    large, small = lattice(kinds=RDF), lattice(shape=shape, kinds=kinds)
    for pair in ((large, small), (small, large)):
        for symbol in ("+", "-", "*", "/", "<", "==", ">="):
            node = op(symbol, *pair)
            assert node.attrs.shape == (2, 3, 4)
            assert node.attrs.dims == large.attrs.dims
            assert sum(isinstance(c, Extend) for c in node.children) == 1
        for symbol in ("^", "%"):
            with pytest.raises((ShapeMismatchError, CoordinateMismatchError)):
                op(symbol, *pair)
        with pytest.raises((ShapeMismatchError, CoordinateMismatchError)):
            call(lookup("atan2", 2), *pair)


def test_an_axis_is_extended_in_the_middle() -> None:
    cube = lattice(shape=(2, 5, 3, 4), kinds=("spectral", "stokes", *RDF[1:]))
    node = op("+", lattice(kinds=RDF), cube)
    assert node.attrs.shape == (2, 5, 3, 4)
    extended = node.children[0]
    assert isinstance(extended, Extend)
    assert extended.axes == (0, -1, 1, 2)


@pytest.mark.parametrize(
    ("shape", "kinds", "error", "words"),
    [
        (
            (2, 3, 5),
            RDF,
            ShapeMismatchError,
            r"\(frequency 2, y 3, x 4\) and Float lattice \(frequency 2, y 3, x 5\)",
        ),
        (
            (3, 2, 4),
            ("latitude", "spectral", "longitude"),
            CoordinateMismatchError,
            "the same axes in the same order",
        ),
        (
            (2, 3, 4),
            ("stokes", *RDF[1:]),
            CoordinateMismatchError,
            "one has .spectral, latitude, longitude., the other .stokes",
        ),
        ((7, 3, 4), ("stokes", *RDF[1:]), CoordinateMismatchError, "the same axes"),
        ((1, 3, 2), RDF, ShapeMismatchError, "fit together"),
    ],
)
def test_what_does_not_fit(shape: Any, kinds: Any, error: type[Exception], words: str) -> None:
    for pair in ((lattice(kinds=RDF), lattice(shape=shape, kinds=kinds)),):
        with pytest.raises(error, match=words) as caught:
            op("+", *pair)
        assert "'+'" in str(caught.value)


def test_both_operands_are_never_extended() -> None:
    with pytest.raises(ShapeMismatchError) as caught:
        op("+", lattice(shape=(1, 3, 4), kinds=RDF), lattice(shape=(2, 3, 1), kinds=RDF))
    assert "all on the same operand" in str(caught.value)
    with pytest.raises(CoordinateMismatchError):
        op("+", lattice(shape=(3, 4), kinds=RDF[1:]), lattice(shape=(2,), kinds=RDF[:1]))


def test_values_of_coordinates_are_not_compared() -> None:
    a = CoordinateSystem.from_kinds(RDF, frequencies=[1e9, 2e9])
    b = CoordinateSystem.from_kinds(RDF, frequencies=[7e9, 9e9])
    x = lattice(dims=a.dims, name="p").attrs
    operands = (
        Source(ArrayReader(np.zeros((2, 3, 4), "f4")), n, "", None, x.with_(coords=c))
        for n, c in (("p", a), ("q", b))
    )
    with pytest.warns(CoordinateWarning, match="combined by position"):
        node = op("+", *operands)
    assert node.attrs.coords == a


def test_without_coordinates_shapes_must_agree() -> None:
    plain = lattice()
    assert op("+", plain, lattice(kinds=RDF)).attrs.coords is not None
    for shape in ((3, 4), (1, 3, 4)):
        with pytest.raises(ShapeMismatchError):
            op("+", plain, lattice(shape=shape))
    # dims with names extend as xarray does
    cube = lattice(dims=("t", "y", "x"))
    assert op("+", cube, lattice(shape=(3, 4), dims=("y", "x"))).attrs.shape == (2, 3, 4)
    with pytest.raises(CoordinateMismatchError):
        op("+", lattice(shape=(3, 3), dims=("y", "x")), lattice(shape=(3, 3), dims=("x", "y"), name="r"))


def test_scalars_always_fit() -> None:
    assert op("+", Literal.of(1.0), lattice(kinds=RDF)).attrs.shape == (2, 3, 4)
    assert op("+", lattice(), call(lookup("mean", 1), lattice())).attrs.masked


# -- index conditions and lists -------------------------------------------------------------------


def test_index_conditions_take_the_shape_of_the_lattice() -> None:
    condition = index_set(Literal.of(0, F), [(0, 1, 1)])
    assert condition.attrs.is_shapeless
    assert op("!", condition).attrs.is_shapeless
    x = lattice()
    assert op("[]", x, condition).attrs.shape == (2, 3, 4)
    assert op("&&", op("||", condition, op("!", condition)), lattice(B)).attrs.shape == (2, 3, 4)
    with pytest.raises(ShapeMismatchError, match="has no shape"):
        call(lookup("ntrue", 1), condition)
    with pytest.raises(ShapeMismatchError, match="axis 3 meets a lattice of 3 axes"):
        op("[]", x, index_set(Literal.of(3, F), [(0, 1, 1)]))
    for ranges, words in (([(2, 1, 1)], "ends before it starts"), ([(0, 1, 0)], "stride")):
        with pytest.raises(LatticeRangeError, match=words):
            index_set(Literal.of(0), ranges)
    with pytest.raises(LatticeTypeError, match="axis of an index condition"):
        index_set(lattice(), [(0, 1, 1)])


@pytest.mark.parametrize(("value", "axis"), [(0, 2), (1, 1), (2, 0), (0.4, 2), (0.6, 1), (3, -1)])
def test_axis_numbers_count_from_the_fastest(value: float, axis: int) -> None:
    assert axis_number(value, 3) == axis


def test_negative_axis_numbers_are_refused() -> None:
    with pytest.raises(LatticeRangeError, match="axes are numbered from 0"):
        axis_number(-1, 3)


def test_lists() -> None:
    assert value_list([Literal.of(1, F), Literal.of(2, C)]).attrs.dtype == C
    assert value_list([Literal.of(True), Literal.of(False)]).attrs.shape == (2,)
    with pytest.raises(LatticeTypeError, match="not both"):
        value_list([Literal.of(True), Literal.of(1.0)])
    with pytest.raises(LatticeTypeError, match="must be scalars"):
        value_list([lattice()])


def test_attributes_describe_themselves() -> None:
    assert lattice(D, kinds=RDF).attrs.describe() == "Double lattice (frequency 2, y 3, x 4)"
    assert Literal.of(1.0, F).attrs.describe() == "Float scalar"
    x = lattice(D).attrs
    assert (x.size, x.nbytes, x.ndim) == (24, 192, 3)
