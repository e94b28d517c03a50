"""What the expression graph expects of the things it does not know: stored pixels and coordinates."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import numpy as np

from lattice.graph.sections import Section

__all__ = ["Coordinates", "Reader", "RegionLike", "Writer"]


@runtime_checkable
class Reader(Protocol):
    """Stored pixels that can be read by section; stateless, picklable and safe in threads."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Native type of the values that `read` returns: one of the five LEL types."""

    @property
    def tile(self) -> tuple[int, ...]:
        """Shape of the natural unit of storage: reading whole tiles costs least per pixel."""

    @property
    def direct(self) -> bool:
        """True if a small section costs about its own bytes (uncompressed storage, memory)."""

    @property
    def token(self) -> str:
        """Identity of the pixels: equal tokens mean equal pixels."""

    @property
    def label(self) -> str:
        """Short name for people."""

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a section; filled into `out` when that is given and possible."""

    def bytes_read(self, section: Section) -> int:
        """Return how many bytes of storage `read` would touch."""


@runtime_checkable
class Writer(Protocol):
    """Storage that takes pixels by section; picklable and safe in threads."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def chunks(self) -> tuple[int, ...]:
        """Sections made of whole chunks may be written at the same time."""

    @property
    def direct(self) -> bool:
        """True if any disjoint sections may be written at the same time and small ones are cheap."""

    def write(self, section: Section, values: np.ndarray, mask: np.ndarray | None) -> None:
        """Write values (scratch space: it may be overwritten) and mask (True = good; None = all good)."""


@runtime_checkable
class Coordinates(Protocol):
    """Coordinates of the axes of an image, as far as the graph needs them."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kind of each axis: longitude, latitude, spectral, stokes, time, linear, tabular or none."""

    def subset(self, items: tuple[slice | int, ...]) -> Coordinates:
        """Return the coordinates of a cut; an integer drops its axis, steps may be negative."""

    def rebin(self, factors: tuple[int, ...]) -> Coordinates:
        """Return the coordinates after binning by integer factors."""

    def select(self, order: tuple[int, ...]) -> Coordinates:
        """Return the coordinates of some axes, in the given order."""

    def frequencies(self, length: int) -> np.ndarray | None:
        """Return the frequencies in Hz of the `length` pixels of the spectral axis, or None."""

    def differs(self, other: Any, shape: tuple[int, ...], tolerance: float) -> str | None:
        """Return how values differ by more than a tolerance in pixels over a shape; None if they do not."""


@runtime_checkable
class RegionLike(Protocol):
    """A part of a lattice of one shape: a box of pixels and, unless it is a plain box, a mask. Hashable."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the lattice that the region is made for."""

    @property
    def has_mask(self) -> bool:
        """False when every pixel of the box belongs to the region."""

    def bounds(self) -> Section:
        """Return the box around the region; its steps may be above 1."""

    def mask(self, section: Section) -> np.ndarray:
        """Return which pixels of a section of the whole lattice belong to the region."""
