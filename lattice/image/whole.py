"""Statistics of all pixels of images, of one or several at a time, in as few passes as they take."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from lattice.config import Options
from lattice.functions.registry import lookup
from lattice.functions.states import Extrema, Moments, Powers
from lattice.graph.build import call
from lattice.graph.node import Literal, Node
from lattice.ops import selection
from lattice.ops.selection import Choice, first_quarter, last_quarter
from lattice.ops.sorting import middle_ranks
from lattice.plan.stages import Measure

__all__ = ["POSITIONS", "within", "wholes"]

POSITIONS = ("minpos", "maxpos")
_SUMS = {"npts", "sum", "sumsq", "mean", "sigma", "rms"}
_ENDS = {"min", "max", *POSITIONS}
_ORDERS = {"median": middle_ranks, "q1": first_quarter, "q3": last_quarter}
Found = dict[str, Any]


def wholes(nodes: Sequence[Node], wanted: Sequence[set[str]], choice: Choice) -> list[Found]:
    """Return statistics of all pixels of lattices, those of one shape in the same passes.

    Parameters
    ----------
    nodes : sequence of Node
        The lattices.
    wanted : sequence of set of str
        Keys for each.
    choice : Choice
        Which pixels count, of those that are good.
    """
    from lattice.config import get_options
    from lattice.execute.run import settled

    options = get_options()
    found: list[Found] = [{} for _ in nodes]
    lattices: list[tuple[int, Node]] = []
    for i, x in enumerate(settled(nodes, options)):
        if isinstance(x, Literal):
            found[i] = _of_scalar(x)
        else:
            lattices.append((i, x))
    if choice.algorithm in (selection.CLASSIC, selection.HINGES, selection.CHAUVENET):
        chosen = [_chosen(x, choice, options)[0] for _, x in lattices]
        plain = _plain(chosen, [wanted[i] for i, _ in lattices], options)
        for (i, _), values in zip(lattices, plain, strict=True):
            found[i] = values
        return found
    for i, x in lattices:
        of = _biweight if choice.algorithm == selection.BIWEIGHT else _mirrored
        found[i] = of(x, wanted[i], choice, options)
    return found


def within(x: Node, low: float, high: float) -> Node:
    """Return a lattice where its values are in a range, its ends included."""
    dtype = x.attrs.dtype

    def f(name: str, *args: Node) -> Node:
        return call(lookup(name, len(args)), *args)

    conditions = []
    if low > -math.inf:
        conditions.append(f(">=", x, Literal.of(_rounded(low, dtype, math.inf), dtype)))
    if high < math.inf:
        conditions.append(f("<=", x, Literal.of(_rounded(high, dtype, -math.inf), dtype)))
    if not conditions:
        return x
    return f("[]", x, conditions[0] if len(conditions) == 1 else f("&&", *conditions))


def _rounded(value: float, dtype: np.dtype[Any], towards: float) -> Any:
    """Return the number of a type next to a value that lies on the wanted side of it, or is it."""
    with np.errstate(over="ignore"):
        near = dtype.type(value)
    wrong = near < value if towards > 0 else near > value
    return np.nextafter(near, dtype.type(towards)) if wrong else near


class _Whole:
    """All good pixels of a lattice, as `lattice.ops.selection.Data`; each answer takes a pass."""

    def __init__(self, x: Node, options: Options) -> None:
        self.x = x
        self.options = options
        self.powers: Powers | None = None

    def _one(self, what: Measure) -> Any:
        from lattice.execute.measure import measure

        return measure([what], self.options)[0]

    def moments(self, low: Any, high: Any) -> tuple[Any, Any, Any]:
        """Return number, mean and standard deviation in a range."""
        s: Moments = self._one(Measure(within(self.x, float(low[0]), float(high[0])), "moments"))
        sigma = math.sqrt(max(0.0, s.m2) / max(1, s.n - 1))
        return np.array([s.n]), np.array([float(s.mean)]), np.array([sigma])

    def order(self, low: Any, high: Any, ranks: Callable[[int], tuple[int, ...]]) -> Any:
        """Return the mean of the values that have the ranks."""
        x = within(self.x, float(low[0]), float(high[0]))
        return np.array([_mean(self._one(Measure(x, "order", ranks=ranks)))])

    def quartiles(self) -> tuple[Any, Any]:
        """Return the first and the third quartile of all values."""
        from lattice.execute.measure import measure

        asked = [Measure(self.x, "order", ranks=r) for r in (first_quarter, last_quarter)]
        q1, q3 = (np.array([_mean(found)]) for found in measure(asked, self.options))
        return q1, q3

    def distance(self, center: Any) -> Any:
        """Return the middle distance from a centre."""
        if math.isnan(center[0]):
            return center
        far = Measure(_distance(self.x, float(center[0])), "order", ranks=middle_ranks)
        return np.array([_mean(self._one(far))])

    def weighted(self, center: Any, scale: Any, reach: Any) -> tuple[Any, Any, Any, Any]:
        """Return the sums of the biweight: of powers that were summed before, or of a pass."""
        c, width, end = float(center[0]), 6 * float(scale[0]), 6 * float(reach[0])
        found: list[float | None] = [None]
        for inner, outer in ((0.0, 0.0), (_INNER, _OUTER), (1.0, 1.0)):
            if outer > 0:
                self.powers = self._one(Measure(self.x, "powers", (c, end, inner, outer)))
            if self.powers is not None:
                found = [self.powers.weighted(p, c, width, end) for p in _POLYNOMIALS]
            if None not in found:
                break
        a, b, squares, d = (np.array([v], np.float64) for v in found)
        return a * width, b, squares * width**2, d


# Values are kept from 0.75 to 1.3 times the distance at which the biweight ends: of normal ones hardly any
_INNER, _OUTER = 0.75, 1.3
_W = np.polynomial.Polynomial([1, 0, -1])  # in the distance in units of six scales
_POLYNOMIALS = [
    p.coef
    for p in (
        _W**2 * np.polynomial.Polynomial([0, 1]),
        _W**2,
        _W**4 * np.polynomial.Polynomial([0, 0, 1]),
        _W * (5 * _W - 4),
    )
]


def _chosen(x: Node, choice: Choice, options: Options) -> tuple[Node, float | None]:
    """Return the lattice of the pixels that count, and at what they are mirrored."""
    if choice.algorithm == selection.CLASSIC:
        return x, None
    low, high, mirror = selection.limits(_Whole(x, options), choice, 1)
    if math.isnan(low[0]) or math.isnan(high[0]):
        return x, None  # no pixel is good, or one that is good is nan: so is whatever follows
    return within(x, float(low[0]), float(high[0])), None if mirror is None else float(mirror[0])


# -- of all that are chosen -------------------------------------------------------------------------------


def _plain(nodes: Sequence[Node], wanted: Sequence[set[str]], options: Options) -> list[Found]:
    from lattice.execute.measure import measure

    asked: dict[tuple[int, str], Measure] = {}
    for i, (x, keys) in enumerate(zip(nodes, wanted, strict=True)):
        if keys & _SUMS:
            asked[i, "moments"] = Measure(x, "moments")
        if keys & _ENDS:
            asked[i, "extrema"] = Measure(x, "extrema")
        needed = {"median": {"median", "medabsdevmed"}, "q1": {"q1", "quartile"}, "q3": {"q3", "quartile"}}
        for key, ranks in _ORDERS.items():
            if keys & needed[key]:
                asked[i, key] = Measure(x, "order", ranks=ranks)
        if "medabsdevmed" in keys:
            asked[i, "middev"] = Measure(x, "middev", ranks=middle_ranks)
    states = dict(zip(asked, measure(list(asked.values()), options), strict=True))
    out: list[Found] = [{} for _ in nodes]
    for (i, name), state in states.items():
        if name == "middev":
            out[i]["medabsdevmed"] = _mean(state)
        elif name == "moments":
            out[i] |= _from_moments(state)
        elif name == "extrema":
            out[i] |= _from_extrema(state)
        else:
            out[i][name] = _mean(state)
    far = {}
    for i, (x, keys) in enumerate(zip(nodes, wanted, strict=True)):
        if "quartile" in keys:
            out[i]["quartile"] = out[i]["q3"] - out[i]["q1"]
        if math.isnan(out[i].get("medabsdevmed", 0.0)) and not math.isnan(out[i]["median"]):
            far[i] = Measure(_distance(x, out[i]["median"]), "order", ranks=middle_ranks)
    for i, ranked in zip(far, measure(list(far.values()), options), strict=True):
        out[i]["medabsdevmed"] = _mean(ranked)
    return out


def _distance(x: Node, center: float) -> Node:
    """Return abs(x - center) in double precision where single precision would round the center."""
    dtype = x.attrs.dtype
    if dtype == np.float32 and float(np.float32(center)) != center:
        dtype = np.dtype(np.float64)
    return call(lookup("abs", 1), call(lookup("-", 2), x, Literal.of(center, dtype)))


def _mean(values: tuple[Any, ...] | None) -> float:
    return float(sum(float(v) for v in values) / len(values)) if values else math.nan


def _number(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _from_moments(m: Moments) -> Found:
    n = m.n
    mean = _number(m.total / n) if n else math.nan
    total = _number(m.total)
    squares = _number(m.m2 + m.total * m.total / n) if n else 0.0
    if np.isinf(total) and not np.iscomplexobj(total):
        squares = math.inf  # the spread about an infinite mean is undefined, the squares are not
    with np.errstate(all="ignore"):
        sigma = _number(np.sqrt(m.m2 / max(1, n - 1))) if n else math.nan
        rms = _number(np.sqrt(np.asarray(squares) / n)[()]) if n else math.nan
    return {"npts": n, "sum": total, "sumsq": squares, "mean": mean, "sigma": sigma, "rms": rms}


def _from_extrema(e: Extrema) -> Found:
    out: Found = {}
    for key, found in (("min", e.low), ("max", e.high)):
        out[key] = math.nan if found is None else _number(found[1])
        out[f"{key}pos"] = None if found is None else found[2]
    return out


# -- of a half and its mirror image -----------------------------------------------------------------------


def _mirrored(x: Node, wanted: set[str], choice: Choice, options: Options) -> Found:
    from lattice.execute.measure import measure

    half, center = _chosen(x, choice, options)
    if center is None:
        return _plain([half], [wanted], options)[0]
    asked = [Measure(half, "moments"), Measure(half, "extrema")]
    asked_ranks: list[Any] = []

    def order(ranks: Any) -> float:
        asked_ranks.append(ranks)
        return 0.0

    robust = bool(wanted & {"q1", "q3", "quartile", "medabsdevmed"})
    if robust:
        selection.mirrored_quarters(order, choice.lside, center)  # tells which ranks it needs
        asked += [Measure(half, "order", ranks=r) for r in asked_ranks]
        asked.append(Measure(_distance(half, center), "order", ranks=middle_ranks))
    sums, ends, *orders = measure(asked, options)
    if sums.n == 0:
        return _plain([half], [wanted], options)[0]
    mean, m2 = float(sums.total / sums.n), float(sums.m2)
    out = {k: _number(v) for k, v in selection.mirrored_summary(sums.n, mean, m2, center).items()}
    out |= _from_extrema(ends)
    out |= selection.mirrored_ends(out["min"], out["max"], choice.lside, center)
    # the mirrored end is at no pixel
    out["maxpos" if choice.lside else "minpos"] = None
    out["median"] = center
    if robust:
        values = iter([_mean(v) for v in orders])
        out["q1"], out["q3"] = selection.mirrored_quarters(lambda _: next(values), choice.lside, center)
        out["quartile"] = out["q3"] - out["q1"]
        out["medabsdevmed"] = next(values)
    return out


# -- the biweight -----------------------------------------------------------------------------------------


def _biweight(x: Node, wanted: set[str], choice: Choice, options: Options) -> Found:
    (out,) = _plain([x], [{"npts", "median", *(wanted & _ENDS)}], options)
    out |= {"mean": math.nan, "sigma": math.nan}
    n, median = np.array([out["npts"]]), np.array([out.pop("median")])
    if n[0] and not math.isnan(median[0]):
        center, scale = selection.biweight(_Whole(x, options), choice, n, median)
        out |= {"mean": float(center[0]), "sigma": float(scale[0])}
    return out


# -- of scalars -------------------------------------------------------------------------------------------


def _of_scalar(x: Literal) -> Found:
    names = ("mean", "sigma", "rms", "min", "max", *_ORDERS, "medabsdevmed", "quartile")
    places: Found = dict.fromkeys(POSITIONS)
    if x.value is None:
        return dict.fromkeys(names, math.nan) | {"npts": 0, "sum": 0.0, "sumsq": 0.0} | places
    value = x.value.item()
    same = dict.fromkeys(("sum", "mean", "min", "max", "median", "q1", "q3"), value)
    spread = dict.fromkeys(("sigma", "medabsdevmed", "quartile"), 0.0)
    return same | spread | {"npts": 1, "sumsq": value * value, "rms": abs(value), "minpos": (), "maxpos": ()}
