"""Outputs appear complete or not at all, and failures say what to do."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from lattice.errors import OutputExistsError, StorageError
from lattice.graph.sections import full
from lattice.io import atomic, files
from lattice.io.atomic import Staging
from lattice.io.base import ImageSpec
from lattice.io.registry import by_name, open_stored

SPEC = ImageSpec((64, 64), ("y", "x"), np.dtype("f4"))


def fill(folder: str, text: str) -> None:
    with open(os.path.join(folder, "zarr.json"), "w") as f:
        f.write(text)


def fill_image(name: str, path: str, spec: ImageSpec) -> None:
    with by_name(name).create(path, spec) as out:
        out.writer.write(full(spec.shape), np.ones(spec.shape, "f4"), None)


def test_folder_swap(tmp_path, monkeypatch):
    target = tmp_path / "a.zarr"
    for exchange in (True, False):
        if not exchange:
            monkeypatch.setattr(atomic, "_exchange", lambda a, b: False)
        for text in ("one", "two"):
            stage = Staging(str(target), overwrite=True, directory=True)
            fill(stage.temp, text)
            stage.commit()
            assert (target / "zarr.json").read_text() == text
            assert os.listdir(tmp_path) == ["a.zarr"]


def test_failed_swap_puts_the_old_folder_back(tmp_path, monkeypatch):
    target = tmp_path / "a.zarr"
    target.mkdir()
    fill(str(target), "old")
    stage = Staging(str(target), overwrite=True, directory=True)
    fill(stage.temp, "new")
    monkeypatch.setattr(atomic, "_exchange", lambda a, b: False)
    real = os.rename

    def rename(a, b):
        if a == stage.temp:
            raise OSError(errno.EIO, "")
        real(a, b)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(StorageError, match=r"a\.zarr"):
        stage.commit()
    assert (target / "zarr.json").read_text() == "old"


def test_a_folder_that_is_no_image_is_never_replaced(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.tex").write_text("x")
    for name in ("fits", "zarr"):
        with pytest.raises(OutputExistsError, match="holds no image"):
            by_name(name).create(str(home), SPEC, overwrite=True)
    assert (home / "thesis.tex").exists()


def test_file_and_folder_replace_each_other(tmp_path):
    path = str(tmp_path / "x.img")
    for name in ("fits", "zarr", "fits"):
        with by_name(name).create(path, SPEC, overwrite=True) as out:
            out.writer.write(full((64, 64)), np.ones((64, 64), "f4"), None)
        assert open_stored(path).format == name
        assert os.listdir(tmp_path) == ["x.img"]


def test_symbolic_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "a.fits", tmp_path / "link.fits"
    real.write_bytes(b"old")
    link.symlink_to(real)
    with by_name("fits").create(str(link), SPEC, overwrite=True) as out:
        out.writer.write(full((64, 64)), np.ones((64, 64), "f4"), None)
    assert link.is_symlink()
    assert open_stored(str(link)).reader.shape == (64, 64)


def test_target_that_appears_meanwhile_is_kept(tmp_path):
    path = tmp_path / "a.fits"
    out = by_name("fits").create(str(path), SPEC)
    path.write_bytes(b"someone else's")
    with pytest.raises(OutputExistsError):
        out.commit()
    assert path.read_bytes() == b"someone else's"
    assert os.listdir(tmp_path) == ["a.fits"]


def test_special_files_are_refused():
    with pytest.raises(StorageError, match="not a regular file"):
        by_name("fits").create("/dev/null", SPEC, overwrite=True)


def test_mode_of_the_old_file_is_kept(tmp_path):
    path = tmp_path / "a.fits"
    path.write_bytes(b"")
    path.chmod(0o640)
    with by_name("fits").create(str(path), SPEC, overwrite=True):
        pass
    assert path.stat().st_mode & 0o777 == 0o640


def test_missing_folder(tmp_path):
    for name in ("fits", "zarr"):
        with pytest.raises(StorageError, match="folder does not exist"):
            by_name(name).create(str(tmp_path / "none" / "a.x"), SPEC)


def test_very_long_name(tmp_path):
    path = str(tmp_path / ("n" * 250 + ".fits"))
    with by_name("fits").create(path, SPEC) as out:
        out.writer.write(full((64, 64)), np.ones((64, 64), "f4"), None)
    assert open_stored(path).reader.shape == (64, 64)
    with (
        pytest.raises(StorageError, match="too long"),
        by_name("fits").create(str(tmp_path / ("n" * 300)), SPEC),
    ):
        pass


@pytest.mark.parametrize("name", ["fits", "zarr"])
@pytest.mark.parametrize(
    ("code", "advice"),
    [(errno.EACCES, "no permission"), (errno.EROFS, "read-only"), (errno.ENOSPC, "disk is full")],
)
def test_folder_that_cannot_be_written(tmp_path, monkeypatch, name, code, advice):
    def refuse(*args, **kwargs):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        patch.setattr(os, "mkdir", refuse)
        with pytest.raises(StorageError, match=advice) as error:
            by_name(name).create(str(tmp_path / "a.x"), SPEC)
    assert "a.x" in str(error.value)
    assert error.value.errno == code
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("name", ["fits", "zarr"])
def test_disk_that_fills_up_while_writing(tmp_path, monkeypatch, name):
    out = by_name(name).create(str(tmp_path / "a.x"), SPEC)

    def full_disk(*args):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full_disk)
        with pytest.raises(StorageError, match="disk is full"), out:
            out.writer.write(full((64, 64)), np.ones((64, 64), "f4"), None)
    assert os.listdir(tmp_path) == []


LIMITED = """
import resource, sys, os
import numpy as np
from lattice.errors import StorageError
from lattice.graph.sections import full
from lattice.io.base import ImageSpec
from lattice.io.registry import by_name
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 18, 1 << 18))
shape = (4, 400, 400)
try:
    with by_name(sys.argv[1]).create(sys.argv[2], ImageSpec(shape, ("a", "b", "c"), np.dtype("f4"))) as out:
        out.writer.write(full(shape), np.ones(shape, "f4"), None)
