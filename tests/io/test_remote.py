"""Images behind URLs: what is fetched, what is kept, and what goes wrong."""

from __future__ import annotations

import concurrent.futures
import http.server
import math
import os
import pickle
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lattice
from lattice.errors import FormatError, ImageNotFoundError, LatticeError, StorageError
from lattice.graph.sections import Section, full, n_pixels
from lattice.io import remote
from lattice.io.files import Opened, identify, is_url, pread_many
from lattice.io.places import absolute, join, name_of
from lattice.io.registry import open_stored
from lattice.testing import Sample
from lattice.testing.base import write_sample
from lattice.testing.reading import sections_of
from lattice.testing.samples import make_sample

pytest.importorskip("fsspec")

from tests.io.counted import Counted, Refusing, Slow, register

SHAPE = (20, 300, 401)
KINDS = {
    "fits": ("fits", {"mask": "extension"}, ".fits"),
    "zarr": ("zarr", {}, ".zarr"),
    "zarr packed": ("zarr", {"compress": "zstd"}, ".zarr"),
    "fits packed": ("fits", {"mask": "extension", "compress": "gzip2"}, ".fits"),
    "casa": ("casa", {}, ".image"),
    "hdf5": ("hdf5", {"tile": (2, 40, 50)}, ".h5"),
    "casa big": ("casa", {"endian": "big", "tile": (3, 64, 50)}, ".image"),
}


@pytest.fixture(autouse=True)
def _empty_store() -> Iterator[None]:
    register()
    Counted.store.clear()
    Counted.requests.clear()
    yield
    Counted.store.clear()


def upload(path: str | Path, url: str) -> str:
    """Copy a file or folder to the store."""
    source, system = str(path), Counted()
    if os.path.isfile(source):
        system.pipe_file(url, Path(source).read_bytes())
    for folder, _, names in os.walk(source):
        for name in names:
            file = os.path.join(folder, name)
            system.pipe_file(f"{url}/{os.path.relpath(file, source)}", Path(file).read_bytes())
    Counted.requests.clear()
    return url


def fetched() -> tuple[int, int]:
    """Return the number of requests and of bytes since the last time."""
    out = len(Counted.requests), sum(n for _, n in Counted.requests)
    Counted.requests.clear()
    return out


def put(tmp_path: Path, kind: str, shape: tuple[int, ...] = SHAPE, dtype: str = "f4") -> tuple[str, Sample]:
    from lattice.io.registry import by_name

    name, options, suffix = KINDS[kind]
    sample = make_sample(dtype, shape, ("masks", "unit", "cards", "history"))
    tmp_path.mkdir(exist_ok=True)
    path = str(tmp_path / f"image{suffix}")
    write_sample(by_name(name), path, sample, options)
    return upload(path, f"counted://bucket/image{suffix}"), sample


# -- the same pixels ------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "?"])
def test_remote_images_are_what_local_ones_are(kind: str, dtype: str, tmp_path: Path) -> None:
    if (kind.startswith("fits") and dtype == "c8") or (kind.startswith(("casa", "hdf5")) and dtype == "?"):
        pytest.skip("the format does not hold such values")
    url, sample = put(tmp_path, kind, (4, 60, 70), dtype)
    stored = open_stored(url)
    assert stored.unit == sample.spec.unit
    assert {k: v for k, v, _ in stored.meta} == {k: v for k, v, _ in sample.spec.meta}
    assert stored.default_mask == "mask0"
    local = open_stored(str(next(tmp_path.iterdir())))
    assert local.history == stored.history
    assert local.coords == stored.coords

    @settings(max_examples=40, deadline=None)
    @given(section=sections_of((4, 60, 70)))
    def check(section: Section) -> None:
        np.testing.assert_array_equal(stored.reader.read(section), sample.values[section])
        np.testing.assert_array_equal(stored.masks["wide"].read(section), sample.masks["wide"][section])
        out = np.empty_like(sample.values[section], order="C")
        np.testing.assert_array_equal(stored.reader.read(section, out), sample.values[section])

    check()


@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_numpy(order: Any, tmp_path: Path) -> None:
    values = np.asarray(np.random.default_rng(1).normal(size=(30, 40, 50)), order=order)
    np.save(tmp_path / "a.npy", values)
    found = lattice.open(upload(tmp_path / "a.npy", "counted://b/a.npy"))
    np.testing.assert_array_equal(found[3:9:2, 4, 10:].filled(), values[3:9:2, 4, 10:])
    np.testing.assert_array_equal(found.filled(), values)


