"""The input cubes, the same pixels in the form that each peer reads best.

Every plane has its own random generator, so that any plane of any cube can be made alone, in any
order and in blocks: cubes larger than memory need no more than one plane of it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["FORMS", "NAMES", "TINY", "Dataset", "fits_header", "make_dataset", "plane", "write_fits"]

NAMES = ("a", "b")
SEED = 20261120
TINY = (4, 32, 32)
# Mean and width of the noise: off zero, so that sums and means are no differences of large numbers.
NOISE = {"a": (0.5, 1.0), "b": (0.25, 0.8)}
BLOCK = 2880


def plane(name: str, index: int, shape: tuple[int, int]) -> np.ndarray:
    """Plane ``index`` of cube ``name``: float32 noise, the same on every call."""
    mean, sigma = NOISE[name]
    generator = np.random.Generator(np.random.SFC64([SEED, ord(name), index]))
    values = generator.standard_normal(shape, dtype=np.float32)
    values *= np.float32(sigma)
    values += np.float32(mean)
    return values


def planes(name: str, shape: tuple[int, int, int]) -> Iterator[np.ndarray]:
    """All planes of a cube, one after the other."""
    for index in range(shape[0]):
        yield plane(name, index, (shape[1], shape[2]))


def fits_header(shape: tuple[int, int, int]) -> bytes:
    """Primary header of a float32 cube with celestial and spectral axes, padded to whole blocks.

    There is no brightness unit: the sine and the exponential of a brightness have no meaning, and
    spectral-cube would rightly refuse to add a brightness to the square of one.
    """
    nz, ny, nx = shape
    cards: list[tuple[str, Any]] = [
        ("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 3), ("NAXIS1", nx), ("NAXIS2", ny), ("NAXIS3", nz),
        ("CTYPE1", "RA---SIN"), ("CRVAL1", 83.633), ("CRPIX1", nx / 2 + 1.0), ("CDELT1", -2.0e-4),
        ("CUNIT1", "deg"),
        ("CTYPE2", "DEC--SIN"), ("CRVAL2", 22.0145), ("CRPIX2", ny / 2 + 1.0), ("CDELT2", 2.0e-4),
        ("CUNIT2", "deg"),
        ("CTYPE3", "FREQ"), ("CRVAL3", 1.42e9), ("CRPIX3", 1.0), ("CDELT3", 1.0e4),
        ("CUNIT3", "Hz"),
        ("RESTFRQ", 1.420405751786e9), ("SPECSYS", "LSRK"), ("RADESYS", "ICRS"),
    ]  # fmt: skip
    text = "".join(_card(keyword, value) for keyword, value in cards) + "END".ljust(80)
    return text.ljust(-(-len(text) // BLOCK) * BLOCK).encode("ascii")


def _card(keyword: str, value: Any) -> str:
    if isinstance(value, bool):
        shown = ("T" if value else "F").rjust(20)
    elif isinstance(value, str):
        shown = f"'{value:8}'".ljust(20)
    else:
        shown = (f"{value:.12G}" if isinstance(value, float) else str(value)).rjust(20)
        if isinstance(value, float) and "." not in shown and "E" not in shown:
            shown = (shown.strip() + ".0").rjust(20)
    return f"{keyword:8}= {shown}".ljust(80)


def write_fits(path: Path, name: str, shape: tuple[int, int, int]) -> None:
    """Write one cube plane by plane."""
    with path.open("wb") as file:
        file.write(fits_header(shape))
        for values in planes(name, shape):
            file.write(memoryview(values.astype(">f4")).cast("B"))
        size = 4 * int(np.prod(shape))
        file.write(bytes(-size % BLOCK))


def _write_npy(path: Path, name: str, shape: tuple[int, int, int]) -> None:
    target = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=shape)
    for index, values in enumerate(planes(name, shape)):
        target[index] = values
    target.flush()


def _write_vips(path: Path, name: str, shape: tuple[int, int, int]) -> None:
    """One tall image: libvips knows no third axis, and none of the rows needs one."""
    import pyvips

    cube = np.concatenate(list(planes(name, shape)))
    pyvips.Image.new_from_memory(cube.data, shape[2], shape[0] * shape[1], 1, "float").write_to_file(
        str(path)
    )


def _write_zarr(path: Path, name: str, shape: tuple[int, int, int]) -> None:
    """Not compressed (noise does not compress), chunks of four planes."""
    import zarr

    chunks = (min(4, shape[0]), shape[1], shape[2])
    array: Any = zarr.create_array(path, shape=shape, dtype="f4", chunks=chunks, compressors=None)
    for start in range(0, shape[0], chunks[0]):
        stop = min(start + chunks[0], shape[0])
        array[start:stop] = np.stack([plane(name, index, shape[1:]) for index in range(start, stop)])


def _write_casa(path: Path, name: str, shape: tuple[int, int, int]) -> None:
    """A CASA image made by casacore, with casacore's own default tiles and no mask."""
    from casacore.images import image

    template = path.with_name(path.name + ".header.fits")
    write_fits(template, name, (1, *shape[1:]))
    coordinates = image(str(template)).coordinates()
    target = image(str(path), shape=shape, coordsys=coordinates, overwrite=True)
    for index, values in enumerate(planes(name, shape)):
        target.putdata(values[np.newaxis], (index, 0, 0))
    del target
    template.unlink()
    # casacore refuses an expression that is a pure scalar: adding it to one pixel makes it an image.
    pixel = path.with_name("pixel.casa")
    if not pixel.exists():
        image(str(pixel), shape=(1, 1), overwrite=True).putdata(np.zeros((1, 1), np.float32))


