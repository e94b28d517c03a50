"""Images of another shape: axes in another order, pixels put together."""

from __future__ import annotations

from typing import Any, Self

from lattice.image.masks import ImageMasks

__all__ = ["ImageShape"]


class ImageShape(ImageMasks):
    """What changes the shape of an image, other than cutting it."""

    __slots__ = ()

    def transpose(self, *order: Any) -> Self:
        """Return the image with its axes in another order; no pixel is copied until it is needed.

        Parameters
        ----------
        *order : str or int
            Names or numpy numbers of all axes, slowest first; a ``-`` before a name reverses that axis. Or
            a single text of digits, as CASA writes it: ``"120"`` makes axis 1 of the image the first one,
            counted from the fastest axis. Nothing turns all axes round.

        Returns
        -------
        Image
            The same pixels, masks, coordinates and beams in their new places; named masks too.

        Raises
        ------
        ShapeMismatchError
            When an axis is missing or comes twice.
        NameNotFoundError
            For an axis that the image lacks.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> a = Image(np.zeros((2, 3, 4), "f4"), dims=("frequency", "y", "x"))
        >>> a.transpose("y", "x", "frequency").shape
        (3, 4, 2)
        >>> a.transpose("-x", "y", "frequency").dims
        ('x', 'y', 'frequency')
        >>> a.transpose("120").dims  # CASA: the axes of the result are 1 (y), 2 (frequency) and 0 (x)
        ('x', 'frequency', 'y')
        """
        from lattice.ops.transpose import axis_order, transpose

        given: Any = None if not order else order[0] if len(order) == 1 else order
        axes, reverse = axis_order(self._node.attrs, given)
        masks = self._cut_masks(lambda mask: transpose(mask, axes, reverse))
        return self._with(
            node=transpose(self._node, axes, reverse), masks=masks, regions={}, groups=self._groups
        )

    @property
    def T(self) -> Self:
        """The image with all axes turned round."""
        return self.transpose()

    def rebin(self, factors: Any = None, **by_name: int) -> Self:
        """Return means over bins of pixels.

        Parameters
        ----------
        factors : int, sequence or mapping, optional
            Pixels per bin: for all axes, for each axis (slowest first), or by dim; or as keywords.
        """
        from lattice.image.export import rebin_factors
        from lattice.ops.rebin import rebin

        return self._derive(rebin(self._node, rebin_factors(self, factors, by_name)))
