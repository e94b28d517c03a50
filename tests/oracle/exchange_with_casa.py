"""Random images exchanged with real CASA, to be run by hand: casatools and lattice need not share a Python.

    CASA_PYTHON exchange_with_casa.py make FOLDER [COUNT]     images that CASA makes, and what it sees in them
    PYTHON exchange_with_casa.py copy FOLDER                  read here, compared, and written again
    CASA_PYTHON exchange_with_casa.py check FOLDER            what CASA sees in the copies

With casatools 6.7 all parts of 40 images (seeds 0 to 39) were the same: pixels, masks, unit, coordinates,
beams, metadata, history; and pixels, mask, unit and positions of the 12 that FITS can hold.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

FRAMES = ("J2000", "ICRS", "B1950", "GALACTIC", "ECLIPTIC", "SUPERGAL")
PROJECTIONS = {"SIN": [0.0, 0.0], "TAN": [], "ARC": [], "ZEA": [], "STG": [], "CAR": [], "SFL": []}
STOKES = (["I"], ["I", "Q", "U", "V"], ["RR", "LL"], ["XX", "XY", "YX", "YY"], ["I", "V"])
KINDS = {"f": "float", "d": "double", "c": "complex", "cd": "dcomplex"}


def plain(value: Any) -> Any:
    """Return a value as JSON."""
    if isinstance(value, dict):
        return {str(key): plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return [plain(part) for part in value.T.tolist()] if value.ndim else plain(value[()])
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    if isinstance(value, complex):
        return [value.real, value.imag]
    return value.item() if isinstance(value, np.generic) else value


# -- in CASA ---------------------------------------------------------------------------------------


def random_system(rng: np.random.Generator, tools: Any) -> tuple[Any, list[int]]:
    """Return a coordinate system of CASA and a shape."""
    while True:
        sky, spectral, tabular = (bool(rng.random() < p) for p in (0.8, 0.7, 0.2))
        stokes = STOKES[int(rng.integers(len(STOKES)))] if rng.random() < 0.6 else ""
        linear = int(rng.integers(1, 3)) if rng.random() < 0.3 else 0
        n = 2 * sky + spectral + bool(stokes) + linear + tabular
        if 1 <= n <= 5:
            break
    system = tools.coordsys().newcoordsys(
        direction=sky, spectral=spectral, stokes=stokes, linear=linear, tabular=tabular
    )
    shape = [
        len(stokes) if kind == "Stokes" else int(rng.integers(4 if kind == "Tabular" else 2, 14))
        for kind in system.axiscoordinatetypes(world=False)
    ]
    if sky:
        system.setreferencecode(str(rng.choice(FRAMES)), "direction", adjust=False)
        projection = str(rng.choice(list(PROJECTIONS)))
        system.setprojection(projection, PROJECTIONS[projection])
        lat = 0.0 if projection in ("CAR", "SFL") else float(rng.uniform(-70, 70))
        system.setunits("deg deg", type="direction")
        system.setreferencevalue([float(rng.uniform(0, 359)), lat], "direction")
        size = float(10 ** rng.uniform(-4, -2))
        system.setincrement([-size, size * 1.2], "direction")
        turn = float(rng.uniform(-1, 1))
        system.setlineartransform(
            "direction", np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        )
    if spectral:
        system.setreferencecode(str(rng.choice(["LSRK", "BARY", "TOPO", "GEO"])), "spectral", adjust=False)
        system.setrestfrequency(1.420405752e9)
        count = shape[list(system.axiscoordinatetypes(world=False)).index("Spectral")]
        if rng.random() < 0.4:
            system.setspectral(
                frequencies=tools.quanta().quantity(1.4e9 + 1e5 * np.cumsum(rng.uniform(1, 2, count)), "Hz")
            )
        else:
            system.setreferencevalue(1.4e9, "spectral")
            system.setincrement(float(rng.choice([-1e5, 2e6])), "spectral")
    if tabular:
        count = shape[list(system.axiscoordinatetypes(world=False)).index("Tabular")]
        system.settabular(pixel=np.arange(float(count)), world=np.cumsum(rng.uniform(1, 2, count)))
    system.settelescope(str(rng.choice(["VLA", "ALMA"])))
    system.setobserver("someone")
    return system, shape


def make_image(folder: Path, seed: int, tools: Any) -> None:
    """Make one random image."""
    rng = np.random.default_rng(seed)
    system, shape = random_system(rng, tools)
    kind = str(rng.choice(list(KINDS), p=[0.6, 0.15, 0.15, 0.1]))
    path, tool = str(folder / f"{seed}.image"), tools.image()
    tool.fromshape(path, shape, csys=system.torecord(), type=kind, overwrite=True)
    values = rng.normal(size=shape)
    tool.putchunk(values + 1j * rng.normal(size=shape) if kind[0] == "c" else values)
    if kind == "f":  # the others it writes and reads, and changes their pixels only
        tool.setbrightnessunit(str(rng.choice(["Jy/beam", "K", ""])))
        for name in ["mask0", "odd", "late"][: int(rng.integers(0, 4))]:
            tool.calcmask(
                f"'{path}' > {float(rng.normal() / 2)}", name=name, asdefault=bool(rng.random() < 0.5)
            )
        tool.setmiscinfo({"n": int(rng.integers(99)), "x": 1.5, "text": "words", "list": rng.normal(size=3)})
        set_beams(rng, tool, shape, system)
        for k in range(int(rng.integers(0, 3))):
            tool.sethistory("origin", f"line {k}")
    tool.done()


def set_beams(rng: np.random.Generator, tool: Any, shape: list[int], system: Any) -> None:
    kinds = list(system.axiscoordinatetypes(world=False))
    if "Direction" not in kinds:
        return
    choice = rng.integers(0, 3)
    channels, polarizations = (shape[kinds.index(k)] if k in kinds else 1 for k in ("Spectral", "Stokes"))
    if choice == 1:
        tool.setrestoringbeam("4arcsec", "3.3arcsec", "33deg")
    elif choice == 2:
        for c in range(channels):
            for p in range(polarizations):
                beam = (
                    f"{rng.uniform(4, 9):.4f}arcsec",
                    f"{rng.uniform(2, 4):.4f}arcsec",
                    f"{rng.uniform(-89, 89):.3f}deg",
                )
                where = ({"channel": c} if "Spectral" in kinds else {}) | (
                    {"polarization": p} if "Stokes" in kinds else {}
                )
                tool.setrestoringbeam(*beam, **where)


def seen(path: str, tools: Any, whole: bool = True) -> dict[str, Any]:
    """Return what CASA sees in an image."""
    tool = tools.image()
    tool.open(path)
    system = tool.coordsys()
    shape = [int(n) for n in tool.shape()]
    rng = np.random.default_rng(len(shape))
    pixels = [[int(rng.integers(0, n)) for n in shape] for _ in range(5)]
    out: dict[str, Any] = {
        "shape": shape,
        "values": plain(tool.getchunk()),
        "good": plain(tool.getchunk(getmask=True)),
        "unit": tool.brightnessunit(),
        "pixels": pixels,
        "axes": [str(k) for k in system.axiscoordinatetypes(world=True)],
        "units": [str(u) for u in system.units()],
        "world": [plain(system.toworld([float(v) for v in p], "n")["numeric"]) for p in pixels],
    }
    if whole:
        masks = [str(m) for m in tool.maskhandler("get") if (Path(path) / str(m)).is_dir() and m]
        out["masks"] = {}
        default = [str(m) for m in tool.maskhandler("default") if str(m) in masks]
        for name in masks:
            tool.maskhandler("set", [name])
            out["masks"][name] = plain(tool.getchunk(getmask=True))
        if masks:  # to look at a mask means to make it the default
            tool.maskhandler("set", default or [""])
        out["default"] = default
        out["history"] = [str(line) for line in tool.history(False)]
        record = system.torecord()
        out["coords"] = plain({key: value for key, value in record.items() if key != "parentName"})
        for name, call in (("misc", tool.miscinfo), ("beam", tool.restoringbeam)):
            try:
                out[name] = plain(call())
            except RuntimeError:  # casatools refuses on double and complex images, though they are right
                out[name] = None
    tool.done()
    return out


def same(a: Any, b: Any, where: str, tolerance: float = 1e-12) -> list[str]:
    """Return where two values differ."""
    if isinstance(a, dict) and isinstance(b, dict):
        return [d for key in {*a, *b} for d in same(a.get(key), b.get(key), f"{where}.{key}", tolerance)]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        if not a or not isinstance(a[0], int | float | bool):
            return [
                d
                for i, (x, y) in enumerate(zip(a, b, strict=True))
                for d in same(x, y, f"{where}[{i}]", tolerance)
            ]
        fine = np.allclose(a, b, rtol=tolerance, atol=1e-300, equal_nan=True)
    elif isinstance(a, float) and isinstance(b, int | float):
        fine = bool(np.isclose(a, b, rtol=tolerance, atol=1e-300, equal_nan=True))
    else:
        fine = a == b
    return [] if fine else [where]


def make(folder: Path, count: int) -> None:
    import casatools

    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(count):
        make_image(folder, seed, casatools)
        found = seen(str(folder / f"{seed}.image"), casatools)
        (folder / f"{seed}.json").write_text(json.dumps(found))


def check(folder: Path) -> None:
    import casatools

    wrong = fits = 0
    names = sorted(folder.glob("*.json"), key=lambda p: int(p.stem))
    for name in names:
        first = json.loads(name.read_text())
        second = json.loads(json.dumps(seen(str(folder / f"{name.stem}.copy.image"), casatools)))
        # the copy has one line more, of what was done
        second["history"] = second["history"][: len(first["history"])]
        found = same(first, second, name.stem)
        file = folder / f"{name.stem}.fits"
        if file.exists():
            tool = casatools.image()
            tool.fromfits(str(folder / f"{name.stem}.fits.image"), str(file), overwrite=True)
            tool.done()
            third = json.loads(
                json.dumps(seen(str(folder / f"{name.stem}.fits.image"), casatools, whole=False))
            )
            found += fits_differences(first, third, name.stem)
            fits += 1
        wrong += bool(found)
        if found:
            sys.stdout.write(f"{found}\n")
    sys.stdout.write(f"{len(names)} images, {fits} of them in FITS too: {wrong} differ\n")


def fits_differences(first: dict[str, Any], third: dict[str, Any], where: str) -> list[str]:
    """Compare good pixels, mask, unit and positions, in units of their own."""
    good = np.array(first["good"])
    out = [] if np.array_equal(good, third["good"]) else [f"{where}.fits.good"]
    if not np.array_equal(np.array(first["values"])[good], np.array(third["values"])[good]):
        out.append(f"{where}.fits.values")
    if first["unit"] != third["unit"]:
        out.append(f"{where}.fits.unit")
    factors = {"rad": 180 / np.pi, "deg": 1.0, "GHz": 1e9, "Hz": 1.0, "arcmin": 1 / 60, "'": 1 / 60}
    # the axes stay in their order; of each kind the first is the first
    left = list(enumerate(third["axes"]))
    order = []
    for kind in first["axes"]:
        order.append(next(i for i, other in left if other == kind))
        left = [(i, other) for i, other in left if i != order[-1]]
    for a, b in zip(first["world"], third["world"], strict=True):
        for i, k in enumerate(order):
            x, y = a[i] * factors.get(first["units"][i], 1.0), b[k] * factors.get(third["units"][k], 1.0)
            apart = (x - y + 180) % 360 - 180 if first["axes"][i] == "Direction" else x - y
            if abs(apart) > 1e-9 * max(1.0, abs(x)):
                out.append(f"{where}.fits.world[{i}] {first['axes'][i]}: {x} and {y}")
    return out


# -- here ------------------------------------------------------------------------------------------


def copy(folder: Path) -> None:
    """Read CASA's images, compare, and write them again."""
    import lattice

    wrong = 0
    for name in sorted(folder.glob("*.json"), key=lambda p: int(p.stem)):
        theirs = json.loads(name.read_text())
        image = lattice.open(folder / f"{name.stem}.image")
        found = differences(image, theirs)
        wrong += bool(found)
        if found:
            sys.stdout.write(f"{name.stem}: {found}\n")
        image.save(folder / f"{name.stem}.copy.image", overwrite=True)
        if image.dtype == np.float32 and not image.coords.tabulated(image.shape):
            others = [m for m in image.masks if m != image.default_mask]
            one = image.drop_mask(*others) if others else image
            one.save(folder / f"{name.stem}.fits", overwrite=True)
    sys.stdout.write(f"{wrong} images differ as they are read\n")


