"""Outputs that appear complete or not at all.

Everything is written under a hidden temporary name beside the target and renamed at the end.  A
process that is killed leaves the old file or none; what remains of its temporary is removed by the
next save to the same target.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import re
import shutil
import stat

from lattice.errors import LatticeError, OutputExistsError, StorageError
from lattice.io.files import close_path, is_url, storage_error

__all__ = ["Staging", "allocate"]

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_VIRTUAL = ("imageconcat.json", "imageexpr.json")  # CASA images made of others


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def allocate(fd: int, size: int, path: str) -> None:
    """Give a new file its size, and its disk space where the file system can reserve it.

    A full disk is found here, before any work is done.
    """
    try:
        os.ftruncate(fd, size)
    except OSError as exc:
        raise storage_error(exc, "write", path) from exc
    # The C function, not posix_fallocate: that one writes to every block where reserving is not supported.
    function = getattr(_libc(), "fallocate64", None) or getattr(_libc(), "fallocate", None)
    if function is None or size == 0:
        return
    function.argtypes = [ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64]
    while function(fd, 0, 0, size) != 0:
        code = ctypes.get_errno()
        if code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise storage_error(OSError(code, ""), "write", path)
        if code != errno.EINTR:
            return


@functools.cache
def _place() -> str:
    """Return a short mark of this machine and process namespace: pids mean nothing elsewhere."""
    parts = [os.uname().nodename]
    for name in ("/etc/machine-id",):
        with contextlib.suppress(OSError), open(name) as f:
            parts.append(f.read().strip())
    with contextlib.suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    import zlib

    return f"{zlib.crc32('|'.join(parts).encode()):08x}"


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class Staging:
    """A temporary name beside `path`, and the way from one to the other.

    Parameters
    ----------
    path : str
        The target.
    overwrite : bool
        Whether an existing target may be replaced.
    sync : bool
        Whether the content must be on the device when `commit` returns.
    directory : bool
        Whether the output is a folder of files.

    Attributes
    ----------
    temp : str
        The temporary path. A folder exists already, a file does not.
    path : str
        The target, absolute, with a symbolic link followed.
    """

    def __init__(
        self, path: str, *, overwrite: bool = False, sync: bool = False, directory: bool = False
    ) -> None:
        self.asked = path
        if is_url(path):
            raise StorageError(
                f"{path!r}: images are not written to URLs", hint="save to a file, and copy that to its place"
            )
        self.path = os.path.realpath(path) if os.path.islink(path) else os.path.abspath(path)
        self.overwrite = overwrite
        self.sync = sync
        self.directory = directory
        folder, name = os.path.split(self.path)
        if not name or "\0" in path:
            raise StorageError(f"{path!r} is not a name for a file")
        self._check_target()
        # 255 bytes is the longest name; the temporary needs some of them.
        self._stem = "." + name.encode()[:200].decode(errors="ignore")
        self._remove_stale(folder)
        tail = f"{os.getpid()}-{_place()}{os.urandom(4).hex()}"
        self.temp = os.path.join(folder, f"{self._stem}.{tail}.tmp")
        self._aside = os.path.join(folder, f"{self._stem}.{tail}.old")
        try:
            if directory:
                os.mkdir(self.temp)
            else:
                os.close(os.open(self.temp, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, self._mode()))
        except OSError as exc:
            raise storage_error(exc, "write", path) from exc

    def _mode(self) -> int:
        with contextlib.suppress(OSError):
            return stat.S_IMODE(os.stat(self.path).st_mode) | 0o200
        return 0o666

    def _check_target(self) -> None:
        try:
            info = os.lstat(self.path)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise storage_error(exc, "write", self.asked) from exc
        if not self.overwrite:
            raise OutputExistsError(
                f"{self.asked!r} exists already", hint="say overwrite=True (or --overwrite) to replace it"
            )
        if stat.S_ISDIR(info.st_mode):
            if not _is_image_folder(self.path):
                raise OutputExistsError(
                    f"{self.asked!r} is a folder that holds no image; it is not replaced",
                    hint="give another name, or remove the folder yourself",
                )
        elif not stat.S_ISREG(info.st_mode):
            raise StorageError(f"{self.asked!r} is not a regular file; it cannot be replaced by an image")

    def _remove_stale(self, folder: str) -> None:
        pattern = re.compile(re.escape(self._stem) + r"\.(\d+)-([0-9a-f]{8})[0-9a-f]{8}\.(tmp|old)")
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                found = pattern.fullmatch(name) if name.startswith(self._stem) else None
                if not found or found[2] != _place() or _alive(int(found[1])):
                    continue
                old = os.path.join(folder, name)
                if found[3] == "old" and not os.path.lexists(self.path):
                    continue  # the only copy of what was there before a crash
                remove(old)

    def commit(self) -> None:
        """Move the output to its place."""
        close_path(self.temp)
        try:
            if self.sync:
                self._sync()
            self._check_target()
            if os.path.isdir(self.path) or (self.directory and os.path.lexists(self.path)):
                self._swap()
            else:
                os.rename(self.temp, self.path)
            if self.sync:
                _sync_path(os.path.dirname(self.path))
        except LatticeError:
            raise
        except OSError as exc:
            raise storage_error(exc, "write", self.asked) from exc

    def _swap(self) -> None:
        """Put the output in the place of a folder; one of both is there at any moment if the system can."""
        if _exchange(self.temp, self.path):
            close_path(self.path)
            remove(self.temp)
            return
        os.rename(self.path, self._aside)
        try:
            os.rename(self.temp, self.path)
        except OSError:
            os.rename(self._aside, self.path)
            raise
        remove(self._aside)

    def _sync(self) -> None:
        if self.directory:
            for folder, _, names in os.walk(self.temp):
                for name in names:
                    _sync_path(os.path.join(folder, name))
                _sync_path(folder)
        else:
            _sync_path(self.temp)

    def abort(self) -> None:
        """Remove the temporary."""
        close_path(self.temp)
        remove(self.temp)


def _is_image_folder(path: str) -> bool:
    try:
        names = set(os.listdir(path))
    except OSError:
        return False
    if {"header", "image"} <= names:  # of Miriad
        return True
    return not names or bool(names & {"zarr.json", ".zgroup", ".zarray", ".zattrs", "table.dat", *_VIRTUAL})


def _exchange(a: str, b: str) -> bool:
    function = getattr(_libc(), "renameat2", None)
    if function is None:
        return False
    result = function(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE)
    return bool(result == 0)


def _sync_path(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def remove(path: str) -> None:
    """Remove a file or folder as far as possible, without an error."""
    with contextlib.suppress(OSError):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path, ignore_errors=True)
        else:
            os.unlink(path)
