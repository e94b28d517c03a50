"""Headers of cuts, strides, binning and permutations describe the same sky as the original."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeWarning
from tests.coords.headers import CUBE, HEADERS, SIN, TAN_SIP

LENGTH = 60


def system_of(cards: dict[str, object], n: int) -> CoordinateSystem:
    return CoordinateSystem.from_header([(k, v, "") for k, v in cards.items()], (LENGTH,) * n)


def wcs_of(cards, n: int, alternate: str = " ") -> WCS:
    header = fits.Header()
    header["NAXIS"] = n
    for i in range(n):
        header[f"NAXIS{i + 1}"] = LENGTH
    for key, value, *_ in cards:
        header[key] = value
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return WCS(header, key=alternate)


def world_by_type(wcs: WCS, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """World coordinates (in SI) by the kind of axis; pixels are (points, axes), in FITS order, from 0."""
    if pixels.shape[1] < wcs.naxis:
        extra = np.zeros((len(pixels), wcs.naxis - pixels.shape[1]))
        pixels = np.hstack([pixels, extra])
    world = wcs.all_pix2world(pixels, 0)
    return {f"{ctype[:4]}": world[:, i] for i, ctype in enumerate(wcs.wcs.ctype)}


def check(cards: dict[str, object], n: int, new: CoordinateSystem, mapping, alternate: str = " ") -> None:
    """`mapping` turns new pixels (numpy order) into old ones (numpy order, all axes)."""
    rng = np.random.default_rng(1)
    pixels = rng.uniform(0, 9, (8, len(new.axes)))
    with warnings.catch_warnings():
        warnings.simplefilter("error", LatticeWarning)
        new_cards = new.to_cards((10,) * len(new.axes))
    got = world_by_type(wcs_of(new_cards, len(new.axes), alternate), pixels[:, ::-1])
    old = np.array([mapping(p) for p in pixels])
    expected = world_by_type(wcs_of(list(cards.items()), n, alternate), old[:, ::-1])
    assert got.keys() <= expected.keys()
    for kind, values in got.items():
        scale = 1e-9 * np.abs(expected[kind]).max() + 1e-10
        np.testing.assert_allclose(values, expected[kind], rtol=1e-11, atol=scale, err_msg=kind)


@pytest.mark.parametrize("name", HEADERS)
def test_unchanged_header_is_identical(name):
    cards, n = HEADERS[name]
    system = system_of(cards, n)
    assert {k: v for k, v, _ in system.to_cards()} == cards
    assert pickle.loads(pickle.dumps(system)) == system
    assert hash(pickle.loads(pickle.dumps(system))) == hash(system)


steps = st.integers(-4, 4).filter(bool)


@pytest.mark.parametrize("name", HEADERS)
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_cut_bin_permute_chains(name, data):
    cards, n = HEADERS[name]
    system = system_of(cards, n)
    mapping = [lambda p: p]

    def then(inner):
        outer = mapping[0]
        mapping[0] = lambda p: outer(inner(p))

    for _ in range(data.draw(st.integers(1, 3))):
        ndim = len(system.axes)
        if data.draw(st.booleans()):
            starts = [data.draw(st.integers(0, 20)) for _ in range(ndim)]
            jumps = [data.draw(steps) for _ in range(ndim)]
            system = system.subset([slice(a, None, b) for a, b in zip(starts, jumps, strict=True)])
            then(lambda p, a=starts, b=jumps: np.array(a) + np.array(b) * p)
        else:
            factors = [data.draw(st.integers(1, 4)) for _ in range(ndim)]
            system = system.rebin(factors)
            then(lambda p, k=tuple(factors): (p + 0.5) * np.array(k) - 0.5)
        # SIP needs the sky to stay the first two axes; swapping these is fine.
        order = data.draw(st.permutations(range(ndim)))
        system = system.select(order)
        then(lambda p, o=order: np.array([p[list(o).index(i)] for i in range(len(o))]))
    check(cards, n, system, mapping[0])
    if name == "alternate":
        check(cards, n, system, mapping[0], "A")


@pytest.mark.parametrize("name", HEADERS)
def test_every_axis_can_be_dropped(name):
    cards, n = HEADERS[name]
    for axis in range(n):
        items: list[slice | int] = [slice(3, 30, 2)] * n
        items[axis] = 5
        new = system_of(cards, n).subset(items)

        def mapping(p, axis=axis):
            return np.insert(3 + 2 * p, axis, 5)

        check(cards, n, new, mapping)


def test_degenerate_axes_go_with_their_cards():
    plane = system_of(CUBE, 4).subset([2, 0, slice(0, 60, 1), slice(0, 60, 1)])
    keys = {key for key, _, _ in plane.to_cards()}
    assert not any(key.endswith(("3", "4")) for key in keys)
    assert {k: v for k, v, _ in plane.to_cards()}["WCSAXES"] == 2
    assert plane.dims == ("y", "x")


def test_a_row_of_the_sky_keeps_both_sky_axes():
    row = system_of(SIN, 2).subset([12, slice(0, 60, 1)])
    cards = {k: v for k, v, _ in row.to_cards((60,))}
    assert cards["WCSAXES"] == 2
    assert next(iter(cards)) == "WCSAXES"


def test_sip_that_cannot_stay_is_reported():
    cards = {**TAN_SIP, "CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6, "CRPIX3": 1.0}
    system = system_of(cards, 3).select([1, 0, 2])
    with pytest.warns(LatticeWarning, match="SIP"):
        new = {k: v for k, v, _ in system.to_cards()}
    assert not any(k.startswith(("A_", "B_", "AP_", "BP_")) for k in new)
    assert new["CTYPE1"] == "RA---TAN"


def test_distortion_tables_are_reported():
    system = system_of({**SIN, "CPDIS1": "LOOKUP", "DP1": "EXTVER: 1"}, 2)
    with pytest.warns(LatticeWarning, match="distortion"):
        new = {k: v for k, v, _ in system.to_cards()}
    assert "CPDIS1" not in new
    assert "DP1" not in new


def test_iraf_physical_coordinates_follow():
    cards = {**SIN, "LTV1": -10.0, "LTM1_1": 1.0, "LTV2": 0.0, "LTM2_2": 0.5}
    new = system_of(cards, 2).subset([slice(4, None, 1), slice(6, None, 2)]).to_cards()
    found = {k: v for k, v, _ in new}
    # physical = (image - LTV) / LTM; image pixel q (from 1) of the new is 6 + 2 (q - 1) + 1 of the old.
    for q in (1, 5):
        assert (q - found["LTV1"]) / found["LTM1_1"] == pytest.approx((6 + 2 * (q - 1) + 1 + 10) / 1.0)
        assert (q - found["LTV2"]) / found["LTM2_2"] == pytest.approx((4 + q) / 0.5)


def test_old_style_matrix_and_missing_cards():
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CDELT1": -0.1,
             "CDELT2": 0.1, "CRPIX1": 3.0, "CRPIX2": 4.0, "PC001001": 0.6, "PC001002": -0.8, "PC002001": 0.8,
             "PC002002": 0.6}  # fmt: skip
    modern = {k: v for k, v in cards.items() if not k.startswith("PC")}
    modern |= {"PC1_1": 0.6, "PC1_2": -0.8, "PC2_1": 0.8, "PC2_2": 0.6}
    new = system_of(cards, 2).subset([slice(2, None, 3), slice(1, None, 1)])
    check(modern, 2, new, lambda p: np.array([2 + 3 * p[0], 1 + p[1]]))
