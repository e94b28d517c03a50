"""What real CASA returned for calls of its tools and tasks, compared with what the same calls return here."""

from __future__ import annotations

import gzip
import json
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.compat.casa.installing import names
from tests import casa_describe

NUMBER = re.compile(r"[-+]?\d+\.?\d*(?:[eE][-+]?\d+)?")


def read(name: str) -> dict[str, Any]:
    """Return what CASA returned, by the names of the calls."""
    path = Path(__file__).parent / "data" / f"{name}.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def check(setup: str, call: str, theirs: Any, *, mended: bool) -> None:
    """Check that a call gives what CASA gave; what is mended must not: lists of mends stay honest."""
    ours = json.loads(json.dumps(casa_describe.run(setup, call, namespace())))
    if mended:
        with pytest.raises(AssertionError):
            agrees(theirs, ours)
    else:
        agrees(theirs, ours)


def namespace() -> dict[str, Any]:
    """Return tools and tasks by name, as CASA's shell has them."""
    from lattice.compat.casa import image

    return names() | {"image": image, "np": np, "os": os}


def agrees(theirs: Any, ours: Any) -> None:
    """Check that both are errors, or the same."""
    failed = [isinstance(one, dict) and "error" in one for one in (theirs, ours)]
    assert failed[0] == failed[1], (theirs, ours)
    if not failed[0]:
        same(casa_describe.decoded(theirs), casa_describe.decoded(ours), "")


def same(theirs: Any, ours: Any, where: str) -> None:
    """Check that two results are the same, with their types; numbers to single precision."""
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), where
        assert sorted(theirs) == sorted(ours), where
        if "good" in theirs and "pixels" in theirs:
            same_pixels(theirs, ours, where)
            for one in (theirs, ours):
                one["coords"] = {k: v for k, v in one["coords"].items() if k not in ("crpix", "crval")}
                one["coords"]["names"] = [name.lower() for name in one["coords"]["names"]]
                shape = one["pixels"].shape  # the step of an axis of one pixel means nothing
                one["coords"]["cdelt"] = np.where(np.array(shape) > 1, one["coords"]["cdelt"], 0.0)
        for key in set(theirs) - ({"pixels"} if "good" in theirs else set()):
            same(theirs[key], ours[key], f"{where}[{key!r}]")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), where
        assert len(theirs) == len(ours), (where, theirs, ours)
        for k, (a, b) in enumerate(zip(theirs, ours, strict=True)):
            same(a, b, f"{where}[{k}]")
    elif isinstance(theirs, np.ndarray):
        assert isinstance(ours, np.ndarray), (where, theirs, ours)
        assert (theirs.shape, theirs.dtype.kind) == (ours.shape, ours.dtype.kind), (where, theirs, ours)
        if theirs.dtype.kind == "U":
            same(theirs.tolist(), ours.tolist(), where)
        elif theirs.dtype.kind in "fc":
            np.testing.assert_allclose(ours, theirs, **tolerance(theirs, where), err_msg=where)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=where)
    elif isinstance(theirs, float):
        assert isinstance(ours, float), (where, theirs, ours)
        assert math.isclose(ours, theirs, rel_tol=2e-6, abs_tol=1e-12) or repr(ours) == repr(theirs), (
            where,
            theirs,
            ours,
        )
    elif isinstance(theirs, str):
        assert isinstance(ours, str), (where, theirs, ours)
        assert NUMBER.sub("#", ours) == NUMBER.sub("#", theirs), (where, theirs, ours)
        for a, b in zip(NUMBER.findall(theirs), NUMBER.findall(ours), strict=True):
            assert math.isclose(float(a), float(b), rel_tol=1e-5, abs_tol=2e-3), (where, theirs, ours)
    else:
        assert type(theirs) is type(ours), (where, theirs, ours)
        assert theirs == ours, where


_WORLD = re.compile("coords|ends|numeric|refval|incr|refpix|'value'|measure|quantity")


def tolerance(values: np.ndarray, where: str) -> dict[str, float]:
    """Return how far numbers may be apart: coordinates are exact, pixels of single precision.

    World coordinates are of all sizes in one array: nothing but their digits counts, up to what CASA loses
    when it inverts a projection (a fifth of a milliarcsecond).
    """
    if _WORLD.search(where):
        return {"rtol": 2e-9, "atol": 1e-10}
    finite = np.abs(values[np.isfinite(values)])
    top = float(finite.max()) if finite.size else 0.0
    return {"rtol": 3e-6, "atol": 2e-6 * min(top, 1e3)}


def same_pixels(theirs: dict[str, Any], ours: dict[str, Any], where: str) -> None:
    good = theirs["good"]
    assert theirs["pixels"].shape == ours["pixels"].shape, where
    assert ours["good"].shape == good.shape, where
    np.testing.assert_array_equal(ours["good"], good, err_msg=where)
    a, b = (np.where(good, one["pixels"], 0) for one in (theirs, ours))
    np.testing.assert_allclose(b, a, **tolerance(a, where), err_msg=where)
