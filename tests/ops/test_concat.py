"""Joining lattices, against numpy.concatenate and numpy.stack."""

from __future__ import annotations

import pickle
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from lattice.coords.system import CoordinateSystem
from lattice.errors import (
    CoordinateMismatchError,
    LatticeTypeError,
    LatticeWarning,
    NameNotFoundError,
    ShapeMismatchError,
)
from lattice.execute.run import compute
from lattice.graph.build import cut
from lattice.graph.node import Literal, Node
from lattice.graph.show import to_lel
from lattice.ops.concat import concat
from tests.work import lines_of

YX = [("y", "x")]
RDF = ("spectral", "latitude", "longitude")


def cards(start: float = 1e9, step: float = 1e6, crpix: float = 1.0, **more: Any) -> tuple[Any, ...]:
    header = {
        "CTYPE1": "RA---SIN", "CRVAL1": 10.0, "CDELT1": -0.01, "CRPIX1": 2.0, "CUNIT1": "deg",
        "CTYPE2": "DEC--SIN", "CRVAL2": 45.0, "CDELT2": 0.01, "CRPIX2": 2.0, "CUNIT2": "deg",
        "CTYPE3": "FREQ", "CRVAL3": start, "CDELT3": step, "CRPIX3": crpix, "CUNIT3": "Hz",
    } | more  # fmt: skip
    return tuple((k, v, "") for k, v in header.items())


def coords_of(shape: tuple[int, ...], *args: Any, **kwargs: Any) -> CoordinateSystem:
    return CoordinateSystem.from_header(cards(*args, **kwargs), shape)


def image(
    bench: Any, shape: tuple[int, ...], coords: CoordinateSystem | None, seed: int = 0, **labels: Any
) -> Node:
    values = np.random.default_rng(seed).random(shape).astype("f4")
    if coords is not None:
        labels |= {"coords": coords, "dims": coords.dims}
    node: Node = bench.source(values, **labels)
    return node


@given(st.data())
def test_any_section_of_any_axis(bench: Any, fake_input: Any, data: st.DataObject) -> None:
    shape = [data.draw(st.integers(1, 4)) for _ in range(3)]
    axis = data.draw(st.sampled_from([0, 1, 2, None]))
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    arrays, masks = [], []
    for _ in range(data.draw(st.integers(1, 5))):
        if axis is not None:
            shape[axis] = data.draw(st.integers(0, 4)) or 1
        arrays.append(rng.random(shape).astype(data.draw(st.sampled_from(["f4", "f8", "c8"]))))
        masks.append(rng.random(shape) < 0.5 if data.draw(st.booleans()) else None)
    nodes = [bench.source(a, m) for a, m in zip(arrays, masks, strict=True)]
    node = concat(nodes, "plane" if axis is None else axis)
    join: Any = np.stack if axis is None else (lambda parts: np.concatenate(parts, axis=axis))
    want = join(arrays).astype(node.attrs.dtype)
    good = join([np.ones(a.shape, bool) if m is None else m for a, m in zip(arrays, masks, strict=True)])
    assert node.attrs.shape == want.shape
    assert node.attrs.masked == any(m is not None for m in masks)
    if len(nodes) == 1 and axis is not None:
        assert node is nodes[0]
        return
    inputs = [fake_input(a, m) for a, m in zip(arrays, masks, strict=True)]
    values, mask = bench.evaluate(node, inputs, tuple(data.draw(st.integers(1, 3)) for _ in want.shape))
    np.testing.assert_array_equal(values, want)
    np.testing.assert_array_equal(mask, good)
    section = []
    for n in want.shape:
        start = data.draw(st.integers(0, n - 1))
        section.append(slice(start, data.draw(st.integers(start + 1, n)), data.draw(st.integers(1, 4))))
    values, mask = bench.evaluate(node, inputs, section=tuple(section))
    np.testing.assert_array_equal(values, want[tuple(section)])
    np.testing.assert_array_equal(mask, good[tuple(section)])
    result = compute(node)
    np.testing.assert_array_equal(result.values, want)
    np.testing.assert_array_equal(np.ones(want.shape, bool) if result.mask is None else result.mask, good)


def test_only_the_inputs_that_a_section_touches_are_read(bench: Any, fake_input: Any) -> None:
    arrays = [np.full((3, 4), i, "f4") for i in range(5)]
    node = concat([bench.source(a) for a in arrays], 0)
    inputs = [fake_input(a, None) for a in arrays]
    node.evaluate(tuple(inputs), (slice(4, 8, 1), slice(1, 2, 1)))  # type: ignore[attr-defined]
    assert [i.asked for i in inputs] == [
        [], [(slice(1, 3, 1), slice(1, 2, 1))], [(slice(0, 2, 1), slice(1, 2, 1))], [], [],
    ]  # fmt: skip


