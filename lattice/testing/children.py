"""What checks run in other processes: these functions are found there by their names."""

from __future__ import annotations

import contextlib
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.errors import LatticeError
from lattice.graph.sections import Section, full, grid
from lattice.io.base import Format
from lattice.testing.samples import Sample

__all__ = ["half_write", "read_sections", "try_damaged", "write_sections"]


def read_sections(reader: Any, sections: Sequence[Section]) -> list[np.ndarray]:
    """Return the pixels of some sections."""
    return [np.array(reader.read(section)) for section in sections]


def write_sections(
    writer: Any, sections: Sequence[Section], values: np.ndarray, mask: np.ndarray | None
) -> None:
    """Write some sections."""
    for section in sections:
        good = None if mask is None else np.ascontiguousarray(mask[section])
        writer.write(section, np.array(values[section], order="C"), good)


def half_write(
    ready: Any, form: Format, path: str, sample: Sample, options: Mapping[str, Any], overwrite: bool
) -> None:
    """Start an image, write a half of it, say so, and wait for the end."""
    out = form.create(path, sample.spec, overwrite=overwrite, **options)
    sections = grid(sample.spec.shape, out.writer.chunks)
    write_sections(out.writer, sections[: max(1, len(sections) // 2)], sample.values, sample.mask)
    ready.send("half")
    time.sleep(600)


def try_damaged(
    pipe: Any, form: Format, pristine: str, sample: Sample, selectors: Mapping[str, Any], memory: int
) -> None:
    """Open each path that comes through a pipe, and tell what came of it: (kind, text).

    Kinds are ``error`` (a LatticeError), ``same`` and ``other`` (it was read, and the pixels are those of the
    sample or not), ``raised`` (anything else).
    """
    warnings.simplefilter("ignore")
    if examine(form, pristine, sample, selectors)[0] != "same":
        pipe.send(("broken", "the undamaged image does not read back as it was written"))
        return
    limit_memory(memory)
    pipe.send(("ready", ""))
    with contextlib.suppress(EOFError):
        while True:
            pipe.send(examine(form, pipe.recv(), sample, selectors))


def limit_memory(more: int) -> None:
    """Let this process take this many bytes of addresses more than it has."""
    try:
        import resource

        with open("/proc/self/statm") as f:
            now = int(f.read().split()[0]) * resource.getpagesize()
    except (ImportError, OSError):
        return  # only Linux tells
    resource.setrlimit(resource.RLIMIT_AS, (now + more, resource.getrlimit(resource.RLIMIT_AS)[1]))


def examine(form: Format, path: str, sample: Sample, selectors: Mapping[str, Any]) -> tuple[str, str]:
    """Open an image and read it, and tell what came of it."""
    try:
        return ("same" if _as_written(form, path, sample, selectors) else "other"), ""
    except LatticeError as error:
        return ("error", str(error)) if str(error).strip() else ("raised", "a LatticeError that says nothing")
    except BaseException:
        return "raised", traceback.format_exc(limit=-6)


def _as_written(form: Format, path: str, sample: Sample, selectors: Mapping[str, Any]) -> bool:
    from lattice.image import Image
    from lattice.image.make import stored_parts

    form.sniff(path)
    stored = form.open(path, **selectors)
    image = Image._of(stored_parts(stored, "damaged"))
    repr(image)
    shape = tuple(stored.reader.shape)
    if shape != sample.spec.shape or stored.reader.dtype != sample.values.dtype:
        _read_a_corner(stored.reader)
        for mask in stored.masks.values():
            _read_a_corner(mask)
        return False
    whole = full(shape)
    values = stored.reader.read(whole)
    same = np.array_equal(values, sample.values, equal_nan=values.dtype.kind in "fc")
    if sample.mask is not None and stored.masks:
        planes = {sample.spec.default_mask or "mask0": sample.mask, **sample.masks}
        found = {name: mask.read(whole) for name, mask in stored.masks.items()}
        same &= found.keys() == planes.keys() and all(np.array_equal(found[n], planes[n]) for n in planes)
    return same


def _read_a_corner(reader: Any) -> None:
    room = 1 << 16
    section = []
    for n in reversed(reader.shape):
        length = min(n, room, 64)
        room //= max(1, length)
        section.append(slice(n - length, n, 1))
    values = reader.read(tuple(reversed(section)))
    assert values.dtype == reader.dtype
