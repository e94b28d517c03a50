"""Several threads of a caller, and processes forked from it, run compiled code at the same time."""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lattice
from lattice.execute import native
from lattice.native import machine
from lattice.native.machine import has_compiler
from tests.work import PATIENCE

pytestmark = pytest.mark.skipif(not has_compiler(), reason="needs the extra jit")

TEXTS = ("a+b", "a*2-b", "a[a>0.5]", "sqrt(abs(a))*b", "a/b")
NUMBERS = ("mean(a*b)", "median(a+b)", "stddev(a[b>0])", "max(a)-min(b)", "fractile(a,0.9)")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("together")
    rng = np.random.default_rng(6)
    for name in "ab":
        lattice.Image(rng.normal(size=(4, 90, 301)).astype(np.float32)).save(str(path / f"{name}.fits"))
    return path


def work(folder: Path, k: int, jit: bool) -> tuple[list[float], bytes]:
    """Return some numbers and a saved file."""
    out = folder / f"out-{os.getpid()}-{threading.get_ident()}-{k}.fits"
    with lattice.set_options(jit=jit, block=20_000, workers=3):
        names = {n: lattice.open(str(folder / f"{n}.fits")) for n in "ab"}
        found = [float(lattice.expr(t, **names)) for t in NUMBERS[k % 5 :] + NUMBERS[: k % 5]]
        lattice.expr(TEXTS[k % 5], **names).save(str(out))
    data = out.read_bytes()
    out.unlink()
    return found, data[2880 * 4 :]


def test_threads_of_a_caller_do_not_disturb_each_other(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [work(folder, k, jit=False) for k in range(5)]
    for _ in range(3):
        monkeypatch.setattr(native, "_made", {})  # all of them compile
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda k: work(folder, k, jit=True), range(15)))
        assert found == expected * 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_goes_on_with_compiled_code(folder: Path) -> None:
    expected = work(folder, 1, jit=True)
    begun, end = threading.Barrier(3, timeout=PATIENCE), threading.Event()

    def work_on() -> None:
        work(folder, 2, True)
        begun.wait()
        while not end.is_set():
            work(folder, 2, True)

    threads = [threading.Thread(target=work_on) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        begun.wait()  # both are in the middle of it
        child = os.fork()
        if child == 0:
            signal.alarm(int(PATIENCE))  # whatever waits for ever ends here
            os._exit(0 if work(folder, 1, jit=True) == expected else 1)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    finally:
        end.set()
        for thread in threads:
            thread.join()
    assert status == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_the_compiler() -> None:
    begun, end = threading.Event(), threading.Event()

    def compile_something() -> None:
        with machine._compiling:
            begun.set()
            end.wait(PATIENCE)

    thread = threading.Thread(target=compile_something)
    thread.start()
    assert begun.wait(PATIENCE)
    timer = threading.Timer(0.3, end.set)
    timer.start()
    child = os.fork()
    if child == 0:
        os._exit(0 if end.is_set() and machine._compiling.acquire(blocking=False) else 1)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    thread.join()
    timer.join()
    assert status == 0
