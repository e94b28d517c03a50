"""Images with fewer axes: moments along one of them, collapses, profiles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.graph.node import Literal, Node
from lattice.image.arguments import axis_of
from lattice.image.base import ImageBase
from lattice.image.faces import AXES, AXIS, EITHER, IMAGE, NUMBERS, TRUTH, WORD, spoken

__all__ = ["ImageReduce", "range_of", "ranged"]


class ImageReduce(ImageBase):
    """What puts the pixels along axes together, other than the functions of the language."""

    __slots__ = ()

    @spoken(
        "reductions",
        "moment(cube, 1)",
        order=EITHER,
        dim=AXIS,
        convention=WORD,
        include=NUMBERS,
        exclude=NUMBERS,
        by=IMAGE,
        keepdims=TRUTH,
    )
    def moment(
        self,
        order: int | str = 0,
        dim: str | int | None = None,
        *,
        convention: str | None = None,
        include: Any = None,
        exclude: Any = None,
        by: Any = None,
        keepdims: bool = False,
    ) -> Self:
        """Return one moment along an axis; see `moments`.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.ones((4, 2, 2)), dims=("frequency", "y", "x"), unit="K")
        >>> cube.moment(0).values.tolist()
        [[4.0, 4.0], [4.0, 4.0]]
        """
        options: dict[str, Any] = {"convention": convention, "include": include, "exclude": exclude, "by": by}
        return self.moments([order], dim, keepdims=keepdims, **options)[order]

    def moments(
        self,
        orders: Iterable[int | str] = (0, 1, 2),
        dim: str | int | None = None,
        *,
        convention: str | None = None,
        include: Any = None,
        exclude: Any = None,
        by: Any = None,
        keepdims: bool = False,
    ) -> dict[Any, Self]:
        """Return moments along an axis, by order; saved or computed together, they take one pass.

        Parameters
        ----------
        orders : iterable of int or str
            Numbers as CASA counts them, or names: -1 mean, 0 integral, 1 centroid, 2 dispersion, 3 median,
            4 median_coord, 5 stddev, 6 rms, 7 avdev, 8 max, 9 max_coord, 10 min, 11 min_coord.
        dim : str or int, optional
            Axis; the default is the spectral one.
        convention : {"radio", "optical", "relativistic"}, optional
            Velocities that label a spectral axis with a rest frequency, in km/s; other axes have their own
            coordinates. The default is that of an axis of velocities (optical for VOPT), else radio.
        include, exclude : float or (float, float), optional
            Range of values that count, its ends included, or of those that do not, its ends left in; b stands
            for (-b, b).
        by : Image, optional
            Of which image values are included or excluded, such as a smoothed one; this one by default.
        keepdims : bool, optional
            Whether the axis stays, with length 1.

        Returns
        -------
        dict of Image
            By what was given in `orders`. Masked only where no pixel is good, and moment 5 where a single one
            is. Moment 0 has the unit of the
            image times that of the coordinate, the coordinates theirs; beams are kept where they agree.

        Raises
        ------
        LatticeRangeError
            For an order that does not exist, ranges that are none, an image of one axis, and moment 4
            without a range on one side of zero.

        Notes
        -----
        :mask: bad only where no pixel counts, and the deviation of a single one.
        :unit: order 0: times that of the coordinate; centroids, dispersions and places: that of the
            coordinate; else stays.
        :beam: stays where all planes have the same; else dropped, with a warning.
        :coordinates: the axis goes, or stays with length 1 at the middle of its range; the others stay.
        :flags: named masks are left behind.
        :variance: of order 0: ``v.sum(dim)`` times the increment squared; of -1: ``v.mean(dim)`` by the
            number of pixels.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.arange(8.0).reshape(2, 2, 2), dims=("frequency", "y", "x"), unit="K")
        >>> maps = cube.moments([0, "centroid"], "frequency")
        >>> maps[0].values.tolist(), float(maps["centroid"].values[0, 0])
        ([[4.0, 6.0], [8.0, 10.0]], 1.0)
        """
        from lattice.ops.moments import moments, number_of

        wanted = [orders] if isinstance(orders, int | str) else list(orders)
        numbers = [number_of(order) for order in wanted]
        if self.ndim < 2:
            raise LatticeRangeError(
                "a moment along the only axis is a number, not an image",
                hint="for an image of one axis, take sum() and the like",
            )
        axis = self._spectral_axis() if dim is None else axis_of(self, dim)
        low = range_of(include, "include")
        if 4 in numbers and (low is None or low[0] * low[1] < 0):
            raise LatticeRangeError(
                "moment 4 needs values of one sign", hint="give include=(0, highest) or (lowest, 0)"
            )
        node = ranged(self._node if by is None else by._node, include, exclude, True)
        if by is not None:
            node = call(lookup("[]", 2), self._node, call(lookup("mask", 1), node))
        nodes = moments(node, numbers, axis, convention=convention, keep=keepdims)
        return {order: self._derive(made) for order, made in zip(wanted, nodes, strict=True)}

    @spoken(
        "reductions",
        "collapse(f1, 'max', ['y', 'x'])",
        required=1,
        function=WORD,
        dims=AXES,
        keepdims=TRUTH,
        units=WORD,
    )
    def collapse(
        self, function: str, dims: Any = None, *, keepdims: bool = False, units: str = "correct"
    ) -> Self:
        """Return a statistic of the good pixels along axes.

        Parameters
        ----------
        function : str
            flux, madm, max, mean, median, min, npts, rms, stddev, sum, sqrtsum, sqrtsum_npix,
            sqrtsum_npix_beam, variance or xmadm, or the beginning of one of these names if no other begins
            so; or another statistic by its whole name: avdev, medabsdevmed, q1, q3, quartile, sumsq.
        dims : str, int or sequence of these, optional
            Axes that go, by name or numpy number; the default is all of them.
        keepdims : bool, optional
            Whether they stay, with length 1. Their pixel 0 is then the middle of the range: along an axis of
            evenly spaced coordinates the mean of the first and the last.
        units : {"correct", "casa"}, optional
            Unit of the result. "correct": none of npts, the square of a variance, the root of sqrtsum;
            "casa": that of the image for all of these, as CASA has it. A flux is in Jy where the image is in
            Jy/beam, and in K.arcsec2 where it is in K.

        Returns
        -------
        Image
            Of the type of this one, bad only where no pixel is good, and stddev and variance where a single
            one is. stddev and variance have n - 1, the
            median of an even number is the mean of two values, madm is the median absolute distance from the
            median and xmadm 1.4826 times that. sqrtsum is the root of the sum, 0 of a negative one,
            sqrtsum_npix that by the number of pixels and sqrtsum_npix_beam by the area of the beam in pixels.
            A flux is the sum by the area of the beam, each plane with its own, or of
            temperatures times that of a pixel. Complex values are ordered by
            modulus, and their variances have plain squares. The coordinates of the other axes stay. So do
            beams that are the same in all planes that are put together; others are dropped, with a warning.

        Raises
        ------
        FunctionError
            For a name that is unknown, or the beginning of several.
        LatticeRangeError
            For dims that the image lacks, and a flux along others than axes of the sky.
        UnitMismatchError
            For a flux without a beam or of what is not per beam.

        Notes
        -----
        :mask: bad only where no pixel is good, and deviations of a single one.
        :unit: stays; of counts none, of variances squared, of fluxes that without the beam (see `units`).
        :beam: stays where all planes have the same; else dropped, with a warning.
        :coordinates: axes go, or stay with length 1 at the middle of their range; the others stay.
        :flags: named masks are left behind.
        :variance: of sums ``v.collapse("sum", dims)``, of means that by the square of their number.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.arange(12.0).reshape(3, 2, 2), dims=("frequency", "y", "x"), unit="K")
        >>> cube.collapse("medi", "frequency").values.tolist()
        [[4.0, 5.0], [6.0, 7.0]]
        >>> cube.collapse("max", ["y", "x"], keepdims=True).shape
        (3, 1, 1)
        """
        from lattice.image.collapsing import collapsed
        from lattice.image.operators import axes_of

        axes = tuple(range(self.ndim)) if dims is None else axes_of(self, dims)
        return self._derive(collapsed(self._node, function, axes, keepdims, units))

    @spoken("reductions", "profile(f1, 'mean')", function=WORD, dim=AXIS, units=WORD)
    def profile(
        self,
        function: str = "mean",
        dim: str | int | None = None,
        *,
        region: Any = None,
        mask: Any = None,
        stretch: bool = False,
        units: str = "correct",
    ) -> Self:
        """Return a statistic of each plane across an axis: the spectrum of a region, for one.

        Parameters
        ----------
        function : str, optional
            As for `collapse`.
        dim : str or int, optional
            The axis that stays; the default is the spectral one.
        region, mask, stretch : optional
            Which pixels count, as in `subimage`.
        units : {"correct", "casa"}, optional
            As for `collapse`.

        Returns
        -------
        Image
            With that axis alone and its coordinates; bad where a plane has no good pixel. With
            ``collapse("npts", ...)`` of the same pixels one gets how many there are.

        Notes
        -----
        :mask: bad where a plane has no good pixel.
        :unit: as for `collapse`.
        :beam: as for `collapse`.
        :coordinates: those of the axis that stays.
        :flags: named masks are left behind.
        :variance: as for `collapse`.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.arange(12.0).reshape(3, 2, 2), dims=("frequency", "y", "x"), unit="K")
        >>> cube.profile("sum", region="box[[0pix, 0pix], [1pix, 0pix]]").values.tolist()
        [1.0, 9.0, 17.0]
        """
        image: Any = self
        if region is not None or mask is not None:
            image = image.subimage(region, mask=mask, stretch=stretch)
        axis = self._spectral_axis() if dim is None else axis_of(self, dim)
        others = [a for a in range(self.ndim) if a != axis]
        if not others:
            raise LatticeRangeError(
                "an image of one axis is its own profile", hint="an image of more axes has profiles"
            )
        made: Self = image.collapse(function, others, units=units)
        return made

    def _spectral_axis(self) -> int:
        kinds = self.coords.kinds if self.coords is not None else ()
        if "spectral" in kinds:
            return kinds.index("spectral")
        for name in ("frequency", "velocity", "wavelength"):
            if name in self.dims:
                return self.dims.index(name)
        raise LatticeRangeError(
            "the image has no spectral axis", hint=f"say dim=: its axes are {', '.join(self.dims)}"
        )


def range_of(given: Any, name: str) -> tuple[float, float] | None:
    """Return the ends of a range given as a number b, for (-b, b), or two; None without one."""
    if given is None:
        return None
    try:
        ends = [float(v) for v in given] if isinstance(given, Iterable) else [float(given)]
    except (TypeError, ValueError):
        raise LatticeTypeError(f"{name}={given!r} is no range: give a number or two") from None
    if len(ends) == 1:
        ends = [-abs(ends[0]), abs(ends[0])]
    if len(ends) != 2 or not ends[0] <= ends[1]:
        raise LatticeRangeError(f"{name}={given!r} is no range: give the lower and the upper end")
    return ends[0], ends[1]


def ranged(x: Node, include: Any, exclude: Any, ends_stay: bool) -> Node:
    """Return a lattice with the pixels that a range includes, ends and all, or does not exclude."""
    low = range_of(include, "include")
    high = range_of(exclude, "exclude")
    if low is not None and high is not None:
        raise LatticeRangeError("values are included or excluded by a range, not both")
    ends = low or high
    return x if ends is None else _between(x, ends, low is None, ends_stay)


def _between(x: Node, ends: tuple[float, float], outside: bool, ends_stay: bool) -> Node:
    """Return x where its values are between two ends, or outside of them."""
    low, high = (Literal.of(v, x.attrs.dtype) for v in ends)

    def f(name: str, *args: Node) -> Node:
        return call(lookup(name, len(args)), *args)

    if outside:
        below, above = ("<=", ">=") if ends_stay else ("<", ">")
        return f("[]", x, f("||", f(below, x, low), f(above, x, high)))
    return f("[]", x, f("&&", f(">=", x, low), f("<=", x, high)))
