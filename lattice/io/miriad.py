"""Miriad images, in and out: folders of items with single precision pixels, a mask of bits and a history."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem, default_dims
from lattice.errors import FormatError, LatticeError, LatticeTypeError
from lattice.graph.protocols import Reader
from lattice.graph.sections import Section, shape_of
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output, Stored
from lattice.io.files import Identity, Opened, pread_into, pwrite_from, read_range, storage_error
from lattice.io.losses import by_abilities
from lattice.io.miriad_cards import beam_of, coordinate_cards, items_of, left_out, meta_cards, not_linear
from lattice.io.miriad_items import Item, header_bytes, read_items, value_of
from lattice.io.plain import PlainReader, PlainWriter
from lattice.io.raw import Layout, natural_tile

__all__ = ["MiriadFormat", "MiriadMask", "MiriadOutput"]

_PIXEL = np.dtype(">f4")
_BITS = 31  # of a 32-bit word; the last one is not used
_UNPACKED = 4 << 20  # bits that are unpacked at a time
_REAL, _INTEGER = b"\0\0\0\4", b"\0\0\0\2"
_MOST_HISTORY = 64 << 20


class MiriadFormat:
    """Miriad images (``.mir``): folders with the items ``header``, ``image``, ``mask`` and ``history``."""

    name = "miriad"
    suffixes = (".mir", ".miriad")
    description = "Miriad images: 32-bit pixels with mask, coordinates and history"
    can = frozenset(
        {"read", "write", "parallel", "float", "mask", "unit", "coords", "beam", "cards", "history"}
    )

    def losses(self, spec: ImageSpec, **options: Any) -> list[str]:
        """Return what an image would lose: Miriad has single precision, one mask and short names."""
        lost = by_abilities(self.can, spec)
        if np.dtype(spec.dtype) == np.float64:
            lost.insert(0, "digits beyond single precision")
        if spec.coords is not None and not_linear(spec.coords, spec.shape):
            lost.append("distortions and tables of the coordinates")
        if missing := left_out(spec.meta):
            lost.append("the header entries " + ", ".join(dict.fromkeys(missing)))
        return lost

    def sniff(self, path: str) -> bool:
        """Return True for a folder with a Miriad header that describes an image."""
        try:
            if not os.path.isfile(os.path.join(path, "header")):
                return False
            with open(os.path.join(path, "header"), "rb") as f:
                start = f.read(1 << 16)
        except (OSError, ValueError):
            return False
        # every item starts at a multiple of 16
        return start.find(b"naxis\0") % 16 == 0 and b"naxis\0" in start

    def open(self, path: str, **selectors: Any) -> Stored:
        """Open an image; the item ``mask`` becomes the mask ``mask0``.

        Velocity axes become those of FITS that are linear in frequency as well: VELO is VRAD, FELO is
        VOPT-F2W. The angle ``llrot`` is taken as CROTA.

        Parameters
        ----------
        path : str
            The folder.
        """
        if selectors:
            raise LatticeError(f"a Miriad image is not selected by {', '.join(selectors)}")
        path = os.path.abspath(path)
        label = os.path.basename(path)
        items = read_items(path)
        values = {name: value_of(item, name) for name, item in items.items()}
        shape = _shape(values, path)
        pixels = _numbers(items, "image", _REAL, math.prod(shape) * 4, path)
        masks: dict[str, Reader] = {}
        if "mask" in items:
            words = _numbers(items, "mask", _INTEGER, -(-math.prod(shape) // _BITS) * 4, path)
            masks["mask0"] = MiriadMask(
                words.path, words.identity, words.offset + 4, shape, f"{label} (mask)"
            )
        coords = CoordinateSystem.from_header(coordinate_cards(values, len(shape)), shape)
        described = any(kind != "none" for kind in coords.kinds)
        unit = values.get("bunit")
        return Stored(
            reader=PlainReader(pixels.path, pixels.identity, Layout(pixels.offset + 4, shape, _PIXEL), label),
            dims=coords.dims if described else default_dims(["none"] * len(shape)),
            unit=unit if isinstance(unit, str) else "",
            coords=coords,
            masks=masks,
            default_mask="mask0" if masks else None,
            meta=meta_cards(values),
            history=_history(items.get("history")),
            beams=beam_of(values),
            source=path,
            format=self.name,
        )

    def create(
        self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False, **options: Any
    ) -> Output:
        """Start a new image.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be; double precision values are rounded.
        overwrite : bool
            Whether an existing image may be replaced.
        sync : bool
            Whether it must survive a power failure.
        """
        if options:
            raise LatticeError(f"Miriad output has no option {', '.join(options)}")
        return MiriadOutput(path, spec, overwrite=overwrite, sync=sync)


def _shape(values: dict[str, Any], path: str) -> tuple[int, ...]:
    ndim = values.get("naxis")
    if not isinstance(ndim, int) or not 1 <= ndim <= 32:
        raise FormatError(f"{path!r} is no Miriad image: naxis is {ndim!r}")
    shape = tuple(values.get(f"naxis{i}") for i in range(ndim, 0, -1))
    if not all(isinstance(n, int) and n > 0 for n in shape) or math.prod(shape) >= 1 << 60:  # type: ignore[arg-type]
        raise FormatError(f"{path!r}: an image of shape {shape} is not possible")
    return shape  # type: ignore[return-value]


def _numbers(items: dict[str, Item], name: str, start: bytes, size: int, path: str) -> Item:
    """Return an item with numbers of a type, which must be as many bytes as are needed."""
    item = items.get(name)
    if item is None:
        raise FormatError(f"{path!r} has no item {name!r}", hint="copy the folder again")
    with Opened(item.path, item.identity) as fd:
        found = read_range(fd, item.offset, 4, item.path, item.offset + item.size)
    if found != start:
        raise FormatError(f"the item {name!r} of {path!r} is not of the type that an image has")
    if item.size < 4 + size:
        raise FormatError(
            f"the item {name!r} of {path!r} is truncated: {item.size} bytes instead of {4 + size}",
            hint="copy the folder again",
        )
    return item


def _history(item: Item | None) -> tuple[str, ...]:
    if item is None or item.size == 0:
        return ()
    if item.size > _MOST_HISTORY:
        raise FormatError(f"{item.path!r} is too large for a history")
    with Opened(item.path, item.identity) as fd:
        data = read_range(fd, item.offset, item.size, item.path, item.offset + item.size)
    lines = data.decode("utf-8", "replace").removesuffix("\n").split("\n")
    return tuple(line.rstrip() for line in lines)


class MiriadMask:
    """A mask of bits, 31 in each word of 32, as a source of truth values.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity
        State of the file when it was opened.
    offset : int
        Where the words start.
    shape : tuple of int
        Shape of the image.
    label : str
        Short name for people.
    """

    direct = True
    dtype = np.dtype(bool)

    def __init__(
        self, path: str, identity: Identity, offset: int, shape: tuple[int, ...], label: str
    ) -> None:
        self.path, self.identity, self.offset, self.shape, self.label = path, identity, offset, shape, label
        self.token = "miriadmask-{}|{}|{}".format(path, "|".join(map(str, identity)), offset)

    @property
    def tile(self) -> tuple[int, ...]:
        """As that of the pixels."""
        return natural_tile(self.shape, _PIXEL.itemsize)

    def _spans(self, section: Section) -> Iterator[tuple[int, int, tuple[slice, ...]]]:
        """Return parts of a section: first and last bit of the rows that hold it, place in the result."""
        shape = (1,) * (2 - len(self.shape)) + self.shape
        padded = (slice(0, 1, 1),) * (2 - len(self.shape)) + section
        *lead, rows, columns = padded
        counts = shape_of(padded)
        width = shape[-1]
        together = max(1, _UNPACKED // (width * rows.step))
        ranges = [range(s.start, s.stop, s.step) for s in lead]
        for number, index in enumerate(itertools.product(*ranges)):
            base = 0
            for i, n in zip(index, shape, strict=False):
                base = base * n + i
            base *= shape[-2]
            for first in range(0, counts[-2], together):
                last = min(counts[-2], first + together) - 1
                low = (base + rows.start + first * rows.step) * width + columns.start
                high = (base + rows.start + last * rows.step) * width + columns.stop
                yield low, high, (slice(number, number + 1), slice(first, last + 1))

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return which pixels of a section are good, in `out` if that is given."""
        if out is None:
            out = np.empty(shape_of(section), bool)
        if out.size == 0:
            return out
        width = self.shape[-1]
        step = section[-2].step if len(section) > 1 else 1
        flat = out.reshape((-1, out.shape[-2] if out.ndim > 1 else 1, out.shape[-1]))
        with Opened(self.path, self.identity) as fd:
            for low, high, place in self._spans(section):
                first, last = low // _BITS, (high - 1) // _BITS
                words = np.empty(last - first + 1, ">u4")
                pread_into(fd, words.view(np.uint8).data, self.offset + 4 * first, self.path)
                bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
                bits = bits.reshape(-1, 32)[:, :_BITS].reshape(-1)[low - first * _BITS :]
                target = flat[place]
                strides = (0, step * width, section[-1].step)
                target[...] = np.lib.stride_tricks.as_strided(bits, target.shape, strides)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of the file a section takes."""
        if 0 in shape_of(section):
            return 0
        return sum(4 * ((high - 1) // _BITS - low // _BITS + 1) for low, high, _ in self._spans(section))

    def __dask_tokenize__(self) -> str:
        return self.token

    def __reduce__(self) -> tuple[Any, ...]:
        return (MiriadMask, (self.path, self.identity, self.offset, self.shape, self.label))

    def __repr__(self) -> str:
        return f"MiriadMask({self.label!r}, shape={self.shape})"


class MiriadOutput(Output):
    """A Miriad image being written.

    The mask is kept as bytes until the end: its words are shared by neighbouring sections.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    """

    def __init__(self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False) -> None:
        super().__init__()
        self._open = False
        dtype = np.dtype(spec.dtype)
        if dtype not in (np.float32, np.float64):
            raise LatticeTypeError(
                f"Miriad images cannot hold {dtype} values", hint="save real(...) or iif(expression, 1., 0.)"
            )
        if not spec.shape or 0 in spec.shape:
            what = "a single number" if not spec.shape else f"no pixels (shape {spec.shape})"
            raise FormatError(f"the result is {what}; a Miriad image needs at least one axis and one pixel")
        if len(spec.shape) > 9 or max(spec.shape) >= 1 << 31:
            raise FormatError(f"a Miriad image cannot have the shape {spec.shape}", hint="at most 9 axes")
        items, large = header_bytes(items_of(spec))
        files = {"header": items, **large, "history": _history_bytes(spec.history)}
        self._stage = Staging(path, overwrite=overwrite, sync=sync, directory=True)
        self.path = self._stage.path
        self._flags: PlainWriter | None = None
        try:
            pixels = Layout(4, tuple(spec.shape), _PIXEL)
            self._put("image", _REAL, pixels.offset + pixels.nbytes)
            if spec.masked:
                flags = Layout(0, tuple(spec.shape), np.dtype("u1"))
                self._put("flags", b"", flags.nbytes)
                self._flags = PlainWriter(self._file("flags"), flags, np.dtype(bool))
            for name, data in files.items():
                self._put(name, data, len(data))
        except BaseException:
            self._stage.abort()
            raise
        self.writer = PlainWriter(self._file("image"), pixels, dtype, self._flags)
        self.mask_writers = {}
        self._open = True

    def _file(self, name: str) -> str:
        return os.path.join(self._stage.temp, name)

    def _put(self, name: str, data: bytes, size: int) -> None:
        path = self._file(name)
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
        except OSError as exc:
            raise storage_error(exc, "write", path) from exc
        with Opened(path, None) as fd:
            allocate(fd, size, path)
            pwrite_from(fd, memoryview(data), 0, path)

    def _commit(self) -> None:
        if self._flags is not None:
            self._pack()
        self._stage.commit()

    def _pack(self) -> None:
        """Make the item ``mask`` of the bytes that were written."""
        count = self._flags.layout.nbytes if self._flags is not None else 0
        self._put("mask", _INTEGER, 4 + -(-count // _BITS) * 4)
        source, target = self._file("flags"), self._file("mask")
        strip = _BITS << 15
        with Opened(source, None) as fd, Opened(target, None) as out:
            for start in range(0, count, strip):
                n = min(strip, count - start)
                flags = np.zeros(-(-n // _BITS) * _BITS, np.uint8)
                pread_into(fd, flags[:n].data, start, source)
                bits = np.zeros((flags.size // _BITS, 32), np.uint8)
                bits[:, :_BITS] = flags.reshape(-1, _BITS)
                words = np.packbits(bits, bitorder="little").view("<u4").astype(">u4")
                pwrite_from(out, words.view(np.uint8).data, 4 + start // _BITS * 4, target)
        try:
            os.unlink(source)
        except OSError as exc:
            raise storage_error(exc, "write", source) from exc

    def _abort(self) -> None:
        self._stage.abort()


def _history_bytes(history: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for text in history for line in (str(text).splitlines() or [""])).encode()