except StorageError as exc:
    print(exc)
    sys.exit(0 if not os.listdir(os.path.dirname(sys.argv[2])) else 3)
sys.exit(4)
"""


@pytest.mark.parametrize("name", ["fits", "zarr"])
def test_file_size_limit_is_an_error_not_a_signal(tmp_path, name):
    path = str(tmp_path / "a.x")
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, name, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr + done.stdout
    assert "larger than" in done.stdout


def test_really_full_disk(tmp_path):
    """A small file system of its own, where that can be mounted."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(mount)], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        shape = (4, 400, 400)
        spec = ImageSpec(shape, ("a", "b", "c"), np.dtype("f4"))
        for name in ("fits", "zarr"):
            with pytest.raises(StorageError, match="disk is full"):
                fill_image(name, str(mount / "a.x"), spec)
            assert os.listdir(mount) == []
        readonly = subprocess.run(["mount", "-o", "remount,ro", str(mount)], capture_output=True, check=False)
        if readonly.returncode == 0:
            for name in ("fits", "zarr"):
                with pytest.raises(StorageError, match="read-only"):
                    by_name(name).create(str(mount / "a.x"), spec)
    finally:
        subprocess.run(["umount", str(mount)], check=False)


def test_short_writes_and_reads_are_completed(tmp_path, monkeypatch):
    data = os.urandom(10_000)
    path = tmp_path / "f"
    path.write_bytes(bytes(10_000))
    write, read = os.pwrite, os.preadv
    monkeypatch.setattr(os, "pwrite", lambda fd, b, at: write(fd, b[:777], at))
    monkeypatch.setattr(os, "preadv", lambda fd, b, at: read(fd, [b[0][:333]], at))
    fd = os.open(path, os.O_RDWR)
    try:
        files.pwrite_from(fd, memoryview(data), 0, "f")
        back = bytearray(10_000)
        files.pread_into(fd, memoryview(back), 0, "f")
    finally:
        os.close(fd)
    assert back == data


def test_stale_files_of_other_machines_and_living_processes_stay(tmp_path):
    place = atomic._place()
    living = f".a.fits.{os.getpid()}-{place}00000000.tmp"
    other = f".a.fits.999999999-{'0' * 8}00000000.tmp"
    dead = f".a.fits.999999999-{place}00000000.tmp"
    stranger = ".a.fits.tmp"
    for name in (living, other, dead, stranger):
        (tmp_path / name).write_bytes(b"")
    with by_name("fits").create(str(tmp_path / "a.fits"), SPEC):
        pass
    assert set(os.listdir(tmp_path)) == {"a.fits", living, other, stranger}


def test_many_descriptors_in_use_are_not_closed(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MAX_OPEN", 4)
    paths = []
    for i in range(12):
        path = tmp_path / f"{i}"
        path.write_bytes(bytes([i]))
        paths.append(str(path))
    users = [files.Opened(p, files.identify(p)) for p in paths]
    fds = [u.__enter__() for u in users]
    assert [os.pread(fd, 1, 0)[0] for fd in fds] == list(range(12))
    for user in users:
        user.__exit__(None, None, None)
    with files.Opened(paths[0], files.identify(paths[0])):
        pass
    assert files.open_count() <= 4 + 1


def test_descriptor_shortage_closes_idle_ones(tmp_path):
    code = """
import os, resource, sys
from lattice.io import files
paths = [os.path.join(sys.argv[1], str(i)) for i in range(100)]
for path in paths:
    with open(path, "wb") as f:
        f.write(b"x")
files.MAX_OPEN = 256
resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
for path in paths:
    with files.Opened(path, files.identify(path)) as fd:
        assert os.pread(fd, 1, 0) == b"x"
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
