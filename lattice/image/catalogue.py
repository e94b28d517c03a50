"""The operations on images: what each is called here and elsewhere, and by what rules it goes.

The rules are read from the docstrings, where each operation states them in the same six fields.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from lattice.errors import NameNotFoundError, suggest

__all__ = ["OPERATIONS", "RULES", "Operation", "markdown", "operation"]

RULES = ("mask", "unit", "beam", "coordinates", "flags", "variance")
"""What the docstring of an operation says something about."""

_FIELD = re.compile(r"^:(\w+): (.*(?:\n +.*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Operation:
    """An operation, by its names.

    Attributes
    ----------
    family : str
        What it is akin to.
    name : str
        Method of `lattice.Image`, or function of `lattice`.
    casa : tuple of str
        Methods of CASA's image tool and tasks that do the same.
    peer : tuple of str
        Methods of spectral-cube, or functions of other packages, that do the same.
    language : str
        Function of the Lattice Expression Language.
    command : str
        Command of the shell.
    """

    family: str
    name: str
    casa: tuple[str, ...] = ()
    peer: tuple[str, ...] = ()
    language: str = ""
    command: str = ""

    @property
    def function(self) -> Callable[..., Any]:
        """The method, or the function."""
        import lattice
        from lattice.image import Image

        found: Any = getattr(Image, self.name, None) or getattr(lattice, self.name)
        return found

    @property
    def call(self) -> str:
        """How it is written: ``Image.smooth``, ``lattice.concat``."""
        from lattice.image import Image

        return f"Image.{self.name}" if hasattr(Image, self.name) else f"lattice.{self.name}"

    @property
    def summary(self) -> str:
        """First sentence of the docstring."""
        return (inspect.getdoc(self.function) or "").split("\n\n")[0].replace("\n", " ")

    def rules(self) -> dict[str, str]:
        """Return what the docstring says of mask, unit, beam, coordinates, flags and variance."""
        text = inspect.getdoc(self.function) or ""
        found = {key: re.sub(r"\s+", " ", said).strip() for key, said in _FIELD.findall(text)}
        return {key: found[key] for key in RULES if key in found}

    def as_record(self) -> dict[str, Any]:
        """Return all of it by name, for JSON."""
        names = {"operation": self.call, "family": self.family, "summary": self.summary, "casa": self.casa}
        names |= {"others": self.peer, "language": self.language, "command": self.command}
        return names | {"rules": self.rules()}

    def text(self) -> str:
        """Return it in words."""
        elsewhere = ", ".join((*self.casa, *self.peer))
        lines = [f"{self.call}{inspect.signature(self.function)}", "", self.summary, ""]
        lines += [f"elsewhere: {elsewhere}"] if elsewhere else []
        lines += [f"language: {self.language}"] if self.language else []
        lines += [f"command: lattice {self.command}"] if self.command else []
        return "\n".join([*lines, *(f"{key}: {said}" for key, said in self.rules().items())])


def _rows(family: str, rows: Iterable[tuple[str, str, str, str, str]]) -> list[Operation]:
    return [
        Operation(family, name, tuple(casa.split()), tuple(peer.split()), language, command)
        for name, casa, peer, language, command in rows
    ]


OPERATIONS: tuple[Operation, ...] = (
    *_rows(
        "shape",
        [
            ("transpose", "ia.transpose imtrans", "", "transpose", "transpose"),
            ("squeeze", "ia.subimage", "", "", ""),
            ("expand_dims", "ia.adddegaxes", "", "expand_dims", ""),
            ("concat", "ia.imageconcat", "", "", "concat"),
            ("subimage", "ia.subimage imsubimage", "subcube spectral_slab", "[::]", "subimage"),
            ("crop", "ia.crop", "minimal_subcube", "", ""),
            ("pad", "ia.pad", "", "pad", ""),
            ("insert", "ia.insert", "", "insert", ""),
            ("rebin", "ia.rebin imrebin", "downsample_axis", "rebin", "rebin"),
            ("decimate", "ia.decimate", "", "decimate", ""),
        ],
    ),
    *_rows(
        "masks",
        [
            ("with_mask", "ia.maskhandler ia.calcmask", "with_mask", "[]", ""),
            ("add_mask", "ia.calcmask makemask", "with_mask", "", ""),
            ("replace_masked", "ia.replacemaskedpixels", "filled", "replace", ""),
            ("regions_above", "", "skimage.apply_hysteresis_threshold", "regions_above", ""),
        ],
    ),
    *_rows(
        "reductions",
        [
            (
                "collapse",
                "ia.collapse imcollapse",
                "sum mean median std max min mad_std",
                "collapse",
                "collapse",
            ),
            (
                "moments",
                "ia.moments immoments",
                "moment moment0 moment1 linewidth_sigma",
                "moment",
                "moments",
            ),
            ("profile", "ia.getprofile specflux", "mean", "profile", "profile"),
            ("statistics", "ia.statistics imstat", "statistics", "", "stat"),
            ("histogram", "ia.histograms", "", "", "histogram"),
        ],
    ),
    *_rows(
        "smoothing",
        [
            ("smooth", "ia.convolve2d imsmooth", "spatial_smooth", "smooth", "smooth"),
            ("smooth_to", "ia.convolve2d ia.commonbeam imsmooth", "convolve_to", "smooth_to", "smooth"),
            ("smooth_along", "ia.sepconvolve specsmooth", "spectral_smooth", "smooth_along", "smooth"),
            ("convolve", "ia.convolve imsmooth", "spatial_smooth", "convolve", ""),
            ("hanning", "ia.hanning specsmooth", "spectral_smooth", "hanning", "smooth"),
            ("boxcar", "ia.boxcar specsmooth", "spectral_smooth", "boxcar", "smooth"),
        ],
    ),
    *_rows(
        "grids",
        [
            ("regrid", "ia.regrid imregrid", "reproject spectral_interpolate", "regrid", "regrid"),
            ("rotate", "ia.rotate", "", "rotate", ""),
            ("mosaic", "", "mosaic_cubes", "", "mosaic"),
            ("with_frame", "imreframe", "", "", ""),
            ("with_velocity", "", "with_spectral_unit", "", ""),
        ],
    ),
    *_rows(
        "analysis",
        [
            ("contsub", "ia.continuumsub imcontsub", "", "contsub", "contsub"),
            ("pv", "ia.pv impv", "pvextractor.extract_pv_slice", "pv", "pv"),
            ("pbcor", "ia.pbcor impbcor", "", "pbcor", "pbcor"),
            ("deviation", "ia.deviation imdev", "", "deviation", ""),
            ("fft", "ia.fft", "", "fft", ""),
            ("two_point", "ia.twopointcorrelation", "", "two_point", ""),
            ("poli", "immath", "", "poli", ""),
            ("pola", "immath", "", "pola", ""),
            ("add_noise", "ia.addnoise", "", "add_noise", ""),
            ("add_components", "ia.modify", "", "", ""),
        ],
    ),
    *_rows(
        "labels",
        [
            ("with_beam", "ia.setrestoringbeam", "with_beam", "", ""),
            ("convert_unit", "ia.setbrightnessunit", "to", "", ""),
        ],
    ),
)
"""All operations, akin ones together."""


def operation(name: str) -> Operation:
    """Return the operation of a name, here or elsewhere.

    Raises
    ------
    NameNotFoundError
        When nobody calls an operation so.

    Examples
    --------
    >>> operation("imsmooth").name, operation("convolve_to").name
    ('smooth', 'smooth_to')
    """
    wanted = name.strip()
    for one in OPERATIONS:
        if wanted == one.name:
            return one
    for one in OPERATIONS:
        others = {*one.casa, *one.peer, *(c.removeprefix("ia.") for c in one.casa), one.command}
        if wanted in others:
            return one
    known = [one.name for one in OPERATIONS]
    raise NameNotFoundError(
        f"there is no operation {name!r}", hint=suggest(wanted, known) or f"there are {', '.join(known)}"
    )


def markdown(operations: Iterable[Operation] = OPERATIONS) -> str:
    """Return two tables in Markdown: what operations are called, and their rules."""
    names = ["| family | operation | CASA | others | language | command |", "|---|---|---|---|---|---|"]
    rules = [f"| operation | {' | '.join(RULES)} |", "|---" * (1 + len(RULES)) + "|"]
    family = ""
    for one in operations:
        first = one.family if one.family != family else ""
        family = one.family
        cells = [first, f"`{one.call}`", *(_code(n) for n in (one.casa, one.peer))]
        cells += [_code([one.language] if one.language else []), _code([one.command] if one.command else [])]
        names.append(f"| {' | '.join(cells)} |")
        said = one.rules()
        rules.append(f"| `{one.name}` | {' | '.join(_cell(said.get(key, '')) for key in RULES)} |")
    return "\n".join([*names, "", *rules])


def _code(words: Iterable[str]) -> str:
    return " ".join(f"`{word}`" for word in words)


def _cell(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")
