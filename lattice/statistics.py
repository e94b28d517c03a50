"""Statistics of images, computed together: in one pass, and a sample of the pixels for the robust ones.

The definitions are those of CASA's imstat, over the good pixels:

============== =============================================================================
npts           number of good pixels
sum, sumsq     sum of the values and of their squares, accumulated in double precision
mean           sum / npts
sigma          standard deviation with npts - 1; 0 for a single pixel
rms            square root of sumsq / npts
min, max       extremes
minpos, maxpos where they are first met, as an index of the image (slowest axis first)
minposf, ...   the same in world coordinates, as CASA writes them: text, the fastest axis first
blc, trc       first and last pixel of the box around what was asked for, indices of the image
blcf, trcf     the same in world coordinates
flux           flux density: of brightness per beam sum / beam area, of K sum times pixel area in arcsec2; if
               it is summed along a spectral axis too, times the width of a channel (km/s at the reference,
               Hz without a rest frequency); None where there is none
median         middle value, of an even number the mean of the two in the middle
medabsdevmed   median of abs(value - median)
q1, q3         values number ceil(npts / 4) and ceil(3 npts / 4) of the sorted ones
quartile       q3 - q1
============== =============================================================================

Which of the good pixels count is chosen by an algorithm, see `lattice.ops.selection`; mirror images are
pixels for all of these then.

The function ``median`` of the language differs for even numbers above 100, of which it takes the lower of the
two values in the middle, as casacore does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.errors import LatticeTypeError, suggest
from lattice.graph.node import Node
from lattice.graph.types import is_bool, is_complex
from lattice.image.flux import divided, flux_scale
from lattice.image.make import Parts, in_memory
from lattice.image.operators import axes_of
from lattice.image.places import corners, place_text, shifted
from lattice.image.units import node_with_unit
from lattice.image.whole import wholes
from lattice.ops.selection import BIWEIGHT, Choice, choice_of
from lattice.ops.selection import CLASSIC as ALL

if TYPE_CHECKING:
    from lattice.image.pixels import ImagePixels

__all__ = ["CLASSIC", "KEYS", "ROBUST", "Statistics", "stat", "statistics"]

CLASSIC = ("npts", "sum", "sumsq", "mean", "sigma", "rms", "min", "max", "minpos", "maxpos")
ROBUST = ("median", "medabsdevmed", "q1", "q3", "quartile")
_TEXTS = ("minposf", "maxposf", "blcf", "trcf")
_BOX = ("blc", "trc", "blcf", "trcf")
KEYS = (*CLASSIC, *ROBUST, "flux", "blc", "trc", *_TEXTS)
_POSITIONS = ("minpos", "maxpos", "minposf", "maxposf")
_OF_BIWEIGHT = ("npts", "mean", "sigma", "min", "max", *_POSITIONS, *_BOX)
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
    flux_unit : str
        Unit of the flux, "" without one.
    """

    def __init__(
        self,
        values: Mapping[str, Any],
        unit: str = "",
        dims: tuple[str, ...] = (),
        again: _Again | None = None,
        flux_unit: str = "",
    ) -> None:
        self._values = dict(values)
        self._again = again
        self.unit = unit
        self.dims = dims
        self.flux_unit = flux_unit

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
        return (Statistics, (self._values, self.unit, self.dims, self._again, self.flux_unit))

    def compute(self) -> Statistics:
        """Return the same statistics with their images in memory, computed together in one pass."""
        if self._again is None:
            return self
        values = self._again.computed(self._values, self.dims)
        return Statistics(values, self.unit, self.dims, None, self.flux_unit)

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
        if hasattr(value, "node") or isinstance(value, str) or key == "npts":
            return str(value)
        unit = self.flux_unit if key == "flux" else self.unit
        shown = f"({unit})^2" if key == "sumsq" and unit else unit
        return f"{value:.9g} {shown}".rstrip()


# -- what is wanted ---------------------------------------------------------------------------------------


