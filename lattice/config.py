"""Options of the engine: what they are, where their values come from, and how they are checked.

Every option has a default, an environment variable (``LATTICE_`` and the name in capitals) and a
keyword of `set_options`; the later of these wins.  Options live in a context variable: a thread sees
what was set in its own context and never what another thread set.  Code that hands work to threads
or processes therefore takes the options once, in the thread of the caller, and passes the values on.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import numbers
import os
import re
import time
from collections.abc import Collection, Mapping
from contextvars import ContextVar, Token
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from lattice.errors import LatticeError, LatticeRangeError, LatticeTypeError, suggest

__all__ = [
    "Options",
    "cpu_count",
    "format_bytes",
    "get_option",
    "get_options",
    "machine_memory",
    "parse_bytes",
    "set_options",
]

Scheduler = Literal["auto", "threads", "synchronous", "distributed"]
Switch = Literal["auto"] | bool
UnitRule = Literal["auto", "lel", "check"]
Complaint = Literal["warn", "error", "ignore"]

_SCHEDULERS = ("auto", "threads", "synchronous", "distributed")
_UNIT_RULES = ("auto", "lel", "check")
_COMPLAINTS = ("warn", "error", "ignore")
_PREFIX = "LATTICE_"

# Powers of a thousand as disk makers count, powers of 1024 only where the unit says so.
_UNITS = {"": 1, "b": 1}
for _power, _letter in enumerate("kmgtp", start=1):
    _UNITS |= {_letter: 1000**_power, f"{_letter}b": 1000**_power}
    _UNITS |= {f"{_letter}i": 1024**_power, f"{_letter}ib": 1024**_power}

_BYTES = re.compile(r"\s*([0-9]+(?:\.[0-9]*)?(?:e[+-]?[0-9]{1,3})?|\.[0-9]+)\s*([a-z]*)\s*", re.IGNORECASE)
_BYTES_HINT = "write a number of bytes, or a number and a unit, such as 1GB, 512MiB or 2e9"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Settings that steer how work is run, and how units are treated; none of them changes pixels.

    Parameters
    ----------
    memory_limit : int, str or None
        Most bytes of resident memory that a run may take, as a number or as text ("2GB").
        None stands for a quarter of the machine's memory, or of the control group's if that is less.
        What the process holds already counts, but a run may always add 64 MiB to it.
        Environment: ``LATTICE_MEMORY_LIMIT``.
    workers : int or None
        How many blocks are evaluated at once. None: one per processor that this process may use.
        Environment: ``LATTICE_WORKERS``.
    scheduler : {"auto", "threads", "synchronous", "distributed"}
        Who runs the blocks. "auto" is an active distributed Client if there is one, else threads.
        Environment: ``LATTICE_SCHEDULER``.
    progress : {"auto", True, False}
        Whether long work shows its progress; "auto" does when a terminal is attached.
        Environment: ``LATTICE_PROGRESS``.
    jit : {"auto", True, False}
        Whether expressions are compiled, with llvmlite; "auto" does where that is faster and llvmlite is
        there. The results have the same bits.
        Environment: ``LATTICE_JIT``.
    strip : int
        Most pixels per strip, the piece in which a block is evaluated; an expression with many
        intermediate values takes shorter ones, so that they stay in the cache.
        Environment: ``LATTICE_STRIP``.
    block : int or None
        Pixels per block, about. None: chosen by storage, access, output and memory limit.
        Environment: ``LATTICE_BLOCK``.
    units : {"auto", "lel", "check"}
        Rule for the units of results. "lel": the unit of the first operand, nothing is compared; "check":
        units are combined, and what does not fit is refused; "auto": "lel" for expression text, "check" for
        operators and functions of Python. See `lattice.functions.units`.
        Environment: ``LATTICE_UNITS``.
    coordinates : {"warn", "error", "ignore"}
        What is done about operands whose axes fit together but whose coordinates differ in their values, or
        whose beams differ: pixels are combined by position all the same, with a CoordinateWarning or a
        BeamWarning; or not at all.
        Environment: ``LATTICE_COORDINATES``.
    coordinate_tolerance : float
        Fraction of a pixel by which coordinates may differ and still be the same.
        Environment: ``LATTICE_COORDINATE_TOLERANCE``.
    """

    memory_limit: int | None = None
    workers: int | None = None
    scheduler: Scheduler = "auto"
    progress: Switch = "auto"
    jit: Switch = "auto"
    strip: int = 262144
    block: int | None = None
    units: UnitRule = "auto"
    coordinates: Complaint = "warn"
    coordinate_tolerance: float = 0.01

    def __post_init__(self) -> None:
        for name, check in _CHECKS.items():
            # The class is frozen for everybody else; text such as "2GB" becomes a number here.
            object.__setattr__(self, name, check(name, getattr(self, name)))

    @property
    def memory_bytes(self) -> int:
        """The memory limit in bytes, with the default filled in."""
        return machine_memory() // 4 if self.memory_limit is None else self.memory_limit

    @property
    def n_workers(self) -> int:
        """How many blocks are evaluated at once, with the default filled in."""
        return cpu_count() if self.workers is None else self.workers

    def replace(self, **changes: Any) -> Options:
        """Return the same options with some of them changed."""
        _known(changes)
        return dataclasses.replace(self, **changes)


