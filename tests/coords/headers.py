"""Headers of all sorts, that several tests use."""

from __future__ import annotations

SIN = {
    "CTYPE1": "RA---SIN", "CRPIX1": 31.25, "CRVAL1": 83.6, "CDELT1": -0.01, "CUNIT1": "deg",
    "CTYPE2": "DEC--SIN", "CRPIX2": 17.5, "CRVAL2": -22.0, "CDELT2": 0.01, "CUNIT2": "deg",
    "RADESYS": "FK5", "EQUINOX": 2000.0,
}  # fmt: skip
SLANT_SIN = {**SIN, "PV2_1": 0.01, "PV2_2": -0.02, "LONPOLE": 170.0}
CUBE = {
    **SIN,
    "WCSAXES": 4,
    "CTYPE3": "STOKES", "CRPIX3": 1.0, "CRVAL3": 1.0, "CDELT3": 1.0,
    "CTYPE4": "FREQ", "CRPIX4": 3.0, "CRVAL4": 1.4e9, "CDELT4": 1e6, "CUNIT4": "Hz",
    "RESTFRQ": 1.42040575e9, "SPECSYS": "LSRK",
}  # fmt: skip
TAN_SIP = {
    "CTYPE1": "RA---TAN-SIP", "CRPIX1": 40.0, "CRVAL1": 150.0,
    "CTYPE2": "DEC--TAN-SIP", "CRPIX2": 30.0, "CRVAL2": 40.0,
    "CD1_1": -2e-3, "CD1_2": 3e-4, "CD2_1": 3.5e-4, "CD2_2": 2.1e-3,
    "A_ORDER": 3, "A_2_0": 2e-4, "A_1_1": -3e-4, "A_0_2": 1e-4, "A_3_0": 1e-6,
    "B_ORDER": 2, "B_2_0": -1e-4, "B_1_1": 2.5e-4, "B_0_2": 4e-4,
    "AP_ORDER": 1, "AP_1_0": 1e-5, "BP_ORDER": 1, "BP_0_1": 1e-5,
}  # fmt: skip
CAR_PC = {
    "CTYPE1": "GLON-CAR", "CRPIX1": 20.0, "CRVAL1": 30.0, "CDELT1": -0.1,
    "CTYPE2": "GLAT-CAR", "CRPIX2": 25.0, "CRVAL2": 0.0, "CDELT2": 0.15,
    "PC1_1": 0.8, "PC1_2": -0.6, "PC2_1": 0.6, "PC2_2": 0.8,
}  # fmt: skip
CROTA = {
    "CTYPE1": "RA---TAN", "CRPIX1": 20.0, "CRVAL1": 30.0, "CDELT1": -0.1,
    "CTYPE2": "DEC--TAN", "CRPIX2": 25.0, "CRVAL2": 10.0, "CDELT2": 0.15, "CROTA2": 33.0,
    "CTYPE3": "VRAD", "CRPIX3": 2.0, "CRVAL3": 1000.0, "CDELT3": 500.0, "RESTFRQ": 1.42e9,
}  # fmt: skip
MIXED = {  # a slit: velocity depends on the position
    "CTYPE1": "RA---TAN", "CRPIX1": 20.0, "CRVAL1": 30.0, "CDELT1": -0.1,
    "CTYPE2": "DEC--TAN", "CRPIX2": 25.0, "CRVAL2": 10.0, "CDELT2": 0.15,
    "CTYPE3": "VRAD", "CRPIX3": 2.0, "CRVAL3": 1000.0, "CDELT3": 500.0, "PC3_1": 0.2, "RESTFRQ": 1.42e9,
}  # fmt: skip
BARE = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 10.0, "CRVAL2": 20.0, "CDELT1": 0.1}
ALTERNATE = {
    **CAR_PC,
    "WCSNAMEA": "pixels", "CTYPE1A": "XPIX", "CRPIX1A": 5.0, "CDELT1A": 2.0, "CRVAL1A": 7.0,
    "CTYPE2A": "YPIX", "CRPIX2A": 6.0, "CDELT2A": 3.0, "CRVAL2A": 8.0,
}  # fmt: skip
HEADERS = {
    "sin": (SIN, 2), "slant": (SLANT_SIN, 2), "cube": (CUBE, 4), "sip": (TAN_SIP, 2), "car": (CAR_PC, 2),
    "crota": (CROTA, 3), "mixed": (MIXED, 3), "bare": (BARE, 2), "alternate": (ALTERNATE, 2),
}  # fmt: skip
