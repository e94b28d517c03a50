"""The table that is printed."""

from __future__ import annotations

from typing import Any

from benchmarks.limits import LIMITS

__all__ = ["render"]


def _grid(rows: list[list[str]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells).rstrip())
    lines.insert(1, "-" * max(len(line) for line in lines))
    return lines


def _cell(cell: dict[str, Any], base: bool) -> str:
    if "unable" in cell:
        return "-"
    if "error" in cell or "seconds" not in cell:
        return "failed"
    shown = f"{cell['seconds']:.3f}"
    return shown if base or "ratio" not in cell else f"{shown} {cell['ratio']:6.1f}x"


def render(result: dict[str, Any], memory: bool = False) -> str:
    """Seconds and ratios as text; with ``memory`` also the peaks of resident memory."""
    peers, base = list(result["notes"]), result["base"]
    shape, machine = "x".join(str(n) for n in result["shape"]), result["machine"]
    lines = [
        f"float32 cubes of {shape} on {machine['cpu']}, {machine['cores']} cores, {result['threads']}"
        f" threads; seconds (median of {result['repeat']}) and how many times {base}'s",
        "",
    ]
    grid = [["", *peers]]
    for key, text in result["rows"].items():
        cells = result["cells"][key]
        grid.append([text, *(_cell(cells[name], name == base) for name in peers)])
    summary = result["summary"]
    if summary:
        grid.append(["geometric mean", *(_summary(summary, name, "geometric_mean") for name in peers)])
        grid.append(["smallest ratio", *(_summary(summary, name, "smallest") for name in peers)])
    lines += _grid(grid)
    lines += _limit_lines(result)
    if memory:
        lines += ["", "peak resident memory (MB; includes the pages of mapped files)", ""]
        grid = [["", *peers]]
        for key, text in result["rows"].items():
            cells = result["cells"][key]
            peaks = [f"{cells[n]['peak'] / 1e6:.0f}" if "seconds" in cells[n] else "-" for n in peers]
            grid.append([text, *peaks])
        lines += _grid(grid)
    lines += _remark_lines(result)
    return "\n".join(lines) + "\n"


def _summary(summary: dict[str, Any], name: str, key: str) -> str:
    return f"{summary[name][key]:.1f}x" if name in summary else ""


def _limit_lines(result: dict[str, Any]) -> list[str]:
    if not result["limits"]:
        return []
    nbytes = 4.0
    for length in result["shape"]:
        nbytes *= length
    lines = ["", "limits of the machine on the bytes of one cube"]
    for key, seconds in result["limits"].items():
        lines.append(f"  {LIMITS[key]:54} {seconds:8.3f} s {nbytes / seconds / 1e9:6.1f} GB/s")
    for name, ratio in result["scale_over_copy"].items():
        if name == result["base"]:
            lines.append(f"  a*2 saved by {name} takes {ratio:.2f} times the plain copy")
    return lines


def _remark_lines(result: dict[str, Any]) -> list[str]:
    lines = [""]
    for name, note in result["notes"].items():
        versions = ", ".join(f"{k} {v}" for k, v in result["versions"].get(name, {}).items())
        lines.append(f"{name}: {note}" + (f" ({versions})" if versions else ""))
    for key, cells in result["cells"].items():
        for name, cell in cells.items():
            if "unable" in cell:
                lines.append(f"- {key}, {name}: {cell['unable']}")
            if "error" in cell:
                lines.append(f"! {key}, {name}: {cell['error']}")
    if result["mismatches"]:
        lines += ["", "!" * 70, "THE RESULTS DO NOT AGREE:"]
        lines += [f"  {sentence}" for sentence in result["mismatches"]]
        lines.append("!" * 70)
    else:
        lines.append("the results of all peers agree")
    return lines
