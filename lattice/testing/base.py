"""What a subclass says about its format, and the steps that all checks share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.graph.sections import Section, full, grid
from lattice.io.base import Format, Stored
from lattice.io.losses import ABILITIES
from lattice.testing.samples import PARTS, Sample, make_sample

__all__ = ["FormatChecks", "write_sample"]


class FormatChecks:
    """The attributes of `FormatConformance`; see there."""

    format: str | Format = ""
    options: Mapping[str, Any] = {}
    selectors: Mapping[str, Any] = {}
    suffix: str = ""
    lacks: frozenset[str] = frozenset()
    dtypes: tuple[str, ...] = ()
    shapes: tuple[tuple[int, ...], ...] = (
        (7,),
        (6, 7),
        (1, 1, 1),
        (2, 3, 6, 7),
        (2, 1, 3, 4, 5),
        (70, 130),
    )
    shape: tuple[int, ...] = (3, 40, 70)
    comments: bool = True
    beam_tolerance: float = 1e-6
    unit: str = "Jy/beam"
    examples: int = 60
    large: bool = True
    corruptions: int = 200
    seconds: float = 30.0
    memory: int = 1 << 30

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Run checks of pixels for each type, and checks of parts for each part."""
        if "dtype" in metafunc.fixturenames:
            metafunc.parametrize("dtype", self.kinds_of_pixels())
        if "shape" in metafunc.fixturenames:
            metafunc.parametrize("shape", self.shapes, ids=str)
        if "part" in metafunc.fixturenames:
            metafunc.parametrize("part", PARTS)

    # -- what a subclass may replace -------------------------------------------------------------

    def make(self, path: str, sample: Sample) -> None:
        """Write an image; for a format that only reads, by whatever other means there are.

        Parameters
        ----------
        path : str
            Where to.
        sample : Sample
            What.
        """
        write_sample(self.form, path, sample, self.options)

    # -- what the checks use ---------------------------------------------------------------------

    @property
    def form(self) -> Format:
        """The format."""
        if not isinstance(self.format, str):
            return self.format
        from lattice.io.registry import by_name

        return by_name(self.format)

    @property
    def can(self) -> frozenset[str]:
        """What it holds, with the options of this class."""
        assert self.form.can <= set(ABILITIES), "Format.can has words that lattice does not know"
        return self.form.can - frozenset(self.lacks)

    def kinds_of_pixels(self) -> list[str]:
        """Return the types of pixels that are checked."""
        if self.dtypes:
            return list(self.dtypes)
        words = {"float": ["f4", "f8"], "complex": ["c8", "c16"], "bool": ["?"]}
        return [kind for word, kinds in words.items() if word in self.can for kind in kinds]

    @property
    def dtype0(self) -> str:
        """The type that stands for all where the pixels do not matter."""
        return self.kinds_of_pixels()[0]

    def needs(self, *words: str) -> None:
        """Skip a check unless the format can do all this."""
        missing = [w for w in words if w not in self.can]
        if missing:
            pytest.skip(f"{self.form.name} does not hold or do: {', '.join(missing)}")

    def path(self, folder: Path, name: str = "image") -> str:
        """Return a path with the ending of the format."""
        return str(folder / (name + (self.suffix or self.form.suffixes[0])))

    def sample(self, dtype: str | None = None, parts: tuple[str, ...] = (), **more: Any) -> Sample:
        """Return an image to be written."""
        shape = more.pop("shape", None) or (2, 3, 6, 7)
        return make_sample(dtype or self.dtype0, shape, parts, unit=self.unit, **more)

    def saved(self, folder: Path, sample: Sample, name: str = "image") -> Stored:
        """Write an image and open it."""
        path = self.path(folder, name)
        self.make(path, sample)
        return self.form.open(path, **self.selectors)

    def whole(self, stored: Stored) -> np.ndarray:
        """Return all pixels."""
        return stored.reader.read(full(stored.reader.shape))


def write_sample(form: Format, path: str, sample: Sample, options: Mapping[str, Any], **more: Any) -> None:
    """Write an image in the blocks that the writer asks for."""
    with form.create(path, sample.spec, **more, **options) as out:
        for section in grid(sample.spec.shape, out.writer.chunks):
            write_section(out, sample, section)


def write_section(out: Any, sample: Sample, section: Section) -> None:
    """Write one section of an image and of all its masks."""
    mask = None if sample.mask is None else np.ascontiguousarray(sample.mask[section])
    out.writer.write(section, np.array(sample.values[section], order="C"), mask)
    for name, writer in out.mask_writers.items():
        writer.write(section, np.array(sample.masks[name][section], order="C"), None)


def same_name(path: str, folder: Path) -> str:
    """Return a copy of a file or folder under its own name in another folder."""
    folder.mkdir(parents=True, exist_ok=True)
    target = str(folder / os.path.basename(path))
    if os.path.isdir(path):
        shutil.copytree(path, target)
    else:
        shutil.copyfile(path, target)
    return target
