"""Running means, Hanning's window, decimation; the first example is one that CASA was seen to compute."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.execute.run import compute
from lattice.ops.running import boxcar, decimate, hanning

LINE = np.array([1.0, 2, 5, 10, 17, 26])
AXIS = {"CTYPE1": "FREQ", "CRVAL1": 100.0, "CDELT1": 10.0, "CRPIX1": 1.0, "CUNIT1": "Hz"}


def image(values: Any = LINE, mask: Any = None) -> Image:
    return Image(np.asarray(values, float), wcs=AXIS, mask=mask)


def result(node: Any) -> tuple[list[float], list[float]]:
    found = compute(node)
    return found.values.tolist(), node.attrs.coords.frequencies(len(found.values)).tolist()


@pytest.mark.parametrize(
    ("drop", "values", "labels"),
    [
        (None, [1.5, 2.5, 5.5, 10.5, 17.5, 21.5], [100, 110, 120, 130, 140, 150]),
        ("copy", [2.5, 10.5], [110, 130]),
        ("mean", [4.0, 14.0], [115, 135]),
    ],
)
def test_hanning(drop: str | None, values: list[float], labels: list[float]) -> None:
    assert result(hanning(image().node, 0, drop)) == (values, labels)


@pytest.mark.parametrize(
    ("width", "drop", "values", "labels"),
    [
        (2, None, [1.5, 3.5, 7.5, 13.5, 21.5], [105, 115, 125, 135, 145]),
        (3, None, [8 / 3, 17 / 3, 32 / 3, 53 / 3], [110, 120, 130, 140]),
        (2, "copy", [1.5, 7.5, 21.5], [105, 125, 145]),
        (2, "mean", [2.5, 10.5], [110, 130]),
        (1, None, LINE.tolist(), [100, 110, 120, 130, 140, 150]),
        (6, None, [LINE.mean()], [125]),
    ],
)
def test_boxcar(width: int, drop: str | None, values: list[float], labels: list[float]) -> None:
    found = result(boxcar(image().node, 0, width, drop))
    np.testing.assert_allclose(found[0], values)
    np.testing.assert_allclose(found[1], labels)


@pytest.mark.parametrize(
    ("factor", "method", "values", "labels"),
    [
        (2, "copy", [1, 5, 17], [100, 120, 140]),
        (4, "copy", [1, 17], [100, 140]),
        (2, "mean", [1.5, 7.5, 21.5], [105, 125, 145]),
        (4, "mean", [4.5], [115]),
    ],
)
def test_decimate(factor: int, method: str, values: list[float], labels: list[float]) -> None:
    assert result(decimate(image().node, 0, factor, method)) == (values, labels)


def test_bad_pixels() -> None:
    masked = image(mask=[True, True, False, True, True, True]).node
    found = compute(hanning(masked, 0))
    assert found.values.tolist() == [1.5, 1.25, 3.0, 9.25, 17.5, 21.5]
    assert found.mask is not None
    assert found.mask.tolist() == [True, True, False, True, True, True]
    found = compute(boxcar(masked, 0, 2))
    assert found.values.tolist() == [1.5, 1.0, 5.0, 13.5, 21.5]
    assert found.mask is not None
    assert found.mask.tolist() == [True, True, False, True, True]
    found = compute(decimate(masked, 0, 2, "mean"))
    assert found.values.tolist() == [1.5, 10.0, 21.5]
    assert found.mask is None


def test_refusals() -> None:
    with pytest.raises(LatticeError, match="needs 3 pixels"):
        hanning(image([1, 2]).node, 0)
    with pytest.raises(LatticeError, match="does not fit 6 pixels"):
        boxcar(image().node, 0, 7)
    with pytest.raises(LatticeError, match="does not fit 6 pixels"):
        decimate(image().node, 0, 0)
    with pytest.raises(LatticeError, match="no way to thin out"):
        hanning(image().node, 0, "median")
    spectral = AXIS | {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ"}
    cube = Image(np.zeros((4, 3, 3)), wcs=spectral, beam=[(1.0 + k, 1.0, 0) for k in range(4)])
    with pytest.raises(LatticeError, match="beams of their own"):
        hanning(cube.node, 0)
    assert compute(hanning(cube.with_beam(None).node, 0)).values.shape == (4, 3, 3)
