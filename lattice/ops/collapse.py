"""Statistics along axes: the reductions of the language, for each pixel of the axes that stay."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import numpy as np

from lattice.errors import FunctionError, LatticeRangeError, LatticeTypeError, NameNotFoundError, suggest
from lattice.functions.registry import lookup
from lattice.functions.units import root, square
from lattice.graph.attributes import Attributes
from lattice.graph.beams import merged_beams, warn_dropped
from lattice.graph.build import call
from lattice.graph.fold import constant
from lattice.graph.function import Function, Kind, Param
from lattice.graph.node import Call, Extend, Literal, Node, Operation, Subset, ValueList
from lattice.graph.records import FrozenArray
from lattice.graph.sections import Section
from lattice.graph.types import DOUBLE, FLOAT, DType, is_complex, is_real, promote
from lattice.ops import sorting
from lattice.ops.passes import Pass, Planes, gathers
from lattice.ops.rules import ALIASES, INNER, OF_COMPLEX, OWN, RULES, TO_NORMAL, Request

__all__ = ["Collapse", "Statistics", "collapse", "kept_axes", "statistic_names", "statistics"]


def statistic_names() -> list[str]:
    """Return the names of all statistics, other names for the same one included."""
    return sorted([*(set(RULES) - set(INNER)), *ALIASES])


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
        more than 100), middledev (medabsdevmed with that), xmadm (1.4826 times that), total (sum, bad where
        there is no good pixel), good (nelements of
        the type of x, bad where it is 0), spread and squared_spread (stddev and variance, bad where there is
        a single good pixel), sqrtsum (root of the sum, 0 of a negative one), sqrtsum_npix (that
        by npts), nelements (count), ntrue, nfalse, any or all.
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
        return _of_all(x, request, units)
    if merged_beams(x.attrs, axes, whole=True) is None:
        warn_dropped("planes of different beams are put together")
    node: Node = Collapse((x,), request, axes, like.dtype, like.unit)
    return node


def kept_axes(x: Node, node: Node, axes: tuple[int, ...]) -> Node:
    """Return a statistic along axes with these put back, of length 1.

    Parameters
    ----------
    x : Node
        The lattice of which it was taken.
    node : Node
        The statistic, a lattice of the other axes, or a scalar if there are none.
    axes : tuple of int
        Axes of x, numpy numbers.

    Returns
    -------
    Node
        Its only pixel along each of the axes is at the middle of the range, which is the mean of the first
        and the last coordinate where these are evenly spaced.
    """
    whole = x.attrs
    lengths = whole.shape or ()
    coords: Any = whole.coords
    target = node.attrs.with_(
        shape=tuple(1 if a in axes else n for a, n in enumerate(lengths)),
        dims=whole.dims,
        coords=None
        if coords is None
        else coords.rebin([max(1, n) if a in axes else 1 for a, n in enumerate(lengths)]),
        meta=whole.meta,
    )
    if node.attrs.shape:
        rest = iter(range(node.attrs.ndim))
        moved: Node = Extend(node, tuple(-1 if a in axes else next(rest) for a in range(whole.ndim)), target)
        return moved
    target = target.with_(beams=merged_beams(whole, axes, whole=True) or ())
    one = node.attrs.with_(shape=(1,), dims=("one",), coords=None, beams=())
    single: Node = ValueList((node,), one)
    extended: Node = Extend(single, (0, *(-1,) * (whole.ndim - 1)), target)
    return extended


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
    found = ALIASES.get(name.lower(), name.lower())
    if found not in RULES or found in INNER:
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
    if name in OWN:
        if scalars:
            raise FunctionError(f"{name} takes 1 argument, not {1 + len(scalars)}")
        if not is_real(x.attrs.dtype) and not (name in OF_COMPLEX and is_complex(x.attrs.dtype)):
            raise LatticeTypeError(f"{name} needs a real operand, not {x.attrs.describe()}")
        return Attributes(x.attrs.dtype, unit=_own_unit(name, x, units))
    function = lookup(name, 1 + len(scalars))
    if function.ranks is not None:
        function.ranks(1, False, *(FLOAT.type(s) for s in scalars))  # refuses what are no fractions
    return call(function, x, *(Literal.of(s, FLOAT) for s in scalars), units=units).attrs


def _own_unit(name: str, x: Node, units: str) -> str:
    unit = x.attrs.unit
    if name in ("sumsq", "good") or not unit:
        return ""
    if units == "lel" and name in ("sqrtsum", "sqrtsum_npix", "squared_spread"):
        return ""
    return root((x,)) if name.startswith("sqrtsum") else square((x,)) if name == "squared_spread" else unit


def _whole(name: str, state: str, finish: Any, alone: Any, **more: Any) -> Function:
    """Return a reduction to a scalar that the language lacks; `alone` is what it makes of a scalar."""
    kinds = "real" if name == "middle" else "numeric"
    return Function(
        name,
        Kind.REDUCTION,
        (Param("x", kinds),),
        lambda types: types[0],
        state=state,
        finish=finish,
        of_scalar=alone,
        **more,
    )


def _spread_of(s: Any) -> Any:
    return s.m2 / (s.n - 1) if s.n > 1 else None


def _sqrt_of(total: Any) -> Any:
    return np.sqrt(total if np.iscomplexobj(total) else max(total, 0))


_WHOLE = {
    f.name: f
    for f in (
        _whole(
            "middle",
            "order",
            lambda values, _t: sum(values) / len(values),
            lambda value: value,
            ranks=lambda n, _masked=False: sorting.middle_ranks(n),
        ),
        _whole("total", "sum", lambda s, _t: s.total if s.n else None, lambda value: value),
        _whole("good", "count", lambda s, _t: s.n or None, lambda _v: 1),
        _whole("squared_spread", "moments", lambda s, _t: _spread_of(s), lambda _v: None),
        _whole(
            "spread",
            "moments",
            lambda s, _t: None if s.n < 2 else np.sqrt(_spread_of(s)),
            lambda _v: None,
        ),
        _whole("sqrtsum", "sum", lambda s, _t: _sqrt_of(s.total) if s.n else None, _sqrt_of),
        _whole("sqrtsum_npix", "sum", lambda s, _t: _sqrt_of(s.total) / s.n if s.n else None, _sqrt_of),
    )
}


def _of_all(x: Node, request: Request, units: str) -> Node:
    """Return the statistic of all pixels."""
    name, *scalars = request
    if is_complex(x.attrs.dtype) and RULES[name].state is None:
        return _sorted_whole(x, request)

    def f(function: str, *args: Node) -> Node:
        return call(lookup(function, len(args)), *args)

    def middle(of: Node) -> Node:
        return call(_WHOLE["middle"], of)

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
        "middle": lambda: middle(x),
        "middledev": lambda: middle(f("abs", f("-", x, middle(x)))),
        "xmadm": lambda: f("*", middle(f("abs", f("-", x, middle(x)))), Literal.of(TO_NORMAL, x.attrs.dtype)),
    }
    if name in _WHOLE and name != "middle":
        own[name] = lambda: call(_WHOLE[name], x)
    if name in own:
        return _with_unit(own[name](), _own_unit(name, x, units))
    return call(lookup(name, 1 + len(scalars)), x, *(at(s) for s in scalars), units=units)


def _sorted_whole(x: Node, request: Request) -> Node:
    """Return an order statistic of all complex values, which are gathered and sorted by modulus."""
    dims = (_unused("all", x.attrs.dims), *x.attrs.dims)
    attrs = x.attrs.with_(shape=(1, *(x.attrs.shape or ())), dims=dims, coords=None, beams=())
    more: Node = Extend(x, (-1, *range(x.attrs.ndim)), attrs)
    rest = tuple(range(1, len(dims)))
    row: Node = Collapse((more,), request, rest, x.attrs.dtype, x.attrs.unit)
    node: Node = Subset(row, (0,))
    return node


def _with_unit(node: Node, unit: str) -> Node:
    if node.attrs.unit == unit:
        return node
    same: Node = Call(lookup("+", 1), (node,), node.attrs.with_(unit=unit))
    return same


_STRIP_BYTES = 8 << 20  # what is made of a strip while it is taken in


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
        rule = RULES[request[0]]
        masked = self.children[0].attrs.masked or self._pixels_each() < rule.least
        return masked and rule.needs_pixels

    def _bytes(self, cells: int) -> int:
        """Return the memory for `cells` results of each statistic, beside the results."""
        x = self.children[0].attrs
        states = {RULES[r[0]].state for r in self.requests}
        total = cells * sum(s.bytes_per_pixel for s in states if s is not None) + _STRIP_BYTES
        if self._holds():
            total += cells * self._pixels_each() * (x.dtype.itemsize + x.masked) + (4 << 20)
            # what belongs together is sorted apart from the rest, complex values by their moduli
            apart = x.dtype.itemsize if x.dtype.kind != "c" else 3 * x.dtype.itemsize
            total += max(0, self._pixels_each() - sorting.LONG) * apart
        if any(r[0] == "selected" for r in self.requests):
            # some results are looked at together, in double precision, sorted and squared
            total += 80 * sorting.LONG * 2
        return total

    def cost(self) -> float:
        return self._pixels_each() / len(self.requests)

    @property
    def streams(self) -> bool:
        return not self._holds()

    def _holds(self) -> bool:
        """Tell whether pixels of x are put together in memory."""
        states = {RULES[r[0]].state for r in self.requests}
        return None in states or gathers(self.children[0].attrs, self.axes, states)

    def _compute(self, pixels: Any, kept: Section, requests: Sequence[Request]) -> list[Planes]:
        """Return values and mask of some of the statistics for a section of the kept axes."""
        section, x = self._needs_of(kept), self.children[0].attrs
        with np.errstate(all="ignore"):
            return Pass(pixels, section, self.axes, x, self.positions).run(requests)

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
        shown = [f"{s:g}" if isinstance(s, float) else str(s) for s in scalars]
        return f"{name}({', '.join([x, *shown])}, along=[{dims}])"

    def access(self) -> tuple[bool, ...]:
        """Return that blocks should be long on the fastest axis of x, if it stays."""
        kept = self._kept()
        return tuple(a == self.children[0].attrs.ndim - 1 for a in kept)

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        return tuple(units[0][a] for a in self._kept())

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

    def grain(self, units: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        return (1, *(units[0][a] for a in self._kept()))

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
