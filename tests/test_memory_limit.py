"""The memory limit, measured: work in a process of its own stays within 1.15 times the limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice import Image

LIMIT = 200_000_000
SHAPE = (48, 640, 800)  # half as large as the limit

WORK = """
import sys
import lattice
lattice.set_options(memory_limit=int(sys.argv[1]), workers=2, jit=False)
a, z = lattice.open("a.fits"), lattice.open("z.zarr")
{work}
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""

CASES = {
    "rebin": "z.rebin((4, 4, 4)).save('out.fits', overwrite=True)",
    "rebin to one pixel": "z.rebin(z.shape).values",
    "bins of bins": "z.rebin((48, 80, 80)).rebin((1, 2, 2)).values",
    "mean of bins": "z.rebin((2, 2, 2)).mean(0).values",
    "compressed with a mask": "a[a > 0].save('out.zarr', overwrite=True, compress='lz4')",
    "median over planes": "z.median(0).values",
    "statistics over rows": "z.statistics(robust=True, dims=2).compute()",
    "few different values": "lattice.expr('floor(a)', a=a).statistics(robust=True)",
    "joined": "lattice.concat([z, z + 1, z + 2], dim=0).std(0).values",
}


MOMENTS = """
import sys
import lattice
from lattice.io.files import counting
lattice.set_options(memory_limit=int(sys.argv[1]), workers=2, jit=sys.argv[2] == "True")
cube = lattice.open("sparse.fits")
with counting() as count:
    lattice.save({f"m{n}.fits": m for n, m in cube.moments([0, 1, 2], 0).items()}, overwrite=True)
print(count.bytes, next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("limit")
    rng = np.random.default_rng(0)
    values = rng.normal(size=SHAPE).astype(np.float32)
    Image(values).save(path / "a.fits")
    Image(values, mask=rng.random(SHAPE) > 0.1).save(path / "z.zarr", compress="lz4")
    return path


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
@pytest.mark.parametrize("case", CASES)
def test_work_keeps_to_the_memory_limit(case: str, folder: Path) -> None:
    pytest.importorskip("numcodecs")
    root = str(Path(lattice.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r})\n" + WORK.format(work=CASES[case])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(LIMIT)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) * 1024 < 1.15 * LIMIT


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
@pytest.mark.parametrize("jit", [False, True])
def test_moments_of_a_sparse_cube_in_one_pass(jit: bool, tmp_path: Path) -> None:
    if jit:
        pytest.importorskip("llvmlite")
    shape = (600, 1000, 1000)  # twelve times as large as the limit, nearly all of it a hole in the file
    thin = Image(np.zeros((1, 4, 4), np.float32))
    thin.save(tmp_path / "thin.fits")
    header = (tmp_path / "thin.fits").read_bytes()[:2880]
    for axis, n in enumerate(reversed(shape), 1):
        name = b"NAXIS%d  = " % axis
        start = header.index(name)
        header = header[:start] + (name + b"%20d" % n).ljust(80) + header[start + 80 :]
    size = int(np.prod(shape)) * 4
    rng = np.random.default_rng(3)
    planes = {k: rng.random(shape[1:], np.float32) for k in (7, 300, 599)}
    with (tmp_path / "sparse.fits").open("wb") as file:
        file.write(header)
        file.truncate(2880 + -(-size // 2880) * 2880)
        for k, values in planes.items():
            file.seek(2880 + 4 * k * shape[1] * shape[2])
            file.write(values.astype(">f4").data)
    root = str(Path(lattice.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r})\n" + MOMENTS
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(LIMIT), str(jit)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    read, peak = (int(word) for word in done.stdout.split()[-2:])
    assert size <= read < 1.001 * size
    assert peak * 1024 < 1.15 * LIMIT
    total = sum(v.astype(float) for v in planes.values())
    first = sum(v.astype(float) * k for k, v in planes.items()) / total
    second = np.sqrt(sum(v * (k - first) ** 2 for k, v in planes.items()) / total)
    for number, want in enumerate((total, first, second)):
        found = lattice.open(tmp_path / f"m{number}.fits").values
        np.testing.assert_allclose(found, want, rtol=1e-5, atol=1e-3 * (number == 2))
