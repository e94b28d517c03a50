"""Images made of other images in storage: opened as lazy graphs, and saved as references."""

from __future__ import annotations

import contextlib
import contextvars
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lattice.errors import FormatError, LatticeError
from lattice.graph.node import Node, Source
from lattice.image.make import stored_parts
from lattice.io.base import MetaCard, Stored

if TYPE_CHECKING:
    from lattice.image import Image

__all__ = ["image_of", "save_virtual"]

_opening: contextvars.ContextVar[tuple[str, ...]] = contextvars.ContextVar("opening", default=())
_DEEPEST = 16


@contextlib.contextmanager
def _inside(path: str) -> Iterator[None]:
    """Refuse images that are made of themselves."""
    outer = _opening.get()
    if path in outer or len(outer) >= _DEEPEST:
        raise FormatError(f"the virtual image {outer[0]!r} is made of itself")
    token = _opening.set((*outer, path))
    try:
        yield
    finally:
        _opening.reset(token)


def image_of(stored: Stored, name: str, mask: str | None = "default") -> Image:
    """Return the image of what a format found, be it pixels or other images.

    Parameters
    ----------
    stored : Stored
        What the format found.
    name : str
        Name of the image in expressions.
    mask : str or None
        ``"default"`` for the default mask, None for no mask, else the name of a mask.
    """
    from lattice.image import Image

    if stored.virtual is None:
        return Image._of(stored_parts(stored, name, mask))
    with _inside(os.path.realpath(stored.source)):
        if stored.virtual["kind"] == "concat":
            image = _joined(stored)
        else:
            image = _evaluated(stored)
    return image if mask == "default" else image.with_mask(None if mask == "nomask" else mask)


def _joined(stored: Stored) -> Image:
    from lattice.api import concat
    from lattice.io.registry import open_stored

    assert stored.virtual is not None
    images = []
    for i, path in enumerate(stored.virtual["images"]):
        found = open_stored(path)
        if i == 0 and stored.meta:
            found = replace(found, meta=_merged(found.meta, stored.meta))
        images.append(image_of(found, path))
    axis = stored.virtual["axis"]
    if -axis > images[0].ndim:
        raise FormatError(f"{stored.source!r} joins images of {images[0].ndim} axes along axis {-1 - axis}")
    return concat(images, dim=axis)


def _merged(cards: tuple[MetaCard, ...], new: tuple[MetaCard, ...]) -> tuple[MetaCard, ...]:
    keys = {key for key, _, _ in new}
    return (*(card for card in cards if card[0] not in keys), *new)


def _evaluated(stored: Stored) -> Image:
    from lattice.api import Names
    from lattice.graph.agree import one_expression
    from lattice.image import Image
    from lattice.image.make import Parts
    from lattice.language.binder import bind

    assert stored.virtual is not None
    resolver = Names(folder=stored.virtual["folder"])
    with one_expression():
        node = bind(stored.virtual["expression"], resolver)
    return Image._of(Parts(node, history=resolver.history(node)))


# -- saving -------------------------------------------------------------------------------------


def save_virtual(
    image: Any,
    path: str,
    *,
    overwrite: bool = False,
    sync: bool = False,
    format: str | None = None,
    **options: Any,
) -> None:
    """Save an image that joins stored CASA images as a reference to them.

    Parameters
    ----------
    image : Image
        Made by `lattice.concat` of opened CASA images as they are, along one of their axes.
    path : str
        Where to.
    overwrite, sync, format : optional
        As for `Image.save`.
    parts : {"stay", "copy", "move"}, optional
        Whether the CASA images stay where they are, or are copied or moved into the new one.

    Raises
    ------
    LatticeError
        When the image is made in another way.
    """
    from lattice.io.casa.virtual import write_concat
    from lattice.io.registry import by_name, for_writing
    from lattice.ops.concat import Concat

    form = by_name(format) if format is not None else for_writing(path)
    parts = options.pop("parts", "stay")
    if form.name != "casa" or options:
        raise LatticeError("only CASA images can be virtual, and they have no other options than parts=")
    node = image.node
    if not isinstance(node, Concat) or node.attrs.ndim != node.children[0].attrs.ndim:
        raise LatticeError(
            "only images joined along one of their axes are saved as virtual images",
            hint="leave out virtual=True to save the pixels",
        )
    sources = [_stored_path(child) for child in node.children]
    axis = node.attrs.ndim - 1 - node.axis
    write_concat(
        path, sources, axis, node.attrs.dtype, node.attrs.meta, overwrite=overwrite, sync=sync, parts=parts
    )


def _stored_path(node: Node) -> str:
    """Return the path of the CASA image that a node is, with its default mask and nothing else."""
    from lattice.api import open as open_image

    if isinstance(node, Source):
        # an image of one tile is read as a plain file, which has a path of its own
        own = getattr(getattr(node.reader, "layout", None), "path", None)
        path = os.path.dirname(str(own or getattr(node.reader, "path", "")))
        with contextlib.suppress(LatticeError):
            found = open_image(path).node if path else None
            if isinstance(found, Source) and _is_same(found, node):
                return path
    raise LatticeError(
        "a virtual image joins CASA images as they are stored, and one of the parts is not",
        hint="save that part as a CASA image first, and open it",
    )


def _is_same(a: Source, b: Source) -> bool:
    """Tell whether two sources have the same pixels and the same mask."""
    own, other = a.mask, b.mask
    if isinstance(own, Source) and isinstance(other, Source):
        same = own.reader.token == other.reader.token
    else:
        same = own is None and other is None
    return same and a.reader.token == b.reader.token
