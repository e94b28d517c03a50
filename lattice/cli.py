"""The command ``lattice``: what the library does, for shells.

Exit status: 0 done, 1 something was wrong with the expression, the files or the machine, 2 wrong usage,
130 interrupted, 143 terminated.  Results go to the standard output, everything else to the standard error.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lattice.errors import LatticeError, LatticeWarning

if TYPE_CHECKING:
    from lattice.image import Image

__all__ = ["commands", "main"]

F = TypeVar("F", bound=Callable[..., Any])

_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
_EXAMPLES = (
    """lattice calc "'a.fits' - median('a.fits'['b.fits' > 0])" out.fits""",
    """lattice stat "sqrt('q.fits'^2 + 'u.fits'^2)" --robust""",
    """lattice plot cube.fits plane.png --plane 12""",
    """lattice functions""",
)


class Failure(click.ClickException):
    """An error that is told without a traceback; the exit status is 1."""

    def show(self, file: Any = None) -> None:
        """Print the message."""
        click.echo(f"error: {self.message}", file=sys.stderr if file is None else file)


class Command(click.Command):
    """A command whose help ends with examples, as they are written."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **options: Any) -> None:
        super().__init__(*args, **options)
        self.examples = examples

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples."""
        _write_examples(formatter, self.examples)


def _write_examples(formatter: click.HelpFormatter, examples: Sequence[str]) -> None:
    if examples:
        with formatter.section("Examples"):
            for line in examples:
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Commands(click.Group):
    """The group of all commands, which turns errors into messages and exit codes."""

    command_class = Command

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write some examples."""
        _write_examples(formatter, _EXAMPLES)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command."""
        try:
            with _warnings_as_lines():
                return super().invoke(ctx)
        except LatticeError as error:
            raise Failure(str(error)) from error
        except KeyboardInterrupt:
            click.echo("interrupted; no partial output is left", err=True)
            ctx.exit(130)
        except BrokenPipeError:
            # Whoever reads the output (head, less) has seen enough.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        except (OSError, MemoryError, RecursionError) as error:
            raise Failure(str(error) or f"{type(error).__name__}") from error


@contextlib.contextmanager
def _warnings_as_lines() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("always", LatticeWarning)
        shown = warnings.showwarning

        def show(message: Any, category: Any, *place: Any, **more: Any) -> None:
            if issubclass(category, LatticeWarning):
                click.echo(f"warning: {message}", err=True)
            else:
                shown(message, category, *place, **more)

        warnings.showwarning = show
        yield


def main(args: list[str] | None = None) -> None:
    """Run the command line."""
    with contextlib.suppress(ValueError):  # not in the main thread
        # Batch systems end a job so; unwinding removes what was written so far.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    commands.main(args=args, prog_name="lattice")


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from lattice import __version__

        click.echo(f"lattice {__version__}")
        ctx.exit()


@click.group(cls=Commands, context_settings=_CONTEXT)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_version,
    help="Show the version and exit.",
)
def commands() -> None:
    """Expressions on astronomical images: FITS, Zarr and more, larger than memory, on all cores.

    An EXPR is text of the Lattice Expression Language, in which names of files stand in quotes.
    A single '-' in its place reads it from the standard input. 'lattice COMMAND --help' tells more about
    a command, with examples.
    """


# -- options and arguments that several commands have -----------------------------------------------------


def _engine(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that steer how work is run, and set them while the command runs."""

    @functools.wraps(command)
    def run(
        *args: Any,
        memory: str | None,
        workers: str | None,
        jit: bool | None,
        progress: bool | None,
        **others: Any,
    ) -> None:
        from lattice.config import set_options

        given = {"memory_limit": memory, "workers": workers, "jit": jit, "progress": progress}
        with set_options(**{name: value for name, value in given.items() if value is not None}):
            command(*args, **others)

    for option in (
        click.option("--progress/--no-progress", default=None, help="Show progress; default: on a terminal."),
        click.option(
            "--jit/--no-jit", default=None, help="Compile expressions; default: where it is faster."
        ),
        click.option("--workers", metavar="N", help="How many blocks are computed at once."),
        click.option(
            "--memory", metavar="SIZE", help="Most memory to use, such as 2GB; default: a quarter of it."
        ),
    ):
        run = option(run)
    return run


def _names(command: F) -> F:
    return click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="What a name in the expression stands for: a path or a number. May be repeated.",
    )(command)


