"""Images as python-casacore has them: ``from lattice.compat.casacore.images import image``."""

from lattice.compat.casacore.images.image import image

__all__ = ["image"]
