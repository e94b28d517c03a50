"""What a format gives and takes: an opened image, the description of a new one, and its output."""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeWarning
from lattice.graph.protocols import Reader, Writer
from lattice.graph.records import Record
from lattice.graph.sections import Section

__all__ = [
    "Beam",
    "Format",
    "ImageSpec",
    "LatticeWarning",
    "LogLine",
    "MetaCard",
    "Output",
    "Stored",
    "Updater",
]

MetaCard = tuple[str, Any, str]
"""Keyword, value, comment; the value may be a `lattice.graph.records.Record` or `FrozenArray` as well."""

Beam = tuple[float, float, float]
"""Major axis, minor axis and position angle, all in degrees."""


class LogLine(str):
    """A line of the history with what a log knows of it besides its text.

    Attributes
    ----------
    time : float
        UTC as modified Julian date in seconds, 0 if unknown.
    priority : str
        Such as ``NORMAL`` or ``WARN``.
    origin : str
        What wrote the line.
    """

    time: float
    priority: str
    origin: str

    def __new__(cls, text: str, time: float = 0.0, priority: str = "NORMAL", origin: str = "") -> Self:
        line = super().__new__(cls, text)
        line.time, line.priority, line.origin = float(time), str(priority), str(origin)
        return line

    def __reduce__(self) -> tuple[Any, ...]:
        return (LogLine, (str(self), self.time, self.priority, self.origin))


@dataclass(frozen=True)
class Stored:
    """An image in storage, as `Format.open` finds it: nothing but headers has been read.

    Attributes
    ----------
    reader : Reader
        The pixels.
    dims : tuple of str
        Name of each axis, numpy order.
    unit : str
        Brightness unit, empty if unknown.
    coords : CoordinateSystem or None
        Coordinates of the axes.
    masks : dict of str to Reader
        Named masks, True = good.
    default_mask : str or None
        Which of them applies when none is asked for.
    nan_masked : bool
        True if NaN values stand for bad pixels.
    meta : tuple of (keyword, value, comment)
        Header cards that describe the observation, in order.
    history : tuple of str
        Processing history, oldest first; of logs that know more than the text as `LogLine`.
    beams : tuple of (major, minor, angle)
        None, one for all planes, or one per plane; degrees.
    regions : dict of str to Region or Record
        Named regions; as a record where it is of a kind that lattice cannot evaluate.
    groups : dict of str to Record
        Attribute groups: small tables that travel with the image, such as the calibrators of a LOFAR image.
        A group has a record per attribute: ``values``, an array whose first axis counts the rows, or a record
        ``{"0": ..., "1": ...}`` of those rows that have one where their shapes differ; and where they are
        known ``unit`` and ``measinfo`` (kind and frame), texts.
    source : str
        Where it came from, such as ``m.fits[1]``.
    format : str
        Name of the format.
    virtual : mapping or None
        What an image is made of that has no pixels of its own: ``kind`` is ``concat`` (with ``images``,
        paths, and ``axis``) or ``expr`` (with ``expression``, and ``folder`` where files may lie besides the
        working directory). Only `meta` and `source` count then besides; `lattice.open` makes the image.
    """

    reader: Reader
    dims: tuple[str, ...]
    unit: str = ""
    coords: CoordinateSystem | None = None
    masks: Mapping[str, Reader] = field(default_factory=dict)
    default_mask: str | None = None
    nan_masked: bool = False
    meta: tuple[MetaCard, ...] = ()
    history: tuple[str, ...] = ()
    beams: tuple[Beam, ...] = ()
    regions: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Record] = field(default_factory=dict)
    source: str = ""
    format: str = ""
    virtual: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class ImageSpec:
    """An image that is to be written, as `Format.create` gets it.

    Attributes
    ----------
    shape, dims, dtype, unit, coords, meta, history, beams, regions, groups
        As in `Stored`.
    masked : bool
        True if a mask will come with the values.
    mask_names : tuple of str
        Further named masks that will be written.
    default_mask : str or None
        Name for the mask that comes with the values; ``mask0`` if None.
    """

    shape: tuple[int, ...]
    dims: tuple[str, ...]
    dtype: np.dtype[Any]
    unit: str = ""
    coords: CoordinateSystem | None = None
    masked: bool = False
    mask_names: tuple[str, ...] = ()
    default_mask: str | None = None
    meta: tuple[MetaCard, ...] = ()
    history: tuple[str, ...] = ()
    beams: tuple[Beam, ...] = ()
    regions: Mapping[str, Any] = field(default_factory=dict)
    groups: Mapping[str, Record] = field(default_factory=dict)


