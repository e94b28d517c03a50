"""What opening and saving promise besides pixels."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice.errors import FormatError, LatticeError, LatticeWarning
from lattice.io.casa.image import CasaFormat
from lattice.io.casa.records import TableRecord
from lattice.io.casa.tables import Table


@pytest.fixture
def path(tmp_path: Path) -> str:
    values = np.arange(60, dtype="f4").reshape(3, 4, 5)
    name = str(tmp_path / "a.image")
    lattice.Image(values, mask=values > 3, unit="K").save(name)
    return name


def rewrite(path: str, keyword: str, change: Any) -> None:
    table = Table(path)
    change(table.keywords.setdefault(keyword, TableRecord()))
    table.write()


def test_a_header_that_is_being_written_is_read_again(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    header = Path(path, "table.f0")
    whole = header.read_bytes()
    header.write_bytes(whole[:50])
    monkeypatch.setattr(time, "sleep", lambda _: header.write_bytes(whole))
    assert lattice.open(path).shape == (3, 4, 5)
    header.write_bytes(whole[:50])
    os.utime(header, (0, 0))
    for name in ("table.f0_TSM0", "logtable/table.f0", "mask0/table.f0", "mask0/table.f0_TSM0"):
        os.utime(Path(path, name), (0, 0))
    with pytest.raises(FormatError, match="damaged"):
        lattice.open(path)


def test_masks_that_are_regions_are_masks(path: str) -> None:
    box = {"isRegion": 1, "name": "LCBox", "comment": "", "oneRel": True,
           "blc": np.array([2, 1, 1], "f4"), "trc": np.array([4, 3, 2], "f4"),
           "shape": np.array([5, 4, 3], "i4")}  # fmt: skip
    rewrite(path, "masks", lambda masks: masks.update(box=box))
    good = np.zeros((3, 4, 5), bool)
    good[:2, :3, 1:4] = True
    image = lattice.open(path, mask="box")
    np.testing.assert_array_equal(image.masks["box"].values, good)
    np.testing.assert_array_equal(~np.ma.getmaskarray(image.to_masked_array()), good)
    rewrite(path, "masks", lambda masks: masks.update(odd={"isRegion": 1, "name": "LCUnheardOf"}))
    with pytest.warns(LatticeWarning, match="odd"):
        assert list(lattice.open(path).masks) == ["mask0", "box"]


def test_a_default_mask_that_is_not_there_is_none(path: str) -> None:
    table = Table(path)
    table.keywords["Image_defaultmask"] = "gone"
    table.write()
    assert lattice.open(path).default_mask is None


def test_missing_parts_are_named(path: str) -> None:
    for name in ("table.f0_TSM0", "table.f0", "mask0/table.dat", "logtable/table.f0"):
        moved = Path(path, name).rename(Path(path, "aside"))
        with pytest.raises(FormatError, match=os.path.basename(name)):
            lattice.open(path)
        moved.rename(Path(path, name))
    lattice.open(path)


def test_what_a_casa_image_cannot_hold_is_refused(tmp_path: Path) -> None:
    values = np.arange(6, dtype="f4").reshape(2, 3)
    with pytest.raises(FormatError, match="bool"):
        (lattice.Image(values) > 2).save(tmp_path / "b.image")
    with pytest.raises(FormatError, match="at least one pixel"):
        lattice.Image(values[:0]).save(tmp_path / "b.image")
    for options in [{"tile": (2,)}, {"tile": (0, 3)}, {"endian": "middle"}, {"compress": "zstd"}]:
        with pytest.raises(LatticeError):
            lattice.Image(values).save(tmp_path / "b.image", **options)
    assert not os.listdir(tmp_path)


def test_other_tables_are_no_images(path: str) -> None:
    assert not CasaFormat().sniff(os.path.join(path, "logtable"))
    with pytest.raises(FormatError):
        lattice.open(os.path.join(path, "logtable"))
    with pytest.raises(FormatError, match="in place"):
        CasaFormat().update(os.path.join(path, "logtable"))


def test_names_of_masks_need_be_no_names_of_files(tmp_path: Path) -> None:
    values = np.arange(6, dtype="f4").reshape(2, 3)
    masks = {"a/b": values > 1, "logtable": values > 2, ".hidden": values > 3, "table.dat": values > 4}
    lattice.Image(values, masks=masks).save(tmp_path / "b.image")
    found = lattice.open(tmp_path / "b.image").masks
    assert list(found) == list(masks)
    for name, mask in masks.items():
        np.testing.assert_array_equal(found[name].values, mask)


def test_values_under_masks_stay(path: str, tmp_path: Path) -> None:
    lattice.open(path).save(tmp_path / "b.image")
    np.testing.assert_array_equal(
        lattice.open(tmp_path / "b.image", mask=None).values, np.arange(60, dtype="f4").reshape(3, 4, 5)
    )
