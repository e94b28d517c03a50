"""The public checks of formats, run on the formats of lattice; each format has its classes here."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

from lattice.io.base import Stored
from lattice.testing import FormatConformance
from lattice.testing.samples import Sample
from tests.work import PATIENCE


class Checks(FormatConformance):
    """Damaged files may take as long as a busy machine needs; only what hangs is wrong."""

    seconds = PATIENCE


class TestFits(Checks):
    """Bad pixels are NaN: one mask, and no values under it."""

    format = "fits"
    lacks = frozenset({"masks"})


class TestFitsMaskExtensions(Checks):
    format = "fits"
    options = {"mask": "extension"}  # noqa: RUF012


class TestZarr(Checks):
    format = "zarr"
    shape = (70, 30, 40)


class TestZarrShards(Checks):
    """Enough chunks for shards."""

    format = "zarr"
    dtypes = ("f4",)
    shape = (3, 70, 1500)


class TestZarrCompressed(Checks):
    format = "zarr"
    options = {"compress": "zstd"}  # noqa: RUF012


class TestNpy(Checks):
    format = "npy"


@pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="h5py is not installed")
class TestHdf5(Checks):
    """Several chunks; the records of casacore have an order of their own, and no comments."""

    format = "hdf5"
    shape = (3, 70, 1500)
    comments = False

    def _check_meta(self, sample: Sample, stored: Stored, nested: bool) -> None:
        wanted = [key for key, _, _ in sample.spec.meta]
        found = {card[0]: card for card in stored.meta}
        meta = tuple(found[key] for key in wanted if key in found)
        super()._check_meta(sample, Stored(stored.reader, stored.dims, meta=meta), nested)


class TestMiriad(Checks):
    """Single precision only."""

    format = "miriad"
    shape = (3, 70, 150)
    dtypes = ("f4",)
    comments = False


class TestLsst(Checks):
    """Two axes only, so there is no frequency and one beam at most."""

    format = "lsst"
    suffix = ".lsst.fits"
    shape = (70, 150)
    large = False  # an image of two axes would have rows too long for one tile of the checks
    shapes = ((6, 7), (70, 130), (1, 9))

    def sample(self, dtype: str | None = None, parts: tuple[str, ...] = (), **more: Any) -> Sample:
        shape = tuple(more.pop("shape", None) or (6, 7))[-2:]
        return super().sample(dtype, parts, shape=shape, **more)

    def check_coords(self, sample: Sample, stored: Stored) -> None:
        assert sample.spec.coords is not None
        assert stored.coords is not None
        assert stored.coords.kinds == sample.spec.coords.kinds
        assert stored.coords.compare(sample.spec.coords, 1e-6, sample.spec.shape) is None

    def test_each_part_comes_back_or_is_named_as_lost(self, part: str, tmp_path: Path) -> None:
        if part == "beams":
            pytest.skip("an image of two axes has one plane")
        super().test_each_part_comes_back_or_is_named_as_lost(part, tmp_path)
