"""The formats that lattice knows: found by content for reading, by suffix for writing."""

from __future__ import annotations

import functools
import importlib
import itertools
import os
import re
import warnings
from collections.abc import Iterator
from typing import Any

from lattice.errors import FormatError, LatticeError, LatticeWarning, StorageError, suggest
from lattice.io.base import Format, Stored
from lattice.io.files import is_url, not_found
from lattice.io.places import absolute

__all__ = ["by_name", "for_reading", "for_writing", "formats", "open_stored", "selector_of", "split_selector"]

_GROUP = "lattice.formats"


# in the order in which they are asked whether a file is theirs
_BUILTIN = (
    "lattice.io.lsst:LsstFormat",
    "lattice.io.fits:FitsFormat",
    "lattice.io.zarr:ZarrFormat",
    "lattice.io.casa.image:CasaFormat",
    "lattice.io.hdf5:Hdf5Format",
    "lattice.io.miriad:MiriadFormat",
    "lattice.io.npy:NpyFormat",
)


@functools.cache
def _loaded(place: str) -> Format:
    module, name = place.split(":")
    found: Format = getattr(importlib.import_module(module), name)()
    return found


def _builtin() -> Iterator[Format]:
    """Return the formats of lattice, each loaded when it is asked for."""
    return map(_loaded, _BUILTIN)


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


def _recognised(path: str, ability: str = "read") -> Format | None:
    """Return the first format that knows the content; those of other packages are asked last."""
    own = len(_BUILTIN)
    for number, found in enumerate(itertools.chain(_builtin(), _later())):
        if not {"read", ability} <= found.can:
            continue
        try:
            if found.sniff(path):
                return found
        except LatticeError:
            raise
        except Exception as exc:  # another package's code must not keep ours from opening a file
            if number < own:
                raise
            warnings.warn(
                f"the format {found.name!r} failed to look at {path!r}: {exc}", LatticeWarning, stacklevel=4
            )
    return None


def _later() -> Iterator[Format]:
    """Return the formats of other packages, which are not looked for before they are needed."""
    yield from formats()[len(_BUILTIN) :]


def _for_url(path: str) -> Format:
    found = _recognised(path, "remote")
    if found is not None:
        return found
    from lattice.io.remote import identify

    identify(path)  # says what is wrong
    names = ", ".join(f.name for f in formats() if "remote" in f.can)
    raise FormatError(
        f"{str(path)!r} is of no format that lattice reads from URLs",
        hint=f"formats that are: {names}; others can be downloaded first",
    )


def for_reading(path: str) -> Format:
    """Return the format of what is at `path`, by its content."""
    if is_url(path):
        return _for_url(path)
    if not os.path.lexists(path):
        raise not_found(path)
    if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
        raise FormatError(f"{path!r} is neither a file nor a folder")
    try:
        found = _recognised(path)
        if found is not None:
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
        Path or URL, such as ``m.fits`` or ``m.fits[SCI,1]``.
    **selectors
        Passed to the format, such as ``hdu=``; ``storage_options=`` is for the store of a URL, as fsspec
        takes them.
    """
    path, part = split_selector(os.fspath(text))
    if "\0" in path:
        raise not_found(path)
    options = selectors.pop("storage_options", None)
    if not is_url(path):
        if options is not None:
            raise LatticeError(f"storage_options are for URLs, and {path!r} is none")
        return _open(path, part, selectors)
    path = absolute(path)
    if not is_url(path):  # it was a file:// URL
        return _open(path, part, selectors)
    from lattice.io.remote import Url, opening

    with opening():
        return _open(Url(path, options), part, selectors)


def selector_of(form: Format) -> str:
    """Return the keyword for what stands in brackets after a path: ``hdu`` for FITS, ``part`` by default."""
    return str(getattr(form, "selector", "part"))


def _open(path: str, part: str | None, selectors: dict[str, Any]) -> Stored:
    found = for_reading(path)
    if part is not None:
        selectors = {selector_of(found): part, **selectors}
    return found.open(path, **selectors)
