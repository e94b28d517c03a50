"""Labelled arrays: lazy labels of the sky, the way there and back, the accessor and the engine."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.wcs import WCS

import lattice
from lattice import Image
from lattice.coords import astropy_wcs
from lattice.errors import CoordinateMismatchError, LatticeRangeError, LatticeWarning, NameNotFoundError
from tests.coords.headers import CAR_PC, CUBE, MIXED, SIN, TAN_SIP
from tests.work import lines_of

xr = pytest.importorskip("xarray")

SHAPE = (5, 4, 20, 30)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of positions that were computed, call by call; wcslib is not even set up without one."""
    counted: list[int] = []
    for name in ("to_world", "to_pixel"):
        method = getattr(astropy_wcs.HeaderWcs, name)

        def wrapped(self, points, method=method):
            counted.append(len(points))
            return method(self, points)

        monkeypatch.setattr(astropy_wcs.HeaderWcs, name, wrapped)
    real = astropy_wcs.make_wcs

    def made(*args):
        counted.append(0)
        return real(*args)

    monkeypatch.setattr(astropy_wcs, "make_wcs", made)
    astropy_wcs.header_wcs.cache_clear()
    return counted


def cube(header: dict[str, object] = CUBE, shape: tuple[int, ...] = SHAPE, **more: object) -> Image:
    rng = np.random.default_rng(5)
    return Image(rng.normal(size=shape).astype("f4"), wcs=header, unit="Jy/beam", **more)


