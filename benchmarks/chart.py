"""The ratios as a picture: one small panel per expression, one bar per peer, one logarithmic scale."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["draw"]

TIMES = "\u00d7"

# Okabe and Ito's colours: told apart by everybody, also in print.
COLOURS = {
    "lattice": "#222222",
    "casacore": "#0072B2",
    "spectral-cube": "#D55E00",
    "libvips": "#009E73",
    "dask": "#CC79A7",
    "dask-zarr": "#999999",
    "numexpr": "#E69F00",
}
COLUMNS = 3
TICKS = (0.01, 0.1, 1.0, 10.0, 100.0, 1000.0)


def draw(result: dict[str, Any], path: Path) -> None:
    """Draw how many times the base's time each peer takes; without a base, the seconds."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    measured = any("ratio" in cell for cells in result["cells"].values() for cell in cells.values())
    key = "ratio" if measured else "seconds"
    peers = [name for name in result["notes"] if not (measured and name == result["base"])]
    lines = -(-len(result["rows"]) // COLUMNS)
    head, foot, panel = 0.85, 0.75, 0.42 + 0.19 * len(peers)
    height = head + foot + lines * panel
    figure, grid = plt.subplots(
        lines, COLUMNS, figsize=(10.5, height), sharex=True, sharey=True, squeeze=False
    )
    figure.subplots_adjust(
        left=0.105, right=0.975, bottom=foot / height, top=1 - (head + 0.1) / height, hspace=0.42, wspace=0.07
    )
    low, high = _range(result, key)
    panels = list(grid.flat)
    for axes, row in zip(panels, result["rows"], strict=False):
        _bars(axes, result, peers, row, key, (low, high))
    for axes in panels[len(result["rows"]) :]:
        axes.set_axis_off()
    _words(figure, result, peers, key, height)
    figure.savefig(path, dpi=150, facecolor="white")
    plt.close(figure)


def _range(result: dict[str, Any], key: str) -> tuple[float, float]:
    """Limits of the common scale, with room for the number behind the longest bar."""
    values = [c[key] for cells in result["cells"].values() for c in cells.values() if key in c] or [1.0]
    low = min(0.85, 0.8 * min(values)) if key == "ratio" else 0.7 * min(values)
    return low, low * (max(values) / low) ** 1.22


def _bars(
    axes: Any, result: dict[str, Any], peers: list[str], row: str, key: str, limits: tuple[float, float]
) -> None:
    """One panel: bars from 1 (the base) to the ratio, with the number at the end."""
    floor = 1.0 if key == "ratio" else limits[0]
    shift = (limits[1] / limits[0]) ** 0.015
    for place, name in enumerate(peers):
        cell = result["cells"][row].get(name, {})
        if key not in cell:
            word = "cannot" if "unable" in cell else "failed"
            axes.text(floor * shift, place, word, va="center", fontsize=7.5, color="#999999", style="italic")
            continue
        value = cell[key]
        axes.barh(place, value - floor, left=floor, height=0.74, color=COLOURS.get(name, "#555555"), zorder=2)
        shown = _number(value, TIMES) if key == "ratio" else f"{value:.2f} s"
        axes.text(max(value, floor) * shift, place, shown, va="center", fontsize=7.5, color="#333333")
    axes.set_xscale("log")
    axes.set_xlim(*limits)
    axes.set_ylim(len(peers) - 0.4, -0.6)
    axes.set_yticks(range(len(peers)), peers)
    axes.set_title(result["rows"][row], loc="left", fontsize=9, fontweight="bold", pad=3, color="#222222")
    ticks = [tick for tick in TICKS if limits[0] <= tick <= limits[1]]
    axes.set_xticks(ticks, [f"{tick:g}{TIMES}" if key == "ratio" else f"{tick:g} s" for tick in ticks])
    axes.minorticks_off()
    axes.tick_params(axis="both", length=0, labelsize=8, colors="#444444")
    axes.grid(axis="x", color="#e3e3e3", linewidth=0.7, zorder=0)
    if key == "ratio":
        axes.axvline(1.0, color=COLOURS["lattice"], linewidth=1.2, zorder=3)
    for side in ("top", "right", "left", "bottom"):
        axes.spines[side].set_visible(False)


def _number(value: float, unit: str) -> str:
    return f"{value:.0f}{unit}" if value >= 99.5 else f"{value:.1f}{unit}"


def _words(figure: Any, result: dict[str, Any], peers: list[str], key: str, height: float) -> None:
    """Title, the means under it, and the conditions at the foot."""
    base = result["base"]
    title = f"How many times as long as {base}" if key == "ratio" else "Seconds"
    figure.text(
        0.015,
        1 - 0.30 / height,
        f"{title}, on the same pixels in the same run",
        fontsize=14,
        fontweight="bold",
    )
    if key == "ratio":
        means = [
            f"{name} {_number(result['summary'][name]['geometric_mean'], TIMES)}"
            for name in peers
            if name in result["summary"]
        ]
        words = f"geometric means: {', '.join(means)}; the black line is {base}, longer bars are slower"
        figure.text(0.015, 1 - 0.56 / height, words, fontsize=9, color="#444444")
    shape, machine = TIMES.join(str(n) for n in result["shape"]), result["machine"]
    words = (
        f"float32 cubes of {shape}, {machine['cpu']}, {result['threads']} threads; median "
        f"of {result['repeat']} runs in fresh processes, from opening the files to the closed result; "
        "logarithmic scale"
    )
    figure.text(0.015, 0.16 / height, words, fontsize=8, color="#666666")
