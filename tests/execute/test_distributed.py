"""An active dask.distributed Client is used as it is: two processes share the files, writers included."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.execute.lazy import dask_arrays
from lattice.execute.run import compute, save
from lattice.execute.schedule import run_program
from lattice.execute.sinks import BlockSink
from lattice.graph.attributes import Attributes
from lattice.graph.node import Node, Source
from lattice.io.base import ImageSpec
from lattice.io.registry import for_writing, open_stored
from lattice.native.machine import has_compiler
from lattice.plan.blocks import choose
from lattice.plan.program import lower
from tests.graphs import function, image

distributed = pytest.importorskip("distributed")

SHAPE = (16, 64, 64)
OPTIONS = Options(block=8192, jit=False)
JIT = [False, True] if has_compiler() else [False]


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, memory_limit=0
    )
    with cluster, distributed.Client(cluster) as active:
        yield active


def write(node: Node, path: Path, options: Options = OPTIONS) -> None:
    attrs = node.attrs
    spec = ImageSpec(attrs.shape, attrs.dims, attrs.dtype, "", None, masked=attrs.masked, meta=(), history=())
    with for_writing(str(path)).create(str(path), spec) as output:
        save(node, output, options=options)


def read(path: Path) -> Source:
    stored = open_stored(str(path))
    attrs = Attributes(stored.reader.dtype, stored.reader.shape, stored.dims)
    mask: Any = "nan" if stored.nan_masked else None
    if stored.default_mask is not None:
        mask = Source(stored.masks[stored.default_mask], "mask", "", None, attrs.with_(dtype=np.dtype(bool)))
    node: Source = Source(stored.reader, str(path), "", mask, attrs)
    return node


@pytest.fixture
def fits(tmp_path: Path) -> Source:
    values = np.random.default_rng(2).normal(size=SHAPE).astype(np.float32)
    write(image(values), tmp_path / "in.fits", OPTIONS.replace(scheduler="threads"))
    return read(tmp_path / "in.fits")


def test_both_processes_work(client: Any) -> None:
    assert len(set(client.run(__import__("os").getpid).values())) == 2


@pytest.mark.parametrize("jit", JIT)
def test_results_are_those_of_threads(client: Any, fits: Source, jit: bool) -> None:
    options = OPTIONS.replace(jit=jit)
    tree = function("[]", fits, function(">", fits, function("mean", fits)))
    threads = compute(tree, OPTIONS.replace(scheduler="threads"))
    cluster = compute(tree, options)
    np.testing.assert_array_equal(cluster.values, threads.values)
    np.testing.assert_array_equal(cluster.mask, threads.mask)
    for name in ("sum", "median", "stddev", "max"):
        scalar = function(name, tree)
        assert compute(scalar, options).values == compute(scalar, OPTIONS.replace(scheduler="threads")).values


def test_blocks_of_a_cluster_are_let_go_as_they_come(client: Any, fits: Source) -> None:
    alive: list[weakref.ref[np.ndarray]] = []
    most = 0

    def take(_section: Any, block: list[Any]) -> None:
        nonlocal most
        alive.append(weakref.ref(block[0][0]))
        most = max(most, sum(r() is not None for r in alive))

    program = lower([fits], SHAPE)
    blocks = choose(program, OPTIONS.replace(block=1024))
    sink = BlockSink(program.types[program.outputs[0][0]], True)
    assert len(run_program(program, [sink], blocks, OPTIONS, take=take)) == 0
    assert len(alive) == blocks.count == 64
    assert most < 20


@pytest.mark.parametrize("jit", JIT)
@pytest.mark.parametrize("suffix", ["fits", "zarr"])
def test_files_written_by_a_cluster_are_those_of_threads(
    client: Any, fits: Source, tmp_path: Path, suffix: str, jit: bool
) -> None:
    if suffix == "zarr":
        pytest.importorskip("zarr")
    tree = function("*", fits, function("[]", fits, function(">", fits, function("median", fits))))
    write(tree, tmp_path / f"cluster.{suffix}", OPTIONS.replace(jit=jit))
    write(tree, tmp_path / f"threads.{suffix}", OPTIONS.replace(scheduler="threads"))
    got, expected = (
        compute(read(tmp_path / f"cluster.{suffix}")),
        compute(read(tmp_path / f"threads.{suffix}")),
    )
    np.testing.assert_array_equal(got.values, expected.values)
    np.testing.assert_array_equal(got.mask, expected.mask)
    if suffix == "fits":
        assert (tmp_path / "cluster.fits").read_bytes() == (tmp_path / "threads.fits").read_bytes()


def test_dask_arrays_run_on_a_cluster(client: Any, fits: Source) -> None:
    tree = function("-", fits, function("mean", fits))
    values, mask = dask_arrays(tree, OPTIONS)
    expected = compute(tree, OPTIONS.replace(scheduler="threads"))
    np.testing.assert_array_equal(values.compute(), expected.values)
    assert mask.all().compute()


def test_errors_of_workers_reach_the_client(client: Any, fits: Source) -> None:
    Path(fits.name).unlink()
    with pytest.raises(LatticeError, match=r"in\.fits"):
        compute(function("sum", fits), OPTIONS)
