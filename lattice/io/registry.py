"""The formats that lattice knows: found by content for reading, by suffix for writing."""

from __future__ import annotations

import functools
import importlib
import os
import re
import warnings
from typing import Any

from lattice.errors import FormatError, LatticeWarning, StorageError, suggest
from lattice.io.base import Format, Stored
from lattice.io.files import not_found

__all__ = ["by_name", "for_reading", "for_writing", "formats", "open_stored", "split_selector"]

_GROUP = "lattice.formats"


# in the order in which they are asked whether a file is theirs
_BUILTIN = (
    "lattice.io.fits:FitsFormat",
    "lattice.io.zarr:ZarrFormat",
    "lattice.io.casa.image:CasaFormat",
    "lattice.io.hdf5:Hdf5Format",
    "lattice.io.miriad:MiriadFormat",
    "lattice.io.npy:NpyFormat",
)


@functools.cache
def _builtin() -> tuple[Format, ...]:
    found = []
    for place in _BUILTIN:
        module, name = place.split(":")
        found.append(getattr(importlib.import_module(module), name)())
    return tuple(found)


@functools.cache
def _plugins() -> tuple[Format, ...]:
    """Return formats of other packages; one that fails to load is left out with a warning."""
    from importlib.metadata import entry_points

    out: list[Format] = []
    for point in entry_points(group=_GROUP):
        try:
            found = point.load()
            out.append(found() if isinstance(found, type) else found)
        except Exception as exc:  # another package's code: anything can go wrong, and must not stop ours
            warnings.warn(
                f"the format {point.name!r} could not be loaded: {exc}", LatticeWarning, stacklevel=2
            )
    return tuple(out)


def formats() -> list[Format]:
    """Return all formats, those of lattice first."""
    own = {f.name for f in _builtin()}
    return [*_builtin(), *(f for f in _plugins() if f.name not in own)]


def by_name(name: str) -> Format:
    """Return the format of that name."""
    known = {f.name: f for f in formats()}
    found = known.get(name.casefold())
    if found is None:
        hint = suggest(name, known) or f"known formats: {', '.join(sorted(known))}"
        raise FormatError(f"there is no format {name!r}", hint=hint)
    return found


def for_reading(path: str) -> Format:
    """Return the format of what is at `path`, by its content."""
    if not os.path.lexists(path):
        raise not_found(path)
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise FormatError(f"{path!r} is neither a file nor a folder")
    try:
        for found in _builtin():
            if "read" in found.can and found.sniff(path):
                return found
        for found in formats()[len(_builtin()) :]:
            if "read" in found.can and found.sniff(path):
                return found
        if not os.path.exists(path):
            raise FormatError(f"{path!r} is a link to something that is gone")
        if not os.path.isdir(path):
            with open(path, "rb") as f:
                empty = not f.read(1)
            if empty:
                raise FormatError(f"{path!r} is empty")
    except OSError as exc:
        if isinstance(exc, StorageError):
            raise
        from lattice.io.files import storage_error

        raise storage_error(exc, "read", path) from exc
    names = ", ".join(f"{f.name} ({f.suffixes[0]})" for f in formats())
    what = "folder" if os.path.isdir(path) else "file"
    raise FormatError(
        f"the {what} {path!r} is of no format that lattice reads", hint=f"known formats: {names}"
    )


def for_writing(path: str) -> Format:
    """Return the format that a file name asks for, by its suffix."""
    lower = path.rstrip("/").lower()
    for found in formats():
        if "write" in found.can and lower.endswith(tuple(found.suffixes)):
            return found
    writable = {s: f.name for f in formats() if "write" in f.can for s in f.suffixes}
    suffix = os.path.splitext(lower)[1]
    near = suggest(suffix, writable) if suffix else None
    listed = "known endings: " + ", ".join(writable)
    message = (
        f"the ending of {path!r} names no format" if suffix else f"{path!r} has no ending that names a format"
    )
    raise FormatError(message, hint=f"{near} {listed}" if near else listed)


def split_selector(text: str) -> tuple[str, str | None]:
    """Split ``m.fits[SCI,1]`` into path and selector; a file that has such a name is taken as it is.

    >>> split_selector("m.fits[SCI,1]")
    ('m.fits', 'SCI,1')
    """
    if not text.endswith("]") or os.path.lexists(text):
        return text, None
    found = re.fullmatch(r"(.+?)\[([^\[\]]*)\]", text, re.DOTALL)
    return (found[1], found[2]) if found else (text, None)


def open_stored(text: str, **selectors: Any) -> Stored:
    """Open an image by path, with an optional selector in brackets as cfitsio writes it.

    Parameters
    ----------
    text : str
        Path, such as ``m.fits`` or ``m.fits[SCI,1]``.
    **selectors
        Passed to the format, such as ``hdu=``.
    """
    path, part = split_selector(os.fspath(text))
    if "\0" in path:
        raise not_found(path)
    found = for_reading(path)
    if part is not None:
        selectors = {"hdu": part, **selectors} if found.name == "fits" else {"part": part, **selectors}
    return found.open(path, **selectors)