def test_packed_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    values = np.random.default_rng(1).normal(size=(30, 40, 50)).astype("f4")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=values, chunks=(5, 20, 25), compression="gzip", shuffle=True)
    found = lattice.open(upload(tmp_path / "a.h5", "counted://b/a.h5"))
    np.testing.assert_array_equal(found[3:9:2, 4, 10:].filled(), values[3:9:2, 4, 10:])
    np.testing.assert_array_equal(found.filled(), values)


@pytest.mark.parametrize("kind", KINDS)
def test_expressions_take_urls(kind: str, tmp_path: Path) -> None:
    url, sample = put(tmp_path, kind, (4, 60, 70))
    assert sample.mask is not None
    image = lattice.open(url)
    assert (
        lattice.expr(f"sum('{url}')").item()
        == pytest.approx(np.sum(sample.values[sample.mask], dtype=float), rel=1e-5)
        or not np.isfinite(sample.values[sample.mask]).all()
    )
    cut = image[1:3, 10:20, ::7]
    np.testing.assert_array_equal(cut.to_masked_array().data, sample.values[1:3, 10:20, ::7])
    target = tmp_path / "local.fits"
    cut.save(target, mask="extension")
    np.testing.assert_array_equal(lattice.open(target).mask.compute(), sample.mask[1:3, 10:20, ::7])


def test_gzip_and_selectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    from lattice.io import spool

    monkeypatch.setattr(spool, "_WORTH_TELLING", 0)

    values = np.arange(12, dtype="f4").reshape(3, 4)
    lattice.Image(values, masks={"m": values > 3}).save(tmp_path / "a.fits", mask="extension")
    url = upload(tmp_path / "a.fits", "counted://b/a.fits")
    np.testing.assert_array_equal(lattice.open(url + "[MASK,1]").filled(), values > 3)
    np.testing.assert_array_equal(lattice.open(url, hdu=1).filled(), values > 3)
    packed = tmp_path / "a.fits.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.fits").read_bytes()))
    url = upload(packed, "counted://b/a.fits.gz")
    with pytest.warns(lattice.LatticeWarning, match="a.fits.gz is compressed"):
        np.testing.assert_array_equal(lattice.open(url).filled(), values)


def test_file_urls_are_paths(tmp_path: Path) -> None:
    lattice.Image(np.ones((2, 3), "f4")).save(tmp_path / "a.fits")
    stored = open_stored(f"file://{tmp_path}/a.fits")
    assert stored.source == f"{tmp_path}/a.fits[0]"


# -- how much is fetched --------------------------------------------------------------------------


CUTS = {
    "whole": full(SHAPE),
    "plane": (slice(7, 8, 1), slice(0, 300, 1), slice(0, 401, 1)),
    "rows": (slice(7, 8, 1), slice(100, 200, 1), slice(0, 401, 1)),
    "cut-out": (slice(0, 20, 1), slice(100, 150, 1), slice(50, 200, 1)),
    "spectrum": (slice(0, 20, 1), slice(100, 101, 1), slice(50, 51, 1)),
    "small": (slice(3, 4, 1), slice(100, 102, 1), slice(50, 52, 1)),
}


@pytest.mark.parametrize("kind", ["fits", "zarr", "casa"])
def test_what_an_image_fetches(kind: str, tmp_path: Path) -> None:
    """The engine asks for blocks, not for strips, and for the pixels of a cut only."""
    url, sample = put(tmp_path, kind, (30, 300, 401))
    image = lattice.open(url, mask=None)
    fetched()
    np.testing.assert_array_equal((image * 1).filled(), sample.values)
    requests, size = fetched()
    assert size <= 1.2 * sample.values.nbytes
    assert requests <= 100
    np.testing.assert_array_equal(image[3:9, 40:60, 10:301].filled(), sample.values[3:9, 40:60, 10:301])
    requests, size = fetched()
    assert size <= 1.2 * 6 * 20 * 291 * 4
    assert requests <= 6 * 20 + 3


