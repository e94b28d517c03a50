"""Operations as functions of the language: text, method and printed text are one node."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.functions.registry import all_functions, lookup
from lattice.graph.build import call
from lattice.graph.node import Literal, Named
from lattice.graph.walk import postorder
from tests.ops.every import CARDS, cube, grid_for, response, stokes

RNG = np.random.default_rng(3)
VALUES = RNG.normal(0.6, 1, (6, 13, 11)).astype("f4")
A = cube(VALUES, VALUES > -1, name="a")
B = cube(VALUES[:3, :5, :6] * 2, name="b")
GRID = Image(np.zeros((5, 9, 8), "f4"), wcs=grid_for(A).wcs.to_header(), name="grid")
PB = response(A).compute()
PB = Image(PB.values, wcs={k: v for k, v in CARDS.items() if k[-1] != "3"}, name="pb")
KERNEL = Image(np.ones((3, 3), "f4"), name="kernel")
IQUV = stokes(A).compute()
IQUV = Image(IQUV.values, wcs=IQUV.coords, name="iquv")
LINE = Image(VALUES[:, 0, 0], dims=("frequency",), name="line")
NAMES = {"a": A, "b": B, "grid": GRID, "pb": PB, "kernel": KERNEL, "iquv": IQUV, "line": LINE}

SAME: list[tuple[str, Callable[[], Image]]] = [
    ("transpose(a, '210')", lambda: A.transpose("210")),
    ("transpose(a, [1, 0, 2])", lambda: A.transpose(0, 2, 1)),
    ("transpose(a)", lambda: A.transpose()),
    ("transpose(a, '-y x frequency')", lambda: A.transpose("-y", "x", "frequency")),
    ("rebin(a, [4, 3, 2])", lambda: A.rebin((2, 3, 4))),
    ("rebin(a, [4, 3, 2], 'median', T)", lambda: A.rebin((2, 3, 4), "median", crop=True)),
    ("rebin(a, [1, 2, 1], 'max')", lambda: A.rebin(y=2, function="max")),
    ("rebin(line, [2], 'max')", lambda: LINE.rebin(2, "max")),
    ("expand_dims(a, 'stokes', 'stokes', 'Q')", lambda: A.expand_dims("stokes", "stokes", value="Q")),
    ("pad(a)", lambda: A.pad()),
    ("pad(a, 2, 0.1, T)", lambda: A.pad(2, value=0.1, good=True)),
    ("pad(a, 'x=0 1, y=2')", lambda: A.pad(x=(0, 1), y=2)),
    ("decimate(a, 'y', 2)", lambda: A.decimate("y", 2)),
    ("decimate(a, 1, 2, 'mean')", lambda: A.decimate("y", 2, "mean")),
    ("insert(a, b)", lambda: A.insert(B)),
    ("insert(a, b, [3, 2, 1])", lambda: A.insert(B, [1, 2, 3])),
    ("regions_above(a, 0.3, 1.2, ['frequency', 'y'], T, 3)",
     lambda: A.regions_above(0.3, 1.2, ["frequency", "y"], diagonal=True, least=3)),
    ("collapse(a, 'mean')", lambda: A.collapse("mean")),
    ("collapse(a, 'max', ['y', 'x'], T)", lambda: A.collapse("max", ["y", "x"], keepdims=True)),
    ("collapse(a, 'variance', 2, F, 'casa')", lambda: A.collapse("variance", 0, units="casa")),
    ("collapse(a, 'sum', 'y, x')", lambda: A.collapse("sum", ["y", "x"])),
    ("moment(a, 1)", lambda: A.moment(1)),
    ("moment(a, 'median', 'y', 'default', [-2, 2.5])", lambda: A.moment("median", "y", include=(-2, 2.5))),
    ("moment(a, 0, 'frequency', 'optical', 'default', 0.5, a * 2, T)",
     lambda: A.moment(0, "frequency", convention="optical", exclude=0.5, by=A * 2, keepdims=True)),
    ("profile(a)", lambda: A.profile()),
    ("profile(a, 'max', 'x', 'casa')", lambda: A.profile("max", "x", units="casa")),
    ("smooth(a, '4arcsec')", lambda: A.smooth("4arcsec")),
    ("smooth(a, 1d-3, 0.0005, -30, 0.5, 'leave')", lambda: A.smooth(1e-3, 5e-4, -30, scale=0.5, bad="leave")),
    ("smooth_to(a, '4arcsec', '3arcsec', '20deg')", lambda: A.smooth_to("4arcsec", "3arcsec", "20deg")),
    ("smooth_along(a, 'frequency=2.5, x=boxcar 3')", lambda: A.smooth_along(frequency=2.5, x=("boxcar", 3))),
    ("smooth_along(a, 'x=3', 'boxcar', 1, 'leave')",
     lambda: A.smooth_along({"x": 3}, "boxcar", scale=1, bad="leave")),
    ("convolve(a, [1, 2, 1], 'y')", lambda: A.convolve([1, 2, 1], "y")),
    ("convolve(a, kernel, ['y', 'x'], 0.5, 'leave', 'mirror')",
     lambda: A.convolve(KERNEL, ["y", "x"], scale=0.5, bad="leave", edge="mirror")),
    ("hanning(a)", lambda: A.hanning()),
    ("hanning(a, 'y', 'copy')", lambda: A.hanning("y", "copy")),
    ("boxcar(a, 0, 3, 'mean')", lambda: A.boxcar("x", 3, "mean")),
    ("regrid(a, grid)", lambda: A.regrid(GRID)),
    ("regrid(a, grid * 2, ['y', 'x'], 'cubic')", lambda: A.regrid(GRID * 2, ["y", "x"], method="cubic")),
    ("regrid(a, grid, 'frequency', 'linear', 'radio', T)",
     lambda: A.regrid(GRID, "frequency", method="linear", velocity="radio", force=True)),
    ("rotate(a, '20deg', 'linear')", lambda: A.rotate("20deg", "linear")),
    ("contsub(a, '0~1;3', 1)", lambda: A.contsub("0~1;3", 1).line),
    ("continuum(a, [0, 1, 3], 1, 'frequency')", lambda: A.contsub([0, 1, 3], 1, dim="frequency").continuum),
    ("pbcor(a, pb)", lambda: A.pbcor(PB)),
    ("pbcor(a, pb, 'multiply', 0.7)", lambda: A.pbcor(PB, "multiply", 0.7)),
    ("pv(a, [2, 2, 6, 8], 3)", lambda: A.pv([(2, 2), (6, 8)], 3)),
    ("pv(a, [1, 2, 4, 2.5, 6, 1], '2arcsec', 'linear')",
     lambda: A.pv([(1, 2), (4, 2.5), (6, 1)], "2arcsec", method="linear")),
    ("pv(a, [0, 0, 5, 4], 1, 'cubic', ['frequency', 'y'], 9)",
     lambda: A.pv([(0, 0), (5, 4)], 1, method="cubic", dims=["frequency", "y"], samples=9)),
    ("deviation(a, [5, 3], 'median', F, 2, 'linear', 'chauvenet', 2)",
     lambda: A.deviation((5, 3), "median", circle=False, grid=2, interpolation="linear", clip="chauvenet",
                         most=2)),
    ("deviation(a, '3arcsec')", lambda: A.deviation("3arcsec")),
    ("fft(a)", lambda: A.fft()),
    ("fft(a, 'phase', 'frequency')", lambda: A.fft("frequency", "phase")),
    ("two_point(a, ['y', 'x'])", lambda: A.two_point(["y", "x"])),
    ("poli(iquv, 'linear', 0.1)", lambda: IQUV.poli(kind="linear", sigma=0.1)),
    ("pola(iquv, 0.2)", lambda: IQUV.pola(threshold=0.2)),
    ("add_noise(a, 'uniform', [-1, 2], [3, 4])", lambda: A.add_noise("uniform", (-1, 2), seed=[3, 4])),
    ("regrid(a, 'GALACTIC', 'default', 'cubic')", lambda: A.regrid(frame="GALACTIC", method="cubic")),
    ("regrid(a, 'BARY')", lambda: A.regrid("BARY")),
    ("regrid(a, 'optical')", lambda: A.regrid("optical")),
    ("smooth(a, '4arcsec') - transpose(hanning(transpose(a * 2), 'y'))",
     lambda: A.smooth("4arcsec") - (A * 2).transpose().hanning("y").transpose()),
    ("mean(collapse(a, 'max', 'frequency')[pb > 5e-1])",
     lambda: A.collapse("max", "frequency")[PB > 0.5].mean()),
]  # fmt: skip


@pytest.mark.parametrize(("text", "method"), SAME, ids=[text for text, _ in SAME])
def test_text_method_and_printed_text_are_one_node(text: str, method: Callable[[], Image]) -> None:
    told, made = lattice.expr(text, **NAMES), method()
    assert told.same_as(made)
    printed = lattice.expr(made.expression, **NAMES)
    assert printed.node is made.node, made.expression
    assert lattice.expr(told.expression, **NAMES).node is told.node
    assert pickle.loads(pickle.dumps(made.node)).attrs == made.node.attrs
    np.testing.assert_array_equal(told.filled(), made.filled())
    assert (told.unit, told.beams, told.coords) == (made.unit, made.beams, made.coords)


def test_every_function_that_is_spoken_is_in_the_list() -> None:
    spoken = {f.name for f in all_functions() if f.spoken is not None}
    assert spoken == {text.partition("(")[0] for text, _ in SAME} - {"mean"}
    for name in spoken - {"continuum"}:
        method = inspect.signature(getattr(Image, name))
        for f in (f for f in all_functions() if f.name == name and f.spoken is not None):
            assert {p.name for p in f.params[1:]} <= set(method.parameters)


def test_names_go_before_anything_is_computed() -> None:
    from lattice.plan.stages import settle

    made = A.smooth("4arcsec").collapse("max", "frequency")
    assert sum(isinstance(n, Named) for n in postorder(made.node)) == 2
    assert not any(isinstance(n, Named) for n in postorder(settle([made.node])[0]))


def test_what_the_language_has_no_words_for_is_shown_as_a_call() -> None:
    made = A.smooth([(3 / 3600, 2 / 3600, 0.0)])
    assert made.expression.startswith("convolve(a, kernel")
    assert A.convolve(np.ones((3, 3))).expression.startswith("+convolve(a, kernel 3 x 3")
    assert not isinstance(A.add_noise().node, Named)  # another noise for each call
    assert not isinstance(A.contsub(slice(0, 4)).line.node, Named)
    assert not isinstance(A.pv([("3h20m", "40d"), ("3h20m0.3s", "40d0m2s")]).node, Named)  # places on the sky


def test_labels_stay_labels_of_stored_pixels() -> None:
    image = cube(VALUES, masks={"low": VALUES < 1}, name="a")
    assert image.convert_unit("Jy/beam").node is image.node
    assert image.convert_unit("mJy/beam").expression == "a * 1000"
    assert set(image.transpose("x", "y", "frequency").set_default_mask("low").masks) == {"low"}


ERRORS: list[tuple[str, type[LatticeError], str, str]] = [
    ("collapse(a, mean)", LatticeTypeError, "mean", "in quotes"),
    ("collapse(a, 3)", LatticeTypeError, "3", "text in quotes is needed"),
    ("collapse(a, 'most')", LatticeError, "collapse(a, 'most')", "no function 'most'"),
    ("collapse(a, 'mean', 'z')", LatticeRangeError, "collapse(a, 'mean', 'z')", "no dim 'z'"),
    ("collapse(a, 'mean', 7)", LatticeRangeError, "7", "no axis 7"),
    ("1 + moment(a, [1, 2])", LatticeError, "moment(a, [1, 2])", "moment"),
    ("smooth(a, pb)", LatticeTypeError, "pb", "a number is needed here"),
    ("smooth(a, 'wide')", LatticeTypeError, "smooth(a, 'wide')", "'wide' is no angle"),
    ("smooth(3, '1arcsec')", LatticeTypeError, "3", "needs a lattice"),
    ("smooth('4arcsec', a)", LatticeError, "'4arcsec'", "4arcsec"),
    ("hanning(a, 'y', 2)", LatticeTypeError, "2", "text in quotes"),
    ("boxcar(a, 'y', 2.5)", LatticeTypeError, "2.5", "whole number"),
    ("pad(a, 1, mean(a))", LatticeRangeError, "mean(a)", "not constant"),
    ("pad(a, 'x:1')", LatticeTypeError, "'x:1'", "an axis and its value"),
    ("pad(a, 1, 0, 1)", LatticeTypeError, "1", "T or F is needed"),
    ("transpose(a, [0, 1])", LatticeError, "[0, 1]", "each of the 3 axes"),
    ("pbcor(a, 'divide')", LatticeError, "'divide'", "divide"),
    ("pbcor(a, 2)", LatticeError, "pbcor(a, 2)", "scalar"),
    ("smooth_along(a, 'x=1e12')", LatticeRangeError, "smooth_along(a, 'x=1e12')", "too large"),
    ("regrid(a, 'GALATIC')", LatticeError, "'GALATIC'", "GALATIC"),
    ("regrid(a, 3)", LatticeError, "regrid(a, 3)", "coordinates"),
    ("pv(a, [1, 2, 3])", LatticeTypeError, "[1, 2, 3]", "two ends"),
    ("collapse(a)", LatticeError, "collapse", "usage: collapse(x, function[, dims]"),
    ("smooth(a, 1, 2, 3, 4, 5, 6, 7, 8)", LatticeError, "smooth", "usage: smooth(x, major"),
]


@pytest.mark.parametrize(("text", "kind", "place", "said"), ERRORS, ids=[e[0] for e in ERRORS])
def test_errors_point_at_the_argument(text: str, kind: type[LatticeError], place: str, said: str) -> None:
    with pytest.raises(kind) as caught:
        lattice.expr(text, **NAMES)
    error: Any = caught.value
    assert said in str(error)
    assert error.text == text
    assert text[slice(*error.span)] == place


def test_texts_hold_what_names_cannot() -> None:
    # colons and backslashes are escaped, quotes are of the other kind
    found = lattice.expr(r"contsub(a, 'range=[1.4e9Hz, 1.402e9Hz]')", a=A)
    assert found.same_as(A.contsub("range=[1.4e9Hz, 1.402e9Hz]").line)
    assert lattice.expr(found.expression, a=A).node is found.node


def test_names_of_images_stay_names() -> None:
    # a text only where a text is expected: everything else in quotes is an image
    assert lattice.expr("collapse('a', 'max') + 'pb'", a=A, pb=PB.mean()).shape == ()
    named = Image(VALUES, name="mean")
    assert lattice.expr("collapse(mean, 'mean', 'x')", mean=named).same_as(named.collapse("mean", "x"))


def test_calls_of_nodes() -> None:
    node = call(lookup("hanning", 1), A.node)
    assert node is A.hanning().node
    assert call(lookup("boxcar", 3), A.node, Literal.of(0), Literal.of(3)) is A.boxcar("x", 3).node
    with pytest.raises(LatticeTypeError, match="needs a lattice"):
        call(lookup("hanning", 1), Literal.of(3))
