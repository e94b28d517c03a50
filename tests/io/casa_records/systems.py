"""Random coordinate systems as casacore's records: every type, frame, projection, and order of axes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

Shape = tuple[int, ...]
FRAMES = (
    "J2000", "ICRS", "B1950", "B1950_VLA", "GALACTIC", "SUPERGAL", "ECLIPTIC", "MECLIPTIC", "TECLIPTIC",
    "JMEAN", "JTRUE", "APP", "BMEAN", "BTRUE", "HADEC", "AZEL", "AZELSW", "AZELGEO", "AZELSWGEO", "JNAT",
    "ITRF", "TOPO",
)  # fmt: skip
# Parameters of each projection, within what it allows; of ZPN all twenty.
PROJECTIONS: dict[str, tuple[float, ...]] = {
    "TAN": (), "SIN": (0.0, 0.0), "ARC": (), "STG": (), "ZEA": (), "CAR": (), "MER": (),
    "SFL": (), "GLS": (), "PAR": (), "AIT": (), "MOL": (), "CEA": (0.7,), "CYP": (1.2, 0.8),
    "AZP": (2.0, 20.0),
    "SZP": (2.0, 30.0, 60.0), "AIR": (45.0,), "COP": (45.0, 25.0), "COE": (45.0, 25.0), "COD": (45.0, 25.0),
    "COO": (45.0, 25.0), "BON": (45.0,), "PCO": (), "TSC": (), "QSC": (), "HPX": (),
    "ZPN": (0.0, 1.0, 0.0, -0.05, *(0.0,) * 16),
}  # fmt: skip
ZENITHAL = ("TAN", "SIN", "ARC", "STG", "ZEA", "AIR", "ZPN")
UNITS = {"rad": np.pi / 180, "deg": 1.0, "arcmin": 60.0, "'": 60.0, "arcsec": 3600.0, '"': 3600.0}
SPECTRAL = ("REST", "LSRK", "LSRD", "BARY", "GEO", "TOPO", "GALACTO", "LGROUP", "CMB")
STOKES = (
    ("I",), ("I", "Q", "U", "V"), ("RR", "RL", "LR", "LL"), ("XX", "XY", "YX", "YY"), ("I", "V"),
    ("V", "Q", "I"),
    ("RR", "LL"), ("XX", "YY"), ("Plinear", "Pangle"), ("I", "RX", "QQ"), ("Ptotal",), ("YY", "XX"),
)  # fmt: skip


def direction(rng: np.random.Generator, shape: Shape) -> dict[str, Any]:
    """A direction near the middle of an image of shape (x, y)."""
    projection = str(rng.choice(list(PROJECTIONS)))
    parameters = PROJECTIONS[projection]
    if projection == "SIN" and rng.random() < 0.4:
        parameters = (0.1, -0.2)
    frame = str(rng.choice(FRAMES))
    unit = str(rng.choice(list(UNITS)))
    factor = UNITS[unit]
    cylindric = projection in ("CAR", "MER", "SFL", "GLS", "PAR", "AIT", "MOL", "CEA", "CYP")
    lat = 0.0 if cylindric and rng.random() < 0.7 else float(rng.uniform(20, 70))
    size = float(10 ** rng.uniform(-4, -1.5))
    turn = rng.uniform(-np.pi, np.pi) if rng.random() < 0.5 else 0.0
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    crpix = np.array([(n - 1) / 2 for n in shape]) + rng.uniform(-3, 3, 2).round(2)
    return {
        "system": frame,
        "projection": projection,
        "projection_parameters": np.array(parameters, np.float64),
        "crval": np.array([float(rng.uniform(0, 350)), lat]) * factor,
        "crpix": crpix,
        "cdelt": np.array([-size, size * float(rng.choice([1.0, 1.3]))]) * factor,
        "pc": rotation,
        "axes": ["Right Ascension", "Declination"],
        "units": [unit, unit],
        "conversionSystem": frame,
        "longpole": 150.0 if projection in ZENITHAL and rng.random() < 0.3 else 999.0,
        "latpole": 999.0,
    }


def spectral(rng: np.random.Generator, length: int) -> dict[str, Any]:
    """A spectral axis: linear, or a table of any spacing."""
    frame = str(rng.choice(SPECTRAL))
    unit = str(rng.choice(["Hz", "kHz", "MHz", "GHz"]))
    factor = {"Hz": 1.0, "kHz": 1e3, "MHz": 1e6, "GHz": 1e9}[unit]
    rest = float(rng.choice([1.420405752e9, 1.15271202e11, 0.0]))
    start, step = (
        (rest or 1e9) * float(rng.uniform(0.98, 1.02)),
        float(rng.choice([-1, 1]) * 10 ** rng.uniform(3, 6)),
    )
    out: dict[str, Any] = {
        "version": np.int32(2),
        "system": frame,
        "restfreq": rest / factor,
        "restfreqs": np.array([rest, 1.612e9][: int(rng.integers(1, 3))]) / factor,
        "velType": np.int32(rng.integers(0, 5)),
        "nativeType": np.int32(rng.integers(0, 6)),
        "velUnit": str(rng.choice(["km/s", "m/s"])),
        "waveUnit": "mm",
        "formatUnit": "",
    }
    if rng.random() < 0.5:
        wcs = {"crval": start / factor, "crpix": float(rng.uniform(-2, 5)), "cdelt": step / factor, "pc": 1.0}
        out["wcs"] = wcs | {"ctype": "FREQ" + "\0" * 5}
    else:
        out["tabular"] = table(rng, length, start, step, "Hz", "Frequency")
    out |= {"unit": unit, "name": "Frequency"}
    if rng.random() < 0.3:
        out["conversion"] = conversion(frame if frame == "REST" or rng.random() < 0.5 else "LSRK")
    return out


def conversion(system: str) -> dict[str, Any]:
    """A conversion layer of a spectral axis."""
    angle = {"unit": "rad"}
    return {
        "direction": {"type": "direction", "refer": "J2000", "m1": angle | {"value": 0.7},
                      "m0": angle | {"value": 1.2}},
        "position": {
            "type": "position", "refer": "ITRF", "m2": {"value": 6370000.0, "unit": "m"},
            "m1": angle | {"value": 0.6}, "m0": angle | {"value": -1.9},
        },
        "epoch": {"type": "epoch", "refer": "UTC", "m0": {"value": 55000.5, "unit": "d"}},
        "system": system,
    }  # fmt: skip


def table(
    rng: np.random.Generator, length: int, start: float, step: float, unit: str, name: str
) -> dict[str, Any]:
    """A table that is a line, a line in wavelength, or irregular."""
    pixels = np.arange(length, dtype=np.float64)
    kind = rng.integers(0, 3)
    if kind == 1 and unit == "Hz":
        wave = 299792458.0 / start
        world = 299792458.0 / (wave * (1 - step / start * pixels))
    elif kind == 2:
        world = start + step * np.cumsum(rng.uniform(0.5, 1.5, length))
    else:
        world = start + step * pixels
    slope = (world[-1] - world[0]) / max(length - 1, 1) if length > 1 else step
    return {
        "crval": world[:1].copy(), "crpix": np.zeros(1), "cdelt": np.array([slope]), "pc": np.eye(1),
        "axes": [name], "units": [unit], "pixelvalues": pixels, "worldvalues": world,
    }  # fmt: skip


def named(kind: str, names: tuple[str, ...]) -> dict[str, Any]:
    """A Stokes or quality axis."""
    one = {"crval": np.ones(1), "crpix": np.zeros(1), "cdelt": np.ones(1), "pc": np.eye(1)}
    return {"axes": [kind.capitalize()], kind: list(names)} | one


def linear(rng: np.random.Generator, n: int) -> dict[str, Any]:
    """Some linear axes, mixed or not."""
    pc = np.eye(n) + (rng.uniform(-0.3, 0.3, (n, n)) if rng.random() < 0.4 else 0.0)
    names = rng.permutation(["Time", "u", "v", "Frequency shift", "Baseline", "RA offset"])[:n]
    return {
        "crval": rng.uniform(-10, 10, n), "crpix": rng.uniform(-2, 5, n), "cdelt": rng.uniform(0.1, 3, n),
        "pc": pc, "axes": [str(name) for name in names],
        "units": [str(u) for u in rng.choice(["m", "s", "", "km", "lambda", "Jy"], n)],
    }  # fmt: skip


def observation(rng: np.random.Generator) -> dict[str, Any]:
    """What is known of the observation: all or nothing of it."""
    if rng.random() < 0.3:
        return {}
    return {
        "telescope": str(rng.choice(["VLA", "ALMA", "UNKNOWN", "My dish"])),
        "observer": str(rng.choice(["someone", "UNKNOWN"])),
        "obsdate": {
            "type": "epoch", "refer": str(rng.choice(["UTC", "TAI"])),
            "m0": {"value": float(rng.uniform(5e4, 6e4)), "unit": "d"},
        },
        "pointingcenter": {"value": rng.uniform(-1, 1, 2), "initial": bool(rng.random() < 0.5)},
        "telescopeposition": {
            "type": "position", "refer": "ITRF",
            "m2": {"value": 6371000.0 + float(rng.uniform(0, 5e3)), "unit": "m"},
            "m1": {"value": float(rng.uniform(-1, 1)), "unit": "rad"},
            "m0": {"value": float(rng.uniform(-3, 3)), "unit": "rad"},
        },
    }  # fmt: skip


def system(seed: int) -> tuple[dict[str, Any], Shape]:
    """Return a complete record and the shape (numpy order) of the image that it describes."""
    rng = np.random.default_rng(seed)
    parts: list[tuple[str, dict[str, Any], list[int]]] = []
    if rng.random() < 0.8:
        lengths = [int(n) for n in rng.integers(8, 20, 2)]
        parts.append(("direction", direction(rng, tuple(lengths)), lengths))
    if rng.random() < 0.6:
        n = int(rng.integers(1, 12))
        parts.append(("spectral", spectral(rng, n), [n]))
    if rng.random() < 0.6:
        names = STOKES[int(rng.integers(len(STOKES)))]
        parts.append(("stokes", named("stokes", names), [len(names)]))
    free = 5 - sum(len(p[2]) for p in parts)
    kind = rng.integers(0, 5)
    if kind == 0 or not parts:
        n = min(free, int(rng.integers(1, 3)))
        parts.append(("linear", linear(rng, n), [int(k) for k in rng.integers(2, 9, n)]))
    elif kind == 1 and free:
        n = int(rng.integers(2, 8))
        own = table(rng, n, float(rng.uniform(1, 3)), 0.5, "m", "Depth")
        if rng.random() < 0.3:
            own |= {"pixelvalues": np.zeros(0), "worldvalues": np.zeros(0)}
        parts.append(("tabular", own, [n]))
    elif kind == 2 and free:
        names = (("DATA", "ERROR"), ("ERROR",))[int(rng.integers(2))]
        parts.append(("quality", named("quality", names), [len(names)]))
    parts = [parts[i] for i in rng.permutation(len(parts))]
    return assembled(rng, parts)


def assembled(
    rng: np.random.Generator, parts: list[tuple[str, dict[str, Any], list[int]]]
) -> tuple[dict[str, Any], Shape]:
    """Return a record of some coordinates on axes in random order, one of them perhaps removed."""
    total = sum(len(lengths) for *_, lengths in parts)
    order = [int(i) for i in rng.permutation(total)]
    gone = order.index(total - 1) if total > 1 and rng.random() < 0.3 else None
    record, shape, at = observation(rng), [0] * total, 0
    for i, (kind, own, lengths) in enumerate(parts):
        places = order[at : at + len(lengths)]
        maps = np.array([p if at + j != gone else -p - 1 for j, p in enumerate(places)], np.int32)
        for p, n in zip(places, lengths, strict=True):
            shape[p] = n
        at += len(lengths)
        cut = [float(rng.integers(0, n)) if m < 0 else 0.0 for m, n in zip(maps, lengths, strict=True)]
        record |= {
            f"{kind}{i}": own,
            f"worldmap{i}": maps,
            f"worldreplace{i}": np.zeros(len(lengths)),
            f"pixelmap{i}": maps.copy(),
            f"pixelreplace{i}": np.array(cut),
        }
    if gone is not None:
        shape = shape[:-1]
    return record, tuple(shape[::-1])


def without_notes(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without what python-casacore adds to it."""
    return {
        key: without_notes(value) if isinstance(value, Mapping) else value
        for key, value in record.items()
        if not key.startswith("_")
    }
