"""Pixels that change in place, each moment of which is an immutable image.

Images of lattice never change; packages of another kind write into theirs.  A `Mutable` holds what changes
(arrays in memory, a file) or says how it follows from others (a cut, a join, an expression), and gives an
Image of what is there now.  Nothing is computed here: pixels, masks, labels and coordinates are those of the
Image.
"""

from __future__ import annotations

import contextlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from lattice.errors import LatticeError, LatticeTypeError
from lattice.graph.attributes import default_dims
from lattice.graph.node import Source
from lattice.graph.protocols import Reader
from lattice.graph.records import Record
from lattice.graph.sections import Section, compose, full, shape_of
from lattice.graph.walk import postorder
from lattice.image import Image
from lattice.image.make import stored_parts
from lattice.io.base import Stored
from lattice.io.memory import ArrayReader

__all__ = ["SMALL", "Cut", "Derived", "InMemory", "Joined", "Mutable", "fitted", "good_of", "values_of"]

SMALL = 1 << 17  # pixels up to which a section of stored pixels is read without the engine


class Mutable(ABC):
    """Pixels that can change, or that follow from such.

    Attributes
    ----------
    persistent : bool
        Whether they are in a file.
    writable : bool
        Whether they can be written to.
    label : str
        Name for people.
    """

    persistent = False
    writable = False
    label = ""

    def __init__(self) -> None:
        self._seen: tuple[Any, Image] | None = None

    @abstractmethod
    def version(self) -> Any:
        """Return something that is another thing as soon as anything changed."""

    @abstractmethod
    def _now(self) -> Image: ...

    def image(self) -> Image:
        """Return the image as it is now."""
        version = self.version()
        if self._seen is None or self._seen[0] != version:
            self._seen = (version, self._now())
        return self._seen[1]

    def outline(self) -> Image:
        """Return an image that has the shape, the type and the labels of now, but maybe not the pixels."""
        return self.image()

    @contextlib.contextmanager
    def steady(self) -> Iterator[None]:
        """Keep other processes from changing the pixels meanwhile; they wait."""
        yield

    def read(self, section: Section) -> np.ndarray:
        """Return the values of a section as an array that the caller may keep and change."""
        with self.steady():
            return values_of(self.image(), section)

    def read_mask(self, section: Section) -> np.ndarray:
        """Return where pixels of a section are good."""
        with self.steady():
            return good_of(self.image(), section)

    def _refuse(self) -> LatticeError:
        return LatticeError(
            f"{self.label or type(self).__name__} cannot be written to",
            hint="save a copy as an image file, and open that",
        )

    @contextlib.contextmanager
    def editing(self) -> Iterator[None]:
        """Keep others from changing the pixels between the sections of one edit.

        Raises
        ------
        LatticeError
            At once, when they cannot be changed.
        """
        if not self.writable:
            raise self._refuse()
        yield

    def live(self) -> dict[str, Reader | None]:
        """Return readers that see each change at once, by the tokens of those of the present image.

        None stands for pixels that can only be read as they are at one time.
        """
        nodes = [self.image().node, *self.image()._masks.values()]
        return {n.reader.token: None for n in postorder(nodes) if isinstance(n, Source)}

    def write(self, section: Section, values: np.ndarray) -> None:
        """Put values, which have the shape of the section and a type that the image can hold."""
        raise self._refuse()

    def write_mask(self, section: Section, good: np.ndarray) -> None:
        """Put the mask that applies, True = good; one is made, all good at first, if there is none."""
        raise self._refuse()

    def put_mask(self, name: str, parts: Callable[[Section], np.ndarray], default: bool = True) -> None:
        """Put a mask of a name in the place of the present one, or add it.

        Parameters
        ----------
        name : str
            Its name.
        parts : callable
            Gives where the pixels of a section are good.
        default : bool, optional
            Whether it becomes the mask that applies.
        """
        raise self._refuse()

    def drop_mask(self, name: str) -> None:
        """Remove a mask; without the one that applies all pixels are good."""
        raise self._refuse()

    def rename_mask(self, name: str, new: str) -> None:
        """Give a mask another name."""
        raise self._refuse()

    def set_default_mask(self, name: str | None) -> None:
        """Let another mask apply, or none."""
        raise self._refuse()

    def change(self, **parts: Any) -> None:
        """Put unit, coords, beams or meta in the place of the present ones; add lines of history."""
        raise self._refuse()

    @property
    def groups(self) -> Mapping[str, Record]:
        """Attribute groups."""
        return self.image().groups

    def put_groups(self, groups: Mapping[str, Record]) -> None:
        """Put attribute groups in the place of the present ones."""
        raise self._refuse()


