# ruff: noqa: E501 (a table: what is compared stands on one line)
"""Operations side by side: what CASA's image tool is called with, and what lattice is.

``tests/data/make_casa_operations.py`` runs the left sides in CASA and keeps what comes out;
``tests/ops/test_casa.py`` runs the right sides and compares.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SEC = 1 / 3600
SKY = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 50.0, "CRVAL2": 40.0, "CDELT1": -4 * SEC,
    "CDELT2": 4 * SEC, "CUNIT1": "deg", "CUNIT2": "deg", "RADESYS": "FK5", "EQUINOX": 2000.0,
    "TELESCOP": "VLA", "DATE-OBS": "2020-01-01T00:00:00.0",
}  # fmt: skip
CHANNELS = {"CRVAL": 1.4e9, "CDELT": 1e6, "CRPIX": 3.0, "CUNIT": "Hz", "CTYPE": "FREQ"}
WIDE = {"CDELT1": -0.2, "CDELT2": 0.2}
REST = {"RESTFRQ": 1.42e9, "SPECSYS": "LSRK"}


def channels(axis: int, **more: float) -> dict[str, Any]:
    return {f"{key}{axis}": value for key, value in (CHANNELS | more).items()} | REST


def stokes_axis(axis: int) -> dict[str, Any]:
    return {f"CTYPE{axis}": "STOKES", f"CRVAL{axis}": 1.0, f"CDELT{axis}": 1.0, f"CRPIX{axis}": 1.0}


@dataclass(frozen=True)
class Input:
    """An image to work on: shape in numpy order, header, unit, beams in arcsec and degrees."""

    shape: tuple[int, ...]
    cards: dict[str, Any]
    unit: str = "Jy/beam"
    beams: tuple[tuple[float, float, float], ...] = ((14.0, 10.0, 30.0),)
    masked: bool = True


def _beams(n: int) -> tuple[tuple[float, float, float], ...]:
    return tuple((12.0 + k, 10.0 + k / 2, 10.0 * k) for k in range(n))


INPUTS = {
    "plane": Input((21, 18), SKY | {"CRPIX1": 9.0, "CRPIX2": 11.0}),
    "cube": Input((9, 15, 16), SKY | {"CRPIX1": 9.0, "CRPIX2": 7.0} | channels(3), "K"),
    "full": Input((7, 2, 14, 13), SKY | {"CRPIX1": 7.0, "CRPIX2": 8.0} | stokes_axis(3) | channels(4)),
    "clean": Input((6, 14, 15), SKY | {"CRPIX1": 7.0, "CRPIX2": 7.0} | channels(3), masked=False),
    "clean full": Input((6, 2, 14, 13), SKY | {"CRPIX1": 4.0, "CRPIX2": 5.0} | stokes_axis(3) | channels(4), masked=False),
    "clean pixel": Input(
        (9, 14, 13), SKY | {"CRPIX1": 4.0, "CRPIX2": 4.0} | channels(3, CDELT=1.3e6), "Jy/pixel", (), False
    ),
    "pixel": Input((5, 13, 14), SKY | {"CRPIX1": 7.0, "CRPIX2": 7.5} | channels(3), "Jy/pixel", ()),
    "beams": Input(
        (3, 2, 14, 13), SKY | {"CRPIX1": 7.0, "CRPIX2": 8.0} | stokes_axis(3) | channels(4), beams=_beams(6)
    ),
    "turned": Input(
        (11, 17, 16),
        SKY | {
            "CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRPIX1": 8.0, "CRPIX2": 9.0, "CRVAL1": 50.002,
            "CDELT1": -3.7 * SEC, "CDELT2": 3.7 * SEC, "PC1_1": 0.96, "PC1_2": -0.28, "PC2_1": 0.28, "PC2_2": 0.96,
        } | channels(3, CRVAL=1.40063e9, CDELT=0.8e6),
    ),
    # CASA's conversion to Galactic coordinates is 0.2 arcsec from astropy's: too little for these pixels
    "wide": Input((4, 15, 16), SKY | WIDE | {"CRPIX1": 8.0, "CRPIX2": 7.0} | channels(3)),
    "galactic": Input(
        (17, 16),
        SKY | WIDE | {
            "CTYPE1": "GLON-SIN", "CTYPE2": "GLAT-SIN", "CRPIX1": 8.3, "CRPIX2": 9.2, "CRVAL1": 151.46934,
            "CRVAL2": -14.49985,
        },
    ),
    "patch": Input((6, 5), SKY | {"CRPIX1": 4.0, "CRPIX2": 3.0}),
    "patches": Input((4, 5, 6), SKY | {"CRPIX1": 4.0, "CRPIX2": 3.0} | channels(3, CRPIX=1.0), "K", ()),
    "piece": Input((3, 2, 5, 4), SKY | {"CRPIX1": 3.0, "CRPIX2": 2.0} | stokes_axis(3) | channels(4)),
}  # fmt: skip


def pixels(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return values and mask of an input, as they were made once; the file has what CASA worked on."""
    own = INPUTS[name]
    rng = np.random.default_rng(list(INPUTS).index(name) + 100)
    values = rng.normal(size=own.shape).astype("f4")
    if name.startswith("pb"):
        values = 0.2 + np.abs(values)
    values += 3 * np.cumsum(np.ones(own.shape[-1])) / own.shape[-1]
    mask = np.ones(own.shape, bool)
    if own.masked:
        mask = rng.random(own.shape) > 0.12
        mask[..., 0, :3] = False
        mask[..., -1, -1] = False
        if len(own.shape) > 2:
            mask[2:3] = False  # a plane wholly bad
            mask[..., 4, 3] = False  # and a spectrum
    return (np.round(values * 64) / 64).astype("f4"), mask


