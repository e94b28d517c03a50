"""Graphs as text: what is printed is read back as the same node."""

from __future__ import annotations

import math
import re
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.build import call, cut, index_set, region_cut, value_list
from lattice.graph.node import Literal, Node, Source
from lattice.graph.show import quote, to_lel, tree
from lattice.graph.types import COMPLEX, DCOMPLEX, DOUBLE, FLOAT
from lattice.io.memory import ArrayReader
from lattice.regions import PixelBox


def source(name: str = "a", suffix: str = "", shape: tuple[int, ...] = (2, 3, 4), dtype: Any = "f4") -> Node:
    values = np.zeros(shape, dtype)
    node: Node = Source(
        ArrayReader(values), name, suffix, None, Attributes(values.dtype, shape, default_dims(len(shape)))
    )
    return node


def op(name: str, *args: Node) -> Node:
    return call(lookup(name, len(args)), *args)


NUMBER = re.compile(
    r"(?P<sign>-?)(?P<digits>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:(?P<kind>[eEdD])(?P<exponent>[+-]?[0-9]+))?\Z"
)


def read(text: str) -> np.floating:
    """Return a real number of the language with its type, by the rules of its literals.

    Digits alone and e-exponents are Float; a point without exponent and d-exponents are Double.
    """
    if text in ("(0/0)", "(0.0/0.0)"):
        return np.float32("nan") if text == "(0/0)" else np.float64("nan")
    m = NUMBER.match(text)
    assert m is not None, text
    kind = (m["kind"] or "").lower()
    single = kind == "e" or (not kind and "." not in m["digits"])
    value = f"{m['sign']}{m['digits']}e{m['exponent'] or 0}"
    with np.errstate(over="ignore"):
        return np.float32(value) if single else np.float64(value)


def bits(value: Any) -> Any:
    return "nan" if np.isnan(value) else value.tobytes()


@given(st.floats(width=32))
def test_floats_read_back_with_type_and_bits(value: float) -> None:
    found = read(to_lel(Literal.of(value, FLOAT)))
    assert found.dtype == np.float32
    assert bits(found) == bits(np.float32(value))


@given(st.floats())
def test_doubles_read_back_with_type_and_bits(value: float) -> None:
    found = read(to_lel(Literal.of(value, DOUBLE)))
    assert found.dtype == np.float64
    assert bits(found) == bits(np.float64(value))


@given(st.integers(-(2**24) + 1, 2**24 - 1))
def test_whole_floats_are_printed_as_such(value: int) -> None:
    assert to_lel(Literal.of(value, FLOAT)) == str(value)


@given(st.complex_numbers(allow_nan=False, allow_infinity=False), st.booleans())
def test_complex_numbers_read_back(value: complex, single: bool) -> None:
    dtype = COMPLEX if single else DCOMPLEX
    with np.errstate(over="ignore"):
        stored = dtype.type(value)
    if not np.isfinite(stored):
        return
    text = to_lel(Literal.of(value, dtype))
    m = re.match(
        r"\(?(?P<re>-?[^+i-]*(?:[ed][+-]?[0-9]+)?)??(?P<im>[+-]?[0-9][^+i-]*(?:[ed][+-]?[0-9]+)?)i\)?\Z", text
    )
    assert m is not None, text
    real, imaginary = read(m["re"]) if m["re"] else stored.real.dtype.type(0), m["im"]
    part = read(imaginary.lstrip("+"))
    assert part.dtype == stored.imag.dtype
    assert (real, part) == (stored.real, stored.imag)


def test_other_literals() -> None:
    assert to_lel(Literal.of(True)) == "T"
    assert to_lel(Literal.of(False)) == "F"
    assert to_lel(Literal.of(3.0)) == "3.0"
    assert to_lel(Literal.of(1e300)) == "1.0d300"
    assert to_lel(Literal.of(2, FLOAT)) == "2"
    assert to_lel(Literal.of(2j, DCOMPLEX)) == "2.0i"
    assert math.isinf(read(to_lel(Literal.of(-np.inf, FLOAT))))


