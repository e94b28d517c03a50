"""Random graphs and images for tests: hypothesis strategies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes
from lattice.graph.build import call, index_set
from lattice.graph.node import Literal, Node, Source
from lattice.graph.sections import Section, n_pixels
from lattice.graph.types import DOUBLE, FLOAT
from lattice.io.memory import ArrayReader

SHAPE = (3, 5, 7)
DIMS = ("frequency", "y", "x")


@dataclass(frozen=True)
class Tiled:
    """A reader of an array that must be read by whole tiles, as compressed files are."""

    inner: ArrayReader
    tile: tuple[int, ...]

    direct = False

    @property
    def shape(self) -> tuple[int, ...]:
        return self.inner.shape

    @property
    def dtype(self) -> Any:
        return self.inner.dtype

    @property
    def token(self) -> str:
        return f"{self.inner.token}-{self.tile}"

    label = "tiled"

    def read(self, section: Section, out: Any = None) -> np.ndarray:
        return np.array(self.inner.read(section))

    def bytes_read(self, section: Section) -> int:
        return n_pixels(section) * self.dtype.itemsize


def image(
    values: np.ndarray,
    mask: np.ndarray | str | None = None,
    *,
    name: str = "a",
    dims: tuple[str, ...] = DIMS,
    tile: tuple[int, ...] | None = None,
) -> Source:
    """Return a source over arrays."""

    def reader(array: np.ndarray) -> Any:
        return ArrayReader(array) if tile is None else Tiled(ArrayReader(array), tile)

    attrs = Attributes(values.dtype, values.shape, dims)
    inner: Any = mask
    if isinstance(mask, np.ndarray):
        inner = Source(reader(mask), f"{name}_mask", "", None, attrs.with_(dtype=np.dtype(bool)))
    node: Source = Source(reader(values), name, "", inner, attrs)
    return node


def function(name: str, *args: Node) -> Node:
    """Return a call by name."""
    return call(lookup(name, len(args)), *args)


@st.composite
def images(draw: st.DrawFn, dtype: Any = FLOAT) -> Source:
    """Small images with masks of all kinds, some of them bad everywhere."""
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    values = rng.normal(size=SHAPE).astype(dtype)
    kind = draw(st.sampled_from(["none", "random", "nan", "bad", "good"]))
    mask: Any = None
    if kind == "random":
        mask = rng.random(SHAPE) < 0.6
    elif kind == "bad":
        mask = np.zeros(SHAPE, bool)
    elif kind == "good":
        mask = np.ones(SHAPE, bool)
    elif kind == "nan":
        values[rng.random(SHAPE) < 0.3] = np.nan
        mask = "nan"
    tile = draw(st.none() | st.tuples(*(st.integers(1, n) for n in SHAPE)))
    return image(values, mask, name=f"image{seed}", tile=tile)


def numbers() -> st.SearchStrategy[Node]:
    """Float and Double literals."""
    small = st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    return st.builds(lambda v, t: Literal.of(v, t), small, st.sampled_from([FLOAT, DOUBLE]))


_ONE = ("sin", "exp", "abs", "-", "floor", "sqrt", "value")
_TWO = ("+", "-", "*", "/", "%", "min", "max", "atan2")
_SUMMARIES = ("mean", "median", "sum", "min", "max", "stddev", "nelements")


@st.composite
def trees(draw: st.DrawFn, depth: int = 4) -> Node:
    """Random lattices of one shape."""
    if depth == 0 or draw(st.integers(0, 4)) == 0:
        return draw(images() | images(DOUBLE))
    kind = draw(st.sampled_from(["one", "two", "two", "swapped", "condition", "iif", "replace"]))
    x = draw(trees(depth - 1))
    if kind == "one":
        return function(draw(st.sampled_from(_ONE)), x)
    if kind == "two":
        return function(draw(st.sampled_from(_TWO)), x, draw(_operands(depth - 1)))
    if kind == "swapped":
        return function(draw(st.sampled_from(_TWO[:4])), draw(_operands(depth - 1)), x)
    if kind == "condition":
        return function("[]", x, draw(_conditions(depth - 1)))
    if kind == "iif":
        return function("iif", draw(_conditions(depth - 1)), x, draw(_operands(depth - 1)))
    return function("replace", x, draw(_operands(depth - 1)))


@st.composite
def _operands(draw: st.DrawFn, depth: int) -> Node:
    kind = draw(st.sampled_from(["lattice", "number", "summary"]))
    if kind == "number":
        return draw(numbers())
    x = draw(trees(depth))
    return x if kind == "lattice" else function(draw(st.sampled_from(_SUMMARIES)), x)


@st.composite
def _conditions(draw: st.DrawFn, depth: int) -> Node:
    kind = draw(st.sampled_from(["compared", "compared", "mask", "isnan", "not", "both", "index"]))
    if kind in ("mask", "isnan"):
        return function(kind, draw(trees(depth)))
    shaped = function(
        draw(st.sampled_from([">", "<=", "==", "!="])), draw(trees(depth)), draw(_operands(depth))
    )
    if kind == "compared":
        return shaped
    if kind == "not":
        return function("!", shaped)
    symbol = draw(st.sampled_from(["&&", "||"]))
    if kind == "both":
        other = function(">", draw(trees(depth)), draw(numbers()))
        return function(symbol, shaped, other)
    first = draw(st.integers(0, 4))
    ranges = [(first, first + draw(st.integers(0, 4)), draw(st.integers(1, 3)))]
    return function(symbol, shaped, index_set(Literal.of(draw(st.integers(0, 2)), FLOAT), ranges))
