"""Records of component lists, as CASA's component list tool makes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.compat.casa.core import system_of
from lattice.compat.casa.errors import ArgumentError, CasaError
from lattice.compat.casa.quantities import converted, in_unit
from lattice.compat.casa.sky import moved
from lattice.image import Image
from lattice.io.components import SHAPES, Component

__all__ = ["components_of"]


def components_of(record: Mapping[str, Any], image: Image) -> list[Component]:
    """Return the components of a record, with their places in the frame of an image.

    Raises
    ------
    CasaError
        When there are none, and for shapes, spectra and polarisations that are not taken.
    """
    if not isinstance(record, Mapping):
        raise ArgumentError(f"{record!r} is no list of components", hint="give the record of cl.torecord()")
    keys = sorted((k for k in record if k.startswith("component")), key=lambda k: int(k[9:]))
    if not keys:
        raise CasaError("there are no components in the list")
    system = system_of(image)
    number = system.number_of("direction")
    if number is None:
        raise CasaError("components have places on the sky, and the image has no sky axes")
    return [_component(key, record[key], str(system.part(number)["system"])) for key in keys]


def _component(name: str, one: Any, frame: str) -> Component:
    advice = "give the record of cl.torecord()"
    try:
        flux, shape, spectrum = one["flux"], one["shape"], one["spectrum"]
        direction, refer = shape["direction"], str(shape["direction"]["refer"])
        kind = str(shape["type"]).lower()
        if kind not in SHAPES:
            raise CasaError(f"{name}: the shape {shape['type']!r} is not taken", hint=", ".join(SHAPES))
        lon, lat = (in_unit(direction[key], "deg", "rad") for key in ("m0", "m1"))
        if refer.upper() != frame.upper():
            lon, lat = moved(lon, lat, refer, frame)
        sizes = {}
        if kind != "point":
            words = {"major": "majoraxis", "minor": "minoraxis", "pa": "positionangle"}
            sizes = {key: in_unit(shape[word], "deg", "rad") for key, word in words.items()}
        index, hertz = _spectrum(name, spectrum)
        return Component(lon, lat, _fluxes(name, flux), kind, index=index, frequency=hertz, **sizes)
    except (KeyError, TypeError, IndexError) as error:
        raise CasaError(f"{name} is no component: {error!r}", hint=advice) from error


def _fluxes(name: str, flux: Mapping[str, Any]) -> tuple[float, ...]:
    if str(flux.get("polarisation", "Stokes")).lower() != "stokes":
        raise CasaError(f"{name}: the flux has Stokes parameters, not {flux['polarisation']!r}")
    values = np.atleast_1d(np.asarray(flux["value"]))
    if np.iscomplexobj(values) and values.imag.any():
        raise CasaError(f"{name}: fluxes are real")
    return tuple(
        float(v) for v in converted(values.real.astype(np.float64), str(flux.get("unit", "Jy")), "Jy")
    )


def _spectrum(name: str, spectrum: Mapping[str, Any]) -> tuple[float, float]:
    kind = str(spectrum["type"]).lower()
    if kind == "constant":
        return 0.0, 0.0
    if kind != "spectral index":
        raise CasaError(
            f"{name}: a spectrum {spectrum['type']!r} is not taken", hint="Constant or Spectral Index"
        )
    return float(spectrum["index"]), in_unit(spectrum["frequency"]["m0"], "Hz", "Hz")
