"""The coordsys tool beside CASA's, and what it promises beyond."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.compat.casa import coordsys
from lattice.compat.casa.coordsys_places import offset_by, offsets
from lattice.compat.casa.errors import CasaError
from tests import casa_cs_calls, casa_cs_found


@pytest.mark.parametrize("name", casa_cs_found.calls(*casa_cs_calls.SYSTEMS))
@pytest.mark.filterwarnings("ignore::lattice.errors.LatticeWarning")
def test_call(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    casa_cs_found.check(name, tmp_path)


@pytest.mark.parametrize("name", casa_cs_found.SIGNATURES["coordsys"])
def test_parameters_are_those_of_casa(name: str) -> None:
    casa_cs_found.check_parameters("coordsys", name)


def system() -> coordsys:
    return coordsys().newcoordsys(direction=True, spectral=True, stokes="I Q U V", linear=1, tabular=True)


def test_many_places_are_those_of_one_at_a_time() -> None:
    cs = system()
    pixels = np.array([[1.0, -3.0], [2.0, 40.0], [0.0, 3.0], [5.0, 6.5], [-1.0, 0.5], [2.0, 3.0]])
    many = cs.toworldmany(pixels)["numeric"]
    for k in range(2):
        np.testing.assert_array_equal(cs.toworld(pixels[:, k])["numeric"], many[:, k])
    np.testing.assert_allclose(cs.topixelmany(many)["numeric"], pixels, rtol=1e-9, atol=1e-9)


def test_relative_places_come_back() -> None:
    cs = system()
    world = cs.toworld([3, 4, 1, 2, 3, 4])
    back = cs.toabs(cs.torel(world))
    np.testing.assert_allclose(cs.topixel(back)["numeric"], [3, 4, 1, 2, 3, 4], atol=1e-8)
    assert cs.toabs(cs.torel(cs.topixel(world)))["numeric"].tolist() == cs.topixel(world)["numeric"].tolist()


@given(st.floats(-3.1, 3.1), st.floats(-1.5, 1.5), st.floats(-3.1, 3.1), st.floats(-1.5, 1.5))
def test_offsets_lead_to_where_they_come_from(lon: float, lat: float, lon0: float, lat0: float) -> None:
    along, above = offsets(np.array([lon]), np.array([lat]), lon0, lat0)
    back = offset_by(along, above, lon0, lat0)
    x, y, z = (np.cos(back[1]) * np.cos(back[0]), np.cos(back[1]) * np.sin(back[0]), np.sin(back[1]))
    wanted = [np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)]
    np.testing.assert_allclose([x[0], y[0], z[0]], wanted, atol=1e-7)


def test_converting_there_and_back() -> None:
    cs = system()
    units = ["arcmin", "arcmin", "pix", "km/s", "m", "km"]
    there = cs.convert([3, 4, 1, 2, 5, 6], unitsin=["pix"], unitsout=units, dopplerout="optical")
    back = cs.convert(there, unitsin=units, unitsout=["pix"], dopplerin="optical")
    np.testing.assert_allclose(back, [3, 4, 1, 2, 5, 6], atol=1e-7)


def test_one_coordinate_of_the_sky_known_by_its_pixel() -> None:
    cs = system()
    cs.setreferencevalue(["30deg", "40deg"], "direction")
    native = ["Native"] * 6
    whole = cs.convert([12, 30, 0, 0, 0, 0], unitsin=["pix"], unitsout=native)
    mixed = cs.convert(
        [12, whole[1], 0, 0, 0, 0], unitsin=["pix", "Native", "pix", "pix", "pix", "pix"], unitsout=["pix"]
    )
    np.testing.assert_allclose(mixed, [12, 30, 0, 0, 0, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda cs: cs.toworld([0, 0, 9, 0, 0, 0]), "outside of the axis"),
        (lambda cs: cs.toworld([1e9, 0]), "outside of the projection"),
        (lambda cs: cs.topixel("nonsense"), "no quantity"),
        (lambda cs: cs.topixelmany(np.zeros((2, 3))), "matrix of 6 rows"),
        (lambda cs: cs.torel([1, 2]), "isworld"),
        (lambda cs: cs.setunits("Jy", "spectral"), "not converted"),
        (lambda cs: cs.setunits("Hz Hz", "spectral"), "2 units for 1 axes"),
        (lambda cs: cs.setlineartransform("linear", [[0.0]]), "singular"),
        (lambda cs: cs.settabular([0, 1, 2], [1, 3, 2]), "rise or fall"),
        (lambda cs: cs.setepoch(me_direction()), "epoch measure"),
        (lambda cs: cs.setreferencecode("NOWHERE"), "no direction frame"),
        (lambda cs: cs.frequencytofrequency([1.0], velocity="1e9km/s"), "as fast as light"),
        (lambda cs: cs.setconversiontype(direction="AZEL"), "not converted"),
        (lambda cs: (cs.settelescope("nowhere"), cs.setconversiontype(spectral="TOPO")), "is not known"),
        (lambda cs: cs.transpose([0, 1]), "each of 6 axes once"),
        (lambda cs: cs.newcoordsys(stokes="Z"), "no Stokes parameter"),
        (lambda cs: coordsys().toworld([0]), "no coordinates"),
    ],
)
def test_mistakes_are_told(call: object, match: str) -> None:
    with pytest.raises(CasaError, match=match):
        call(system())  # type: ignore[operator]


def me_direction() -> dict[str, object]:
    from lattice.compat.casa import measures

    return measures().direction("J2000", "1rad", "0rad")
