# ruff: noqa: E501 (a table: what is done stands on one line)
"""Every operation at work: the one list from which tests of what holds for all of them run.

A new operation needs a line here: tests/ops/test_every_operation.py sees to that, and runs it in blocks of any
shape, counts what a corner of its result reads, keeps it to the memory limit, and checks what its docstring says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

import lattice
from lattice import Image
from lattice.io.components import Component
from lattice.ops.reproject import AVERAGING

SEC = 1 / 3600
CARDS = {
    "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL1": 50.0, "CRVAL2": 40.0,
    "CRVAL3": 1.4e9, "CDELT1": -SEC, "CDELT2": SEC, "CDELT3": 1e6, "CRPIX1": 4.0, "CRPIX2": 5.0, "CRPIX3": 2.0,
    "CUNIT1": "deg", "CUNIT2": "deg", "CUNIT3": "Hz", "RADESYS": "FK5", "EQUINOX": 2000.0, "SPECSYS": "LSRK",
    "RESTFRQ": 1.42e9, "DATE-OBS": "2020-01-01T00:00:00.0", "TELESCOP": "VLA",
}  # fmt: skip
SKY = {k: v for k, v in CARDS.items() if k[-1] != "3"}
BEAM = (2 * SEC, 1.5 * SEC, 30.0)
ALL = -1


def cube(values: np.ndarray, mask: np.ndarray | None = None, **more: Any) -> Image:
    """Return an image of channels, y and x."""
    return Image(values, wcs=CARDS, mask=mask, unit="Jy/beam", beam=BEAM, **more)


def stokes(a: Image) -> Image:
    """Return an image with Stokes parameters I, Q, U and V, made of another one."""
    return lattice.concat(
        [(a + k / 2).expand_dims("stokes", "stokes", value=s) for k, s in enumerate("IQUV")], "stokes"
    )


def response(a: Image) -> Image:
    """Return the response of antennas over the plane of an image."""
    y, x = np.ogrid[: a.sizes["y"], : a.sizes["x"]]
    pattern = np.exp(-((y / a.sizes["y"]) ** 2 + (x / a.sizes["x"]) ** 2)).astype("f4")
    return Image(pattern, wcs=SKY)


@dataclass(frozen=True)
class Work:
    """An operation on a cube.

    Attributes
    ----------
    name : str
        Of the operation, as in `lattice.image.catalogue`.
    what : str
        What is particular.
    run : callable
        From the cube to the result: an Image, several, or statistics.
    reads : (int, int)
        Most planes, and rows of each, that the first two pixels along each axis of the result need; -1 is all.
    close : float
        How far results may be apart that are computed in other blocks, as a share of the largest value.
    slow : bool
        Whether it takes so long that only two planes of a large cube are computed.
    alike : bool
        Whether it goes the way of another one in the list, so that its blocks are tried with the slow tests.
    """

    name: str
    what: str
    run: Callable[[Image], Any]
    reads: tuple[int, int]
    close: float = 1e-6
    slow: bool = False
    alike: bool = False

    def __str__(self) -> str:
        return f"{self.name} {self.what}".strip()


FUNCTIONS = ("flux", "madm", "max", "mean", "median", "min", "npts", "rms", "stddev", "sum", "sqrtsum", "sqrtsum_npix", "sqrtsum_npix_beam", "variance", "xmadm")  # fmt: skip
MOMENTS = (-1, 0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11)
STATISTICS = ("sigma", "mean", "median", "madm", "xmadm", "iqr", "q1", "q3", "rms", "min", "max", "sum", "sumsq", "var", "npts")  # fmt: skip

WORKS: list[Work] = [
    Work("transpose", "names", lambda a: a.transpose("y", "x", "frequency"), (2, 2)),
    Work("transpose", "reversed digits", lambda a: a.transpose("-0-12"), (2, 2)),
    Work("squeeze", "", lambda a: a[1:2].squeeze(), (1, 2)),
    Work("expand_dims", "", lambda a: a.expand_dims("stokes", "stokes", axis=1), (2, 2)),
    Work("concat", "channels", lambda a: lattice.concat([a, a * 2], "frequency"), (2, 2)),
    Work("concat", "a new axis", lambda a: lattice.concat([a, a + 1, a * 2], "epoch"), (2, 2)),
    Work("subimage", "box", lambda a: a.subimage(box="1,2,9,8", chans="1~4", mask=a > -1), (2, 2)),
    Work("subimage", "circle", lambda a: a.subimage("circle[[5pix, 5pix], 4pix]"), (2, 2)),
    Work("crop", "", lambda a: a[:, 2:].pad(y=2, x=3).crop(), (2, 2)),
    Work("pad", "", lambda a: a.pad(1, value=3, good=True), (2, 1)),
    Work("insert", "", lambda a: a.insert(a[1:3, :4, :4] * 2, at=[0, 1, 1]), (5, 3)),
    Work("rebin", "", lambda a: a.rebin((2, 3, 4)), (4, 6)),
    Work("rebin", "one axis", lambda a: a.rebin(frequency=4), (8, 2)),
    *(Work("rebin", f, lambda a, f=f: a.rebin((2, 3, 4), f), (4, 6), alike=f not in ("median", "stddev")) for f in FUNCTIONS if f not in ("flux", "mean", "sqrtsum_npix_beam")),
    Work("rebin", "whole bins", lambda a: a.rebin({"y": 5, "x": 4}, "median", crop=True), (2, 10)),
    Work("decimate", "copy", lambda a: a.decimate("frequency", 3), (2, 2)),
    Work("decimate", "mean", lambda a: a.decimate("y", 2, "mean"), (2, 4)),
    Work("with_mask", "", lambda a: a.with_mask(a > 0), (2, 2)),
    Work("add_mask", "", lambda a: a.add_mask("dim", a < 1, default=True), (2, 2)),
    Work("replace_masked", "", lambda a: a.replace_masked(2, mask=a > 0, good=True), (2, 2)),
    Work("regions_above", "planes", lambda a: a.regions_above(0.3, 1.2), (2, ALL)),
    Work("regions_above", "channels", lambda a: a.regions_above(0.3, 1.2, ("frequency", "y", "x"), least=3), (ALL, ALL)),
    *(Work("collapse", f, lambda a, f=f: a.collapse(f, "frequency"), (ALL, 2), alike=f not in ("median", "mean")) for f in FUNCTIONS if f not in ("flux", "sqrtsum_npix_beam")),
    *(Work("collapse", f"{f} of planes", lambda a, f=f: a.collapse(f, ("y", "x"), keepdims=True), (2, ALL), alike=f not in ("flux", "xmadm", "stddev")) for f in FUNCTIONS),
    *(Work("moments", str(k), lambda a, k=k: a.moment(k, "frequency"), (ALL, 2 if k != 7 else 4), alike=k not in (2, 7, 9)) for k in MOMENTS),  # 7 reads twice
    Work("moments", "4 of a range", lambda a: a.moment(4, include=(0, 9)), (ALL, 2)),
    Work("moments", "together", lambda a: a.moments([0, 1, 2, "median"], "frequency", exclude=(-0.1, 0.1), keepdims=True), (ALL, 2)),
    Work("moments", "along y", lambda a: a.moments([1, 9], "y"), (2, ALL)),
    Work("profile", "", lambda a: a.profile("median"), (2, ALL)),
    Work("statistics", "robust", lambda a: a.statistics(robust=True, dims="frequency"), (ALL, 2)),
    Work("statistics", "of planes", lambda a: a.statistics("all", dims=("y", "x"), algorithm="chauvenet"), (2, ALL), slow=True),
    Work("statistics", "biweight", lambda a: a.statistics(["mean", "sigma"], dims="y", algorithm="biweight"), (2, ALL), slow=True),
    Work("statistics", "fences", lambda a: a.statistics(dims="x", algorithm="hinges", fence=1.5), (2, 2), slow=True),
    Work("statistics", "half", lambda a: a.statistics(dims="frequency", algorithm="fit-half", center="median"), (ALL, 2), slow=True),
    Work("statistics", "whole", lambda a: a.statistics("all"), (ALL, ALL)),
    Work("histogram", "of planes", lambda a: a.histogram(6, ("y", "x"), cumulative=True), (ALL, ALL)),
    Work("smooth", "", lambda a: a.smooth("3arcsec", "2arcsec", "40deg"), (2, 10)),
    Work("smooth", "around bad pixels", lambda a: a.smooth("3arcsec", bad="leave"), (2, 10), 3e-6),
    Work("smooth", "x and channels", lambda a: a.smooth("3pix", "2pix", "40deg", dims=("frequency", "x")), (10, 2)),
    Work("smooth", "y and channels, around bad pixels", lambda a: a.smooth(3, 2, dims=("frequency", "y"), bad="leave"), (10, 10), 3e-6, True),
    Work("smooth_to", "", lambda a: a.smooth_to("4arcsec", "3arcsec"), (2, 12)),
    Work("smooth_along", "", lambda a: a.smooth_along(frequency=2, x=("boxcar", 3)), (7, 2)),
    Work("convolve", "", lambda a: a.convolve(np.arange(1.0, 16).reshape(3, 5)), (2, 3)),
    Work("convolve", "three axes", lambda a: a.convolve(np.ones((3, 3, 2)), bad="leave", edge="mirror"), (3, 3)),
    Work("hanning", "", lambda a: a.hanning(), (3, 2)),
    Work("hanning", "mean", lambda a: a.hanning("frequency", "mean"), (6, 2)),
    Work("boxcar", "", lambda a: a.boxcar("y", 3), (2, 4)),
    Work("boxcar", "copy", lambda a: a.boxcar("frequency", 2, "copy"), (4, 2)),
    *(
        Work("regrid", method, lambda a, method=method: a.regrid(grid_for(a), ("y", "x"), method=method), (2, rows), 2e-6)
        for method, rows in (("linear", 4), ("nearest", 4), ("cubic", 5), ("lanczos", 8))
    ),
    *(
        Work("regrid", method, lambda a, method=method: a.regrid(grid_for(a), ("y", "x"), method=method), (2, ALL), 2e-6, True, method == "exact")
        for method in AVERAGING if find_spec("reproject")
    ),
    Work("regrid", "channels", lambda a: a.regrid(grid_for(a), "frequency"), (4, 2)),
    Work("regrid", "velocities", lambda a: a.regrid(grid_for(a), "frequency", velocity="radio", method="cubic"), (ALL, 2), 2e-6),
    Work("regrid", "Galactic", lambda a: a.regrid("GALACTIC"), (2, ALL), 2e-6),
    Work("regrid", "another spectral frame", lambda a: a.regrid(frame="BARY"), (4, 2)),
    Work("regrid", "optical velocities", lambda a: a.regrid("optical"), (4, 2)),
    Work("rotate", "", lambda a: a.rotate("20deg"), (2, 9), 2e-6),
    Work("mosaic", "", lambda a: Image.mosaic([a, a.with_wcs(CARDS | {"CRPIX1": 1.5}) * 2], weights=[1, 2]), (4, 3), 2e-6),
    Work("with_frame", "", lambda a: a.with_frame("BARY"), (2, 2)),
    Work("with_velocity", "", lambda a: a.with_velocity(), (2, 2)),
    Work("contsub", "", lambda a: a.contsub("0~1;3", 1), (ALL, 2), 1e-5),
    Work("pv", "", lambda a: a.pv([(2, 2), (6, 8)], 3), (2, 7), 2e-6),
    Work("pbcor", "", lambda a: a.pbcor(response(a), cutoff=0.3), (2, 2)),
    *(Work("deviation", stat, lambda a, stat=stat: a.deviation((5, 3), stat), (2, 3), 2e-6, True, stat not in ("sigma", "mean")) for stat in STATISTICS),
    Work("deviation", "on a grid", lambda a: a.deviation(5, circle=True, grid=(2, 3), clip=2.0), (2, ALL), 2e-6, True),
    *(Work("fft", form, lambda a, form=form: a.fft(form=form), (2, ALL), 2e-6, True, form != "complex") for form in ("complex", "real", "imag", "amplitude")),
    Work("fft", "channels", lambda a: a.fft("frequency"), (ALL, 2), 2e-6, True),
    Work("two_point", "", lambda a: a.two_point(), (2, ALL), 2e-6, True),
    Work("poli", "", lambda a: stokes(a).poli(sigma=0.1), (6, 2)),
    Work("pola", "", lambda a: stokes(a).pola(threshold=0.2), (4, 2), 1e-5),
    Work("add_noise", "", lambda a: a.add_noise("uniform", (-1, 2), seed=3), (2, 2)),
    Work("add_components", "", lambda a: a.add_components([source_in(a)]), (2, 2), slow=True),
    Work("with_beam", "", lambda a: a.with_beam((3 * SEC, 3 * SEC, 0)), (2, 2)),
    Work("convert_unit", "", lambda a: a.convert_unit("K"), (2, 2)),
    # as functions of the language: the same nodes, see tests/functions/test_spoken.py
    Work("collapse", "in text", lambda a: lattice.expr("collapse(a, 'median', 'frequency')", a=a), (ALL, 2)),
    Work("smooth", "in text", lambda a: lattice.expr("smooth(a, '3arcsec', '2arcsec', '40deg') * 2", a=a), (2, 10)),
    Work("hanning", "in text", lambda a: lattice.expr("hanning(transpose(a, [1, 0, 2]))", a=a), (3, 2)),
    Work("regrid", "in text", lambda a: lattice.expr("regrid(a, grid, ['y', 'x'])", a=a, grid=grid_for(a)), (2, 4), 2e-6),
]  # fmt: skip
"""All of it."""


def source_in(a: Image) -> Component:
    """Return a source that lies on an image."""
    lon, lat = a.coords.pixel_to_lonlat(3.0, 4.0)
    return Component(float(lon), float(lat), (2.5, 1.0), "gaussian", 3 * SEC, 2 * SEC, 30.0)


def grid_for(a: Image) -> Image:
    """Return a grid that is turned and finer on the sky, and shifted along the channels."""
    turned = {
        "PC1_1": 0.95,
        "PC1_2": -0.3,
        "PC2_1": 0.3,
        "PC2_2": 0.95,
        "CRVAL3": 1.4004e9,
        "CDELT1": -0.7 * SEC,
    }
    lengths = (max(2, a.shape[0] - 1), a.shape[1] + 2, a.shape[2])
    return Image(np.broadcast_to(np.float32(0), lengths), wcs=CARDS | turned)


def images_of(result: Any) -> list[Image]:
    """Return the images that a result consists of."""
    if isinstance(result, Image):
        return [result]
    if hasattr(result, "counts"):
        return []  # numbers
    parts = result.values() if hasattr(result, "values") else result
    return [part for part in parts if isinstance(part, Image)]


def arrays_of(result: Any) -> dict[str, np.ma.MaskedArray]:
    """Return all numbers of a result, by name."""
    if isinstance(result, Image):
        return {"image": result.to_masked_array()}
    if hasattr(result, "counts"):
        return {key: np.ma.asarray(getattr(result, key)) for key in ("counts", "values", "mean", "sigma")}
    if hasattr(result, "compute"):
        found = result.compute()
        return {k: v.to_masked_array() if isinstance(v, Image) else v for k, v in found.items()}
    if isinstance(result, dict):
        return {str(k): v.to_masked_array() for k, v in result.items()}
    return {str(k): v.to_masked_array() for k, v in enumerate(result)}
