"""Whether two results of a call are the same: types, keys, texts, and numbers as far as they are known."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

__all__ = ["agree"]

_NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


def agree(theirs: Any, ours: Any, rel: float = 1e-9, near: float = 1e-12, where: str = "result") -> None:
    """Check that two results are the same.

    Parameters
    ----------
    theirs, ours : any
        Records, lists, arrays, numbers, texts.
    rel : float, optional
        How far numbers may be apart, relatively; angles that differ by a turn are different.
    near : float, optional
        How far they may be apart in any case.
    where : str, optional
        What is compared, for messages.
    """
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), (where, theirs, ours)
        assert sorted(theirs) == sorted(ours), (where, sorted(theirs), sorted(ours))
        for key in theirs:
            agree(theirs[key], ours[key], rel, near, f"{where}[{key!r}]")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), (where, theirs, ours)
        assert len(theirs) == len(ours), (where, theirs, ours)
        for k, pair in enumerate(zip(theirs, ours, strict=True)):
            agree(*pair, rel, near, f"{where}[{k}]")
    elif isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), (where, theirs, ours)
        _agree_arrays(theirs, ours, rel, near, where)
    elif isinstance(theirs, float) and not isinstance(ours, bool):
        assert isinstance(ours, float), (where, theirs, ours)
        close = math.isclose(ours, theirs, rel_tol=rel, abs_tol=near)
        assert close or repr(ours) == repr(theirs), (where, theirs, ours)
    elif isinstance(theirs, str):
        assert isinstance(ours, str), (where, theirs, ours)
        assert theirs == ours or _near(theirs, ours, rel, near), (where, theirs, ours)
    else:
        assert type(theirs) is type(ours), (where, theirs, ours)
        assert theirs == ours, (where, theirs, ours)


def _agree_arrays(theirs: np.ndarray, ours: np.ndarray, rel: float, near: float, where: str) -> None:
    assert theirs.shape == ours.shape, (where, theirs, ours)
    if not theirs.size:  # an empty list of CASA's has any type
        return
    assert theirs.dtype.kind == ours.dtype.kind, (where, theirs, ours)
    if theirs.dtype.kind == "U":
        agree(theirs.ravel().tolist(), ours.ravel().tolist(), rel, near, where)
    elif theirs.dtype.kind in "fc":
        np.testing.assert_allclose(ours, theirs, rtol=rel, atol=near, err_msg=where)
    else:
        np.testing.assert_array_equal(ours, theirs, err_msg=where)


def _near(theirs: str, ours: str, rel: float, near: float) -> bool:
    """Tell whether texts differ in the last digits of their numbers alone."""
    if _NUMBER.sub("#", ours) != _NUMBER.sub("#", theirs):
        return False
    pairs = zip(_NUMBER.findall(theirs), _NUMBER.findall(ours), strict=True)
    return all(
        len(a) == len(b) and abs(float(a) - float(b)) <= max(rel * abs(float(a)), near, _last(a))
        for a, b in pairs
    )


def _last(number: str) -> float:
    """Return one unit of the last digit of a number, if it has digits enough for that to be rounding."""
    mantissa, _, power = number.lower().partition("e")
    decimals = len(mantissa.partition(".")[2])
    return 1.001 * 10.0 ** (int(power or 0) - decimals) if decimals >= 3 else 0.0
