"""Image arithmetic by expressions, and images of polarization and spectral index."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from typing import Any

from lattice.api import expr
from lattice.compat.casa.arguments import matched
from lattice.compat.casa.attaching import _labelled_like, open_image, with_leading_unit
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import converted, is_nothing, quantity_of
from lattice.compat.casa.selection import selected
from lattice.compat.casa.tasks.serving import task, written
from lattice.image import Image

__all__ = ["immath"]

_MODES = ("evalexpr", "spix", "pola", "poli", "lpoli", "tpoli")
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")


@task("calc", "lattice.expr, Image.poli, Image.pola", imagename="variant", varnames="variant")
def immath(
    imagename: Any = "",
    mode: str = "evalexpr",
    outfile: str = "immath_results.im",
    expr: str = "IM0",
    varnames: Any = "",
    sigma: str = "0.0mJy/beam",
    polithresh: str = "",
    mask: str = "",
    region: str = "",
    box: str = "",
    chans: str = "",
    stokes: str = "",
    stretch: bool = False,
    imagemd: str = "",
    prec: str = "float",
) -> bool:
    """Write the image of an expression, of a polarization, or of spectral indices.

    Parameters
    ----------
    imagename : str or list of str
        Images, which are IM0, IM1, ... in the expression.
    mode : str, optional
        evalexpr; spix: spectral index of two images; pola: angle of linear polarization; poli: polarized
        intensity, of linear and circular polarization where there is V; lpoli, tpoli: either of these.
    outfile : str, optional
        What to write; it must not exist.
    expr, varnames : optional
        Expression, and names in place of IM0, IM1, ...; files are in quotes.
    sigma : str, optional
        Noise by which polarized intensities are corrected.
    polithresh : str, optional
        Angles are masked where the polarized intensity is below.
    mask, region, box, chans, stokes, stretch : optional
        What part of each image is used.
    imagemd : str, optional
        Image whose coordinates, unit and beam the result takes.
    prec : str, optional
        float or double.
    """
    if outfile and os.path.lexists(os.path.expanduser(outfile)):
        raise CasaError(f"{outfile} exists already", hint="remove it, or take another name")
    what = matched(mode, _MODES, "mode") if mode else "evalexpr"
    given = [imagename] if isinstance(imagename, str) else [str(n) for n in imagename]
    names = [n for n in given if n]

    def part(name: str) -> Image:
        return selected(open_image(name).image(), region, mask, stretch, box=box, chans=chans, stokes=stokes)

    if what == "evalexpr":
        made = _evaluated(expr, names, varnames, part, matched(prec, ("float", "double"), "prec"))
    elif what == "spix":
        made = _spectral_index(names, part)
    else:
        made = _polarized(what, [part(n) for n in names], sigma, polithresh)
    if imagemd:
        made = _labelled_like(made, open_image(imagemd).image())
    written(made, outfile)
    return True


def _evaluated(text: str, names: list[str], varnames: Any, part: Callable[[str], Image], prec: str) -> Image:
    variables = [] if is_nothing(varnames) else [varnames] if isinstance(varnames, str) else [*varnames]
    if len(variables) > len(names):
        raise CasaError(f"{len(variables)} varnames for {len(names)} images")
    known = {f"IM{k}": part(name) for k, name in enumerate(names)}
    known |= {str(v): part(name) for v, name in zip(variables, names, strict=False)}
    # what stands in quotes is a file, which is cut as the others are
    files = {a or b for a, b in _QUOTED.findall(text)}
    known |= {name: part(name) for name in files if name not in known and os.path.exists(name)}
    made = expr(text, images=known)
    if not made.shape:
        raise CasaError("the expression gives a number, not an image")
    if made.dtype == {"float": "f8", "double": "f4"}[prec]:
        made = expr(f"{prec}($1)", made)._with(history=made.history)
    return with_leading_unit(made)


def _spectral_index(names: list[str], part: Callable[[str], Image]) -> Image:
    if len(names) != 2:
        raise CasaError("a spectral index is that of two images")
    first, second = (part(n) for n in names)
    return expr("spectralindex($1, $2)", first, second).with_unit("")._with(history=first.history)


def _polarized(what: str, images: list[Image], sigma: str, polithresh: str) -> Image:
    if not images:
        raise CasaError("give the names of images with Stokes parameters")
    first, rest = images[0], images[1:]
    if what == "pola":
        made = first.pola(*rest, threshold=_in_unit_of(first, polithresh) if polithresh.strip() else 0.0)
        return made.with_unit("deg")
    kind = {"lpoli": "linear", "tpoli": "total", "poli": None}[what]
    return first.poli(*rest, kind=kind, sigma=max(0.0, _in_unit_of(first, sigma)))


def _in_unit_of(image: Image, text: str) -> float:
    """Return a noise or threshold in the unit of an image."""
    value, unit = quantity_of(text)
    return float(converted(float(value), unit, image.unit)) if unit and image.unit else float(value)
