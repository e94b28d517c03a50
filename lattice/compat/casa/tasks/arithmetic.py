"""Image arithmetic by expressions, and images of polarization and spectral index."""

from __future__ import annotations

import os
import re
from typing import Any

from lattice.api import expr
from lattice.compat.casa.arguments import matched, task
from lattice.compat.casa.attaching import _labelled_like, open_image, with_leading_unit
from lattice.compat.casa.core import created, system_of
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.quantities import quantity_of
from lattice.compat.casa.selection import selected
from lattice.image import Image

__all__ = ["immath"]

_MODES = ("evalexpr", "spix", "pola", "poli", "lpoli", "tpoli")


@task(imagename="any", varnames="any", sigma="any", region="region")
def immath(
    imagename: Any = "", mode: str = "evalexpr", outfile: str = "immath_results.im", expr: str = "IM0",
    varnames: Any = "", sigma: Any = "0.0mJy/beam", polithresh: str = "", mask: str = "", region: Any = "",
    box: str = "", chans: str = "", stokes: str = "", stretch: bool = False, imagemd: str = "",
    prec: str = "float",
) -> None:  # fmt: skip
    """Write the image of an expression, of a polarization, or of spectral indices.

    Parameters
    ----------
    imagename : str or list of str
        Images, which are IM0, IM1, ... in the expression.
    mode : str, optional
        evalexpr; spix: spectral index of two images; pola: angle of linear polarization; poli: polarized
        intensity, of linear and circular polarization where there is V; lpoli, tpoli: either of these.
    expr, varnames : optional
        Expression, and names in place of IM0, IM1, ...; files are in quotes.
    sigma : str, optional
        Noise by which polarized intensities are corrected.
    polithresh : str, optional
        Angles are masked where the polarized intensity is below.
    mask, region, box, chans, stokes, stretch : optional
        What part of each image is used.
    """
    if not outfile or os.path.lexists(outfile):
        raise CasaError(f"outfile {outfile!r} exists already" if outfile else "give an outfile")
    what = matched(mode, _MODES, "mode") if mode else "evalexpr"
    names = [imagename] if isinstance(imagename, str) else [str(n) for n in imagename]
    names = [n for n in names if n]

    def part(name: str) -> Image:
        return selected(open_image(name).image(), region, mask, stretch, box=box, chans=chans, stokes=stokes)

    if what == "evalexpr":
        made = _evaluated(expr, names, varnames, part, matched(prec, ("float", "double"), "prec"))
    elif what == "spix":
        made = _spectral_index(names, part)
    else:
        made = _polarized(what, names, part, sigma, polithresh)
    if imagemd:
        made = _labelled_like(made, open_image(imagemd).image())
    created(outfile, made, False)


def _evaluated(text: str, names: list[str], varnames: Any, part: Any, prec: str) -> Image:
    variables = [varnames] if isinstance(varnames, str) and varnames else [*varnames]
    known = {f"IM{k}": part(name) for k, name in enumerate(names)}
    known |= {str(v): part(name) for v, name in zip(variables, names, strict=False)}
    # what stands in quotes is a file, which is cut as the others are
    quoted = re.findall(r"'([^']+)'|\"([^\"]+)\"", text)
    files = {a or b for a, b in quoted}
    known |= {name: part(name) for name in files if name not in known and os.path.exists(name)}
    made = expr(text, images=known)
    if not made.shape:
        raise CasaError("the expression gives a number, not an image")
    if made.dtype == {"float": "f8", "double": "f4"}[prec]:
        made = expr(f"{prec}($1)", made)._with(history=made.history)
    return with_leading_unit(made)


def _spectral_index(names: list[str], part: Any) -> Image:
    if len(names) != 2:
        raise CasaError("a spectral index is that of two images")
    first, second = (part(n) for n in names)
    frequencies = [system_of(i).crval[system_of(i).world_axes("spectral")[0]] for i in (first, second)]
    made = expr(f"log($1/$2) / log({frequencies[0]!r} / {frequencies[1]!r})", first, second)
    return made.with_unit("")._with(history=first.history)


# -- polarization --------------------------------------------------------------------------------------------


def _polarized(what: str, names: list[str], part: Any, sigma: Any, polithresh: str) -> Image:
    planes = _by_stokes([part(n) for n in names])
    missing = {"Q", "U"} - set(planes)
    if missing:
        raise CasaError(f"there is no Stokes {' and '.join(sorted(missing))} in the images")
    q, u, v = planes["Q"], planes["U"], planes.get("V")
    q, u = (_plain_stokes(i, q) for i in (q, u))
    if what == "pola":
        made = expr("pa($1, $2)", u, q).with_unit("deg")
        if polithresh:
            value, unit = quantity_of(polithresh)
            limit = _in_unit_of(q, value, unit)
            made = made[expr("sqrt($1*$1 + $2*$2) >= $3", q, u, limit)]
        return _with_stokes(made, "Pangle")
    if what == "tpoli" and v is None:
        raise CasaError("there is no Stokes V in the images")
    total = v is not None and what in ("poli", "tpoli")
    squares = (
        expr("$1*$1 + $2*$2 + $3*$3", q, u, _plain_stokes(v, q)) if total else expr("$1*$1 + $2*$2", q, u)
    )
    value, unit = quantity_of(sigma)
    noise = _in_unit_of(q, value, unit)
    if noise > 0:
        rest = expr("float($1 - $2)", squares, noise * noise)
        made = expr("iif($1 > 0, sqrt(iif($1 > 0, $1, 0)), 0)[$1 >= 0]", rest)
    else:
        made = expr("sqrt($1)", squares)
    return _with_stokes(made.with_unit(q.unit), "Ptotal" if total else "Plinear")


def _in_unit_of(image: Image, value: Any, unit: str) -> float:
    from lattice.compat.casa.quantities import converted

    return float(converted(float(value), unit, image.unit)) if unit and image.unit else float(value)


def _by_stokes(images: list[Image]) -> dict[str, Image]:
    """Return the planes of images by Stokes parameter, the axis kept."""
    out: dict[str, Image] = {}
    for one in images:
        system = system_of(one)
        axes = system.pixel_axes("stokes")
        if not axes:
            raise CasaError("an image has no Stokes axis")
        for k, name in enumerate(system.stokes):
            items = [slice(None)] * one.ndim
            items[one.ndim - 1 - axes[0]] = slice(k, k + 1)
            out[name] = one[tuple(items)]
    return out


def _plain_stokes(image: Any, like: Image) -> Image:
    """Return an image with the coordinates of another one, so that planes of Stokes combine."""
    made: Image = image.with_wcs(like.coords)
    return made


def _with_stokes(image: Image, name: str) -> Image:
    from lattice.io.casa_records import coords_from_record

    system = system_of(image)
    system.part(system.number_of("stokes") or 0)["stokes"] = [name]
    return image.with_wcs(coords_from_record(system.record, image.shape)[0])
