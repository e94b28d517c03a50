"""Coordinates from the image schema of xradio: projection plane in radians, frames by astropy's names."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.coords import schema
from lattice.coords.from_labels import system_of_labels
from lattice.coords.header import Card
from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeTypeError

__all__ = ["system_of_schema"]

Label = tuple[np.ndarray, Mapping[str, Any]]


def system_of_schema(
    labels: Mapping[str, Label], info: Mapping[str, Any], mjd: float
) -> CoordinateSystem | None:
    """Return the coordinates of an image of (frequency, stokes, y, x).

    Parameters
    ----------
    labels : mapping of str to (values, attrs)
        ``frequency``, ``polarization``, ``l`` and ``m``.
    info : mapping
        The attribute ``coordinate_system_info``.
    mjd : float
        When the image was observed, 0 if unknown.

    Raises
    ------
    LatticeTypeError
        When the sky has one pixel in a direction, so that its size is not known.
    """
    direction, pole = info["reference_direction"], info["native_pole_direction"]
    frame = str(direction["attrs"]["frame"])
    galactic = frame == "galactic"
    cards: list[Card] = []
    matrix = np.array(info["pixel_coordinate_transformation_matrix"])
    for k, (prefix, dim) in enumerate(
        (("GLON" if galactic else "RA--", "l"), ("GLAT" if galactic else "DEC-", "m"))
    ):
        values = np.rad2deg(labels[dim][0])
        if len(values) < 2:
            raise LatticeTypeError(f"the size of the pixels along {dim!r} is not known")
        step = (values[-1] - values[0]) / (len(values) - 1)
        cards += [
            (f"CTYPE{k + 1}", f"{prefix}-{info['projection']}", ""),
            (f"CRVAL{k + 1}", math.degrees(direction["data"][k]), ""),
            (f"CDELT{k + 1}", float(step), ""),
            (f"CRPIX{k + 1}", float(1 - values[0] / step), ""),
            (f"CUNIT{k + 1}", "deg", ""),
        ]
        cards += [(f"PC{k + 1}_{j + 1}", float(matrix[k, j]), "") for j in range(2)]
    cards += [(f"PV2_{m}", float(v), "") for m, v in enumerate(info["projection_parameters"], 1) if v]
    cards += [(key, math.degrees(v), "") for key, v in zip(("LONPOLE", "LATPOLE"), pole["data"], strict=True)]
    if frame in schema.FRAMES:
        cards.append(("RADESYS", schema.FRAMES[frame], ""))
        equinox = str(direction["attrs"].get("equinox", "")).lower().lstrip("bj")
        if equinox and frame != "icrs":
            cards.append(("EQUINOX", float(equinox), ""))
    if mjd:
        cards.append(("MJD-OBS", mjd, ""))
    others = {
        "frequency": (labels["frequency"][0], _frequency_attrs(labels["frequency"][1])),
        "stokes": (labels["polarization"][0], {"axis_kind": "stokes"}),
    }
    sky = CoordinateSystem.from_header(cards, (1, 1))
    return system_of_labels(("frequency", "stokes", "y", "x"), others, sky)


def _frequency_attrs(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of frequencies as ours say it."""
    frames = {v: k for k, v in schema.SPECTRAL_FRAMES.items()}
    rest = attrs.get("rest_frequency", {})
    label = {
        "units": attrs.get("units", "Hz"),
        "axis_kind": "spectral",
        "rest_frequency": rest.get("data") if isinstance(rest, Mapping) else rest,
        "specsys": frames.get(str(attrs.get("frame", "")).upper(), ""),
    }
    width = attrs.get("channel_width")
    if isinstance(width, Mapping):
        label["channel_width"] = width.get("data")
    return label
