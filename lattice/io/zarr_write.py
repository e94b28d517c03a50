"""Zarr version 3 images written by section.

Without compression the place of every pixel is known beforehand, in shards as well, so that any
sections can be written at once from many threads and processes. Noise hardly compresses (float32 noise
to 0.92 of its size, at a third of the speed), so this is the default.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import itertools
import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError, StorageError
from lattice.graph.sections import Section
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output
from lattice.io.files import Identity, Opened, pwrite_from, storage_error
from lattice.io.json_values import to_json
from lattice.io.raw import Layout, part, write_section
from lattice.io.zarr_chunks import choose_chunks, encode, shard_index
from lattice.io.zarr_meta import ArrayMeta, Codec, array_document
from lattice.io.zarr_read import pieces

__all__ = ["COMPRESSION", "ZarrOutput", "ZarrPackedWriter", "ZarrRawWriter", "image_attributes", "unwritable"]

VERSION = 1

COMPRESSION: dict[str, list[dict[str, Any]]] = {
    "none": [],
    "lz4": [
        {
            "name": "blosc",
            "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "shuffle", "blocksize": 0},
        }
    ],
    "zstd": [
        {
            "name": "blosc",
            "configuration": {"cname": "zstd", "clevel": 1, "shuffle": "shuffle", "blocksize": 0},
        }
    ],
}
"""Codecs by the name of the option ``compress=``."""

_NOWHERE = Identity(0, 0, 0, 0)


class _Target:
    """An array folder that is being filled; parts shared by both kinds of writers."""

    def __init__(self, meta: ArrayMeta, root: str, dtype: np.dtype[Any], flags: Any = None) -> None:
        self.meta = meta
        self.root = root
        self.dtype = np.dtype(dtype)
        self.flags = flags  # takes the mask that comes with the values
        self._places: dict[tuple[int, ...], tuple[tuple[int, ...], Layout]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_places": {}}

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the image."""
        return self.meta.shape

    @property
    def is_mask(self) -> bool:
        """True if values are masks, stored inverted: pixels that are not stored are good."""
        return bool(self.meta.attributes.get("lattice_inverted"))

    def _valid(self, file: Sequence[int]) -> tuple[int, ...]:
        """Return how many chunks of a file lie inside the image, per axis."""
        meta = self.meta
        return tuple(
            min(f // c, -(-(n - i * f) // c))
            for f, c, n, i in zip(meta.files, meta.chunks, meta.shape, file, strict=True)
        )

    def _create(self, path: str) -> int:
        """Create a file and its folders, unless the whole output is gone."""
        if not os.path.isdir(self.root):
            raise StorageError(f"the output {self.root!r} was removed while it was written")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)


