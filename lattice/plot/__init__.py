"""Pictures of image planes and of spectra, to look at and to put into reports.

Values and mask in, a matplotlib Figure or a PNG file out.  It knows neither images
nor files of images; who calls it has read the pixels (no more of them than `decimation` says).
"""

from __future__ import annotations

import io
import os
import secrets
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

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
from lattice.plot.colours import STRETCHES, curve, ends, limits, norm_of, ticks_of

if TYPE_CHECKING:
    from astropy.wcs import WCS
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["STRETCHES", "decimation", "limits", "picture", "png", "preview", "spectrum", "target_of", "write"]

_BAD = "#b8b8b8"  # neutral, and found in none of the usual colour maps
_LINE = "#1f4e8c"
_OUTLINES = ("#ff6b5e", "#ffffff", "#ffc247", "#6bd5ff")
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


def preview(
    values: np.ndarray,
    mask: np.ndarray | None,
    path: str | os.PathLike[str],
    *,
    title: str | None = None,
    dpi: int = 150,
    overwrite: bool = False,
    **look: Any,
) -> Path:
    """Write a picture of one plane as a PNG file.

    Parameters
    ----------
    values, mask : ndarray
        As for `picture`.
    path : path-like
        Where to write; the name ends in ``.png``.
    title : str, optional
        Put above the picture; cut where it is too long.
    dpi : int, optional
        Pixels of the picture per inch; an image is about six inches wide or high.
    overwrite : bool, optional
        Whether a file of that name may be replaced.
    **look
        Passed to `picture`.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    LatticeError
        When matplotlib is missing, an argument makes no sense or the file cannot be written.
    """
    target = target_of(path, overwrite)
    return write(target, png(picture(values, mask, title=title, dpi=dpi, **look), dpi, title))


def picture(
    values: np.ndarray,
    mask: np.ndarray | None,
    *,
    title: str | None = None,
    unit: str | None = None,
    stretch: Any = "asinh",
    percent: float = 99.5,
    interval: Any = None,
    cmap: str = "viridis",
    labels: tuple[str, str] | None = None,
    scales: Sequence[np.ndarray | None] = (None, None),
    wcs: WCS | None = None,
    step: tuple[int, int] = (1, 1),
    outlines: Sequence[tuple[str, np.ndarray | Sequence[np.ndarray]]] = (),
    beam: np.ndarray | None = None,
    dpi: int = 150,
    ax: Axes | None = None,
) -> Figure:
    """Return a picture of one plane as a matplotlib Figure; pyplot has no part in it.

    Parameters
    ----------
    values : ndarray
        The plane, two axes in numpy order. Of complex values the amplitude is shown.
    mask : ndarray of bool or None
        True where a pixel is good; None: everywhere. Bad pixels and values that are not finite are grey.
    title : str, optional
        Put above the picture; cut where it is too long.
    unit : str, optional
        Of the values, put beside the colour bar.
    stretch : {"asinh", "linear", "log", "sqrt"} or astropy stretch, optional
        How values become colours. "asinh" shows faint parts and bright ones together.
    percent : float, optional
        The central part of the values over which the colours run.
    interval : (float, float), {"minmax", "zscale"} or astropy interval, optional
        The values between which the colours run, in place of `percent`.
    cmap : str, optional
        Name of a matplotlib colour map.
    labels : tuple of str, optional
        Names of the vertical and the horizontal axis, as the axes of `values`; with a `wcs` the
        names that it gives come first.
    scales : pair of ndarray or None, optional
        For each axis the coordinates of its pixels, which rise or fall, to be written at the ticks.
    wcs : astropy.wcs.WCS, optional
        World coordinates of both axes, of the full plane: `step` is taken into account here.
    step : tuple of int, optional
        The steps with which `values` were taken from the full plane, see `decimation`. Axes are labelled
        with pixels of the full plane.
    outlines : sequence of (str, ndarray of bool or sequence of ndarray), optional
        Name (empty for none) of each region to be outlined, and its inner pixels, taken as `values` were; or
        curves of shape (n, 2), x and y in pixels of the full plane.
    beam : ndarray, optional
        Outline of the beam, x and y in pixels of the full plane around its centre; shape (n, 2).
    dpi : int, optional
        Resolution that the picture will have.
    ax : matplotlib Axes, optional
        Draw here and not in a new figure.
    """
    shown, is_complex = _shown(values, mask)
    if values.dtype == np.bool_:
        stretch, low, high = "linear", 0.0, 1.0
    else:
        curve(stretch)
        low, high = ends(shown.compressed(), percent, interval)
    figure, axes, bar = _figure(shown.shape, step, wcs) if ax is None else (_owner(ax), ax, None)
    height, width = shown.shape
    # A pixel of a decimated plane is centred on the pixel that was read.
    extent = (-step[1] / 2, (width - 0.5) * step[1], -step[0] / 2, (height - 0.5) * step[0])
    colours = axes.imshow(
        shown,
        origin="lower",
        cmap=_colour_map(cmap),
        norm=norm_of(stretch, low, high),
        extent=extent,
        aspect="auto" if _stretched(shown.shape, step) or any(s is not None for s in scales) else "equal",
        interpolation=_interpolation(axes, shown.shape, dpi),
    )
    _name_axes(axes, labels, wcs if ax is None or hasattr(ax, "coords") else None)
    for axis, values_there, every in zip((axes.yaxis, axes.xaxis), scales, step, strict=True):
        if values_there is not None:
            _number(axis, values_there, every)
    _outline(axes, outlines, step)
    _draw_beam(axes, beam, extent)
    axes.set_xlim(extent[:2])
    axes.set_ylim(extent[2:])
    _colour_bar(figure, axes, bar, colours, (stretch, low, high)).set_ylabel(
        _bar_label(unit, is_complex), parse_math=False
    )
    if title:
        axes.set_title(_lines(title, axes), fontsize=10, parse_math=False)
    _note_bad(axes, shown)
    return figure


