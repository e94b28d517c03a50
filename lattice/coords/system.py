"""The coordinate system of an image: the WCS cards it came with, and which pixels of them it has."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lattice.coords.header import Card, NewAxis, WcsCards, celestial_part, is_wcs_keyword, transform
from lattice.coords.spectral import SPECTRAL_NAMES
from lattice.coords.spectrum import Spectrum
from lattice.coords.world import World
from lattice.graph.records import Record

if TYPE_CHECKING:
    from lattice.coords.compare import Difference

__all__ = ["Axis", "CoordinateSystem", "axis_kind", "default_dims"]

_TIMES = frozenset(
    {"TIME", "UTC", "TAI", "TT", "TDT", "ET", "IAT", "UT1", "UT", "TDB", "TCB", "TCG", "GPS", "LOCAL"}
)
_SKY_NAMES = {"longitude": "x", "latitude": "y"}


@dataclass(frozen=True)
class Axis:
    """One axis of an image.

    Attributes
    ----------
    name : str
        Name of the dimension.
    kind : str
        longitude, latitude, spectral, stokes, time, linear, tabular or none.
    unit : str
        Unit of the coordinates, as in CUNIT.
    fits_axis : int
        Number of the axis in the header (from 1).
    offset, step : float
        Pixel p of the image is pixel ``offset + step*p`` of the header's axis, both counted from 0.
    """

    name: str
    kind: str
    unit: str = ""
    fits_axis: int = 1
    offset: float = 0
    step: float = 1


@dataclass(frozen=True)
class CoordinateSystem(World, Spectrum):
    """Coordinates of the axes of an image, numpy order; an immutable value.

    Attributes
    ----------
    axes : tuple of Axis
        One per dimension, slowest first.
    header : tuple of (keyword, value, comment)
        The WCS cards of the image from which this one was cut.
    dropped : tuple of (fits_axis, pixel)
        Axes removed by an integer index, and where they were cut.
    table : tuple of float
        Frequencies in Hz along the header's spectral axis, where no formula gives them.
    tables : tuple of (fits_axis, values)
        Coordinates along further axes of the header that no formula gives, such as FITS codes of Stokes
        parameters in an order of their own; in units of the axis.
    """

    axes: tuple[Axis, ...]
    header: tuple[Card, ...] = ()
    dropped: tuple[tuple[int, float], ...] = ()
    table: tuple[float, ...] = ()
    tables: tuple[tuple[int, tuple[float, ...]], ...] = ()
    # The record that says the same as the header, with what it says the same as.
    _native: tuple[Record, tuple[Any, ...]] | None = field(default=None, repr=False, compare=False)
    _hash: int | None = field(default=None, repr=False, compare=False)

    def __hash__(self) -> int:
        if self._hash is None:
            value = hash((self.axes, self.header, self.dropped, self.table, self.tables))
            object.__setattr__(self, "_hash", value)
        return self._hash  # type: ignore[return-value]

    def __reduce__(self) -> tuple[Any, ...]:
        # The cached hash holds in this process only.
        parts = (self.axes, self.header, self.dropped, self.table, self.tables, self._native)
        return (CoordinateSystem, parts)

    # -- making --------------------------------------------------------------------------------

    @classmethod
    def from_header(cls, cards: Iterable[Card], shape: Sequence[int]) -> CoordinateSystem:
        """Make the coordinates of an image from its FITS header.

        Parameters
        ----------
        cards : iterable of (keyword, value, comment)
            Header cards; those that are not about coordinates are ignored.
        shape : sequence of int
            Shape of the image, numpy order.
        """
        header = tuple(card for card in cards if is_wcs_keyword(card[0]) and _hashable(card[1]))
        wcs = WcsCards.parse(header)
        n = len(shape)
        axes = []
        for position in range(n):
            number = n - position
            unit = wcs.world.get(("CUNIT", number), "")
            kind = axis_kind(wcs, number)
            axes.append(Axis("", kind, unit.strip() if isinstance(unit, str) else "", number))
        names = _named(
            wcs, axes, default_dims([a.kind for a in axes], [wcs.ctype(a.fits_axis) for a in axes])
        )
        return cls(tuple(replace(a, name=name) for a, name in zip(axes, names, strict=True)), header)

    @classmethod
    def from_kinds(
        cls, kinds: Sequence[str], *, frequencies: Sequence[float] | np.ndarray | None = None
    ) -> CoordinateSystem:
        """Make simple coordinates of axes of which only the kinds are known.

        Parameters
        ----------
        kinds : sequence of str
            Kind of each axis, numpy order.
        frequencies : sequence of float, optional
            Frequencies in Hz of the pixels of the spectral axis.
        """
        names = default_dims(kinds, ["FREQ" if kind == "spectral" else "" for kind in kinds])
        n = len(kinds)
        axes = tuple(
            Axis(name, kind, "Hz" if kind == "spectral" else "", n - i)
            for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
        )
        if frequencies is None or "spectral" not in kinds:
            return cls(axes)
        values = tuple(float(f) for f in frequencies)
        number = n - list(kinds).index("spectral")
        step = (values[-1] - values[0]) / (len(values) - 1) if len(values) > 1 else 1.0
        if all(math.isclose(f, values[0] + i * step, rel_tol=1e-14) for i, f in enumerate(values)) and step:
            header: tuple[Card, ...] = (
                (f"CTYPE{number}", "FREQ", ""),
                (f"CRPIX{number}", 1.0, ""),
                (f"CRVAL{number}", values[0], ""),
                (f"CDELT{number}", step, ""),
                (f"CUNIT{number}", "Hz", ""),
            )
            return cls(axes, header)
        return cls(axes, table=values)

    def with_native(self, record: Mapping[str, Any]) -> Self:
        """Return the same coordinates, with the record of another system from which they were made.

        Parameters
        ----------
        record : mapping
            What `native` will be, as long as the header and the tables stay what they are.
        """
        return replace(self, _native=(Record(record), self._described()), _hash=None)

    # -- asking --------------------------------------------------------------------------------

    @property
    def native(self) -> Record | None:
        """The record of another system from which header and tables were made, None if there is none.

        It describes the whole image of the header, of which the axes may be a part, and it is kept for what
        header cards cannot say. Equal coordinates may have different records.
        """
        if self._native is None or self._native[1] != self._described():
            return None
        return self._native[0]

    def _described(self) -> tuple[Any, ...]:
        return self.header, self.table, self.tables

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each axis."""
        return tuple(axis.kind for axis in self.axes)

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimension name of each axis."""
        return tuple(axis.name for axis in self.axes)

    names = dims

    @property
    def units(self) -> tuple[str, ...]:
        """Coordinate unit of each axis."""
        return tuple(axis.unit for axis in self.axes)

    # -- cutting -------------------------------------------------------------------------------

    def subset(self, items: Sequence[slice | int]) -> CoordinateSystem:
        """Return the coordinates of a cut.

        Parameters
        ----------
        items : sequence of slice or int
            One per axis, resolved against its length: start and step are integers (the step may be
            negative). An integer drops its axis.
        """
        axes, dropped = [], list(self.dropped)
        for axis, item in zip(self.axes, items, strict=True):
            if isinstance(item, slice):
                start = 0 if item.start is None else item.start
                step = 1 if item.step is None else item.step
                axes.append(replace(axis, offset=axis.offset + axis.step * start, step=axis.step * step))
            else:
                dropped.append((axis.fits_axis, axis.offset + axis.step * int(item)))
        return replace(self, axes=tuple(axes), dropped=tuple(dropped), _hash=None)

    def rebin(self, factors: Sequence[int]) -> CoordinateSystem:
        """Return the coordinates after each `factors` pixels were made one."""
        axes = []
        for axis, k in zip(self.axes, factors, strict=True):
            offset = axis.offset + axis.step * (k - 1) / 2 if k != 1 else axis.offset
            axes.append(replace(axis, offset=offset, step=axis.step * k))
        return replace(self, axes=tuple(axes), _hash=None)

    def select(self, order: Sequence[int]) -> CoordinateSystem:
        """Return the coordinates of some axes in that order; the others are dropped at their first pixel."""
        chosen = [k % len(self.axes) for k in order]
        gone = [(a.fits_axis, a.offset) for k, a in enumerate(self.axes) if k not in chosen]
        return replace(
            self, axes=tuple(self.axes[k] for k in chosen), dropped=(*self.dropped, *gone), _hash=None
        )

    # -- comparing -----------------------------------------------------------------------------

    def compare(
        self, other: CoordinateSystem, tolerance: float | None = None, shape: Sequence[int] | None = None
    ) -> Difference | None:
        """Return the largest difference from other coordinates that is above a tolerance, or None.

        Pixels of this system are taken to the other one by way of the sky, the frequency, or what else the
        header describes: another frame, unit or spectral variable is no difference.

        Parameters
        ----------
        other : CoordinateSystem
            Of an image of the same shape.
        tolerance : float, optional
            In pixels; the default is the option ``coordinate_tolerance``.
        shape : sequence of int, optional
            Shape of both images, over which differences of scale add up; 64 pixels an axis without it.
        """
        from lattice.config import get_options
        from lattice.coords.compare import compare

        if self is other or self == other:
            return None
        limit = get_options().coordinate_tolerance if tolerance is None else tolerance
        found = compare(self, other, None if shape is None else tuple(shape), True)
        return next((d for d in found if d.pixels > limit), None)

    def differs(self, other: Any, shape: Sequence[int], tolerance: float) -> str | None:
        """Return in which way the values of coordinates differ by more than a tolerance, None if they do not.

        Stokes axes are left out: to combine different parameters is what they are for.
        """
        if self is other or not isinstance(other, CoordinateSystem) or self == other:
            return None
        from lattice.coords.compare import compare

        found = compare(self, other, tuple(shape), False)
        return next((str(d) for d in found if d.pixels > tolerance), None)

    # -- writing -------------------------------------------------------------------------------

    def to_cards(self, shape: Sequence[int] | None = None) -> tuple[Card, ...]:
        """Return the FITS WCS cards of this image, exact in the pixels that it has.

        Parameters
        ----------
        shape : sequence of int, optional
            Shape of the image; checked against the number of axes.
        """
        if shape is not None and len(shape) != len(self.axes):
            raise ValueError(f"coordinates of {len(self.axes)} axes do not fit an image of {len(shape)}")
        new = [NewAxis(a.fits_axis, a.offset, a.step) for a in reversed(self.axes)]
        cards = transform(self.header, new, dict(self.dropped))
        return (*cards, *self._name_cards({key for key, _, _ in cards}))

    def _name_cards(self, known: Collection[str]) -> list[Card]:
        """Return the cards that keep the names of axes of which nothing else is known."""
        usual = default_dims(self.kinds)
        return [
            (f"CNAME{n}", axis.name, "")
            for n, axis, name in zip(range(len(usual), 0, -1), self.axes, usual, strict=True)
            if axis.kind == "none" and axis.name != name and f"CNAME{n}" not in known
        ]


def _named(wcs: WcsCards, axes: Sequence[Axis], names: Sequence[str]) -> list[str]:
    """Return the names of axes, of which nothing but a name may be known."""
    out = list(names)
    for i, axis in enumerate(axes):
        own = wcs.world.get(("CNAME", axis.fits_axis), "")
        if axis.kind == "none" and isinstance(own, str) and own.strip().isidentifier():
            name = own.strip()
            out[i] = name if name not in out[:i] + out[i + 1 :] else out[i]
    return out


def _hashable(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool | complex)


def axis_kind(wcs: WcsCards, number: int) -> str:
    """Return the kind of a header's axis."""
    ctype = wcs.ctype(number)
    if not ctype:
        described = any(axis == number and key != "CNAME" for key, axis in wcs.world)
        return "linear" if described else "none"
    if part := celestial_part(ctype):
        return part
    name = ctype[:4].rstrip("-").strip()
    if name in SPECTRAL_NAMES:
        return "spectral"
    if name == "STOK" and ctype.startswith("STOKES"):
        return "stokes"
    if ctype.split("-")[0] in _TIMES:
        return "time"
    return "tabular" if ctype.endswith("-TAB") else "linear"


