"""Keeps HDF5 images of casacore, and what casacore sees in them.

``FOLDER/python make_hdf5_images.py`` with a folder that casacore_with_hdf5.sh made (casacore 3.5.0, HDF5
1.10.8) writes hdf5_NAME.h5.gz and, for all of them, hdf5_images.json.gz.  Masks, regions and their new names
come from the program hdf5_images in that folder, everything else from python-casacore.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).absolute().parent
sys.path.insert(0, str(HERE.parents[1]))

Record = dict[str, Any]


def direction(system: str, projection: str, turn: float = 0.0) -> Record:
    """Sky coordinates."""
    pc = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    return {
        "system": system, "projection": projection,
        "projection_parameters": np.zeros(2 * (projection == "SIN")),
        "crval": np.array([83.6, -22.0]), "crpix": np.array([2.5, 1.5]), "cdelt": np.array([-0.01, 0.01]),
        "pc": np.array(pc), "axes": ["Right Ascension", "Declination"], "units": ["deg", "deg"],
        "conversionSystem": system, "longpole": 180.0, "latpole": -22.0,
    }  # fmt: skip


def spectral(system: str, frequencies: np.ndarray | None = None) -> Record:
    """Frequencies, of a table or equally spaced."""
    out: Record = {
        "version": 2, "system": system, "restfreq": 1.420405752e9, "restfreqs": np.array([1.420405752e9]),
        "velType": 0, "nativeType": 0, "velUnit": "km/s", "waveUnit": "mm", "formatUnit": "",
        "unit": "Hz", "name": "Frequency",
    }  # fmt: skip
    if frequencies is None:
        return out | {"wcs": {"crval": 1.4e9, "crpix": 1.0, "cdelt": 1e6, "pc": 1.0, "ctype": "FREQ"}}
    return out | {"tabular": table(frequencies, "Frequency", "Hz")}


def table(values: np.ndarray, name: str, unit: str) -> Record:
    """A table of world values."""
    return {
        "crval": values[:1], "crpix": np.zeros(1), "cdelt": np.diff(values)[:1], "pc": np.eye(1),
        "axes": [name], "units": [unit], "pixelvalues": np.arange(float(values.size)), "worldvalues": values,
    }  # fmt: skip


def named(kind: str, names: list[str]) -> Record:
    """Stokes parameters or qualities."""
    one = np.ones(1)
    about = {"axes": [kind.capitalize()], "crval": one, "crpix": 0 * one, "cdelt": one, "pc": np.eye(1)}
    return about | {kind: names}


def linear(n: int) -> Record:
    """Some axes, mixed."""
    pc = np.eye(n) + 0.1 * (np.arange(n * n).reshape(n, n) % 3)
    return {
        "crval": np.arange(1.0, n + 1), "crpix": np.full(n, 0.5), "cdelt": np.linspace(0.5, 2, n), "pc": pc,
        "axes": ["u", "v", "w"][:n], "units": ["m", "s", ""][:n],
    }  # fmt: skip


def system(**parts: tuple[Record, list[int]]) -> Record:
    """Coordinates, each with its pixel axes, the fastest being axis 0."""
    record: Record = {
        "telescope": "VLA", "observer": "someone",
        "obsdate": {"type": "epoch", "refer": "UTC", "m0": {"value": 52035.25, "unit": "d"}},
        "pointingcenter": {"value": np.array([1.4, -0.3]), "initial": False},
        "telescopeposition": {
            "type": "position", "refer": "ITRF", "m0": {"value": -1.878, "unit": "rad"},
            "m1": {"value": 0.5917, "unit": "rad"}, "m2": {"value": 6373576.0, "unit": "m"},
        },
    }  # fmt: skip
    for i, (kind, (about, axes)) in enumerate(parts.items()):
        numbers, zeros = np.array(axes, np.int32), np.zeros(len(axes))
        record |= {f"{kind}{i}": about, f"worldmap{i}": numbers, f"worldreplace{i}": zeros}
        record |= {f"pixelmap{i}": numbers, f"pixelreplace{i}": zeros}
    return record


def beam(major: float, minor: float, angle: float) -> Record:
    """A restoring beam."""
    return {
        "major": {"value": major, "unit": "arcsec"},
        "minor": {"value": minor, "unit": "arcsec"},
        "positionangle": {"value": angle, "unit": "deg"},
    }


MISC: Record = {
    "INSTRUME": "WIDAR", "NOTHING": "", "COUNT": 12, "LARGE": 1 << 40, "GAIN": 2.5, "GOOD": True,
    "PHASE": 1 - 2j, "WORDS": ["one", "", "three words"], "BYTES": np.arange(3, dtype="u1"),
    "SHORTS": np.array([[-3, 4]], "i2"), "UNSIGNED": np.array([1 << 31], "u4"),
    "SINGLES": np.array([0.1, 1e30], "f4"), "FLAGS": np.array([True, False]),
    "CUBE": np.arange(6.0).reshape(1, 2, 3), "PAIRS": np.array([1 + 2j], "c8"), "NONE": np.zeros(0, "f4"),
    "DEEP": {"level": 1, "text": "a", "DEEPER": {"level": 2, "list": np.array([1.5, 2.5]), "EMPTY": {}}},
}  # fmt: skip
BEAMS = {
    "nChannels": 3, "nStokes": 2,
    **{f"*{i}": beam(180.0 + i, 108.0 - i, 20.0 * i - 40) for i in range(6)},
}  # fmt: skip
GROUPS: Record = {
    "CALIBRATORS": {
        "NAME": (["3C286", "3C48"], (), ()), "FLUX": ([14.9, 16.5], ["Jy"], ()),
        "PLACE": ([np.array([3.5, 0.5]), np.array([0.4, 0.6])], ["rad", "rad"], ["direction", "J2000"]),
        "SPECTRUM": ([np.array([1.5, 2.5, 4.5]), np.array([0.5])], (), ()),
    },
    "ORIGIN": {"VERSION": ([1.5], (), ()), "CLEAN": ([True], (), ())},
}  # fmt: skip
# By name: type, shape and tile (numpy order), coordinates, unit, imageinfo, and what is done with the file.
IMAGES: dict[str, tuple[str, list[int], list[int], Record, str, Record, list[str]]] = {
    "cube": (
        "f4", [2, 3, 4, 6], [1, 2, 3, 4],
        system(direction=(direction("J2000", "SIN"), [0, 1]), spectral=(spectral("LSRK"), [2]),
               stokes=(named("stokes", ["I", "V"]), [3])),
        "Jy/beam", {"imagetype": "Intensity", "objectname": "M 13", "perplanebeams": BEAMS},
        ["mask first 0", "mask second 3", "default second", "region box a 1 0 0 0 4 2 1 1",
         "region ball b 3 2 1 1 2 1 1 1", "region world c 1 1 0 0 3 2 2 1"],
    ),
    "double": (
        "f8", [5, 7], [5, 7], system(linear=(linear(2), [0, 1])), "K",
        {"imagetype": "Optical Depth", "objectname": "", "restoringbeam": beam(3.5, 2.5, -30.0)},
        ["mask old 1", "mask gone 2", "default old", "rename old new", "remove gone", "region box x 0 0 2 2",
         "region box y 1 1 3 3", "remove x"],
    ),
    "complex": (
        "c8", [3, 2, 5], [2, 2, 2],
        system(direction=(direction("GALACTIC", "TAN", 0.4), [2, 0]),
               tabular=(table(np.array([1.0, 2.5]), "Depth", "m"), [1])),
        "", {"imagetype": "Undefined", "objectname": ""}, ["mask free 4"],
    ),
    "dcomplex": (
        "c16", [9], [4], system(spectral=(spectral("BARY", 1.4e9 + 1e6 * np.arange(9.0) ** 1.5), [0])),
        "Jy", {"imagetype": "Spectral Index", "objectname": "x"}, ["mask mask0 0", "default mask0"],
    ),
    "axes": (
        "f4", [2, 2, 1, 3, 2], [1, 1, 1, 3, 2],
        system(quality=(named("quality", ["DATA", "ERROR"]), [4]),
               stokes=(named("stokes", ["XX", "YY"]), [0]),
               linear=(linear(3), [1, 2, 3])),
        "mJy", {"imagetype": "Intensity", "objectname": ""}, [],
    ),
}  # fmt: skip


def values_of(dtype: str, shape: list[int]) -> np.ndarray:
    """Pixels."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=shape) + (1j * rng.normal(size=shape) if dtype[0] == "c" else 0)
    return values.astype(dtype)


