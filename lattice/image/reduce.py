"""Images with fewer axes: moments along one of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.functions.registry import lookup
from lattice.graph.build import call
from lattice.graph.node import Literal, Node
from lattice.image.base import ImageBase

__all__ = ["ImageReduce"]


class ImageReduce(ImageBase):
    """What puts the pixels along axes together, other than the functions of the language."""

    __slots__ = ()

    def moment(self, order: int | str = 0, dim: str | int | None = None, **options: Any) -> Self:
        """Return one moment along an axis; see `moments`.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.ones((4, 2, 2)), dims=("frequency", "y", "x"), unit="K")
        >>> cube.moment(0).values.tolist()
        [[4.0, 4.0], [4.0, 4.0]]
        """
        return self.moments([order], dim, **options)[order]

    def moments(
        self,
        orders: Iterable[int | str] = (0, 1, 2),
        dim: str | int | None = None,
        *,
        convention: str = "radio",
        include: Any = None,
        exclude: Any = None,
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
            coordinates.
        include, exclude : float or (float, float), optional
            Range of values that count, or that do not, ends included; b stands for (-b, b).
        keepdims : bool, optional
            Whether the axis stays, with length 1.

        Returns
        -------
        dict of Image
            By what was given in `orders`. Masked only where no pixel is good. Moment 0 has the unit of the
            image times that of the coordinate, the coordinates theirs; beams are kept where they agree.

        Raises
        ------
        LatticeRangeError
            For an order that does not exist, ranges that are none, an image of one axis, and moment 4
            without a range on one side of zero.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> cube = Image(np.arange(8.0).reshape(2, 2, 2), dims=("frequency", "y", "x"), unit="K")
        >>> maps = cube.moments([0, "centroid"], "frequency")
        >>> maps[0].values.tolist(), float(maps["centroid"].values[0, 0])
        ([[4.0, 6.0], [8.0, 10.0]], 1.0)
        """
        from lattice.image.operators import axes_of
        from lattice.ops.moments import moments, number_of

        wanted = [orders] if isinstance(orders, int | str) else list(orders)
        numbers = [number_of(order) for order in wanted]
        if self.ndim < 2:
            raise LatticeRangeError(
                "a moment along the only axis is a number, not an image",
                hint="for an image of one axis, take sum() and the like",
            )
        axis = self._spectral_axis() if dim is None else axes_of(self, dim)[0]
        low = _range(include, "include")
        high = _range(exclude, "exclude")
        if low is not None and high is not None:
            raise LatticeRangeError("values are included or excluded by a range, not both")
        if 4 in numbers and (low is None or low[0] * low[1] < 0):
            raise LatticeRangeError(
                "moment 4 needs values of one sign", hint="give include=(0, highest) or (lowest, 0)"
            )
        node = self._node
        if low is not None:
            node = _between(node, low, False)
        elif high is not None:
            node = _between(node, high, True)
        nodes = moments(node, numbers, axis, convention=convention, keep=keepdims)
        return {order: self._derive(made) for order, made in zip(wanted, nodes, strict=True)}

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


def _range(given: Any, name: str) -> tuple[float, float] | None:
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


def _between(x: Node, ends: tuple[float, float], outside: bool) -> Node:
    """Return x where its values are between two ends, or outside of them."""
    low, high = (Literal.of(v, x.attrs.dtype) for v in ends)

    def f(name: str, *args: Node) -> Node:
        return call(lookup(name, len(args)), *args)

    if outside:
        return f("[]", x, f("||", f("<", x, low), f(">", x, high)))
    return f("[]", x, f("&&", f(">=", x, low), f("<=", x, high)))
