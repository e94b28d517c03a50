"""Images with known content, and what it means that one came back."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.coords.system import CoordinateSystem, default_dims
from lattice.graph.attributes import Attributes
from lattice.graph.records import FrozenArray, Record, frozen
from lattice.graph.sections import full
from lattice.io.base import Beam, ImageSpec, LogLine, MetaCard, Stored
from lattice.regions import PixelBox, PixelPolygon

__all__ = ["PARTS", "Sample", "alike", "good_pixels", "inside", "make_sample"]

PARTS = (
    "mask",
    "masks",
    "unit",
    "coords",
    "beam",
    "beams",
    "cards",
    "records",
    "history",
    "regions",
    "groups",
)
"""Words of `Format.can` that are parts of an image, in the order in which they are checked."""

_AXES: Mapping[str, tuple[tuple[str, float, float, float, str], ...]] = {
    # CTYPE, CRPIX, CRVAL, CDELT, CUNIT; fastest axis first
    "sky": (
        ("RA---SIN", 3.25, 83.6, -0.01, "deg"),
        ("DEC--SIN", 2.5, -22.0, 0.01, "deg"),
        ("FREQ", 2.0, 1.4e9, 1e6, "Hz"),
        ("STOKES", 1.0, 1.0, 1.0, ""),
    ),
}
_FRAME = (
    ("RADESYS", "FK5", ""),
    ("EQUINOX", 2000.0, ""),
    ("RESTFRQ", 1.42040575e9, "[Hz]"),
    ("SPECSYS", "LSRK", ""),
)
_CARDS: tuple[MetaCard, ...] = (
    ("OBJECT", "M 13", "what was observed"),
    ("OBSERVER", "O'Neil", ""),
    ("NSAMPLE", 12, "an integer"),
    ("GAIN", 2.5, "a real number"),
    ("TINY", 1.25e-37, ""),
    ("GOOD", True, "a truth value"),
)
_RECORDS: tuple[MetaCard, ...] = (
    ("SETUP", frozen({"name": "A", "depth": {"level": 2, "on": True}, "step": 0.5}), ""),
    ("WEIGHTS", frozen(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])), ""),
)
_LOG = (
    LogLine("imported from nowhere", 4.9e9, "NORMAL", "importer::run"),
    LogLine("smoothed, with a kernel of 3 pixels", 4.9e9 + 60, "WARN", "smoother"),
)


@dataclass(frozen=True)
class Sample:
    """An image that is written and read again.

    Attributes
    ----------
    spec : ImageSpec
        What it is.
    values : ndarray
        Its pixels.
    mask : ndarray of bool or None
        The mask that comes with the values; True = good.
    masks : dict of str to ndarray
        Further named masks.
    """

    spec: ImageSpec
    values: np.ndarray
    mask: np.ndarray | None = None
    masks: Mapping[str, np.ndarray] = field(default_factory=dict)


def make_sample(
    dtype: str | np.dtype[Any],
    shape: Sequence[int],
    parts: Iterable[str] = (),
    *,
    seed: int = 1,
    unit: str = "Jy/beam",
) -> Sample:
    """Return an image with random pixels and the named parts.

    Parameters
    ----------
    dtype : dtype
        Of the pixels.
    shape : sequence of int
        Of the image; four axes if it has coordinates, beams or regions.
    parts : iterable of str
        Words of `PARTS`.
    seed : int
        For the pixels and masks.
    unit : str
        Brightness unit, used if it is among the parts.
    """
    rng = np.random.default_rng(seed)
    shape, has = tuple(shape), set(parts)
    values = random_pixels(rng, shape, np.dtype(dtype))
    masks = {"wide": rng.random(shape) > 0.2, "narrow_2": rng.random(shape) > 0.8} if "masks" in has else {}
    mask = rng.random(shape) > 0.3 if has & {"mask", "masks"} else None
    coords = sky_coordinates(shape) if has & {"coords", "beams"} else None
    beams: tuple[Beam, ...] = ((0.05, 0.03, 20.0),) if "beam" in has else ()
    if "beams" in has:
        count = math.prod(shape[:-2])
        beams = tuple((0.05 + 0.001 * k, 0.03 - 0.001 * k, 20.0 + k) for k in range(count))
    spec = ImageSpec(
        shape,
        coords.dims if coords is not None else default_dims(["none"] * len(shape)),
        values.dtype,
        unit=unit if "unit" in has else "",
        coords=coords,
        masked=mask is not None,
        mask_names=tuple(masks),
        default_mask=None if mask is None else "mask0",
        meta=(_CARDS if "cards" in has else ()) + (_RECORDS if "records" in has else ()),
        history=_LOG if "history" in has else (),
        beams=beams,
        regions=_regions(shape) if "regions" in has else {},
        groups=_groups() if "groups" in has else {},
    )
    return Sample(spec, values, mask, masks)


def random_pixels(rng: np.random.Generator, shape: Sequence[int], dtype: np.dtype[Any]) -> np.ndarray:
    """Return pixels of which some are extreme."""
    size = tuple(shape)
    if dtype.kind == "b":
        return rng.random(size) > 0.4
    if dtype.kind == "c":
        return (10 * (rng.normal(size=size) + 1j * rng.normal(size=size))).astype(dtype)
    values = (10 * rng.normal(size=size)).astype(dtype)
    odd = np.array([np.inf, -np.inf, -0.0, np.finfo(dtype).max, np.finfo(dtype).tiny], dtype)
    flat = values.reshape(-1)
    where = rng.permutation(flat.size)[: min(odd.size, flat.size // 4)]
    flat[where] = odd[: where.size]
    return values


def sky_coordinates(shape: Sequence[int]) -> CoordinateSystem:
    """Return coordinates of the sky, of frequency and of Stokes parameters for up to four axes."""
    cards: list[MetaCard] = []
    for i, (ctype, crpix, crval, cdelt, cunit) in enumerate(_AXES["sky"][: len(shape)], 1):
        cards += [
            (f"CTYPE{i}", ctype, ""),
            (f"CRPIX{i}", crpix, ""),
            (f"CRVAL{i}", crval, ""),
            (f"CDELT{i}", cdelt, ""),
        ]
        if cunit:
            cards.append((f"CUNIT{i}", cunit, ""))
    return CoordinateSystem.from_header([*cards, *_FRAME], tuple(shape))


def _regions(shape: tuple[int, ...]) -> dict[str, Any]:
    low = tuple(n // 4 for n in shape)
    high = tuple(max(n // 4, n - 2) for n in shape)
    box = PixelBox(low, high, shape=shape)
    if min(shape[-2:]) < 3 or len(shape) < 2:
        return {"box": box}
    rows, columns = shape[-2:]
    triangle = PixelPolygon((0.0, columns - 1.0, columns / 2), (0.0, 1.0, rows - 1.0), shape=shape)
    return {"box": box, "triangle": triangle}


def _groups() -> dict[str, Record]:
    return {
        "CALIBRATORS": Record(
            {
                "NAME": {"values": ["3C286", "3C48"]},
                "FLUX": {"values": [14.9, 16.5], "unit": ["Jy"]},
                "DIRECTION": {"values": [[3.5, 0.5], [0.4, 0.6]], "measinfo": ["direction", "J2000"]},
                "SPECTRUM": {"values": {"0": [1.5, 2.5, 4.5], "1": [0.5]}},
            }
        ),
        "ORIGIN": Record({"VERSION": {"values": [1.5]}, "CLEAN": {"values": [True]}}),
    }


# -- comparing ----------------------------------------------------------------------------------


def good_pixels(stored: Stored) -> np.ndarray:
    """Return which pixels of an opened image are good by default, whatever way the format says it."""
    good = np.ones(stored.reader.shape, bool)
    whole = full(stored.reader.shape)
    if stored.default_mask is not None:
        good &= stored.masks[stored.default_mask].read(whole)
    if stored.nan_masked:
        good &= ~np.isnan(stored.reader.read(whole))
    return good


def alike(a: Any, b: Any) -> bool:
    """Tell whether two values of a header are the same to people: widths of numbers do not count."""
    if isinstance(a, Record) or isinstance(b, Record):
        both = isinstance(a, Record) and isinstance(b, Record) and set(a) == set(b)
        return both and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, FrozenArray) or isinstance(b, FrozenArray):
        return isinstance(a, FrozenArray) and isinstance(b, FrozenArray) and _same_array(a.array, b.array)
    if a is None or b is None:
        return a is b
    return np.ndim(a) == np.ndim(b) == 0 and _same_array(np.asarray(a), np.asarray(b))


def _same_array(a: np.ndarray, b: np.ndarray) -> bool:
    kinds = {"u": "i"}
    if kinds.get(a.dtype.kind, a.dtype.kind) != kinds.get(b.dtype.kind, b.dtype.kind) or a.shape != b.shape:
        return False
    return bool(np.array_equal(a, b))


def inside(region: Any, stored: Stored) -> np.ndarray:
    """Return which pixels of an image belong to a region, on its whole lattice."""
    reader = stored.reader
    attrs = Attributes(reader.dtype, tuple(reader.shape), tuple(stored.dims), coords=stored.coords)
    fitted = region.fit(attrs)
    out = np.zeros(reader.shape, bool)
    box = fitted.bounds()
    out[box] = fitted.mask(box)
    return out
