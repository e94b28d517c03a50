"""Simple sources on the sky as pixels: points, Gaussians and disks, evaluated where they are read."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import CoordinateError, LatticeRangeError
from lattice.graph.sections import Section, shape_of

__all__ = ["SHAPES", "Component", "ComponentReader"]

SHAPES = ("point", "gaussian", "disk")
_STOKES = "IQUV"
_AT_ONCE = 1 << 16  # pixels that are made at a time
_FAR = 8.0  # full widths beyond which a Gaussian is 0 in double precision


@dataclass(frozen=True)
class Component:
    """A simple source.

    Attributes
    ----------
    lon, lat : float
        Its place in degrees, in the frame of the image.
    flux : tuple of float
        Flux densities of I, Q, U and V in Jy; those that are left out are 0.
    shape : {"point", "gaussian", "disk"}
        What it looks like.
    major, minor, pa : float
        Full widths at half maximum, or diameters, and position angle of the larger one, in degrees.
    index, frequency : float
        Spectral index, and the frequency in Hz at which the flux is that.
    """

    lon: float
    lat: float
    flux: tuple[float, ...]
    shape: str = "point"
    major: float = 0.0
    minor: float = 0.0
    pa: float = 0.0
    index: float = 0.0
    frequency: float = 0.0

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise LatticeRangeError(
                f"there is no component of shape {self.shape!r}", hint=f"there are {', '.join(SHAPES)}"
            )
        numbers = (
            self.lon,
            self.lat,
            *self.flux,
            self.major,
            self.minor,
            self.pa,
            self.index,
            self.frequency,
        )
        if not all(math.isfinite(v) for v in numbers) or not 1 <= len(self.flux) <= 4:
            raise LatticeRangeError(f"a component has finite numbers and one to four fluxes: {self}")
        if self.shape != "point" and not self.major >= self.minor > 0:
            raise LatticeRangeError(
                f"a {self.shape} of {self.major} by {self.minor} deg: the larger width first"
            )
        if self.index and not self.frequency > 0:
            raise LatticeRangeError("a spectral index needs the frequency of the flux")


class ComponentReader:
    """Sources on the grid of an image, in Jy/pixel.

    A point is in the pixel that is nearest to it; Gaussians and disks have their values at the centres of
    pixels: those of a disk are all the same, and 0 where the centre is outside.

    Parameters
    ----------
    shape : sequence of int
        Shape of the image.
    dtype : dtype
        float32 or float64.
    coords : CoordinateSystem
        With a sky; a Stokes axis has I, Q, U and V only; a spectral axis is needed for spectral indices.
    components : sequence of Component
        The sources.
    weights : ndarray, optional
        By which values are multiplied, with length 1 along axes where it is the same.
    """

    __slots__ = ("components", "coords", "dtype", "shape", "token", "weights")

    direct = False

    def __init__(
        self,
        shape: Sequence[int],
        dtype: Any,
        coords: Any,
        components: Sequence[Component],
        weights: np.ndarray | None = None,
    ) -> None:
        if coords is None or not coords.has_sky:
            raise CoordinateError("sources have their places on the sky, and the image has no sky axes")
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.coords, self.components = coords, tuple(components)
        self.weights = np.ones((1,) * len(self.shape)) if weights is None else np.asarray(weights, np.float64)
        text = repr((self.shape, self.dtype, coords.to_cards(self.shape), coords.dims, self.components))
        digest = hashlib.blake2b(text.encode() + self.weights.tobytes(), digest_size=16)
        self.token = f"components-{digest.hexdigest()}"
        self._fluxes()
        self._spectra(range(1))

    @property
    def label(self) -> str:
        """How many there are."""
        return f"{len(self.components)} components"

    @property
    def tile(self) -> tuple[int, ...]:
        """One plane of the sky."""
        return tuple(n if a in self._sky() else 1 for a, n in enumerate(self.shape))

    def _sky(self) -> tuple[int, int]:
        return self.coords.axis_of("latitude"), self.coords.axis_of("longitude")

    def _fluxes(self) -> np.ndarray:
        """Return the flux of each component for each plane of the Stokes axis, if there is one."""
        axis = self.coords.axis_of("stokes")
        names = ["I"] if axis is None else self.coords.stokes(self.shape[axis])
        if other := [n for n in names if n not in _STOKES]:
            raise CoordinateError(f"sources have no Stokes parameter {other[0]}", hint="but I, Q, U and V")
        padded = [(*c.flux, 0.0, 0.0, 0.0)[:4] for c in self.components]
        return np.array(padded).reshape(-1, 4)[:, [_STOKES.index(n) for n in names]]

    def _spectra(self, channels: Any) -> np.ndarray:
        """Return by what the flux of each component is multiplied in some channels."""
        out = np.ones((len(self.components), len(channels)))
        for row, one in zip(out, self.components, strict=True):
            if one.index:
                hertz = self.coords.frequencies_at(np.asarray(channels, np.float64))
                if hertz is None:
                    raise CoordinateError("a spectral index needs a spectral axis with frequencies")
                row[:] = (hertz / one.frequency) ** one.index
        return out

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section, as a new array or in `out`; some rows are made at a time."""
        shape = shape_of(section)
        values = np.empty(shape, self.dtype) if out is None else out
        axis = self._sky()[0]
        rows, pixels = shape[axis], math.prod(shape)
        at_once = max(1, _AT_ONCE * rows // max(1, pixels))
        for first in range(0, rows, at_once):
            here = slice(first, min(rows, first + at_once))
            own = section[axis]
            band = slice(own.start + here.start * own.step, own.start + here.stop * own.step, own.step)
            place = (*(slice(None),) * axis, here)
            values[place] = self._band((*section[:axis], band, *section[axis + 1 :]))
        return values

    def _band(self, section: Section) -> np.ndarray:
        """Return the values of a section, in double precision."""
        sky = self._sky()
        y, x = (np.arange(section[a].start, section[a].stop, section[a].step) for a in sky)
        places = np.arange(len(section))
        total = np.zeros(shape_of(section))
        stokes, spectral = (self.coords.axis_of(kind) for kind in ("stokes", "spectral"))
        fluxes = self._fluxes()
        channels = range(1)
        if spectral is not None:
            span = section[spectral]
            channels = range(span.start, span.stop, span.step)
        spectra = self._spectra(channels)
        lon, lat = self.coords.pixel_to_lonlat(*np.meshgrid(y, x, indexing="ij"))
        for one, flux, spectrum in zip(self.components, fluxes, spectra, strict=True):
            plane = self._plane(one, y, x, lon, lat)
            if not plane.any():
                continue
            term = plane if sky[0] < sky[1] else plane.T
            term = term.reshape([len(y) if a == sky[0] else len(x) if a == sky[1] else 1 for a in places])
            if stokes is not None:
                term = term * flux[section[stokes]].reshape([-1 if a == stokes else 1 for a in places])
            else:
                term = term * flux[0]
            if spectral is not None:
                term = term * spectrum.reshape([-1 if a == spectral else 1 for a in places])
            total += term
        weights = zip(section, self.weights.shape, strict=True)
        total *= self.weights[tuple(s if n > 1 else slice(None) for s, n in weights)]
        return total

    def _plane(self, one: Component, y: np.ndarray, x: np.ndarray, lon: Any, lat: Any) -> np.ndarray:
        """Return what a component of flux 1 has in pixels of the sky."""
        if one.shape == "point":
            place = self.coords.lonlat_to_pixel(one.lon, one.lat)
            row, column = (math.floor(float(p) + 0.5) if np.isfinite(p) else -1 for p in place)
            return np.multiply.outer(y == row, x == column).astype(np.float64)
        east, north = _offsets(one, lon, lat)
        turn = math.radians(one.pa)
        along = (east * math.sin(turn) + north * math.cos(turn)) / one.major
        across = (east * math.cos(turn) - north * math.sin(turn)) / one.minor
        square = along**2 + across**2
        height, width = self.coords.pixel_scale()
        pixel = height * width / (one.major * one.minor)
        if one.shape == "disk":
            return np.where(square <= 0.25, 4 / math.pi * pixel, 0.0)
        near = np.exp(-4 * math.log(2) * np.minimum(square, _FAR**2))
        return np.where(square < _FAR**2, near, 0.0) * (4 * math.log(2) / math.pi * pixel)

    def bytes_read(self, section: Section) -> int:
        """Return 0: nothing is read."""
        return 0

    def __dask_tokenize__(self) -> str:
        return self.token

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.shape, self.dtype, self.coords, self.components, self.weights)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"ComponentReader({len(self.components)} components, shape={self.shape})"


def _offsets(one: Component, lon: Any, lat: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return how far pixels are from a component in degrees, towards east and north, along great circles."""
    x, y = np.radians(np.asarray(lon) - one.lon), np.radians(np.asarray(lat))
    y0 = math.radians(one.lat)
    east = np.cos(y) * np.sin(x)
    north = math.cos(y0) * np.sin(y) - math.sin(y0) * np.cos(y) * np.cos(x)
    towards = math.sin(y0) * np.sin(y) + math.cos(y0) * np.cos(y) * np.cos(x)
    sine = np.hypot(east, north)
    far = np.degrees(np.arctan2(sine, towards))
    scale = np.divide(far, sine, out=np.full(sine.shape, 180 / math.pi), where=sine > 0)
    bad = ~np.isfinite(east)
    return np.where(bad, np.inf, east * scale), np.where(bad, np.inf, north * scale)
