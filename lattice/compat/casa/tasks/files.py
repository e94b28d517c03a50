"""Tasks that exchange images with FITS files, and show and change headers."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.compat.casa import beaming
from lattice.compat.casa.arguments import matched, task
from lattice.compat.casa.attaching import open_image
from lattice.compat.casa.core import created
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import world_of
from lattice.compat.casa.image import image
from lattice.compat.casa.quantities import in_unit, is_nothing, quantity, quantity_of
from lattice.compat.casa.transforms import _extended, _transposed

__all__ = ["exportfits", "imhead", "imhistory", "importfits"]

log = logging.getLogger("casa")


def opened(name: str) -> image:
    """Return a tool attached to a file."""
    if not name:
        raise CasaError("give the name of an image")
    return image._on(open_image(name))


@task(history="flag")
def exportfits(
    imagename: str = "", fitsimage: str = "", velocity: bool = False, optical: bool = False,
    bitpix: int = -32, minpix: float = 0.0, maxpix: float = -1.0, overwrite: bool = False,
    dropstokes: bool = False, stokeslast: bool = True, history: bool = True, dropdeg: bool = False,
) -> None:  # fmt: skip
    """Write an image to a FITS file; see `image.tofits`."""
    opened(imagename).tofits(
        fitsimage, velocity, optical, bitpix, minpix, maxpix, overwrite=overwrite, dropdeg=dropdeg,
        dropstokes=dropstokes, stokeslast=stokeslast, history=history,
    )  # fmt: skip


@task(defaultaxesvalues="any", beam="any")
def importfits(
    fitsimage: str = "", imagename: str = "", whichrep: int = 0, whichhdu: int = -1, zeroblanks: bool = True,
    overwrite: bool = False, defaultaxes: bool = False, defaultaxesvalues: Any = (), beam: Any = (),
) -> None:  # fmt: skip
    """Make a CASA image of a FITS file.

    Parameters
    ----------
    fitsimage, imagename : str
        The file, and the image to make.
    zeroblanks : bool, optional
        Whether blank pixels, which are masked, are 0 and not NaN.
    defaultaxes : bool, optional
        Whether to bring the image into the order RA, Dec, Stokes, frequency, with axes that it lacks added.
    defaultaxesvalues : list, optional
        Coordinates of the axes that are added, in that order; "" for the others.
    beam : list of str, optional
        Restoring beam: major, minor and position angle.
    """
    source = image()
    source.fromfits("", fitsimage, whichrep, max(whichhdu, 0), zeroblanks)
    made = source._image()
    if defaultaxes:
        made = _in_default_order(made, defaultaxesvalues)
    if not is_nothing(beam):
        made = made.with_beam(beaming.beam_of(*beam))
    created(imagename, made, overwrite)


def _in_default_order(made: Any, values: Any) -> Any:
    from lattice.compat.casa.core import system_of
    from lattice.compat.casa.making import joined_record, new_record

    system = system_of(made)
    if len(values) not in (0, 4):
        raise CasaError("defaultaxesvalues has four values: RA, Dec, frequency, Stokes")
    given = [*values] or ["", "", "", ""]
    if system.number_of("direction") is None:
        raise CasaError("an image without sky axes is not brought into the default order here")
    record = system.record
    missing = [k for k in ("spectral", "stokes") if system.number_of(k) is None]
    for kind in missing:
        name = str(given[3]) or "I"
        more = new_record(False, kind == "spectral", name if kind == "stokes" else (), 0, False)
        if kind == "spectral" and not is_nothing(given[2]):
            value = in_unit(given[2], "Hz", "Hz")
            more["spectral0"]["wcs"]["crval"] = value
            more["spectral0"] |= {"restfreq": value, "restfreqs": np.array([value])}
        record = joined_record(record, more)
    if missing:
        made = _extended(made, record)
    order = system_of(made)
    axes = [a for kind in ("direction", "stokes", "spectral") for a in order.pixel_axes(kind)]
    if len(axes) != made.ndim:
        raise CasaError("the image has axes besides RA, Dec, Stokes and frequency")
    return made if axes == sorted(axes) else _transposed(made, [(a, False) for a in axes])


@task()
def imhistory(
    imagename: str = "",
    mode: str = "list",
    verbose: bool = True,
    origin: str = "imhistory",
    message: str = "",
) -> Any:
    """Return the history of an image, or add a line to it."""
    tool = opened(imagename)
    if matched(mode, ("list", "append"), "mode") == "list":
        return tool.history(verbose)
    return tool.sethistory(origin, message)


# -- imhead -------------------------------------------------------------------------------------------------

_BEAMS = {"beammajor": 0, "beamminor": 1, "beampa": 2, "bmaj": 0, "bmin": 1, "bpa": 2}
_SYNONYMS = {"bmaj": "beammajor", "bmin": "beamminor", "bpa": "beampa", "epoch": "date-obs"}
_AXIS_KEYS = ("cdelt", "crpix", "crval", "ctype", "cunit")


@task(hdvalue="any")
def imhead(
    imagename: str = "", mode: str = "summary", hdkey: str = "", hdvalue: Any = "", verbose: bool = False
) -> Any:
    """Show or change the header of an image.

    Parameters
    ----------
    imagename : str
        The image.
    mode : str, optional
        summary; history; list: all keys with their values; get, put, add or del: one of them.
    hdkey : str, optional
        The key.
    hdvalue : optional
        Its new value: text with a unit, number, or record.
    verbose : bool, optional
        Whether to show all beams.
    """
    tool = opened(imagename)
    what = matched(mode, ("summary", "history", "list", "get", "put", "add", "del"), "mode")
    if what == "summary":
        return tool.summary(verbose=verbose)
    if what == "history":
        return tool.history(True)
    if what == "list":
        return _header(tool)
    if not hdkey:
        raise CasaError("give an hdkey")
    key = _SYNONYMS.get(hdkey.lower(), hdkey)
    if what == "get":
        return _got(tool, key)
    if what == "del":
        return _deleted(tool, key)
    if what == "add" and key in _header(tool):
        raise CasaError(f"there is a key {key!r} already", hint="mode='put' changes it")
    return _put(tool, key, hdvalue)


def _header(tool: image) -> dict[str, Any]:
    """Return all that the header says, by key."""
    system, made = tool._system(), tool._image()
    record = system.record
    out: dict[str, Any] = {}
    for k, axis in enumerate(system.axes):
        values = (system.cdelt[k], system.crpix[k], system.crval[k], system.names[k], system.units[k])
        for key, value in zip(_AXIS_KEYS, values, strict=True):
            out[f"{key}{k + 1}"] = value if isinstance(value, str) else float(value)
        if axis.kind == "stokes":
            out[f"crval{k + 1}"] = np.array(system.stokes)
    if len(made.beams) == 1:
        beam = beaming.beam_record(made.beams[0])
        out |= {"beammajor": beam["major"], "beamminor": beam["minor"], "beampa": beam["positionangle"]}
    elif made.beams:
        out["perplanebeams"] = beaming.record_of_beams(made)
    found = tool.statistics() if made.dtype.kind == "f" else {}
    if len(found.get("npts", ())):
        out |= {"datamax": float(found["max"][0]), "datamin": float(found["min"][0])}
        for key in ("minpos", "maxpos"):
            out |= {key: found[f"{key}f"].replace(", ", " "), f"{key[:3]}pixpos": found[key]}
    out |= {
        "bunit": made.unit,
        "imtype": tool._image_type(),
        "object": _card(made, "OBJECT"),
        "telescope": str(record.get("telescope", "UNKNOWN")),
        "observer": str(record.get("observer", "UNKNOWN")),
        "date-obs": _date_text(record.get("obsdate")),
        "shape": tool.shape(),
        "masks": np.array([*made._masks], dtype=str),
    }
    if (number := system.number_of("direction")) is not None:
        part = system.part(number)
        out |= {"projection": str(part["projection"]), "equinox": str(part["system"])}
    if (number := system.number_of("spectral")) is not None:
        part = system.part(number)
        out |= {"reffreqtype": str(part["system"]), "restfreq": np.array([system.rest_frequency])}
    return out | tool.miscinfo()


def _card(made: Any, key: str) -> str:
    return next((str(v) for k, v, _ in made.node.attrs.meta if k == key), "")


def _date_text(epoch: Any) -> str:
    if not epoch:
        return ""
    from astropy.time import Time

    found = Time(float(epoch["m0"]["value"]), format="mjd").to_value("ymdhms")
    return (
        f"{found['year']:04d}/{found['month']:02d}/{found['day']:02d}/"
        f"{found['hour']:02d}:{found['minute']:02d}:{float(found['second']):09.6f}"
    )


def _axis_of(tool: image, key: str) -> tuple[str, int] | None:
    name, number = key.rstrip("0123456789").lower(), key[len(key.rstrip("0123456789")) :]
    if name not in _AXIS_KEYS or not number:
        return None
    axis = int(number) - 1
    if not 0 <= axis < len(tool._system().axes):
        raise CasaError(f"{key}: the image has {len(tool._system().axes)} axes")
    return name, axis


def _got(tool: image, key: str) -> Any:
    header = _header(tool)
    if key not in header:
        raise CasaError(f"there is no key {key!r}", hint=f"there are {', '.join(sorted(header))}")
    value = header[key]
    found = _axis_of(tool, key)
    if found is not None and found[0] in ("cdelt", "crval") and not isinstance(value, np.ndarray):
        return quantity(value, tool._system().units[found[1]])
    if key == "restfreq":
        return quantity(float(value[0]), "Hz")
    return value


def _put(tool: image, key: str, value: Any) -> bool:
    found = _axis_of(tool, key)
    changes: dict[str, Callable[[], Any]] = {
        "bunit": lambda: tool.setbrightnessunit(str(value)),
        "telescope": lambda: _in_coordinates(tool, "settelescope", str(value)),
        "observer": lambda: _in_coordinates(tool, "setobserver", str(value)),
        "restfreq": lambda: _in_coordinates(tool, "setrestfrequency", value),
        "projection": lambda: _in_coordinates(tool, "setprojection", str(value)),
        "date-obs": lambda: _in_coordinates(tool, "setepoch", value),
        "reffreqtype": lambda: _in_coordinates(tool, "setreferencecode", str(value), "spectral"),
        "equinox": lambda: _in_coordinates(tool, "setreferencecode", str(value), "direction", False),
        "object": lambda: _put_card(tool, "OBJECT", str(value)),
        "imtype": lambda: _put_card(tool, "BTYPE", str(value)),
    }
    if found is not None:
        _put_axis(tool, *found, value)
    elif key in _BEAMS:
        _put_beam(tool, _BEAMS[key], value)
    elif key in changes:
        changes[key]()
    elif key in ("shape", "masks", "datamax", "datamin", "minpos", "maxpos", "minpixpos", "maxpixpos"):
        raise CasaError(f"{key} follows from the pixels and cannot be set")
    else:
        tool.setmiscinfo(tool.miscinfo() | {key: value})
    return True


def _in_coordinates(tool: image, method: str, *values: Any) -> None:
    csys = tool.coordsys()
    getattr(csys, method)(*values)
    tool.setcoordsys(csys.torecord())


def _put_card(tool: image, key: str, value: str) -> None:
    rest = tuple(card for card in tool._outline().node.attrs.meta if card[0] != key)
    tool._held().change(meta=(*rest, *(((key, value, ""),) if value else ())))


def _put_axis(tool: image, name: str, axis: int, value: Any) -> None:
    system = tool._system()
    unit = system.units[axis]
    if name == "cunit":
        system.set_unit(axis, str(value))
    elif name == "ctype":
        system.put("axes", axis, str(value))
    elif name == "crpix":
        system.put("crpix", axis, float(quantity_of(value)[0]))
    elif system.axes[axis].kind == "stokes":
        names = value if isinstance(value, list) else str(value).replace(",", " ").split()
        system.part(system.axes[axis].number)["stokes"] = names
    else:
        new = (
            world_of(system, [*system.crval[:axis], value])[axis]
            if name == "crval"
            else in_unit(value, unit, unit)
        )
        system.put(name, axis, float(new))
    tool.setcoordsys(system.record)


def _put_beam(tool: image, which: int, value: Any) -> None:
    beams = tool._outline().beams
    if len(beams) > 1:
        raise CasaError("the image has beams by plane", hint="ia.setrestoringbeam() changes them")
    size = in_unit(value, "deg", "deg" if which == 2 else "arcsec")
    beam = [*(beams[0] if beams else (size, size, 0.0))]
    beam[which] = size
    tool._held().change(beams=((max(beam[:2]), min(beam[:2]), beam[2]),))


def _deleted(tool: image, key: str) -> bool:
    if key in ("beammajor", "beamminor", "beampa"):
        return bool(tool.setrestoringbeam(remove=True))
    if key in tool.miscinfo():
        return bool(tool.setmiscinfo({k: v for k, v in tool.miscinfo().items() if k != key}))
    if key in ("bunit", "object", "telescope", "observer"):
        return _put(tool, key, "")
    if key not in _header(tool):
        raise CasaError(f"there is no key {key!r}")
    raise CasaError(f"{key} cannot be removed")
