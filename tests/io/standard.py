"""Whether a FITS file follows the standard: by astropy, and by fitsverify where that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import warnings

from astropy.io import fits

FITSVERIFY = shutil.which("fitsverify")


def check_standard(path: object, may_warn: bool = False) -> None:
    """Fail if astropy warns of a file, or fitsverify finds an error or (unless it may) a warning in it."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(path) as hdus:
            hdus.verify("exception")
            for hdu in hdus:
                assert hdu.data is not None or hdu.header["NAXIS"] == 0
                for card in hdu.header.cards:
                    card.verify("exception")
                    assert card.value is not NotImplemented
    if not str(path).endswith(".gz"):
        assert os.path.getsize(str(path)) % 2880 == 0
    if FITSVERIFY is not None:
        command = [FITSVERIFY, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=240)
        found = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("*** ")]
        assert may_warn or not found, found
        assert not [line for line in found if "Warning" not in line], found
        assert " 0 error(s)" in done.stdout, done.stdout
