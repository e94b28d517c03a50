"""What the image tool tells about pixels along a line, and how many have which value."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lattice.compat.casa.arguments import matched, served
from lattice.compat.casa.core import ImageCore, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, in_unit, is_nothing, unit_of
from lattice.compat.casa.reductions import limits_of
from lattice.graph.types import is_complex
from lattice.image import Image

__all__ = ["ImageProfiles"]

_TYPES = {
    "default": "",
    "relativistic velocity": "relativistic",
    "beta": "relativistic",
    "radio velocity": "radio",
    "optical velocity": "optical",
    "wavelength": "wavelength",
    "air wavelength": "air wavelength",
}
_PAIR = re.compile(r"\s*([a-z]+)\s*([-+*/])\s*([a-z]+)\s*\Z", re.IGNORECASE)


class ImageProfiles(ImageCore):
    """Histograms, profiles and slices."""

    @served(axes="wholes")
    def histograms(
        self, axes: Any = (-1,), region: Any = "", mask: str = "", nbins: int = 25, includepix: Any = (-1.0,),
        cumu: bool = False, log: bool = False, stretch: bool = False,
    ) -> dict[str, Any]:  # fmt: skip
        """Return how many good pixels of a region are in bins of values, in all or along axes.

        Parameters
        ----------
        axes : list of int, optional
            Axes over which pixels are counted; all by default.
        region, mask, stretch : optional
            Which pixels, as in `subimage`.
        nbins : int, optional
            Number of bins.
        includepix : list of float, optional
            Between which values the bins are; one number b stands for -b to b.
        cumu, log : bool, optional
            Whether counts are added up, and whether their logarithms to base 10 are returned.

        Returns
        -------
        dict
            counts and values (centres of the bins), bins first and then the axes that stay; mean and sigma of
            what was counted.
        """
        part = self._selected(self._image(), region, mask, stretch)
        over = self._axes(axes, part.ndim)
        found = part.histogram(
            nbins, None if len(over) == part.ndim else [*over], include=limits_of(includepix) or None,
            cumulative=cumu, log=log,
        )  # fmt: skip
        turned = {k: np.asarray(getattr(found, k), np.float64) for k in ("counts", "values")}
        out = {k: v.transpose(0, *range(v.ndim - 1, 0, -1)) for k, v in turned.items()}
        return out | {
            k: np.atleast_1d(np.asarray(getattr(found, k), np.float64).T) for k in ("mean", "sigma")
        }

    @served(axis="whole", function="text", unit="text", spectype="text", restfreq="any", frame="text")
    def getprofile(
        self, axis: int = -1, function: str = "mean", region: Any = "", mask: str = "", unit: str = "",
        stretch: bool = False, spectype: str = "default", restfreq: Any = "", frame: str = "",
        logfile: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        """Return a statistic of each plane across an axis, and the coordinates of the planes.

        Parameters
        ----------
        axis : int
            The axis along which the profile is taken.
        function : str, optional
            As for `collapse`, or two of these with ``+``, ``-``, ``*`` or ``/`` between them.
        region, mask, stretch : optional
            Which pixels, as in `subimage`.
        unit : str, optional
            Of the coordinates: pixel, a unit of the axis, or for frequencies one of velocities or lengths.
        spectype : str, optional
            Which velocities (relativistic, radio or optical) or wavelengths (wavelength or air wavelength).
        restfreq : str, optional
            Rest frequency of velocities; the default is that of the image.
        frame : str, optional
            Frame of frequencies; the default is that of the image.
        logfile : str, optional
            A text file to write the profile to.

        Returns
        -------
        dict
            values, mask, coords, planes (their pixels in the image), npix (how many are good), xUnit, yUnit.
        """
        part = self._selected(self._image(), region, mask, stretch)
        if not 0 <= axis < part.ndim:
            raise CasaError(f"axis {axis} of an image of {part.ndim} axes", hint="they count from 0, x first")
        dim = part.ndim - 1 - axis
        profile, y_unit = _profile(part, function, dim)
        box: Any = self.boundingbox(region)
        planes = box["blc"][axis] + box["inc"][axis] * np.arange(part.shape[dim], dtype=np.float64)
        place, x_unit = planes, "pixel"
        if unit != "pixel" and part.coords is not None:
            place, x_unit = _places(part, dim, unit, spectype, restfreq, frame)
        values = profile.to_masked_array()
        out = {
            "values": np.asarray(values.filled(0.0), np.float64),
            "mask": ~np.ma.getmaskarray(values),
            "coords": place,
            "planes": planes,
            "npix": part.profile("npts", dim).values.astype(np.uint64),
            "xUnit": x_unit,
            "yUnit": y_unit,
        }
        if logfile:
            _write(logfile, out)
        return out

    @served(x="reals", y="reals", coord="wholes", npts="whole")
    def getslice(
        self, x: Any, y: Any, axes: Any = (0, 1), coord: Any = (-1,), npts: int = 0, method: str = "linear"
    ) -> dict[str, Any]:
        """Return values at points evenly along a line through pixels, which may bend.

        Parameters
        ----------
        x, y : list of float
            Pixels of its corners along the first and the second axis.
        axes : list of int, optional
            The two axes in which it lies.
        coord : list of int, optional
            Pixels on all axes, of which those of the others count; 0 by default.
        npts : int, optional
            Number of points; by default one for each pixel of its length.
        method : {"nearest", "linear", "cubic"}, optional
            Interpolation.

        Returns
        -------
        dict
            pixel (values, 0 where they are bad), mask, xpos, ypos, distance (from point to point, added up)
            and axes.
        """
        image = self._image()
        how = matched(method, ("nearest", "linear", "cubic"), "method")
        if len(axes) != 2 or len(set(axes)) != 2 or not all(0 <= a < image.ndim for a in axes):
            raise CasaError(f"a slice lies in two axes of the image, not in {[*axes]}")
        if len(x) != len(y) or len(x) < 2:
            raise CasaError(
                f"{len(x)} numbers in x and {len(y)} in y", hint="a line has two corners at least"
            )
        chosen = sorted(image.ndim - 1 - a for a in axes)
        given = [] if [*coord] == [-1] else [*coord]
        at = [given[k] if k < len(given) and given[k] >= 0 else 0 for k in range(image.ndim)][::-1]
        if any(p >= n for k, (p, n) in enumerate(zip(at, image.shape, strict=True)) if k not in chosen):
            raise CasaError(f"coord {at[::-1]} is outside of the image")
        plane = image[tuple(slice(None) if k in chosen else p for k, p in enumerate(at))]
        corners = np.column_stack([x, y]).astype(np.float64)
        length = float(np.hypot(*np.diff(corners, axis=0).T).sum())
        count = npts if npts > 0 else int(length) + 1
        found = _slice(plane, corners, max(count, 2), how)
        place = _along(corners, max(count, 2))
        steps = np.hypot(*np.diff(place, axis=0).T)
        good = ~np.ma.getmaskarray(found)
        return {
            "pixel": found.filled(0).astype(np.complex128 if found.dtype.kind == "c" else np.float64),
            "mask": good,
            "xpos": place[:, 0],
            "ypos": place[:, 1],
            "distance": np.concatenate([[0.0], np.cumsum(steps)]),
            "axes": np.array([*axes]),
        }


# -- profiles -----------------------------------------------------------------------------------------------


def _profile(part: Image, function: str, dim: int) -> tuple[Image, str]:
    """Return the profile of a function or of two, and its unit."""
    pair = _PAIR.match(function)
    if pair is None:
        one = part.profile(function.lower(), dim, units="casa")
        return one, one.unit
    first, second = (part.profile(pair.group(k).lower(), dim, units="casa") for k in (1, 3))
    sign = pair.group(2)
    plain = [one.with_unit("") for one in (first, second)]
    if sign in "+-":
        if first.unit != second.unit:
            raise CasaError(f"{first.unit!r} and {second.unit!r} are not put together by {sign}")
        return (plain[0] + plain[1] if sign == "+" else plain[0] - plain[1]), first.unit
    if sign == "*":
        return plain[0] * plain[1], f"{first.unit}.{second.unit}"
    return plain[0] / plain[1], f"{first.unit}/({second.unit})"


def _places(
    part: Image, dim: int, unit: str, spectype: str, restfreq: Any, frame: str
) -> tuple[np.ndarray, str]:
    """Return the coordinates of the planes across an axis, and their unit."""
    from lattice.coords.along import world_along

    line: Any = part
    if line.coords.kinds[dim] == "spectral":
        line = _relabelled(part, unit, spectype, restfreq, frame)
    world, own = world_along(line.coords, dim, np.arange(part.shape[dim], dtype=np.float64))
    found = np.array(world, np.float64)
    if "wavelength" in line.dims and spectype.strip().lower().startswith("a"):
        from lattice.coords.spectral import to_hertz

        to_air: Any = to_hertz("AWAV", 0.0)
        found, own = to_air[1](np.asarray(line.coords.frequencies_at(np.arange(found.size)))), "m"
    system = system_of(part)
    wanted = (
        unit or system.units[next(k for k, a in enumerate(system.axes) if a.pixel == part.ndim - 1 - dim)]
    )
    if line.coords.kinds[dim] == "stokes":
        return found, wanted
    return np.asarray(converted(found, own, wanted), np.float64), wanted


def _relabelled(part: Image, unit: str, spectype: str, restfreq: Any, frame: str) -> Image:
    """Return an image whose spectral axis is labelled by what has a unit: velocity, wavelength, frequency."""
    kind = _TYPES[matched(spectype, [*_TYPES], "spectype")] if spectype else ""
    if unit and unit_of(unit).is_equivalent("m/s"):
        rest = None if is_nothing(restfreq) else in_unit(restfreq, "Hz", "Hz")
        return part.with_velocity(kind if kind in ("radio", "optical") else "relativistic", rest)
    if unit and unit_of(unit).is_equivalent("m"):
        return part.with_velocity("wavelength")
    if unit and not unit_of(unit).is_equivalent("Hz"):
        raise CasaError(f"{unit!r} is no unit of frequency, velocity or wavelength")
    return part.with_frame(frame) if frame else part


def _write(path: str, found: dict[str, Any]) -> None:
    rows = zip(found["planes"], found["npix"], found["coords"], found["values"], strict=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(f"# plane npix {found['xUnit']} {found['yUnit']}\n")
        file.writelines(f"{int(p):6d} {n:8d} {c:.10e} {v:.10e}\n" for p, n, c, v in rows)


# -- slices -------------------------------------------------------------------------------------------------


def _slice(plane: Image, corners: np.ndarray, count: int, method: str) -> np.ma.MaskedArray:
    def taken(image: Any) -> Image:
        made: Image = image.pv(corners.tolist(), method=method, dims=[0, 1], samples=count)
        return made

    if not is_complex(plane.dtype):
        return taken(plane).to_masked_array()
    parts = [taken(plane.real).to_masked_array(), taken(plane.imag).to_masked_array()]
    return parts[0] + 1j * parts[1]


def _along(corners: np.ndarray, count: int) -> np.ndarray:
    """Return points evenly along a line."""
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    ends = np.concatenate([[0.0], np.cumsum(lengths)])
    wanted = np.linspace(0.0, ends[-1], count)
    return np.column_stack([np.interp(wanted, ends, corners[:, k]) for k in (0, 1)])
