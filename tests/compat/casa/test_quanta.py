"""The quanta tool beside CASA's, and its units."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.compat.casa import quanta, units
from lattice.compat.casa.errors import CasaError
from tests import casa_cs_found


@pytest.fixture(autouse=True)
def own_units() -> Iterator[None]:
    kept = dict(units._own)
    yield
    units._own.clear()
    units._own.update(kept)


@pytest.mark.parametrize("name", casa_cs_found.calls("quanta"))
def test_call(name: str, tmp_path: Path) -> None:
    casa_cs_found.check(name, tmp_path)


@pytest.mark.parametrize("name", casa_cs_found.SIGNATURES["quanta"])
def test_parameters_are_those_of_casa(name: str) -> None:
    casa_cs_found.check_parameters("quanta", name)


@given(st.floats(-1e6, 1e6), st.sampled_from(["arcsec", "deg", "rad", "h", "min", "d"]))
def test_angles_and_times_come_back(value: float, unit: str) -> None:
    qa = quanta()
    for there in ("rad", "d", "arcmin"):
        back = qa.convert(qa.convert(qa.quantity(value, unit), there), unit)
        assert back["unit"] == unit
        np.testing.assert_allclose(back["value"], value, rtol=1e-12, atol=1e-12)


@given(st.floats(0, 80000), st.integers(6, 9))
def test_dates_come_back_from_their_texts(days: float, prec: int) -> None:
    qa = quanta()
    (text,) = qa.time(qa.quantity(days, "d"), prec=prec, form=["ymd"])
    assert abs(qa.quantity(text)["value"] - days) <= 0.51 / 86400 / 10 ** (prec - 6) + 1e-10


@pytest.mark.parametrize(
    ("unit", "other"),
    [
        ("km.s-1", "km/s"), ("m/(s)", "m/s"), ("(km/s)2", "km2/s2"), ("km/s/(Mpc)", "km.s-1.Mpc-1"),
        ("Jy/beam.km/s", "Jy.km/s/beam"),
        ("AU3/d2/S0", "AU3/(d2.S0)"), ("m/", "m"), ("'", "arcmin"), ('"2', "arcsec2"),
    ],
)  # fmt: skip
def test_spellings_of_one_unit(unit: str, other: str) -> None:
    assert units.unit_of(unit) == units.unit_of(other)


@pytest.mark.parametrize(
    "unit", ["nonsense", "(m", "m)", "2", "m 2 3", "m-", "(" * 50 + "m" + ")" * 50, "m999"]
)
def test_what_is_no_unit(unit: str) -> None:
    with pytest.raises(CasaError, match="unit"):
        units.unit_of(unit)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda qa: qa.quantity("3nonsense"), "no unit"),
        (lambda qa: qa.quantity("2010/13/1"), "no date"),
        (lambda qa: qa.convert("1m", "s"), "not converted"),
        (lambda qa: qa.div("1m", "0s"), "divided by 0"),
        (lambda qa: qa.pow("0m", -1), "divided by 0"),
        (lambda qa: qa.sqrt("-4m2"), "no root"),
        (lambda qa: qa.asin(2.0), "outside"),
        (lambda qa: qa.log(-1.0), "outside"),
        (lambda qa: qa.exp(1e9), "outside"),
        (lambda qa: qa.sin("1m"), "not converted"),
        (lambda qa: qa.time("1h", form="nonsense"), "no form"),
        (lambda qa: qa.time("1e30d", form="ymd"), "no date"),
        (lambda qa: qa.define("9x", "3m"), "name of a unit"),
        (lambda qa: qa.map("nothing"), "no list"),
    ],
)
def test_mistakes_are_told(call: object, match: str) -> None:
    with pytest.raises(CasaError, match=match):
        call(quanta())  # type: ignore[operator]
