"""Miriad images: against files made by the letter of its documentation, and against casacore's reader."""

from __future__ import annotations

import concurrent.futures
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import FormatError, LatticeError, LatticeTypeError, LatticeWarning
from lattice.graph.protocols import Reader, Writer
from lattice.graph.sections import full, grid
from lattice.io.base import ImageSpec
from lattice.io.files import counting
from lattice.io.registry import by_name, for_reading, open_stored

MIRIAD = by_name("miriad")
RNG = np.random.default_rng(8)


def item(value):
    """An item as Miriad's own routines write it: type, alignment, big-endian value."""
    if isinstance(value, str):
        return b"\0\0\0\1" + value.encode()
    if isinstance(value, int):
        return b"\0\0\0\2" + struct.pack(">i", value)
    if isinstance(value, np.float32):
        return b"\0\0\0\4" + struct.pack(">f", value)
    return b"\0\0\0\5" + bytes(4) + struct.pack(">d", value)


def miriad_file(path, values, mask=None, history="", small=False, **items):
    """A data set; words of the mask are made bit by bit."""
    os.mkdir(path)
    entries = {"naxis": item(values.ndim)}
    entries |= {f"naxis{i + 1}": item(int(n)) for i, n in enumerate(values.shape[::-1])}
    entries |= {key: item(value) for key, value in items.items()}
    files = {"image": b"\0\0\0\4" + values.astype(">f4").tobytes()}
    if mask is not None:
        words = [0] * -(-mask.size // 31)
        for i, good in enumerate(mask.reshape(-1).tolist()):
            words[i // 31] |= good << (i % 31)
        files["mask"] = b"\0\0\0\2" + struct.pack(f">{len(words)}i", *words)
    if small:
        entries |= files
        files = {}
    if history:
        files["history"] = history.encode()
    data = b""
    for name, content in entries.items():
        assert len(content) <= 64
        data += name.encode().ljust(15, b"\0") + bytes([len(content)]) + content
        data += bytes(-len(data) % 16)
    files["header"] = data
    for name, content in files.items():
        with open(os.path.join(path, name), "wb") as f:
            f.write(content)
    return str(path)


SKY = {
    "ctype1": "RA---SIN",
    "crpix1": 20.0,
    "crval1": 1.4,
    "cdelt1": -1e-4,
    "ctype2": "DEC--SIN",
    "crpix2": 11.0,
    "crval2": -0.6,
    "cdelt2": 1e-4,
}


@st.composite
def cases(draw):
    shape = tuple(draw(st.lists(st.integers(1, 40), min_size=1, max_size=3)))
    section = []
    for n in shape:
        start = draw(st.integers(0, n))
        section.append(slice(start, draw(st.integers(start, n)), draw(st.integers(1, 5))))
    return shape, tuple(section)


@settings(max_examples=150)
@given(cases())
def test_sections_equal_slices_of_the_whole(tmp_path_factory, case):
    shape, section = case
    values = RNG.standard_normal(shape).astype("f4")
    mask = RNG.random(shape) > 0.4
    stored = open_stored(miriad_file(tmp_path_factory.mktemp("m") / "a.mir", values, mask))
    for reader, whole in ((stored.reader, values), (stored.masks["mask0"], mask)):
        assert isinstance(reader, Reader)
        np.testing.assert_array_equal(reader.read(section), whole[section])
        np.testing.assert_array_equal(reader.read(full(shape)), whole)
        with counting() as count:
            reader.read(section)
        assert count.bytes == reader.bytes_read(section)


def test_masks_are_unpacked_in_pieces(tmp_path, monkeypatch):
    monkeypatch.setattr("lattice.io.miriad._UNPACKED", 500)
    mask = RNG.random((3, 50, 70)) > 0.5
    path = miriad_file(tmp_path / "a.mir", np.zeros(mask.shape, "f4"), mask)
    reader = pickle.loads(pickle.dumps(open_stored(path).masks["mask0"]))
    for section in (full(mask.shape), (slice(0, 3, 2), slice(3, 49, 7), slice(5, 70, 3))):
        np.testing.assert_array_equal(reader.read(section), mask[section])
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        sections = grid(mask.shape, (2, 9, 11))
        for section, got in zip(sections, pool.map(reader.read, sections), strict=True):
            np.testing.assert_array_equal(got, mask[section])


def test_a_small_image_is_kept_in_the_header(tmp_path):
    values = RNG.standard_normal((3, 4)).astype("f4")
    mask = RNG.random((3, 4)) > 0.5
    image = lattice.open(miriad_file(tmp_path / "a.mir", values, mask, small=True))
    np.testing.assert_array_equal(image.mask.compute(), mask)
    np.testing.assert_array_equal(lattice.open(tmp_path / "a.mir", mask=None).values, values)


def test_items_become_cards(tmp_path):
    items = SKY | {
        "bunit": "JY/BEAM",
        "bmaj": 2e-4,
        "bmin": 1e-4,
        "bpa": 30.0,
        "restfreq": 1.42,
        "epoch": 2000.0,
        "object": "M13",
        "telescop": "ATCA",
        "obstime": 2451545.25,
        "obsra": 0.5,
        "niters": 500,
        "vobs": 12.5,
        "pbfwhm": np.float32(33.5),
    }
    image = lattice.open(
        miriad_file(
            tmp_path / "a.mir", np.zeros((21, 40), "f4"), history="FITS: read\nCLEAN: done\n", **items
        )
    )
    assert image.unit == "JY/BEAM"
    assert image.history == ("FITS: read", "CLEAN: done")
    assert dict(image.meta)["OBJECT"] == "M13"
    assert dict(image.meta)["NITERS"] == 500
    assert dict(image.meta)["VOBS"] == 12.5
    assert dict(image.meta)["PBFWHM"] == 33.5
    assert dict(image.meta)["DATE-OBS"] == "2000-01-01T18:00:00.000"
    assert dict(image.meta)["OBSRA"] == pytest.approx(np.degrees(0.5))
    np.testing.assert_allclose(image.beams, [(np.degrees(2e-4), np.degrees(1e-4), 30.0)])
    cards = {key: value for key, value, _ in image.coords.to_cards(image.shape)}
    assert cards["CUNIT1"] == "deg"
    assert cards["CRVAL2"] == pytest.approx(np.degrees(-0.6))
    assert cards["RESTFRQ"] == pytest.approx(1.42e9)
    assert cards["EQUINOX"] == 2000
    assert image.dims == ("y", "x")


SPECTRA = {
    "FREQ-LSR": (1.4, 0.001),
    "FREQ": (1.4, -0.001),
    "VELO-LSR": (300.0, 5.0),
    "VELO-OBS": (-20.0, -1.5),
    "FELO-HEL": (3000.0, 20.0),
}


@pytest.mark.oracle
@pytest.mark.parametrize("ctype", SPECTRA)
@pytest.mark.parametrize("projection", ["SIN", "NCP", "TAN"])
def test_casacore_sees_the_same(tmp_path, ctype, projection):
    images = pytest.importorskip("casacore.images")
    crval, cdelt = SPECTRA[ctype]
    items = SKY | {"ctype1": f"RA---{projection}", "ctype2": f"DEC--{projection}", "epoch": 2000.0}
    items |= {"ctype3": ctype, "crpix3": 2.0, "crval3": crval, "cdelt3": cdelt, "restfreq": 1.420405752}
    items |= {"ctype4": "STOKES", "crpix4": 1.0, "crval4": 1.0, "cdelt4": 1.0, "bunit": "Jy/beam"}
    items |= {"bmaj": 2e-4, "bmin": 1e-4, "bpa": 30.0}
    values = RNG.standard_normal((2, 7, 21, 40)).astype("f4")
    path = miriad_file(tmp_path / "a.mir", values, **items)
    theirs = images.image(path)
    ours = lattice.open(path)
    np.testing.assert_array_equal(theirs.getdata(), ours.values)
    assert theirs.unit() == ours.unit
    beam = theirs.imageinfo()["restoringbeam"]
    assert np.degrees(beam["major"]["value"]) == pytest.approx(ours.beams[0][0])
    frame = {"LSR": "LSRK", "HEL": "BARYCENT", "OBS": "TOPOCENT"}.get(ctype[5:], "")
    assert ours.coords.spectral_frame in (frame, frame or None)
    hertz = ours.coords.frequencies(7)
    sky = ours.wcs.celestial
    for pixel in ([0, 0, 0, 0], [1, 6, 20, 39], [0, 3, 4, 30]):
        stokes, frequency, dec, ra = theirs.toworld(pixel)
        assert hertz[pixel[1]] == pytest.approx(frequency, rel=1e-12)
        found = sky.wcs_pix2world([[pixel[3], pixel[2]]], 0)[0]
        np.testing.assert_allclose(found, np.degrees([ra, dec]), atol=1e-9)
        assert stokes == pixel[0] + 1


@pytest.mark.oracle
def test_casacore_opens_what_is_saved(tmp_path):
    images = pytest.importorskip("casacore.images")
    values = RNG.standard_normal((7, 21, 40)).astype("f4")
    items = SKY | {"ctype3": "VELO-LSR", "crpix3": 2.0, "crval3": 300.0, "cdelt3": 5.0, "restfreq": 1.42}
    first = miriad_file(tmp_path / "a.mir", values, **items)
    lattice.open(first).save(tmp_path / "b.mir")
    before, after = images.image(first), images.image(str(tmp_path / "b.mir"))
    np.testing.assert_array_equal(after.getdata(), values)
    for pixel in ([0, 0, 0], [6, 20, 39]):
        np.testing.assert_allclose(after.toworld(pixel), before.toworld(pixel), rtol=1e-14)


def test_what_is_saved_comes_back(tmp_path):
    values = RNG.standard_normal((5, 21, 40)).astype("f4")
    mask = RNG.random(values.shape) > 0.3
    items = SKY | {"ctype3": "FELO-HEL", "crpix3": 2.0, "crval3": 300.0, "cdelt3": 5.0, "restfreq": 1.42}
    items |= {"bunit": "K", "object": "M13", "obstime": 2451545.25, "obsra": 0.5, "bmaj": 2e-4, "bmin": 1e-4}
    first = lattice.open(miriad_file(tmp_path / "a.mir", values, mask, history="one\n", **items))
    again = first.save(tmp_path / "b.mir", strict=True)
    np.testing.assert_array_equal(again.mask.compute(), mask)
    np.testing.assert_array_equal(lattice.open(tmp_path / "b.mir", mask=None).values, values)
    assert again.unit == "K"
    assert again.history[0] == "one"
    assert len(again.history) == 3
    assert dict(again.meta) == dict(first.meta)
    assert again.beams == first.beams
    assert again.coords.compare(first.coords, 1e-9, values.shape) is None
    assert sorted(os.listdir(tmp_path / "b.mir")) == ["header", "history", "image", "mask"]


@pytest.mark.parametrize(
    "cards", [{"PC1_2": 0.1, "PC2_1": -0.1}, {"CROTA2": 20.0}, {"PV2_1": 0.01, "PV2_2": 0.02}]
)
def test_rotations_and_parameters_come_back(tmp_path, cards):
    header = {"CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRPIX1": 5.0, "CRPIX2": 6.0}
    header |= {"CRVAL1": 30.0, "CRVAL2": -40.0, "CDELT1": -0.01, "CDELT2": 0.01, **cards}
    image = lattice.Image(np.zeros((12, 10), "f4"), wcs=header)
    again = image.save(tmp_path / "a.mir", strict=True)
    assert again.coords.compare(image.coords, 1e-6, (12, 10)) is None


def test_losses_are_named(tmp_path):
    image = lattice.Image(np.zeros((2, 3)), meta={"LONGKEYWORD": 1, "GOOD": 2, "ODD": "T"})
    with pytest.warns(LatticeWarning, match=r"beyond single precision, the header entries LONGKEYWORD, ODD"):
        again = image.save(tmp_path / "a.mir")
    assert dict(again.meta) == {"GOOD": 2}
    with pytest.raises(FormatError, match="single precision"):
        image.save(tmp_path / "b.mir", strict=True)
    with pytest.raises(LatticeTypeError, match="complex64"):
        lattice.Image(np.zeros((2, 2), "c8")).save(tmp_path / "c.mir")


def test_sections_are_written_at_once_and_without_a_mask_are_good(tmp_path):
    values = RNG.standard_normal((30, 40)).astype("f4")
    mask = RNG.random(values.shape) > 0.5
    spec = ImageSpec(values.shape, ("y", "x"), values.dtype, masked=True)
    with MIRIAD.create(str(tmp_path / "a.mir"), spec) as out:
        assert isinstance(out.writer, Writer)
        writer = pickle.loads(pickle.dumps(out.writer))

        def put(section):
            writer.write(section, values[section].copy(), None if section[0].start == 0 else mask[section])

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, grid(values.shape, (7, 9))))
    mask[:7] = True
    image = lattice.open(tmp_path / "a.mir")
    np.testing.assert_array_equal(image.mask.compute(), mask)
    np.testing.assert_array_equal(lattice.open(tmp_path / "a.mir", mask=None).values, values)


