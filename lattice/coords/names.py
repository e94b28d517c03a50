"""Names of the labels of axes: one table for everything that labels pixels."""

from __future__ import annotations

__all__ = ["SKY_LABELS", "SPECTRAL_LABELS", "sky_labels"]

SKY_LABELS = {
    "RA": ("ra", "dec"),
    "GLON": ("glon", "glat"),
    "ELON": ("elon", "elat"),
    "HLON": ("hlon", "hlat"),
    "SLON": ("slon", "slat"),
    "TLON": ("tlon", "tlat"),
    "HPLN": ("hpln", "hplt"),
}
"""Labels of the sky by the first letters of the longitude's CTYPE."""

SPECTRAL_LABELS = {
    "FREQ": ("frequency", "Hz"),
    "VRAD": ("velocity", "m/s"),
    "VOPT": ("velocity", "m/s"),
    "VELO": ("velocity", "m/s"),
    "WAVE": ("wavelength", "m"),
    "AWAV": ("wavelength", "m"),
    "ENER": ("energy", "J"),
    "WAVN": ("wavenumber", "m-1"),
    "ZOPT": ("redshift", ""),
    "BETA": ("beta", ""),
}
"""Label and SI unit of each spectral variable."""


def sky_labels(ctype: str) -> tuple[str, str]:
    """Return the labels of longitude and latitude for the CTYPE of the longitude axis.

    >>> sky_labels("GLON-CAR"), sky_labels("RA---TAN"), sky_labels("MRLN-CAR")
    (('glon', 'glat'), ('ra', 'dec'), ('lon', 'lat'))
    """
    return SKY_LABELS.get(ctype[:4].rstrip("-").strip().upper(), ("lon", "lat"))