def stat(
    *images: Any,
    keys: str | Iterable[str] | None = None,
    robust: bool = False,
    include: Any = None,
    exclude: Any = None,
    algorithm: str = ALL,
    **parameters: Any,
) -> list[Statistics]:
    """Return statistics of several images, those of one shape computed in the same passes.

    Parameters
    ----------
    *images : Image, array or path
        The images; what they have in common is read once.
    keys, robust, include, exclude, algorithm, **parameters
        As for `Image.statistics`.

    Returns
    -------
    list of Statistics
        One for each image.

    Examples
    --------
    >>> import numpy as np
    >>> import lattice
    >>> a = lattice.Image(np.arange(6.0))
    >>> [found.mean for found in lattice.stat(a, a * 2)]
    [2.5, 5.0]
    """
    from lattice.api import opened

    choice = choice_of(algorithm, parameters)
    jobs = [_Job(image, image, keys, robust, choice, include, exclude) for image in map(opened, images)]
    return _whole(jobs)


def statistics(
    image: ImagePixels,
    keys: str | Iterable[str] | None = None,
    *,
    robust: bool = False,
    dims: Any = None,
    inside: ImagePixels | None = None,
    include: Any = None,
    exclude: Any = None,
    algorithm: str = ALL,
    **parameters: Any,
) -> Statistics:
    """Return statistics of an image; see `Image.statistics`. `inside` is the image it was cut from."""
    choice = choice_of(algorithm, parameters)
    job = _Job(image, image if inside is None else inside, keys, robust, choice, include, exclude)
    axes = () if dims is None or not image.shape else axes_of(image, dims)
    if len(axes) in (0, image.ndim):
        return _whole([job])[0]
    return _over(job, axes)


class _Job:
    """What is wanted of one image."""

    def __init__(
        self,
        image: Any,
        inside: Any,
        keys: str | Iterable[str] | None,
        robust: bool,
        choice: Choice,
        include: Any,
        exclude: Any,
    ) -> None:
        from lattice.image.reduce import ranged

        self.image, self.inside, self.choice = image, inside, choice
        dtype = image.dtype
        if is_bool(dtype):
            raise LatticeTypeError(
                "truth values have no statistics",
                hint="count them with ntrue() and nfalse(), or make them numbers with iif()",
            )
        keys = keys if keys is None or isinstance(keys, str) else tuple(keys)
        keys = "all" if keys == ("all",) else keys
        self.given = keys not in (None, "all")
        self.keys = _wanted(keys, robust, choice)
        if is_complex(dtype) and (set(self.keys) & set(ROBUST) or choice.algorithm != ALL):
            if keys != "all" or choice.algorithm != ALL:
                raise LatticeTypeError(
                    "complex values have no order, so no robust statistics",
                    hint="take those of abs(x), real(x) or imag(x)",
                )
            self.keys = tuple(k for k in self.keys if k not in ROBUST)
        if choice.algorithm != ALL and not image.shape:
            raise LatticeTypeError(f"the algorithm {choice.algorithm} needs an image, not a single number")
        self.node: Node = ranged(image.node, include, exclude, False)

    @property
    def asked(self) -> set[str]:
        """The keys that are computed of pixels."""
        more = {"flux": "sum", "minposf": "minpos", "maxposf": "maxpos"}
        return {more.get(k, k) for k in self.keys} - set(_BOX)


def _wanted(keys: str | Iterable[str] | None, robust: bool, choice: Choice) -> tuple[str, ...]:
    known = _OF_BIWEIGHT if choice.algorithm == BIWEIGHT else KEYS
    if keys is None:
        chosen = CLASSIC + ROBUST if robust else CLASSIC
        return tuple(k for k in chosen if k in known)
    wanted = (keys,) if isinstance(keys, str) else tuple(keys)
    if wanted == ("all",):
        return known
    for key in wanted:
        if key not in known:
            why = f" of the algorithm {BIWEIGHT}" if key in KEYS else ""
            hint = suggest(key, known) or "there are: " + ", ".join(known)
            raise LatticeTypeError(f"there is no statistic {key!r}{why}", hint=hint)
    return wanted + (tuple(k for k in ROBUST if k not in wanted and k in known) if robust else ())


# -- of whole images --------------------------------------------------------------------------------------


def _whole(jobs: list[_Job]) -> list[Statistics]:
    choice = jobs[0].choice if jobs else Choice()
    found = wholes([job.node for job in jobs], [job.asked for job in jobs], choice)
    return [_completed(job, values) for job, values in zip(jobs, found, strict=True)]


