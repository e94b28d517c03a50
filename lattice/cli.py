"""The command ``lattice``: what the library does, for shells.

Exit status: 0 done, 1 something was wrong with the expression, the files or the machine, 2 wrong usage,
130 interrupted, 143 terminated.  Results go to the standard output, everything else to the standard error.
"""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Mapping
from typing import Any

import click

import lattice.cli_stats
import lattice.cli_verbs  # noqa: F401
from lattice.cli_base import (
    Failure,
    commands,
    cuts_of,
    engine,
    expression_image,
    image_of,
    json_option,
    names,
    overwrite_option,
    saving_of,
)
from lattice.cli_stats import algorithms, dims_of
from lattice.cli_verbs import pair

__all__ = ["commands", "main"]


def main(args: list[str] | None = None) -> None:
    """Run the command line."""
    with contextlib.suppress(ValueError):  # not in the main thread
        # Batch systems end a job so; unwinding removes what was written so far.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commands.main(args=args, prog_name="lattice")


@commands.command(
    examples=[
        "lattice calc \"2 * 'cube.fits'\" twice.fits",
        'lattice calc "a[a > 3*stddev(a)]" bright.zarr --set a=cube.fits --memory 1GB',
        "lattice calc \"median('cube.fits')\"",
        "lattice calc \"'cube.fits' - mean('cube.fits')\" cube.fits --overwrite",
    ]
)
@click.argument("expression", metavar="EXPR")
@click.argument("out", required=False, type=click.Path())
@names
@saving_of
@click.option("--unit", metavar="UNIT", help="Convert the result to this unit, such as mJy/beam or K.")
@json_option
@engine
def calc(
    expression: str,
    out: str | None,
    settings: tuple[str, ...],
    saving: dict[str, Any],
    unit: str | None,
    as_json: bool,
) -> None:
    """Compute EXPR: save it as OUT, or print a single number."""
    from lattice.cli_text import scalar_text, to_json

    image = expression_image(expression, settings)
    image = image if unit is None else image.to(unit)
    if image.shape and out is None:
        axes = ", ".join(f"{d} {n}" for d, n in image.sizes.items())
        raise click.UsageError(f"the result is an image ({axes}): name the file to save it in")
    if image.shape and out is not None:
        image.save(out, **saving)
        if as_json:
            click.echo(to_json({"saved": out, "shape": image.shape, "dtype": str(image.dtype)}))
    elif out is not None:
        number = scalar_text(image)
        raise Failure(f"the result is a single number, {number}, and no image to be saved: leave out {out!r}")
    else:
        text = scalar_text(image)
        value = None if text == "undefined" else image.item()
        click.echo(
            to_json({"value": value, "unit": image.unit, "dtype": str(image.dtype)}) if as_json else text
        )


