"""asv classes: how long text takes to become a checked image, and an image to become a plan."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.bench_support import import_seconds

__all__ = ["Bind", "Import", "Plan"]

TEXTS = {
    "short": "a+b",
    "usual": "iif(a>0 && b<1, sqrt(abs(a)), exp(b))",
    "reductions": "a-mean(a[a<3])+median(b[a>2*stddev(a)])",
    "deep": "+".join(f"sin(a*{n})" for n in range(1, 201)),
    "nested": "(" * 50 + "a" + "+1)" * 50,
}


class _Texts:
    params = (sorted(TEXTS),)
    param_names = ("text",)

    def setup(self, text: str) -> None:
        """Bind to arrays in memory: no file is touched."""
        import lattice

        values = np.random.default_rng(1).standard_normal((4, 64, 64), dtype=np.float32)
        self.names: dict[str, Any] = {"a": lattice.Image(values), "b": lattice.Image(values[::-1].copy())}
        self.text = TEXTS[text]
        self.expr = lattice.expr
        # The grammar is loaded on first use; its cost is part of Import.
        self.image: Any = self.expr(self.text, **self.names)


class Bind(_Texts):
    """Text to graph."""

    def time_expr(self, text: str) -> None:
        """Parse, bind and check."""
        self.expr(self.text, **self.names)

    def time_print(self, text: str) -> None:
        """Print the graph as LEL again."""
        _ = self.image.expression


class Plan(_Texts):
    """Graph to plan."""

    def time_explain(self, text: str) -> None:
        """Plan all stages and describe them."""
        self.image.explain()

    def time_tiny_compute(self, text: str) -> None:
        """Plan and run 16k pixels: nearly all of it is overhead."""
        self.image.compute()


class Import:
    """A fresh interpreter."""

    unit = "seconds"
    timeout = 120

    def track_import(self) -> float:
        """``import lattice`` alone."""
        return import_seconds("import lattice")

    def track_first_expression(self) -> float:
        """Import, load the grammar, bind one expression."""
        return import_seconds(
            "import lattice, numpy; lattice.expr('a+1', a=lattice.Image(numpy.zeros((4, 4), 'f4')))",
            baseline="import numpy",
        )
