"""Collapses and moments as CASA has them (tests/data/make_casa_reductions.py)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError, LatticeWarning
from lattice.ops.moments import coordinates_along
from tests.ops.casa_reductions import array, calls, dims_of, failures, image, name_of


def compare(found: Image, answer: dict[str, Any], **tolerance: float) -> None:
    theirs, good = array(answer["values"]), array(answer["mask"])
    ours = found.to_masked_array()
    np.testing.assert_array_equal(~np.ma.getmaskarray(ours), good.reshape(ours.shape))
    np.testing.assert_allclose(ours.filled(0), np.where(good, theirs, 0).reshape(ours.shape), **tolerance)


@pytest.mark.parametrize("call", calls("collapse"), ids=name_of)
def test_collapses_are_those_of_casa(call: dict[str, Any]) -> None:
    a, answer = image(call["image"]), call["answer"]
    with warnings.catch_warnings():
        # CASA keeps the beam of the first plane, which is not that of the others
        warnings.simplefilter("ignore", LatticeWarning)
        if call["function"] == "sqrtsum_npix_beam" and len(a.beams) != 1:
            pytest.skip("CASA divides by nothing where there is no beam, or one per plane")
        found = a.collapse(
            call["function"], dims_of(call["image"], call["axes"]), keepdims=True, units="casa"
        )
    compare(found, answer, rtol=2e-6, atol=1e-6)
    assert found.unit == answer["unit"]


def test_what_casa_refuses_is_refused() -> None:
    refused = failures("collapse")
    assert len(refused) > 5
    for call in refused:
        with pytest.raises(LatticeError, match="a flux density"):
            image(call["image"]).collapse(call["function"], dims_of(call["image"], call["axes"]))


def moment_of(call: dict[str, Any], **options: Any) -> Image:
    # CASA smooths planes of different beams to a common one first; these images have none
    a, (number,) = image(call["image"], with_beams=False), call["moments"]
    (axis,) = dims_of(call["image"], [call["axis"]])
    convention = {"RADIO": "radio", "OPTICAL": "optical", "TRUE": "relativistic"}[call["doppler"]]
    ranges = {k[:-3]: call[k] for k in ("includepix", "excludepix") if k in call}
    return a.moment(number, axis, **({"convention": convention} | ranges | options))


def coordinates_of(call: dict[str, Any]) -> tuple[float, float]:
    """Return the largest coordinate along the axis, and the increment where CASA takes it twice, else 1."""
    a = image(call["image"])
    (axis,) = dims_of(call["image"], [call["axis"]])
    v, increment, unit = coordinates_along(a.node, axis)
    return float(np.abs(v).max()), 1.0 if unit == "km/s" else increment


@pytest.mark.parametrize("call", calls("moments"), ids=name_of)
def test_moments_are_those_of_casa(call: dict[str, Any]) -> None:
    answer, (number,) = dict(call["answer"]), call["moments"]
    found = moment_of(call)
    largest, twice = coordinates_of(call)
    angle = "deg" in found.unit
    scale = np.radians(1) if angle else 1.0  # CASA has radians
    if number == 0:
        # CASA multiplies by an increment that is not in km/s once too often
        compare(found * (twice * scale**2 if twice != 1 else 1.0), answer, rtol=3e-6, atol=1e-6)
    elif number == 2:
        # CASA squares a centroid in single precision, which is felt where the spread is small
        square = array(answer["values"]) ** 2
        rounding = 2.5e-7 * (largest * scale) ** 2
        compare((found * scale) ** 2, answer | {"values": plain(square)}, rtol=3e-6, atol=rounding)
    elif number == 4 and call["includepix"][0] < 0:
        # CASA searches the running sums as if they rose: of negative ones it finds the first pixel mostly
        assert not np.allclose(found.filled(0).ravel(), np.ravel(answer["values"]["values"]), rtol=1e-4)
        (axis,) = dims_of(call["image"], [call["axis"]])
        mirrored = (-image(call["image"], with_beams=False)).moment(4, axis, include=(0, 10.0))
        np.testing.assert_array_equal(found.filled(0), mirrored.filled(0))
    elif number in (9, 11) and call["doppler"] != "RADIO":
        # CASA gives radio velocities whatever convention is asked for
        compare(moment_of(call, convention="radio"), answer, rtol=3e-7)
        assert not np.allclose(found.values.max(), array(answer["values"]).max(), rtol=1e-4)
    elif number in (1, 4, 9, 11):
        compare(found * scale, answer, rtol=3e-6, atol=1e-6)
    else:
        compare(found, answer, rtol=3e-6, atol=1e-6)


def plain(values: np.ndarray) -> dict[str, Any]:
    return {"shape": values.shape, "values": values.ravel().tolist()}
