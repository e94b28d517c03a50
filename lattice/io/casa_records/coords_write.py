"""The record of coordinates that casacore keeps with an image, made from header cards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.coords.header import Card, WcsCards, celestial_part
from lattice.coords.system import CoordinateSystem
from lattice.coords.world import lookup
from lattice.errors import FormatError, ShapeMismatchError, warn
from lattice.graph.attributes import is_anonymous
from lattice.io.base import MetaCard
from lattice.io.casa_records.directions import direction_record
from lattice.io.casa_records.fields import plain
from lattice.io.casa_records.frames import QUALITIES
from lattice.io.casa_records.native import adjusted
from lattice.io.casa_records.observation import FIELDS, observation_fields
from lattice.io.casa_records.shapes import scaled_matrix, stokes_record, tabular_record
from lattice.io.casa_records.spectra import spectral_record
from lattice.io.casa_records.unknown import unknown_axes

__all__ = ["coords_to_record"]

_DEFAULT_NAMES = re.compile(r"[xy](_\d+)?|linear\d+\Z")


def coords_to_record(
    coords: CoordinateSystem | None, meta: Iterable[MetaCard], shape: Sequence[int]
) -> dict[str, Any]:
    """Return the complete record ``coords`` of an image, as casacore wants it.

    An image that came from such a record gets it back, with what has changed since; other coordinates are
    made from their cards. Axes of which nothing is known count their pixels.

    Parameters
    ----------
    coords : CoordinateSystem or None
        Coordinates of the axes.
    meta : iterable of (keyword, value, comment)
        Header cards, of which those that name the observation are used.
    shape : sequence of int
        Shape of the image, numpy order.

    Returns
    -------
    dict
        Texts, numbers, arrays in the order of numpy, lists of texts, and dictionaries of such.
    """
    n = len(shape)
    if coords is None:
        coords = CoordinateSystem.from_kinds(("none",) * n)
    if len(coords.axes) != n:
        raise ShapeMismatchError(f"coordinates of {len(coords.axes)} axes do not fit an image of {n}")
    native = None if coords.native is None else plain(coords.native)
    fields = observation_fields((*meta, *coords.header), native)
    made = None if native is None else adjusted(native, coords, tuple(shape))
    if made is None:
        return fields | _Writing(coords, tuple(shape)).record()
    # Fields keep their places; those of the observation may be new or gone.
    kept = {key: value for key, value in made.items() if key in fields or key not in FIELDS}
    return kept | fields


@dataclass
class _Coordinate:
    kind: str
    record: dict[str, Any]
    pixelmap: list[int]
    reference: Sequence[float] | np.ndarray
    cuts: list[float]


class _Writing:
    """A record as it comes together from the cards of an image."""

    def __init__(self, coords: CoordinateSystem, shape: tuple[int, ...]) -> None:
        self.coords, self.shape, self.n = coords, shape, len(shape)
        self.cards: tuple[Card, ...] = coords.to_cards(shape)
        self.wcs = WcsCards.parse(self.cards)
        self.kinds = {self.n - i: axis.kind for i, axis in enumerate(coords.axes)}
        self.groups = self.wcs.coupled()
        self.out: list[_Coordinate] = []
        self.left = set(range(1, self.n + 1))

    def record(self) -> dict[str, Any]:
        """Return the coordinates with their maps, without the observation."""
        if any(re.fullmatch(r"[AB]_ORDER", key) for key, _, _ in self.cards):
            warn("casacore has no SIP distortions: positions in the written image are without them")
        for add in (self._direction, self._stokes, self._spectral, self._tabular, self._quality):
            add()
        self._unknown()
        self._linear()
        out: dict[str, Any] = {}
        for i, own in enumerate(self.out):
            maps = np.array(own.pixelmap, np.int32)
            out[f"{own.kind}{i}"] = own.record
            out[f"worldmap{i}"] = maps.copy()
            out[f"worldreplace{i}"] = np.array(own.reference, np.float64)
            out[f"pixelmap{i}"] = maps
            out[f"pixelreplace{i}"] = np.array(own.cuts, np.float64)
        return out

    def add(
        self,
        kind: str,
        record: dict[str, Any],
        numbers: Sequence[int],
        reference: Sequence[float] | np.ndarray,
    ) -> None:
        """Add a coordinate of some FITS axes; those beyond the image are removed axes."""
        maps, cuts = [], []
        for number in numbers:
            kept = number <= self.n
            maps.append(number - 1 if kept else -number)
            # the cards count from the pixel at which the axis was cut
            cuts.append(0.0)
        self.out.append(_Coordinate(kind, record, maps, reference, cuts))
        self.left -= set(numbers)

    def _alone(self, number: int) -> bool:
        return all(len(g) == 1 for g in self.groups if number in g)

    def _of_kind(self, kind: str) -> list[int]:
        return [number for number in sorted(self.left) if self.kinds[number] == kind]

    def _direction(self) -> None:
        pair = {celestial_part(self.wcs.ctype(i)): i for i in range(1, self.wcs.axes + 1)}
        lon, lat = pair.get("longitude"), pair.get("latitude")
        if lon is None or lat is None or not {lon, lat} & self.left:
            return
        if {lon, lat} not in self.groups:
            warn("casacore cannot mix axes of the sky with others: the written image has linear axes instead")
            return
        try:
            record = direction_record(self.wcs, self.cards, lon, lat)
        except FormatError as error:
            warn(f"the sky axes are written as linear ones: {error.message}")
            return
        self.add("direction", record, (lon, lat), record["crval"])

    def _stokes(self) -> None:
        for number in self._of_kind("stokes")[:1]:
            names = self.coords.stokes_of(self._values(number))
            record = stokes_record(names)
            if record is None or not self._alone(number):
                warn(f"the axis of {', '.join(names)} is no Stokes axis to casacore: it is written as linear")
                continue
            self.add("stokes", record, [number], record["crval"])

    def _values(self, number: int) -> np.ndarray:
        """Return the coordinates along an axis that is not mixed with others: FITS codes of Stokes axes."""
        axis = self.coords.axes[self.n - number]
        pixels = np.arange(self.shape[self.n - number], dtype=np.float64)
        if table := self.coords._table(axis):
            return np.nan_to_num(lookup(axis.offset + axis.step * pixels, table))
        if not self.wcs.ctype(number):
            return axis.offset + axis.step * pixels + 1
        step = self.wcs.pc(number, number) * (1 if self.wcs.is_cd else self.wcs.number("CDELT", number, 1.0))
        return self.wcs.number("CRVAL", number, 0.0) + step * (pixels + 1 - self.wcs.crpix.get(number, 0.0))

    def _spectral(self) -> None:
        for number in self._of_kind("spectral")[:1]:
            record = spectral_record(self.coords, self.cards, self.shape[self.n - number])
            if record is not None:
                first = record["wcs"]["crval"] if "wcs" in record else record["tabular"]["crval"][0]
                self.add("spectral", record, [number], [float(first)])
            elif not self.coords.frequency_problem():
                warn("frequencies that neither rise nor fall throughout are no axis to casacore: not written")

    def _tabular(self) -> None:
        for number in sorted(self.left):
            axis = self.coords.axes[self.n - number]
            length = self.shape[self.n - number]
            if not self.coords._table(axis) or axis.kind == "spectral" or length < 2:
                continue
            world = self._values(number)
            steps = np.diff(world)
            if (steps > 0).all() or (steps < 0).all():
                name = axis.name if not is_anonymous(axis.name) else f"tabular{number}"
                record = tabular_record(world, axis.unit, name)
                self.add("tabular", record, [number], record["crval"])
            else:
                warn(f"the values along {axis.name} neither rise nor fall: the axis is written without them")

    def _quality(self) -> None:
        for number in self._of_kind("linear"):
            if self.wcs.ctype(number) != "QUALITY" or not self._alone(number):
                continue
            known = {float(code): name for name, code in QUALITIES.items()}
            names = [known.get(float(code)) for code in self._values(number)]
            if None not in names and len(set(names)) == len(names):
                one = {"crval": np.ones(1), "crpix": np.zeros(1), "cdelt": np.ones(1), "pc": np.eye(1)}
                self.add("quality", {"axes": ["Quality"], "quality": names} | one, [number], [1.0])

    def _unknown(self) -> None:
        bare = [k for k in self._of_kind("none") if not self.wcs.ctype(k)]
        bare += [k for k in sorted(self.left) if k not in bare and not self._described(k)]
        names = [self._own_name(k) for k in bare]
        for named in (False, True):
            some = [(k, name) for k, name in zip(bare, names, strict=True) if bool(name) == named]
            if some:
                numbers = [k for k, _ in some]
                self.add(
                    "linear", unknown_axes(numbers, [name for _, name in some]), numbers, [1.0] * len(some)
                )

    def _described(self, number: int) -> bool:
        return any(axis == number for _, axis in self.wcs.world) or number in self.wcs.crpix

    def _own_name(self, number: int) -> str:
        name = self.coords.axes[self.n - number].name
        return "" if is_anonymous(name) or _DEFAULT_NAMES.match(name) else name

    def _linear(self) -> None:
        rest = sorted(self.left)
        rest += sorted({i for g in self.groups if g & self.left for i in g} - self.left)
        if not rest:
            return
        wcs = self.wcs
        names = [self._linear_name(k) for k in rest]
        units = [str(wcs.world.get(("CUNIT", k), "")).strip() for k in rest]
        crval = np.array([wcs.number("CRVAL", k, 0.0) for k in rest])
        crpix = np.array([wcs.crpix.get(k, 0.0) - 1 for k in rest])
        cdelt, pc = scaled_matrix(wcs, rest)
        record = {"crval": crval, "crpix": crpix, "cdelt": cdelt, "pc": pc, "axes": names, "units": units}
        self.add("linear", record, rest, crval)

    def _linear_name(self, number: int) -> str:
        for keyword in ("CNAME", "CTYPE"):
            name = self.wcs.world.get((keyword, number), "")
            if isinstance(name, str) and name.strip():
                return name.strip()
        return f"linear{number}"
