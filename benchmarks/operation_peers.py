"""lattice's and spectral-cube's sides of ``python -m benchmarks operations``."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calls import Files, report, time_calls
from benchmarks.machine import settle_memory

__all__ = ["OF_LATTICE", "OF_SPECTRAL_CUBE"]

CLASSIC = ("npts", "sum", "mean", "sigma", "rms", "min", "max")
ROBUST = ("median", "medabsdevmed", "q1", "q3")
SIGMA = 8 * np.log(2)  # square of the full width at half maximum of a Gaussian of sigma 1

# -- lattice ------------------------------------------------------------------------------------


def numbers(image: Any, keys: tuple[str, ...], **options: Any) -> dict[str, Any]:
    """Statistics as lists of numbers."""
    found = image.statistics(**options).compute()
    return {key: np.ravel(getattr(found[key], "values", found[key])).tolist() for key in keys}


def saved(image: Any, out: str) -> dict[str, str]:
    """One image, written to a FITS file."""
    image.save(out + ".fits")
    return {"image": out + ".fits"}


def moments(image: Any, _files: Files, out: str) -> dict[str, str]:
    """Moments 0 and 1, written together."""
    import lattice

    maps = image.moments([0, 1])
    paths = {f"moment{n}": f"{out}-{n}.fits" for n in maps}
    lattice.save({paths[f"moment{n}"]: made for n, made in maps.items()})
    return paths


def regridded(image: Any, files: Files, out: str) -> dict[str, str]:
    """The planes, put on another grid."""
    import lattice

    return saved(image.regrid(lattice.open(files["template"]), ("y", "x"), method="linear"), out)


OF_LATTICE: dict[str, Callable[[Any, Files, str], dict[str, Any]]] = {
    "classic": lambda a, f, o: numbers(a, CLASSIC),
    "robust": lambda a, f, o: numbers(a, CLASSIC + ROBUST, robust=True),
    "planes": lambda a, f, o: numbers(a, CLASSIC, dims=("y", "x")),
    "masked": lambda a, f, o: {"sum": [float(a[a > 0.5].sum())]},
    "masked map": lambda a, f, o: saved(a[a > 0.5].collapse("sum", "frequency"), o),
    "median": lambda a, f, o: saved(a.collapse("median", "frequency"), o),
    "moments": moments,
    "smooth": lambda a, f, o: saved(a.smooth("4.32arcsec", "2.88arcsec", "30deg"), o),
    "round": lambda a, f, o: saved(a.smooth("3.6arcsec"), o),
    "rebin": lambda a, f, o: saved(a.rebin(2), o),
    "hanning": lambda a, f, o: saved(a.hanning("frequency"), o),
    "regrid": regridded,
}


def run_lattice(case: str, files: Files, out: str) -> dict[str, Any]:
    """Open the image and compute one case."""
    import lattice

    return OF_LATTICE[case](lattice.open(files["image"]), files, out)


# -- spectral-cube ------------------------------------------------------------------------------


def written(made: Any, out: str) -> dict[str, str]:
    """A cube or a map, written to a FITS file."""
    made.write(out + ".fits")
    return {"image": out + ".fits"}


def basic(cube: Any, _files: Files, _out: str) -> dict[str, Any]:
    """One by one: its own `statistics` fail for images without a unit."""
    found = {"sum": cube.sum(), "mean": cube.mean(), "min": cube.min(), "max": cube.max()}
    return {key: [float(v)] for key, v in (found | {"sigma": cube.std(ddof=1)}).items()}


def order(cube: Any, _files: Files, _out: str) -> dict[str, Any]:
    """Order statistics: those it lacks are taken by numpy of all pixels."""
    values = cube.unitless_filled_data[:]
    q1, q3 = np.nanpercentile(values, [25, 75])
    # its mad_std is the median absolute deviation of a Gaussian of unit width
    mad = float(cube.mad_std()) * 0.6744897501960817
    return basic(cube, {}, "") | {
        "median": [float(cube.median())], "medabsdevmed": [mad], "q1": [float(q1)], "q3": [float(q3)],
    }  # fmt: skip


def first_moments(cube: Any, _files: Files, out: str) -> dict[str, str]:
    """Moments 0 and 1, one after the other: it has no way to make both at once."""
    from astropy import units

    velocity = cube.with_spectral_unit(units.km / units.s, velocity_convention="radio")
    paths = {f"moment{n}": f"{out}-{n}.fits" for n in (0, 1)}
    for n in (0, 1):
        velocity.moment(order=n, axis=0).write(paths[f"moment{n}"])
    return paths


def smoothed(major: float, minor: float, pa: float) -> Callable[[Any, Files, str], dict[str, Any]]:
    """Planes convolved with a Gaussian; widths in pixels at half maximum."""

    def run(cube: Any, _files: Files, out: str) -> dict[str, Any]:
        from astropy.convolution import Gaussian2DKernel

        a, b = major / SIGMA**0.5, minor / SIGMA**0.5
        return written(cube.spatial_smooth(Gaussian2DKernel(a, b, theta=np.radians(90 + pa))), out)

    return run


def along_spectra(cube: Any, _files: Files, out: str) -> dict[str, Any]:
    """Spectra convolved with 1/4, 1/2, 1/4."""
    from astropy.convolution import CustomKernel

    return written(cube.spectral_smooth(CustomKernel([0.25, 0.5, 0.25])), out)


def binned(cube: Any, _files: Files, out: str) -> dict[str, Any]:
    """Means over two pixels of each axis."""
    for axis in range(3):
        cube = cube.downsample_axis(2, axis)
    return written(cube, out)


def above(cube: Any) -> Any:
    """The cube with its low pixels masked."""
    return cube.with_mask(cube > 0.5 * cube.unit)


OF_SPECTRAL_CUBE: dict[str, Callable[[Any, Files, str], dict[str, Any]]] = {
    "classic": basic,
    "robust": order,
    "masked": lambda c, f, o: {"sum": [float(above(c).sum())]},
    "masked map": lambda c, f, o: written(above(c).sum(axis=0), o),
    "median": lambda c, f, o: written(c.median(axis=0), o),
    "moments": first_moments,
    "smooth": smoothed(6, 4, 30),
    "round": smoothed(5, 5, 0),
    "rebin": binned,
    "hanning": along_spectra,
}


def run_spectral_cube(case: str, files: Files, out: str) -> dict[str, Any]:
    """Open the image as a dask cube on threads and compute one case."""
    from spectral_cube import SpectralCube

    cube = SpectralCube.read(files["image"], use_dask=True)
    # dask cubes run on one thread unless told otherwise
    cube.use_dask_scheduler("threads", num_workers=int(files["threads"]))
    # the whole cube may be held in memory: without this, some operations are refused
    cube.allow_huge_operations = True
    return OF_SPECTRAL_CUBE[case](cube, files, out)


# -- either -------------------------------------------------------------------------------------


def pixels(path: str) -> np.ndarray:
    """The pixels of a FITS file."""
    from astropy.io import fits

    return np.asarray(fits.getdata(path))


def measure(task: dict[str, Any]) -> dict[str, Any]:
    """Time the calls of one program."""
    Path(task["out"]).parent.mkdir(parents=True, exist_ok=True)
    if task["peer"] == "lattice":
        import dask.threaded

        import lattice

        found = time_calls(task, run_lattice, pixels, settle_memory)
        return found | {"versions": {"lattice": lattice.__version__, "numpy": np.__version__}}
    import dask
    import spectral_cube

    warnings.simplefilter("ignore")
    for files in (task["tiny"], task["files"]):
        files["threads"] = str(task["threads"])
    with dask.config.set(scheduler="threads", num_workers=task["threads"]):
        found = time_calls(task, run_spectral_cube, pixels, settle_memory)
    return found | {"versions": {"spectral-cube": spectral_cube.__version__, "dask": dask.__version__}}


if __name__ == "__main__":
    report(measure)
