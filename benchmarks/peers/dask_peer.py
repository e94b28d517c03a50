"""Plain dask.array on threads, as a user who knows its traps writes it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Dataset, fits_header
from benchmarks.peers.base import Peer, fits_planes
from benchmarks.rows import Row

__all__ = ["DaskPeer", "DaskZarrPeer"]

#: small enough for the caches; no size from 4 to 64 MB was clearly faster on two cores
BLOCK_BYTES = 8 << 20


class DaskPeer(Peer):
    """Reads FITS by memory maps inside the tasks, writes FITS by positional writes.

    Handing a memory map to ``from_array`` would copy the whole file, and one graph for
    ``a - mean(a)`` would keep every block: a user who knows dask does neither, nor does this peer.
    """

    name = "dask"
    form = "fits"
    suffix = ".fits"
    note = "FITS to FITS, mapped sources, positional writes, threads"
    working_cubes = 3

    def prepare(self, threads: int) -> dict[str, str]:
        import dask
        import dask.array

        self.threads = threads
        return {"dask": dask.__version__, "numpy": np.__version__}

    def load(self, data: Dataset, name: str) -> Any:
        """A lazy float32 array in the machine's byte order."""
        return _mapped(data.path(name, "fits"), data.shape)

    def store(self, image: Any, out: Path) -> None:
        """Write a lazy image."""
        import dask.array as da

        target: Any = _FitsTarget(out, image.shape)
        try:
            da.store(image.astype(np.float32), target, lock=False)
        finally:
            target.close()

    def run(self, row: Row, data: Dataset, out: Path) -> dict[str, float]:
        import dask

        with dask.config.set(scheduler="threads", num_workers=self.threads):
            a = self.load(data, "a")
            b = self.load(data, "b") if row.key in ("add", "sine", "iif", "median", "sum", "stddev") else None
            if row.saves:
                self.store(_image(row.key, a, b), out)
                return {}
            return _numbers(row.key, a, b)

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        return fits_planes(out, shape)


class DaskZarrPeer(DaskPeer):
    """The same from and to uncompressed Zarr."""

    name = "dask-zarr"
    form = "zarr"
    suffix = ".zarr"
    note = "Zarr to Zarr (not compressed), threads"

    def load(self, data: Dataset, name: str) -> Any:
        import dask.array as da

        return da.from_zarr(str(data.path(name, "zarr")))

    def store(self, image: Any, out: Path) -> None:
        import dask.array as da
        import zarr

        target = zarr.create_array(
            out, shape=image.shape, dtype="f4", chunks=image.chunksize, compressors=None
        )
        da.store(image.astype(np.float32), target, lock=False)

    def result_planes(self, out: Path, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
        import zarr

        array: Any = zarr.open_array(out, mode="r")
        for index in range(shape[0]):
            yield array[index]


def _mapped(path: Path, shape: tuple[int, int, int]) -> Any:
    import dask.array as da

    offset = len(fits_header(shape))
    planes = max(1, BLOCK_BYTES // (4 * shape[1] * shape[2]))

    def read(block_info: Any = None) -> np.ndarray:
        start, stop = block_info[None]["array-location"][0]
        mapped = np.memmap(path, dtype=">f4", mode="r", offset=offset, shape=shape)
        return mapped[start:stop].astype(np.float32)

    chunks = da.core.normalize_chunks((planes, *shape[1:]), shape)
    return da.map_blocks(read, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0, 0), np.float32))


class _FitsTarget:
    """A new FITS file that takes blocks of whole planes at once from several threads."""

    def __init__(self, path: Path, shape: tuple[int, int, int]) -> None:
        header = fits_header(shape)
        self.shape, self.dtype, self.ndim = shape, np.dtype(np.float32), 3
        self.offset, self.stride = len(header), 4 * shape[1] * shape[2]
        self.file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        os.pwrite(self.file, header, 0)
        size = self.offset + self.stride * shape[0]
        os.ftruncate(self.file, -(-size // 2880) * 2880)

    def __setitem__(self, section: Any, values: np.ndarray) -> None:
        start = section[0].start or 0
        swapped = memoryview(np.ascontiguousarray(values.astype(">f4"))).cast("B")
        position = self.offset + start * self.stride
        while swapped:
            done = os.pwrite(self.file, swapped, position)
            swapped, position = swapped[done:], position + done

    def close(self) -> None:
        os.close(self.file)


def _image(key: str, a: Any, b: Any) -> Any:
    import dask.array as da

    if key == "add":
        return a + b
    if key == "sine":
        return 2 * np.sin(a) + b * b
    if key == "iif":
        return da.where((a > 0) & (b < 1), np.sqrt(abs(a)), np.exp(b))
    if key == "demean":
        good = a < 3
        total, count = da.compute(da.where(good, a, np.float32(0)).sum(dtype=np.float64), good.sum())
        return a - np.float32(total / count)
    if key == "clip":
        limit = np.float32(2 * a.std(ddof=1).compute())
        return da.where(a > limit, a, np.float32(np.nan))
    return a * 2


def _numbers(key: str, a: Any, b: Any) -> dict[str, float]:
    import dask.array as da

    if key == "median":
        # dask has no median over all axes: one array in memory, partitioned in place.
        return {key: float(np.median((a * b).compute(), overwrite_input=True))}
    if key == "sum":
        return {key: float(da.where(b > 0, a, np.float32(0)).sum(dtype=np.float64).compute())}
    if key == "stddev":
        return {key: float((a - b).std(ddof=1).compute())}
    if key == "fractile":
        return {key: float(np.quantile(a.compute(), 0.9, overwrite_input=True))}
    if key == "robust":
        return robust_numbers(a.compute())
    return {key: float(a.mean(dtype=np.float64).compute())}


def robust_numbers(values: np.ndarray) -> dict[str, float]:
    """Median, median absolute deviation and quartile distance; ``values`` is scratch."""
    q1, median, q3 = np.quantile(values, [0.25, 0.5, 0.75], overwrite_input=True)
    np.subtract(values, np.float32(median), out=values)
    np.abs(values, out=values)
    mad = np.median(values, overwrite_input=True)
    return {"median": float(median), "medabsdevmed": float(mad), "quartile": float(q3 - q1)}
