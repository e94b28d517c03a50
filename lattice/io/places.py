"""Paths that may be URLs: the few questions that formats ask about files and folders, for both.

``file://`` URLs become paths.  All other URLs are read through fsspec, see `lattice.io.remote`.
"""

from __future__ import annotations

import os
import re
from typing import IO, Any

from lattice.errors import FormatError
from lattice.io.files import identify, is_url, storage_error

__all__ = [
    "absolute",
    "fetch_ahead",
    "is_file",
    "is_folder",
    "is_url",
    "join",
    "name_of",
    "names_in",
    "open_stream",
    "read_all",
    "read_several",
    "start_of",
]

_LOCAL = ("file://", "local://")
_AHEAD = 1 << 28


def absolute(path: str) -> str:
    """Return an absolute path, or the URL as it is.

    >>> absolute("file:///data/cube.fits")
    '/data/cube.fits'
    """
    if not is_url(path):
        return os.path.abspath(path)
    if path.startswith(_LOCAL):
        return os.path.abspath(path[path.index("://") + 3 :])
    return path


def name_of(path: str) -> str:
    """Return the last part of a path.

    >>> name_of("https://host/dir/cube.fits?key=1#top"), name_of("/a/b.zarr/")
    ('cube.fits', 'b.zarr')
    """
    if is_url(path):
        path = re.split(r"[?#]", next(part for part in path.split("::") if "://" in part))[0]
    return os.path.basename(path.rstrip("/"))


def join(path: str, *names: str) -> str:
    """Return the path of something in a folder."""
    if not is_url(path):
        return os.path.join(path, *names)
    from lattice.io.remote import join as join_url

    return join_url(path, *names)


def is_file(path: str) -> bool:
    """Return True if there is a file."""
    if not is_url(path):
        return os.path.isfile(path)
    from lattice.io.remote import kind_of

    return kind_of(path) == "file"


def is_folder(path: str) -> bool:
    """Return True if there is a folder."""
    if not is_url(path):
        return os.path.isdir(path)
    from lattice.io.remote import kind_of

    return kind_of(path) == "directory"


def names_in(path: str) -> list[str]:
    """Return the names of what is in a folder, sorted."""
    if is_url(path):
        from lattice.io.remote import names_in as list_url

        return list_url(path)
    try:
        return sorted(os.listdir(path))
    except OSError as exc:
        raise storage_error(exc, "read", path) from exc


def start_of(path: str, length: int) -> bytes:
    """Return the first bytes of a file; nothing for what is no file or cannot be read."""
    if is_url(path):
        from lattice.io.remote import start_of as start_of_url

        return start_of_url(path, length)
    try:
        with open(path, "rb") as f:
            return f.read(length)
    except (OSError, ValueError):
        return b""


def read_all(path: str, limit: int) -> bytes:
    """Return the content of a small file.

    Parameters
    ----------
    path : str
        The file.
    limit : int
        What is larger is refused.

    Raises
    ------
    ImageNotFoundError
        When there is none.
    FormatError
        When it is larger than `limit`.
    """
    found = read_several([path], limit)[0]
    if found is None:
        identify(path)  # says what is wrong
        raise storage_error(FileNotFoundError(2, "gone"), "read", path)
    return found


def read_several(paths: list[str], limit: int) -> list[bytes | None]:
    """Return the contents of small files, None for those that are not there; remote ones at once."""
    if paths and is_url(paths[0]):
        from lattice.io.remote import read_several as read_urls

        return read_urls(paths, limit)
    out: list[bytes | None] = []
    for path in paths:
        try:
            with open(path, "rb") as f:
                if os.fstat(f.fileno()).st_size > limit:
                    raise FormatError(f"{path!r} is larger than {limit} bytes, which it should not be")
                out.append(f.read())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            out.append(None)
        except OSError as exc:
            raise storage_error(exc, "read", path) from exc
    return out


def fetch_ahead(paths: list[str]) -> None:
    """Fetch small files that will probably be read while an image is opened, if they are remote."""
    if paths and is_url(paths[0]):
        from lattice.io.remote import read_several as read_urls

        read_urls(paths, _AHEAD)


def open_stream(path: str) -> IO[Any]:
    """Open a file to be read from start to end."""
    if not is_url(path):
        return open(path, "rb")
    from lattice.io.remote import open_stream as open_url

    return open_url(path)
