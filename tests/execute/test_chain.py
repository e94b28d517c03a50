"""Loops of numpy between compiled loops: the bits of numpy's calls, however the pixels are cut."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.execute import chain, drive, fused
from tests.execute.test_random_trees import SETTINGS

pytest.importorskip("llvmlite")

SHAPE = (3, 37, 211)
ONE = ("sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "exp", "log", "log10", "sign")
TWO = (
    "fmod({0},{1})",
    "atan2({0},{1})",
    "{0}^{1}",
    "{0}^0.5",
    "{0}^3",
    "2^{0}",
    "fmod({0},0.7)",
    "atan2(1,{0})",
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Cubes with bad pixels and numbers of every size: a, b in single precision, d, e in double."""
    path = tmp_path_factory.mktemp("cubes")
    rng = np.random.default_rng(11)
    for name, kind in (("a", ">f4"), ("b", ">f4"), ("d", ">f8"), ("e", ">f8")):
        values = rng.normal(0.5, 1.0, SHAPE)
        values[2] *= 10.0 ** rng.uniform(-30, 30, SHAPE[1:])
        values[rng.random(SHAPE) < 0.01] = np.nan
        values[rng.random(SHAPE) < 0.01] = np.inf
        values[1, :20] = np.nan
        fits.writeto(path / f"{name}.fits", values.astype(kind))
    return path


def saved(folder: Path, text: str, **options: Any) -> bytes:
    out = folder / "out.fits"
    with lattice.set_options(**options):
        names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "abde"}
        lattice.expr(text, **names).save(str(out), overwrite=True)
    return out.read_bytes()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Pixels that were done by turns, piece by piece."""
    found: list[int] = []
    run = drive.Drive.run

    def counted(self: Any, at: int, stop: int, first: int = 0) -> int:
        found.append(stop - at)
        return run(self, at, stop, first)

    monkeypatch.setattr(drive.Drive, "run", counted)
    return found


@pytest.mark.parametrize("pair", ["ab", "de"])
@pytest.mark.parametrize("text", [*(f"{name}({{0}})" for name in ONE), *TWO])
def test_every_function_has_the_same_bytes(folder: Path, turns: list[int], text: str, pair: str) -> None:
    text = f"1.5*{text.format(*pair)}-{pair[1]}"
    plain = saved(folder, text, jit=False)
    assert not turns
    assert saved(folder, text, jit=True) == plain
    by_turns = sum(turns)
    assert saved(folder, text, jit=True, block=1500, workers=3) == plain
    # of a sign of doubles, which is single, numpy has no loop
    assert by_turns == (0 if text.startswith("1.5*sign(d)") else np.prod(SHAPE))


NESTED = (
    "2*sin(a)+b*b",
    "sin(cos(a)+b)*tan(a)",
    "exp(sin(a))+log(abs(a))+sin(a)",
    "(sin(a)*b)[cos(a)>0]",
    "sin(a+d)-cos(b)",
    "sin(a)>cos(b)",
    "sqrt(sin(a)^2+exp(e)^b)",
    "atan2(sin(a),2)/pa(a,b)",
    "iif(sin(a)>0,exp(b),a)",
)


@pytest.mark.parametrize("text", NESTED)
def test_files_do_not_depend_on_who_calls_the_loops(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    plain = saved(folder, text, jit=False)
    assert saved(folder, text, jit=True, workers=2) == plain
    monkeypatch.setattr(chain, "numpy_loop", lambda *_a: None)
    assert saved(folder, text, jit=True, workers=2) == plain


@settings(SETTINGS, max_examples=25)
@given(
    st.sampled_from(NESTED),
    st.integers(300, 9000),
    st.integers(1, 3),
    st.integers(4, 11),
    st.sampled_from("ad"),
)
def test_cuts_change_no_bit(folder: Path, text: str, block: int, workers: int, short: int, name: str) -> None:
    text = re.sub(r"\ba\b", name, text)
    plain = saved(folder, text, jit=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drive, "_SHORTEST", 1 << short)
        patch.setattr(drive, "_CACHE", 64)
        assert saved(folder, text, jit=True, block=block, workers=workers) == plain


@pytest.mark.parametrize("name", ["sum", "mean", "stddev", "median", "min", "max", "nelements", "avdev"])
@pytest.mark.parametrize("x", ["sin(a)", "exp(a)[cos(b)>0]", "sin(a)+d^e"])
def test_reductions_run_by_turns_with_the_same_bits(
    folder: Path, turns: list[int], name: str, x: str
) -> None:
    found = []
    for options in ({"jit": False}, {"jit": True}, {"jit": True, "workers": 3, "block": 1000}):
        with lattice.set_options(**options):
            names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "abde"}
            found.append(repr(lattice.expr(f"{name}({x})", **names).compute()))
        assert bool(turns) == (options["jit"] is True)
    assert len(set(found)) == 1


def test_masks_beside_pixels_stay_what_they_are(folder: Path) -> None:
    rng = np.random.default_rng(5)
    values, mask = rng.normal(size=SHAPE).astype(np.float32), rng.random(SHAPE) < 0.7
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit, block=2000):
            made = lattice.Image(values, mask=mask)
            result = lattice.expr("sin(a)[exp(a)>1]", a=made).compute()
            good = np.asarray(result.mask)
            found.append((np.asarray(result.values)[good].tobytes(), good.tobytes()))
    assert found[0] == found[1]


def test_a_single_pixel_has_the_power_that_it_has_among_others() -> None:
    a = lattice.Image(np.array([[3.7]], np.float32))
    b = lattice.Image(np.array([[0.5]], np.float32))
    many = lattice.Image(np.full((1, 40), 3.7, np.float32)), lattice.Image(np.full((1, 40), 0.5, np.float32))
    found = []
    for jit in (False, True):
        with lattice.set_options(jit=jit):
            pairs = [lattice.expr("a^b", a=x, b=y).compute() for x, y in ((a, b), many)]
        found += [float(p.values[0, 0]) for p in pairs]
    assert len(set(found)) == 1


def test_chains_give_what_their_loops_give() -> None:
    values = np.linspace(-3, 3, 50)
    first, second = np.zeros(50), np.zeros(50)
    made = chain.Chain()
    for ufunc, operands in ((np.sin, [values, first]), (np.power, [first, np.full(1, 2.0), second])):
        found = chain.numpy_loop(ufunc, ("float64",) * ufunc.nargs)
        assert found is not None
        made.step(found, operands)
    assert len(made) == 2
    made.run(33)
    np.testing.assert_array_equal(second[:33], np.sin(values[:33]) ** 2)
    assert not second[33:].any()
    chain.Chain().run(10)  # of nothing: does nothing
    assert fused.Chain is chain.Chain
