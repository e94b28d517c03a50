"""Keeps what CASA's toworld and topixel give at 20 pixels of each image of make_crtf_masks.py.

Run it with a Python in which casatools works; it needs astropy too.  Pixels and world coordinates are in
numpy order (slowest axis first); directions are in radians, frequencies in Hz, Stokes parameters by name.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from make_crtf_masks import IMAGES, SHAPE


def main() -> None:
    import casatools
    from astropy.io import fits

    out = Path(__file__).absolute().with_name("casa_positions.json")
    generator = np.random.default_rng(20)
    pixels = generator.uniform(0, np.array(SHAPE) - 1, (20, 4)).round(3)
    pixels[:, 1] = generator.integers(0, 4, 20)  # between two Stokes parameters there is none
    pixels[0] = 0
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, cards in IMAGES.items():
            header = fits.Header()
            for keyword, value in cards.items():
                header[keyword] = value
            fits.writeto(f"{name}.fits", np.zeros(SHAPE, "f4"), header)
            tool = casatools.image()
            tool.fromfits(f"{name}.im", f"{name}.fits")
            rows = []
            for pixel in pixels:
                values = tool.toworld(pixel[::-1].tolist(), "n")["numeric"].tolist()
                stokes = tool.toworld(pixel[::-1].tolist(), "m")["measure"]["stokes"]
                back = np.asarray(tool.topixel(values)["numeric"])
                rows.append({"world": values[::-1], "stokes": stokes, "back": back[::-1].tolist()})
            found[name] = rows
            tool.done()
        os.chdir("/")
    out.write_text(json.dumps({"pixels": pixels.tolist(), "images": found}, indent=0) + "\n")


if __name__ == "__main__":
    main()