def parse_bytes(size: int | float | str) -> int:
    """Return a number of bytes from a number or a text such as "1GB", "512 MiB" or "2e9".

    Parameters
    ----------
    size : int, float or str
        kB, MB, GB, TB and PB (or k, M, G, T, P) are powers of 1000; KiB, MiB, ... are powers of 1024.
        Case does not matter.

    Returns
    -------
    int
        Bytes, rounded down.

    Examples
    --------
    >>> from lattice.config import parse_bytes
    >>> parse_bytes("1GB"), parse_bytes("512 MiB"), parse_bytes(1e9)
    (1000000000, 536870912, 1000000000)
    """
    if isinstance(size, str):
        match = _BYTES.fullmatch(size)
        factor = None if match is None else _UNITS.get(match[2].lower())
        if match is None or factor is None:
            raise LatticeRangeError(f"{size!r} is not a number of bytes", hint=_BYTES_HINT)
        number: int | float = int(match[1]) if match[1].isdigit() and len(match[1]) < 40 else float(match[1])
        value = number * factor
    elif isinstance(size, bool) or not isinstance(size, numbers.Real):
        raise LatticeTypeError(f"a number of bytes cannot be {_called(size)}", hint=_BYTES_HINT)
    else:
        value = int(size) if isinstance(size, numbers.Integral) else float(size)
    if not math.isfinite(value) or value < 1:
        raise LatticeRangeError(f"{size!r} is not a number of bytes above zero", hint=_BYTES_HINT)
    return int(value)


def format_bytes(size: float) -> str:
    """Return a number of bytes as text for people, three digits and a unit.

    Examples
    --------
    >>> from lattice.config import format_bytes
    >>> format_bytes(268435456), format_bytes(999)
    ('268 MB', '999 B')
    """
    value, unit = float(size), "B"
    for larger in ("kB", "MB", "GB", "TB", "PB"):
        # 999.5 would be printed as 1000.
        if abs(value) < 999.5:
            break
        value, unit = value / 1000, larger
    digits = 0 if unit == "B" or abs(value) >= 99.95 else 1 if abs(value) >= 9.995 else 2
    return f"{value:.{digits}f} {unit}"


def get_options() -> Options:
    """Return the options that hold here and now.

    The values of `set_options` in this context come first, then the environment, then the defaults.

    Raises
    ------
    LatticeError
        When an environment variable holds something that its option cannot be.
    """
    changed = _changes.get({})
    return Options(**(_from_environment(skip=changed) | changed))


def get_option(name: str) -> Any:
    """Return one option that holds here and now; the others are not looked at."""
    changed = _changes.get({})
    if name in changed:
        return changed[name]
    found = _from_environment(skip=_CHECKS.keys() - {name})
    return found[name] if found else getattr(_DEFAULTS, name)


