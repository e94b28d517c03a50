"""Rules that hold for every function of the language, checked on the registry itself."""

from __future__ import annotations

import itertools
import pickle
import re
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.config import Options
from lattice.coords.system import CoordinateSystem
from lattice.errors import FunctionError, LatticeError
from lattice.execute.run import compute
from lattice.functions.registry import all_functions, lookup, names
from lattice.graph.build import call
from lattice.graph.function import Function, Kind
from lattice.graph.node import Literal, Node
from lattice.graph.types import BOOL, COMPLEX, DCOMPLEX, DOUBLE, FLOAT
from tests.graphs import SHAPE, image
from tests.ops.every import CARDS, cube

TYPES = (BOOL, FLOAT, DOUBLE, COMPLEX, DCOMPLEX)
FUNCTIONS = all_functions()
IDS = [f"{f.name} {len(f.params)}" for f in FUNCTIONS]
OPTIONS = Options(scheduler="synchronous", jit=False)


def named_images() -> dict[str, Any]:
    """The images that the examples of the documentation use."""
    rng = np.random.default_rng(0)
    kinds = ("spectral", "latitude", "longitude")
    coords = {
        n: CoordinateSystem.from_kinds(kinds, frequencies=(first, 2 * first, 3 * first))
        for n, first in {"f1": 1e9, "f2": 1.5e9}.items()
    }
    plain = lattice.Image(rng.normal(size=SHAPE).astype("f4"), name="f1", wcs=coords["f1"])
    other = lattice.Image(np.abs(rng.normal(size=SHAPE)).astype("f4"), name="f2", wcs=coords["f2"])
    masked = lattice.Image(rng.normal(size=SHAPE).astype("f4"), mask=rng.random(SHAPE) > 0.5, name="f3")
    complexes = lattice.Image((rng.normal(size=SHAPE) + 1j).astype("c8"), name="c1")
    sky = cube(rng.normal(size=(4, 9, 8)).astype("f4"), name="cube")
    turned = CARDS | {"PC1_1": 0.95, "PC1_2": -0.3, "PC2_1": 0.3, "PC2_2": 0.95}
    more = {
        "cube": sky,
        "turned": lattice.Image(np.zeros(sky.shape, "f4"), wcs=turned, name="turned"),
        "stokes": lattice.Image(
            rng.normal(size=(4, 3, 5)).astype("f4"),
            wcs={"CTYPE3": "STOKES", "CRVAL3": 1.0, "CRPIX3": 1.0, "CDELT3": 1.0},
            name="stokes",
        ),
    }
    flat = {n: lattice.Image(rng.normal(size=SHAPE).astype("f4"), name=n) for n in ("q", "u", "z")}
    return {"f1": plain, "f2": other, "f3": masked, "c1": complexes, **more, **flat}


def value_of(dtype: Any, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=SHAPE)
    if dtype.kind == "b":
        return np.asarray(values > 0)
    return (values + (1j * rng.normal(size=SHAPE) if dtype.kind == "c" else 0)).astype(dtype)


def lattices(function: Function, types: tuple[Any, ...], masks: bool = False) -> list[Node]:
    args: list[Node] = []
    for i, (param, dtype) in enumerate(zip(function.params, types, strict=True)):
        if param.form == "scalar":
            args.append(Literal.of(0.25 * (i + 1), dtype))
        else:
            mask = np.random.default_rng(10 + i).random(SHAPE) > 0.3 if masks else None
            args.append(image(value_of(dtype, i), mask, name=f"x{i}"))
    return args


def first_types(function: Function) -> tuple[Any, ...] | None:
    """Types that the function takes, the simplest first; None for those that need a list or coordinates."""
    for types in itertools.product((FLOAT, BOOL, COMPLEX), repeat=len(function.params)):
        try:
            call(function, *lattices(function, types))
        except (LatticeError, ValueError):
            continue
        return types
    return None


@pytest.mark.parametrize("function", FUNCTIONS, ids=IDS)
def test_documented_with_examples_that_run(function: Function) -> None:
    assert len(function.summary) > 3
    assert function.summary.endswith((".", ")"))
    assert function.family
    examples = re.findall(r"^>>> (.+)$", function.doc, re.MULTILINE)
    assert examples, f"{function.name} has no example"
    for text in examples:
        result = lattice.expr(text, **named_images())
        result.compute()
        assert lattice.expr(result.expression, **named_images()).node.attrs.dtype == result.dtype


