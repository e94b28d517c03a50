"""The plumbing of the side-by-side runner, on tiny cubes; nothing here measures speed."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("click")

from click.testing import CliRunner

from benchmarks.__main__ import main, parse_shape
from benchmarks.casa import CASES as CASA_CASES
from benchmarks.casa import describe, with_ratios
from benchmarks.casa_operations import CASES as OF_CASA
from benchmarks.casa_sections import KINDS, describe_sections, make_sections
from benchmarks.chart import draw
from benchmarks.compare import Settings, compare, find_mismatches, parse_pythons, summarise
from benchmarks.data import TINY, Dataset, fits_header, make_dataset, plane
from benchmarks.limits import LIMITS, measure_limits
from benchmarks.machine import machine_facts, settle_memory
from benchmarks.memory import CASES, bytes_of, check_case, maps_of, render_memory, run_memory
from benchmarks.operation_peers import OF_LATTICE, OF_SPECTRAL_CUBE
from benchmarks.operations import CASES as OPERATION_CASES
from benchmarks.operations import render_operations, run_operations
from benchmarks.peers import DEFAULT_PEERS, PEERS, load_peer
from benchmarks.peers.base import fits_planes
from benchmarks.regions import CASES as REGION_CASES
from benchmarks.regions import circle, find_differences, make_masked, render_regions, run_regions
from benchmarks.report import render
from benchmarks.rows import ROWS, find_rows
from benchmarks.worker import digest, memory_peak, reset_memory_peak, stored_bytes

SHAPE = (6, 24, 40)


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Small cubes as FITS and npy."""
    return make_dataset(tmp_path_factory.mktemp("cubes"), SHAPE, ["fits", "npy"])


