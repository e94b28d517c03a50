"""A picture of an image plane as a PNG file, to look at and to put into reports.

This is a preview, not a plotting library: values and mask in, one file out.  It knows neither images
nor files of images; who calls it has read the pixels (no more of them than `decimation` says).
"""

from __future__ import annotations

import io
import math
import os
import secrets
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lattice.errors import (
    FormatError,
    LatticeError,
    LatticeRangeError,
    OutputExistsError,
    ShapeMismatchError,
    StorageError,
    suggest,
)

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["STRETCHES", "decimation", "limits", "preview"]

Stretch = Literal["asinh", "linear", "log", "sqrt"]
_Curve = Callable[[Any], Any]

_SOFT = 0.1  # part of the range below which asinh is about linear
_LARGE, _SMALL = (
    1e307,
    1e-300,
)  # colours run over a range of which both ends and the length are ordinary numbers
_DEPTH = 1000.0  # ratio of the brightest value to the darkest that log tells apart

# Each maps 0..1 onto 0..1 and rises everywhere; beside it stands its inverse, for the colour bar.
# They get masked arrays and must return them as such.
_CURVES: dict[str, tuple[_Curve, _Curve]] = {
    "asinh": (
        lambda x: np.arcsinh(x / _SOFT) / np.arcsinh(1 / _SOFT),
        lambda y: _SOFT * np.sinh(y * np.arcsinh(1 / _SOFT)),
    ),
    "linear": (lambda x: x, lambda y: y),
    "log": (
        lambda x: np.log1p(_DEPTH * np.clip(x, 0, None)) / np.log1p(_DEPTH),
        lambda y: np.expm1(y * np.log1p(_DEPTH)) / _DEPTH,
    ),
    "sqrt": (lambda x: np.sqrt(np.clip(x, 0, None)), lambda y: np.square(y)),
}

STRETCHES = tuple(_CURVES)

_BAD = "#b8b8b8"  # neutral, and found in none of the usual colour maps
_LONG_SIDE = 6.0  # inches that the longer side of the image gets
_SHORT_SIDE = 1.5  # and the least that the shorter one gets; longer images are not drawn to scale
_LETTERS = 13  # of the title per inch


