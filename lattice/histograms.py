"""Histograms of images, whole or over some dims, in two passes at most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.node import Literal, Node
from lattice.graph.types import is_real
from lattice.image.operators import axes_of
from lattice.image.reduce import range_of, ranged

if TYPE_CHECKING:
    from lattice.image.pixels import ImagePixels

__all__ = ["Histogram", "histogram"]

_MOST = 1 << 20  # bins
_NARROW = 1e-3  # width of the bins where all values are the same, as CASA has it


class Histogram:
    """Numbers of pixels in bins of equal width.

    Attributes
    ----------
    counts : ndarray of float64
        Of each bin, or cumulated up to it, or the logarithm of these; the bins are the first axis, then come
        the dims of the image that stay.
    values : ndarray of float64
        Centres of the bins, of the same shape; NaN where a cell has no pixel to count.
    mean, sigma : ndarray of float64
        Of the pixels that are counted, of the shape of the dims that stay; numbers for a whole image.
    dims : tuple of str
        Names of the dims that stay.
    unit : str
        Of the values.
    """

    def __init__(
        self,
        counts: np.ndarray,
        ends: tuple[np.ndarray, np.ndarray],
        mean: np.ndarray,
        sigma: np.ndarray,
        dims: tuple[str, ...],
        unit: str,
    ) -> None:
        self.counts = counts
        self.mean, self.sigma = (v[()] for v in (mean, sigma))
        self.dims = dims
        self.unit = unit
        self._low, self._high = ends

    @property
    def values(self) -> np.ndarray:
        """Centres of the bins."""
        return self._at(np.arange(len(self.counts)) + 0.5)

    @property
    def edges(self) -> np.ndarray:
        """Ends of the bins: one more than there are bins."""
        return self._at(np.arange(len(self.counts) + 1.0))

    def _at(self, numbers: np.ndarray) -> np.ndarray:
        share = (numbers / len(self.counts)).reshape(-1, *(1,) * len(self.dims))
        return np.asarray(self._low + share * (self._high - self._low))

    def to_xarray(self) -> Any:
        """Return the histograms as an xarray Dataset with the variables counts, values, mean and sigma."""
        import xarray

        dims = ("bin", *self.dims)
        return xarray.Dataset(
            {
                "counts": (dims, self.counts),
                "values": (dims, self.values),
                "mean": (self.dims, self.mean),
                "sigma": (self.dims, self.sigma),
            },
            attrs={"units": self.unit} if self.unit else {},
        )

    def __repr__(self) -> str:
        if self.dims:
            sizes = ", ".join(f"{d} {n}" for d, n in zip(self.dims, self.counts.shape[1:], strict=True))
            return f"<lattice.Histogram of {len(self.counts)} bins for each of ({sizes})>"
        rows = [f"{v:12.6g} {c:12.6g}" for v, c in zip(self.values, self.counts, strict=True)]
        return "\n".join([f"mean {self.mean:.9g}, sigma {self.sigma:.9g} {self.unit}".rstrip(), *rows])


def histogram(
    image: ImagePixels,
    nbins: int = 25,
    dims: Any = None,
    *,
    include: Any = None,
    cumulative: bool = False,
    log: bool = False,
) -> Histogram:
    """Return histograms of an image; see `Image.histogram`."""
    if isinstance(nbins, bool) or not isinstance(nbins, int | np.integer):
        raise LatticeTypeError(f"nbins={nbins!r} is no whole number")
    if not 0 < nbins <= _MOST:
        raise LatticeRangeError(f"a histogram has 1 to {_MOST} bins, not {nbins}")
    if not is_real(image.dtype):
        raise LatticeTypeError(
            f"histograms are of real values, not of {image.dtype}",
            hint="take one of abs(x), real(x) or imag(x), or of iif(x, 1, 0)",
        )
    ends = range_of(include, "include")
    axes = () if dims is None else axes_of(image, dims)
    x = ranged(image.node, include, None, False)
    if len(axes) in (0, image.ndim):
        counts, low, high, mean, sigma = _whole(x, int(nbins), ends)
        kept: tuple[str, ...] = ()
    else:
        counts, low, high, mean, sigma = _over(x, axes, int(nbins), ends)
        kept = tuple(d for a, d in enumerate(image.dims) if a not in axes)
    if cumulative:
        counts = np.cumsum(counts, axis=0)
    if log:
        counts = np.log10(np.maximum(counts, 1))
    return Histogram(counts, (low, high), mean, sigma, kept, image.unit)


def _opened(low: np.ndarray, high: np.ndarray, nbins: int) -> np.ndarray:
    """Return upper ends above the lower ones."""
    return np.asarray(np.where(high > low, high, low + _NARROW * nbins))


def _whole(x: Node, nbins: int, ends: tuple[float, float] | None) -> tuple[Any, Any, Any, Any, Any]:
    from lattice.config import get_options
    from lattice.execute.measure import measure
    from lattice.execute.run import settled
    from lattice.plan.stages import Measure

    options = get_options()
    (x,) = settled([x], options)
    if isinstance(x, Literal):
        raise LatticeTypeError("a single number has no histogram")
    moments, bins = Measure(x, "moments"), None
    if ends is None:
        m, e = measure([moments, Measure(x, "extrema")], options)
        low, high = (math.nan if v is None else float(v[1]) for v in (e.low, e.high))
        _check_finite(np.array([low, high]), m.n > 0)
    else:
        low, high = ends
    top = float(_opened(np.array(low), np.array(high), nbins))
    bins = Measure(x, "histogram", (low, top, nbins))
    if ends is None:
        counts = measure([bins], options)[0].counts if m.n else np.zeros(nbins)
    else:
        m, found = measure([moments, bins], options)
        counts = found.counts
    mean = float(m.total / m.n) if m.n else math.nan
    sigma = math.sqrt(max(0.0, float(m.m2)) / max(1, m.n - 1)) if m.n else math.nan
    return counts.astype(np.float64), np.array(low), np.array(top), np.array(mean), np.array(sigma)


def _check_finite(ends: np.ndarray, good: Any) -> None:
    if not np.isfinite(ends[..., np.broadcast_to(good, ends.shape[1:])]).all():
        raise LatticeRangeError(
            "values that are infinite or no numbers have no bins",
            hint="say include=(low, high), or mask them: image[np.isfinite(image)]",
        )


def _over(
    x: Node, axes: tuple[int, ...], nbins: int, ends: tuple[float, float] | None
) -> tuple[Any, Any, Any, Any, Any]:
    from lattice.execute.run import compute
    from lattice.ops.collapse import statistics
    from lattice.ops.histogram import histogram as counting

    found = compute(statistics(x, ["min", "max", "mean", "stddev", "nelements"], axes))
    least, most, mean, sigma, n = (np.asarray(v, np.float64) for v in found.values)
    some = n > 0
    if ends is None:
        _check_finite(np.stack([least, most]), some)
        low, high = (np.where(some, v, np.nan) for v in (least, most))
    else:
        low, high = (np.full(n.shape, v) for v in ends)
    top = _opened(low, high, nbins)
    counts = compute(counting(x, axes, low, top, nbins)).values
    mean, sigma = (np.where(some, v, np.nan) for v in (mean, sigma))
    return counts, low, top, mean, sigma
