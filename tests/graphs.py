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


def _lattices(inner: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    scalars = numbers() | st.builds(
        function, st.sampled_from(["mean", "median", "sum", "min", "max", "stddev", "nelements"]), inner
    )
    conditions = _conditions(inner, scalars)
    operands = inner | scalars
    return st.one_of(
        st.builds(function, st.sampled_from(["sin", "exp", "abs", "-", "floor", "sqrt", "value"]), inner),
        st.builds(function, st.sampled_from(["+", "-", "*", "/", "%", "min", "max", "atan2"]), inner, operands),
        st.builds(function, st.sampled_from(["+", "-", "*", "/"]), operands, inner),
        st.builds(function, st.just("[]"), inner, conditions),
        st.builds(function, st.just("iif"), conditions, operands, operands),
        st.builds(function, st.just("replace"), inner, operands),
    )


def _conditions(inner: st.SearchStrategy[Node], scalars: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
    compared = st.builds(function, st.sampled_from([">", "<=", "==", "!="]), inner, inner | scalars)
    index = st.builds(
        lambda axis, first, n, stride: index_set(Literal.of(axis, FLOAT), [(first, first + n, stride)]),
        st.integers(0, 2),
        st.integers(0, 4),
        st.integers(0, 4),
        st.integers(1, 3),
    )
    shaped = compared | st.builds(function, st.just("mask"), inner) | st.builds(function, st.just("isnan"), inner)
    both = st.builds(function, st.sampled_from(["&&", "||"]), shaped, shaped | index)
    return shaped | both | st.builds(function, st.just("!"), shaped)


def trees(max_leaves: int = 12) -> st.SearchStrategy[Node]:
    """Random lattices of one shape."""
    return st.recursive(images() | images(DOUBLE), _lattices, max_leaves=max_leaves)