def test_parts_of_one_image_continue_it(bench: Any) -> None:
    x = image(bench, (6, 4, 5), coords_of((6, 4, 5)))
    for axis, key in enumerate([(slice(0, 2),), (slice(None), slice(0, 3)), (..., slice(0, 1))]):
        rest = tuple(slice(k.stop, None) if isinstance(k, slice) and k.stop else k for k in key)
        joined = concat([cut(x, key), cut(x, rest)], axis)
        assert joined.attrs.coords == cut(x, key).attrs.coords
        assert joined.attrs.shape == (6, 4, 5)
        np.testing.assert_array_equal(compute(joined).values, compute(x).values)


def test_tiles_with_their_own_reference_pixel_continue_each_other(bench: Any) -> None:
    left = image(bench, (2, 4, 5), coords_of((2, 4, 5)))
    right = image(bench, (2, 4, 3), coords_of((2, 4, 3), CRPIX1=2.0 - 5, **{"DATE-OBS": "2020-01-01"}), 1)
    assert concat([left, right], "x").attrs.coords == left.attrs.coords
    for other in ({"CRPIX1": 2.0 - 6}, {"CRVAL1": 11.0, "CRPIX1": -3.0}):
        with pytest.raises(CoordinateMismatchError, match="do not continue each other along x"):
            concat([left, image(bench, (2, 4, 3), coords_of((2, 4, 3), **other))], "x")


def test_frequencies_of_joined_channels(bench: Any) -> None:
    def joined(*headers: tuple[float, float], n: int = 1) -> CoordinateSystem:
        shape = (n, 4, 5)
        parts = [image(bench, shape, coords_of(shape, *h), i) for i, h in enumerate(headers)]
        node = concat(parts, "frequency")
        assert node.attrs.dims == ("frequency", "y", "x")
        coords = node.attrs.coords
        assert isinstance(coords, CoordinateSystem)
        return coords

    # channel images whose own increment means nothing
    coords = joined((1e9, 1.0), (1.1e9, 1.0), (1.2e9, 1.0))
    np.testing.assert_allclose(coords.frequencies(3), [1e9, 1.1e9, 1.2e9])
    written = CoordinateSystem.from_header(coords.to_cards((3, 4, 5)), (3, 4, 5))
    np.testing.assert_allclose(written.frequencies(3), [1e9, 1.1e9, 1.2e9])
    assert written.kinds == RDF
    # cubes side by side
    coords = joined((1e9, 1e6), (1.002e9, 1e6), n=2)
    np.testing.assert_allclose(coords.frequencies(4), 1e9 + 1e6 * np.arange(4))
    # falling, and with a gap
    np.testing.assert_allclose(joined((2e9, 1e6), (1e9, 1e6)).frequencies(2), [2e9, 1e9])
    gap = joined((1e9, 1e6), (1.1e9, 1e6), n=2)
    np.testing.assert_allclose(gap.frequencies(4), [1e9, 1.001e9, 1.1e9, 1.101e9])
    cut_ = gap.subset((slice(1, 4, 2), slice(0, 4, 1), slice(0, 5, 1)))
    np.testing.assert_allclose(cut_.frequencies(2), [1.001e9, 1.101e9])


def test_axes_that_are_not_linear_lose_their_coordinates(bench: Any) -> None:
    def stokes(*values: float) -> list[Node]:
        out = []
        for v in values:
            header = {"CTYPE3": "STOKES", "CRVAL3": v, "CDELT3": 1.0, "CRPIX3": 1.0, "CUNIT3": ""}
            out.append(image(bench, (1, 4, 5), coords_of((1, 4, 5), **header), int(v)))
        return out

    assert concat(stokes(1, 2, 3), "stokes").attrs.coords.kinds[0] == "stokes"  # type: ignore[union-attr]
    with pytest.warns(LatticeWarning, match="the joined axis stokes has no coordinates: .* are not linear"):
        node = concat(stokes(1, 2, 4), "stokes")
    assert node.attrs.coords is not None
    assert node.attrs.coords.kinds == ("none", "latitude", "longitude")
    assert node.attrs.dims == ("stokes", "y", "x")
    with pytest.warns(LatticeWarning, match="not all of the joined lattices have coordinates"):
        node = concat([stokes(1)[0], image(bench, (1, 4, 5), None, dims=("stokes", "y", "x"))], "stokes")


def test_a_new_axis(bench: Any) -> None:
    parts = [image(bench, (4, 5), CoordinateSystem.from_kinds(RDF[1:]), i) for i in range(3)]
    node = concat(parts, "epoch")
    assert (node.attrs.dims, node.attrs.shape) == (("epoch", "y", "x"), (3, 4, 5))
    assert node.attrs.coords is not None
    assert node.attrs.coords.kinds == ("none", *RDF[1:])
    assert cut(node, 1).attrs.coords.kinds == RDF[1:]  # type: ignore[union-attr]
    with_header = concat([image(bench, (2, 4, 5), coords_of((2, 4, 5)), i) for i in range(2)], "epoch")
    written = {k: v for k, v, _ in with_header.attrs.coords.to_cards((2, 2, 4, 5))}  # type: ignore[union-attr]
    assert written["CTYPE3"] == "FREQ"
    assert "CTYPE4" not in written
    np.testing.assert_array_equal(compute(cut(node, (2, 1))).values, compute(cut(parts[2], 1)).values)


