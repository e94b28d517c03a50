"""Fourier transforms along axes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from lattice.coords.graft import drop_axes
from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Operation
from lattice.graph.sections import Section, full, iter_grid, shape_of
from lattice.graph.types import COMPLEX, DCOMPLEX, is_bool

__all__ = ["Fourier", "WholePlanes", "fft", "groups", "places"]

_SKY = ("longitude", "latitude")


def fft(x: Node, axes: Sequence[int]) -> Node:
    """Return the discrete Fourier transform of a lattice along some axes.

    Parameters
    ----------
    x : Node
        A numeric lattice.
    axes : sequence of int
        Numpy numbers, in rising order: both axes of the sky or none of them, no Stokes axis.

    Returns
    -------
    Node
        Complex, of the shape of x: the sum of ``x exp(-2 pi i k p / n)``, unscaled, where the centre of both
        is pixel ``n // 2`` of each axis. Bad pixels count as zero, and stay bad. The sky becomes ``uu`` and
        ``vv`` in wavelengths, a frequency a time in seconds, another axis its inverse. Jy/beam and Jy/pixel
        become Jy; a beam stays, beams of planes that differ do not.

    Raises
    ------
    LatticeTypeError
        For truth values and scalars.
    LatticeRangeError
        For Stokes axes, and for one of two sky axes.
    """
    attrs = x.attrs
    shape = attrs.shape or ()
    if not shape or is_bool(attrs.dtype):
        raise LatticeTypeError(f"a Fourier transform is one of numbers, not of a {attrs.describe()}")
    numbers = tuple(sorted({int(a) for a in axes}))
    if not numbers or numbers[0] < 0 or numbers[-1] >= len(shape):
        raise LatticeRangeError(f"the axes {list(axes)} are not those of a {attrs.describe()}")
    kinds = ("none",) * len(shape) if attrs.coords is None else tuple(attrs.coords.kinds)
    if any(kinds[a] == "stokes" for a in numbers):
        raise LatticeRangeError("Stokes parameters have no Fourier transform")
    sky = [a for a, kind in enumerate(kinds) if kind in _SKY]
    if len(sky) == 2 and len(set(sky) & set(numbers)) == 1:
        raise LatticeRangeError("both axes of the sky are transformed, or none")
    node: Node = Fourier((x,), numbers)
    return node


def _complex_of(attrs: Attributes) -> np.dtype[Any]:
    return COMPLEX if attrs.dtype.itemsize // (2 if attrs.dtype.kind == "c" else 1) == 4 else DCOMPLEX


def _labels(attrs: Attributes, axes: Sequence[int]) -> tuple[tuple[str, ...], CoordinateSystem | None]:
    """Return dims and coordinates of a transform."""
    shape, coords = attrs.shape or (), attrs.coords
    dims = list(attrs.dims)
    if coords is None:
        for a in axes:
            dims[a] = {"x": "uu", "y": "vv"}.get(dims[a], f"inverse_{dims[a]}")
        return tuple(dims), None
    assert isinstance(coords, CoordinateSystem)
    n = len(shape)
    cards = drop_axes(coords, shape, axes)
    for a in axes:
        kind, step, unit = _step(coords, a)
        name = {"longitude": "uu", "latitude": "vv", "spectral": "time"}.get(kind, f"inverse_{dims[a]}")
        dims[a] = name
        new: list[tuple[str, Any]] = [
            ("CTYPE", name.upper()[:8]), ("CRPIX", shape[a] // 2 + 1.0), ("CRVAL", 0.0),
            ("CDELT", 1 / (shape[a] * step) if step else 1.0), ("CUNIT", unit),
        ]  # fmt: skip
        cards += [(f"{key}{n - a}", value, "") for key, value in new if value != ""]
    made = CoordinateSystem.from_header(cards, shape)
    named = tuple(replace(axis, name=dim) for axis, dim in zip(made.axes, dims, strict=True))
    spectral = coords.axis_of("spectral")
    table: tuple[float, ...] = ()
    if coords.table and spectral is not None and spectral not in axes:
        found = coords.frequencies(shape[spectral])
        table = () if found is None else tuple(float(f) for f in found)
    return tuple(dims), replace(made, axes=named, table=table, _hash=None)


def _step(coords: CoordinateSystem, axis: int) -> tuple[str, float, str]:
    """Return kind, increment in radians, Hz or own units, and unit of what is transformed."""
    from lattice.coords.along import reference_pixel, world_along

    kind = coords.kinds[axis]
    if kind == "none":
        return kind, 1.0, ""
    if kind in _SKY:
        sign = -1.0 if kind == "longitude" and coords.sky_matrix()[0, 1] < 0 else 1.0
        scale = coords.pixel_scale()[0 if kind == "latitude" else 1]
        return kind, sign * math.radians(scale), "lambda"
    at = reference_pixel(coords, axis)
    if kind == "spectral":
        hertz = coords.frequencies_at(np.array([at, at + 1]))
        if hertz is not None:
            return kind, float(hertz[1] - hertz[0]), "s"
        return "linear", 1.0, ""
    values, unit = world_along(coords, axis, np.array([at, at + 1]))
    return "linear", float(values[1] - values[0]), f"1/{unit}" if unit else ""


class WholePlanes(Operation):
    """Base of what takes whole planes of some axes and gives whole planes; fields: (x,), axes."""

    __slots__ = ("axes",)
    axes: tuple[int, ...]

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should hold whole planes."""
        return tuple(a in self.axes for a in range(self.attrs.ndim))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the planes that the section touches."""
        own = self.children[0].attrs.shape or ()
        return (tuple(slice(0, n, 1) if a in self.axes else section[a] for a, n in enumerate(own)),)


class Fourier(WholePlanes):
    """A Fourier transform; fields: (x,), axes."""

    __slots__ = ()
    name: ClassVar[str] = "fft"

    def _build(self, children: tuple[Node, ...], axes: tuple[int, ...]) -> None:
        own = children[0].attrs
        dims, coords = _labels(own, axes)
        unit = own.unit.replace(" ", "")
        for suffix in ("/beam", "/pixel", "/pix", ".beam-1", ".pixel-1"):
            if unit.lower().endswith(suffix):
                unit = unit[: -len(suffix)]
                break
        else:
            unit = own.unit
        attrs = own.with_(dtype=_complex_of(own), dims=dims, coords=coords, unit=unit)
        self._set(children=children, axes=axes)
        self._set(attrs=attrs.with_(beams=own.beams if len(own.beams) < 2 else ()))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        return f"fft({x}, along=[{', '.join(self.children[0].attrs.dims[a] for a in self.axes)}])"

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of whole planes, where a section has parts of them, and of what is moved."""
        own = self.attrs.shape or ()
        whole = math.prod(own[a] if a in self.axes else n for a, n in enumerate(shape))
        size = self.attrs.dtype.itemsize
        planes = 0 if whole == math.prod(shape) else whole * (size + self.attrs.masked)
        return planes + 3 * size * max(_MOVED, *(own[a] for a in self.axes))

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section: planes are transformed in the place where they are filled."""
        (needed,) = self.needs(section)
        planes = np.empty(shape_of(needed), self.attrs.dtype)
        good = np.ones(planes.shape, bool) if self.attrs.masked else None
        if planes.size:
            for piece, values, mask in inputs[0].strips(needed):
                at = places(piece, needed)
                planes[at] = values
                if mask is not None and good is not None:
                    planes[at][~mask] = 0
                    good[at] = mask
        for group in groups(planes.shape, self.axes, _TOGETHER):
            _transform(planes[group], self.axes)
        if shape_of(section) == planes.shape:
            return planes, good
        part = tuple(section[a] if a in self.axes else slice(None) for a in range(planes.ndim))
        # not a view, which would keep whole planes alive
        return planes[part].copy(), None if good is None else good[part].copy()


_TOGETHER = 1 << 18  # pixels of small planes that are transformed in one call, and stay in the cache
_MOVED = 1 << 18  # pixels that are moved at once


def places(piece: Section, needed: Section) -> Section:
    """Return where a piece of what is needed lies in the array of it."""
    return tuple(
        slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
        for p, s in zip(piece, needed, strict=True)
    )


def groups(shape: tuple[int, ...], axes: tuple[int, ...], most: int) -> Iterator[Section]:
    """Cut an array into groups of whole planes, of about so many pixels if planes are smaller."""
    counts = [n if a in axes else 1 for a, n in enumerate(shape)]
    room = most // max(1, math.prod(counts))
    for a in reversed(range(len(shape))):
        if a not in axes:
            counts[a] = max(1, min(shape[a], room))
            room //= counts[a]
    return iter_grid(full(shape), [max(1, n) for n in counts])


def _transform(x: np.ndarray, axes: tuple[int, ...]) -> None:
    """Transform complex values in their place."""
    from scipy.fft import fftn

    for a in axes:
        _roll(x, a, -(x.shape[a] // 2))
    made = fftn(x, axes=axes, overwrite_x=True)
    if made is not x:
        x[...] = made
    for a in axes:
        _roll(x, a, x.shape[a] // 2)


def _roll(x: np.ndarray, axis: int, by: int) -> None:
    """Move pixels round along an axis, some lines at a time."""
    counts = [1] * x.ndim
    counts[axis] = x.shape[axis]
    room = _MOVED // max(1, x.shape[axis])
    for a in reversed(range(x.ndim)):
        if a != axis:
            counts[a] = max(1, min(x.shape[a], room))
            room //= counts[a]
    for part in iter_grid(full(x.shape), counts):
        x[part] = np.roll(x[part], by, axis)
