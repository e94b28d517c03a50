"""Reductions as commands: ``lattice collapse``, ``lattice profile`` and ``lattice histogram``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from lattice.cli_base import commands, cuts_of, engine, image_of, json_option, names, saving_of
from lattice.cli_verbs import pair

__all__ = ["algorithms", "dims_of"]

_MASK = click.option("--mask", metavar="EXPR", help="Take only the pixels where this condition holds.")
_UNITS = click.option(
    "--units",
    type=click.Choice(["correct", "casa"]),
    default="correct",
    help="Unit of counts, variances and roots: their own (the default), or as CASA that of the image.",
)


F = TypeVar("F", bound=Callable[..., Any])

_ALGORITHM = (
    click.option(
        "--algorithm",
        metavar="NAME",
        default="classic",
        help="classic (the default), fit-half, hinges-fences, chauvenet or biweight: which pixels count.",
    ),
    click.option("--center", metavar="NAME", help="Of fit-half: mean (the default), median or zero."),
    click.option(
        "--lside/--rside", default=None, help="Of fit-half: the lower side (the default), or the upper."
    ),
    click.option("--fence", type=float, help="Of hinges-fences: quartile ranges; negative takes all."),
    click.option("--zscore", type=float, help="Of chauvenet: sigma; negative is Chauvenet's criterion."),
    click.option("--maxiter", type=int, help="Of chauvenet: cuts beyond the first; negative for no limit."),
    click.option("--niter", type=int, help="Of biweight: iterations, 3 by default."),
)
_CHOICE = ("algorithm", "center", "lside", "fence", "zscore", "maxiter", "niter")


def algorithms(command: F) -> F:
    """Add the options that say which pixels count; the command takes them as `choice`."""

    @functools.wraps(command)
    def run(*args: Any, **options: Any) -> None:
        choice = {key: options.pop(key) for key in _CHOICE}
        command(*args, choice=choice, **options)

    made: Any = run
    for option in reversed(_ALGORITHM):
        made = option(made)
    return made


def dims_of(text: str) -> list[str | int]:
    """Return dims from text: names, or numbers from the slowest, with commas between."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [int(d) if d.lstrip("-").isdecimal() else d for d in parts]


@commands.command(
    examples=[
        "lattice collapse cube.fits peak.fits max frequency",
        "lattice collapse cube.fits noise.fits --function xmadm --axes y,x",
        "lattice collapse cube.fits spectrum.fits flux y,x --region 'circle[[10.5deg, 41.2deg], 30arcsec]'",
        "lattice collapse cube.image noise.image xmadm frequency --keep --mask \"'cube.image' < 0.01\"",
    ]
)
@click.argument("image", metavar="IMAGE|EXPR")
@click.argument("out", type=click.Path())
@click.argument("function", required=False)
@click.argument("dims", metavar="DIM,...", required=False)
@click.option("--function", "--how", "named", metavar="NAME", help="FUNCTION as an option, ...")
@click.option("--axes", "--dims", "--axis", "along", metavar="DIM,...", help="... and the axes.")
@click.option("--keep", is_flag=True, help="Keep the axes, with length 1.")
@_UNITS
@_MASK
@cuts_of
@names
@saving_of
@engine
def collapse(
    image: str,
    out: str,
    function: str | None,
    dims: str | None,
    named: str | None,
    along: str | None,
    keep: bool,
    units: str,
    mask: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Save a statistic of an image along axes.

    FUNCTION is flux, madm, max, mean, median, min, npts, rms, stddev, sum, sqrtsum, sqrtsum_npix,
    sqrtsum_npix_beam, variance or xmadm, or the beginning of one of these that no other begins with.
    DIM is the name of an axis, or its number from the slowest.
    """
    if named is not None and function is not None and dims is None:
        function, dims = None, function  # the axes alone
    if (function is None) == (named is None) or (dims is None) == (along is None):
        raise click.UsageError("say one function and the axes, as FUNCTION DIM,... or as options")
    source = image_of(image, settings).subimage(**cuts, mask=mask)
    source.collapse(function or named or "", dims_of(dims or along or ""), keepdims=keep, units=units).save(
        out, **saving
    )


@commands.command(
    examples=[
        "lattice profile cube.fits --region 'circle[[10.5deg, 41.2deg], 30arcsec]'",
        "lattice profile cube.fits flux --dim frequency --box 10,10,90,90 --out spectrum.fits",
    ]
)
@click.argument("image", metavar="IMAGE|EXPR")
@click.argument("function", default="mean")
@click.option("--dim", "--axis", metavar="DIM", help="The axis that stays; the default is the spectral one.")
@click.option("--out", metavar="OUT", type=click.Path(), help="Save it, in place of printing a table.")
@_UNITS
@_MASK
@cuts_of
@names
@saving_of
@engine
def profile(
    image: str,
    function: str,
    dim: str | None,
    out: str | None,
    units: str,
    mask: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Print a statistic of each plane across an axis, such as the spectrum of a region.

    FUNCTION is one of those of 'lattice collapse', mean by default. The table has the number of each plane,
    its coordinate, and the value.
    """
    from lattice.cli_text import profile_text

    source = image_of(image, settings).subimage(**cuts, mask=mask)
    found = source.profile(function, dims_of(dim)[0] if dim else None, units=units)
    if out is not None:
        found.save(out, **saving)
    else:
        click.echo(profile_text(found))


@commands.command(
    examples=[
        "lattice histogram cube.fits --nbins 50 --include -0.01,0.01",
        "lattice histogram cube.fits --dims y,x --json",
    ]
)
@click.argument("image", metavar="IMAGE|EXPR")
@click.option("--nbins", type=int, default=25, show_default=True, help="Number of bins.")
@click.option("--dims", "--axes", "dims", metavar="DIM,...", help="Count over these dims only.")
@click.option(
    "--include", metavar="LOW,HIGH", help="Where the bins are; the default is from least to largest."
)
@click.option("--cumulative", is_flag=True, help="Count those below, too.")
@click.option("--log", is_flag=True, help="Logarithms of the counts.")
@_MASK
@cuts_of
@names
@json_option
@engine
def histogram(
    image: str,
    nbins: int,
    dims: str | None,
    include: str | None,
    cumulative: bool,
    log: bool,
    mask: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print how many good pixels have values in each of some bins."""
    from lattice.cli_text import to_json

    found = (
        image_of(image, settings)
        .subimage(**cuts, mask=mask)
        .histogram(
            nbins,
            None if dims is None else dims_of(dims),
            include=pair(include, "--include"),
            cumulative=cumulative,
            log=log,
        )
    )
    keys = ("counts", "values", "mean", "sigma")
    if as_json:
        about = {"unit": found.unit} | ({"dims": ["bin", *found.dims]} if found.dims else {})
        click.echo(to_json(about | {key: getattr(found, key) for key in keys}))
    elif found.dims:
        raise click.UsageError("histograms over dims are printed with --json only")
    else:
        click.echo(repr(found))
