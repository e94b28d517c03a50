"""Metadata of Zarr arrays and groups, versions 2 and 3: read leniently, written as version 3."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lattice.errors import FormatError
from lattice.io.files import Identity, identify, is_url
from lattice.io.places import join, names_in, read_several

__all__ = [
    "ArrayMeta",
    "Codec",
    "Node",
    "array_document",
    "codecs_of",
    "is_zarr",
    "list_arrays",
    "read_array",
    "read_node",
]

_MAX_CHUNK = 1 << 32
_MAX_DOCUMENT = 256 << 20
_MISSING = (1 << 64) - 1

_V3_TYPES = {
    "bool": "b1",
    **{
        f"{k}{n}": f"{k[0] if k != 'uint' else 'u'}{n // 8}"
        for k in ("int", "uint", "float")
        for n in (8, 16, 32, 64)
    },
    "complex64": "c8",
    "complex128": "c16",
}
del _V3_TYPES["float8"]


@dataclass(frozen=True)
class Codec:
    """One step of a chunk's encoding: the name of the step and its settings."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class ArrayMeta:
    """One array: its shape, and how its chunks are stored.

    Attributes
    ----------
    path : str
        Folder of the array.
    document, identity : str, Identity
        Its metadata file, and the state of that.
    shape, dtype : tuple of int, dtype
        Of the array; the type as stored, with its byte order.
    chunks : tuple of int
        Shape of a chunk; inside a shard if there are shards.
    shards : tuple of int or None
        Shape of a shard, which is one file.
    codecs : tuple of Codec
        Bytes to bytes steps, in the order of encoding.
    order : tuple of int or None
        Axis order inside a chunk if it is not that of the array.
    fill : object
        Value of pixels that are not stored.
    prefix, separator : str
        How the names of chunk files are made.
    index_at_end, index_checked : bool
        Where the index of a shard is, and whether a checksum follows it.
    dims : tuple of (str or None)
        Dimension names, empty if none are given.
    attributes : dict
        Attributes of the array.
    """

    path: str
    document: str
    identity: Identity
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None
    codecs: tuple[Codec, ...] = ()
    order: tuple[int, ...] | None = None
    fill: Any = 0
    prefix: str = "c"
    separator: str = "/"
    index_at_end: bool = True
    index_checked: bool = True
    dims: tuple[str | None, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict, hash=False)

    @property
    def is_raw(self) -> bool:
        """True if chunks are stored as they are in memory."""
        return not self.codecs and self.order is None

    @property
    def files(self) -> tuple[int, ...]:
        """Shape of the pixels of one file."""
        return self.shards or self.chunks

    @property
    def chunk_bytes(self) -> int:
        """Size of an unpacked chunk."""
        return math.prod(self.chunks) * self.dtype.itemsize

    def file_path(self, index: Sequence[int]) -> str:
        """Return the path of a chunk or shard file."""
        parts = [str(i) for i in index]
        if self.prefix:
            name = self.separator.join([self.prefix, *parts])
        else:
            name = self.separator.join(parts) or "0"
        return join(self.path, name) if is_url(self.path) else f"{self.path}/{name}"


def is_zarr(path: str) -> bool:
    """Return True if a folder holds Zarr metadata."""
    names = ("zarr.json", ".zgroup", ".zarray")
    if is_url(path):
        return any(data is not None for data in read_several([join(path, n) for n in names], _MAX_DOCUMENT))
    return any(os.path.isfile(os.path.join(path, name)) for name in names)


def _load(path: str) -> dict[str, Any] | None:
    """Return a metadata document, None if it is not there."""
    data = read_several([path], _MAX_DOCUMENT)[0]
    return None if data is None else _parsed(path, data)


