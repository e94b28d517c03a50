"""Images with axes and pixels added, thinned out, put in, or made good."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError, ShapeMismatchError
from lattice.functions.registry import lookup
from lattice.graph.build import call, cut
from lattice.graph.node import Extend, Literal, Node
from lattice.image.arguments import axis_of, real_number, sequence, whole_number
from lattice.image.base import ImageBase
from lattice.image.faces import AXIS, EITHER, IMAGE, MAPPING, NUMBER, PLACES, TRUTH, WHOLE, WORD, spoken
from lattice.image.masks import ImageMasks

__all__ = ["ImageEdit"]


class ImageEdit(ImageMasks):
    """What adds pixels and axes to an image, or takes some away by rule."""

    __slots__ = ()

    def squeeze(self, *dims: str | int) -> Self:
        """Return the image without axes of length 1.

        Parameters
        ----------
        *dims : str or int
            Which; none means all of length 1.

        Returns
        -------
        Image
            The same pixels; where the image was along the axes stays known, see `bbox`.

        Notes
        -----
        :mask: is cut like the pixels.
        :unit: stays.
        :beam: of several beams that of the plane that is left.
        :coordinates: where the image was along the axes that go stays known, see `bbox`.
        :flags: named masks are cut, too.
        :variance: ``v.squeeze(...)`` alike.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.zeros((1, 3, 1)), dims=("stokes", "y", "x")).squeeze("stokes").dims
        ('y', 'x')
        """
        axes = {axis_of(self, d) for d in dims} if dims else {a for a, n in enumerate(self.shape) if n == 1}
        for axis in sorted(axes):
            if self.shape[axis] != 1:
                raise ShapeMismatchError(
                    f"{self.dims[axis]} has {self.shape[axis]} pixels, not 1",
                    hint="choose one of them by isel()",
                )
        if len(axes) == self.ndim:
            axes.discard(self.ndim - 1)  # an image has an axis
        items = tuple(0 if a in axes else slice(None) for a in range(self.ndim))
        return self._with(
            node=cut(self._node, items), masks=self._cut_masks(lambda m: cut(m, items)), regions={}
        )

    @spoken("shape", "expand_dims(f1, 'stokes', 'stokes')", required=1, name=WORD, kind=WORD, value=EITHER)
    def expand_dims(self, name: str, kind: str = "none", *, axis: int = 0, value: Any = None) -> Self:
        """Return the image with an axis of length 1 more.

        Parameters
        ----------
        name : str
            Name of the axis.
        kind : {"none", "stokes", "spectral", "linear"}, optional
            What it is; coordinates are added if the image has any.
        axis : int, optional
            Its place; the default is in front.
        value : float or str, optional
            Coordinate of its pixel: a Stokes parameter (default I), a frequency in Hz (default 1.415 GHz), or
            a number.

        Notes
        -----
        :mask: stays.
        :unit: stays.
        :beam: stays.
        :coordinates: the new axis gets coordinates if the image has any; the others stay.
        :flags: named masks get the axis, too.
        :variance: ``v.expand_dims(...)`` alike.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.zeros((3, 4))).expand_dims("stokes", "stokes", value="Q").dims
        ('stokes', 'y', 'x')
        """
        from lattice.coords.extra import with_axis

        if not isinstance(name, str) or not name.isidentifier() or name in self.dims:
            raise LatticeRangeError(
                f"{name!r} is no name for a new axis", hint=f"there are {', '.join(self.dims)}"
            )
        at = axis if axis >= 0 else axis + self.ndim + 1
        if not 0 <= at <= self.ndim:
            raise LatticeRangeError(f"there is no place {axis} among {self.ndim} axes")
        coords = with_axis(self.coords, kind, name, at, value)

        def more(node: Node) -> Node:
            a = node.attrs
            shape = (*self.shape[:at], 1, *self.shape[at:])
            attrs = a.with_(shape=shape, dims=(*self.dims[:at], name, *self.dims[at:]), coords=coords)
            axes = (*range(at), -1, *range(at, self.ndim))
            made: Node = Extend(node, axes, attrs)
            return made

        return self._with(node=more(self._node), masks=self._cut_masks(more), regions={})

    @spoken("shape", "pad(f1, 2, 0)", widths=MAPPING, value=NUMBER, good=TRUTH)
    def pad(self, widths: Any = 1, *, value: float | None = None, good: bool = False, **by_name: Any) -> Self:
        """Return the image with pixels put around it.

        Parameters
        ----------
        widths : int, (int, int) or mapping of dim to these, optional
            Pixels before and after, for both axes of the sky (or the last two), or for the axes named; or as
            keywords.
        value : float, optional
            Value of the new pixels; NaN by default.
        good : bool, optional
            Whether they are good.

        Returns
        -------
        Image
            Coordinates go on; named masks are F there.

        Notes
        -----
        :mask: new pixels are bad, or good by ``good=True``.
        :unit: stays.
        :beam: stays; several beams are left out where planes are added.
        :coordinates: go on beyond the edges: the reference pixel moves.
        :flags: named masks are F at new pixels.
        :variance: ``v.pad(...)`` alike.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.ones((2, 2))).pad(x=(0, 1), value=0, good=True).values.tolist()
        [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]]
        """
        from lattice.ops.pad import pad

        before, after = self._widths(widths, by_name)
        value = None if value is None or value != value else real_number(value, "value")
        masks = self._cut_masks(lambda m: pad(m, before, after, 0.0, True))
        node = pad(self._node, before, after, value, good)
        default = self._default_mask if not good else None
        return self._with(node=node, masks=masks, default_mask=default, regions={})

    def _widths(self, widths: Any, by_name: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:

        if by_name:
            given: dict[Any, Any] = dict(by_name)
        elif isinstance(widths, Mapping):
            given = dict(widths)
        else:
            kinds = self.coords.kinds if self.coords is not None else ()
            sky = [a for a, kind in enumerate(kinds) if kind in ("longitude", "latitude")]
            given = dict.fromkeys(sky or range(max(0, self.ndim - 2), self.ndim), widths)
        before, after = [0] * self.ndim, [0] * self.ndim
        for dim, width in given.items():
            axis = axis_of(self, dim)
            pair = width if isinstance(width, tuple | list) else (width, width)
            if len(pair) != 2 or any(not _is_whole(n) or n < 0 for n in pair):
                raise LatticeRangeError(f"a border is one or two numbers of pixels, not {width!r}")
            before[axis], after[axis] = int(pair[0]), int(pair[1])
        return tuple(before), tuple(after)

    def crop(self, dims: Any = None) -> Self:
        """Return the image without the planes at its ends that are wholly bad.

        The mask is read for it, once; pixels are not.

        Parameters
        ----------
        dims : str, int or sequence of these, optional
            Axes that are shortened; the default is all.

        Returns
        -------
        Image
            A cut of this one.

        Raises
        ------
        LatticeRangeError
            When no pixel is good.

        Notes
        -----
        :mask: is cut like the pixels.
        :unit: stays.
        :beam: beams of planes that go are left out.
        :coordinates: those of the pixels that stay.
        :flags: named masks are cut, too.
        :variance: cut ``v`` to the same `bbox`.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.array([np.nan, 1.0, np.nan, 2.0, np.nan]), mask="nan").crop().shape
        (3,)
        """
        from lattice.execute.run import compute_many
        from lattice.image.operators import axes_of
        from lattice.ops.collapse import collapse

        if not self.masked:
            return self
        axes = tuple(range(self.ndim)) if dims is None else axes_of(self, dims)
        mask = call(lookup("mask", 1), self._node)
        lines = []
        for axis in axes:
            others = [a for a in range(self.ndim) if a != axis]
            lines.append(collapse(mask, "any", others) if others else mask)
        items = [slice(None)] * self.ndim
        for axis, found in zip(axes, compute_many(lines), strict=True):
            good = np.flatnonzero(found.values)
            if not good.size:
                raise LatticeRangeError("no pixel of the image is good: nothing would be left")
            items[axis] = slice(int(good[0]), int(good[-1]) + 1)
        image: Any = self
        cropped: Self = image[tuple(items)]
        return cropped

    @spoken("shape", "decimate(f1, 'y', 2)", required=2, dim=AXIS, factor=WHOLE, method=WORD)
    def decimate(self, dim: str | int, factor: int, method: str = "copy") -> Self:
        """Return every so many pixels along an axis, or (method="mean") the means of whole groups of them.

        Notes
        -----
        :mask: goes with the pixels that stay; a mean is good where one of its pixels is.
        :unit: stays.
        :beam: stays; of planes that go it is left out.
        :coordinates: increments are `factor` times as large; means are labelled by the middle of their group.
        :flags: named masks are left behind.
        :variance: ``v.decimate(...)`` alike; of means divided by `factor` again.
        """
        from lattice.ops.running import decimate

        return self._thinned(
            dim, lambda node, axis: decimate(node, axis, whole_number(factor, "factor"), method)
        )

    @spoken("smoothing", "hanning(f1)", dim=AXIS, drop=WORD)
    def hanning(self, dim: str | int | None = None, drop: str | None = None) -> Self:
        """Return the image smoothed by 1/4, 1/2, 1/4 along an axis.

        Parameters
        ----------
        dim : str or int, optional
            Axis; the default is the spectral one, else the last.
        drop : {None, "copy", "mean"}, optional
            Keep all pixels; or every other one, from the second on; or the means of pairs of those. The
            outermost pixels, smoothed with one neighbour only, are left out then.

        Returns
        -------
        Image
            Bad pixels count as zero and stay bad. Unit and beam stay; labels are those of what is put
            together.

        Notes
        -----
        :mask: bad pixels count as zero and stay bad; means of pairs are good where one is.
        :unit: stays.
        :beam: stays; one per plane: refused along the axis of the planes.
        :coordinates: those of what is put together; increments are doubled where every other pixel goes.
        :flags: named masks are left behind.
        :variance: weights squared: v[i-1]/16 + v[i]/4 + v[i+1]/16.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> line = Image(np.array([1.0, 2, 5, 10, 17, 26]))
        >>> line.hanning().values.tolist(), line.hanning(drop="copy").values.tolist()
        ([1.5, 2.5, 5.5, 10.5, 17.5, 21.5], [2.5, 10.5])
        """
        from lattice.ops.running import hanning

        return self._thinned(dim, lambda node, axis: hanning(node, axis, drop))

    @spoken("smoothing", "boxcar(f1, 'x', 3)", dim=AXIS, width=WHOLE, drop=WORD)
    def boxcar(self, dim: str | int | None = None, width: int = 2, drop: str | None = None) -> Self:
        """Return running means of `width` pixels along an axis, all of them or thinned out: see `hanning`.

        Notes
        -----
        :mask: bad pixels count as zero; a mean is bad where its first pixel is.
        :unit: stays.
        :beam: stays; one per plane: refused along the axis of the planes.
        :coordinates: a mean is labelled by the middle of its pixels.
        :flags: named masks are left behind.
        :variance: ``v.boxcar(...)`` by `width` again.
        """
        from lattice.ops.running import boxcar

        return self._thinned(dim, lambda node, axis: boxcar(node, axis, whole_number(width, "width"), drop))

    def _thinned(self, dim: str | int | None, rule: Any) -> Self:

        if not self.dims:
            raise LatticeTypeError("a single number has no axis to go along")
        if dim is None:
            kinds = self.coords.kinds if self.coords is not None else ()
            axis = kinds.index("spectral") if "spectral" in kinds else self.ndim - 1
        else:
            axis = axis_of(self, dim)
        return self._derive(rule(self._node, axis))

    @spoken("shape", "insert(f1, f2, [1, 0, 0])", required=1, other=IMAGE, at=PLACES)
    def insert(self, other: Any, at: Sequence[int] | Mapping[str, int] | None = None) -> Self:
        """Return the image with another one put in, as far as it lies inside.

        Parameters
        ----------
        other : Image or array
            Its values are taken whether they are good or bad.
        at : sequence of int or mapping of dim to int, optional
            Pixel of this image at which the first pixel of the other one comes, slowest axis first; axes left
            out of a mapping are centred. The default is where the reference pixels of both coincide, to the
            nearest pixel, halves upwards.

        Returns
        -------
        Image
            With unit and coordinates of this one. Pixels that are put in bring their mask: what is bad in
            the other image is bad in the result. Named masks stay as they are.

        Notes
        -----
        :mask: pixels that are put in bring theirs.
        :unit: stays, whatever that of the other image.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: ``v.insert(other_v, at)`` alike.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> Image(np.zeros(5)).insert(np.array([1.0, 2.0]), at=[3]).values.tolist()
        [0.0, 0.0, 0.0, 1.0, 2.0]
        """
        from lattice.ops.pad import pad

        image: Any = type(self)
        piece: Any = other if isinstance(other, ImageBase) else image(other)
        if piece.ndim != self.ndim:
            raise ShapeMismatchError(f"an image of {piece.ndim} axes does not go into one of {self.ndim}")
        starts = self._places(piece, at)
        items, before, after = [], [], []
        for start, n, own in zip(starts, piece.shape, self.shape, strict=True):
            first, last = max(0, -start), min(n, own - start)
            if first >= last:
                raise LatticeRangeError(f"the pixels at {list(starts)} lie outside of the image")
            items.append(slice(first, last))
            before.append(start + first)
            after.append(own - start - last)
        node = cut(piece._node, tuple(items))
        if node.attrs.dtype != self.dtype:
            node = call(
                lookup({"f": "float", "d": "double", "F": "complex", "D": "dcomplex"}[self.dtype.char], 1),
                node,
            )

        def placed(part: Node, good: bool) -> Node:
            whole = pad(part, before, after, 0.0, good)
            attrs = self._node.attrs.with_(masked=whole.attrs.masked, dtype=whole.attrs.dtype)
            made: Node = Extend(whole, tuple(range(self.ndim)), attrs)
            return made

        inside = call(lookup("mask", 1), placed(call(lookup("value", 1), node), False))
        chosen = call(lookup("iif", 3), inside, placed(node, True), self._node)
        return self._with(node=self._labelled_as_before(chosen), default_mask=None)

    def _labelled_as_before(self, node: Node) -> Node:
        """Return a node of other pixels with unit, beams and header of this image."""
        attrs = self._node.attrs.with_(masked=node.attrs.masked, dtype=node.attrs.dtype)
        made: Node = Extend(node, tuple(range(self.ndim)), attrs)
        return made

    def _places(self, piece: Any, at: Any) -> tuple[int, ...]:
        from lattice.coords.along import reference_pixel

        if at is None:
            if self.coords is None or piece.coords is None:
                raise LatticeTypeError("say at=: without coordinates nothing tells where the pixels belong")
            return tuple(
                math.floor(reference_pixel(self.coords, a) - reference_pixel(piece.coords, a) + 0.5)
                for a in range(self.ndim)
            )
        if isinstance(at, Mapping):
            for dim in at:
                if dim not in self.dims:
                    raise LatticeRangeError(
                        f"there is no dim {dim!r}", hint=f"the dims are {', '.join(self.dims)}"
                    )
            return tuple(
                whole_number(at.get(dim, (own - n) // 2), "at")
                for dim, own, n in zip(self.dims, self.shape, piece.shape, strict=True)
            )
        places = sequence(at, "at", "give a pixel for each axis, slowest first, or a mapping of dims")
        if len(places) != self.ndim:
            raise ShapeMismatchError(f"{len(places)} places for an image of {self.ndim} axes")
        return tuple(whole_number(p, "at") for p in places)

    def replace_masked(self, value: Any, *, mask: Any = None, good: bool = False) -> Self:
        """Return the image with other values at its bad pixels.

        Parameters
        ----------
        value : float, Image or str
            A number, an image of the same shape (whose mask does not count), or an expression.
        mask : Image, array, region or str, optional
            Pixels where this does not hold are replaced as well.
        good : bool, optional
            Whether the replaced pixels become good.

        Returns
        -------
        Image
            With the mask of this one, unless `good` is set.

        Notes
        -----
        :mask: stays, unless ``good=True`` makes replaced pixels good.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: that of the new values where they are.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> line = Image(np.array([1.0, 2.0, 3.0]), mask=np.array([True, False, True]))
        >>> line.replace_masked(9).values.tolist()
        [1.0, 9.0, 3.0]
        """
        own = call(lookup("value", 1), self._node)
        keep: Node | None = call(lookup("mask", 1), self._node) if self.masked else None
        if mask is not None:
            image: Any = self
            further = call(
                lookup("mask", 1),
                image[mask]._node if not isinstance(mask, str) else image.subimage(mask=mask)._node,
            )
            keep = further if keep is None else call(lookup("&&", 2), keep, further)
        if keep is None:
            return self
        new = self._value_node(value)
        node = call(lookup("iif", 3), keep, own, new)
        if not good and self.masked:
            node = call(lookup("[]", 2), node, call(lookup("mask", 1), self._node))
        default = None if good else self._default_mask
        return self._with(node=self._labelled_as_before(node), default_mask=default)

    def _value_node(self, value: Any) -> Node:
        if isinstance(value, ImageBase):
            return call(lookup("value", 1), value._node) if value.shape else value._node
        if isinstance(value, str):
            from lattice.api import expr

            return self._value_node(expr(value))
        if np.ndim(value) or not isinstance(value, int | float | complex | np.generic):
            raise LatticeTypeError(
                f"bad pixels are replaced by a number, an image or an expression, not by {value!r}",
                hint="make an image of an array: lattice.Image(array)",
            )
        return Literal.of(value, self.dtype)


def _is_whole(value: Any) -> bool:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    return number and value == int(value)
