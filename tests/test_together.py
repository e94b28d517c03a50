"""Several images in one pass."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError, LatticeTypeError, OutputExistsError
from lattice.io.files import counting

RNG = np.random.default_rng(5)
CUBE = RNG.normal(size=(40, 30, 20)).astype("f4")


@pytest.fixture
def cube(tmp_path: Path) -> Image:
    Image(CUBE, unit="K").save(tmp_path / "cube.fits")
    return lattice.open(tmp_path / "cube.fits")


def test_compute_reads_once(cube: Image) -> None:
    with counting() as count:
        total, high, plus, maps = lattice.compute(cube.sum(), cube.max(), cube + 1, cube.mean(0))
    assert count.bytes == 3 * CUBE.nbytes  # scalars, the image, the map
    np.testing.assert_allclose(float(total), CUBE.sum(dtype="f8"), rtol=1e-5)
    assert float(high) == CUBE.max()
    np.testing.assert_array_equal(plus.values, CUBE + 1)
    np.testing.assert_allclose(maps.values, CUBE.mean(0), atol=1e-6)
    with counting() as count:
        assert plus.values.shape == CUBE.shape
    assert count.bytes == 0


def test_moments_of_one_call_take_one_pass(cube: Image, tmp_path: Path) -> None:
    maps = cube.moments([0, 1, 2, "max", "max_coord"], 0)
    with counting() as count:
        saved = lattice.save({tmp_path / f"m{k}.fits": image for k, image in maps.items()})
    written = {path.name: image for path, image in saved.items()}
    assert sorted(written) == ["m0.fits", "m1.fits", "m2.fits", "mmax.fits", "mmax_coord.fits"]
    assert CUBE.nbytes <= count.bytes < CUBE.nbytes + 5 * 6000  # and the headers of the new files
    np.testing.assert_array_equal(written["mmax_coord.fits"].values, CUBE.argmax(0))
    np.testing.assert_array_equal(written["m1.fits"].values, maps[1].values)


def test_outputs_of_several_kinds(cube: Image, tmp_path: Path) -> None:
    bright = cube[cube > 0]
    saved = lattice.save({tmp_path / "a.zarr": bright, tmp_path / "b.fits": cube * 2})
    np.testing.assert_array_equal(saved[tmp_path / "a.zarr"].to_masked_array().mask, CUBE <= 0)
    np.testing.assert_array_equal(saved[tmp_path / "b.fits"].values, CUBE * 2)


def test_nothing_is_written_when_one_fails(cube: Image, tmp_path: Path) -> None:
    (tmp_path / "b.fits").write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        lattice.save({tmp_path / "a.fits": cube, tmp_path / "b.fits": cube})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.fits", "cube.fits"]
    assert (tmp_path / "b.fits").read_bytes() == b"mine"


def test_what_is_no_image_is_refused(cube: Image) -> None:
    with pytest.raises(LatticeTypeError, match="is no image"):
        lattice.compute(cube, 3)  # type: ignore[arg-type]
    with pytest.raises(LatticeTypeError, match="dictionary"):
        lattice.save([cube])  # type: ignore[arg-type]


def test_each_image_has_a_path_of_its_own(
    cube: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LatticeError, match="two images would be written"):
        lattice.save({"a.fits": cube, "./a.fits": cube * 2})
    assert [p.name for p in tmp_path.iterdir()] == ["cube.fits"]
    with pytest.raises(LatticeError, match="a path is a text, not a NoneType"):
        cube.save(None)  # type: ignore[arg-type]