@pytest.mark.parametrize("function", FUNCTIONS, ids=IDS)
def test_found_again_by_name_and_pickled(function: Function) -> None:
    assert lookup(function.name.upper(), len(function.params)) is function
    assert pickle.loads(pickle.dumps(function)) is function
    for alias in function.aliases:
        assert lookup(alias, len(function.params)) is function


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.kind is not Kind.STRUCTURAL])
def test_the_type_of_the_result_is_the_inferred_one(function: Function) -> None:
    tried = 0
    for types in itertools.product(TYPES, repeat=len(function.params)):
        try:
            node = call(function, *lattices(function, types))
        except LatticeError:
            continue
        tried += 1
        result = compute(node, OPTIONS)
        if result.values is not None:
            assert np.asarray(result.values).dtype == node.attrs.dtype, types
    assert tried or function.name == "spectralindex"


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.kernel is not None and f.params])
def test_element_wise_masks_are_anded(function: Function) -> None:
    types = first_types(function)
    if types is None:
        assert function.name == "spectralindex"
        return
    args = lattices(function, types, masks=True)
    expected = np.ones(SHAPE, bool)
    for arg in args:
        result = compute(arg, OPTIONS)
        expected &= result.mask if result.mask is not None else True
    np.testing.assert_array_equal(compute(call(function, *args), OPTIONS).mask, expected)


@pytest.mark.parametrize("function", [f for f in FUNCTIONS if f.kind is not Kind.STRUCTURAL])
def test_the_same_for_any_cutting(function: Function) -> None:
    types = first_types(function)
    if types is None:
        assert function.name == "spectralindex"
        return
    node = call(function, *lattices(function, types, masks=True))
    whole, cut = compute(node, OPTIONS), compute(node, OPTIONS.replace(strip=13, block=29))
    good = ... if whole.mask is None else whole.mask
    np.testing.assert_allclose(np.asarray(cut.values)[good], np.asarray(whole.values)[good], rtol=1e-6)
    if whole.mask is not None:
        np.testing.assert_array_equal(cut.mask, whole.mask)


@pytest.mark.parametrize("name", names())
def test_a_wrong_number_of_arguments_shows_the_usage(name: str) -> None:
    with pytest.raises(FunctionError) as caught:
        lookup(name, 12)
    assert "12 arguments" in str(caught.value)
    assert "usage: " in str(caught.value)


def test_unknown_functions_list_near_names() -> None:
    with pytest.raises(FunctionError, match="did you mean 'median'") as caught:
        lookup("medain", 1)
    assert "no function 'medain'" in str(caught.value)


def test_user_functions_work_in_text_and_everywhere_else() -> None:
    from lattice.functions.registry import _table, elementwise

    @elementwise("tripled_for_test")
    def tripled(x: np.ndarray, out: np.ndarray) -> None:
        """Three times x.

        >>> tripled_for_test(f1)
        """
        np.multiply(x, 3, out=out)

    try:
        x = named_images()["f3"]
        result = lattice.expr("tripled_for_test(x) + 1", x=x).compute()
        np.testing.assert_allclose(result.values, x.values * 3 + 1, rtol=1e-6)
        with pytest.raises(FunctionError, match="already"):
            elementwise("tripled_for_test")(tripled)
    finally:
        del _table["tripled_for_test", 1]


def test_a_power_does_not_depend_on_how_the_lattice_is_cut() -> None:
    base = np.array([-np.inf, 1.5, 710, 3, -0.0, 0.1] * 35, np.float64)[: int(np.prod(SHAPE))].reshape(SHAPE)
    exponent = np.resize([0.5, 0.5, 2.0, -1.0, 0.5, 3.0], SHAPE)
    node = call(lookup("^", 2), image(base), image(exponent))
    whole = compute(node, OPTIONS).values
    np.testing.assert_array_equal(compute(node, OPTIONS.replace(strip=1, block=1)).values, whole)
