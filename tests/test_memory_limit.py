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
