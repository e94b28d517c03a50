"""Options: where their values come from, what they accept, and what is said when they do not."""

from __future__ import annotations

import contextvars
import doctest
import pickle
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from lattice import config
from lattice.config import Options, format_bytes, get_options, parse_bytes, set_options
from lattice.errors import LatticeError


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ("1GB", 10**9),
        ("1gb", 10**9),
        ("1 G", 10**9),
        ("512 MiB", 512 * 1024**2),
        ("2Ki", 2048),
        ("1.5kB", 1500),
        (".5k", 500),
        ("2e9", 2 * 10**9),
        ("1e3 kB", 10**6),
        ("100", 100),
        ("100B", 100),
        (" 3 TB ", 3 * 10**12),
        ("2PiB", 2 * 1024**5),
        (1e9, 10**9),
        (123, 123),
        (np.int64(7), 7),
        (np.float32(8.0), 8),
    ],
)
def test_parse_bytes(size: int | float | str, expected: int) -> None:
    found = parse_bytes(size)
    assert found == expected
    assert type(found) is int


@pytest.mark.parametrize(
    "size",
    ["", "GB", "1 XB", "1,5GB", "-1GB", "nan", "inf", "1 GB extra", "0x10", "1e999", "9" * 50 + "E", "1__0"],
)
def test_what_is_no_number_of_bytes_is_refused(size: str) -> None:
    with pytest.raises(ValueError, match="is not a number of bytes") as caught:
        parse_bytes(size)
    assert isinstance(caught.value, LatticeError)
    assert "1GB, 512MiB or 2e9" in str(caught.value)


@pytest.mark.parametrize("size", [0, -1, 0.5, float("nan"), float("inf"), "0", "0GB"])
def test_sizes_must_be_above_zero(size: float | str) -> None:
    with pytest.raises(ValueError, match="is not a number of bytes above zero"):
        parse_bytes(size)


@pytest.mark.parametrize(
    ("size", "called"),
    [(True, "True"), (None, "None"), ([1], "a list"), (1j, "a complex"), (b"1GB", "a bytes")],
)
def test_sizes_of_a_wrong_type(size: object, called: str) -> None:
    with pytest.raises(TypeError, match=f"a number of bytes cannot be {called}"):
        parse_bytes(size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (1234, "1.23 kB"),
        (9_999, "10.0 kB"),
        (99_990, "100 kB"),
        (999_400, "999 kB"),
        (999_600, "1.00 MB"),
        (268_435_456, "268 MB"),
        (5 * 10**18, "5000 PB"),
    ],
)
def test_format_bytes(size: int, text: str) -> None:
    assert format_bytes(size) == text


def test_the_examples_of_the_documentation() -> None:
    assert doctest.testmod(config).failed == 0


def test_defaults() -> None:
    options = get_options()
    assert options == Options()
    assert options.memory_limit is None
    assert options.memory_bytes == config.machine_memory() // 4
    assert options.n_workers == config.cpu_count() >= 1
    assert (options.scheduler, options.progress, options.jit, options.strip) == (
        "auto",
        "auto",
        "auto",
        262144,
    )


def test_options_are_values() -> None:
    options = Options(memory_limit="1GB", workers=3)  # type: ignore[arg-type]
    assert options.memory_limit == options.memory_bytes == 10**9
    assert options.n_workers == 3
    assert pickle.loads(pickle.dumps(options)) == options
    assert hash(options) == hash(Options(memory_limit=10**9, workers=3))
    assert options.replace(workers=None) == Options(memory_limit=10**9)
    with pytest.raises(AttributeError):
        options.workers = 5  # type: ignore[misc]


def test_the_environment_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in {
        "MEMORY_LIMIT": "1GB",
        "WORKERS": " 3 ",
        "SCHEDULER": "Threads",
        "PROGRESS": "off",
        "JIT": "1",
        "STRIP": "4096",
    }.items():
        monkeypatch.setenv(f"LATTICE_{name}", text)
    assert get_options() == Options(
        memory_limit=10**9, workers=3, scheduler="threads", progress=False, jit=True, strip=4096
    )


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_WORKERS", " ")
    assert get_options() == Options()


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("MEMORY_LIMIT", "lots", "'lots' is not a number of bytes"),
        ("MEMORY_LIMIT", "0", "'0' is not a number of bytes above zero"),
        ("WORKERS", "two", "'two' is not a whole number"),
        ("WORKERS", "0", "'0' is too small"),
        ("WORKERS", "2.5", "'2.5' is not a whole number"),
        ("WORKERS", "9" * 5000, "is not a whole number"),
        ("SCHEDULER", "thread", "'thread' is not 'auto', 'threads', 'synchronous' or 'distributed'"),
        ("PROGRESS", "maybe", "'maybe' is not 'auto', true or false"),
        ("JIT", "2", "'2' is not 'auto', true or false"),
        ("STRIP", "-4", "'-4' is not a whole number"),
    ],
)
def test_a_wrong_variable_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, message: str
) -> None:
    monkeypatch.setenv(f"LATTICE_{variable}", text)
    with pytest.raises(LatticeError) as caught:
        get_options()
    first = str(caught.value).splitlines()[0]
    assert first.startswith(f"environment variable LATTICE_{variable}: ")
    assert message in first