@pytest.mark.parametrize("kind", ["fits", "zarr", "casa"])
@pytest.mark.parametrize("cut", CUTS)
def test_what_is_fetched_is_what_is_needed(kind: str, cut: str, tmp_path: Path) -> None:
    """At most a fifth more, and not less than a round trip brings; the headers come on opening."""
    url, _ = put(tmp_path, kind)
    reader = open_stored(url).reader
    reader.read(tuple(slice(0, 1, 1) for _ in SHAPE))  # looks once whether the file is the same
    fetched()
    section = CUTS[cut]
    reader.read(section)
    requests, size = fetched()
    needed = n_pixels(section) * 4
    assert size <= max(1.2 * needed, 16 << 10)
    rows = math.prod(s.stop - s.start for s in section[:2])
    files = math.prod(-(-n // c) for n, c in zip(SHAPE, reader.tile, strict=True)) if kind == "zarr" else 8
    assert requests <= {"whole": files, "plane": 16, "rows": 16, "spectrum": 20, "small": 2}.get(cut, rows)


@pytest.mark.parametrize(("kind", "most"), [("fits", 3), ("zarr", 16), ("zarr packed", 16), ("casa", 50)])
def test_opening_reads_headers_only(kind: str, most: int, tmp_path: Path) -> None:
    url, _ = put(tmp_path, kind, (20, 300, 801))
    with lattice.io.files.counting() as count:
        lattice.open(url)
    requests, size = fetched()
    assert size < 300_000
    assert count.bytes == size
    assert requests <= most + 4 * (kind == "fits")  # each mask extension has a header of its own


def test_packed_chunks_are_fetched_once_and_together(tmp_path: Path) -> None:
    url, sample = put(tmp_path, "zarr packed")
    reader = open_stored(url).reader
    fetched()
    section = (slice(0, 20, 1), slice(0, 20, 1), slice(0, 20, 1))
    np.testing.assert_array_equal(reader.read(section), sample.values[section])
    requests, size = fetched()
    chunks = math.prod(-(-n // c) for n, c in zip(SHAPE, reader.tile, strict=True))
    assert requests <= chunks + 1
    assert size < SHAPE[0] * SHAPE[1] * SHAPE[2] * 4


def test_shards_are_read_by_their_index(tmp_path: Path) -> None:
    for kind in ("zarr", "zarr packed"):
        url, sample = put(tmp_path / kind, kind, (70, 300, 520))
        reader = open_stored(url).reader
        assert reader.meta.shards is not None
        section = (slice(3, 60, 25), slice(280, 295, 1), slice(0, 7, 1))
        np.testing.assert_array_equal(reader.read(section), sample.values[section])
        fetched()
        np.testing.assert_array_equal(reader.read(section), sample.values[section])
        requests, size = fetched()
        assert requests <= 3 * 15  # the index is kept
        assert size <= 3 * reader.meta.chunk_bytes * 2


def test_chunks_that_are_not_there_are_the_fill_value(tmp_path: Path) -> None:
    lattice.Image(np.ones((3, 600, 600), "f4"), mask=np.ones((3, 600, 600), bool)).save(tmp_path / "a.zarr")
    url = upload(tmp_path / "a.zarr", "counted://b/a.zarr")
    stored = open_stored(url)
    assert stored.masks["mask0"].read(full((3, 600, 600))).all()
    for name in [n for n in Counted.store if "values/c" in n]:
        del Counted.store[name]
    assert not stored.reader.read((slice(0, 2, 1), slice(0, 600, 300), slice(0, 1, 1))).any()


def test_requests_are_under_way_at_the_same_time(tmp_path: Path) -> None:
    for kind in ("fits", "zarr"):
        url, sample = put(tmp_path / kind, kind, (40, 100, 300))
        reader = open_stored(url.replace("counted", "slow")).reader
        Slow.most = 0
        section = (slice(0, 40, 1), slice(5, 6, 1), slice(0, 300, 1))
        np.testing.assert_array_equal(reader.read(section), sample.values[section])
        assert Slow.most >= 20


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.integers(0, 200_000)), min_size=1, max_size=400),
)
@settings(max_examples=100)
def test_merged_ranges_cover_and_waste_little(pieces: list[tuple[int, int]]) -> None:
    lengths = np.array([length for length, _ in pieces], np.int64)
    starts = np.cumsum([length + gap for length, gap in pieces]) - np.array([sum(p) for p in pieces])
    groups = remote.merge(starts, lengths)
    assert groups[0][0] == 0
    assert groups[-1][1] == len(pieces)
    total = 0
    for (first, last, start, stop), following in zip(groups, [*groups[1:], None], strict=True):
        assert start == starts[first]
        assert stop == (starts + lengths)[first:last].max()
        assert following is None or (following[0] == last and following[2] > stop)
        total += stop - start
    needed = int(lengths.sum())
    forced = remote._NEAR * max(0, len(pieces) - remote._MOST)
    assert total <= max(1.2 * needed, remote._SMALL) + forced


def test_many_short_rows_do_not_become_as_many_requests(tmp_path: Path) -> None:
    url, sample = put(tmp_path, "fits", (40, 100, 300))
    reader = open_stored(url).reader
    fetched()
    section = (slice(0, 40, 1), slice(0, 100, 1), slice(0, 10, 1))  # 4000 rows
    np.testing.assert_array_equal(reader.read(section), sample.values[section])
    assert fetched()[0] <= remote._MOST + 1


# -- identity, threads, processes -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["fits", "zarr", "casa"])
def test_a_changed_file_is_found_out(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = put(tmp_path / "1", kind, (3, 40, 50))
    first = open_stored(url)
    section = full((3, 40, 50))
    first.reader.read(section)
    assert open_stored(url).reader.token == first.reader.token
    put(tmp_path / "2", kind, (3, 40, 50))
    second = open_stored(url)
    assert second.reader.token != first.reader.token
    second.reader.read(section)
    monkeypatch.setattr(remote, "_CHECK_SECONDS", -1.0)  # as if a minute had gone by
    with pytest.raises(StorageError, match="changed since it was opened"):
        pickle.loads(pickle.dumps(first.reader)).read(section)


def test_a_file_that_is_gone_is_found_out(tmp_path: Path) -> None:
    url, _ = put(tmp_path, "fits", (3, 40, 50))
    reader = open_stored(url).reader
    Counted.store.clear()
    with pytest.raises(StorageError, match="it is gone"):
        reader.read(full((3, 40, 50)))


def test_threads_and_pickling(tmp_path: Path) -> None:
    url, sample = put(tmp_path, "fits", (30, 50, 60))
    reader = pickle.loads(pickle.dumps(open_stored(url, storage_options={"x": 1}).reader))
    sections = [(slice(i, i + 3, 1), slice(i, 50, 2), slice(0, 60, 1)) for i in range(20)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for section, got in zip(sections, pool.map(reader.read, sections), strict=True):
            np.testing.assert_array_equal(got, sample.values[section])


def test_storage_options_reach_the_store_and_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url, _ = put(tmp_path, "zarr", (3, 40, 50))
    seen = Counted.given
    seen.clear()
    Counted.clear_instance_cache()
    monkeypatch.setattr(remote, "_systems", {})
    image = lattice.open(url, storage_options={"key": "opensesame"})
    copy = pickle.loads(pickle.dumps(image))
    monkeypatch.setattr(remote, "_systems", {})
    copy.filled()
    assert len(seen) >= 1
    assert {"key": "opensesame"} in seen
    assert {} not in seen
    assert "opensesame" not in f"{image!r} {image.expression} {image.explain().text()}"
    with pytest.raises(LatticeError, match="storage_options are for URLs"):
        lattice.open(tmp_path / "image.zarr", storage_options={})


def test_pieces_of_one_file_are_read_together(tmp_path: Path) -> None:
    data = np.random.default_rng(1).integers(0, 256, 100_000, np.uint8).tobytes()
    (tmp_path / "x").write_bytes(data)
    url = upload(tmp_path / "x", "counted://b/x")
    places = [(50_000, 100), (0, 10), (50_200, 50), (99_990, 10), (5, 20), (7, 0)]
    for path in (url, str(tmp_path / "x")):
        buffers = [bytearray(n) for _, n in places]
        identity = identify(path)
        with Opened(path, identity) as fd:
            fetched()
            pread_many(fd, [(o, memoryview(b)) for (o, _), b in zip(places, buffers, strict=True)], path)
        assert [bytes(b) for b in buffers] == [data[o : o + n] for o, n in places]
    with Opened(url, identify(url)) as fd, pytest.raises(FormatError, match="truncated"):
        pread_many(fd, [(99_999, memoryview(bytearray(2)))], url)


# -- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "kind", "message"),
    [
        ("counted://b/none.fits", ImageNotFoundError, "there is no file at 'counted://b/none.fits'"),
        ("refusing://bucket/a.fits", ImageNotFoundError, "there is no bucket"),
        ("refusing://x/secret.fits", StorageError, r"no permission.*(?s:.)*storage_options"),
        ("refusing://x/slow.fits", StorageError, "did not answer in time"),
        ("refusing://x/broken.fits", StorageError, "connection reset"),
        ("refusing://x/endless.fits", StorageError, "does not say how long it is"),
        ("refusing://x/whole.fits", StorageError, "by parts: the server sent"),
        ("nosuch://x/a.fits", FormatError, "there is no protocol 'nosuch'"),
    ],
)
def test_errors_say_what_is_wrong(url: str, kind: type[Exception], message: str) -> None:
    assert Refusing.protocol == "refusing"
    with pytest.raises(kind, match=message):
        lattice.open(url)


def test_a_file_of_no_known_format(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    url = upload(tmp_path / "a.txt", "counted://b/a.txt")
    with pytest.raises(FormatError, match=r"no format that lattice reads from URLs(?s:.)*fits"):
        lattice.open(url)


def test_truncated_remote_files(tmp_path: Path) -> None:
    lattice.Image(np.ones((30, 400), "f4")).save(tmp_path / "a.fits")
    whole = (tmp_path / "a.fits").read_bytes()
    (tmp_path / "a.fits").write_bytes(whole[:20_000])
    with pytest.raises(FormatError, match="truncated"):
        lattice.open(upload(tmp_path / "a.fits", "counted://b/a.fits"))


def test_without_fsspec(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(LatticeError, match=r"needs the package fsspec(?s:.)*lattice-images\[remote\]"):
        lattice.open("s3://bucket/a.fits")


def test_without_the_package_of_a_store(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec.core

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec.core, "url_to_fs", missing)
    with pytest.raises(LatticeError, match=r"another package: Install s3fs(?s:.)*pip install s3fs"):
        lattice.open("s3://bucket/a.fits")


def test_nothing_is_written_to_urls() -> None:
    for name in ("counted://b/a.fits", "counted://b/a.zarr"):
        with pytest.raises(StorageError, match="are not written to URLs"):
            lattice.Image(np.ones((2, 3), "f4")).save(name)


def test_names() -> None:
    assert is_url("s3://b/a.fits")
    assert is_url("simplecache::https://h/a.fits")
    assert not is_url("/data/a.fits")
    assert not is_url("a::b.fits")
    assert absolute("memory://a/b") == "memory://a/b"
    assert name_of("simplecache::https://h/d/a.fits?q=1") == "a.fits"
    assert name_of("zip://a.zarr::s3://b/k.zip") == "a.zarr"
    assert join("s3://b/a.zarr/", "values", "zarr.json") == "s3://b/a.zarr/values/zarr.json"
    assert join("zip://a.zarr::s3://b/k.zip", "c") == "zip://a.zarr/c::s3://b/k.zip"
    with_options = remote.Url("s3://b/a", {"anon": True})
    assert join(with_options, "c").options == {"anon": True}  # type: ignore[attr-defined]


# -- a real server --------------------------------------------------------------------------------


class Ranges(http.server.SimpleHTTPRequestHandler):
    """Serves ranges of files, as web servers do."""

    def do_GET(self) -> None:
        path = Path(self.translate_path(self.path))
        if not path.is_file():
            self.send_error(404)
            return
        data = path.read_bytes()
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        status = 200
        if found and not self.server.plain:  # type: ignore[attr-defined]
            first = int(found[1]) if found[1] else len(data) - int(found[2])
            last = min(int(found[2]) if found[1] and found[2] else len(data) - 1, len(data) - 1)
            if first >= len(data):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(data)}")
            data, status = data[first : last + 1], 206
        else:
            self.send_response(status)
        self.send_header("Accept-Ranges", "none" if self.server.plain else "bytes")  # type: ignore[attr-defined]
        self.send_header("ETag", f'"{path.stat().st_mtime_ns:x}"')
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Any]:
    pytest.importorskip("aiohttp")
    import functools

    found: Any = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Ranges, directory=str(tmp_path))
    )
    found.plain = False
    thread = threading.Thread(target=found.serve_forever)
    thread.start()
    yield found
    found.shutdown()
    thread.join()
    found.server_close()


