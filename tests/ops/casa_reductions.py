"""The images of tests/data/make_casa_reductions.py, and what CASA makes of them."""

from __future__ import annotations

import functools
import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from lattice import Image

_DATA = json.loads(gzip.decompress((Path(__file__).parents[1] / "data/casa_reductions.json.gz").read_bytes()))


@functools.cache
def image(name: str, with_beams: bool = True) -> Image:
    """Return one of the images."""
    known = _DATA["images"][name]
    shape = tuple(known["shape"])
    header = dict(known["header"])
    unit = header.pop("BUNIT")
    beam: Any = None
    if "BMAJ" in header:
        beam = (header.pop("BMAJ"), header.pop("BMIN"), header.pop("BPA"))
    elif with_beams and known["beams"]:
        beam = [(a / 3600, b / 3600, p) for a, b, p in known["beams"]]
    values = _array(known["values"], shape)
    values = values.astype("c8" if np.iscomplexobj(values) else "f4")
    mask = np.array(known["mask"], bool).reshape(shape)
    return Image(values, wcs=header or None, mask=None if mask.all() else mask, unit=unit, beam=beam)


def calls(method: str) -> list[dict[str, Any]]:
    """Return the calls of a method of CASA's image tool that gave an answer."""
    found = [c for c in _DATA["calls"] if c["call"] == method]
    return [c for c in found if c["answer"] is not None and "error" not in c["answer"]]


def failures(method: str) -> list[dict[str, Any]]:
    """Return the calls that gave an error, or ended CASA."""
    return [
        c for c in _DATA["calls"] if c["call"] == method and (c["answer"] is None or "error" in c["answer"])
    ]


def array(kept: dict[str, Any]) -> np.ndarray:
    """Return an array of an answer."""
    return _array(kept["values"], kept["shape"])


def _array(values: list[Any], shape: Any) -> np.ndarray:
    flat = np.array(values)
    return (flat @ [1, 1j] if flat.ndim == 2 else flat).reshape(shape)


def dims_of(name: str, axes: list[int]) -> list[int]:
    """Return numpy numbers of axes that CASA counts from the fastest."""
    ndim = len(_DATA["images"][name]["shape"])
    return list(range(ndim)) if axes == [-1] else [ndim - 1 - a for a in axes]


def name_of(call: dict[str, Any]) -> str:
    """Return a short name of a call."""
    shown = [f"{k}={v}" for k, v in call.items() if k not in ("answer", "call", "image")]
    return "-".join([call["image"], *shown]).replace(" ", "")
