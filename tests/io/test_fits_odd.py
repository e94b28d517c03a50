"""Odd headers go out as the standard wants them; damaged files come in as errors that say so."""

from __future__ import annotations

import random
import string
import warnings

import numpy as np
import pytest
from astropy.io import fits

import lattice
from lattice.errors import FormatError, LatticeError, LatticeWarning
from lattice.graph.records import Record
from lattice.graph.sections import full
from lattice.io.base import ImageSpec
from lattice.io.registry import by_name, open_stored
from tests.io.standard import check_standard

RNG = np.random.default_rng(3)
FITS = by_name("fits")
LETTERS = string.printable + "éü∑\x00\x7f\x1b"
KNOWN = (
    *("COMMENT", "", "HISTORY", "TFORM1", "TTYPE3", "ZIMAGE", "CRPIX1", "THEAP", "TDIM3", "EXTNAME"),
    *("EXTLEVEL", "DATE", "DATE-OBS", "BSCALE", "LONGSTRN", "CONTINUE", "END", "XTENSION", "GROUPS"),
    *("INHERIT", "BLOCKED", "AUTHOR", "PTYPE1", "PSCAL1", "CHECKSUM", "NAXIS7", "HIERARCH", "EPOCH"),
    *("INSTRUME", "TUNIT1", "TBCOL1", "TDISP1", "TNULL1", "TSCAL1", "TZERO1", "SIMPLE", "ZTILE1"),
    *("PCOUNT", "ORIGIN", "CRVAL2", "EXTVER"),
)
ODD = (True, None, complex(0.5, 1e300), float("nan"), float("-inf"), np.float32(3.3), np.int16(4))


def text(rnd: random.Random, length: int) -> str:
    return "".join(rnd.choice(LETTERS) for _ in range(length))


def keyword(rnd: random.Random) -> str:
    kind = rnd.random()
    if kind < 0.3:
        letters = string.ascii_uppercase + string.digits + "-_"
        return "".join(rnd.choice(letters) for _ in range(rnd.randint(1, 8)))
    return rnd.choice(KNOWN) if kind < 0.6 else text(rnd, rnd.randint(1, 60))


def value(rnd: random.Random) -> object:
    kinds = (
        lambda: rnd.randint(-(10 ** rnd.randint(1, 30)), 10**20),
        lambda: rnd.uniform(-1, 1) * 10.0 ** rnd.randint(-300, 300),
        lambda: rnd.choice(ODD),
        lambda: text(rnd, rnd.choice([0, 1, 5, 66, 67, 68, 69, 70, 71, 200, 1000])),
        lambda: "'" * rnd.randint(0, 200),
        lambda: " " * rnd.randint(0, 100),
        lambda: "&" * rnd.randint(0, 100),
        lambda: rnd.choice(["a & ", "it''s&", "2020-01-01", "2020-13-01"]),
    )  # fmt: skip
    return rnd.choice(kinds)()


@pytest.mark.parametrize("seed", range(30))
def test_odd_headers_follow_the_standard(tmp_path, seed):
    rnd = random.Random(seed)
    meta = tuple(
        (keyword(rnd), value(rnd), text(rnd, rnd.choice([0, 3, 40, 90]))) for _ in range(rnd.randint(1, 20))
    )
    history = tuple(text(rnd, rnd.choice([0, 10, 72, 73, 300])) for _ in range(3))
    values = np.zeros((3, 4), "f4")
    unit = rnd.choice(["Jy", "é\n", "m" * 90, ""])
    spec = ImageSpec((3, 4), ("y", "x"), values.dtype, unit=unit, meta=meta, history=history)
    options = rnd.choice([{}, {"compress": True}, {"style": "casa"}, {"bitpix": 16}])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)
        with FITS.create(str(tmp_path / "a.fits"), spec, **options) as out:
            out.writer.write(full((3, 4)), values.copy(), None)
    check_standard(tmp_path / "a.fits", may_warn=True)
    stored = open_stored(str(tmp_path / "a.fits"))
    np.testing.assert_array_equal(stored.reader.read(full((3, 4))), values)
    # What was read once is the same when it is written and read again.
    again = ImageSpec((3, 4), ("y", "x"), values.dtype, meta=stored.meta, history=stored.history)
    with FITS.create(str(tmp_path / "b.fits"), again) as out:
        out.writer.write(full((3, 4)), values.copy(), None)
    first, second = ({k: v for k, v, _ in s.meta} for s in (stored, open_stored(str(tmp_path / "b.fits"))))
    assert first == second


