"""Files behind URLs, read by ranges of bytes through fsspec.

A file is known by what its store says of it (size, ETag, time of change) and looked at again now and then.
Ranges that lie close to each other become one request, and all requests of a section are under way at the
same time.  The headers of files are read in blocks that are kept while an image is opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

import numpy as np

from lattice.errors import FormatError, ImageNotFoundError, LatticeError, StorageError
from lattice.io.files import Identity, add_bytes, changed

__all__ = [
    "RemoteFile",
    "Url",
    "fetch",
    "identify",
    "join",
    "kind_of",
    "merge",
    "names_in",
    "open_stream",
    "opening",
    "read_runs",
    "read_several",
    "start_of",
]

_BLOCK = 64 << 10  # headers are read in pieces of this size
_SMALL = 16 << 10  # as little as this comes in one round trip, whatever is needed of it
_WASTE = 0.2  # above that, the part of what is needed that may be fetched besides
_MOST = 1024  # requests of one section, as long as gaps of less than _NEAR can be closed instead
_NEAR = 64 << 10
_LARGEST = 8 << 20  # a longer range becomes several requests
_CHECK_SECONDS = 60.0
_STATE = ("etag", "md5", "content-md5", "digest", "last", "mtime", "modified", "created", "updated",
          "version", "generation", "checksum", "ino")  # fmt: skip


class Url(str):
    """A URL with what its store wants to know besides, such as credentials; it is compared as text.

    Attributes
    ----------
    options : dict
        The storage options of fsspec.
    """

    options: Mapping[str, Any]

    def __new__(cls, text: str, options: Mapping[str, Any] | None = None) -> Url:
        url = super().__new__(cls, text)
        url.options = dict(options or {})
        return url

    def __reduce__(self) -> tuple[Any, ...]:
        return (Url, (str(self), self.options))


def join(path: str, *names: str) -> str:
    """Return the URL of something in a folder."""
    parts = path.split("::")
    place = next(i for i, part in enumerate(parts) if "://" in part)  # the others say how to get there
    parts[place] = "/".join([parts[place].rstrip("/"), *names])
    text = "::".join(parts)
    return Url(text, path.options) if isinstance(path, Url) else text


# -- file systems -------------------------------------------------------------------------------

_lock = threading.Lock()
_systems: dict[tuple[str, str], Any] = {}


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()
    _systems.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

_PACKAGES = {
    "s3": "s3fs",
    "s3a": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "http": "aiohttp",
    "https": "aiohttp",
    "az": "adlfs",
    "abfs": "adlfs",
    "sftp": "paramiko",
    "ssh": "paramiko",
}


def system_of(path: str) -> tuple[Any, str]:
    """Return the fsspec file system of a URL, and the path in it."""
    try:
        import fsspec
        from fsspec.core import url_to_fs
    except ImportError:
        raise LatticeError(
            f"{path!r} is a URL: reading it needs the package fsspec",
            hint="pip install 'lattice-images[remote]', or download the file",
        ) from None
    options = path.options if isinstance(path, Url) else {}
    protocol = path.partition(":")[0].lower()
    if protocol not in {*fsspec.available_protocols(), *fsspec.registry} and "::" not in path:
        known = "s3://, https://, gs://, memory:// and file://"
        raise FormatError(f"{path!r}: there is no protocol {protocol!r}", hint=f"there are {known}")
    key = (path.partition("://")[0] + "::" + path.partition("::")[2], repr(sorted(options.items(), key=str)))
    with _lock:
        known_system = _systems.get(key)
    try:
        if known_system is not None:
            return known_system, known_system._strip_protocol(path.partition("::")[0])
        system, inside = url_to_fs(str(path), **options)
    except ImportError as exc:
        package = _PACKAGES.get(protocol, "")
        raise LatticeError(
            f"{protocol}:// URLs need another package: {exc}",
            hint=f"pip install {package}" if package else None,
        ) from exc
    except Exception as exc:
        raise remote_error(exc, path) from exc
    if "::" not in path:
        with _lock:
            _systems.setdefault(key, system)
    return system, inside


def remote_error(exc: BaseException, path: str) -> LatticeError:
    """Return what went wrong with a URL in the words of lattice."""
    if isinstance(exc, LatticeError):
        return exc
    said = " ".join(str(exc).split())[:300] or type(exc).__name__
    status = getattr(exc, "status", None)
    low = f"{type(exc).__name__} {said}".lower()
    if isinstance(exc, FileNotFoundError) or status in (404, 410):
        what = "bucket" if "bucket does not exist" in low or "nosuchbucket" in low else "file"
        return ImageNotFoundError(f"there is no {what} at {str(path)!r}", hint="check the address")
    if isinstance(exc, PermissionError) or status in (401, 403) or "credentials" in low:
        error = StorageError(
            f"cannot read {str(path)!r}: no permission ({said})",
            hint="give credentials, or storage_options={'anon': True} for public data of S3",
        )
    elif isinstance(exc, TimeoutError) or "timeout" in low or "timed out" in low:
        error = StorageError(
            f"cannot read {str(path)!r}: the server did not answer in time", hint="try again"
        )
    else:
        error = StorageError(
            f"cannot read {str(path)!r}: {said}", hint="check the address and the network, and try again"
        )
    error.errno = getattr(exc, "errno", None)
    return error


# -- what is kept while an image is opened ------------------------------------------------------


class _Kept(threading.local):
    """Blocks of files and small files by URL, of one thread that is opening an image."""

    depth = 0

    def __init__(self) -> None:
        self.infos: dict[str, Any] = {}
        self.files: dict[str, bytes | None] = {}
        self.blocks: dict[tuple[str, int], bytes] = {}


_kept = _Kept()


@contextlib.contextmanager
def opening() -> Iterator[None]:
    """Keep what is read of headers until the outermost of such blocks ends."""
    _kept.depth += 1
    try:
        yield
    finally:
        _kept.depth -= 1
        if _kept.depth == 0:
            _kept.infos.clear()
            _kept.files.clear()
            _kept.blocks.clear()


def _info(path: str) -> dict[str, Any]:
    if path in _kept.infos:
        return _kept.infos[path]
    system, inside = system_of(path)
    try:
        system.invalidate_cache(inside)
        found: dict[str, Any] = system.info(inside)
    except Exception as exc:
        raise remote_error(exc, path) from exc
    if _kept.depth:
        _kept.infos[path] = found
    return found


def identify(path: str) -> Identity:
    """Return the identity of the file at a URL now; a missing file is an `ImageNotFoundError`."""
    return _identity(path, _info(path))


def _identity(path: str, info: Mapping[str, Any]) -> Identity:
    size = info.get("size")
    if info.get("type") == "directory":
        raise FormatError(f"{str(path)!r} is a folder")
    if not isinstance(size, int):
        raise StorageError(
            f"cannot read {str(path)!r}: the server does not say how long it is", hint="download the file"
        )
    state = sorted(
        f"{key}={value}"
        for key, value in info.items()
        if value and key.lower().replace("_", "").startswith(_STATE)
    )
    digest = hashlib.blake2b("|".join(state).encode(), digest_size=7).digest()
    return Identity(size, 0, int.from_bytes(digest, "big"), -1)


def kind_of(path: str) -> str:
    """Return ``file``, ``directory`` or an empty text."""
    try:
        return str(_info(path).get("type", ""))
    except ImageNotFoundError:
        return ""


def names_in(path: str) -> list[str]:
    """Return the names of what is in a folder, sorted."""
    system, inside = system_of(path)
    try:
        found = system.ls(inside, detail=False)
    except Exception as exc:
        raise remote_error(exc, path) from exc
    return sorted(str(name).rstrip("/").rpartition("/")[2] for name in found)


def start_of(path: str, length: int) -> bytes:
    """Return the first bytes of a file; nothing if it is no file."""
    try:
        return _block(path, 0, max(length, _BLOCK))[:length]
    except (ImageNotFoundError, FormatError):
        return b""


def _block(path: str, start: int, length: int) -> bytes:
    """Return a piece of a file, less at its end; kept while an image is opened."""
    for (other, first), data in _kept.blocks.items():
        if other == path and first <= start and start + length <= first + len(data):
            return data[start - first : start - first + length]
    data = fetch([(path, start, start + length)], partial=True)[0] or b""
    if _kept.depth:
        _kept.blocks[path, start] = data
    return data


def read_several(paths: Sequence[str], limit: int) -> list[bytes | None]:
    """Return the contents of small files, None for those that are not there."""
    missing = [p for p in paths if p not in _kept.files]
    found: dict[str, bytes | None] = {p: _kept.files[p] for p in paths if p in _kept.files}
    for path, data in zip(missing, fetch([(p, None, None) for p in missing], missing=True), strict=True):
        if data is not None and len(data) > limit:
            raise FormatError(f"{path!r} is larger than {limit} bytes, which it should not be")
        found[path] = data
        if _kept.depth:
            _kept.files[path] = data
    return [found[p] for p in paths]


def open_stream(path: str) -> IO[Any]:
    """Open a file to be read from start to end."""
    system, inside = system_of(path)
    try:
        return system.open(inside, "rb", block_size=_LARGEST, cache_type="readahead")
    except Exception as exc:
        raise remote_error(exc, path) from exc


# -- ranges -------------------------------------------------------------------------------------

Range = tuple[str, int | None, int | None]


def fetch(ranges: Sequence[Range], *, missing: bool = False, partial: bool = False) -> list[bytes | None]:
    """Return ranges of bytes of files, all asked for at the same time.

    Parameters
    ----------
    ranges : sequence of (path, start, stop)
        What to read; None and None for a whole file, a negative start for the end of one.
    missing : bool
        Whether None is returned for files that are not there; else they are an error.
    partial : bool
        Whether less may come, at the end of a file.
    """
    out: list[bytes | None] = []
    if not ranges:
        return out
    system = system_of(ranges[0][0])[0]
    inside = [system_of(path)[1] for path, _, _ in ranges]
    starts, stops = [r[1] for r in ranges], [r[2] for r in ranges]
    try:
        found = system.cat_ranges(inside, starts, stops, on_error="return")
    except Exception as exc:
        raise remote_error(exc, ranges[0][0]) from exc
    for (path, start, stop), data in zip(ranges, found, strict=True):
        if isinstance(data, BaseException):
            error = remote_error(data, path)
            beyond = partial and ("416" in str(data) or "InvalidRange" in str(data))
            if beyond or (missing and isinstance(error, ImageNotFoundError)):
                out.append(b"" if beyond else None)
                continue
            raise error from data
        data = bytes(data)
        add_bytes(len(data))
        _check_length(path, start, stop, len(data), partial)
        out.append(data)
    return out


def _check_length(path: str, start: int | None, stop: int | None, got: int, partial: bool) -> None:
    if start is None or stop is None or start < 0:
        return
    if got > stop - start:
        raise StorageError(
            f"cannot read {str(path)!r} by parts: the server sent {got} bytes, where {stop - start} were "
            "asked for",
            hint="download the file",
        )
    if got < stop - start and not partial:
        raise FormatError(
            f"{str(path)!r} is truncated: it ends after {start + got} bytes, "
            f"where {stop - start - got} more were expected",
            hint="the file may have changed: open it again",
        )


def merge(starts: np.ndarray, lengths: np.ndarray, small: int = _SMALL) -> list[tuple[int, int, int, int]]:
    """Return which ranges of a file are fetched as one.

    Parameters
    ----------
    starts, lengths : ndarray of int64
        The ranges that are needed, by ascending starts.
    small : int
        Bytes that may be fetched whatever is needed of them.

    Returns
    -------
    list of (first, last, start, stop)
        Ranges first to last - 1 lie in the bytes from start to stop. The smallest gaps are fetched with what
        is needed: up to a fifth of that, as long as all is small, or where requests would be too many.

    Examples
    --------
    >>> merge(np.array([0, 150, 900_000]), np.array([100, 100, 100]))
    [(0, 2, 0, 250), (2, 3, 900000, 900100)]
    """
    ends = np.maximum.accumulate(starts + lengths)
    gaps = np.maximum(starts[1:] - ends[:-1], 0)
    needed = int((ends[-1] - starts[0]) - gaps.sum())
    room = max(int(needed * _WASTE), small - needed)
    order = np.argsort(gaps, kind="stable")
    closed = np.zeros(len(gaps), bool)
    closed[order] = np.cumsum(gaps[order]) <= room
    excess = len(gaps) - int(closed.sum()) + 1 - _MOST
    if excess > 0:
        more = order[~closed[order]][:excess]
        closed[more] = gaps[more] <= _NEAR
    cuts = np.flatnonzero(~closed) + 1
    firsts, lasts = [0, *cuts.tolist()], [*cuts.tolist(), len(starts)]
    return [(a, b, int(starts[a]), int(ends[b - 1])) for a, b in zip(firsts, lasts, strict=True)]


Job = tuple[str, np.ndarray, int, np.ndarray]


def read_runs(jobs: Sequence[Job]) -> list[bool]:
    """Read runs of bytes of several files, by few requests at the same time.

    Parameters
    ----------
    jobs : sequence of (path, offsets, length, rows)
        Runs of one length at these offsets of a file, and the array of bytes whose rows they become.

    Returns
    -------
    list of bool
        False for each job whose file is not there: its rows are left as they were.
    """
    by_path: dict[str, list[int]] = {}
    for number, (path, _, _, _) in enumerate(jobs):
        by_path.setdefault(path, []).append(number)
    ranges: list[Range] = []
    plan = []
    for path, numbers in by_path.items():
        which = np.repeat(numbers, [len(jobs[n][1]) for n in numbers])
        row = np.concatenate([np.arange(len(jobs[n][1])) for n in numbers])
        starts = np.concatenate([jobs[n][1] for n in numbers]).astype(np.int64)
        lengths = np.repeat([jobs[n][2] for n in numbers], [len(jobs[n][1]) for n in numbers])
        order = np.argsort(starts, kind="stable")
        which, row, starts, lengths = which[order], row[order], starts[order], lengths[order]
        for first, last, start, stop in merge(starts, lengths, _SMALL // len(by_path)):
            cuts = [*range(start, stop, _LARGEST), stop]
            ranges += [(path, a, b) for a, b in itertools.pairwise(cuts)]
            runs = zip(which[first:last].tolist(), row[first:last].tolist(), strict=True)
            plan.append((len(cuts) - 1, start, list(runs), starts[first:last].tolist()))
    there = [True] * len(jobs)
    parts = iter(fetch(ranges, missing=True))
    for count, start, runs_of, starts_of in plan:
        pieces = [next(parts) for _ in range(count)]
        found = [p for p in pieces if p is not None]
        data = found[0] if count == 1 and found else b"".join(found)
        for (number, k), offset in zip(runs_of, starts_of, strict=True):
            if len(found) < count:
                there[number] = False
            else:
                rows = jobs[number][3]
                rows[k] = np.frombuffer(data, np.uint8, jobs[number][2], offset - start)
    return there


class RemoteFile:
    """A file behind a URL in place of a descriptor: `lattice.io.files.Opened` gives it out.

    Parameters
    ----------
    path : str
        The URL.
    identity : Identity
        The state in which the file must be.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path = path
        self.identity = identity
        self._checked = -float("inf")

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.identity.size

    def check(self) -> None:
        """Raise a `StorageError` if the file is in another state; asked again after a minute."""
        now = time.monotonic()
        if now - self._checked > _CHECK_SECONDS:
            try:
                found = identify(self.path)
            except ImageNotFoundError:
                raise changed(self.path, "it is gone") from None
            if found != self.identity:
                raise changed(self.path, "it was written again or replaced")
            self._checked = now

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer with the bytes at an offset; small ones come from a block of the header."""
        if len(buffer) <= _BLOCK and _kept.depth:
            data = _block(self.path, offset, min(_BLOCK, max(0, self.size - offset)))
            if len(data) < len(buffer):
                _check_length(self.path, offset, offset + len(buffer), len(data), False)
            buffer[:] = data[: len(buffer)]
        else:
            self.read_many([(offset, buffer)])

    def read_many(self, pieces: Sequence[tuple[int, memoryview]]) -> None:
        """Fill buffers, each with the bytes at its offset, by few requests at the same time."""
        jobs = [
            (self.path, np.array([offset]), len(buffer), np.frombuffer(buffer, np.uint8).reshape(1, -1))
            for offset, buffer in pieces
            if len(buffer)
        ]
        self.read(jobs)

    def read_rows(self, offsets: Sequence[int], length: int, rows: np.ndarray) -> None:
        """Read runs of one length to the rows of an array of bytes."""
        self.read([(self.path, np.asarray(offsets, np.int64), length, rows)])

    def read(self, jobs: Sequence[Job]) -> None:
        """Read runs, see `read_runs`; the file is there, or that is an error."""
        if jobs and not all(read_runs(jobs)):
            raise changed(self.path, "it is gone")