def world(header: dict[str, object], y: np.ndarray, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        lon, lat = WCS(fits.Header(header)).celestial.all_pix2world(x, y, 0)
    return lon, lat


# -- labels -----------------------------------------------------------------------------------------------


def test_labels_of_a_cube() -> None:
    found = cube().to_xarray()
    assert set(found.coords) == {"frequency", "velocity", "stokes", "ra", "dec"}
    np.testing.assert_allclose(found.frequency, 1.4e9 + 1e6 * (np.arange(5) - 2))
    assert found.frequency.attrs["units"] == "Hz"
    assert list(found.stokes.values) == ["I", "Q", "U", "V"]
    np.testing.assert_allclose(found.velocity, 299792458 * (1 - found.frequency.values / CUBE["RESTFRQ"]))
    lon, lat = world(CUBE, *np.mgrid[0:20, 0:30])
    np.testing.assert_allclose(found.ra, lon, atol=1e-11)
    np.testing.assert_allclose(found.dec, lat, atol=1e-11)
    assert found.ra.dims == ("y", "x")


@pytest.mark.parametrize(
    ("header", "names"), [(CAR_PC, {"glon", "glat"}), (TAN_SIP, {"ra", "dec"}), (SIN, {"ra", "dec"})]
)
def test_names_follow_the_frame(header: dict[str, object], names: set[str]) -> None:
    image = Image(np.zeros((7, 8)), wcs=header)
    found = image.to_xarray()
    assert set(found.coords) == names
    lon, lat = world(header, *np.mgrid[0:7, 0:8])
    first, second = sorted(names, key=["glon", "ra", "glat", "dec"].index)
    np.testing.assert_allclose(found[first], lon, atol=1e-10)
    np.testing.assert_allclose(found[second], lat, atol=1e-10)
    strange = Image(np.zeros((7, 8)), wcs=CAR_PC | {"CTYPE1": "MRLN-CAR", "CTYPE2": "MRLT-CAR"}).to_xarray()
    assert set(strange.coords) == {"lon", "lat"}


def test_axes_without_coordinates_have_no_labels() -> None:
    assert not Image(np.zeros((3, 4))).to_xarray().coords
    mixed = Image(np.zeros((3, 4, 5)), wcs=MIXED).to_xarray()
    assert set(mixed.coords) == {"ra", "dec"}  # velocities depend on the position


def test_velocity_axes_have_frequencies_too() -> None:
    image = cube(CUBE | {"CTYPE4": "VRAD", "CRVAL4": 1e3, "CDELT4": 2.0, "CUNIT4": "km/s"})
    found = image.to_xarray()
    assert found.velocity.dims == found.frequency.dims == ("velocity",)
    np.testing.assert_allclose(found.velocity, 1e6 + 2e3 * (np.arange(5) - 2))
    assert found.velocity.attrs["convention"] == "radio"
    np.testing.assert_allclose(found.frequency, image.coords.frequencies(5))


def test_slices_keep_lazy_labels(calls: list[int]) -> None:
    found = cube().to_xarray()
    part = found.isel(y=slice(18, 2, -3), x=slice(4, None, 5), frequency=2)
    thinner = part.isel(x=slice(1, 3)).transpose("x", "y", "stokes")
    assert calls == []
    assert "ra" in thinner.xindexes
    y, x = np.mgrid[18:2:-3, 9:16:5]
    lon, lat = world(CUBE, y, x)
    np.testing.assert_allclose(thinner.ra.transpose("y", "x"), lon, atol=1e-11)
    np.testing.assert_allclose(thinner.dec.transpose("y", "x"), lat, atol=1e-11)
    row = found.isel(y=-3)
    assert row.ra.dims == ("x",)
    np.testing.assert_allclose(row.ra, world(CUBE, np.full(30, 17), np.arange(30))[0], atol=1e-11)
    np.testing.assert_allclose(row.isel(x=4).dec, world(CUBE, 17, 4)[1], atol=1e-11)
    some = found.isel(x=[3, 1, 7])
    np.testing.assert_allclose(
        some.ra, world(CUBE, *np.mgrid[0:20, 0:3])[0] * 0 + found.ra.values[:, [3, 1, 7]]
    )


def test_cuts_of_images_have_the_labels_of_the_cut() -> None:
    image = cube()
    whole = image.to_xarray()
    part = image[1, ::2, 3:9, ::-2].to_xarray()
    np.testing.assert_allclose(part.ra, whole.ra.values[3:9, ::-2], atol=1e-11)
    assert list(part.stokes.values) == ["I", "U"]
    slit = image[:, 0, 7].to_xarray()
    np.testing.assert_allclose(slit.ra, whole.ra.values[7], atol=1e-11)
    np.testing.assert_allclose(slit.dec, whole.dec.values[7], atol=1e-11)


def test_what_was_cut_stays_as_a_scalar(calls: list[int]) -> None:
    image = cube()
    whole = image.to_xarray()
    channel = image[3].to_xarray()
    assert calls == []
    assert channel.frequency.dims == ()
    assert float(channel.frequency) == float(whole.frequency[3])
    assert channel.frequency.attrs == whole.frequency.attrs
    assert float(channel.velocity) == float(whole.velocity[3])
    plane = image.isel(stokes=0).isel(frequency=slice(1, 4)).isel(frequency=1).to_xarray()
    assert str(plane.stokes.values) == "I"
    assert float(plane.frequency) == float(whole.frequency[2])
    assert calls == []
    # Scalars do as in xarray: they can be joined along again.
    both = xr.concat([image[k].to_xarray() for k in (0, 1)], "frequency", coords="minimal", compat="override")
    np.testing.assert_array_equal(both.frequency, whole.frequency[:2])
    # The place of a spectrum is known, the frequency of a mean is not.
    spectrum = image[:, 0, 4, 5].to_xarray()
    assert float(spectrum.ra) == pytest.approx(float(whole.ra[4, 5]), abs=1e-12)
    assert float(spectrum.dec) == pytest.approx(float(whole.dec[4, 5]), abs=1e-12)
    assert "frequency" not in image.mean("frequency").to_xarray().coords
    assert "frequency" not in image.mean("frequency")[0].to_xarray().coords


def test_labels_survive_what_xarray_does_without_a_projection(calls: list[int]) -> None:
    found = cube().to_xarray()
    _ = found * 2 + 1, found + found, found.where(found["values"] > 0), found.mean("frequency")
    _ = found.rename(ra="right"), found.rename(x="column"), found.copy(deep=True), pickle.dumps(found)
    assert found.identical(found.copy())
    assert "ra" in repr(found)
    assert calls == []
    moved = found.rename(x="column", ra="right")
    np.testing.assert_allclose(moved.right.isel(column=3), found.ra.isel(x=3))
    again = pickle.loads(pickle.dumps(found))
    np.testing.assert_allclose(again.dec.isel(x=slice(3)), found.dec.isel(x=slice(3)))


def test_selection_of_the_nearest_pixel() -> None:
    found = cube().to_xarray()
    lon, lat = world(CUBE, np.array([3.2, 11.0]), np.array([20.1, 4.9]))
    points = {"ra": xr.DataArray(lon, dims="point"), "dec": xr.DataArray(lat, dims="point")}
    got = found.sel(points, method="nearest")
    expected = found["values"].values[..., [3, 11], [20, 5]]
    np.testing.assert_array_equal(got["values"], expected)
    with pytest.raises(LatticeRangeError, match="outside of the image"):
        found.sel(
            {"ra": xr.DataArray([0.0], dims="p"), "dec": xr.DataArray([80.0], dims="p")}, method="nearest"
        )
    band = found.sel(frequency=slice(1.3995e9, 1.4015e9), stokes="Q")
    assert band["values"].shape == (2, 20, 30)


def test_a_huge_image_is_labelled_at_once(calls: list[int]) -> None:
    import dask.array as da

    def fresh(side: int, chunk: int) -> Image:
        values = da.zeros((8, side, side), dtype="f4", chunks=(1, chunk, chunk))
        image = Image(values, wcs=CUBE | SPECTRAL)
        image.data  # noqa: B018 - the graph of blocks is not what is measured
        return image

    fresh(20, 2).to_xarray()  # imports
    few, many = fresh(20, 2), fresh(20000, 2000)
    tracemalloc.start()
    try:
        many.to_xarray()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert calls == []
    assert peak < 50e6
    many = fresh(20000, 2000)
    assert lines_of(many.to_xarray) < 1.1 * lines_of(few.to_xarray)


SPECTRAL = {
    "WCSAXES": 3, "CTYPE3": "FREQ", "CRPIX3": 3.0, "CRVAL3": 1.4e9, "CDELT3": 1e6, "CUNIT3": "Hz",
    "CTYPE4": "", "CRVAL4": 0.0, "CRPIX4": 0.0, "CDELT4": 1.0, "CUNIT4": "",
}  # fmt: skip


# -- the four traps ---------------------------------------------------------------------------------------


def test_trap_1_joining_computes_no_label(calls: list[int]) -> None:
    planes = [cube(CUBE | {"CRVAL4": 1.4e9 + 5e6 * k, "DATE-OBS": f"2020-01-0{k + 1}"}) for k in range(3)]
    joined = lattice.concat(planes, "frequency").to_xarray()
    assert joined.sizes["frequency"] == 15
    # Even in xarray's own function, whose defaults compare every label: the names of lazy labels are equal.
    theirs = xr.concat([p.to_xarray() for p in planes], "frequency", combine_attrs="override")
    assert theirs.ra.dims == ("y", "x")
    assert calls == []
    np.testing.assert_array_equal(theirs["values"], joined["values"])
    np.testing.assert_allclose(theirs.frequency, joined.frequency)


def test_trap_2_work_on_blocks_needs_no_index(calls: list[int]) -> None:
    found = cube().to_xarray()
    doubled = found.lattice.expr("values * 2")
    assert calls == []
    np.testing.assert_array_equal(doubled.values, 2 * found["values"].values)
    theirs = xr.apply_ufunc(lambda v: v * 2, found, dask="parallelized", output_dtypes=["f4"])
    assert calls == []
    assert "ra" in theirs.xindexes


def test_trap_3_saving_writes_no_label(tmp_path: Path, calls: list[int]) -> None:
    found = cube().to_xarray()
    for name in ("a.zarr", "a.fits"):
        found.lattice.save(tmp_path / name)
        assert calls == []
        files = [tmp_path / name, *tmp_path.joinpath(name).rglob("*")]
        assert sum(f.stat().st_size for f in files if f.is_file()) < cube().nbytes + 10000
        again = lattice.open(tmp_path / name)
        np.testing.assert_array_equal(again.values, found["values"])
        assert again.coords.compare(cube().coords, 1e-6, SHAPE) is None
        calls.clear()


def test_trap_4_no_channel_is_lost_in_silence() -> None:
    a, b = cube(), cube(CUBE | {"CRVAL4": 1.4e9 + 1e-3})
    assert (a + b).shape == SHAPE
    x, y = a.to_xarray(), b.to_xarray()
    assert (x.lattice.image + y.lattice.image).shape == SHAPE
    # In xarray's own arithmetic too: a millihertz is no difference, a channel is an error.
    assert (x + y)["values"].shape == SHAPE
    np.testing.assert_array_equal((x + y)["values"], a.values + b.values)
    for change in ({"CRVAL4": 1.401e9}, {"CRVAL3": 2.0}, {"CRPIX1": 40.0}):
        other = cube(CUBE | change).to_xarray()
        with pytest.raises(CoordinateMismatchError, match="differ"):
            x + other
    with pytest.raises(CoordinateMismatchError, match="in number"):
        x + x.isel(frequency=slice(1, None))


# -- and back ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [CUBE, SIN, TAN_SIP, CAR_PC])
def test_there_and_back(header: dict[str, object]) -> None:
    n = 4 if header is CUBE else 2
    shape = SHAPE[-n:]
    good = np.arange(np.prod(shape)).reshape(shape) % 7 > 0
    image = cube(header, shape, mask=good, meta={"OBJECT": "M 31"}, beam=(0.1, 0.05, 20.0))
    again = Image.from_xarray(image.to_xarray())
    assert again.coords.compare(image.coords, 1e-6, image.shape) is None
    assert (again.unit, again.dims, again.dtype) == (image.unit, image.dims, image.dtype)
    assert again.beams == image.beams
    assert again.meta["OBJECT"] == "M 31"
    np.testing.assert_array_equal(again.to_masked_array(), image.to_masked_array())
    np.testing.assert_array_equal(again.mask.compute(), image.mask.compute())


def test_back_after_cuts_in_xarray() -> None:
    image = cube()
    found = image.to_xarray().isel(frequency=slice(1, 4, 2), y=slice(None, None, -2), x=slice(3, 9), stokes=1)
    again = Image.from_xarray(found)
    want = image[1:4:2, 1, ::-2, 3:9]
    assert again.coords.compare(want.coords, 1e-6, again.shape) is None
    np.testing.assert_array_equal(again.values, want.values)
    swapped = Image.from_xarray(found.transpose("x", "frequency", "y"))
    assert swapped.coords.kinds == ("longitude", "spectral", "latitude")
    assert swapped.coords.compare(want.coords.select((2, 0, 1)), 1e-6, swapped.shape) is None
    row = Image.from_xarray(image.to_xarray().isel(y=7, stokes=0))
    lon, _ = row.coords.positions(np.zeros(5), np.arange(5))
    np.testing.assert_allclose(lon, image.to_xarray().ra.values[7, :5], atol=1e-10)
    plane = Image.from_xarray(image[2:3, :1].to_xarray())
    assert plane.coords.compare(image[2:3, :1].coords, 1e-6, plane.shape) is None


def test_arrays_of_others() -> None:
    values = np.arange(24.0).reshape(4, 6)
    labels = {"frequency": ("frequency", [1.0, 1.1, 1.3, 1.4], {"units": "GHz"})}
    array = xr.DataArray(values, dims=("frequency", "x"), coords=labels, name="flux", attrs={"units": "K"})
    image = Image.from_xarray(array)
    assert (image.unit, image.name, image.coords.kinds) == ("K", "flux", ("spectral", "none"))
    np.testing.assert_allclose(image.coords.frequencies(4), [1e9, 1.1e9, 1.3e9, 1.4e9])
    assert Image.from_xarray(xr.DataArray(values, dims=("a", "b"))).coords is None
    both = xr.Dataset({"one": array, "two": array})
    assert Image.from_xarray(both, name="two").shape == (4, 6)
    with pytest.raises(NameNotFoundError, match="no single variable"):
        Image.from_xarray(both)
    with pytest.raises(NameNotFoundError, match="no variable 'tow'"):
        Image.from_xarray(both, name="tow")
    with pytest.raises(lattice.LatticeTypeError, match="ndarray"):
        Image.from_xarray(values)
    odd = array.assign_coords(frequency=("frequency", [1.0, 2, 3, 4], {"units": "furlong"}))
    with pytest.warns(LatticeWarning, match="furlong"):
        assert Image.from_xarray(odd).coords is None


def test_names_that_are_taken() -> None:
    with pytest.raises(lattice.LatticeError, match="'frequency'"):
        cube().to_xarray(name="frequency")


# -- accessor and engine ----------------------------------------------------------------------------------


def test_the_accessor() -> None:
    found = cube().to_xarray()
    assert found.lattice.image.shape == SHAPE
    assert found.lattice.coords.kinds == found["values"].lattice.coords.kinds
    assert found.lattice.wcs.naxis == 4
    y, x = found["values"].lattice.coords.sky_to_pixel(cube().coords.pixel_to_sky(3.0, 4.0))
    np.testing.assert_allclose([y, x], [3, 4], atol=1e-8)
    total = found["values"].lattice.expr("sum(values) + k", k=1)
    assert float(total) == pytest.approx(float(found["values"].sum()) + 1, rel=1e-5)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    values = np.random.default_rng(1).normal(size=SHAPE).astype("f4")
    values[1, 2, 3, 4] = np.nan
    Image(values, wcs=CUBE, mask="nan", unit="Jy/beam").save(tmp_path / "cube.fits")
    return tmp_path / "cube.fits"


@pytest.fixture
def engine():
    from lattice.xarray_engine import LatticeBackend

    return LatticeBackend


def test_the_engine_opens_lazily(path: Path, engine, calls: list[int]) -> None:
    found = xr.open_dataset(path, engine=engine)
    expected = lattice.open(path)
    assert calls == []
    assert not found["values"].variable._in_memory
    np.testing.assert_array_equal(found["values"], expected.values)
    np.testing.assert_array_equal(found["mask"], expected.mask.compute())
    part = found.isel(frequency=slice(4, 0, -2), y=[3, 1], x=5)
    np.testing.assert_array_equal(part["values"], expected.values[4:0:-2][:, :, [3, 1], 5])
    assert calls == []
    assert Image.from_xarray(found).coords.compare(expected.coords, 1e-6, SHAPE) is None
    less = xr.open_dataset(path, engine=engine, mask=None, drop_variables="ra")
    assert set(less) == {"values"}
    assert set(less.coords) == {"frequency", "velocity", "stokes", "dec"}


def test_the_engine_with_dask(path: Path, engine) -> None:
    a = xr.open_dataset(path, engine=engine, chunks={})
    b = xr.open_dataset(path, engine=engine, chunks={})
    assert a["values"].chunks is not None
    assert a["values"].data.name == b["values"].data.name  # so that work is shared
    assert float(a["values"].sum()) == pytest.approx(float(np.nansum(lattice.open(path).values)), rel=1e-5)


def test_the_engine_never_guesses(path: Path, engine) -> None:
    assert engine().guess_can_open(str(path)) is False
    with open(Path(__file__).parent.parent / "pyproject.toml", encoding="utf-8") as file:
        assert 'lattice = "lattice.xarray_engine:LatticeBackend"' in file.read()


def test_a_huge_file_opens_at_once(tmp_path: Path, engine, calls: list[int]) -> None:
    def sparse(name: str, side: int) -> Path:
        cards = [("SIMPLE", True), ("BITPIX", -32), ("NAXIS", 2), ("NAXIS1", side), ("NAXIS2", side)]
        header = fits.Header([*cards, *SIN.items()])
        with open(tmp_path / name, "wb") as file:
            file.write(header.tostring().encode())
            file.truncate(file.tell() + -(-side * side * 4 // 2880) * 2880)
        return tmp_path / name

    few, name = sparse("few.fits", 20), sparse("huge.fits", 20000)
    xr.open_dataset(few, engine=engine)  # imports
    tracemalloc.start()
    try:
        found = xr.open_dataset(name, engine=engine)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.ra.shape == (20000, 20000)
    assert calls == []
    assert peak < 20e6
    most = 1.1 * lines_of(lambda: xr.open_dataset(few, engine=engine))
    assert lines_of(lambda: xr.open_dataset(name, engine=engine)) < most
    corner = found.isel(y=slice(0, 2), x=slice(0, 2))
    np.testing.assert_allclose(corner.ra, world(SIN, *np.mgrid[0:2, 0:2])[0])
    assert sum(calls) <= 4


def test_the_engine_is_light_to_import() -> None:
    code = (
        "import sys, xarray; before = set(sys.modules); import lattice.xarray_engine;"
        "print(*sorted(m for m in set(sys.modules) - before if not m.startswith('xarray')))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(found.stdout.split()) <= {"lattice", "lattice.xarray_engine"}


def test_units_of_labels_are_those_of_astropy() -> None:
    found = cube().to_xarray()
    for name in ("frequency", "velocity", "ra"):
        u.Unit(found[name].attrs["units"])
