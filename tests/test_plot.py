"""Previews: what is drawn, what is refused, and that there is a whole file or none."""

from __future__ import annotations

import builtins
import doctest
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice import plot
from lattice.errors import LatticeError, StorageError
from lattice.plot import STRETCHES, decimation, limits, preview
from lattice.plot import colours as colours_of

pytest.importorskip("matplotlib")

GREY = (0xB8, 0xB8, 0xB8)


def colours(path: Path) -> dict[tuple[int, ...], int]:
    """Return how many pixels of a picture have each colour."""
    from PIL import Image

    with Image.open(path) as picture:
        found = picture.convert("RGB").getcolors(2**24)
    return {colour: count for count, colour in found}


def is_grey(path: Path) -> bool:
    """Return whether more than the edges of letters is drawn in the colour of bad pixels."""
    return colours(path).get(GREY, 0) > 200


@pytest.fixture
def plane(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=(40, 60)).astype(np.float32)


@pytest.mark.parametrize(
    ("shape", "limit", "steps"),
    [
        ((20000, 300), 1000, (20, 1)),
        ((1001, 1000), 1000, (2, 1)),
        ((1, 0), 5, (1, 1)),
        ((7,), 2, (4,)),
    ],
)
def test_decimation(shape: tuple[int, ...], limit: int, steps: tuple[int, ...]) -> None:
    assert decimation(shape, limit) == steps
    assert all(len(range(0, n, s)) <= limit for n, s in zip(shape, steps, strict=True))


def test_the_examples_of_the_documentation() -> None:
    assert doctest.testmod(plot).failed == doctest.testmod(colours_of).failed == 0


def test_decimation_needs_a_limit() -> None:
    with pytest.raises(LatticeError, match="limit: 0 is too small"):
        decimation((5, 5), 0)


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        (np.arange(101.0), 100, (0, 100)),
        (np.arange(101.0), 90, (5, 95)),
        (np.array([np.nan, 1, 2, np.inf]), 100, (1, 2)),
        (np.array([]), 100, (0, 1)),
        (np.array([np.nan]), 100, (0, 1)),
        (np.array([4.0, 4.0]), 99, (2, 6)),
        (np.array([0.0]), 99, (-0.5, 0.5)),
        (np.array([0.0] * 5000 + [7.0]), 99, (0, 7)),
        (np.array([3, 9], dtype=np.int16), 100, (3, 9)),
        (np.array([-1.7e308, 1.7e308]), 100, (-1e307, 1e307)),
    ],
)
def test_limits(values: np.ndarray, percent: float, expected: tuple[float, float]) -> None:
    assert limits(values, percent) == expected


@pytest.mark.parametrize("percent", [0, -5, 100.1, float("nan")])
def test_percent_has_a_range(percent: float) -> None:
    with pytest.raises(LatticeError, match="is not above 0 and at most 100"):
        limits(np.ones(3), percent)


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_stretch_and_its_inverse(stretch: str) -> None:
    rise, fall = colours_of._CURVES[stretch]
    x = np.linspace(0, 1, 50)
    assert np.allclose(fall(rise(x)), x, atol=1e-12)
    assert np.all(np.diff(rise(x)) > 0)
    assert np.allclose([rise(x)[0], rise(x)[-1]], [0, 1])
    masked = np.ma.MaskedArray(x, mask=x > 0.5)
    assert np.array_equal(np.ma.getmaskarray(rise(masked)), masked.mask)


@pytest.mark.parametrize("stretch", ["asinh", "log", "sqrt"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(0, 1), (109, 1204), (-1e-5, 3e-4), (1e9, 1e9 + 1), (1.0, 1.0 + 4e-16), (-1e307, 1e307), (0, 1e-300)],
)
def test_ticks_are_inside_and_differ(stretch: str, low: float, high: float) -> None:
    ticks = colours_of.ticks_of(stretch, low, high)
    assert all(low <= value <= high for value in ticks)
    assert len(set(ticks.values())) == len(ticks)
    assert all(np.isclose(float(text), value, rtol=1e-9, atol=0) for value, text in ticks.items() if value)
    if high - low > 1e-3 * abs(low):
        assert len(ticks) >= 5


@pytest.mark.parametrize("stretch", STRETCHES)
def test_bad_pixels_are_grey(tmp_path: Path, plane: np.ndarray, stretch: Any) -> None:
    mask = np.ones(plane.shape, dtype=bool)
    out = preview(plane, mask, tmp_path / "good.png", stretch=stretch)
    assert out == tmp_path / "good.png"
    assert not is_grey(out)
    mask[5:20, 5:20] = False
    assert is_grey(preview(plane, mask, tmp_path / "masked.png", stretch=stretch))
    plane[5:20, 5:20] = np.nan
    assert is_grey(preview(plane, None, tmp_path / "nan.png", stretch=stretch))


def test_the_same_picture_each_time(tmp_path: Path, plane: np.ndarray) -> None:
    first = preview(plane, None, tmp_path / "1.png", title="a - b").read_bytes()
    assert first == preview(plane, None, tmp_path / "2.png", title="a - b").read_bytes()


@pytest.mark.parametrize(
    "dtype", [np.bool_, np.float32, np.float64, np.complex64, np.complex128, np.int16, ">f4"]
)
def test_every_type_is_drawn(tmp_path: Path, plane: np.ndarray, dtype: Any) -> None:
    out = preview((10 * plane).astype(dtype), None, tmp_path / "m.png", unit="Jy/beam")
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (3, 2000), (2000, 3)])
def test_every_shape_gives_a_picture_of_a_sane_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    from PIL import Image

    out = preview(
        np.arange(shape[0] * shape[1], dtype=float).reshape(shape), None, tmp_path / "m.png", dpi=50
    )
    with Image.open(out) as picture:
        assert min(picture.size) > 60
        assert max(picture.size) < 600