FORMS = {
    "fits": (".fits", write_fits),
    "npy": (".npy", _write_npy),
    "vips": (".v", _write_vips),
    "zarr": (".zarr", _write_zarr),
    "casa": (".casa", _write_casa),
}


@dataclass(frozen=True)
class Dataset:
    """A folder with the cubes in some forms."""

    folder: Path
    shape: tuple[int, int, int]

    @property
    def pixels(self) -> int:
        """Number of pixels of one cube."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """Bytes of pixels of one cube."""
        return 4 * self.pixels

    def path(self, name: str, form: str) -> Path:
        """File or folder of one cube in one form."""
        return self.folder / f"{name}{FORMS[form][0]}"

    def warm(self, form: str) -> None:
        """Read the inputs once, so that every peer finds them in the page cache."""
        buffer = bytearray(8 << 20)
        for path in self.files(form):
            with path.open("rb", buffering=0) as file:
                while file.readinto(buffer):
                    pass

    def forget(self, form: str) -> None:
        """Drop the inputs from the page cache, so that the next to read them finds them in large pages.

        What was written piece by piece, or read while memory was short, lies in the cache in small pages, and
        was read at 9 instead of 24 GB/s.
        """
        if not hasattr(os, "posix_fadvise"):
            return
        for path in self.files(form):
            with path.open("rb") as file:
                os.fsync(file.fileno())
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)

    def files(self, form: str) -> list[Path]:
        """Return all files of the inputs that are there."""
        roots = [root for root in (self.path(name, form) for name in NAMES) if root.exists()]
        return [
            path
            for root in roots
            for path in ([root] if root.is_file() else sorted(p for p in root.rglob("*") if p.is_file()))
        ]


def make_dataset(
    root: Path, shape: tuple[int, int, int], forms: list[str], names: tuple[str, ...] = NAMES
) -> Dataset:
    """Make the cubes that are not there yet; a marker file tells the complete ones."""
    folder = root / ("cubes-" + "x".join(str(n) for n in shape))
    folder.mkdir(parents=True, exist_ok=True)
    dataset, made = Dataset(folder, shape), False
    for form in forms:
        for name in names:
            path, marker = dataset.path(name, form), folder / f".{name}.{form}.done"
            if marker.exists() and path.exists():
                continue
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
            FORMS[form][1](path, name, shape)
            marker.write_text(f"{SEED}\n")
            made = True
    if made:
        # Otherwise the disk would still be busy with the inputs while the first rows run.
        os.sync()
    for form in forms:
        dataset.forget(form)
    return dataset