def differences(image: Any, theirs: dict[str, Any]) -> list[str]:
    """Return the parts in which an image differs from what CASA saw."""
    out = []
    values = np.array(theirs["values"])
    if image.dtype.kind == "c":
        values = values[..., 0] + 1j * values[..., 1]
    pixels = image.to_masked_array()
    if not np.array_equal(pixels.data, values.astype(image.dtype)):
        out.append("values")
    if not np.array_equal(~np.ma.getmaskarray(pixels), theirs["good"]):
        out.append("mask")
    for name, good in theirs["masks"].items():
        if not np.array_equal(image.masks[name].values, good):
            out.append(f"mask {name}")
    if image.unit != theirs["unit"]:
        out.append("unit")
    lines = [str(line) for line in image.history]
    if not all(any(line in text for text in theirs["history"]) for line in lines):
        out.append("history")
    cards = {key: value for key, value, _ in image.node.attrs.meta}
    for key, value in (theirs["misc"] or {}).items():
        own = cards[key]
        if same(value, plain(own.array) if hasattr(own, "array") else own, key):
            out.append(f"meta {key}")
    return out


if __name__ == "__main__":
    what, where = sys.argv[1], Path(sys.argv[2]).absolute()
    if what == "make":
        make(where, int(sys.argv[3]) if len(sys.argv) > 3 else 40)
    elif what == "copy":
        copy(where)
    else:
        check(where)
