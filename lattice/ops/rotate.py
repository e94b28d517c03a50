"""Images turned on the sky."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from lattice.coords.graft import plain_cards
from lattice.coords.system import CoordinateSystem
from lattice.errors import CoordinateError, LatticeRangeError
from lattice.graph.node import Node
from lattice.ops.regrid import regrid

__all__ = ["rotate"]


def rotate(x: Node, angle: float, *, method: str = "cubic") -> Node:
    """Return a lattice with its content turned about the reference pixel of the sky.

    Parameters
    ----------
    x : Node
        A lattice with sky coordinates.
    angle : float
        In degrees, counterclockwise in the plane of pixels.
    method : {"cubic", "linear", "nearest", "lanczos"}
        See `lattice.ops.resample.resample`.

    Returns
    -------
    Node
        Of the shape of x: corners are lost, and what comes from outside is bad. The coordinates are turned
        with the content, so that every source stays at its place on the sky; unit and beams stay.

    Raises
    ------
    CoordinateError
        When x has no sky axes.
    """
    coords: Any = x.attrs.coords
    if not math.isfinite(angle):
        raise LatticeRangeError(f"an angle is a finite number, not {angle!r}")
    if coords is None or not coords.has_sky:
        raise CoordinateError("only an image with sky coordinates is turned", hint="regrid() takes others")
    shape = x.attrs.shape or ()
    sky = [a for a, kind in enumerate(coords.kinds) if kind in ("longitude", "latitude")]
    target = _turned(coords, shape, angle)
    return regrid(x, target, shape, axes=sky, method=method)


def _turned(coords: CoordinateSystem, shape: tuple[int, ...], angle: float) -> CoordinateSystem:
    """Return coordinates of pixels turned about the reference pixel."""
    n = len(shape)
    lon, lat = (coords.axis_of(kind) for kind in ("longitude", "latitude"))
    assert lon is not None
    assert lat is not None
    # the plane of pixels: the faster axis is x, whatever it is on the sky
    numbers = sorted(n - a for a in (lon, lat))
    cards = plain_cards(coords.to_cards(shape))
    known = {key: value for key, value, _ in cards}
    matrix = np.array(
        [[float(known.get(f"PC{i}_{j}", float(i == j))) for j in numbers] for i in numbers], dtype=float
    )
    if not any(key.startswith("PC") for key in known) and (
        rota := float(known.get(f"CROTA{numbers[1]}", 0.0))
    ):
        i, j = numbers
        ratio = float(known.get(f"CDELT{j}", 1.0)) / float(known.get(f"CDELT{i}", 1.0))
        c, s = math.cos(math.radians(rota)), math.sin(math.radians(rota))
        matrix = np.array([[c, -s * ratio], [s / ratio, c]])
    turn = math.radians(angle)
    c, s = math.cos(turn), math.sin(turn)
    matrix = matrix @ np.array([[c, s], [-s, c]])
    names = {f"PC{i}_{j}" for i in numbers for j in numbers} | {f"CROTA{i}" for i in numbers}
    kept = [card for card in cards if card[0] not in names]
    for i, row in zip(numbers, matrix, strict=True):
        kept += [(f"PC{i}_{j}", float(v), "") for j, v in zip(numbers, row, strict=True)]
    made = CoordinateSystem.from_header(kept, shape)
    axes = tuple(replace(a, name=b.name) for a, b in zip(made.axes, coords.axes, strict=True))
    return replace(made, axes=axes, table=_table(coords, shape), _hash=None)


def _table(coords: CoordinateSystem, shape: tuple[int, ...]) -> tuple[float, ...]:
    spectral = coords.axis_of("spectral")
    if spectral is None or not coords.table:
        return ()
    found = coords.frequencies(shape[spectral])
    return () if found is None else tuple(float(f) for f in found)