# -- in memory --------------------------------------------------------------------------------------------


class _Buffer(ArrayReader):
    """An array that may change later: unlike other arrays it is not known by its content."""

    __slots__ = ()

    def __init__(self, array: np.ndarray, label: str) -> None:
        self.array = array.view()
        self.array.flags.writeable = False
        self.label = label
        self.token = "memory-" + os.urandom(16).hex()


class InMemory(Mutable):
    """An image in memory.

    Parameters
    ----------
    values : ndarray
        Pixels; they are copied, unless `own` says that nobody else has them.
    good : ndarray of bool, optional
        The mask that applies.
    mask_name : str, optional
        Its name.
    own : bool, optional
        Whether the array may be kept as it is.
    **parts
        unit, coords, beams, meta and history of the image.
    """

    writable = True

    def __init__(
        self,
        values: np.ndarray,
        good: np.ndarray | None = None,
        mask_name: str = "mask0",
        *,
        own: bool = False,
        label: str = "image",
        **parts: Any,
    ) -> None:
        super().__init__()
        self._values = values if own else np.array(values, order="C")
        self._masks: dict[str, np.ndarray] = {} if good is None else {mask_name: np.array(good, bool)}
        self._default = None if good is None else mask_name
        self._mask_name = mask_name
        self._parts: dict[str, Any] = parts
        self._groups: dict[str, Record] = {}
        self._changes = 0
        self._outline: Image | None = None
        self.label = label

    @classmethod
    def copy_of(cls, image: Image, label: str) -> InMemory:
        """Return the pixels that an image has now, with its labels."""
        pixels, attrs = image.to_masked_array(), image.node.attrs
        good = ~np.ma.getmaskarray(pixels) if image.masked else None
        parts: dict[str, Any] = {
            "unit": attrs.unit,
            "coords": attrs.coords,
            "beams": attrs.beams,
            "meta": attrs.meta,
        }
        name = image.default_mask or "mask0"
        return cls(pixels.data, good, name, label=label, history=image.history, **parts)

    def version(self) -> int:
        """Return what tells one state from another."""
        return self._changes

    def live(self) -> dict[str, Reader | None]:
        """Return readers that see each change; see `Mutable.live`."""
        nodes = [self.image().node, *self.image()._masks.values()]
        return {n.reader.token: n.reader for n in postorder(nodes) if isinstance(n, Source)}

    def _now(self) -> Image:
        coords = self._parts.get("coords")
        masks = {name: _Buffer(good, name) for name, good in self._masks.items()}
        stored = Stored(
            _Buffer(self._values, self.label),
            coords.dims if coords is not None else default_dims(self._values.ndim),
            unit=self._parts.get("unit", ""),
            coords=coords,
            masks=masks,
            default_mask=self._default,
            meta=tuple(self._parts.get("meta", ())),
            history=tuple(self._parts.get("history", ())),
            beams=tuple(self._parts.get("beams", ())),
            groups=self._groups,
        )
        return Image._of(stored_parts(stored, self.label))

    def outline(self) -> Image:
        """Return an image with the present labels; see `Mutable.outline`."""
        if self._outline is None:
            self._outline = self.image()
        return self._outline

    def read(self, section: Section) -> np.ndarray:
        """Return values; see `Mutable.read`."""
        return np.array(self._values[section], order="C")

    def read_mask(self, section: Section) -> np.ndarray:
        """Return where pixels are good; see `Mutable.read_mask`."""
        if self._default is None:
            return np.ones(shape_of(section), bool)
        return np.array(self._masks[self._default][section], order="C")

    def write(self, section: Section, values: np.ndarray) -> None:
        """Put values; see `Mutable.write`."""
        self._values[section] = values
        self._changes += 1

    def write_mask(self, section: Section, good: np.ndarray) -> None:
        """Put where pixels are good; see `Mutable.write_mask`."""
        if self._default is None:
            names = (self._mask_name, *(f"mask{i}" for i in range(len(self._masks) + 1)))
            self._default = next(name for name in names if name not in self._masks)
            self._masks[self._default] = np.ones(self._values.shape, bool)
            self._outline = None
        self._masks[self._default][section] = good
        self._changes += 1

    def put_mask(self, name: str, parts: Callable[[Section], np.ndarray], default: bool = True) -> None:
        """Put a mask; see `Mutable.put_mask`."""
        self._masks[name] = np.array(parts(full(self._values.shape)), bool)
        self._default = name if default else self._default
        self._reformed()

    def drop_mask(self, name: str) -> None:
        """Remove a mask; see `Mutable.drop_mask`."""
        del self._masks[name]
        self._default = None if self._default == name else self._default
        self._reformed()

    def rename_mask(self, name: str, new: str) -> None:
        """Rename a mask; see `Mutable.rename_mask`."""
        self._masks = {new if key == name else key: good for key, good in self._masks.items()}
        self._default = new if self._default == name else self._default
        self._reformed()

    def set_default_mask(self, name: str | None) -> None:
        """Let a mask apply; see `Mutable.set_default_mask`."""
        self._default = name
        self._reformed()

    def _reformed(self) -> None:
        self._changes, self._outline = self._changes + 1, None

    def change(self, **parts: Any) -> None:
        """Change labels; see `Mutable.change`."""
        if "history" in parts:
            parts["history"] = (*self._parts.get("history", ()), *parts["history"])
        self._parts |= parts
        self._reformed()

    def put_groups(self, groups: Mapping[str, Record]) -> None:
        """Put attribute groups; see `Mutable.put_groups`."""
        self._groups = dict(groups)
        self._changes += 1


