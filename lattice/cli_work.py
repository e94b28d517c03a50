"""The work behind commands: what arguments stand for, pictures, the demonstration."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lattice.errors import ImageNotFoundError, LatticeRangeError

if TYPE_CHECKING:
    from lattice.image import Image

__all__ = ["draw", "is_path", "run_demo", "sky_image", "value_of"]


# -- arguments --------------------------------------------------------------------------------------------


def is_path(text: str) -> bool:
    """Tell whether an argument that may be a path or an expression is a path."""
    from lattice.io.files import is_url
    from lattice.io.registry import formats, split_selector

    path = split_selector(text)[0]
    endings = tuple(s for f in formats() for s in f.suffixes)
    return (
        os.path.lexists(path)
        or is_url(path)
        or (path.lower().rstrip("/").endswith(endings) and not set(path) & set("'\"()*+^<>&|, "))
    )


def value_of(text: str) -> Any:
    """Return the number that a text is, else the image at the path that it is."""
    from lattice.api import open as open_image

    if not os.path.lexists(text):
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(text)
    return open_image(text)


# -- pictures ---------------------------------------------------------------------------------------------


def draw(
    image: Image,
    out: str | os.PathLike[str],
    plane: Mapping[str, int],
    outline: Sequence[str] = (),
    **look: Any,
) -> None:
    """Write a picture of an image; of large ones every n-th pixel is read.

    Parameters
    ----------
    image : Image
        Of one axis or more.
    out : path-like
        The PNG file.
    plane : mapping of str to int
        Pixel for each of the axes before the last two, by dim; the first where it is not given. The name
        may be empty if there is one such axis only.
    outline : sequence of str, optional
        Regions to outline.
    **look
        Passed to `Image.plot`.
    """
    image.plot(out, plane=_planes(image, plane), regions=list(outline), **look)


def _planes(image: Image, plane: Mapping[str, int]) -> dict[str, int]:
    """Return the pixel for each axis that is not shown: the first, where it is not given."""
    others = image.dims[:-2]
    wanted = dict(plane)
    if "" in wanted:
        longer = [d for d in others if image.sizes[d] > 1] or list(others)
        if len(longer) != 1:
            raise LatticeRangeError(
                "--plane: name the dim of each number", hint=f"the dims are {', '.join(others) or 'none'}"
            )
        wanted[longer[0]] = wanted.pop("")
    # Whoever names an axis that is one of the last two wants to see another in its place.
    free = [d for d in image.dims if d not in wanted]
    return wanted | dict.fromkeys(free[: max(0, len(free) - 2)], 0)


# -- the demonstration ------------------------------------------------------------------------------------


def sky_image() -> Path:
    """Return the path of a real image of the sky that an installed package brings with it."""
    import importlib.resources

    folder = Path(str(importlib.resources.files("astropy.io.fits")))
    known = folder / "hdu" / "compressed" / "tests" / "data" / "m13.fits"
    if known.exists():
        return known
    found = sorted(folder.parent.parent.rglob("m13*.fits"))
    if not found:
        raise ImageNotFoundError(
            "this astropy comes without its image of M13, with which the demonstration works",
            hint="install astropy from the Python package index, or try: lattice stat YOUR_IMAGE --robust",
        )
    return found[0]


def run_demo(folder: str | os.PathLike[str], say: Callable[[str], Any]) -> None:
    """Run the demonstration.

    Parameters
    ----------
    folder : path-like
        Where files are written; those of an earlier run are replaced.
    say : callable
        Called with each piece of text that is to be printed.
    """
    from lattice.api import expr
    from lattice.errors import LatticeError
    from lattice.image import Image
    from lattice.image.info import describe
    from lattice.image.make import stored_parts
    from lattice.io.files import storage_error
    from lattice.io.registry import open_stored

    target = Path(folder)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(error, "write", str(folder)) from error
    path = sky_image()
    plate = Image._of(stored_parts(open_stored(str(path)), "m13"))
    say(f"The image: globular cluster M13, from astropy\n{path}\n{describe(plate)}\n")
    text = "m13[m13 > median(m13) + 3 * stddev(m13)] - median(m13)"
    stars = expr(text, m13=plate)
    say(f"An expression: the stars, above the background of the sky\n{text}\n")
    say(f"The plan\n{stars.explain().text()}\n")
    say(f"Statistics of the plate\n{plate.statistics(robust=True)!r}\n")
    say(f"Statistics of the stars\n{stars.statistics()!r}\n")
    written = []
    for name in ("m13_stars.fits", "m13_stars.zarr"):
        try:
            stars.save(target / name, overwrite=True)
            written.append(name)
        except (LatticeError, ImportError) as error:
            if not name.endswith(".zarr"):
                raise
            say(f"not written: {name}: {error}")
    try:
        draw(plate, target / "m13.png", {}, title="M13", stretch="asinh", overwrite=True)
        written.append("m13.png")
    except LatticeError as error:
        say(f"not written: m13.png: {error}")
    say("Written\n" + "\n".join(f"  {target / name}" for name in written))
