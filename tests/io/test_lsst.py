"""Masked images of lsst.images: written with astropy by its layout and read here, and the other way round."""

from __future__ import annotations

import concurrent.futures
import json
import pickle
import warnings

import numpy as np
import pytest
from astropy.io import fits

import lattice
from lattice.errors import FormatError, LatticeError, LatticeTypeError, LatticeWarning, ShapeMismatchError
from lattice.graph.protocols import Reader
from lattice.graph.sections import full, grid
from lattice.io.base import ImageSpec
from lattice.io.files import counting
from lattice.io.registry import by_name, for_reading, open_stored

LSST = by_name("lsst")
RNG = np.random.default_rng(4)
SKY = {
    "CTYPE1": "RA---TAN",
    "CTYPE2": "DEC--TAN",
    "CRPIX1": 20.5,
    "CRPIX2": 10.0,
    "CRVAL1": 53.1,
    "CRVAL2": -27.8,
    "CDELT1": -5e-5,
    "CDELT2": 5e-5,
    "CUNIT1": "deg",
    "CUNIT2": "deg",
    "RADESYS": "ICRS",
}
PLANES = {"BAD": "Bad pixel in the instrument.", "SATURATED": "Too bright.", "DETECTED": "Part of a source."}


def masked_image(path, image, flags, variance, planes, compress=True, origin=(0, 0), **primary):
    """A file as lsst.images writes it, made by astropy; `flags` by plane."""
    make = fits.CompImageHDU if compress else fits.ImageHDU
    options = {"compression_type": "GZIP_2", "quantize_level": 0.0} if compress else {}
    hdus = [fits.PrimaryHDU()]
    hdus[0].header.update(
        {"FMTVER": 1, "INDXADDR": 0, "INDXSIZE": 0, "JSONADDR": 0, "JSONSIZE": 0, **primary}
    )
    hdus[0].header["DATAMODL"] = "https://images.lsst.io/schemas/masked_image-1.0.0"
    numbers = [np.zeros(image.shape, np.int32) for _ in range(-(-len(planes) // 31))]
    cards = [{} for _ in numbers]
    for i, (name, text) in enumerate(planes.items()):
        unit, bit = divmod(i, 31)
        numbers[unit] |= flags[name].astype(np.int32) << bit
        cards[unit] |= {f"MSKN{bit:04}": name, f"MSKM{bit:04}": 1 << bit, f"MSKD{bit:04}": text}
    units = [("IMAGE", image, {"BUNIT": "nJy"})]
    units += [
        ("MASK", n, c | ({"EXTVER": i + 1} if i else {}))
        for i, (n, c) in enumerate(zip(numbers, cards, strict=True))
    ]
    units += [("VARIANCE", variance, {"BUNIT": "nJy2"})]
    for name, data, header in units:
        hdu = make(data, name=name, **options)
        hdu.header.update(header | SKY)
        for i, start in ((1, origin[1]), (2, origin[0])):
            hdu.header.update(
                {f"CTYPE{i}A": "LINEAR", f"CRPIX{i}A": 1.0, f"CRVAL{i}A": start, f"CUNIT{i}A": "PIXEL"}
            )
        hdus.append(hdu)
    stamp = {"schema_version": "1.0.0", "min_read_version": 1}
    tree = stamp | {"metadata": {"visit": 42, "band": "r"}, "image": stamp | {"yx0": list(origin)}}
    data = json.dumps(tree).encode()
    table = fits.BinTableHDU.from_columns([fits.Column("JSON", "PB")], nrows=1, name="JSON")
    table.data[0]["JSON"] = np.frombuffer(data, np.uint8)
    fits.HDUList([*hdus, table]).writeto(path)
    return str(path)


@pytest.fixture
def parts():
    shape = (21, 40)
    image = RNG.standard_normal(shape).astype("f4")
    return image, {name: RNG.random(shape) > 0.8 for name in PLANES}, RNG.random(shape).astype("f4")


@pytest.mark.parametrize("compress", [False, True])
def test_planes_variance_and_coordinates_are_read(tmp_path, parts, compress):
    image, flags, variance = parts
    path = masked_image(tmp_path / "a.fits", image, flags, variance, PLANES, compress, (100, 200), FILTER="r")
    assert for_reading(path) is LSST
    ours = lattice.open(path)
    assert ours.unit == "nJy"
    assert ours.dims == ("y", "x")
    assert ours.default_mask == "good"
    np.testing.assert_array_equal(ours.mask.compute(), ~(flags["BAD"] | flags["SATURATED"]))
    for name in PLANES:
        np.testing.assert_array_equal(ours.masks[name].values, ~flags[name])
    np.testing.assert_array_equal(lattice.open(path, mask=None).values, image)
    np.testing.assert_array_equal(lattice.open(path, part="variance", mask=None).values, variance)
    assert lattice.open(f"{path}[VARIANCE]").unit == "nJy2"
    stored = sum(flags[name].astype(int) << i for i, name in enumerate(PLANES))
    np.testing.assert_array_equal(lattice.open(path, part="mask", mask=None).values, stored)
    np.testing.assert_array_equal(lattice.open(path, hdu=1, mask=None).values, image)
    chosen = lattice.open(path, bad=["DETECTED"])
    np.testing.assert_array_equal(chosen.mask.compute(), ~flags["DETECTED"])
    meta = dict(ours.meta)
    assert (meta["FILTER"], meta["VISIT"], meta["BAND"]) == ("r", 42, "r")
    assert meta["MASK_PLANES"]["BAD"] == PLANES["BAD"]
    cards = {key: value for key, value, _ in ours.coords.to_cards(image.shape)}
    assert (cards["CRPIX1"], cards["CRPIX2"]) == (20.5, 10.0)
    assert [axis.offset for axis in ours.coords.axes] == [100, 200]


def test_sections_are_read_by_threads(tmp_path, parts):
    image, flags, variance = parts
    path = masked_image(tmp_path / "a.fits", image, flags, variance, PLANES, False)
    stored = open_stored(path)
    good = ~(flags["BAD"] | flags["SATURATED"])
    assert isinstance(stored.masks["good"], Reader)
    mask = pickle.loads(pickle.dumps(stored.masks["good"]))
    section = (slice(3, 20, 4), slice(5, 39, 3))
    with counting() as count:
        np.testing.assert_array_equal(mask.read(section), good[section])
    assert count.bytes == mask.bytes_read(section)
    sections = grid(image.shape, (5, 7))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for s, got in zip(sections, pool.map(mask.read, sections), strict=True):
            np.testing.assert_array_equal(got, good[s])


def test_more_planes_than_a_number_holds(tmp_path, parts):
    image, _, variance = parts
    planes = {f"PLANE{i}": f"number {i}" for i in range(40)} | {"NO_DATA": "nothing"}
    flags = {name: RNG.random(image.shape) > 0.9 for name in planes}
    first = lattice.open(masked_image(tmp_path / "a.fits", image, flags, variance, planes))
    again = first.save(tmp_path / "b.fits", format="lsst", variance=variance)
    for ours in (first, again):
        assert ours.default_mask == "good"
        np.testing.assert_array_equal(ours.mask.compute(), ~flags["NO_DATA"])
        for name in planes:
            np.testing.assert_array_equal(ours.masks[name].values, ~flags[name])
    assert dict(again.meta)["MASK_PLANES"]["PLANE35"] == "number 35"


def test_files_of_afw_are_read(tmp_path, parts):
    image, flags, variance = parts
    numbers = flags["BAD"].astype("i4") | flags["SATURATED"].astype("i4") << 5
    hdus = [fits.PrimaryHDU(), fits.ImageHDU(image), fits.ImageHDU(numbers), fits.ImageHDU(variance)]
    hdus[0].header.update({"AR_HDU": 5, "PSF_ID": 3, "FILTER": "i"})
    hdus[1].header.update({"LTV1": -200, "LTV2": -100, **SKY})
    hdus[2].header.update({"MP_BAD": 0, "MP_SAT": 5})
    fits.HDUList(hdus).writeto(tmp_path / "a.fits")
    ours = lattice.open(tmp_path / "a.fits")
    assert set(ours.masks) == {"BAD", "SATURATED", "good"}
    np.testing.assert_array_equal(ours.mask.compute(), ~(flags["BAD"] | flags["SATURATED"]))
    assert dict(ours.meta) == {"FILTER": "i"}
    assert [axis.offset for axis in ours.coords.axes] == [100, 200]
    np.testing.assert_array_equal(
        lattice.open(tmp_path / "a.fits", part="variance", mask=None).values, variance
    )


def test_what_is_saved_has_the_layout(tmp_path, parts):
    image, flags, variance = parts
    first = lattice.open(
        masked_image(tmp_path / "a.fits", image, flags, variance, PLANES, origin=(100, 200), VISIT=7)
    )
    again = first.save(tmp_path / "b.fits", format="lsst", strict=True, variance=tmp_path / "a.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(tmp_path / "b.fits") as hdus:
            hdus.verify("exception")
            assert [h.name for h in hdus] == ["PRIMARY", "IMAGE", "MASK", "VARIANCE", "JSON", "INDEX"]
            primary = hdus[0].header
            assert primary["FMTVER"] == 1
            assert primary["VISIT"] == 7
            index = hdus["INDEX"].data
            assert [str(name) for name in index["EXTNAME"]] == ["", "IMAGE", "MASK", "VARIANCE", "JSON"]
            for row, hdu in zip(index, hdus[:-1], strict=True):
                info = hdu.fileinfo()
                assert (row["HDRADDR"], row["DATADDR"], row["DATSIZE"]) == (
                    info["hdrLoc"],
                    info["datLoc"],
                    info["datSpan"],
                )
            assert primary["JSONADDR"] + primary["JSONSIZE"] == primary["INDXADDR"]
            assert primary["INDXADDR"] == hdus["INDEX"].fileinfo()["hdrLoc"]
            assert primary["INDXADDR"] + primary["INDXSIZE"] == (tmp_path / "b.fits").stat().st_size
            np.testing.assert_array_equal(hdus["IMAGE"].data, image)
            np.testing.assert_array_equal(hdus["VARIANCE"].data, variance)
            assert (hdus["IMAGE"].header["BUNIT"], hdus["VARIANCE"].header["BUNIT"]) == ("nJy", "nJy2")
            assert (hdus["IMAGE"].header["CRVAL1A"], hdus["IMAGE"].header["CRVAL2A"]) == (200, 100)
            assert hdus["MASK"].header["CRPIX1"] == 20.5
            header = hdus["MASK"].header
            for name in PLANES:
                n = next(i for i in range(31) if header.get(f"MSKN{i:04}") == name)
                assert header[f"MSKM{n:04}"] == 1 << n
                assert header[f"MSKD{n:04}"] == PLANES[name]
                np.testing.assert_array_equal(hdus["MASK"].data & 1 << n != 0, flags[name])
            tree = json.loads(bytes(hdus["JSON"].data["JSON"][0]))
    assert tree["image"]["yx0"] == [100, 200]
    assert tree["image"]["data"]["unit"] == "nJy"
    assert tree["variance"]["data"]["unit"] == "nJy**2"
    assert tree["mask"]["data"][0]["source"] == "fits:MASK"
    assert {p["name"] for p in tree["mask"]["planes"]} == {*PLANES, "NOT_GOOD"}
    np.testing.assert_array_equal(again.mask.compute(), first.mask.compute())
    assert set(again.masks) == {*PLANES, "good"}
    assert again.coords.compare(first.coords, 1e-9, image.shape) is None
    assert [axis.offset for axis in again.coords.axes] == [100, 200]


def test_masks_history_beam_and_sections(tmp_path):
    values = RNG.standard_normal((30, 50))
    mask, other = RNG.random(values.shape) > 0.3, RNG.random(values.shape) > 0.6
    spec = ImageSpec(
        values.shape,
        ("y", "x"),
        values.dtype,
        unit="Jy/beam",
        masked=True,
        mask_names=("other",),
        meta=(("OBJECT", "M13", "what"), ("GAIN", 2.5, ""), ("GOOD", True, "")),
        history=("first", "second"),
        beams=((0.05, 0.03, 20.0),),
    )
    with LSST.create(str(tmp_path / "a.fits"), spec) as out:
        writer, more = pickle.loads(pickle.dumps((out.writer, out.mask_writers["other"])))

        def put(section):
            writer.write(section, values[section].copy(), mask[section])
            more.write(section, other[section], None)

        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(put, grid(values.shape, (7, 9))))
    stored = open_stored(str(tmp_path / "a.fits"))
    assert (stored.unit, stored.default_mask, stored.history) == ("Jy/beam", "mask0", ("first", "second"))
    np.testing.assert_array_equal(stored.reader.read(full(values.shape)), values)
    np.testing.assert_array_equal(stored.masks["mask0"].read(full(values.shape)), mask)
    np.testing.assert_array_equal(stored.masks["other"].read(full(values.shape)), other)
    assert stored.beams == spec.beams
    assert {c[:2] for c in spec.meta} <= {c[:2] for c in stored.meta}
    assert open_stored(str(tmp_path / "a.fits"), part="variance").reader.read(full(values.shape)).max() == 1


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(FormatError, match="two axes"):
        lattice.Image(np.zeros((2, 3, 4), "f4")).save(tmp_path / "a.fits", format="lsst")
    with pytest.raises(LatticeTypeError, match="bool"):
        lattice.Image(np.zeros((3, 4), bool)).save(tmp_path / "a.fits", format="lsst")
    image = lattice.Image(np.zeros((3, 4), "f4"))
    with pytest.raises(ShapeMismatchError, match="variance"):
        image.save(tmp_path / "a.fits", format="lsst", variance=np.ones((4, 3)))
    with pytest.raises(LatticeError, match="no option"):
        image.save(tmp_path / "a.fits", format="lsst", dither=1)
    assert not list(tmp_path.iterdir())
    image.save(tmp_path / "a.fits", format="lsst")
    with pytest.raises(LatticeError, match="exists"):
        image.save(tmp_path / "a.fits", format="lsst")
    groups = lattice.Image(
        np.zeros((3, 4), "f4"), regions={"box": lattice.regions.PixelBox((0, 0), (1, 1), shape=(3, 4))}
    )
    with pytest.warns(LatticeWarning, match="the region box"):
        groups.save(tmp_path / "b.fits", format="lsst")


def test_unknown_planes_and_parts_are_named(tmp_path, parts):
    image, flags, variance = parts
    path = masked_image(tmp_path / "a.fits", image, flags, variance, PLANES)
    with pytest.raises(LatticeError, match="did you mean 'SATURATED'"):
        lattice.open(path, bad=["SATURATE"])
    with pytest.raises(LatticeError, match="no HDU named"):
        lattice.open(path, part="psf")
    with pytest.raises(LatticeError, match="not selected by"):
        lattice.open(path, plane=1)
    with fits.open(path, mode="update") as hdus:
        hdus[0].header["FMTVER"] = 2
    with pytest.raises(FormatError, match="version 2"):
        lattice.open(path)


@pytest.mark.parametrize("compress", [False, True])
def test_cut_and_damaged_files(tmp_path, parts, compress):
    image, flags, variance = parts
    path = masked_image(tmp_path / "a.fits", image, flags, variance, PLANES, compress)
    whole = (tmp_path / "a.fits").read_bytes()

    def pixels():
        stored = open_stored(path)
        values = stored.reader.read(full(stored.reader.shape))
        for mask in stored.masks.values():
            mask.read(full(mask.shape))
        return values

    for tenth in range(10):
        (tmp_path / "a.fits").write_bytes(whole[: len(whole) * tenth // 10])
        try:
            np.testing.assert_array_equal(pixels(), image)
        except LatticeError:
            continue
    outcomes = set()
    for _ in range(200):
        broken = bytearray(whole)
        broken[RNG.integers(len(broken))] = RNG.integers(256)
        (tmp_path / "a.fits").write_bytes(broken)
        try:
            pixels()
            outcomes.add("image")
        except LatticeError:
            outcomes.add("error")
    assert "image" in outcomes
