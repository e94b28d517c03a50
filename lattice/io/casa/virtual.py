"""Images without pixels of their own: concatenations and stored expressions, as CASA saves them.

Such a folder holds one JSON document, ``imageconcat.json`` or ``imageexpr.json``.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.graph.sections import Section
from lattice.io.atomic import Staging, remove
from lattice.io.base import MetaCard, Stored
from lattice.io.casa.records import TableRef
from lattice.io.casa.tables import has_file, load, replace_file
from lattice.io.casa_records import misc_from_record, misc_to_record
from lattice.io.files import close_path, identify, is_url, storage_error

__all__ = ["NoPixels", "document_of", "open_virtual", "write_concat"]

_CONCAT, _EXPR = "imageconcat.json", "imageexpr.json"
_TYPES = {
    np.dtype(np.float32): "float",
    np.dtype(np.float64): "double",
    np.dtype(np.complex64): "Complex",
    np.dtype(np.complex128): "DComplex",
}
_MOST_IMAGES = 100_000


class NoPixels:
    """Stands where a virtual image has no pixels of its own."""

    shape: tuple[int, ...] = ()
    tile: tuple[int, ...] = ()
    dtype = np.dtype(np.float32)
    direct = False

    def __init__(self, label: str, token: str) -> None:
        self.label = label
        self.token = token

    def read(self, section: Section, out: np.ndarray | None = None) -> np.ndarray:
        """Refuse: there is nothing to read."""
        raise FormatError(
            f"{self.label!r} is a virtual image: its pixels are those of other images",
            hint="open it with lattice.open, which opens these",
        )

    def bytes_read(self, section: Section) -> int:
        """Return 0."""
        return 0

    def __dask_tokenize__(self) -> str:
        return self.token


def document_of(path: str) -> str | None:
    """Return the name of the document that makes a folder a virtual image, if there is one."""
    return next((name for name in (_CONCAT, _EXPR) if has_file(path, name)), None)


def open_virtual(path: str, document: str) -> Stored:
    """Return what a virtual image is made of.

    Raises
    ------
    FormatError
        If the document is damaged.
    """
    if is_url(path):
        raise FormatError(
            f"{str(path)!r} is a virtual image, which is not read from URLs", hint="download it"
        )
    file = os.path.join(path, document)
    try:
        content = json.loads(load(file))
    except (ValueError, RecursionError) as exc:
        raise FormatError(f"{file!r} is damaged: {exc}") from exc
    if not isinstance(content, Mapping) or content.get("Version", 1) != 1:
        raise FormatError(f"{file!r} is of an unknown version")
    virtual: dict[str, Any]
    if document == _CONCAT:
        names, axis = content.get("Images"), content.get("Axis")
        if not isinstance(names, list) or not 0 < len(names) <= _MOST_IMAGES:
            raise FormatError(f"{file!r} is damaged: it names no images")
        if not all(isinstance(n, str) and "\0" not in n for n in names):
            raise FormatError(f"{file!r} is damaged: names of images are texts")
        if isinstance(axis, bool) or not isinstance(axis, int) or not 0 <= axis < 32:
            raise FormatError(f"{file!r} is damaged: it names no axis to join images along")
        images = tuple(TableRef(name).resolve(path) for name in names)
        virtual = {"kind": "concat", "images": images, "axis": -1 - axis}
    else:
        text = content.get("ImageExpr")
        if not isinstance(text, str):
            raise FormatError(f"{file!r} is damaged: it holds no expression")
        virtual = {"kind": "expr", "expression": text, "folder": os.path.dirname(path)}
    label = os.path.basename(path)
    token = "casa-virtual-{}|{}".format(file, "|".join(map(str, identify(file))))
    misc = _number_records(content.get("MiscInfo"))
    return Stored(
        reader=NoPixels(label, token),
        dims=(),
        meta=misc_from_record(misc) if isinstance(misc, Mapping) else (),
        source=path,
        format="casa",
        virtual=virtual,
    )


def _number_records(value: Any) -> Any:
    """Return a JSON value with complex numbers and missing values as they are meant."""
    if isinstance(value, Mapping):
        if set(value) == {"r", "i"} and all(isinstance(v, int | float) for v in value.values()):
            return complex(value["r"], value["i"])
        return {str(key): _number_records(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_number_records(item) for item in value]
    return float("nan") if value is None else value


def write_concat(
    path: str,
    images: Sequence[str],
    axis: int,
    dtype: np.dtype[Any],
    meta: Sequence[MetaCard] = (),
    *,
    overwrite: bool = False,
    sync: bool = False,
    parts: str = "stay",
) -> None:
    """Write a virtual concatenation.

    Parameters
    ----------
    path : str
        Where to; other images beside or inside it are named so that all can be moved together.
    images : sequence of str
        Paths of the images.
    axis : int
        Along which they are joined, counted from the fastest.
    dtype : dtype
        Type of the result.
    meta : sequence of (keyword, value, comment), optional
        Header cards of the result.
    overwrite, sync : bool, optional
        See `lattice.io.atomic.Staging`.
    parts : {"stay", "copy", "move"}, optional
        Whether the images stay where they are, or are copied or moved into the new one.
    """
    if parts not in ("stay", "copy", "move"):
        raise LatticeError(f"parts={parts!r} is not known", hint="stay, copy or move")
    names = [os.path.basename(os.path.abspath(image)) for image in images]
    if parts != "stay" and len(set(names)) < len(names):
        raise LatticeError("images of the same name cannot be put into one folder", hint="let them stay")
    stage = Staging(path, overwrite=overwrite, sync=sync, directory=True)
    try:
        inside = next((i for i in images if os.path.realpath(i) == os.path.realpath(stage.path)), None)
        if inside is not None:
            raise LatticeError(f"{inside!r} cannot be replaced by an image that is made of it")
        content = {
            "Version": 1,
            "DataType": _TYPES[np.dtype(dtype)],
            "Axis": axis,
            "TempClose": True,
            "Images": [
                str(TableRef.between(stage.path, image) if parts == "stay" else TableRef.child(name))
                for image, name in zip(images, names, strict=True)
            ],
            "MiscInfo": _json(misc_to_record(meta)),
        }
        replace_file(os.path.join(stage.temp, _CONCAT), (json.dumps(content, indent=1) + "\n").encode())
        if parts != "stay":
            for image, name in zip(images, names, strict=True):
                shutil.copytree(image, os.path.join(stage.temp, name))
        stage.commit()
    except OSError as error:
        stage.abort()
        raise storage_error(error, "write", path) from error
    except BaseException:
        stage.abort()
        raise
    if parts == "move":  # now that all is there
        for image in images:
            close_path(os.path.abspath(image))
            remove(image)


def _json(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray | list | tuple):
        return [_json(item) for item in np.asarray(value).tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, complex):
        return {"r": value.real, "i": value.imag}
    return None if isinstance(value, float) and value != value else value
