"""Random expressions, evaluated by lattice and by casacore.

What casacore leaves open or gets wrong is not generated: positions of nan in order statistics, undefined
scalars with lattices, and calls that end its process.
"""

from __future__ import annotations

import dataclasses
import pickle
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lattice.execute.run import compute
from lattice.language.binder import bind
from tests.language.conformance_inputs import images
from tests.language.resolving import Shelf

pytest.importorskip("casacore.images", reason="python-casacore is not installed")
pytestmark = pytest.mark.oracle

# python-casacore makes images with coordinates of its own: all that counts is that they are alike.
IMAGES = {
    name: dataclasses.replace(image, kinds=("linear", "latitude", "longitude"), frequencies=())
    for name, image in images().items()
    if name in ("f1", "f2", "f3", "f4", "d1", "d3", "c1", "c3", "z1", "z3")
}

# Runs in a process of its own, since some mistakes would end it.
CASACORE = """
import pickle, sys
import numpy as np
from casacore.images import image
with open("task.pickle", "rb") as file:
    stored, texts = pickle.load(file)
for name, (values, mask) in stored.items():
    if mask is None:
        image(name, values=values)
    else:
        image(name, values=np.ma.array(values, mask=~mask), maskname="mask0")
results = []
for text in texts:
    made = image(text)
    results.append((np.array(made.getdata()), ~np.array(made.getmask())))
with open("results.pickle", "wb") as file:
    pickle.dump(results, file)
"""


class Writer:
    """Writes random expressions of wanted types."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, *choices: str | Callable[[], str]) -> str:
        chosen = self.random.choice(choices)
        return chosen if isinstance(chosen, str) else chosen()

    def number(self) -> str:
        return self.of("2", "3", "0.5", "1e0", "2.5e0", "-1", "0.25", "pi()", "1.5d0")

    def stored(self) -> str:
        return self.of("f1", "f2", "f3", "f4", "d1", "d3", "f3:nomask")

    def scalar(self, depth: int) -> str:
        x = self.stored()
        if depth <= 0:
            return self.number()
        return self.of(
            self.number(),
            lambda: f"{self.of('mean', 'max', 'min', 'sum', 'median', 'stddev', 'variance', 'avdev')}({x})",
            lambda: f"fractile({x}-{self.stored()},{self.of('0.25', '0.5', '0.9', '0.1e0')})",
            lambda: f"fractilerange({x}*{self.stored()},0.2,0.7)",
            lambda: f"{self.of('ntrue', 'nfalse', 'nelements')}({self.condition(depth - 1)})",
            lambda: f"({self.scalar(depth - 1)}{self.of('+', '-', '*')}{self.scalar(depth - 1)})",
            lambda: f"iif(any({self.condition(0)}),{self.scalar(depth - 1)},{self.number()})",
            lambda: f"abs(mean({self.complex(depth - 1)}))",
        )

    def real(self, depth: int) -> str:
        if depth <= 0:
            return self.stored()
        a, b = self.real(depth - 1), self.of(lambda: self.real(depth - 1), lambda: self.scalar(depth - 1))
        return self.of(
            lambda: f"({a}{self.of('+', '-', '*', '/', '^')}{b})",
            lambda: f"({self.scalar(depth - 1)}{self.of('+', '-', '*', '/', '^')}{a})",
            lambda: (
                f"{self.of('sin', 'exp', 'log', 'sqrt', 'asin', 'atan', 'tanh', 'abs', 'value', '-')}({a})"
            ),
            lambda: f"{self.of('float', 'double', 'real', 'replace')}({a})",
            lambda: f"{self.of('real', 'imag', 'abs', 'arg')}({self.complex(depth - 1)})",
            lambda: f"{self.of('min', 'max', 'atan2', 'pow', 'amp', 'pa', 'replace')}({a},{b})",
            lambda: f"iif({self.condition(depth - 1)},{a},{b})",
            lambda: f"{a}[{self.condition(depth - 1)}]",
        )

    def complex(self, depth: int) -> str:
        if depth <= 0:
            return self.of("c1", "c3", "z1", "z3")
        a = self.complex(depth - 1)
        return self.of(
            lambda: f"({a}{self.of('+', '-', '*')}{self.of(self.real(depth - 1), a, '2i', '2e0i')})",
            lambda: f"{self.of('conj', '-', 'value', 'dcomplex', 'sqrt')}({a})",
            lambda: f"complex({self.real(depth - 1)},{self.scalar(depth - 1)})",
            lambda: f"iif({self.condition(depth - 1)},{a},{self.real(depth - 1)})",
            lambda: f"{a}[{self.condition(depth - 1)}]",
        )

    def condition(self, depth: int) -> str:
        if depth <= 0:
            return f"({self.stored()}{self.of('>', '<', '>=', '<=', '==', '!=')}{self.number()})"
        a, b = self.condition(depth - 1), self.condition(depth - 1)
        return self.of(
            lambda: f"({a}{self.of('&&', '||', '==', '!=')}{b})",
            lambda: f"({a}{self.of('&&', '||')}{self.of('T', 'F')})",
            lambda: f"!{a}",
            lambda: f"isnan({self.real(depth - 1)})",
            lambda: f"mask({self.stored()})",
            lambda: f"value({a})",
            lambda: f"{a}[{b}]",
            lambda: f"iif({a},{b},{self.of('T', 'F')})",
        )

    def lattice(self) -> str:
        depth = self.random.choice((1, 2, 3))
        return self.of(
            lambda: self.real(depth),
            lambda: self.complex(depth),
            lambda: f"iif({self.condition(depth)},1,0)",
            lambda: f"value(f1*0)+{self.scalar(depth)}",
        )


def close(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Tell where numbers agree; a last digit more or less may have grown by what was done to it later."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(a), np.abs(b)) + 1
        return (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= 1e-4 * scale)


def difference(text: str, values: np.ndarray, good: np.ndarray) -> str | None:
    found = compute(bind(text, Shelf(IMAGES)))
    mask = np.ones(values.shape, bool) if found.mask is None else found.mask
    if found.values.dtype != values.dtype or found.values.shape != values.shape:
        return f"{found.values.dtype}{found.values.shape}, not {values.dtype}{values.shape}"
    if not np.array_equal(mask, good):
        return f"mask {mask.tolist()}, not {good.tolist()}"
    a, b = found.values[good], values[good]
    agree = close(a, b)
    if np.iscomplexobj(a):
        agree |= ~np.isfinite(a) & ~np.isfinite(
            b
        )  # in which part a nan or infinity shows up is a matter of taste
    if not agree.all():
        return f"{a[~agree].tolist()}, not {b[~agree].tolist()}"
    return None


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_random_expressions(seed: int, tmp_path: Path) -> None:
    writer = Writer(seed)
    texts = [t for t in (writer.lattice() for _ in range(400)) if len(t) < 400]
    stored: dict[str, Any] = {name: (i.values, i.mask) for name, i in IMAGES.items()}
    (tmp_path / "task.pickle").write_bytes(pickle.dumps((stored, texts)))
    subprocess.run(
        [sys.executable, "-c", CASACORE], cwd=tmp_path, check=True, capture_output=True, timeout=300
    )
    results = pickle.loads((tmp_path / "results.pickle").read_bytes())
    differences = {
        text: found
        for text, result in zip(texts, results, strict=True)
        if (found := difference(text, *result)) is not None
    }
    assert not differences