def _completed(job: _Job, values: dict[str, Any]) -> Statistics:
    """Return statistics with the positions in the image that was asked, and what follows from them."""
    image, wanted = job.image, set(job.keys)
    for key in ("minpos", "maxpos"):
        if values.get(key) is not None:
            values[key] = shifted(values[key], image, job.inside)
    if wanted & set(_BOX):
        values["blc"], values["trc"] = corners(image, job.inside)
    for key in wanted & set(_TEXTS):
        values[key] = place_text(job.inside, values[key[:-1]])
    unit = ""
    if "flux" in wanted:
        scale = flux_scale(image.node, tuple(range(image.ndim)))
        values["flux"] = None
        if scale is not None:
            values["flux"], unit = float(values["sum"] * scale[0].ravel()[0]), scale[1]
    return Statistics({key: values[key] for key in job.keys}, image.unit, flux_unit=unit)


# -- over some dims ---------------------------------------------------------------------------------------


def _over(job: _Job, axes: tuple[int, ...]) -> Statistics:
    """Return lazy images of statistics over axes, and the corners of the box."""
    image, keys = job.image, job.keys
    if not job.given:
        keys = tuple(key for key in keys if key not in _POSITIONS)
    refused = [key for key in keys if key in _POSITIONS]
    if refused:
        raise LatticeTypeError(
            f"{' and '.join(refused)}: positions are known for the whole image only",
            hint="leave out the dims, or take one cut after the other",
        )
    values: dict[str, Any] = {}
    box: dict[str, Any] = {}
    unit = ""
    for key in keys:
        if key in _BOX:
            box.update(zip(("blc", "trc"), corners(image, job.inside), strict=True))
            values[key] = box[key] if key in box else place_text(job.inside, box[key[:-1]])
        elif key == "flux":
            scale = flux_scale(image.node, axes)
            values[key] = None
            if scale is not None:
                values[key], unit = _flux(job, axes, scale), scale[1]
        else:
            values[key] = image._derive(_along(job.node, key, axes, job.choice))
    names = tuple(image.dims[a] for a in axes)
    return Statistics(values, image.unit, names, _Again(image, job.node, job.choice), unit)


def _along(x: Node, key: str, axes: tuple[int, ...], choice: Choice) -> Node:
    from lattice.graph.types import DOUBLE
    from lattice.ops.collapse import Collapse, collapse

    if choice.algorithm == ALL:
        return collapse(x, _ALONG.get(key, key), axes)
    node: Node = Collapse(
        (x,), ("selected", key, choice), axes, DOUBLE, "" if key == "npts" else x.attrs.unit
    )
    return node


def _flux(job: _Job, axes: tuple[int, ...], scale: tuple[np.ndarray, str]) -> Any:
    total = _along(job.node, "sum", axes, job.choice)
    return job.image._derive(
        node_with_unit(divided(total, job.image.node.attrs, axes, 1 / scale[0]), scale[1])
    )


class _Again:
    """What statistics over dims are computed from, all of them together."""

    def __init__(self, image: Any, node: Node, choice: Choice) -> None:
        self.image, self.node, self.choice = image, node, choice

    def computed(self, images: Mapping[str, Any], dims: tuple[str, ...]) -> dict[str, Any]:
        """Return images of statistics in memory, computed in one pass; other values as they are."""
        from lattice.execute.run import compute
        from lattice.graph.types import DOUBLE
        from lattice.ops.collapse import Statistics as Joined
        from lattice.ops.collapse import statistics as join

        axes = axes_of(self.image, dims)
        lazy = {key: v for key, v in images.items() if hasattr(v, "node")}
        names = list(dict.fromkeys("sum" if key == "flux" else key for key in lazy))
        if not names:
            return dict(images)
        if self.choice.algorithm == ALL:
            joint = join(self.node, [_ALONG.get(key, key) for key in names], axes)
        else:
            joint = Joined((self.node,), tuple(("selected", key, self.choice) for key in names), axes, DOUBLE)
        found = compute(joint)
        out = dict(images)
        for key, image in lazy.items():
            i = names.index("sum" if key == "flux" else key)
            mask = None if found.mask is None else found.mask[i]
            values = found.values[i]
            if key == "flux":
                scale = flux_scale(self.image.node, axes)
                assert scale is not None  # else there was no such image
                values = values * scale[0].reshape([n for a, n in enumerate(scale[0].shape) if a not in axes])
            values = np.ascontiguousarray(values.astype(image.dtype, copy=False))
            node, _ = in_memory(values, mask if image.masked else None, image.node.attrs)
            out[key] = self.image._of(Parts(node, history=self.image.history))
        return out