# -- what follows from others -------------------------------------------------------------------------


class Derived(Mutable):
    """An image that is computed from others, as they are at the time.

    Parameters
    ----------
    parents : sequence of Mutable
        What it follows from.
    build : callable
        Returns the image; asked again whenever a parent has changed.
    label : str, optional
        Name for people.
    """

    def __init__(self, parents: Sequence[Mutable], build: Callable[[], Image], label: str = "") -> None:
        super().__init__()
        self.parents = tuple(parents)
        self._build = build
        self.label = label

    def version(self) -> Any:
        """Return what tells one state from another."""
        return tuple(p.version() for p in self.parents)

    def _now(self) -> Image:
        return self._build()

    @contextlib.contextmanager
    def steady(self) -> Iterator[None]:
        """Keep other processes from changing what it follows from; see `Mutable.steady`."""
        with contextlib.ExitStack() as stack:
            for parent in self.parents:
                stack.enter_context(parent.steady())
            yield


class Cut(Derived):
    """A part of another image; what is written to it is written to that one.

    Parameters
    ----------
    parent : Mutable
        What it is cut from.
    section : Section
        Which pixels.
    drop : sequence of int
        Axes, of one pixel there, that the part does not have.
    """

    def __init__(self, parent: Mutable, section: Section, drop: Sequence[int] = ()) -> None:
        self._section = section
        self._kept = [k for k in range(len(section)) if k not in drop]
        items = tuple(s if k in self._kept else s.start for k, s in enumerate(section))
        super().__init__((parent,), lambda: parent.image()[items], parent.label)
        self.writable = parent.writable
        self._items = items
        self._outline: tuple[Image, Image] | None = None

    def outline(self) -> Image:
        """Return an image with the present labels; see `Mutable.outline`."""
        whole = self.parents[0].outline()
        if self._outline is None or self._outline[0] is not whole:
            self._outline = (whole, whole[self._items])
        return self._outline[1]

    def read(self, section: Section) -> np.ndarray:
        """Return values; see `Mutable.read`."""
        return self.parents[0].read(self._above(section)[0]).reshape(shape_of(section))

    def read_mask(self, section: Section) -> np.ndarray:
        """Return where pixels are good; see `Mutable.read_mask`."""
        return self.parents[0].read_mask(self._above(section)[0]).reshape(shape_of(section))

    def _above(self, section: Section) -> tuple[Section, tuple[int, ...]]:
        """Return the section in the parent, and its shape there."""
        inner = list(full(shape_of(self._section)))
        for k, s in zip(self._kept, section, strict=True):
            inner[k] = s
        there = compose(self._section, tuple(inner))
        return there, shape_of(there)

    def write(self, section: Section, values: np.ndarray) -> None:
        """Put values; see `Mutable.write`."""
        there, shape = self._above(section)
        self.parents[0].write(there, values.reshape(shape))

    def write_mask(self, section: Section, good: np.ndarray) -> None:
        """Put where pixels are good; see `Mutable.write_mask`."""
        if self.parents[0].writable and not self.outline().masked:
            raise LatticeError(
                "a part of an image has no mask of its own, and the whole has none",
                hint="give the whole image a mask first",
            )
        there, shape = self._above(section)
        self.parents[0].write_mask(there, good.reshape(shape))

    @property
    def groups(self) -> Mapping[str, Record]:
        """Attribute groups."""
        return self.parents[0].groups


