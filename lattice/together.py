"""Several images at once: what has the same shape or the same source is computed in the same pass."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.image import Image

__all__ = ["compute", "save"]


def compute(*images: Image) -> tuple[Image, ...]:
    """Return images with their pixels in memory, computed together.

    Parameters
    ----------
    *images : Image
        What is to be computed. Scalars of all are found in shared passes, images of one shape in one pass,
        so that moments of a cube or statistics of one image read it once.

    Returns
    -------
    tuple of Image
        In the order in which they were given.

    Examples
    --------
    >>> import numpy as np
    >>> import lattice
    >>> cube = lattice.Image(np.ones((3, 4, 5), "f4"))
    >>> total, largest = lattice.compute(cube.sum(), cube.max())
    >>> float(total), float(largest)
    (60.0, 1.0)
    """
    from lattice.execute.run import compute_many

    for image in images:
        _check(image)
    found = compute_many([image.node for image in images])
    return tuple(image._held(result) for image, result in zip(images, found, strict=True))


def save(
    images: Mapping[str | os.PathLike[str], Image],
    *,
    overwrite: bool = False,
    sync: bool = False,
    format: str | None = None,
    strict: bool = False,
    **options: Any,
) -> dict[Any, Image]:
    """Compute several images together and write each to its file.

    The files appear when all are complete; if computing fails, none does.

    Parameters
    ----------
    images : mapping of path to Image
        What is to be written, and where.
    overwrite, sync, format, strict, **options
        As for `Image.save`, for all of them.

    Returns
    -------
    dict of path to Image
        The files, opened.
    """
    from lattice.api import open as open_image
    from lattice.execute.run import save_many
    from lattice.image.export import outline

    if not isinstance(images, Mapping):
        raise LatticeTypeError("give a dictionary of images by path", hint="lattice.save({'a.fits': a})")
    plans = {}
    for path, image in images.items():
        _check(image)
        plans[path] = outline(image, path, format, strict, options)
    targets = [os.path.realpath(target) for target, *_ in plans.values()]
    if twice := {t for t in targets if targets.count(t) > 1}:
        raise LatticeRangeError(
            f"two images would be written to {min(twice)!r}", hint="give each its own path"
        )
    with contextlib.ExitStack() as stack:
        items = []
        for path, (target, form, spec, masks) in plans.items():
            output = stack.enter_context(form.create(target, spec, overwrite=overwrite, sync=sync, **options))
            kept = {name: node for name, node in masks.items() if name in output.mask_writers}
            items.append((images[path].node, output, kept))
        save_many(items)
    return {
        path: open_image(target) if "read" in form.can else images[path]
        for path, (target, form, _, _) in plans.items()
    }


def _check(image: Any) -> None:
    if not isinstance(image, Image):
        raise LatticeTypeError(f"a {type(image).__name__} is no image")