def expected(key: str, a: np.ndarray, b: np.ndarray) -> Any:
    """The rows in plain numpy and double precision."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    median = np.median(a)
    return {
        "add": lambda: a + b,
        "sine": lambda: 2 * np.sin(a) + b * b,
        "iif": lambda: np.where((a > 0) & (b < 1), np.sqrt(np.abs(a)), np.exp(b)),
        "demean": lambda: a - a[a < 3].mean(),
        "clip": lambda: np.where(a > 2 * a.std(ddof=1), a, np.nan),
        "scale": lambda: a * 2,
        "median": lambda: {"median": np.median(a * b)},
        "sum": lambda: {"sum": a[b > 0].sum()},
        "stddev": lambda: {"stddev": (a - b).std(ddof=1)},
        "fractile": lambda: {"fractile": np.quantile(a, 0.9)},
        "robust": lambda: {
            "median": median,
            "medabsdevmed": np.median(np.abs(a - median)),
            "quartile": np.quantile(a, 0.75) - np.quantile(a, 0.25),
        },
        "mean": lambda: {"mean": a.mean()},
    }[key]()


def cube(name: str) -> np.ndarray:
    return np.stack([plane(name, index, SHAPE[1:]) for index in range(SHAPE[0])])


def test_planes_are_the_same_every_time_and_differ() -> None:
    assert np.array_equal(plane("a", 3, (5, 7)), plane("a", 3, (5, 7)))
    assert not np.array_equal(plane("a", 3, (5, 7)), plane("a", 4, (5, 7)))
    assert not np.array_equal(plane("a", 3, (5, 7)), plane("b", 3, (5, 7)))
    values = plane("a", 0, (256, 256))
    assert values.dtype == np.float32
    assert values.mean() == pytest.approx(0.5, abs=0.02)
    assert values.std() == pytest.approx(1.0, abs=0.02)


def test_fits_header_is_what_astropy_reads(cubes: Dataset) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    wcs = pytest.importorskip("astropy.wcs")
    path = cubes.path("a", "fits")
    assert path.stat().st_size % 2880 == 0
    with fits.open(path) as hdus:
        hdus.verify("exception")
        assert np.array_equal(hdus[0].data, cube("a"))
        found = wcs.WCS(hdus[0].header)
    assert found.wcs.ctype[0] == "RA---SIN"
    assert list(found.wcs.cunit) == ["deg", "deg", "Hz"]
    assert len(fits_header(SHAPE)) == 2880


def test_data_are_made_once(cubes: Dataset) -> None:
    path = cubes.path("a", "npy")
    before = path.stat().st_mtime_ns
    make_dataset(cubes.folder.parent, SHAPE, ["npy"])
    assert path.stat().st_mtime_ns == before
    path.unlink()
    make_dataset(cubes.folder.parent, SHAPE, ["npy"])
    assert np.array_equal(np.load(path), cube("a"))


@pytest.mark.parametrize(
    ("name", "module"), [("dask", "dask.array"), ("numexpr", "numexpr"), ("casacore", "casacore.images"),
                         ("libvips", "pyvips"), ("spectral-cube", "spectral_cube"), ("dask-zarr", "zarr")],
)  # fmt: skip
def test_peer_computes_what_numpy_computes(name: str, module: str, tmp_path: Path) -> None:
    pytest.importorskip(module)
    peer = load_peer(name)
    data = make_dataset(tmp_path, SHAPE, [peer.form, "fits"])
    peer.prepare(2)
    a, b = cube("a"), cube("b")
    for row in ROWS:
        if row.key in peer.unable:
            continue
        out = tmp_path / f"out-{row.key}{peer.suffix}"
        numbers = peer.run(row, data, out)
        wanted = expected(row.key, a, b)
        if row.saves:
            found = np.stack(list(peer.result_planes(out, SHAPE)))
            np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5, err_msg=row.key)
        else:
            for key, value in wanted.items():
                assert numbers[key] == pytest.approx(value, abs=row.tolerance(value, a.size)), row.key


def test_comparison_from_end_to_end(tmp_path: Path) -> None:
    pytest.importorskip("dask.array")
    pytest.importorskip("numexpr")
    pytest.importorskip("matplotlib")
    command = ["--shape", "6x24x40", "--rows", "scale,sum", "--peers", "dask,numexpr", "--repeat", "1"]
    command += ["--folder", str(tmp_path / "data"), "--json", str(tmp_path / "r.json"), "--memory"]
    done = CliRunner().invoke(main, [*command, "--chart", str(tmp_path / "r.png"), "--quiet"])
    assert done.exit_code == 0, done.output
    assert "the results of all peers agree" in done.output
    assert "peak resident memory" in done.output
    result = json.loads((tmp_path / "r.json").read_text())
    assert set(result["cells"]["scale"]) == {"dask", "numexpr"}
    assert all(cell["seconds"] > 0 for cells in result["cells"].values() for cell in cells.values())
    assert set(result["limits"]) == set(LIMITS)
    assert str(tmp_path) not in json.dumps(result)
    assert (tmp_path / "r.png").stat().st_size > 10_000
    # Nothing but the cubes stays behind.
    assert all(path.name.startswith("cubes-") for path in (tmp_path / "data").iterdir())


def test_a_crashing_peer_is_reported_and_hurts_nobody(tmp_path: Path) -> None:
    pytest.importorskip("dask.array")
    pytest.importorskip("numexpr")
    settings = Settings(
        folder=tmp_path,
        shape=TINY,
        rows=find_rows("scale"),
        peers=("dask", "numexpr"),
        repeat=2,
        pythons={"dask": "/bin/false"},
    )
    lines: list[str] = []
    result = compare(settings, lines.append)
    assert "ended with code 1" in result["cells"]["scale"]["dask"]["error"]
    assert result["cells"]["scale"]["numexpr"]["seconds"] > 0
    text = render(result)
    assert "failed" in text
    assert "! scale, dask" in text


def sample_result() -> dict[str, Any]:
    """A result as `compare` returns it, with known numbers."""
    cells: dict[str, Any] = {
        "add": {
            "lattice": {"all": [0.1, 0.3, 0.2], "peak": 10**8},
            "casacore": {"all": [2.0], "peak": 10**8},
        },
        "iif": {"lattice": {"all": [0.5], "peak": 10**8}, "casacore": {"unable": "no such thing"}},
        "scale": {"lattice": {"all": [0.1], "peak": 10**8}, "casacore": {"all": [0.4], "peak": 10**8}},
    }
    return summarise(
        {
            "machine": {"cpu": "a processor", "cores": 2},
            "shape": [4, 8, 8],
            "threads": 2,
            "repeat": 3,
            "rows": {row.key: row.text for row in ROWS if row.key in cells},
            "notes": {"lattice": "FITS to FITS", "casacore": "one thread"},
            "versions": {},
            "cells": cells,
            "limit_seconds": {"copyfile": [0.08, 0.1, 0.2]},
            "mismatches": [],
        }
    )


def test_summary_takes_medians_and_geometric_means() -> None:
    result = sample_result()
    assert result["cells"]["add"]["casacore"]["ratio"] == pytest.approx(10.0)
    summary = result["summary"]["casacore"]
    assert summary["geometric_mean"] == pytest.approx(40**0.5)
    assert summary["smallest"] == pytest.approx(4.0)
    assert summary["smallest_row"] == "scale"
    assert summary["rows"] == 2
    assert result["scale_over_copy"]["lattice"] == pytest.approx(1.0)


def test_table_shows_ratios_limits_and_reasons(tmp_path: Path) -> None:
    text = render(sample_result(), memory=True)
    assert "10.0x" in text
    assert "geometric mean" in text
    assert "takes 1.00 times the plain copy" in text
    assert "- iif, casacore: no such thing" in text
    pytest.importorskip("matplotlib")
    for suffix in ("png", "svg"):
        draw(sample_result(), tmp_path / f"chart.{suffix}")
        assert (tmp_path / f"chart.{suffix}").stat().st_size > 5000


def test_mismatches_are_loud() -> None:
    sums = {"sum": 10.0, "sumabs": 1000.0, "good": 960, "picks": 3.0}
    cells = {name: {"numbers": dict(sums)} for name in ("x", "y", "z")}
    add, mean = find_rows("add")[0], find_rows("mean")[0]
    assert find_mismatches(add, cells, 960) == []
    for key, wrong in (("good", 959), ("sum", 11.0), ("picks", 3.1), ("sum", float("nan"))):
        cells["z"]["numbers"] = {**sums, key: wrong}
        found = find_mismatches(add, cells, 960)
        assert any(sentence.startswith(f"add: z has {key}") for sentence in found)
    scalars = {
        "x": {"numbers": {"mean": 0.5}},
        "y": {"numbers": {"mean": 0.50001}},
        "z": {"numbers": {"mean": 0.6}},
    }
    assert [s.split(" ")[1] for s in find_mismatches(mean, scalars, 960)] == ["z"]
    result = sample_result()
    result["mismatches"] = ["add: z is wrong"]
    assert "THE RESULTS DO NOT AGREE" in render(result)


def test_digest_sees_a_moved_pixel(cubes: Dataset, tmp_path: Path) -> None:
    pytest.importorskip("dask.array")
    peer = load_peer("dask")
    before = digest(peer, cubes.path("a", "fits"), SHAPE)
    values = cube("a")
    assert before["good"] == values.size
    assert before["sum"] == pytest.approx(values.sum(dtype=np.float64))
    moved = tmp_path / "moved.fits"
    moved.write_bytes(fits_header(SHAPE) + values[::-1].astype(">f4").tobytes())
    after = digest(peer, moved, SHAPE)
    assert after["sum"] == pytest.approx(before["sum"])
    assert abs(after["picks"] - before["picks"]) > 0.01


def test_fits_planes_refuses_another_shape(cubes: Dataset) -> None:
    with pytest.raises(ValueError, match="shape"):
        next(iter(fits_planes(cubes.path("a", "fits"), (6, 24, 41))))


def test_limits_leave_nothing_behind(cubes: Dataset, tmp_path: Path) -> None:
    found = measure_limits(cubes.path("a", "fits"), tmp_path, 2)
    assert set(found) == set(LIMITS)
    assert all(seconds > 0 for seconds in found.values())
    assert list(tmp_path.iterdir()) == []


def test_memory_peak_can_be_reset() -> None:
    block = np.ones(64 << 20, np.uint8)
    high = memory_peak()
    del block
    reset_memory_peak()
    assert memory_peak() <= high - (32 << 20)
    settle_memory(1 << 20)


def test_machine_facts_name_no_host() -> None:
    import platform

    facts = machine_facts()
    assert facts["cores"] >= 1
    assert facts["cpu"]
    assert platform.node() not in re.split(r"\W+", json.dumps(facts)) or not platform.node()


@pytest.mark.parametrize(
    ("text", "value"), [("1GB", 10**9), ("512MiB", 2**29), ("1.5 GiB", 3 * 2**29), ("100", 100), ("2k", 2000)]
)
def test_bytes_of(text: str, value: int) -> None:
    assert bytes_of(text) == value


@pytest.mark.parametrize("text", ["", "GB", "1XB", "one", "1GBB"])
def test_bytes_of_refuses(text: str) -> None:
    with pytest.raises(ValueError, match="amount of memory"):
        bytes_of(text)


def test_memory_table_tells_a_broken_promise() -> None:
    case = {"peak": 2 * 10**9, "seconds": 3.0, "cpu": 5.0, "rate": 2.7e9, "numbers": {}}
    result = {
        "machine": {"cpu": "x", "cores": 2},
        "shape": [2, 4, 4],
        "nbytes": 128,
        "limit": "1GB",
        "allowed": 1.15e9,
    }
    assert "NOT KEPT" in render_memory({**result, "cases": {"demean": case}, "held": False})
    assert ": kept" in render_memory({**result, "cases": {"demean": case}, "held": True})


@pytest.mark.oracle
def test_casa_images_side_by_side(tmp_path: Path) -> None:
    pytest.importorskip("casacore.images")
    arguments = ["casa", "--shape", "6x24x40", "--rows", "add", "--repeat", "1", "--folder", str(tmp_path)]
    done = CliRunner().invoke(main, [*arguments, "--json", str(tmp_path / "r.json")])
    assert done.exit_code == 0, done.output
    result = json.loads((tmp_path / "r.json").read_text())
    assert set(result["cases"]) == set(CASA_CASES)
    for cells in result["cases"].values():
        assert cells["agree"]
        assert cells["ratio"] > 0
    for cell in result["sections"].values():
        assert cell["agree"]
        assert cell["ratio"] > 0
    assert not result["lists"]["mismatches"]
    assert "lattice-casa" in done.output
    assert "failed" not in done.output
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith("out-")]


def test_a_program_that_fails_is_named() -> None:
    cell = {"all": [1.0], "all_cpu": [1.0], "sum": 1.0}
    cases = {key: {"lattice": dict(cell), "casacore": dict(cell)} for key in CASA_CASES}
    cases["read"]["casacore"] = {"all": [], "error": "no"}
    cases["whole"]["casacore"]["sum"] = 2.0
    lines = describe(with_ratios(cases))
    assert "failed" in lines[0]
    assert "DO NOT AGREE" in lines[1]
    assert "lattice 1.000 s" in lines[2]


def test_random_sections_are_inside_and_described() -> None:
    for kind, (_, wanted, count, _) in KINDS.items():
        sections = make_sections(kind, (6, 24, 40))
        assert len(sections) == count
        for section in sections:
            assert all(0 <= s.start < s.stop <= n for s, n in zip(section, (6, 24, 40), strict=True))
            if wanted is not None:
                assert [s.stop - s.start for s in section] == [
                    min(n, w) for n, w in zip((6, 24, 40), wanted, strict=True)
                ]
    cell = {"one": [3.0, 2.0], "many": [1.0, 1.0], "agree": False, "count": 10, "ratio": 2.5}
    first, *rest = describe_sections({"random": cell, "flat": {"error": "no"}})
    assert "2.50x" in first
    assert "DIFFER" in first
    assert all("failed" in line for line in rest)


def test_arguments() -> None:
    assert parse_shape("64x1024x1024") == (64, 1024, 1024)
    assert [row.key for row in find_rows("mean, add")] == ["mean", "add"]
    assert parse_pythons(["casacore=/usr/bin/python3"]) == {"casacore": "/usr/bin/python3"}
    assert set(DEFAULT_PEERS) <= set(PEERS)
    for arguments in (["--shape", "64x64"], ["--rows", "nothing"], ["--peers", "nothing"], ["--python", "x"]):
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 2, arguments
        assert "Error" in done.output


def test_asv_classes_are_named_as_asv_wants() -> None:
    import benchmarks.bench_images as images
    import benchmarks.bench_language as language

    pattern = re.compile(r"(time|peakmem|track)_\w+")
    for module in (images, language):
        for name in module.__all__:
            methods = [m for m in dir(getattr(module, name)) if pattern.fullmatch(m)]
            assert methods, name


def test_a_save_that_wrote_nothing_is_seen(cubes: Dataset, tmp_path: Path) -> None:
    sparse = tmp_path / "sparse.bin"
    with sparse.open("wb") as file:
        file.truncate(64 << 20)
    assert stored_bytes(tmp_path / "absent") == 0
    assert stored_bytes(sparse) < 1 << 20
    assert stored_bytes(cubes.path("a", "fits")) >= cubes.nbytes


def test_memory_results_are_checked_plane_by_plane(cubes: Dataset, tmp_path: Path) -> None:
    demean = next(case for case in CASES if case.key == "demean")
    out = tmp_path / "out.fits"
    assert check_case(demean, cubes, out, {}) == "there is no output"
    values = cube("a")
    right = (values - np.float32(values.mean(dtype=np.float64))).astype(">f4")
    out.write_bytes(fits_header(SHAPE) + right.tobytes())
    assert check_case(demean, cubes, out, {}) == ""
    right[4] = 0
    out.write_bytes(fits_header(SHAPE) + right.tobytes())
    assert "plane 4 differ" in check_case(demean, cubes, out, {})
    robust = next(case for case in CASES if case.key == "robust")
    assert check_case(robust, cubes, out, {"median": 0.0, "medabsdevmed": 0.6745, "quartile": 1.349}) == ""
    assert "quartile" in check_case(
        robust, cubes, out, {"median": 0.0, "medabsdevmed": 0.6745, "quartile": 9.0}
    )


@pytest.mark.parametrize("sparse", [True, False])
def test_moments_are_made_in_one_pass_and_checked(tmp_path: Path, sparse: bool) -> None:
    result = run_memory(1 / 64, "2GB", "moments", tmp_path, 1, True, lambda _text: None, (40, 64), sparse)
    assert result["held"], render_memory(result)
    assert "in one pass" in render_memory(result)
    data = Dataset(next(tmp_path.glob("sparse-*" if sparse else "cubes-*")), tuple(result["shape"]))
    if sparse:
        assert stored_bytes(data.path("a", "fits")) < data.nbytes // 4
    case, out = CASES[-1], tmp_path / "out.fits"
    numbers = {"read": float(data.nbytes)}
    assert check_case(case, data, out, numbers) == "there is no moment 0"
    for path in maps_of(out):
        path.write_bytes(fits_header((1, 40, 64)) + bytes(4 * 40 * 64))
    assert check_case(case, data, out, numbers) == "2560 pixels of moment 0 differ"
    assert check_case(case, data, out, {"read": 2.0 * data.nbytes}) == "2.00 times the cube was read"


# -- statistics in a circle -------------------------------------------------------------------------------

# What the runner asks of CASA, on the same file, in plain numpy.
_CASATOOLS = """
import re
import shutil
import numpy as np
from astropy.io import fits

