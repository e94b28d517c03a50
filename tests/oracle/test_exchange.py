"""Random images exchanged with casacore both ways, in CASA's format and in FITS: all parts are the same.

Twenty-five images in the usual run, two hundred with the slow ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lattice
from lattice import Image
from lattice.graph.beams import plane_axes
from lattice.graph.records import Record
from tests.io.casa_records.casacore_images import world_in_pixels
from tests.io.casa_records.systems import Shape, system, without_notes

pytestmark = pytest.mark.oracle
ci = pytest.importorskip("casacore.images")
ct = pytest.importorskip("casacore.tables")

SEEDS = [*range(25), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(25, 200))]
UNITS = ("", "Jy/beam", "K", "Jy", "m/s")


@dataclass
class Made:
    """A random image as casacore stores it."""

    seed: int
    record: dict[str, Any]
    shape: Shape
    values: np.ndarray
    bad: np.ndarray | None
    tile: tuple[int, ...]
    unit: str
    info: dict[str, Any] = field(default_factory=dict)
    misc: dict[str, Any] = field(default_factory=dict)


def random_image(seed: int) -> Made:
    record, shape = system(seed + 1000)
    rng = np.random.default_rng(seed)
    for own in record.values():
        if isinstance(own, dict):
            own.pop("conversion", None)
    dtype = np.dtype(str(rng.choice(["f4", "f8", "c8", "c16"])))
    quality = next((key[-1] for key in record if key.startswith("quality")), None)
    if quality is not None and len(record[f"pixelmap{quality}"]) == len(shape):
        return random_image(seed + 1000)  # python-casacore cannot show a system of a quality axis alone
    values = rng.normal(size=shape)
    values = (values + 1j * rng.normal(size=shape) if dtype.kind == "c" else values).astype(dtype)
    bad = rng.random(shape) < 0.3 if rng.random() < 0.5 else None
    tile = tuple(int(rng.integers(1, n + 1)) for n in shape) if rng.random() < 0.7 else ()
    made = Made(seed, record, shape, values, bad, tile, str(rng.choice(UNITS)))
    made.info = random_info(rng, record, shape)
    if rng.random() < 0.6:
        made.misc = {
            "number": int(rng.integers(-99, 99)), "real": float(rng.normal()),
            "flag": bool(rng.random() < 0.5),
            "text": "a text longer than eight", "list": rng.normal(size=3), "grid": rng.normal(size=(2, 3)),
            "words": ["a", "", "long word"], "inner": {"x": 1.5, "none": {}, "deep": {"y": np.arange(4)}},
        }  # fmt: skip
    return made


def random_info(rng: np.random.Generator, record: dict[str, Any], shape: Shape) -> dict[str, Any]:
    """Return a random ``imageinfo``: no beam, one, or one per plane."""
    info: dict[str, Any] = {"imagetype": str(rng.choice(["Intensity", "Velocity", "Spectral Index"]))}
    info["objectname"] = str(rng.choice(["", "M 31"]))
    lengths = {}
    for kind in ("spectral", "stokes"):
        key = next((k for k in record if k.startswith(kind)), None)
        place = int(record[f"pixelmap{key[-1]}"][0]) if key is not None else -1
        lengths[kind] = shape[len(shape) - 1 - place] if place >= 0 else 1

    def beam() -> dict[str, Any]:
        major = float(rng.uniform(2, 9))
        return {
            "major": {"value": major, "unit": "arcsec"},
            "minor": {"value": major / 2, "unit": "arcsec"},
            "positionangle": {"value": float(rng.uniform(-90, 90)), "unit": "deg"},
        }  # fmt: skip

    choice = rng.integers(0, 3)
    if choice == 1:
        return {"restoringbeam": beam()} | info
    if choice == 2:
        count = lengths["spectral"] * lengths["stokes"]
        table = {"nChannels": np.uint32(lengths["spectral"]), "nStokes": np.uint32(lengths["stokes"])}
        return info | {"perplanebeams": table | {f"*{k}": beam() for k in range(count)}}
    return info


def written_by_casacore(made: Made, folder: Path) -> str:
    """Write an image by casacore, and let it copy what it read."""
    first, path = str(folder / "first.image"), str(folder / "theirs.image")
    values = made.values if made.bad is None else np.ma.masked_array(made.values, made.bad)
    image = ci.image(first, values=values, tileshape=made.tile, maskname="" if made.bad is None else "mask0")
    del image
    with ct.table(first, readonly=False, ack=False) as table:
        table.putkeyword("coords", made.record)
        table.putkeyword("imageinfo", made.info)
        table.putkeyword("miscinfo", made.misc)
        if made.unit:
            table.putkeyword("units", made.unit)
    image = ci.image(first)
    image.saveas(path)
    del image
    return path


def seen_by_casacore(path: str) -> dict[str, Any]:
    """Return all that casacore sees in an image."""
    image = ci.image(path)
    return {
        "values": image.getdata(), "bad": image.getmask(), "unit": image.unit(), "misc": image.miscinfo(),
        "info": image.imageinfo(), "coords": without_notes(image.coordinates().dict()),
        "history": image.history(),
    }  # fmt: skip


def assert_same(a: Any, b: Any, where: str = "") -> None:
    """Compare what casacore sees in two images: numbers to rounding."""
    if isinstance(a, dict):
        assert isinstance(b, dict), where
        assert set(a) == set(b), where
        for key in a:
            assert_same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, np.ndarray) and a.dtype.kind in "fc":
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-300, err_msg=where)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=1e-12, abs=1e-300), where
    else:
        np.testing.assert_array_equal(a, b, err_msg=where)


def check_positions(coords: Any, path: str, shape: Shape, seed: int, tolerance: float = 1e-6) -> None:
    """Compare world values of casacore in an image with those of coordinates of ours."""
    image = ci.image(path)
    record = without_notes(image.coordinates().dict())
    rng = np.random.default_rng(seed)
    for _ in range(3):
        pixel = np.array([float(rng.integers(0, n)) for n in shape])
        world = np.array(image.toworld(pixel.tolist()))
        for axis, off in world_in_pixels(record, coords, shape, pixel, world).items():
            assert off < tolerance, (axis, pixel, world)


def check_pixels(image: Image, values: np.ndarray, bad: np.ndarray | None) -> None:
    found = image.to_masked_array()
    mask = np.zeros(values.shape, bool) if bad is None else bad
    np.testing.assert_array_equal(np.ma.getmaskarray(found), mask)
    assert found.dtype == values.dtype
    np.testing.assert_array_equal(found.data[~mask], values[~mask])


def check_beams(image: Image, info: dict[str, Any], tolerance: float = 1e-12) -> None:
    """Compare beams with those of casacore's record, plane by plane."""
    if "perplanebeams" not in info:
        wanted = [info["restoringbeam"]] if "restoringbeam" in info else []
    else:
        planes = info["perplanebeams"]
        channels, polarizations = (max(1, int(planes[k])) for k in ("nChannels", "nStokes"))
        axes = plane_axes(image.node.attrs, len(image.beams)) or ()
        kinds, lengths = [image.coords.kinds[a] for a in axes], [image.shape[a] for a in axes]
        if len(image.beams) > 1:
            places = np.indices(lengths).reshape(len(lengths), -1)
            channel, stokes = (
                places[kinds.index(k)] if k in kinds and n > 1 else np.zeros(places.shape[1], int)
                for k, n in (("spectral", channels), ("stokes", polarizations))
            )
            wanted = [planes[f"*{k}"] for k in channel + channels * stokes]
        else:
            wanted = [planes["*0"]]
    keys = (("major", 3600), ("minor", 3600), ("positionangle", 1))
    values = [[beam[key]["value"] / factor for key, factor in keys] for beam in wanted]
    np.testing.assert_allclose(np.reshape(image.beams, (-1, 3)), np.reshape(values, (-1, 3)), rtol=tolerance)


