"""Running the blocks of a stage: threads, this thread alone, or an active dask.distributed Client."""

from __future__ import annotations

import contextvars
import math
import pickle
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.config import Options, set_options
from lattice.errors import LatticeError
from lattice.execute.control import Cancelled, Control
from lattice.execute.copies import Copies, only_copies
from lattice.execute.fused import Fused
from lattice.execute.fusion import Fusion, fusion
from lattice.execute.jit import wanted
from lattice.execute.native import has_compiler
from lattice.execute.sinks import Sink
from lattice.execute.strips import Strips
from lattice.execute.targets import Turn
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
    fusion: Fusion | None
    control: int = 0
    jit: Any = "auto"  # for programs inside operations, and writers
    # the program made ready for each thread; it goes with the job, so that no thread keeps images alive
    ready: dict[int, Strips | Fused | Copies] = field(default_factory=dict, compare=False, repr=False)
    turn: Turn = field(default_factory=Turn, compare=False, repr=False)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_job, (self.program, self.sinks, self.strip, self.fusion is not None, self.control, self.jit))

    def run_all(self, sections: Iterable[tuple[int, Section]]) -> dict[int, list[Any]]:
        """Compute blocks; return the results of the sinks by the numbers of the blocks."""
        results = {}
        try:
            with set_options(jit=self.jit):  # writers ask for it
                for number, section in sections:
                    results[number] = self.run(section)
            ready = self.ready.get(threading.get_ident())
            if isinstance(ready, Fused):
                ready.finish()
        finally:
            ready = self.ready.pop(threading.get_ident(), None)
            if isinstance(ready, Fused | Copies):
                ready.close()
        return results

    def run(self, section: Section) -> list[Any]:
        """Compute one block; return the result of each sink."""
        strips = self._ready()
        control = Control.find(self.control)
        size = max((d.itemsize for d in self.program.types), default=1)
        with np.errstate(all="ignore"):
            if isinstance(strips, Fused | Copies):
                return strips.run(section, None if control is None else _advance(control, size))
            takers = [s.start(section) for s in self.sinks]
            for piece, results in strips.run(section):
                for taker, (values, mask) in zip(takers, results, strict=True):
                    taker.take(piece, values, mask)
                if control is not None:
                    control.advance(n_pixels(piece) * size)
            return [t.finish() for t in takers]

    def _ready(self) -> Strips | Fused | Copies:
        thread = threading.get_ident()
        if thread not in self.ready:
            self.ready[thread] = self._made()
        return self.ready[thread]

    def _made(self) -> Strips | Fused | Copies:
        if self.fusion is not None:
            return Fused(self.fusion, self.sinks, self.strip, self.turn, self.jit)
        strips = Strips(self.program, self.strip, self.jit)
        if only_copies(self.program, self.sinks):
            return Copies(self.program, self.sinks, strips.inputs)
        return strips


def _advance(control: Control, size: int) -> Callable[[int], None]:
    return lambda n: control.advance(n * size)


def _job(program: Program, sinks: tuple[Sink, ...], strip: int, fused: bool, control: int, jit: Any) -> Job:
    """Return a job in another process, which makes its own code if it can."""
    can = fused and has_compiler()
    jit = jit if has_compiler() or not jit else "auto"
    return Job(program, sinks, strip, fusion(program, sinks) if can else None, control, jit)


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
    take: Take | None = None,
    fused: Fusion | None = None,
) -> list[list[Any]]:
    """Run a program over its blocks; return the results of the sinks, block by block in order.

    With `sections` only these are run, and no progress is shown: a sample takes no time.  With `take` the
    results that come from other processes are handed to it one by one, and none is returned.  `fused` is how
    loops run it, if that is known already.
    """
    pixel = max((d.itemsize for d in program.types), default=1)
    show = sections is None and _shows_progress(options)
    with Control(math.prod(program.shape) * pixel, show) as control:
        # where nothing is computed there is nothing to compile
        if fused is None and (options.jit is True or not only_copies(program, sinks)):
            fused = wanted(program, sinks, options)
        job = Job(program, tuple(sinks), options.strip, fused, control.number, options.jit)
        if sections is None:
            return run_job(job, blocks.sections(), options, blocks.workers, take, blocks.order())
        return run_job(job, sections, options, blocks.workers, take)


