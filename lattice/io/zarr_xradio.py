"""Zarr images in the schema of xradio: axes time, frequency, polarization, l, m; flags; labels in radians."""

from __future__ import annotations

import math
import struct
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from lattice.coords import schema
from lattice.coords.from_schema import Label, system_of_schema
from lattice.errors import FormatError, LatticeError, LatticeTypeError, LatticeWarning
from lattice.graph.sections import full
from lattice.io.base import Beam, MetaCard, Stored
from lattice.io.places import join, read_all
from lattice.io.turned import TurnedReader
from lattice.io.zarr_chunks import unpack
from lattice.io.zarr_meta import ArrayMeta, Codec, Node, codecs_of, read_array
from lattice.io.zarr_read import Scaling, ZarrReader

__all__ = ["is_xradio", "open_xradio"]

_ORDER = ("frequency", "polarization", "m", "l")
_MOST_LABELS = 1 << 24
_META = {"object_name": "OBJECT", "observer": "OBSERVER"}


def is_xradio(group: Node, part: str | None) -> bool:
    """Tell whether an array of a group (or its image, if none is named) is an image of xradio."""
    if group.attributes.get("type") != schema.KIND:
        return False
    try:
        return set(_ORDER) <= set(read_array(group.child(part or _sky(group))).dims)
    except FormatError:
        return False


def _base(group: Node) -> Mapping[str, Any]:
    groups = group.attributes.get("data_groups")
    base = groups.get("base") if isinstance(groups, Mapping) else None
    return base if isinstance(base, Mapping) else {}


def _sky(group: Node) -> str:
    return str(_base(group).get("sky", schema.SKY))


def open_xradio(group: Node, label: str, part: str | None, time: int | None) -> Stored:
    """Open an image.

    Parameters
    ----------
    group : Node
        The group.
    label : str
        Short name for people.
    part : str, optional
        Name of the array; by default that of the sky.
    time : int, optional
        Which of several times.
    """
    meta = read_array(group.child(part or _sky(group)))
    if set(meta.dims) - {"time"} != set(_ORDER) or len(set(meta.dims)) != len(meta.dims):
        raise FormatError(f"{label!r}: an image of xradio has the dims {schema.DIMS}, this has {meta.dims}")
    fixed = _fixed(meta, time, label)
    order = tuple(meta.dims.index(name) for name in _ORDER)
    flag = _flag(group, meta, part)
    reader = TurnedReader(ZarrReader(meta, label), order, fixed)
    masks = {}
    if flag is not None:
        inverted = ZarrReader(flag, f"{label}[flag]", Scaling(inverted=True))
        masks["mask0"] = TurnedReader(inverted, order, fixed)
    labels: dict[str, Label] = {name: _label(group, name) for name in ("frequency", "l", "m")}
    labels["polarization"] = (np.array(_texts(group.child("polarization"))), {})
    info = group.attributes["coordinate_system_info"]
    try:
        coords = system_of_schema(labels, info, _when(group, meta, fixed))
    except LatticeTypeError as exc:
        raise FormatError(f"{label!r}: {exc.message}") from exc
    return Stored(
        reader=reader,
        dims=("frequency", "stokes", "y", "x"),
        unit=str(meta.attributes.get("units") or ""),
        coords=coords,
        masks=masks,
        default_mask="mask0" if masks else None,
        nan_masked=not masks and reader.dtype.kind == "f",
        meta=_cards(meta.attributes),
        beams=_beams(group, meta, fixed, label),
        source=group.path,
        format="zarr",
    )


def _fixed(meta: ArrayMeta, time: int | None, label: str) -> dict[int, int]:
    """Return the pixel of the time axis, by its number."""
    if "time" not in meta.dims:
        return {}
    axis = meta.dims.index("time")
    count = meta.shape[axis]
    if time is None and count != 1:
        raise FormatError(f"{label!r} holds {count} times, an image has one", hint="name one: time=0")
    wanted = 0 if time is None else int(time)
    if not -count <= wanted < count:
        raise FormatError(f"{label!r} has no time {wanted}, it has {count}")
    return {axis: wanted % count}


def _flag(group: Node, meta: ArrayMeta, part: str | None) -> ArrayMeta | None:
    """Return the flags that go with an image."""
    own = meta.attributes.get("flag")
    name = own if isinstance(own, str) else _base(group).get("flag")
    if not isinstance(name, str) or (own is None and part not in (None, _sky(group))):
        return None
    flag = read_array(group.child(name))
    if flag.shape != meta.shape or flag.dims != meta.dims or flag.dtype.kind != "b":
        raise FormatError(f"the flags {name!r} of {group.path!r} do not fit the image")
    return flag


def _label(group: Node, name: str) -> Label:
    meta = read_array(group.child(name))
    if len(meta.shape) != 1 or meta.shape[0] > _MOST_LABELS or meta.dtype.kind not in "iuf":
        raise FormatError(f"the labels {name!r} of {group.path!r} are no numbers along an axis")
    return ZarrReader(meta, name).read(full(meta.shape)), meta.attributes