@pytest.mark.parametrize("seed", SEEDS)
def test_casa_images(seed: int, tmp_path: Path) -> None:
    made = random_image(seed)
    path = written_by_casacore(made, tmp_path)
    theirs = seen_by_casacore(path)
    image = lattice.open(path)
    # what casacore wrote, read here
    check_pixels(image, made.values, made.bad)
    assert image.unit == made.unit
    assert_same(plain(image.coords.native), theirs["coords"])
    check_positions(image.coords, path, made.shape, seed)
    check_beams(image, theirs["info"])
    cards = {key: value for key, value, _ in image.node.attrs.meta}
    assert cards["BTYPE"] == theirs["info"]["imagetype"]
    assert cards.get("OBJECT", "") == theirs["info"]["objectname"]
    for key, value in theirs["misc"].items():
        kept = cards[key]
        assert_same(value, kept.array if hasattr(kept, "array") else plain(kept), key)
    # and written here again
    image.save(tmp_path / "ours.image", **({"tile": made.tile} if made.tile else {}))
    ours = seen_by_casacore(str(tmp_path / "ours.image"))
    for side in (theirs, ours):
        good = ~side["bad"]
        side["values"] = np.where(good, side["values"], 0)
    assert len(ours.pop("history")) >= len(theirs.pop("history"))
    assert_same(ours, theirs)
    # and written from what the cards say
    bare = replace(image.coords, _native=None)
    again = Image(made.values, wcs=bare, mask=None if made.bad is None else ~made.bad, unit=made.unit)
    again.save(tmp_path / "cards.image")
    check_positions(bare, str(tmp_path / "cards.image"), made.shape, seed)


