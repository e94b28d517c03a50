"""What all methods of an image object start from: the pixels that it stands for."""

from __future__ import annotations

from lattice.compat.casacore.errors import as_casacore
from lattice.compat.mutable import Mutable
from lattice.image import Image

__all__ = ["ImageCore"]


class ImageCore:
    """An object for pixels that change."""

    _pixels: Mutable

    def _image(self) -> Image:
        """Return the image as it is now, as lattice has it."""
        with as_casacore():
            return self._pixels.image()

    def _outline(self) -> Image:
        """Return an image with the present shape, type and labels."""
        with as_casacore():
            return self._pixels.outline()