class Joined(Derived):
    """Images one after the other along an axis; what is written to them is written to the parts.

    Parameters
    ----------
    parents : sequence of Mutable
        The parts, of one type and equal lengths of the other axes.
    axis : int
        The axis, numpy order.
    """

    def __init__(self, parents: Sequence[Mutable], axis: int, label: str = "") -> None:
        super().__init__(parents, lambda: _joined([p.image() for p in self.parents], axis), label)
        self._axis = axis
        self._starts = (0, *accumulate(p.image().shape[axis] for p in parents))
        self.writable = all(p.writable for p in parents)

    def _each(self, section: Section) -> list[tuple[Mutable, Section, Section]]:
        """Return the parts that a section touches, where in them, and where in the section."""
        wanted, out = section[self._axis], []
        places = np.arange(wanted.start, wanted.stop, wanted.step)
        for parent, start, stop in zip(self.parents, self._starts, self._starts[1:], strict=False):
            inside = np.flatnonzero((places >= start) & (places < stop))
            if not len(inside):
                continue
            first, last = int(inside[0]), int(inside[-1])
            there = slice(int(places[first]) - start, int(places[last]) - start + 1, wanted.step)
            here = list(full(shape_of(section)))
            here[self._axis] = slice(first, last + 1, 1)
            own = (*section[: self._axis], there, *section[self._axis + 1 :])
            out.append((parent, own, tuple(here)))
        return out

    def write(self, section: Section, values: np.ndarray) -> None:
        """Put values; see `Mutable.write`."""
        for parent, there, here in self._each(section):
            parent.write(there, values[here])

    def write_mask(self, section: Section, good: np.ndarray) -> None:
        """Put where pixels are good; see `Mutable.write_mask`."""
        for parent, there, here in self._each(section):
            # nothing is to be said about a part that has no mask and stays good
            if parent.outline().masked or not good[here].all():
                parent.write_mask(there, good[here])


def _joined(images: list[Image], axis: int) -> Image:
    """Return joined images; where their coordinates do not continue, those of the first one hold for all."""
    from lattice.api import concat
    from lattice.errors import CoordinateMismatchError, warn

    first = images[0]
    try:
        return concat(images, axis)
    except CoordinateMismatchError as error:
        if any(i.coords is None or i.coords.kinds != first.coords.kinds for i in images if first.coords):
            raise
        warn(f"the joined image has the coordinates of its first part: {error.message}")
    joined = concat([i.with_wcs(None) for i in images], axis)
    return joined.with_wcs(first.coords)


# -- pixels -----------------------------------------------------------------------------------------------


def values_of(image: Image, section: Section) -> np.ndarray:
    """Return the values of a section as an array that the caller may keep and change."""
    node = image.node
    if isinstance(node, Source) and np.prod(shape_of(section)) <= SMALL:
        return np.array(node.reader.read(section), order="C")
    return np.array(image[section].values, order="C", copy=None)


def good_of(image: Image, section: Section) -> np.ndarray:
    """Return where pixels of a section are good."""
    if not image.masked:
        return np.ones(shape_of(section), bool)
    node = image.node
    stored = node.mask if isinstance(node, Source) else None
    if isinstance(stored, Source) and stored.mask is None and np.prod(shape_of(section)) <= SMALL:
        return np.array(stored.reader.read(section), order="C")
    found = np.ma.getmaskarray(image[section].to_masked_array())
    return ~found


def fitted(values: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """Return values as they are kept in an image of a type; precision may be lost, parts may not.

    Raises
    ------
    LatticeTypeError
        For complex numbers where real ones are kept, truth values and texts.
    """
    array = np.asarray(values)
    kinds = "iufc" if dtype.kind == "c" else "iuf"
    if array.dtype.kind not in kinds:
        raise LatticeTypeError(f"values of type {array.dtype} do not fit an image of type {dtype}")
    with np.errstate(over="ignore"):
        return array.astype(dtype, copy=False)