def plain(value: Any) -> Any:
    if isinstance(value, Record):
        return {key: plain(part) for key, part in value.items()}
    return value.array if hasattr(value, "array") else value


# -- FITS ------------------------------------------------------------------------------------------

FRAMES = ("J2000", "ICRS", "B1950", "B1950_VLA", "GALACTIC", "SUPERGAL", "ECLIPTIC")
FITS_STOKES = (("I",), ("I", "Q", "U", "V"), ("RR", "LL", "RL", "LR"), ("V", "Q"), ("XX", "YY"))


def fits_image(seed: int) -> Made:
    """Return a random image that FITS can hold, with what casacore takes to FITS and back.

    That is no tables, frames that FITS has, no removed axes, polarizations in the order of FITS, and metadata
    without matrices and records.
    """
    rng = np.random.default_rng(seed)
    for attempt in range(1000):
        made = random_image(seed + 10_000 * attempt)
        maps = np.concatenate([v for k, v in made.record.items() if k.startswith("pixelmap")])
        kinds = {key.rstrip("0123456789") for key in made.record}
        if (maps >= 0).all() and "quality" not in kinds:
            break
    made.values = made.values.real.astype("f4")
    made.misc = {"number": 3, "real": 1.5, "text": "short"} if made.misc else {}
    for key, own in made.record.items():
        kind = key.rstrip("0123456789")
        if kind == "direction":
            own["system"] = own["conversionSystem"] = str(rng.choice(FRAMES))
            if own["projection"] in ("GLS", "ZPN"):
                own["projection"], own["projection_parameters"] = "ARC", np.zeros(0)
        elif kind == "spectral" and "tabular" in own:
            table, unit = own.pop("tabular"), {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}[own["unit"]]
            own["wcs"] = {"crval": table["crval"][0] / unit, "crpix": 0.0, "cdelt": table["cdelt"][0] / unit}
            own["wcs"] |= {"pc": 1.0, "ctype": "FREQ"}
        elif kind == "stokes":
            known = [names for names in FITS_STOKES if len(names) == len(own["stokes"])]
            own["stokes"] = list(known[0] if known else [*"IQUV"][: len(own["stokes"])])
        elif kind == "tabular":
            own["pixelvalues"] = own["worldvalues"] = np.zeros(0)
        elif kind == "linear":
            # casacore makes longitudes in plate carree of axes with shorter names
            own["units"], own["axes"] = (
                some[: len(own["axes"])] for some in (["m", "s"], ["Baseline", "Altitude"])
            )
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_fits_images(seed: int, tmp_path: Path) -> None:
    made = fits_image(seed)
    path = written_by_casacore(made, tmp_path)
    image = lattice.open(path)
    # ours, read by casacore
    image.save(tmp_path / "ours.fits")
    theirs = seen_by_casacore(str(tmp_path / "ours.fits"))
    bad = np.zeros(made.shape, bool) if made.bad is None else made.bad
    np.testing.assert_array_equal(theirs["bad"], bad)
    np.testing.assert_array_equal(theirs["values"][~bad], made.values[~bad])
    assert theirs["unit"] == made.unit
    check_positions(image.coords, str(tmp_path / "ours.fits"), made.shape, seed)
    check_beams(image, theirs["info"], 1e-6)  # single precision in tables of beams
    assert theirs["info"]["objectname"] == made.info["objectname"]
    assert theirs["info"]["imagetype"] == made.info["imagetype"]
    for key, value in made.misc.items():
        assert theirs["misc"][key] == value
    # casacore's, read here
    ci.image(path).tofits(str(tmp_path / "theirs.fits"), velocity=False)
    again = lattice.open(tmp_path / "theirs.fits")
    check_pixels(again, made.values, made.bad)
    assert again.unit == made.unit
    check_positions(again.coords, path, made.shape, seed, 1e-3)
    check_positions(again.coords, str(tmp_path / "theirs.fits"), made.shape, seed)
