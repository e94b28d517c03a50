"""The task imhead: headers shown and changed key by key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lattice.compat.casa import beaming
from lattice.compat.casa.arguments import matched
from lattice.compat.casa.errors import CasaError
from lattice.compat.casa.formats import world_of
from lattice.compat.casa.image import image
from lattice.compat.casa.quantities import in_unit, quantity, quantity_of
from lattice.compat.casa.tasks.serving import noted, opened, task

__all__ = ["imhead"]

_BEAMS = {"beammajor": 0, "beamminor": 1, "beampa": 2, "bmaj": 0, "bmin": 1, "bpa": 2}
_SYNONYMS = {"bmaj": "beammajor", "bmin": "beamminor", "bpa": "beampa", "epoch": "date-obs"}
_EXTREMES = ("datamax", "datamin", "minpos", "maxpos", "minpixpos", "maxpixpos")
_AXIS_KEYS = ("cdelt", "crpix", "crval", "ctype", "cunit")


@task("head", "Image.meta, Image.with_unit, Image.with_beam", imagename="path", hdvalue="variant")
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
        tool.history(True)
        return None
    if what == "list":
        return _header(tool)
    if not hdkey:
        raise CasaError("give an hdkey")
    key = _SYNONYMS.get(hdkey.lower(), hdkey)
    if what == "get":
        return _got(tool, key)
    if what == "add" and (key in _EXTREMES or key in _header(tool, extremes=False)):
        raise CasaError(f"there is a key {key!r} already", hint="mode='put' changes it")
    if what == "del":
        _delete(tool, key)
    else:
        _put(tool, key, hdvalue)
    noted(tool)
    return None


def _header(tool: image, *, extremes: bool = True) -> dict[str, Any]:
    """Return all that the header says, by key; pixels are read for the extremes, if these are wanted."""
    system, made = tool._system(), tool._image()
    record = system.record
    out: dict[str, Any] = {}
    for k in range(len(system.axes)):
        values = (system.cdelt[k], system.crpix[k], system.crval[k], system.names[k], system.units[k])
        for key, value in zip(_AXIS_KEYS, values, strict=True):
            out[f"{key}{k + 1}"] = value if isinstance(value, str) else float(value)
    if len(made.beams) == 1:
        beam = beaming.beam_record(made.beams[0])
        out |= {"beammajor": beam["major"], "beamminor": beam["minor"], "beampa": beam["positionangle"]}
    elif made.beams:
        out["perplanebeams"] = _flat_beams(made)
    found = tool.statistics() if extremes and made.dtype.kind == "f" else {}
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


def _flat_beams(made: Any) -> dict[str, Any]:
    """Return the beams of all planes in one record, and the one of median area."""
    found = beaming.record_of_beams(made)
    planes = [
        [beam for _, beam in sorted(row.items())] for _, row in sorted(found["beams"].items(), key=_number)
    ]
    rows = [beam for column in zip(*planes, strict=True) for beam in column]
    by_area = sorted(rows, key=lambda b: float(b["major"]["value"]) * float(b["minor"]["value"]))
    flat: dict[str, Any] = {f"*{k}": beam for k, beam in enumerate(rows)}
    return (
        flat
        | {key: found[key] for key in ("nChannels", "nStokes")}
        | {"median area beam": by_area[len(rows) // 2]}
    )


def _number(item: tuple[str, Any]) -> int:
    return int(item[0].lstrip("*"))


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
    header = _header(tool, extremes=key in _EXTREMES)
    if key not in header:
        raise CasaError(f"there is no key {key!r}", hint=f"there are {', '.join(sorted(header))}")
    value = header[key]
    found = _axis_of(tool, key)
    system = tool._system()
    if found is not None and found[0] == "crval" and system.axes[found[1]].kind == "stokes":
        return np.array(system.stokes)
    if found is not None and found[0] in ("cdelt", "crval") and not isinstance(value, np.ndarray):
        return quantity(value, system.units[found[1]])
    if key == "restfreq":
        return quantity(float(value[0]), "Hz")
    return value


def _put(tool: image, key: str, value: Any) -> None:
    found = _axis_of(tool, key)
    changes: dict[str, Callable[[], Any]] = {
        "bunit": lambda: tool.setbrightnessunit(str(value)),
        "telescope": lambda: _in_coordinates(tool, "settelescope", str(value)),
        "observer": lambda: _in_coordinates(tool, "setobserver", str(value)),
        "restfreq": lambda: _in_coordinates(tool, "setrestfrequency", value),
        "projection": lambda: _in_coordinates(tool, "setdirection", "", str(value)),
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
    elif key in ("shape", "masks", *_EXTREMES):
        raise CasaError(f"{key} follows from the pixels and cannot be set")
    else:
        tool.setmiscinfo(tool.miscinfo() | {key: value})


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


def _delete(tool: image, key: str) -> None:
    if key in ("beammajor", "beamminor", "beampa"):
        tool.setrestoringbeam(remove=True)
    elif key in tool.miscinfo():
        tool.setmiscinfo({k: v for k, v in tool.miscinfo().items() if k != key})
    elif key in ("telescope", "observer"):
        _put_card(tool, {"telescope": "TELESCOP", "observer": "OBSERVER"}[key], "")
    elif key in ("bunit", "object"):
        _put(tool, key, "")
    elif key not in _EXTREMES and key not in _header(tool, extremes=False):
        raise CasaError(f"there is no key {key!r}")
    else:
        raise CasaError(f"{key} cannot be removed")
