"""Images put into pixels that change in place, section by section, also such as follow from these pixels."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lattice.compat.mutable import Mutable, fitted, values_of
from lattice.graph.node import Call, Extend, Node, Source
from lattice.graph.protocols import Reader
from lattice.graph.sections import Section, full, iter_grid, shape_of
from lattice.graph.types import is_complex
from lattice.image import Image

__all__ = ["fill", "pieces", "steady"]

_PIECE = 1 << 22  # pixels that are written at once
_SHARE = 8  # of the memory limit, one such part may hold a result that cannot be written as it is computed

Where = Callable[[Section], np.ndarray]


def pieces(box: Section) -> Iterator[Section]:
    """Cut a box into pieces of some megapixels, whole along the fast axes."""
    left, counts = _PIECE, []
    for n in reversed(shape_of(box)):
        counts.append(max(1, min(n, left)))
        left //= counts[-1]
    return iter_grid(box, counts[::-1])


def fill(
    target: Mutable,
    made: Any,
    *,
    box: Section | None = None,
    where: Where | None = None,
    only_good: bool = False,
) -> None:
    """Put the values of an image, or a number, into pixels, whatever the mask of the image says.

    Parameters
    ----------
    target : Mutable
        What is changed.
    made : Image or number
        An image of the shape of the target, or of the box, which may follow from the target; or the same
        number for all pixels.
    box : Section, optional
        Which pixels; all by default.
    where : callable, optional
        Gives for a part of the box which of its pixels are changed; asked before they are.
    only_good : bool, optional
        Whether bad pixels of the target stay as they are.
    """
    outline = target.outline()
    span = full(outline.shape) if box is None else box
    with target.editing(), contextlib.ExitStack() as stack:
        number = None
        if not isinstance(made, Image):
            number = made
        elif not made.shape:
            number = complex(made) if is_complex(made.dtype) else float(made)
        else:
            made = stack.enter_context(steady(made, target))
        for piece in pieces(span):
            chosen = None if where is None else where(piece)
            if only_good and outline.masked:
                good = target.read_mask(piece)
                chosen = good if chosen is None else chosen & good
            if chosen is not None and not chosen.any():
                continue
            if number is not None:
                values = np.full(shape_of(piece), number)
            else:
                values = values_of(made, piece if made.shape == outline.shape else _inside(piece, span))
            if chosen is not None:
                values = np.where(chosen, values, target.read(piece))
            target.write(piece, fitted(values, outline.dtype))


def _inside(piece: Section, box: Section) -> Section:
    """Return where a piece is in a box."""
    out = []
    for p, b in zip(piece, box, strict=True):
        first = (p.start - b.start) // b.step
        out.append(slice(first, first + (p.stop - 1 - p.start) // b.step + 1, 1))
    return tuple(out)


@contextlib.contextmanager
def steady(made: Image, target: Mutable) -> Iterator[Image]:
    """Give an image whose pixels stay right while a target, from which it may follow, is changed by sections.

    Scalars in it are computed now. Pixels of the target itself are read where they are about to be written;
    where the image moves pixels or puts several together, it is computed as a whole before, into memory or
    into a scratch file beside the target.

    Parameters
    ----------
    made : Image
        Of any shape.
    target : Mutable
        What is about to be changed.
    """
    from lattice.execute.run import settled

    node = settled([made.node])[0]
    plain = made._with(node=node, masks={}, default_mask=None)
    readers = target.live()
    if not _depends(node, readers):
        yield plain
    elif all(r is not None for r in readers.values()) and _stays_in_place(node, readers):
        yield plain._with(node=_reread(node, readers))
    else:
        with _copied(plain, target) as copy:
            yield copy


def _depends(node: Node, readers: Mapping[str, Reader | None]) -> bool:
    from lattice.graph.walk import postorder

    return any(isinstance(n, Source) and n.reader.token in readers for n in postorder(node))


def _stays_in_place(root: Node, readers: Mapping[str, Reader | None]) -> bool:
    """Tell whether each pixel follows from pixels of the target at its own place only."""
    from lattice.graph.function import Kind
    from lattice.graph.walk import postorder

    touched: set[int] = set()
    for node in postorder(root):
        if isinstance(node, Source):
            if node.reader.token in readers or id(node.mask) in touched:
                touched.add(id(node))
        elif any(id(child) in touched for child in node.children):
            same = all(c.attrs.shape in (root.attrs.shape, ()) for c in node.children)
            simple = isinstance(node, Extend) or (
                isinstance(node, Call) and node.function.kind is Kind.ELEMENTWISE
            )
            if not (same and simple and node.attrs.shape == root.attrs.shape):
                return False
            touched.add(id(node))
    return True


def _reread(root: Node, readers: Mapping[str, Reader | None]) -> Node:
    """Return the graph with readers that see what is written meanwhile."""
    from lattice.graph.walk import replace

    def new(node: Node) -> Node | None:
        if isinstance(node, Source) and (live := readers.get(node.reader.token)) is not None:
            source: Node = Source(live, node.name, node.suffix, node.mask, node.attrs)
            return source
        return None

    return replace(root, new)


@contextlib.contextmanager
def _copied(made: Image, target: Mutable) -> Iterator[Image]:
    from lattice.config import get_options

    if made.nbytes <= get_options().memory_bytes // _SHARE:
        yield made.compute()
        return
    from lattice.io.atomic import remove

    path = getattr(target, "path", "")
    folder = os.path.dirname(path) if path else tempfile.gettempdir()
    with tempfile.TemporaryDirectory(prefix=".scratch-", dir=folder) as scratch:
        name = os.path.join(scratch, "scratch.im")
        yield made.save(name, format="casa")
        remove(name)