def default_dims(kinds: Sequence[str], ctypes: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return dimension names for axes of given kinds, numpy order, each once.

    >>> default_dims(["spectral", "latitude", "longitude"], ["FREQ", "DEC--SIN", "RA---SIN"])
    ('frequency', 'y', 'x')
    >>> default_dims(["none", "none", "none"])
    ('axis0', 'y', 'x')
    """
    types = [""] * len(kinds) if ctypes is None else list(ctypes)
    names: list[str] = []
    for kind, ctype in zip(kinds, types, strict=True):
        name = _SKY_NAMES.get(kind, kind if kind in ("stokes", "time") else "")
        if kind == "spectral":
            name = SPECTRAL_NAMES.get(ctype[:4].rstrip("-").strip(), "frequency")
        elif not name and ctype:
            name = re.sub(r"\W+", "_", re.split(r"-(?=-|[A-Z]{3}$)", ctype)[0].lower()).strip("_")
            name = name if name.isidentifier() else ""
        names.append(name)
    # A plane of which nothing is known is an image like any other.
    unknown = [i for i in range(max(0, len(names) - 2), len(names)) if not names[i]]
    if len(unknown) == min(2, len(names)) and not {"x", "y"} & set(names):
        for i in unknown:
            names[i] = "x" if i == len(names) - 1 else "y"
    out: list[str] = []
    for i, name in enumerate(names):
        name = name or f"axis{i}"
        serial, base = 2, name
        while name in out:
            name = f"{base}_{serial}"
            serial += 1
        out.append(name)
    return tuple(out)