def _parsed(path: str, data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{path!r} is not valid Zarr metadata: {exc}") from exc
    if not isinstance(found, dict):
        raise FormatError(f"{path!r} is not valid Zarr metadata: it is not an object")
    return found


@dataclass(frozen=True)
class Node:
    """A group or an array, as its metadata say.

    Attributes
    ----------
    path : str
        Its folder.
    document : str
        Its metadata file.
    about : dict
        The content of that.
    attributes : dict
        Its attributes.
    identity : Identity, optional
        State of the metadata file before it was read; of remote ones it is asked for later.
    children : dict of str to Node, optional
        The arrays of a remote group that it describes itself, to spare a request for each.
    """

    path: str
    document: str
    about: dict[str, Any]
    attributes: dict[str, Any]
    identity: Identity | None = None
    children: dict[str, Node] | None = None

    @property
    def is_array(self) -> bool:
        """True for an array, False for a group."""
        return self.document.endswith(".zarray") or self.about.get("node_type") == "array"

    def child(self, name: str) -> Node:
        """Return an array of a group."""
        if self.children is not None and name in self.children:
            return self.children[name]
        return read_node(join(self.path, name))


def read_node(path: str) -> Node:
    """Read what a folder is; one without metadata is a `FormatError`."""
    names = ("zarr.json", ".zarray", ".zgroup")
    remote = is_url(path)
    if remote:  # all at once, and kept while the image is opened
        read_several([join(path, n) for n in (*names, ".zattrs", ".zmetadata")], _MAX_DOCUMENT)
    for name in names:
        document = join(path, name)
        if not remote and not os.path.isfile(document):
            continue
        identity = None if remote else identify(document)
        about = _load(document)
        if about is None:
            continue
        if name == "zarr.json":
            attributes, children = _mapping(about.get("attributes")), _inline(path, document, about)
        else:
            attributes = _load(join(path, ".zattrs")) or {}
            children = _gathered(path) if remote and name == ".zgroup" else None
        return Node(path, document, about, attributes, identity, children)
    raise FormatError(f"{path!r} holds no Zarr metadata")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _inline(path: str, document: str, about: dict[str, Any]) -> dict[str, Node] | None:
    """Return the arrays that the metadata of a remote version 3 group hold."""
    listed = _mapping(about.get("consolidated_metadata")).get("metadata")
    if not is_url(path) or not isinstance(listed, dict):
        return None
    return {
        name: Node(join(path, name), document, child, _mapping(child.get("attributes")))
        for name, child in listed.items()
        if isinstance(child, dict) and "/" not in name
    }


def _gathered(path: str) -> dict[str, Node] | None:
    """Return the arrays that the file .zmetadata of a remote version 2 group holds."""
    document = join(path, ".zmetadata")
    listed = _mapping(_mapping(_load(document)).get("metadata"))
    found = {}
    for key, about in listed.items():
        name, _, kind = key.rpartition("/")
        if kind == ".zarray" and name and "/" not in name and isinstance(about, dict):
            attributes = _mapping(listed.get(f"{name}/.zattrs"))
            found[name] = Node(join(path, name), document, about, attributes)
    return found or None


def list_arrays(group: Node) -> list[str]:
    """Return the names of the arrays directly in a group."""
    if group.children is not None:
        return sorted(name for name, child in group.children.items() if "shape" in child.about)
    out = []
    for name in names_in(group.path):
        if not name.startswith("."):
            with contextlib.suppress(FormatError):
                if read_node(join(group.path, name)).is_array:
                    out.append(name)
    return out


def read_array(node: Node) -> ArrayMeta:
    """Return the metadata of an array."""
    path, document, found = node.path, node.document, node.about
    identity = node.identity or identify(document)
    v3 = "node_type" in found
    try:
        meta = (
            _parse_v3(path, document, identity, found)
            if v3
            else _parse_v2(path, document, identity, found, node.attributes)
        )
    except FormatError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as exc:
        raise FormatError(f"{document!r} is not valid Zarr metadata: {type(exc).__name__}: {exc}") from exc
    for name, numbers, low in (
        ("shape", meta.shape, 0),
        ("chunks", meta.chunks, 1),
        ("shards", meta.files, 1),
    ):
        if len(numbers) != len(meta.shape) or any(not low <= n < 1 << 62 for n in numbers):
            raise FormatError(f"{document!r}: the {name} {numbers} are not possible")
    if len(meta.shape) > 32 or math.prod(meta.shape) * meta.dtype.itemsize >= 1 << 62:
        raise FormatError(f"{document!r}: an array of shape {meta.shape} is not possible")
    if meta.chunk_bytes > _MAX_CHUNK:
        raise FormatError(f"{document!r}: a chunk of {meta.chunk_bytes} bytes cannot be read at once")
    if any(s % c for s, c in zip(meta.files, meta.chunks, strict=True)):
        raise FormatError(f"{document!r}: shards {meta.files} are not made of whole chunks {meta.chunks}")
    return meta


def _ints(values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int) for v in values):
        raise ValueError(f"{values!r} is not a list of integers")
    return tuple(values)


