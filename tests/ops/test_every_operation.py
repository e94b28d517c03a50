"""What must hold for every operation, run over the list in tests/ops/every.py."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.config import set_options
from lattice.execute import strips
from lattice.image.catalogue import OPERATIONS, operation
from lattice.io.files import counting
from lattice.plan import blocks
from tests.ops.blocks import masks
from tests.ops.every import ALL, WORKS, Work, arrays_of, cube, images_of

RNG = np.random.default_rng(77)
SHAPE = (6, 13, 11)
VALUES = RNG.normal(0.6, 1, SHAPE).astype("f4")
EVERY = pytest.mark.parametrize("work", WORKS, ids=str)
QUIET = pytest.mark.filterwarnings("ignore:the beams are dropped")


def test_every_operation_is_in_the_list() -> None:
    assert {work.name for work in WORKS} == {one.name for one in OPERATIONS}
    assert len({str(work) for work in WORKS}) == len(WORKS)


# -- blocks ------------------------------------------------------------------------------------------------


@contextmanager
def cut_into(block: tuple[int, ...], strip: int) -> Iterator[None]:
    """Compute in blocks of about this shape, and in strips of so many pixels."""

    def grow(shape: tuple[int, ...], *_: Any) -> tuple[int, ...]:
        # of another number of axes: the shape of the last ones
        wanted = (1,) * len(shape) + block
        return tuple(max(1, min(n, b)) for n, b in zip(shape, wanted[-len(shape) :], strict=True))

    with pytest.MonkeyPatch.context() as patch, set_options(strip=strip, workers=2):
        patch.setattr(blocks, "_grow", grow)
        patch.setattr(strips, "_SHORTEST", 1)
        yield


@pytest.mark.parametrize(
    "work", [pytest.param(w, marks=pytest.mark.slow if w.alike else ()) for w in WORKS], ids=str
)
@QUIET
@settings(max_examples=4)
@given(data=st.data())
def test_blocks_make_no_difference(work: Work, data: st.DataObject) -> None:
    a = cube(VALUES, data.draw(masks(SHAPE, np.random.default_rng(data.draw(st.integers(0, 9))))))
    if work.name == "crop" and not a.to_masked_array().count():
        return  # nothing would be left
    block = data.draw(
        st.one_of(st.just(SHAPE), st.just((1, 1, 1)), st.tuples(*(st.integers(1, n) for n in SHAPE)))
    )
    whole = arrays_of(work.run(a))
    with cut_into(block, data.draw(st.sampled_from([1, 7, 64, 1 << 18]))):
        pieces = arrays_of(work.run(a))
    assert list(pieces) == list(whole)
    for key, found in pieces.items():
        same(found, whole[key], work.close, key)


def same(found: Any, expected: Any, close: float, key: str) -> None:
    if not isinstance(expected, np.ndarray | float | complex):
        assert found == expected, key
        return
    found, expected = np.ma.asarray(found), np.ma.asarray(expected)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(expected), key)
    if expected.dtype.kind == "b":
        np.testing.assert_array_equal(found.filled(False), expected.filled(False), key)
        return
    ours, theirs = found.filled(0), expected.filled(0)
    finite = np.isfinite(theirs)
    scale = float(np.abs(theirs[finite]).max(initial=0))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=close * scale, err_msg=key)


# -- what is read ------------------------------------------------------------------------------------------

LARGE = (16, 48, 64)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("every") / "cube.fits"
    cube(RNG.normal(0.6, 1, LARGE).astype("f4")).save(path)
    return path


@EVERY
@QUIET
def test_a_corner_reads_what_it_needs(work: Work, stored: Path) -> None:
    a = lattice.open(stored)
    with counting() as built:
        result = work.run(a)
    if work.name not in ("crop", "histogram"):  # the first reads masks, the second is numbers
        assert built.bytes <= a.nbytes * (2 if str(work) == "statistics whole" else 0)  # two passes
    planes, rows = (n if k == ALL else min(n, k) for n, k in zip(LARGE, work.reads, strict=False))
    for image in images_of(result):
        corner = image[(slice(0, 2),) * image.ndim]
        with counting() as count:
            corner.values  # noqa: B018 - it is read
        assert count.bytes <= planes * rows * LARGE[2] * 4, image
        # what the plan says is read, or somewhat more where a median is looked at twice
        assert count.bytes <= 2 * corner.explain().bytes_read


# -- what the docstrings say -------------------------------------------------------------------------------


@EVERY
@QUIET
def test_the_rules_of_docstrings_hold(work: Work) -> None:
    rules = operation(work.name).rules()
    a = cube(VALUES, masks={"odd": VALUES > 0, "low": VALUES < 1}).set_default_mask("low")
    for made in images_of(work.run(a)):
        if rules["unit"] == "stays.":
            assert made.unit == a.unit
        if rules["beam"] == "stays.":
            assert made.beams == a.beams
        if rules["coordinates"] == "stay.":
            assert made.coords == a.coords
        if rules["mask"] == "stays.":
            np.testing.assert_array_equal(
                made.to_masked_array().mask.ravel(), a.to_masked_array().mask.ravel()
            )
        if rules["flags"] == "named masks are left behind.":
            assert not made.masks
        elif rules["flags"].startswith("named masks"):
            assert {"odd", "low"} <= set(made.masks)
            assert all(mask.shape == made.shape for mask in made.masks.values())


# -- memory ------------------------------------------------------------------------------------------------

LIMIT = 200_000_000
HUGE = (96, 2048, 2048)  # eight times the limit

RUN = """
import sys
import lattice
from tests.ops.every import WORKS, images_of
name, limit = sys.argv[1], int(sys.argv[2])
work = next(w for w in WORKS if str(w) == name)
lattice.set_options(memory_limit=limit, workers=2)
a = lattice.open("huge.fits")
made = work.run(a[a > -1])
for k, image in enumerate(images_of(made)):
    if work.slow:
        image = image[(slice(0, 2),)]
    image.save(f"{k}.zarr", overwrite=True)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a cube eight times as large as the memory limit, which takes no disk."""
    folder = tmp_path_factory.mktemp("huge")
    cube(np.zeros((1, 2, 2), "f4")).save(folder / "small.fits")
    header = (folder / "small.fits").read_bytes()[:-2880]
    cards = [header[i : i + 80] for i in range(0, len(header), 80)]
    for axis, n in enumerate(reversed(HUGE), 1):
        old = next(c for c in cards if c.startswith(b"NAXIS%d " % axis))
        header = header.replace(old, (b"NAXIS%d  = %20d" % (axis, n)).ljust(80))
    with (folder / "huge.fits").open("wb") as f:
        f.write(header)
        size = len(header) + HUGE[0] * HUGE[1] * HUGE[2] * 4
        os.truncate(f.fileno(), -(-size // 2880) * 2880)
    return folder


@pytest.mark.heavy
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell the peak")
@EVERY
def test_the_memory_limit_holds(
    work: Work, huge: Path, record_property: Callable[[str, object], None]
) -> None:
    root = str(Path(lattice.__file__).parent.parent)
    code = f"import sys; sys.path.insert(0, {root!r})\n" + RUN
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(work), str(LIMIT)],
        cwd=huge,
        capture_output=True,
        text=True,
        check=False,
    )
    for path in huge.glob("*.zarr"):
        shutil.rmtree(path)
    assert done.returncode == 0, done.stderr
    peak = int(done.stdout.split()[-1]) * 1024 / LIMIT
    record_property("peak", round(peak, 3))  # all of them: -o junit_family=xunit1 --junitxml=FILE
    assert peak < 1.15
