"""Masks of images: named ones, the one that applies, and conditions given on the fly."""

from __future__ import annotations

import hashlib
import itertools
import pickle
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from lattice.errors import (
    CoordinateMismatchError,
    LatticeRangeError,
    LatticeTypeError,
    ShapeMismatchError,
)
from lattice.functions.registry import lookup
from lattice.graph.agree import one_expression
from lattice.graph.attributes import Attributes, axis_keys, is_anonymous
from lattice.graph.build import call, region_cut, subset
from lattice.graph.conform import give_shape
from lattice.graph.node import Call, Extend, Literal, Node, RegionCut, Source, Subset
from lattice.graph.sections import Section, n_pixels
from lattice.graph.types import BOOL, is_bool, is_complex
from lattice.graph.walk import postorder
from lattice.image.base import ImageBase
from lattice.image.info import FrozenDict
from lattice.image.make import Parts, array_parts, is_array, mask_source, no_mask
from lattice.image.pixels import ImagePixels
from lattice.io.memory import ArrayReader
from lattice.ops.concat import Concat, concat_masks

if TYPE_CHECKING:
    from lattice.execute.run import Evaluated

__all__ = ["ImageMasks", "RegionReader", "condition_node", "joined_masks"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_TAKEN = ("default", "nomask", "nan")
_LEAST = 0.5  # from this value on a pixel of an image of numbers counts as good


class ImageMasks(ImagePixels):
    """Named masks of an image, and the one under which its pixels are seen."""

    __slots__ = ()

    @property
    def masks(self) -> Mapping[str, Self]:
        """Named masks, as images of truth values, True = good.

        They belong to stored images, cuts of these, images that were joined or computed from such, and
        images to which they were added; the result of an expression has one effective mask.
        """
        return FrozenDict({key: self._of(Parts(self._named_mask(key))) for key in self._masks})

    def with_mask(self, mask: Any, *, stretch: bool = False) -> Self:
        """Return the same pixels under another mask.

        Parameters
        ----------
        mask : None, str, Image, array or region
            None: no mask, every pixel is good. A name: that of `masks`; other text is an expression. Else
            where pixels are good: truth values, numbers (good from 0.5 on), or a region.
            To restrict the mask further, index by a condition instead: ``image[image > 0]``.
        stretch : bool, optional
            Whether axes of length 1 of the mask are repeated along those of the image.

        Notes
        -----
        :mask: the one given takes the place of the present one.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay as they are.
        :variance: ``v.with_mask(...)`` alike.
        """
        if isinstance(mask, str) and (mask in self._masks or _NAME.match(mask)):
            return self.set_default_mask(None if mask == "nomask" and mask not in self._masks else mask)
        bare = self.without_mask()
        if mask is None:
            return bare
        node = call(lookup("[]", 2), bare._node, condition_node(self, mask, stretch))
        return self._with(node=node, default_mask=None)

    def without_mask(self) -> Self:
        """Return the same pixels, all of them good; named masks stay."""
        if not self.masked:
            return self._with(default_mask=None)
        stored = self._stored(None)
        node = stored if stored is not None else call(lookup("value", 1), self._node)
        return self._with(node=node, default_mask=None)

    def set_default_mask(self, name: str | None) -> Self:
        """Return the same pixels under one of the named masks, or under none."""
        if name is None:
            return self.without_mask()
        if name not in self._masks:
            raise no_mask(name, self._masks, self.name)
        node = self._stored(name)
        if node is None:
            node = call(lookup("[]", 2), self.without_mask()._node, self._masks[name])
        return self._with(node=node, default_mask=name)

    def add_mask(
        self, name: str, mask: Any, *, default: bool = False, overwrite: bool = False, stretch: bool = False
    ) -> Self:
        """Return the image with a further named mask.

        Parameters
        ----------
        name : str
            Its name: letters, digits, ``_``, ``-`` and ``.``.
        mask : Image, array, region or str
            Where pixels are good: truth values, numbers (good from 0.5 on), a region, the name of one of
            `masks` (which is copied), or an expression.
        default : bool, optional
            Whether it becomes the mask that applies.
        overwrite : bool, optional
            Whether a mask of that name may be replaced.
        stretch : bool, optional
            Whether axes of length 1 of the mask are repeated along those of the image.

        Notes
        -----
        :mask: stays, unless the new one becomes the default.
        :unit: stays.
        :beam: stays.
        :coordinates: stay.
        :flags: named masks stay, with a new one.
        :variance: stays.

        Examples
        --------
        >>> import numpy as np
        >>> from lattice import Image
        >>> a = Image(np.arange(4.0), name="a")
        >>> b = a.add_mask("high", a > 1).add_mask("low", a <= 1, default=True)
        >>> list(b.masks), b.default_mask, float(b.sum())
        (['high', 'low'], 'low', 1.0)
        """
        _check_name(name)
        if name in self._masks and not overwrite:
            raise LatticeRangeError(
                f"there is a mask {name!r} already", hint="say overwrite=True, or take another name"
            )
        if not self.shape:
            raise LatticeTypeError("a scalar has no masks")
        node = self._masks[mask] if isinstance(mask, str) and mask in self._masks else None
        if node is None:
            node = _definite(condition_node(self, mask, stretch), self._node.attrs)
        masks = dict(self._masks) | {name: node}
        kept = None if name == self._default_mask else self._default_mask
        image = self._with(masks=masks, default_mask=kept)
        return image.set_default_mask(name) if default or name == self._default_mask else image

    def rename_mask(self, old: str, new: str, *, overwrite: bool = False) -> Self:
        """Return the image with a mask under another name; if it is the one that applies, it stays so."""
        if old not in self._masks:
            raise no_mask(old, self._masks, self.name)
        if old == new:
            return self._of(self._parts)
        _check_name(new)
        if new in self._masks and not overwrite:
            raise LatticeRangeError(
                f"there is a mask {new!r} already", hint="say overwrite=True, or take another name"
            )
        masks = {new if k == old else k: m for k, m in self._masks.items() if k != new}
        kept = new if self._default_mask == old else None if self._default_mask == new else self._default_mask
        return self._with(masks=masks, default_mask=kept)

    def drop_mask(self, *names: str) -> Self:
        """Return the image without some named masks; without the one that applies, all pixels are good.

        Parameters
        ----------
        *names : str
            Which; none means all.
        """
        for name in names:
            if name not in self._masks:
                raise no_mask(name, self._masks, self.name)
        gone = names or tuple(self._masks)
        image = self.without_mask() if self._default_mask in gone else self
        masks = {key: node for key, node in self._masks.items() if key not in gone}
        return image._with(masks=masks)

    # -- inside ----------------------------------------------------------------------------------

    def _restricted(self, mask: Any, stretch: bool) -> Self:
        """Return the image under a further condition, with its named masks."""
        condition = condition_node(self, mask, stretch)
        if condition.attrs.shape == () and not condition.attrs.is_shapeless:  # one value for all pixels
            condition = call(lookup("&&", 2), call(lookup("mask", 1), self._node), condition)
        return self._with(node=call(lookup("[]", 2), self._node, condition))

    def _held(self, found: Evaluated) -> Self:
        """Return the image with what was computed as its pixels, and its named masks in memory."""
        image = super()._held(found)
        if not self._masks or not self.shape:
            return image
        attrs, exact = self._node.attrs, self._exact_mask()
        held = {
            name: self._of(Parts(mask)).values if name != exact or found.mask is None else found.mask
            for name, mask in self._masks.items()
        }
        default = exact
        if exact is None and found.mask is not None and not found.mask.all():
            same = (name for name in held if np.array_equal(held[name], found.mask))
            free = (name for i in itertools.count() if (name := f"mask{i}") not in held)
            default = next(itertools.chain(same, free))
            held[default] = found.mask
        masks = {name: mask_source(ArrayReader(m, name), "array", name, attrs) for name, m in held.items()}
        own = None if default is None else masks[default]
        node = Source(ArrayReader(found.values, "array"), "array", "", own, attrs)
        return self._of(Parts(node, masks, default, self._history))

    def _exact_mask(self) -> str | None:
        """Return the name of the mask that applies, if nothing else restricts the pixels: no region, say."""
        name, node = self._default_mask, self._node
        if name is None or name not in self._masks:
            return None
        source, cuts = _uncut(node)
        mask, same = _uncut(self._masks[name])
        if isinstance(source, Source):
            own = source.mask
            stored = isinstance(mask, Source) and isinstance(own, Source) and own.reader == mask.reader
            return name if stored and _equal_cuts(cuts, same) else None
        by_condition = isinstance(node, Call) and node.function.name == "[]"
        if isinstance(node, Concat) or (by_condition and node.children[1] == self._masks[name]):
            return name
        return None

    def _cut_masks(self, cut: Any) -> dict[str, Node]:
        """Return the named masks, each cut in the same way."""
        return {name: cut(node) for name, node in self._masks.items()}

    def _stored(self, mask: str | None) -> Node | None:
        """Return the node with another mask in its source, if it is a source or a plain cut of one."""
        node, cuts = _uncut(self._node)
        if not isinstance(node, Source):
            return None
        if mask is None:
            node = node.with_mask(None, node.suffix if node.mask is None else "nomask")
        else:
            found, same = _uncut(self._masks[mask])
            # Only a mask that is stored with the pixels has a place in the text behind their name.
            if not isinstance(found, Source) or found.mask is not None:
                return None
            if found.name != node.name or not found.suffix or not _equal_cuts(cuts, same):
                return None
            node = node.with_mask(found, found.suffix)
        for part in reversed(cuts):
            node = (
                subset(node, part.items)
                if isinstance(part, Subset)
                else region_cut(node, part.region, part.label)
            )
        return node

    def _named_mask(self, key: str) -> Node:
        """Return a named mask as a node that prints as text for it."""
        image = self._stored(key)
        return self._masks[key] if image is None else call(lookup("mask", 1), image)


def _check_name(name: Any) -> None:
    if not isinstance(name, str) or not _NAME.match(name) or name.lower() in _TAKEN:
        raise LatticeRangeError(
            f"{name!r} is no name for a mask",
            hint="use letters, digits, '_', '-' and '.'; default, nomask and nan have a meaning already",
        )


def _uncut(node: Node) -> tuple[Node, list[Subset | RegionCut]]:
    """Return what a node was cut from, and the cuts, last one first."""
    cuts: list[Subset | RegionCut] = []
    while isinstance(node, Subset) or (isinstance(node, RegionCut) and not node.region.has_mask):
        cuts.append(node)
        node = node.children[0]
    return node, cuts


def _equal_cuts(a: list[Subset | RegionCut], b: list[Subset | RegionCut]) -> bool:
    def key(cut: Subset | RegionCut) -> Any:
        return cut.items if isinstance(cut, Subset) else cut.region

    return [(type(c), key(c)) for c in a] == [(type(c), key(c)) for c in b]


def _definite(node: Node, like: Attributes) -> Node:
    """Return a condition as a lattice of truth values alone: bad pixels of it are false."""
    node = give_shape(node, like)
    if not node.attrs.shape:
        raise LatticeTypeError("a mask is a lattice of truth values, not a scalar")
    if node.attrs.masked:
        node = call(lookup("&&", 2), call(lookup("value", 1), node), call(lookup("mask", 1), node))
    return node


def joined_masks(node: Node, parts: Sequence[ImageMasks]) -> tuple[dict[str, Node], str | None]:
    """Return the named masks of joined images, and the name of the one that applies if it is a single one.

    Parameters
    ----------
    node : Node
        The joined pixels.
    parts : sequence of Image
        What was joined.
    """
    nodes = [part._node for part in parts]
    names = dict.fromkeys(name for part in parts for name in part._masks)
    masks = {name: concat_masks(node, [part._masks.get(name) for part in parts], nodes) for name in names}
    found = {part._exact_mask() for part in parts if part.masked or part._masks}
    return masks, found.pop() if len(found) == 1 else None


# -- conditions on the fly ----------------------------------------------------------------------------------


def condition_node(image: ImageMasks, mask: Any, stretch: bool = False) -> Node:
    """Return where pixels of an image are good, as a lattice of truth values of its shape.

    Parameters
    ----------
    image : Image
        The image that gets the mask.
    mask : Image, array, region or str
        Truth values; numbers, good from 0.5 on; a region; the name of one of the masks of the image; or the
        text of an expression, in which the sources of the image have their names.
    stretch : bool, optional
        Whether axes of length 1 are repeated along longer ones. Axes that are missing always are.

    Raises
    ------
    ShapeMismatchError
        When the shapes do not fit.
    LatticeTypeError
        When it is nothing that can be a mask.
    """
    if isinstance(mask, str):
        if mask in image._masks:
            return image._named_mask(mask)
        from lattice.api import Names
        from lattice.language.binder import bind

        with one_expression():
            node = bind(mask, Names((), _sources(image)), shapeless=True)
        node = give_shape(node, image._node.attrs)
    elif isinstance(mask, ImageBase):
        node = mask._node
    elif hasattr(mask, "fit") and hasattr(mask, "bounds"):
        return _region_node(image, mask)
    elif is_array(mask) or isinstance(mask, list | tuple):
        node = _array_node(image, mask if is_array(mask) else np.asarray(mask))
    elif isinstance(mask, bool | np.bool_):
        node = Literal.of(bool(mask), BOOL)
    else:
        raise LatticeTypeError(
            f"a mask is truth values, numbers, a region or an expression, not a {type(mask).__name__}",
            hint="make truth values with a comparison, such as image > 0",
        )
    return _conformed(_truth(node), image._node.attrs, stretch)


def _truth(node: Node) -> Node:
    dtype = node.attrs.dtype
    if is_bool(dtype):
        return node
    if is_complex(dtype):
        raise LatticeTypeError("complex numbers are no mask", hint="take abs(), real() or imag() of them")
    return call(lookup(">=", 2), node, Literal.of(_LEAST, dtype))


def _sources(image: ImageMasks) -> dict[str, Any]:
    """Return what an image was made from, by name, for an expression about it."""
    found: dict[str, Any] = {}
    for node in postorder(image._node):
        if isinstance(node, Source) and not is_bool(node.attrs.dtype):
            found.setdefault(node.name, ImageMasks._of(Parts(node)))
    if isinstance(image._node, Source):
        found[image._node.name] = image
    return found


def _array_node(image: ImageMasks, array: Any) -> Node:
    plain = len(array.shape) <= image.ndim and not hasattr(array, "dims")
    dims = (
        image.dims[image.ndim - len(array.shape) :] if plain else None
    )  # the last axes, as numpy broadcasts
    nothing: dict[str, Any] = {"wcs": None, "mask": None, "masks": None, "regions": None, "unit": None}
    return array_parts(array, dims=dims, beam=None, meta=None, history=(), name="array", **nothing).node


def _conformed(node: Node, like: Attributes, stretch: bool) -> Node:
    """Return a condition with the shape of the image, its axes repeated where that is allowed."""
    attrs = node.attrs
    shape = like.shape or ()
    if not attrs.shape or attrs.shape == shape:  # one value, an index condition, or a mask that fits
        return node
    places = _places(attrs, like)
    if places is None:
        raise ShapeMismatchError(f"a mask of {attrs.describe()} does not fit the {like.describe()}")
    axes = [-1] * len(shape)
    for k, (place, n) in enumerate(zip(places, attrs.shape, strict=True)):
        if n == shape[place]:
            axes[place] = k
        elif n != 1:
            raise ShapeMismatchError(
                f"a mask of length {n} does not fit axis {like.dims[place]!r} of length {shape[place]}"
            )
        elif not stretch:
            raise ShapeMismatchError(
                f"the mask has length 1 on axis {like.dims[place]!r}, the image {shape[place]}",
                hint="stretch=True repeats it along such axes",
            )
    extended: Node = Extend(node, tuple(axes), attrs.with_(shape=shape, dims=like.dims, coords=like.coords))
    return extended


def _places(small: Attributes, large: Attributes) -> tuple[int, ...] | None:
    """Return the axis of the image for each axis of a mask: by kind or name, else the last ones."""
    if small.ndim > large.ndim:
        return None
    by_kind = small.coords is not None and large.coords is not None
    mine, its = axis_keys(small, by_kind), axis_keys(large, by_kind)
    if set(mine) <= set(its) and not any(is_anonymous(d) for d in small.dims):
        places = tuple(its.index(key) for key in mine)
        if list(places) != sorted(places):
            raise CoordinateMismatchError(
                f"the axes of the mask ({', '.join(mine)}) are in another order than the image's "
                f"({', '.join(its)})"
            )
        return places
    if by_kind and not any(is_anonymous(d) for d in (*small.dims, *large.dims)):
        return None
    return tuple(range(large.ndim - small.ndim, large.ndim))


# -- regions as masks ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RegionReader:
    """A region as stored truth values: the mask of a section is made when it is read.

    Attributes
    ----------
    region : RegionLike
        A region that was fitted to a lattice.
    """

    region: Any

    dtype = BOOL
    direct = True
    label = "region"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the lattice."""
        return tuple(self.region.shape)

    @property
    def tile(self) -> tuple[int, ...]:
        """The last two axes: what costs most is the plane of the region."""
        return tuple(1 if k < len(self.shape) - 2 else n for k, n in enumerate(self.shape))

    @cached_property
    def token(self) -> str:
        """Identity of the region."""
        return "region-" + hashlib.sha1(pickle.dumps(self.region), usedforsecurity=False).hexdigest()

    def __dask_tokenize__(self) -> str:
        return self.token

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return which pixels of a section belong to the region."""
        inside = np.asarray(self.region.mask(section))
        if out is None:
            return inside
        np.copyto(out, inside)
        return out

    def bytes_read(self, section: Section) -> int:
        """Return 0: nothing is stored."""
        return 0 * n_pixels(section)


def _region_node(image: ImageMasks, region: Any) -> Node:
    return mask_source(RegionReader(region.fit(image._node.attrs)), repr(region), "", image._node.attrs)