@dataclass(frozen=True)
class Case:
    """One operation on some inputs.

    Attributes
    ----------
    name : str
        Of the operation, and of what is particular.
    inputs : sequence of str
        Images that it is run on.
    casa : str
        Python; `ia` is the image tool on a copy of the input, `out` the resulting image tool, or its path.
    ours : callable
        The image and a function that gives another input by name; returns the image that should come out.
    atol : float
        Difference that is allowed, as a share of the largest value.
    apart : float
        Difference of coordinates that is allowed, in pixels.
    period : float
        Of the values, if they are angles.
    part : tuple of slice
        Pixels whose values are compared, if it is not all.
    others : tuple of str
        Further inputs that are used.
    coords : bool
        Whether the coordinates are compared.
    beams, unit : bool
        Whether these are.
    """

    name: str
    inputs: Sequence[str]
    casa: str
    ours: Callable[[Any, Callable[[str], Any]], Any]
    atol: float = 2e-6
    apart: float = 1e-5
    period: float = 0
    part: tuple[slice, ...] = ()
    others: tuple[str, ...] = ("turned", "galactic", "patch", "patches", "piece")
    coords: bool = True
    beams: bool = True
    unit: bool = True

    @property
    def keys(self) -> list[str]:
        """Names under which the results are kept."""
        return [f"{self.name}|{name}" for name in self.inputs]


CUBES = ("cube", "full", "clean")
SKIES = ("plane", "cube", "full")
SPECTRAL = "axis = {'cube': 2, 'full': 3, 'clean': 2, 'pixel': 2, 'beams': 3, 'clean full': 3, 'clean pixel': 2}[name]; "

