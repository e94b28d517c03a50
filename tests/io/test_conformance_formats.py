"""The public checks of formats, run on the formats of lattice; each format has its classes here."""

from __future__ import annotations

from lattice.testing import FormatConformance


class TestFits(FormatConformance):
    """Bad pixels are NaN: one mask, and no values under it."""

    format = "fits"
    lacks = frozenset({"masks"})


class TestFitsMaskExtensions(FormatConformance):
    format = "fits"
    options = {"mask": "extension"}  # noqa: RUF012


class TestZarr(FormatConformance):
    format = "zarr"
    shape = (70, 30, 40)


class TestZarrShards(FormatConformance):
    """Enough chunks for shards."""

    format = "zarr"
    dtypes = ("f4",)
    shape = (3, 70, 1500)


class TestZarrCompressed(FormatConformance):
    format = "zarr"
    options = {"compress": "zstd"}  # noqa: RUF012
