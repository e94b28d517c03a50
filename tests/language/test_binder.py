"""The binder: names, functions, regions, and where its complaints point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.errors import (
    FunctionError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    LELSyntaxError,
    NameNotFoundError,
    RegionError,
    ShapeMismatchError,
)
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.graph.node import Literal, Node, RegionCut, RegionMask, Source, Subset
from lattice.graph.show import to_lel
from lattice.graph.types import DOUBLE, FLOAT
from lattice.language.binder import bind, bind_region
from tests.language.conformance_inputs import Stored, images
from tests.language.resolving import Shelf
from tests.work import lines_of

IMAGES = images()


def node(text: str, **options: Any) -> Node:
    return bind(text, Shelf(IMAGES, **options))


def failure(text: str, kind: type[LatticeError] = LatticeError, **options: Any) -> LatticeError:
    with pytest.raises(kind) as caught:
        node(text, **options)
    assert type(caught.value) is kind or kind is LatticeError
    return caught.value


def underlined(error: LatticeError) -> str:
    assert error.text is not None
    assert error.span is not None
    return error.text[slice(*error.span)]


def test_literals_keep_the_type_of_their_form() -> None:
    assert node("2.5") is Literal.of(2.5, DOUBLE)
    assert node("16777217") is Literal.of(16777216, FLOAT)
    assert node("T") is Literal.of(True)
    assert [node(t).attrs.dtype.name for t in ("1", "1.", "2e0i", "2i")] == [
        "float32",
        "float64",
        "complex64",
        "complex128",
    ]


def test_equal_texts_give_the_same_node() -> None:
    assert node("f1+2*sin( f2 )") is node("'f1' + (2 * SIN(f2))")
    assert node("not (f1>0)") is node("!(f1>0)")
    assert node("+f1") is node("f1")
    assert node("f1") is not node("f1:nomask + 0")


def test_suffixes_choose_the_mask() -> None:
    default, none, other = node("f3"), node("f3:NoMask"), node("f3:low")
    assert isinstance(default, Source)
    assert isinstance(none, Source)
    assert isinstance(other, Source)
    assert default.attrs.masked
    assert none.mask is None
    assert not none.attrs.masked
    assert isinstance(other.mask, Source)
    assert (default.suffix, none.suffix, other.suffix) == ("", "nomask", "low")


def test_names_are_looked_up_from_left_to_right() -> None:
    shelf = Shelf(IMAGES)
    bind("f1 + atan2(f2, f3)[f4 > 0]", shelf)
    assert shelf.asked == ["f1", "f2", "f3", "f4"]


def test_temporaries_are_counted_from_one() -> None:
    one = node("f1 + 1")
    assert node("2 * $1", temporaries=(one,)) is call(lookup("*", 2), Literal.of(2, FLOAT), one)
    error = failure("1 + $2", NameNotFoundError, temporaries=(one,))
    assert underlined(error) == "$2"


@pytest.mark.parametrize(
    ("text", "message", "where", "hint"),
    [
        ("f1 + nonexist", "no image 'nonexist'", "nonexist", None),
        ("f1 + 'dot.i'", "no image 'dot.i'", "'dot.i'", "'dot.im'"),
        ("T && True", "no image 'True'", "True", "written T"),
        ("false", "no image 'false'", "false", "written F"),
        ("2 * cos", "no image 'cos'", "cos", "cos(...)"),
        ("f3:lwo", "no mask 'lwo'", "f3:lwo", None),
        ("nofile::box1", "no image 'nofile'", "nofile::box1", None),
        (":odd", "missing before ':odd'", ":odd", "two colons"),
        ("::box1", "no image was named", "::box1", "before the colons"),
        ("f1[box9]", "no image 'box9', and 'f1' has no region", "box9", "'box1'"),
        ("f1[f3::box2]", "no mask 'box2'", "f3::box2", "'box1'"),
        ("f1[f2::odd]", "no mask 'odd'", "f2::odd", None),
        ("$r1", "no region was passed as $r1", "$r1", None),
    ],
)
def test_unknown_names(text: str, message: str, where: str, hint: str | None) -> None:
    error = failure(text, NameNotFoundError)
    assert message in error.message
    assert underlined(error) == where
    assert (hint is None) or hint in (error.hint or "")


@pytest.mark.parametrize(
    ("text", "kind", "where", "hint"),
    [
        ("1 + medain(f1)", FunctionError, "medain", "'median'"),
        ("sin(f1, f2) + 1", FunctionError, "sin", "sin(x)"),
        ("iif(T, 1, 2, 3)", FunctionError, "iif", "iif(condition, a, b)"),
        ("pi(1)", FunctionError, "pi", "pi()"),
        ("1 + sin(T)*2", LatticeTypeError, "sin(T)", "iif"),
        ("f1 + (f2 * T)", LatticeTypeError, "(f2 * T)", None),
        ("2 * (f1 + w1)", ShapeMismatchError, "(f1 + w1)", None),
        ("[1, f1]", LatticeTypeError, "[1, f1]", None),
        ("f1[f2]", LatticeTypeError, "f1[f2]", None),
        ("f1[index0 in [1.5:2]]", LatticeTypeError, "1.5", None),
        ("f1[index0 in [2:1]]", LatticeRangeError, "index0 in [2:1]", None),
        ("f1[index0 in [0:3:0]]", LatticeRangeError, "index0 in [0:3:0]", None),
        ("f1[indexin(T, [1])]", LatticeTypeError, "indexin(T, [1])", None),
        ("index0 in [1]", ShapeMismatchError, "index0 in [1]", "image[index0 in [1:3]]"),
        ("f1[index3 in [0]]", ShapeMismatchError, "f1[index3 in [0]]", None),
        ("f1 + ", LELSyntaxError, "", None),
    ],
)
def test_errors_point_at_the_innermost_part(
    text: str, kind: type[LatticeError], where: str, hint: str | None
) -> None:
    error = failure(text, kind)
    assert underlined(error) == where
    assert hint is None or hint in (error.hint or "")


def test_names_are_no_longer_than_paths() -> None:
    long = "x" * 50_000
    for text in (long, f"f1[{long}]", f"f1:{long}", f"f1::{long}", f"::{long}", f"{long}(f1)", f"'{long}'"):
        assert len(str(failure(text, LELSyntaxError))) < 300


@pytest.mark.parametrize("operator", ["+", "*", "^"])
def test_long_chains_are_bound_without_recursion(operator: str) -> None:
    node(operator.join(["f2"] * 3))  # the parser is built at the first call
    half = lines_of(lambda: node(operator.join(["f2"] * 1000)))
    assert lines_of(lambda: node(operator.join(["f2"] * 2000))) < 2.2 * half
    long = node(operator.join(["f2"] * 2000))
    assert long.attrs.shape == (2, 3, 4)
    nested = node("sin(" * 200 + "f1" + ")" * 200)
    assert nested.attrs.dtype == np.float32


# -- regions -----------------------------------------------------------------------------------


def label(text: str) -> str:
    cut = node(text)
    assert isinstance(cut, RegionCut | Subset)
    return getattr(cut, "label", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("f1[f1::box1]", "f1::box1"),
        ("f1['f1::box1']", "f1::box1"),
        ("f1[box1]", "f1::box1"),
        ("f1[::box1]", "f1::box1"),
        ("(f3+f1)[box1]", "f1::box1"),
        ("(f1+f3)[box1]", "f3::box1"),
        ("f3[f1::box1 && box2]", "f1::box1 && f1::box2"),
        ("f1[f1::odd]", "f1::odd"),
        ("f3[mask0]", "f3::mask0"),
        ("f1[box1 || box2 && odd]", "f1::box1 || f1::box2 && f1::odd"),
        ("f1[(box1 || box2) && odd]", "(f1::box1 || f1::box2) && f1::odd"),
        ("f1[box1 - (box2 - ell)]", "f1::box1 - (f1::box2 - f1::ell)"),
        ("f1[box1 - box2 - ell]", "f1::box1 - f1::box2 - f1::ell"),
        ("f1[!(box1 && box2)]", "!(f1::box1 && f1::box2)"),
        ("f1[!!box1]", "!!f1::box1"),
        ("f1[+box1]", "f1::box1"),
    ],
)
def test_regions_are_named_in_full(text: str, expected: str) -> None:
    assert label(text) == expected


def test_regions_of_the_last_image_follow_the_text() -> None:
    assert node("f1[box1] + f1[::box1]") is node("f1[f1::box1] + f1[f1::box1]")
    assert underlined(failure("f1[f3::low] + f1[::box9]", NameNotFoundError)) == "::box9"
    assert underlined(failure("f2[box1]", NameNotFoundError)) == "box1"


def test_an_image_goes_before_a_region_of_the_same_name() -> None:
    shelf = Shelf({**IMAGES, "box1": Stored(np.ones((2, 3, 4), bool))})
    assert "RegionCut" not in type(bind("f1[box1]", shelf)).__name__


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bool(f1::odd)", "bool(f1::odd)"),
        ("boolean(f1::odd)", "bool(f1::odd)"),
        ("f1[f1>0 || odd]", "f1[f1 > 0 || bool(f1::odd)]"),
        ("f1::odd != f1::ell", "bool(f1::odd) != bool(f1::ell)"),
        ("nelements(f1::ell)", "nelements(bool(f1::ell))"),
    ],
)
def test_regions_stand_for_truth_values_where_those_are_needed(text: str, expected: str) -> None:
    assert to_lel(node(text)) == expected


@pytest.mark.parametrize(
    ("text", "kind", "where"),
    [
        ("f1::box1", RegionError, "f1::box1"),
        ("f1::box1 && f1::odd", RegionError, "f1::box1 && f1::odd"),
        ("f1::box1[f1>0]", RegionError, "f1::box1[f1>0]"),
        ("5[f1::box1]", RegionError, "5[f1::box1]"),
        ("f1[f1::bother]", RegionError, "f1[f1::bother]"),
        ("f1[box1][box1]", RegionError, "f1[box1][box1]"),
        ("f1[!sl1]", RegionError, "!sl1"),
        ("f1[box1 && box3]", RegionError, None),
        ("f1::box1 + 1", LatticeTypeError, "f1::box1 + 1"),
        ("-f1::box1", LatticeTypeError, "-f1::box1"),
        ("sin(f1::box1)", LatticeTypeError, "sin(f1::box1)"),
        ("f1>0 && f1::box1", ShapeMismatchError, "f1>0 && f1::box1"),
        ("f1[" + "!" * 101 + "box1]", RegionError, "!" * 101 + "box1"),
        ("(index0 in [0])[f1::box1]", ShapeMismatchError, "(index0 in [0])[f1::box1]"),
    ],
)
def test_misused_regions(text: str, kind: type[LatticeError], where: str | None) -> None:
    error = failure(text, kind)
    assert where is None or underlined(error) == where


def test_the_text_of_a_region_can_be_bound_alone() -> None:
    region = bind_region("f1::box1 || f1::box2", Shelf(IMAGES))
    assert tuple(region.shape) == (2, 3, 4)
    with pytest.raises(RegionError):
        bind_region("f1 + 1", Shelf(IMAGES))


def test_regions_may_have_names_of_their_own() -> None:
    named = {"inner": bind_region("f1::box1", Shelf(IMAGES))}
    assert to_lel(node("f2[inner && !f1::odd]", named=named)) == "f2[inner && !f1::odd]"
    assert underlined(failure("f2[inner][box1]", NameNotFoundError, named=named)) == "box1"


def test_temporary_regions() -> None:
    box = bind_region("f1::box1", Shelf(IMAGES))
    assert to_lel(node("f1[$r1]", regions=(box,))) == "f1[$r1]"


# -- the way back ------------------------------------------------------------------------------

NAMES = st.sampled_from(
    ["f1", "f3", "d3", "c1", "p1", "s1", "f3:nomask", "'a-b'", r"'c\:d'", "fx", "$1", "q1"]
)
NUMBERS = st.sampled_from(["1", "2.5", "1e2", "3i", "1.5e0i", "T", "F", "16777216", "0.1", "1e-3", "1d20"])
CONDITIONS = st.sampled_from(["f1::box1", "::odd", "index0 in [1]", "indexnotin(1,[0:2,5])", "f1>0", "T"])
BINARY = ["+", "-", "*", "/", "%", "^", "==", "!=", "<", "<=", ">", ">=", "&&", "||"]
UNARY = [
    "-",
    "!",
    "+",
    "sin",
    "mean",
    "median",
    "sqrt",
    "value",
    "mask",
    "isnan",
    "abs",
    "nelements",
    "replace",
]


def grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.tuples(inner, st.sampled_from(BINARY), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        st.tuples(inner, st.sampled_from(BINARY), inner, st.sampled_from(BINARY), inner).map(" ".join),
        st.tuples(st.sampled_from(UNARY), inner).map(lambda t: f"{t[0]}({t[1]})"),
        st.tuples(inner, CONDITIONS).map(lambda t: f"({t[0]})[{t[1]}]"),
        st.tuples(inner, inner).map(lambda t: f"iif(f1>0, {t[0]}, {t[1]})"),
        st.tuples(inner, inner).map(lambda t: f"max({t[0]}, {t[1]})"),
        st.tuples(inner).map(lambda t: f"fractile({t[0]}, 0.25)"),
        st.tuples(inner, inner).map(lambda t: f"[mean({t[0]}), {t[1]}]"),
        inner.map(lambda t: f"rebin({t}, [2,1,1])"),
    )


@settings(max_examples=500, deadline=None)
@given(st.recursive(st.one_of(NAMES, NUMBERS), grow, max_leaves=8))
def test_printed_text_binds_to_the_same_node(text: str) -> None:
    options: Any = {"temporaries": (node("f1+1"),)}
    try:
        first = node(text, **options)
    except LatticeError as error:
        place = error.span
    else:
        assert node(to_lel(first), **options) is first
        return
    assert place is not None


def test_region_masks_print_and_bind() -> None:
    mask = node("bool(f1::odd)")
    assert isinstance(mask, RegionMask)
    assert node(to_lel(mask)) is mask
