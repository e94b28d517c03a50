"""Continua: polynomials through chosen channels of each spectrum, and what is left without them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.graph.node import Extend, Node, Operation, Subset
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, shape_of
from lattice.graph.types import is_real

__all__ = ["Continuum", "contsub"]

_NOTHING = 1e-24  # a share of its terms squared below which a polynomial is rounding only
_PIXELS = 1 << 16  # that are fitted at a time


def contsub(x: Node, axis: int, channels: Sequence[int] | None = None, order: int = 0) -> tuple[Node, Node]:
    """Return a lattice without its continuum, and the continuum.

    Parameters
    ----------
    x : Node
        A real lattice.
    axis : int
        Numpy number of the axis along which spectra lie.
    channels : sequence of int, optional
        Pixels along it to which the continuum is fitted; the default is all.
    order : int
        Of the polynomial that is fitted to each spectrum, by least squares.

    Returns
    -------
    line, continuum : Node
        Of type, shape, mask, unit, beams and coordinates of x; computed together, they take one pass over it.
        Bad pixels are left out of the fit. Where fewer channels than it takes are good, the polynomial has as
        low an order as these can tell; where none is good, the continuum is 0.

    Raises
    ------
    LatticeTypeError
        When x is not real.
    LatticeRangeError
        For channels that x does not have, none at all, or fewer than the polynomial takes.
    """
    attrs = x.attrs
    if not attrs.shape or not is_real(attrs.dtype):
        raise LatticeTypeError(f"a continuum is fitted to real numbers, not to a {attrs.describe()}")
    n = attrs.shape[axis]
    chosen = list(range(n)) if channels is None else sorted({int(c) for c in channels})
    dim = attrs.dims[axis]
    if not chosen:
        raise LatticeRangeError(f"there is no channel along {dim} to fit a continuum to")
    if chosen[0] < 0 or chosen[-1] >= n:
        wrong = chosen[0] if chosen[0] < 0 else chosen[-1]
        raise LatticeRangeError(f"there is no channel {wrong} along {dim}, which has {n}")
    if not 0 <= order < len(chosen):
        raise LatticeRangeError(
            f"a polynomial of order {order} cannot be fitted to {len(chosen)} channels",
            hint=f"the order is 0 to {len(chosen) - 1} here",
        )
    joint: Node = Continuum((x,), axis, FrozenArray(np.array(chosen)), order)
    whole = tuple(slice(0, m, 1) for m in attrs.shape)
    line, continuum = (Extend(Subset(joint, (k, *whole)), tuple(range(attrs.ndim)), attrs) for k in range(2))
    return line, continuum


class Continuum(Operation):
    """What is left, and the continuum, on a new first axis; fields: (x,), axis, channels, order."""

    __slots__ = ("axis", "channels", "order")
    name: ClassVar[str] = "contsub"
    joint: ClassVar[bool] = True
    axis: int
    channels: FrozenArray
    order: int

    def _build(self, children: tuple[Node, ...], axis: int, channels: FrozenArray, order: int) -> None:
        x = children[0].attrs
        attrs = x.with_(shape=(2, *(x.shape or ())), dims=("part", *x.dims), coords=None, beams=())
        self._set(children=children, axis=axis, channels=channels, order=order, attrs=attrs)

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        dim = self.children[0].attrs.dims[self.axis]
        return f"contsub({x}, {dim}, {len(self.channels)} channels, order {self.order})"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should hold both parts, and whole spectra."""
        return (True, *(a == self.axis for a in range(self.children[0].attrs.ndim)))

    def _read(self, section: Section) -> Section:
        """Return the pixels of x for a section of what is left: those of the fit, too."""
        own, fitted = section[self.axis], self.channels.array
        start, stop = min(own.start, int(fitted[0])), max(own.stop, int(fitted[-1]) + 1)
        return (*section[: self.axis], slice(start, stop, 1), *section[self.axis + 1 :])

    def needs(self, section: Section) -> tuple[Section]:
        """Return the spectra of the section."""
        return (self._read(section[1:]),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the spectra, and of what is fitted at a time."""
        n = (self.children[0].attrs.shape or ())[self.axis]
        spectra = math.prod(shape[1:]) // max(1, shape[1 + self.axis])
        at_once = max(n, min(spectra * n, _PIXELS))
        return (spectra * n + math.prod(shape)) * (self.attrs.dtype.itemsize + 1) + at_once * 8 * 8

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> tuple[np.ndarray, np.ndarray | None]:
        """Return values and mask of a section."""
        parts = range(section[0].start, section[0].stop, section[0].step)
        own = section[1:]
        out = np.empty(shape_of(section), self.attrs.dtype)
        if 0 in out.shape:
            return out, np.ones(out.shape, bool) if self.attrs.masked else None
        read = self._read(own)
        values, mask = inputs[0].array(read)
        at = slice(own[self.axis].start - read[self.axis].start, None, own[self.axis].step)
        count = out.shape[1 + self.axis]
        pixels = np.arange(count) * at.step + at.start
        spectra = np.moveaxis(values, self.axis, 0).reshape(values.shape[self.axis], -1)
        marks = None if mask is None else np.moveaxis(mask, self.axis, 0).reshape(spectra.shape)
        fit = _Fit(self.channels.array - read[self.axis].start, pixels, self.order)
        found = [np.empty((count, spectra.shape[1]), out.dtype) for _ in parts]
        many = max(1, _PIXELS // max(1, len(spectra)))
        with np.errstate(all="ignore"):
            for first in range(0, spectra.shape[1], many):
                some = slice(first, first + many)
                continuum = fit(spectra[:, some], None if marks is None else marks[:, some])
                for part, array in zip(parts, found, strict=True):
                    array[:, some] = continuum if part else spectra[pixels, some] - continuum
        for k, array in enumerate(found):
            place = np.moveaxis(out[k], self.axis, 0)
            place[...] = array.reshape(place.shape)
        if marks is None:
            return out, None
        assert mask is not None
        kept = mask.take(pixels, axis=self.axis)
        return out, np.broadcast_to(kept, out.shape).copy()


class _Fit:
    """Least squares by polynomials that are orthogonal on the good channels (Forsythe 1957, J. SIAM 5, 74).

    They follow from each other by two sums each, so that no matrix is made, and spectra with any good
    channels are fitted side by side.
    """

    def __init__(self, channels: np.ndarray, pixels: np.ndarray, order: int) -> None:
        middle = (channels[0] + channels[-1]) / 2
        half = max(1.0, (channels[-1] - channels[0]) / 2)
        self.channels = channels
        self.fitted = (channels - middle) / half
        self.wanted = (pixels - middle) / half
        self.order = order

    def __call__(self, spectra: np.ndarray, good: np.ndarray | None) -> np.ndarray:
        """Return the continuum of spectra, which lie along the first axis, at the pixels that are wanted."""
        values = spectra[self.channels].astype(np.float64)
        weights = None if good is None else good[self.channels]
        if weights is None or bool(weights.all()):
            rows, columns = zip(*self._polynomials(np.ones((len(values), 1))), strict=True)
            return np.asarray(np.hstack(columns) @ (np.hstack(rows).T @ values))
        values[~weights] = 0
        total = np.zeros((len(self.wanted), values.shape[1]))
        for row, column in self._polynomials(weights.astype(np.float64)):
            total += (row * values).sum(axis=0) * column
        return total

    def _polynomials(self, weights: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield polynomials: at the channels of the fit, over their norm, and at the pixels wanted."""
        x, at = self.fitted[:, None], self.wanted[:, None]
        p, before = weights, np.zeros_like(weights)  # 0 at bad channels
        at_p, at_before = np.ones((len(at), weights.shape[1])), np.zeros((len(at), weights.shape[1]))
        norm = (p * p).sum(axis=0)
        known, norm_before = norm > 0, np.ones_like(norm)
        for k in range(self.order + 1):
            inverse = np.where(known, 1 / np.where(known, norm, 1), 0)
            yield p * inverse, at_p
            if k == self.order:
                return
            a = (x * p * p).sum(axis=0) * inverse
            b = np.where(known, norm / norm_before, 0) if k else 0.0
            largest = ((x * x + a * a) * p * p).sum(axis=0)
            p, before = (x - a) * p - b * before, p
            at_p, at_before = (at - a) * at_p - b * at_before, at_p
            norm_before, norm = np.where(known, norm, 1), (p * p).sum(axis=0)
            known = known & (norm > _NOTHING * largest)
            p, at_p = p * known, at_p * known
