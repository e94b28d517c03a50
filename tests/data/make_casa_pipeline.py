"""Makes casa_pipeline.json.gz: what benchmarks/pipeline_script.py writes in real CASA, for a small cube.

    casapy tests/data/make_casa_pipeline.py

Made with casatools and casatasks 6.7.0-31.
"""

from __future__ import annotations

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
from astropy.io import fits

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from benchmarks.pipeline import OUTPUTS, SCRIPT, make_inputs  # noqa: E402

SHAPE = (8, 40, 48)
KEPT = (
    "CTYPE", "CRVAL", "CRPIX", "CDELT", "CUNIT", "BUNIT", "BMAJ", "BMIN", "BPA", "RESTFRQ", "SPECSYS",
    "RADESYS", "EQUINOX", "BITPIX", "NAXIS",
)  # fmt: skip


def main() -> None:
    """Run the script in CASA and keep pixels, cards and numbers."""
    folder = Path(tempfile.mkdtemp())
    inputs = make_inputs(folder, SHAPE)
    os.chdir(folder)
    subprocess.run([sys.executable, str(SCRIPT), *map(str, inputs)], check=True)
    found = {"numbers": json.loads((folder / "numbers.json").read_text())}
    for name in OUTPUTS:
        with fits.open(folder / f"{name}.fits") as file:
            values = np.ascontiguousarray(file[0].data, "<f4")
            cards = {k: v for k, v in file[0].header.items() if k.rstrip("0123456789") in KEPT}
        data = base64.b64encode(zlib.compress(values.tobytes(), 9)).decode()
        found[name] = {"shape": values.shape, "pixels": data, "cards": cards}
    with gzip.GzipFile(HERE / "casa_pipeline.json.gz", "wb", mtime=0) as place:
        place.write(json.dumps(found, sort_keys=True).encode())


if __name__ == "__main__":
    main()