CASES = [
    Case("hanning", CUBES, SPECTRAL + "out = ia.hanning('o', axis=axis, drop=False)", lambda a, _: a.hanning("frequency")),
    Case("hanning copy", CUBES, SPECTRAL + "out = ia.hanning('o', axis=axis, drop=True, dmethod='copy')", lambda a, _: a.hanning("frequency", "copy")),
    Case("hanning mean", CUBES, SPECTRAL + "out = ia.hanning('o', axis=axis, drop=True, dmethod='mean')", lambda a, _: a.hanning("frequency", "mean"), coords=False),
    Case("hanning sky", SKIES, "out = ia.hanning('o', axis=1, drop=False)", lambda a, _: a.hanning("y")),
    Case("boxcar 2", CUBES, SPECTRAL + "out = ia.boxcar('o', axis=axis, width=2, drop=False)", lambda a, _: a.boxcar("frequency", 2)),
    # along right ascension CASA moves the reference value by increments that are not those on the sky
    Case("boxcar 3", SKIES, "out = ia.boxcar('o', axis=0, width=3, drop=False)", lambda a, _: a.boxcar("x", 3), coords=False),
    Case("boxcar copy", CUBES, SPECTRAL + "out = ia.boxcar('o', axis=axis, width=2, drop=True)", lambda a, _: a.boxcar("frequency", 2, "copy")),
    Case("boxcar mean", CUBES, SPECTRAL + "out = ia.boxcar('o', axis=axis, width=3, drop=True, dmethod='mean')", lambda a, _: a.boxcar("frequency", 3, "mean"), coords=False),
    Case("decimate copy", SKIES, "out = ia.decimate('o', axis=1, factor=3)", lambda a, _: a.decimate("y", 3)),
    Case("decimate mean", CUBES, SPECTRAL + "out = ia.decimate('o', axis=axis, factor=2, method='mean')", lambda a, _: a.decimate("frequency", 2, "mean"), coords=False),
    Case("rebin", SKIES, "out = ia.rebin('o', [2, 3])", lambda a, _: a.rebin({"x": 2, "y": 3})),
    Case("rebin channels", CUBES, SPECTRAL + "out = ia.rebin('o', [1] * axis + [4])", lambda a, _: a.rebin(frequency=4)),
    Case("rebin all", ("cube", "pixel", "clean"), "out = ia.rebin('o', [3, 4, 2])", lambda a, _: a.rebin((2, 4, 3))),
    Case("transpose digits", ("cube", "clean", "turned"), "out = ia.transpose('o', '201')", lambda a, _: a.transpose("201")),
    Case("transpose short", ("cube", "clean", "turned"), "out = ia.transpose('o', 21)", lambda a, _: a.transpose(21)),
    Case("transpose full", ("full", "beams", "piece"), "out = ia.transpose('o', '3012')", lambda a, _: a.transpose("3012")),
    Case("transpose names", ("full", "beams", "piece"), "out = ia.transpose('o', ['freq', 's', 'd', 'r'])", lambda a, _: a.transpose("x", "y", "stokes", "frequency")),
    Case("transpose reversed", ("cube", "clean", "turned"), "out = ia.transpose('o', '-0-12')", lambda a, _: a.transpose("-0-12")),
    Case("pad", SKIES, "out = ia.pad('o', 2)", lambda a, _: a.pad(2)),
    Case("pad good", SKIES, "out = ia.pad('o', 1, value=5, padmask=True)", lambda a, _: a.pad(1, value=5, good=True)),
    Case("crop", ("edged", "edged cube", "edged full"), "out = ia.crop('o')", lambda a, _: a.crop()),
    Case("crop some", ("edged", "edged cube", "edged full"), "out = ia.crop('o', axes=[1])", lambda a, _: a.crop("y")),
    Case("smooth", SKIES, "out = ia.convolve2d('o', major='17arcsec', minor='13arcsec', pa='35deg')", lambda a, _: a.smooth("17arcsec", "13arcsec", "35deg"), 3e-5),
    Case("smooth round", ("pixel", "beams", "plane"), "out = ia.convolve2d('o', major='15arcsec', minor='15arcsec', pa='0deg')", lambda a, _: a.smooth("15arcsec"), 3e-5),
    Case("smooth scaled", ("pixel", "full", "plane"), "out = ia.convolve2d('o', major='16arcsec', minor='9arcsec', pa='-60deg', scale=0.5)", lambda a, _: a.smooth("16arcsec", "9arcsec", "-60deg", scale=0.5), 3e-5),
    Case("smooth to", ("plane", "cube", "full", "beams"), "out = ia.convolve2d('o', major='27arcsec', minor='22arcsec', pa='10deg', targetres=True)", lambda a, _: a.smooth_to("27arcsec", "22arcsec", "10deg"), 3e-5),
    # where CASA puts kernels in the middle: gauss on even lengths, boxes of odd width on odd ones
    Case("smooth along", ("full", "beams", "clean pixel"), "out = ia.sepconvolve('o', axes=[0, 1], types=['box', 'gauss'], widths=[3, 2.5])", lambda a, _: a.smooth_along({"x": ("boxcar", 3), "y": 2.5}), 3e-5),
    Case("smooth along channels", ("cube", "turned"), "out = ia.sepconvolve('o', axes=[0, 2], types=['gauss', 'box'], widths=[3.1, 5])", lambda a, _: a.smooth_along({"x": 3.1, "frequency": ("boxcar", 5)}), 3e-5),
    Case("smooth along box 4", ("cube", "full", "plane"), "out = ia.sepconvolve('o', axes=[0], types=['box'], widths=[4])", lambda a, _: a.smooth_along({"x": 4}, "boxcar"), 3e-5),
    Case("convolve", SKIES, "k = np.arange(1., 16).reshape(3, 5); out = ia.convolve('o', k)", lambda a, _: a.convolve(np.arange(1.0, 16).reshape(3, 5).T), 3e-5),
    Case("convolve even", SKIES, "k = np.arange(1., 9).reshape(2, 4); out = ia.convolve('o', k, scale=0.25)", lambda a, _: a.convolve(np.arange(1.0, 9).reshape(2, 4).T, scale=0.25), 3e-5),
    *(
        Case(f"regrid {method} to {grid}", ("plane", "cube", "full"),
             f"out = ia.regrid('o', csys=csys('{grid}', ia), shape=lengths('{grid}', ia, [0, 1]), axes=[0, 1], method='{method}', decimate=0)",
             lambda a, get, grid=grid, method=method: a.regrid(get(grid), ("y", "x"), method=method), 5e-5)
        for grid in ("turned",) for method in ("nearest", "linear", "cubic")
    ),
    *(
        Case(f"regrid channels {method}", ("cube", "clean", "full"),
             SPECTRAL + "out = ia.regrid('o', csys=csys('turned', ia), shape=lengths('turned', ia, [axis]), "
             f"axes=[axis], method='{method}')",
             lambda a, get, method=method: a.regrid(get("turned"), "frequency", method=method))
        for method in ("nearest", "linear")
    ),
    # CASA's splines are off between the first three channels, and go through what is under the mask
    Case("regrid channels cubic", ("clean", "clean full", "clean pixel"),
         SPECTRAL + "out = ia.regrid('o', csys=csys('turned', ia), shape=lengths('turned', ia, [axis]), "
         "axes=[axis], method='cubic')",
         lambda a, get: a.regrid(get("turned"), "frequency", method="cubic"), 1e-5, part=(slice(3, None),)),
    *(
        Case(f"regrid {method} to galactic", ("wide",),
             f"out = ia.regrid('o', csys=csys('galactic', ia), shape=lengths('galactic', ia, [0, 1]), axes=[0, 1], method='{method}', decimate=0)",
             lambda a, get, method=method: a.regrid(get("galactic"), ("y", "x"), method=method), 1e-3, 1e-3)
        for method in ("nearest", "linear", "cubic")
    ),
    Case("regrid all", ("cube", "clean", "pixel"), "out = ia.regrid('o', csys=csys('turned', ia), shape=lengths('turned', ia, [0, 1, 2]), axes=[0, 1, 2], method='linear', decimate=0)", lambda a, get: a.regrid(get("turned")), 5e-5),
    Case("insert", ("plane",), "out = inserted(ia, 'patch', [3, 5])", lambda a, get: a.insert(get("patch"), at=[5, 3])),
    Case("insert cube", ("cube",), "out = inserted(ia, 'patches', [10, 2, 4])", lambda a, get: a.insert(get("patches"), at=[4, 2, 10])),
    Case("insert full", ("full",), "out = inserted(ia, 'piece', [2, 3, 0, 4])", lambda a, get: a.insert(get("piece"), at=[4, 0, 3, 2])),
    Case("replace", SKIES, "ia.replacemaskedpixels('7.5'); out = ia", lambda a, _: a.replace_masked(7.5)),
    Case("replace more", SKIES, "ia.replacemaskedpixels('-1', mask=repr(name + '.im') + ' > 1', update=False); out = ia", lambda a, _: a.replace_masked(-1, mask=a > 1)),
    Case("replace update", SKIES, "ia.replacemaskedpixels('2', update=True); out = ia", lambda a, _: a.replace_masked(2, good=True)),
]  # fmt: skip
"""What is compared."""

for _name in ("plane", "cube", "full"):
    _own = INPUTS[_name]
    INPUTS["edged" if _name == "plane" else f"edged {_name}"] = Input(
        _own.shape, _own.cards, _own.unit, _own.beams
    )


def edged(mask: np.ndarray) -> np.ndarray:
    """Return a mask with whole planes at the ends bad."""
    mask = mask.copy()
    mask[..., :2] = False
    mask[..., -4:, :] = False
    mask[0] = False
    mask[..., 6] = False
    return mask
