"""Coordinates put together: some axes from one image, the others from another."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from lattice.coords.header import SIP, Card
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateMismatchError

__all__ = ["drop_axes", "graft", "plain_cards"]

_NUMBERED = re.compile(r"(CTYPE|CRPIX|CRVAL|CDELT|CUNIT|CROTA|CNAME|CRDER|CSYER)([1-9]\d?)")
_MATRIX = re.compile(r"(PC|CD)([1-9]\d?)_([1-9]\d?)")
_PARAMETER = re.compile(r"(PV|PS)([1-9]\d?)_(\d{1,2})")
_OF_SKY = frozenset({"LONPOLE", "LATPOLE", "RADESYS", "RADECSYS", "EQUINOX", "EPOCH"})
_OF_SPECTRUM = frozenset(
    {
        "SPECSYS",
        "SSYSOBS",
        "SSYSSRC",
        "VELOSYS",
        "ZSOURCE",
        "VELANGL",
        "RESTFRQ",
        "RESTFREQ",
        "RESTWAV",
        "VELREF",
    }
    | {"ALTRVAL", "ALTRPIX"}
)


def graft(
    base: CoordinateSystem,
    donor: CoordinateSystem,
    axes: Mapping[int, int],
    shape: Sequence[int],
    donor_shape: Sequence[int],
) -> CoordinateSystem:
    """Return coordinates whose axes are those of an image, but for some that are another one's.

    Parameters
    ----------
    base : CoordinateSystem
        The image that gives the order and names of axes, and those that are not replaced.
    donor : CoordinateSystem
        The image that gives the others.
    axes : mapping of int to int
        Numpy numbers of axes of `base`, and of those of `donor` that take their places.
    shape, donor_shape : sequence of int
        Of both images.

    Raises
    ------
    CoordinateMismatchError
        Where an axis depends on one that stays behind, such as a frequency that is mixed with the sky.
    """
    n, m = len(shape), len(donor_shape)
    places = {m - theirs: n - mine for mine, theirs in axes.items()}
    kinds = {donor.kinds[k] for k in axes.values()}
    mine, theirs = plain_cards(base.to_cards(shape)), plain_cards(donor.to_cards(donor_shape))
    kept = [c for c in mine if not _belongs(c[0], set(places.values()), kinds)]
    _check(mine, set(places.values()), base)
    _check(theirs, set(places), donor)
    new = []
    for key, value, comment in theirs:
        if _belongs(key, set(places), kinds):
            new.append((_renumbered(key, places), value, comment))
    system = CoordinateSystem.from_header([*kept, *new], shape)
    named = tuple(replace(a, name=b.name) for a, b in zip(system.axes, base.axes, strict=True))
    return replace(system, axes=named, table=_table(base, donor, axes, shape, donor_shape), _hash=None)


def _table(
    base: CoordinateSystem,
    donor: CoordinateSystem,
    axes: Mapping[int, int],
    shape: Sequence[int],
    donor_shape: Sequence[int],
) -> tuple[float, ...]:
    """Return the frequencies of the spectral axis where no formula gives them."""
    spectral = base.axis_of("spectral")
    if spectral is None:
        return ()
    system, length = (base, shape[spectral])
    if spectral in axes:
        system, length = donor, donor_shape[axes[spectral]]
    found = system.frequencies(length) if system.table else None
    return () if found is None else tuple(float(f) for f in found)


def drop_axes(base: CoordinateSystem, shape: Sequence[int], axes: Sequence[int]) -> list[Card]:
    """Return the cards of an image without those of some axes, which are to be described anew.

    Raises
    ------
    CoordinateMismatchError
        Where an axis that stays depends on one of them.
    """
    n = len(shape)
    numbers = {n - a for a in axes}
    cards = plain_cards(base.to_cards(shape))
    _check(cards, numbers, base)
    return [c for c in cards if not _belongs(c[0], numbers, {base.kinds[a] for a in axes})]


def plain_cards(cards: Sequence[Card]) -> list[Card]:
    """Return cards with increments and a PC matrix for a CD matrix, and no zeros off the diagonal."""
    cards = [c for c in cards if c[1] != 0 or not (m := _MATRIX.fullmatch(c[0])) or m[2] == m[3]]
    cd = {
        (int(m[2]), int(m[3])): float(c[1]) for c in cards if (m := _MATRIX.fullmatch(c[0])) and m[1] == "CD"
    }
    if not cd:
        return cards
    rows = {i for i, _ in cd}
    steps = {
        i: math.copysign(math.hypot(*(v for (k, _), v in cd.items() if k == i)), cd.get((i, i), 1.0))
        for i in rows
    }
    out = [
        c
        for c in cards
        if not ((m := _MATRIX.fullmatch(c[0])) and m[1] == "CD") and c[0] not in {f"CDELT{i}" for i in rows}
    ]
    out += [(f"CDELT{i}", step or 1.0, "") for i, step in sorted(steps.items())]
    out += [(f"PC{i}_{j}", v / (steps[i] or 1.0), "") for (i, j), v in sorted(cd.items())]
    return out


def _axes_of(key: str) -> set[int]:
    if m := _NUMBERED.fullmatch(key) or _PARAMETER.fullmatch(key):
        return {int(m[2])}
    if m := _MATRIX.fullmatch(key):
        return {int(m[2]), int(m[3])}
    return set()


def _belongs(key: str, axes: set[int], kinds: set[str]) -> bool:
    """Tell whether a card is about some axes."""
    if _axes_of(key) & axes:
        return True
    sky = bool(kinds & {"longitude", "latitude"})
    return (sky and (key in _OF_SKY or SIP.fullmatch(key) is not None)) or (
        "spectral" in kinds and key in _OF_SPECTRUM
    )


def _check(cards: Sequence[Card], axes: set[int], system: CoordinateSystem) -> None:
    for key, value, _ in cards:
        m = _MATRIX.fullmatch(key)
        if m and value and int(m[2]) != int(m[3]) and (int(m[2]) in axes) != (int(m[3]) in axes):
            n = len(system.axes)
            names = [system.axes[n - int(m[i])].name if int(m[i]) <= n else "another" for i in (2, 3)]
            raise CoordinateMismatchError(
                f"the coordinates along {names[0]} depend on the pixel along {names[1]} ({key} = {value:g})",
                hint="such axes can only be replaced together",
            )


def _renumbered(key: str, places: Mapping[int, int]) -> str:
    if m := _NUMBERED.fullmatch(key):
        return f"{m[1]}{places[int(m[2])]}"
    if m := _PARAMETER.fullmatch(key):
        return f"{m[1]}{places[int(m[2])]}_{m[3]}"
    if m := _MATRIX.fullmatch(key):
        return f"{m[1]}{places[int(m[2])]}_{places[int(m[3])]}"
    return key
