"""Keeps what CASA's collapse, statistics, histograms and moments give for seven small images.

Run it with a Python in which casatools works; it needs astropy too.  Arrays are in numpy order (slowest axis
first), axis numbers and positions as CASA has them (fastest axis first), complex numbers are pairs.  Every
call has a process of its own, as some arguments abort CASA; these are kept as null.
"""

from __future__ import annotations

import gzip
import itertools
import json
import os
import pickle
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

_SKY = {
    "CTYPE1": "RA---SIN", "CRVAL1": 10.0, "CDELT1": -1e-3, "CRPIX1": 3.0, "CUNIT1": "deg",
    "CTYPE2": "DEC--SIN", "CRVAL2": 20.0, "CDELT2": 1e-3, "CRPIX2": 2.0, "CUNIT2": "deg",
    "RADESYS": "FK5", "EQUINOX": 2000.0,
}  # fmt: skip
_BEAM = {"BMAJ": 5e-3, "BMIN": 3e-3, "BPA": 10.0}


def _spectral(axis: int, **more: Any) -> dict[str, Any]:
    own = {"CTYPE": "FREQ", "CRVAL": 1.4e9, "CDELT": 1e5, "CRPIX": 4.0, "CUNIT": "Hz"}
    return {f"{k}{axis}": v for k, v in own.items()} | {"SPECSYS": "LSRK"} | more


_STOKES = {"CTYPE3": "STOKES", "CRVAL3": 1.0, "CDELT3": 1.0, "CRPIX3": 1.0}
HEADERS: dict[str, dict[str, Any]] = {
    "cube": _SKY | _spectral(3, RESTFRQ=1.42e9) | _BEAM | {"BUNIT": "Jy/beam"},
    "plane": _SKY | {"BUNIT": "K"},
    "hyper": _SKY | _STOKES | _spectral(4, RESTFRQ=1.42e9) | {"BUNIT": "Jy/beam"},
    "line": _SKY | _spectral(3) | {"BUNIT": "Jy/pixel"},
    "tails": _SKY | _BEAM | {"BUNIT": "mJy/beam"},
    "long": _SKY | _spectral(3, RESTFRQ=1.42e9) | {"BUNIT": "Jy/beam"},
    "waves": {"BUNIT": "Jy/beam"},
}
SHAPES = {
    "cube": (6, 7, 8),
    "plane": (5, 6),
    "hyper": (5, 2, 4, 7),
    "line": (9, 4, 5),
    "tails": (40, 51),
    "long": (142, 3, 2),
    "waves": (4, 3, 5),
}
_SEEDS = {"cube": 40, "hyper": 41, "line": 42, "plane": 43, "tails": 44, "long": 45, "waves": 46}
BEAMS = {"hyper": [[20.0 + p, 10.0 + p / 2, 5.0 * p] for p in range(10)]}  # arcsec, arcsec, deg of the planes


