"""Open files shared by all readers and writers of a process, and positional reading and writing.

Readers hold no descriptors: they name a path and the identity that the file had when it was opened.
The descriptors live in one cache per process, bounded in number, counted while in use, and checked
against that identity, so that a file that changed is found out instead of giving wrong pixels.

A path may be a URL.  Then `Opened` gives a `lattice.io.remote.RemoteFile` in place of a descriptor, and the
functions for transfers take that as well: whoever reads through them reads remote files.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, NamedTuple

from lattice.errors import FormatError, ImageNotFoundError, LatticeError, StorageError, suggest
from lattice.native.turns import LASTS, LONGEST, SHORTEST, SLOW

__all__ = [
    "ByteCount",
    "Identity",
    "Opened",
    "OpenedPart",
    "add_bytes",
    "changed",
    "check_unchanged",
    "close_path",
    "counting",
    "identify",
    "is_url",
    "not_found",
    "opened",
    "pread_into",
    "pread_many",
    "pwrite_from",
    "read_range",
    "storage_error",
]


def _descriptor_limit() -> int:
    try:
        import resource  # not on every system
    except ImportError:
        return 512
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return soft if soft > 0 else 1024


MAX_OPEN = min(128, max(8, _descriptor_limit() // 4))
"""Descriptors that stay open while nobody uses them."""

_MAX_TRANSFER = 1 << 30  # Linux moves at most 2 GiB - 4 kB per call


class Identity(NamedTuple):
    """What tells one state of a file from another."""

    size: int
    mtime_ns: int
    inode: int
    device: int


_URL = re.compile(r"[A-Za-z][\w+.\-]*(::[A-Za-z][\w+.\-]*)*://", re.ASCII)


def is_url(path: str) -> bool:
    """Tell a URL from a path; a file that has such a name is taken as it is.

    >>> is_url("s3://bucket/cube.fits"), is_url("/data/a:b//c.fits")
    (True, False)
    """
    return "://" in path and _URL.match(path) is not None and not os.path.lexists(path)


def _identity(stat: os.stat_result) -> Identity:
    return Identity(stat.st_size, stat.st_mtime_ns, stat.st_ino, stat.st_dev)


def identify(path: str) -> Identity:
    """Return the identity of the file at `path` now; a missing file is an `ImageNotFoundError`."""
    if is_url(path):
        from lattice.io.remote import identify as identify_url

        return identify_url(path)
    try:
        return _identity(os.stat(path))
    except (FileNotFoundError, NotADirectoryError):
        raise not_found(path) from None
    except (OSError, ValueError) as exc:
        raise storage_error(exc, "read", path) from exc


def not_found(path: str) -> ImageNotFoundError:
    """Return the error for a path at which there is nothing, naming what is near."""
    folder, name = os.path.split(path)
    hint = None
    try:
        hint = suggest(name, sorted(os.listdir(folder or "."))[:2000])
    except (OSError, ValueError):
        while folder and folder != os.path.dirname(folder) and not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        hint = f"the folder does not exist; the path is good up to {folder!r}" if folder else None
    return ImageNotFoundError(f"there is no file {path!r}", hint=hint)


_ADVICE = {
    errno.ENOSPC: "the disk is full: free some space, or save to another disk",
    errno.EDQUOT: "your disk quota is used up: free some space, or save to another disk",
    errno.EFBIG: "the file would be larger than this file system or process may have",
    errno.EACCES: "you have no permission: check the rights of the file and its folder",
    errno.EPERM: "you have no permission: check the rights of the file and its folder",
    errno.EROFS: "the disk is read-only: save to another place",
    errno.ENOENT: "the folder does not exist: create it first",
    errno.ENOTDIR: "a part of the path is a file, not a folder",
    errno.EMFILE: "too many files are open in this process: raise the limit (ulimit -n)",
    errno.ENFILE: "too many files are open on this machine",
    errno.ENAMETOOLONG: "the name is too long for this file system",
    errno.EIO: "the device reported a failure",
    errno.ESTALE: "the network file system lost the file: open the image again",
    errno.EISDIR: "the path is a folder",
}


def storage_error(exc: Exception, action: str, path: str) -> LatticeError:
    """Return the `StorageError` that tells `exc` to a user: what was tried, where, why, and what to do."""
    code = getattr(exc, "errno", None)
    reason = os.strerror(code) if code else str(exc)
    error = StorageError(f"cannot {action} {path!r}: {reason}", hint=_ADVICE.get(code or 0))
    error.errno = code
    return error


# -- counting -----------------------------------------------------------------------------------


class ByteCount:
    """Bytes and calls counted while a `counting` block is active."""

    def __init__(self) -> None:
        self.bytes = 0
        self.calls = 0


_counters: list[ByteCount] = []
_counter_lock = threading.Lock()


@contextlib.contextmanager
def counting() -> Iterator[ByteCount]:
    """Count the bytes that this process reads from image files inside the ``with`` block.

    >>> with counting() as count:
    ...     pass
    >>> count.bytes
    0
    """
    count = ByteCount()
    with _counter_lock:
        _counters.append(count)
    try:
        yield count
    finally:
        with _counter_lock:
            _counters.remove(count)


def add_bytes(n: int) -> None:
    """Add to the active counters; for formats that do not read through `pread_into`."""
    if _counters:
        with _counter_lock:
            for count in _counters:
                count.bytes += n
                count.calls += 1


# How old the last look at a file may be: strips of one run follow each other within microseconds.
_CHECK_SECONDS = 0.001

# -- descriptors --------------------------------------------------------------------------------


def _close(fd: Any) -> None:
    if type(fd) is int:
        os.close(fd)


class _Entry:
    __slots__ = ("checked", "fd", "key", "users")

    def __init__(self, key: tuple[object, ...], fd: Any) -> None:
        self.key = key
        self.fd = fd
        self.users = 0
        self.checked = -math.inf  # when the state of the file was last looked at


class _Cache:
    """Descriptors by (path, identity, writable), least recently used first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.entries: OrderedDict[tuple[object, ...], _Entry] = OrderedDict()
        self.doomed: set[_Entry] = set()

    def acquire(self, path: str, identity: Identity | None, part_of: Identity | None = None) -> _Entry:
        key = (path, identity, part_of)
        with self.lock:
            entry = self.entries.get(key)
            if entry is not None:
                self.entries.move_to_end(key)
                entry.users += 1
                return entry
        fresh = _Entry(key, self._open_part(path) if part_of else self._open(path, identity))
        with self.lock:
            entry = self.entries.setdefault(key, fresh)
            entry.users += 1
            if entry is not fresh:
                _close(fresh.fd)
            self._evict(MAX_OPEN)
        return entry

    def release(self, entry: _Entry) -> None:
        with self.lock:
            entry.users -= 1
            if entry.users == 0 and entry in self.doomed:
                self.doomed.discard(entry)
                _close(entry.fd)
            elif len(self.entries) > MAX_OPEN:
                self._evict(MAX_OPEN)

    def close_path(self, path: str) -> None:
        below = path + os.sep
        with self.lock:
            for key in [k for k in self.entries if k[0] == path or str(k[0]).startswith(below)]:
                entry = self.entries.pop(key)
                if entry.users:
                    self.doomed.add(entry)
                else:
                    _close(entry.fd)

    def _evict(self, keep: int) -> None:
        excess = len(self.entries) - keep
        if excess > 0:
            for key in [k for k, e in self.entries.items() if e.users == 0][:excess]:
                _close(self.entries.pop(key).fd)

    def _open_part(self, path: str) -> int:
        try:
            return self._open_flags(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise
        except OSError as exc:
            raise storage_error(exc, "read", path) from exc

    def _open_flags(self, path: str, flags: int) -> int:
        try:
            return os.open(path, flags)
        except OSError as exc:
            if exc.errno not in (errno.EMFILE, errno.ENFILE):
                raise
        with self.lock:
            self._evict(0)
        return os.open(path, flags)

    def _open(self, path: str, identity: Identity | None) -> Any:
        writable = identity is None
        if identity is not None and is_url(path):
            from lattice.io.remote import RemoteFile

            return RemoteFile(path, identity)
        flags = (os.O_RDWR if writable else os.O_RDONLY) | os.O_CLOEXEC
        action = "write" if writable else "read"
        try:
            fd = self._open_flags(path, flags)
        except OSError as exc:
            if exc.errno == errno.ENOENT and not writable:
                raise changed(path, "it is gone") from None
            raise storage_error(exc, action, path) from exc
        if identity is not None and _identity(os.fstat(fd)) != identity:
            os.close(fd)
            raise changed(path, "it was written again or replaced")
        return fd


_cache = _Cache()


def _after_fork() -> None:
    # Positional reads share descriptors safely; only the lock may be held by a thread that is no more.
    global _counter_lock
    _cache.lock = threading.Lock()
    _counter_lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def changed(path: str, how: str) -> StorageError:
    """Return the error for a file that is not the one that was opened."""
    return StorageError(
        f"the file {path!r} changed since it was opened: {how}",
        hint="open the image again to use its present content",
    )


class Opened:
    """A descriptor in use: ``with opened(path, identity) as fd``.

    Parameters
    ----------
    path : str
        The file.
    identity : Identity or None
        The state in which the file must be; None opens it for writing as well, in whatever state it is.
    """

    __slots__ = ("_entry", "identity", "path")

    def __init__(self, path: str, identity: Identity | None) -> None:
        self.path = path
        self.identity = identity

    def copy(self) -> Opened:
        """Return another use of the same file: each ``with`` block, and each thread, needs its own."""
        return Opened(self.path, self.identity)

    def __enter__(self) -> Any:
        entry = self._entry = _cache.acquire(self.path, self.identity)
        if self.identity is None:
            return self._current(entry).fd
        now = time.monotonic()
        if now - entry.checked > _CHECK_SECONDS:
            if type(entry.fd) is not int:
                self._check_remote(entry)
                return entry.fd
            # A file that was replaced keeps its old content here; one that was written in place does not.
            stat = os.fstat(entry.fd)
            entry.checked = now
            if stat.st_mtime_ns != self.identity.mtime_ns or stat.st_size != self.identity.size:
                _cache.release(entry)
                close_path(self.path)
                raise changed(self.path, "it was written to")
        return entry.fd

    def _current(self, entry: _Entry) -> _Entry:
        """Return the entry, or one of the file that has taken its place: what is written must stay."""
        held = os.fstat(entry.fd)
        try:
            now = os.stat(self.path)
        except FileNotFoundError:
            _cache.release(entry)
            close_path(self.path)
            raise changed(self.path, "it is gone") from None
        except OSError as exc:
            _cache.release(entry)
            raise storage_error(exc, "write", self.path) from exc
        if (now.st_ino, now.st_dev) == (held.st_ino, held.st_dev):
            return entry
        _cache.release(entry)
        close_path(self.path)
        self._entry = _cache.acquire(self.path, None)
        return self._entry

    def _check_remote(self, entry: _Entry) -> None:
        try:
            entry.fd.check()
        except BaseException:
            _cache.release(entry)
            close_path(self.path)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _cache.release(self._entry)


opened = Opened


class OpenedPart:
    """A file of a folder that is one image (a chunk): ``with OpenedPart(path, identity) as fd``.

    A part that does not exist raises FileNotFoundError: it may mean that all its pixels are the fill value.

    Parameters
    ----------
    path : str
        The file.
    whole : Identity
        State of the image's metadata file; parts of another state have other descriptors.
    """

    __slots__ = ("_entry", "path", "whole")

    def __init__(self, path: str, whole: Identity) -> None:
        self.path = path
        self.whole = whole

    def __enter__(self) -> int:
        self._entry = _cache.acquire(self.path, None, self.whole)
        return self._entry.fd

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        _cache.release(self._entry)


def check_unchanged(path: str, identity: Identity) -> None:
    """Raise a `StorageError` if the file at `path` is not in that state any more."""
    try:
        now = _identity(os.stat(path))
    except FileNotFoundError:
        raise changed(path, "it is gone") from None
    except OSError as exc:
        raise storage_error(exc, "read", path) from exc
    if now != identity:
        raise changed(path, "it was written again or replaced")


def close_path(path: str) -> None:
    """Close this process's descriptors of `path` and below it; those in use when their user is done."""
    _cache.close_path(path)


def open_count() -> int:
    """Return how many descriptors the cache holds."""
    return len(_cache.entries)


# -- transfers ----------------------------------------------------------------------------------


def pread_into(fd: Any, buffer: memoryview, offset: int, path: str) -> None:
    """Fill `buffer` (bytes) from the file at `offset`; a file that ends before is a `FormatError`."""
    if type(fd) is not int:
        fd.read_into(buffer, offset)
        return
    total = len(buffer)
    done = 0
    while done < total:
        try:
            rest = buffer if total - done == total <= _MAX_TRANSFER else buffer[done : done + _MAX_TRANSFER]
            n = os.preadv(fd, [rest], offset + done)
        except OSError as exc:
            raise storage_error(exc, "read", path) from exc
        if n == 0:
            raise FormatError(
                f"{path!r} is truncated: it ends after {offset + done} bytes, "
                f"where {total - done} more were expected",
                hint="copy or download the file again",
            )
        done += n
    if _counters:
        add_bytes(total)


def pread_many(fd: Any, pieces: Sequence[tuple[int, memoryview]], path: str) -> None:
    """Fill several buffers, each from its offset; of a remote file by few requests at the same time."""
    if type(fd) is not int:
        fd.read_many(pieces)
        return
    for offset, buffer in pieces:
        pread_into(fd, buffer, offset, path)


class _Pace:
    """How many bytes are written at once; compiled code has its own (see `LONGEST`)."""

    longest, shortest = LONGEST, SHORTEST
    slow = SLOW * 1e-12  # seconds per byte
    lasts = LASTS * 1e-9  # seconds

    def __init__(self) -> None:
        self.step = self.longest
        self._changed = -math.inf

    def note(self, n: int, start: float) -> None:
        """Take in that a write of so many bytes, begun at some time, is done."""
        if n < self.shortest:
            return
        now = time.monotonic()
        if now - start > self.slow * n:
            self.step, self._changed = max(self.shortest, self.step // 4), now
        elif self.step < self.longest and now - self._changed > self.lasts:
            self.step = self.longest


_pace = _Pace()  # threads need not agree on it


def pwrite_from(fd: int, buffer: memoryview, offset: int, path: str) -> None:
    """Write all of `buffer` (bytes) to the file at `offset`."""
    total = len(buffer)
    done = 0
    while done < total:
        step = _pace.step
        rest = buffer if total <= step and not done else buffer[done : done + step]
        start = time.monotonic()
        try:
            n = os.pwrite(fd, rest, offset + done)
        except OSError as exc:
            raise storage_error(exc, "write", path) from exc
        if n == 0:
            raise storage_error(OSError(errno.EIO, "nothing was written"), "write", path)
        _pace.note(n, start)
        done += n


def read_range(fd: Any, offset: int, length: int, path: str, size: int) -> bytes:
    """Return up to `length` bytes at `offset`, less at the end of the file of `size` bytes."""
    length = max(0, min(length, size - offset))
    buffer = bytearray(length)
    pread_into(fd, memoryview(buffer), offset, path)
    return bytes(buffer)