class set_options:
    """Set options from here on, or for the length of a with statement.

    Parameters
    ----------
    **changes
        Any of the fields of `Options`. A value of None means the default for `memory_limit` and
        `workers`.

    Notes
    -----
    The change holds in the current context: in this thread (or asyncio task) and what it calls.
    Threads that a program starts itself see the environment and the defaults only; call `set_options`
    in them, or run them in ``contextvars.copy_context()``. The engine passes the caller's options to
    its own workers.

    Examples
    --------
    >>> import lattice.config as config
    >>> with config.set_options(memory_limit="1GB", workers=2):
    ...     config.get_options().memory_limit
    1000000000
    """

    def __init__(self, **changes: Any) -> None:
        _known(changes)
        checked = {name: _CHECKS[name](name, value) for name, value in changes.items()}
        # A new dictionary each time: the one in the context may be seen by copies of the context.
        self._token: Token[dict[str, Any]] | None = _changes.set(_changes.get({}) | checked)

    def __enter__(self) -> Options:
        try:
            return get_options()
        except LatticeError:
            self._restore()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        if self._token is not None:
            _changes.reset(self._token)
            self._token = None


def machine_memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or its control group's."""
    return min([_physical_memory(), *_group_memory_limits()])


def cpu_count() -> int:
    """Return how many processors this process may use: its affinity and its control group's quota."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        count = os.cpu_count() or 1
    return max(1, min([count, *_group_cpu_quotas()]))


# One check per option: it returns the value in its final type or raises a LatticeError.


def _check_memory(name: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        return parse_bytes(value)
    except LatticeError as error:
        raise type(error)(f"{name}: {error.message}", hint=error.hint) from None


def _check_count(name: str, value: Any) -> int:
    whole = value
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        whole = int(value)
    if isinstance(whole, bool) or not isinstance(whole, numbers.Integral):
        raise LatticeTypeError(f"{name}: {value!r} is not a whole number", hint="write a number such as 4")
    if whole < 1:
        raise LatticeRangeError(f"{name}: {value!r} is too small", hint="write a number of 1 or more")
    return int(whole)


def _check_optional_count(name: str, value: Any) -> int | None:
    return None if value is None else _check_count(name, value)


def _check_word(name: str, value: Any, words: tuple[str, ...]) -> str:
    word = value.strip().lower() if isinstance(value, str) else value
    if not isinstance(word, str) or word not in words:
        hint = suggest(word, words) if isinstance(word, str) else None
        listed = ", ".join(repr(s) for s in words[:-1]) + f" or {words[-1]!r}"
        raise LatticeRangeError(f"{name}: {value!r} is not {listed}", hint=hint)
    return word


def _check_scheduler(name: str, value: Any) -> str:
    return _check_word(name, value, _SCHEDULERS)


def _check_units(name: str, value: Any) -> str:
    return _check_word(name, value, _UNIT_RULES)


def _check_coordinates(name: str, value: Any) -> str:
    return _check_word(name, value, _COMPLAINTS)


def _check_tolerance(name: str, value: Any) -> float:
    try:
        number = float(value) if not isinstance(value, bool) else math.nan
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise LatticeRangeError(
            f"{name}: {value!r} is not a number of pixels", hint="write a number such as 0.01"
        )
    return number


def _check_switch(name: str, value: Any) -> str | bool:
    word = value.strip().lower() if isinstance(value, str) else value
    if word == "auto" or isinstance(word, bool):
        return word
    if isinstance(word, str) and word in ("1", "true", "yes", "on"):
        return True
    if isinstance(word, str) and word in ("0", "false", "no", "off"):
        return False
    raise LatticeRangeError(f"{name}: {value!r} is not 'auto', true or false")


_CHECKS = {
    "memory_limit": _check_memory,
    "workers": _check_optional_count,
    "scheduler": _check_scheduler,
    "progress": _check_switch,
    "jit": _check_switch,
    "strip": _check_count,
    "block": _check_optional_count,
    "units": _check_units,
    "coordinates": _check_coordinates,
    "coordinate_tolerance": _check_tolerance,
}

_DEFAULTS = Options()
_changes: ContextVar[dict[str, Any]] = ContextVar("lattice_options")


def _known(changes: Mapping[str, Any]) -> None:
    for name in changes:
        if name not in _CHECKS:
            hint = suggest(name, _CHECKS) or "the options are " + ", ".join(_CHECKS)
            raise LatticeTypeError(f"unknown option {name!r}", hint=hint)


def _from_environment(skip: Collection[str]) -> dict[str, Any]:
    found = {}
    for name, check in _CHECKS.items():
        if name in skip:
            continue
        variable = _PREFIX + name.upper()
        text = os.environ.get(variable, "").strip()
        # An empty variable is one that a shell script could not unset.
        if text:
            found[name] = check(f"environment variable {variable}", text)
    return found


def _called(value: object) -> str:
    return repr(value) if isinstance(value, bool) or value is None else f"a {type(value).__name__}"


def _physical_memory() -> int:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return _physical_memory_windows()


def _physical_memory_windows() -> int:
    import ctypes

    class Status(ctypes.Structure):
        # Layout of MEMORYSTATUSEX; the names are ours, the order and the sizes are the system's.
        _fields_ = [
            ("length", ctypes.c_ulong),
            ("load", ctypes.c_ulong),
            ("total", ctypes.c_ulonglong),
            ("rest", ctypes.c_ulonglong * 6),
        ]

    windows = getattr(ctypes, "windll", None)
    status = Status(length=ctypes.sizeof(Status))
    if windows is None or not windows.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return 4 * 1024**3  # nothing is known: assume a small machine
    return int(status.total)


_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


@functools.cache
def _group_files(controller: str, names: tuple[str, ...], own: Path, groups: Path) -> tuple[Path, ...]:
    """Return the files of these names that there are in the folders of this process's control groups."""
    folders = _group_folders(controller, own, groups)
    return tuple(folder / name for folder in folders for name in names if (folder / name).is_file())


