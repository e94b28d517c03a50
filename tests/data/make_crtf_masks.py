"""Measures which pixels CASA gives for the texts in crtf_texts.json, and writes crtf_masks.json.gz.

Run it with a Python in which casatools works; it needs astropy too. Every image is 40 x 32 pixels, 4 Stokes
parameters and 6 channels. Masks are packed bits of the whole image in numpy order, errors are kept as such.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (6, 4, 32, 40)

_CUBE = {
    "CTYPE3": "STOKES", "CRPIX3": 1.0, "CRVAL3": 1.0, "CDELT3": 1.0, "CUNIT3": "",
    "CTYPE4": "FREQ", "CRPIX4": 1.0, "CRVAL4": 1.4e9, "CDELT4": 1.0e6, "CUNIT4": "Hz",
    "RESTFRQ": 1.42040575e9, "SPECSYS": "LSRK",
}  # fmt: skip


def _sky(lon: str, lat: str, proj: str, at: tuple[float, float], step: float, **more: Any) -> dict[str, Any]:
    dash = {"RA": "RA---", "DEC": "DEC--", "GLON": "GLON-", "GLAT": "GLAT-"}
    cards = {
        "CTYPE1": dash[lon] + proj, "CRPIX1": 20.0, "CRVAL1": at[0], "CDELT1": -step, "CUNIT1": "deg",
        "CTYPE2": dash[lat] + proj, "CRPIX2": 16.0, "CRVAL2": at[1], "CDELT2": step, "CUNIT2": "deg",
    }  # fmt: skip
    return {**cards, **_CUBE, **more}


IMAGES = {
    "j2000": _sky("RA", "DEC", "SIN", (187.7, 60.3), 1 / 60, RADESYS="FK5", EQUINOX=2000.0),
    "icrs": _sky("RA", "DEC", "TAN", (83.6, -5.4), 0.1, RADESYS="ICRS"),
    "galactic": _sky("GLON", "GLAT", "TAN", (30.0, 1.0), 0.05),
    "b1950": _sky("RA", "DEC", "SIN", (187.0, 12.6), 1 / 60, RADESYS="FK4", EQUINOX=1950.0),
    "turned": _sky(
        "RA",
        "DEC",
        "SIN",
        (10.0, 20.0),
        1 / 60,
        RADESYS="FK5",
        EQUINOX=2000.0,
        PC1_1=0.8,
        PC1_2=-0.6,
        PC2_1=0.6,
        PC2_2=0.8,
    ),
    "oblong": _sky("RA", "DEC", "SIN", (10.0, -70.0), 1 / 60, RADESYS="FK5", EQUINOX=2000.0, CDELT2=0.025),
    "flipped": _sky("GLON", "GLAT", "SIN", (30.0, 1.0), 0.05, CDELT1=0.05),
    "car": _sky("RA", "DEC", "CAR", (40.0, 0.0), 0.05, RADESYS="FK5", EQUINOX=2000.0, CRPIX2=-590.0),
    "velocity": _sky(
        "RA",
        "DEC",
        "TAN",
        (83.6, -5.4),
        0.1,
        RADESYS="ICRS",
        CTYPE4="VRAD",
        CRVAL4=-5000.0,
        CDELT4=2000.0,
        CUNIT4="m/s",
        CRVAL3=-5.0,
        CDELT3=-1.0,
        VELREF=257,
    ),
}

# box, chans, stokes and a region text, as tasks take them; all on the first image
STRINGS = [
    ("3,4,10,12", "", "", ""),
    ("3,4,10,12,20,4,25,31", "", "", ""),
    (" 3, 4,10 ,12 ", "1~3", "I", ""),
    ("30,4,40,12", "", "", ""),
    ("10,4,3,12", "", "", ""),
    ("-1,4,3,12", "", "", ""),
    ("3,4,10", "", "", ""),
    ("", "2", "", ""),
    ("", "2~4", "", ""),
    ("", "<2", "", ""),
    ("", "<=2", "", ""),
    ("", ">2", "", ""),
    ("", ">=2", "", ""),
    ("", "0,2~3", "", ""),
    ("", "0;3~4", "", ""),
    ("", " 0 , 3 ~ 4 ", "", ""),
    ("", "1~3,2~4", "", ""),
    ("", "4~2", "", ""),
    ("", "3~9", "", ""),
    ("", "9", "", ""),
    ("", "0~5^2", "", ""),
    ("", "!3", "", ""),
    ("", "<9", "", ""),
    ("", "<0", "", ""),
    ("", ">5", "", ""),
    ("", "range=[1chan,3chan]", "", ""),
    ("", "range=[1.4011GHz,1402.9MHz]", "", ""),
    ("", "range=[3500km/s,4000km/s]", "", ""),
    ("", "range=[3500km/s,4000km/s], veltype=OPTICAL", "", ""),
    ("", "range=[-200km/s,500km/s], restfreq=1.402GHz", "", ""),
    ("", "", "I", ""),
    ("", "", "IQ", ""),
    ("", "", "iv", ""),
    ("", "", "I,V", ""),
    ("", "", "V,I", ""),
    ("", "", "I;V", ""),
    ("", "", "XX", ""),
    ("", "", "W", ""),
    ("", "", "IQUV", ""),
    ("3,4,10,12", "0,4", "I,U", ""),
    ("3,4,10,12", "", "", "circle[[20.3pix, 15.2pix], 5.7pix]"),
    ("3,4,10,12", "", "", "circle[[20.3pix, 15.2pix], 5.7pix]\n-circle[[9.3pix, 10.2pix], 5.7pix]"),
    ("", "1~2", "", "circle[[20.3pix, 15.2pix], 5.7pix]"),
    ("", "0,3", "", "circle[[20.3pix, 15.2pix], 5.7pix]"),
    ("", "", "Q", "circle[[20.3pix, 15.2pix], 5.7pix]"),
    ("", "1~2", "IQ", "circle[[20.3pix, 15.2pix], 5.7pix]"),
    ("", "1~2", "", "circle[[20.3pix, 15.2pix], 5.7pix], range=[1chan, 3chan]"),
    ("", "", "Q", "circle[[20.3pix, 15.2pix], 5.7pix], corr=[I]"),
    ("3,4,10,12", "1~2", "Q", "circle[[20.3pix, 15.2pix], 5.7pix]"),
]

TEXTS: list[tuple[str, str]] = json.loads((Path(__file__).parent / "crtf_texts.json").read_text())


def _measure(tool: Any, make: Callable[[list[int], Any], Any]) -> dict[str, Any]:
    try:
        region = make([int(n) for n in tool.shape()], tool.coordsys().torecord())
        box = tool.boundingbox(region)
        inside = np.asarray(tool.getregion(region=region, getmask=True, dropdeg=False)).T
    except RuntimeError as error:
        return {"error": str(error).splitlines()[0].split("\t")[-1].split(" at File")[0][-200:]}
    full = np.zeros(SHAPE, bool)
    first = [int(n) for n in box["blc"]][::-1]
    steps = [int(n) for n in box["inc"]][::-1]
    full[tuple(slice(b, b + n * k, k) for b, n, k in zip(first, inside.shape, steps, strict=True))] = inside
    packed = base64.b64encode(np.packbits(full).tobytes()).decode()
    return {"bits": packed, "count": int(full.sum())}


def main() -> None:
    import casatools
    from astropy.io import fits

    out = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("crtf_masks.json.gz")
    out = out.absolute()
    records = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        manager, tools = casatools.regionmanager(), {}
        for name, cards in IMAGES.items():
            header = fits.Header()
            for keyword, value in cards.items():
                header[keyword] = value
            fits.writeto(f"{name}.fits", np.ones(SHAPE, "f4"), header)
            tools[name] = casatools.image()
            tools[name].fromfits(f"{name}.im", f"{name}.fits")
        for name, text in TEXTS:
            found = _measure(tools[name], lambda shape, csys, text=text: manager.fromtext(text, shape, csys))
            records.append({"image": name, "text": text, **found})
        strings = []
        for box, chans, stokes, region in STRINGS:

            def select(shape: Any, csys: Any, args: Any = (box, chans, stokes, "a", region)) -> Any:
                return manager.frombcs(csys, shape, *args)

            found = _measure(tools["j2000"], select)
            strings.append({"box": box, "chans": chans, "stokes": stokes, "region": region, **found})
        for tool in tools.values():
            tool.done()
        os.chdir("/")
    content = {
        "casatools": casatools.version_string(),
        "shape": SHAPE,
        "images": IMAGES,
        "records": records,
        "strings": strings,
    }
    out.write_bytes(gzip.compress(json.dumps(content).encode(), mtime=0))


if __name__ == "__main__":
    main()
