"""How far apart two coordinate systems are, in pixels, and which keyword says so."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.errors import CoordinateError

__all__ = ["Difference", "compare"]

_DEFAULT_LENGTH = 64  # pixels along an axis whose length is not known
_KEYWORDS = ("CTYPE", "CUNIT", "CRVAL", "CRPIX", "CDELT", "CROTA")
_ANYWHERE = ("RADESYS", "EQUINOX", "SPECSYS", "LONPOLE", "LATPOLE", "RESTFRQ")


@dataclass(frozen=True)
class Difference:
    """A difference between two coordinate systems.

    Attributes
    ----------
    dim : str
        The axis on which it is largest.
    keyword : str
        The header card that differs; empty if none alone does.
    pixels : float
        Its size in pixels; infinite where positions of one have no place in the other.
    text : str
        All of it in one phrase.
    """

    dim: str
    keyword: str
    pixels: float
    text: str

    def __str__(self) -> str:
        return self.text


@functools.lru_cache(1024)
def compare(a: Any, b: Any, shape: tuple[int, ...] | None, stokes: bool) -> tuple[Difference, ...]:
    """Return the differences of two coordinate systems by axis, largest first.

    Parameters
    ----------
    a, b : CoordinateSystem
        Of as many axes each.
    shape : tuple of int or None
        Shape of both images: differences of scale grow with the distance from the reference pixel.
    stokes : bool
        Whether the Stokes axes are compared as well.
    """
    if len(a.axes) != len(b.axes) or a.kinds != b.kinds:
        text = f"the axes are of kinds ({', '.join(a.kinds)}) and ({', '.join(b.kinds)})"
        return (Difference("", "", np.inf, text),)
    cards_a, cards_b = ({key: value for key, value, _ in s.to_cards()} for s in (a, b))
    if cards_a == cards_b and (a.table, a.tables) == (b.table, b.tables) and _tables_agree(a, b):
        return ()
    lengths = shape if shape is not None else (_DEFAULT_LENGTH,) * len(a.axes)
    found: list[Difference] = []
    for axes in _groups(a, b):
        if not stokes and a.kinds[axes[0]] == "stokes":
            continue
        try:
            sizes = _apart(a, b, axes, lengths)
        except CoordinateError as error:
            found.append(
                Difference(a.axes[axes[0]].name, "", np.inf, f"they cannot be compared: {error.message}")
            )
            continue
        worst = int(np.argmax(sizes))
        if sizes[worst] > 0:
            found.append(_described(a, cards_a, cards_b, axes, axes[worst], sizes[worst]))
    return tuple(sorted(found, key=lambda d: -d.pixels))


def _tables_agree(a: Any, b: Any) -> bool:
    """Return whether axes with a table of coordinates are the same cut of it, which no card says."""
    return all(
        (p.fits_axis, p.offset, p.step) == (q.fits_axis, q.offset, q.step)
        for p, q in zip(a.axes, b.axes, strict=True)
        if a._table(p)
    )


def _groups(a: Any, b: Any) -> list[list[int]]:
    """Return the axes (numpy order) that are compared together: the sky, and each of the rest."""
    groups = []
    sky = [i for i, kind in enumerate(a.kinds) if kind in ("longitude", "latitude")]
    if sky:
        groups.append(sky)
    for i, (p, q) in enumerate(zip(a.axes, b.axes, strict=True)):
        # What the header does not describe has no values that could differ.
        described = all(
            s._table(x) or WcsCards.parse(s.header).ctype(x.fits_axis) for s, x in ((a, p), (b, q))
        )
        if i not in sky and p.kind != "none" and described:
            groups.append([i])
    return groups


def _apart(a: Any, b: Any, axes: Sequence[int], lengths: Sequence[int]) -> list[float]:
    """Return by how many pixels positions of `a` are elsewhere in `b`, for each of some axes."""
    if a.kinds[axes[0]] == "stokes":
        return [_stokes_apart(a, b, axes[0], lengths[axes[0]])]
    ranges = [sorted({0.0, (lengths[i] - 1) / 2, float(lengths[i] - 1)}) for i in axes]
    pixels = np.array(list(itertools.product(*ranges))).T
    if len(axes) == 2 and a.has_sky and b.has_sky:
        y, x = axes.index(a.kinds.index("latitude")), axes.index(a.kinds.index("longitude"))
        got_y, got_x = _same_sky(a, b, pixels[y], pixels[x])
        got = [got_y, got_x] if y == 0 else [got_x, got_y]
    elif a.kinds[axes[0]] == "spectral" and not (a.frequency_problem() or b.frequency_problem()):
        hertz = a.frequencies_at(pixels[0])
        frame = a.spectral_frame if a.spectral_frame and b.spectral_frame else None
        from astropy import units as u

        got = [b.spectral_to_pixel(hertz * u.Hz, frame=frame)]
    else:
        full = [np.zeros(pixels.shape[1])] * len(a.axes)
        for axis, values in zip(axes, pixels, strict=True):
            full[axis] = values
        back = b.to_pixel(*a.to_world(*full))
        got = [back[axis] for axis in axes]
    sizes = []
    for have, there in zip(pixels, got, strict=True):
        known = np.isfinite(there)
        size = np.abs(there - have)[known]
        sizes.append(float(size.max()) if size.size else np.inf)
    return sizes


def _stokes_apart(a: Any, b: Any, axis: int, length: int) -> float:
    """Return how far apart Stokes parameters are: there is nothing between two pixels."""
    pixels = np.arange(min(length, 1024), dtype=np.float64)
    full = [np.zeros(pixels.size)] * len(a.axes)
    full[axis] = pixels
    here, there = (np.asarray(s.to_world(*full)[axis]) for s in (a, b))
    if np.array_equal(here, there):
        return 0.0
    apart = np.abs(np.asarray(b.to_pixel(*a.to_world(*full))[axis]) - pixels)
    known = apart[np.isfinite(apart)]
    # a table can have the parameters of both, in another order
    return float(known.max()) if known.any() else 1.0


def _same_sky(a: Any, b: Any, y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    first, second = a.sky_frame, b.sky_frame
    if first is None or second is None or first.is_equivalent_frame(second):
        lon, lat = a.pixel_to_lonlat(y, x)
        return b.lonlat_to_pixel(lon, lat)
    sky = a.pixel_to_sky(y, x)
    defined = np.isfinite(sky.spherical.lon.deg)
    out_y, out_x = np.full(y.shape, np.nan), np.full(y.shape, np.nan)
    if defined.any():
        out_y[defined], out_x[defined] = b.sky_to_pixel(sky[defined])
    return out_y, out_x


def _described(
    a: Any, cards_a: dict[str, Any], cards_b: dict[str, Any], axes: Sequence[int], worst: int, size: float
) -> Difference:
    """Return a difference with the card that explains it."""
    n = len(a.axes)
    numbers = [n - worst] + [n - i for i in axes if i != worst]
    candidates = [f"{key}{number}" for number in numbers for key in _KEYWORDS]
    candidates += sorted(
        key for key in {*cards_a, *cards_b} if key[:2] in ("PC", "CD", "PV") and key[2:3].isdigit()
    )
    candidates += [*_ANYWHERE, "A_ORDER", "B_ORDER"]
    keyword = next((k for k in candidates if not _near(cards_a.get(k), cards_b.get(k))), "")
    dim = a.axes[worst].name
    amount = "no common position" if not np.isfinite(size) else f"{size:.3g} pixels"
    if not keyword:
        return Difference(dim, "", size, f"{dim} differs: {amount}")
    values = f"{_shown(cards_a.get(keyword))} and {_shown(cards_b.get(keyword))}"
    return Difference(dim, keyword, size, f"{keyword} is {values}: {amount} along {dim}")


def _near(x: Any, y: Any) -> bool:
    if isinstance(x, int | float) and isinstance(y, int | float):
        return bool(np.isclose(x, y, rtol=1e-13, atol=0))
    return x == y


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
