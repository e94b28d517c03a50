"""The measures tool beside CASA's, and its frames."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.compat.casa import measures
from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.casa.observatories import from_geodetic, rectangular, spherical, to_geodetic
from tests import casa_cs_found

NOT_SERVED = [
    *("asbaseline", "cometangdiam", "cometdist", "cometname", "comettopo", "comettype", "earthmagnetic"),
    *("expand", "framecomet", "rise", "riseset", "source", "sourcelist", "touvw"),
]


@pytest.mark.parametrize("name", casa_cs_found.calls("measures"))
def test_call(name: str, tmp_path: Path) -> None:
    casa_cs_found.check(name, tmp_path)


@pytest.mark.parametrize("name", casa_cs_found.SIGNATURES["measures"])
def test_parameters_are_those_of_casa(name: str) -> None:
    assert hasattr(measures, name) == (name not in NOT_SERVED)
    if name not in NOT_SERVED:
        casa_cs_found.check_parameters("measures", name)


def framed() -> measures:
    me = measures()
    me.doframe(me.observatory("ATCA"))
    me.doframe(me.epoch("UTC", "2001/3/4/05:06:07"))
    me.doframe(me.direction("J2000", "10h20m30s", "-40d10m00s"))
    return me


@pytest.mark.parametrize(
    "frame", ["GALACTIC", "B1950", "ECLIPTIC", "JMEAN", "JTRUE", "APP", "HADEC", "AZEL", "AZELGEO"]
)
def test_directions_come_back(frame: str) -> None:
    me = framed()
    start = me.direction("J2000", "23h10m", "-12deg")
    back = me.measure(me.measure(start, frame), "J2000")
    assert me.separation(start, back)["value"] < 1e-6


@pytest.mark.parametrize("frame", ["LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB"])
def test_frequencies_and_velocities_agree(frame: str) -> None:
    me = framed()
    rest = "1.42GHz"
    frequency = me.frequency("LSRK", "1.40GHz")
    velocity = me.toradialvelocity("LSRK", me.todoppler("BETA", frequency, rest))
    there = me.todoppler("BETA", me.measure(frequency, frame), rest)
    np.testing.assert_allclose(
        me.measure(velocity, frame)["m0"]["value"], there["m0"]["value"], rtol=1e-12, atol=1e-6
    )
    back = me.measure(me.measure(frequency, frame), "LSRK")
    np.testing.assert_allclose(back["m0"]["value"], 1.4e9, rtol=1e-14)


@given(st.floats(-3.1, 3.1), st.floats(-1.57, 1.57), st.floats(-5e3, 1e6))
def test_places_come_back(lon: float, lat: float, height: float) -> None:
    found = to_geodetic(*rectangular(*spherical(*from_geodetic(lon, lat, height))))
    np.testing.assert_allclose(found, (lon, lat, height), rtol=1e-9, atol=1e-5)


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(1e-3, 3.1), st.floats(-3.1, 3.1))
def test_a_shift_is_as_far_as_it_says(lon: float, lat: float, away: float, angle: float) -> None:
    me = measures()
    start = me.direction("J2000", f"{lon!r}rad", f"{lat!r}rad")
    end = me.shift(start, f"{away!r}rad", f"{angle!r}rad")
    np.testing.assert_allclose(math.radians(me.separation(start, end)["value"]), away, atol=1e-9)
    turn = math.radians(me.posangle(start, end)["value"]) - angle
    np.testing.assert_allclose(math.cos(turn), 1.0, atol=1e-9)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda me: me.measure(me.frequency("LSRK", "1GHz"), "BARY"), "needs a direction"),
        (lambda me: me.measure(me.direction("J2000", "1rad", "0rad"), "APP"), "needs an epoch"),
        (lambda me: me.measure(me.epoch("UTC", "2001/1/1"), "LAST"), "needs a position"),
        (lambda me: me.measure(me.direction("J2000", "1rad", "0rad"), "MARS"), "not converted"),
        (lambda me: me.direction("J2000", "1rad", "2rad"), "beyond a pole"),
        (lambda me: me.position("ITRF", "1m"), "three values"),
        (lambda me: me.todoppler("RADIO", me.frequency("LSRK", "1GHz")), "rest frequency"),
        (lambda me: me.todoppler("RADIO", me.frequency("LSRK", "1GHz"), "0Hz"), "not 0 Hz"),
        (lambda me: me.separation(me.epoch("UTC", "2001/1/1"), me.direction()), "in place of"),
        (lambda me: me.epoch("UTC", "2001/1/1", off=me.epoch("UTC", "1d")), "no offsets"),
        (lambda me: me.doframe(me.frequency("LSRK", "1GHz")), "no part of a frame"),
        (lambda me: me.getvalue({"a": 1}), "no measure"),
    ],
)
def test_mistakes_are_told(call: object, match: str) -> None:
    with pytest.raises(CasaError, match=match):
        call(measures())  # type: ignore[operator]


def test_what_is_no_record_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no measure"):
        measures().doframe(3)