def test_a_near_miss_is_suggested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_SCHEDULER", "thread")
    with pytest.raises(LatticeError, match="did you mean 'threads'"):
        get_options()


def test_what_is_set_comes_before_a_wrong_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_WORKERS", "two")
    with set_options(workers=2) as options:
        assert options.workers == 2


def test_a_with_statement_restores() -> None:
    with set_options(memory_limit="1GB", workers=2) as outer:
        assert outer == get_options() == Options(memory_limit=10**9, workers=2)
        with set_options(workers=None, jit=False) as inner:
            assert inner == Options(memory_limit=10**9, jit=False)
        assert get_options() == outer
        with pytest.raises(ZeroDivisionError), set_options(strip=1):
            raise ZeroDivisionError
        assert get_options() == outer
    assert get_options() == Options()


def test_nothing_stays_when_entering_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATTICE_JIT", "perhaps")
    with pytest.raises(LatticeError, match="LATTICE_JIT"), set_options(workers=2):
        pass
    monkeypatch.delenv("LATTICE_JIT")
    assert get_options() == Options()


def test_used_as_a_function_it_stays(context: contextvars.Context) -> None:
    def script() -> Options:
        set_options(workers=2)
        set_options(strip=100)
        return get_options()

    assert context.run(script) == Options(workers=2, strip=100)
    assert get_options() == Options()


def test_a_thread_does_not_see_what_another_has_set() -> None:
    seen = {}

    def look(name: str) -> None:
        seen[name] = get_options().workers

    with set_options(workers=2):
        plain = threading.Thread(target=look, args=("plain",), **_fresh_context())
        given = threading.Thread(target=contextvars.copy_context().run, args=(look, "given"))
        for thread in (plain, given):
            thread.start()
            thread.join()
    assert seen == {"plain": None, "given": 2}


def _fresh_context() -> dict[str, contextvars.Context]:
    # Free-threaded builds of 3.14 and later hand the caller's context to new threads.
    return {"context": contextvars.Context()} if sys.version_info >= (3, 14) else {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"memory_limt": 1}, "unknown option 'memory_limt'\ndid you mean 'memory_limit'?"),
        ({"zzz": 1}, "unknown option 'zzz'\nthe options are memory_limit, workers, "),
        ({"memory_limit": "much"}, "memory_limit: 'much' is not a number of bytes\n"),
        ({"memory_limit": True}, "memory_limit: a number of bytes cannot be True\n"),
        ({"workers": 0}, "workers: 0 is too small\nwrite a number of 1 or more"),
        ({"workers": 1.5}, "workers: 1.5 is not a whole number"),
        ({"workers": True}, "workers: True is not a whole number"),
        ({"scheduler": None}, "scheduler: None is not 'auto', "),
        ({"progress": 1.0}, "progress: 1.0 is not 'auto', true or false"),
        ({"strip": None}, "strip: None is not a whole number"),
    ],
)
def test_wrong_changes_are_refused_at_once(changes: dict[str, object], message: str) -> None:
    for attempt in (set_options, Options().replace):
        with pytest.raises(LatticeError) as caught:
            attempt(**changes)
        assert str(caught.value).startswith(message)
    assert get_options() == Options()


def _groups(monkeypatch: pytest.MonkeyPatch, folder: Path, own: str, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (folder / "own").write_text(own)
    monkeypatch.setattr(config, "_GROUPS", folder / "fs")
    monkeypatch.setattr(config, "_OWN_GROUPS", folder / "own")


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/user/job\n", {"user/job/memory.max": "max\n", "user/memory.max": "65536\n"}),
        ("0::/user/job\n", {"user/job/memory.high": "65536\n", "user/memory.max": "131072\n"}),
        ("0::/\n", {"memory.max": "65536\n"}),
        ("0::/../../elsewhere\n", {"memory.max": "65536\n"}),
        (
            "5:cpu,memory:/job\n0::/\n",
            {
                "memory/job/memory.limit_in_bytes": "65536",
                "memory/memory.limit_in_bytes": "9223372036854771712",
            },
        ),
    ],
)
def test_the_memory_limit_of_a_control_group_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str, files: dict[str, str]
) -> None:
    _groups(monkeypatch, tmp_path, own, files)
    assert config.machine_memory() == 65536
    assert Options().memory_bytes == 16384


def test_without_control_groups_the_machine_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(config, "_OWN_GROUPS", tmp_path / "none")
    assert config.machine_memory() > 2**28
    assert config.cpu_count() >= 1


@pytest.mark.parametrize(
    ("own", "files"),
    [
        ("0::/job\n", {"job/cpu.max": "50000 100000\n"}),
        ("0::/job\n", {"job/cpu.max": "max 100000\n", "cpu.max": "100000 100000\n"}),
        (
            "3:cpu,cpuacct:/job\n",
            {"cpu/job/cpu.cfs_quota_us": "100000\n", "cpu/job/cpu.cfs_period_us": "100000\n"},
        ),
    ],
)
def test_the_processor_quota_of_a_control_group_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, own: str, files: dict[str, str]
) -> None:
    _groups(monkeypatch, tmp_path, own, files)
    assert config.cpu_count() == 1


def test_a_quota_of_minus_one_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _groups(
        monkeypatch,
        tmp_path,
        "3:cpu:/\n",
        {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"},
    )
    assert config._group_cpu_quotas() == []
