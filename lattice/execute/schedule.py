"""Running the blocks of a stage: dask's threads, this thread, or an active dask.distributed Client."""

from __future__ import annotations

import contextlib
import math
import os
import pickle
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.config import Options
from lattice.errors import LatticeError
from lattice.execute.control import Cancelled, Control
from lattice.execute.jit import compiled, wanted
from lattice.execute.sinks import Sink
from lattice.execute.strips import Strips
from lattice.graph.sections import Section, n_pixels
from lattice.plan.blocks import Blocks
from lattice.plan.program import Program

__all__ = ["Job", "active_client", "run_job", "run_program", "shares_memory"]


@dataclass(frozen=True)
class Job:
    """A program with a sink for each of its outputs; picklable."""

    program: Program
    sinks: tuple[Sink, ...]
    strip: int
    jit: bool
    control: int = 0
    # the program made ready for each thread; it goes with the job, so that no thread keeps images alive
    ready: dict[int, Strips] = field(default_factory=dict, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Job, (self.program, self.sinks, self.strip, self.jit, self.control))

    def run(self, section: Section) -> list[Any]:
        """Compute one block; return the result of each sink."""
        strips = self._strips()
        control = Control.find(self.control)
        takers = [s.start(section) for s in self.sinks]
        size = max((d.itemsize for d in self.program.types), default=1)
        with np.errstate(all="ignore"):
            for piece, results in strips.run(section):
                for taker, (values, mask) in zip(takers, results, strict=True):
                    taker.take(piece, values, mask)
                if control is not None:
                    control.advance(n_pixels(piece) * size)
        return [t.finish() for t in takers]

    def _strips(self) -> Strips:
        thread = threading.get_ident()
        if thread not in self.ready:
            jit = compiled(self.program) if self.jit else None
            self.ready[thread] = Strips(self.program, self.strip, jit)
        return self.ready[thread]


_local = threading.local()


def active_client(options: Options) -> Any:
    """Return the dask.distributed Client to use, or None."""
    if options.scheduler not in ("auto", "distributed"):
        return None
    distributed = sys.modules.get("distributed")
    client = None
    if distributed is not None:
        try:
            client = distributed.default_client()
        except ValueError:
            client = None
    if client is None and options.scheduler == "distributed":
        raise LatticeError(
            "the scheduler is 'distributed', but there is no active dask.distributed Client",
            hint="start one, with distributed.Client(), or choose the scheduler 'auto'",
        )
    return client


def shares_memory(options: Options) -> bool:
    """Tell whether blocks run in this process, so that they can fill the same arrays."""
    return active_client(options) is None


def run_program(
    program: Program,
    sinks: Sequence[Sink],
    blocks: Blocks,
    options: Options,
    sections: Sequence[Section] | None = None,
) -> list[list[Any]]:
    """Run a program over its blocks; return the results of the sinks, block by block in order.

    With `sections` only these are run, and no progress is shown: a sample takes no time.
    """
    pixel = max((d.itemsize for d in program.types), default=1)
    show = sections is None and _shows_progress(options)
    with Control(math.prod(program.shape) * pixel, show) as control:
        job = Job(program, tuple(sinks), options.strip, wanted(program, options), control.number)
        return run_job(job, blocks.sections() if sections is None else sections, options, blocks.workers)


def _shows_progress(options: Options) -> bool:
    return sys.stderr.isatty() if options.progress == "auto" else bool(options.progress)


def run_job(job: Job, sections: Sequence[Section], options: Options, workers: int) -> list[list[Any]]:
    """Run every block; return the results of the sinks, block by block in order."""
    client = active_client(options)
    if client is not None:
        return _run_distributed(client, job, sections)
    if options.scheduler == "synchronous" or workers == 1 or len(sections) < 2:
        return [job.run(s) for s in sections]
    return _run_threads(job, sections, workers)


def _run_threads(job: Job, sections: Sequence[Section], workers: int) -> list[list[Any]]:
    from dask.threaded import get

    failures: list[BaseException] = []
    # several blocks a task: what dask does between tasks holds up all threads
    batches = _batches(sections, _TASKS_PER_WORKER * workers)

    def run_batch(number: int) -> list[list[Any]]:
        results: list[list[Any]] = []
        try:
            for section in batches[number]:
                if failures:
                    break
                results.append(job.run(section))
        except Cancelled:
            pass
        except BaseException as error:  # handed to the caller's thread: dask would lose the order of causes
            failures.append(error)
        return results

    names = [("batch", i) for i in range(len(batches))]
    graph = {name: (run_batch, i) for i, name in enumerate(names)}
    count = min(workers, len(batches))
    try:
        # dask keeps threads from one run to the next: those of a parent process are not there after a fork
        with contextlib.nullcontext() if os.getpid() == _FIRST else ThreadPoolExecutor(count) as pool:
            results = get(graph, names, num_workers=count, pool=pool)
    except KeyboardInterrupt:
        control = Control.find(job.control)
        if control is not None:
            control.cancelled = True
        raise
    if failures:
        raise failures[0]
    return [block for batch in results for block in batch]


_TASKS_PER_WORKER = 8
_FIRST = os.getpid()


def _batches(sections: Sequence[Section], most: int) -> list[list[Section]]:
    """Cut a sequence of sections into at most so many runs of neighbours."""
    size = max(1, -(-len(sections) // most))
    return [list(sections[i : i + size]) for i in range(0, len(sections), size)]


def _remote(job: bytes, sections: list[Section]) -> list[list[Any]]:
    program_job: Job = _unpickled(job)
    return [program_job.run(s) for s in sections]


def _unpickled(job: bytes) -> Job:
    """Return the job of a message; the last one is kept, with its compiled code."""
    kept: tuple[bytes, Job] | None = _local.__dict__.get("job")
    if kept is None or kept[0] != job:
        kept = _local.job = (job, pickle.loads(job))  # made by this library in the client
    return kept[1]


def _run_distributed(client: Any, job: Job, sections: Sequence[Section]) -> list[list[Any]]:
    from distributed import as_completed

    message = _pickled(job)
    batches = _batches(sections, 1000)
    shared = client.scatter(message, broadcast=True, hash=False)
    futures = [client.submit(_remote, shared, batch, pure=False) for batch in batches]
    numbers = {f.key: i for i, f in enumerate(futures)}
    results: list[list[list[Any]]] = [[] for _ in batches]
    control = Control.find(job.control)
    pixel = max((d.itemsize for d in job.program.types), default=1)
    try:
        for future in as_completed(futures):  # type: ignore[no-untyped-call]
            number = numbers[future.key]
            results[number] = future.result()
            future.release()
            if control is not None:
                control.advance(pixel * sum(n_pixels(s) for s in batches[number]))
    except BaseException:
        client.cancel(futures, force=True)
        raise
    return [block for batch in results for block in batch]


def _pickled(job: Job) -> bytes:
    try:
        import cloudpickle  # type: ignore[import-untyped]

        data: bytes = cloudpickle.dumps(job)
    except ImportError:
        data = pickle.dumps(job)
    return data