def spectrum(
    x: np.ndarray,
    values: np.ndarray,
    mask: np.ndarray | None,
    *,
    names: Sequence[str] = (),
    title: str | None = None,
    label: str = "",
    unit: str | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Return a line as a matplotlib Figure.

    Parameters
    ----------
    x : ndarray
        Coordinate of each value; rising or falling.
    values : ndarray
        One axis. Of complex values the amplitude is shown.
    mask : ndarray of bool or None
        True where a value is good; the line has a gap on a grey ground at others.
    names : sequence of str, optional
        What is written at each x in place of numbers.
    title, label, unit : str, optional
        Text above, below and beside the line.
    ax : matplotlib Axes, optional
        Draw here and not in a new figure.
    """
    shown, is_complex = _shown(values, mask, 1)
    _need_matplotlib()
    from matplotlib.figure import Figure as NewFigure

    axes = NewFigure(figsize=(8.0, 3.6)).add_axes((0.11, 0.16, 0.86, 0.72)) if ax is None else ax
    edges = np.array([x[0] - 0.5, x[0] + 0.5])
    if len(x) > 1:
        middle = (x[1:] + x[:-1]) / 2
        edges = np.concatenate([[2 * x[0] - middle[0]], middle, [2 * x[-1] - middle[-1]]])
    bad = np.ma.getmaskarray(shown)
    runs = np.flatnonzero(np.diff(np.concatenate([[False], bad, [False]]).astype(np.int8)))
    spans = [(edges[i], edges[j] - edges[i]) for i, j in zip(runs[::2], runs[1::2], strict=True)]
    ground: dict[str, Any] = {
        "transform": axes.get_xaxis_transform(),
        "facecolor": _BAD,
        "alpha": 0.45,
        "linewidth": 0,
    }
    axes.broken_barh(spans, (0, 1), **ground)
    axes.stairs(shown.filled(np.nan), edges, baseline=None, color=_LINE, linewidth=1.1)
    good = shown.compressed()
    if good.size and good.min() < 0 < good.max():
        axes.axhline(0, color="#808080", linewidth=0.6, linestyle=(0, (4, 4)), zorder=0.9)
    axes.set_xlim(min(edges[0], edges[-1]), max(edges[0], edges[-1]))
    axes.ticklabel_format(axis="x", useOffset=False)
    axes.ticklabel_format(axis="y", useOffset=False, scilimits=(-3, 5))
    if names:
        axes.set_xticks(x, labels=list(names))
    axes.grid(color="#e4e4e4", linewidth=0.5)
    axes.set_axisbelow(True)
    axes.tick_params(direction="out", width=0.6)
    axes.set_xlabel(label, parse_math=False)
    axes.set_ylabel(_bar_label(unit, is_complex), parse_math=False)
    if title:
        axes.set_title(_lines(title, axes), fontsize=10, parse_math=False)
    _note_bad(axes, shown)
    return _owner(axes)


# -- parts of pictures --------------------------------------------------------------------------------------


def _owner(axes: Any) -> Any:
    """Return the figure that axes are in, also those of a part of a figure."""
    figure = axes.figure
    return getattr(figure, "figure", None) or figure


def _colour_bar(figure: Any, axes: Any, bar: Any, colours: Any, norm: tuple[Any, float, float]) -> Any:
    made = figure.colorbar(colours, cax=bar) if bar is not None else figure.colorbar(colours, ax=axes)
    if norm[0] != "linear":
        ticks = ticks_of(*norm)
        made.set_ticks(list(ticks), labels=list(ticks.values()))
        made.minorticks_off()
    made.outline.set_linewidth(0.6)
    return made.ax


def _number(axis: Any, values: np.ndarray, step: int) -> None:
    """Put ticks at round values of a coordinate that is given for each pixel shown."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    pixels = np.arange(len(values)) * step
    if len(values) > 1 and values[0] > values[-1]:
        values, pixels = values[::-1], pixels[::-1]
    if len(values) < 2 or not np.all(np.diff(values) > 0):
        return
    ticks = MaxNLocator(6).tick_values(values[0], values[-1])
    ticks = ticks[(ticks >= values[0]) & (ticks <= values[-1])]
    places = np.interp(ticks, values, pixels)
    form: Any = ScalarFormatter(useOffset=False)
    form.create_dummy_axis()
    form.axis.set_view_interval(values[0], values[-1])
    axis.set_ticks(places, labels=form.format_ticks(ticks))


def _outline(
    axes: Any,
    outlines: Sequence[tuple[str, np.ndarray | Sequence[np.ndarray]]],
    step: tuple[int, int],
) -> None:
    named = False
    for k, (name, inside) in enumerate(outlines):
        colour = _OUTLINES[k % len(_OUTLINES)]
        for width, ink in ((2.6, "#202020"), (1.3, colour)):
            if isinstance(inside, np.ndarray):
                _border(axes, inside, step, ink, width)
            else:
                _curves(axes, inside, ink, width)
        if name:
            axes.plot([], [], color=colour, linewidth=1.3, label="".join(c for c in name if c.isprintable()))
            named = True
    if named:
        box = {"facecolor": "#404040", "edgecolor": "none", "framealpha": 0.75, "labelcolor": "white"}
        legend = axes.legend(loc="upper right", fontsize=8, **box)
        for text in legend.get_texts():
            text.set_parse_math(False)


def _border(axes: Any, inside: np.ndarray, step: tuple[int, int], ink: str, width: float) -> None:
    """Draw a line around pixels."""
    # With a border of one pixel, so that what reaches the edge of the picture is closed.
    y, x = ((np.arange(n + 2) - 1.0) * s for n, s in zip(inside.shape, step, strict=True))
    # Just inside of the edge, where the line is seen.
    for places, s in ((y, step[0]), (x, step[1])):
        places[0], places[-1] = -0.9 * s, places[-1] - 0.1 * s
    padded = np.pad(inside.astype(np.float32), 1)
    axes.contour(x, y, padded, levels=[0.5], colors=[ink], linewidths=width)


def _curves(axes: Any, curves: Sequence[np.ndarray], ink: str, width: float) -> None:
    from matplotlib.collections import LineCollection

    lines = LineCollection(list(curves), colors=[ink], linewidths=width, zorder=2, gid="outline")
    axes.add_collection(lines, autolim=False)


def _draw_beam(axes: Any, beam: np.ndarray | None, extent: tuple[float, float, float, float]) -> None:
    """Draw the beam in the lower left corner, unless it is as large as the picture."""
    if beam is None:
        return
    width, height = extent[1] - extent[0], extent[3] - extent[2]
    half = np.abs(beam).max(axis=0)
    if 4 * half[0] > width or 4 * half[1] > height:
        return
    from matplotlib.patches import Polygon

    gap = 0.035 * min(width, height)
    corner = np.array([extent[0], extent[2]]) + gap + half
    look = {"facecolor": "#ffffffd0", "edgecolor": "#202020", "linewidth": 0.9}
    axes.add_patch(Polygon(beam + corner, closed=True, zorder=3, gid="beam", **look))


def _shown(
    values: np.ndarray, mask: np.ndarray | None, axes: int = 2
) -> tuple[np.ma.MaskedArray[Any, Any], bool]:
    """Return the values as real numbers, masked as numpy does it, and whether they were complex."""
    if values.ndim != axes or 0 in values.shape:
        if axes == 1:
            raise ShapeMismatchError(f"a spectrum shows one axis, not values of shape {values.shape}")
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


def _interpolation(axes: Any, shape: tuple[int, int], dpi: int) -> str:
    """Pixels that are shown larger than they are stay visible as such; smaller ones are averaged."""
    box, figure = axes.get_position(), axes.figure
    width, height = box.width * figure.get_figwidth() * dpi, box.height * figure.get_figheight() * dpi
    return "nearest" if 2 * shape[1] <= width and 2 * shape[0] <= height else "antialiased"


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


def png(figure: Figure, dpi: int = 150, title: str | None = None) -> bytes:
    """Return a figure as the content of a PNG file."""
    if not 10 <= dpi <= 2400:
        raise LatticeRangeError(f"dpi: {dpi} is not between 10 and 2400")
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    buffer = io.BytesIO()
    about = {"Software": "lattice"} | ({"Title": title} if title else {})
    # The canvas is given, so that neither pyplot nor the user's backend comes into it.
    FigureCanvasAgg(figure).print_figure(buffer, format="png", dpi=dpi, metadata=about, bbox_inches="tight")
    return buffer.getvalue()


def target_of(path: str | os.PathLike[str], overwrite: bool) -> Path:
    """Return the path of a file that may be written; it is an error if it may not."""
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


def write(target: Path, content: bytes) -> Path:
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
    return target
