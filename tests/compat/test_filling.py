"""Images put into pixels that change in place, also those that follow from these pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.compat import filling
from lattice.compat.filling import fill, pieces, steady
from lattice.compat.mutable import Derived, InMemory, Mutable
from lattice.compat.stored import InFile
from lattice.config import set_options
from lattice.errors import LatticeError
from lattice.graph.node import Source
from lattice.graph.sections import full

SHAPE = (40, 30)
VALUES = np.arange(1200, dtype=np.float32).reshape(SHAPE)
GOOD = VALUES % 7 != 0


@pytest.fixture(params=["memory", "casa", "h5"])
def target(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mutable:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(filling, "_PIECE", 100)  # so that there are many
    if request.param == "memory":
        return InMemory(VALUES, GOOD)
    path = "a.im" if request.param == "casa" else "a.h5"
    return InFile.create(
        path, lattice.Image(VALUES, mask=GOOD), overwrite=False, format=request.param.replace("h5", "hdf5")
    )


def now(target: Mutable) -> np.ndarray:
    return target.read(full(SHAPE))


def test_numbers_everywhere_or_in_parts(target: Mutable) -> None:
    box = (slice(3, 21, 3), slice(2, 30, 1))
    fill(
        target,
        5.0,
        box=box,
        where=lambda s: np.add.outer(*(np.arange(x.start, x.stop, x.step) for x in s)) > 20,
    )
    expected = VALUES.copy()
    rows, columns = np.mgrid[3:21:3, 2:30]
    expected[rows, columns] = np.where(rows + columns > 20, 5, expected[rows, columns])
    np.testing.assert_array_equal(now(target), expected)
    fill(target, -1, only_good=True)
    np.testing.assert_array_equal(now(target), np.where(GOOD, -1, expected))


def test_what_follows_from_the_pixels_themselves(target: Mutable) -> None:
    image = target.image()
    fill(target, image * 2 + image.mean(), only_good=True)
    mean = VALUES[GOOD].mean(dtype=np.float64)
    np.testing.assert_allclose(now(target), np.where(GOOD, VALUES * 2 + mean, VALUES), rtol=1e-6)


def test_pixels_that_move(target: Mutable) -> None:
    image = target.image().set_default_mask(None)
    fill(target, image[::-1] + image.rebin((1, 30)).values[:, :1])
    wanted = VALUES[::-1] + VALUES.mean(axis=1, keepdims=True)
    np.testing.assert_allclose(now(target), wanted, rtol=1e-6)


def test_pixels_that_move_and_do_not_fit_in_memory(target: Mutable, tmp_path: Path) -> None:
    before = sorted(os.listdir(tmp_path))
    image = target.image().set_default_mask(None)
    with set_options(memory_limit="64MB"), pytest.MonkeyPatch.context() as patch:
        patch.setattr(filling, "_SHARE", 1 << 20)
        fill(target, image[::-1])
    np.testing.assert_array_equal(now(target), VALUES[::-1])
    assert sorted(os.listdir(tmp_path)) == before


def test_images_of_the_shape_of_the_box(target: Mutable) -> None:
    box = (slice(4, 12, 2), slice(0, 30, 3))
    fill(target, lattice.Image(np.arange(40.0).reshape(4, 10)), box=box)
    expected = VALUES.copy()
    expected[box] = np.arange(40).reshape(4, 10)
    np.testing.assert_array_equal(now(target), expected)


def test_masks_that_follow_from_the_mask_that_is_written(target: Mutable) -> None:
    image = target.image()
    with steady(image.masks["mask0"], target) as made:
        target.put_mask("mask0", lambda s: ~made[s].values)
    np.testing.assert_array_equal(target.read_mask(full(SHAPE)), ~GOOD)


def test_others_are_not_copied(target: Mutable) -> None:
    other = lattice.Image(VALUES + 1)
    with steady(other[::-1] * 2, target) as made:
        assert not isinstance(made.node, Source)
    with steady(other * other.mean(), target) as made:
        assert "mean" not in made.expression


def test_what_cannot_be_written_is_refused_before_anything_is_computed() -> None:
    def build() -> Any:
        return lattice.Image(VALUES)

    def never(_: Any) -> Any:
        raise AssertionError

    virtual = Derived((), build, "virtual")
    with pytest.raises(LatticeError, match="virtual cannot be written to"):
        fill(virtual, 1.0, where=never)


def test_pieces_cover_a_box_once() -> None:
    seen = np.zeros((7, 9, 11), int)
    for piece in pieces((slice(0, 7, 2), slice(1, 9, 1), slice(0, 11, 5))):
        seen[piece] += 1
    assert (seen[0:7:2, 1:9, 0:11:5] == 1).all()
    assert seen.sum() == 4 * 8 * 3
