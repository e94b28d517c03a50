"""What a file of some format cannot hold of an image, by name: nothing is dropped silently."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from lattice.graph.records import FrozenArray, Record
from lattice.io.base import Format, ImageSpec

__all__ = ["ABILITIES", "losses"]

ABILITIES = {
    "read": "images are read",
    "write": "images are written",
    "update": "sections of an existing image can be written in place",
    "parallel": "blocks are written at the same time",
    "remote": "sections are read from URLs",
    "bool": "truth values",
    "float": "real values of 32 and 64 bits",
    "complex": "complex values",
    "mask": "which pixels are good",
    "masks": "any number of named masks, and values under them",
    "unit": "the brightness unit",
    "coords": "coordinates of the axes",
    "tables": "coordinates of axes that no formula gives",
    "beam": "a restoring beam",
    "beams": "a restoring beam per plane",
    "cards": "header entries that are texts or numbers",
    "records": "header entries that are records and arrays",
    "history": "processing history",
    "regions": "named regions",
    "groups": "attribute groups",
}
"""Words of `Format.can`, and what they mean."""

_SHOWN = 8


def losses(form: Format, spec: ImageSpec, **options: Any) -> list[str]:
    """Return what would be lost if an image were written in a format; empty if it holds all.

    Parameters
    ----------
    form : Format
        The format. Its own method ``losses(spec, **options)``, where it has one, knows more than its
        abilities say, such as what depends on an option.
    spec : ImageSpec
        The image.
    **options
        Of the format.

    Returns
    -------
    list of str
        Phrases such as ``"the masks mask1, mask2"``.
    """
    own = getattr(form, "losses", None)
    if own is not None:
        return list(own(spec, **options))
    return by_abilities(form.can, spec)


def by_abilities(can: frozenset[str], spec: ImageSpec) -> list[str]:
    """Return what a format with these abilities would lose of an image."""
    lost = []
    if spec.masked and not can & {"mask", "masks"}:
        lost.append("which pixels are good")
    if spec.mask_names and "masks" not in can:
        lost.append(_named("mask", spec.mask_names))
    if spec.unit and "unit" not in can:
        lost.append(f"the unit {spec.unit!r}")
    if spec.coords is not None and "coords" not in can and any(k != "none" for k in spec.coords.kinds):
        lost.append("the coordinates")
    elif spec.coords is not None and "tables" not in can:
        listed = [spec.coords.dims[i] for i in spec.coords.tabulated(spec.shape)]
        if listed:
            lost.append(f"the coordinates along {', '.join(listed)}, which no formula gives")
    if len(spec.beams) > 1 and "beams" not in can:
        lost.append("the beams of the planes")
    elif spec.beams and not can & {"beam", "beams"}:
        lost.append("the beam")
    nested = [key for key, value, _ in spec.meta if isinstance(value, Record | FrozenArray)]
    plain = [key for key, value, _ in spec.meta if not isinstance(value, Record | FrozenArray)]
    if nested and "records" not in can:
        lost.append(_named("header entry", nested, "header entries"))
    if plain and "cards" not in can:
        lost.append(_named("header entry", dict.fromkeys(plain), "header entries"))
    if spec.history and "history" not in can:
        lost.append("the history")
    if spec.regions and "regions" not in can:
        lost.append(_named("region", spec.regions))
    if spec.groups and "groups" not in can:
        lost.append(_named("attribute group", spec.groups))
    return lost


def _named(what: str, names: Iterable[str], plural: str = "") -> str:
    listed = list(names)
    shown = ", ".join(listed[:_SHOWN]) + (f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else "")
    return f"the {what if len(listed) == 1 else plural or what + 's'} {shown}"