def _parse_v2(
    path: str, document: str, identity: Identity, found: dict[str, Any], attributes: dict[str, Any]
) -> ArrayMeta:
    if not isinstance(found["dtype"], str):
        raise FormatError(f"{document!r}: structured values cannot be pixels")
    dtype = np.dtype(found["dtype"])
    if dtype.kind not in "biufc":
        raise FormatError(f"{document!r}: values of type {dtype} cannot be pixels")
    codecs = codecs_of(found)
    shape = _ints(found["shape"])
    names = attributes.get("_ARRAY_DIMENSIONS") or []
    if names and dtype.kind in "iu" and isinstance(found.get("fill_value"), int):
        # xarray keeps the mark of missing values there in version 2.
        attributes = {"_FillValue": found["fill_value"], **attributes}
    return ArrayMeta(
        path,
        document,
        identity,
        shape,
        dtype,
        _ints(found["chunks"]),
        codecs=codecs,
        order=tuple(range(len(shape)))[::-1] if found.get("order") == "F" and len(shape) > 1 else None,
        fill=_fill(found.get("fill_value"), dtype),
        prefix="",
        separator=str(found.get("dimension_separator", ".")),
        dims=tuple(names) if len(names) == len(shape) else (),
        attributes=attributes,
    )


def _fill(value: Any, dtype: np.dtype[Any]) -> Any:
    """Return a fill value from its JSON form."""
    if value is None:
        return dtype.type(0)
    if isinstance(value, list):
        return dtype.type(complex(*(float(v) for v in value)))
    if isinstance(value, str) and value.startswith("0x"):
        return np.frombuffer(int(value, 16).to_bytes(dtype.itemsize, "little"), dtype.newbyteorder("<"))[0]
    return dtype.type(float(value)) if isinstance(value, str) else dtype.type(value)


def _parse_v3(path: str, document: str, identity: Identity, found: dict[str, Any]) -> ArrayMeta:
    if found.get("node_type") != "array":
        raise FormatError(f"{document!r} describes no array")
    kind = found["data_type"]
    if not isinstance(kind, str) or kind not in _V3_TYPES:
        raise FormatError(f"{document!r}: values of type {kind!r} cannot be pixels")
    grid = found["chunk_grid"]
    if grid["name"] != "regular":
        raise FormatError(f"{document!r}: the chunk grid {grid['name']!r} is not supported")
    shape, files = _ints(found["shape"]), _ints(grid["configuration"]["chunk_shape"])
    keys = found.get("chunk_key_encoding") or {"name": "default"}
    settings = keys.get("configuration") or {}
    default_keys = keys["name"] == "default"
    codecs = list(codecs_of(found))
    shards, at_end, checked = None, True, True
    if codecs and codecs[0].name == "sharding_indexed":
        if len(codecs) > 1:
            raise FormatError(f"{document!r}: compressed shards are not supported")
        shard = codecs[0].settings
        shards, files = files, _ints(shard["chunk_shape"])
        at_end = shard.get("index_location", "end") == "end"
        steps = [_as_codec(c).name for c in shard["index_codecs"]]
        if steps not in (["bytes"], ["bytes", "crc32c"]):
            raise FormatError(f"{document!r}: the shard index is coded as {steps}, which is not supported")
        checked = "crc32c" in steps
        codecs = [_as_codec(c) for c in shard["codecs"]]
    dtype, order, rest = _array_codecs(document, np.dtype(_V3_TYPES[kind]), codecs)
    names = found.get("dimension_names") or []
    attributes = found.get("attributes")
    return ArrayMeta(
        path,
        document,
        identity,
        shape,
        dtype,
        files,
        shards,
        tuple(rest),
        order,
        _fill(found.get("fill_value"), dtype),
        "c" if default_keys else "",
        str(settings.get("separator", "/" if default_keys else ".")),
        at_end,
        checked,
        tuple(names) if len(names) == len(shape) else (),
        attributes if isinstance(attributes, dict) else {},
    )