def decimation(shape: Sequence[int], limit: int = 2048) -> tuple[int, ...]:
    """Return the step per axis with which at most `limit` pixels of each axis are read.

    Parameters
    ----------
    shape : sequence of int
        Shape of the plane, numpy order.
    limit : int, optional
        Most pixels per axis; a preview shows about a thousand.

    Returns
    -------
    tuple of int
        One step of 1 or more per axis.

    Examples
    --------
    >>> from lattice.plot import decimation
    >>> decimation((20000, 300), 1000)
    (20, 1)
    """
    if limit < 1:
        raise LatticeRangeError(f"limit: {limit} is too small", hint="write a number of 1 or more")
    return tuple(max(1, -(-int(length) // limit)) for length in shape)


def limits(values: np.ndarray, percent: float = 99.5) -> tuple[float, float]:
    """Return the values between which the colours run: the central `percent` of the finite values.

    Parameters
    ----------
    values : ndarray
        Good values only; real.
    percent : float, optional
        Between 0 (excluded) and 100; the same number of pixels is cut off on both sides.

    Returns
    -------
    tuple of float
        The lower limit and the upper one, which is always greater.
    """
    if not 0 < percent <= 100:
        raise LatticeRangeError(f"percent: {percent} is not above 0 and at most 100")
    finite = values[np.isfinite(values)].astype(np.float64, copy=False).clip(-_LARGE, _LARGE)
    if finite.size == 0:
        return 0.0, 1.0
    cut = (100 - percent) / 2
    low, high = (float(v) for v in np.percentile(finite, [cut, 100 - cut]))
    if low == high:
        # Nearly all pixels are equal: let the others be seen, if there are any.
        low, high = float(finite.min()), float(finite.max())
    if high - low < _SMALL:
        half = max(abs(low) / 2, _SMALL) if low else 0.5
        low, high = low - half, high + half
    return low, high


def preview(
    values: np.ndarray,
    mask: np.ndarray | None,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    unit: str | None = None,
    stretch: Stretch = "asinh",
    percent: float = 99.5,
    cmap: str = "viridis",
    labels: tuple[str, str] | None = None,
    wcs: WCS | None = None,
    step: tuple[int, int] = (1, 1),
    dpi: int = 150,
    overwrite: bool = False,
) -> Path:
    """Write a picture of one plane as a PNG file.

    Parameters
    ----------
    values : ndarray
        The plane, two axes in numpy order. Of complex values the amplitude is shown.
    mask : ndarray of bool or None
        True where a pixel is good; None: everywhere. Bad pixels and values that are not finite are grey.
    path : path-like
        Where to write; the name ends in ``.png``.
    title : str, optional
        Put above the picture; cut where it is too long.
    unit : str, optional
        Of the values, put beside the colour bar.
    stretch : {"asinh", "linear", "log", "sqrt"}, optional
        How values become colours. "asinh" shows faint parts and bright ones together.
    percent : float, optional
        The central part of the values over which the colours run.
    cmap : str, optional
        Name of a matplotlib colour map.
    labels : tuple of str, optional
        Names of the vertical and the horizontal axis, as the axes of `values`; with a `wcs` the
        names that it gives come first.
    wcs : astropy.wcs.WCS, optional
        World coordinates of both axes, of the full plane: `step` is taken into account here.
    step : tuple of int, optional
        The steps with which `values` were taken from the full plane, see `decimation`. Axes are labelled
        with pixels of the full plane.
    dpi : int, optional
        Pixels of the picture per inch; an image is about six inches wide or high.
    overwrite : bool, optional
        Whether a file of that name may be replaced.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    LatticeError
        When matplotlib is missing, an argument makes no sense or the file cannot be written.
    """
    target = _target(path, overwrite)
    if stretch not in _CURVES:
        hint = suggest(str(stretch), STRETCHES) or "the stretches are " + ", ".join(STRETCHES)
        raise LatticeRangeError(f"unknown stretch {stretch!r}", hint=hint)
    shown, is_complex = _shown(values, mask)
    if values.dtype == np.bool_:
        stretch, low, high = "linear", 0.0, 1.0
    else:
        low, high = limits(shown.compressed(), percent)
    figure, axes, bar = _figure(shown.shape, step, wcs)
    height, width = shown.shape
    picture = axes.imshow(
        shown,
        origin="lower",
        cmap=_colour_map(cmap),
        norm=_norm(stretch, low, high),
        # A pixel of a decimated plane is centred on the pixel that was read.
        extent=(-step[1] / 2, (width - 0.5) * step[1], -step[0] / 2, (height - 0.5) * step[0]),
        aspect="auto" if _stretched(shown.shape, step) else "equal",
        interpolation=_interpolation(axes, shown.shape, dpi),
    )
    _name_axes(axes, labels, wcs)
    colours = figure.colorbar(picture, cax=bar)
    if stretch != "linear":
        ticks = _ticks(stretch, low, high)
        colours.set_ticks(list(ticks), labels=list(ticks.values()))
        colours.minorticks_off()
    bar.set_ylabel(_bar_label(unit, is_complex), parse_math=False)
    colours.outline.set_linewidth(0.6)
    if title:
        axes.set_title(_lines(title, axes), fontsize=10, parse_math=False)
    _note_bad(axes, shown)
    _write(target, _png(figure, dpi, title))
    return target


def _shown(values: np.ndarray, mask: np.ndarray | None) -> tuple[np.ma.MaskedArray[Any, Any], bool]:
    """Return the values as real numbers, masked as numpy does it, and whether they were complex."""
    if values.ndim != 2 or 0 in values.shape:
        raise ShapeMismatchError(
            f"a preview shows a plane, not values of shape {values.shape}",
            hint="choose one plane, or take the mean over the other axes",
        )
    if mask is not None and mask.shape != values.shape:
        raise ShapeMismatchError(f"values have shape {values.shape}, their mask has {mask.shape}")
    is_complex = np.iscomplexobj(values)
    real = np.abs(values) if is_complex else np.asarray(values, dtype=np.float64)
    bad = ~np.isfinite(real)
    if mask is not None:
        bad |= ~mask
    return np.ma.MaskedArray(real, mask=bad), is_complex


def _need_matplotlib() -> None:
    try:
        import matplotlib  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise LatticeError(
            "a preview needs matplotlib, which is not installed",
            hint="install it with: pip install 'lattice-images[plot]'",
        ) from error


def _stretched(shape: tuple[int, int], step: tuple[int, int]) -> bool:
    height, width = shape[0] * step[0], shape[1] * step[1]
    return max(height, width) * _SHORT_SIDE > min(height, width) * _LONG_SIDE


def _figure(shape: tuple[int, int], step: tuple[int, int], wcs: WCS | None) -> tuple[Figure, Axes, Axes]:
    """Return a figure that fits the shape of the image, axes for the image and axes for the colour bar."""
    _need_matplotlib()
    from matplotlib.figure import Figure

    height, width = shape[0] * step[0], shape[1] * step[1]
    scale = _LONG_SIDE / max(height, width)
    inner_w, inner_h = max(width * scale, _SHORT_SIDE), max(height * scale, _SHORT_SIDE)
    left, right, bottom, top = 0.95, 1.15, 0.75, 0.45
    full_w, full_h = left + inner_w + right, bottom + inner_h + top
    figure = Figure(figsize=(full_w, full_h))
    place = (left / full_w, bottom / full_h, inner_w / full_w, inner_h / full_h)
    kind: dict[str, Any] = {} if wcs is None else {"projection": wcs}
    axes = figure.add_axes(place, **kind)
    bar = figure.add_axes(((left + inner_w + 0.12) / full_w, place[1], 0.16 / full_w, place[3]))
    bar.yaxis.tick_right()
    bar.yaxis.set_label_position("right")
    return figure, axes, bar


def _colour_map(name: str) -> Any:
    from matplotlib import colormaps

    if name not in colormaps:
        raise LatticeRangeError(
            f"unknown colour map {name!r}",
            hint=suggest(name, colormaps) or "viridis, magma, gray and RdBu_r are some of those that exist",
        )
    return colormaps[name].with_extremes(bad=_BAD)


def _norm(stretch: str, low: float, high: float) -> Any:
    from matplotlib.colors import FuncNorm, Normalize

    if stretch == "linear":
        return Normalize(low, high, clip=True)
    rise, fall = _CURVES[stretch]
    size = high - low
    return FuncNorm(
        (lambda v: rise((np.ma.asarray(v) - low) / size), lambda c: fall(c) * size + low),
        vmin=low,
        vmax=high,
        clip=True,
    )


def _ticks(stretch: str, low: float, high: float) -> dict[float, str]:
    """Return round values that stand at about equal distances on the colour bar, and how to write them."""
    fall = _CURVES[stretch][1]
    values = low + (high - low) * np.asarray([fall(c) for c in np.linspace(0, 1, 7)])
    plain = 1e-3 <= max(abs(low), abs(high)) < 1e6
    found = {}
    for value, gap in zip(values, np.gradient(values), strict=True):
        if gap <= 0:  # the values differ in their last bits only
            continue
        place = math.floor(math.log10(gap / 2))
        value = round(value / 10.0**place) * 10.0**place
        if low <= value <= high:
            digits = 0 if value == 0 else math.floor(math.log10(abs(value)) + 1e-9) - place
            found[float(value)] = f"{value:.{max(0, -place)}f}" if plain else f"{value:.{max(0, digits)}e}"
    return found


def _interpolation(axes: Any, shape: tuple[int, int], dpi: int) -> str:
    """Pixels that are shown larger than they are stay visible as such; smaller ones are averaged."""
    box, figure = axes.get_position(), axes.figure
    width, height = box.width * figure.get_figwidth() * dpi, box.height * figure.get_figheight() * dpi
    return "nearest" if 2 * shape[1] <= width and 2 * shape[0] <= height else "auto"


def _name_axes(axes: Any, labels: tuple[str, str] | None, wcs: WCS | None) -> None:
    if wcs is None:
        vertical, horizontal = labels or ("", "")
        axes.set_ylabel(vertical, parse_math=False)
        axes.set_xlabel(horizontal, parse_math=False)
        axes.tick_params(direction="out", width=0.6)
        return
    frame = str(getattr(wcs.wcs, "radesys", "")).strip()
    names = {
        "RA": "Right ascension",
        "DEC": "Declination",
        "GLON": "Galactic longitude",
        "GLAT": "Galactic latitude",
    }
    for coordinate, ctype in zip(axes.coords, wcs.wcs.ctype, strict=False):
        word = str(ctype).split("-")[0]
        label = names.get(word, str(ctype).strip().capitalize())
        if word in ("RA", "DEC") and frame:
            label += f" ({frame})"
        coordinate.set_axislabel(label)
        coordinate.set_ticks_position("bl")
        coordinate.display_minor_ticks(True)
    axes.coords.grid(color="white", alpha=0.25, linewidth=0.5)


def _bar_label(unit: str | None, is_complex: bool) -> str:
    if is_complex:
        return f"amplitude ({unit})" if unit else "amplitude"
    return unit or ""


def _lines(title: str, axes: Any) -> str:
    """Break the title into at most two lines that are about as wide as the image."""
    inches = axes.get_position().width * axes.figure.get_figwidth()
    printable = "".join(c if c.isprintable() else " " for c in title)
    width = max(24, int(inches * _LETTERS))
    return textwrap.fill(printable, width, max_lines=2, placeholder=" ...")


def _note_bad(axes: Any, shown: np.ma.MaskedArray[Any, Any]) -> None:
    bad = int(np.count_nonzero(np.ma.getmaskarray(shown)))
    if bad == shown.size:
        axes.text(0.5, 0.5, "no good pixels", transform=axes.transAxes, ha="center", va="center")
    elif bad:
        share = 100 * bad / shown.size
        text = f"grey: {share:.2g} % bad pixels" if share < 99 else "grey: more than 99 % bad pixels"
        # In the corner below the name of the horizontal axis, where nothing else is.
        place = {"xycoords": "axes fraction", "xytext": (0, -34), "textcoords": "offset points"}
        axes.annotate(text, (1, 0), ha="right", va="top", fontsize=7, color="#606060", **place)


def _png(figure: Figure, dpi: int, title: str | None) -> bytes:
    if not 10 <= dpi <= 2400:
        raise LatticeRangeError(f"dpi: {dpi} is not between 10 and 2400")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    about = {"Software": "lattice"} | ({"Title": title} if title else {})
    # The canvas is given, so that neither pyplot nor the user's backend comes into it.
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=dpi, metadata=about, bbox_inches="tight")
    return buffer.getvalue()


def _target(path: str | os.PathLike[str], overwrite: bool) -> Path:
    target = Path(path)
    if target.suffix.lower() != ".png":
        raise FormatError(
            f"a preview is a PNG file, not {str(target)!r}", hint="give a name that ends in .png"
        )
    if target.is_dir():
        raise StorageError(f"cannot write {str(target)!r}: it is a folder")
    if target.exists() and not overwrite:
        raise OutputExistsError(
            f"{str(target)!r} exists already", hint="choose another name, or allow to overwrite it"
        )
    return target


def _write(target: Path, content: bytes) -> None:
    """Write to a temporary name and rename, so that there is a whole file or none."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise StorageError(f"cannot write {str(target)!r}: {error.strerror or error}") from error
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