def test_what_is_left_out_is_told(tmp_path):
    cards = [
        ("DATE-OBS", "yesterday", "DATE-OBS"),
        ("EPOCH", "old", "EPOCH"),
        ("TWICE", 2, "TWICE"),
        ("K\u00c9Y", 2, "cannot be written"),
    ]
    for key, content, message in cards:
        meta = [("TWICE", 1, ""), (key, content, "")]
        spec = ImageSpec((3, 4), ("y", "x"), np.dtype("f4"), meta=tuple(meta))
        with pytest.warns(LatticeWarning, match=message):
            FITS.create(str(tmp_path / "a.fits"), spec).abort()


def test_very_many_cards(tmp_path):
    meta = tuple((f"K{i}", i, "") for i in range(20000))
    back = lattice.Image(np.zeros((3, 4), "f4"), meta=meta).save(tmp_path / "a.fits")
    check_standard(tmp_path / "a.fits")
    assert len(back.meta) == 20000
    assert back.meta["K19999"] == 19999


def test_masks_and_records_that_are_lost_are_named(tmp_path):
    values = np.arange(12.0).reshape(3, 4)
    image = lattice.Image(values, masks={"first": values > 3, "second": values > 5})
    with pytest.warns(LatticeWarning, match="the masks first, second"):
        image.save(tmp_path / "a.fits")
    with pytest.raises(FormatError, match="the masks first, second"):
        image.save(tmp_path / "b.fits.fz", strict=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        image.save(tmp_path / "b.fits.fz", strict=True, mask="extension")
    nested = lattice.Image(values, meta=[("deep", Record({"a": 1}), ""), ("FLAT", 1, "")])
    for options in ({}, {"style": "casa"}, {"compress": True}):
        with pytest.warns(LatticeWarning, match="the header entry DEEP"):
            nested.save(tmp_path / "c.fits", overwrite=True, **options)
        assert fits.getval(tmp_path / "c.fits", "FLAT", 1 if "compress" in options else 0) == 1


@pytest.mark.parametrize(
    "options", [{}, {"compress": True, "quantize": 8}, {"mask": "extension"}, {"bitpix": 16}]
)
def test_damaged_files(tmp_path, options):
    values = RNG.normal(size=(3, 40, 50)).astype("f4")
    image = lattice.Image(
        values, mask=values > -1, unit="Jy", meta=[("OBJECT", "M 13", ""), ("NOTE", "x" * 200, "")]
    )
    image.save(tmp_path / "a.fits", **options)
    good = (tmp_path / "a.fits").read_bytes()
    refused = []
    for trial in range(200):
        bad = bytearray(good)
        # Half of the bytes in the first header, where most harm is done.
        at = int(RNG.integers(0, min(len(bad), 5760 if trial % 2 else len(bad))))
        bad[at] = int(RNG.integers(256))
        (tmp_path / "b.fits").write_bytes(bad)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = lattice.open(str(tmp_path / "b.fits"))
                if found.size < 1e7:
                    found.to_masked_array()
            except LatticeError as exc:
                refused.append(exc)
    assert len(refused) > 5
    assert all(exc.message for exc in refused)
    whole = lattice.open(str(tmp_path / "a.fits")).to_masked_array().filled(0)
    for tenth in range(10):
        (tmp_path / "b.fits").write_bytes(good[: len(good) * tenth // 10])
        try:
            found = lattice.open(str(tmp_path / "b.fits")).to_masked_array().filled(0)
        except LatticeError:
            continue
        assert tenth == 9  # what is gone is padding
        np.testing.assert_array_equal(found, whole)
