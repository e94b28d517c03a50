"""Pictures of images: what is shown, what is drawn upon it, what is read for it, what is refused."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice import Image
from lattice.errors import (
    LatticeError,
    LatticeRangeError,
    LatticeTypeError,
    LatticeWarning,
    RegionError,
    ShapeMismatchError,
)
from lattice.io.files import counting
from lattice.regions import Circle, PixelBox, PixelEllipsoid

pytest.importorskip("matplotlib")


def header(n: int = 64, rotation: float = 0.0) -> dict[str, Any]:
    turn = np.deg2rad(rotation)
    return {
        "CTYPE1": "RA---SIN", "CRVAL1": 187.7, "CRPIX1": n / 2, "CDELT1": -1 / 3600, "CUNIT1": "deg",
        "CTYPE2": "DEC--SIN", "CRVAL2": 12.4, "CRPIX2": n / 2, "CDELT2": 1 / 3600, "CUNIT2": "deg",
        "PC1_1": np.cos(turn), "PC1_2": -np.sin(turn), "PC2_1": np.sin(turn), "PC2_2": np.cos(turn),
        "CTYPE3": "FREQ", "CRVAL3": 1.42e9, "CRPIX3": 1.0, "CDELT3": 1e5, "CUNIT3": "Hz",
        "RESTFRQ": 1.420405752e9, "SPECSYS": "LSRK", "RADESYS": "ICRS",
    }  # fmt: skip


@pytest.fixture
def cube(rng: np.random.Generator) -> Image:
    values = rng.normal(size=(40, 64, 64)).astype("f4")
    values[20, 30:34, 30:34] += 30
    return Image(values, wcs=header(), unit="Jy/beam", beam=(8 / 3600, 4 / 3600, 30.0), name="cube")


def texts(figure: Any) -> str:
    axes = figure.axes
    return "|".join(t for a in axes for t in (a.get_title(), a.get_xlabel(), a.get_ylabel()))


def beam_of(figure: Any) -> Any:
    return next((p for p in figure.axes[0].patches if p.get_gid() == "beam"), None)


def lines(figure: Any) -> list[np.ndarray]:
    """Return the outlines that were drawn, each once."""
    from matplotlib.contour import ContourSet

    found = [
        c for c in figure.axes[0].get_children() if isinstance(c, ContourSet) or c.get_gid() == "outline"
    ]
    curves = [c.allsegs[0] if isinstance(c, ContourSet) else c.get_segments() for c in found]
    return [np.concatenate([*c, np.zeros((0, 2))]) for c in curves[1::2]]


def test_a_plane_of_a_cube(cube: Image) -> None:
    from matplotlib.figure import Figure

    figure = cube.plot(plane={"frequency": 20})
    assert isinstance(figure, Figure)
    assert "frequency=20" in texts(figure)
    assert "Jy/beam" in texts(figure)
    assert [c.get_axislabel() for c in figure.axes[0].coords] == [
        "Right ascension (ICRS)",
        "Declination (ICRS)",
    ]
    shown = figure.axes[0].images[0].get_array()
    np.testing.assert_allclose(shown, cube[20].values, rtol=1e-6)
    assert cube.plot(plane={"frequency": -20}, title="").axes[0].get_title() == ""


def test_a_cube_without_a_choice_says_what_to_write(cube: Image) -> None:
    with pytest.raises(ShapeMismatchError, match=r"this has 3 axes \(frequency 40, y 64, x 64\)") as caught:
        cube.plot()
    assert "plot(plane={'frequency': 0})" in str(caught.value)
    with pytest.raises(LatticeRangeError, match=r"there is no dim 'frequncy'.*\n.*'frequency'"):
        cube.plot(plane={"frequncy": 0})
    with pytest.raises(LatticeRangeError, match="frequency=40: there are 40 planes"):
        cube.plot(plane={"frequency": 40})
    with pytest.raises(LatticeTypeError, match=r"frequency=1\.5 is no pixel"):
        cube.plot(plane={"frequency": 1.5})
    with pytest.raises(ShapeMismatchError, match="this has 0 axes"):
        cube.plot(plane={"frequency": 0, "y": 0, "x": 0})
    with pytest.raises(ShapeMismatchError, match="there is nothing to show"):
        cube[:, :0].plot(plane={"frequency": 0})


def test_axes_of_length_one_need_no_choice(cube: Image) -> None:
    assert cube[3:4].plot().axes[0].images
    assert cube[:, 3:4, 5:6].plot().axes[0].get_xlabel().startswith("Frequency")
    assert Image(np.ones((1, 1, 1))).plot().axes[0].images


@pytest.mark.parametrize("rotation", [0.0, 35.0])
def test_the_beam_is_an_ellipse_on_the_sky(rng: np.random.Generator, rotation: float) -> None:
    image = Image(np.zeros((1, 64, 64), "f4"), wcs=header(rotation=rotation), beam=(8 / 3600, 4 / 3600, 30.0))
    figure = image.plot()
    outline = beam_of(figure).get_path().vertices[:-1]
    around = outline - outline.mean(axis=0)
    length = np.hypot(*around.T)
    assert 2 * length.max() == pytest.approx(8, rel=1e-3)
    assert 2 * length.min() == pytest.approx(4, rel=1e-3)
    # From north (up, without a rotation) to east, which is left.
    x, y = around[length.argmax()]
    angle = np.degrees(np.arctan2(-x, y)) % 180
    assert angle == pytest.approx((30 - rotation) % 180, abs=3)
    # In the lower left corner, whole.
    assert outline.min() > -0.5
    assert outline.max() < 16
    assert beam_of(image.plot(beam=False)) is None


def test_no_beam_where_it_has_no_meaning(cube: Image) -> None:
    assert beam_of(Image(np.ones((9, 9)), beam=(1, 1, 0)).plot()) is None
    assert beam_of(cube.with_beam((0.1, 0.1, 0)).plot(plane={"frequency": 0})) is None  # wider than the image
    many = cube.with_beam([(k / 3600, 2 / 3600, 0) for k in range(3, 43)])
    assert beam_of(many.plot(plane={"y": 5})) is None
    outline = beam_of(many.plot(plane={"frequency": 4})).get_path().vertices
    assert np.ptp(outline[:, 1]) == pytest.approx(7, rel=1e-3)


def test_outlines_run_around_the_pixels(cube: Image) -> None:
    circle = Circle((187.7, 12.4), 10 / 3600)
    figure = cube.plot(plane={"frequency": 3}, regions={"core": circle, "$box": PixelBox((2, 3), (12, 23))})
    round_, box = lines(figure)
    assert np.hypot(*(round_ - 31).T) == pytest.approx(10, abs=1e-6)
    np.testing.assert_allclose([box.min(axis=0), box.max(axis=0)], [[2.5, 1.5], [23.5, 12.5]])
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["core", "$box"]


def test_outlines_by_text_and_of_some_planes(cube: Image) -> None:
    text = "circle[[31pix, 31pix], 10pix], range=[3chan, 6chan]"
    assert len(lines(cube.plot(plane={"frequency": 4}, regions=[text, text]))) == 2
    assert not any(map(len, lines(cube.plot(plane={"frequency": 9}, regions=text))))


def test_outlines_of_decimated_planes_and_at_the_edge() -> None:
    image = Image(np.zeros((400, 300), "f4"))
    (found,) = lines(image.plot(regions=PixelEllipsoid((200, 150), 80), pixels=100))
    assert np.hypot(*(found - (150, 200)).T) == pytest.approx(80, abs=1e-9)
    # Its pixels tell where there is no simple curve.
    (found,) = lines(
        image.plot(regions=PixelEllipsoid((200, 150), 80) | PixelBox((0, 0), (2, 2)), pixels=100)
    )
    far = np.hypot(*(found[found.sum(axis=1) > 20] - (150, 200)).T)
    assert far == pytest.approx(80, abs=4)
    assert np.ptp(far) > 0.1
    figure = image.plot(regions=PixelBox((-5, -5), (900, 900)))
    (found,) = lines(figure)
    assert (figure.axes[0].get_xlim(), figure.axes[0].get_ylim()) == ((-0.5, 299.5), (-0.5, 399.5))
    assert -0.5 < found.min() < 0 < 399 < found.max() < 399.5


def test_regions_that_cannot_be_drawn(cube: Image) -> None:
    plane = cube[0]
    with pytest.warns(LatticeWarning, match="not outlined"):
        assert not any(map(len, lines(plane.plot(regions=PixelBox((90, 90), (95, 95))))))
    with pytest.raises(RegionError, match="cannot be fitted"):
        plane.plot(regions=PixelBox((1, 1, 1, 1), (2, 2, 2, 2)))
    with pytest.raises(LatticeTypeError, match="regions: a int is no region"):
        plane.plot(regions=5)
    with pytest.raises(LatticeTypeError, match="regions: 5 is no region"):
        plane.plot(regions=[5])
    with pytest.raises(LatticeTypeError, match="regions are outlined on planes"):
        cube[:, 1, 1].plot(regions=PixelBox((0,), (3,)))


def test_spectra(cube: Image) -> None:
    spectrum = cube[:, 31, 31]
    figure = spectrum.plot()
    (step,) = (p for p in figure.axes[0].patches if hasattr(p, "get_data"))
    values, edges, _ = step.get_data()
    np.testing.assert_allclose(values, spectrum.values)
    np.testing.assert_allclose((edges[1:] + edges[:-1]) / 2, 1.42 + 1e-4 * np.arange(40))
    assert "Frequency, LSRK (GHz)|Jy/beam" in texts(figure)
    assert "Velocity, radio, LSRK (km/s)" in texts(cube.with_velocity("radio")[:, 1, 1].plot())
    assert "frequency" in texts(spectrum.plot(wcs=False))
    assert "x (pixel)" in texts(cube[0, 0].plot())


def test_bad_channels_are_gaps_on_grey() -> None:
    values = np.arange(10.0)
    figure = Image(values, mask=(values != 4) & (values < 8), dims=["t"]).plot()
    (bands,) = (c for c in figure.axes[0].collections if len(c.get_paths()))
    spans = [(p.vertices[:, 0].min(), p.vertices[:, 0].max()) for p in bands.get_paths()]
    assert spans == [(3.5, 4.5), (7.5, 9.5)]
    assert "grey: 30 % bad pixels" in [t.get_text() for t in figure.axes[0].texts]
    assert Image(np.array([2.0])).plot().axes[0].get_xlim() == (-0.5, 0.5)
    assert Image(np.full(3, np.nan), mask="nan").plot().axes


def test_planes_that_are_not_on_the_sky_have_labels(cube: Image) -> None:
    axes = cube.plot(plane={"y": 31}).axes[0]
    assert (axes.get_ylabel(), axes.get_xlabel()) == ("Frequency, LSRK (GHz)", "x")
    ticks = {
        round(float(t.get_text()), 6): p
        for t, p in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    assert len(ticks) >= 3
    for value, pixel in ticks.items():
        assert 1.42 + 1e-4 * pixel == pytest.approx(value, abs=1e-9)


def test_stretch_and_interval(cube: Image) -> None:
    from astropy.visualization import AsinhStretch, ManualInterval, SqrtStretch, ZScaleInterval

    plane = cube[20]

    def ends(**look: Any) -> tuple[float, float]:
        picture = plane.plot(**look).axes[0].images[0]
        return picture.norm.vmin, picture.norm.vmax

    assert ends(interval=(-1, 5)) == ends(interval=ManualInterval(-1, 5)) == (-1, 5)
    assert ends(interval="minmax") == ends(percent=100) == (plane.values.min(), plane.values.max())
    assert ends(interval="zscale") == pytest.approx(ZScaleInterval().get_limits(plane.values))
    mine = plane.plot(stretch="sqrt", interval=(0, 9)).axes[0].images[0].norm
    theirs = plane.plot(stretch=SqrtStretch(), interval=(0, 9)).axes[0].images[0].norm
    x = np.linspace(0, 9, 20)
    np.testing.assert_allclose(mine(x), theirs(x))
    masked = plane[plane > 0].plot(stretch=AsinhStretch()).axes[0].images[0]
    assert np.ma.getmaskarray(masked.norm(masked.get_array())).any()
    for wrong in ("zscal", (5, 1), (1,), 3, (np.nan, 1)):
        with pytest.raises(LatticeRangeError, match="interval"):
            plane.plot(interval=wrong)


def test_axes_of_the_user(cube: Image) -> None:
    from matplotlib.figure import Figure

    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert cube.plot(plane={"frequency": 1}, ax=left, regions=Circle((187.7, 12.4), 0.002)) is figure
    assert cube[:, 1, 1].plot(ax=right) is figure
    assert left.images
    assert right.patches


def test_files(tmp_path: Path, cube: Image) -> None:
    out = tmp_path / "plane.png"
    assert cube[0].plot(out, dpi=40) == out
    assert out.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileExistsError):
        cube[0].plot(out)
    cube[:, 1, 1].plot(str(out), overwrite=True)
    with pytest.raises(LatticeError, match=r"ends in \.png"):
        cube[0].plot(tmp_path / "m.pdf")
    assert [p.name for p in tmp_path.iterdir()] == ["plane.png"]


def test_no_more_is_read_than_is_shown(tmp_path: Path) -> None:
    image = Image(np.ones((3, 2000, 3000), "f4")).save(tmp_path / "large.fits")
    with counting() as count:
        figure = image.plot(plane={"axis0": 1}, pixels=100, regions=PixelBox((50, 50), (900, 900)))
    assert figure.axes[0].images[0].get_array().shape == (100, 100)
    assert count.bytes <= 100 * 3000 * 4  # every 20th row
    with counting() as count:
        preview = image[0].preview()
        assert "preview of <lattice.Image" in repr(preview)
        assert count.bytes == 0
        assert preview._repr_png_().startswith(b"\x89PNG")
        read = count.bytes
        assert 0 < read <= 500 * 3000 * 4
        assert preview._repr_png_() is preview._repr_png_()
        image._repr_html_()
        assert count.bytes == read


def test_the_command_outlines_and_draws_spectra(tmp_path: Path, cube: Image) -> None:
    from click.testing import CliRunner

    from lattice.cli import commands

    cube.save(tmp_path / "cube.fits")

    def run(*args: str) -> Any:
        return CliRunner().invoke(commands, ["plot", *args], catch_exceptions=False)

    source, out = str(tmp_path / "cube.fits"), str(tmp_path / "out.png")
    text = "circle[[31pix, 31pix], 10pix]"
    assert run(source, out, "--plane", "20").exit_code == 0
    plain = Path(out).read_bytes()
    assert run(source, out, "--plane", "20", "--outline", text, "--overwrite").exit_code == 0
    assert Path(out).read_bytes() != plain
    assert run(source, out, "--plane", "y=3,x=4", "--overwrite").exit_code == 0
    wrong = run(source, out, "--outline", "circle[[31pix, 31pix]", "--overwrite")
    assert wrong.exit_code == 1
    assert "error: " in wrong.output


def test_without_matplotlib(cube: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.split(".")[0] == "matplotlib":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    for image in (cube[0], cube[:, 1, 1]):
        with pytest.raises(LatticeError, match=r"needs matplotlib.*\n.*pip install 'lattice-images\[plot\]'"):
            image.plot()


def test_pyplot_is_left_alone(root: Path) -> None:
    code = (
        "import sys, numpy as np, lattice; i = lattice.Image(np.eye(5)); i.plot(); i[0].plot(); "
        "i.preview()._repr_png_(); print('matplotlib.pyplot' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240, cwd=root
    )
    assert found.stdout.split() == ["False"]
