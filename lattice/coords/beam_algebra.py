"""Beams as Gaussians: convolved, taken out of each other, and what they have in common.

A Gaussian on the sky is its matrix of second moments, in units in which the squares of the widths at half
maximum are the eigenvalues.  Convolving adds matrices; a beam can be smoothed to another one if the
difference has no negative eigenvalue (Wild 1970, Australian Journal of Physics 23, 113, has the same by
components).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lattice.errors import LatticeRangeError

__all__ = ["common_beam", "convolved", "deconvolved", "moments_of", "of_moments"]

Beam = tuple[float, float, float]

_SAME = 1e-9  # relative difference of areas below which beams are one
_NEGATIVE = 1e-10  # of the largest eigenvalue: what is no more negative than that is rounding


def moments_of(beam: Beam) -> np.ndarray:
    """Return the matrix of a beam, in square degrees; the first axis points east, the second one north.

    >>> moments_of((2.0, 1.0, 90.0)).round(12).tolist()
    [[4.0, 0.0], [0.0, 1.0]]
    """
    major, minor, angle = beam
    s, c = math.sin(math.radians(angle)), math.cos(math.radians(angle))
    turn = np.array([[s, c], [c, -s]])  # the major axis is (sin, cos) of the angle from north through east
    return np.asarray(turn @ np.diag([major * major, minor * minor]) @ turn.T)


def of_moments(matrix: np.ndarray) -> Beam:
    """Return the beam of a matrix: widths in degrees, and the position angle from -90 to 90 degrees.

    >>> [round(v, 9) for v in of_moments(moments_of((2.0, 1.0, -30.0)))]
    [2.0, 1.0, -30.0]
    """
    values, vectors = np.linalg.eigh(matrix)
    major, minor = math.sqrt(max(0.0, values[1])), math.sqrt(max(0.0, values[0]))
    if values[1] - values[0] <= 1e-12 * abs(values[1]):
        return major, minor, 0.0
    east, north = vectors[:, 1]
    angle = math.degrees(math.atan2(east, north))
    if angle <= -90:
        angle += 180
    elif angle > 90:
        angle -= 180
    return major, minor, angle


def convolved(a: Beam, b: Beam) -> Beam:
    """Return the beam that two make when one is convolved with the other.

    >>> [round(v, 9) for v in convolved((3.0, 3.0, 0.0), (4.0, 4.0, 0.0))]
    [5.0, 5.0, 0.0]
    """
    return of_moments(moments_of(a) + moments_of(b))


def deconvolved(target: Beam, beam: Beam) -> Beam | None:
    """Return the Gaussian that turns one beam into another when it is convolved with it.

    Parameters
    ----------
    target, beam : (float, float, float)
        Major and minor axis and position angle, in degrees.

    Returns
    -------
    (float, float, float) or None
        Of widths zero where both are the same; None where there is none. The minor axis may be zero.

    Examples
    --------
    >>> [round(v, 9) for v in deconvolved((5.0, 5.0, 0.0), (3.0, 3.0, 0.0))]
    [4.0, 4.0, 0.0]
    >>> deconvolved((5.0, 2.0, 0.0), (3.0, 3.0, 0.0)) is None
    True
    """
    rest = moments_of(target) - moments_of(beam)
    values = np.linalg.eigvalsh(rest)
    if values[0] < -_NEGATIVE * target[0] ** 2:
        return None
    if values[1] <= _SAME * target[0] ** 2:
        return (0.0, 0.0, 0.0)
    return of_moments(rest)


def common_beam(beams: Sequence[Beam]) -> Beam:
    """Return the beam of least area to which all of some beams can be smoothed.

    Parameters
    ----------
    beams : sequence of (float, float, float)
        At least one.

    Returns
    -------
    (float, float, float)
        One of them where all others can be smoothed to it. Of two the exact solution, in the coordinates in
        which one is round and the other along the axes; of more the ellipse of least area around all of them,
        found by a search.
    """
    distinct = list(dict.fromkeys(beams))
    if not distinct:
        raise LatticeRangeError("there are no beams to find a common one of")
    largest = max(distinct, key=lambda b: b[0] * b[1])
    if all(_fits(b, largest) for b in distinct):
        return largest
    matrices = [moments_of(b) for b in distinct]
    if len(distinct) == 2:
        return of_moments(_around_two(matrices[0], matrices[1]))
    return of_moments(_around(matrices))


def _fits(beam: Beam, target: Beam) -> bool:
    values = np.linalg.eigvalsh(moments_of(target) - moments_of(beam))
    return bool(values[0] >= -_NEGATIVE * target[0] ** 2)


def _around_two(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    root = np.linalg.cholesky(a)
    inverse = np.linalg.inv(root)
    values, vectors = np.linalg.eigh(inverse @ b @ inverse.T)
    back = root @ vectors
    return np.asarray(back @ np.diag(np.maximum(values, 1)) @ back.T)


def _around(matrices: Sequence[np.ndarray]) -> np.ndarray:
    """Return the matrix of the ellipse of least area, with the same centre, around several.

    Every shape has a least size at which it holds all; that size is a quasi-convex function of the two
    numbers of a shape (the logarithm of its matrix), so that a downhill search finds the least one.
    """
    from scipy.optimize import minimize

    stack = np.stack(matrices) / max(float(np.trace(m)) for m in matrices)

    def shape(p: np.ndarray) -> np.ndarray:
        size = float(np.hypot(*p))
        tail = math.sinh(size) / size if size else 1.0
        return math.cosh(size) * np.eye(2) + tail * np.array([[p[0], p[1]], [p[1], -p[0]]])

    def size(p: np.ndarray) -> float:
        inverse = shape(-np.asarray(p))
        half_trace = np.einsum("ij,kji->k", inverse, stack) / 2
        root = np.sqrt(np.maximum(half_trace**2 - np.linalg.det(stack), 0))
        return float(np.max(half_trace + root))

    start = np.zeros(2)
    for _ in range(4):  # begun again, as a simplex can shrink where the function has an edge
        found = minimize(size, start, method="Nelder-Mead", options={"xatol": 1e-12, "fatol": 1e-15})
        start = found.x
    return np.asarray(shape(start) * size(start) * max(float(np.trace(m)) for m in matrices))
