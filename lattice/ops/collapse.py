"""Statistics along axes: the reductions of the language, for each pixel of the axes that stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from lattice.errors import FunctionError, LatticeRangeError, LatticeTypeError, NameNotFoundError, suggest
from lattice.functions.registry import lookup
from lattice.graph.attributes import Attributes
from lattice.graph.beams import merged_beams, warn_dropped
from lattice.graph.build import call
from lattice.graph.fold import constant
from lattice.graph.function import Function
from lattice.graph.node import Literal, Node, Operation
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section, split
from lattice.graph.types import BOOL, DOUBLE, FLOAT, DType, is_real, promote
from lattice.ops import planes
from lattice.ops.planes import (
    Counts,
    Deviations,
    Extrema,
    Moments,
    Peaks,
    Plane,
    Strip,
    Totals,
    Truths,
    Weighted,
)

__all__ = ["Collapse", "Statistics", "collapse", "statistic_names", "statistics"]

Request = tuple[Any, ...]  # name and scalars of a statistic
Planes = tuple[np.ndarray, "np.ndarray | None"]

_STRIP = 1 << 15  # pixels per strip of what is in memory already


@dataclass(frozen=True)
class _Rule:
    """How a statistic comes about."""

    state: type[Plane] | None  # None: the pixels are sorted
    finish: Callable[..., Any]
    needs_pixels: bool = True  # bad where there is no good pixel


def _variance(s: Moments, dtype: DType) -> np.ndarray:
    # about the mean rounded to the type of the lattice, as the scalar function has it
    exact = s.mean()
    shift = exact - exact.astype(dtype)
    return (s.m2 + s.n * shift * shift) / np.maximum(s.n - 1, 1)


def _squares(s: Moments, _dtype: DType) -> np.ndarray:
    mean = s.mean()
    # the spread about an infinite mean is undefined, the squares are not
    return np.where(np.isinf(mean), np.inf, s.m2 + s.n * mean * mean)


def _median_rank(n: int) -> tuple[int, ...]:
    ranks = lookup("median", 1).ranks
    assert ranks is not None
    return ranks(n, False)


def _ranked(function: str, combine: Callable[[list[np.ndarray]], np.ndarray]) -> _Rule:
    """Return the rule of an order statistic of the language."""

    def finish(masked: bool, *scalars: Any) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        ranks = lookup(function, 1 + len(scalars)).ranks
        assert ranks is not None
        values = [FLOAT.type(s) for s in scalars]
        return lambda rows, n: combine(planes.at_ranks(rows, n, lambda k: ranks(k, masked, *values)))

    return _Rule(None, finish)


def _quartile(*fractions: float) -> _Rule:
    """Return the rule of quartiles: of n values the one with number ceil(f*n), counted from 1."""

    def ranks(n: int) -> tuple[int, ...]:
        return tuple(max(0, math.ceil(f * n) - 1) for f in fractions)

    def finish(_masked: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
        return lambda rows, n: _range(planes.at_ranks(rows, n, ranks))

    return _Rule(None, finish)


def _range(picked: list[np.ndarray]) -> np.ndarray:
    return picked[0] if len(picked) == 1 else picked[1] - picked[0]


def _absolute_deviation(_masked: bool) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    return lambda rows, n: planes.median_distance(rows, n, _median_rank)


_RULES: dict[str, _Rule] = {
    "sum": _Rule(Totals, lambda s, _t: s.total),
    "mean": _Rule(Totals, lambda s, _t: s.total / np.maximum(s.n, 1)),
    "nelements": _Rule(Counts, lambda s, _t: s.n, needs_pixels=False),
    "variance": _Rule(Moments, _variance),
    "stddev": _Rule(Moments, lambda s, t: np.sqrt(_variance(s, t))),
    "sumsq": _Rule(Moments, _squares),
    "rms": _Rule(Moments, lambda s, t: np.sqrt(_squares(s, t) / np.maximum(s.n, 1))),
    "avdev": _Rule(Deviations, lambda s, _t: s.total / np.maximum(s.n, 1)),
    "min": _Rule(Extrema, lambda s, _t: s.low),
    "max": _Rule(Extrema, lambda s, _t: s.high),
    "ntrue": _Rule(Truths, lambda s, _t: s.true, needs_pixels=False),
    "nfalse": _Rule(Truths, lambda s, _t: s.n - s.true, needs_pixels=False),
    "any": _Rule(Truths, lambda s, _t: s.true > 0, needs_pixels=False),
    "all": _Rule(Truths, lambda s, _t: s.true == s.n, needs_pixels=False),
    "median": _ranked("median", planes.mean_of),
    "fractile": _ranked("fractile", planes.mean_of),
    "fractilerange": _ranked("fractilerange", _range),
    "q1": _quartile(0.25),
    "q3": _quartile(0.75),
    "quartile": _quartile(0.25, 0.75),
    "medabsdevmed": _Rule(None, _absolute_deviation),
    # without casacore's short cut for many values, as CASA's imstat has them
    "middle": _Rule(None, lambda _: planes.middle),
    "middledev": _Rule(None, lambda _: planes.middle_distance),
}
# of the coordinate along one axis, weighted with the pixels or where these are extreme: for moments
_RULES |= {
    "centroid": _Rule(Weighted, lambda s, _t: s.centroid()),
    "dispersion": _Rule(Weighted, lambda s, _t: s.dispersion()),
    "where_min": _Rule(Peaks, lambda s, _t: s.where_low),
    "where_max": _Rule(Peaks, lambda s, _t: s.where_high),
    "where_half": _Rule(None, lambda _masked: None),
}
_HALF = ("where_half",)
COORDINATES = ("centroid", "dispersion", "where_min", "where_max", "where_half")
_ALIASES = {"count": "nelements", "npts": "nelements", "sigma": "stddev", "std": "stddev", "var": "variance"}
# not functions of the language
_OWN = ("sumsq", "rms", "q1", "q3", "quartile", "medabsdevmed", "middle", "middledev")


def statistic_names() -> list[str]:
    """Return the names of all statistics, other names for the same one included."""
    return sorted([*(set(_RULES) - set(COORDINATES)), *_ALIASES])


def collapse(
    x: Node, name: str | Function, dims: Any, scalars: Sequence[Any] = (), units: str = "lel"
) -> Node:
    """Return a statistic of the good pixels along axes.

    Parameters
    ----------
    x : Node
        A lattice.
    name : str or Function
        sum, mean, variance, stddev (sigma), avdev, sumsq, rms, min, max, median, fractile, fractilerange,
        q1, q3, quartile, medabsdevmed, middle (a median that is the mean of two values also where there are
        more than 100), middledev (medabsdevmed with that), nelements (count), ntrue, nfalse, any or all.
    dims : str, int or sequence of these
        Axes that go, by name or numpy number.
    scalars : sequence of float or Node, optional
        Further arguments, constants: the fractions of fractile and fractilerange.
    units : {"lel", "check"}
        Rule for the unit of the result, see `lattice.functions.units`.

    Returns
    -------
    Node
        A lattice of the other axes, bad where there is no good pixel (counts are 0 there, any is F and all is
        T); the scalar function if no axis is left. Types are those of the scalar functions. Where planes of
        different beams are put together the beams are dropped, with a warning.

    Raises
    ------
    NameNotFoundError
        For an axis that x lacks.
    FunctionError
        For an unknown statistic.
    LatticeTypeError
        When x has not the type that the statistic needs.
    """
    request = (_known(name), *(_number(s) for s in scalars))
    axes = _axes(x.attrs, dims)
    like = _scalar_attributes(x, request, units)
    if len(axes) == x.attrs.ndim:
        return _of_all(x, request)
    if merged_beams(x.attrs, axes, whole=True) is None:
        warn_dropped("planes of different beams are put together")
    node: Node = Collapse((x,), request, axes, like.dtype, like.unit)
    return node


def statistics(x: Node, requests: Sequence[str | Request], dims: Any) -> Node:
    """Return several statistics along axes as one lattice, computed together in one pass over x.

    Parameters
    ----------
    x : Node
        A lattice.
    requests : sequence of str or tuple
        Names of statistics, or tuples of a name and its scalars.
    dims : str, int or sequence of these
        Axes that go; at least one has to stay.

    Returns
    -------
    Node
        A lattice with the dims ``("statistic", *dims that stay)``, one plane per request, in the common type
        and without coordinates.
    """
    wanted = [(r,) if isinstance(r, str) else r for r in requests]
    known = tuple((_known(name), *(_number(s) for s in scalars)) for name, *scalars in wanted)
    axes = _axes(x.attrs, dims)
    if not known:
        raise LatticeRangeError("no statistic was asked for")
    if len(axes) == x.attrs.ndim:
        raise LatticeRangeError("statistics over all axes are scalars: ask for them one by one")
    types = [_scalar_attributes(x, r).dtype for r in known]
    dtype = types[0]
    for t in types[1:]:
        dtype = promote(dtype, t)
    node: Node = Statistics((x,), known, axes, dtype)
    return node


def _number(value: Any) -> float:
    """Return the value of a constant."""
    if not isinstance(value, Node):
        return float(value)
    known = constant(value) if value.attrs.is_scalar else None
    if known is None or known.value is None or not is_real(known.attrs.dtype):
        raise LatticeTypeError(
            f"statistics along axes need a constant number, not a {value.attrs.describe()}"
        )
    return float(known.value)


def _known(given: str | Function) -> str:
    name = given if isinstance(given, str) else given.name
    found = _ALIASES.get(name.lower(), name.lower())
    if found not in _RULES or found in COORDINATES:
        raise FunctionError(f"there is no statistic {name!r}", hint=suggest(name, statistic_names()))
    return found


def _axes(attrs: Attributes, dims: Any) -> tuple[int, ...]:
    """Return the numbers of axes given by name or number, in rising order."""
    if not attrs.shape:
        raise LatticeTypeError(f"statistics along axes need a lattice, not a {attrs.describe()}")
    given = [dims] if isinstance(dims, str | int | np.integer) else list(dims)
    axes = []
    for dim in given:
        if isinstance(dim, str) and dim in attrs.dims:
            axes.append(attrs.dims.index(dim))
        elif not isinstance(dim, str) and -attrs.ndim <= int(dim) < attrs.ndim:
            axes.append(int(dim) % attrs.ndim)
        else:
            raise NameNotFoundError(
                f"the {attrs.describe()} has no axis {dim!r}",
                hint=suggest(dim, attrs.dims) if isinstance(dim, str) else None,
            )
    if not axes or len(set(axes)) < len(axes):
        raise LatticeRangeError(f"statistics go along one or more different axes, not along {tuple(given)}")
    return tuple(sorted(axes))


def _scalar_attributes(x: Node, request: Request, units: str = "lel") -> Attributes:
    """Return type and unit of the statistic of all pixels, which are those of the one along axes."""
    name, *scalars = request
    if name in _OWN:
        if scalars:
            raise FunctionError(f"{name} takes 1 argument, not {1 + len(scalars)}")
        if not is_real(x.attrs.dtype):
            raise LatticeTypeError(f"{name} needs a real operand, not {x.attrs.describe()}")
        return Attributes(x.attrs.dtype, unit="" if name == "sumsq" else x.attrs.unit)
    function = lookup(name, 1 + len(scalars))
    if function.ranks is not None:
        function.ranks(1, False, *(FLOAT.type(s) for s in scalars))  # refuses what are no fractions
    return call(function, x, *(Literal.of(s, FLOAT) for s in scalars), units=units).attrs


def _of_all(x: Node, request: Request) -> Node:
    """Return the statistic of all pixels."""
    name, *scalars = request
    if name in ("middle", "middledev"):
        raise LatticeRangeError(f"{name} goes along some of the axes only", hint="take it from statistics()")

    def f(function: str, *args: Node) -> Node:
        return call(lookup(function, len(args)), *args)

    def at(fraction: float) -> Node:
        return Literal.of(fraction, FLOAT)

    wide = x if x.attrs.dtype == DOUBLE or name not in ("sumsq", "rms") else f("double", x)
    back = "float" if x.attrs.dtype == FLOAT else "double"
    own: dict[str, Callable[[], Node]] = {
        "sumsq": lambda: f(back, f("sum", f("*", wide, wide))),
        "rms": lambda: f(back, f("sqrt", f("mean", f("*", wide, wide)))),
        "q1": lambda: f("fractile", x, at(0.25)),
        "q3": lambda: f("fractile", x, at(0.75)),
        "quartile": lambda: f("fractilerange", x, at(0.25), at(0.75)),
        "medabsdevmed": lambda: f("median", f("abs", f("-", x, f("median", x)))),
    }
    if name in own:
        return own[name]()
    return f(name, x, *(at(s) for s in scalars))


class _Along(Operation):
    """Base of statistics along axes; `requests` are computed together."""

    __slots__ = ("axes", "positions", "requests")
    axes: tuple[int, ...]
    requests: tuple[Request, ...]
    positions: FrozenArray | None  # coordinates of the pixels along the one axis that goes

    def _kept(self) -> list[int]:
        return [a for a in range(self.children[0].attrs.ndim) if a not in self.axes]

    def _pixels_each(self) -> int:
        """Return how many pixels make one of the result."""
        shape = self.children[0].attrs.shape or ()
        return math.prod(shape[a] for a in self.axes)

    def _can_lack(self, request: Request) -> bool:
        """Tell whether there may be results without a good pixel."""
        masked = self.children[0].attrs.masked or self._pixels_each() == 0
        return masked and _RULES[request[0]].needs_pixels

    def _bytes(self, cells: int) -> int:
        """Return the memory for `cells` results of each statistic, beside the results."""
        x = self.children[0].attrs
        sorts = any(_RULES[r[0]].state is None for r in self.requests)
        states = {_RULES[r[0]].state for r in self.requests}
        total = cells * sum(s.bytes_per_pixel for s in states if s is not None) + _STRIP * 64
        if sorts:
            total += cells * self._pixels_each() * (x.dtype.itemsize + x.masked) + (1 << 20)
        return total

    def _compute(self, pixels: Any, kept: Section, requests: Sequence[Request]) -> list[Planes]:
        """Return values and mask of some of the statistics for a section of the kept axes."""
        section, x = self._needs_of(kept), self.children[0].attrs
        with np.errstate(all="ignore"):
            return _Pass(pixels, section, self.axes, x, self.positions).run(requests)

    def _needs_of(self, kept: Section) -> Section:
        """Return the section of x for a section of the axes that stay."""
        rest = iter(kept)
        shape = self.children[0].attrs.shape or ()
        return tuple(slice(0, n, 1) if a in self.axes else next(rest) for a, n in enumerate(shape))


class Collapse(_Along):
    """One statistic along axes; fields: (x,), (name, *scalars), axes, type, unit."""

    __slots__ = ()
    name: ClassVar[str] = "collapse"

    def _build(
        self, children: tuple[Node, ...], request: Request, axes: tuple[int, ...], dtype: DType, unit: str
    ) -> None:
        self._set(children=children, requests=(request,), axes=axes, positions=None)
        self._set(attrs=_kept_attributes(children[0].attrs, axes, dtype, unit, self._can_lack(request)))

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        name, *scalars = self.requests[0]
        dims = ", ".join(self.children[0].attrs.dims[a] for a in self.axes)
        return f"{name}({', '.join([x, *(f'{s:g}' for s in scalars)])}, along=[{dims}])"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long on the fastest axis of x, if it stays."""
        kept = self._kept()
        return tuple(a == self.children[0].attrs.ndim - 1 for a in kept)

    def needs(self, section: Section) -> tuple[Section]:
        """Return the whole of the axes that go."""
        return (self._needs_of(section),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the running statistics, or of the pixels that are sorted."""
        return self._bytes(math.prod(shape))

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> Planes:
        """Return values and mask of a section."""
        values, mask = self._compute(inputs[0], section, self.requests)[0]
        return values.astype(self.attrs.dtype, copy=False), mask


class Statistics(_Along):
    """Several statistics along axes, on a new first axis; fields: (x,), requests, axes, type, positions."""

    __slots__ = ()
    name: ClassVar[str] = "statistics"
    joint: ClassVar[bool] = True

    def _build(
        self,
        children: tuple[Node, ...],
        requests: tuple[Request, ...],
        axes: tuple[int, ...],
        dtype: DType,
        positions: FrozenArray | None = None,
    ) -> None:
        self._set(children=children, requests=requests, axes=axes, positions=positions)
        attrs = _kept_attributes(children[0].attrs, axes, dtype, "", any(self._can_lack(r) for r in requests))
        self._set(
            attrs=attrs.with_(
                shape=(len(requests), *(attrs.shape or ())),
                dims=(_unused("statistic", attrs.dims), *attrs.dims),
                coords=None,
                beams=attrs.beams if len(attrs.beams) < 2 else (),
            )
        )

    def show(self, x: str) -> str:
        """Return the call as one would write it if the language had it."""
        names = ", ".join(str(r[0]) for r in self.requests)
        dims = ", ".join(self.children[0].attrs.dims[a] for a in self.axes)
        return f"statistics({x}, [{names}], along=[{dims}])"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should hold all statistics, and be long on the fastest axis of x."""
        kept = self._kept()
        return (True, *(a == self.children[0].attrs.ndim - 1 for a in kept))

    def needs(self, section: Section) -> tuple[Section]:
        """Return the whole of the axes that go."""
        return (self._needs_of(section[1:]),)

    def scratch(self, shape: tuple[int, ...]) -> int:
        """Return the bytes of the running statistics and of the pixels that are sorted."""
        return self._bytes(math.prod(shape[1:])) + math.prod(shape) * 16

    def evaluate(self, inputs: tuple[Any, ...], section: Section) -> Planes:
        """Return values and mask of a section."""
        first = section[0]
        requests = self.requests[first.start : first.stop : first.step]
        found = self._compute(inputs[0], section[1:], requests)
        values = np.stack([v.astype(self.attrs.dtype, copy=False) for v, _ in found])
        if all(m is None for _, m in found):
            return values, None
        return values, np.stack([np.ones(v.shape, bool) if m is None else m for v, m in found])


def _unused(dim: str, dims: tuple[str, ...]) -> str:
    while dim in dims:
        dim += "_"
    return dim


def _kept_attributes(
    x: Attributes, axes: tuple[int, ...], dtype: DType, unit: str, masked: bool
) -> Attributes:
    shape = x.shape or ()
    items = tuple((n - 1) // 2 if a in axes else slice(0, n, 1) for a, n in enumerate(shape))
    kept = [a for a in range(x.ndim) if a not in axes]
    return x.with_(
        dtype=dtype,
        shape=tuple(shape[a] for a in kept),
        dims=tuple(x.dims[a] for a in kept),
        coords=None if x.coords is None else x.coords.subset(items),
        unit=unit,
        masked=masked,
        beams=merged_beams(x, axes, whole=True) or (),
    )


class _Pass:
    """The computation of some statistics for one section of x."""

    def __init__(
        self,
        pixels: Any,
        section: Section,
        axes: tuple[int, ...],
        x: Attributes,
        positions: FrozenArray | None = None,
    ) -> None:
        self.pixels = pixels
        self.positions = None if positions is None else positions.array
        self.section = section
        self.axes = axes
        self.x = x
        self.shape = tuple(
            len(range(s.start, s.stop, s.step)) for a, s in enumerate(section) if a not in axes
        )
        self.gathered: Planes | None = None

    def run(self, requests: Sequence[Request]) -> list[Planes]:
        """Return values and mask of each."""
        states = {_RULES[r[0]].state for r in requests}
        if None in states:
            # what is gathered for sorting serves the others too
            self.gathered = self.pixels.array(self.section)
        found = self._streamed(states - {None})
        results: dict[Request, Planes] = self._sorted([r for r in requests if _RULES[r[0]].state is None])
        for request in requests:
            rule = _RULES[request[0]]
            if rule.state is not None:
                state: Any = found[rule.state]
                values = np.asarray(rule.finish(state, self.x.dtype))
                results[request] = self._judged(values, state.n > 0, rule)
        return [results[r] for r in requests]

    def _judged(self, values: np.ndarray, filled: np.ndarray | None, rule: _Rule) -> Planes:
        """Return a plane, bad where there is no good pixel."""
        if not rule.needs_pixels or filled is None or filled.all():
            return values, None
        if values.dtype != BOOL:
            values[~filled] = 0
        return values, filled

    def _streamed(self, states: set[Any]) -> dict[type[Plane], Plane]:
        """Return the running statistics of the kinds that are wanted."""
        first = set(states) - {Deviations}
        if Deviations in states:
            first.add(Totals)
        if first & {Moments, Weighted}:
            first.discard(Totals)  # these know the sums
        if len(first) > 1:
            first.discard(Counts)  # all know the numbers
        found: dict[type[Plane], Plane] = {s: s(self.shape, self.x.dtype) for s in first}
        weighted = found.get(Weighted)
        if isinstance(weighted, Weighted) and self.positions is not None:
            weighted.origin = float(self.positions.min() + self.positions.max()) / 2
        if found:
            for strip in self._strips():
                for state in found.values():
                    state.update(strip)
        for other in (Moments, Weighted):
            if other in found:
                found[Totals] = found[other]
        if found:
            found.setdefault(Counts, next(iter(found.values())))
        if Deviations in states:
            known: Any = found[Totals]
            deviations = Deviations(self.shape, self.x.dtype)
            mean = known.total / np.maximum(known.n, 1)
            deviations.centre = mean.astype(self.x.dtype)
            for strip in self._strips():
                deviations.update(strip)
            found[Deviations] = deviations
        return found

    def _strips(self) -> Iterator[Strip]:
        for piece, values, mask in self._pieces():
            at = tuple(
                slice((p.start - s.start) // s.step, (p.stop - 1 - s.start) // s.step + 1)
                for a, (p, s) in enumerate(zip(piece, self.section, strict=True))
                if a not in self.axes
            )
            here = None if self.positions is None else self.positions[piece[self.axes[0]]]
            yield Strip(values, mask, self.axes, at, here)

    def _pieces(self) -> Iterator[tuple[Section, np.ndarray, np.ndarray | None]]:
        if 0 in (n := [len(range(s.start, s.stop, s.step)) for s in self.section]):
            return
        if self.gathered is None:
            yield from self.pixels.strips(self.section)
            return
        values, mask = self.gathered
        whole = tuple(slice(0, k, 1) for k in n)
        for part in split(whole, _STRIP):
            piece = tuple(
                slice(s.start + p.start * s.step, s.start + (p.stop - 1) * s.step + 1, s.step)
                for s, p in zip(self.section, part, strict=True)
            )
            yield piece, values[part], None if mask is None else np.ascontiguousarray(mask[part])

    def _sorted(self, requests: Sequence[Request]) -> dict[Request, Planes]:
        if not requests:
            return {}
        assert self.gathered is not None
        values, mask = self.gathered
        results: dict[Request, Planes] = {}
        if _HALF in requests:
            assert self.positions is not None
            where = planes.where_half(values, mask, self.axes[0], self._positions())
            some = None if mask is None else np.asarray(mask.any(axis=self.axes[0]))
            results[_HALF] = self._judged(where, some, _RULES[_HALF[0]])
        ranked = [r for r in requests if r != _HALF]
        outs = [np.zeros(self.shape, self.x.dtype) for _ in ranked]
        pickers = [_RULES[r[0]].finish(self.x.masked, *r[1:]) for r in ranked]
        filled = planes.order_statistics(values, mask, self.axes, pickers, outs) if ranked else None
        return results | {
            r: self._judged(out, filled, _RULES[r[0]]) for r, out in zip(ranked, outs, strict=True)
        }

    def _positions(self) -> np.ndarray:
        """Return the coordinates along the axis that goes."""
        assert self.positions is not None
        return self.positions[self.section[self.axes[0]]]
