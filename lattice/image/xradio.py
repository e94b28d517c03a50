"""Images in the schema of xradio, and back: another order of axes, radians, flags in place of masks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from lattice.coords import schema
from lattice.coords.from_schema import system_of_schema
from lattice.coords.system import Axis, CoordinateSystem
from lattice.errors import CoordinateError, LatticeTypeError, LatticeWarning
from lattice.graph.beams import plane_axes
from lattice.image.make import Parts, array_parts

if TYPE_CHECKING:
    from lattice.image import Image

__all__ = ["is_xradio", "parts_of_xradio", "to_xradio"]


def is_xradio(data: Any) -> bool:
    """Return True for a Dataset in the schema of xradio."""
    return getattr(data, "attrs", {}).get("type") == schema.KIND


# -- out --------------------------------------------------------------------------------------------------


def to_xradio(image: Image) -> Any:
    """Return a lazy Dataset; see `Image.to_xradio`."""
    import dask.array as da
    import xarray

    coords = image.coords
    if coords is None or not coords.has_sky:
        raise CoordinateError("the schema of xradio is for images with two sky axes")
    order, coords = _all_axes(image, coords)
    sky = coords.select((3, 2))  # latitude, longitude: the order of a plain image
    lon_lat, attrs = _projection(sky)
    frame = str(attrs["reference_direction"]["attrs"]["frame"])
    data = _ordered(image.data, order)
    flag = None if image.mask is None else _ordered(image.mask, order)
    n_frequency, n_stokes, n_l, n_m = data.shape[1:]
    found: dict[str, Any] = {"time": ("time", [_mjd(coords)], _TIME)}
    found |= _spectral(coords, n_frequency)
    found["polarization"] = ("polarization", np.array(coords.stokes(n_stokes)))
    for name, length, (centre, step) in zip("lm", (n_l, n_m), lon_lat, strict=True):
        found[name] = (name, np.deg2rad(step) * (np.arange(length) - centre))
    for name, label in zip(schema.SKY_NAMES[frame], _sky_labels(sky, (n_m, n_l)), strict=True):
        found[name] = (("l", "m"), da.deg2rad(label).T)
    about = _about(image, coords)
    variables: dict[str, Any] = {}
    groups = {"sky": schema.SKY}
    if flag is not None:
        variables[schema.FLAG] = (schema.DIMS, ~flag, {"type": "flag"})
        groups["flag"] = about["flag"] = schema.FLAG
    if image.beams:
        found["beam_params_label"] = ("beam_params_label", list(schema.BEAM_LABELS))
        beams = _beams(image, order, (n_frequency, n_stokes))
        names = (*schema.DIMS[:3], "beam_params_label")
        variables[schema.BEAM] = (names, beams, {"type": "beam_fit_params_sky", "units": "rad"})
        groups["beam_fit_params_sky"] = about["beam_fit_params"] = schema.BEAM
    variables[schema.SKY] = (schema.DIMS, data, about)
    whole = {
        "type": schema.KIND,
        "schema_version": schema.VERSION,
        "data_groups": {"base": groups},
        "coordinate_system_info": attrs,
    }
    return xarray.Dataset(variables, coords=found, attrs=whole)


_TIME = {"type": "time", "units": "d", "scale": "utc", "format": "mjd"}


def _all_axes(image: Image, coords: CoordinateSystem) -> tuple[list[int | None], CoordinateSystem]:
    """Return where the axes frequency, Stokes, longitude and latitude are, and coordinates in that order.

    Axes that were cut out come back with length 1.
    """
    extra = [i for i, kind in enumerate(coords.kinds) if kind not in _KINDS and image.shape[i] != 1]
    if extra:
        raise CoordinateError(f"the schema of xradio has no axis for {image.dims[extra[0]]!r}")
    order = [coords.axis_of(kind) for kind in _KINDS]
    axes = [None if i is None else coords.axes[i] for i in order]
    for k, kind in enumerate(_KINDS[:2]):
        if axes[k] is None:
            axes[k], coords = _restored(coords, kind)
    return order, replace(coords, axes=tuple(a for a in axes if a is not None), _hash=None)


_KINDS = ("spectral", "stokes", "longitude", "latitude")


def _restored(coords: CoordinateSystem, kind: str) -> tuple[Axis, CoordinateSystem]:
    """Return an axis that was cut out; a Stokes axis that never was is one of I."""
    highest = max([n for n, _ in coords.dropped] + [a.fits_axis for a in coords.axes])
    whole = CoordinateSystem.from_header(coords.header, (1,) * highest)
    own = {a.fits_axis for a in coords.axes}
    for axis in whole.axes:
        if axis.kind == kind and axis.fits_axis not in own:
            pixel = dict(coords.dropped).get(axis.fits_axis, 0.0)
            rest = tuple(d for d in coords.dropped if d[0] != axis.fits_axis)
            return replace(axis, offset=pixel), replace(coords, dropped=rest, _hash=None)
    if kind == "spectral":
        raise CoordinateError("the schema of xradio needs a frequency, and the image has none")
    return Axis("stokes", "stokes", "", highest + 1), coords


def _ordered(array: Any, order: list[int | None]) -> Any:
    """Return an array as (time, frequency, polarization, l, m)."""
    kept = [i for i in order if i is not None]
    gone = tuple(i for i in range(array.ndim) if i not in kept)
    axes = [*kept, *gone]
    array = array.transpose(axes).reshape([array.shape[i] for i in kept]) if gone else array.transpose(axes)
    for position, i in enumerate(order):
        if i is None:
            array = array[(slice(None),) * position + (None,)]
    return array[None]


def _projection(sky: CoordinateSystem) -> tuple[list[tuple[float, float]], dict[str, Any]]:
    """Return reference pixel and pixel size (degrees) of longitude and latitude, and the projection."""
    wcs = sky.wcs()
    own = wcs.wcs
    if wcs.sip is not None:
        warnings.warn("xradio has no distortions: SIP is left out", LatticeWarning, stacklevel=4)
    frame = sky.sky_frame
    if frame is None or frame.name not in schema.SKY_NAMES:
        raise CoordinateError("the schema of xradio has no labels for the sky frame of the image")
    matrix = wcs.pixel_scale_matrix[:2, :2]
    steps = [float(np.hypot(*row)) * (-1 if row[k] < 0 else 1) for k, row in enumerate(matrix)]
    code = str(own.ctype[0])[5:8]
    parameters = {m: float(v) for i, m, v in own.get_pv() if i == own.lat + 1}
    direction = {
        "data": np.deg2rad(own.crval[:2]).tolist(),
        "dims": "sky_dir_label",
        "coords": {"sky_dir_label": {"dims": "sky_dir_label", "data": ["ra", "dec"]}},
        "attrs": {"type": "sky_coord", "units": "rad", "frame": frame.name},
    }
    if hasattr(frame, "equinox"):
        old = frame.name == "fk4"
        year = frame.equinox.byear if old else frame.equinox.jyear
        direction["attrs"]["equinox"] = f"{'b' if old else 'j'}{round(float(year), 3)}"
    pole = {
        "data": [math.radians(own.lonpole), math.radians(own.latpole)],
        "dims": "ellipsoid_dir_label",
        "coords": {"ellipsoid_dir_label": {"dims": "ellipsoid_dir_label", "data": ["lon", "lat"]}},
        "attrs": {"type": "location", "units": "rad", "frame": "NATIVE_PROJECTION"},
    }
    info = {
        "projection": code,
        "projection_parameters": [parameters.get(m, 0.0) for m in range(1, max([2, *parameters]) + 1)],
        "reference_direction": direction,
        "native_pole_direction": pole,
        "pixel_coordinate_transformation_matrix": (matrix / np.array(steps)[:, None]).tolist(),
    }
    return [(float(own.crpix[k]) - 1, steps[k]) for k in range(2)], info


def _sky_labels(sky: CoordinateSystem, shape: tuple[int, int]) -> list[Any]:
    from lattice.coords.index import labels_of

    labels = labels_of(sky, ("y", "x"), shape)
    return [labels[str(name)].variable.data for name in labels]


def _spectral(coords: CoordinateSystem, n: int) -> dict[str, Any]:
    hertz = coords.frequencies(n)
    if hertz is None:
        raise CoordinateError(f"the schema of xradio needs frequencies: {coords.frequency_problem()}")
    step = coords.frequencies_at([0.0, 1.0])
    frame = schema.SPECTRAL_FRAMES.get(coords.spectral_frame, "REST")
    observer = schema.OBSERVERS.get(frame, frame)
    rest = coords.rest_frequency or 0.0

    def measure(value: float, **attrs: Any) -> dict[str, Any]:
        return {"data": float(value), "dims": [], "attrs": {"units": "Hz"} | attrs}

    attrs = {
        "type": "spectral_coord",
        "units": "Hz",
        "frame": frame,
        "rest_frequency": measure(rest, type="quantity"),
        "reference_frequency": measure(hertz[0], type="spectral_coord", observer=observer),
    }
    if step is not None and np.isfinite(step).all():
        attrs["channel_width"] = measure(step[1] - step[0], type="quantity")
    found: dict[str, Any] = {"frequency": ("frequency", hertz, attrs)}
    if rest:
        velocity = 299792458.0 * (1 - hertz / rest)
        about = {"type": "doppler", "units": "m/s", "doppler_type": "radio"}
        found["velocity"] = ("frequency", velocity, about)
    return found


def _beams(image: Image, order: list[int | None], shape: tuple[int, int]) -> np.ndarray:
    """Return beams as (time, frequency, polarization, parameter) in radians."""
    beams = np.deg2rad(np.array(image.beams))
    axes = plane_axes(image.node.attrs, len(beams)) if len(beams) > 1 else ()
    lengths = [n if i in (axes or ()) else 1 for i, n in enumerate(image.shape)]
    if len(beams) != math.prod(lengths):
        raise CoordinateError(f"{len(beams)} beams do not fit the planes of the image")
    planes = np.stack([_ordered(beams[:, k].reshape(lengths), order)[..., 0, 0] for k in range(3)], axis=-1)
    return np.broadcast_to(planes, (1, *shape, 3)).copy()


def _about(image: Image, coords: CoordinateSystem) -> dict[str, Any]:
    meta = {key: value for key, value, _ in image.node.attrs.meta}
    out: dict[str, Any] = {"type": "sky", "units": image.unit}
    for name, key in (("object_name", "OBJECT"), ("observer", "OBSERVER")):
        if isinstance(meta.get(key), str):
            out[name] = meta[key]
    if isinstance(meta.get("TELESCOP"), str):
        out["telescope"] = {"name": meta["TELESCOP"]}
    if _mjd(coords):
        out["obsdate"] = {"data": _mjd(coords), "dims": [], "attrs": dict(_TIME)}
    return out


def _mjd(coords: CoordinateSystem) -> float:
    """Return when the image was observed as MJD, 0 if it does not say."""
    values = {key: value for key, value, _ in coords.header}
    for key in ("MJD-OBS", "MJD-AVG", "MJD-BEG"):
        if isinstance(values.get(key), int | float):
            return float(values[key])
    try:
        when = np.datetime64(str(values.get("DATE-OBS", "")).strip().rstrip("Z"), "us")
    except ValueError:
        return 0.0
    return (
        0.0 if np.isnat(when) else float((when - np.datetime64("1858-11-17", "us")) / np.timedelta64(1, "D"))
    )


# -- in ---------------------------------------------------------------------------------------------------


def parts_of_xradio(data: Any, name: str | None) -> Parts:
    """Return the parts of an image from a Dataset in the schema of xradio."""
    group: Mapping[str, Any] = data.attrs.get("data_groups", {}).get("base", {})
    chosen = name or group.get("sky", schema.SKY)
    if chosen not in data.data_vars or not {"l", "m"} <= set(data[chosen].dims):
        raise LatticeTypeError(f"the Dataset has no sky image {chosen!r}", hint="give name=")
    order = ("frequency", "polarization", "m", "l")
    values = _one_time(data[chosen]).transpose(*order)
    about = values.attrs
    flag = about.get("flag", group.get("flag"))
    mask = None
    if flag in data.data_vars:
        mask = ~_one_time(data[flag]).broadcast_like(values).transpose(*order).data
    when = [float(t) for t in np.atleast_1d(data["time"].values)] if "time" in data.coords else []
    fitted = about.get("beam_fit_params", group.get("beam_fit_params_sky"))
    meta = [(key, about[k], "") for k, key in _META.items() if isinstance(about.get(k), str)]
    telescope = about.get("telescope") or {}
    if isinstance(telescope.get("name"), str):
        meta.append(("TELESCOP", telescope["name"], ""))
    return array_parts(
        values.data,
        dims=None,
        wcs=system_of_schema(
            {n: (data[n].values, data[n].attrs) for n in ("frequency", "polarization", "l", "m")},
            data.attrs["coordinate_system_info"],
            when[0] if when else 0.0,
        ),
        mask=mask,
        masks=None,
        regions=None,
        unit=about.get("units"),
        beam=_beams_in(data[fitted]) if fitted in data.data_vars else None,
        meta=meta or None,
        history=(),
        name=str(chosen),
    )


_META = {"object_name": "OBJECT", "observer": "OBSERVER"}


def _one_time(array: Any) -> Any:
    if "time" not in array.dims:
        return array
    if array.sizes["time"] != 1:
        raise LatticeTypeError(
            f"the Dataset has {array.sizes['time']} times, an image has one",
            hint="choose one with .isel(time=[0])",
        )
    return array.isel(time=0, drop=True)


def _beams_in(beams: Any) -> list[tuple[float, ...]]:
    values = np.rad2deg(_one_time(beams).transpose("frequency", "polarization", "beam_params_label").values)
    rows = [tuple(float(v) for v in row) for row in values.reshape(-1, 3)]
    return rows[:1] if len(set(rows)) == 1 else rows
