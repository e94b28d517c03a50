"""Command line: ``python -m benchmarks --help``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from benchmarks.compare import Settings, compare, parse_pythons
from benchmarks.machine import usable_cores
from benchmarks.peers import DEFAULT_PEERS, load_peer
from benchmarks.report import render
from benchmarks.rows import find_rows

DEFAULT_FOLDER = Path(tempfile.gettempdir()) / "lattice-benchmarks"


def parse_shape(text: str) -> tuple[int, int, int]:
    """``64x1024x1024`` as three numbers."""
    try:
        nz, ny, nx = (int(part) for part in text.lower().split("x"))
    except ValueError:
        raise click.BadParameter(f"{text!r} is not of the form 64x1024x1024") from None
    if min(nz, ny, nx) < 1:
        raise click.BadParameter("all three lengths must be at least 1")
    return nz, ny, nx


@click.group(invoke_without_command=True)
@click.option("--shape", default="64x1024x1024", show_default=True, help="Shape of the float32 cubes.")
@click.option("--rows", default=None, help="Comma separated rows, such as add,median; default all.")
@click.option("--peers", default=",".join(DEFAULT_PEERS), show_default=True, help="Comma separated peers.")
@click.option("--repeat", default=5, show_default=True, help="Runs of each cell; the median counts.")
@click.option("--threads", default=usable_cores(), show_default=True, help="Threads for whoever has them.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where the cubes are kept."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all numbers to this file.")
@click.option("--chart", type=click.Path(path_type=Path), help="Draw the ratios into this PNG or SVG file.")
@click.option("--memory", "with_memory", is_flag=True, help="Also print the peaks of resident memory.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds after which a run is given up.")
@click.option("--python", "pythons", multiple=True, metavar="PEER=PATH", help="Interpreter that runs a peer.")
@click.option("--quiet", is_flag=True, help="Only the table.")
@click.pass_context
def main(context: click.Context, /, **options: Any) -> None:
    """Run lattice beside the alternatives on the same files and print a table of ratios.

    The cubes are made once and kept in the folder. Each number comes from a fresh process on a
    warm page cache, imports excluded, from opening the files to the closed result.

    \b
    python -m benchmarks --chart ratios.png --json ratios.json
    python -m benchmarks --rows add,median --peers lattice,casacore --repeat 3
    python -m benchmarks memory --gigabytes 8 --limit 1GB
    python -m benchmarks memory --gigabytes 20 --sparse
    python -m benchmarks regions --casa CASA_PYTHON
    python -m benchmarks pipeline --casa CASA_PYTHON
    python -m benchmarks operations --casa CASA_PYTHON
    """
    if context.invoked_subcommand:
        return
    settings = _settings(options)

    def say(text: str) -> None:
        if not options["quiet"]:
            click.echo(text, err=True)

    result = compare(settings, say)
    click.echo(render(result, memory=options["with_memory"]))
    if options["json_path"]:
        options["json_path"].write_text(json.dumps(result, indent=1) + "\n")
    if options["chart"]:
        from benchmarks.chart import draw

        draw(result, options["chart"])
    if result["mismatches"]:
        sys.exit(1)


def _settings(options: dict[str, Any]) -> Settings:
    peers = tuple(name.strip() for name in options["peers"].split(",") if name.strip())
    try:
        for name in peers:
            load_peer(name)
        rows, pythons = find_rows(options["rows"]), parse_pythons(options["pythons"])
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    options["folder"].mkdir(parents=True, exist_ok=True)
    return Settings(
        folder=options["folder"].resolve(),
        shape=parse_shape(options["shape"]),
        rows=rows,
        peers=peers,
        repeat=max(1, options["repeat"]),
        threads=max(1, options["threads"]),
        timeout=options["timeout"],
        pythons=pythons,
    )


@main.command()
@click.option("--gigabytes", default=8.0, show_default=True, help="Size of the cube.")
@click.option("--limit", default="1GB", show_default=True, help="lattice's memory limit.")
@click.option("--cases", default=None, help="Comma separated cases; default all.")
@click.option("--sparse", is_flag=True, help="A cube with holes, which takes little disk: moments alone.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where the cube is kept."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the numbers to this file.")
@click.option("--threads", default=usable_cores(), show_default=True, help="Threads.")
@click.option("--keep", is_flag=True, help="Keep the cube for the next time.")
def memory(**options: Any) -> None:
    """Peak memory and time on a cube that is larger than the limit."""
    from benchmarks.memory import render_memory, run_memory

    options["folder"].mkdir(parents=True, exist_ok=True)
    json_path = options.pop("json_path")
    result = run_memory(**options, say=lambda text: click.echo(text, err=True))
    click.echo(render_memory(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")
    if not result["held"]:
        sys.exit(1)


@main.command()
@click.option("--casa", metavar="PYTHON", help="A Python in which casatools works; default: lattice alone.")
@click.option("--shape", default="64x1024x1024", show_default=True, help="Shape of the float32 cube.")
@click.option("--repeat", default=3, show_default=True, help="Processes for each number; the median counts.")
@click.option("--threads", default=usable_cores(), show_default=True, help="Threads for both.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where the cubes are kept."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all numbers to this file.")
def regions(**options: Any) -> None:
    """Statistics in a circle on the sky of a masked cube, beside CASA's."""
    from benchmarks.regions import render_regions, run_regions

    json_path = options.pop("json_path")
    options["shape"] = parse_shape(options["shape"])
    result = run_regions(**options, say=lambda text: click.echo(text, err=True))
    click.echo(render_regions(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")
    if result["mismatches"] or any(
        "error" in c for cells in result["cells"].values() for c in cells.values()
    ):
        sys.exit(1)


@main.command()
@click.option("--casa", metavar="PYTHON", help="A Python in which casatools works; default: without CASA.")
@click.option(
    "--spectral-cube", metavar="PYTHON", default=sys.executable, help="A Python that has spectral-cube."
)
@click.option("--without-spectral-cube", is_flag=True, help="Leave spectral-cube out.")
@click.option("--shape", default="64x1024x1024", show_default=True, help="Shape of the float32 cube.")
@click.option("--rows", default=None, help="Comma separated rows, such as median,moments; default all.")
@click.option("--bad", is_flag=True, help="With a tenth of the pixels bad.")
@click.option("--repeat", default=3, show_default=True, help="Processes for each number; the median counts.")
@click.option("--calls", default=2, show_default=True, help="Calls in each process, the first one included.")
@click.option("--threads", default=usable_cores(), show_default=True, help="Threads for whoever has them.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where the cubes are kept."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all numbers to this file.")
def operations(**options: Any) -> None:
    """Statistics, collapses, moments, smoothing and regridding, beside CASA and spectral-cube."""
    from benchmarks.operations import find_cases, render_operations, run_operations

    json_path = options.pop("json_path")
    options["shape"] = parse_shape(options["shape"])
    if options.pop("without_spectral_cube"):
        options["spectral_cube"] = None
    try:
        find_cases(options["rows"])
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    result = run_operations(**options, say=lambda text: click.echo(text, err=True))
    click.echo(render_operations(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")
    if result["mismatches"] or any(
        "error" in c for cells in result["cells"].values() for c in cells.values()
    ):
        sys.exit(1)


@main.command()
@click.option("--shape", default="256x1024x1024", show_default=True, help="Shape of the float32 cubes.")
@click.option("--rows", default=None, help="Comma separated rows of expressions; default all.")
@click.option("--repeat", default=5, show_default=True, help="Runs of each cell; the median counts.")
@click.option("--threads", default=usable_cores(), show_default=True, help="Threads of lattice.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where the cubes are kept."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write the numbers to this file.")
@click.option("--timeout", default=900.0, show_default=True, help="Seconds after which a run is given up.")
def casa(**options: Any) -> None:
    """CASA images read, written and computed, beside casacore."""
    from benchmarks.casa import render_casa, run_casa

    options["folder"].mkdir(parents=True, exist_ok=True)
    options["shape"] = parse_shape(options["shape"])
    json_path = options.pop("json_path")
    result = run_casa(**options, say=lambda text: click.echo(text, err=True))
    click.echo(render_casa(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")


@main.command()
@click.option("--casa", metavar="PYTHON", help="A Python in which casatools works; default: lattice alone.")
@click.option("--shape", default="32x512x512", show_default=True, help="Shape of the float32 cube.")
@click.option("--repeat", default=3, show_default=True, help="Runs of each; the median counts.")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER, help="Where files are while it runs."
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write all numbers to this file.")
def pipeline(**options: Any) -> None:
    """A script of CASA's tools and tasks, from FITS to FITS, in CASA and on lattice."""
    from benchmarks.pipeline import render_pipeline, run_pipeline

    options["folder"].mkdir(parents=True, exist_ok=True)
    options["shape"] = parse_shape(options["shape"])
    json_path = options.pop("json_path")
    result = run_pipeline(**options, say=lambda text: click.echo(text, err=True))
    click.echo(render_pipeline(result))
    if json_path:
        json_path.write_text(json.dumps(result, indent=1) + "\n")
    if any(not value < 1e-4 for value in result.get("apart", {}).values()):
        sys.exit(1)


@main.command()
@click.option("--folder", type=click.Path(path_type=Path), default=DEFAULT_FOLDER)
def clean(folder: Path) -> None:
    """Delete the kept cubes."""
    from benchmarks.worker import remove

    for path in sorted(p for kind in ("cubes", "masked", "template") for p in folder.glob(f"{kind}-*")):
        remove(path)


if __name__ == "__main__":
    main(prog_name="python -m benchmarks")
