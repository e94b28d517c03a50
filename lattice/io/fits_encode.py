"""How values become the numbers of a FITS file: another type, scaled integers, marks of bad pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError

__all__ = ["BITPIX", "Encoder", "blank_of", "mark_bad", "native_encoder", "scaled_encoder"]

BITPIX = {"b1": 8, "f4": -32, "f8": -64}
"""BITPIX of each type of values that are stored as they are."""

_STORED = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
_STRIP = 1 << 15

# The lowest and the highest number that stand for values, and the one that marks bad pixels. Of 64 bits,
# those that a float64 can name.
_RANGES = {
    8: (0.0, 254.0, 255),
    16: (-32767.0, 32767.0, -32768),
    32: (-2147483647.0, 2147483647.0, -2147483648),
    64: (-9223372036854774784.0, 9223372036854774784.0, -9223372036854775808),
}


@dataclass(frozen=True, slots=True)
class Encoder:
    """How values are stored.

    Attributes
    ----------
    bitpix : int
        Kind of the stored numbers.
    scale, zero : float
        value = zero + scale * stored, for integers.
    blank : int or None
        Stored integer that marks a bad pixel; floats have NaN.
    clip : bool
        Whether values outside the range of integers become the nearest that can be stored; else they are
        an error.
    """

    bitpix: int
    scale: float = 1.0
    zero: float = 0.0
    blank: int | None = None
    clip: bool = False

    @property
    def stored(self) -> np.dtype[Any]:
        """Type of the stored numbers, in native byte order."""
        return np.dtype(_STORED[self.bitpix])

    @property
    def limits(self) -> tuple[float, float]:
        """Lowest and highest integer for values."""
        low, high, _ = _RANGES[self.bitpix]
        return (low if self.blank is not None or self.bitpix in (8, 64) else low - 1), (
            high if self.blank is not None or self.bitpix != 8 else high + 1
        )

    def encode(self, values: np.ndarray, good: np.ndarray | None) -> np.ndarray:
        """Return what to store for some values; `values` may be changed, and be part of the result.

        Parameters
        ----------
        values : ndarray
            C-contiguous: float32, float64 or bool.
        good : ndarray or None
            Which pixels are good, of the same shape.

        Returns
        -------
        ndarray
            Of the type `stored` and the same shape.
        """
        flat = values.reshape(-1)
        mask = None if good is None else np.ascontiguousarray(good, bool).reshape(-1)
        if values.dtype.kind == "b" or values.dtype == self.stored:
            own = flat.view(self.stored)
            if mask is not None:
                mark_bad(own, mask)
        elif self.bitpix < 0:
            own = self._cast(flat)
            if mask is not None:
                mark_bad(own, mask)
        else:
            own = np.empty(flat.size, self.stored)
            for start in range(0, flat.size, _STRIP):
                part = slice(start, start + _STRIP)
                self._scale(flat[part], None if mask is None else mask[part], own[part])
        return own.reshape(values.shape)

    def _cast(self, flat: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            own = flat.astype(self.stored)
        if own.itemsize < flat.itemsize:
            lost = np.isinf(own) & np.isfinite(flat)
            if lost.any():
                raise LatticeRangeError(
                    f"the value {flat[lost][0]!s} is too large for FITS numbers of 32 bits",
                    hint="say bitpix=-64",
                )
        return own

    def _scale(self, values: np.ndarray, good: np.ndarray | None, out: np.ndarray) -> None:
        wide = values.astype(np.float64)
        bad = ~np.isfinite(wide)  # integers have no infinity
        if good is not None:
            bad |= ~good
        has_bad = bool(bad.any())
        if has_bad:
            if self.blank is None:
                raise LatticeRangeError(
                    "a bad pixel (NaN) cannot be written where no number is set apart for it"
                )
            wide[bad] = self.zero
        if self.zero:
            wide -= self.zero
        if self.scale != 1:
            wide /= self.scale
        np.rint(wide, out=wide)
        low, high = self.limits
        if self.clip:
            np.clip(wide, low, high, out=wide)
        elif wide.size and not (low <= wide.min() and wide.max() <= high):
            worst = values[int(np.argmax(np.abs(wide)))]
            raise LatticeRangeError(
                f"the value {worst!s} does not fit {self.bitpix}-bit integers with BSCALE = {self.scale:g} "
                f"and BZERO = {self.zero:g}: they hold {self.zero + self.scale * low:g} to "
                f"{self.zero + self.scale * high:g}",
                hint="leave out bscale= and bzero= to have them chosen, or give minpix= and maxpix= to clip",
            )
        np.copyto(out, wide, casting="unsafe")
        if has_bad:
            out[bad] = self.blank


def mark_bad(flat: np.ndarray, good: np.ndarray) -> None:
    """Set bad pixels to all ones, which is a NaN in every float type and 255 in a byte."""
    signed = np.dtype(f"i{flat.itemsize}")
    for start in range(0, flat.size, _STRIP):
        part = good[start : start + _STRIP]
        if part.all():
            continue
        # True -> 0, False -> -1: all bits set, also after widening.
        bits = np.subtract(part.view(np.int8), 1).astype(signed, copy=False)
        target = flat[start : start + _STRIP].view(signed)
        np.bitwise_or(target, bits, out=target)


def native_encoder(dtype: np.dtype[Any], marks_bad: bool) -> Encoder:
    """Return the encoder that keeps values as they are."""
    bitpix = BITPIX[f"{dtype.kind}{dtype.itemsize}"]
    return Encoder(bitpix, blank=255 if bitpix == 8 and marks_bad else None)


def scaled_encoder(bitpix: int, low: float, high: float, has_blank: bool = True) -> Encoder:
    """Return the encoder of integers over which a range of values is spread evenly.

    Parameters
    ----------
    bitpix : int
        8, 16, 32 or 64.
    low, high : float
        The range; what lies outside is clipped. If it is not finite and ascending, integers are values.
    has_blank : bool
        Whether a number is set apart for bad pixels.
    """
    blank = _RANGES[bitpix][2] if has_blank else None
    first, last = Encoder(bitpix, blank=blank).limits
    if not (math.isfinite(low) and math.isfinite(high)):
        return Encoder(bitpix, blank=blank, clip=True)
    scale = high / (last - first) - low / (last - first)
    if not scale > 0:
        return Encoder(bitpix, 1.0, low, blank, True)
    middle = low / 2 + high / 2
    zero = middle if last == -first else low - scale * first
    return Encoder(bitpix, scale, zero, blank, True)


def blank_of(bitpix: int) -> int:
    """Return the integer that is set apart for bad pixels."""
    return _RANGES[bitpix][2]
