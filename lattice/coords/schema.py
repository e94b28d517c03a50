"""Names of the image schema of xradio (0.0.2), which other tools read: all of them are in this file."""

from __future__ import annotations

__all__ = [
    "BEAM",
    "BEAM_LABELS",
    "DIMS",
    "FLAG",
    "FRAMES",
    "KIND",
    "OBSERVERS",
    "SKY",
    "SKY_NAMES",
    "SPECTRAL_FRAMES",
    "VERSION",
]

KIND = "image_dataset"
VERSION = "0.0.2"
DIMS = ("time", "frequency", "polarization", "l", "m")
SKY = "SKY"
FLAG = "FLAG_SKY"
BEAM = "BEAM_FIT_PARAMS_SKY"
BEAM_LABELS = ("major", "minor", "pa")
SKY_NAMES = {
    "fk5": ("right_ascension", "declination"),
    "fk4": ("right_ascension", "declination"),
    "icrs": ("right_ascension", "declination"),
    "galactic": ("galactic_longitude", "galactic_latitude"),
}
"""Labels of the sky by astropy's name of the frame."""

FRAMES = {"fk5": "FK5", "fk4": "FK4", "icrs": "ICRS"}
"""RADESYS by astropy's name of the frame."""

SPECTRAL_FRAMES = {
    "LSRK": "LSRK",
    "LSRD": "LSRD",
    "BARYCENT": "BARY",
    "TOPOCENT": "TOPO",
    "GEOCENTR": "GEO",
    "GALACTOC": "GALACTO",
    "LOCALGRP": "LGROUP",
    "CMBDIPOL": "CMB",
    "SOURCE": "REST",
}
"""Name of the spectral frame by SPECSYS."""

OBSERVERS = {"LSRK": "lsrk", "LSRD": "lsrd", "BARY": "icrs", "GEO": "gcrs"}
"""Name in a measure, where it is another one."""
