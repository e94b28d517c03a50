"""How an image object comes about: a file, an expression, a join, arrays."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.api import Names
from lattice.compat.casacore.errors import ArgumentError, CasacoreError, as_casacore
from lattice.compat.casacore.images.arguments import good_pixels, pixel_type, whole_numbers
from lattice.compat.casacore.images.defaults import default_coordinates
from lattice.compat.mutable import Derived, InMemory, Joined, Mutable
from lattice.compat.stored import InFile
from lattice.errors import FormatError, ImageNotFoundError, LatticeError, LatticeTypeError
from lattice.graph.agree import one_expression
from lattice.image import Image
from lattice.image.make import Parts
from lattice.ops.resample import METHODS

__all__ = ["Expression", "create", "join", "open_image", "parts_for"]


# -- expressions ----------------------------------------------------------------------------------------


class Expression(Derived):
    """An image given by an expression, bound anew whenever one of its images has changed.

    Parameters
    ----------
    text : str
        The expression.
    temporaries : sequence of Mutable
        What ``$1``, ``$2``, ... stand for.
    """

    def __init__(self, text: str, temporaries: Sequence[Mutable]) -> None:
        self._text = text
        self._temporaries = list(temporaries)
        self._files: dict[str, InFile] = {}
        super().__init__(temporaries, self._bound, f"Expression: {text}")
        image = self._bound()
        self.parents = (*self._temporaries, *self._files.values())
        self._seen = (self.version(), image)

    def _bound(self) -> Image:
        from lattice.language.binder import bind

        names = _Names([t.image() for t in self._temporaries], self._files)
        with one_expression():
            node = bind(self._text, names)
        if not node.attrs.shape:
            raise LatticeTypeError(
                "the expression gives a single number, not an image",
                hint="combine it with an image, or take the number from image.statistics()",
            )
        return Image._of(Parts(node, history=names.history(node)))


class _Names(Names):
    """Finds images by file name, and keeps them open."""

    def __init__(self, temporaries: Sequence[Image], files: dict[str, InFile]) -> None:
        super().__init__(temporaries)
        self._watched = files

    def _file(self, name: str, mask: str | None) -> Image:
        if name not in self._watched:
            self._opened(name)  # says best what is wrong with it
            self._watched[name] = InFile(os.path.expanduser(name), shown=name)
        return self._watched[name].image_under("default" if mask is None else mask)


def open_image(name: str, maskname: str, images: Any) -> Mutable:
    """Return the image of a file name, or of an expression with ``$name`` and ``$1`` in it.

    Variables are those of the functions up the stack.

    Raises
    ------
    CasacoreError
        When it is neither an image nor an expression; both reasons are told.
    """
    from lattice.compat.casacore.images.image import image
    from lattice.compat.casacore.util import substitute

    given = list(images) if isinstance(images, list | tuple) else [images]
    if not all(isinstance(i, image) for i in given):
        raise ArgumentError("images: only image objects stand for $1, $2, ...")
    text = substitute(name, [(image, "", given)], *_variables()) if "$" in name else name
    path = os.path.expanduser(text)
    unfit: LatticeError | None = None
    whole = os.path.exists(path)
    if whole or (not given and _names_part(path)):
        try:
            return InFile(path, maskname or "default")
        except LatticeError as error:
            if whole and not isinstance(error, FormatError | ImageNotFoundError):
                raise _unopened(text, error.message, error) from error  # an image with something else wrong
            unfit = error
    try:
        return Expression(text, [i._pixels for i in given])
    except LatticeError as error:
        if unfit is None:
            raise _unopened(text, error.message, error) from error
        raise _unopened(text, f"{unfit.message}; {error.message}", error) from unfit


def _unopened(text: str, why: str, error: LatticeError) -> CasacoreError:
    message = f"{text} cannot be opened as image (expression): {why}"
    return CasacoreError(message, text=error.text, span=error.span, hint=error.hint)


def _names_part(path: str) -> bool:
    """Tell whether a path names a part of a file: ``m.fits[SCI]``."""
    from lattice.io.registry import split_selector

    try:
        file, part = split_selector(path)
    except LatticeError:
        return False
    return part is not None and os.path.isfile(file)


def _variables() -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the global and local variables of the code that called this package."""
    from lattice.compat.casacore.util import is_ours

    frame: Any = sys._getframe(1)
    while frame.f_back is not None and is_ours(frame):
        frame = frame.f_back
    return frame.f_globals, frame.f_locals


# -- several images, arrays -----------------------------------------------------------------------------


def join(parts: Sequence[Mutable], axis: Any) -> Mutable:
    """Return images joined along an axis, which counts from the fastest one."""
    (number,) = whole_numbers(axis, "axis")
    images = [p.image() for p in parts]
    ndim = images[0].ndim
    if not 0 <= number < ndim:
        raise CasacoreError(
            f"axis {number} of images of {ndim} axes", hint="axis counts from 0, the last axis of an array"
        )
    types = sorted({str(i.dtype) for i in images})
    if len(types) > 1:
        raise CasacoreError(f"the images to join are of different types: {', '.join(types)}")
    with as_casacore():
        joined = Joined(parts, ndim - 1 - number, "Concatenation :")
        joined.image()
    return joined


