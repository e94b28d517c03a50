"""Files compressed as a whole: unpacked once into a temporary file that vanishes with its last user."""

from __future__ import annotations

import errno
import os
import threading
import warnings
import weakref
import zlib
from types import TracebackType

from lattice.errors import FormatError, LatticeWarning
from lattice.io.files import Identity, Opened, storage_error
from lattice.io.places import name_of, open_stream, start_of

__all__ = ["Spool"]

_WORTH_TELLING = 8 << 20  # bytes of a packed file that take a noticeable time
_GZIP = b"\x1f\x8b"
_PIECE = 1 << 22


class _Unpacked:
    """An unpacked copy without a name: the system frees its space when the descriptor closes."""

    def __init__(self, path: str, identity: Identity) -> None:
        import tempfile  # rarely needed, like gzip below

        folder = tempfile.gettempdir()
        try:
            with tempfile.TemporaryFile(prefix="lattice-", dir=folder) as file:
                self.fd = os.dup(file.fileno())
        except OSError as exc:
            raise storage_error(exc, "unpack a compressed file into", folder) from exc
        self.size = self._fill(self.fd, path, identity, folder)

    def __del__(self) -> None:
        if hasattr(self, "fd"):
            os.close(self.fd)

    @staticmethod
    def _fill(target: int, path: str, identity: Identity, folder: str) -> int:
        import gzip

        size = 0
        with Opened(path, identity):  # finds out if the file changed
            pass
        try:
            with open_stream(path) as packed, gzip.open(packed, "rb") as stream:
                while piece := stream.read(_PIECE):
                    if size == 0 and not piece.startswith(b"SIMPLE  ="):
                        raise FormatError(f"{path!r} holds no FITS file: it does not start with 'SIMPLE  ='")
                    view = memoryview(piece)
                    while view:
                        try:
                            n = os.write(target, view)
                        except OSError as exc:
                            raise storage_error(exc, f"unpack {path!r} into", folder) from exc
                        view = view[n:]
                    size += len(piece)
        except (EOFError, zlib.error, gzip.BadGzipFile) as exc:
            raise FormatError(
                f"{path!r} cannot be unpacked: {exc}", hint="copy or download the file again"
            ) from exc
        except FormatError:
            raise
        except OSError as exc:
            if exc.errno in (None, errno.EINVAL):
                raise FormatError(f"{path!r} cannot be unpacked: {exc}") from exc
            raise
        if size == 0:
            raise FormatError(f"{path!r} is empty")
        return size


_lock = threading.Lock()
_unpacked: weakref.WeakValueDictionary[tuple[str, Identity], _Unpacked] = weakref.WeakValueDictionary()


class Spool:
    """The unpacked content of a compressed file, used like `lattice.io.files.Opened`.

    All spools of one file in a process share one copy. A spool that was unpickled makes its copy when
    it is first read.
    """

    def __init__(self, path: str, identity: Identity) -> None:
        self.path = path
        self.packed_identity = identity
        self._copy: _Unpacked | None = None

    @classmethod
    def of(cls, path: str, identity: Identity) -> Spool:
        """Return the spool of a file."""
        spool = cls(path, identity)
        with _lock:
            spool._copy = _unpacked.get((path, identity))
        return spool

    @staticmethod
    def is_packed(path: str) -> bool:
        """Return True if the file is gzip-compressed."""
        return start_of(path, 2) == _GZIP

    @property
    def identity(self) -> Identity:
        """Identity of the unpacked content; its size is what counts."""
        return self.packed_identity._replace(size=self._get().size)

    def _get(self) -> _Unpacked:
        copy = self._copy
        if copy is None:
            key = (self.path, self.packed_identity)
            with _lock:
                copy = _unpacked.get(key)
                if copy is None:
                    size = self.packed_identity.size
                    if size >= _WORTH_TELLING:
                        warnings.warn(
                            f"{name_of(self.path)} is compressed ({size / 1e6:.0f} MB): it is unpacked "
                            "once into a temporary file; unpack it yourself to save that time",
                            LatticeWarning,
                            stacklevel=2,
                        )
                    copy = _unpacked[key] = _Unpacked(self.path, self.packed_identity)
            self._copy = copy
        return copy

    def copy(self) -> Spool:
        """Return the spool itself: it holds no state while it is read."""
        return self

    def __enter__(self) -> int:
        return self._get().fd

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
