"""Statistics of images, computed together: one pass for the classic ones, two with the robust ones.

The definitions are those of CASA's imstat, over the good pixels:

============== =============================================================================
npts           number of good pixels
sum, sumsq     sum of the values and of their squares, accumulated in double precision
mean           sum / npts
sigma          standard deviation with npts - 1; 0 for a single pixel
rms            square root of sumsq / npts
min, max       extremes
minpos, maxpos where they are first met, as an index of the image (slowest axis first)
median         middle value, of an even number the mean of the two in the middle
medabsdevmed   median of abs(value - median)
q1, q3         values number ceil(npts / 4) and ceil(3 npts / 4) of the sorted ones
quartile       q3 - q1
============== =============================================================================

The function ``median`` of the language differs for even numbers above 100, of which it takes the lower of the
two values in the middle, as casacore does.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeTypeError, suggest
from lattice.functions.registry import lookup
from lattice.functions.states import Extrema, Moments
from lattice.graph.build import call
from lattice.graph.node import Literal, Node
from lattice.graph.types import is_bool, is_complex
from lattice.image.make import Parts, in_memory
from lattice.image.operators import axes_of

if TYPE_CHECKING:
    from lattice.image.pixels import ImagePixels

__all__ = ["CLASSIC", "ROBUST", "Statistics", "statistics"]

CLASSIC = ("npts", "sum", "sumsq", "mean", "sigma", "rms", "min", "max", "minpos", "maxpos")
ROBUST = ("median", "medabsdevmed", "q1", "q3", "quartile")
_POSITIONS = ("minpos", "maxpos")
_ALONG = {"median": "middle", "medabsdevmed": "middledev"}  # what they are called along some axes


class Statistics(Mapping[str, Any]):
    """Statistics by name: numbers for a whole image, or images over some of its dims.

    Numbers are Python numbers (complex ones of a complex image), positions are tuples; what is undefined,
    because no pixel is good, is NaN, a position None.

    Attributes
    ----------
    unit : str
        Unit of the image.
    dims : tuple of str
        Dims over which images of statistics were taken; () for the whole image.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        unit: str = "",
        dims: tuple[str, ...] = (),
        image: ImagePixels | None = None,
    ) -> None:
        self._values = dict(values)
        self._image = image
        self.unit = unit
        self.dims = dims

    def __getitem__(self, key: str) -> Any:
        try:
            return self._values[key]
        except KeyError:
            hint = suggest(str(key), self._values) or f"there are: {', '.join(self._values)}"
            raise KeyError(f"{key!r}; {hint}") from None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(f"there is no statistic {name!r}")
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Statistics, (self._values, self.unit, self.dims, self._image))

    def compute(self) -> Statistics:
        """Return the same statistics with their images in memory, computed together in one pass."""
        if self._image is None:
            return self
        axes = axes_of(self._image, self.dims)
        return Statistics(_together(self._image, self._values, axes), self.unit, self.dims)

    def to_xarray(self) -> Any:
        """Return statistics over dims as an xarray Dataset; undefined values are NaN."""
        import xarray

        computed = self.compute()
        variables = {key: (v.dims, v.filled()) if hasattr(v, "node") else v for key, v in computed.items()}
        return xarray.Dataset(variables, attrs={"units": self.unit} if self.unit else {})

    def __repr__(self) -> str:
        width = max((len(key) for key in self._values), default=0)
        heading = f"statistics over {', '.join(self.dims)}:\n" if self.dims else ""
        return heading + "\n".join(f"{key:<{width}}  {self.text(key)}" for key in self._values)

    def _repr_html_(self) -> str:
        import html

        rows = "".join(
            f"<tr><th>{key}</th><td>{html.escape(self.text(key))}</td></tr>" for key in self._values
        )
        return f"<table>{rows}</table>"

    def text(self, key: str) -> str:
        """Return one statistic as text for people, with its unit."""
        value = self._values[key]
        if value is None:
            return "undefined"
        if isinstance(value, tuple):
            return f"({', '.join(map(str, value))})"
        if hasattr(value, "node") or key == "npts":
            return str(value)
        shown = f"{value:.9g}"
        unit = f"({self.unit})^2" if key == "sumsq" else self.unit
        return f"{shown} {unit}" if self.unit else shown


def statistics(
    image: ImagePixels, keys: Iterable[str] | None = None, *, robust: bool = False, dims: Any = None
) -> Statistics:
    """Return statistics of an image; see `Image.statistics`."""
    wanted = _wanted(keys, robust)
    dtype = image.dtype
    if is_bool(dtype):
        raise LatticeTypeError(
            "truth values have no statistics",
            hint="count them with ntrue() and nfalse(), or make them numbers with iif()",
        )
    if is_complex(dtype) and set(wanted) & set(ROBUST):
        raise LatticeTypeError(
            "complex values have no order, so no robust statistics",
            hint="take those of abs(x), real(x) or imag(x)",
        )
    axes = () if dims is None or not image.shape else axes_of(image, dims)
    if len(axes) in (0, image.ndim):
        values = _of_whole(image.node, wanted)
        return Statistics({key: values[key] for key in wanted}, image.unit)
    if keys is None:
        wanted = tuple(key for key in wanted if key not in _POSITIONS)
    names = tuple(image.dims[a] for a in axes)
    return Statistics(_over(image, wanted, axes), image.unit, names, image)


