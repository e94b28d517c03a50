"""Pixels that change: in memory and in files, through cuts and joins of cuts, always as numpy has them."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice.compat.mutable import Cut, InMemory, Joined, Mutable, fitted
from lattice.compat.stored import InFile
from lattice.errors import LatticeError, LatticeTypeError
from lattice.graph.records import Record
from lattice.image import Image


class Model:
    """A mutable image, and the numpy views of the same pixels."""

    def __init__(self, pixels: Mutable, values: np.ndarray, good: np.ndarray) -> None:
        self.pixels, self.values, self.good = pixels, values, good

    def check(self) -> None:
        image = self.pixels.image()
        assert image.shape == self.values.shape == self.pixels.outline().shape
        found = image.to_masked_array()
        np.testing.assert_array_equal(found.data, self.values)
        np.testing.assert_array_equal(~np.ma.getmaskarray(found), self.good)
        whole = tuple(slice(0, n, 1) for n in image.shape)
        np.testing.assert_array_equal(self.pixels.read(whole), self.values)
        np.testing.assert_array_equal(self.pixels.read_mask(whole), self.good)


@st.composite
def sections(draw: Any, shape: tuple[int, ...]) -> tuple[slice, ...]:
    out = []
    for n in shape:
        start = draw(st.integers(0, n - 1))
        stop = draw(st.integers(start + 1, n))
        step = draw(st.integers(1, 3))
        count = (stop - start + step - 1) // step
        out.append(slice(start, start + (count - 1) * step + 1, step))
    return tuple(out)


def steps(data: Any, base: Model) -> None:
    models = [base]
    for _ in range(data.draw(st.integers(1, 7))):
        model = data.draw(st.sampled_from(models))
        section = data.draw(sections(model.values.shape))
        size = model.values[section].shape
        what = data.draw(st.sampled_from(["values", "mask", "cut", "drop"]))
        if what == "values":
            values = data.draw(st.integers(-99, 99)) + np.arange(np.prod(size), dtype="f4").reshape(size)
            model.pixels.write(section, values)
            model.values[section] = values
        elif what == "mask":
            good = np.random.default_rng(data.draw(st.integers(0, 99))).random(size) < 0.6
            model.pixels.write_mask(section, good)
            model.good[section] = good
        else:
            drop = [k for k, n in enumerate(size) if n == 1] if what == "drop" else []
            if len(drop) == len(size):
                continue
            items = tuple(s.start if k in drop else s for k, s in enumerate(section))
            part = Cut(model.pixels, section, drop)
            models.append(Model(part, model.values[items], model.good[items]))
        for each in models:
            each.check()


def beginning(seed: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 50, shape).astype("f4"), rng.random(shape) < 0.7


SHAPES = st.lists(st.integers(1, 5), min_size=1, max_size=3).map(tuple)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(0, 99), SHAPES)
def test_in_memory(data: Any, seed: int, shape: tuple[int, ...]) -> None:
    values, good = beginning(seed, shape)
    steps(data, Model(InMemory(values, good), values.copy(), good.copy()))


@settings(max_examples=25, deadline=None)
@given(st.data(), st.integers(0, 99), SHAPES)
def test_in_files(data: Any, seed: int, shape: tuple[int, ...]) -> None:
    values, good = beginning(seed, shape)
    with tempfile.TemporaryDirectory() as folder:
        image = Image(values, masks={"m": good}, mask="m")
        path = str(Path(folder) / "a.im")
        pixels = InFile.create(path, image, overwrite=False, format="casa")
        steps(data, Model(pixels, values.copy(), good.copy()))
        Model(
            InFile(path), pixels.image().values, ~np.ma.getmaskarray(pixels.image().to_masked_array())
        ).check()


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(0, 99), st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_joined(data: Any, seed: int, lengths: list[int]) -> None:
    axis = data.draw(st.integers(0, 1))
    parts, arrays = [], []
    for k, n in enumerate(lengths):
        values, good = beginning(seed + k, (n, 3) if axis == 0 else (3, n))
        parts.append(InMemory(values, good))
        arrays.append((values.copy(), good.copy()))
    joined = Joined(parts, axis)
    steps(data, Model(joined, *(np.concatenate(a, axis) for a in zip(*arrays, strict=True))))
    pixels = np.concatenate([p.image().values for p in parts], axis)
    np.testing.assert_array_equal(pixels, joined.image().values)


def test_a_mask_comes_with_the_first_bad_pixel() -> None:
    pixels = InMemory(np.zeros((2, 3), "f4"))
    assert not pixels.image().masked
    with pytest.raises(LatticeError, match="no mask of its own"):
        Cut(pixels, (slice(0, 1, 1), slice(0, 3, 1))).write_mask(
            (slice(0, 1, 1), slice(0, 1, 1)), np.array([[False]])
        )
    pixels.write_mask((slice(0, 1, 1), slice(0, 1, 1)), np.array([[False]]))
    assert pixels.image().to_masked_array().mask.sum() == 1
    assert pixels.image().default_mask == "mask0"


def test_an_image_stays_what_it_was_when_it_was_computed() -> None:
    pixels = InMemory(np.zeros(3, "f4"))
    computed = (pixels.image() + 1).compute()
    pixels.write((slice(0, 3, 1),), np.ones(3, "f4"))
    np.testing.assert_array_equal(computed.values, 1)
    np.testing.assert_array_equal((pixels.image() + 1).values, 2)


def test_given_arrays_are_copied() -> None:
    values = np.zeros(3, "f4")
    pixels = InMemory(values)
    pixels.write((slice(0, 1, 1),), np.ones(1, "f4"))
    assert values.sum() == 0


def test_labels_change() -> None:
    pixels = InMemory(np.zeros((2, 3), "f4"), unit="K", history=("made",))
    pixels.change(unit="Jy/beam", beams=((2.0, 1.0, 0.0),), history=("changed",))
    image = pixels.image()
    assert (image.unit, image.beams, image.history) == ("Jy/beam", ((2.0, 1.0, 0.0),), ("made", "changed"))
    pixels.put_groups({"g": Record({"a": {"values": np.arange(2)}})})
    assert list(pixels.groups) == list(pixels.image().groups) == ["g"]
    assert list(Cut(pixels, (slice(0, 1, 1), slice(0, 3, 1))).groups) == ["g"]


def test_what_cannot_be_written_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.fits"
    Image(np.zeros((2, 3), "f4")).save(path)
    pixels = InFile(str(path))
    whole = (slice(0, 2, 1), slice(0, 3, 1))
    for call in (
        lambda: pixels.write(whole, np.ones((2, 3), "f4")),
        lambda: pixels.write_mask(whole, np.zeros((2, 3), bool)),
        lambda: pixels.change(unit="K"),
        lambda: pixels.put_groups({}),
        lambda: Cut(pixels, whole).write(whole, np.ones((2, 3), "f4")),
    ):
        with pytest.raises(LatticeError, match="cannot be written to"):
            call()


def test_values_of_another_kind_are_refused() -> None:
    for value in (1j, True, "a", None, np.array([1j])):
        with pytest.raises(LatticeTypeError):
            fitted(value, np.dtype("f4"))
    assert fitted(1j, np.dtype("c8")).dtype == np.dtype("c8")
    assert fitted([1, 2], np.dtype("c8")).dtype == np.dtype("c8")
    assert fitted(1e300, np.dtype("f4")) == np.inf