def test_labels(bench: Any) -> None:
    beams = [((1.0, 1.0, 0.0),), ((2.0, 2.0, 0.0), (3.0, 3.0, 0.0)), ()]
    shape = (2, 4, 5)
    a, b, c = (image(bench, shape, None, i, beams=v, unit="Jy/beam") for i, v in enumerate(beams))
    assert concat([a, image(bench, shape, None, 5, beams=beams[0])], 0).attrs.beams == beams[0]
    assert concat([a, b], 0).attrs.beams == (beams[0] * 2 + beams[1])
    assert concat([a, b], "t").attrs.beams == (beams[0] * 2 + beams[1])
    with pytest.warns(LatticeWarning, match="the beams are dropped"):
        assert concat([a, b], 1).attrs.beams == ()
    with pytest.warns(LatticeWarning, match="the beams are dropped"):
        joined = concat([a, c], 0)
    assert joined.attrs.beams == ()
    assert joined.attrs.unit == "Jy/beam"
    with pytest.warns(LatticeWarning, match=r"different units are joined \(Jy/beam, K\)"):
        concat([c, image(bench, shape, None, 7, unit="K")], 0)


@pytest.mark.parametrize(
    ("shapes", "dims", "dim", "error", "words"),
    [
        ([(2, 3), (2, 4)], YX * 2, "y", ShapeMismatchError, "has length 4 on axis x, the first .* 3"),
        ([(2, 3), (2, 3), (2,)], [*YX, *YX, ("x",)], "y", ShapeMismatchError, "3 of 3 .* number of axes"),
        ([(2, 3), (2, 3)], [*YX, ("t", "x")], "x", ShapeMismatchError, "2 of 2 .* called t, .* first y"),
        ([(2, 3)], [("y", "x")], 2, NameNotFoundError, "has no axis 2"),
        ([(2, 3)], [("y", "x")], "a b", NameNotFoundError, "no name for an axis"),
        ([], [], 0, LatticeTypeError, "nothing to join"),
    ],
)  # fmt: skip
def test_errors(bench: Any, shapes: Any, dims: Any, dim: Any, error: type[Exception], words: str) -> None:
    nodes = [
        bench.source(np.full(s, i, "f4"), name=f"a{i}", dims=d)
        for i, (s, d) in enumerate(zip(shapes, dims, strict=True))
    ]
    with pytest.raises(error, match=words):
        concat(nodes, dim)


def test_more_errors(bench: Any) -> None:
    x = image(bench, (2, 4, 5), CoordinateSystem.from_kinds(RDF), name="f")
    with pytest.raises(
        CoordinateMismatchError, match=r"axis 0 of input 2 of 2 .g. is stokes, that of the first is spectral"
    ):
        concat([x, image(bench, (2, 4, 5), CoordinateSystem.from_kinds(("stokes", *RDF[1:])), name="g")], 0)
    with pytest.raises(LatticeTypeError, match=r"input 2 of 2 .* is Bool, the first is Float"):
        concat([x, bench.source(np.ones((2, 4, 5), bool))], 0)
    with pytest.raises(LatticeTypeError, match="only lattices are joined"):
        concat([x, Literal.of(1.0)], 0)


def test_nodes_are_shared_pickled_and_shown(bench: Any) -> None:
    parts = [image(bench, (2, 3), None, i, name=n) for i, n in enumerate("ab")]
    node = concat(parts, "x")
    assert node is concat(parts, -1)
    assert pickle.loads(pickle.dumps(node)) is node
    assert to_lel(node) == "concat([a, b], 'x')"
    masked = bench.source(np.zeros((2, 3), "f4"), np.zeros((2, 3), bool))
    assert node.with_children((masked, parts[1])).attrs.masked


def test_two_thousand_images(bench: Any) -> None:
    shape = (1, 4, 4)
    parts = [image(bench, shape, coords_of(shape, 1e9 + i * 1e6, 1e6), i) for i in range(2000)]
    concat(parts[:10], "frequency")
    half = lines_of(lambda: concat(parts[1000:], "frequency"))
    assert lines_of(lambda: concat(parts, "frequency")) < 2.2 * half
    node = concat(parts, "frequency")
    assert node.attrs.shape == (2000, 4, 4)
    np.testing.assert_allclose(node.attrs.coords.frequencies(2000)[-1], 1e9 + 1999e6)  # type: ignore[union-attr, index]
    result = compute(cut(node, (slice(5, None, 500), 1, 2)))
    np.testing.assert_array_equal(
        result.values, [compute(cut(parts[i], (0, 1, 2))).values for i in (5, 505, 1005, 1505)]
    )
