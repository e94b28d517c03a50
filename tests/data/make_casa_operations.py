"""Keeps what CASA makes of the images and calls of tests/casa_operations.py, casa_analysis.py and the like.

Run it with a Python in which casatools and astropy work, and the name of a table: operations, analysis, forms
or planes. It writes casa_NAME.npz beside it: values and masks in numpy order, and as JSON shape, unit, beams
and the world coordinates of the first, middle and last pixel. Further names keep only cases that begin with
one of them, in another file.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.casa_analysis import ANALYSIS
from tests.casa_forms import FORMS
from tests.casa_operations import CASES, INPUTS, edged, pixels
from tests.casa_planes import FRAMES, PLANES, ellipse

TABLES = {"operations": CASES, "analysis": ANALYSIS, "forms": FORMS, "planes": [*PLANES, *FRAMES]}


def write_input(name: str, kept: dict[str, np.ndarray]) -> None:
    """Make an input, as a CASA image."""
    import casatools
    from astropy.io import fits

    own = INPUTS[name]
    values, mask = pixels(name)
    if name.startswith("edged"):
        mask = edged(mask)
    kept[f"{name}|values"], kept[f"{name}|mask"] = values, mask
    header = fits.Header(list(own.cards.items()))
    header["BUNIT"] = own.unit
    fits.writeto("in.fits", values, header, overwrite=True)
    tool = casatools.image()
    tool.fromfits(f"{name}.im", "in.fits", overwrite=True)
    # what lies under the mask is a number like any other
    tool.putregion(pixelmask=np.asfortranarray(mask.T), usemask=False, region={})
    for k, beam in enumerate(own.beams):
        sizes = {"major": f"{beam[0]}arcsec", "minor": f"{beam[1]}arcsec", "pa": f"{beam[2]}deg"}
        if len(own.beams) == 1:
            tool.setrestoringbeam(**sizes)
        else:
            stokes = own.shape[1] if len(own.shape) > 3 else 1
            plane = k % stokes if stokes > 1 else -1
            tool.setrestoringbeam(**sizes, channel=k // stokes, polarization=plane)
    tool.done()


def csys(grid: str, ia: Any) -> dict[str, Any]:
    """Return the coordinates of an image with the axes of another input put in."""
    import casatools

    other = casatools.image()
    other.open(f"{grid}.im")
    record, target = other.coordsys().torecord(), ia.coordsys().torecord()
    other.done()
    for key in record:
        kind = key.rstrip("0123456789")
        if kind in ("direction", "spectral"):
            mine = next(
                (k for k in target if k.rstrip("0123456789") == kind and isinstance(target[k], dict)), None
            )
            if mine is not None and isinstance(record[key], dict):
                target[mine] = record[key]
    return target


def lengths(grid: str, ia: Any, axes: list[int]) -> list[int]:
    """Return the shape of an image with the lengths of another input along some axes."""
    theirs = INPUTS[grid].shape
    found = {0: theirs[-1], 1: theirs[-2]}
    return [int(found.get(a, theirs[0])) if a in axes else int(n) for a, n in enumerate(ia.shape())]


def inserted(ia: Any, patch: str, at: list[int]) -> Any:
    """Put an input into the image."""
    ia.insert(infile=f"{patch}.im", locate=at)
    return ia


def ia_axis(name: str) -> int:
    """Return the spectral axis of an input, as CASA counts axes."""
    return len(INPUTS[name].shape) - 1


def half(ia: Any, which: int) -> dict[str, Any]:
    """Return the region of the first, or the second, half of the channels."""
    import casatools

    shape = [int(n) for n in ia.shape()]
    middle = shape[-1] // 2
    first, last = [0] * len(shape), [n - 1 for n in shape]
    if which:
        first[-1] = middle
    else:
        last[-1] = middle - 1
    found: dict[str, Any] = casatools.regionmanager().box(first, last)
    return found


def one_stokes(ia: Any) -> dict[str, Any]:
    """Return the region of the first Stokes parameter."""
    import casatools

    shape = [int(n) for n in ia.shape()]
    last = [n - 1 for n in shape]
    if len(shape) > 3:
        last[2] = 0
    found: dict[str, Any] = casatools.regionmanager().box([0] * len(shape), last)
    return found


def described(tool: Any) -> dict[str, Any]:
    """Return what is compared of an image besides its pixels."""
    system = tool.coordsys()
    shape = [int(n) for n in tool.shape()]
    places = [[0] * len(shape), [(n - 1) // 2 for n in shape], [n - 1 for n in shape]]
    world = [tool.toworld(p, "n")["numeric"].tolist()[::-1] for p in places]
    return {
        "shape": shape[::-1], "unit": tool.brightnessunit(), "beams": beams_of(tool.restoringbeam()),
        "names": list(system.names())[::-1], "units": list(system.units())[::-1],
        "places": [p[::-1] for p in places], "world": world,
    }  # fmt: skip


def beams_of(record: dict[str, Any]) -> list[list[float]]:
    """Return beams in arcsec and degrees: none, one, or one per channel and Stokes parameter."""
    factor = {"arcsec": 1.0, "deg": 3600.0, "rad": 180 / np.pi * 3600}

    def one(beam: dict[str, Any]) -> list[float]:
        angle = beam["positionangle"]
        return [
            *(beam[key]["value"] * factor[beam[key]["unit"]] for key in ("major", "minor")),
            angle["value"] * factor[angle["unit"]] / 3600,
        ]

    if not record:
        return []
    if "beams" not in record:
        return [one(record)]
    planes = record["beams"]
    return [
        one(planes[f"*{c}"][f"*{p}"])
        for c in range(record["nChannels"])
        for p in range(max(1, record["nStokes"]))
    ]


def main(table: str, only: list[str]) -> None:
    import casatasks
    import casatools

    kept: dict[str, np.ndarray] = {}
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        os.chdir(folder)
        for name in INPUTS:
            write_input(name, kept)
        wanted = {name for case in TABLES[table] for name in (*case.inputs, *case.others)}
        kept = {key: array for key, array in kept.items() if key.partition("|")[0] in wanted}
        for case in TABLES[table]:
            if only and not any(case.name.startswith(o) for o in only):
                continue
            for key, name in zip(case.keys, case.inputs, strict=True):
                shutil.rmtree("o", ignore_errors=True)
                shutil.rmtree("work.im", ignore_errors=True)
                shutil.copytree(f"{name}.im", "work.im")
                tool = casatools.image()
                tool.open("work.im")
                scope: dict[str, Any] = {
                    "ia": tool, "np": np, "csys": csys, "lengths": lengths, "inserted": inserted,
                    "name": name, "casatasks": casatasks, "casatools": casatools, "half": half,
                    "ia_axis": ia_axis, "one_stokes": one_stokes, "ellipse": ellipse,
                }  # fmt: skip
                try:
                    exec(case.casa, scope)
                except Exception as error:
                    sys.stderr.write(f"{('FAILED', key, error)}\n")
                    tool.done()
                    continue
                found = scope["out"]
                if isinstance(found, dict):  # a profile
                    kept[f"{key}|values"] = np.asarray(found["values"], "f4")
                    kept[f"{key}|mask"] = np.asarray(found["mask"], bool)
                    about = {"shape": found["values"].shape, "unit": found["yUnit"], "xunit": found["xUnit"]}
                    kept[f"{key}|about"] = np.array(json.dumps(about))
                    tool.done()
                    continue
                if isinstance(found, str):
                    path, found = found, casatools.image()
                    found.open(path)
                kept[f"{key}|values"] = found.getchunk().T.astype(
                    "f4" if found.getchunk().dtype.kind == "f" else "c8"
                )
                kept[f"{key}|mask"] = found.getchunk(getmask=True).T
                kept[f"{key}|about"] = np.array(json.dumps(described(found)))
                if only:
                    sys.stderr.write(f"{(key, kept[f'{key}|about'])}\n")
                found.done()
                tool.done()
        os.chdir(here)
    path = (
        Path(__file__).absolute().with_name(f"casa_{table}.npz")
        if not only
        else Path(tempfile.gettempdir()) / "casa_some.npz"
    )
    np.savez_compressed(path, **kept)
    sys.stderr.write(f"{(path, path.stat().st_size)}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