def _when(group: Node, meta: ArrayMeta, fixed: Mapping[int, int]) -> float:
    """Return when the image was observed as MJD, 0 if it does not say."""
    try:
        times = _label(group, "time")[0].reshape(-1)
    except FormatError:
        return 0.0
    found = times[next(iter(fixed.values()), 0)] if times.size else 0.0
    return float(found) if np.isfinite(found) else 0.0


def _cards(attributes: Mapping[str, Any]) -> tuple[MetaCard, ...]:
    cards = [(key, attributes[k], "") for k, key in _META.items() if isinstance(attributes.get(k), str)]
    telescope = attributes.get("telescope")
    if isinstance(telescope, Mapping) and isinstance(telescope.get("name"), str):
        cards.append(("TELESCOP", telescope["name"], ""))
    return tuple(cards)


def _beams(group: Node, meta: ArrayMeta, fixed: Mapping[int, int], label: str) -> tuple[Beam, ...]:
    own = meta.attributes.get("beam_fit_params")
    name = own if isinstance(own, str) else _base(group).get("beam_fit_params_sky")
    if not isinstance(name, str):
        return ()
    found = read_array(group.child(name))
    wanted = ("frequency", "polarization", "beam_params_label")
    if set(found.dims) - {"time"} != set(wanted) or math.prod(found.shape) > _MOST_LABELS:
        warnings.warn(f"{label}: the beams are of an unknown form; left out", LatticeWarning, stacklevel=2)
        return ()
    values = ZarrReader(found, name).read(full(found.shape))
    if "time" in found.dims:
        values = values.take(next(iter(fixed.values()), 0), axis=found.dims.index("time"))
    kept = [d for d in found.dims if d != "time"]
    names = _texts(group.child("beam_params_label"))
    named = set(names) >= set(schema.BEAM_LABELS)
    columns = [names.index(n) for n in schema.BEAM_LABELS] if named else [0, 1, 2]
    rows = np.rad2deg(values.transpose([kept.index(d) for d in wanted])[..., columns]).reshape(-1, 3)
    if not np.isfinite(rows).all():
        return ()
    beams: list[Beam] = [(float(a), float(b), float(c)) for a, b, c in rows]
    return tuple(beams[:1] if len(set(beams)) == 1 else beams)


# -- texts --------------------------------------------------------------------------------------


def _texts(node: Node) -> list[str]:
    """Return the texts of a short array of one axis: as numpy stores them, or each with its length."""
    about = node.about
    try:
        (length,) = about["shape"]
        width, codecs, chunk, name, fill = _text_form(about)
        if not 0 <= length <= _MOST_LABELS or not 1 <= chunk <= _MOST_LABELS:
            raise ValueError(f"{length} texts in chunks of {chunk}")
        out: list[str] = []
        for i in range(-(-length // chunk)):
            try:
                data = read_all(join(node.path, name.format(i)), 1 << 26)
            except LatticeError as exc:
                if not isinstance(exc, FileNotFoundError):
                    raise
                out += [fill] * chunk
                continue
            raw = unpack(codecs, data, max(1, width) * chunk, f"a chunk of {node.path!r}").tobytes()
            out += np.frombuffer(raw, f"<U{width // 4}").tolist() if width else _long_texts(raw)
    except (KeyError, TypeError, ValueError, IndexError, struct.error) as exc:
        raise FormatError(f"{node.path!r} holds no texts that can be read: {exc}") from exc
    return out[:length]


def _text_form(about: Mapping[str, Any]) -> tuple[int, tuple[Codec, ...], int, str, str]:
    """Return the bytes of a text (0 if they differ), codecs, chunk length, file name and fill value."""
    fill = about.get("fill_value")
    fill = fill if isinstance(fill, str) else ""
    codecs = list(codecs_of(about))
    if "node_type" not in about:
        dtype = np.dtype(about["dtype"])
        width = dtype.itemsize if dtype.kind == "U" else 0
        rest = [c for c in codecs if c.settings.get("id") != "vlen-utf8"]
        return width, tuple(rest), int(about["chunks"][0]), "{}", fill
    kind = about["data_type"]
    width = int(kind["configuration"]["length_bytes"]) if isinstance(kind, Mapping) else 0
    if width % 4 or codecs[0].name != ("bytes" if width else "vlen-utf8"):
        raise ValueError(f"texts of type {kind!r} coded by {codecs[0].name!r}")
    chunk = int(about["chunk_grid"]["configuration"]["chunk_shape"][0])
    keys = about.get("chunk_key_encoding") or {}
    default = keys.get("name", "default") == "default"
    separator = (keys.get("configuration") or {}).get("separator", "/" if default else ".")
    return width, tuple(codecs[1:]), chunk, f"c{separator}{{}}" if default else "{}", fill


def _long_texts(raw: bytes) -> list[str]:
    """Return texts that follow each other, each with its length before it."""
    (count,) = struct.unpack_from("<I", raw)
    out, at = [], 4
    for _ in range(count):
        (size,) = struct.unpack_from("<I", raw, at)
        if at + 4 + size > len(raw):
            raise ValueError("a text is cut off")
        out.append(raw[at + 4 : at + 4 + size].decode("utf-8"))
        at += 4 + size
    return out
