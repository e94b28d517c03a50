"""Names that casacore and FITS give to the same things: frames, projections, polarizations."""

from __future__ import annotations

from lattice.regions.ranges import POLARIZATIONS

__all__ = [
    "DIRECTIONS",
    "FITS_STOKES",
    "NATIVE_TYPES",
    "PARAMETERS",
    "PROJECTIONS",
    "SPECSYS",
    "STOKES_NUMBERS",
]

# Longitude and latitude of CTYPE, RADESYS and EQUINOX by frame. Frames that FITS does not have get a RADESYS
# or a CTYPE of their own, so that nobody takes them for another one.
DIRECTIONS: dict[str, tuple[str, str, str, float]] = {
    "J2000": ("RA", "DEC", "FK5", 2000.0),
    "ICRS": ("RA", "DEC", "ICRS", 0.0),
    "B1950": ("RA", "DEC", "FK4", 1950.0),
    "B1950_VLA": ("RA", "DEC", "FK4", 1979.9),
    "APP": ("RA", "DEC", "GAPPT", 0.0),
    "JMEAN": ("RA", "DEC", "JMEAN", 0.0),
    "JTRUE": ("RA", "DEC", "JTRUE", 0.0),
    "BMEAN": ("RA", "DEC", "BMEAN", 0.0),
    "BTRUE": ("RA", "DEC", "BTRUE", 0.0),
    "JNAT": ("RA", "DEC", "JNAT", 0.0),
    "TOPO": ("RA", "DEC", "TOPO", 0.0),
    **{
        name: ("RA", "DEC", name, 0.0)
        for name in (
            "MERCURY",
            "VENUS",
            "MARS",
            "JUPITER",
            "SATURN",
            "URANUS",
            "NEPTUNE",
            "PLUTO",
            "SUN",
            "MOON",
        )
    },
    "COMET": ("RA", "DEC", "COMET", 0.0),
    "GALACTIC": ("GLON", "GLAT", "", 0.0),
    "SUPERGAL": ("SLON", "SLAT", "", 0.0),
    "ECLIPTIC": ("ELON", "ELAT", "", 0.0),
    "MECLIPTIC": ("MELN", "MELT", "", 0.0),
    "TECLIPTIC": ("TELN", "TELT", "", 0.0),
    "ITRF": ("TLON", "TLAT", "", 0.0),
    "HADEC": ("HDLN", "HDLT", "", 0.0),
    "AZEL": ("AZLN", "AZLT", "", 0.0),
    "AZELNE": ("AZLN", "AZLT", "", 0.0),
    "AZELSW": ("AWLN", "AWLT", "", 0.0),
    "AZELGEO": ("AGLN", "AGLT", "", 0.0),
    "AZELNEGEO": ("AGLN", "AGLT", "", 0.0),
    "AZELSWGEO": ("AXLN", "AXLT", "", 0.0),
}

PARAMETERS: dict[str, tuple[float, ...]] = {
    "AZP": (0.0, 0.0),
    "SZP": (0.0, 0.0, 90.0),
    "SIN": (0.0, 0.0),
    "ZPN": (0.0,) * 20,
    "AIR": (90.0,),
    "CYP": (1.0, 1.0),
    "CEA": (1.0,),
    "COP": (45.0, 0.0),
    "COD": (45.0, 0.0),
    "COE": (45.0, 0.0),
    "COO": (45.0, 0.0),
    "BON": (45.0,),
}
"""Parameters of projections with their defaults; casacore wants all of them."""

PROJECTIONS = frozenset(PARAMETERS) | {
    "TAN", "STG", "ARC", "ZEA", "CAR", "MER", "PCO", "SFL", "PAR", "AIT", "MOL", "CSC", "QSC", "TSC", "HPX",
}  # fmt: skip

SPECSYS = {
    "TOPO": "TOPOCENT",
    "GEO": "GEOCENTR",
    "BARY": "BARYCENT",
    "LSRK": "LSRK",
    "LSRD": "LSRD",
    "GALACTO": "GALACTOC",
    "LGROUP": "LOCALGRP",
    "CMB": "CMBDIPOL",
    "REST": "SOURCE",
}
"""SPECSYS of each spectral frame."""

VELREF = {1: "LSRK", 2: "BARY", 3: "TOPO", 4: "LSRD", 5: "GEO", 6: "REST", 7: "GALACTO"}
"""Spectral frame by the VELREF of AIPS, which adds 256 for radio velocities."""

NATIVE_TYPES = ("FREQ", "VRAD", "VOPT", "BETA", "WAVE", "AWAV")
"""What a spectral axis was in a FITS file, by casacore's number."""

FITS_STOKES = {
    "I": 1, "Q": 2, "U": 3, "V": 4, "RR": -1, "LL": -2, "RL": -3, "LR": -4, "XX": -5, "YY": -6,
    "XY": -7, "YX": -8,
}  # fmt: skip
STOKES_NUMBERS = {"??": 0} | {name: i for i, name in enumerate(POLARIZATIONS, 1)}
"""casacore's own number of each polarization."""

QUALITIES = {"DATA": 1, "ERROR": 2}


def stokes_code(name: str) -> int:
    """Return the FITS code of a polarization; casacore adds 100 to its own where FITS has none.

    >>> stokes_code("LL"), stokes_code("Plinear")
    (-2, 129)
    """
    return FITS_STOKES.get(name, 100 + STOKES_NUMBERS.get(name, 0))


def longitude_of(ctype: str) -> str:
    """Return the first part of a CTYPE, without the projection.

    >>> longitude_of("RA---SIN"), longitude_of("AZLN-SIN")
    ('RA', 'AZLN')
    """
    return ctype[:4].rstrip("-").strip()