@commands.command(
    examples=[
        "lattice stat cube.fits --robust",
        "lattice stat cube.fits --mask \"'cube.fits' > 0\" --json",
        "lattice stat \"'a.fits' / 'b.fits'\" --dims y,x --keys mean,sigma",
        "lattice stat cube.fits --box 10,10,90,90 --chans 3~7 --keys all",
        "lattice stat cube.fits --algorithm chauvenet --zscore 4 --robust",
    ]
)
@click.argument("image", metavar="IMAGE|EXPR")
@click.option("--mask", metavar="EXPR", help="Take only the pixels where this condition holds.")
@click.option(
    "--dims",
    "--axes",
    "dims",
    metavar="DIM,...",
    help="Over these dims (names, or numbers from the slowest) only.",
)
@click.option("--robust", is_flag=True, help="Add median, medabsdevmed, q1, q3 and quartile.")
@click.option("--keys", metavar="KEY,...", help="Only these statistics, or 'all'.")
@click.option("--include", metavar="LOW,HIGH", help="Only values in this range.")
@click.option("--exclude", metavar="LOW,HIGH", help="No values in this range.")
@algorithms
@cuts_of
@names
@json_option
@engine
def stat(
    image: str,
    mask: str | None,
    dims: str | None,
    robust: bool,
    keys: str | None,
    include: str | None,
    exclude: str | None,
    choice: dict[str, Any],
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print statistics of the good pixels of an image.

    Positions are those in the image, whatever part of it is asked for.
    """
    from lattice.cli_text import statistics_json, statistics_text, to_json
    from lattice.statistics import statistics as statistics_of

    source = image_of(image, settings)
    found = source
    if mask is not None:
        found = found.subimage(mask=mask if mask in found.masks else expression_image(mask, settings))
    statistics = statistics_of(
        found.subimage(**cuts),
        None if keys is None else _list(keys),
        robust=robust,
        dims=None if dims is None else dims_of(dims),
        inside=source,
        include=pair(include, "--include"),
        exclude=pair(exclude, "--exclude"),
        **choice,
    )
    click.echo(to_json(statistics_json(statistics)) if as_json else statistics_text(statistics))


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


@commands.command(
    examples=[
        "lattice head cube.fits",
        'lattice head "mosaic.fits[SCI,2]"',
        "lattice head cube.zarr --json",
    ]
)
@click.argument("file", type=click.Path())
@json_option
def head(file: str, as_json: bool) -> None:
    """Print what an image is: shape, type, masks, header, history.

    No pixel is read.
    """
    from lattice.api import open as open_image
    from lattice.cli_text import head_json, head_text, to_json
    from lattice.io.registry import for_reading, split_selector

    image = open_image(file)
    form = for_reading(split_selector(file)[0]).name
    click.echo(to_json(head_json(image, form)) if as_json else head_text(image, file, form))


@commands.command(
    examples=[
        "lattice explain \"'cube.fits' - median('cube.fits')\"",
        'lattice explain "a + b" --set a=one.fits --set b=two.fits --memory 1GB',
    ]
)
@click.argument("expression", metavar="IMAGE|EXPR")
@names
@engine
def explain(
    expression: str,
    settings: tuple[str, ...],
) -> None:
    """Print how EXPR would be computed.

    Stages, blocks, bytes read, memory; nothing is computed.
    """
    click.echo(image_of(expression, settings).explain().text())


@commands.command(
    examples=[
        "lattice convert cube.fits cube.zarr",
        "lattice convert cube.zarr cube.fits --option mask=extension --strict",
        "lattice convert https://example.org/cube.fits cube.image --chans 10~19",
        'lattice convert "mosaic.fits[SCI,1]" corner.fits --box 0,0,99,99',
        "lattice convert cube.fits kelvin.fits --unit K",
    ]
)
@click.argument("source", metavar="IN", type=click.Path())
@click.argument("out", type=click.Path())
@cuts_of
@click.option("--mask", metavar="NAME", default="default", help="Mask that applies, or 'nomask'.")
@saving_of
@click.option("--unit", metavar="UNIT", help="Convert the image to this unit, such as mJy/beam or K.")
@engine
def convert(
    source: str,
    out: str,
    cuts: dict[str, Any],
    mask: str,
    saving: dict[str, Any],
    unit: str | None,
) -> None:
    """Save an image in another format, and in another unit.

    The ending of OUT names the format; 'lattice formats' says what each holds. What it does not hold is
    named in a warning, or refused with --strict.
    """
    from lattice.api import open as open_image

    image = open_image(source, mask=mask).subimage(**cuts)
    image = image if unit is None else image.to(unit)
    image.save(out, **saving)


@commands.command(
    examples=[
        "lattice plot image.fits image.png",
        "lattice plot cube.fits peak.png --plane frequency=31 --stretch sqrt",
        "lattice plot \"max('a.fits', 'b.fits')\" both.png --outline 'circle[[9pix, 9pix], 5pix]'",
    ]
)
@click.argument("image", metavar="IMAGE|EXPR")
@click.argument("out", metavar="OUT.png", type=click.Path())
@click.option(
    "--plane", metavar="DIM=N,...", default="", help="Which plane of a cube; the default is the first."
)
@cuts_of
@click.option(
    "--outline", metavar="TEXT|FILE", multiple=True, help="Region to outline, as in --region. Repeatable."
)
@names
@click.option("--stretch", default="asinh", metavar="NAME", help="asinh (default), linear, log or sqrt.")
@click.option(
    "--percent", type=float, default=99.5, help="Part of the pixels between darkest and brightest colour."
)
@click.option("--cmap", default="viridis", metavar="NAME", help="A matplotlib colour map.")
@click.option("--title", help="Text above the picture; the default is the expression.")
@click.option(
    "--pixels", type=click.IntRange(1), default=1000, show_default=True, help="Most pixels to read per axis."
)
@click.option(
    "--wcs/--no-wcs", default=True, help="Label the axes with sky coordinates, where they are known."
)
@overwrite_option
@engine
def plot(
    image: str, out: str, plane: str, cuts: dict[str, Any], settings: tuple[str, ...], **look: Any
) -> None:
    """Draw a plane of an image, or a spectrum, as a PNG file.

    Of large images every n-th pixel is read.
    """
    from lattice.cli_work import draw

    draw(image_of(image, settings).subimage(**cuts), out, _plane(plane), **look)


def _plane(text: str) -> Mapping[str, int]:
    """Return the pixel for each dim that --plane names; a bare number is for the only dim there is."""
    found = {}
    for part in _list(text):
        dim, equals, number = part.rpartition("=")
        if not number.lstrip("-").isdecimal() or (equals and not dim):
            raise click.UsageError(f"--plane {text}: write DIM=N, such as frequency=3, or N")
        found[dim.strip()] = int(number)
    return found


@commands.command(
    examples=[
        "lattice formats",
        "lattice formats --markdown",
        "lattice formats --json",
    ]
)
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@json_option
def formats(markdown: bool, as_json: bool) -> None:
    """List the file formats that are known, and what each of them holds."""
    from lattice import cli_text
    from lattice.api import formats as known

    found = known()
    if as_json:
        click.echo(cli_text.to_json(cli_text.formats_json(found)))
    else:
        click.echo((cli_text.formats_markdown if markdown else cli_text.formats_text)(found))


def _function_names(_ctx: click.Context, _param: click.Parameter, start: str) -> list[str]:
    from lattice.functions.registry import names

    return [n for n in names() if n.startswith(start.lower())]


@commands.command(
    examples=[
        "lattice functions",
        "lattice functions fractile",
        'lattice functions "&&"',
        "lattice functions --markdown",
    ]
)
@click.argument("name", required=False, shell_complete=_function_names)
@click.option("--markdown", is_flag=True, help="Print a Markdown table.")
@json_option
def functions(name: str | None, markdown: bool, as_json: bool) -> None:
    """List the functions of the language, or explain one."""
    from lattice import cli_text
    from lattice.errors import FunctionError, suggest
    from lattice.functions.registry import all_functions, names

    found = all_functions()
    if name is not None:
        found = [f for f in found if name.lower() in (f.name, *f.aliases)]
        if not found:
            raise FunctionError(f"there is no function {name!r}", hint=suggest(name, names()))
    if as_json:
        click.echo(cli_text.to_json([cli_text.function_json(f) for f in found]))
    elif markdown:
        click.echo(cli_text.functions_markdown(found))
    elif name is not None:
        click.echo("\n\n".join(cli_text.function_text(f) for f in found))
    else:
        click.echo(cli_text.functions_text(found))


@commands.command(
    examples=[
        "lattice demo",
        "lattice demo --dir m13",
    ]
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(file_okay=False),
    default="lattice-demo",
    show_default=True,
    help="Where to write.",
)
def demo(folder: str) -> None:
    """Try everything on a real image of the sky.

    Writes a FITS file, a Zarr image and a picture, prints the plan and statistics. The image is a plate
    of the globular cluster M13 that astropy, which lattice needs anyway, brings with it.
    """
    from lattice.cli_work import run_demo

    run_demo(folder, click.echo)


@commands.command(
    examples=[
        "lattice completion bash >> ~/.bashrc",
        "lattice completion zsh >> ~/.zshrc",
        "lattice completion fish > ~/.config/fish/completions/lattice.fish",
    ]
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete commands and options."""
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # all three come with click
    click.echo(kind(commands, {}, "lattice", "_LATTICE_COMPLETE").source())
