"""CASA images, in and out: folders of tables with pixels in tiles, masks, keywords and a log."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lattice.errors import FormatError, LatticeError, LatticeWarning
from lattice.graph.attributes import Attributes
from lattice.graph.protocols import Reader
from lattice.io.base import ImageSpec, Output, Stored
from lattice.io.casa.groups import read_group
from lattice.io.casa.logs import read_log
from lattice.io.casa.parts import parts_of_keywords, region_mask
from lattice.io.casa.records import TableRef
from lattice.io.casa.tables import Table, has_file, read_info
from lattice.io.casa.tiled import array_layout
from lattice.io.casa.tiles import TileReader, open_reader
from lattice.io.casa.virtual import document_of, open_virtual
from lattice.io.files import is_url
from lattice.io.places import absolute, fetch_ahead, join, name_of

if TYPE_CHECKING:
    from lattice.io.casa.update import CasaUpdater

__all__ = ["CasaFormat"]

_OF_TABLE = ("table.dat", "table.lock", "table.f0")
_FILES = (  # what an image consists of, but for the pixels; fetched together where it is remote
    *_OF_TABLE,
    "table.info",
    "imageconcat.json",
    "imageexpr.json",
    *(f"logtable/{name}" for name in _OF_TABLE),
)
_CODES = (7, 8, 9, 10)  # float, double, complex, double complex
_FRESH = 0.5  # seconds since a file was written in which it may still be incomplete
_PAUSE = 0.03


class CasaFormat:
    """CASA images (``.image``): folders of casacore tables, read and written without casacore."""

    name = "casa"
    suffixes = (".image", ".im", ".img")
    description = "CASA images with masks, log, regions and attribute groups"
    can = frozenset(
        {
            "read",
            "write",
            "update",
            "parallel",
            "remote",
            "float",
            "complex",
            "mask",
            "masks",
            "unit",
            "coords",
            "tables",
            "beam",
            "beams",
            "cards",
            "records",
            "history",
            "regions",
            "groups",
        }
    )

    def sniff(self, path: str) -> bool:
        """Return True for a folder that is a CASA image."""
        return self._is_paged(path) or document_of(path) is not None

    @staticmethod
    def _is_paged(path: str) -> bool:
        if is_url(path):
            fetch_ahead([join(path, name) for name in _FILES])
        return has_file(path, "table.dat") and read_info(path) == "Image"

    def open(self, path: str, **selectors: Any) -> Stored:
        """Open an image: its keywords, its log and its small tables are read, no pixels.

        Parameters
        ----------
        path : str
            The folder.

        Raises
        ------
        FormatError
            If it is damaged, or no image.
        """
        if selectors:
            raise LatticeError(f"a CASA image is not selected by {', '.join(selectors)}")
        path = absolute(path)
        if (document := document_of(path)) is not None:
            return open_virtual(path, document)
        try:
            try:
                return _open(path)
            except FormatError:
                if not _is_being_written(path):
                    raise
            time.sleep(_PAUSE)
            return _open(path)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as exc:
            if isinstance(exc, LatticeError):
                raise
            raise FormatError(f"the keywords of {path!r} are damaged: {type(exc).__name__}: {exc}") from exc

    def update(self, path: str, *, lock: Any = None, timeout: float | None = 60.0) -> CasaUpdater:
        """Open an image to change it in place.

        Parameters
        ----------
        path : str
            The folder.
        lock : lattice.io.casa.locks.TableLock, optional
            The lock of the image, where the caller has one; it stays held when the updater is closed.
        timeout : float or None, optional
            Seconds to wait until other processes let go of the image.
        """
        from lattice.io.casa.update import CasaUpdater

        if not self._is_paged(path):
            raise FormatError(f"{path!r} is no CASA image that could be changed in place")
        return CasaUpdater(path, lock=lock, timeout=timeout)

    def create(
        self,
        path: str,
        spec: ImageSpec,
        *,
        overwrite: bool = False,
        sync: bool = False,
        tile: tuple[int, ...] | None = None,
        endian: str = "little",
        **options: Any,
    ) -> Output:
        """Start a new image.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            What it will be; 32 or 64 bit real or complex values.
        overwrite : bool
            Whether an existing image may be replaced.
        sync : bool
            Whether it must survive a power failure.
        tile : tuple of int, optional
            Shape of the tiles, slowest axis first; the default is what casacore would choose.
        endian : {"little", "big"}
            Byte order of the pixels.
        """
        from lattice.io.casa.output import CasaOutput

        if options:
            raise LatticeError(
                f"CASA output has no option {', '.join(options)}", hint="it has: tile, endian, virtual"
            )
        return CasaOutput(path, spec, overwrite=overwrite, sync=sync, tile=tile, endian=endian)


def _is_being_written(path: str) -> bool:
    """Tell whether a table of an image changed just now: CASA writes some of their files in place."""
    now = time.time()
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                written = os.stat(os.path.join(folder, name)).st_mtime
                if name.startswith("table.f") and abs(now - written) < _FRESH:
                    return True
    return False


def _open(path: str) -> Stored:
    label = name_of(path)
    table = Table(path)
    columns = table.description.columns
    if not columns or columns[0].name != "map" or columns[0].kind != "array":
        raise FormatError(f"{path!r} is a table without pixels", hint="it is no image of CASA's")
    if columns[0].code not in _CODES:
        raise FormatError(f"the pixels of {path!r} are of a type that images do not have")
    reader = open_reader(array_layout(table, "map"), label, table.version)
    keywords = table.keywords
    parts = parts_of_keywords(keywords, reader.shape)
    masks = _masks(path, label, keywords, parts.attributes(reader.shape))
    default = keywords.get("Image_defaultmask")
    return Stored(
        reader=reader,
        dims=parts.dims,
        unit=parts.unit,
        coords=parts.coords,
        masks=masks,
        default_mask=default if isinstance(default, str) and default in masks else None,
        nan_masked=False,
        meta=parts.meta,
        history=read_log(join(path, "logtable")),
        beams=parts.beams,
        regions=parts.regions,
        groups=_groups(path, keywords),
        source=path,
        format="casa",
    )


def _masks(path: str, label: str, keywords: Mapping[str, Any], attrs: Attributes) -> dict[str, Reader]:
    """Return the masks of an image: tables of bits, rarely regions."""
    found: dict[str, Reader] = {}
    records = keywords.get("masks")
    fetch_ahead(
        [
            join(r["mask"].resolve(path), name)
            for r in (records.values() if isinstance(records, Mapping) else ())
            if isinstance(r, Mapping) and isinstance(r.get("mask"), TableRef)
            for name in _OF_TABLE
        ]
    )
    for name, record in records.items() if isinstance(records, Mapping) else ():
        if not isinstance(record, Mapping):
            raise FormatError(f"the mask {name!r} of {path!r} is no record")
        title = f"{label}[{name}]"
        if record.get("name") == "LCPagedMask":
            found[name] = mask_reader(record["mask"].resolve(path), title, attrs.shape or ())
            continue
        try:
            found[name] = region_mask(record, attrs, title)
        except LatticeError as error:
            warnings.warn(
                f"the mask {name!r} of {path!r} is left out: {error.message}", LatticeWarning, stacklevel=2
            )
    return found


def mask_reader(path: str, label: str, shape: tuple[int, ...]) -> TileReader:
    """Return the mask in a table of bits.

    Raises
    ------
    FormatError
        If it does not fit an image of `shape`.
    """
    table = Table(path)
    columns = table.description.columns
    if not columns or columns[0].kind != "array" or columns[0].code != 0:
        raise FormatError(f"{path!r} is no mask: it holds no truth values")
    reader = open_reader(array_layout(table, columns[0].name), label, table.version)
    if reader.shape != shape:
        raise FormatError(f"the mask {path!r} has the shape {reader.shape}, its image {shape}")
    return reader


def _groups(path: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    groups = keywords.get("ATTRGROUPS")
    if not isinstance(groups, Mapping):
        return {}
    return {
        name: read_group(reference.resolve(path))
        for name, reference in groups.items()
        if isinstance(reference, TableRef)
    }
