"""Random images written here and read by a casacore that has HDF5, and the other way round."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.graph.sections import full
from lattice.io.casa_records import coords_from_record
from lattice.io.registry import by_name, open_stored
from lattice.testing.base import write_sample
from lattice.testing.samples import PARTS, Sample, alike, make_sample
from tests.io import casacore_hdf5
from tests.io.casa_records.systems import system
from tests.io.hdf5_checks import check_coordinates, check_labels, check_pixels

pytest.importorskip("h5py")

pytestmark = pytest.mark.oracle

COUNT = 64


def sample_of(number: int) -> tuple[Sample, tuple[int, ...] | None]:
    """Return an image of any type, up to five axes and any parts, and the shape of its tiles."""
    rng = np.random.default_rng(number)
    shape = tuple(int(n) for n in rng.integers(1, 10, rng.integers(1, 6)))
    coords, cards = None, ()
    if number % 2:
        record, shape = system(number)
        coords, cards = coords_from_record(record, shape)
    possible = [p for p in PARTS if (len(shape) == 4 and coords is None) or p not in ("coords", "beams")]
    if len(shape) < 2 or min(shape[-2:]) < 3:
        possible.remove("regions")  # a triangle needs three corners
    if np.prod(shape[:-2]) > 24 and "beams" in possible:
        possible.remove("beams")  # those of samples shrink from plane to plane
    parts = [p for p in possible if rng.random() < 0.6]
    if "beams" in parts and "beam" in parts:
        parts.remove("beam")
    sample = make_sample(str(rng.choice(["f4", "f8", "c8", "c16"])), shape, parts, seed=number)
    if coords is not None:
        own = {key for key, _, _ in cards}
        meta = (*cards, *(card for card in sample.spec.meta if card[0] not in own))
        sample = replace(sample, spec=replace(sample.spec, coords=coords, dims=coords.dims, meta=meta))
    tile = tuple(int(rng.integers(1, n + 1)) for n in shape) if rng.random() < 0.6 else None
    return sample, tile


@dataclass
class Exchange:
    """A random image: our files of it, and what casacore makes of them."""

    sample: Sample
    tile: tuple[int, ...] | None
    folder: Path
    number: int
    pixels: list[list[float]]
    found: dict[str, Any] = field(default_factory=dict)

    def path(self, what: str) -> str:
        return str(self.folder / f"{what}{self.number}.{'im' if what in ('table', 'back') else 'h5'}")

    @property
    def name(self) -> str:
        """The name of our HDF5 file."""
        return Path(self.path("ours")).name

    def jobs(self) -> dict[str, tuple[Any, ...]]:
        """What casacore does with our files; it has no file at once in two ways."""
        names = [] if self.sample.mask is None else ["mask0", *self.sample.masks]
        corner = [n - 1 for n in self.sample.values.shape]
        patch = np.full((1,) * len(corner), 7.5, self.sample.values.dtype)
        # casacore takes a mask by name for single precision only
        second = f"{self.name}:nomask" if patch.dtype == np.float32 else self.name
        return {
            "ours": ("describe", self.path("ours"), self.pixels, names),
            "copied": ("copy", self.path("table"), self.path("theirs"), True),
            "theirs": ("describe", self.path("theirs"), self.pixels, ["mask0"] if names else []),
            "returned": ("copy", self.path("ours"), self.path("back"), False),
            "twice": ("evaluate", f"{self.name} * 2"),
            "sum": ("evaluate", f"{self.name} + {second}"),
            "changed": ("change", self.path("changed"), corner, patch, patch == 0 if names else None),
        }


def need_casacore() -> None:
    if casacore_hdf5.command() is None:
        pytest.skip(f"no casacore with HDF5 is installed, or named by {casacore_hdf5.VARIABLE}")


@pytest.fixture(scope="module")
def exchanges(tmp_path_factory: pytest.TempPathFactory) -> list[Exchange]:
    need_casacore()
    folder = tmp_path_factory.mktemp("exchange")
    out = []
    for number in range(COUNT):
        sample, tile = sample_of(number)
        rng = np.random.default_rng(number)
        pixels = [[float(rng.integers(0, n)) for n in sample.spec.shape] for _ in range(3)]
        made = Exchange(sample, tile, folder, number, pixels)
        write_sample(by_name("casa"), made.path("table"), sample, {})
        for what in ("ours", "changed"):
            write_sample(by_name("hdf5"), made.path(what), sample, {} if tile is None else {"tile": tile})
        out.append(made)
    jobs = [made.jobs() for made in out]
    results = iter(casacore_hdf5.ask([job for many in jobs for job in many.values()], folder))
    for made, many in zip(out, jobs, strict=True):
        made.found = {key: next(results) for key in many}
    return out


def each(check: Callable[[Exchange], None]) -> Callable[[list[Exchange]], None]:
    """Return a test of every image."""

    def test(exchanges: list[Exchange]) -> None:
        for made in exchanges:
            try:
                check(made)
            except AssertionError as error:
                raise AssertionError(f"image {made.number}: {error}") from error

    return test


def casacore_reads_ours(made: Exchange) -> None:
    found, sample = made.found["ours"], made.sample
    assert found["type"] == "HDF5Image"
    np.testing.assert_array_equal(found["values"], sample.values)
    assert found["values"].dtype == sample.values.dtype
    good = np.ones(sample.values.shape, bool) if sample.mask is None else sample.mask
    np.testing.assert_array_equal(found["good"], good)
    for name, mask in sample.masks.items():
        np.testing.assert_array_equal(found["masks"][name], mask)
    stored = open_stored(made.path("ours"))
    check_pixels(stored, found)
    check_labels(stored, found)
    check_coordinates(stored, found, made.pixels)


def ours_reads_casacore(made: Exchange) -> None:
    found, sample = made.found["theirs"], made.sample
    stored = open_stored(made.path("theirs"))
    np.testing.assert_array_equal(found["values"], sample.values)
    check_pixels(stored, found)
    check_labels(stored, found)
    check_coordinates(stored, found, made.pixels)
    assert stored.default_mask == (None if sample.mask is None else "mask0")


def what_returns_is_the_same(made: Exchange) -> None:
    ours, back = open_stored(made.path("ours")), open_stored(made.path("back"))
    np.testing.assert_array_equal(back.reader.read(full(made.sample.values.shape)), made.sample.values)
    assert back.unit == ours.unit
    assert set(back.groups) == set(ours.groups)
    assert all(alike(back.groups[name], group) for name, group in ours.groups.items())
    assert back.coords.compare(ours.coords, 1e-4, made.sample.values.shape) is None
    if made.sample.mask is not None:
        mask = back.masks[back.default_mask]
        np.testing.assert_array_equal(mask.read(full(mask.shape)), made.sample.mask)


def expressions_are_the_same(made: Exchange) -> None:
    path = made.path("ours")
    for name, ours in (("twice", f"'{path}' * 2"), ("sum", f"'{path}' + '{path}:nomask'")):
        values, good = made.found[name]
        image = lattice.expr(ours)
        mask = np.ones(values.shape, bool) if image.mask is None else image.mask.compute()
        np.testing.assert_array_equal(mask, good)
        np.testing.assert_array_equal(np.asarray(image.values)[good], values[good])


def changes_of_casacore_are_seen(made: Exchange) -> None:
    stored = open_stored(made.path("changed"))
    values, last = made.sample.values.copy(), (-1,) * made.sample.values.ndim
    values[last] = 7.5
    np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    if made.sample.mask is not None:
        mask = made.sample.mask.copy()
        mask[last] = False
        np.testing.assert_array_equal(stored.masks["mask0"].read(full(mask.shape)), mask)
    for name, more in made.sample.masks.items():
        np.testing.assert_array_equal(stored.masks[name].read(full(values.shape)), more)


test_casacore_reads_what_is_written = each(casacore_reads_ours)
test_reads_what_casacore_writes = each(ours_reads_casacore)
test_copies_of_casacore_are_the_same = each(what_returns_is_the_same)
test_expressions_with_our_files = each(expressions_are_the_same)
test_changes_of_casacore = each(changes_of_casacore_are_seen)


def test_coordinates_that_casacore_makes(tmp_path: Path) -> None:
    need_casacore()
    jobs = []
    for seed in range(COUNT):
        record, shape = system(seed)
        pixels = [[0.0] * len(shape), [float(n - 1) for n in shape], [float(n // 2) for n in shape]]
        jobs.append(("make", str(tmp_path / f"{seed}.h5"), list(shape), record, pixels))
    made = [(job, found) for job, found in zip(jobs, casacore_hdf5.ask(jobs, tmp_path), strict=True) if found]
    assert len(made) > COUNT * 0.6  # it makes none of which one of two sky axes is removed
    for (_, path, _, _, pixels), found in made:
        stored = open_stored(path)
        check_pixels(stored, found)
        check_coordinates(stored, found, pixels)
