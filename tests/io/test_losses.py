"""What a format cannot hold is named, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice import FormatError, Image
from lattice.coords.system import Axis, CoordinateSystem
from lattice.errors import LatticeWarning
from lattice.io.base import ImageSpec
from lattice.io.losses import ABILITIES, by_abilities
from lattice.io.registry import formats


def test_abilities_are_words_of_the_table() -> None:
    for form in formats():
        assert form.can <= set(ABILITIES), form.name


def test_a_format_that_holds_nothing_loses_all() -> None:
    spec = ImageSpec(
        (2, 3),
        ("y", "x"),
        np.dtype("f4"),
        unit="K",
        masked=True,
        mask_names=("m",),
        meta=(("OBJECT", "M51", ""),),
        history=("made",),
        beams=((1.0, 1.0, 0.0),),
        regions={"r": None},
    )
    assert by_abilities(frozenset(), spec) == [
        "which pixels are good",
        "the mask m",
        "the unit 'K'",
        "the beam",
        "the header entry OBJECT",
        "the history",
        "the region r",
    ]
    assert by_abilities(frozenset(ABILITIES), spec) == []


def test_coordinates_that_no_formula_gives_are_named(tmp_path: Path) -> None:
    axes = (Axis("stokes", "stokes", "", 2), Axis("frequency", "spectral", "Hz", 1))
    coords = CoordinateSystem(axes, table=(1e9, 2e9, 4e9), tables=((2, (-5.0, -7.0, -8.0, -6.0)),))
    image = Image(np.ones((4, 3), "f4"), wcs=coords)
    with pytest.warns(
        LatticeWarning, match="the coordinates along stokes, frequency, which no formula gives"
    ):
        image.save(tmp_path / "a.fits")
    for name in ("a.zarr", "a.image"):
        image[::2].save(tmp_path / name, strict=True)
        again = lattice.open(tmp_path / name)
        assert again.coords.stokes(2) == ("XX", "YX")
        assert again.coords.frequencies(3).tolist() == [1e9, 2e9, 4e9]


def test_saving_warns_or_refuses(tmp_path: Path) -> None:
    values = np.ones((2, 3), "f4")
    image = Image(values, masks={"m": values > 0}, meta={"nest": {"a": [1, 2]}})
    with pytest.warns(LatticeWarning, match="does not hold the mask m, the header entry NEST"):
        image.save(tmp_path / "a.fits")
    with pytest.raises(FormatError, match="does not hold"):
        image.save(tmp_path / "b.fits", strict=True)
    assert not (tmp_path / "b.fits").exists()