class ZarrRawWriter(_Target):
    """An array without compression as a target of pixels."""

    direct = True

    @property
    def chunks(self) -> tuple[int, ...]:
        """A chunk."""
        return tuple(min(c, max(1, n)) for c, n in zip(self.meta.chunks, self.shape, strict=True))

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values to their places, and the mask to the array of flags."""
        if values.size == 0:
            return
        if self.flags is not None and mask is not None:
            self.flags.write(section, mask, None)
        if self.is_mask:
            if values.all():
                return
            values = np.logical_not(values)
        for number, inner, place in pieces(section, self.meta.chunks):
            piece = part(values, place)
            if self.is_mask and not piece.any():
                continue
            file, layout = self._places.get(number) or self._locate(number)
            stored = np.ascontiguousarray(piece, self.meta.dtype)
            self._write_piece(file, layout, inner, stored)

    def _locate(self, number: tuple[int, ...]) -> tuple[tuple[int, ...], Layout]:
        """Return the file of a chunk, and where its pixels lie in that."""
        ratio = tuple(f // c for f, c in zip(self.meta.files, self.meta.chunks, strict=True))
        file = tuple(i // r for i, r in zip(number, ratio, strict=True))
        position = 0
        for i, r, count in zip(number, ratio, self._valid(file), strict=True):
            position = position * count + i % r
        found = file, Layout(position * self.meta.chunk_bytes, self.meta.chunks, self.meta.dtype)
        if len(self._places) >= 4096:
            self._places.clear()
        self._places[number] = found
        return found

    def _write_piece(self, file: tuple[int, ...], layout: Layout, inner: Section, stored: np.ndarray) -> None:
        path = self.meta.file_path(file)
        try:
            with Opened(path, None) as fd:
                write_section(fd, path, layout, inner, stored)
            return
        except StorageError as exc:
            if exc.errno != errno.ENOENT:
                raise
        self._prepare(file, path)
        with Opened(path, None) as fd:
            write_section(fd, path, layout, inner, stored)

    def _prepare(self, file: tuple[int, ...], path: str) -> None:
        """Create a file with its final size and index; doing so twice at once does no harm."""
        try:
            fd = self._create(path)
        except OSError as exc:
            if isinstance(exc, LatticeError):
                raise
            raise storage_error(exc, "write", path) from exc
        try:
            index = self._index(self._valid(file))
            size = math.prod(self._valid(file)) * self.meta.chunk_bytes
            whole = all(
                (i + 1) * f <= n for i, f, n in zip(file, self.meta.files, self.meta.shape, strict=True)
            )
            if whole and not self.is_mask:
                allocate(fd, size + len(index), path)
            else:
                os.ftruncate(fd, size + len(index))
            pwrite_from(fd, memoryview(index), size, path)
        except OSError as exc:
            if isinstance(exc, LatticeError):
                raise
            raise storage_error(exc, "write", path) from exc
        finally:
            os.close(fd)

    def _index(self, valid: tuple[int, ...]) -> bytes:
        if self.meta.shards is None:
            return b""
        counts = tuple(f // c for f, c in zip(self.meta.files, self.meta.chunks, strict=True))
        return _raw_index(counts, valid, self.meta.chunk_bytes)


@functools.lru_cache(64)
def _raw_index(counts: tuple[int, ...], valid: tuple[int, ...], size: int) -> bytes:
    """Return the index of a shard whose chunks inside the image follow each other."""
    offsets, position = [], 0
    for number in itertools.product(*map(range, counts)):
        inside = all(i < n for i, n in zip(number, valid, strict=True))
        offsets.append(position if inside else -1)
        position += size if inside else 0
    return shard_index(offsets, [size] * len(offsets))


class ZarrPackedWriter(_Target):
    """A compressed array as a target of pixels: whole files only."""

    direct = False

    @property
    def chunks(self) -> tuple[int, ...]:
        """A file: a shard, or a chunk where there are no shards."""
        return tuple(min(f, max(1, n)) for f, n in zip(self.meta.files, self.shape, strict=True))

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Pack and write whole files."""
        if values.size == 0:
            return
        for s, f, n in zip(section, self.meta.files, self.shape, strict=True):
            if s.start % f or (s.stop % f and s.stop != n) or (s.step != 1 and s.stop - s.start > 1):
                raise LatticeError(
                    f"compressed Zarr is written by whole shards of {self.chunks}, not {section}"
                )
        if self.flags is not None and mask is not None:
            self.flags.write(section, mask, None)
        if self.is_mask:
            values = np.logical_not(values)
        for file, _, place in pieces(section, self.meta.files):
            self._write_file(file, part(values, place))

    def _write_file(self, file: tuple[int, ...], values: np.ndarray) -> None:
        if self.is_mask and not values.any():
            return
        path = self.meta.file_path(file)
        try:
            fd = self._create(path)
        except OSError as exc:
            if isinstance(exc, LatticeError):
                raise
            raise storage_error(exc, "write", path) from exc
        try:
            os.ftruncate(fd, self._write_chunks(fd, path, values))
        finally:
            os.close(fd)

    def _write_chunks(self, fd: int, path: str, values: np.ndarray) -> int:
        """Pack and write one chunk after the other, then the index; return the size of the file."""
        offsets, sizes, position = [], [], 0
        counts = tuple(f // c for f, c in zip(self.meta.files, self.meta.chunks, strict=True))
        for number in itertools.product(*map(range, counts)):
            begin = [i * c for i, c in zip(number, self.meta.chunks, strict=True)]
            chunk = part(values, tuple(slice(b, b + c) for b, c in zip(begin, self.meta.chunks, strict=True)))
            if chunk.size == 0:
                offsets.append(-1)
                sizes.append(0)
                continue
            if chunk.shape != self.meta.chunks:
                padded = np.zeros(self.meta.chunks, self.meta.dtype)
                padded[tuple(slice(0, n) for n in chunk.shape)] = chunk
                chunk = padded
            data = memoryview(encode(self.meta, np.ascontiguousarray(chunk, self.meta.dtype))).cast("B")
            pwrite_from(fd, data, position, path)
            offsets.append(position)
            sizes.append(len(data))
            position += len(data)
        if self.meta.shards is not None:
            index = memoryview(shard_index(offsets, sizes))
            pwrite_from(fd, index, position, path)
            position += len(index)
        return position


def _plain(value: Any) -> Any:
    """Return a header value as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex) or (isinstance(value, float) and not math.isfinite(value)):
        return str(value)
    return value if value is None or isinstance(value, str | int | float | bool) else str(value)


def _cards(cards: Sequence[tuple[str, Any, str]]) -> list[list[Any]]:
    return [[key, _plain(value), comment] for key, value, comment in cards]


def _regions(spec: ImageSpec) -> dict[str, Any]:
    """Return the regions as JSON; `unwritable` names those that cannot be."""
    out = {}
    for name, region in spec.regions.items():
        with contextlib.suppress(LatticeTypeError):
            out[name] = to_json(region)
    return out


def unwritable(spec: ImageSpec) -> list[str]:
    """Return the names of regions that are of a kind from outside lattice."""
    return [name for name in spec.regions if name not in _regions(spec)]


def image_attributes(spec: ImageSpec, masks: dict[str, str], default: str | None) -> dict[str, Any]:
    """Return what the group says about an image; `masks` maps mask names to arrays of flags."""
    coords = spec.coords
    about: dict[str, Any] = {
        "version": VERSION,
        "values": "values",
        "dims": list(spec.dims),
        "unit": spec.unit,
        "masks": masks,
        "default_mask": default,
        "wcs": _cards(coords.to_cards(spec.shape)) if coords is not None else [],
        "axes": [[a.kind, a.unit] for a in coords.axes] if coords is not None else None,
        "meta": [[key, to_json(value), comment] for key, value, comment in spec.meta],
        "history": [to_json(line) for line in spec.history],
        "beams": [list(map(float, beam)) for beam in spec.beams],
    }
    if coords is not None and coords.table and "spectral" in coords.kinds:
        frequencies = coords.frequencies(spec.shape[coords.kinds.index("spectral")])
        about["frequencies"] = frequencies.tolist() if frequencies is not None else []
    if coords is not None and coords.tables:
        found = coords.tabulated(spec.shape)
        tables = [[i, v.tolist()] for i, v in found.items() if coords.kinds[i] != "spectral"]
        about["tables"] = tables
    if spec.regions:
        about["regions"] = _regions(spec)
    if spec.groups:
        about["groups"] = {name: to_json(group) for name, group in spec.groups.items()}
    return {"lattice": about}


class ZarrOutput(Output):
    """A Zarr group being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    compress : str
        One of `COMPRESSION`.
    """

    def __init__(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        compress: str = "none",
    ) -> None:
        super().__init__()
        self._open = False
        if compress not in COMPRESSION:
            hint = f"say one of {', '.join(COMPRESSION)}"
            raise LatticeError(f"compress={compress!r} is not known", hint=hint)
        dtype = np.dtype(spec.dtype)
        default = (spec.default_mask or "mask0") if spec.masked else None
        names = ([default] if default else []) + [n for n in spec.mask_names if n != default]
        arrays = dict(zip(names, _array_names(names), strict=True))
        chunks, shards = choose_chunks(spec.shape, dtype.itemsize)
        codecs = COMPRESSION[compress]
        about = {"lattice_inverted": True, "long_name": "true where a pixel is bad"}
        documents = {
            "values": array_document(
                spec.shape,
                dtype,
                chunks,
                shards,
                codecs,
                spec.dims,
                {"units": spec.unit} if spec.unit else {},
            )
        }
        mask = array_document(spec.shape, np.dtype(bool), chunks, shards, codecs, spec.dims, about)
        documents |= dict.fromkeys(arrays.values(), mask)
        group = {
            "zarr_format": 3,
            "node_type": "group",
            "attributes": image_attributes(spec, arrays, default),
            "consolidated_metadata": {"kind": "inline", "must_understand": False, "metadata": documents},
        }
        self._stage = Staging(path, overwrite=overwrite, sync=sync, directory=True)
        self.path = self._stage.path
        try:
            _write_documents(self._stage.temp, group, documents)
        except BaseException:
            self._stage.abort()
            raise
        steps = tuple(Codec(c["name"], c["configuration"]) for c in codecs)
        common = _unwritten(self._stage.temp, spec.shape, chunks, shards, steps, about)
        masks = {name: _writer(common, array, np.dtype(bool)) for name, array in arrays.items()}
        flags = masks.pop(default) if default else None
        self.writer = _writer(replace(common, attributes={}), "values", dtype, flags)
        self.mask_writers = masks
        self._open = True

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()


def _unwritten(
    path: str,
    shape: Sequence[int],
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None,
    codecs: tuple[Codec, ...],
    attributes: dict[str, Any],
) -> ArrayMeta:
    """Return what the arrays of a new group have in common."""
    bits = np.dtype(bool)
    return ArrayMeta(path, "", _NOWHERE, tuple(shape), bits, chunks, shards, codecs, attributes=attributes)


def _writer(common: ArrayMeta, array: str, dtype: np.dtype[Any], flags: Any = None) -> Any:
    """Return the writer of one array; `common` has the folder of the group as its path."""
    meta = replace(common, path=f"{common.path}/{array}", dtype=dtype.newbyteorder("<"))
    return (ZarrRawWriter if meta.is_raw else ZarrPackedWriter)(meta, common.path, dtype, flags)


def _array_names(names: Sequence[str]) -> list[str]:
    """Return a name for the array of each mask: mask names may hold anything, folder names may not."""
    out: list[str] = []
    for i, name in enumerate(names):
        safe = name if name.isidentifier() and name.isascii() and len(name) <= 64 else f"{i}"
        out.append(f"flag_{safe}")
    return out


def _write_documents(folder: str, group: dict[str, Any], documents: dict[str, dict[str, Any]]) -> None:
    try:
        for name, document in [("", group), *documents.items()]:
            if name:
                os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, name, "zarr.json"), "w", encoding="utf-8") as f:
                json.dump(document, f, allow_nan=False)
    except OSError as exc:
        raise storage_error(exc, "write", folder) from exc
