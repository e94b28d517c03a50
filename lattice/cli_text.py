"""What the command line prints: images, statistics, formats and functions as text or JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.config import format_bytes
from lattice.graph.function import Function
from lattice.graph.types import type_name
from lattice.io.base import Format
from lattice.io.losses import ABILITIES

if TYPE_CHECKING:
    from lattice.image import Image
    from lattice.statistics import Statistics

__all__ = [
    "format_table",
    "formats_json",
    "formats_markdown",
    "formats_text",
    "function_json",
    "function_text",
    "functions_markdown",
    "functions_text",
    "head_json",
    "head_text",
    "profile_text",
    "scalar_text",
    "statistics_json",
    "statistics_text",
    "to_json",
]

_CELLS = 1000  # rows of a table of statistics that are printed


def to_json(value: Any) -> str:
    """Return a value as JSON: undefined numbers are null, complex ones [real, imaginary]."""
    return json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, complex):
        return [_plain(value.real), _plain(value.imag)]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else str(value)
    return value


def format_table(rows: Sequence[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Return rows as columns of text; the last column is not padded."""
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    to_right = set(right)
    lines = []
    for row in rows:
        cells = [
            c.rjust(w) if i in to_right else c.ljust(w)
            for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def scalar_text(image: Image) -> str:
    """Return a scalar as text that reads back as the same number."""
    value = image.to_masked_array()
    if bool(np.ma.getmaskarray(value)):
        return "undefined"
    found = value.data[()]
    if isinstance(found, np.bool_):
        return "T" if found else "F"
    return f"{found!s} {image.unit}".rstrip()


# -- statistics -------------------------------------------------------------------------------------------


def statistics_json(found: Statistics) -> dict[str, Any]:
    """Return statistics for JSON."""
    out: dict[str, Any] = {}
    for key, value in found.compute().items():
        out[key] = value.filled() if hasattr(value, "node") and value.dtype != bool else value
    flux = {"flux_unit": found.flux_unit} if found.flux_unit else {}
    return {"unit": found.unit} | flux | ({"dims": list(found.dims)} if found.dims else {}) | out


def statistics_text(found: Statistics) -> str:
    """Return statistics as text; those over dims as a table with a row per cell."""
    if not found.dims:
        return repr(found)
    computed = found.compute()
    images = {key: v for key, v in computed.items() if hasattr(v, "node")}
    first = next(iter(images.values()))
    pixels = {key: v.filled() for key, v in images.items()}
    rows = [[*first.dims, *images]]
    for at in np.ndindex(first.shape):
        if len(rows) > _CELLS:
            break
        rows.append([*map(str, at), *(_cell(key, pixels[key][at]) for key in images)])
    lines = [format_table(rows, right=range(len(rows[0])))]
    if first.size > _CELLS:
        lines.append(f"... and {first.size - _CELLS} more; --json prints all")
    if found.unit:
        lines.append(f"unit: {found.unit}" + (f", of the flux {found.flux_unit}" if found.flux_unit else ""))
    lines += [f"{key}: {found.text(key)}" for key in computed if key not in images]
    return "\n".join(lines)


def _cell(key: str, value: Any) -> str:
    if key == "npts":
        return f"{value:.0f}"
    return "undefined" if np.isnan(value) else f"{value:.7g}"


def profile_text(found: Image) -> str:
    """Return an image of one axis as a table: number, coordinate and value of each pixel."""
    (dim,) = found.dims
    heading, labels = _labels(found)
    values = found.filled()
    rows = [[dim, *heading, f"value ({found.unit})" if found.unit else "value"]]
    rows += [
        [str(i), *(column[i] for column in labels), "undefined" if np.isnan(v) else f"{v:.7g}"]
        for i, v in enumerate(values)
    ]
    return format_table(rows, right=range(len(rows[0])))


def _labels(image: Image) -> tuple[list[str], list[list[str]]]:
    """Return heading and texts of the coordinates along the only axis; nothing where these are not known."""
    coords = image.coords
    if coords is None or coords.kinds[0] == "none":
        return [], []
    if coords.kinds[0] == "stokes":
        return ["parameter"], [list(coords.stokes(image.shape[0]) or ())]
    (values,) = coords.to_world(np.arange(image.shape[0], dtype=np.float64))
    unit = coords.world_units[0]
    heading = f"{coords.kinds[0]} ({unit})" if unit else coords.kinds[0]
    return [heading], [[f"{v:.12g}" for v in values]]


# -- images -----------------------------------------------------------------------------------------------


def head_json(image: Image, form: str) -> dict[str, Any]:
    """Return what is known of an image without reading pixels, for JSON."""
    return {
        "format": form,
        "shape": list(image.shape),
        "dims": list(image.dims),
        "dtype": str(image.dtype),
        "bytes": image.nbytes,
        "unit": image.unit,
        "axes": [] if image.coords is None else list(image.coords.kinds),
        "masked": image.masked,
        "masks": list(image._masks),
        "default_mask": image.default_mask,
        "beams_deg": [list(b) for b in image.beams],
        "wcs": _cards(image.coords.to_cards(image.shape) if image.coords is not None else ()),
        "meta": _cards(image.node.attrs.meta),
        "history": list(image.history),
    }


def _cards(cards: Iterable[tuple[str, Any, str]]) -> list[list[Any]]:
    return [list(card) for card in cards]


def head_text(image: Image, name: str, form: str) -> str:
    """Return what is known of an image without reading pixels."""
    kinds = image.coords.kinds if image.coords is not None else ("none",) * image.ndim
    rows = [["axis", "pixels", "coordinate"]]
    rows += [
        [d, str(n), "" if k == "none" else k] for d, n, k in zip(image.dims, image.shape, kinds, strict=True)
    ]
    about = [
        ["file", f"{name} ({form})"],
        ["type", f"{image.dtype} ({type_name(image.dtype)}), {format_bytes(image.nbytes)}"],
        ["unit", image.unit or "not given"],
        ["mask", _mask_text(image)],
    ]
    if image.beams:
        count = f" (first of {len(image.beams)})" if len(image.beams) > 1 else ""
        major, minor, angle = image.beams[0]
        about.append(["beam", f"{major * 3600:.6g} x {minor * 3600:.6g} arcsec, {angle:.6g} deg{count}"])
    parts = [format_table(about), format_table(rows, right=[1])]
    cards = [
        *(image.coords.to_cards(image.shape) if image.coords is not None else ()),
        *image.node.attrs.meta,
    ]
    if cards:
        parts.append("\n".join(_card_text(*card) for card in cards))
    if image.history:
        parts.append("\n".join(f"HISTORY {line}" for line in image.history))
    return "\n\n".join(parts)


def _mask_text(image: Image) -> str:
    named = ", ".join(f"{m} (default)" if m == image.default_mask else m for m in image._masks)
    return named or ("NaN values are bad pixels" if image.masked else "every pixel is good")


def _card_text(key: str, value: Any, comment: str) -> str:
    if key in ("COMMENT", ""):
        return f"{key} {value}".strip()
    shown = (
        repr(value)
        if isinstance(value, str)
        else {True: "T", False: "F"}.get(value, str(value))
        if isinstance(value, bool)
        else str(value)
    )
    return f"{key:8} = {shown}" + (f" / {comment}" if comment else "")


# -- formats ----------------------------------------------------------------------------------------------


def formats_text(found: Sequence[Format]) -> str:
    """Return the formats, and what each of them does and holds."""
    rows = [["format", "use", "endings", ""]]
    for f in found:
        use = "".join(letter if word in f.can else "-" for letter, word in (("r", "read"), ("w", "write")))
        rows.append([f.name, use, " ".join(f.suffixes), f.description])
    table = [["what it does or holds", *(f.name for f in found)]]
    table += [[means, *("x" if word in f.can else "." for f in found)] for word, means in ABILITIES.items()]
    return f"{format_table(rows)}\n\n{format_table(table)}"


def formats_markdown(found: Sequence[Format]) -> str:
    """Return the table of formats for documentation."""
    lines = [
        "| | " + " | ".join(f"{f.name} (`{f.suffixes[0]}`)" if f.suffixes else f.name for f in found) + " |",
        "|---" * (len(found) + 1) + "|",
    ]
    for word, means in ABILITIES.items():
        lines.append(f"| {means} | " + " | ".join("yes" if word in f.can else "" for f in found) + " |")
    return "\n".join(lines)


def formats_json(found: Sequence[Format]) -> list[dict[str, Any]]:
    """Return the formats for JSON."""
    return [
        {"name": f.name, "suffixes": f.suffixes, "can": sorted(f.can), "description": f.description}
        for f in found
    ]


# -- functions --------------------------------------------------------------------------------------------


def _families(functions: Iterable[Function]) -> dict[str, list[Function]]:
    out: dict[str, list[Function]] = {}
    for function in functions:
        out.setdefault(function.family or "other", []).append(function)
    return out


def _call(function: Function) -> str:
    """Return how a function is written."""
    if function.operator == "condition":
        return f"{function.params[0].name}[{function.params[1].name}]"
    return function.signature


def _names(function: Function) -> str:
    return f"{_call(function)}" + (f" = {', '.join(function.aliases)}" if function.aliases else "")


def functions_text(functions: Sequence[Function]) -> str:
    """Return a table of functions, by family."""
    parts = []
    for family, members in _families(functions).items():
        rows = [[f"  {_names(f)}", f.summary] for f in members]
        parts.append(f"{family}\n{format_table(rows)}")
    return "\n\n".join(parts)


def functions_markdown(functions: Sequence[Function]) -> str:
    """Return the table of functions for documentation."""
    lines = ["| family | call | meaning |", "|---|---|---|"]
    for family, members in _families(functions).items():
        for i, f in enumerate(members):
            call = _names(f).replace("|", "\\|")
            lines.append(
                f"| {family if i == 0 else ''} | `{call}` | {f.summary.replace('|', chr(92) + '|')} |"
            )
    return "\n".join(lines)


def function_text(function: Function) -> str:
    """Return the documentation of one function."""
    lines = [_names(function)]
    accepted = [
        f"  {p.name}: {_wanted(p.accepts, p.form)}{' (optional)' if p.optional else ''}"
        for p in function.params
    ]
    text = function.doc.strip().replace(">>> ", "    ")
    return "\n".join(
        [
            *lines,
            *accepted,
            "",
            *(line.strip() if not line.startswith("    ") else line for line in text.splitlines()),
        ]
    )


def _wanted(accepts: str, form: str) -> str:
    if form == "text":
        return "text in quotes"
    kind = {"any": "any type", "bool": "Bool"}.get(accepts, accepts)
    return kind if form == "any" else f"{kind} {form}"


def function_json(function: Function) -> dict[str, Any]:
    """Return one function for JSON."""
    return {
        "name": function.name,
        "call": _call(function),
        "aliases": list(function.aliases),
        "family": function.family,
        "kind": function.kind.value,
        "summary": function.summary,
        "params": [
            {"name": p.name, "accepts": p.accepts, "form": p.form, "optional": p.optional}
            for p in function.params
        ],
    }
