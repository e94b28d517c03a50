"""The task makemask: masks of images, images of zeros and ones, and regions turned into each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.api import concat, expr
from lattice.compat.casa.arguments import matched
from lattice.compat.casa.attaching import open_image
from lattice.compat.casa.core import created, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import frequency_of_velocity
from lattice.compat.casa.logs import post
from lattice.compat.casa.quantities import converted, quantity_of
from lattice.compat.casa.tasks.serving import opened, signed, task
from lattice.compat.casa.transforms import regridded
from lattice.image import Image

__all__ = ["makemask"]

_MODES = ("list", "copy", "expand", "delete", "setdefaultmask")


@task(
    "calc", "Image.add_mask, Image.regrid", inpimage="str|strvec", inpmask="str|strvec",
    inpfreqs="str|intvec", outfreqs="str|intvec",
)  # fmt: skip
def makemask(
    mode: str = "list",
    inpimage: Any = "",
    inpmask: Any = "",
    output: str = "",
    overwrite: bool = False,
    inpfreqs: Any = (),
    outfreqs: Any = (),
) -> None:
    """Make, merge, spread, choose or delete masks.

    Parameters
    ----------
    mode : str, optional
        list: log the masks of `inpimage`; copy: put the masks in `inpmask` together; expand: spread one over
        channels; delete, setdefaultmask: the mask that `inpmask` names.
    inpimage : str
        Image whose grid a new output has.
    inpmask : str or list of str
        ``image:mask``, which limits the result; images, not 0 where they are good, and regions as text or in
        a file, which are joined. They are brought onto the grid of the output.
    output : str
        ``image:mask`` for a mask, which becomes the default one; an image of zeros and ones otherwise.
    overwrite : bool, optional
        Whether what is there may be replaced.
    inpfreqs, outfreqs : list of int or str, optional
        Channels of the mask that count, and those to which they are spread, the nearest each: numbers, or a
        range such as "1.40GHz~1.41GHz" or "-5km/s~5km/s". All by default.
    """
    what = matched(mode, _MODES, "mode")
    names = [inpmask] if isinstance(inpmask, str) else [*inpmask]
    if what in ("delete", "setdefaultmask"):
        _change(what, names)
        return
    image = inpimage if isinstance(inpimage, str) else inpimage[0] if inpimage else ""
    if not image or not os.path.exists(os.path.expanduser(image)):
        raise CasaError(f"there is no image {image!r}: give an inpimage" if image else "give an inpimage")
    if what == "list":
        _list(image)
        return
    names = [name for name in names if name]
    if not names:
        raise CasaError("give an inpmask: image:mask, an image, or a region")
    place = _Place.of(output, image, overwrite)
    grid = open_image(place.path if place.exists else image).image()
    if what == "copy":
        good = _merged(names, grid, open_image(image).image())
    else:
        if len(names) > 1:
            raise CasaError("one mask at a time is spread over channels")
        good = _spread(names[0], grid, inpfreqs, outfreqs, grid if place.exists and not place.mask else None)
    _put(good, grid, place, image)


def _change(what: str, names: Sequence[str]) -> None:
    path, mask = split_mask(names[0] if names else "")
    if not mask:
        raise CasaError("give an inpmask as image:mask")
    tool = opened(path)
    masks = list(tool._image()._masks)
    if mask not in masks:
        raise CasaError(f"{path} has no mask {mask!r}", hint=f"it has {', '.join(masks) or 'none'}")
    if what == "setdefaultmask":
        tool.maskhandler("set", [mask])
        return
    default = tool.maskhandler("default")[0]
    tool.maskhandler("delete", [mask])
    left = [name for name in masks if name != mask]
    if left and default == mask:
        tool.maskhandler("set", [left[0]])
        post(f"Set {left[0]} as a default internal mask", origin="makemask")


def _list(name: str) -> None:
    image = open_image(name).image()
    masks = [f"'{m}'{'(default)' if m == image.default_mask else ''}" for m in image._masks]
    text = f"Internal (T/F) masks in {name}: {', '.join(masks)}" if masks else f"No internal masks in {name}"
    post(text, origin="makemask")


def split_mask(name: str) -> tuple[str, str]:
    """Return path and mask of ``image:mask``; no mask if the whole text is a file.

    >>> split_mask("cube.im:mask0")
    ('cube.im', 'mask0')
    """
    path, colon, mask = name.rpartition(":")
    if not colon or os.path.exists(os.path.expanduser(name)) or "/" in mask:
        return name, ""
    return path, mask


@dataclass(frozen=True)
class _Place:
    """Where a mask goes."""

    path: str
    mask: str
    exists: bool

    @classmethod
    def of(cls, output: str, image: str, overwrite: bool) -> _Place:
        if not output and not overwrite:
            raise CasaError("give an output", hint="overwrite=True changes inpimage")
        path, mask = split_mask(output or image)
        there = os.path.exists(os.path.expanduser(path))
        taken = there and (not mask or mask in open_image(path).image()._masks)
        if taken and not overwrite:
            raise CasaError(f"{output} exists already", hint="say overwrite=True, or take another name")
        return cls(path, mask, there)


def _put(good: Image, grid: Image, place: _Place, image: str) -> None:
    """Write a mask as one of an image, or as an image of zeros and ones."""
    ones = _numbers(good)
    if not place.mask:
        made = ones.with_wcs(grid.coords).with_unit(grid.unit if place.exists else "")
        created(place.path, signed(made._with(history=grid.history if place.exists else ())), True)
        return
    if not place.exists:
        created(place.path, signed(open_image(image).image()), False)
    from lattice.compat.mutable import values_of

    open_image(place.path).put_mask(place.mask, lambda piece: values_of(good, piece).astype(bool), True)


# -- masks as images ----------------------------------------------------------------------------------------


def _numbers(good: Image) -> Image:
    """Return zeros and ones of truth values."""
    made: Image = expr("iif($1, float(1), float(0))", good)
    return made.with_beam(None) if made.beams else made


def _definite(image: Image) -> Image:
    """Return where an image is neither masked nor 0."""
    return expr("$1 != 0", image.replace_masked(0.0).without_mask() if image.masked else image)


def _onto(ones: Image, grid: Image) -> Image:
    """Return where zeros and ones, brought onto a grid, are more than 0."""
    system = system_of(grid)
    lengths = grid.shape[::-1]
    spectral = [a for a in system.pixel_axes("spectral") if lengths[a] > 1]
    known = ones.shape == grid.shape and ones.coords is not None
    if known and ones.coords.differs(grid.coords, grid.shape, 1e-6) is None:  # type: ignore[union-attr]
        return _definite(ones)
    own = system_of(ones)
    axes = [*own.pixel_axes("direction"), *(own.pixel_axes("spectral") if spectral else [])]
    made = regridded(ones, system.record, lengths, axes, "linear", False, False)
    return _definite(made.with_wcs(grid.coords) if made.shape == grid.shape else made)


def _source(name: str) -> tuple[Image, bool]:
    """Return a mask as zeros and ones on its own grid, and whether it is one of an image."""
    path, mask = split_mask(name)
    if not mask:
        return _numbers(_definite(open_image(path).image())), False
    image = open_image(path).image()
    if mask not in image._masks:
        known = ", ".join(image._masks) or "none"
        raise CasaError(f"{path} has no mask {mask!r}", hint=f"it has {known}")
    return _numbers(image.masks[mask].with_wcs(image.coords)), True


def _is_region(name: str) -> bool:
    path = os.path.expanduser(name)
    if not os.path.exists(path):
        return "[" in name and "]" in name
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as file:
        return file.read(5) == b"#CRTF"


def _merged(names: Sequence[str], grid: Image, template: Image) -> Image:
    """Return where images or regions are good, within the masks of images."""
    joined: list[Image] = []
    limits: list[Image] = []
    for name in names:
        if _is_region(name):
            outline = template.without_mask()
            within = outline.add_mask("region", _region(name)).masks["region"]
            joined.append(_onto(_numbers(within.with_wcs(template.coords)), grid))
            continue
        ones, is_mask = _source(name)
        (limits if is_mask else joined).append(_onto(ones, grid))
    good = joined[0] if joined else limits[0]
    for other in joined[1:]:
        good = expr("$1 || $2", good, other)
    for other in limits[0 if joined else 1 :]:
        good = expr("$1 && $2", good, other)
    return good


def _region(name: str) -> Any:
    from lattice.regions import from_crtf

    path = os.path.expanduser(name)
    if os.path.isfile(path):
        with open(path, encoding="utf-8") as file:
            return from_crtf(file.read())
    return from_crtf(name)


# -- channels -----------------------------------------------------------------------------------------------


def _spread(name: str, grid: Image, inpfreqs: Any, outfreqs: Any, base: Image | None) -> Image:
    """Return a mask with its channels in the place of the nearest ones of the output."""
    ones, _ = _source(name)
    axis, own_axis = (_spectral_axis(image) for image in (grid, ones))
    by_number = not isinstance(inpfreqs, str) and not isinstance(outfreqs, str)
    if by_number and not [*inpfreqs] and not [*outfreqs] and ones.shape[own_axis] > 1:
        return _onto(ones, grid)
    if isinstance(inpfreqs, str) != isinstance(outfreqs, str) and len([*inpfreqs]) > 1:
        raise CasaError("inpfreqs and outfreqs are both numbers of channels, or both ranges")
    given = _channels(inpfreqs, ones, own_axis)
    if isinstance(inpfreqs, str) and len(given) > 1:
        items = [slice(None)] * ones.ndim
        items[own_axis] = slice(min(given), max(given) + 1)
        ones = _numbers(_onto(ones[tuple(items)], grid)).with_wcs(grid.coords)
        given, own_axis = _filled(ones, axis), axis
    wanted = _channels(outfreqs, grid, axis)
    nearest = {j: min(given, key=lambda i: (abs(i - j), i)) for j in wanted}
    return _planes(_definite(ones), own_axis, nearest, grid, axis, base)


def _planes(
    good: Image, own_axis: int, nearest: dict[int, int], grid: Image, axis: int, base: Image | None
) -> Image:
    """Return an image whose channels are those of a mask; others are those of the base, or nothing."""
    if tuple(np.delete(good.shape, own_axis)) != tuple(np.delete(grid.shape, axis)):
        raise CasaError(
            "the mask and the output differ in more than their channels", hint="give ranges of frequency"
        )
    rest = _definite(base) if base is not None else expr("$1 < $1", grid.without_mask())
    parts = []
    for channel in range(grid.shape[axis]):
        items = [slice(None)] * grid.ndim
        source, at = (good, nearest[channel]) if channel in nearest else (rest, channel)
        items[own_axis if source is good else axis] = slice(at, at + 1)
        parts.append(_numbers(source[tuple(items)].with_wcs(None)))
    made: Image = concat(parts, axis) if len(parts) > 1 else parts[0]
    return _definite(made.with_wcs(grid.coords))


def _spectral_axis(image: Image) -> int:
    axes = system_of(image).pixel_axes("spectral")
    if not axes:
        raise CasaError("the image has no spectral axis")
    return image.ndim - 1 - axes[0]


def _filled(ones: Image, axis: int) -> list[int]:
    """Return the channels from the first to the last that is not empty."""
    others = [a for a in range(ones.ndim) if a != axis]
    found = np.flatnonzero(ones.collapse("max", others).values.ravel() > 0)
    if not found.size:
        raise CasaError("the mask is empty in these channels of the output")
    return list(range(int(found[0]), int(found[-1]) + 1))


def _channels(given: Any, image: Image, axis: int) -> list[int]:
    n = image.shape[axis]
    if not isinstance(given, str):
        numbers = [int(c) for c in given] or list(range(n))
        if min(numbers) < 0 or max(numbers) >= n:
            raise CasaError(f"there are no channels {numbers}: the image has {n}")
        return numbers
    ends = [_channel_of(text, image, axis) for text in given.split("~")]
    if len(ends) != 2:
        raise CasaError(f"{given!r} is no range", hint="write 1.40GHz~1.41GHz or -5km/s~5km/s")
    low, high = sorted(round(e) for e in ends)
    if high < 0 or low >= n:
        raise CasaError(f"{given!r} is outside of the image")
    return list(range(max(0, low), min(n - 1, high) + 1))


def _channel_of(text: str, image: Image, axis: int) -> float:
    """Return the pixel at a frequency or a velocity."""
    system = system_of(image)
    value, unit = quantity_of(text)
    if unit.endswith("m/s"):
        hertz = float(
            frequency_of_velocity(float(converted(value, unit, "m/s")), system.rest_frequency, "radio")
        )
    else:
        hertz = float(converted(value, unit, "Hz"))
    world = system.crval
    number = system.world_axes("spectral")[0]
    world[number] = float(converted(hertz, "Hz", system.units[number]))
    return float(system.to_pixel([float(w) for w in world])[image.ndim - 1 - axis])