@pytest.mark.parametrize(
    ("name", "suffix", "text"),
    [
        ("f1", "", "f1"),
        ("dot.im", "", "dot.im"),
        ("f1", "mask1", "f1:mask1"),
        ("f1", "nomask", "f1:nomask"),
        ("a-b", "", "'a-b'"),
        ("3c", "", "'3c'"),
        ("x y", "", "'x y'"),
        ("T", "", "'T'"),
        ("t", "", "t"),
        ("in", "", "'in'"),
        ("NOT", "", "'NOT'"),
        ("index2", "", "'index2'"),
        ("c:d", "", r"'c\:d'"),
        ("c:d", "m", r"'c\:d:m'"),
        ("q'uote", "", '"q\'uote"'),
        ("sub/x.fits", "", "'sub/x.fits'"),
    ],
)
def test_names(name: str, suffix: str, text: str) -> None:
    assert quote(name, suffix) == text
    assert to_lel(source(name, suffix)) == text


def test_operators_get_the_brackets_that_they_need_and_no_more() -> None:
    a, b, c = source("a"), source("b"), source("c")
    plus = op("+", a, b)
    assert to_lel(op("*", plus, c)) == "(a + b) * c"
    assert to_lel(op("+", plus, c)) == "a + b + c"
    assert to_lel(op("-", a, op("-", b, c))) == "a - (b - c)"
    assert to_lel(op("/", a, op("*", b, c))) == "a / (b * c)"
    assert to_lel(op("^", op("^", a, b), c)) == "(a ^ b) ^ c"
    assert to_lel(op("^", a, op("^", b, c))) == "a ^ b ^ c"
    assert (
        to_lel(op("&&", op(">", a, b), op("||", op("<", a, c), op("==", b, c))))
        == "a > b && (a < c || b == c)"
    )
    assert to_lel(op("!", op("&&", op(">", a, b), op(">", a, c)))) == "!(a > b && a > c)"
    assert to_lel(op("==", op(">", a, b), op(">", a, c))) == "(a > b) == (a > c)"
    assert to_lel(op("[]", plus, op(">", plus, c))) == "(a + b)[a + b > c]"
    assert to_lel(op("mean", op("[]", a, op(">", a, b)))) == "mean(a[a > b])"


def test_other_nodes() -> None:
    a = source("a")
    assert to_lel(op("fractile", a, Literal.of(0.25, FLOAT))) == "fractile(a, 0.25e0)"
    assert to_lel(value_list([Literal.of(1, FLOAT), Literal.of(2, FLOAT)])) == "[1, 2]"
    condition = index_set(Literal.of(1, FLOAT), [(0, 0, 1), (2, 4, 1), (5, 9, 2)])
    assert to_lel(condition) == "indexin(1, [0, 2:4, 5:9:2])"
    assert to_lel(index_set(Literal.of(0, FLOAT), [(1, 2, 1)], negate=True)) == "indexnotin(0, [1:2])"
    assert to_lel(op("[]", a, condition)) == "a[indexin(1, [0, 2:4, 5:9:2])]"
    box = PixelBox((0, 0, 0), (1, 1, 1), shape=(2, 3, 4))
    assert to_lel(region_cut(op("+", a, a), box, "a::box1")) == "(a + a)[a::box1]"
    assert to_lel(box.as_mask_node("a::box1")) == "bool(a::box1)"
    assert to_lel(cut(a, (0, slice(None, None, -1)))) == "a.cut[0, 2::-1, 0:4]"
    node = op("rebin", a, value_list([Literal.of(v, FLOAT) for v in (2, 1, 1)]))
    assert to_lel(node) == "rebin(a, [2, 1, 1])"


def test_trees() -> None:
    a = source("a")
    text = tree(op("-", a, op("mean", op("+", a, Literal.of(1, FLOAT)))))
    assert text.splitlines()[0] == "-: Float lattice (axis0 2, y 3, x 4), masked"
    assert text.splitlines()[1] == "  a: Float lattice (axis0 2, y 3, x 4)"
    assert "  mean: Float" in text
    assert text.splitlines()[-1] == "      1: Float"