def make(name: str) -> Record:
    """Make an image in this folder; return what casacore sees in it."""
    from casacore.images import image
    from casacore.images.coordinates import coordinatesystem
    from casacore.tables import table as open_table

    from tests.io.casacore_hdf5 import describe

    dtype, shape, tile, record, unit, info, steps = IMAGES[name]
    image(f"{name}.im", values=values_of(dtype, shape), coordsys=coordinatesystem(record))
    with open_table(f"{name}.im", readonly=False, ack=False) as keywords:
        keywords.putkeyword("units", unit)
        keywords.putkeyword("imageinfo", info)
        keywords.putkeyword("miscinfo", MISC if name == "cube" else {})
    if name == "cube":
        image(f"{name}.im").saveas("groups.im")  # only a copy can have attributes
        im = image("groups.im")
        for group, attributes in GROUPS.items():
            im.attrcreategroup(group)
            for row in range(len(next(iter(attributes.values()))[0])):
                for key, (cells, units, measure) in attributes.items():
                    im.attrput(group, key, row, cells[row], list(units), list(measure))
        del im
    program = str(Path(os.environ["HOME"]) / "hdf5_images")
    table_name = "groups.im" if name == "cube" else f"{name}.im"
    subprocess.run([program, "copy", table_name, f"{name}.h5", *map(str, tile[::-1])], check=True)
    for step in steps:
        what, *rest = step.split()
        subprocess.run([program, what, f"{name}.h5", *rest], check=True)
    masks = {s.split()[1] for s in steps if s.startswith("mask")} - {"old", "gone"}
    masks |= {"new"} if name == "double" else set()
    pixels = [[0.0] * len(shape), [float(n - 1) for n in shape], [float((n - 1) // 2) for n in shape]]
    regions = {"cube": ["a", "b", "c"], "double": ["y"]}.get(name, [])
    found = describe(f"{name}.h5", pixels, sorted(masks))
    found |= {"pixels": pixels, "tile": tile, "default": {"cube": "second", "double": "new"}.get(name)}
    if name == "dcomplex":
        found["default"] = "mask0"
    found["regions"] = {}
    for region in regions:
        shown = subprocess.run(
            [program, "show", f"{name}.h5", region], check=True, stdout=subprocess.PIPE, text=True
        )
        found["regions"][region] = selected(shown.stdout, shape)
    return found


def selected(text: str, shape: list[int]) -> np.ndarray:
    """Return which pixels a region has."""
    *numbers, flags = text.split()
    n = len(shape)
    start, length = ([int(k) for k in numbers[i : i + n]][::-1] for i in (0, n))
    out = np.zeros(shape, bool)
    part = np.array([f == "1" for f in flags]).reshape(length)
    out[tuple(slice(a, a + b) for a, b in zip(start, length, strict=True))] = part
    return out


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it; numbers in pairs for complex ones."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        flat = value.ravel()
        flat = flat.view(f"f{value.itemsize // 2}") if value.dtype.kind == "c" else flat
        dtype = "U" if value.dtype.kind == "U" else value.dtype.str
        return {"__array__": dtype, "shape": value.shape, "values": flat.tolist()}
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, complex):
        return plain(np.array(value))
    return value.item() if isinstance(value, np.generic) else value


def main() -> None:
    """Write all files."""
    seen = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name in IMAGES:
            seen[name] = plain(make(name))
            content = gzip.compress(Path(f"{name}.h5").read_bytes(), mtime=0)
            (HERE / f"hdf5_{name}.h5.gz").write_bytes(content)
    (HERE / "hdf5_images.json.gz").write_bytes(gzip.compress(json.dumps(seen).encode(), mtime=0))


if __name__ == "__main__":
    main()
