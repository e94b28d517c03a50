"""Outputs are whole or absent: killed, interrupted, on a full disk, in a folder that takes no files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice import Image, LatticeError
from lattice.io import files
from tests.work import PATIENCE, counting_lines

ROOT = Path(lattice.__file__).parent.parent

# A kernel that takes its time, so that there is a while in which to kill; it says when a strip is there.
# There are more than a hundred strips, of which workers do a few in each second.
_SLOW = """
import sys, time
import numpy as np
import lattice

@lattice.function("slowly", lattice.Param("x", "real"))
def slowly(x, out):
    "x, after a while."
    if x.size > 1:
        sys.stdout.write("working\\n")
        sys.stdout.flush()
        time.sleep(0.2)
    np.copyto(out, x)

lattice.set_options(strip=32768)
a = lattice.open("a.fits")
a.slowly().save(sys.argv[1], overwrite=True)
print("done", flush=True)
"""


@pytest.fixture(autouse=True)
def _source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image(np.ones((64, 256, 256), "f4")).save("a.fits")


def _start(code: str, out: str) -> subprocess.Popen[str]:
    """Start a save and wait until it is in the middle of its work, where it stays for seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, out],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    for _ in range(5):
        line = process.stdout.readline()
        assert line == "working\n", line + (process.stderr.read() if process.stderr else "")
    return process


def _names() -> list[str]:
    return sorted(p.name for p in Path().iterdir())


@pytest.mark.parametrize("ending", ["fits", "zarr"])
@pytest.mark.parametrize("existing", [False, True])
def test_a_killed_save_leaves_the_old_file_or_none(ending: str, existing: bool) -> None:
    out = f"out.{ending}"
    if existing:
        Image(np.full((2, 3), 7.0)).save(out)
    process = _start(_SLOW, out)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == -signal.SIGKILL
    if existing:
        assert float(lattice.open(out).max()) == 7
    else:
        assert not Path(out).exists()
    # What a killed process could not clean up is removed by the next save.
    Image(np.full((2, 3), 8.0)).save(out, overwrite=True)
    assert _names() == ["a.fits", out]


@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_an_interrupted_save_leaves_nothing(ending: str) -> None:
    process = _start(_SLOW, f"out.{ending}")
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert "done" not in rest
    assert rest.count("working") < 60  # a few more strips were begun meanwhile, not all that there are
    assert _names() == ["a.fits"]


@pytest.mark.parametrize(
    ("number", "status", "message"),
    [(signal.SIGINT, 130, "interrupted; no partial output is left\n"), (signal.SIGTERM, 143, "")],
)
def test_a_command_that_is_stopped_cleans_up(number: signal.Signals, status: int, message: str) -> None:
    code = _SLOW.split("a = lattice.open")[0] + (
        "from lattice.cli import main\nmain(['calc', \"slowly('a.fits')\", 'out.fits', '--workers', '1'])\n"
    )
    process = _start(code, "out.fits")
    process.send_signal(number)
    rest, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == status
    assert errors == message
    assert rest.count("working") < 60
    assert _names() == ["a.fits"]