def test_http(server: Any, tmp_path: Path) -> None:
    values = np.random.default_rng(1).normal(size=(30, 80, 90)).astype("f4")
    image = lattice.Image(values, unit="K", mask=values > -1)
    url = f"http://127.0.0.1:{server.server_port}"
    for name, options in (("a.fits", {}), ("a.zarr", {}), ("b.zarr", {"compress": "zstd"})):
        image.save(tmp_path / name, **options)
        found = lattice.open(f"{url}/{name}")
        assert found.unit == "K"
        np.testing.assert_array_equal(found.to_masked_array(), image.to_masked_array())
        np.testing.assert_array_equal(found[3:20:2, 5:7, 8].filled(), image[3:20:2, 5:7, 8].filled())
    with pytest.raises(ImageNotFoundError, match="there is no file at"):
        lattice.open(f"{url}/none.fits")
    with pytest.raises(ImageNotFoundError, match="there is no file at"):
        lattice.open(f"{url}/none.zarr")


def test_http_without_ranges(server: Any, tmp_path: Path) -> None:
    lattice.Image(np.ones((300, 400), "f4")).save(tmp_path / "a.fits")
    server.plain = True
    with pytest.raises(StorageError, match=r"by parts(?s:.)*download"):
        lattice.open(f"http://127.0.0.1:{server.server_port}/a.fits")
