"""table.lock: what a table's writers tell each other, and locks that casacore's processes respect.

The locks are POSIX record locks: byte 0 for reading (shared) or writing (exclusive), byte 1 (shared) while a
process has the table open.  They belong to the process, and closing any descriptor of the file drops all of
them; so each process has one descriptor per lock file, in a registry, for as long as anything here uses it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
import threading
import time
from dataclasses import dataclass, field, replace

import numpy as np

from lattice.errors import FormatError, LatticeError, StorageError
from lattice.io.casa.aipsio import AipsReader, AipsWriter
from lattice.io.casa.records import read_block, write_block
from lattice.io.files import is_url, storage_error
from lattice.io.places import read_several

__all__ = ["SyncData", "TableLock", "new_lock_file", "read_sync"]

_WAITING = 32
_HEAD = (1 + 2 * _WAITING) * 4  # the list of those who wait, before the counters
_MOST_BYTES = 1 << 20
_POLL = 0.05  # seconds between attempts
_ASK_AGAIN = 10  # attempts after which a process looks whether it is still among those who wait: the list is
# written without a lock, and who leaves it takes those before it along


@dataclass(frozen=True)
class SyncData:
    """What a lock file says about its table: rows, columns, and counters of changes."""

    rows: int
    columns: int
    modified: int = 0
    table_changed: int = 0
    data_changed: list[int] = field(default_factory=list)

    def bumped(self, *, table: bool = False, data: bool = False, rows: int | None = None) -> SyncData:
        """Return the counters after a change of keywords (`table`) or of cells (`data`)."""

        def up(n: int) -> int:
            return (n + 1) & 0xFFFFFFFF

        return replace(
            self,
            rows=self.rows if rows is None else rows,
            modified=up(self.modified),
            table_changed=up(self.table_changed) if table else self.table_changed,
            data_changed=[up(n) for n in self.data_changed] if data else self.data_changed,
        )


def _encoded(s: SyncData) -> bytes:
    w = AipsWriter()
    wide = s.rows > 0x7FFFFFFF
    w.begin("sync", 2 if wide else 1)
    (w.u64 if wide else w.u32)(s.rows)
    w.i32(s.columns)
    w.u32(s.modified)
    if s.columns >= 0:
        w.u32(s.table_changed)
        write_block(w, s.data_changed)
    w.end()
    content = w.content()
    return struct.pack(">I", len(content)) + content


def _decoded(raw: bytes, where: str) -> SyncData | None:
    if len(raw) < _HEAD + 4:
        return None
    (length,) = struct.unpack_from(">I", raw, _HEAD)
    if length == 0 or len(raw) < _HEAD + 4 + length:
        return None
    r = AipsReader(raw[_HEAD + 4 : _HEAD + 4 + length], ">", where)
    _, version = r.begin("sync")
    rows = r.u32() if version == 1 else r.u64()
    columns, modified = r.i32(), r.u32()
    if columns < 0:
        return SyncData(rows, columns, modified)
    return SyncData(rows, columns, modified, r.u32(), read_block(r, np.uint32).tolist())


def new_lock_file(sync: SyncData) -> bytes:
    """Return the content of the lock file of a new table."""
    return bytes(_HEAD) + _encoded(sync)


_files: dict[str, _File] = {}
_registry = threading.RLock()


def _after_fork() -> None:
    # Locks are not inherited: the child starts without any, and closing the descriptors there drops none.
    global _registry
    _registry = threading.RLock()
    for file in _files.values():
        os.close(file.fd)
    _files.clear()


os.register_at_fork(after_in_child=_after_fork)


def read_sync(path: str) -> SyncData | None:
    """Return what a lock file says; None if it says nothing.

    Raises
    ------
    FormatError
        If it is damaged.
    """
    if is_url(path):
        data = read_several([path], _MOST_BYTES)[0]
        return None if data is None else _decoded(data, repr(path))
    with _registry:
        held = _files.get(os.path.realpath(path))
        if held is not None:
            return held.sync()
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            return _decoded(os.pread(fd, _MOST_BYTES, 0), repr(path))
        except OSError as exc:
            if isinstance(exc, FormatError):
                raise
            raise storage_error(exc, "read", path) from exc
        finally:
            os.close(fd)


class _File:
    """The one descriptor of a lock file in this process, and who uses it."""

    def __init__(self, path: str, fd: int, writable: bool) -> None:
        self.path, self.fd, self.writable = path, fd, writable
        self.users = 0
        self.readers = 0  # locks for reading that are held here
        self.writer: TableLock | None = None

    def sync(self) -> SyncData | None:
        """Return what the file says."""
        return _decoded(os.pread(self.fd, _MOST_BYTES, 0), repr(self.path))

    def is_current(self) -> bool:
        """Tell whether this is the file at its path: the image may have been replaced by another."""
        try:
            now, own = os.stat(self.path), os.fstat(self.fd)
        except OSError:
            return False
        return (now.st_ino, now.st_dev) == (own.st_ino, own.st_dev)

    def lock(self, how: int, start: int) -> bool:
        """Try to get a lock; False if another process has it."""
        try:
            fcntl.lockf(self.fd, how | fcntl.LOCK_NB, 1, start)
        except OSError as exc:
            if exc.errno == errno.ENOLCK:  # network file systems without locks: nothing to respect
                return True
            if exc.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise storage_error(exc, "lock", self.path) from exc
        return True

    def unlock(self, start: int) -> None:
        """Give a lock back."""
        with _registry:
            try:
                fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, start)
            except OSError as exc:
                if exc.errno != errno.ENOLCK:
                    raise storage_error(exc, "unlock", self.path) from exc


def _open(path: str, create: bool) -> _File | None:
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if create else 0)
    writable = True
    try:
        fd = os.open(path, flags, 0o666)
    except OSError:
        writable = False
        try:
            fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return None
    if writable and create and os.fstat(fd).st_size == 0:
        os.pwrite(fd, bytes(_HEAD), 0)
    return _File(path, fd, writable)


class TableLock:
    """The lock of one table.  Not to be shared between threads without a lock of their own.

    Parameters
    ----------
    table : str
        Folder of the table.
    write : bool
        Whether the table will be written to.
    """

    def __init__(self, table: str, write: bool = False) -> None:
        self.path = os.path.join(table, "table.lock")
        self._key = os.path.realpath(self.path)
        self._held = ""
        with _registry:
            file = _files.get(self._key)
            if file is None or not file.is_current():
                file = _open(self.path, write)
                if file is not None:
                    _files[self._key] = file
                    file.lock(fcntl.LOCK_SH, 1)
            self._file = file
            if file is not None:
                file.users += 1

    @property
    def held(self) -> str:
        """Which lock this object holds: ``""``, ``"read"`` or ``"write"``."""
        return self._held

    def acquire(self, write: bool = True, timeout: float | None = 60.0) -> bool:
        """Get the lock; return False if it could not be had in time.

        Parameters
        ----------
        write : bool
            For writing (alone) rather than for reading (with others).
        timeout : float or None
            Seconds to try; 0 for one attempt, None for ever.
        """
        if self._held == "write" or (self._held == "read" and not write):
            return True
        if self._try(write):
            return True
        if timeout is not None and timeout <= 0:
            return False
        deadline = None if timeout is None else time.monotonic() + timeout
        tries = 0
        try:
            while not self._try(write):
                if tries % _ASK_AGAIN == 0:
                    self._ask(True)
                tries += 1
                if deadline is not None and time.monotonic() >= deadline:
                    return False
                time.sleep(min(_POLL, 0.001 * 2 ** min(tries, 8)))
            return True
        finally:
            self._ask(False)

    def need(self, write: bool = True, timeout: float | None = 60.0) -> None:
        """Get the lock, or raise a `StorageError` that names who has it."""
        if self.acquire(write, timeout):
            return
        who = self.holder()
        name = (
            "another part of this process" if who == 0 else f"the process {who}" if who else "another process"
        )
        raise StorageError(
            f"{os.path.dirname(self.path)!r} stayed locked by {name} for {timeout:g} s",
            hint="close the image there, or unlock it",
        )

    def _try(self, write: bool) -> bool:
        with _registry:
            file = self._file
            if file is not None:
                others = file.readers - (self._held == "read")
                if file.writer is not None or (write and others):
                    return False
                shared = not write
                if not (shared and file.readers) and not file.lock(
                    fcntl.LOCK_SH if shared else fcntl.LOCK_EX, 0
                ):
                    return False
                if self._held == "read":
                    file.readers -= 1
                if write:
                    file.writer = self
                else:
                    file.readers += 1
            self._held = "write" if write else "read"
            return True

    def release(self) -> None:
        """Give the lock back."""
        with _registry:
            file, held, self._held = self._file, self._held, ""
            if file is None or not held:
                return
            if held == "write":
                file.writer = None
            else:
                file.readers -= 1
            if file.readers == 0 and file.writer is None:
                file.unlock(0)

    def close(self) -> None:
        """Give back the lock, and close the file if nothing else in this process uses it."""
        with _registry:
            self.release()
            file, self._file = self._file, None
            if file is not None:
                file.users -= 1
                if file.users == 0:
                    if _files.get(self._key) is file:
                        del _files[self._key]
                    os.close(file.fd)

    def holder(self) -> int | None:
        """Return the id of the process that keeps others from writing; 0 for this one, None if nobody."""
        with _registry:
            if self._file is None:
                return None
            if self._file.readers or self._file.writer is not None:
                return 0
            probe = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 1, 0)
            try:
                found = struct.unpack("hhqqi4x", fcntl.fcntl(self._file.fd, fcntl.F_GETLK, probe))
            except OSError:
                return None
            return None if found[0] == fcntl.F_UNLCK else int(found[4])

    def wanted(self) -> bool:
        """Tell whether other processes wait for the lock; who holds it long should let go now and then."""
        with _registry:
            if self._file is None:
                return False
            head = os.pread(self._file.fd, 4, 0)
            return len(head) == 4 and struct.unpack(">i", head)[0] > 0

    def used_elsewhere(self) -> bool:
        """Tell whether another process has the table open; a hint only."""
        with _registry:
            if self._file is None or not self._file.lock(fcntl.LOCK_EX, 1):
                return self._file is not None
            self._file.lock(fcntl.LOCK_SH, 1)
            return False

    def _ask(self, enter: bool) -> None:
        """Enter this process into the list of those who wait, or take it out with all before it."""
        with _registry:
            file = self._file
            if file is None or not file.writable:
                return
            raw = os.pread(file.fd, _HEAD, 0).ljust(_HEAD, b"\0")
            count, *ids = struct.unpack(f">{1 + 2 * _WAITING}i", raw)
            count = min(max(count, 0), _WAITING)
            pairs = [(ids[2 * i], ids[2 * i + 1]) for i in range(count)]
            own = (os.getpid(), 0)
            if enter:
                if own in pairs:
                    return
                pairs = [*pairs[: _WAITING - 1], own]
            elif own in pairs:
                pairs = pairs[pairs.index(own) + 1 :]  # who came before is gone
            flat = [n for pair in pairs for n in pair] + [0] * 2 * (_WAITING - len(pairs))
            os.pwrite(file.fd, struct.pack(f">{1 + 2 * _WAITING}i", len(pairs), *flat), 0)

    def sync(self) -> SyncData | None:
        """Return what the file says; certain only while a lock is held."""
        return None if self._file is None else self._file.sync()

    def put_sync(self, sync: SyncData) -> None:
        """Write the counters, which tells others that the table changed; needs the lock for writing."""
        if self._held != "write":
            raise LatticeError(f"{self.path!r} is not locked for writing")
        if self._file is None:
            return
        try:
            os.pwrite(self._file.fd, _encoded(sync), _HEAD)
        except OSError as exc:
            raise storage_error(exc, "write", self.path) from exc

    def __enter__(self) -> TableLock:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()
