"""Images in files that change in place: by this object, by others on the same file, by other processes.

Every look at the file goes by what is there now. A CASA image is locked as casacore locks it: for reading
from the moment it is opened, so that a process that writes waits; but the lock is given back when another
process asks for it, also while nobody here does anything. A lock that was asked for by `lock` is kept until
`unlock`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from lattice.compat.mutable import SMALL, Mutable
from lattice.errors import LatticeError
from lattice.graph.records import Record
from lattice.graph.sections import Section, full, iter_grid, n_pixels
from lattice.image import Image

__all__ = ["InFile"]

_LOOK = 0.5  # seconds between looks whether another process wants a lock
_PIECE = 1 << 22  # pixels of a mask that are written at once
_PATIENCE = 60.0  # seconds that a write, or a read, waits for other processes
_TURN = 0.2  # seconds for which others who wait go first


class _File:
    """One file or folder in this process: how often it was changed here, the lock on it, who writes to it.

    Objects on the same path share it, and with it the lock: locks belong to processes. As in casacore, the
    lock for writing that a change takes is kept until another process wants it, so that many small changes in
    a row are cheap; what they wrote can be read at once, and is announced to others when the lock is given
    back.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.changes = 0  # of any kind
        self.forms = 0  # of what is not pixels
        self.guard = threading.RLock()
        self._lock: Any = None
        self._updater: Any = None
        self._place = 0
        self._owner = os.getpid()
        self._asked = False  # the lock is held because somebody said so
        self._uses = 0  # reads and writes that are under way
        self._left: tuple[Any, ...] | None = None  # what the file was like when the lock was given back
        self._in_vain = False  # those who wait did not come, when they could

    def _inherited(self) -> bool:
        """Tell whether this is the copy that another process had, and forget its lock and files."""
        if self._owner == os.getpid():
            return False
        self._lock = self._updater = None
        self._owner, self._asked, self._uses = os.getpid(), False, 0
        return True

    def _table_lock(self) -> Any:
        self._inherited()
        if self._lock is None:
            from lattice.io.casa.locks import TableLock

            self._lock = TableLock(self.path, write=os.access(self.path, os.W_OK))
        return self._lock

    @property
    def held(self) -> str:
        """Which lock is held: none is ``""``, or read, or write."""
        with self.guard:
            return "" if self._inherited() or self._lock is None else self._lock.held

    def hold(self) -> None:
        """Take a lock for reading if that can be had at once; it is given back to who asks."""
        with self.guard:
            if self._table_lock().acquire(write=False, timeout=0):
                self._entered()
                _watch(self)

    def take(self, write: bool, timeout: float | None) -> None:
        """Take a lock and keep it."""
        with self.guard:
            self._table_lock().need(write=write, timeout=timeout)
            self._asked = True

    def give(self) -> None:
        """Give the lock back, with all that was written known to others."""
        with self.guard:
            self._asked = False
            if self.held:
                self._finish()
                self._left = _signature(self.path)
                self._lock.release()

    def _entered(self) -> None:
        """Note what others changed before the lock was had."""
        if self._left is None or self._left != _signature(self.path):
            self.changes, self.forms = self.changes + 1, self.forms + 1

    def _let_others(self, lock: Any) -> None:
        """Wait a moment for processes that wait for the lock: who gave it back is not first again."""
        waiting = lock.wanted()
        if not waiting or self._in_vain:  # one that was killed while it waited never comes
            self._in_vain = waiting
            return
        end = time.monotonic() + _TURN
        while lock.wanted():
            if time.monotonic() > end:
                self._in_vain = True
                return
            time.sleep(0.001)

    def yield_to_others(self) -> bool:
        """Give back an unasked lock that another process wants; tell whether one is held still."""
        with self.guard:
            if not self._asked and not self._uses and self.held and self._lock.wanted():
                self.give()
            return bool(self.held)

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Hold a lock: no other process writes to the file meanwhile."""
        with self.guard:
            lock = self._table_lock()
            if not lock.held:
                self._let_others(lock)
                lock.need(write=False, timeout=_PATIENCE)
                self._entered()
                _watch(self)
            self._uses += 1
        try:
            yield
        finally:
            with self.guard:
                self._uses -= 1
                self.yield_to_others()

    @property
    def updater(self) -> Any:
        """What changes the file, if it is still there: it reads what it has written."""
        with self.guard:
            if self._updater is None or self._inherited() or self._moved():
                return None
            return self._updater

    def _moved(self) -> bool:
        """Tell whether another image was put in the place of the one that is being changed."""
        try:
            same = os.stat(self.path).st_ino == self._place
        except OSError:
            same = False
        if not same:
            self._updater = None
        return not same

    def _finish(self) -> None:
        updater, self._updater = self._updater, None
        if updater is not None:
            updater.close()

    @contextlib.contextmanager
    def updating(self, form: Any) -> Iterator[Any]:
        """Give what changes the file, with the lock for writing held."""
        with self.guard:
            lock = self._table_lock()
            if self.updater is None:
                self._lock_to_write(lock)
                self._place = os.stat(self.path).st_ino
                self._updater = form.update(self.path, lock=lock)
                _watch(self)
            self._uses += 1
            try:
                yield self._updater
            except BaseException:
                self._finish()
                raise
            finally:
                self._uses -= 1

    def _lock_to_write(self, lock: Any) -> None:
        if lock.held == "write" or (lock.held and lock.acquire(write=True, timeout=0)):
            return
        if lock.held and not self._asked:  # two who read and want to write would wait for each other
            self._left = _signature(self.path)
            lock.release()
        if lock.held:
            lock.need(write=True, timeout=_PATIENCE)
            return
        self._let_others(lock)
        lock.need(write=True, timeout=_PATIENCE)
        self._entered()

    def close(self) -> None:
        """Let go of the lock and of its file, which is about to be replaced."""
        with self.guard:
            if self._inherited():
                return
            with contextlib.suppress(LatticeError):
                self._finish()
            lock, self._lock, self._asked = self._lock, None, False
            if lock is not None:
                lock.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()


_files: weakref.WeakValueDictionary[str, _File] = weakref.WeakValueDictionary()
_watched: weakref.WeakSet[_File] = weakref.WeakSet()
_guard = threading.Lock()
_watcher: tuple[int, threading.Thread] | None = None


def _file(path: str) -> _File:
    key = os.path.realpath(path)
    with _guard:
        found = _files.get(key)
        if found is None:
            found = _files[key] = _File(key)
        return found


def _after_fork() -> None:
    # another thread may have held these, and does not exist in the child
    global _guard, _watcher
    _guard, _watcher = threading.Lock(), None
    for file in list(_files.values()):
        file.guard = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _close_all() -> None:
    for file in list(_files.values()):
        with contextlib.suppress(Exception):
            file.close()


def _watch(file: _File) -> None:
    """See to it that a lock is given back when another process wants it."""
    global _watcher
    with _guard:
        _watched.add(file)
        if _watcher is None or _watcher[0] != os.getpid() or not _watcher[1].is_alive():
            thread = threading.Thread(target=_look_after, name="lattice locks", daemon=True)
            _watcher = (os.getpid(), thread)
            thread.start()


def _look_after() -> None:
    global _watcher
    while True:
        time.sleep(_LOOK)
        with _guard:
            files = list(_watched)
            if not files:
                _watcher = None
                return
        for file in files:
            with contextlib.suppress(Exception):
                if not file.yield_to_others():
                    _watched.discard(file)
        del files
        file = None  # type: ignore[assignment] # no image stays open because it is looked after


def _signature(path: str) -> tuple[Any, ...]:
    """Return what differs when a file, or one of the files in a folder, has been changed."""
    try:
        if not os.path.isdir(path):
            s = os.stat(path)
            return (s.st_mtime_ns, s.st_size, s.st_ino)
        with os.scandir(path) as entries:
            found = [(e.name, e.stat()) for e in entries]
    except OSError:
        return ()
    return tuple(sorted((name, s.st_mtime_ns, s.st_size, s.st_ino) for name, s in found))


class InFile(Mutable):
    """An image in a file.

    Parameters
    ----------
    path : str
        The file, or folder.
    mask : str, optional
        ``"default"``, ``"nomask"``, or the name of the mask that applies.
    shown : str, optional
        Its name in expressions; the default is the path.

    Raises
    ------
    LatticeError
        When it is no image, or it has no such mask.
    """

    persistent = True

    def __init__(self, path: str, mask: str = "default", shown: str = "") -> None:
        from lattice.io.registry import for_reading, split_selector

        super().__init__()
        file, part = split_selector(path)
        self._path = os.path.abspath(file)
        self._whole = self._path if part is None else f"{self._path}[{path[path.rindex('[') + 1 :]}"
        self._shown = shown
        self._mask = mask
        self._images: tuple[Any, dict[str, Image]] = (None, {})
        self._outline: tuple[Any, Image] | None = None
        self.label = os.path.basename(self._path)
        self.format = for_reading(self._path)
        self.file = _file(self._path)
        self.image()
        if self.locks:
            with contextlib.suppress(LatticeError):
                self.file.hold()

    @classmethod
    def create(cls, path: str, image: Image, *, overwrite: bool, format: str, **options: Any) -> InFile:
        """Write an image to a file, and return that."""
        _file(path).close()
        image.save(path, overwrite=overwrite, format=format, **options)
        file = _file(path)
        file.changes, file.forms = file.changes + 1, file.forms + 1
        return cls(path)

    @property
    def path(self) -> str:
        """Absolute path."""
        return self._path

    @contextlib.contextmanager
    def steady(self) -> Iterator[None]:
        """Keep other processes from writing; see `Mutable.steady`."""
        if not self.locks:
            yield
            return
        with self.file.reading():
            yield

    @property
    def locks(self) -> bool:
        """Whether processes lock the file."""
        return self.format.name == "casa"

    @property
    def writable(self) -> bool:  # type: ignore[override]
        """Whether the format can be changed in place."""
        return "update" in self.format.can and os.access(self._path, os.W_OK)

    def _place(self) -> Any:
        """Return what tells one state of the file from another, as far as other processes can change it."""
        if self.file.held:  # they cannot
            return os.stat(self._path).st_ino if os.path.exists(self._path) else 0
        return _signature(self._path)

    def version(self) -> Any:
        """Return what tells one state from another."""
        return (self.file.changes, self._place())

    def outline(self) -> Image:
        """Return an image with the present labels; see `Mutable.outline`."""
        version = (self.file.forms, self._place())
        if self._outline is None or self._outline[0] != version:
            self._outline = (version, self.image())
        return self._outline[1]

    def read(self, section: Section) -> np.ndarray:
        """Return values; see `Mutable.read`."""
        with self.steady():
            updater = self._current(section)
            if updater is None:
                return super().read(section)
            return np.array(updater.reader.read(section), order="C")

    def read_mask(self, section: Section) -> np.ndarray:
        """Return where pixels are good; see `Mutable.read_mask`."""
        with self.steady():
            name, updater = self.outline().default_mask, self._current(section)
            if name is None or updater is None:
                return super().read_mask(section)
            return np.array(updater.mask_reader(name).read(section), order="C")

    def _current(self, section: Section) -> Any:
        """Return what is writing to the file, and so knows its pixels, if it is enough for a section."""
        return self.file.updater if n_pixels(section) <= SMALL else None

    def _now(self) -> Image:
        return self.image_under(self._mask)

    def image_under(self, mask: str) -> Image:
        """Return the image under one of its masks, as it is now."""
        version = self.version()
        if self._images[0] != version:
            self._images = (version, {})
        kept = self._images[1]
        if mask not in kept:
            from lattice.api import open as open_image

            kept[mask] = open_image(self._whole, mask=None if mask == "nomask" else mask)
        return kept[mask]

    # -- writing -----------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _updating(self) -> Iterator[Any]:
        if not self.writable:
            raise self._refuse()
        form: Any = self.format
        with self.file.guard:
            try:
                if self.locks:
                    with self.file.updating(form) as updater:
                        yield updater
                else:
                    with form.update(self._path) as updater:
                        yield updater
            finally:
                self.file.changes += 1
                if self.locks:
                    self.file.yield_to_others()

    @contextlib.contextmanager
    def editing(self) -> Iterator[None]:
        """Keep the lock for all of an edit; see `Mutable.editing`."""
        if not self.locks:
            with super().editing():
                yield
            return
        with self._updating():
            yield

    def live(self) -> dict[str, Any]:
        """Return readers that see each change; see `Mutable.live`."""
        found: dict[str, Any] = super().live()
        if not self.locks or not self.writable:
            return found
        image = self.image()
        with self._updating() as updater:
            node: Any = image.node
            found[node.reader.token] = updater.reader
            for name, mask in image._masks.items():
                stored: Any = mask
                if name in updater.masks and stored.reader.token in found:
                    found[stored.reader.token] = updater.mask_reader(name)
        return found

    def write(self, section: Section, values: np.ndarray) -> None:
        """Put values; see `Mutable.write`."""
        with self._updating() as updater:
            updater.write(section, values)

    def write_mask(self, section: Section, good: np.ndarray) -> None:
        """Put where pixels are good; see `Mutable.write_mask`."""
        image = self.outline()
        name = image.default_mask
        with self._updating() as updater:
            if name is None:
                name = next(n for i in range(10**6) if (n := f"mask{i}") not in image.masks)
                updater.add_mask(name, default=True)
                updater.write(section, None, good, name=name)
                self._reformed(updater)
                self._mask = "default"
            else:
                updater.write(section, None, good, name=name)

    def put_mask(self, name: str, parts: Callable[[Section], np.ndarray], default: bool = True) -> None:
        """Put a mask piece by piece; see `Mutable.put_mask`."""
        shape = self.outline().shape
        with self._updating() as updater:
            if name not in updater.masks:
                updater.add_mask(name, default=default)
            elif default:
                updater.set(default_mask=name)
            for piece in iter_grid(full(shape), _piece(shape)):
                updater.write(piece, None, parts(piece), name=name)
            self._reformed(updater)
        self._mask = "default" if default else self._mask

    def drop_mask(self, name: str) -> None:
        """Remove a mask; see `Mutable.drop_mask`."""
        with self._updating() as updater:
            updater.drop_mask(name)
            self._reformed(updater)

    def rename_mask(self, name: str, new: str) -> None:
        """Rename a mask; see `Mutable.rename_mask`."""
        with self._updating() as updater:
            updater.rename_mask(name, new)
            self._reformed(updater)

    def set_default_mask(self, name: str | None) -> None:
        """Let a mask apply; see `Mutable.set_default_mask`."""
        with self._updating() as updater:
            updater.set(default_mask=name)
            self._reformed(updater)
        self._mask = "default"

    def change(self, **parts: Any) -> None:
        """Change labels; see `Mutable.change`."""
        with self._updating() as updater:
            updater.set(**parts)
            self._reformed(updater)

    def _reformed(self, updater: Any) -> None:
        updater.flush()  # keywords are read from the file when it is opened anew
        self.file.forms += 1

    def put_groups(self, groups: Mapping[str, Record]) -> None:
        """Put attribute groups; see `Mutable.put_groups`."""
        self.change(groups=dict(groups))


def _piece(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of the pieces in which a mask is written: megapixels, whole along fast axes."""
    left, out = _PIECE, []
    for n in reversed(shape):
        out.append(max(1, min(n, left)))
        left //= out[-1]
    return tuple(reversed(out))
