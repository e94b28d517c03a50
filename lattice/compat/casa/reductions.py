"""Numbers and images of fewer pixels from the image tool: statistics, moments."""

from __future__ import annotations

from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore, created, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import place_text
from lattice.compat.casa.quantities import converted
from lattice.graph.types import is_complex
from lattice.image import Image

__all__ = ["ImageReductions", "limits_of"]

_CLASSIC = ("npts", "sum", "sumsq", "min", "max", "mean", "sigma", "rms")
_ROBUST = ("median", "medabsdevmed", "quartile", "q1", "q3")
_POSITIONS = ("minpos", "maxpos")
_BIWEIGHT = ("npts", "mean", "sigma", "min", "max")
_PARAMETERS: dict[str, tuple[str, ...]] = {
    "classic": (),
    "fit-half": ("center", "lside"),
    "hinges-fences": ("fence",),
    "chauvenet": ("zscore", "maxiter"),
    "biweight": ("niter",),
}


class ImageReductions(ImageCore):
    """Statistics and moments."""

    @served()
    def statistics(
        self, axes: Any = (-1,), region: Any = "", mask: str = "", includepix: Any = (-1.0,),
        excludepix: Any = (-1.0,), list: bool = False, force: bool = False, disk: bool = False,
        robust: bool = False, verbose: bool = False, stretch: bool = False, logfile: str = "",
        append: bool = True, algorithm: str = "classic", fence: float = -1.0, center: str = "mean",
        lside: bool = True, zscore: float = -1.0, maxiter: int = -1, clmethod: str = "auto", niter: int = 3,
    ) -> dict[str, Any]:  # fmt: skip
        """Return statistics of the good pixels in a region, of all of it or along axes.

        Parameters
        ----------
        axes : list of int, optional
            Axes over which they are taken; all by default.
        region, mask, stretch : optional
            Which pixels, as in `subimage`.
        includepix, excludepix : list of float, optional
            Range of values that count, or that do not; one number b stands for -b to b.
        robust : bool, optional
            Whether to give median, medabsdevmed, quartile, q1 and q3 too.
        algorithm : str, optional
            classic, fit-half (with center and lside), hinges-fences (with fence), chauvenet (with zscore and
            maxiter) or biweight (with niter).

        Returns
        -------
        dict
            Arrays of the shape of the axes that stay, of one number for the whole; and where the box is.
        """
        image = self._image()
        part = self._selected(image, region, mask, stretch)
        if is_complex(part.dtype):
            raise CasaError("complex images have no statistics", hint="take abs(), real() or imag() of it")
        limits = [limits_of(includepix) or None, limits_of(excludepix) or None]
        how = matched(algorithm, [*_PARAMETERS], "algorithm")
        given: dict[str, Any] = {
            "fence": fence,
            "center": center,
            "lside": lside,
            "zscore": zscore,
            "maxiter": maxiter,
        }
        parameters: dict[str, Any] = {
            k: v for k, v in (given | {"niter": niter}).items() if k in _PARAMETERS[how]
        }
        over = self._axes(axes, part.ndim)
        whole = len(over) == part.ndim
        keys = _BIWEIGHT if how == "biweight" else (*_CLASSIC, *(_ROBUST if robust else ()), "flux")
        places = _POSITIONS if whole and how != "biweight" else ()
        found = part.statistics(
            (*keys, *places), dims=None if whole else [*over], include=limits[0], exclude=limits[1],
            algorithm=how, **parameters,
        )  # fmt: skip
        numbers = _of_whole(found, keys) if whole else _along(found, keys)
        return numbers | self._places(image, region, numbers)

    def _places(self, image: Image, region: Any, found: dict[str, Any]) -> dict[str, Any]:
        """Return where the box is, and where the extremes are."""
        box: Any = self.boundingbox(region)
        out = {key: box[key] for key in ("blc", "trc", "blcf", "trcf")}
        system = system_of(image)
        for key in _POSITIONS:
            place = found.pop(key, None)
            if place is not None:
                at = box["blc"] + np.array(place[::-1]) * box["inc"]
                out |= {key: at, f"{key}f": place_text(system, at)}
        return out

    @served(moments="wholes", stddev="real", method="texts")
    def moments(
        self, moments: Any = (0,), axis: int = -10, region: Any = "", mask: str = "", method: Any = (),
        smoothaxes: Any = (-1,), smoothtypes: Any = (), smoothwidths: Any = (0.0,), includepix: Any = (-1.0,),
        excludepix: Any = (-1.0,), peaksnr: float = 3.0, stddev: float = 0.0, doppler: str = "RADIO",
        outfile: str = "", smoothout: str = "", overwrite: bool = False, drop: bool = True,
        stretch: bool = False,
    ) -> Any:  # fmt: skip
        """Return the first of some moments along an axis; write all of them if there is an outfile.

        Parameters
        ----------
        moments : list of int, optional
            From -1 (mean), 0 (integral), 1 (centroid), 2 (dispersion) to 11.
        axis : int, optional
            The axis; the spectral one by default.
        includepix, excludepix : list of float, optional
            Range of values that count, or that do not.
        doppler : str, optional
            Of velocities.
        smoothaxes, smoothtypes, smoothwidths : list, optional
            Axes along which the image is smoothed to decide which values are in these ranges, with kernels
            (gauss, boxcar or hanning) and their widths in pixels.
        smoothout : str, optional
            CASA image to write that smoothed image to.
        outfile : str, optional
            Name of the only moment; of several the start of their names.
        drop : bool, optional
            Whether the axis goes.
        """
        from lattice.compat.casa.transforms import _given, kernels_along
        from lattice.ops.moments import MOMENTS

        call = ("moments", _given(locals()))
        if any(m and not "basic".startswith(m.lower()) for m in method):
            raise CasaError("moments are taken by the basic method: windows and fits are not served")
        smoothed = [a for a in smoothaxes if a >= 0]
        if smoothout and not smoothed:
            raise CasaError("smoothout needs smoothaxes, smoothtypes and smoothwidths")
        numbers = [*dict.fromkeys(moments)]
        convention = matched(doppler, ("radio", "optical", "relativistic", "z", "beta", "true"), "doppler")
        convention = {"z": "optical", "beta": "relativistic", "true": "relativistic"}.get(
            convention, convention
        )
        limits = [limits_of(includepix), limits_of(excludepix)]

        def chosen(image: Image) -> Image:
            part = self._selected(image, region, mask, stretch)
            return part.smooth_to("common") if len(part.beams) > 1 else part

        def deciding(part: Image) -> Image:
            return part.smooth_along(kernels_along(part, smoothed, smoothtypes, smoothwidths))

        def built(image: Image) -> dict[Any, Image]:
            part = chosen(image)
            dim = None if axis < 0 else part.ndim - 1 - axis
            made = part.moments(
                numbers, dim, convention=convention, include=limits[0] or None, exclude=limits[1] or None,
                by=deciding(part) if smoothed else None, keepdims=not drop,
            )  # fmt: skip
            made = as_casa_spells(made, part, dim)
            return {n: _in_own_unit(one, part, dim) for n, one in made.items()}

        first = numbers[0] if numbers else 0
        if smoothout:
            created(smoothout, deciding(chosen(self._image())), overwrite)
        if not outfile:
            return self._made(lambda image: built(image)[first], "", overwrite, call)
        made = built(self._image())
        names = {n: outfile if len(numbers) == 1 else f"{outfile}.{MOMENTS[n].suffix}" for n in numbers}
        files = {n: created(names[n], made[n], overwrite) for n in numbers}
        return type(self)._on(files[first])


