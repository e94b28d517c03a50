"""Other coordinates for the same pixels."""

from __future__ import annotations

from typing import Any, Self

from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError
from lattice.functions.registry import lookup
from lattice.graph.node import Call, Node, Source
from lattice.image.base import ImageBase
from lattice.image.make import coordinates_of

__all__ = ["ImageCoords"]


class ImageCoords(ImageBase):
    """What an image can do about its coordinates without touching a pixel."""

    __slots__ = ()

    def with_wcs(self, wcs: Any) -> Self:
        """Return the same pixels at another place.

        Parameters
        ----------
        wcs : CoordinateSystem, astropy.wcs.WCS, astropy Header, mapping, list of cards or None
            The coordinates, which name the dims; None keeps the dims and drops the coordinates.
        """
        return self._placed(coordinates_of(wcs, self.shape))

    def with_velocity(self, convention: str = "radio", rest: Any = None) -> Self:
        """Return the same pixels with the spectral axis labelled by velocity; nothing is resampled.

        Parameters
        ----------
        convention : str
            radio, optical or relativistic; frequency or wavelength lead back.
        rest : Quantity or float, optional
            Rest frequency (Hz) or wavelength; the default is that of the header.

        Notes
        -----
        :mask: stays.
        :unit: stays.
        :beam: stays.
        :coordinates: the spectral axis is labelled by velocity; pixels stay where they are.
        :flags: named masks stay as they are.
        :variance: stays.
        """
        if self.coords is None:
            raise CoordinateError("the image has no coordinates")
        return self._placed(self.coords.with_velocity(convention, rest))

    def _placed(self, coords: CoordinateSystem | None) -> Self:
        named = coords is not None and any(kind != "none" for kind in coords.kinds)
        dims = coords.dims if coords is not None and named else self.dims
        masks = {key: _relabelled(mask, dims, coords) for key, mask in self._masks.items()}
        node = _relabelled(self._node, dims, coords)
        return self._with(node=node, masks=masks)


def _relabelled(node: Node, dims: tuple[str, ...], coords: CoordinateSystem | None) -> Node:
    attrs = node.attrs.with_(dims=dims, coords=coords)
    if isinstance(node, Source):
        mask = _relabelled(node.mask, dims, coords) if isinstance(node.mask, Source) else node.mask
        source: Node = Source(node.reader, node.name, node.suffix, mask, attrs)
        return source
    if isinstance(node, Call):
        same: Node = Call(node.function, node.args, attrs)
        return same
    # It costs nothing: these are no operations when they are run.
    function = lookup("!", 1) if node.attrs.dtype.kind == "b" else lookup("+", 1)
    one: Node = Call(function, (node,), attrs)
    return Call(function, (one,), attrs) if node.attrs.dtype.kind == "b" else one
