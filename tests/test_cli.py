"""The command line: what it prints, what it writes, how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

import lattice
from lattice import Image
from lattice.cli import commands

SHAPE = (3, 20, 30)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def array(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(size=SHAPE).astype("f4")


@pytest.fixture(autouse=True)
def _files(_folder: None, array: np.ndarray) -> None:
    header = {
        "CTYPE1": "RA---SIN",
        "CTYPE2": "DEC--SIN",
        "CTYPE3": "FREQ",
        "CRPIX3": 1.0,
        "CRVAL3": 1e9,
        "CDELT3": 1e6,
    }
    Image(array, wcs=header, unit="Jy/beam", beam=(0.01, 0.005, 30), meta={"OBJECT": "M13"}).save("a.fits")


def lat(*args: str, status: int = 0, stdin: str | None = None) -> Result:
    found = CliRunner().invoke(commands, list(args), input=stdin, prog_name="lattice")
    assert found.exit_code == status, found.output
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    return found


# -- calc --------------------------------------------------------------------------------------------------


def test_calc_saves_an_image(array: np.ndarray) -> None:
    found = lat("calc", "2 * 'a.fits'", "b.fits")
    assert found.output == ""
    np.testing.assert_array_equal(lattice.open("b.fits").values, array * 2)


def test_calc_prints_a_number(array: np.ndarray) -> None:
    assert float(lat("calc", "max('a.fits')").output.split()[0]) == array.max()
    assert lat("calc", "max('a.fits')").output.endswith(" Jy/beam\n")
    assert lat("calc", "1 + 1").output == "2.0\n"
    assert lat("calc", "any('a.fits' > 0)").output == "T\n"
    assert lat("calc", "mean('a.fits'['a.fits' > 1000])").output == "undefined\n"
    assert json.loads(lat("calc", "1 + 1", "--json").output) == {"value": 2.0, "unit": "", "dtype": "float32"}
    assert json.loads(lat("calc", "mean('a.fits'['a.fits' > 1000])", "--json").output)["value"] is None
    assert json.loads(lat("calc", "2i * 1", "--json").output)["value"] == [0.0, 2.0]


def test_calc_takes_names_and_text_from_the_standard_input(array: np.ndarray) -> None:
    found = lat("calc", "-", "--set", "x y=a.fits", "--set", "s=0.5", stdin="max('x y')\n * s")
    assert float(found.output.split()[0]) == pytest.approx(array.max() * 0.5)
    assert "write NAME=PATH or NAME=NUMBER" in lat("calc", "s", "--set", "s", status=2).output


def test_calc_does_not_overwrite_unasked(array: np.ndarray) -> None:
    found = lat("calc", "2 * 'a.fits'", "a.fits", status=1)
    assert "error: 'a.fits' exists already" in found.stderr
    assert "--overwrite" in found.stderr
    lat("calc", "2 * 'a.fits'", "a.fits", "--overwrite")
    np.testing.assert_array_equal(lattice.open("a.fits").values, array * 2)


def test_calc_passes_options_on(array: np.ndarray) -> None:
    lat("calc", "a[a > 0]", "b.fits", "--set", "a=a.fits", "--option", "mask=extension")
    np.testing.assert_array_equal(lattice.open("b.fits").values, array)
    lat("calc", "'a.fits'", "b.dat", "--format", "zarr", "--sync")
    assert lattice.open("b.dat").shape == SHAPE
    lat("calc", "'a.fits'", "c.fits", "--memory", "500MB", "--workers", "1", "--no-jit", "--no-progress")
    assert (
        "memory_limit: 'much' is not a number of bytes"
        in lat("calc", "1", "--memory", "much", status=1).stderr
    )
    assert "workers: 'x' is not a whole number" in lat("calc", "1", "--workers", "x", status=1).stderr


def test_calc_says_what_is_missing() -> None:
    found = lat("calc", "2 * 'a.fits'", status=2)
    assert "the result is an image (frequency 3, y 20, x 30): name the file to save it in" in found.stderr
    found = lat("calc", "1 + 1", "b.fits", status=1)
    assert (
        found.stderr
        == "error: the result is a single number, 2.0, and no image to be saved: leave out 'b.fits'\n"
    )
    assert not Path("b.fits").exists()


def test_errors_show_the_place() -> None:
    found = lat("calc", "2 * 'a.fit'", "b.fits", status=1)
    assert found.stderr == (
        "error: there is no file 'a.fit'\n  2 * 'a.fit'\n      ^^^^^^^\ndid you mean 'a.fits'?\n"
    )
    assert found.stdout == ""


def test_warnings_are_lines() -> None:
    lattice.open("a.fits")
    values = np.ones((2, 3), "f4")
    Image(values, masks={"m": values > 0, "n": values > 1}, mask="m").save("m.zarr")
    found = lat("convert", "m.zarr", "m.fits")
    assert found.stderr.startswith("warning: not written: a fits file does not hold the mask n")
    assert "Traceback" not in found.stderr


# -- stat --------------------------------------------------------------------------------------------------


def test_stat_prints_statistics(array: np.ndarray) -> None:
    lines = lat("stat", "a.fits").output.splitlines()
    assert lines[0] == "npts    1800"
    assert lines[7] == f"max     {array.max():.9g} Jy/beam"
    assert len(lat("stat", "a.fits", "--robust").output.splitlines()) == 15
    assert lat("stat", "2 * 'a.fits'", "--keys", "npts,max").output.splitlines()[0] == "npts  1800"


def test_stat_takes_masks_boxes_and_channels(array: np.ndarray) -> None:
    def value(*args: str) -> Any:
        return json.loads(lat("stat", "a.fits", "--json", *args).output)

    assert value("--mask", "'a.fits' > 0")["npts"] == (array > 0).sum()
    assert value("--box", "1,2,4,5", "--chans", "1~2")["max"] == array[1:3, 2:6, 1:5].max()
    assert value()["maxpos"] == [int(i) for i in np.unravel_index(array.argmax(), SHAPE)]
    assert value("--mask", "'a.fits' > 1000")["mean"] is None
    assert value("--mask", "'a.fits'")["npts"] == (array >= 0.5).sum()
    assert value("--region", "box[[1pix,2pix],[4pix,5pix]]", "--chans", "0;2")["npts"] == 32
    assert value()["unit"] == "Jy/beam"


def test_stat_over_dims(array: np.ndarray) -> None:
    output = lat("stat", "a.fits", "--dims", "y,x", "--keys", "npts,mean").output
    lines = [line.split() for line in output.splitlines()]
    assert lines[0] == ["frequency", "npts", "mean"]
    assert lines[2][:2] == ["1", "600"]
    assert float(lines[2][2]) == pytest.approx(array[1].mean(), rel=1e-5)
    assert lines[4] == ["unit:", "Jy/beam"]
    found = json.loads(lat("stat", "a.fits", "--axes", "0", "--keys", "max", "--json").output)
    assert found["dims"] == ["frequency"]
    np.testing.assert_allclose(found["max"], array.max(axis=0))
    assert (
        "there is no dim 'freq'\ndid you mean 'frequency'"
        in lat("stat", "a.fits", "--dims", "freq", status=1).stderr
    )


def test_a_file_that_is_missing_is_not_taken_for_an_expression() -> None:
    assert "error: there is no file 'no/b.fits'" in lat("stat", "no/b.fits", status=1).stderr
    assert "error: there is no file 'b.fits'" in lat("stat", "b.fits", status=1).stderr


# -- head, explain, formats, functions ---------------------------------------------------------------------


def test_head_tells_what_a_file_is() -> None:
    output = lat("head", "a.fits").output
    for part in (
        "file  a.fits (fits)",
        "type  float32 (Float), 7.20 kB",
        "unit  Jy/beam",
        "beam  36 x 18 arcsec, 30 deg",
        "axis       pixels  coordinate",
        "frequency       3  spectral",
        "CTYPE3   = 'FREQ'",
        "OBJECT   = 'M13'",
        "HISTORY lattice",
    ):
        assert part in output
    found = json.loads(lat("head", "a.fits", "--json").output)
    assert (found["shape"], found["dims"]) == ([3, 20, 30], ["frequency", "y", "x"])
    assert found["axes"] == ["spectral", "latitude", "longitude"]
    assert ["OBJECT", "M13", ""] in found["meta"]
    assert "there is no file" in lat("head", "b.fits", status=1).stderr


def test_explain_prints_a_plan() -> None:
    output = lat("explain", "'a.fits' - median('a.fits')", "--memory", "1GB").output
    assert "stage 1 of 2" in output
    assert "1.00 GB" in output


def test_formats_say_what_they_hold() -> None:
    output = lat("formats").output
    assert "fits    rw   .fits" in output
    head = next(line for line in output.splitlines() if line.startswith("what it does or holds"))
    row = next(line for line in output.splitlines() if line.startswith("complex values"))
    assert [row[head.index(f" {name}") + 1] for name in ("fits", "zarr", "npy")] == [".", "x", "x"]
    markdown = lat("formats", "--markdown").output.splitlines()
    assert "| fits (`.fits`) | zarr (`.zarr`) |" in markdown[0]
    assert {line.count("|") for line in markdown} == {markdown[0].count("|")}
    titles, complex_values = (
        [cell.strip() for cell in line.split("|")]
        for line in (markdown[0], next(m for m in markdown if "complex" in m))
    )
    held = dict(zip([t.split(" ")[0] for t in titles], complex_values, strict=True))
    assert (held["fits"], held["zarr"], held["npy"]) == ("", "yes", "yes")


def test_formats_and_functions_are_listed() -> None:
    assert {f["name"] for f in json.loads(lat("formats", "--json").output)} >= {"fits", "zarr"}
    output = lat("functions").output
    assert "mathematics" in output
    assert "fractile(x, f)" in output
    assert "a && b" in output
    assert lat("functions", "fractile").output.startswith("fractile(x, f)\n  x: real\n  f: real scalar\n")
    assert "Both hold" in lat("functions", "&&").output
    assert "did you mean 'fractile'" in lat("functions", "fractil", status=1).stderr
    assert lat("functions", "--markdown").output.startswith(
        "| family | call | meaning |\n|---|---|---|\n| operators | `a + b` | Sum. |"
    )
    assert "a \\|\\| b" in lat("functions", "--markdown").output
    assert any(f["name"] == "sin" for f in json.loads(lat("functions", "--json").output))


# -- convert, plot, demo -----------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".zarr", ".image", ".h5", ".mir", ".npy"])
def test_convert_goes_through_every_format(suffix: str, array: np.ndarray) -> None:
    form = next(f for f in lattice.formats() if suffix in f.suffixes)
    lat("convert", "a.fits", f"a{suffix}", "--no-progress")
    again = lattice.open(f"a{suffix}")
    np.testing.assert_array_equal(again.values, array)
    lat("convert", f"a{suffix}", "again.fits")
    found = lattice.open("again.fits")
    np.testing.assert_array_equal(found.values, array)
    if "coords" in form.can:
        assert found.coords.compare(lattice.open("a.fits").coords, 1e-6, SHAPE) is None
        assert found.unit == "Jy/beam"
        np.testing.assert_allclose(found.beams, [(0.01, 0.005, 30)], rtol=1e-6)
        assert found.meta["OBJECT"] == "M13"


def test_convert_names_what_is_lost_or_refuses() -> None:
    said = lat("convert", "a.fits", "a.npy").stderr
    assert "a npy file does not hold" in said
    assert "the unit 'Jy/beam', the coordinates, the beam, the header entry OBJECT" in said
    assert "does not hold" in lat("convert", "a.fits", "b.npy", "--strict", status=1).stderr
    assert not os.path.exists("b.npy")
    assert lat("convert", "a.fits", "b.zarr", "--strict").stderr == ""


def test_convert_takes_masks_and_options(array: np.ndarray) -> None:
    Image(array, masks={"m": array > 0, "n": array > 1}).save("m.zarr")
    lat("convert", "m.zarr", "m.image", "--mask", "n")
    assert lattice.open("m.image").default_mask == "n"
    assert set(lattice.open("m.image").masks) == {"m", "n"}
    np.testing.assert_array_equal(lattice.open("m.image", mask="m").mask.compute(), array > 0)
    lat("convert", "m.image", "m.fits", "--option", "mask=extension", "--strict")
    assert set(lattice.open("m.fits").masks) == {"m", "n"}
    lat("convert", "m.zarr", "p.zarr", "--option", "compress=zstd", "--progress")
    assert "no option" in lat("convert", "m.zarr", "q.zarr", "--option", "x=1", status=1).stderr


def test_convert_changes_the_format(array: np.ndarray) -> None:
    lat("convert", "a.fits", "a.zarr")
    found = lattice.open("a.zarr")
    np.testing.assert_array_equal(found.values, array)
    assert (found.unit, found.dims) == ("Jy/beam", ("frequency", "y", "x"))
    lat("convert", "a.zarr", "b.fits", "--box", "0,0,4,4", "--chans", "1")
    np.testing.assert_array_equal(lattice.open("b.fits").values, array[1:2, :5, :5])
    assert "names no format" in lat("convert", "a.fits", "a.jpg", status=1).stderr


def test_plot_draws_a_plane() -> None:
    pytest.importorskip("matplotlib")
    lat("plot", "a.fits", "a.png", "--plane", "frequency=1", "--stretch", "sqrt")
    assert Path("a.png").read_bytes().startswith(b"\x89PNG")
    assert "exists already" in lat("plot", "a.fits", "a.png", status=1).stderr
    lat("plot", "2 * 'a.fits'", "a.png", "--overwrite", "--plane", "2", "--no-wcs", "--pixels", "10")
    assert (
        "there are 3 planes, counted from 0"
        in lat("plot", "a.fits", "b.png", "--plane", "7", status=1).stderr
    )
    assert (
        "there is no dim 'stokes'" in lat("plot", "a.fits", "b.png", "--plane", "stokes=0", status=1).stderr
    )
    assert "write DIM=N" in lat("plot", "a.fits", "b.png", "--plane", "x", status=2).stderr
    assert "ends in .png" in lat("plot", "a.fits", "b.jpg", status=1).stderr
    assert "a picture shows a plane, and this has 0 axes" in lat("plot", "1", "b.png", status=1).stderr


def test_plot_reads_few_pixels_of_a_large_image(rng: np.random.Generator) -> None:
    pytest.importorskip("matplotlib")
    from lattice.io.files import counting

    a = Image(np.zeros((1, 2000, 4096), "f4")).save("large.fits")
    with counting() as count:
        lat("plot", "large.fits", "large.png", "--pixels", "100")
    assert count.bytes < a.nbytes / 10


def test_the_demonstration_works(m13: Path) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("zarr")
    output = lat("demo", "--dir", "out").output
    assert sorted(p.name for p in Path("out").iterdir()) == ["m13.png", "m13_stars.fits", "m13_stars.zarr"]
    for part in ("stage 1 of 2", "medabsdevmed  7", "out/m13_stars.zarr"):
        assert part in output
    lat("demo", "--dir", "out")
    stars, plate = lattice.open("out/m13_stars.fits"), lattice.open(m13)
    assert float(stars.nelements()) == float(plate[plate > plate.median() + 3 * plate.stddev()].nelements())
    np.testing.assert_array_equal(stars.filled(), lattice.open("out/m13_stars.zarr").filled())


# -- the command itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], *([c] for c in commands.commands)])
def test_every_command_has_help_with_examples(command: list[str]) -> None:
    output = lat(*command, "--help").output
    assert output.startswith("Usage: lattice")
    assert "Examples:\n  lattice " in output
    assert max(map(len, output.splitlines())) <= 100
    assert output == lat(*command, "-h").output


def test_examples_name_options_that_exist() -> None:
    for command in commands.commands.values():
        known = {name for p in command.params for name in (*p.opts, *p.secondary_opts)}
        for example in command.examples:  # type: ignore[attr-defined]
            assert example.split()[:2] == ["lattice", command.name]
            used = {word for word in example.split() if word.startswith("--")}
            assert used <= known, example


def test_wrong_usage_exits_with_2() -> None:
    assert "No such command" in lat("clac", status=2).stderr
    assert "No such option" in lat("calc", "1", "--fast", status=2).stderr
    assert "Missing argument" in lat("head", status=2).stderr


def test_the_version_is_told() -> None:
    assert lat("--version").output == f"lattice {lattice.__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete(shell: str) -> None:
    assert "_LATTICE_COMPLETE" in lat("completion", shell).output


def _run(*args: str, **options: Any) -> subprocess.CompletedProcess[str]:
    root = Path(lattice.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)} | options.pop("env", {})
    command = [sys.executable, "-m", "lattice", *args]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=240, env=environment, **options
    )


def test_the_module_is_the_command(array: np.ndarray) -> None:
    found = _run("calc", "max('a.fits')")
    assert (found.returncode, found.stderr) == (0, "")
    assert float(found.stdout.split()[0]) == array.max()
    found = _run("calc", "max('b.fits')")
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.startswith("error: there is no file 'b.fits'")
    assert "Traceback" not in found.stderr


def test_completion_of_words() -> None:
    words = {"_LATTICE_COMPLETE": "bash_complete", "COMP_WORDS": "lattice functions frac", "COMP_CWORD": "2"}
    code = "import sys; sys.argv[0] = 'lattice'; from lattice.cli import main; main()"
    root = Path(lattice.__file__).parent.parent
    environment = os.environ | {"PYTHONPATH": str(root)} | words
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
        env=environment,
    )
    assert found.stdout.split() == ["plain,fractile", "plain,fractilerange"]


def test_output_to_a_closed_pipe_is_no_error() -> None:
    root = Path(lattice.__file__).parent.parent
    command = f"{sys.executable} -m lattice functions --json | head -1"
    found = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        capture_output=True, text=True, check=False, timeout=240, env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    assert found.stderr == ""
    assert found.stdout == "[\n"


def test_help_is_quick_since_it_loads_nothing() -> None:
    code = (
        "import sys; sys.argv = ['lattice', '--help']\n"
        "from lattice.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'dask', 'astropy', 'lark', 'xarray'} & set(sys.modules)))"
    )
    root = Path(lattice.__file__).parent.parent
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240,
        env=os.environ | {"PYTHONPATH": str(root)},
    )  # fmt: skip
    assert found.stdout.splitlines()[-1] == "[]"