def _wanted(keys: Iterable[str] | None, robust: bool) -> tuple[str, ...]:
    if keys is None:
        return CLASSIC + ROBUST if robust else CLASSIC
    wanted = (keys,) if isinstance(keys, str) else tuple(keys)
    for key in wanted:
        if key not in CLASSIC + ROBUST:
            hint = suggest(key, CLASSIC + ROBUST) or "there are: " + ", ".join(CLASSIC + ROBUST)
            raise LatticeTypeError(f"there is no statistic {key!r}", hint=hint)
    return wanted + (tuple(k for k in ROBUST if k not in wanted) if robust else ())


# -- of a whole image -------------------------------------------------------------------------------------


def _quarter(numerator: int) -> Any:
    return lambda n: (max(0, -(-numerator * n // 4) - 1),)


def _of_whole(node: Node, wanted: tuple[str, ...]) -> dict[str, Any]:
    from lattice.config import get_options
    from lattice.execute.measure import measure
    from lattice.execute.run import settled
    from lattice.ops.planes import middle_ranks
    from lattice.plan.stages import Measure

    options = get_options()
    (x,) = settled([node], options)
    if isinstance(x, Literal):
        return _of_scalar(x)
    asked: dict[str, Measure] = {}
    if set(wanted) & {"npts", "sum", "sumsq", "mean", "sigma", "rms"}:
        asked["moments"] = Measure(x, "moments")
    if set(wanted) & {"min", "max", "minpos", "maxpos"}:
        asked["extrema"] = Measure(x, "extrema")
    if set(wanted) & {"median", "medabsdevmed"}:
        asked["median"] = Measure(x, "order", ranks=middle_ranks)
    for key, numerator in (("q1", 1), ("q3", 3)):
        if set(wanted) & {key, "quartile"}:
            asked[key] = Measure(x, "order", ranks=_quarter(numerator))
    found = dict(zip(asked, measure(list(asked.values()), options), strict=True))
    out: dict[str, Any] = {}
    if "moments" in found:
        out |= _from_moments(found["moments"])
    if "extrema" in found:
        out |= _from_extrema(found["extrema"])
    out |= {key: _mean(found[key]) for key in ("median", "q1", "q3") if key in found}
    if "quartile" in wanted:
        out["quartile"] = out["q3"] - out["q1"]
    if "medabsdevmed" in wanted:
        out["medabsdevmed"] = math.nan
        if not math.isnan(out["median"]):
            far = Measure(_distance(x, out["median"]), "order", ranks=middle_ranks)
            out["medabsdevmed"] = _mean(measure([far], options)[0])
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


def _from_moments(m: Moments) -> dict[str, Any]:
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


def _from_extrema(e: Extrema) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, found in (("min", e.low), ("max", e.high)):
        out[key] = math.nan if found is None else _number(found[1])
        out[f"{key}pos"] = None if found is None else found[2]
    return out


def _of_scalar(x: Literal) -> dict[str, Any]:
    if x.value is None:
        return dict.fromkeys(CLASSIC + ROBUST, math.nan) | {
            "npts": 0,
            "sum": 0.0,
            "sumsq": 0.0,
            "minpos": None,
            "maxpos": None,
        }
    value = x.value.item()
    same = dict.fromkeys(("sum", "mean", "min", "max", "median", "q1", "q3"), value)
    spread = dict.fromkeys(("sigma", "medabsdevmed", "quartile"), 0.0)
    return same | spread | {"npts": 1, "sumsq": value * value, "rms": abs(value), "minpos": (), "maxpos": ()}


# -- over some dims ---------------------------------------------------------------------------------------


def _over(image: ImagePixels, wanted: tuple[str, ...], axes: tuple[int, ...]) -> dict[str, Any]:
    """Return lazy images of statistics over axes."""
    from lattice.ops.collapse import collapse

    refused = [key for key in wanted if key in _POSITIONS]
    if refused:
        raise LatticeTypeError(
            f"{' and '.join(refused)}: positions are known for the whole image only",
            hint="leave out the dims, or take one cut after the other",
        )
    return {key: image._derive(collapse(image.node, _ALONG.get(key, key), axes)) for key in wanted}


def _together(image: ImagePixels, images: Mapping[str, ImagePixels], axes: tuple[int, ...]) -> dict[str, Any]:
    """Return images of statistics in memory, computed in one pass."""
    from lattice.execute.run import compute
    from lattice.ops.collapse import statistics as join

    found = compute(join(image.node, [_ALONG.get(key, key) for key in images], axes))
    out: dict[str, Any] = {}
    for i, (key, lazy) in enumerate(images.items()):
        mask = None if found.mask is None else found.mask[i]
        values = np.ascontiguousarray(found.values[i].astype(lazy.dtype, copy=False))
        node, _ = in_memory(values, mask if lazy.masked else None, lazy.node.attrs)
        out[key] = image._of(Parts(node, history=image.history))
    return out
