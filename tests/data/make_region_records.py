"""Keeps region records as CASA makes them, with the pixels they select, in region_records.json.gz.

Run it with a Python in which casatools works; it needs astropy too.  The image is the first of
make_crtf_masks.py.
"""

from __future__ import annotations

import gzip
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_crtf_masks import IMAGES, SHAPE, _measure


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, np.ndarray):
        return [_plain(part) for part in value.tolist()]
    return value.item() if isinstance(value, np.generic) else value


def main() -> None:
    import casatools
    from astropy.io import fits

    out = Path(__file__).absolute().with_name("region_records.json.gz")
    records = []
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        header = fits.Header()
        for keyword, value in IMAGES["j2000"].items():
            header[keyword] = value
        fits.writeto("image.fits", np.ones(SHAPE, "f4"), header)
        tool, manager = casatools.image(), casatools.regionmanager()
        tool.fromfits("image.im", "image.fits")
        csys, shape = tool.coordsys().torecord(), [int(n) for n in tool.shape()]

        def text(content: str) -> Any:
            return manager.fromtext(content, shape, csys)

        disc = text("circle[[20.3pix, 15.2pix], 7.7pix]")
        ring = text("circle[[24.3pix, 12.2pix], 5.7pix], range=[1chan, 3chan]")
        made = [
            manager.box([1, 2, 0, 0], [5, 6, 3, 5]),
            manager.box([1, 2, 0, 0], [5, 6, 3, 5], [1, 2, 1, 1]),
            manager.box([0.25, 0.25], [0.5, 0.75], frac=True),
            manager.box([-3, -2], [4, 5], absrel="relcen"),
            manager.wbox(["1pix", "2pix"], ["5pix", "6pix"], [0, 1], csys),
            manager.wbox(["187.9deg", "60.2deg"], ["187.5deg", "60.4deg"], [0, 1], csys),
            disc,
            ring,
            text("ellipse[[187.7deg, 60.3deg], [9.3arcmin, 4.4arcmin], 20deg]"),
            text("poly[[187.5deg, 60.2deg], [187.9deg, 60.22deg], [187.8deg, 60.45deg]]"),
            text("annulus[[187.7deg, 60.3deg], [3.3arcmin, 7.4arcmin]], corr=[I, U]"),
            text("box[[2.1pix, 5.2pix], [13.3pix, 18.4pix]]\n-circle[[2.1pix, 6.2pix], 5.3pix]"),
            manager.frombcs(csys, shape, "1,2,13,24", "1~2", "IQ"),
            manager.makeunion({"a": disc, "b": ring}),
            manager.intersection({"a": disc, "b": ring}),
            manager.difference(disc, ring),
            manager.complement(disc),
        ]
        records = [{"record": _plain(record), **_measure(tool, lambda *_, r=record: r)} for record in made]
        tool.done()
        os.chdir("/")
    out.write_bytes(gzip.compress(json.dumps({"records": records}).encode(), mtime=0))


if __name__ == "__main__":
    main()