class Output(ABC):
    """An image being written under a temporary name.

    Used as a context manager it is committed at the end of the block, and aborted if the block raises.

    Attributes
    ----------
    path : str
        Where the image will be after `commit`.
    writer : Writer
        Takes the values and the mask that goes with them.
    mask_writers : dict of str to Writer
        Take the further named masks.
    """

    path: str
    writer: Writer
    mask_writers: dict[str, Writer]

    def __init__(self) -> None:
        self._open = True
        self._pid = os.getpid()

    @abstractmethod
    def _commit(self) -> None: ...

    @abstractmethod
    def _abort(self) -> None: ...

    def commit(self) -> None:
        """Finish the image and move it to its place."""
        if self._open:
            self._open = False
            try:
                self._commit()
            except BaseException:
                self._abort()
                raise

    def abort(self) -> None:
        """Remove all that was written."""
        if self._open:
            self._open = False
            self._abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.commit()
        else:
            self.abort()

    def __del__(self) -> None:
        # A forked child holds a copy of this object but does not own the file.
        if getattr(self, "_open", False) and self._pid == os.getpid():
            with contextlib.suppress(Exception):
                self.abort()


class Updater(ABC):
    """An existing image that is changed in place, alone among processes until it is closed.

    Formats whose abilities include ``update`` make one with ``update(path)``.  Used as a context manager it
    is closed at the end of the block.  What was written is seen by others after `flush` or `close`, whole
    parts at a time; pixels may be seen earlier.  An image that was opened before has to be opened again.

    Attributes
    ----------
    path : str
        The image.
    shape : tuple of int
        Its shape.
    dtype : dtype
        Type of its values.
    masks : tuple of str
        Names of its masks.
    """

    path: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    @abstractmethod
    def masks(self) -> tuple[str, ...]:
        """Names of the masks that the image has now."""

    @abstractmethod
    def write(
        self,
        section: Section,
        values: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        *,
        name: str | None = None,
    ) -> None:
        """Write values, a mask, or both, to a section.

        Parameters
        ----------
        section : Section
            Which pixels; steps are allowed.
        values : ndarray, optional
            Their values, of the section's shape.
        mask : ndarray of bool, optional
            Which of them are good.
        name : str, optional
            The mask that is written to; the default mask if it is not given.
        """

    @abstractmethod
    def set(self, **parts: Any) -> None:
        """Replace parts of the image, named as in `Stored`.

        Parameters
        ----------
        **parts
            ``unit``, ``coords``, ``beams``, ``meta``, ``regions``, ``groups`` and ``default_mask`` replace
            what the image has; the lines of ``history`` are added to it.
        """

    @abstractmethod
    def add_mask(self, name: str, *, default: bool = True) -> None:
        """Add a mask in which every pixel is good; it becomes the default mask unless told otherwise."""

    @abstractmethod
    def drop_mask(self, name: str) -> None:
        """Remove a mask; if it is the default mask, the image has none afterwards."""

    @abstractmethod
    def rename_mask(self, name: str, new: str) -> None:
        """Give a mask another name."""

    @abstractmethod
    def flush(self) -> None:
        """Make the changes so far known to other processes."""

    @abstractmethod
    def close(self) -> None:
        """Flush, and let others change the image."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@runtime_checkable
class Format(Protocol):
    """One kind of file that lattice can read, write, or both."""

    @property
    def name(self) -> str:
        """Short name, such as ``fits``."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """Endings of file names, lower case with the dot; the first is the usual one."""

    @property
    def description(self) -> str:
        """One line for people."""

    @property
    def can(self) -> frozenset[str]:
        """What it does and holds, in words of `lattice.io.losses.ABILITIES`."""

    def sniff(self, path: str) -> bool:
        """Return True if the content at `path` is of this format."""

    def open(self, path: str, **selectors: Any) -> Stored:
        """Open an image; reads headers only."""

    def create(
        self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False, **options: Any
    ) -> Output:
        """Start a new image under a temporary name."""