def as_casa_spells(made: dict[Any, Image], image: Image, dim: int | None) -> dict[Any, Image]:
    """Return moments, the integral in the unit as CASA writes it, which other programs read differently."""
    if 0 not in made or "/" not in image.unit:
        return made
    along = image.with_unit("").moment(0, dim).unit
    return made | {0: made[0].with_unit(f"{image.unit}.{along}")}


def _in_own_unit(moment: Image, image: Image, dim: int | None) -> Image:
    """Return a moment along an axis of the sky in the unit that the tool has for it, not in degrees."""
    kinds = image.coords.kinds if image.coords is not None else ()
    if dim is None or not kinds or kinds[dim] not in ("longitude", "latitude"):
        return moment
    system = system_of(image)
    unit = system.units[next(k for k, a in enumerate(system.axes) if a.pixel == image.ndim - 1 - dim)]
    if unit == "deg" or not (moment.unit == "deg" or moment.unit.endswith(".deg")):
        return moment
    factor = float(converted(1.0, "deg", unit))
    scaled: Image = moment.with_unit("") * factor
    return scaled.with_unit(f"{moment.unit[: -len('deg')]}{unit}")._with(history=moment.history)


def limits_of(values: Any) -> list[float]:
    """Return the ends of a range of values, none where it is CASA's default."""
    return [] if [*values] in ([], [-1.0]) else [float(v) for v in values]


def _of_whole(found: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    known = [key for key in keys if found[key] is not None]
    if not found["npts"]:
        return {key: np.zeros(0) for key in known}
    out: dict[str, Any] = {key: np.array([float(found[key])]) for key in known}
    return out | {key: found[key] for key in _POSITIONS if found.get(key) is not None}


def _along(found: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    computed = found.compute()
    known = [key for key in keys if computed[key] is not None]
    out = {key: np.asarray(computed[key].filled(0.0), np.float64).T for key in known}
    return out if out["npts"].any() else {key: np.zeros(0) for key in keys}