def test_images_are_replaced_and_other_folders_are_not(tmp_path):
    path = miriad_file(tmp_path / "a.mir", np.zeros((3, 3), "f4"))
    assert for_reading(path) is MIRIAD
    lattice.Image(np.ones((3, 3), "f4")).save(path, overwrite=True)
    np.testing.assert_array_equal(lattice.open(path).values, 1)
    (tmp_path / "b.mir").mkdir()
    (tmp_path / "b.mir" / "header").write_text("my notes")
    with pytest.raises(LatticeError, match="no image"):
        lattice.Image(np.ones((3, 3), "f4")).save(tmp_path / "b.mir", overwrite=True)
    assert (tmp_path / "b.mir" / "header").read_text() == "my notes"


@pytest.mark.parametrize("name", ["header", "image", "mask"])
def test_cut_items_are_found_out(tmp_path, name):
    values = RNG.standard_normal((20, 30)).astype("f4")
    path = miriad_file(tmp_path / "a.mir", values, values > 0, **SKY)
    whole = (tmp_path / "a.mir" / name).read_bytes()
    for tenth in range(10):
        (tmp_path / "a.mir" / name).write_bytes(whole[: len(whole) * tenth // 10])
        try:
            got = lattice.open(path, mask=None).values
        except LatticeError:
            continue
        assert name == "header"  # cut between items, what is left describes the same pixels
        np.testing.assert_array_equal(got, values)


def test_damaged_headers_are_errors_or_images(tmp_path):
    values = RNG.standard_normal((20, 30)).astype("f4")
    path = miriad_file(tmp_path / "a.mir", values, values > 0, restfreq=1.4, obstime=2451545.0, **SKY)
    header = tmp_path / "a.mir" / "header"
    whole = header.read_bytes()
    outcomes = set()
    for _ in range(400):
        broken = bytearray(whole)
        broken[RNG.integers(len(broken))] = RNG.integers(256)
        header.write_bytes(broken)
        try:
            stored = open_stored(path)
            stored.reader.read(full(stored.reader.shape))
            outcomes.add("image")
        except LatticeError:
            outcomes.add("error")
    assert outcomes == {"image", "error"}


@pytest.mark.parametrize(
    ("ctype", "unit", "crval", "cdelt", "extra"),
    [
        ("VELO-LSR", "m/s", 1e6, 1e4, {}),
        ("VELO-LSR", "m/s", 1e6, 1e4, {"VELREF": 257}),
        ("FELO-HEL", "m/s", 1e6, 1e4, {}),
        ("FREQ-LSR", "Hz", 1.42e9, 1e6, {}),
        ("FREQ-LOG", "MHz", 1420.0, 1.0, {}),
        ("VRAD", "cm/s", 1e8, 1e6, {}),
        ("VOPT", "km.s-1", 1e3, 10.0, {}),
        ("VELO-F2V", "km/s", 1e3, 10.0, {}),
        ("WAVE", "nm", 500.0, 0.1, {}),
        ("AWAV", "Angstrom", 5000.0, 1.0, {}),
        ("ENER", "eV", 2.0, 0.1, {}),
        ("LINEAR", "mm", 3.0, 0.5, {}),
        ("TIME", "s", 3.0, 0.5, {}),
    ],
)
def test_coordinates_of_every_unit_come_back(tmp_path, ctype, unit, crval, cdelt, extra):
    header = {"CTYPE2": ctype, "CUNIT2": unit, "CRVAL2": crval, "CDELT2": cdelt, "CRPIX2": 2.0}
    header |= {"RESTFRQ": 1.42040575e9} | extra
    image = lattice.Image(np.zeros((5, 3), "f4"), wcs=header)
    before = image.coords.to_world(np.arange(5), 0)[0]
    image.save(tmp_path / "a.mir")
    after = lattice.open(tmp_path / "a.mir").coords
    np.testing.assert_allclose(after.to_world(np.arange(5), 0)[0], before, rtol=1e-12)
    assert after.world_units[0] == image.coords.world_units[0]


def test_an_image_cut_along_the_sky_keeps_its_coordinates(tmp_path):
    header = {"CTYPE1": "RA---SIN", "CRVAL1": 150.0, "CDELT1": -0.01, "CRPIX1": 2.0, "CUNIT1": "deg"}
    header |= {"CTYPE2": "DEC--SIN", "CRVAL2": 40.0, "CDELT2": 0.01, "CRPIX2": 2.0, "CUNIT2": "deg"}
    image = lattice.Image(np.zeros((5, 3), "f4"), wcs=header)[:, 2]
    image.save(tmp_path / "a.mir")
    back = lattice.open(tmp_path / "a.mir").coords
    assert back.kinds == ("latitude",)
    np.testing.assert_allclose(back.to_world(np.arange(5))[0], image.coords.to_world(np.arange(5))[0])
