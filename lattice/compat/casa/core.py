"""What all tools have in common, and what all methods of the image tool start from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, Self

import numpy as np

from lattice.compat.casa.arguments import called
from lattice.compat.casa.errors import CasaError, NotServedError, as_casa
from lattice.compat.casa.records import for_tools
from lattice.compat.casa.systems import System
from lattice.compat.mutable import Derived, Mutable
from lattice.compat.stored import InFile
from lattice.errors import suggest
from lattice.graph.sections import Section
from lattice.image import Image

__all__ = ["UNSERVED", "ImageCore", "Tool", "created", "system_of"]

Build = Callable[[Image], Image]


UNSERVED = (
    "beamforconvolvedsize", "convertflux", "decompose", "deconvolvecomponentlist", "deconvolvefrombeam",
    "findsources", "fitcomponents", "fitprofile", "maxfit",
)  # fmt: skip
"""Methods of CASA's image tool for fits, which are not served."""


class Tool:
    """A tool: an object whose methods are CASA's."""

    def __getattr__(self, name: str) -> NoReturn:
        kind = type(self).__name__
        if name.startswith("_"):
            raise AttributeError(f"{kind!r} object has no attribute {name!r}")
        from lattice.compat.casa.missing import note

        note(f"{kind}.{name}")
        if name in UNSERVED and kind == "image":
            raise NotServedError(
                f"{kind}.{name} is not served: fits, and what goes with them, are no part of lattice yet",
                hint="lattice.compat.casa.missing.missed() lists the calls that were made in vain",
            )
        methods = sorted(n for n in dir(type(self)) if not n.startswith("_"))
        raise NotServedError(
            f"the {kind} tool has no method {name!r} here",
            hint=suggest(name, methods) or f"it has {', '.join(methods)}",
        )


def created(path: str, image: Image, overwrite: bool) -> InFile:
    """Write an image to a CASA image and return that."""
    import os

    from lattice.errors import FormatError
    from lattice.io.registry import for_reading

    place = os.path.expanduser(path)
    if os.path.lexists(place):
        if not overwrite:
            raise CasaError(f"{path} exists already", hint="say overwrite=True, or take another name")
        if os.path.isfile(place):
            try:
                for_reading(place)
            except FormatError:
                raise CasaError(f"{path} is no image: it is not replaced") from None
    return InFile.create(place, image, overwrite=overwrite, format="casa")


class ImageCore(Tool):
    """A tool for the pixels of an image, which may change, or for none yet."""

    _pixels: Mutable | None = None
    _keeps_history = True

    def _held(self) -> Mutable:
        if self._pixels is None:
            raise CasaError(
                "the image tool is not attached to an image",
                hint="open one with open('name'), or make one with fromshape and the like",
            )
        return self._pixels

    def _target(self) -> Mutable:
        """Return the pixels to be changed; what cannot be is refused before anything else is looked at."""
        pixels = self._held()
        if not pixels.writable:
            raise pixels._refuse()
        return pixels

    def _image(self) -> Image:
        """Return the image as it is now, as lattice has it."""
        pixels = self._held()
        with as_casa():
            return pixels.image()

    def _outline(self) -> Image:
        """Return an image with the present shape, type and labels."""
        pixels = self._held()
        with as_casa():
            return pixels.outline()

    @classmethod
    def _on(cls, pixels: Mutable) -> Self:
        tool = cls()
        tool._pixels = pixels
        return tool

    def _system(self) -> System:
        """Return the coordinates of the image as a record."""
        return system_of(self._outline())

    # -- results ----------------------------------------------------------------------------------------

    def _made(
        self,
        build: Build,
        outfile: str,
        overwrite: bool,
        call: tuple[str, Mapping[str, Any]],
        wantreturn: bool = True,
    ) -> Any:
        """Return a tool for what a rule makes of the image: lazy, or written to a file at once.

        Parameters
        ----------
        build : callable
            Image to image; called again when the image has changed.
        outfile : str
            Name of a file, empty for a lazy image.
        overwrite : bool
            Whether a file may be replaced.
        call : (str, mapping)
            Name of the method and its arguments, for the history.
        wantreturn : bool, optional
            Whether a tool is wanted.
        """
        held = self._held()
        lines = called(f"ia.{call[0]}", call[1]) if self._keeps_history else ()

        def whole(image: Image) -> Image:
            made = build(image)
            return made._with(history=(*made.history, *lines))

        derived = Derived([held], lambda: whole(held.image()), call[0])
        made = derived.image()  # mistakes show now
        if not outfile:
            return type(self)._on(derived) if wantreturn else None
        written = created(outfile, made, overwrite)
        return type(self)._on(written) if wantreturn else None

    def _note(self, method: str, arguments: Mapping[str, Any]) -> None:
        """Write a call that changed the image into its history."""
        if self._keeps_history:
            self._add_lines(called(f"ia.{method}", arguments), f"ia.{method}")

    def _add_lines(self, lines: Sequence[str], origin: str) -> None:
        import time

        from lattice.io.base import LogLine

        now = time.time() + 40587 * 86400.0
        self._held().change(history=tuple(LogLine(line, now, "NORMAL", origin) for line in lines))

    # -- axes and corners -------------------------------------------------------------------------------

    def _axes(self, axes: Sequence[int], ndim: int | None = None) -> tuple[int, ...]:
        """Return numpy's numbers of CASA's axes; [] and [-1] stand for all."""
        n = self._outline().ndim if ndim is None else ndim
        given = list(axes)
        if not given or given == [-1] or (len(given) == 1 and given[0] < 0):
            return tuple(range(n))
        if any(not 0 <= a < n for a in given) or len(set(given)) < len(given):
            raise CasaError(f"axes {given} of an image of {n} axes", hint="they count from 0, x first")
        return tuple(sorted(n - 1 - a for a in given))

    def _section(self, blc: Sequence[int], trc: Sequence[int], inc: Sequence[int]) -> Section:
        """Return the pixels between two corners; a corner that is none is the end of its axis."""
        shape = self._outline().shape[::-1]
        items = []
        for k, n in enumerate(shape):
            first = blc[k] if k < len(blc) and 0 <= blc[k] < n else 0
            last = trc[k] if k < len(trc) and 0 <= trc[k] < n else n - 1
            if last < first:
                first, last = 0, n - 1
            step = max(1, inc[k]) if k < len(inc) else 1
            count = (last - first) // step + 1
            items.append(slice(first, first + (count - 1) * step + 1, step))
        return tuple(items[::-1])

    def _selected(
        self,
        image: Image,
        region: Any = "",
        mask: str = "",
        stretch: bool = False,
        dropdeg: bool = False,
        **more: Any,
    ) -> Image:
        """Return the part of an image in a region, under a mask."""
        from lattice.compat.casa.selection import selected

        return selected(image, region, mask, stretch, dropdeg, **more)


def system_of(image: Image) -> System:
    """Return the coordinates of an image as a record."""
    return System(for_tools(image.coords, image.node.attrs.meta, image.shape), image.shape[::-1])


def turned(values: Any) -> np.ndarray:
    """Return an array with its axes in the other order."""
    return np.asarray(values).T
