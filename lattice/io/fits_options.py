"""The options with which a FITS file is written: checked, and turned into what does it."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError, LatticeRangeError, LatticeTypeError, suggest
from lattice.io.base import ImageSpec, Output
from lattice.io.fits_encode import BITPIX, Encoder, blank_of, native_encoder, scaled_encoder
from lattice.io.fits_pack import FitsPackedOutput, Packing, default_tile
from lattice.io.fits_write import FitsOutput

__all__ = ["CASA_ONLY", "WriteOptions", "start_output"]

_ALGORITHMS = {
    "gzip": "GZIP_1",
    "gzip_1": "GZIP_1",
    "gzip1": "GZIP_1",
    "gzip_2": "GZIP_2",
    "gzip2": "GZIP_2",
    "rice": "RICE_1",
    "rice_1": "RICE_1",
    "hcompress": "HCOMPRESS_1",
    "hcompress_1": "HCOMPRESS_1",
}
_DITHERS = {0: 0, 1: 1, 2: 2, "none": 0, "no_dither": 0, "subtractive_dither_1": 1, "subtractive_dither_2": 2}
_PACKED_ONLY = ("tile", "quantize", "dither", "seed")
CASA_ONLY = (
    "velocity",
    "optical",
    "wavelength",
    "airwavelength",
    "stokeslast",
    "dropstokes",
    "dropdeg",
    "deglast",
    "history",
)


@dataclass(frozen=True)
class WriteOptions:
    """What can be asked of a FITS file; see `lattice.io.fits.FitsFormat.create`. None is the default."""

    mask: str = "nan"
    bitpix: int | None = None
    bscale: float | None = None
    bzero: float | None = None
    minpix: float | None = None
    maxpix: float | None = None
    compress: str | bool | None = None
    tile: Any = None
    level: int | None = None
    quantize: float | None = None
    dither: int | str | None = None
    seed: int | None = None
    style: str | None = None
    velocity: bool | None = None
    optical: bool | None = None
    wavelength: bool | None = None
    airwavelength: bool | None = None
    stokeslast: bool | None = None
    dropstokes: bool | None = None
    dropdeg: bool | None = None
    deglast: bool | None = None
    history: bool | None = None

    @classmethod
    def parse(cls, path: str, spec: ImageSpec, options: dict[str, Any]) -> WriteOptions:
        """Return checked options; a name ending in ``.fz`` asks for tile compression."""
        known = [f.name for f in fields(cls)]
        for name in options:
            if name not in known:
                hint = suggest(name, known) or f"it has: {', '.join(known)}"
                raise LatticeError(f"FITS output has no option {name!r}", hint=hint)
        made = cls(**options)
        lower = path.lower()
        if made.compress is None and lower.endswith(".fz"):
            made = cls(**{**options, "compress": True})
        if lower.endswith(".fz") and not made.compress:
            raise LatticeError(f"{path!r} asks for compression, and compress={made.compress!r} for none")
        if lower.endswith((".bz2", ".z", ".xz", ".zst")):
            raise FormatError(
                f"{path!r}: FITS is not written in this kind of compression", hint="take .fits.gz or .fits.fz"
            )
        if lower.endswith(".gz") and made.compress:
            raise LatticeError(
                "compress= packs tiles, and .gz the whole file: choose one", hint="take .fits.fz"
            )
        made._check(spec, lower.endswith(".gz"))
        return made

    # -- checks ----------------------------------------------------------------------------------------

    def _check(self, spec: ImageSpec, gzip: bool) -> None:
        dtype = np.dtype(spec.dtype)
        if self.mask not in ("nan", "extension"):
            raise LatticeError(
                f"mask={self.mask!r} is no way to write a mask to FITS", hint="say 'nan' or 'extension'"
            )
        if dtype.kind == "c":
            raise LatticeTypeError(
                "FITS images cannot hold complex values",
                hint="save real(...) and imag(...), or abs(...) and arg(...), or save to .zarr",
            )
        if f"{dtype.kind}{dtype.itemsize}" not in BITPIX:
            raise LatticeTypeError(f"FITS output takes bool, float32 or float64, not {dtype}")
        if not spec.shape or 0 in spec.shape:
            what = "a single number" if not spec.shape else f"no pixels (shape {spec.shape})"
            raise FormatError(f"the result is {what}; a FITS image needs at least one axis and one pixel")
        if len(spec.shape) > 999:
            raise FormatError("FITS images have at most 999 axes")
        self._check_style()
        self._check_bitpix(dtype)
        self._check_packing(spec, dtype, gzip)

    def _check_style(self) -> None:
        if self.style not in (None, "casa"):
            raise LatticeError(f"style={self.style!r} is not known", hint="the other style is 'casa'")
        if self.style is None:
            for name in CASA_ONLY:
                if getattr(self, name) is not None:
                    raise LatticeError(f"{name}= goes with style='casa' only")

    def _check_bitpix(self, dtype: np.dtype[Any]) -> None:
        if self.bitpix is not None:
            if isinstance(self.bitpix, bool) or self.bitpix not in (8, 16, 32, 64, -32, -64):
                raise LatticeError(
                    f"bitpix={self.bitpix!r} is no FITS pixel type", hint="8, 16, 32, 64, -32, -64"
                )
            if dtype.kind == "b" and self.bitpix != 8:
                raise LatticeError("truth values are stored with bitpix=8")
        scaled = self.bitpix is not None and self.bitpix > 0 and dtype.kind != "b"
        numbers = {n: getattr(self, n) for n in ("bscale", "bzero", "minpix", "maxpix")}
        given = {name: value for name, value in numbers.items() if value is not None}
        for name, value in given.items():
            if (
                isinstance(value, bool)
                or not isinstance(value, int | float | np.number)
                or not math.isfinite(value)
            ):
                raise LatticeError(f"{name}={value!r} is not a number")
            if not scaled:
                raise LatticeError(f"{name}= goes with bitpix=8, 16, 32 or 64 only")
        if ("minpix" in given) != ("maxpix" in given):
            raise LatticeError("minpix= and maxpix= belong together")
        if "minpix" in given and ("bscale" in given or "bzero" in given):
            raise LatticeError("give either minpix= and maxpix=, or bscale= and bzero=")
        if self.bscale == 0:
            raise LatticeRangeError("bscale=0 would make all values equal")

    def _check_packing(self, spec: ImageSpec, dtype: np.dtype[Any], gzip: bool) -> None:
        if not self.compress:
            for name in _PACKED_ONLY:
                if getattr(self, name) is not None:
                    raise LatticeError(f"{name}= goes with compress= or a name in .fz only")
            if self.level is not None and not gzip:
                raise LatticeError("level= goes with compress=, or a name in .gz or .fz")
        if self.level is not None and (isinstance(self.level, bool) or self.level not in range(1, 10)):
            raise LatticeError(f"level={self.level!r} is no level of gzip", hint="1 (fast) to 9 (small)")
        if self.compress:
            if self.compress is not True and str(self.compress).lower() not in _ALGORITHMS:
                names = "True, 'gzip2', 'gzip', 'rice', 'hcompress'"
                raise LatticeError(f"compress={self.compress!r} is not known", hint=f"take {names}")
            self.packing(spec)

    # -- what they mean --------------------------------------------------------------------------------

    @property
    def needs_range(self) -> bool:
        """True if all values must be seen before the first can be stored."""
        return (
            self.bitpix is not None
            and self.bitpix > 0
            and self.minpix is None
            and self.bscale is None
            and (self.bzero is None)
        )

    def encoder(self, spec: ImageSpec) -> Encoder:
        """Return how values are stored, unless that depends on their range."""
        dtype = np.dtype(spec.dtype)
        if self.bitpix is None or dtype.kind == "b":
            return native_encoder(dtype, spec.masked and self.mask == "nan")
        if self.bitpix < 0:
            return Encoder(self.bitpix)
        if self.minpix is not None and self.maxpix is not None and self.minpix < self.maxpix:
            return scaled_encoder(self.bitpix, float(self.minpix), float(self.maxpix))
        if self.minpix is not None:
            raise LatticeRangeError(f"minpix={self.minpix} is not below maxpix={self.maxpix}")
        scale = 1.0 if self.bscale is None else float(self.bscale)
        return Encoder(self.bitpix, scale, float(self.bzero or 0.0), blank_of(self.bitpix))

    def packing(self, spec: ImageSpec) -> Packing:
        """Return how tiles are packed."""
        dtype = np.dtype(spec.dtype)
        bitpix = BITPIX[f"{dtype.kind}{dtype.itemsize}"] if self.bitpix is None else self.bitpix
        tile = self._tile(spec.shape)
        level, dither, seed = self._quantising(bitpix)
        packs_floats = bitpix < 0 and level is None
        if self.compress is True:
            algorithm = "GZIP_2" if packs_floats or bitpix == 64 else "RICE_1"
        else:
            algorithm = _ALGORITHMS[str(self.compress).lower()]
        if algorithm in ("RICE_1", "HCOMPRESS_1") and (packs_floats or bitpix == 64):
            what = "64-bit integers" if bitpix == 64 else "floating-point numbers without loss"
            raise LatticeError(
                f"compress={self.compress!r} cannot pack {what}",
                hint="take compress='gzip2', or quantize= to round",
            )
        if algorithm == "HCOMPRESS_1":
            _check_planes(spec.shape, tile)
        if math.prod(tile) * 8 >= 1 << 31:
            raise LatticeError(f"a tile of {tile} is too large to be packed", hint="give a smaller tile=")
        return Packing(algorithm, tile, self.level or 1, level, dither, seed)

    def _tile(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if self.tile is None:
            return default_tile(shape)
        given = (self.tile,) * len(shape) if np.ndim(self.tile) == 0 else tuple(self.tile)
        if len(given) != len(shape):
            raise LatticeError(
                f"tile={self.tile!r} does not have one length for each of the {len(shape)} axes"
            )
        tile = []
        for length, n in zip(given, shape, strict=True):
            try:
                length = n if length is None or length == -1 else operator.index(length)
            except TypeError:
                raise LatticeError(f"tile={self.tile!r} is no shape") from None
            if length < 1:
                raise LatticeError(f"tile={self.tile!r} is no shape", hint="-1 stands for a whole axis")
            tile.append(min(length, n))
        return tuple(tile)

    def _quantising(self, bitpix: int) -> tuple[float | None, int, int]:
        if self.quantize is None:
            for name in ("dither", "seed"):
                if getattr(self, name) is not None:
                    raise LatticeError(f"{name}= goes with quantize= only")
            return None, 0, 1
        if isinstance(self.quantize, bool) or not isinstance(self.quantize, int | float | np.number):
            raise LatticeError(f"quantize={self.quantize!r} is not a number")
        level = float(self.quantize)
        if not math.isfinite(level) or level == 0:
            raise LatticeError("quantize= takes steps per noise (such as 16), or the step with a minus sign")
        if bitpix > 0:
            raise LatticeError("quantize= is for floating-point numbers")
        key = self.dither.lower() if isinstance(self.dither, str) else self.dither
        if key is not None and (isinstance(key, bool) or key not in _DITHERS):
            raise LatticeError(f"dither={self.dither!r} is not known", hint="0 (none), 1, or 2 (keeps zeros)")
        seed = 1 if self.seed is None else self.seed
        if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 1 <= seed <= 10000:
            raise LatticeError(f"seed={self.seed!r} is not from 1 to 10000")
        return level, 1 if key is None else _DITHERS[key], int(seed)

    # -- outputs ---------------------------------------------------------------------------------------

    def output(self, path: str, spec: ImageSpec, encoder: Encoder, **more: Any) -> Output:
        """Start the file, when it is known how values are stored."""
        if self.compress:
            return FitsPackedOutput(path, spec, encoder, self.packing(spec), mask=self.mask, **more)
        if path.lower().endswith(".gz"):
            from lattice.io.fits_staged import GzipOutput

            return GzipOutput(path, spec, encoder, self.level or 1, mask=self.mask, **more)
        return FitsOutput(path, spec, encoder, mask=self.mask, **more)


def start_output(
    path: str,
    spec: ImageSpec,
    options: WriteOptions,
    *,
    overwrite: bool = False,
    sync: bool = False,
    **more: Any,
) -> Output:
    """Start a file; where the range of the values decides how they are stored, they wait until it is known.

    Parameters
    ----------
    path, spec, overwrite, sync
        As for `lattice.io.fits.FitsFormat.create`.
    options : WriteOptions
        What is asked for.
    **more
        ``style`` and ``wcs`` of `lattice.io.fits_write.FitsOutput`.
    """
    if not options.needs_range or np.dtype(spec.dtype).kind == "b":
        return options.output(path, spec, options.encoder(spec), overwrite=overwrite, sync=sync, **more)
    from lattice.io.fits_staged import RangeOutput

    def finish(low: float, high: float, bad: bool) -> Output:
        encoder = scaled_encoder(options.bitpix or 16, low, high)
        return options.output(path, spec, encoder, overwrite=overwrite, sync=sync, **more)

    return RangeOutput(path, spec, finish, overwrite=overwrite, mask=options.mask)


def _check_planes(shape: tuple[int, ...], tile: tuple[int, ...]) -> None:
    long = [(n, t) for n, t in zip(shape, tile, strict=True) if t > 1]
    if len(long) != 2 or any(t < 4 or 0 < n % t < 4 for n, t in long):
        raise LatticeError(
            "compress='hcompress' takes planes of at least 4 x 4 pixels, also at the edges; "
            f"the tiles are {tile} of {shape}",
            hint="give another tile=, or compress='rice'",
        )
