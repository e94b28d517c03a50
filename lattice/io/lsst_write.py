"""Masked images of lsst.images, written by section.

The planes of the mask share words: until all is written they are kept as bytes behind the end of the file.
"""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeTypeError, ShapeMismatchError
from lattice.graph.protocols import Reader
from lattice.graph.records import Record
from lattice.graph.sections import full, split
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Opened, pread_into, pwrite_from, storage_error
from lattice.io.fits_header import Card
from lattice.io.lsst import PLANES
from lattice.io.lsst_layout import PLANES_PER_UNIT, Plan, Plane, image_cards, tree_of, unit_texts
from lattice.io.memory import ArrayReader
from lattice.io.plain import PlainWriter
from lattice.io.raw import Layout, write_section

__all__ = ["LsstOutput"]

_STRIP = 1 << 20
_NOT_CARDS = frozenset({"FMTVER", "INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE", "DATAMODL", "DATE", PLANES})


class LsstOutput(Output):
    """A masked image being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    variance : float, array, Reader or str
        The variance plane.
    """

    def __init__(
        self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False, variance: Any = 1.0
    ) -> None:
        super().__init__()
        self._open = False
        dtype = _checked(spec)
        self._variance = _variance_of(variance, spec.shape)
        names = [spec.default_mask or "mask0"] if spec.masked else []
        names += [name for name in spec.mask_names if name not in names]
        planes = _planes(spec, names)
        plan = Plan(_primary_cards(spec, planes))
        layouts = _lay_out(plan, spec, dtype, planes)
        pieces = plan.finish(tree_of(spec.shape, dtype, _origin(spec), planes, spec.unit))  # type: ignore[arg-type]
        self._size = plan.size
        self._image, self._masks, self._variances = layouts
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            with Opened(self._stage.temp, None) as fd:
                allocate(fd, plan.size, path)
                for offset, data in pieces:
                    pwrite_from(fd, memoryview(data), offset, path)
        except BaseException:
            self._stage.abort()
            raise
        flat = Layout(0, tuple(spec.shape), np.dtype("u1"))
        self._flags = {
            name: PlainWriter(
                self._stage.temp,
                Layout(plan.size + i * flat.nbytes, flat.shape, flat.dtype),
                np.dtype(bool),
            )
            for i, name in enumerate(names)
        }
        own = self._flags[names[0]] if spec.masked else None
        self.writer = PlainWriter(self._stage.temp, self._image, dtype, own)
        self.mask_writers = {name: flag for name, flag in self._flags.items() if flag is not own}
        self._open = True

    def _commit(self) -> None:
        self._pack()
        self._write_variance()
        try:
            os.truncate(self._stage.temp, self._size)
        except OSError as exc:
            raise storage_error(exc, "write", self.path) from exc
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()

    def _pack(self) -> None:
        """Make the numbers of the mask of the planes that were written."""
        flags = list(self._flags.values())
        count = math.prod(self._image.shape)
        temp = self._stage.temp
        with Opened(temp, None) as fd:
            for unit, layout in enumerate(self._masks):
                planes = flags[unit * PLANES_PER_UNIT : (unit + 1) * PLANES_PER_UNIT]
                if not planes:
                    continue  # nothing was written there: zero
                for start in range(0, count, _STRIP):
                    n = min(_STRIP, count - start)
                    numbers = np.zeros(n, np.int32)
                    good = np.empty(n, np.uint8)
                    for bit, flag in enumerate(planes):
                        good[:] = 0
                        pread_into(fd, good.data, flag.layout.offset + start, temp)
                        numbers |= (good == 0).astype(np.int32) << bit
                    pwrite_from(
                        fd, numbers.astype(">i4").view(np.uint8).data, layout.offset + 4 * start, temp
                    )

    def _write_variance(self) -> None:
        layout = self._variances
        with Opened(self._stage.temp, None) as fd:
            for section in split(full(layout.shape), _STRIP):
                if isinstance(self._variance, float):
                    shape = tuple(s.stop - s.start for s in section)
                    values = np.full(shape, self._variance, layout.dtype)
                else:
                    values = np.ascontiguousarray(self._variance.read(section), layout.dtype)
                write_section(fd, self._stage.temp, layout, section, values)


def _checked(spec: ImageSpec) -> np.dtype[Any]:
    dtype = np.dtype(spec.dtype)
    if dtype not in (np.float32, np.float64):
        raise LatticeTypeError(
            f"lsst images cannot hold {dtype} values", hint="save real(...) or iif(expression, 1., 0.)"
        )
    if len(spec.shape) != 2 or 0 in spec.shape:
        raise FormatError(
            f"lsst images have two axes, not the shape {tuple(spec.shape)}",
            hint="take one plane, as in image[0], or save as .fits",
        )
    return dtype


