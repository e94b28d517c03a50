"""Cuts resolve as numpy's basic indexing does."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lattice.errors import ShapeMismatchError
from lattice.execute.run import compute
from lattice.graph.attributes import Attributes, default_dims
from lattice.graph.build import cut, index_set, resolve_items
from lattice.graph.node import Literal, Node, Source, Subset
from lattice.graph.sections import compose, full, grid, iter_grid, n_pixels, relative, shape_of, split
from lattice.io.memory import ArrayReader

bound = st.one_of(st.none(), st.integers(-9, 9))
step = st.one_of(st.none(), st.integers(-4, 4).filter(bool))
slices = st.builds(slice, bound, bound, step)
shapes = st.lists(st.integers(0, 6), min_size=1, max_size=4).map(tuple)


@st.composite
def keys(draw: Any, shape: tuple[int, ...]) -> Any:
    count = draw(st.integers(0, len(shape)))
    key: list[Any] = []
    for n in shape[:count]:
        integer = st.integers(-n, n - 1) if n else st.nothing()
        key.append(draw(st.one_of(slices, integer, integer.map(np.int64))))
    if draw(st.booleans()):
        tail = draw(st.integers(0, count))
        # numbers after the ellipsis count from the end
        fits = all(
            isinstance(k, slice) or -m <= k < m
            for k, m in zip(key[tail:], shape[len(shape) - (count - tail) :], strict=True)
        )
        if fits:
            key.insert(tail, Ellipsis)
    return key[0] if len(key) == 1 and draw(st.booleans()) else tuple(key)


def picked(items: tuple[slice | int, ...], values: np.ndarray) -> np.ndarray:
    """Return the pixels of resolved items, one by one."""
    ranges = [range(i.start, i.stop, i.step) if isinstance(i, slice) else [i] for i in items]
    out = values[np.ix_(*ranges)]
    gone = tuple(a for a, i in enumerate(items) if not isinstance(i, slice))
    return out.squeeze(axis=gone)


def source(values: np.ndarray) -> Node:
    attrs = Attributes(values.dtype, values.shape, default_dims(values.ndim))
    node: Node = Source(ArrayReader(values), "a", "", None, attrs)
    return node


@given(st.data())
def test_items_pick_what_numpy_picks(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    key = data.draw(keys(shape))
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    items = resolve_items(key, default_dims(len(shape)), shape)
    expected = values[key]
    np.testing.assert_array_equal(picked(items, values), expected)
    node = cut(source(values), key)
    assert node.attrs.shape == expected.shape
    if expected.ndim:
        assert compute(node).values.tolist() == expected.tolist()
    else:
        assert compute(node).values == expected


@given(st.data())
def test_cuts_of_cuts(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    values = np.arange(np.prod(shape), dtype="f4").reshape(shape)
    x = node = source(values)
    expected = values
    for _ in range(data.draw(st.integers(2, 4))):
        if not expected.ndim:
            break
        key = data.draw(keys(expected.shape))
        node, expected = cut(node, key), expected[key]
    assert node is x or (isinstance(node, Subset) and node.children == (x,))
    assert node.attrs.shape == expected.shape
    if isinstance(node, Subset):
        np.testing.assert_array_equal(picked(node.items, values), expected)


@pytest.mark.parametrize(
    "key", [5, -4, (0, 0, 0, 0), (..., 0, ...), 1.5, "x", None, [0, 1], np.array([0, 1])]
)
def test_what_numpy_or_a_cut_refuses_is_an_index_error(key: Any) -> None:
    with pytest.raises(IndexError):
        resolve_items(key, ("f", "y", "x"), (3, 4, 5))


def test_messages_name_the_axis() -> None:
    with pytest.raises(IndexError, match="index 4 is outside axis 'y' of length 4"):
        resolve_items((0, 4), ("f", "y", "x"), (3, 4, 5))
    with pytest.raises(IndexError, match="axis 'f' takes an integer or a slice, not 'q'"):
        resolve_items("q", ("f", "y", "x"), (3, 4, 5))
    with pytest.raises(IndexError, match="zero"):
        resolve_items(slice(None, None, 0), ("x",), (3,))
    with pytest.raises(ShapeMismatchError, match="no shape to cut"):
        cut(index_set(Literal.of(0), [(0, 1, 1)]), ())


def test_truth_values_are_no_indices() -> None:
    with pytest.raises(IndexError):
        resolve_items(True, ("x",), (3,))


# -- sections -------------------------------------------------------------------------------------------


@st.composite
def sections(draw: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    out = []
    for n in shape:
        start = draw(st.integers(0, n))
        out.append(slice(start, draw(st.integers(start, n)), draw(st.integers(1, 3))))
    return tuple(out)


@given(st.data())
def test_sections_compose(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    values = np.arange(np.prod(shape)).reshape(shape)
    outer = data.draw(sections(shape))
    inner = data.draw(sections(shape_of(outer)))
    assert shape_of(outer) == values[outer].shape
    assert n_pixels(outer) == values[outer].size
    np.testing.assert_array_equal(values[compose(outer, inner)], values[outer][inner])
    np.testing.assert_array_equal(values[compose(full(shape), outer)], values[outer])


@given(st.data())
def test_sections_are_cut_into_boxes(data: st.DataObject) -> None:
    shape = data.draw(shapes)
    values = np.arange(np.prod(shape)).reshape(shape)
    section = data.draw(sections(shape))
    n_max = data.draw(st.integers(1, 50))
    seen: list[int] = []
    for piece in split(section, n_max):
        pixels = values[piece]
        assert 0 < pixels.size <= n_max
        assert all(p.start >= s.start and p.stop <= s.stop for p, s in zip(piece, section, strict=True))
        seen += pixels.ravel().tolist()
    assert seen == values[section].ravel().tolist()  # in storage order
    counts = [data.draw(st.integers(1, 4)) for _ in shape]
    boxes = list(iter_grid(section, counts))
    assert sorted(p for b in boxes for p in values[b].ravel().tolist()) == sorted(
        values[section].ravel().tolist()
    )
    assert all(m <= c for b in boxes for m, c in zip(shape_of(b), counts, strict=True))
    whole = grid(shape, counts)
    assert sum(n_pixels(b) for b in whole) == values.size
    if whole:
        assert shape_of(relative(whole[-1], whole[-1])) == shape_of(whole[-1])