def test_an_error_in_the_middle_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that was written to since it was opened is an error, not a mixture."""
    monkeypatch.setattr(files, "_CHECK_SECONDS", -1.0)  # however soon after opening it is written to
    a = lattice.open("a.fits")
    with Path("a.fits").open("r+b") as f:
        f.seek(100_000)
        f.write(b"x")
    os.utime("a.fits", (1, 1))
    with pytest.raises(lattice.StorageError, match="changed since it was opened"):
        (a * 2).save("out.fits")
    assert _names() == ["a.fits"]


def test_a_source_that_was_replaced_keeps_its_pixels_or_is_an_error() -> None:
    a = lattice.open("a.fits")
    Image(np.zeros((64, 256, 256), "f4")).save("a.fits", overwrite=True)
    try:
        assert float(a.max()) == 1
    except lattice.StorageError as error:
        assert "changed since it was opened" in str(error)  # noqa: PT017 - either is right


@pytest.mark.skipif(os.name == "nt", reason="there are no limits on file sizes to set")
@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_a_file_that_may_not_grow_is_an_error_that_says_so(ending: str) -> None:
    """A limit on the size of files fails as a full disk or quota does, in the middle of writing."""
    code = (
        "import resource, signal, sys, numpy as np, lattice\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
        "rng = np.random.default_rng(1)\n"
        "a = lattice.Image(rng.normal(size=(16, 512, 512)))\n"
        "try: a.save(sys.argv[1])\n"
        "except lattice.StorageError as error: print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, f"out.{ending}"],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert found.returncode == 0, found.stderr
    assert "cannot write" in found.stdout
    assert "File too large" in found.stdout
    assert _names() == ["a.fits"]


def _mount(folder: Path, options: str) -> None:
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("file systems cannot be mounted here")


@pytest.fixture(params=["size=4m", "size=4m,ro"])
def bad_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Path, str]]:
    """Return a folder that is too small or read-only, where such a thing can be had, and what saving says."""
    folder = tmp_path / "disk"
    _mount(folder, request.param)
    full = "No space left on device\nthe disk is full: free some space"
    yield folder, "Read-only file system\nthe disk is read-only" if "ro" in request.param else full
    subprocess.run(["umount", "-l", str(folder)], check=False)


@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_a_full_or_read_only_disk_is_an_error_that_says_so(
    bad_disk: tuple[Path, str], ending: str, rng: np.random.Generator
) -> None:
    folder, message = bad_disk
    out = folder / f"out.{ending}"
    read_only = "read-only" in message
    if not read_only:
        Image(np.full((2, 3), 7.0)).save(out)
    with pytest.raises(lattice.StorageError, match=message):
        Image(rng.normal(size=(16, 512, 512)).astype("f4")).save(out, overwrite=True)
    assert [p.name for p in folder.iterdir()] == ([] if read_only else [out.name])
    if not read_only:
        assert float(lattice.open(out).max()) == 7


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_a_folder_that_takes_no_files_is_an_error_that_says_so(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    try:
        with pytest.raises(lattice.StorageError, match="Permission denied\nyou have no permission"):
            lattice.open("a.fits").save(folder / f"out.{ending}")
    finally:
        folder.chmod(0o700)


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs a folder where nobody may write")
@pytest.mark.parametrize("ending", ["fits", "zarr"])
def test_a_folder_where_nobody_may_write(ending: str) -> None:
    with pytest.raises(lattice.StorageError, match=f"cannot write '/proc/self/out.{ending}'"):
        lattice.open("a.fits").save(f"/proc/self/out.{ending}")


def test_folders_that_hold_something_else_are_not_replaced() -> None:
    Path("data.zarr").mkdir()
    Path("data.zarr/notes.txt").write_text("mine")
    with pytest.raises(lattice.OutputExistsError, match="holds no image; it is not replaced"):
        lattice.open("a.fits").save("data.zarr", overwrite=True)
    assert Path("data.zarr/notes.txt").read_text() == "mine"


def test_truncated_sources_are_refused_when_they_are_opened() -> None:
    whole = Path("a.fits").read_bytes()
    Path("a.fits").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(lattice.FormatError, match="truncated"):
        lattice.open("a.fits")


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000 + "1" + ")" * 10_000,
        "1+" * 300_000 + "1",
        "a\0b",
        "\ud800",
        "٣ + ۴",
        "'" + "x" * 100_000 + "'",
        "[" * 5000,
    ],
    ids=["brackets", "long", "NUL", "surrogate", "digits", "name", "lists"],
)
def test_hostile_text_ends_in_a_result_or_a_clear_error_at_once(text: str) -> None:
    lattice.expr("1 + 1")  # the parser is built at the first call
    with counting_lines(20_000 + len(text)):
        try:
            lattice.expr(text)
        except LatticeError as error:
            assert len(str(error)) < 2000  # noqa: PT017 - a result is right as well
