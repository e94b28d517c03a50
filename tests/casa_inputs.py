"""FITS files for calls that are run in CASA and here: written with numpy alone, the same everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

Card = tuple[str, Any]

SKY: list[Card] = [
    ("CTYPE1", "RA---SIN"), ("CRVAL1", 180.0), ("CDELT1", -2 / 3600), ("CRPIX1", 6.0), ("CUNIT1", "deg"),
    ("CTYPE2", "DEC--SIN"), ("CRVAL2", 30.0), ("CDELT2", 2 / 3600), ("CRPIX2", 5.0), ("CUNIT2", "deg"),
]  # fmt: skip
REST: list[Card] = [
    ("RADESYS", "FK5"), ("EQUINOX", 2000.0), ("SPECSYS", "LSRK"), ("RESTFRQ", 1.420405752e9),
    ("BUNIT", "Jy/beam"), ("BMAJ", 8 / 3600), ("BMIN", 6 / 3600), ("BPA", 30.0), ("OBJECT", "field"),
    ("TELESCOP", "VLA"), ("OBSERVER", "nobody"), ("DATE-OBS", "2020-01-01T12:00:00"),
]  # fmt: skip


def frequency(axis: int, start: float = 1.42e9, step: float = 1e5, pixel: float = 1.0) -> list[Card]:
    """Return the cards of a frequency axis."""
    return [
        (f"CTYPE{axis}", "FREQ"), (f"CRVAL{axis}", start), (f"CDELT{axis}", step),
        (f"CRPIX{axis}", pixel), (f"CUNIT{axis}", "Hz"),
    ]  # fmt: skip


def stokes(axis: int) -> list[Card]:
    """Return the cards of a Stokes axis that begins with I."""
    return [(f"CTYPE{axis}", "STOKES"), (f"CRVAL{axis}", 1.0), (f"CDELT{axis}", 1.0), (f"CRPIX{axis}", 1.0)]


def noise(shape: Sequence[int], seed: int = 1) -> np.ndarray:
    """Return numbers between -1 and 1 that look like noise, exact in single precision."""
    n = int(np.prod(shape))
    state = (np.arange(1, n + 1, dtype=np.uint64) + np.uint64(seed * 7919)) * np.uint64(2654435761)
    state = (state ^ (state >> np.uint64(15))) * np.uint64(2246822519)
    state = (state ^ (state >> np.uint64(13))) & np.uint64(0xFFFF)
    return (state.astype(np.float64) / 32768 - 1).reshape(shape).astype(np.float32)


def write(path: Path, values: np.ndarray, cards: Sequence[Card]) -> None:
    """Write a FITS file of single precision."""
    head: list[Card] = [("SIMPLE", True), ("BITPIX", -32), ("NAXIS", values.ndim)]
    head += [(f"NAXIS{k + 1}", n) for k, n in enumerate(values.shape[::-1])]
    text = "".join(_card(key, value) for key, value in [*head, *cards]) + "END".ljust(80)
    block = text.ljust(-(-len(text) // 2880) * 2880).encode("ascii")
    data = values.astype(">f4").tobytes()
    path.write_bytes(block + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))


def _card(key: str, value: Any) -> str:
    if isinstance(value, bool):
        shown = f"{'T' if value else 'F':>20}"
    elif isinstance(value, str):
        shown = f"'{value:<8}'"
    else:
        shown = f"{value!r:>20}".replace("e", "E")
    return f"{key:<8}= {shown}".ljust(80)


def make(folder: Path) -> None:
    """Write all files into a folder.

    cube: 12 x 10 x 8 with one bad pixel and a bad channel part; full: 12 x 10 x 4 x 8 in the order RA, Dec,
    Stokes, frequency; plane: 12 x 10; wide: a sky with smaller pixels; next: the channels behind the cube;
    line: 40 channels.
    """
    cube = noise((8, 10, 12), 1)
    cube[2, 3, 4] = np.nan
    cube[5, :4, :6] = np.nan
    write(folder / "cube.fits", cube, [*SKY, *frequency(3), *REST])
    make_full(folder)
    write(folder / "plane.fits", noise((10, 12), 3), [*SKY, *REST])
    finer = [*SKY[:2], ("CDELT1", -1.5 / 3600), ("CRPIX1", 7.3), *SKY[4:7], ("CDELT2", 1.5 / 3600)]
    finer += [("CRPIX2", 6.1), ("CUNIT2", "deg")]
    write(folder / "wide.fits", noise((14, 16), 4), [*finer, *REST])
    write(folder / "next.fits", noise((3, 10, 12), 5), [*SKY, *frequency(3, 1.4208e9), *REST])
    write(
        folder / "pixel.fits",
        noise((10, 12), 6),
        [*SKY, *(c for c in REST if c[0][0] != "B"), ("BUNIT", "Jy/pixel")],
    )
    kelvin = [(k, "K" if k == "BUNIT" else v) for k, v in REST]
    write(folder / "kelvin.fits", noise((8, 10, 12), 7), [*SKY, *frequency(3), *kelvin])
    write(folder / "pb.fits", np.abs(noise((10, 12), 8)), [*SKY, *REST[:4]])


def make_full(folder: Path) -> None:
    """Write full.fits alone."""
    write(folder / "full.fits", noise((8, 4, 10, 12), 2), [*SKY, *stokes(3), *frequency(4), *REST])