@pytest.mark.parametrize("value", [0.0, 1e-310, 3e307, -1e9, np.nan, np.inf])
def test_planes_of_one_value(tmp_path: Path, value: float) -> None:
    out = preview(np.full((9, 9), value), None, tmp_path / "m.png", dpi=30)
    assert is_grey(out) == (not np.isfinite(value))


def test_titles_are_not_read_as_mathematics(tmp_path: Path, plane: np.ndarray) -> None:
    title = "$1 - $2 * x_{\\frac\n\t" + "\N{GREEK SMALL LETTER ALPHA}\0" + "long " * 100
    assert preview(plane, None, tmp_path / "m.png", title=title, unit="$^{", labels=("$y", "$_x")).exists()


def test_a_decimated_plane_keeps_its_pixel_numbers(plane: np.ndarray) -> None:
    figure, axes, _ = plot._figure((40, 60), (3, 2), None)
    assert axes.get_position().width * figure.get_figwidth() == pytest.approx(6)
    assert axes.get_position().height * figure.get_figheight() == pytest.approx(6)
    assert not plot._stretched((40, 60), (3, 2))
    assert plot._stretched((40, 60), (1, 4))


def test_world_coordinates(tmp_path: Path, m13: Path) -> None:
    from astropy.io import fits
    from astropy.wcs import WCS

    values, header = fits.getdata(m13, header=True)
    step = decimation(values.shape, 100)
    assert step == (3, 3)
    wcs = WCS(header)
    whole = preview(values, None, tmp_path / "whole.png", wcs=wcs, unit="counts", dpi=60)
    part = preview(values[::3, ::3], None, tmp_path / "part.png", wcs=wcs, step=(3, 3), dpi=60)
    assert len(colours(whole)) > 100
    assert len(colours(part)) > 100


@pytest.mark.parametrize("shape", [(5,), (), (2, 3, 4), (0, 5), (5, 0)])
def test_only_planes_are_drawn(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(LatticeError, match="a preview shows a plane, not values of shape") as caught:
        preview(np.zeros(shape), None, tmp_path / "m.png")
    assert "choose one plane" in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"stretch": "asin"}, "unknown stretch 'asin'\ndid you mean 'asinh'?"),
        ({"stretch": "zz"}, "unknown stretch 'zz'\nthe stretches are asinh, linear, log, sqrt"),
        ({"cmap": "viridi"}, "unknown colour map 'viridi'\ndid you mean 'viridis'"),
        ({"percent": 0}, "percent: 0 is not above 0 and at most 100"),
        ({"dpi": 0}, "dpi: 0 is not between 10 and 2400"),
        ({"mask": np.ones((2, 2), bool)}, "values have shape (40, 60), their mask has (2, 2)"),
    ],
)
def test_wrong_arguments(tmp_path: Path, plane: np.ndarray, arguments: dict[str, Any], message: str) -> None:
    mask = arguments.pop("mask", None)
    with pytest.raises(LatticeError) as caught:
        preview(plane, mask, tmp_path / "m.png", **arguments)
    assert str(caught.value).startswith(message)
    assert not list(tmp_path.iterdir())


def test_only_png_is_written(tmp_path: Path, plane: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"a preview is a PNG file, not '.*m\.pdf'"):
        preview(plane, None, tmp_path / "m.pdf")


def test_a_file_is_replaced_only_when_allowed(tmp_path: Path, plane: np.ndarray) -> None:
    out = tmp_path / "m.png"
    out.write_text("old")
    with pytest.raises(FileExistsError, match=r"m\.png' exists already"):
        preview(plane, None, out)
    assert out.read_text() == "old"
    preview(plane, None, out, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["m.png"]
    assert out.read_bytes().startswith(b"\x89PNG")


def test_places_that_cannot_be_written(tmp_path: Path, plane: np.ndarray) -> None:
    with pytest.raises(StorageError, match=r"cannot write '.*m\.png': No such file or directory"):
        preview(plane, None, tmp_path / "none" / "m.png")
    (tmp_path / "m.png").mkdir()
    with pytest.raises(StorageError, match="it is a folder"):
        preview(plane, None, tmp_path / "m.png", overwrite=True)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failed_write_leaves_the_old_file(
    tmp_path: Path, plane: np.ndarray, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    out = tmp_path / "m.png"
    out.write_text("old")

    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises((StorageError, KeyboardInterrupt)):
        preview(plane, None, out, overwrite=True)
    assert [p.name for p in tmp_path.iterdir()] == ["m.png"]
    assert out.read_text() == "old"


def test_without_matplotlib(tmp_path: Path, plane: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(LatticeError, match=r"needs matplotlib.*\n.*pip install 'lattice-images\[plot\]'"):
        preview(plane, None, tmp_path / "m.png")


def test_pyplot_and_the_backend_of_the_user_are_left_alone(tmp_path: Path, root: Path) -> None:
    code = (
        "import sys, numpy as np; from lattice.plot import preview; "
        f"preview(np.eye(5), None, {str(tmp_path / 'm.png')!r}); print('matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240, cwd=root
    )
    assert found.stdout.split() == ["False"]
