"""Images with what was not observed: noise, and simple sources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Self

import numpy as np

from lattice.errors import LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.image.arguments import real_number, sequence, whole_number
from lattice.image.edit import ImageEdit
from lattice.image.faces import LIST, WHOLES, WORD, spoken

__all__ = ["ImageSimulate"]


class ImageSimulate(ImageEdit):
    """What adds made-up values to the pixels of an image."""

    __slots__ = ()

    @spoken(
        "analysis",
        "add_noise(f1, 'normal', [0, 0.1], 1)",
        required=3,
        kind=WORD,
        parameters=LIST,
        seed=WHOLES,
    )
    def add_noise(
        self, kind: str = "normal", parameters: Sequence[float] = (0.0, 1.0), *, seed: Any = None
    ) -> Self:
        """Return the image with random numbers added to its pixels, good and bad, and to both their parts.

        Parameters
        ----------
        kind : str, optional
            The distribution, see `lattice.io.noise.DISTRIBUTIONS`; the beginning of its name is enough.
        parameters : sequence of float, optional
            Of the distribution: mean and variance of normal, erlang, lognormal and hypergeometric; low and
            high of uniform and discreteuniform; mean of poisson and negativeexponential; n and p of
            binomial; p of geometric; alpha and beta of weibull.
        seed : int or sequence of int, optional
            Whole numbers that are not negative: the same ones give the same noise, whatever part of the image
            is computed. Without any, the noise is another one for each call.

        Returns
        -------
        Image
            Lazy, of the type of this one, with its mask and labels.

        Raises
        ------
        LatticeTypeError
            For images of truth values.
        LatticeRangeError
            For an unknown distribution and parameters that it cannot have.

        Notes
        -----
        :mask: stays.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: that of the distribution is added to ``v``.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> noisy = Image(np.zeros((100, 200))).add_noise("normal", (3.0, 4.0), seed=1)
        >>> round(float(noisy.mean()), 1), round(float(noisy.std()), 1)
        (3.0, 2.0)
        """
        import os

        from lattice.graph.types import is_complex, is_real
        from lattice.image.make import stored_parts
        from lattice.io.base import Stored
        from lattice.io.noise import NoiseReader, distribution_named

        if not (is_real(self.dtype) or is_complex(self.dtype)):
            raise LatticeTypeError(f"noise is added to numbers, not to values of type {self.dtype}")
        if not isinstance(kind, str):
            raise LatticeTypeError(f"{kind!r} is no name of a distribution", hint="such as normal or uniform")
        listed = sequence(parameters, "parameters", "give those of the distribution, such as (0, 1)")
        values = [real_number(v, "parameters") for v in listed]
        if seed is None:
            numbers = [int.from_bytes(os.urandom(8), "little")]
        else:
            given_seeds = seed if isinstance(seed, Iterable) and not isinstance(seed, str) else [seed]
            numbers = [whole_number(s, "seed") for s in given_seeds]
        real = np.empty(0, self.dtype).real.dtype
        parts = []
        for part in ([], [1]) if is_complex(self.dtype) else ([],):
            reader = NoiseReader(self.shape, real, distribution_named(kind), values, [*numbers, *part])
            parts.append(self._of(stored_parts(Stored(reader, self.dims), reader.label))._node)
        noise = parts[0] if len(parts) == 1 else call(lookup("complex", 2), *parts)
        made = call(lookup("+", 2), self._node, noise)
        return self._with(node=self._labelled_as_before(made))

    def add_components(self, components: Sequence[Any], *, subtract: bool = False) -> Self:
        """Return the image with simple sources added to its pixels, good and bad.

        Parameters
        ----------
        components : sequence of Component
            Sources, see `lattice.io.components.Component`; their places are in the frame of this image.
        subtract : bool, optional
            Whether they are taken away.

        Returns
        -------
        Image
            Lazy, of the type of this one, with its mask and labels. Fluxes are spread over pixels; in an
            image per beam they are multiplied by the area of the beam of each plane in pixels, without
            smoothing the sources.

        Raises
        ------
        CoordinateError
            When the image has no sky.
        UnitMismatchError
            When it is per beam and has no beam.

        Notes
        -----
        :mask: stays.
        :unit: stays; per beam, fluxes are multiplied by the area of the beam in pixels.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: stays.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> from lattice.io.components import Component
        >>> cards = {
        ...     "CTYPE1": "RA---SIN", "CTYPE2": "DEC--SIN", "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": -1e-3,
        ...     "CDELT2": 1e-3, "CRPIX1": 2.0, "CRPIX2": 1.0,
        ... }
        >>> empty = Image(np.zeros((2, 3)), wcs=cards, unit="Jy/pixel")
        >>> empty.add_components([Component(0.0, 0.001, (2.5,))]).values.tolist()
        [[0.0, 0.0, 0.0], [0.0, 2.5, 0.0]]
        """
        from lattice.graph.types import is_real
        from lattice.image.flux import beam_pixels, without_beam
        from lattice.image.make import stored_parts
        from lattice.io.base import Stored
        from lattice.io.components import Component, ComponentReader

        if not is_real(self.dtype):
            raise LatticeTypeError(f"sources are added to real numbers, not to those of type {self.dtype}")
        sources = sequence(components, "components", "give a list of lattice.io.components.Component")
        for one in sources:
            if not isinstance(one, Component):
                raise LatticeTypeError(
                    f"{one!r} is no source", hint="make a lattice.io.components.Component of it"
                )
        per_beam = without_beam(self.unit) is not None
        weights = beam_pixels(self._node.attrs, "sources in an image per beam") if per_beam else None
        reader = ComponentReader(self.shape, self.dtype, self.coords, sources, weights)
        source = self._of(stored_parts(Stored(reader, self.dims), reader.label))
        made = call(lookup("-" if subtract else "+", 2), self._node, source._node)
        return self._with(node=self._labelled_as_before(made))
