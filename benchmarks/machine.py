"""Facts about the machine that make numbers comparable; nothing that tells whose machine it is."""

from __future__ import annotations

import mmap
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["machine_facts", "settle_memory", "usable_cores"]


def _first(path: str, key: str) -> str:
    try:
        for line in Path(path).read_text().splitlines():
            if line.split(":")[0].strip() == key:
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return ""


def usable_cores() -> int:
    """Cores that this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def settle_memory(nbytes: int) -> None:
    """Touch and free that much memory (at most half of what is available) before a timed run.

    A virtual machine gets its memory from the host page by page on first use, and may hand freed
    memory back within seconds. Such a first use cost 2.3 s per GB where this was measured, any
    later one 0.2 s, so whoever happens to be given new pages would look slow. Pages freed last are
    given out first.
    """
    available = _first("/proc/meminfo", "MemAvailable").split()
    if available:
        nbytes = min(nbytes, int(available[0]) * 1024 // 2)
    with mmap.mmap(-1, max(nbytes, mmap.PAGESIZE)) as memory:
        if hasattr(mmap, "MADV_HUGEPAGE"):
            memory.madvise(mmap.MADV_HUGEPAGE)
        np.frombuffer(memory, np.uint8)[:: mmap.PAGESIZE] = 1


def machine_facts() -> dict[str, Any]:
    """Processor, cores, memory, system and Python."""
    memory = _first("/proc/meminfo", "MemTotal").split()
    return {
        "cpu": _first("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": usable_cores(),
        "memory_gb": round(int(memory[0]) / 2**20, 1) if memory else None,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
        "load_at_start": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }
