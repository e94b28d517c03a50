"""Units and beams of images: labels, and conversions that multiply pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lattice.errors import (
    LatticeRangeError,
    LatticeTypeError,
    ShapeMismatchError,
    UnitMismatchError,
)
from lattice.functions.registry import lookup
from lattice.functions.units import parse
from lattice.graph.attributes import Attributes
from lattice.graph.beams import check_beams, plane_axes
from lattice.graph.build import call
from lattice.graph.node import Call, Extend, Literal, Node, RegionCut, Source, Subset
from lattice.graph.types import DOUBLE, is_bool, real_part_type
from lattice.image.base import ImageBase
from lattice.image.make import beams_of, unit_text
from lattice.io.memory import ArrayReader

if TYPE_CHECKING:
    from lattice.beams import Beam

__all__ = ["ImageUnits", "as_node", "beam_areas", "node_with_unit", "pixel_area"]

_JY_PER_SR = "Jy/sr"
# kinds of surface brightness that are converted into each other
_BRIGHTNESS = ("Jy/beam", "Jy/pix", _JY_PER_SR, "K")


class ImageUnits(ImageBase):
    """What an image can do about its unit and its beams."""

    __slots__ = ()

    @property
    def beam(self) -> Beam | None:
        """The restoring beam, None if there is none.

        Raises
        ------
        LatticeRangeError
            When planes have different beams: see `beams`.
        """
        from lattice.beams import Beam

        different = set(self.beams)
        if len(different) > 1:
            raise LatticeRangeError(
                f"the image has {len(different)} different beams, one per plane",
                hint="all are in .beams; a cut of one plane has one beam",
            )
        return Beam(*self.beams[0]) if different else None

    def with_unit(self, unit: Any) -> Self:
        """Return the same pixels under another unit; to convert them, see `to`.

        Parameters
        ----------
        unit : str or astropy unit
            Any text; empty for no unit.
        """
        return self._labelled(node_with_unit(self._node, unit_text(unit)))

    def with_beam(self, beam: Any) -> Self:
        """Return the same pixels with other restoring beams.

        Parameters
        ----------
        beam : Beam, tuple, sequence of these, or None
            Major axis, minor axis and position angle, in degrees or as Quantities; or one such per plane, in
            C order of the axes that are not on the sky; None for no beam.

        Notes
        -----
        :mask: stays.
        :unit: stays.
        :beam: the one given.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: stays.
        """
        return self._labelled(_with_beams(self._node, _checked_beams(self._node, beam)))

    def _labelled(self, node: Node) -> Self:
        """Return the image of a node that has the same pixels, or the same up to a factor."""
        return self._with(node=node)

    def to(self, unit: Any) -> Self:
        """Return the image converted to another unit, by its own beam and frequency: see `convert_unit`."""
        return self.convert_unit(unit)

    def convert_unit(self, unit: Any, beam: Any = None, frequency: Any = None) -> Self:
        """Return the image converted to another unit.

        Units of the same kind differ by a factor.  Surface brightness per beam, per pixel and per solid
        angle, and brightness temperature (in the Rayleigh-Jeans limit), are converted into each other as
        well, with the beam and the frequency of each plane, and the pixel size at the reference point.

        Parameters
        ----------
        unit : str or astropy unit
            Unit of the result, such as "mJy/beam", "K", "Jy/pixel" or "MJy/sr".
        beam : Beam, tuple or sequence of these, optional
            Beam, or one per plane, as for `with_beam`, in place of the image's own; the result has it.
        frequency : Quantity, float or sequence of float, optional
            Frequency in place of that of the spectral axis: one, or one per channel; floats are in Hz.

        Raises
        ------
        UnitMismatchError
            When a unit is not known, the units do not convert, or a beam or a frequency would be needed that
            is not known.

        Notes
        -----
        :mask: stays.
        :unit: the one asked for.
        :beam: stays; or the one given.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: times the factor squared.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> image = Image(np.ones((2, 2)), unit="Jy/beam", beam=(0.01, 0.005, 0))
        >>> round(float(image.convert_unit("K", frequency=1.4e9).values[0, 0]), 2)
        962.24
        """
        target = unit_text(unit)
        node = self._node
        if is_bool(node.attrs.dtype):
            raise LatticeTypeError("truth values have no unit to convert")
        if beam is not None:
            node = _with_beams(node, _checked_beams(node, beam))
        if target == node.attrs.unit:
            return self._labelled(node)
        factor = _factor(node, target, frequency)
        scaled = node if factor is None else call(lookup("*", 2), node, factor)
        return self._labelled(node_with_unit(scaled, target))


# -- labels -------------------------------------------------------------------------------------------------


def node_with_unit(node: Node, unit: str) -> Node:
    """Return a node that has the same pixels and another unit."""
    if unit == node.attrs.unit:
        return node
    if isinstance(node, Subset | RegionCut):  # the cut of a source stays one, and its masks can be changed
        return node.with_children((node_with_unit(node.children[0], unit),))
    return _relabelled(node, node.attrs.with_(unit=unit))


def _with_beams(node: Node, beams: tuple[tuple[float, float, float], ...]) -> Node:
    return node if beams == node.attrs.beams else _relabelled(node, node.attrs.with_(beams=beams))


def _relabelled(node: Node, attrs: Attributes) -> Node:
    if isinstance(node, Source):
        source: Node = Source(node.reader, node.name, node.suffix, node.mask, attrs)
        return source
    if isinstance(node, Call):
        same: Node = Call(node.function, node.args, attrs)
        return same
    identity: Node = Call(lookup("+", 1), (node,), attrs)  # costs nothing: it is no operation when it is run
    return identity


def _checked_beams(node: Node, beam: Any) -> tuple[tuple[float, float, float], ...]:
    beams = beams_of(beam)
    check_beams(node.attrs.with_(beams=beams))
    return beams


# -- conversions --------------------------------------------------------------------------------------------


def _known(unit: str, what: str) -> Any:
    from astropy.units import UnitBase

    found = parse(unit)
    if not unit:
        raise UnitMismatchError(
            f"{what} has no unit to convert", hint="say what the pixels are with with_unit()"
        )
    if not isinstance(found, UnitBase):
        raise UnitMismatchError(
            f"{unit!r} is not a unit that can be converted",
            hint="with_unit() takes any text and converts nothing",
        )
    return found


def _factor(node: Node, target: str, frequency: Any) -> Node | None:
    """Return what to multiply a lattice by: a number or a lattice; None for 1."""
    from astropy import units

    have, want = _known(node.attrs.unit, "the image"), _known(target, "the result")
    what = f"from {node.attrs.unit!r} to {target!r}"
    if have.is_equivalent(want):
        return as_node(node, np.asarray(float(have.to(want))))
    ratio = have / want
    for one in _BRIGHTNESS:
        for other in _BRIGHTNESS:
            scale = units.Unit(one) / units.Unit(other)
            if one != other and ratio.is_equivalent(scale):
                above, below = (_in_jy_per_sr(node, u, frequency, what) for u in (one, other))
                return as_node(node, float(ratio.to(scale)) * above / below)
    raise UnitMismatchError(
        f"there is no conversion {what}",
        hint=f"surface brightness is in {', '.join(_BRIGHTNESS)} or the like",
    )


def _in_jy_per_sr(node: Node, unit: str, frequency: Any, what: str) -> np.ndarray:
    """Return how much 1 of a unit is in each plane, with length 1 on axes along which that is the same."""
    if unit == "Jy/beam":
        return 1 / beam_areas(node.attrs, what)
    if unit == "Jy/pix":
        return 1 / pixel_area(node.attrs, what)
    if unit == "K":
        from astropy import constants

        value = 2 * constants.k_B.si.value / constants.c.si.value**2 * 1e26
        return value * _frequencies(node.attrs, frequency, what) ** 2
    return np.ones((1,) * node.attrs.ndim)


def beam_areas(attrs: Attributes, what: str) -> np.ndarray:
    """Return the solid angle of the beam of each plane in sr."""
    shape = attrs.shape or ()
    if not attrs.beams:
        raise UnitMismatchError(
            f"the conversion {what} needs a beam, and the image has none",
            hint="give it as beam=(major, minor, angle) in degrees, or keep it with with_beam()",
        )
    areas = (
        np.array([math.radians(a) * math.radians(b) for a, b, _ in attrs.beams]) * math.pi / 4 / math.log(2)
    )
    if len(areas) == 1:
        return areas.reshape((1,) * len(shape))
    axes = plane_axes(attrs, len(areas))
    if axes is None:
        raise UnitMismatchError(
            f"the conversion {what} needs a beam per plane, and {len(areas)} beams do not fit the planes",
            hint="give one beam, or one per plane, as beam=",
        )
    return areas.reshape([n if a in axes else 1 for a, n in enumerate(shape)])


def _frequencies(attrs: Attributes, given: Any, what: str) -> np.ndarray:
    """Return the frequency of each plane in Hz."""
    shape = attrs.shape or ()
    kinds: Sequence[str] = () if attrs.coords is None else attrs.coords.kinds
    names = ("frequency", "velocity", "wavelength", "channel")
    axis = next(
        (a for a, dim in enumerate(attrs.dims) if (kinds and kinds[a] == "spectral") or dim in names), None
    )
    if given is not None:
        values = _hertz(given)
    else:
        coords: Any = attrs.coords
        found = None if coords is None else _own_frequencies(coords, axis, shape)
        if found is None:
            raise UnitMismatchError(
                f"the conversion {what} needs a frequency, and the image does not tell it",
                hint="give it as frequency=, in Hz or as a Quantity",
            )
        values = np.asarray(found, dtype=float)
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise UnitMismatchError(
            f"the conversion {what} needs frequencies above 0", hint="give them as frequency="
        )
    if values.size == 1:
        return values.reshape((1,) * len(shape))
    if values.ndim != 1 or axis is None or len(values) != shape[axis]:
        raise ShapeMismatchError(
            f"{values.size} frequencies do not fit {attrs.describe()}",
            hint="give one, or one for each pixel of the spectral axis",
        )
    return values.reshape([-1 if a == axis else 1 for a in range(len(shape))])


def _hertz(given: Any) -> np.ndarray:
    if hasattr(given, "to_value") or isinstance(given, str):
        from astropy import units

        try:
            return np.asarray(units.Quantity(given).to_value("Hz", units.spectral()), dtype=float)
        except (units.UnitsError, TypeError, ValueError) as error:
            raise UnitMismatchError(f"frequency: {error}", hint="write 1.4e9 or 1.4 * u.GHz") from None
    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise LatticeTypeError(
            f"frequency: {given!r} is no number", hint="write 1.4e9 or 1.4 * u.GHz"
        ) from None


def _own_frequencies(coords: Any, axis: int | None, shape: Sequence[int]) -> np.ndarray | None:
    """Return the frequencies of the spectral axis, or of one that was cut away by an integer."""
    from dataclasses import replace

    from lattice.coords.system import CoordinateSystem

    if axis is not None:
        found: np.ndarray | None = coords.frequencies(shape[axis])
        return found
    dropped = dict(coords.dropped)
    if not dropped or not coords.header:
        return None
    whole = CoordinateSystem.from_header(
        coords.header, (1,) * max([*dropped, *(a.fits_axis for a in coords.axes)])
    )
    for own in whole.axes:
        if own.kind == "spectral" and own.fits_axis in dropped:
            one = replace(coords, axes=(replace(own, offset=dropped[own.fits_axis]),), dropped=(), _hash=None)
            return one.frequencies(1)
    return None


def pixel_area(attrs: Attributes, what: str) -> np.ndarray:
    """Return the solid angle of a pixel at the reference point in sr."""
    coords: Any = attrs.coords
    kinds = () if coords is None else coords.kinds
    if not {"longitude", "latitude"} <= set(kinds):
        raise UnitMismatchError(
            f"the conversion {what} needs the size of a pixel, and the image has not both axes of the sky",
            hint="give the image coordinates as wcs=",
        )
    from astropy.wcs.utils import proj_plane_pixel_area

    celestial = coords.wcs(attrs.shape).celestial
    area = float(proj_plane_pixel_area(celestial)) * math.radians(1) ** 2
    return np.full((1,) * attrs.ndim, area)


def as_node(node: Node, factor: np.ndarray) -> Node | None:
    """Return a factor as a number, or as a lattice of the axes along which it varies, extended to all."""
    attrs = node.attrs
    for axis in range(factor.ndim):
        first = factor.take([0], axis=axis)
        if (factor == first).all():
            factor = first
    kind = real_part_type(attrs.dtype)
    with np.errstate(over="ignore"):
        fits = np.isfinite(factor.astype(kind)).all()
    if not fits:
        kind = DOUBLE  # too large for single precision
    if factor.size == 1:
        value = float(factor.ravel()[0])
        return None if value == 1 else Literal.of(value, kind)
    axes = [a for a, n in enumerate(factor.shape) if n > 1]
    values = np.ascontiguousarray(factor.reshape([factor.shape[a] for a in axes]).astype(kind))
    small = Attributes(kind, values.shape, tuple(attrs.dims[a] for a in axes))
    source: Node = Source(ArrayReader(values, "factor"), "factor", "", None, small)
    whole = Attributes(kind, attrs.shape, attrs.dims, coords=attrs.coords)
    extended: Node = Extend(
        source, tuple(axes.index(a) if a in axes else -1 for a in range(attrs.ndim)), whole
    )
    return extended
