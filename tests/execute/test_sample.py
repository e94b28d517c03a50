"""Samples: the good values of small sections are those that computing the whole gives."""

from __future__ import annotations

import numpy as np
import pytest

import lattice
from lattice.execute import sample
from lattice.execute.order import sample_sections
from lattice.execute.sample import good_values
from lattice.plan.program import lower
from lattice.regions import PixelBox, PixelEllipsoid

SHAPE = (4, 60, 50)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[str, lattice.Image]:
    path = tmp_path_factory.mktemp("samples")
    rng = np.random.default_rng(5)
    made = {}
    for name, dtype in (("a", np.float32), ("b", np.float64)):
        values = rng.normal(size=SHAPE).astype(dtype)
        values[rng.random(SHAPE) < 0.1] = np.nan
        lattice.Image(values).save(str(path / f"{name}.fits"))
        made[name] = lattice.open(str(path / f"{name}.fits"))
    made["m"] = lattice.Image(rng.normal(size=SHAPE), mask=rng.random(SHAPE) > 0.5)
    return made


def check(image: lattice.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = image.compute()
    good = np.ones(image.shape, bool) if whole.mask is None else whole.mask
    good = good & (whole.values == whole.values)
    program = lower([image.node, image.node], image.shape)
    sections = sample_sections(program.shape, program.shape, direct=True)
    for most in (1, 1 << 19):  # one by one, and all at once
        monkeypatch.setattr(sample, "_MOST", most)
        monkeypatch.setattr(sample, "_LEAST", 1)
        found = good_values(program, sections, 1000)
        assert len(found) == 2
        expected = [whole.values[section][good[section]] for section in sections]
        for values, sizes in found:
            np.testing.assert_array_equal(values, np.concatenate(expected))
            assert sizes.tolist() == [e.size for e in expected]


@pytest.mark.parametrize(
    "text", ["a", "a*b", "a[b>0]", "m+a", "2*sin(a)", "m", "a[index0 in [3:20]]", "isnan(a)", "a[a>100]"]
)
def test_samples_of_expressions(
    images: dict[str, lattice.Image], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {k: v for k, v in images.items() if k in text}
    check(lattice.expr(text, **names), monkeypatch)


def test_samples_of_cuts_and_regions(
    images: dict[str, lattice.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    a = images["a"]
    check(a[1:3, 5:50, ::-1], monkeypatch)
    check(a[:, ::2, 3:], monkeypatch)
    check(a[2], monkeypatch)
    for region in (PixelBox((1, 4, 3), (2, 40, 30)), PixelEllipsoid((2, 30, 25), (2, 20, 12))):
        check(a.subimage(region), monkeypatch)


def test_a_sample_of_nothing_good_is_empty() -> None:
    x = lattice.Image(np.full(SHAPE, np.nan), mask=np.zeros(SHAPE, bool))
    found = good_values(lower([x.node], SHAPE), sample_sections(SHAPE, SHAPE, direct=True), 1000)
    assert [(values.size, sizes.any()) for values, sizes in found] == [(0, False)]
