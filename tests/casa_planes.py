# ruff: noqa: E501 (a table: what is compared stands on one line)
"""Gaussians in the planes of other axes than the sky, and grids by the name of a frame; see tests/casa_operations.py."""

from __future__ import annotations

from typing import Any

import numpy as np

import tests.casa_forms  # noqa: F401 - its inputs come before those of this table
from tests.casa_operations import INPUTS, SEC, SKY, Case, Input, channels, stokes_axis


def plain(*lengths: int) -> dict[str, Any]:
    """Return the header of axes that are measured in metres, with pixels of 2 m; lengths as in FITS."""
    names = ("XOFF", "YOFF", "DEPTH", "STEP")
    return {
        f"{key}{k}": value
        for k, n in enumerate(lengths, 1)
        for key, value in {"CTYPE": names[k - 1], "CUNIT": "m", "CRVAL": 10.0 * k, "CDELT": 2.0, "CRPIX": float(n // 3)}.items()
    }  # fmt: skip


def ellipse(major: float, minor: float, pa: float, half: int) -> np.ndarray:
    """Return a Gaussian of sum 1, its angle from the first axis towards the second one."""
    first, second = np.mgrid[-half : half + 1, -half : half + 1]
    s, c = np.sin(np.radians(pa)), np.cos(np.radians(pa))
    u, v = (first * c + second * s) / major, (second * c - first * s) / minor
    weights: np.ndarray = np.exp(-4 * np.log(2) * (u * u + v * v))
    return weights / weights.sum()


BROAD = {"CDELT1": -120 * SEC, "CDELT2": 120 * SEC}

INPUTS |= {
    "plain": Input((13, 16), plain(16, 13), "K", ()),
    "plain cube": Input((9, 12, 15), plain(15, 12, 9), "K", ()),
    "plain full": Input((4, 7, 10, 11), plain(11, 10, 7, 4), "Jy/pixel", ()),
    # CASA's conversions are some 0.3 arcsec from astropy's: little for these pixels
    "broad": Input((17, 20), SKY | BROAD | {"CRPIX1": 8.0, "CRPIX2": 11.0}),
    "broad cube": Input((5, 18, 15), SKY | BROAD | {"CRPIX1": 6.0, "CRPIX2": 9.0} | channels(3), "K"),
    "broad full": Input((3, 2, 14, 13), SKY | BROAD | {"CRPIX1": 8.0, "CRPIX2": 7.0} | stokes_axis(3) | channels(4), "K"),
    "broad turned": Input(
        (15, 18), SKY | BROAD | {"CRPIX1": 8.0, "CRPIX2": 7.0, "PC1_1": 0.96, "PC1_2": -0.28, "PC2_1": 0.28, "PC2_2": 0.96}
    ),
    "plain clean": Input((8, 9, 10), plain(10, 9, 8), "K", (), False),
}  # fmt: skip

PLAIN = ("plain", "plain cube", "plain full", "plain clean")
DEEP = ("plain cube", "plain full", "plain clean")
FRAMED = ("broad", "broad cube", "broad full")
WIDTHS = "type='gaussian', major='3.2pix', minor='1.7pix', pa='35deg'"

PLANES = [
    Case("gaussian 0 1", PLAIN, f"out = ia.convolve2d('o', axes=[0, 1], {WIDTHS})", lambda a, _: a.smooth("3.2pix", "1.7pix", "35deg", dims=a.dims[-2:]), 3e-5, others=(), coords=False),
    Case("gaussian 0 2", DEEP, f"out = ia.convolve2d('o', axes=[0, 2], {WIDTHS})", lambda a, _: a.smooth("3.2pix", "1.7pix", "35deg", dims=(a.dims[-1], a.dims[-3])), 3e-5, others=(), coords=False),
    Case("gaussian 2 1", DEEP, "out = ia.convolve2d('o', axes=[2, 1], type='gaussian', major='4pix', minor='2pix', pa='-70deg')", lambda a, _: a.smooth(4, 2, -70, dims=(-3, -2)), 3e-5, others=(), coords=False),
    Case("gaussian 1 3", ("plain full",), f"out = ia.convolve2d('o', axes=[1, 3], {WIDTHS})", lambda a, _: a.smooth("3.2pix", "1.7pix", "35deg", dims=(0, 2)), 3e-5, others=(), coords=False),
    Case("gaussian round", PLAIN, "out = ia.convolve2d('o', axes=[0, 1], type='gaussian', major='2.5pix', minor='2.5pix', pa='0deg')", lambda a, _: a.smooth(2.5, dims=a.dims[-2:]), 3e-5, others=(), coords=False),
    Case("gaussian scaled", DEEP, f"out = ia.convolve2d('o', axes=[0, 2], {WIDTHS}, scale=0.5)", lambda a, _: a.smooth("3.2pix", "1.7pix", "35deg", scale=0.5, dims=(-1, -3)), 3e-5, others=(), coords=False),
    # CASA puts other linear axes in the place of these. It takes no two axes of other units, but kernels of any shape
    Case("gaussian x frequency", ("cube", "turned", "full"), "k = ellipse(1.2, 1.0, 30, 3); k = k[:, None, :] if len(ia.shape()) == 3 else k[:, None, None, :]; out = ia.convolve('o', k)", lambda a, _: a.smooth("1.2pix", "1pix", "30deg", dims=("x", "frequency")), 3e-5, others=(), beams=False),
    Case("gaussian y frequency", ("cube", "turned", "full"), "k = ellipse(1.3, 0.9, -40, 3); k = k[None, :, :] if len(ia.shape()) == 3 else k[None, :, None, :]; out = ia.convolve('o', k)", lambda a, _: a.smooth("1.3pix", "0.9pix", "-40deg", dims=("y", "frequency")), 1e-4, others=(), beams=False),
]  # fmt: skip
"""What is compared by tests/ops/test_casa.py."""

FRAMES = [
    # CASA puts a border of bad pixels around, and cuts off what is masked
    *(
        Case(f"frame {frame} {method}", FRAMED, f"casatasks.imregrid('work.im', '{frame}', 'o', interpolation='{method}', decimate=0); out = 'o'",
             lambda a, _, frame=frame, method=method: framed(a, frame, method), 2e-3, 2e-3, others=())
        for frame, method in (("GALACTIC", "linear"), ("GALACTIC", "cubic"), ("SUPERGAL", "nearest"), ("ECLIPTIC", "linear"), ("B1950", "linear"))
    ),
    # angles of beams count from north: CASA lets them turn with the pixels
    Case("frame of turned pixels", ("broad turned",), "casatasks.imregrid('work.im', 'GALACTIC', 'o', decimate=0); out = 'o'", lambda a, _: framed(a, "GALACTIC", "linear"), 2e-3, 2e-3, others=(), beams=False),
]  # fmt: skip
"""What is compared by tests/ops/test_named_grids.py."""


def framed(a: Any, frame: str, method: str) -> Any:
    """Return an image in another frame as CASA makes it: nothing beyond the outermost pixels is guessed."""
    return a.pad(y=3, x=3).regrid(frame=frame, method=method).crop(("y", "x"))
