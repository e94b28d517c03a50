"""The two rules for units of results."""

from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeWarning, UnitMismatchError

VALUES = np.arange(1, 13, dtype="f4").reshape(3, 4)


def image(unit: str = "", name: str = "a", values: np.ndarray = VALUES) -> Image:
    return Image(values, unit=unit, name=name)


A, B = image("Jy/beam"), image("Jy/beam", "b", VALUES[::-1].copy())
MILLI, K, PLAIN, FOO = image("mJy/beam", "m"), image("K", "k"), image("", "p"), image("foo", "f")

UNITS: list[tuple[str, Callable[[], Image], str]] = [
    ("sum", lambda: A + B, "Jy/beam"),
    ("sum with a number", lambda: 1 + A, "Jy/beam"),
    ("sum with what has no unit", lambda: PLAIN - A, "Jy/beam"),
    ("sum of the same in other words", lambda: A + image("Jy beam-1"), "Jy/beam"),
    ("sum with capitals", lambda: A + image("JY/BEAM"), "Jy/beam"),
    ("sum of unknown units", lambda: FOO + image("foo"), "foo"),
    ("remainder", lambda: A % B, "Jy/beam"),
    ("product", lambda: A * K, "Jy K beam-1"),
    ("product with a number", lambda: 2 * A, "Jy/beam"),
    ("product of unknown units", lambda: FOO * image("bar"), "foo bar"),
    ("quotient", lambda: A / B, ""),
    ("quotient of scaled units", lambda: A / MILLI, "Jy mJy-1"),
    ("quotient of unknown units", lambda: FOO / image("foo"), ""),
    ("quotient of two unknown units", lambda: FOO / image("s"), "foo / s"),
    ("quotient by a number", lambda: A / 2, "Jy/beam"),
    ("reciprocal", lambda: 1 / K, "K-1"),
    ("reciprocal of what is unknown", lambda: 1 / FOO, "foo**-1"),
    ("product of a moment", lambda: image("Jy/beam.km/s") * K, "Jy K km beam-1 s-1"),
    ("square", lambda: A**2, "Jy2 beam-2"),
    ("square of what is unknown", lambda: FOO**2, "foo**2"),
    ("no power", lambda: K**0, ""),
    ("power", lambda: 2**PLAIN, ""),
    ("root", lambda: np.sqrt(K * K), "K"),
    ("half a power", lambda: (K * K) ** 0.5, "K"),
    ("modulus", lambda: abs(-A), "Jy/beam"),
    ("maximum", lambda: np.maximum(A, B), "Jy/beam"),
    ("choice", lambda: np.where(A > 0, A, 0), "Jy/beam"),
    ("choice the other way", lambda: np.where(A > 0, 0, A), "Jy/beam"),
    ("comparison", lambda: A > B, ""),
    ("comparison with a number", lambda: A > 3, ""),
    ("hypot", lambda: np.hypot(A, B), "Jy/beam"),
    ("angle", lambda: np.arctan2(A, B), ""),
    ("sine of an angle", lambda: np.sin(image("rad")), ""),
    ("logarithm of a ratio", lambda: np.log(A / B), ""),
    ("floor", lambda: np.floor(A), "Jy/beam"),
    ("condition", lambda: A[A > 2], "Jy/beam"),
    ("cut", lambda: A[1:], "Jy/beam"),
    ("mean", lambda: A.mean(), "Jy/beam"),
    ("mean along an axis", lambda: A.mean("x"), "Jy/beam"),
    ("median", lambda: A.median(), "Jy/beam"),
    ("stddev", lambda: A.stddev(), "Jy/beam"),
    ("variance", lambda: K.variance(), "K2"),
    ("variance along an axis", lambda: K.var("x"), "K2"),
    ("count", lambda: A.count(), ""),
    ("count along an axis", lambda: A.count("x"), ""),
    ("float", lambda: A.double(), "Jy/beam"),
]


