"""What all commands of ``lattice`` have in common: the group, its errors and warnings, shared options."""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lattice.errors import LatticeError, LatticeWarning

if TYPE_CHECKING:
    from lattice.image import Image

__all__ = [
    "Failure",
    "commands",
    "cuts_of",
    "engine",
    "expression_image",
    "image_of",
    "json_option",
    "names",
    "overwrite_option",
    "save_options",
    "saving_of",
    "text_of",
]

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


def engine(command: Callable[..., None]) -> Callable[..., None]:
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


def names(command: F) -> F:
    """Add the option that gives names a meaning."""
    return click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        help="What a name in the expression stands for: a path or a number. May be repeated.",
    )(command)


def cuts_of(command: Callable[..., None]) -> Callable[..., None]:
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


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")


def saving_of(command: Callable[..., None]) -> Callable[..., None]:
    """Add the options of commands that save an image, and hand them on together."""

    @functools.wraps(command)
    def run(
        *args: Any, overwrite: bool, sync: bool, strict: bool, form: str | None, options: Any, **given: Any
    ) -> None:
        saving = {"overwrite": overwrite, "sync": sync, "strict": strict, "format": form}
        command(*args, saving=saving | save_options(options), **given)

    text = "For the format, such as mask=extension. May be repeated."
    run = click.option("--option", "options", metavar="NAME=VALUE", multiple=True, help=text)(run)
    text = "Format of the output, where its ending does not say."
    run = click.option("--format", "form", metavar="NAME", help=text)(run)
    text = "Refuse to write a file that would not hold all that the image has."
    run = click.option("--strict", is_flag=True, help=text)(run)
    run = click.option("--sync", is_flag=True, help="Make the output survive a power failure.")(run)
    return overwrite_option(run)


def text_of(expression: str) -> str:
    """Return the text of an expression, read from the standard input for a dash."""
    return sys.stdin.read() if expression == "-" else expression


def expression_image(text: str, settings: tuple[str, ...] = ()) -> Image:
    """Return the image of an expression; --set gives numbers, else paths."""
    from lattice.api import expr
    from lattice.cli_work import value_of

    found: dict[str, Any] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not name or not value:
            raise click.UsageError(f"--set {setting}: write NAME=PATH or NAME=NUMBER")
        found[name] = value_of(value)
    return expr(text_of(text), images=found)


def image_of(text: str, settings: tuple[str, ...] = ()) -> Image:
    """Return what an argument stands for: a file if there is one of that name, else an expression."""
    from lattice.api import open as open_image
    from lattice.cli_work import is_path

    return open_image(text) if text != "-" and is_path(text) else expression_image(text, settings)


def save_options(given: tuple[str, ...]) -> dict[str, Any]:
    """Return the options of a format, numbers and truth values as such."""
    options: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise click.UsageError(f"--option {text}: write NAME=VALUE")
        options[name] = (
            int(value) if value.isdecimal() else {"true": True, "false": False}.get(value.lower(), value)
        )
    return options
