"""Masked images of lsst.images in FITS files, in and out; those of its predecessor afw are read."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.coords.header import is_observation_keyword, is_wcs_keyword
from lattice.coords.system import CoordinateSystem
from lattice.errors import FormatError, LatticeError, suggest
from lattice.graph.protocols import Reader
from lattice.graph.records import Record
from lattice.graph.sections import Section, shape_of
from lattice.io.base import ImageSpec, MetaCard, Output, Stored
from lattice.io.files import identify
from lattice.io.fits import FitsFormat
from lattice.io.fits_hdus import HDU, FitsFile
from lattice.io.losses import by_abilities
from lattice.io.lsst_layout import Plane, planes_of, read_tree

__all__ = ["BAD_PLANES", "LsstFormat", "PlaneMask"]

BAD_PLANES = ("BAD", "COSMIC_RAY", "NO_DATA", "SATURATED", "UNMASKED_NAN")
"""Planes that make a pixel bad unless the user says otherwise; interpolated pixels have values to use."""

GOOD = "good"
PLANES = "MASK_PLANES"

_STRUCTURE = re.compile(
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|EXTEND|END|PCOUNT|GCOUNT|INHERIT|EXTNAME|EXTVER|BSCALE|BZERO|BLANK|BUNIT"
    r"|FMTVER|INDX(ADDR|SIZE)|JSON(ADDR|SIZE)|DATAMODL|DATE|HISTORY|LATMASK|LATMNAME|CHECKSUM|DATASUM"
    r"|LSST BUTLER.*|BMAJ|BMIN|BPA|LTV\d|MP_.*|MSK[NMD]\d{4}"
)
_AFW_NOISE = re.compile(r"EXTTYPE|AR_HDU|.*_ID|ARCHIVE_ID_.*|[AB]_ORDER")


class LsstFormat:
    """Masked images as lsst.images writes them: image, mask of named planes, and variance."""

    name = "lsst"
    suffixes = (".lsst.fits",)
    description = "lsst.images masked images: image, mask planes and variance in FITS; afw files are read"
    can = frozenset(
        {
            "read",
            "write",
            "parallel",
            "float",
            "mask",
            "masks",
            "unit",
            "coords",
            "beam",
            "cards",
            "history",
        }
    )

    def losses(self, spec: ImageSpec, **options: Any) -> list[str]:
        """Return what a file would lack; the descriptions of planes are no header entry."""
        meta = tuple(card for card in spec.meta if card[0] != PLANES)
        return by_abilities(self.can, replace(spec, meta=meta))

    def sniff(self, path: str) -> bool:
        """Return True for a FITS file whose first header speaks of a JSON tree, or of an archive of afw."""
        try:
            with open(path, "rb") as f:
                start = f.read(1 << 15)
        except (OSError, ValueError):
            return False
        if not start.startswith(b"SIMPLE  ="):
            return False
        if b"JSONADDR" not in start and b"AR_HDU  " not in start:
            return False  # as a rule: this is asked of every FITS file
        keys = {start[i : i + 8] for i in range(0, len(start) - 80, 80)}
        return {b"FMTVER  ", b"JSONADDR", b"DATAMODL"} <= keys or b"AR_HDU  " in keys

    def open(
        self,
        path: str,
        *,
        part: str | None = None,
        bad: Sequence[str] | None = None,
        hdu: Any = None,
        **selectors: Any,
    ) -> Stored:
        """Open a masked image.

        Each plane becomes a mask of its name, true where the plane is not set. The default mask ``good`` is
        true where none of the planes that mean bad is set.

        Parameters
        ----------
        path : str
            The file.
        part : str, optional
            ``image``, ``variance``, ``mask`` (the stored numbers), or any unit of the file by name or number.
        bad : sequence of str, optional
            The planes that mean bad, instead of `BAD_PLANES`.
        hdu : int, str or (str, int), optional
            A unit of the file, opened as plain FITS.
        """
        if selectors:
            hint = "use part=, bad= or hdu="
            raise LatticeError(f"an lsst image is not selected by {', '.join(selectors)}", hint=hint)
        if hdu is not None:
            return FitsFormat().open(path, hdu=hdu)
        wanted = (part or "image").strip()
        if wanted.lower() not in ("image", "variance", "mask"):
            return FitsFormat().open(path, hdu=wanted)
        path = os.path.abspath(path)
        try:
            return self._open(path, wanted, bad)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as exc:
            if isinstance(exc, LatticeError):
                raise
            raise FormatError(f"the headers of {path!r} are damaged: {type(exc).__name__}: {exc}") from exc

    def _open(self, path: str, wanted: str, bad: Sequence[str] | None) -> Stored:
        file = FitsFile(path, identify(path))
        version = next(iter(file)).get("FMTVER", 1)
        if not isinstance(version, int) or version > 1:
            raise FormatError(f"{path!r} has a layout of version {version!r}", hint="update lattice")
        names = _units(file)
        if wanted.upper() not in names:
            raise FormatError(
                f"{os.path.basename(path)!r} has no {wanted.lower()}", hint=f"it has {', '.join(names)}"
            )
        return _open(file, names, wanted.upper(), bad)

    def create(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        variance: Any = 1.0,
        **options: Any,
    ) -> Output:
        """Start a new masked image.

        The mask of the values becomes a plane ``NOT_...`` of its name, each named mask a plane: set where the
        mask is false. The origin of the pixels is where the image was cut from.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be; two axes.
        overwrite : bool
            Whether an existing file may be replaced.
        sync : bool
            Whether it must survive a power failure.
        variance : float, array, Reader or str
            The variance plane: a number for all pixels, an array, or a file, of which the variance is taken
            if it is of this format.
        """
        from lattice.io.lsst_write import LsstOutput

        if options:
            raise LatticeError(f"lsst output has no option {', '.join(options)}", hint="it has: variance")
        return LsstOutput(path, spec, overwrite=overwrite, sync=sync, variance=variance)


def _units(file: FitsFile) -> dict[str, list[HDU]]:
    """Return the units with pixels by name; of afw files without names by their order."""
    found: dict[str, list[HDU]] = {}
    units = [unit for unit in file if unit.has_image]
    for unit in units:
        if unit.name in ("IMAGE", "MASK", "VARIANCE"):
            found.setdefault(unit.name, []).append(unit)
    if "IMAGE" not in found and len(units) >= 3 and units[0].index == 1:
        found = {name: [unit] for name, unit in zip(("IMAGE", "MASK", "VARIANCE"), units, strict=False)}
    if "MASK" in found:
        found["MASK"].sort(key=lambda unit: unit.version)
    return found


def _open(file: FitsFile, units: Mapping[str, list[HDU]], wanted: str, bad: Sequence[str] | None) -> Stored:
    fits = FitsFormat()
    label = os.path.basename(file.path)
    unit = units[wanted][0]
    plain = fits.open(file.path, hdu=unit.index)
    tree = read_tree(file)
    shape = tuple(plain.reader.shape)
    planes = planes_of(units.get("MASK", []))
    flags = [fits.open(file.path, hdu=u.index).reader for u in units.get("MASK", [])]
    if any(tuple(reader.shape) != shape for reader in flags):
        raise FormatError(f"{label!r}: the mask does not fit the image")
    masks: dict[str, Reader] = {p.name: PlaneMask(flags, (p,), f"{label}[{p.name}]") for p in planes}
    primary = next(iter(file))
    default = _default_mask(primary, flags, planes, masks, bad, label)
    described = {p.name: p.description for p in planes if p.description}
    meta = _meta(primary, plain.meta, tree)
    if described:
        meta += ((PLANES, Record(described), ""),)
    return replace(
        plain,
        coords=_coordinates(unit, tree, shape),
        unit=plain.unit,
        masks=masks,
        default_mask=default,
        nan_masked=plain.nan_masked and default is None,
        meta=meta,
        history=tuple(str(v).rstrip() for k, v, _ in primary.cards if k == "HISTORY") + plain.history,
        source=f"{file.path}[{unit.index}]",
        format="lsst",
    )


def _default_mask(
    primary: HDU,
    flags: Sequence[Reader],
    planes: Sequence[Plane],
    masks: dict[str, Reader],
    bad: Sequence[str] | None,
    label: str,
) -> str | None:
    """Add the effective mask to `masks` and return its name."""
    by_name = {plane.name: plane for plane in planes}
    own, name = primary.get("LATMASK"), primary.get("LATMNAME")
    if bad is None and isinstance(own, str) and own in masks and isinstance(name, str) and name:
        masks[name] = masks.pop(own)
        return name
    for plane in bad or ():
        if plane not in by_name:
            near = suggest(plane, by_name) or f"it has {', '.join(by_name) or 'none'}"
            raise LatticeError(f"{label!r} has no mask plane {plane!r}", hint=near)
    chosen = [by_name[n] for n in (BAD_PLANES if bad is None else bad) if n in by_name]
    if not chosen or not flags:
        return None
    masks[GOOD] = PlaneMask(flags, tuple(chosen), f"{label}[{GOOD}]")
    return GOOD


def _meta(primary: HDU, own: Sequence[MetaCard], tree: Mapping[str, Any]) -> tuple[MetaCard, ...]:
    """Return the cards of the first header and of the image, and what the tree says besides."""
    cards: list[MetaCard] = []
    afw = primary.get("AR_HDU") is not None
    for card in (*primary.cards, *own):
        key = card[0]
        if afw and _AFW_NOISE.fullmatch(key):
            continue
        if _STRUCTURE.fullmatch(key) or (is_wcs_keyword(key) and not is_observation_keyword(key)):
            continue
        if key in ("COMMENT", "") or all(key != other for other, _, _ in cards):
            cards.append(card)
    extra = tree.get("metadata")
    taken = {key for key, _, _ in cards}
    for key, value in extra.items() if isinstance(extra, Mapping) else ():
        if isinstance(value, str | int | float | bool) and key not in taken:
            cards.append((str(key), value, ""))
    return tuple(cards)


def _coordinates(unit: HDU, tree: Mapping[str, Any], shape: tuple[int, ...]) -> CoordinateSystem:
    """Return the coordinates, in which pixels count from the absolute origin of the image."""
    origin = _origin(unit, tree, len(shape))
    cards: list[MetaCard] = []
    for key, value, comment in unit.cards:
        if not is_wcs_keyword(key) or re.fullmatch(r".+[1-9]A", key):
            continue
        found = re.fullmatch(r"CRPIX(\d)", key)
        if found and isinstance(value, int | float) and int(found[1]) <= len(shape):
            value = float(value) + origin[len(shape) - int(found[1])]
        cards.append((key, value, comment))
    coords = CoordinateSystem.from_header(cards, shape)
    axes = tuple(replace(a, offset=a.offset + o) for a, o in zip(coords.axes, origin, strict=True))
    return replace(coords, axes=axes, _hash=None)


def _origin(unit: HDU, tree: Mapping[str, Any], ndim: int) -> tuple[int, ...]:
    """Return the absolute position of the first pixel, slowest axis first."""
    about = tree.get(unit.name.lower())
    listed = about.get("yx0") if isinstance(about, Mapping) else None
    if isinstance(listed, list) and len(listed) == ndim and all(type(n) is int for n in listed):
        return tuple(listed)
    out = []
    for i in range(ndim, 0, -1):
        value = unit.get(f"CRVAL{i}A")
        if value is None:
            shift = unit.get(f"LTV{i}", 0)
            value = -shift if isinstance(shift, int | float) else 0
        good = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
        out.append(int(value) if good and abs(value) < 1 << 40 else 0)
    return tuple(out)


class PlaneMask:
    """Pixels at which none of some mask planes is set, as a source of truth values.

    Parameters
    ----------
    flags : sequence of Reader
        The numbers of the MASK units.
    planes : sequence of Plane
        The planes.
    label : str
        Short name for people.
    """

    dtype = np.dtype(bool)

    def __init__(self, flags: Sequence[Reader], planes: Sequence[Plane], label: str) -> None:
        self.flags, self.planes, self.label = tuple(flags), tuple(planes), label
        self._bits = dict.fromkeys(sorted({p.unit for p in planes}), 0)
        for plane in planes:
            self._bits[plane.unit] |= plane.bits
        first = self.flags[next(iter(self._bits), 0)]
        self.shape, self.tile, self.direct = tuple(first.shape), tuple(first.tile), first.direct
        self.token = "planes|" + "|".join(f"{self.flags[u].token}&{b}" for u, b in self._bits.items())

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return which pixels of a section are good, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), bool)
        out[...] = True
        for unit, bits in self._bits.items():
            numbers = self.flags[unit].read(section).astype(np.int64)
            out &= (numbers & bits) == 0
        return out

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of the file a section takes."""
        return sum(self.flags[unit].bytes_read(section) for unit in self._bits)

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (PlaneMask, (self.flags, self.planes, self.label))

    def __repr__(self) -> str:
        return f"PlaneMask({self.label!r}, shape={self.shape})"
