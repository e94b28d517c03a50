"""Operations as commands: ``lattice smooth``, ``lattice regrid`` and the like, each from a file to a file."""

from __future__ import annotations

import os
from typing import Any

import click

from lattice.cli_base import commands, cuts_of, engine, image_of, json_option, names, saving_of

__all__ = ["pair"]

_IMAGE = click.argument("image", metavar="IMAGE|EXPR")
_OUT = click.argument("out", type=click.Path())
_BAD = click.option(
    "--bad",
    type=click.Choice(["zero", "leave"]),
    default="zero",
    help="Bad pixels count as zero (the default), or are left out and the others weighted up.",
)
_MASK = click.option("--mask", metavar="EXPR", help="Take only the pixels where this condition holds.")


def _sources(text: str, settings: tuple[str, ...], cuts: dict[str, Any], mask: str | None = None) -> Any:
    return image_of(text, settings).subimage(**cuts, mask=mask)


@commands.command(
    examples=[
        "lattice smooth cube.fits smooth.fits --major 5arcsec",
        "lattice smooth cube.fits round.image --to 10arcsec",
        "lattice smooth cube.fits common.fits --to common",
        "lattice smooth cube.fits lines.fits --along frequency=3 --kernel hanning",
        "lattice smooth cube.fits slices.fits --major 4pix --minor 2pix --pa 30deg --dims frequency,y",
    ]
)
@_IMAGE
@_OUT
@click.option("--major", metavar="ANGLE", help="Full width at half maximum of a Gaussian on the sky.")
@click.option("--minor", metavar="ANGLE", help="The other width; the default is the same.")
@click.option("--pa", metavar="ANGLE", default="0deg", help="Position angle of the major axis.")
@click.option(
    "--dims", "--axes", metavar="DIM,DIM", help="Two axes for --major in place of the sky, as with 3pix."
)
@click.option("--to", "--beam", "target", metavar="ANGLE|common", help="Beam wanted, in place of the kernel.")
@click.option(
    "--along", "--widths", metavar="DIM=WIDTH,...", help="Smooth along these axes, widths in pixels."
)
@click.option(
    "--kernel",
    "--function",
    type=click.Choice(["gaussian", "gauss", "boxcar", "box", "hanning", "hann", "common"]),
    default="gaussian",
    help="For --along; common is --to common.",
)
@_BAD
@cuts_of
@names
@saving_of
@engine
def smooth(
    image: str,
    out: str,
    major: str | None,
    minor: str | None,
    pa: str,
    dims: str | None,
    target: str | None,
    along: str | None,
    kernel: str,
    bad: str,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Smooth an image: by a Gaussian, to a beam, or along single axes."""
    target = "common" if kernel == "common" and target is None else target
    chosen = [name for name, value in (("--major", major), ("--to", target), ("--along", along)) if value]
    if len(chosen) != 1:
        raise click.UsageError("say one of --major, --to and --along")
    if dims is not None and major is None:
        raise click.UsageError("--dims goes with --major")
    source = _sources(image, settings, cuts)
    if along is not None:
        made = source.smooth_along(_numbers(along, float), kernel, bad=bad)
    elif target is not None:
        made = source.smooth_to(target, None if target == "common" else minor, pa, bad=bad)
    else:
        plane = None if dims is None else _dims(dims)
        made = source.smooth(major, minor, pa, bad=bad, dims=plane)
    made.save(out, **saving)


@commands.command(
    examples=[
        "lattice regrid cube.fits other.fits onto.fits",
        "lattice regrid cube.fits other.image onto.image --dims y,x --method cubic",
        "lattice regrid co.fits hcn.fits matched.fits --dims frequency --velocity radio",
        "lattice regrid cube.fits GALACTIC turned.fits",
        "lattice regrid cube.fits LSRK rest.fits --method cubic",
    ]
)
@_IMAGE
@click.argument("template", type=click.Path())
@_OUT
@click.option(
    "--dims", "--axes", metavar="DIM,...", help="Axes that change; the default is all that both have."
)
@click.option(
    "--method",
    "--interpolation",
    type=click.Choice(["linear", "nearest", "cubic", "lanczos", "adaptive", "exact"]),
    default="linear",
    help="Interpolation, or averages by the package reproject; linear by default.",
)
@click.option("--asvelocity", is_flag=True, help="The same as --velocity radio.")
@click.option(
    "--velocity",
    type=click.Choice(["radio", "optical", "relativistic"]),
    help="Match velocities in place of frequencies.",
)
@cuts_of
@names
@saving_of
@engine
def regrid(
    image: str,
    template: str,
    out: str,
    dims: str | None,
    method: str,
    asvelocity: bool,
    velocity: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Put an image on the pixel grid of TEMPLATE, an image or a name: GALACTIC, ICRS, LSRK, optical, ..."""
    source = _sources(image, settings, cuts)
    wanted = None if dims is None else _dims(dims)
    matched = velocity or ("radio" if asvelocity else None)
    source.regrid(template, wanted, method=method, velocity=matched).save(out, **saving)


@commands.command(
    examples=[
        "lattice moments cube.fits 0=mom0.fits 1=mom1.fits 2=mom2.fits --mask \"'cube.fits' > 0.01\"",
        "lattice moments cube.fits max=peak.fits max_coord=velocity.fits --convention optical",
        "lattice moments cube.image line.image --moments 0,1,2 --includepix 0.01,10",
    ]
)
@_IMAGE
@click.argument("outputs", metavar="ORDER=OUT...", nargs=-1, required=True)
@click.option("--moments", "orders", metavar="N,...", help="Orders, where OUT is one path for all of them.")
@click.option("--dim", "--axis", metavar="DIM", help="Axis; the default is the spectral one.")
@click.option(
    "--convention",
    "--doppler",
    type=click.Choice(["radio", "optical", "relativistic", "true"], case_sensitive=False),
    help="Of velocities; true is relativistic. The default is that of the axis, else radio.",
)
@click.option("--include", "--includepix", metavar="LOW,HIGH", help="Only values in this range.")
@click.option("--exclude", "--excludepix", metavar="LOW,HIGH", help="No values in this range.")
@click.option("--keep", is_flag=True, help="Keep the axis, with length 1.")
@_MASK
@cuts_of
@names
@saving_of
@engine
def moments(
    image: str,
    outputs: tuple[str, ...],
    orders: str | None,
    dim: str | None,
    convention: str | None,
    include: str | None,
    exclude: str | None,
    keep: bool,
    mask: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Save moments along an axis, all in one pass.

    ORDER is a number from -1 to 11 as CASA has them, or a name: mean, integral, centroid, dispersion, median,
    median_coord, stddev, rms, avdev, max, max_coord, min, min_coord. With --moments there is one OUT; of
    several moments each has the name that CASA gives it before the ending: out.integrated.fits.
    """
    from lattice.together import save

    places = _moment_paths(outputs, orders)
    source = _sources(image, settings, cuts, mask)
    maps = source.moments(
        list(places),
        dim,
        convention="relativistic" if convention == "true" else convention,
        include=pair(include, "--include"),
        exclude=pair(exclude, "--exclude"),
        keepdims=keep,
    )
    save({places[order]: made for order, made in maps.items()}, **saving)


@commands.command(
    examples=[
        "lattice rebin cube.fits small.fits y=2,x=2",
        "lattice rebin cube.fits channels.fits frequency=4",
        "lattice rebin cube.fits peaks.fits --factor 2,2,1 --function max --crop",
    ]
)
@_IMAGE
@_OUT
@click.argument("factors", metavar="DIM=N,...", required=False)
@click.option("--factor", metavar="N,...", help="In their place a number for each axis, the fastest first.")
@click.option(
    "--function", "--how", default="mean", help="Statistic of a bin, as for collapse; mean by default."
)
@click.option("--crop", is_flag=True, help="Drop the last bin where it is not whole.")
@cuts_of
@names
@saving_of
@engine
def rebin(
    image: str,
    out: str,
    factors: str | None,
    factor: str | None,
    function: str,
    crop: bool,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Average an image over bins of pixels, or take another statistic of them."""
    if (factors is None) == (factor is None):
        raise click.UsageError("say DIM=N,... or --factor N,...")
    source = _sources(image, settings, cuts)
    if factors is not None:
        wanted: Any = _numbers(factors, int)
    else:
        given = [_number_or_text(n.strip()) for n in (factor or "").split(",")]
        wanted = (given + [1] * (source.ndim - len(given)))[::-1]
    source.rebin(wanted, function, crop=crop).save(out, **saving)


@commands.command(
    examples=[
        "lattice transpose cube.fits spectra.zarr y,x,frequency",
        "lattice transpose cube.image turned.image 120",
        "lattice transpose cube.fits mirrored.fits frequency,y,-x",
    ]
)
@_IMAGE
@_OUT
@click.argument("order", required=False)
@click.option("--order", "spelt", metavar="ORDER", help="The same, as an option.")
@cuts_of
@names
@saving_of
@engine
def transpose(
    image: str,
    out: str,
    order: str | None,
    spelt: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Put the axes of an image in another order.

    ORDER names all axes, slowest first, '-' before one reverses it; or it is digits as CASA has them, which
    count axes from the fastest.
    """
    if (order is None) == (spelt is None):
        raise click.UsageError("say one order of the axes")
    _sources(image, settings, cuts).transpose(order or spelt).save(out, **saving)


@commands.command(
    examples=[
        "lattice subimage cube.fits cut.fits --region 'circle[[10.5deg, 41.2deg], 30arcsec]'",
        "lattice subimage cube.image line.image --chans 40~60 --mask \"'cube.image' > 0\"",
    ]
)
@_IMAGE
@_OUT
@click.option("--drop", "--dropdeg", is_flag=True, help="Drop axes of length 1.")
@click.option("--stretch", is_flag=True, help="Repeat axes of length 1 of the mask along the image.")
@_MASK
@cuts_of
@names
@saving_of
@engine
def subimage(
    image: str,
    out: str,
    drop: bool,
    stretch: bool,
    mask: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Save a part of an image: a region, a box, channels, Stokes parameters, what a condition holds for."""
    made = image_of(image, settings).subimage(**cuts, mask=mask, stretch=stretch, dropdeg=drop)
    made.save(out, **saving)


@commands.command(
    examples=[
        "lattice concat cube.fits chan0.fits chan1.fits chan2.fits --dim frequency",
        "lattice concat iquv.zarr i.fits q.fits u.fits v.fits --dim stokes",
    ]
)
@_OUT
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--dim", "--axis", metavar="DIM", default="frequency", help="Axis, or the name of a new one; frequency."
)
@saving_of
@engine
def concat(out: str, images: tuple[str, ...], dim: str, saving: dict[str, Any]) -> None:
    """Join images along an axis; as many as there are, in the order that is given."""
    from lattice.api import concat as join

    join(list(images), dim).save(out, **saving)


@commands.command(
    examples=[
        "lattice contsub cube.fits line.fits --channels '0~20;80~99' --order 1",
        "lattice contsub cube.image line.image --continuum cont.image --channels '<30'",
    ]
)
@_IMAGE
@_OUT
@click.option(
    "--channels",
    "--fitchans",
    metavar="TEXT",
    help="Channels without lines, such as 0~20;80~99; all by default.",
)
@click.option("--order", "--fitorder", type=int, default=0, help="Order of the polynomial; 0 by default.")
@click.option(
    "--continuum", "--contfile", type=click.Path(), help="Save the continuum here, in the same pass."
)
@click.option("--dim", "--axis", metavar="DIM", help="Axis of the spectra; the default is the spectral one.")
@cuts_of
@names
@saving_of
@engine
def contsub(
    image: str,
    out: str,
    channels: str | None,
    order: int,
    continuum: str | None,
    dim: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Subtract the continuum: a polynomial fitted to chosen channels of each spectrum."""
    from lattice.together import save

    made = _sources(image, settings, cuts).contsub(channels, order, dim=dim)
    places: dict[Any, Any] = {out: made.line}
    if continuum is not None:
        places[continuum] = made.continuum
    save(places, **saving)


@commands.command(
    examples=[
        "lattice pbcor cube.fits cube.pb.fits corrected.fits --cutoff 0.2",
        "lattice pbcor model.fits pb.fits seen.fits --mode multiply",
    ]
)
@_IMAGE
@click.argument("pb", type=click.Path())
@_OUT
@click.option(
    "--mode", type=click.Choice(["divide", "multiply"]), default="divide", help="Divide by default."
)
@click.option("--cutoff", type=float, help="Pixels are bad below this response (of a product: above).")
@cuts_of
@names
@saving_of
@engine
def pbcor(
    image: str,
    pb: str,
    out: str,
    mode: str,
    cutoff: float | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Correct an image for the primary beam PB, a plane or of the shape of the image."""
    _sources(image, settings, cuts).pbcor(pb, mode, cutoff).save(out, **saving)


@commands.command(
    examples=[
        "lattice pv cube.fits slice.fits --points '10,20 90,70' --width 5",
        "lattice pv cube.fits slice.fits --start 10,20 --end 90,70",
        "lattice pv cube.fits slice.fits --center '12h30m5s,41.2deg' --length 2arcmin --pa 35deg",
    ]
)
@_IMAGE
@_OUT
@click.option("--points", metavar="X,Y...", help="Ends of the line and its corners: pixels, or positions.")
@click.option("--start", metavar="X,Y", help="In place of points: where a straight line begins, ...")
@click.option("--end", metavar="X,Y", help="... and where it ends.")
@click.option("--center", metavar="X,Y", help="In place of points: the middle of the line.")
@click.option("--length", metavar="LENGTH", help="Length around the center: pixels, or an angle.")
@click.option("--pa", metavar="ANGLE", default="0deg", help="Where the line begins, from north through east.")
@click.option(
    "--width", metavar="WIDTH", default="1", help="Odd number of pixels, or an angle; 1 by default."
)
@click.option("--frame", metavar="FRAME", help="Frame of positions; the default is that of the image.")
@click.option("--unit", default="arcsec", help="Of the offsets; arcsec by default.")
@cuts_of
@names
@saving_of
@engine
def pv(
    image: str,
    out: str,
    points: str | None,
    start: str | None,
    end: str | None,
    center: str | None,
    length: str | None,
    pa: str,
    width: str,
    frame: str | None,
    unit: str,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    saving: dict[str, Any],
) -> None:
    """Take a slice along a line on the sky: position and velocity."""
    if (start is None) != (end is None) or (start is not None and points is not None):
        raise click.UsageError("say --points, or both --start and --end")
    ends = None if start is None or end is None else [_place(start), _place(end)]
    corners = ends if points is None else [_place(text) for text in points.split()]
    made = _sources(image, settings, cuts).pv(
        corners,
        _number_or_text(width),
        center=None if center is None else _place(center),
        length=None if length is None else _number_or_text(length),
        pa=pa,
        frame=frame,
        unit=unit,
    )
    made.save(out, **saving)


@commands.command(
    examples=[
        "lattice mosaic all.fits field1.fits field2.fits field3.fits",
        "lattice mosaic sum.image a.image b.image --template onto.image --weights 2,1",
    ]
)
@_OUT
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True, type=click.Path())
@click.option("--template", type=click.Path(), help="Image with the grid; the default holds all images.")
@click.option("--weights", metavar="W,...", help="A number for each image, or paths of images.")
@click.option(
    "--method",
    type=click.Choice(["linear", "nearest", "cubic", "lanczos"]),
    default="linear",
    help="Interpolation; linear by default.",
)
@saving_of
@engine
def mosaic(
    out: str,
    images: tuple[str, ...],
    template: str | None,
    weights: str | None,
    method: str,
    saving: dict[str, Any],
) -> None:
    """Average images where they overlap: regridded to one grid, and weighted."""
    from lattice.image import Image

    own = None if weights is None else [_number_or_text(w.strip()) for w in weights.split(",")]
    Image.mosaic(list(images), template, weights=own, method=method).save(out, **saving)


@commands.command(
    examples=[
        "lattice operations",
        "lattice operations smooth",
        "lattice operations imregrid",
        "lattice operations --markdown",
    ]
)
@click.argument("name", required=False)
@click.option("--markdown", is_flag=True, help="Print Markdown tables.")
@json_option
def operations(name: str | None, markdown: bool, as_json: bool) -> None:
    """List the operations on images, or say what one does with mask, unit, beam and the like.

    NAME is that of a method, a command, or what CASA or spectral-cube call it.
    """
    from lattice.cli_text import format_table, to_json
    from lattice.image import catalogue

    found = catalogue.OPERATIONS if name is None else (catalogue.operation(name),)
    if as_json:
        click.echo(to_json([one.as_record() for one in found]))
    elif markdown:
        click.echo(catalogue.markdown(found))
    elif name is not None:
        click.echo(found[0].text())
    else:
        click.echo(format_table([[one.family, one.name, one.summary] for one in found]))


_SUFFIXES = (
    "average", "integrated", "weighted_coord", "weighted_dispersion_coord", "median", "median_coord",
    "standard_deviation", "rms", "abs_mean_dev", "maximum", "maximum_coord", "minimum", "minimum_coord",
)  # fmt: skip


def _moment_paths(outputs: tuple[str, ...], orders: str | None) -> dict[Any, str]:
    """Return where each moment goes."""
    if orders is None:
        places: dict[Any, str] = {}
        for text in outputs:
            order, equals, path = text.partition("=")
            if not equals or not path:
                raise click.UsageError(f"{text}: write ORDER=OUT, such as 0=mom0.fits, or give --moments")
            places[_order(order)] = path
        return places
    if len(outputs) != 1:
        raise click.UsageError("with --moments there is one OUT")
    from lattice.ops.moments import number_of

    wanted = [_order(text.strip()) for text in orders.split(",")]
    if len(wanted) == 1:
        return {wanted[0]: outputs[0]}
    root, ending = os.path.splitext(outputs[0])
    return {order: f"{root}.{_SUFFIXES[number_of(order) + 1]}{ending}" for order in wanted}


def _order(text: str) -> int | str:
    return int(text) if text.lstrip("-").isdecimal() else text


def _place(text: str) -> tuple[Any, ...]:
    parts = text.split(",")
    if len(parts) != 2:
        raise click.UsageError(f"{text}: write X,Y, such as 10,20 or 12h30m5s,41.2deg")
    return tuple(_number_or_text(part.strip()) for part in parts)


def _number_or_text(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def _dims(text: str) -> list[str]:
    return [dim.strip() for dim in text.split(",")]


def _numbers(text: str, kind: type[int] | type[float]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        try:
            found[name.strip()] = kind(value)
        except ValueError:
            equals = ""
        if not equals:
            raise click.UsageError(f"{part}: write DIM=NUMBER")
    return found


def pair(text: str | None, option: str) -> tuple[float, ...] | None:
    """Return the numbers of an option LOW,HIGH; None without it."""
    if text is None:
        return None
    try:
        return tuple(float(v) for v in text.split(","))
    except ValueError:
        raise click.UsageError(f"{option} {text}: write LOW,HIGH") from None