@pytest.mark.parametrize(("make", "unit"), [u[1:] for u in UNITS], ids=[u[0] for u in UNITS])
def test_units_of_python_results(make: Callable[[], Image], unit: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make().unit == unit


REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: A + MILLI,
        r"'\+' needs operands of one unit.*\nconvert one of them first, as in b.to\('Jy/beam'\)",
    ),
    (lambda: A - K, "units of different things"),
    (lambda: A > MILLI, "'>' needs operands of one unit"),
    (lambda: A == K, "units of different things"),
    (lambda: np.minimum(A, K), r"min\(\) needs operands of one unit"),
    (lambda: np.where(A > 0, A, K), r"iif\(\) needs operands"),
    (lambda: A**B, "exponent of a power is a pure number"),
    (lambda: A**PLAIN, "needs a constant as exponent"),
]


def test_functions_of_pure_numbers_take_the_number_and_lose_the_unit() -> None:
    for made in (np.exp(A), np.log10(A), np.sin(A), np.arctan2(A, A)):
        assert made.unit == ""
    assert np.sqrt(A * A).unit == "Jy beam-1"


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_does_not_fit_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(UnitMismatchError, match=message):
        make()
    with lattice.set_options(units="lel"):
        assert isinstance(make(), Image)


@pytest.mark.parametrize(
    "make",
    [
        lambda: A + FOO,
        lambda: image("a b?") * FOO,
        lambda: A / image("#"),
        lambda: np.sqrt(FOO),
        lambda: FOO > A,
    ],
)
def test_what_would_be_a_guess_is_dropped(make: Callable[[], Image]) -> None:
    with pytest.warns(LatticeWarning) as caught:
        assert make().unit == ""
    assert [w.filename for w in caught] == [__file__]


def test_text_has_the_unit_of_the_first_operand() -> None:
    names = {"a": A, "m": MILLI, "k": K, "p": PLAIN}
    for text, unit in (
        ("a + m", "Jy/beam"),
        ("m + a", "mJy/beam"),
        ("a * k", "Jy/beam"),
        ("p + a", ""),
        ("a > k", ""),
        ("exp(a)", ""),
        ("variance(k)", ""),
    ):
        assert lattice.expr(text, images=names).unit == unit
    with lattice.set_options(units="check"):
        assert lattice.expr("a * k", images=names).unit == "Jy K beam-1"
        with pytest.raises(UnitMismatchError, match=r"'\+' needs operands of one unit.*\n.*a \+ m") as caught:
            lattice.expr("a + m", images=names)
        assert caught.value.span is not None


@pytest.mark.parametrize(
    "text", ["a + b", "a - 2 * b", "max(a, b)", "mean(a) + b", "a[a > b]", "a > 1", "-a"]
)
def test_text_and_operators_are_the_same_nodes(text: str) -> None:
    for a, b in ((A, B), (A.with_unit(""), B.with_unit("")), (FOO, image("foo", "b"))):
        python = eval(text, {"a": a, "b": b, "max": np.maximum, "mean": lambda x: x.mean()})
        assert python.same_as(lattice.expr(text, a=a, b=b))


@pytest.mark.parametrize("rule", ["lel", "check"])
def test_one_rule_for_both_gives_the_same_nodes(rule: str) -> None:
    with lattice.set_options(units=rule):
        for python, text in (
            (A * B, "a * b"),
            (2 / A, "2 / a"),
            (A**2, "a^2"),
            (A.variance(), "variance(a)"),
        ):
            assert python.same_as(lattice.expr(text, a=A, b=B))


def test_astropy_is_not_asked_about_equal_units() -> None:
    code = """
import sys, numpy as np
from lattice import Image
a = Image(np.ones((2, 3)), unit="Jy/beam", beam=(0.1, 0.1, 0))
(a + a) / a > 2, np.maximum(a, 3), a.mean(), 2 * a, a[a > 1], a[1:].with_unit("K")
print("astropy" in sys.modules)
a * a
print("astropy" in sys.modules)
"""
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert found.stdout.split() == ["False", "True"]


def test_the_option_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(lattice.LatticeRangeError, match="units: 'chek' is not 'auto', 'lel' or 'check'"):
        lattice.set_options(units="chek")
    monkeypatch.setenv("LATTICE_UNITS", "LEL")
    assert lattice.get_options().units == "lel"
    assert (A + K).unit == "Jy/beam"