def pixels(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return values and mask (True = good) of an image."""
    shape = SHAPES[name]
    rng = np.random.default_rng(_SEEDS[name])
    values = rng.normal(1 if name == "cube" else -3 if name == "line" else 0, 1, shape)
    if name == "tails":
        values = np.where(rng.random(shape) < 0.05, 8 * values + 3, values)
    good = rng.random(shape) > (0.0 if name == "plane" else 0.15)
    if name == "cube":
        good[:, 0, :] &= rng.random((6, 8)) > 0.5  # at the edge
        good[:, 3, 4] = False  # all of a spectrum
        good[2:5, 2, 2] = False
    if name == "line":
        good[4] = False  # a plane
        good[:, 1, 1] = False
        good[1:, 0, 0] = False
        good[0, 0, 0] = True
    if name == "waves":
        return (np.round(values, 2) + 1j * np.round(rng.normal(size=shape), 2)).astype(np.complex64), good
    return np.round(values, 3).astype(np.float32), good


FUNCTIONS = (
    "flux", "madm", "max", "mean", "median", "min", "npts", "rms", "stddev", "sum", "sqrtsum", "sqrtsum_npix",
    "sqrtsum_npix_beam", "variance", "xmadm",
)  # fmt: skip
_COLLAPSED = {
    "cube": [[0, 1], [2], [0], [1, 2]],
    "plane": [[0], [1], [0, 1]],
    "hyper": [[3], [0, 1], [2, 3]],
    "line": [[2], [0, 1], [1]],
    "long": [[2]],
    "waves": [[2], [0, 1], [1]],
}
_ALGORITHMS: list[dict[str, Any]] = [
    {"robust": True},
    *({"robust": True, "algorithm": "fit-half", "center": c, "lside": s}
      for c, s in itertools.product(("mean", "median", "zero"), (True, False))),
    *({"robust": True, "algorithm": "hinges-fences", "fence": f} for f in (-1.0, 0.0, 0.8, 1.5)),
    *({"robust": True, "algorithm": "chauvenet", "zscore": z, "maxiter": m}
      for z, m in ((-1.0, -1), (2.0, -1), (1.5, 0), (2.0, 2), (-1.0, 1))),
    *({"algorithm": "biweight", "niter": n} for n in (-1, 0, 1, 3, 10)),
    {"robust": True, "includepix": [-0.5, 1.0]},
    {"robust": True, "includepix": [1.0]},
    {"robust": True, "excludepix": [-0.5, 0.75]},
]  # fmt: skip
_REDUCED = {
    "cube": [[-1], [0, 1], [2], [0, 1, 2]],
    "plane": [[-1], [0]],
    "hyper": [[-1], [0, 1], [0, 1, 3], [2, 3]],
    "line": [[-1], [0, 1], [2]],
    "tails": [[-1], [1]],
}
_HISTOGRAMS: list[dict[str, Any]] = [
    {"nbins": 5}, {"nbins": 25}, {"nbins": 7, "cumu": True}, {"nbins": 7, "log": True, "cumu": True},
    {"nbins": 6, "includepix": [-1.0, 1.5]}, {"nbins": 4, "includepix": [1.0], "log": True},
]  # fmt: skip
_MOMENTS: list[dict[str, Any]] = [
    {},
    {"includepix": [0.0, 10.0]},
    {"includepix": [-10.0, 0.0]},
    {"excludepix": [-0.5, 0.5]},
]


def calls() -> list[dict[str, Any]]:
    """Return all calls: image, method, and arguments by name."""
    found: list[dict[str, Any]] = []
    for name, sets in _COLLAPSED.items():
        for axes, function in itertools.product(sets, FUNCTIONS):
            found.append({"image": name, "call": "collapse", "function": function, "axes": axes})
    for name, sets in _REDUCED.items():
        for axes, how in itertools.product(sets, _ALGORITHMS):
            found.append({"image": name, "call": "statistics", "axes": axes, **how})
        for axes, how in itertools.product(sets, _HISTOGRAMS):
            found.append({"image": name, "call": "histograms", "axes": axes, **how})
    for name, axis in (("cube", 2), ("cube", 1), ("hyper", 3), ("line", 2), ("plane", 0), ("long", 2)):
        for doppler in ("RADIO", "OPTICAL", "TRUE") if name == "cube" and axis == 2 else ("RADIO",):
            for how in _MOMENTS if doppler == "RADIO" else _MOMENTS[:1]:
                for number in range(-1, 12):
                    if number != 4 or "includepix" in how:
                        more = {"moments": [number], "axis": axis, "doppler": doppler}
                        found.append({"image": name, "call": "moments", **more, **how})
    return found


def _image(name: str, with_beams: bool) -> Any:
    import casatools
    from astropy.io import fits

    values, good = pixels(name)
    if not np.iscomplexobj(values) and not Path(f"{name}.fits").exists():
        header = fits.Header()
        for keyword, value in HEADERS[name].items():
            header[keyword] = value
        fits.writeto(f"{name}.fits", np.where(good, values, np.float32(np.nan)), header)
    tool = casatools.image()
    if np.iscomplexobj(values):
        tool.fromarray("", np.ascontiguousarray(values.T, complex))
        tool.setbrightnessunit(HEADERS[name]["BUNIT"])
        tool.putregion(pixelmask=np.ascontiguousarray(good.T), usemask=False)
        return tool
    tool.fromfits("", f"{name}.fits")
    if with_beams:
        for plane, (major, minor, angle) in enumerate(BEAMS.get(name, [])):
            channel, stokes = divmod(plane, SHAPES[name][1])
            tool.setrestoringbeam(
                f"{major}arcsec", f"{minor}arcsec", f"{angle}deg", channel=channel, polarization=stokes
            )
    return tool


def _numbers(array: np.ndarray) -> list[Any]:
    flat = array.ravel()
    return [[z.real, z.imag] for z in flat.tolist()] if np.iscomplexobj(flat) else flat.tolist()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return {"shape": value.T.shape, "values": _numbers(value.T)}
    return value.item() if isinstance(value, np.generic) else value


_LABELS = ("referencepixel", "referencevalue", "increment")


def _answer(call: dict[str, Any]) -> Any:
    call = dict(call)
    # moments of planes with different beams are taken of smoothed ones
    tool, method = _image(call.pop("image"), call["call"] != "moments"), call.pop("call")
    found = getattr(tool, method)(**call)
    if isinstance(found, dict):
        return {k: _plain(v) for k, v in found.items()}
    coords = found.coordsys()
    return {
        "values": _plain(found.getchunk()),
        "mask": _plain(found.getchunk(getmask=True)),
        "unit": found.brightnessunit(),
        **{
            k: _plain(getattr(coords, k)()["numeric"])["values"]
            for k in ("referencepixel", "referencevalue", "increment")
        },
    }


def _apart(call: dict[str, Any]) -> Any:
    """Return the answer to a call from a process of its own; None if that fails."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read)
        with os.fdopen(write, "wb") as pipe:
            try:
                pickle.dump(_answer(call), pipe)
            except Exception as error:
                pickle.dump({"error": str(error).split(" ...")[0].split("\n")[0]}, pipe)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        data = pipe.read()
    os.waitpid(child, 0)
    return pickle.loads(data) if data else None


def main() -> None:
    import casatools  # noqa: F401 - once, before processes fork

    out = Path(__file__).absolute().with_name("casa_reductions.json.gz")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        answers = [{**call, "answer": _apart(call)} for call in calls()]
        os.chdir("/")
    images = {}
    for name in SHAPES:
        values, good = pixels(name)
        images[name] = {
            "shape": SHAPES[name], "header": HEADERS[name], "values": _numbers(values),
            "mask": good.astype(int).ravel().tolist(), "beams": BEAMS.get(name, []),
        }  # fmt: skip
    text = json.dumps({"images": images, "calls": answers}, separators=(",", ":"))
    out.write_bytes(gzip.compress(text.encode(), mtime=0))
    bad = [a for a in answers if a["answer"] is None or "error" in a["answer"]]
    sys.stderr.write(f"{len(answers)} calls, {len(bad)} without an answer\n")


if __name__ == "__main__":
    main()
