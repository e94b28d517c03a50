"""What reads pixels and what does not: counted, not believed."""

from __future__ import annotations

import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image
from lattice.io.files import ByteCount, counting
from tests.work import lines_of

SHAPE = (16, 64, 128)
HEADERS = 64 << 10  # opening reads headers; pixels are 512 kB


@pytest.fixture
def a(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Image:
    monkeypatch.chdir(tmp_path)
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CTYPE3": "FREQ", "CRVAL3": 1e9, "CDELT3": 1e6}
    return Image(rng.normal(size=SHAPE).astype("f4"), wcs=header).save("a.fits")


LAZY: dict[str, Callable[[Image], Any]] = {
    "operators": lambda a: 2 * a - a**2 / 3,
    "ufuncs": lambda a: np.hypot(np.sin(a), np.maximum(a, 0)),
    "conditions": lambda a: a[(a > 0) & (a < a.mean())],
    "reductions": lambda a: (a.median(), a.mean("frequency"), np.std(a), a.fractile(0.9, ["y", "x"])),
    "cuts": lambda a: a[3, ::-1, 10:20].squeeze(),
    "isel": lambda a: a.isel(frequency=slice(0, 4), x=0),
    "subimage": lambda a: a.subimage(box="1,1,9,9", chans="2~3", mask=a > 0),
    "region": lambda a: a[lattice.regions.PixelEllipsoid((8, 32, 64), (4, 9, 9))],
    "masks": lambda a: (a.masks, a.with_mask(None), a.with_mask(a > 0), a.default_mask),
    "rebin": lambda a: a.rebin(2),
    "concat": lambda a: lattice.concat([a, a * 2], "frequency"),
    "repr": lambda a: (repr(a + a.mean()), (a + a.mean())._repr_html_(), str(a)),
    "attributes": lambda a: (
        a.shape,
        a.dims,
        a.wcs,
        a.coords,
        a.meta,
        a.history,
        a.bbox,
        a.expression,
        a.beams,
    ),
    "explain": lambda a: (a - a.median()).explain().text(),
    "dask": lambda a: ((a - a.mean()).data, (a[a > 0]).mask),
    "xarray": lambda a: (a[a > 0] * 2).to_xarray(),
    "statistics over dims": lambda a: repr(a.statistics(dims="frequency", robust=True)),
    "equality": lambda a: (a.same_as(a), hash(a), a == 3),
    "len": lambda a: (len(a), next(iter(a))),
    "text": lambda a: lattice.expr("'a.fits' - median('a.fits'['a.fits' > 0])"),
}


@pytest.mark.parametrize("name", LAZY)
def test_no_pixel_is_read_before_it_is_asked_for(a: Image, name: str) -> None:
    with counting() as count:
        LAZY[name](a)
    assert count.bytes < HEADERS


def _counted(work: Callable[[], Any]) -> ByteCount:
    with counting() as count:
        work()
    return count


def test_a_cut_of_an_expression_reads_what_it_needs(a: Image) -> None:
    deep = np.sqrt(abs(2 * a - a**2 / 3)) + np.exp(-a)
    assert _counted(lambda: deep[3, 5, 7:9].values).bytes <= 8
    assert _counted(lambda: deep[3, 5:7, 7:9].values).bytes <= 2 * 128 * 4
    assert _counted(lambda: deep[3].values).bytes == 64 * 128 * 4
    assert _counted(lambda: deep.isel(frequency=slice(None, None, 4)).values).bytes == 4 * 64 * 128 * 4


def test_a_cut_of_a_mask_reads_the_mask_alone(tmp_path: Path, rng: np.random.Generator) -> None:
    values = rng.normal(size=SHAPE).astype("f4")
    image = Image(values, masks={"low": values < 0}).save(tmp_path / "m.fits", mask="extension")
    count = _counted(lambda: image.masks["low"][2].values)
    assert count.bytes == 64 * 128


def test_scalars_are_computed_once(a: Image) -> None:
    mean = a.mean()
    assert _counted(lambda: float(mean)).bytes == a.nbytes
    assert _counted(lambda: (float(mean), mean.item(), repr(mean))).bytes == 0


def test_reductions_of_one_expression_share_a_pass(a: Image) -> None:
    count = _counted(lambda: float(a.mean() + a.max() * a.nelements() - a.stddev()))
    assert count.bytes == a.nbytes


def test_the_same_file_twice_is_read_once(a: Image) -> None:
    image = lattice.expr("'a.fits' * 'a.fits' + './a.fits'")
    assert _counted(lambda: image.values).bytes == a.nbytes


def test_dask_arrays_read_the_blocks_they_need(a: Image) -> None:
    values = (2 * a).data
    assert _counted(lambda: values[0, 0, 0].compute()).bytes <= a.nbytes
    assert _counted(lambda: values.compute()).bytes == a.nbytes


def test_saving_reads_each_pixel_once(a: Image, tmp_path: Path) -> None:
    assert _counted(lambda: (2 * a + 1).save(tmp_path / "b.fits")).bytes < a.nbytes + HEADERS


LARGE = (4096, 8192, 8192)  # 1 TB


def _sparse(path: Path, shape: tuple[int, int, int]) -> Path:
    """Make a FITS cube of zeros that takes no disk."""
    from lattice.io.fits_header import header_bytes

    cards = [("SIMPLE", True, ""), ("BITPIX", -32, ""), ("NAXIS", 3, "")]
    cards += [(f"NAXIS{i + 1}", n, "") for i, n in enumerate(reversed(shape))]
    header = header_bytes(cards)
    size = len(header) + shape[0] * shape[1] * shape[2] * 4
    with path.open("wb") as f:
        f.write(header)
        try:
            os.truncate(path, -(-size // 2880) * 2880)
        except OSError:
            pytest.skip("this file system has no files of 1 TB")
    return path


def _chain(path: Path, steps: int) -> Image:
    """Open an image, make a deep expression of it, and show it."""
    a = lattice.open(path)
    deep = np.sqrt(abs(2 * a - a**2 / 3)) + np.exp(-a)
    for _ in range(steps):
        deep = deep * a + 1
    assert len(repr(deep)) < 600
    return deep


def _corner(image: Image) -> None:
    assert image[-1, -2:, -2:].values.shape == (2, 2)


def test_a_terabyte_is_opened_and_cut_as_a_few_pixels_are(tmp_path: Path) -> None:
    """What it takes must not depend on the number of pixels: neither lines, nor memory, nor bytes read."""
    small, large = _sparse(tmp_path / "small.fits", (4, 8, 8)), _sparse(tmp_path / "large.fits", LARGE)
    _corner(_chain(small, 2))  # imports
    few = lines_of(lambda: _chain(small, 2)), lines_of(lambda: _corner(_chain(small, 2)))
    tracemalloc.start()
    try:
        with counting() as count:
            deep = _chain(large, 100)
        opened = count.bytes
        with counting() as count:
            _corner(deep)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert opened < HEADERS
    assert count.bytes <= 2 * LARGE[-1] * 4
    assert peak < 20e6
    assert deep.nbytes == 4096 * 8192 * 8192 * 4
    assert lines_of(lambda: _chain(large, 2)) < 1.1 * few[0]
    assert lines_of(lambda: _corner(_chain(large, 2))) < 1.1 * few[1]


def test_long_expressions_take_work_in_proportion(tmp_path: Path) -> None:
    path = _sparse(tmp_path / "small.fits", (4, 8, 8))
    _corner(_chain(path, 1))  # imports
    assert lines_of(lambda: _chain(path, 200)) < 2.2 * lines_of(lambda: _chain(path, 100))