def _shows_progress(options: Options) -> bool:
    return sys.stderr.isatty() if options.progress == "auto" else bool(options.progress)


Take = Callable[[Section, list[Any]], None]
"""Takes the results of the sinks for a block."""


def run_job(
    job: Job,
    sections: Sequence[Section],
    options: Options,
    workers: int,
    take: Take | None = None,
    order: Sequence[int] | None = None,
) -> list[list[Any]]:
    """Run every block, in this process in the `order` of their numbers; see `run_program`."""
    client = active_client(options)
    if client is not None:
        return _run_distributed(client, job, sections, take)
    order = range(len(sections)) if order is None else order
    if options.scheduler == "synchronous" or workers == 1 or len(sections) < 2:
        found = job.run_all((k, sections[k]) for k in order)
        return [found[k] for k in range(len(sections))]
    return _run_threads(job, sections, workers, order)


def _run_threads(
    job: Job, sections: Sequence[Section], workers: int, order: Sequence[int]
) -> list[list[Any]]:
    """Run blocks in this thread and some more, each of which takes the next block as it goes.

    Threads of one run cost less than what any scheduler does between tasks, and than importing one.
    """
    failures: list[BaseException] = []
    results: dict[int, list[Any]] = {}
    todo = ((number, sections[number]) for number in order)
    lock = threading.Lock()

    def take() -> Iterator[tuple[int, Section]]:
        while not failures:
            with lock:
                found = next(todo, None)
            if found is None:
                return
            yield found

    def fail(error: BaseException) -> None:
        # raised in the caller's thread, when all others have stopped, at their next piece
        failures.append(error)
        control = Control.find(job.control)
        if control is not None:
            control.cancelled = True

    def work() -> None:
        try:
            found = job.run_all(take())
            with lock:
                results.update(found)
        except Cancelled:
            pass
        except BaseException as error:
            fail(error)

    # options of the caller hold in operations, too
    contexts = [contextvars.copy_context() for _ in range(min(workers, len(sections)) - 1)]
    threads = [threading.Thread(target=context.run, args=(work,), daemon=True) for context in contexts]
    try:
        for thread in threads:
            thread.start()
        work()
        for thread in threads:
            thread.join()
    except BaseException as error:  # Ctrl-C while waiting
        fail(error)
        for thread in threads:
            if thread.is_alive():
                thread.join()
    if failures:
        raise failures[0]
    return [results[number] for number in range(len(sections))]


def _batches(sections: Sequence[Section], most: int) -> list[list[Section]]:
    """Cut a sequence of sections into at most so many runs of neighbours."""
    size = max(1, -(-len(sections) // most))
    return [list(sections[i : i + size]) for i in range(0, len(sections), size)]


def _remote(job: bytes, sections: list[Section]) -> list[list[Any]]:
    program_job: Job = _unpickled(job)
    return list(program_job.run_all(enumerate(sections)).values())


def _unpickled(job: bytes) -> Job:
    """Return the job of a message; the last one is kept, with its compiled code."""
    kept: tuple[bytes, Job] | None = _local.__dict__.get("job")
    if kept is None or kept[0] != job:
        kept = _local.job = (job, pickle.loads(job))  # made by this library in the client
    return kept[1]


def _run_distributed(
    client: Any, job: Job, sections: Sequence[Section], take: Take | None
) -> list[list[Any]]:
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
            found = future.result()
            future.release()
            if take is None:
                results[number] = found
            else:
                # arrays are let go as they come: all of them beside the whole would take twice its memory
                for section, block in zip(batches[number], found, strict=True):
                    take(section, block)
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