def _variance_of(variance: Any, shape: tuple[int, ...]) -> float | Reader:
    """Return a source of the variance: a number, or what is read by section."""
    if isinstance(variance, str | os.PathLike):
        from lattice.io.registry import for_reading, open_stored

        path = os.fspath(variance)
        lsst = os.path.exists(path) and for_reading(path).name == "lsst"
        variance = open_stored(path, part="variance").reader if lsst else open_stored(path).reader
    elif isinstance(variance, int | float | np.number) and not isinstance(variance, bool):
        return float(variance)
    elif not isinstance(variance, Reader):
        variance = ArrayReader(np.asarray(variance), "variance")
    if tuple(variance.shape) != tuple(shape):
        raise ShapeMismatchError(f"the variance has shape {tuple(variance.shape)}, the image {tuple(shape)}")
    return variance


def _planes(spec: ImageSpec, names: list[str]) -> list[Plane]:
    found = [value for key, value, _ in spec.meta if key == PLANES and isinstance(value, Record)]
    about: Record = found[0] if found else Record()
    out: list[Plane] = []
    for i, name in enumerate(names):
        own = spec.masked and i == 0
        plane = f"NOT_{name.upper()}" if own else name
        text = str(about.get(plane, "Pixel is not good." if own else ""))
        if plane in (p.name for p in out) or not plane.isprintable() or len(plane) > 60:
            raise FormatError(f"a mask plane cannot have the name {plane!r}", hint="rename the mask")
        out.append(Plane(plane, text, i // PLANES_PER_UNIT, 1 << (i % PLANES_PER_UNIT)))
    return out


def _primary_cards(spec: ImageSpec, planes: list[Plane]) -> list[Card]:
    cards: list[Card] = []
    if spec.masked:
        cards.append(("LATMASK", planes[0].name, "plane of the pixels that are not good"))
        cards.append(("LATMNAME", spec.default_mask or "mask0", "name of the mask that it stands for"))
    for key, value, comment in spec.meta:
        if key not in _NOT_CARDS and (
            value is None or isinstance(value, str | int | float | bool | np.generic)
        ):
            cards.append((key, value, comment))
    return cards + [("HISTORY", str(line), "") for line in spec.history]


def _origin(spec: ImageSpec) -> tuple[int, int]:
    """Return the absolute row and column of the first pixel."""
    if spec.coords is None:
        return 0, 0
    found = [int(a.offset) if a.step == 1 and float(a.offset).is_integer() else 0 for a in spec.coords.axes]
    return found[0], found[1]


def _lay_out(
    plan: Plan, spec: ImageSpec, dtype: np.dtype[Any], planes: list[Plane]
) -> tuple[Layout, list[Layout], Layout]:
    """Add the units with pixels and return where these go."""
    shape = tuple(spec.shape)
    wcs = [
        c for c in (spec.coords.to_cards(shape) if spec.coords is not None else ()) if not c[0].endswith("A")
    ]
    y0, x0 = _origin(spec)
    for i, start in ((1, x0), (2, y0)):
        wcs += [(f"CTYPE{i}A", "LINEAR", ""), (f"CRPIX{i}A", 1.0, ""), (f"CRVAL{i}A", float(start), "")]
        wcs.append((f"CUNIT{i}A", "PIXEL", ""))
    unit, square, _, _ = unit_texts(spec.unit)
    bitpix = -8 * dtype.itemsize
    stored = dtype.newbyteorder(">")
    size = math.prod(shape) * stored.itemsize
    cards: list[Card] = [("BUNIT", unit, "")] if unit else []
    if len(spec.beams) == 1:
        named = zip(("BMAJ", "BMIN", "BPA"), spec.beams[0], strict=True)
        cards += [(key, float(value), "[deg] beam") for key, value in named]
    image = Layout(plan.add("IMAGE", 1, [*image_cards(shape, bitpix), *cards, *wcs], size), shape, stored)
    masks = []
    for number in range(max(1, -(-len(planes) // PLANES_PER_UNIT))):
        own = [p for p in planes if p.unit == number]
        listed: list[Card] = []
        for n, plane in enumerate(own):
            listed += [(f"MSKN{n:04}", plane.name, ""), (f"MSKM{n:04}", plane.bits, "")]
            listed.append((f"MSKD{n:04}", plane.description, ""))
        start = plan.add("MASK", number + 1, [*image_cards(shape, 32), *listed, *wcs], math.prod(shape) * 4)
        masks.append(Layout(start, shape, np.dtype(">i4")))
    cards = [("BUNIT", square, "")] if square else []
    variance = Layout(
        plan.add("VARIANCE", 1, [*image_cards(shape, bitpix), *cards, *wcs], size), shape, stored
    )
    return image, masks, variance
