"""File systems that count what is fetched, for the tests of remote files; other processes find them here."""

from __future__ import annotations

import asyncio
import threading
from typing import Any, ClassVar

import fsspec
from fsspec.asyn import AsyncFileSystem
from fsspec.implementations.memory import MemoryFileSystem


class Counted(MemoryFileSystem):
    """Files in memory; every request is written down."""

    protocol = "counted"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    requests: ClassVar[list[tuple[str, int]]] = []
    given: ClassVar[list[dict[str, Any]]] = []

    def __init__(self, **options: Any) -> None:
        self.given.append(options)
        super().__init__()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return MemoryFileSystem._strip_protocol(path.removeprefix("counted://"))

    def cat_file(self, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        try:
            data = super().cat_file(path, start, end, **more)
        except FileNotFoundError:
            self.requests.append((path, 0))
            raise
        self.requests.append((path, len(data)))
        return data

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        self.requests.append((path, 0))
        return super().info(path, **more)


class Slow(AsyncFileSystem):
    """The same files, each request after a moment; counts how many are under way."""

    protocol = "slow"
    cachable = False
    lock = threading.Lock()
    now = 0
    most = 0

    async def _cat_file(self, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        with Slow.lock:
            Slow.now += 1
            Slow.most = max(Slow.most, Slow.now)
        await asyncio.sleep(0.02)
        with Slow.lock:
            Slow.now -= 1
        return Counted().cat_file("counted://" + path, start, end)

    async def _info(self, path: str, **more: Any) -> dict[str, Any]:
        return Counted().info("counted://" + path)


class Refusing(MemoryFileSystem):
    """Answers with the errors that stores have."""

    protocol = "refusing"

    def info(self, path: str, **more: Any) -> dict[str, Any]:
        if "secret" in path:
            raise PermissionError("403 Forbidden")
        if "bucket" in path:
            raise FileNotFoundError("The specified bucket does not exist")
        if "slow" in path:
            raise TimeoutError
        if "endless" in path:
            return {"name": path, "type": "file", "size": None}
        raise OSError("connection reset")

    def cat_file(self, path: str, start: Any = None, end: Any = None, **more: Any) -> bytes:
        if "whole" in path:
            return b"SIMPLE  =" + bytes(1 << 20)
        if "endless" in path:
            return b"SIMPLE  =" + bytes(100)
        self.info(path)
        return b""


def register() -> None:
    """Make the file systems known to fsspec."""
    for system in (Counted, Slow, Refusing):
        fsspec.register_implementation(system.protocol, system, clobber=True)


register()