def codecs_of(about: Mapping[str, Any]) -> tuple[Codec, ...]:
    """Return the steps of encoding that the metadata of an array list."""
    if "node_type" in about:
        return tuple(_as_codec(c) for c in about["codecs"])
    steps = [*(about.get("filters") or []), *([about["compressor"]] if about.get("compressor") else [])]
    return tuple(Codec("numcodecs", dict(step)) for step in steps)


def _as_codec(found: Any) -> Codec:
    if isinstance(found, str):
        return Codec(found)
    return Codec(str(found["name"]), dict(found.get("configuration") or {}))


def _array_codecs(
    document: str, dtype: np.dtype[Any], codecs: list[Codec]
) -> tuple[np.dtype[Any], tuple[int, ...] | None, list[Codec]]:
    """Return the stored type and axis order that the first codecs say, and the others."""
    order: tuple[int, ...] | None = None
    rest = list(codecs)
    if rest and rest[0].name == "transpose":
        order = _ints(rest.pop(0).settings["order"])
        if sorted(order) != list(range(len(order))):
            raise FormatError(f"{document!r}: {order} is no order of axes")
        order = order if order != tuple(range(len(order))) else None
    if not rest or rest[0].name != "bytes":
        name = rest[0].name if rest else "nothing"
        raise FormatError(f"{document!r}: chunks coded by {name!r} are not supported")
    endian = rest.pop(0).settings.get("endian", "little")
    if any(codec.name in ("bytes", "transpose", "sharding_indexed") for codec in rest):
        raise FormatError(f"{document!r}: the order of the codecs is not supported")
    return dtype.newbyteorder(">" if endian == "big" else "<"), order, rest


# -- writing ------------------------------------------------------------------------------------


def array_document(
    shape: Sequence[int],
    dtype: np.dtype[Any],
    chunks: Sequence[int],
    shards: Sequence[int] | None,
    codecs: Sequence[dict[str, Any]],
    dims: Sequence[str],
    attributes: dict[str, Any],
) -> dict[str, Any]:
    """Return the version 3 metadata of an array whose missing pixels are zero or False."""
    as_bytes: dict[str, Any] = {"name": "bytes"}
    if dtype.itemsize > 1:
        as_bytes["configuration"] = {"endian": "little"}
    steps = [as_bytes, *codecs]
    if shards is not None:
        index = [{"name": "bytes", "configuration": {"endian": "little"}}, {"name": "crc32c"}]
        settings = {
            "chunk_shape": list(chunks),
            "codecs": steps,
            "index_codecs": index,
            "index_location": "end",
        }
        steps = [{"name": "sharding_indexed", "configuration": settings}]
    fill: Any = False if dtype.kind == "b" else [0.0, 0.0] if dtype.kind == "c" else 0.0
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": list(shape),
        "data_type": dtype.name,
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(shards or chunks)}},
        "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
        "fill_value": fill,
        "codecs": steps,
        "attributes": attributes,
        "dimension_names": list(dims),
        "storage_transformers": [],
    }
