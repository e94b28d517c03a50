"""Coordinates from the record that casacore keeps with an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from lattice.coords.header import Card, is_observation_keyword
from lattice.coords.system import Axis, CoordinateSystem, default_dims
from lattice.errors import FormatError, warn
from lattice.io.base import MetaCard
from lattice.io.casa_records.fields import as_record
from lattice.io.casa_records.layout import Place, check_world, layout
from lattice.io.casa_records.observation import observation_cards
from lattice.io.casa_records.parts import READERS, Part, PixelAxis, Unsupported
from lattice.io.casa_records.unknown import own_names

__all__ = ["coords_from_record"]

_AXES = {"direction": 2, "spectral": 1, "stokes": 1, "tabular": 1, "quality": 1}


def coords_from_record(
    record: Mapping[str, Any], shape: Sequence[int]
) -> tuple[CoordinateSystem, tuple[MetaCard, ...]]:
    """Return the coordinates that a record of casacore describes, and the observation that it names.

    What cannot be understood costs the coordinates of the axes that it is about, not the image: they are left
    out with a warning that names the field.

    Parameters
    ----------
    record : mapping
        The record ``coords`` of an image: numbers, texts, arrays in the order of numpy, and records.
    shape : sequence of int
        Shape of the image, numpy order.

    Returns
    -------
    CoordinateSystem
        Its `native` is the record.
    tuple of (keyword, value, comment)
        Cards such as TELESCOP and DATE-OBS.

    Raises
    ------
    FormatError
        If the record is none.
    """
    if not isinstance(record, Mapping):
        raise FormatError(f"the coordinates of an image are a record, not {type(record).__name__}")
    cards = observation_cards(record)
    n = len(shape)
    bare = [Axis("", "none", "", n - i) for i in range(n)]
    try:
        places = layout(record, n)
        native = as_record(record)
    except FormatError as error:
        warn(f"the image is read without coordinates: {error.message}")
        return _named(bare, {}), cards
    reading = _Reading(tuple(shape), bare)
    for place in places:
        reading.add(place)
    # Positions of the Sun and the Earth, and with them spectral frames, need these.
    reading.header += [card for card in cards if is_observation_keyword(card[0])]
    coords = reading.coordinates()
    try:
        check_world(record, places)
    except FormatError:
        reading.damaged = True
    return (coords if reading.damaged else coords.with_native(native)), cards


class _Reading:
    """Coordinates of a record as they come together."""

    def __init__(self, shape: tuple[int, ...], axes: list[Axis]) -> None:
        self.shape, self.axes = shape, axes
        self.header: list[Card] = []
        self.dropped: list[tuple[int, float]] = []
        self.ctypes: dict[int, str] = {}
        self.names: dict[int, str] = {}
        self.table: tuple[float, ...] = ()
        self.tables: list[tuple[int, tuple[float, ...]]] = []
        self.seen: set[str] = set()
        self.damaged = False

    def add(self, place: Place) -> None:
        """Add one coordinate of the record; its axes are without coordinates if it cannot be read."""
        n = len(self.shape)
        self.dropped += [(i, c) for i, c in zip(place.numbers, place.cuts, strict=True) if c is not None]
        pixels = [
            PixelAxis(self.shape[n - number]) if cut is None else PixelAxis(1, cut)
            for number, cut in zip(place.numbers, place.cuts, strict=True)
        ]
        try:
            if place.kind not in READERS:
                raise Unsupported(f"{place.name} is a system of coordinates inside another one")
            if place.kind in self.seen and place.kind in ("direction", "spectral", "stokes"):
                raise Unsupported(f"{place.name} is a second coordinate of this kind")
            if (names := own_names(place)) is not None:
                self.names |= {k: name for k, name in zip(place.numbers, names, strict=True) if name}
                return
            if len(pixels) != _AXES.get(place.kind, len(pixels)) or not pixels:
                raise FormatError(f"pixelmap{place.index} has {len(pixels)} axes of {place.name}")
            part = READERS[place.kind](place.record, place.name + ".", pixels)
        except FormatError as error:
            named = [f"axis {n - i}" for i in place.numbers if i <= n]
            warn(f"{', '.join(named) or 'a removed axis'} is read without coordinates: {error.message}")
            self.damaged |= not isinstance(error, Unsupported)
            return
        self.seen.add(place.kind)
        self._put(place, part)

    def _put(self, place: Place, part: Part) -> None:
        n = len(self.shape)
        if part.table and part.kinds == ("spectral",):
            self.table = part.table
        elif part.table:
            self.tables.append((place.numbers[0], part.table))
        self.header += part.header(place.numbers)
        for i, number in enumerate(place.numbers):
            self.ctypes[number] = part.ctypes[i]
            if number <= n:
                axis = self.axes[n - number]
                self.axes[n - number] = replace(axis, kind=part.kinds[i], unit=part.units[i])

    def coordinates(self) -> CoordinateSystem:
        """Return what has come together."""
        extra = max([len(self.shape), *(number for number, _ in self.dropped)])
        header = tuple(self.header)
        if extra > len(self.shape):
            header = (("WCSAXES", extra, ""), *header)
        base = _named(self.axes, self.ctypes, self.names)
        return replace(
            base,
            header=header,
            dropped=tuple(self.dropped),
            table=self.table,
            tables=tuple(self.tables),
            _hash=None,
        )


def _named(
    axes: Sequence[Axis], ctypes: Mapping[int, str], own: Mapping[int, str] | None = None
) -> CoordinateSystem:
    """Return axes with the names that their kinds give them, or that they have of their own."""
    names = list(default_dims([a.kind for a in axes], [ctypes.get(a.fits_axis, "") for a in axes]))
    for i, axis in enumerate(axes):
        name = (own or {}).get(axis.fits_axis, "")
        if name and name not in names:
            names[i] = name
    return CoordinateSystem(tuple(replace(a, name=name) for a, name in zip(axes, names, strict=True)))