def _cuts(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options that cut an image, and hand them on together."""

    @functools.wraps(command)
    def run(*args: Any, **given: Any) -> None:
        command(*args, cuts={name: given.pop(name) for name in ("region", "box", "chans", "stokes")}, **given)

    for name, form, text in (
        ("stokes", "I,Q", "Stokes parameters."),
        ("chans", "A~B", "Channels, such as 5, 3~7, '1;4~6' or 'range=[1.41GHz, 1.42GHz]'."),
        ("box", "X0,Y0,X1,Y1", "Corners in pixels of the sky, both included."),
        ("region", "TEXT|FILE", "Region in CRTF, or the name of one that is stored with the image."),
    ):
        run = click.option(f"--{name}", metavar=form, help=text)(run)
    return run


_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_overwrite = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")


def _saving(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of commands that save an image, and hand them on together."""

    @functools.wraps(command)
    def run(
        *args: Any, overwrite: bool, sync: bool, strict: bool, form: str | None, options: Any, **given: Any
    ) -> None:
        saving = {"overwrite": overwrite, "sync": sync, "strict": strict, "format": form}
        command(*args, saving=saving | _save_options(options), **given)

    text = "For the format, such as mask=extension. May be repeated."
    run = click.option("--option", "options", metavar="NAME=VALUE", multiple=True, help=text)(run)
    text = "Format of the output, where its ending does not say."
    run = click.option("--format", "form", metavar="NAME", help=text)(run)
    text = "Refuse to write a file that would not hold all that the image has."
    run = click.option("--strict", is_flag=True, help=text)(run)
    run = click.option("--sync", is_flag=True, help="Make the output survive a power failure.")(run)
    return _overwrite(run)


def _text(expression: str) -> str:
    return sys.stdin.read() if expression == "-" else expression


def _expression(text: str, settings: tuple[str, ...] = ()) -> Image:
    """Return the image of an expression; --set gives numbers, else paths."""
    from lattice.api import expr
    from lattice.cli_work import value_of

    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"--set {setting}: write NAME=PATH or NAME=NUMBER")
        found[name] = value_of(value)
    return expr(_text(text), images=found)


def _image(text: str, settings: tuple[str, ...] = ()) -> Image:
    """Return what an argument stands for: a file if there is one of that name, else an expression."""
    from lattice.api import open as open_image
    from lattice.cli_work import is_path

    return open_image(text) if text != "-" and is_path(text) else _expression(text, settings)


def _save_options(given: tuple[str, ...]) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text}: write NAME=VALUE")
        options[name] = (
            int(value) if value.isdecimal() else {"true": True, "false": False}.get(value.lower(), value)
        )
    return options


# -- commands ---------------------------------------------------------------------------------------------


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
@_names
@_saving
@click.option("--unit", metavar="UNIT", help="Convert the result to this unit, such as mJy/beam or K.")
@_json
@_engine
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

    image = _expression(expression, settings)
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
        "lattice stat cube.fits --box 10,10,90,90 --chans 3~7",
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
@click.option("--keys", metavar="KEY,...", help="Only these statistics.")
@_cuts
@_names
@_json
@_engine
def stat(
    image: str,
    mask: str | None,
    dims: str | None,
    robust: bool,
    keys: str | None,
    cuts: dict[str, Any],
    settings: tuple[str, ...],
    as_json: bool,
) -> None:
    """Print statistics of the good pixels of an image."""
    from lattice.cli_text import statistics_json, statistics_text, to_json

    found = _image(image, settings)
    if mask is not None:
        found = found.subimage(mask=mask if mask in found.masks else _expression(mask, settings))
    found = found.subimage(**cuts)
    statistics = found.statistics(
        None if keys is None else _list(keys),
        robust=robust,
        dims=None if dims is None else [int(d) if d.lstrip("-").isdecimal() else d for d in _list(dims)],
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
@_json
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
@_names
@_engine
def explain(
    expression: str,
    settings: tuple[str, ...],
) -> None:
    """Print how EXPR would be computed.

    Stages, blocks, bytes read, memory; nothing is computed.
    """
    click.echo(_image(expression, settings).explain().text())


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
@_cuts
@click.option("--mask", metavar="NAME", default="default", help="Mask that applies, or 'nomask'.")
@_saving
@click.option("--unit", metavar="UNIT", help="Convert the image to this unit, such as mJy/beam or K.")
@_engine
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
@_cuts
@click.option(
    "--outline", metavar="TEXT|FILE", multiple=True, help="Region to outline, as in --region. Repeatable."
)
@_names
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
@_overwrite
@_engine
def plot(
    image: str, out: str, plane: str, cuts: dict[str, Any], settings: tuple[str, ...], **look: Any
) -> None:
    """Draw a plane of an image, or a spectrum, as a PNG file.

    Of large images every n-th pixel is read.
    """
    from lattice.cli_work import draw

    draw(_image(image, settings).subimage(**cuts), out, _plane(plane), **look)


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
@_json
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
@_json
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
