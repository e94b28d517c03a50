"""Statistics and histograms as CASA has them (tests/data/make_casa_reductions.py)."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from lattice import LatticeWarning
from lattice.statistics import KEYS
from tests.ops.casa_reductions import array, calls, dims_of, failures, image, name_of

_NUMBERS = set(KEYS) - {"minpos", "maxpos", "blc", "trc", "minposf", "maxposf", "blcf", "trcf"}
_PARAMETERS = ("algorithm", "center", "lside", "fence", "zscore", "maxiter", "niter")


def statistics_of(call: dict[str, Any]) -> tuple[Any, bool]:
    a = image(call["image"])
    dims = dims_of(call["image"], call["axes"])
    whole = len(dims) == a.ndim
    how = {k: call[k] for k in _PARAMETERS if k in call}
    how |= {k[:-3]: call[k] for k in ("includepix", "excludepix") if k in call}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LatticeWarning)  # about the beams of planes
        return a.statistics("all", dims=None if whole else dims, **how), whole


@pytest.mark.parametrize("call", calls("statistics"), ids=name_of)
def test_statistics_are_those_of_casa(call: dict[str, Any]) -> None:
    answer = call["answer"]
    found, whole = statistics_of(call)
    computed = found.compute()
    npts = array(answer["npts"])
    if npts.size == 0:  # CASA has empty arrays where nothing is good
        assert found["npts"] == 0
        return
    for key in _NUMBERS & set(answer):
        theirs = array(answer[key])
        ours = np.asarray(computed[key].filled(0) if hasattr(computed[key], "filled") else computed[key])
        theirs = np.where(npts > 0, theirs, 0).reshape(ours.shape if not whole else ())
        np.testing.assert_allclose(
            np.nan_to_num(ours), theirs, rtol=1e-6 if not whole else 2e-7, atol=1e-6, err_msg=key
        )
    assert set(answer) & {"blcf", "trcf"}
    assert (found["blcf"], found["trcf"]) == (answer["blcf"], answer["trcf"])
    assert found["trc"] == tuple(array(answer["trc"]))[::-1]
    if "flux" not in answer:
        assert found.get("flux") is None
    if whole and call.get("algorithm") != "biweight":  # of which CASA gives no positions
        for key in ("minpos", "maxpos"):
            theirs = answer.get(key)
            assert found[key] == (None if theirs is None else tuple(array(theirs))[::-1])
            assert found[f"{key}f"] == answer.get(f"{key}f")


def test_cells_without_good_pixels_end_casa_and_are_masked_here() -> None:
    for call in failures("statistics"):
        found, _ = statistics_of(call)
        npts = found.compute()["npts"].to_masked_array()
        assert 0 in npts.filled(0)
        assert set(found) & {"mean"}
