"""The images that the records of ``tests/data/lel_conformance.jsonl`` are about, made with numpy alone.

All are small ramps whose values are permuted, so that no order of pixels is like another.  Axes, shapes and
corners are in numpy order.  The records are measurements on casacore 3.8.1; their fields are explained in
``test_conformance.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

CUBE = ("spectral", "latitude", "longitude")
PLANE = ("latitude", "longitude")
HYPERCUBE = ("spectral", "stokes", "latitude", "longitude")


@dataclass(frozen=True)
class Stored:
    """An image with what is stored beside its pixels; mask True means good.

    `mask` is the default mask and has the name mask0; `masks` holds the others. `kinds` are the kinds of the
    axes, `frequencies` those of the channels in Hz.
    """

    values: np.ndarray
    mask: np.ndarray | None = None
    kinds: tuple[str, ...] = CUBE
    frequencies: tuple[float, ...] = ()
    unit: str = ""
    masks: dict[str, np.ndarray] = field(default_factory=dict)
    regions: dict[str, Outline] = field(default_factory=dict)


@dataclass(frozen=True)
class Outline:
    """A stored region: ``box`` and ``slicer`` have corners, an ``ellipsoid`` has centre and radii.

    A ``world box`` has corners on the axes `axes` of any lattice, a ``world polygon`` its corners in `x` and
    `y`.  Their positions are in pixels of the lattice at hand: of its coordinates only the kinds count.
    """

    kind: str
    first: tuple[int, ...] = ()
    last: tuple[int, ...] = ()
    step: tuple[int, ...] = ()
    centre: tuple[float, ...] = ()
    radii: tuple[float, ...] = ()
    axes: tuple[str, ...] = ()
    x: tuple[float, ...] = ()
    y: tuple[float, ...] = ()
    shape: tuple[int, ...] = (2, 3, 4)


def permuted(shape: tuple[int, ...], factor: int) -> np.ndarray:
    """Return the numbers from 0 to the size of the shape, in another order."""
    size = int(np.prod(shape))
    return ((np.arange(size) * factor) % size).reshape(shape)


def images() -> dict[str, Stored]:
    """Return all images by name."""
    made = {**_float_cubes(), **_other_types(), **_other_shapes(), **_for_statistics()}
    names = (
        "a-b",
        "3c",
        "c:d",
        "T",
        "in",
        "x y",
        "dot.im",
        "q'uote",
        "sin",
        "index2",
        "$v",
        "1e3",
        "pi",
        "a~b",
    )
    names += ("sub/x1", "not")
    for n, name in enumerate(names):
        made[name] = Stored((np.arange(12.0).reshape(3, 4) + n).astype("f4"), kinds=PLANE)
    return {name: _with_frequencies(stored) for name, stored in made.items()}


def _with_frequencies(stored: Stored) -> Stored:
    if "spectral" not in stored.kinds or stored.frequencies:
        return stored
    return Stored(
        stored.values, stored.mask, stored.kinds, (1.0e9, 1.5e9), stored.unit, stored.masks, stored.regions
    )


COUNT = np.arange(24).reshape(2, 3, 4)
ODD = COUNT % 2 == 1
SIGNED = (permuted((2, 3, 4), 7) - 10) / 4.0
POSITIVE = 0.5 + permuted((2, 3, 4), 5) / 8.0
FIFTHS = COUNT % 5 != 0
THIRDS = COUNT % 3 != 1
NOWHERE = np.zeros((2, 3, 4), bool)


def _float_cubes() -> dict[str, Stored]:
    with_nan = SIGNED.astype("f4")
    with_nan.flat[2::6] = np.nan
    with_nan.flat[[3, 7, 9]] = np.inf, -np.inf, -0.0
    without_inf = np.where(np.isinf(with_nan), np.float32(1), with_nan)
    large = np.ones((2, 3, 4), "f4")
    large.flat[0] = 2**24
    corner = {
        "box1": Outline("box", (1, 0, 0), (1, 2, 1)),
        "cut": Outline("box", (0, 1, 1), (1, 1, 3)),
    }
    return {
        "f1": Stored(SIGNED.astype("f4"), unit="Jy/beam", masks={"odd": ODD}, regions=_regions_of_f1()),
        "f2": Stored(POSITIVE.astype("f4"), unit="K"),
        "f3": Stored(
            (permuted((2, 3, 4), 5) + 1).astype("f4"),
            FIFTHS,
            masks={"odd": ODD, "low": COUNT < 12},
            regions=corner,
        ),
        "f4": Stored((permuted((2, 3, 4), 11) - 6).astype("f4"), THIRDS),
        "fx": Stored((COUNT + 1).astype("f4"), NOWHERE),
        "ft": Stored((COUNT + 1).astype("f4"), ~NOWHERE),
        "fn": Stored(with_nan, COUNT % 12 != 2),
        "fm": Stored(without_inf, COUNT % 6 != 2),
        "fnn": Stored(with_nan),
        "fbig": Stored(large),
        "o1": Stored((SIGNED + 1).astype("f4"), frequencies=(7.0e9, 9.0e9)),
        "w1": Stored((np.arange(30).reshape(2, 3, 5) / 2.0).astype("f4")),
    }


def _regions_of_f1() -> dict[str, Outline]:
    return {
        "box1": Outline("box", (0, 0, 1), (1, 1, 2)),
        "box2": Outline("box", (1, 1, 0), (1, 2, 2)),
        "box3": Outline("box", (0, 2, 3), (0, 2, 3)),
        "bfull": Outline("box", (0, 0, 0), (1, 2, 3)),
        "bother": Outline("box", (0, 1, 2), (1, 2, 6), shape=(2, 3, 7)),
        "sl1": Outline("slicer", (0, 0, 1), (0, 1, 2), (1, 1, 1)),
        "sl2": Outline("slicer", (0, 0, 0), (1, 2, 3), (1, 2, 2)),
        "ell": Outline("ellipsoid", centre=(0.5, 1.0, 1.5), radii=(1.2, 1.2, 1.6)),
        "wb1": Outline("world box", (0, 1), (1, 2), axes=PLANE),
        "wb2": Outline("world box", (1, 0), (2, 3), axes=PLANE),
        "wc1": Outline("world box", (1,), (1,), axes=("spectral",)),
        "wp1": Outline("world polygon", x=(-0.4, 3.4, -0.4), y=(-0.4, -0.4, 2.6)),
    }


def _other_types() -> dict[str, Stored]:
    sevenths = (permuted((2, 3, 4), 5) + 1) / 7.0
    return {
        "d1": Stored(SIGNED / 3.0),
        "d3": Stored(sevenths, THIRDS),
        "dx": Stored(COUNT + 0.5, NOWHERE),
        "c1": Stored((SIGNED + 1j * POSITIVE).astype("c8")),
        "c3": Stored((POSITIVE - 1j * SIGNED).astype("c8"), FIFTHS),
        "cx": Stored((COUNT + 1j).astype("c8"), NOWHERE),
        "z1": Stored(POSITIVE / 3.0 + 1j * SIGNED / 7.0),
        "z3": Stored(SIGNED / 3.0 - 1j * POSITIVE, THIRDS),
    }


def _other_shapes() -> dict[str, Stored]:
    twelve = np.arange(12).reshape(3, 4)
    fives, sevens = permuted((3, 4), 5), permuted((3, 4), 7)
    deep = permuted((2, 2, 3, 4), 7)
    channel = (3.0e9,)
    seventy = np.arange(70).reshape(2, 5, 7)
    binned = permuted((2, 5, 7), 3)
    hole = (seventy % 35 < 9) & (seventy % 7 < 2)
    return {
        "p1": Stored((fives + 0.25).astype("f4"), kinds=PLANE),
        "p3": Stored((sevens - 3).astype("f4"), twelve % 4 != 1, PLANE),
        "g1": Stored((fives - 2)[None].astype("f4"), frequencies=channel),
        "g3": Stored((sevens + 1)[None].astype("f4"), (twelve % 5 != 2)[None], frequencies=channel),
        "gd": Stored(fives[None] / 3.0, frequencies=channel),
        "h1": Stored(np.array([[[2.0]], [[-3.0]]], "f4")),
        "s1": Stored(np.array([10.0, 20.0], "f4"), kinds=("spectral",)),
        "t1": Stored(SIGNED.reshape(3, 2, 4).astype("f4"), kinds=("latitude", "spectral", "longitude")),
        "y1": Stored(SIGNED.astype("f4"), kinds=("stokes", "latitude", "longitude")),
        "q1": Stored((permuted((2, 2, 3, 4), 11) - 7).astype("f4"), kinds=HYPERCUBE),
        "q3": Stored(deep.astype("f4"), np.arange(48).reshape(deep.shape) % 7 != 3, HYPERCUBE),
        "u1": Stored(permuted((2, 3, 4), 5)[:, None].astype("f4"), kinds=HYPERCUBE),
        "r1": Stored(binned.astype("f4")),
        "r3": Stored((binned - 8).astype("f4"), (seventy % 4 != 0) & ~hole),
        "rc": Stored((binned + 1j * (seventy % 9)).astype("c8")),
    }


def _for_statistics() -> dict[str, Stored]:
    """Sizes around that where the median of an even number of values stops averaging."""
    shapes = {"n99": (3, 3, 11), "n100": (4, 5, 5), "n102": (2, 3, 17), "n240": (6, 10, 4)}
    made = {}
    for name, shape in shapes.items():
        channels = tuple(1.0e9 + 1.0e8 * n for n in range(shape[0]))
        made[name] = Stored(permuted(shape, 7919).astype("f4"), frequencies=channels)
    whole = made["n240"]
    made["n240m"] = Stored(whole.values, whole.values % 3 != 0, frequencies=whole.frequencies)
    return made
