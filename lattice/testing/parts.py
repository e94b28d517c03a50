"""Checks of what an image is besides its pixels: what a format holds comes back, the rest is named."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from lattice.errors import LatticeError
from lattice.graph.records import FrozenArray, Record
from lattice.graph.sections import full
from lattice.io.base import LogLine, Stored
from lattice.io.losses import losses
from lattice.testing.base import FormatChecks
from lattice.testing.samples import PARTS, Sample, alike, good_pixels, inside

__all__ = ["PartsChecks"]


class PartsChecks(FormatChecks):
    """Checks of masks, unit, coordinates, beams and all that a header holds."""

    def test_shapes_and_types_come_back(self, dtype: str, shape: tuple[int, ...], tmp_path: Path) -> None:
        sample = self.sample(dtype, shape=shape)
        stored = self.saved(tmp_path, sample)
        assert tuple(stored.reader.shape) == shape
        assert stored.reader.dtype == np.dtype(dtype)
        assert len(stored.dims) == len(set(stored.dims)) == len(shape)
        assert stored.format == self.form.name
        assert stored.source
        np.testing.assert_array_equal(self.whole(stored), sample.values)
        values = self.whole(stored)
        if values.dtype.kind == "f":  # the sign of zero too
            np.testing.assert_array_equal(np.signbit(values), np.signbit(sample.values))
        assert not stored.masks
        assert good_pixels(stored).all()

    def test_each_part_comes_back_or_is_named_as_lost(self, part: str, tmp_path: Path) -> None:
        parts = (part, "coords") if part in ("beams", "regions") and "coords" in self.can else (part,)
        sample = self.sample(parts=parts)
        if part in self.can or (part == "mask" and "masks" in self.can):
            if "write" in self.form.can:
                assert losses(self.form, sample.spec, **self.options) == []
            self.check(part, sample, self.saved(tmp_path, sample))
            return
        self.needs("write")
        lost = losses(self.form, sample.spec, **self.options)
        assert lost, f"the {part} is lost without a word"
        assert all(isinstance(phrase, str) and phrase for phrase in lost)
        with contextlib.suppress(LatticeError):  # to refuse is a way to say it too
            stored = self.saved(tmp_path, sample)
            kept = np.ones(sample.spec.shape, bool) if sample.mask is None else sample.mask
            np.testing.assert_array_equal(self.whole(stored)[kept], sample.values[kept])

    def test_all_parts_at_once(self, dtype: str, tmp_path: Path) -> None:
        parts = [p for p in PARTS if p in self.can]
        if "beams" in parts and "beam" in parts:
            parts.remove("beam")
        sample = self.sample(dtype, tuple(parts))
        stored = self.saved(tmp_path, sample)
        for part in parts:
            self.check(part, sample, stored)

    def test_nothing_is_made_up(self, tmp_path: Path) -> None:
        stored = self.saved(tmp_path, self.sample(shape=(6, 7)))
        assert stored.unit == ""
        assert stored.beams == ()
        assert not stored.regions
        assert not stored.groups
        assert stored.default_mask is None
        assert not any(key in ("OBJECT", "OBSERVER") for key, _, _ in stored.meta)

    def test_it_is_saved_and_opened_by_name_of_its_ending(self, tmp_path: Path) -> None:
        self.needs("write")
        import lattice

        sample = self.sample(shape=(6, 7))
        path = self.path(tmp_path)
        image = lattice.Image(sample.values, unit=self.unit if "unit" in self.can else None)
        image.save(path, format=self.form.name, **self.options)
        again = lattice.open(path, **self.selectors)
        np.testing.assert_array_equal(again.to_masked_array().filled(), sample.values)
        if "unit" in self.can:
            assert again.unit == self.unit
        (image + 1 if image.dtype != bool else ~image).save(
            path, format=self.form.name, overwrite=True, **self.options
        )
        changed = sample.values + 1 if sample.values.dtype != bool else ~sample.values
        np.testing.assert_array_equal(lattice.open(path, **self.selectors).filled(), changed)

    # -- each part -----------------------------------------------------------------------------

    def check(self, part: str, sample: Sample, stored: Stored) -> None:
        """Check that one part of an image came back."""
        getattr(self, f"check_{part}")(sample, stored)

    def check_mask(self, sample: Sample, stored: Stored) -> None:
        """The default mask marks the same pixels; good ones have their values."""
        assert sample.mask is not None
        good = sample.mask & ~np.isnan(sample.values) if stored.nan_masked else sample.mask
        np.testing.assert_array_equal(good_pixels(stored), good)
        np.testing.assert_array_equal(self.whole(stored)[sample.mask], sample.values[sample.mask])

    def check_masks(self, sample: Sample, stored: Stored) -> None:
        """All masks come back by name, and the values under them."""
        assert sample.mask is not None
        assert stored.default_mask == sample.spec.default_mask
        assert set(stored.masks) == {*sample.masks, sample.spec.default_mask}
        whole = full(sample.spec.shape)
        for name, plane in {str(sample.spec.default_mask): sample.mask, **sample.masks}.items():
            mask = stored.masks[name]
            assert mask.dtype == np.dtype(bool)
            assert tuple(mask.shape) == sample.spec.shape
            np.testing.assert_array_equal(mask.read(whole), plane, err_msg=name)
        np.testing.assert_array_equal(self.whole(stored), sample.values, "values under the mask")
        assert not stored.nan_masked

    def check_unit(self, sample: Sample, stored: Stored) -> None:
        """The unit is the same text."""
        assert stored.unit == sample.spec.unit

    def check_coords(self, sample: Sample, stored: Stored) -> None:
        """Coordinates agree to a millionth of a pixel, and name their axes alike."""
        expected, found = sample.spec.coords, stored.coords
        assert expected is not None
        assert found is not None
        assert stored.dims == sample.spec.dims
        assert found.kinds == expected.kinds
        difference = found.compare(expected, 1e-6, sample.spec.shape)
        assert difference is None, str(difference)
        length = sample.spec.shape[expected.kinds.index("spectral")]
        hertz, wanted = found.frequencies(length), expected.frequencies(length)
        assert hertz is not None
        assert wanted is not None
        np.testing.assert_allclose(hertz, wanted, rtol=1e-12)
        assert found.rest_frequency == pytest.approx(expected.rest_frequency, rel=1e-12)
        assert found.spectral_frame == expected.spectral_frame
        frames = [c.sky_frame for c in (found, expected)]
        assert frames[0] is not None
        assert frames[1] is not None
        assert frames[0].is_equivalent_frame(frames[1])

    def check_beam(self, sample: Sample, stored: Stored) -> None:
        """One beam."""
        assert len(stored.beams) == 1
        self.check_beams(sample, stored)

    def check_beams(self, sample: Sample, stored: Stored) -> None:
        """Beams of planes, in their order."""
        assert len(stored.beams) == len(sample.spec.beams)
        np.testing.assert_allclose(stored.beams, sample.spec.beams, rtol=self.beam_tolerance)

    def check_cards(self, sample: Sample, stored: Stored) -> None:
        """Header entries that are texts, numbers and truth values, and their comments."""
        self._check_meta(sample, stored, nested=False)

    def check_records(self, sample: Sample, stored: Stored) -> None:
        """Header entries that are records and arrays."""
        self._check_meta(sample, stored, nested=True)

    def _check_meta(self, sample: Sample, stored: Stored, nested: bool) -> None:
        found = {key: (value, comment) for key, value, comment in stored.meta}
        for key, value, comment in sample.spec.meta:
            if isinstance(value, Record | FrozenArray) != nested:
                continue
            assert key in found, f"{key} is lost"
            assert alike(found[key][0], value), f"{key} was {value!r} and came back as {found[key][0]!r}"
            if self.comments and not nested:
                assert found[key][1] == comment
        own = [key for key, _, _ in sample.spec.meta]
        assert [key for key, _, _ in stored.meta if key in own] == own, "the order changed"

    def check_history(self, sample: Sample, stored: Stored) -> None:
        """Lines of the history in their order; with time, priority and origin if the format has them."""
        assert [str(line) for line in stored.history] == [str(line) for line in sample.spec.history]
        for found, line in zip(stored.history, sample.spec.history, strict=True):
            if isinstance(found, LogLine) and isinstance(line, LogLine):
                assert found.time == pytest.approx(line.time, abs=1.0)
                assert (found.priority, found.origin) == (line.priority, line.origin)

    def check_regions(self, sample: Sample, stored: Stored) -> None:
        """Regions by name, of the same pixels."""
        assert set(stored.regions) == set(sample.spec.regions)
        for name, region in sample.spec.regions.items():
            np.testing.assert_array_equal(
                inside(stored.regions[name], stored), inside(region, stored), err_msg=name
            )

    def check_groups(self, sample: Sample, stored: Stored) -> None:
        """Attribute groups by name."""
        assert set(stored.groups) == set(sample.spec.groups)
        for name, group in sample.spec.groups.items():
            assert alike(stored.groups[name], group), f"{name} came back as {stored.groups[name]!r}"
