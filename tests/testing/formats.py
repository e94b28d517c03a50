"""Formats that are wrong in one way each, for the tests of the checks; other processes find them here."""

from __future__ import annotations

import dataclasses
import os
import signal
import threading
import time
from typing import Any, ClassVar

import numpy as np

from lattice.io.base import ImageSpec, Output, Stored
from lattice.io.zarr import ZarrFormat
from tests.work import PATIENCE


class Wrapped:
    """A reader in another's place."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def __getattr__(self, name: str) -> Any:
        if name == "reader":
            raise AttributeError(name)
        return getattr(self.reader, name)


class NoSteps(Wrapped):
    def read(self, section: Any, out: Any = None) -> np.ndarray:
        plain = tuple(slice(s.start, s.start + len(range(s.start, s.stop, s.step)), 1) for s in section)
        return self.reader.read(plain, out)


class Slips(Wrapped):
    """Wrong where two threads meet: the first that is not the main one waits for another to come."""

    first: ClassVar[threading.Lock]
    met: ClassVar[threading.Event]

    def __init__(self, reader: Any) -> None:
        super().__init__(reader)
        Slips.first, Slips.met = threading.Lock(), threading.Event()

    def read(self, section: Any, out: Any = None) -> np.ndarray:
        wrong = False
        if threading.current_thread() is not threading.main_thread() and not Slips.met.is_set():
            if Slips.first.acquire(blocking=False):
                Slips.met.wait(PATIENCE)
            else:
                Slips.met.set()
            wrong = True
        found = self.reader.read(section, out)
        return np.zeros_like(found) if wrong else found


class NeverCounts(Wrapped):
    def bytes_read(self, section: Any) -> int:
        return 1 << 30


class SameToken(Wrapped):
    token = "token"


class Base(ZarrFormat):
    wrapper: Any = None
    change: Any = None

    def open(self, path: str, **selectors: Any) -> Stored:
        found = super().open(path, **selectors)
        if self.wrapper is not None:
            found = dataclasses.replace(found, reader=self.wrapper(found.reader))
        return found if self.change is None else dataclasses.replace(found, **self.change)


class IgnoresSteps(Base):
    wrapper = NoSteps


class ThreadsSlip(Base):
    wrapper = Slips


class BytesAreWrong(Base):
    wrapper = NeverCounts


class OneToken(Base):
    wrapper = SameToken


class LosesUnit(Base):
    change = {"unit": "K"}  # noqa: RUF012


class LosesHistory(Base):
    change = {"history": ()}  # noqa: RUF012


class LosesCards(Base):
    change = {"meta": ()}  # noqa: RUF012


class LosesBeams(Base):
    change = {"beams": ()}  # noqa: RUF012


class LosesMasks(Base):
    change = {"masks": {}, "default_mask": None}  # noqa: RUF012


class SaysNothing(Base):
    """Does not hold units, and does not say so."""

    can = ZarrFormat.can - {"unit"}

    def losses(self, spec: ImageSpec, **options: Any) -> list[str]:
        return []


class TakesAll(Base):
    def sniff(self, path: str) -> bool:
        return os.path.exists(path)


class Overwrites(Base):
    def create(self, path: str, spec: ImageSpec, *, overwrite: bool = False, **options: Any) -> Output:
        return super().create(path, spec, overwrite=True, **options)


class LeavesThings(Base):
    def create(self, path: str, spec: ImageSpec, **options: Any) -> Output:
        open(path + ".lock", "w").close()
        return super().create(path, spec, **options)


class Fails(Base):
    """Opens damaged files in the way that `how` says."""

    how = "hangs"

    def open(self, path: str, **selectors: Any) -> Stored:
        if os.path.basename(os.path.dirname(path))[0] in "tc":
            try:
                return super().open(path, **selectors)
            except Exception:
                return getattr(self, self.how)()
        return super().open(path, **selectors)

    def hangs(self) -> Any:
        time.sleep(600)

    def crashes(self) -> Any:
        os.kill(os.getpid(), signal.SIGSEGV)

    def floods(self) -> Any:
        return np.ones(3 << 30, np.uint8)

    def raises(self) -> Any:
        raise KeyError("library")

    def is_mute(self) -> Any:
        from lattice.errors import FormatError

        raise FormatError("")
