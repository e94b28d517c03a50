"""The rows of the comparison: what is computed, and how closely the peers must agree."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ROWS", "Row", "find_rows"]


@dataclass(frozen=True)
class Row:
    """One expression over the cubes ``a`` and ``b``.

    Attributes
    ----------
    key : str
        Short name for the command line and the JSON.
    text : str
        The expression in LEL, with ``a`` and ``b`` as names.
    saves : bool
        True: the image is written to disk; False: one or more numbers come back.
    ranks : bool
        True: the numbers are order statistics, whose definitions differ between the peers by
        a fraction of the distance to the next pixel value.
    """

    key: str
    text: str
    saves: bool
    ranks: bool = False

    def tolerance(self, reference: float, pixels: int) -> float:
        """Largest difference between two peers that still counts as agreement.

        Some peers sum in single precision, so sums are compared relative to the number of
        pixels (their values are of order one); ranks may differ by a few neighbours.
        """
        base = 2e-5 * abs(reference)
        if self.ranks:
            return base + 30.0 / pixels
        return base + (2e-6 * pixels if self.key == "sum" else 2e-5)


ROWS: tuple[Row, ...] = (
    Row("add", "a+b", saves=True),
    Row("sine", "2*sin(a)+b*b", saves=True),
    Row("iif", "iif(a>0 && b<1, sqrt(abs(a)), exp(b))", saves=True),
    Row("demean", "a-mean(a[a<3])", saves=True),
    Row("clip", "a[a>2*stddev(a)]", saves=True),
    Row("scale", "a*2", saves=True),
    Row("median", "median(a*b)", saves=False, ranks=True),
    Row("sum", "sum(a[b>0])", saves=False),
    Row("stddev", "stddev(a-b)", saves=False),
    Row("fractile", "fractile(a,0.9)", saves=False, ranks=True),
    Row("robust", "median, medabsdevmed, quartile of a", saves=False, ranks=True),
    Row("mean", "mean(a)", saves=False),
)


def find_rows(keys: str | None) -> tuple[Row, ...]:
    """Rows named in a comma separated list; all of them for None."""
    if not keys:
        return ROWS
    by_key = {row.key: row for row in ROWS}
    wanted = [key.strip() for key in keys.split(",") if key.strip()]
    unknown = [key for key in wanted if key not in by_key]
    if unknown:
        raise ValueError(f"no such row: {', '.join(unknown)}; there are {', '.join(by_key)}")
    return tuple(by_key[key] for key in wanted)