def _group_folders(controller: str, own: Path, groups: Path) -> list[Path]:
    """Return the folders of this process's control groups and all their parents; version 1 and 2."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return []
    folders: list[Path] = []
    for line in lines:
        number, _, rest = line.partition(":")
        names, _, path = rest.partition(":")
        if number == "0" and not names:
            base = groups
        elif controller in names.split(","):
            base = groups / controller
        else:
            continue
        # Inside a container the path may be the host's and not exist; the parents then still count.
        parts = [p for p in path.split("/") if p not in ("", "..")]
        folders += [base.joinpath(*parts[:n]) for n in range(len(parts), -1, -1)]
    return folders


def _numbers(path: Path) -> list[int | None]:
    """Return the numbers in a control file, None for words such as "max"; empty when there is no file."""
    # read once in a second: every run asks several times
    return _numbers_at(path, int(time.monotonic()))


@functools.lru_cache(maxsize=64)
def _numbers_at(path: Path, second: int) -> list[int | None]:
    try:
        words = path.read_text().split()
    except OSError:
        return []
    return [int(w) if w.lstrip("-").isdecimal() else None for w in words]


def _group_memory_limits() -> list[int]:
    names = ("memory.max", "memory.high", "memory.limit_in_bytes")
    found = [_numbers(path)[:1] for path in _group_files("memory", names, _OWN_GROUPS, _GROUPS)]
    return [n for first in found for n in first if n is not None and n > 0]


def _group_cpu_quotas() -> list[int]:
    counts = []
    for path in _group_files("cpu", ("cpu.max", "cpu.cfs_quota_us"), _OWN_GROUPS, _GROUPS):
        pair = _numbers(path)
        if path.name == "cpu.cfs_quota_us":
            pair = pair[:1] + _numbers(path.with_name("cpu.cfs_period_us"))[:1]
        if len(pair) == 2 and pair[0] is not None and pair[1] is not None and pair[0] > 0 and pair[1] > 0:
            counts.append(math.ceil(pair[0] / pair[1]))
    return counts
