"""Pictures of images: planes with sky coordinates, outlines of regions and the beam; spectra."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from lattice.errors import (
    LatticeRangeError,
    LatticeTypeError,
    LatticeWarning,
    RegionError,
    ShapeMismatchError,
    suggest,
)
from lattice.image.select import ImageSelect

__all__ = ["ImagePlots", "Preview"]

_LINE_TIMES = 20  # a line shows so many times the pixels that a plane has along an axis

# The first that is not larger than the largest value is what an axis is labelled in.
_LARGER: dict[str, tuple[tuple[float, str], ...]] = {
    "Hz": ((1e9, "GHz"), (1e6, "MHz"), (1e3, "kHz")),
    "m/s": ((1e3, "km/s"),),
    "m": ((1.0, "m"), (1e-3, "mm"), (1e-6, "um"), (1e-9, "nm")),
}


class Preview:
    """A small picture of an image, which notebooks show; pixels are read when it is shown.

    Parameters
    ----------
    image : Image
        What to show.
    **look
        Passed to `Image.plot`.
    """

    def __init__(self, image: ImagePlots, **look: Any) -> None:
        self._image = image
        self._look = {"pixels": 500, "dpi": 80} | look
        self._png: bytes | None = None

    def _repr_png_(self) -> bytes:
        from lattice.plot import png

        if self._png is None:
            self._png = png(self._image.plot(**self._look), self._look["dpi"])
        return self._png

    def __repr__(self) -> str:
        return f"<preview of {self._image!r}>"


class ImagePlots(ImageSelect):
    """What shows an image."""

    __slots__ = ()

    def plot(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        plane: Mapping[str, int] | None = None,
        stretch: Any = "asinh",
        percent: float = 99.5,
        interval: Any = None,
        cmap: str = "viridis",
        regions: Any = None,
        beam: bool = True,
        title: str | None = None,
        ax: Any = None,
        wcs: bool = True,
        pixels: int = 1000,
        dpi: int = 150,
        overwrite: bool = False,
    ) -> Any:
        """Draw a plane, or a line of pixels such as a spectrum.

        Of large images every n-th pixel is read. Bad pixels are grey. Nothing goes through pyplot.

        Parameters
        ----------
        path : path-like, optional
            PNG file to write.
        plane : mapping of str to int, optional
            Pixel by dim for the axes that are not shown. Axes of length 1 need not be named.
        stretch : {"asinh", "linear", "log", "sqrt"} or astropy stretch, optional
            How values become colours.
        percent : float, optional
            The central part of the values over which the colours run.
        interval : (float, float), {"minmax", "zscale"} or astropy interval, optional
            The values between which they run, in place of `percent`.
        cmap : str, optional
            Name of a matplotlib colour map.
        regions : region, str, sequence or mapping of these, optional
            What to outline, as `subimage` takes it: circles, ellipses and polygons by their curves, others by
            the border of their pixels. The keys of a mapping are written into a legend.
        beam : bool, optional
            Whether to draw the restoring beam in the lower left corner.
        title : str, optional
            Text above the picture; the default is the expression, "" is none.
        ax : matplotlib Axes, optional
            Draw here and not in a new figure.
        wcs : bool, optional
            Whether to label the axes by coordinates, where they are known.
        pixels : int, optional
            Most pixels to read per axis; of a line, twenty times as many.
        dpi : int, optional
            Pixels of the file per inch.
        overwrite : bool, optional
            Whether a file of that name may be replaced.

        Returns
        -------
        matplotlib Figure or pathlib.Path
            The file, where one is written.

        Examples
        --------
        ``cube.plot("m87.png", plane={"frequency": 12}, regions="circle[[100pix, 100pix], 40pix]")``
        """
        from lattice.plot import decimation, png, target_of, write

        target = None if path is None else target_of(path, overwrite)
        key = _plane_of(self, dict(plane or {}))
        flat = self.isel(key)
        steps = decimation(flat.shape, pixels if flat.ndim == 2 else pixels * _LINE_TIMES)
        if title is None:
            shown = [f"{dim}={n % self.sizes[dim]}" for dim, n in key.items() if self.sizes[dim] > 1]
            title = self.expression + (f"  ({', '.join(shown)})" if shown else "")
        if flat.ndim == 1:
            if _regions_of(regions):
                raise LatticeTypeError("regions are outlined on planes, and this is a line")
            figure = _line(flat, steps[0], wcs=wcs, title=title, ax=ax)
        else:
            outlines = [(name, _inside(self, r, key, steps)) for name, r in _regions_of(regions)]
            look = {"stretch": stretch, "percent": percent, "interval": interval, "cmap": cmap}
            figure = _plane(
                flat,
                steps,
                wcs=wcs,
                title=title,
                outlines=outlines,
                beam=_beam_outline(flat) if beam else None,
                dpi=dpi,
                ax=ax,
                **look,
            )
        return figure if target is None else write(target, png(figure, dpi, title))

    def preview(self, **look: Any) -> Preview:
        """Return a small picture that notebooks show: no pixel is read before.

        Parameters
        ----------
        **look
            As for `plot`.
        """
        return Preview(self, **look)


# -- what is shown ------------------------------------------------------------------------------------------


def _plane_of(image: ImagePlots, plane: dict[str, int]) -> dict[str, int]:
    """Return the pixel for each axis that is not shown, so that one or two are left."""
    for dim, number in plane.items():
        if dim not in image.dims:
            hint = suggest(dim, image.dims) or f"the dims are {', '.join(image.dims) or 'none'}"
            raise LatticeRangeError(f"there is no dim {dim!r} to choose a plane by", hint=hint)
        if isinstance(number, bool) or not isinstance(number, int | np.integer):
            raise LatticeTypeError(f"plane: {dim}={number!r} is no pixel", hint="it is a whole number")
        if not -image.sizes[dim] <= number < image.sizes[dim]:
            raise LatticeRangeError(f"{dim}={number}: there are {image.sizes[dim]} planes, counted from 0")
    left = [d for d in image.dims if d not in plane]
    if not left:
        raise ShapeMismatchError(
            f"a picture shows a plane, and this has {len(left)} axes",
            hint="an image needs one axis or more" if not plane else "name fewer dims in plane=",
        )
    if len(left) <= 2:
        return plane
    longer = [d for d in left if image.sizes[d] > 1]
    if len(longer) > 2:
        axes = ", ".join(f"{d} {image.sizes[d]}" for d in left)
        example = ", ".join(f"{d!r}: 0" for d in longer[:-2])
        raise ShapeMismatchError(
            f"a picture shows a plane, and this has {len(left)} axes ({axes})",
            hint=f"choose a plane, as in plot(plane={{{example}}})",
        )
    kept = longer or left[-2:]
    return plane | {d: 0 for d in left if d not in kept}


def _read(image: ImagePlots, steps: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray | None]:
    if 0 in image.shape:
        raise ShapeMismatchError(f"there is nothing to show: the image has shape {image.shape}")
    found = image[tuple(slice(None, None, s) for s in steps)].to_masked_array()
    return found.data, None if found.mask is np.ma.nomask else ~np.ma.getmaskarray(found)


def _plane(image: ImagePlots, steps: tuple[int, ...], *, wcs: bool, **look: Any) -> Any:
    from lattice.plot import picture

    sky = wcs and image.coords is not None and image.coords.kinds == ("latitude", "longitude")
    texts, scales = list(image.dims), [None, None]
    if wcs and not sky:
        for k, step in enumerate(steps):
            texts[k], scales[k], names = _label(image, k, step)
            if names or scales[k] is None:
                texts[k], scales[k] = image.dims[k], None
    values, mask = _read(image, steps)
    return picture(
        values,
        mask,
        unit=image.unit or None,
        labels=(texts[0], texts[1]),
        scales=scales,
        wcs=image.wcs if sky else None,
        step=(steps[0], steps[1]),
        **look,
    )


def _line(image: ImagePlots, step: int, *, wcs: bool, **look: Any) -> Any:
    from lattice.plot import spectrum

    text, x, names = _label(image, 0, step) if wcs else (image.dims[0], None, ())
    values, mask = _read(image, (step,))
    if x is None:
        x = np.arange(len(values)) * float(step)
    return spectrum(x, values, mask, names=names, label=text, unit=image.unit or None, **look)


def _label(image: ImagePlots, axis: int, step: int) -> tuple[str, Any, tuple[str, ...]]:
    """Return what is written along an axis, the coordinates of the pixels shown, and their names."""
    from lattice.coords.labels import axis_labels

    found = [] if image.coords is None else axis_labels(image.coords, image.shape)
    label = next((one for one in found if one.axis == axis), None)
    if label is None:
        return f"{image.dims[axis]} (pixel)", None, ()
    values = label.values[::step]
    if values.dtype.kind not in "fi":
        few = len(values) <= 40
        return label.name, None, tuple(str(v) for v in values) if few else ()
    changes = np.diff(values)
    if not np.isfinite(values).all() or not (np.all(changes > 0) or np.all(changes < 0)):
        return f"{image.dims[axis]} (pixel)", None, ()
    unit = label.attrs.get("units", "")
    largest = float(np.abs(values).max())
    factor, shown = next((one for one in _LARGER.get(unit, ()) if one[0] <= largest), (1.0, unit))
    words = [label.name.capitalize(), label.attrs.get("convention", ""), label.attrs.get("specsys", "")]
    return (
        ", ".join(w for w in words if w) + (f" ({shown})" if shown else ""),
        np.asarray(values, np.float64) / factor,
        (),
    )


# -- what is drawn upon it ----------------------------------------------------------------------------------


def _regions_of(regions: Any) -> list[tuple[str, Any]]:
    """Return name, empty for none, and region."""
    if regions is None:
        return []
    if isinstance(regions, Mapping):
        return [(str(name), region) for name, region in regions.items()]
    if isinstance(regions, str) or hasattr(regions, "fit"):
        return [("", regions)]
    if isinstance(regions, Iterable):
        return [("", region) for region in regions]
    raise LatticeTypeError(f"regions: a {type(regions).__name__} is no region", hint="see lattice.regions")


def _inside(
    image: ImagePlots, region: Any, key: Mapping[str, int], steps: tuple[int, ...]
) -> np.ndarray | list[np.ndarray]:
    """Return the curves around a region of the image, or of its plane; or which of its pixels are shown."""
    from lattice.regions.base import OutsideError
    from lattice.regions.outline import outline

    chosen = image._chosen_region(region, None, None, None)
    if not hasattr(chosen, "fit"):
        raise LatticeTypeError(f"regions: {region!r} is no region", hint="see lattice.regions")
    flat = image.isel(key)
    strides = dict(zip(flat.dims, steps, strict=True))
    shape = tuple(-(-n // s) for n, s in zip(flat.shape, steps, strict=True))
    try:
        try:
            fitted, attrs = chosen.fit(image.node.attrs), image.node.attrs
        except OutsideError:
            raise
        except RegionError as error:  # it may be one of the plane: with two axes
            try:
                fitted, attrs = chosen.fit(flat.node.attrs), flat.node.attrs
            except OutsideError:
                raise
            except RegionError:
                raise error from None
    except OutsideError as error:
        warnings.warn(f"not outlined: {error.message}", LatticeWarning, stacklevel=4)
        return np.zeros(shape, bool)
    others = {attrs.dims.index(d): p % image.sizes[d] for d, p in key.items() if d in attrs.dims}
    rows, columns = (attrs.dims.index(d) for d in flat.dims)
    curves = outline(fitted, (rows, columns), others)
    if curves is not None:
        return curves
    section = tuple(
        slice(0, n, strides[d]) if d in strides else slice(key[d] % n, key[d] % n + 1, 1)
        for d, n in zip(attrs.dims, attrs.shape or (), strict=True)
    )
    return np.asarray(fitted.mask(section)).reshape(shape)


def _beam_outline(image: ImagePlots) -> np.ndarray | None:
    """Return the half-power ellipse of the beam at the middle of the image, x and y in pixels around it."""
    coords = image.coords
    if len(set(image.beams)) != 1 or coords is None or coords.kinds != ("latitude", "longitude"):
        return None
    if not coords.has_sky or coords.sky_frame is None:
        return None
    from astropy import units as u

    major, minor, angle = image.beams[0]
    middle = [(n - 1) / 2 for n in image.shape]
    place = coords.pixel_to_sky(*middle)
    if not np.isfinite(place.spherical.lat.deg):
        return None
    ends = place.directional_offset_by(
        np.array([angle, angle + 90]) * u.deg, np.array([major, minor]) / 2 * u.deg
    )
    y, x = coords.sky_to_pixel(ends)
    axes = np.stack([x - middle[1], y - middle[0]])
    turn = np.linspace(0, 2 * np.pi, 73)[:-1]
    outline = axes @ np.stack([np.cos(turn), np.sin(turn)])
    return outline.T if np.isfinite(outline).all() else None
