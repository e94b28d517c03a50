"""Which pixels count: the algorithms of robust statistics, for sorted rows and for whole lattices alike.

Each chooses a range of values, and by *fit-half* the chosen half is mirrored at a centre:

============== ==================================================================================
classic        all
fit-half       those on one side of the centre (mean, median or 0), it included, and their mirror images
hinges-fences  from q1 - f D to q3 + f D, D = q3 - q1; all for a negative f
chauvenet      within z sigma of the mean, again and again until none drops out; z as given, or such that of
               n normal values half a one is farther (Chauvenet's criterion)
biweight       all; mean and sigma are the biweight location and scale (Tukey; Beers, Flynn & Gebhardt 1990,
               Astronomical Journal 100, 32), iterated from the median and 1.4826 median deviations
============== ==================================================================================

Definitions and parameters are those of CASA's image statistics.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from lattice.errors import LatticeRangeError, LatticeTypeError, suggest
from lattice.ops.sorting import middle_ranks

__all__ = ["ALGORITHMS", "BIWEIGHT", "CLASSIC", "Choice", "Data", "Rows", "biweight", "choice_of", "limits"]

Array = np.ndarray[Any, Any]

CLASSIC, HALF, HINGES, CHAUVENET, BIWEIGHT = "classic", "fit-half", "hinges-fences", "chauvenet", "biweight"
ALGORITHMS = (CLASSIC, HALF, HINGES, CHAUVENET, BIWEIGHT)
_OPTIONS = {
    CLASSIC: (),
    HALF: ("center", "lside"),
    HINGES: ("fence",),
    CHAUVENET: ("zscore", "maxiter"),
    BIWEIGHT: ("niter",),
}
_CENTERS = ("mean", "median", "zero")
_MOST = 1000  # rounds of chauvenet: each drops a value at least, and after some tens there is none to drop
_NORMAL = 1.482602218505602
REACH = 6.0  # of the biweight, in scales


@dataclass(frozen=True)
class Choice:
    """An algorithm and its parameters; the names are CASA's."""

    algorithm: str = CLASSIC
    fence: float = -1.0
    center: str = "mean"
    lside: bool = True
    zscore: float = -1.0
    maxiter: int = -1
    niter: int = 3


def choice_of(algorithm: str, options: dict[str, Any]) -> Choice:
    """Return a checked choice; options that are None have their defaults.

    Raises
    ------
    LatticeRangeError, LatticeTypeError
        For unknown names, options that belong to another algorithm, and numbers that make no sense.
    """
    name = _beginning(algorithm, ALGORITHMS, "algorithm")
    given = {key: value for key, value in options.items() if value is not None}
    for key in given:
        if not any(key in keys for keys in _OPTIONS.values()):
            known = [k for keys in _OPTIONS.values() for k in keys]
            raise LatticeTypeError(
                f"there is no parameter {key!r}",
                hint=suggest(key, known) or f"algorithms have {', '.join(known)}",
            )
        if key not in _OPTIONS[name]:
            owner = next(a for a, keys in _OPTIONS.items() if key in keys)
            raise LatticeTypeError(
                f"{key} is a parameter of the algorithm {owner}, not of {name}",
                hint=f"say algorithm={owner!r}",
            )
    if "center" in given:
        given["center"] = _beginning(given["center"], _CENTERS, "center")
    for key in ("fence", "zscore"):
        if key in given:
            given[key] = _number(given[key], key)
    for key in ("maxiter", "niter"):
        if key in given and (isinstance(given[key], bool) or not isinstance(given[key], int | np.integer)):
            raise LatticeTypeError(f"{key}={given[key]!r} is no whole number")
    return Choice(name, **given)


def _beginning(given: Any, names: tuple[str, ...], what: str) -> str:
    text = given.lower() if isinstance(given, str) else ""
    found = [name for name in names if text and name.startswith(text)]
    if len(found) != 1:
        raise LatticeRangeError(
            f"{what}={given!r}: "
            + (f"that may be {' or '.join(found)}" if found else f"there are {', '.join(names)}"),
            hint=suggest(text, names) if text else None,
        )
    return found[0]


def _number(given: Any, what: str) -> float:
    try:
        value = float(given)
    except (TypeError, ValueError):
        raise LatticeTypeError(f"{what}={given!r} is no number") from None
    if math.isnan(value):
        raise LatticeRangeError(f"{what} is no number")
    return value


