"""Keeps region records as lattice writes them, with the pixels that CASA selects by them.

``make_written_records.py write`` writes the records, with a Python in which lattice works, and
``make_written_records.py measure`` adds CASA's pixels, with a Python in which casatools works.  Both need
astropy.  The image is the first of make_crtf_masks.py.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

FILE = Path(__file__).absolute().with_name("written_records.json.gz")
SHAPE = (6, 4, 32, 40)


def regions() -> dict[str, Any]:
    """The regions that are written, by name."""
    from lattice import regions as r

    disc = r.Circle((187.7, 60.3), "6.3arcmin")
    ring = r.Circle(("24.3pix", "12.2pix"), "5.7pix")
    channels = r.SpectralRange("1chan", "3chan")
    pixel_disc = r.PixelEllipse((12.2, 20.3), (3.4, 8.6), 30, SHAPE)
    ball = r.PixelEllipsoid((2.5, 1.5, 15.3, 20.2), (2.2, 1.8, 9.1, 7.3), SHAPE)
    pixel_box = r.PixelBox((1, 0, 3, 5), (4, 3, 20, 30), shape=SHAPE)
    return {
        "circle": disc,
        "circle galactic": r.Circle((127.53, 56.63), "6.3arcmin", frame="GALACTIC"),
        "circle pixels": ring,
        "ellipse": r.Ellipse((187.7, 60.3), ("9.3arcmin", "4.4arcmin"), 20, frame="J2000"),
        "ellipse across": r.Ellipse((187.7, 60.3), ("4.4arcmin", "9.3arcmin"), 20, frame="J2000"),
        "ellipse pixels": r.Ellipse(("20.3pix", "15.2pix"), ("9.3pix", "4.4pix"), 110),
        "ellipse b1950": r.Ellipse((187.17, 60.58), ("9.3arcmin", "4.4arcmin"), 25, frame="B1950"),
        "annulus": r.Annulus((187.7, 60.3), "3.3arcmin", "7.4arcmin", frame="J2000"),
        "box": r.WorldBox((187.5, 60.2), (187.9, 60.4), frame="J2000"),
        "box pixels": r.WorldBox(("5.6pix", "3.4pix"), ("12.4pix", "9.6pix")),
        "centre box": r.CenterBox((187.7, 60.3), ("10.3arcmin", "7.1arcmin")),
        "centre box mixed": r.CenterBox((187.7, 60.3), ("10.3pix", "7.1pix")),
        "centre box pixels": r.CenterBox(("20.2pix", "15.1pix"), ("10.3pix", "7.1pix")),
        "rotated box": r.RotatedBox((187.7, 60.3), ("14.3arcmin", "6.2arcmin"), 30),
        "rotated box pixels": r.RotatedBox(("20.2pix", "15.1pix"), ("14.3pix", "6.2pix"), 30),
        "polygon": r.WorldPolygon(((187.5, 60.2), (187.9, 60.22), (187.8, 60.45)), frame="J2000"),
        "polygon pixels": r.WorldPolygon(
            (("3.2pix", "4.1pix"), ("30.3pix", "6.2pix"), ("20.4pix", "28.8pix"))
        ),
        "frequencies": r.SpectralRange("1.4011GHz", "1402.9MHz"),
        "velocities": r.SpectralRange("3500km/s", "4000km/s", convention="OPTICAL"),
        "channels": r.ChannelSelection(((0, 1), (4, None))),
        "stokes": r.StokesSelection(("Q", "U")),
        "stokes apart": r.StokesSelection(("I", "V")),
        "extended": disc & channels & r.StokesSelection(("I", "V")),
        "ranges": channels & r.StokesSelection(("Q",)),
        "twice": channels & r.SpectralRange("2chan", "5chan"),
        "union": disc | (ring & channels),
        "difference": disc - ring,
        "complement": ~disc,
        "intersection": disc & ring,
        "text": r.from_crtf("circle[[20.3pix, 15.2pix], 9.7pix]\n-circle[[12.3pix, 15.2pix], 3.7pix]\n"
                            "box[[1.1pix, 2.2pix], [9.9pix, 7.3pix]], corr=[I, U], range=[1chan, 2chan]"),
        "text away": r.from_crtf("-circle[[20.3pix, 15.2pix], 9.7pix]\n-circle[[12.3pix, 15.2pix], 3.7pix]"),
        "boxes": r.from_strings(box="3,4,10,12,20,4,25,31"),
        "lattice box": pixel_box,
        "lattice ellipse": pixel_disc,
        "lattice ellipsoid": ball,
        "lattice polygon": r.PixelPolygon((3.2, 30.3, 20.4), (4.1, 6.2, 28.8), SHAPE),
        "lattice polygon across": r.PixelPolygon((0.2, 3.3, 2.4), (4.1, 6.2, 28.8), SHAPE, (2, 1)),
        "lattice mask": r.MaskRegion(np.indices(SHAPE).sum(axis=0) % 3 == 0),
        "lattice union": pixel_disc | pixel_box,
        "lattice intersection": ball & pixel_box,
        "lattice difference": pixel_box - pixel_disc,
        "lattice complement": ~ball,
        "strides": r.PixelBox((0, 0, 3, 5), (5, 3, 20, 30), (1, 1, 2, 3), shape=SHAPE),
        "relative": r.RelativeBox((-2.0, -3.0), (5.0, 4.0), "centre"),
        "fractions": r.RelativeBox((0.25, 0.25), (0.75, 0.5), fractions=True),
    }  # fmt: skip


def plain(value: Any) -> Any:
    """Return a record as JSON can hold it, without the coordinates."""
    if isinstance(value, dict):
        return {key: "@" if key == "coordinates" else plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list):
        return [plain(part) for part in value]
    return value.item() if isinstance(value, np.generic) else value


def write() -> None:
    """Write the records."""
    from make_crtf_masks import IMAGES

    from lattice.coords.system import CoordinateSystem
    from lattice.graph.attributes import Attributes
    from lattice.regions import to_record

    records = json.loads(gzip.decompress(FILE.with_name("region_records.json.gz").read_bytes()))["records"]
    csys = next(e["record"]["coordinates"] for e in records if "coordinates" in e["record"])
    coords = CoordinateSystem.from_header([(k, v, "") for k, v in IMAGES["j2000"].items()], SHAPE)
    attrs = Attributes(np.dtype("f4"), SHAPE, coords.dims, coords=coords)
    found = {name: {"record": plain(to_record(r, csys, attrs))} for name, r in regions().items()}
    FILE.write_bytes(gzip.compress(json.dumps({"coordinates": csys, "records": found}).encode(), mtime=0))


def measure() -> None:
    """Add what CASA selects."""
    import casatools
    from astropy.io import fits
    from make_crtf_masks import IMAGES, _measure

    content = json.loads(gzip.decompress(FILE.read_bytes()))
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        fits.writeto("image.fits", np.ones(SHAPE, "f4"), fits.Header(IMAGES["j2000"]))
        tool = casatools.image()
        tool.fromfits("image.im", "image.fits")
        csys = tool.coordsys().torecord()

        def whole(value: Any) -> Any:
            if not isinstance(value, dict):
                return value
            out = {key: csys if key == "coordinates" else whole(part) for key, part in value.items()}
            if "mask" in out:
                out["mask"] = np.array(out["mask"], bool)
            return out

        for name, entry in content["records"].items():
            record = whole(entry["record"])
            content["records"][name] = {"record": entry["record"], **_measure(tool, lambda *_, r=record: r)}
        tool.done()
        os.chdir("/")
    FILE.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


if __name__ == "__main__":
    {"write": write, "measure": measure}[sys.argv[1]]()
