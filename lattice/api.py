"""The functions that users start from: open, expr, concat, formats."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lattice.errors import (
    FormatError,
    ImageNotFoundError,
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    NameNotFoundError,
    suggest,
)
from lattice.graph.agree import one_expression
from lattice.graph.node import Node, Source
from lattice.image import Image
from lattice.image.make import Parts, array_parts, is_array, literal_of, source_name
from lattice.image.virtual import image_of
from lattice.io.base import Format

__all__ = ["Names", "concat", "expr", "formats", "open"]

_PLAIN = re.compile(r"[A-Za-z_]\w*\Z", re.ASCII)
_TEMPORARY = re.compile(r"\$[0-9]{1,6}\Z")
_SUGGESTED = 500  # names of files that are looked at for a suggestion


def open(path: str | os.PathLike[str], *, mask: str | None = "default", **selectors: Any) -> Image:
    """Open an image of any known format; the content of the file decides, and only headers are read.

    Parameters
    ----------
    path : path-like
        The image. A part of a file is chosen as cfitsio does it: ``"mosaic.fits[SCI,1]"``.
    mask : str or None, optional
        ``"default"`` for the default mask, None for no mask, else the name of a mask.
    **selectors
        For the format, such as ``hdu=`` (number, name, or name and version) for FITS.

    Raises
    ------
    ImageNotFoundError
        When there is nothing at the path.
    FormatError
        When it is no image, or a damaged one.
    NameNotFoundError
        When the image has no such mask.
    """
    from lattice.io.registry import open_stored

    name = source_name(path, selectors)
    stored = open_stored(os.fsdecode(os.fspath(path)), **selectors)
    return image_of(stored, name, mask)


def formats() -> list[Format]:
    """Return the file formats that are known, with name, suffixes, description and what each can do."""
    from lattice.io.registry import formats as known

    return known()


def expr(text: str, *args: Any, images: Mapping[str, Any] | None = None, **names: Any) -> Image:
    """Return the image that an expression describes.

    The text is checked at once; nothing is computed.

    Parameters
    ----------
    text : str
        An expression of the Lattice Expression Language. A name in it is one of `names` or `images`, else a
        file (in quotes, unless it is a plain word), opened relative to the working directory.
    *args
        Images, arrays or numbers for ``$1``, ``$2``, ...; regions among them are ``$r1``, ``$r2``, ...
    images : mapping of str to Image, array, number or region, optional
        For names that are no Python identifiers.
    **names
        Images, arrays, numbers or regions by name. A number means what it would mean in the text.

    Raises
    ------
    LatticeError
        One of its children, with the place in the text.

    Examples
    --------
    >>> import numpy as np
    >>> import lattice
    >>> a = lattice.Image(np.arange(6, dtype="f4"), name="a")
    >>> v = lattice.expr("a[a > limit] + $1", 10, a=a, limit=3)
    >>> v.filled()
    array([nan, nan, nan, nan, 14., 15.], dtype=float32)
    """
    from lattice.language.binder import bind

    if not isinstance(text, str):
        raise LatticeTypeError(f"an expression is a text, not a {type(text).__name__}")
    resolver = Names(args, dict(images or {}) | names)
    with one_expression():
        node = bind(text, resolver)
    return Image._of(Parts(node, history=resolver.history(node)))


def concat(images: Sequence[Any], dim: str | int = 0) -> Image:
    """Return images joined one after the other along an axis.

    Parameters
    ----------
    images : sequence of Image, array or path
        The parts; they agree in the lengths of their other axes.
    dim : str or int, optional
        Name or number of the axis; or the name of a new one, which becomes the slowest.

    Returns
    -------
    Image
        The joined image. It has the named masks of all parts; all pixels of a part that lacks one are good.

    Notes
    -----
    :mask: each part brings its own.
    :unit: that of the first part; others are told by a warning.
    :beam: one per plane where parts differ.
    :coordinates: follow each other where they fit; else they become a table, or are told.
    :flags: named masks of all parts are joined; all pixels of a part without one are good.
    :variance: ``concat([v1, v2, ...], dim)`` alike.
    """
    from lattice.image.masks import joined_masks
    from lattice.ops.concat import concat as join

    if isinstance(images, Image | str):
        raise LatticeTypeError(
            "concat takes a sequence of images", hint="lattice.concat([a, b], dim='frequency')"
        )
    parts = [opened(i) for i in images]
    if not parts:
        raise LatticeTypeError("there is nothing to join: the sequence is empty")
    from lattice.image.operators import axes_of

    if not isinstance(dim, str):
        (dim,) = axes_of(parts[0], dim)
    elif dim not in parts[0].dims and (near := suggest(dim, parts[0].dims)):
        raise LatticeRangeError(f"there is no dim {dim!r}", hint=near)  # a slip, rather than a new axis
    node = join([p.node for p in parts], dim)
    masks, default = joined_masks(node, parts)
    return parts[0]._derive(node, *parts[1:])._with(masks=masks, default_mask=default)


def opened(value: Any) -> Image:
    """Return an image, the image of an array, or that of the file at a path."""
    if isinstance(value, Image):
        return value
    return open(value) if isinstance(value, str | os.PathLike) else Image(value)


class Names:
    """Finds what the names of an expression stand for: given objects first, then files.

    Parameters
    ----------
    temporaries : sequence
        What ``$1``, ``$2``, ... and ``$r1``, ``$r2``, ... stand for.
    given : mapping
        Objects by name.
    folder : str, optional
        Where files are looked for that the working directory does not have.
    """

    def __init__(
        self,
        temporaries: Sequence[Any] = (),
        given: Mapping[str, Any] | None = None,
        folder: str | None = None,
    ) -> None:
        self._folder = folder
        self._given = dict(given or {})
        self._temporaries = [t for t in temporaries if not _is_region(t)]
        self._regions = [t for t in temporaries if _is_region(t)]
        self._images: dict[str, Image] = {}
        self._files: dict[str, Any] = {}
        self._paths: dict[str, str] = {}
        self._used: list[Image] = []

    # -- what the binder asks for ----------------------------------------------------------------

    def resolve_image(self, name: str, mask: str | None) -> Any:
        """Return the image of a name, under one of its masks; or the region that it stands for."""
        if mask is None and name in self._given and _is_region(self._given[name]):
            return self._given[name]
        if name in self._given:
            return self._use(self._given_image(name, mask))
        if mask is None and _TEMPORARY.match(name):
            return self.resolve_temporary(int(name[1:]))  # as printed expressions have it
        return self._use(self._file(name, mask))

    def resolve_temporary(self, number: int) -> Node:
        """Return the argument that ``$number`` stands for."""
        count = len(self._temporaries)
        if not 1 <= number <= count:
            raise NameNotFoundError(
                f"${number} stands for nothing: {_how_many(count)}",
                hint="arguments after the text are $1, $2, ... in their order",
            )
        key = f"${number}"
        if key not in self._images:
            self._images[key] = _as_image(self._temporaries[number - 1], key)
        return self._use(self._images[key])

    def resolve_region(self, image: str, region: str) -> Any:
        """Return a region or mask stored with an image, or given by name."""
        if region in self._given and _is_region(self._given[region]):
            return self._given[region]
        found = self._given_image(image, None) if image in self._given else self._file(image, None)
        if region in found.regions:
            return found.regions[region]
        if region in found._masks:
            from lattice.regions import MaskRegion

            plane = found._masks[region]
            if isinstance(plane, Source) and plane.mask is None:
                return MaskRegion(plane.reader)
            from lattice.io.memory import DaskReader

            return MaskRegion(DaskReader(found.masks[region].data, region))
        known = [*found.regions, *found._masks]
        hint = suggest(region, known) or (f"it has {', '.join(known)}" if known else "it has none")
        raise NameNotFoundError(f"{image!r} has no region {region!r}", hint=hint)

    def resolve_temporary_region(self, number: int) -> Any:
        """Return the region that ``$rnumber`` stands for."""
        if not 1 <= number <= len(self._regions):
            raise NameNotFoundError(
                f"$r{number} stands for nothing: {len(self._regions)} regions were given",
                hint="regions among the arguments are $r1, $r2, ... in their order",
            )
        return self._regions[number - 1]

    def known_images(self) -> Iterable[str]:
        """Return names that may be suggested."""
        files: list[str] = []
        try:
            with os.scandir(".") as entries:
                for entry in entries:
                    if not entry.name.startswith("."):
                        files.append(entry.name)
                    if len(files) >= _SUGGESTED:
                        break
        except OSError:
            pass
        return [*self._given, *sorted(files)]

    def known_regions(self, image: str) -> Iterable[str]:
        """Return the names of the regions and masks of an image."""
        found = self._given_image(image, None) if image in self._given else self._file(image, None)
        return [*found.regions, *found._masks]

    # -- inside ----------------------------------------------------------------------------------

    def _use(self, image: Image) -> Node:
        self._used.append(image)
        return image.node

    def history(self, node: Node) -> tuple[str, ...]:
        """Return the history of the image that gives the coordinates, else of the first that has one."""
        coords = node.attrs.coords
        if coords is not None:
            for image in self._used:
                if image.coords is coords:
                    return image.history
        return next((i.history for i in self._used if i.history), ())

    def _given_image(self, name: str, mask: str | None) -> Image:
        if name not in self._images:
            value = self._given[name]
            if _is_region(value):
                raise NameNotFoundError(
                    f"{name!r} is a region, not an image", hint="apply it to an image: image[region]"
                )
            self._images[name] = _as_image(value, name)
        image = self._images[name]
        if mask is None:
            return image
        return image.with_mask(None if mask == "nomask" and mask not in image._masks else mask)

    def _file(self, name: str, mask: str | None) -> Image:
        stored = self._opened(name)
        return image_of(stored, self._paths[name], "default" if mask is None else mask)

    def _opened(self, name: str) -> Any:
        """Open a file once, whatever it is called."""
        from lattice.io.registry import open_stored

        if name in self._paths:
            return self._files[self._paths[name]]
        path = name
        if self._folder is not None and not os.path.lexists(name):
            beside = os.path.join(self._folder, name)
            path = beside if os.path.lexists(beside) else name
        try:
            stored = open_stored(path)
        except ImageNotFoundError as error:
            if not _PLAIN.match(name):
                raise
            # Without a hint of its own: the binder knows functions and regions as well.
            raise NameNotFoundError(
                f"{name!r} is not defined: no image of that name was given, and there is no such file"
            ) from error
        except FormatError as error:
            if os.path.isdir(name) and _PLAIN.match(name):
                raise NameNotFoundError(
                    f"{name!r} is not defined: it is a folder that holds no image"
                ) from error
            raise
        known = next((n for n, s in self._files.items() if s.reader.token == stored.reader.token), None)
        self._paths[name] = name if known is None else known
        return self._files.setdefault(self._paths[name], stored)


def _how_many(count: int) -> str:
    return {0: "no arguments were given", 1: "one argument was given"}.get(
        count, f"{count} arguments were given"
    )


def _is_region(value: Any) -> bool:
    kind = type(value)  # an image would look for names near to one that it lacks
    return hasattr(kind, "fit") and hasattr(kind, "as_mask_node")


def _as_image(value: Any, name: str) -> Image:
    """Return a given object as an image; arrays take the name that they are given under."""
    if isinstance(value, Image):
        return value
    if isinstance(value, Node):
        return Image(value)
    if isinstance(value, str | os.PathLike):
        return open(value)
    if is_array(value):
        nothing: dict[str, Any] = {"wcs": None, "mask": None, "masks": None, "regions": None, "unit": None}
        return Image._of(
            array_parts(value, dims=None, beam=None, meta=None, history=(), name=name, **nothing)
        )
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | complex):
            return Image(literal_of(value))
        return _number(value)
    except LatticeError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint) from None


def _number(value: complex) -> Image:
    """Return a number as the text of it would be bound: signs and parts are operations."""
    import numpy as np

    from lattice.functions.registry import lookup
    from lattice.graph.build import number

    literal_of(value)  # refuses what is too large
    return Image(number(value, np.dtype(np.float64), lookup("-", 1), lookup("+", 2)))
