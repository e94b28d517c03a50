"""Functions that turn a lattice into one number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeRangeError
from lattice.functions.operators import truth
from lattice.functions.registry import define, lookup, same
from lattice.functions.states import AbsoluteDeviation, Count, Extrema, Moments, Sum, Truth
from lattice.functions.units import square
from lattice.graph.function import Function, Kind, Param
from lattice.graph.types import COMPLEX, DCOMPLEX, DOUBLE, FLOAT, DType

if TYPE_CHECKING:
    from lattice.graph.node import Node

X = Param("x")
X_REAL = Param("x", "real")
X_ANY = Param("x", "any")
X_BOOL = Param("x", "bool")


def _itself(value: Any, *_scalars: Any) -> Any:
    return value


def _zero(value: Any) -> Any:
    return None if value is None else 0


def double(_types: tuple[DType, ...]) -> DType:
    """Result rule: Double."""
    return DOUBLE


def _always(_args: tuple[Node, ...]) -> bool:
    return False


def _as_scalar(args: tuple[Node, ...]) -> bool:
    return args[0].attrs.is_scalar and args[0].attrs.masked


def _reduction(name: str, state: str, finish: Any, doc: str, example: str = "f1", **options: Any) -> Function:
    settings: dict[str, Any] = {
        "params": (X,),
        "result": same,
        "of_scalar": _itself,
        "family": "statistics",
    } | options
    doc = f"{doc}\n\n>>> {name}({example})"
    return define(name, Kind.REDUCTION, doc=doc, state=state, finish=finish, **settings)


def _mean(s: Sum | Moments, _dtype: DType) -> Any:
    return s.total / s.n if s.n else None


def variance_of(s: Moments, dtype: DType) -> Any:
    """Return the variance about the mean rounded to the type of x, with n - 1 degrees of freedom."""
    if s.n == 0:
        return None
    exact = s.total / s.n
    mean = DCOMPLEX.type(dtype.type(exact)) if dtype in (COMPLEX, DCOMPLEX) else float(dtype.type(exact))
    return (s.m2 + s.n * (exact - mean) ** 2) / max(1, s.n - 1)


def _stddev(s: Moments, dtype: DType) -> Any:
    variance = variance_of(s, dtype)
    return None if variance is None else np.sqrt(variance)


_reduction(
    "sum",
    "sum",
    lambda s, _t: s.total,
    "Sum of the good pixels, accumulated in double precision; 0 if there is none.",
    masked=_as_scalar,
)
_reduction("mean", "sum", _mean, "Mean of the good pixels.")
_reduction(
    "variance",
    "moments",
    variance_of,
    "Variance of the good pixels, with n - 1 degrees of freedom; of complex numbers with plain squares.",
    of_scalar=_zero,
    unit="none",
    units=square,
)
_reduction("stddev", "moments", _stddev, "Square root of the variance.", of_scalar=_zero)


def _deviation_type(types: tuple[DType, ...]) -> DType:
    return {FLOAT: FLOAT, DOUBLE: DOUBLE, COMPLEX: COMPLEX, DCOMPLEX: DOUBLE}[types[0]]


# avdev(x) is worked out with mean(x) as a second argument, which no text can give
_ABSOLUTE_DEVIATION = Function(
    "avdev",
    Kind.REDUCTION,
    (X, Param("center", form="scalar")),
    _deviation_type,
    state="absdev",
    finish=lambda s, _t: s.total / s.n if s.n else None,
    of_scalar=_itself,
)


def _about_mean(args: tuple[Node, ...]) -> Node:
    from lattice.graph.build import call

    return call(_ABSOLUTE_DEVIATION, args[0], call(lookup("mean", 1), args[0]))


_reduction(
    "avdev",
    "absdev",
    None,
    "Mean absolute distance of the good pixels from their mean.",
    result=_deviation_type,
    of_scalar=_zero,
    expand=_about_mean,
)
_reduction(
    "min", "extrema", lambda s, _t: s.low and s.low[1], "Smallest good pixel; complex numbers by modulus."
)
_reduction(
    "max", "extrema", lambda s, _t: s.high and s.high[1], "Largest good pixel; complex numbers by modulus."
)
_reduction(
    "nelements",
    "count",
    lambda s, _t: s.n,
    "Number of good pixels, Double.",
    params=(X_ANY,),
    result=double,
    aliases=("count",),
    of_scalar=lambda _v: 1,
    unit="none",
    masked=_always,
)


def _logical(name: str, finish: Any, result: Any, doc: str) -> None:
    _reduction(
        name,
        "truth",
        finish,
        doc,
        "f1 > 0",
        params=(X_BOOL,),
        result=result,
        of_scalar=None,
        unit="none",
        masked=_always,
    )


_logical("ntrue", lambda s, _t: s.n_true, double, "Number of good pixels that are T, Double.")
_logical("nfalse", lambda s, _t: s.n_false, double, "Number of good pixels that are F, Double.")
_logical("any", lambda s, _t: s.n_true > 0, truth, "T if any good pixel is T.")
_logical("all", lambda s, _t: s.n_false == 0, truth, "T if no good pixel is F.")

_AVERAGE_BELOW = 100  # casacore averages the two middle values of an even number of up to this many pixels


def median_ranks(n: int, _masked: bool = False) -> tuple[int, ...]:
    """Return the rank, or the two ranks, whose mean is the median of n values by casacore's rule.

    >>> median_ranks(5), median_ranks(4), median_ranks(102)
    ((2,), (1, 2), (50,))
    """
    if n % 2 == 0 and 0 < n <= _AVERAGE_BELOW:
        return (n // 2 - 1, n // 2)
    return ((n - 1) // 2,)


def _fraction(f: Any) -> Any:
    g = np.float32(f)
    if not 0 <= g <= 1:
        raise LatticeRangeError(f"a fraction lies between 0 and 1, not at {float(f):g}")
    return g


def _fractile_ranks(n: int, masked: bool, f: Any) -> tuple[int, ...]:
    g = _fraction(f)
    if g == np.float32(0.5):
        return median_ranks(n)
    if masked:
        return (_rank(g, n),)
    return (math.floor((n - 1) * float(g) + 0.01),)


def _rank(fraction: Any, n: int) -> int:
    """Return the rank of a fraction in single precision, which may round to one too many above 2^24."""
    return min(n - 1, math.floor(np.float32(fraction * np.float32(n - 1))))


def _range_ranks(n: int, _masked: bool, f1: Any, f2: Any = None) -> tuple[int, ...]:
    low = _fraction(f1)
    high = np.float32(1 - low) if f2 is None else _fraction(f2)
    if low > high:
        raise LatticeRangeError(
            f"fractilerange needs fractions in rising order, not {float(low):g} and {float(high):g}"
        )
    return _rank(low, n), _rank(high, n)


def _average(values: tuple[Any, ...], _dtype: DType, *_scalars: Any) -> Any:
    if len(values) == 1:
        return values[0]
    low, high = values
    middle = 0.5 * (low + high)
    # of large values the sum is infinite, of the smallest the halves are nothing
    return 0.5 * low + 0.5 * high if np.isinf(middle) else middle


_reduction(
    "median",
    "order",
    _average,
    "Median of the good pixels; of an even number above 100 the lower of the two in the middle.",
    params=(X_REAL,),
    ranks=median_ranks,
)
_reduction(
    "fractile",
    "order",
    _average,
    "Value below which the fraction f of the good pixels lies; 0.5 gives the median.",
    "f1, 0.9",
    params=(X_REAL, Param("f", "real", "scalar")),
    ranks=_fractile_ranks,
)
_reduction(
    "fractilerange",
    "order",
    lambda values, _t, *_f: values[1] - values[0],
    "Difference between the values at two fractions, f2 being 1 - f1 if it is left out.",
    "f1, 0.25, 0.75",
    params=(
        Param("x", "real", "lattice"),
        Param("f1", "real", "scalar"),
        Param("f2", "real", "scalar", optional=True),
    ),
    of_scalar=None,
    ranks=_range_ranks,
)
__all__ = [
    "AbsoluteDeviation",
    "Count",
    "Extrema",
    "Moments",
    "Sum",
    "Truth",
    "double",
    "median_ranks",
    "variance_of",
]
