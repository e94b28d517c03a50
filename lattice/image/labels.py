"""From labels to pixels: what selection by value means on each kind of axis, and cutouts on the sky."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.coords.header import WcsCards
from lattice.coords.names import SKY_LABELS, sky_labels
from lattice.errors import (
    CoordinateError,
    ImageIndexError,
    LatticeRangeError,
    LatticeTypeError,
    UnitMismatchError,
    suggest,
)

if TYPE_CHECKING:
    from lattice.image.base import ImageBase

__all__ = ["cutout_span", "items_of"]

_SPECTRAL = {"frequency": "Hz", "velocity": "m/s", "wavelength": "m"}
_OWN = (("lon", "lat"), ("longitude", "latitude"))
_FRAMES = {"ra": "icrs", "glon": "galactic"}  # of names that are not those of the image
_EXACT = 1e-3  # of a pixel
_ROUNDING = 1e-6  # of a pixel: an end of a range that is the centre of a pixel takes it in


# -- by label -----------------------------------------------------------------------------------------------


Item = slice | int | list[int]
_METHODS = ("nearest", "exact", "pad", "ffill", "backfill", "bfill")


def items_of(
    image: ImageBase, labels: Mapping[str, Any], method: str, tolerance: Any = None
) -> tuple[Item, ...]:
    """Return the index of the pixels with some labels; see `Image.sel`."""
    if method not in _METHODS:
        raise LatticeTypeError(f"there is no method {method!r}", hint=f"it is {', '.join(_METHODS)}")
    if tolerance is not None and method == "exact":
        raise LatticeTypeError("a tolerance is for method='nearest' and its like, not for 'exact'")
    items: list[Item | None] = [None] * image.ndim
    rest = dict(labels)
    for pair in (*SKY_LABELS.values(), *_OWN):
        if rest.keys() & set(pair) and not set(pair) & set(image.dims):
            place = [rest.pop(name, None) for name in pair]
            if method not in _METHODS[:2]:
                raise LatticeTypeError(f"method={method!r} is for axes with an order, not for the sky")
            for axis, pixel in _place(image, pair, place, method, tolerance).items():
                _put(items, axis, pixel, image)
    for name, value in rest.items():
        axis = _axis(image, name)
        if isinstance(value, slice):
            item: Item = _pixels(image, axis, name, value)
        elif values := _several(value):
            item = [_pixel(image, axis, name, v, method, tolerance) for v in values]
        else:
            item = _pixel(image, axis, name, value, method, tolerance)
        _put(items, axis, item, image)
    return tuple(slice(None) if item is None else item for item in items)


def _several(value: Any) -> list[Any]:
    """Return the labels of a list or array of them; nothing for a single one."""
    if not isinstance(value, list | tuple) and not np.ndim(value):
        return []
    several = list(value)
    if not several:
        raise ImageIndexError("an empty list of labels selects nothing")
    if any(isinstance(v, list | tuple) or np.ndim(v) for v in several):
        raise ImageIndexError("labels come in a list, not in lists of lists")
    return several


def _put(items: list[Item | None], axis: int, item: Item, image: ImageBase) -> None:
    if items[axis] is not None:
        raise ImageIndexError(f"there are two labels for dim {image.dims[axis]!r}")
    items[axis] = item


def _axis(image: ImageBase, name: str) -> int:
    if name in image.dims:
        return image.dims.index(name)
    kinds = image.coords.kinds if image.coords is not None else ()
    if name in _SPECTRAL and "spectral" in kinds:
        return kinds.index("spectral")
    hint = suggest(name, image.dims) or f"the dims are {', '.join(image.dims) or 'none'}"
    raise ImageIndexError(f"there is no dim {name!r}", hint=hint)


def _pixel(image: ImageBase, axis: int, name: str, value: Any, method: str, tolerance: Any) -> int:
    """Return the pixel that holds a value, or that is next to it on the side that the method names."""
    if _kind(image, axis) == "stokes" and isinstance(value, str):
        return _stokes(image, axis, value)
    place = _position(image, axis, name, value)
    n = image.shape[axis]
    pixel = _chosen(image, axis, name, value, place, method)
    if pixel is None:
        raise ImageIndexError(
            f"{name}: {_text(value)} is outside of the image", hint=_extent(image, axis, value)
        )
    pixel = min(max(pixel, 0), n - 1)
    if method == "exact" and abs(place - pixel) > _EXACT:
        raise ImageIndexError(
            f"{name}: no pixel has the value {_text(value)}",
            hint=f"the nearest, {pixel}, is {abs(place - pixel):.3g} of a pixel away: method='nearest'",
        )
    if tolerance is not None:
        try:
            ends = value - tolerance, value + tolerance
        except Exception:  # astropy's errors for units that do not fit have no common class
            raise LatticeTypeError(
                f"tolerance: {_text(tolerance)} has another unit than the value, {_text(value)}"
            ) from None
        low, high = (_position(image, axis, name, end) for end in ends)
        if not min(low, high) - _ROUNDING <= pixel <= max(low, high) + _ROUNDING:
            raise ImageIndexError(
                f"{name}: no pixel is within {_text(tolerance)} of {_text(value)}",
                hint=f"the nearest, {pixel}, is {abs(place - pixel):.3g} of a pixel away",
            )
    return pixel


def _chosen(image: ImageBase, axis: int, name: str, value: Any, place: float, method: str) -> int | None:
    """Return the pixel for a place on an axis; None if there is none."""
    n = image.shape[axis]
    if method in _METHODS[:2]:
        inside = -0.5 - _ROUNDING <= place <= n - 0.5 + _ROUNDING
        return math.floor(place + 0.5) if inside else None
    # The last label that is not above the value, or the first that is not below, whichever way they go.
    upwards = (method in ("backfill", "bfill")) != _falls(image, axis, name, value)
    found = math.ceil(place - _EXACT) if upwards else math.floor(place + _EXACT)
    if math.isinf(place) or not (found < n if upwards else found >= 0):
        return None
    return found


def _pixels(image: ImageBase, axis: int, name: str, given: slice) -> slice:
    """Return the pixels whose centres are between two values."""
    n = image.shape[axis]
    step = 1 if given.step is None else given.step
    if isinstance(step, bool) or not isinstance(step, int | np.integer) or step < 1:
        raise ImageIndexError(
            f"{name}: the step of a slice of labels is a number of pixels from 1 on, not {step!r}"
        )
    if _kind(image, axis) == "stokes" and (isinstance(given.start, str) or isinstance(given.stop, str)):
        ends = [e if e is None else _stokes(image, axis, e) for e in (given.start, given.stop)]
        first, last = (0 if ends[0] is None else ends[0]), (n - 1 if ends[1] is None else ends[1])
        return slice(min(first, last), max(first, last) + 1, int(step))
    places = [e if e is None else _position(image, axis, name, e) for e in (given.start, given.stop)]
    if None in places:
        low, high = _open_range(image, axis, name, given, places)
    else:
        low, high = sorted(p for p in places if p is not None)
    start = max(0, math.ceil(max(low, -1.0) - _ROUNDING))
    stop = min(n, math.floor(min(high, n + 1.0) + _ROUNDING) + 1)
    if start >= stop:
        shown = " to ".join(_text(e) for e in (given.start, given.stop))
        sample = given.start if given.start is not None else given.stop
        raise ImageIndexError(
            f"{name}: no pixel has its centre in the range {shown}", hint=_extent(image, axis, sample)
        )
    return slice(start, stop, int(step))


def _open_range(
    image: ImageBase, axis: int, name: str, given: slice, places: list[float | None]
) -> tuple[float, float]:
    """Return the pixels of a range one end of which, or both, was left out: up to the end of the labels."""
    first, last = places
    end = image.shape[axis] - 1.0
    value = given.start if given.start is not None else given.stop
    if value is not None and _falls(image, axis, name, value):
        first, last = last, first
    return (0.0 if first is None else first), (end if last is None else last)


def _falls(image: ImageBase, axis: int, name: str, value: Any) -> bool:
    """Tell whether labels, of the kind of a value, become smaller from pixel to pixel."""
    if image.coords is not None and _kind(image, axis) == "spectral" and not image.coords.table:
        # A frequency axis has rising frequencies and falling velocities: it depends on what was asked for.
        more = value + max(abs(value) * 1e-6, abs(value) * 0 + 1e-9 * getattr(value, "unit", 1))
        return _position(image, axis, name, more) < _position(image, axis, name, value)
    found = _labels(image, axis, np.array([0.0, max(1.0, image.shape[axis] - 1.0)]))
    return found is not None and bool(found[1] < found[0])


def _kind(image: ImageBase, axis: int) -> str:
    return "none" if image.coords is None else image.coords.kinds[axis]


def _stokes(image: ImageBase, axis: int, value: str) -> int:
    assert image.coords is not None
    names = [name.upper() for name in image.coords.stokes(image.shape[axis])]
    if value.upper() not in names:
        raise ImageIndexError(f"the image has no Stokes {value}", hint=f"it has {', '.join(names)}")
    return names.index(value.upper())


def _position(image: ImageBase, axis: int, name: str, value: Any) -> float:
    """Return the pixel, a fraction as well, at which an axis has a value."""
    coords, kind = image.coords, _kind(image, axis)
    if isinstance(value, bool | str) or not (
        hasattr(value, "to_value") or isinstance(value, int | float | np.number)
    ):
        raise ImageIndexError(f"{name}: {value!r} is no value of a coordinate")
    if coords is None or kind == "none":
        if hasattr(value, "to_value"):
            raise ImageIndexError(f"{name}: the axis has no coordinates", hint="its labels are pixels")
        place = float(value)
    elif kind in ("longitude", "latitude"):
        raise ImageIndexError(
            f"{name}: the sky has no labels along one axis",
            hint="give both, as in sel(ra=..., dec=...), take a cutout, or pixels with isel",
        )
    elif kind == "spectral" and not coords.frequency_problem():
        # A plain number is in the unit of the axis; by another name than that, in the SI unit of the name.
        unit = None if hasattr(value, "to_value") or name == image.dims[axis] else _SPECTRAL[name]
        try:
            place = float(coords.spectral_to_pixel(value, unit=unit))
            if math.isnan(place) and coords.table:
                place = _beyond(coords.table, value, image, axis)
        except (CoordinateError, UnitMismatchError) as error:
            raise ImageIndexError(f"{name}: {error.message}", hint=error.hint) from None
    else:
        place = _between(image, axis, name, value)
    if math.isnan(place):
        raise ImageIndexError(
            f"{name}: {_text(value)} is outside of the image", hint=_extent(image, axis, value)
        )
    return place


def _beyond(table: tuple[float, ...], value: Any, image: ImageBase, axis: int) -> float:
    """Return on which side of a table of frequencies a value is: minus or plus infinity; NaN if on none."""
    from astropy import units

    hertz = units.Quantity(value, "Hz" if not hasattr(value, "unit") else None)
    if not hertz.unit.is_equivalent("Hz", units.spectral()):
        return math.nan
    number = hertz.to_value("Hz", units.spectral())
    ends = _labels(image, axis, np.array([0.0, image.shape[axis] - 1.0]))
    if math.isnan(number) or ends is None or min(table) <= number <= max(table):
        return math.nan
    return -math.inf if (number < min(table)) == (ends[0] <= ends[-1]) else math.inf


def _between(image: ImageBase, axis: int, name: str, value: Any) -> float:
    """Return where a value is on an axis whose labels rise or fall."""
    assert image.coords is not None
    unit = image.coords.world_units[axis]
    if hasattr(value, "to_value"):
        try:
            value = value.to_value(unit)
        except Exception:  # astropy's errors for units that do not fit have no common class
            raise ImageIndexError(
                f"{name}: {_text(value)} has another unit than the axis", hint=f"that is {unit or 'none'}"
            ) from None
    edges = np.arange(image.shape[axis] + 1) - 0.5
    labels = _labels(image, axis, edges)
    if labels is None or not np.isfinite(labels).all():
        raise ImageIndexError(f"{name}: the axis has no labels", hint="take pixels with isel")
    if labels[0] > labels[-1]:
        labels, edges = labels[::-1], edges[::-1]
    if np.any(np.diff(labels) <= 0):
        raise ImageIndexError(f"{name}: the labels neither rise nor fall", hint="take pixels with isel")
    slack = _ROUNDING * (labels[-1] - labels[0]) / max(1, len(edges) - 1)
    found = np.interp(value, labels, edges)
    if not labels[0] - slack <= value <= labels[-1] + slack:
        return -np.inf if (value < labels[0]) == (edges[0] < edges[-1]) else np.inf
    return float(found)


def _labels(image: ImageBase, axis: int, pixels: np.ndarray) -> np.ndarray | None:
    """Return the values of an axis at pixels, those of the others being at their first one."""
    coords = image.coords
    if coords is None or coords.kinds[axis] == "none":
        return pixels
    if coords.kinds[axis] == "spectral" and not coords.frequency_problem():
        return np.asarray(coords.spectral_quantity(pixels).value)
    places: list[Any] = [0.0] * image.ndim
    places[axis] = pixels
    return np.asarray(coords.to_world(*places)[axis])


def _text(value: Any) -> str:
    return "..." if value is None else f"{value:.10g}" if isinstance(value, float) else str(value)


def _extent(image: ImageBase, axis: int, value: Any) -> str:
    """Return the sentence that says how far an axis goes, in the unit of a value if it has one."""
    dim, n = image.dims[axis], image.shape[axis]
    ends = None if n == 0 else _labels(image, axis, np.array([0.0, n - 1.0]))
    pixels = f"pixels 0 to {n - 1}"
    if ends is None or image.coords is None or image.coords.kinds[axis] == "none":
        return f"dim {dim!r} has {pixels}"
    unit = image.coords.world_units[axis]
    low, high = (float(e) for e in ends)
    if hasattr(value, "unit"):
        from astropy import units

        equivalencies = units.spectral() if image.coords.kinds[axis] == "spectral" else []
        try:
            low, high = (units.Quantity(e, unit).to_value(value.unit, equivalencies) for e in (low, high))
            unit = str(value.unit)
        except units.UnitConversionError:
            pass  # velocities of a frequency axis: say it in the unit of the axis
    return f"dim {dim!r} goes from {low:.10g} to {high:.10g} {unit}".rstrip() + f" ({pixels})"


# -- the sky ------------------------------------------------------------------------------------------------


def _sky(image: ImageBase, lon: Any, lat: Any, frame: str = "") -> Any:
    """Return a place; numbers are degrees, in the frame of the image unless another is named."""
    from astropy.coordinates import SkyCoord

    assert image.coords is not None
    own = image.coords.sky_frame
    try:
        return SkyCoord(lon, lat, unit="deg", frame=frame if frame else own)
    except (TypeError, ValueError) as error:
        raise LatticeTypeError(
            f"{_text(lon)}, {_text(lat)} is no place on the sky: {str(error).splitlines()[0]}",
            hint="give a SkyCoord, or longitude and latitude in degrees or as Quantities",
        ) from None


def _sky_coords(image: ImageBase, what: str) -> Any:
    coords = image.coords
    if coords is None or not coords.has_sky:
        raise CoordinateError(
            f"{what} needs an image with sky coordinates", hint="take pixels with isel, or as image[...]"
        )
    return coords


def _place(
    image: ImageBase, names: tuple[str, str], place: list[Any], method: str, tolerance: Any
) -> dict[int, int]:
    """Return the pixel at a place on the sky, by axis."""
    coords = _sky_coords(image, f"sel by {names[0]} and {names[1]}")
    if any(p is None or isinstance(p, slice) or np.ndim(p) for p in place):
        raise ImageIndexError(
            f"a place on the sky is one {names[0]} and one {names[1]}",
            hint="cutout takes the part around a place",
        )
    number = coords.axes[coords.axis_of("longitude")].fits_axis
    own = sky_labels(WcsCards.parse(coords.header).ctype(number))
    frame = "" if names in (own, *_OWN) else _FRAMES.get(names[0], "none")
    if frame == "none":
        raise ImageIndexError(
            f"the image is not labelled by {names[0]} and {names[1]}", hint=f"it is by {own[0]} and {own[1]}"
        )
    found: dict[int, int] = {}
    pixels = [float(p) for p in coords.sky_to_pixel(_sky(image, place[0], place[1], frame))]
    for kind, p in zip(("latitude", "longitude"), pixels, strict=True):
        axis = coords.axis_of(kind)
        n = image.shape[axis]
        if not -0.5 - _ROUNDING <= p <= n - 0.5 + _ROUNDING:  # also NaN
            where = (
                "on no pixel of the projection"
                if math.isnan(p)
                else f"at pixel {p:.2f} of dim {image.dims[axis]!r}"
            )
            raise ImageIndexError(
                f"{names[0]}, {names[1]}: {_text(place[0])}, {_text(place[1])} is outside of the image",
                hint=f"it is {where}, which has pixels 0 to {n - 1}"
                if not math.isnan(p)
                else f"it is {where}",
            )
        found[axis] = min(max(math.floor(p + 0.5), 0), n - 1)
        if method == "exact" and abs(p - found[axis]) > _EXACT:
            raise ImageIndexError(
                f"{names[0]}, {names[1]}: no pixel has its centre at {_text(place[0])}, {_text(place[1])}",
                hint="method='nearest' takes the pixel that holds it",
            )
    if tolerance is not None:
        _check_distance(image, names, _sky(image, place[0], place[1], frame), found, tolerance)
    return found


def _check_distance(
    image: ImageBase, names: tuple[str, str], place: Any, found: Mapping[int, int], tolerance: Any
) -> None:
    """Check that a pixel is within some angle of a place; a number is degrees."""
    from astropy import units

    assert image.coords is not None
    limit = units.Quantity(tolerance, None if hasattr(tolerance, "unit") else "deg")
    if not limit.unit.is_equivalent("deg"):
        raise LatticeTypeError(f"tolerance: {limit} is no angle")
    y, x = (found[image.coords.kinds.index(kind)] for kind in ("latitude", "longitude"))
    apart = image.coords.pixel_to_sky(y, x).separation(place)
    if apart > limit:
        raise ImageIndexError(
            f"{', '.join(names)}: no pixel is within {_text(tolerance)} of the place",
            hint=f"the nearest is {apart.to_value(limit.unit):.3g} {limit.unit} away",
        )


def cutout_span(image: ImageBase, center: Any, size: Any, *, strict: bool) -> dict[int, tuple[int, int]]:
    """Return first and one-after-last pixel around a place, by axis; they may be outside of the image."""
    coords = _sky_coords(image, "cutout")
    if isinstance(center, tuple | list):
        if len(center) != 2:
            raise LatticeTypeError(f"center: {center!r} is not a pair", hint="give (longitude, latitude)")
        center = _sky(image, center[0], center[1])
    elif not hasattr(center, "transform_to"):
        raise LatticeTypeError(
            f"center: a {type(center).__name__} is no place on the sky",
            hint="give a SkyCoord, or (longitude, latitude) in degrees of the image's frame",
        )
    if np.ndim(center):
        raise LatticeTypeError(f"center: {len(center)} places instead of one", hint="cut one after the other")
    pixels = coords.sky_to_pixel(center)
    lengths = _lengths(size, coords.pixel_scale())
    found: dict[int, tuple[int, int]] = {}
    for kind, place, length in zip(("latitude", "longitude"), pixels, lengths, strict=True):
        axis, p = coords.axis_of(kind), float(place)
        n, dim = image.shape[axis], image.dims[axis]
        if math.isnan(p):
            raise LatticeRangeError("center: the place is on no pixel of the projection of the image")
        start = math.ceil(p - length / 2 - _ROUNDING)
        span = (start, start + length)
        reach = f"it would have pixels {span[0]} to {span[1] - 1} of dim {dim!r}, which has 0 to {n - 1}"
        if span[1] <= 0 or span[0] >= n:
            raise LatticeRangeError("the cutout is outside of the image", hint=reach)
        if strict and (span[0] < 0 or span[1] > n):
            raise LatticeRangeError(
                "the cutout reaches beyond the image", hint=f"{reach}; mode='trim' or 'partial' allows it"
            )
        found[axis] = span
    return found


def _lengths(size: Any, scale: tuple[float, float]) -> tuple[int, int]:
    """Return height and width in pixels."""
    several = isinstance(size, tuple | list) or np.ndim(size) > 0
    parts = list(size) if several else [size, size]
    if len(parts) != 2:
        raise LatticeTypeError(f"size: {size!r} is neither one extent nor two", hint="give (height, width)")
    out = []
    for part, degrees in zip(parts, scale, strict=True):
        if hasattr(part, "to_value"):
            try:
                pixels = (
                    float(part.value)
                    if str(part.unit) in ("pix", "")
                    else float(part.to_value("deg")) / degrees
                )
            except Exception:  # astropy's errors for units that do not fit have no common class
                raise LatticeTypeError(f"size: {part} is no angle", hint="give an angle, or pixels") from None
        elif isinstance(part, int | np.integer) and not isinstance(part, bool):
            pixels = float(part)
        else:
            raise LatticeTypeError(
                f"size: {part!r} is neither an angle nor a number of pixels",
                hint="give a Quantity such as 2*u.arcmin, or an int",
            )
        if not 0 < pixels < 2**31:
            raise LatticeRangeError(f"size: {_text(part)} is no extent of a cutout")
        out.append(max(1, round(pixels)))
    return out[0], out[1]
