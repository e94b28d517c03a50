"""Labels of pixels in xarray: lazy two-dimensional ones of the sky, and one-dimensional ones of other axes.

The interface of xarray on which this stands is marked as experimental there; it is used in this file only.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import xarray
from xarray.indexes import CoordinateTransform, CoordinateTransformIndex, Index, PandasIndex

from lattice.config import get_options
from lattice.coords.header import is_observation_keyword
from lattice.coords.labels import Label, axis_labels, cut_labels, sky_part
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateMismatchError, LatticeRangeError

__all__ = ["LabelIndex", "SkyIndex", "SkyTransform", "labels_of"]

_BLOCK = (512, 2048)
_OTHER = frozenset({"RESTFRQ", "RESTFREQ", "RESTWAV", "SPECSYS", "SSYSOBS", "VELOSYS", "VELREF"})
_HINT = "make images of them, whose operators combine pixels by position: dataset.lattice.image"


class SkyTransform(CoordinateTransform):
    """Longitudes and latitudes (degrees) of pixels.

    Parameters
    ----------
    coords : CoordinateSystem
        Of the sky axes that are left: both, or one.
    names : tuple of str
        Labels of longitude and latitude.
    sizes : dict of str to int
        Length of each dim, in the order of the axes.
    """

    def __init__(self, coords: CoordinateSystem, names: tuple[str, str], sizes: Mapping[str, int]) -> None:
        super().__init__(names, sizes)
        self.coords = coords
        self._key: Any = None

    def forward(self, dim_positions: dict[str, Any]) -> dict[Hashable, Any]:
        lon, lat = self.coords.positions(*(dim_positions[d] for d in self.dims))
        return dict(zip(self.coord_names, (lon, lat), strict=True))

    def reverse(self, coord_labels: dict[Hashable, Any]) -> dict[str, Any]:
        lon, lat = (np.asarray(coord_labels[name], np.float64) for name in self.coord_names)
        if len(self.dims) == 2:
            y, x = self.coords.lonlat_to_pixel(lon, lat)
            found = [y if kind == "latitude" else x for kind in self.coords.kinds]
        else:
            found = list(self.coords.to_pixel(lon if self.coords.kinds[0] == "longitude" else lat))
        for dim, pixels in zip(self.dims, found, strict=True):
            # Left to itself, xarray would round NaN to a number and count negative pixels from the end.
            if not ((pixels >= -0.5) & (pixels < self.dim_size[dim] - 0.5)).all():
                raise LatticeRangeError(f"a position is outside of the image along {dim!r}")
        return dict(zip(self.dims, found, strict=True))

    def equals(self, other: CoordinateTransform, **_kwargs: Any) -> bool:
        if not isinstance(other, SkyTransform) or self.dim_size != other.dim_size or self.dims != other.dims:
            return False
        return self.key == other.key or self.difference(other) is None

    def difference(self, other: SkyTransform) -> str | None:
        """Return in which way positions differ by more than the tolerated fraction of a pixel, or None."""
        tolerance = get_options().coordinate_tolerance
        return self.coords.differs(other.coords, tuple(self.dim_size[d] for d in self.dims), tolerance)

    @property
    def key(self) -> Any:
        """What positions depend on: when, and at which frequencies, it was observed moves none."""
        if self._key is None:
            cards = self.coords.to_cards()
            told = tuple((k, v) for k, v, _ in cards if not is_observation_keyword(k) and k not in _OTHER)
            self._key = (told, self.coords.kinds, tuple(self.dim_size.values()))
        return self._key

    def __dask_tokenize__(self) -> Any:
        return ("lattice-sky", self.key)


class _Labels:
    """One label as an array that is computed where it is read."""

    def __init__(self, transform: SkyTransform, name: Hashable, dims: tuple[str, ...]) -> None:
        self._transform, self._name, self._dims = transform, name, dims
        self.shape = tuple(transform.dim_size[d] for d in dims)
        self.dtype = np.dtype(np.float64)
        self.ndim = len(dims)

    def __getitem__(self, key: Any) -> np.ndarray:
        grid = np.ix_(*(np.atleast_1d(np.arange(n)[k]) for n, k in zip(self.shape, key, strict=True)))
        # An integer drops its axis, as in numpy.
        left = tuple(0 if isinstance(k, int | np.integer) else slice(None) for k in key)
        grid = tuple(g[left] for g in np.broadcast_arrays(*grid))
        return np.asarray(self._transform.forward(dict(zip(self._dims, grid, strict=True)))[self._name])


class SkyIndex(CoordinateTransformIndex):
    """Positions on the sky as a lazy index that cuts keep."""

    transform: SkyTransform

    def create_variables(self, variables: Mapping[Any, Any] | None = None) -> dict[Any, Any]:
        """Return the labels as dask arrays, whose names tell equal ones without computing them."""
        import dask.array as da
        from dask.base import tokenize

        out: dict[Any, Any] = {}
        for name in self.transform.coord_names:
            given = None if variables is None else variables.get(name)
            dims: tuple[Any, ...] = self.transform.dims
            if given is not None and set(given.dims) == set(dims):
                dims = given.dims
            attrs = {"units": "deg"} if given is None else given.attrs
            source = _Labels(self.transform, name, dims)
            chunks = tuple(min(n, b) or 1 for n, b in zip(source.shape, _BLOCK[-source.ndim :], strict=True))
            token = f"{name}-{tokenize(self.transform, str(name), dims)}"
            data = da.from_array(source, chunks, name=token, meta=np.empty((0,) * source.ndim))  # type: ignore[no-untyped-call]
            out[name] = xarray.Variable(dims, data, attrs)
        return out

    def isel(self, indexers: Mapping[Any, Any]) -> SkyIndex | None:
        transform = self.transform
        items: list[slice | int] = []
        sizes: dict[str, int] = {}
        for dim in transform.dims:
            item, n = indexers.get(dim, slice(None)), transform.dim_size[dim]
            if isinstance(item, slice):
                start, stop, step = item.indices(n)
                items.append(slice(start, None, step))
                sizes[dim] = len(range(start, stop, step))
            elif isinstance(item, int | np.integer) and -n <= item < n:
                items.append(int(item) % n)
            else:
                return None
        if not sizes or 0 in sizes.values():
            return None
        names = (str(transform.coord_names[0]), str(transform.coord_names[1]))
        return SkyIndex(SkyTransform(transform.coords.subset(items), names, sizes))

    def join(self, other: Index, how: str = "inner") -> Self:
        text = self.transform.difference(other.transform) if isinstance(other, SkyIndex) else None
        why = text or "their shapes differ"
        raise CoordinateMismatchError(f"the images lie at different places: {why}", hint=_HINT)

    def reindex_like(self, other: Self) -> dict[Hashable, Any]:
        return {}


class LabelIndex(PandasIndex):
    """Labels of one axis, which are equal within a fraction of a pixel, and never joined in silence."""

    def equals(self, other: Index, *, exclude: frozenset[Hashable] | None = None) -> bool:
        if not isinstance(other, PandasIndex) or len(self.index) != len(other.index):
            return False
        if self.dim != other.dim:
            return False
        return self.index.equals(other.index) or self._apart(other) <= get_options().coordinate_tolerance

    def _apart(self, other: PandasIndex) -> float:
        """Return the largest difference in pixels."""
        a, b = np.asarray(self.index), np.asarray(other.index)
        if a.dtype.kind != "f" or b.dtype.kind != "f" or a.shape != b.shape:
            return np.inf
        steps = np.abs(np.diff(a))
        return float(np.abs(a - b).max() / steps.min()) if len(a) > 1 and steps.min() > 0 else np.inf

    def join(self, other: Index, how: str = "inner") -> Self:
        assert isinstance(other, PandasIndex)
        if self.equals(other):
            return self
        apart = self._apart(other)
        size = f"by {apart:.3g} pixels" if np.isfinite(apart) else "in number or kind"
        raise CoordinateMismatchError(f"the labels of {self.dim!r} differ {size}", hint=_HINT)


def labels_of(
    coords: CoordinateSystem, dims: tuple[str, ...], shape: tuple[int, ...], cut: Collection[str] = ()
) -> xarray.Coordinates:
    """Return the labels of an image; nothing is projected, but for the place of a single line of sight.

    Parameters
    ----------
    coords : CoordinateSystem
        Of the image.
    dims : tuple of str
        Its dims.
    shape : tuple of int
        Its shape.
    cut : collection of str, optional
        Dims that were cut away by an index: their labels are scalars.
    """
    out: dict[Any, Any] = {}
    indexes: dict[Any, Index] = {}
    for label in axis_labels(coords, shape):
        variable, index = _one(label, dims[label.axis])
        out[label.name] = variable
        if index is not None:
            indexes[label.name] = index
    sky = sky_part(coords)
    if sky is not None and not {*sky[2]} & {*dims, *out}:
        part, axes, names = sky
        sizes = {dims[i]: shape[i] for i in axes}
        if 0 not in sizes.values():
            lazy = SkyIndex(SkyTransform(part, names, sizes))
            out |= lazy.create_variables()
            indexes |= dict.fromkeys(names, lazy)
    for label in cut_labels(coords, cut) if cut else ():
        if label.name not in out and label.name not in dims:
            out[label.name] = xarray.Variable((), label.values, label.attrs)
    return xarray.Coordinates(out, indexes)


def _one(label: Label, dim: str) -> tuple[xarray.Variable, Index | None]:
    variable = xarray.Variable((dim,), label.values, label.attrs)
    if label.name != dim:
        return variable, None
    index = LabelIndex(label.values, dim)
    index.index.name = dim
    return index.create_variables({dim: variable})[dim].to_index_variable(), index


def sky_of(index: SkyIndex, dims: tuple[str, ...]) -> CoordinateSystem:
    """Return the coordinates of the sky axes of an index, in the order of some dims."""
    transform = index.transform
    order = [transform.dims.index(d) for d in dims if d in transform.dims]
    part = transform.coords.select(order)
    return replace(part, _hash=None)
