"""Random images written here, read and copied by casacore, and read here again: every part stays."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lattice.graph.sections import full
from lattice.io.base import Stored
from lattice.io.casa.image import CasaFormat
from lattice.testing.base import write_sample
from lattice.testing.samples import PARTS, Sample, alike, make_sample

pytestmark = pytest.mark.oracle
ci = pytest.importorskip("casacore.images")


@st.composite
def images(draw: st.DrawFn) -> tuple[Sample, dict[str, Any]]:
    """Images of all types and up to five axes with any parts, and options of the format."""
    ndim = draw(st.integers(1, 5))
    shape = tuple(draw(st.lists(st.integers(1, 12), min_size=ndim, max_size=ndim)))
    # the beams of samples shrink from plane to plane
    possible = [p for p in PARTS if ndim == 4 or p not in ("coords", "beams")]
    if min(shape[-2:]) < 3:
        possible.remove("regions")  # a triangle needs three corners
    if np.prod(shape[:-2]) > 24 and "beams" in possible:
        possible.remove("beams")
    parts = draw(st.lists(st.sampled_from(possible), unique=True))
    if "beams" in parts and "beam" in parts:
        parts.remove("beam")
    dtype = draw(st.sampled_from(["f4", "f8", "c8", "c16"]))
    sample = make_sample(dtype, shape, parts, seed=draw(st.integers(0, 1000)))
    options: dict[str, Any] = {"endian": draw(st.sampled_from(["little", "big"]))}
    if draw(st.booleans()):
        options["tile"] = tuple(draw(st.integers(1, n)) for n in shape)
    return sample, options


def parts_of(stored: Stored) -> dict[str, Any]:
    whole = full(stored.reader.shape)
    return {
        "values": stored.reader.read(whole),
        "masks": {name: reader.read(whole) for name, reader in stored.masks.items()},
        "default": stored.default_mask,
        "unit": stored.unit,
        "coords": stored.coords,
        "beams": stored.beams,
        "history": stored.history,
        "regions": stored.regions,
        "groups": stored.groups,
    }


def check_casacore(path: str, sample: Sample) -> None:
    """Compare what casacore sees in an image with what it is."""
    image = ci.image(path)
    values = image.getdata()
    good = np.ones(values.shape, bool) if sample.mask is None else sample.mask
    np.testing.assert_array_equal(values, sample.values)
    np.testing.assert_array_equal(image.getmask(), ~good)
    assert image.unit() == sample.spec.unit
    assert len(image.history()) == len(sample.spec.history)
    keys = {key for key, _, _ in sample.spec.meta} - {"OBJECT", "OBSERVER"}
    assert set(image.miscinfo()) == keys
    info = image.imageinfo()
    if len(sample.spec.beams) > 1:
        assert info["perplanebeams"]["nChannels"] * info["perplanebeams"]["nStokes"] == len(sample.spec.beams)
    else:
        assert ("restoringbeam" in info) == bool(sample.spec.beams)
    names = image.attrgroupnames()
    assert sorted(names) == sorted(sample.spec.groups)
    for name in names:
        assert sorted(image.attrnames(name)) == sorted(sample.spec.groups[name])
    if all(n > 1 for n in sample.spec.shape):
        image.toworld([0.5] * len(sample.spec.shape))


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(made=images())
def test_random_images_are_the_same_there_and_back(made: tuple[Sample, dict[str, Any]]) -> None:
    sample, options = made
    form = CasaFormat()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = str(Path(folder, "ours.image")), str(Path(folder, "theirs.image"))
        write_sample(form, ours, sample, options)
        check_casacore(ours, sample)
        ci.image(ours).saveas(theirs)
        a, b = parts_of(form.open(ours)), parts_of(form.open(theirs))
    np.testing.assert_array_equal(a["values"], sample.values)
    np.testing.assert_array_equal(b["values"], a["values"])
    for name, mask in a["masks"].items():
        np.testing.assert_array_equal(mask, sample.masks.get(name, sample.mask))
    # casacore copies the default mask only and no regions, and adds a line to the log
    if a["default"] is not None:
        np.testing.assert_array_equal(b["masks"][b["default"]], a["masks"][a["default"]])
    assert [str(line) for line in b["history"]][: len(a["history"])] == [str(line) for line in a["history"]]
    assert set(b["groups"]) == set(a["groups"])
    for name, group in a["groups"].items():
        assert alike(b["groups"][name], group)
    assert a["regions"] == sample.spec.regions
    assert b["unit"] == a["unit"]
    np.testing.assert_allclose(b["beams"], a["beams"], rtol=1e-12)
    assert b["coords"].kinds == a["coords"].kinds
    ours_cards, their_cards = ({k: v for k, v, _ in p["coords"].header} for p in (a, b))
    assert set(their_cards) - set(ours_cards) <= {"LONPOLE", "LATPOLE"}  # casacore writes the defaults
    for key, value in ours_cards.items():
        found = their_cards[key]
        assert found == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), key
