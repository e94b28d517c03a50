"""Random numbers as a source of pixels: the same ones in whatever sections they are read."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lattice.errors import LatticeRangeError
from lattice.graph.sections import Section, shape_of

__all__ = ["DISTRIBUTIONS", "NoiseReader", "distribution_named"]

_RUN = 1 << 12  # pixels that are drawn together

Draw = Callable[[np.random.Generator, int], np.ndarray]


@dataclass(frozen=True)
class _Distribution:
    """How numbers are drawn, and which parameters make sense."""

    parameters: tuple[str, ...]
    fits: Callable[..., bool]
    needs: str
    draw: Callable[..., np.ndarray]


def _erlang(rng: np.random.Generator, n: int, mean: float, variance: float) -> np.ndarray:
    shape = max(1, round(mean * mean / variance))
    return np.sign(mean) * rng.gamma(shape, abs(mean) / shape, n)


def _lognormal(rng: np.random.Generator, n: int, mean: float, variance: float) -> np.ndarray:
    """Mean and variance are those of the numbers, not of their logarithms."""
    spread = math.log1p(variance / mean**2)
    return rng.lognormal(math.log(mean) - spread / 2, math.sqrt(spread), n)


def _hyperexponential(rng: np.random.Generator, n: int, mean: float, variance: float) -> np.ndarray:
    """Two exponential distributions in turn, which together have a mean and a variance."""
    share = 0.5 * (1 - math.sqrt((variance / mean**2 - 1) / (variance / mean**2 + 1)))
    first = rng.random(n) > share
    scale = np.where(first, mean / (2 * (1 - share)), mean / (2 * share))
    return scale * rng.standard_exponential(n)


DISTRIBUTIONS: dict[str, _Distribution] = {
    "binomial": _Distribution(
        ("n", "p"),
        lambda n, p: n >= 1 and n == int(n) and 0 <= p <= 1,
        "n is a whole number above 0, p is from 0 to 1",
        lambda rng, size, n, p: rng.binomial(int(n), p, size),
    ),
    "discreteuniform": _Distribution(
        ("low", "high"),
        lambda low, high: low < high,
        "low is below high",
        lambda rng, size, low, high: rng.integers(math.ceil(low), math.floor(high), size, endpoint=True),
    ),
    "erlang": _Distribution(
        ("mean", "variance"),
        lambda mean, variance: mean != 0 and variance > 0,
        "the mean is not 0, the variance above 0",
        _erlang,
    ),
    "geometric": _Distribution(
        ("p",),
        lambda p: 0 < p <= 1,
        "p is above 0 and at most 1",
        lambda rng, size, p: rng.geometric(p, size) - 1,
    ),
    "hypergeometric": _Distribution(
        ("mean", "variance"),
        lambda mean, variance: mean != 0 and variance >= mean * mean,
        "the mean is not 0, nor is its square above the variance",
        _hyperexponential,
    ),
    "lognormal": _Distribution(
        ("mean", "variance"),
        lambda mean, variance: mean > 0 and variance > 0,
        "mean and variance are above 0",
        _lognormal,
    ),
    "negativeexponential": _Distribution(
        ("mean",), lambda mean: True, "", lambda rng, size, mean: mean * rng.standard_exponential(size)
    ),
    "normal": _Distribution(
        ("mean", "variance"),
        lambda mean, variance: variance >= 0,
        "the variance is not below 0",
        lambda rng, size, mean, variance: mean + math.sqrt(variance) * rng.standard_normal(size),
    ),
    "poisson": _Distribution(
        ("mean",),
        lambda mean: mean >= 0,
        "the mean is not below 0",
        lambda rng, size, mean: rng.poisson(mean, size),
    ),
    "uniform": _Distribution(
        ("low", "high"),
        lambda low, high: low < high,
        "low is below high",
        lambda rng, size, low, high: rng.uniform(low, high, size),
    ),
    "weibull": _Distribution(
        ("alpha", "beta"),
        lambda alpha, beta: alpha > 0 and beta > 0,
        "alpha and beta are above 0",
        lambda rng, size, alpha, beta: beta ** (1 / alpha) * rng.weibull(alpha, size),
    ),
}
"""Distributions by name. Those of mean and variance are of the numbers that are drawn; geometric counts the
failures before a success, hypergeometric is a mixture of two exponential ones, and beta of weibull is its
scale to the power of alpha."""


def distribution_named(name: str) -> str:
    """Return the name of a distribution, of which the beginning is given.

    Raises
    ------
    LatticeRangeError
        When none begins so, or several do.

    Examples
    --------
    >>> distribution_named("norm")
    'normal'
    """
    found = [known for known in DISTRIBUTIONS if known.startswith(name.strip().lower())]
    if len(found) != 1 or not name.strip():
        some = f"is the beginning of {', '.join(found)}" if found and name.strip() else "is not known"
        raise LatticeRangeError(
            f"the distribution {name!r} {some}", hint=f"there are {', '.join(DISTRIBUTIONS)}"
        )
    return found[0]


class NoiseReader:
    """Random numbers, independent of each other, as a source of pixels.

    Pixels are drawn in runs, in the order of memory, each from a generator of its own, known by the seed
    and the number of the run: what is read where does not depend on what else is read.

    Parameters
    ----------
    shape : tuple of int
        How many.
    dtype : dtype
        float32 or float64.
    kind : str
        One of `DISTRIBUTIONS`.
    parameters : sequence of float
        Of the distribution.
    seed : sequence of int
        Whole numbers that are not negative; the same ones give the same noise.

    Raises
    ------
    LatticeRangeError
        For parameters that make no sense, and another number of them.
    """

    __slots__ = ("dtype", "kind", "parameters", "seed", "shape", "token")

    direct = False

    def __init__(
        self, shape: Sequence[int], dtype: Any, kind: str, parameters: Sequence[float], seed: Sequence[int]
    ) -> None:
        known = DISTRIBUTIONS[kind]
        given = tuple(float(p) for p in parameters)
        if len(given) != len(known.parameters) or not all(math.isfinite(p) for p in given):
            raise LatticeRangeError(
                f"the {kind} distribution has the parameters {', '.join(known.parameters)}"
            )
        if not known.fits(*given):
            raise LatticeRangeError(f"no {kind} distribution has the parameters {list(given)}: {known.needs}")
        if any(s < 0 for s in seed):
            raise LatticeRangeError(f"the numbers of a seed are not negative: {list(seed)}")
        self.shape = tuple(int(n) for n in shape)
        self.dtype = np.dtype(dtype)
        self.kind, self.parameters, self.seed = kind, given, tuple(int(s) for s in seed)
        self.token = f"noise-{self.shape}{self.dtype}{kind}{given}{self.seed}"

    @property
    def label(self) -> str:
        """The distribution."""
        return f"{self.kind} noise"

    @property
    def tile(self) -> tuple[int, ...]:
        """About one run, along the fast axes."""
        left, out = _RUN, []
        for n in reversed(self.shape):
            out.append(max(1, min(n, left)))
            left //= out[-1]
        return tuple(reversed(out))

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Return the numbers of a section, as a new array or in `out`."""
        size = shape_of(section)
        places = np.zeros((1,) * len(size), np.int64)
        for axis, (n, s) in enumerate(zip(self.shape, section, strict=True)):
            along = np.arange(s.start, s.stop, s.step).reshape(-1, *(1,) * (len(size) - 1 - axis))
            places = places * n + along
        flat = places.ravel()
        runs = flat // _RUN
        starts = np.flatnonzero(np.diff(runs, prepend=-1))
        values = np.empty(flat.size, self.dtype)
        for first, last in zip(starts, [*starts[1:], flat.size], strict=True):
            run = int(runs[first])
            values[first:last] = self._run(run)[flat[first:last] - run * _RUN]
        if out is None:
            return values.reshape(size)
        out[...] = values.reshape(size)
        return out

    def _run(self, run: int) -> np.ndarray:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence((*self.seed, run))))
        return DISTRIBUTIONS[self.kind].draw(rng, _RUN, *self.parameters)

    def bytes_read(self, section: Section) -> int:
        """Return 0: nothing is read."""
        return 0

    def __dask_tokenize__(self) -> str:
        return self.token

    def __getstate__(self) -> tuple[Any, ...]:
        return (self.shape, self.dtype, self.kind, self.parameters, self.seed)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.__init__(*state)  # type: ignore[misc]

    def __repr__(self) -> str:
        return f"NoiseReader({self.kind!r}, {list(self.parameters)}, shape={self.shape})"