def parts_for(coordsys: Any, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return coordinates and header cards of a new image from a coordinatesystem, or the default ones."""
    from lattice.io.casa_records import coords_from_record

    record = default_coordinates(shape) if coordsys is None else coordsys.dict()
    with as_casacore("coordsys"):
        coords, cards = coords_from_record(record, shape)
        if len(coords.axes) != len(shape):
            raise CasacoreError(
                f"coordinates of {len(coords.axes)} axes do not fit an image of {len(shape)} axes"
            )
    return {"coords": coords, "meta": tuple(cards)}


def create(
    name: str,
    values: Any,
    shape: Any,
    mask: Any,
    maskname: str,
    coordsys: Any,
    *,
    overwrite: bool,
    ashdf5: bool,
    tileshape: Any,
) -> Mutable:
    """Return a new image with values, or of a shape and zeros, in memory or in a file."""
    good = None
    if shape is not None:
        if np.ndim(values):
            raise CasacoreError("values and a shape were given", hint="an array has a shape already")
        dtype = np.dtype("f4") if values is None else pixel_type(values)
        lengths = _lengths(shape)
        pixels = np.broadcast_to(np.zeros((), dtype), lengths) if name else np.zeros(lengths, dtype)
    else:
        if isinstance(values, np.ma.MaskedArray):
            mask = np.ma.getmaskarray(values) if len(mask) == 0 else mask
            values = values.data
        if np.ndim(values) == 0:
            raise CasacoreError("a single number is no image", hint="give its shape too")
        pixels = np.asarray(values).astype(pixel_type(values), copy=not name)
        _lengths(pixels.shape)
        if len(mask):
            good = good_pixels(mask)
            if good.shape != pixels.shape:
                raise CasacoreError(f"the mask has shape {good.shape}, the values {pixels.shape}")
    if maskname and good is None:
        good = np.broadcast_to(np.zeros((), bool), pixels.shape)  # as casacore has it: nothing is good yet
    parts = parts_for(coordsys, pixels.shape)
    if not name:
        return InMemory(pixels, good, maskname or "mask0", own=True, label="Temporary_Image", **parts)
    image = Image(
        pixels,
        wcs=parts["coords"],
        meta=parts["meta"],
        masks=None if good is None else {maskname or "mask0": good},
        mask=None if good is None else maskname or "mask0",
        name=os.path.basename(name),
    )
    with as_casacore():
        return save(image, name, overwrite, ashdf5, tileshape)


# -- saving ---------------------------------------------------------------------------------------------


def save(image: Image, name: str, overwrite: bool, hdf5: bool, tileshape: Any) -> InFile:
    """Write an image to a CASA image or an HDF5 file."""
    tile = _tile(tileshape, image.ndim)
    options = {} if tile is None else {"tile": tile}
    path = os.path.expanduser(name)
    _check_place(path, overwrite)
    return InFile.create(path, image, overwrite=overwrite, format="hdf5" if hdf5 else "casa", **options)


def _check_place(path: str, overwrite: bool) -> None:
    if not path:
        raise CasacoreError("a file has a name")
    if not os.path.lexists(path):
        return
    if not overwrite:
        raise CasacoreError(f"file {path} already exists and should not be overwritten")
    if os.path.isfile(path):
        from lattice.io.registry import for_reading

        try:
            for_reading(path)
        except FormatError:
            raise CasacoreError(f"file {path} is no image: it is not replaced") from None


def save_fits(
    image: Image,
    name: str,
    overwrite: bool,
    velocity: bool,
    optical: bool,
    bitpix: int,
    limits: tuple[float, float],
) -> None:
    """Write an image to a FITS file as casacore does."""
    path = os.path.expanduser(name)
    _check_place(path, overwrite)
    scale: dict[str, Any] = (
        {"minpix": limits[0], "maxpix": limits[1]} if bitpix > 0 and limits[0] <= limits[1] else {}
    )
    image.save(
        path,
        format="fits",
        overwrite=overwrite,
        style="casa",
        velocity=velocity,
        optical=optical,
        stokeslast=False,
        bitpix=bitpix,
        **scale,
    )


def regridded(
    image: Image,
    axes: tuple[int, ...],
    coordsys: Any,
    outshape: Any,
    method: str,
    refchange: bool,
    force: bool,
) -> Image:
    """Return an image on the grid of a coordinatesystem; see `image.regrid`."""
    if method not in METHODS:
        raise CasacoreError(f"there is no interpolation {method!r}", hint=f"there are {', '.join(METHODS)}")
    shape = _lengths(outshape) if np.size(outshape) else image.shape
    if len(shape) != image.ndim:
        raise CasacoreError(f"outshape {list(shape)} does not fit an image of {image.ndim} axes")
    grid = parts_for(coordsys, shape)["coords"]
    kept = [a for a in range(image.ndim) if axes and a not in axes]
    if any(shape[a] != image.shape[a] for a in kept):
        raise CasacoreError(f"outshape {list(shape)} differs on an axis that is to stay")
    if not refchange and image.coords is not None:
        frames = [(c.sky_frame, c.spectral_frame) for c in (image.coords, grid)]
        if frames[0][0] != frames[1][0] or frames[0][1] != frames[1][1]:
            raise CasacoreError("the grid is in another reference frame", hint="say refchange=True")
    if not axes:
        return image.regrid(grid, shape=shape, method=method, force=force)
    return image.regrid(grid, list(axes), shape=shape, method=method, force=force)


def _lengths(shape: Any) -> tuple[int, ...]:
    lengths = tuple(whole_numbers(list(shape) if np.ndim(shape) else shape, "shape"))
    if not lengths or min(lengths) <= 0:
        raise CasacoreError(f"an image has at least one axis, and pixels along each: not {list(lengths)}")
    return lengths


def _tile(tileshape: Any, ndim: int) -> tuple[int, ...] | None:
    tile = tuple(whole_numbers(list(tileshape) if np.ndim(tileshape) else tileshape, "tileshape"))
    if not tile:
        return None
    if len(tile) != ndim or min(tile) <= 0:
        raise CasacoreError(f"tileshape {list(tile)} does not fit an image of {ndim} axes")
    return tile