def version_string():
    return "0"

class image:
    def fromfits(self, target, source, overwrite):
        shutil.copy(source, target)

    def open(self, path):
        self.values = fits.getdata(path).astype(float)

    def done(self):
        self.values = None

    def statistics(self, region, robust, axes):
        radius = float(re.search(r"[]], ([0-9.e-]+)deg[]]", region)[1]) / 2e-4
        nz, ny, nx = self.values.shape
        y, x = np.indices((ny, nx))
        inside = np.hypot(y - ny // 2, x - nx // 2) <= radius
        planes = self.values if axes == [0, 1] else [self.values]
        good = [v[np.isfinite(v) & inside] for v in planes]
        def each(f):
            return np.array([f(np.sort(v)) for v in good])
        found = {"npts": each(np.size), "sum": each(np.sum), "sumsq": each(lambda v: (v * v).sum()),
                 "mean": each(np.mean), "sigma": each(lambda v: v.std(ddof=1)), "min": each(np.min),
                 "max": each(np.max), "rms": each(lambda v: np.sqrt((v * v).mean())),
                 "median": each(np.median),
                 "medabsdevmed": each(lambda v: np.median(np.abs(v - np.median(v)))),
                 "q1": each(lambda v: v[-(-v.size // 4) - 1]),
                 "q3": each(lambda v: v[-(-3 * v.size // 4) - 1])}
        return found | {"quartile": found["q3"] - found["q1"]}
"""


@pytest.fixture
def casa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "casatools.py").write_text(_CASATOOLS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    return sys.executable


def test_regions_are_timed_and_compared(tmp_path: Path, casa: str) -> None:
    said: list[str] = []
    result = run_regions(tmp_path / "data", (3, 40, 48), casa, 1, 1, said.append)
    assert result["mismatches"] == [], render_regions(result)
    for case in REGION_CASES:
        cells = result["cells"][case.key]
        assert set(cells) == {"lattice", "casa"}
        assert all(len(cell["all"][0]) == 3 for cell in cells.values())
        assert cells["casa"]["ratio"] == pytest.approx(cells["casa"]["seconds"] / cells["lattice"]["seconds"])
        assert len(cells["lattice"]["numbers"]["npts"]) == (3 if case.planes else 1)
    text = render_regions(result)
    assert "the results agree" in text
    assert text.count("(") > 6
    cells["casa"]["numbers"]["npts"][0] += 1
    assert find_differences(case, cells)[0].startswith("planes: npts is")


def test_regions_of_lattice_alone_and_a_casa_that_fails(tmp_path: Path) -> None:
    runner = CliRunner()
    arguments = [
        "regions",
        "--shape",
        "2x24x24",
        "--repeat",
        "1",
        "--threads",
        "1",
        "--folder",
        str(tmp_path),
    ]
    alone = runner.invoke(main, [*arguments, "--json", str(tmp_path / "r.json")])
    assert alone.exit_code == 0, alone.output
    assert "CASA" in alone.stdout
    assert json.loads((tmp_path / "r.json").read_text())["cells"]["classic"].keys() == {"lattice"}
    failing = runner.invoke(main, [*arguments, "--casa", sys.executable])
    assert failing.exit_code != 0
    assert "casatools" in str(failing.exception)


def test_masked_cubes_and_circles(tmp_path: Path) -> None:
    fits = pytest.importorskip("astropy.io.fits")
    path = make_masked(tmp_path, (2, 30, 50))
    assert make_masked(tmp_path, (2, 30, 50)) == path
    values = fits.getdata(path)
    assert 0.05 < np.isnan(values).mean() < 0.15
    found = re.search(r"(\S+)deg\], coord", circle((2, 1024, 1024)))
    assert found is not None
    radius = float(found[1]) / 2e-4
    y, x = np.indices((1024, 1024)) - 512
    distance = np.hypot(x, y)
    assert 385 < radius < 415
    assert not ((distance > radius) & (distance < radius + 0.01)).any()


# -- operations -------------------------------------------------------------------------------------------

# What the runner asks of CASA for three rows, in plain numpy; images are .npy files.
_TOOLS = """
import numpy as np
from astropy.io import fits
from pathlib import Path

def version_string():
    return "0"

class logsink:
    def filterMsg(self, messages):
        pass

class image:
    def fromfits(self, target, source, overwrite):
        with open(target, "wb") as file:
            np.save(file, fits.getdata(source))

    def open(self, path):
        self.values = np.load(path)

    def done(self):
        self.values = None

    def getchunk(self, getmask=False):
        return np.isfinite(self.values).T if getmask else self.values.T

    def statistics(self, robust):
        v = self.values.astype(float)
        found = {"npts": v.size, "sum": v.sum(), "mean": v.mean(), "sigma": v.std(ddof=1), "min": v.min(),
                 "max": v.max(), "rms": np.sqrt((v * v).mean())}
        return {key: np.array([value]) for key, value in found.items()}

    def _made(self, path, values):
        with open(path, "wb") as file:
            np.save(file, values)
        made = image()
        made.open(path)
        return made

    def collapse(self, function, axis, outfile):
        return self._made(outfile, np.median(self.values, axis=2 - axis, keepdims=True) + WRONG)

    def rebin(self, outfile, bins):
        z, y, x = (n // 2 for n in self.values.shape)
        return self._made(outfile, self.values.reshape(z, 2, y, 2, x, 2).mean((1, 3, 5)))
"""


def _tools(folder: Path, monkeypatch: pytest.MonkeyPatch, wrong: float) -> str:
    folder.mkdir()
    (folder / "casatools.py").write_text(f"WRONG = {wrong}\n" + _TOOLS)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return sys.executable


def test_operations_are_timed_and_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, said = "classic,median,rebin", list[str]()
    casa = _tools(tmp_path / "right", monkeypatch, 0.0)
    result = run_operations(tmp_path / "data", (8, 40, 48), casa, None, rows, False, 1, 2, 1, said.append)
    text = render_operations(result)
    assert result["mismatches"] == [], text
    assert len(said) == 7
    assert "the results agree" in text
    assert result["summary"]["casa"]["rows"] == 3
    for cells in result["cells"].values():
        assert set(cells) == {"lattice", "casa"}
        assert all(len(cell["all"][0]) == 2 for cell in cells.values())
        assert cells["casa"]["ratio"] == pytest.approx(cells["casa"]["seconds"] / cells["lattice"]["seconds"])
    assert not list((tmp_path / "data").glob("out-*"))


def test_wrong_results_of_operations_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    casa = _tools(tmp_path / "wrong", monkeypatch, 1e-3)
    result = run_operations(
        tmp_path / "data", (8, 40, 48), casa, None, "median", False, 1, 1, 1, lambda _text: None
    )
    assert "THE RESULTS DO NOT AGREE:\n  median: image.pixels of CASA differs in 1920" in render_operations(
        result
    )


def test_operations_of_lattice_alone(tmp_path: Path) -> None:
    command = (
        "operations --without-spectral-cube --shape 8x24x32 --repeat 1 --calls 1 --threads 1 --bad --json"
    )
    arguments = [*command.split(), str(tmp_path / "o.json"), "--folder", str(tmp_path)]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    cells = json.loads((tmp_path / "o.json").read_text())["cells"]
    assert list(cells) == [case.key for case in OPERATION_CASES]
    found = {key: cell["lattice"]["found"] for key, cell in cells.items()}
    assert 0.85 * 8 * 24 * 32 < found["classic"]["npts"][0] < 0.95 * 8 * 24 * 32
    assert len(found["planes"]["mean"]) == 8
    assert {"moment0.good", "moment1.pixels"} < found["moments"].keys()
    refused = CliRunner().invoke(main, ["operations", "--rows", "nothing"])
    assert refused.exit_code == 2
    assert "no such row: nothing" in refused.output


def test_all_programs_have_the_rows() -> None:
    keys = [case.key for case in OPERATION_CASES]
    assert list(OF_LATTICE) == list(OF_CASA) == keys
    assert set(OF_SPECTRAL_CUBE) < set(keys)