class Data(Protocol):
    """Values of which some are asked; answers are arrays with one element per cell."""

    def moments(self, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return number, mean and standard deviation of the values in ranges, ends included."""

    def order(self, low: Array, high: Array, ranks: Callable[[int], tuple[int, ...]]) -> Array:
        """Return the means of the values in ranges that have the ranks."""

    def quartiles(self) -> tuple[Array, Array]:
        """Return the first and the third quartile of all values."""

    def distance(self, center: Array) -> Array:
        """Return the middle distance of all values from a centre."""

    def weighted(self, center: Array, scale: Array, reach: Array) -> tuple[Array, Array, Array, Array]:
        """Return the sums of the biweight about a centre.

        With u = (x - center)/(6 scale) and w = 1 - u^2, over the values nearer than six times `reach`: those
        of w^2 (x - center), of w^2, of (x - center)^2 w^4 and of w (5 w - 4).
        """


def first_quarter(n: int) -> tuple[int, ...]:
    """Return the rank of the first quartile of n values.

    >>> first_quarter(8), last_quarter(8), first_quarter(5), last_quarter(5)
    ((1,), (5,), (1,), (3,))
    """
    return (max(0, math.ceil(n / 4) - 1),)


def last_quarter(n: int) -> tuple[int, ...]:
    """Return the rank of the third quartile of n values."""
    return (max(0, math.ceil(3 * n / 4) - 1),)


def limits(data: Data, choice: Choice, cells: int) -> tuple[Array, Array, Array | None]:
    """Return the ranges of values that count, and centres at which they are mirrored.

    Parameters
    ----------
    data : Data
        The values.
    choice : Choice
        The algorithm.
    cells : int
        How many sets of values there are.
    """
    low, high = np.full(cells, -math.inf), np.full(cells, math.inf)
    if choice.algorithm == HALF:
        center = _center(data, choice.center, low, high)
        return (low, center, center) if choice.lside else (center, high, center)
    if choice.algorithm == HINGES and choice.fence >= 0:
        q1, q3 = data.quartiles()
        away = choice.fence * (q3 - q1)
        return q1 - away, q3 + away, None
    if choice.algorithm == CHAUVENET:
        return (*_chauvenet(data, choice, low, high), None)
    return low, high, None


def _center(data: Data, name: str, low: Array, high: Array) -> Array:
    if name == "mean":
        return data.moments(low, high)[1]
    return data.order(low, high, middle_ranks) if name == "median" else np.zeros(low.shape)


def _chauvenet(data: Data, choice: Choice, low: Array, high: Array) -> tuple[Array, Array]:
    n, mean, sigma = data.moments(low, high)
    rounds = min(_MOST, choice.maxiter + 1 if choice.maxiter >= 0 else _MOST)
    for _ in range(rounds):
        z = np.full(n.shape, choice.zscore) if choice.zscore >= 0 else farthest(n)
        new_low, new_high = mean - z * sigma, mean + z * sigma
        found = data.moments(new_low, new_high)
        changed = found[0] != n
        low, high = np.where(n > 0, new_low, low), np.where(n > 0, new_high, high)
        n, mean, sigma = found
        if not changed.any():
            break
    return low, high


def farthest(n: Array) -> Array:
    """Return how many sigma from the mean the farthest of n values may be, by Chauvenet's criterion.

    That is z where n erfc(z/sqrt 2) is 0.5, found as CASA does: halving intervals that begin and end at
    multiples of 0.5 until the whole part of 0.5/erfc(z/sqrt 2) is n.

    >>> farthest(np.array([5, 12, 1000])).tolist()
    [1.6875, 2.0625, 3.48095703125]
    """
    counts, which = np.unique(n, return_inverse=True)
    return np.array([_farthest(int(k)) for k in counts])[which]


@functools.cache
def _farthest(n: int) -> float:
    low, high = 0.0, 0.5
    while (reached := _normal_count(high)) < n:
        low, high = high, high + 0.5
    while reached != n:
        middle = (low + high) / 2
        reached = _normal_count(middle)
        if reached == n or not low < middle < high:
            return middle
        low, high = (low, middle) if reached > n else (middle, high)
    return high


def _normal_count(z: float) -> int:
    """Return of how many normal values half a one is farther than z sigma from the mean."""
    beyond = math.erfc(z / math.sqrt(2))
    return int(0.5 / beyond) if beyond > 0 else 1 << 62


def biweight(data: Data, choice: Choice, n: Array, median: Array) -> tuple[Array, Array]:
    """Return location and scale of sets of `n` values."""
    center = median
    scale = _NORMAL * data.distance(center)
    flat = ~(scale > 0)  # at least half of the values are the same
    scale = np.where(flat, 1.0, scale)

    def of(c: Array, s: Array, reach: Array) -> tuple[Array, Array]:
        moved, weight, squares, p = data.weighted(c, s, reach)
        p = np.abs(p)
        with np.errstate(all="ignore"):
            return c + moved / weight, np.sqrt(n * squares / (p * np.maximum(1, p - 1)))

    reach = scale
    location, scale = of(center, scale, reach)
    if choice.niter < 0:
        return np.where(flat, center, location), np.where(flat, 0, scale)
    enough = 0.03 * np.sqrt(0.5 / np.maximum(n - 1, 1))
    done = flat | ~(scale > 0)
    for _ in range(choice.niter):
        if done.all():
            break
        safe = np.where(done, 1.0, scale)
        moved = np.where(done, center, of(center, safe, reach)[0])
        new = np.where(done, scale, of(moved, safe, reach)[1])
        settled = np.abs(1 - new / safe) < enough
        center, scale, done = moved, new, done | settled | ~(new > 0)
        # as CASA has it, the first round still reaches as far as the start did
        reach = np.where(done, 1.0, scale)
    return center, np.where(flat, 0, scale)


class Rows:
    """Sorted rows of values, the bad ones at their ends, as `Data`; and what statistics come of a choice."""

    def __init__(self, rows: Array, n: Array, choice: Choice) -> None:
        self.rows = rows.astype(np.float64)
        self.n = np.asarray(n)
        self.choice = choice
        self.index = np.arange(rows.shape[1])
        self._found: dict[str, Array] | None = None

    # -- as data ---------------------------------------------------------------------------------

    def _inside(self, low: Array, high: Array) -> tuple[Array, Array]:
        """Return numbers of the first value in each range and of the first beyond it."""
        good = self.index < self.n[:, None]
        start = np.count_nonzero((self.rows < low[:, None]) & good, axis=1)
        stop = np.count_nonzero((self.rows <= high[:, None]) & good, axis=1)
        return start, np.maximum(start, stop)

    def _sums(self, low: Array, high: Array, center: Array) -> tuple[Array, Array, Array]:
        """Return number, sum and sum of squares of the distances from a centre in ranges."""
        start, stop = self._inside(low, high)
        chosen = (self.index >= start[:, None]) & (self.index < stop[:, None])
        away = np.where(chosen, self.rows, center[:, None]) - center[:, None]
        return stop - start, away.sum(axis=1), (away * away).sum(axis=1)

    def moments(self, low: Array, high: Array) -> tuple[Array, Array, Array]:
        """Return number, mean and standard deviation in ranges."""
        start, stop = self._inside(low, high)
        # the middle value is near the mean, so nothing drowns
        near = self._at(np.minimum((start + stop) // 2, np.maximum(stop - 1, 0)))
        near = np.where(np.isfinite(near), near, 0)
        n, total, squares = self._sums(low, high, near)
        some = np.maximum(n, 1)
        m2 = np.maximum(squares - total * total / some, 0)
        return n, near + total / some, np.sqrt(m2 / np.maximum(n - 1, 1))

    def _at(self, places: Array) -> Array:
        return np.asarray(np.take_along_axis(self.rows, places[:, None], 1)[:, 0])

    def order(self, low: Array, high: Array, ranks: Callable[[int], tuple[int, ...]]) -> Array:
        """Return means of the values that have the ranks."""
        start, stop = self._inside(low, high)
        counts, which = np.unique(stop - start, return_inverse=True)
        table = np.array([(r[0], r[-1]) for r in (ranks(int(k)) or (0,) for k in counts)])
        places = np.minimum(start[:, None] + table[which], self.rows.shape[1] - 1)
        return 0.5 * self._at(places[:, 0]) + 0.5 * self._at(places[:, 1])

    def quartiles(self) -> tuple[Array, Array]:
        """Return the first and the third quartile of all values."""
        low, high = np.full(self.n.shape, -math.inf), np.full(self.n.shape, math.inf)
        return self.order(low, high, first_quarter), self.order(low, high, last_quarter)

    def distance(self, center: Array) -> Array:
        """Return the middle distance of all values from a centre."""
        infinite = np.full(self.n.shape, math.inf)
        return self._distance(-infinite, infinite, center)

    def _distance(self, low: Array, high: Array, center: Array) -> Array:
        start, stop = self._inside(low, high)
        chosen = (self.index >= start[:, None]) & (self.index < stop[:, None])
        away = np.where(chosen, np.abs(self.rows - center[:, None]), math.inf)
        away.sort(axis=1)
        one = Rows(away, stop - start, self.choice)
        infinite = np.full(self.n.shape, math.inf)
        return one.order(-infinite, infinite, middle_ranks)

    def weighted(self, center: Array, scale: Array, reach: Array) -> tuple[Array, Array, Array, Array]:
        """Return the sums of the biweight."""
        away = self.rows - center[:, None]
        near = (self.index < self.n[:, None]) & (np.abs(away) < REACH * reach[:, None])
        return sums_of_biweight(away, near, scale)

    # -- statistics ------------------------------------------------------------------------------

    def statistic(self, key: str) -> tuple[Array, Array]:
        """Return a statistic of the chosen values, and where it is defined."""
        if self._found is None:
            with np.errstate(all="ignore"):
                self._found = self._all()
        return self._found[key], self._found["npts"] > 0

    def _all(self) -> dict[str, Array]:
        cells = len(self.n)
        if self.choice.algorithm == BIWEIGHT:
            everything = np.full(cells, math.inf)
            median = self.order(-everything, everything, middle_ranks)
            center, scale = biweight(self, self.choice, self.n, median)
            last = self._at(np.maximum(self.n - 1, 0))
            return {"mean": center, "sigma": scale, "npts": self.n, "min": self.rows[:, 0], "max": last}
        low, high, mirror = limits(self, self.choice, cells)
        start, stop = self._inside(low, high)
        n, mean, sigma = self.moments(low, high)
        m2 = sigma**2 * np.maximum(n - 1, 1)
        out = {
            "min": self._at(np.minimum(start, self.rows.shape[1] - 1)),
            "max": self._at(np.maximum(stop - 1, 0)),
        }
        if mirror is None:
            median = self.order(low, high, middle_ranks)
            out["medabsdevmed"] = self._distance(low, high, median)
            q1, q3 = (self.order(low, high, quarter) for quarter in (first_quarter, last_quarter))
            return out | summary(n, mean, m2) | {"median": median, "q1": q1, "q3": q3, "quartile": q3 - q1}
        out["medabsdevmed"] = self._distance(low, high, mirror)
        out |= mirrored_summary(n, mean, m2, mirror)
        q1, q3 = mirrored_quarters(lambda ranks: self.order(low, high, ranks), self.choice.lside, mirror)
        out |= {"median": mirror, "q1": q1, "q3": q3, "quartile": q3 - q1}
        return out | mirrored_ends(out["min"], out["max"], self.choice.lside, mirror)


def sums_of_biweight(away: Array, near: Array, scale: Array) -> tuple[Array, Array, Array, Array]:
    """Return the sums that `Data.weighted` returns, of distances from a centre, where those are near."""
    away = np.where(near, away, 0)
    w = np.where(near, 1 - np.square(away / (REACH * scale[:, None])), 0)
    w2 = w * w
    return (
        np.sum(w2 * away, axis=1),
        np.sum(w2, axis=1),
        np.sum(np.square(away * w2), axis=1),
        np.sum(w * (5 * w - 4), axis=1),
    )


def summary(n: Any, mean: Any, m2: Any) -> dict[str, Any]:
    """Return the statistics that follow from number, mean and sum of squared distances from it."""
    squares = m2 + n * mean * mean
    some = np.maximum(n, 1)
    return {
        "npts": n,
        "sum": n * mean,
        "sumsq": squares,
        "mean": mean,
        "sigma": np.sqrt(m2 / np.maximum(n - 1, 1)),
        "rms": np.sqrt(squares / some),
    }


def mirrored_summary(n: Any, mean: Any, m2: Any, center: Any) -> dict[str, Any]:
    """Return the same of values and their mirror images."""
    away = m2 + n * (mean - center) ** 2
    return summary(2 * n, center, 2 * away)


def mirrored_quarters(order: Callable[[Any], Any], lside: bool, center: Any) -> tuple[Any, Any]:
    """Return the quartiles of n values and their mirror images; `order` gives ranks among the n."""

    def near(n: int) -> tuple[int, ...]:  # of 2 n values the first quartile is the rank ceil(n/2) - 1
        k = max(0, math.ceil(n / 2) - 1)
        return (k if lside else max(0, n - 1 - k),)

    def far(n: int) -> tuple[int, ...]:
        k = math.ceil(3 * n / 2) - 1
        return (max(0, 2 * n - 1 - k) if lside else max(0, k - n),)

    a, b = order(near), order(far)
    return (a, 2 * center - b) if lside else (2 * center - a, b)


def mirrored_ends(low: Any, high: Any, lside: bool, center: Any) -> dict[str, Any]:
    """Return the extremes of values and their mirror images."""
    return {"min": low, "max": 2 * center - low} if lside else {"min": 2 * center - high, "max": high}
