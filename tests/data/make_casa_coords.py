"""Keeps coordinate systems, beams and metadata of images as real CASA stores and evaluates them.

Writes casa_coords.json.gz.  Run it with a Python in which casatools works and lattice can be imported: its
records need numpy and astropy only.  For each image there are the keywords of its table, world values of some
pixels as CASA finds them, beams of planes, and the record that lattice makes of the coordinates without the
stored one, with CASA's world values in an image that has it.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

OUT = Path(__file__).absolute().with_name("casa_coords.json.gz")


def plain(value: Any) -> Any:
    """Return a record as JSON: arrays of several axes in numpy order, with their types."""
    if isinstance(value, dict):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return {"__array__": str(value.dtype), "shape": value.T.shape, "values": value.T.ravel().tolist()}
    return value.item() if isinstance(value, np.generic) else value


def casa(value: Any) -> Any:
    """Return a record of lattice as casatools takes it."""
    if isinstance(value, dict):
        return {key: casa(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return value.T
    if isinstance(value, list):
        return np.array(value)
    return value.item() if isinstance(value, np.generic) else value


def header(**cards: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        "CTYPE1": "RA---SIN",
        "CRPIX1": 10.0,
        "CRVAL1": 150.0,
        "CDELT1": -0.01,
        "CUNIT1": "deg",
        "CTYPE2": "DEC--SIN",
        "CRPIX2": 8.0,
        "CRVAL2": 35.0,
        "CDELT2": 0.01,
        "CUNIT2": "deg",
        "RADESYS": "ICRS",
        "CTYPE3": "FREQ",
        "CRPIX3": 2.0,
        "CRVAL3": 1.42e9,
        "CDELT3": 1e6,
        "CUNIT3": "Hz",
        "RESTFRQ": 1.420405752e9,
        "SPECSYS": "LSRK",
        "CTYPE4": "STOKES",
        "CRPIX4": 1.0,
        "CRVAL4": 1.0,
        "CDELT4": 1.0,
        "TELESCOP": "VLA",
        "OBSERVER": "someone",
        "OBJECT": "M 33",
        "BTYPE": "Intensity",
        "BUNIT": "Jy/beam",
        "INSTRUME": "L",
        "DATE-OBS": "2010-05-06T07:08:09.25",
    }
    return base | cards


class Maker:
    """Makes the images in the current folder."""

    def __init__(self) -> None:
        import casatools

        self.tool, self.table, self.tools = casatools.image(), casatools.table(), casatools
        self.count = 0

    def imported(self, cards: dict[str, Any], shape: tuple[int, ...] = (2, 5, 16, 20)) -> str:
        from astropy.io import fits

        file = fits.PrimaryHDU(np.ones(shape, "f4"))
        file.header.update(cards)
        name = self.fresh()
        file.writeto(f"{name}.fits", overwrite=True)
        self.tool.fromfits(name, f"{name}.fits")
        self.tool.done()
        return name

    def fresh(self) -> str:
        self.count += 1
        return f"image{self.count}"

    def derived(self, name: str, make: Callable[[Any, str], Any]) -> str:
        """Return an image that a method of the image tool makes of another one."""
        out = self.fresh()
        self.tool.open(name)
        made = make(self.tool, out)
        if hasattr(made, "done"):
            made.done()
        self.tool.done()
        return out

    def with_system(self, name: str, change: Callable[[Any], Any]) -> str:
        """Return a copy of an image whose coordinate system was changed."""
        out = self.derived(name, lambda tool, new: tool.subimage(new))
        self.tool.open(out)
        system = self.tool.coordsys()
        change(system)
        self.tool.setcoordsys(system.torecord())
        self.tool.done()
        return out

    def images(self) -> dict[str, str]:
        cube = self.imported(header())
        turned = self.imported(header(CROTA2=30.0))
        optical = self.imported(header(CTYPE3="VOPT", CRVAL3=1e6, CDELT3=2e5, CUNIT3="m/s"))
        name = self.fresh()
        self.tool.fromshape(name, [12, 9, 4, 6])
        self.tool.done()
        region = self.tools.regionmanager().box([2, 3, 0, 0], [19, 15, 4, 1], [3, 2, 2, 1])
        return {
            "shape": name,
            "import": cube,
            "optical": optical,
            "radio": self.imported(header(CTYPE3="VRAD", CRVAL3=1e6, CDELT3=2e5, CUNIT3="m/s")),
            "wavelength": self.imported(header(CTYPE3="WAVE", CRVAL3=0.21, CDELT3=1e-4, CUNIT3="m")),
            "galactic": self.imported(header(CTYPE1="GLON-CAR", CTYPE2="GLAT-CAR", CRVAL2=0.0)),
            "slant": self.imported(header(PV2_1=0.1, PV2_2=-0.2)),
            "old": self.imported(header(CTYPE1="RA---NCP", CTYPE2="DEC--NCP", RADESYS="FK4", EQUINOX=1950.0)),
            "strides": self.derived(turned, lambda tool, new: tool.subimage(new, region=region)),
            "bins": self.derived(turned, lambda tool, new: tool.rebin(new, [4, 2, 1, 1])),
            "transposed": self.derived(turned, lambda tool, new: tool.transpose(new, "3021")),
            "channel": self.derived(
                optical,
                lambda tool, new: tool.subimage(
                    new, self.tools.regionmanager().box([0, 0, 2, 0], [19, 15, 2, 1]), dropdeg=True
                ),
            ),
            "collapsed": self.derived(turned, lambda tool, new: tool.collapse("mean", 0, new)),
            "row": self.derived(
                turned,
                lambda tool, new: tool.subimage(
                    new, self.tools.regionmanager().box([4, 0, 0, 0], [4, 15, 4, 1]), dropdeg=True
                ),
            ),
            "units": self.with_system(cube, _units),
            "rest frequencies": self.with_system(cube, _rest_frequencies),
            "velocities": self.with_system(cube, self.velocities),
            "converted": self.with_system(
                cube, lambda system: system.setconversiontype(direction="GALACTIC", spectral="BARY")
            ),
            "correlations": self.with_system(cube, lambda system: system.setstokes(["XX", "YY"])),
            "axes": self.linear_and_tabular(),
            "beams": self.with_beams(cube),
        }

    def velocities(self, system: Any) -> None:
        values = self.tools.quanta().quantity([10.0, 12.0, 15.0, 19.0, 20.0], "km/s")
        system.setspectral(velocities=values, doppler="optical")

    def linear_and_tabular(self) -> str:
        system = self.tools.coordsys().newcoordsys(
            linear=2, tabular=True, spectral=True, stokes=["RR", "LL", "V"]
        )
        system.settabular(pixel=[0.0, 1.0, 2.0, 3.0], world=[1.0, 4.0, 9.0, 16.0])
        system.setnames("Stokes Frequency depth width height")
        name = self.fresh()
        self.tool.fromshape(name, [3, 7, 5, 6, 4], csys=system.torecord())
        self.tool.done()
        return name

    def with_beams(self, name: str) -> str:
        out = self.derived(name, lambda tool, new: tool.subimage(new))
        self.tool.open(out)
        for channel in range(5):
            for polarization in range(2):
                self.tool.setrestoringbeam(
                    f"{3 + channel}arcsec",
                    f"{2 + polarization}arcsec",
                    f"{10 * channel}deg",
                    channel=channel,
                    polarization=polarization,
                )
        self.tool.setmiscinfo({"number": 3, "text": "a", "list": np.arange(3.0), "inner": {"x": 1.5}})
        self.tool.done()
        return out

    def keywords(self, name: str) -> dict[str, Any]:
        self.table.open(name)
        found = {
            key: self.table.getkeyword(key)
            for key in ("coords", "imageinfo", "miscinfo", "units")
            if key in self.table.keywordnames()
        }
        self.table.close()
        return found

    def evaluated(self, name: str) -> dict[str, Any]:
        """World values of pixels in the frames of the image, and beams."""
        self.tool.open(name)
        shape = [int(n) for n in self.tool.shape()]
        system = self.tool.coordsys()
        kinds = [str(kind) for kind in system.axiscoordinatetypes(world=True)]
        codes = system.referencecode()
        if "Direction" in kinds:
            system.setconversiontype(direction=str(codes[list(system.coordinatetype()).index("Direction")]))
        if "Spectral" in kinds and "Direction" in kinds:
            system.setconversiontype(spectral=str(codes[list(system.coordinatetype()).index("Spectral")]))
        rng = np.random.default_rng(3)
        pixels = [[int(rng.integers(0, n)) for n in shape] for _ in range(8)]
        world = [
            np.asarray(system.toworld([float(p) for p in pixel], "n")["numeric"]).tolist() for pixel in pixels
        ]
        out = {
            "shape": shape,
            "kinds": kinds,
            "units": list(system.units()),
            "pixels": pixels,
            "world": world,
        }
        beams = self.tool.restoringbeam()
        if beams.get("nChannels"):
            planes = [(c, p) for c in range(5) for p in range(2)]
            out["beams"] = [plain(self.tool.restoringbeam(channel=c, polarization=p)) for c, p in planes]
        self.tool.done()
        return out

    def written(self, name: str, record: dict[str, Any], shape: list[int]) -> dict[str, Any]:
        """Return what CASA finds in an image with a record of lattice."""
        new = self.fresh()
        self.tool.fromshape(new, shape, linear=True)
        self.tool.done()
        self.table.open(new, nomodify=False)
        self.table.putkeyword("coords", casa(record))
        self.table.close()
        return self.evaluated(new)


def _units(system: Any) -> None:
    system.setunits("arcsec arcsec MHz ''", overwrite=True)


def _rest_frequencies(system: Any) -> None:
    for hertz in (1.61e9, 1.66e9):
        system.setrestfrequency(hertz, append=True)


def main() -> None:
    from lattice.io.casa_records import coords_from_record, coords_to_record

    kept: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        maker = Maker()
        for label, name in maker.images().items():
            keywords = plain(maker.keywords(name))
            measured = maker.evaluated(name)
            shape = tuple(measured["shape"][::-1])
            coords, cards = coords_from_record(restored(keywords["coords"]), shape)
            record = coords_to_record(replace(coords, _native=None), cards, shape)
            ours = maker.written(name, record, measured["shape"])
            kept[label] = {
                "keywords": keywords,
                "measured": measured,
                "record": plain_ours(record),
                "ours": ours,
            }
    with gzip.GzipFile(OUT, "wb", mtime=0) as file:
        file.write(json.dumps(kept).encode())


def plain_ours(value: Any) -> Any:
    """Return a record of lattice as JSON."""
    if isinstance(value, dict):
        return {key: plain_ours(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return {"__array__": str(value.dtype), "shape": value.shape, "values": value.ravel().tolist()}
    return value.item() if isinstance(value, np.generic) else value


def restored(value: Any) -> Any:
    """Return a record from JSON."""
    if isinstance(value, dict) and "__array__" in value:
        return np.array(value["values"], value["__array__"]).reshape(value["shape"])
    if isinstance(value, dict):
        return {key: restored(part) for key, part in value.items()}
    return value


if __name__ == "__main__":
    main()
