"""Tables: table.dat with its description, keywords and columns, table.info, and tables of few rows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from lattice.errors import FormatError, StorageError
from lattice.io.casa.aipsio import AipsReader, AipsWriter
from lattice.io.casa.locks import SyncData, TableLock, new_lock_file, read_sync
from lattice.io.casa.records import (
    NAMES,
    STRING,
    TYPES,
    Order,
    TableRecord,
    read_position,
    read_record,
    read_scalar,
    write_position,
    write_record,
    write_scalar,
)
from lattice.io.files import is_url, not_found, storage_error
from lattice.io.places import join, read_all, read_several

__all__ = [
    "Column",
    "Description",
    "Manager",
    "Table",
    "load",
    "read_info",
    "replace_file",
    "rewrite_rows",
    "table_dat",
    "write_info",
    "write_rows",
]

_DIRECT = 1
_MOST_BYTES = 1 << 30  # of one file of metadata

_CLASSES = {
    "ScalarColumnDesc<": "scalar",
    "ArrayColumnDesc<": "array",
    "ScalarRecordColumnDesc": "record",
    "SubTableDesc": "table",
}


@dataclass
class Column:
    """Description of a column.

    Attributes
    ----------
    name, comment : str
        Name and comment.
    code : int
        Type code of a value, also for columns of arrays.
    kind : str
        ``scalar``, ``array``, ``record`` or ``table``.
    option : int
        Bits: 1 arrays are stored in the row, 4 their shape is fixed.
    ndim : int
        Axes of the arrays; -1 for any number.
    shape : tuple of int
        Fixed shape of the arrays, in casacore's order.
    max_length : int
        Longest text, 0 for any.
    keywords : dict
        Keywords of the column.
    default : object
        Value of new cells.
    manager, group : str
        Storage that was wished for.
    """

    name: str
    code: int
    kind: str = "scalar"
    comment: str = ""
    option: int = 0
    ndim: int = 0
    shape: tuple[int, ...] = ()
    max_length: int = 0
    keywords: TableRecord = field(default_factory=TableRecord)
    default: Any = None
    manager: str = "StandardStMan"
    group: str = "StandardStMan"

    @property
    def direct(self) -> bool:
        """True if arrays are stored in the row."""
        return bool(self.option & _DIRECT)

    @property
    def indirect(self) -> bool:
        """True if arrays are stored apart, in a file of arrays."""
        return self.kind in ("array", "record") and not self.direct


@dataclass
class Description:
    """Description of a table: keywords and columns."""

    name: str = ""
    version: str = ""
    comment: str = ""
    keywords: TableRecord = field(default_factory=TableRecord)
    private: TableRecord = field(default_factory=TableRecord)
    columns: list[Column] = field(default_factory=list)

    def column(self, name: str) -> Column | None:
        """Return the column of a name, if there is one."""
        return next((c for c in self.columns if c.name == name), None)


@dataclass
class Manager:
    """A data manager: what keeps the cells of some columns."""

    kind: str
    number: int
    data: bytes = b""


# -- descriptions -------------------------------------------------------------------------------


def _read_column(r: AipsReader) -> Column:
    r.u32()
    name = r.string()
    kind = next((k for prefix, k in _CLASSES.items() if name.startswith(prefix)), None)
    if kind is None:
        raise r.damaged(f"a column of the unknown class {name[:40]!r}")
    r.u32()
    c = Column(r.string(), 0, kind, r.string())
    c.manager, c.group = r.string(), r.string()
    c.code, c.option, c.ndim = r.i32(), r.i32(), r.i32()
    if kind in ("array", "table"):
        c.shape = read_position(r)
    c.max_length = r.u32()
    c.keywords = read_record(r)
    r.u32()
    if c.code not in TYPES and c.code != STRING and kind in ("scalar", "array"):
        raise r.damaged(f"the column {c.name[:40]!r} has the unknown data type {c.code}")
    if kind == "scalar":
        c.default = read_scalar(r, c.code)
    elif kind == "array":
        r.flag()
    elif kind == "table":
        r.string()
        if not r.flag():
            _read_description(r)
    return c


def _write_column(w: AipsWriter, c: Column) -> None:
    prefix = next(prefix for prefix, kind in _CLASSES.items() if kind == c.kind)
    w.u32(1)
    w.string(prefix + NAMES[c.code] if c.kind in ("scalar", "array") else prefix)
    w.u32(1)
    for text in (c.name, c.comment, c.manager, c.group):
        w.string(text)
    w.i32(c.code)
    w.i32(c.option)
    w.i32(c.ndim)
    if c.kind == "array":
        write_position(w, c.shape)
    w.u32(c.max_length)
    write_record(w, c.keywords)
    w.u32(1)
    if c.kind == "scalar":
        empty = "" if c.code == STRING else 0
        write_scalar(w, c.code, empty if c.default is None else c.default)
    elif c.kind == "array":
        w.flag(False)


def _read_description(r: AipsReader) -> Description:
    _, version = r.begin("TableDesc")
    d = Description(r.string(), r.string(), r.string())
    d.keywords = read_record(r)
    if version > 1:
        d.private = read_record(r)
    d.columns = [_read_column(r) for _ in range(r.count(40))]
    r.end()
    return d


def _write_description(w: AipsWriter, d: Description) -> None:
    w.begin("TableDesc", 2)
    for text in (d.name, d.version, d.comment):
        w.string(text)
    write_record(w, d.keywords)
    write_record(w, d.private)
    w.u32(len(d.columns))
    for c in d.columns:
        _write_column(w, c)
    w.end()


# -- tables -------------------------------------------------------------------------------------


class Table:
    """A plain table: what its table.dat, table.info and table.lock say.

    Parameters
    ----------
    path : str
        The folder.

    Attributes
    ----------
    order : {">", "<"}
        Byte order of the data.
    rows : int
        Number of rows.
    description : Description
        Keywords and columns.
    managers : list of Manager
        Data managers.
    bindings : dict of str to (int, tuple)
        By column the number of its manager, and the shape of its arrays if that is fixed.
    next_number : int
        First number that no manager has had.
    sync : SyncData or None
        What table.lock says.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        file = join(path, "table.dat")
        r = AipsReader(load(file), ">", repr(file))
        version = r.begin("Table")[1]
        if not 1 <= version <= 3:
            raise FormatError(f"{path!r} is a table of the unknown version {version}")
        self.rows = r.u64() if version > 2 else r.u32()
        self.order: Order = ">" if r.u32() == 0 else "<"
        kind = r.string()
        if kind != "PlainTable":
            raise FormatError(
                f"{path!r} is a table that refers to others ({kind[:20]}), not an image",
                hint="copy it in CASA, which makes it a plain table",
            )
        self.description = _read_description(r)
        if version == 1:
            self.keywords.update(read_record(r))
        self.next_number = 0
        self.managers: list[Manager] = []
        self.bindings: dict[str, tuple[int, tuple[int, ...]]] = {}
        self._read_columns(r)
        r.end()
        self.sync = read_sync(join(path, "table.lock"))
        # casacore adds rows without writing table.dat again
        if self.sync is not None and self.sync.rows:
            self.rows = self.sync.rows

    @property
    def version(self) -> int:
        """Counter of changes."""
        return self.sync.modified if self.sync is not None else 0

    @property
    def keywords(self) -> TableRecord:
        """Keywords of the table."""
        return self.description.keywords

    def _read_columns(self, r: AipsReader) -> None:
        version = -r.i32()
        if version > 0:
            r.u64() if version >= 3 else r.u32()
            if version >= 3:
                option = r.i32()
                r.i32()
                if option not in (2, 3):
                    raise FormatError(
                        f"{self.path!r} keeps all its data in one file, which is not supported",
                        hint="copy the image in CASA with the default storage option",
                    )
        self.next_number = r.u32()
        self.managers = [Manager(r.string(), r.u32()) for _ in range(r.count(8))]
        columns = self.description.columns
        for c in columns if version > 1 else sorted(columns, key=lambda c: c.name):
            if r.u32() == 1:
                c.keywords.update(read_record(r))
            r.string()
            r.u32()
            number = r.u32()
            shape = read_position(r) if c.kind == "array" and r.flag() else ()
            self.bindings[c.name] = (number, shape or c.shape)
        for manager in self.managers:
            manager.data = bytes(r.take(r.u32()))

    def manager_of(self, column: str) -> Manager:
        """Return the manager of a column."""
        number = self.bindings[column][0]
        found = next((m for m in self.managers if m.number == number), None)
        if found is None:
            raise FormatError(f"{self.path!r} is damaged: its column {column!r} has no data manager")
        return found

    def columns_of(self, manager: Manager) -> list[tuple[Column, tuple[int, ...]]]:
        """Return the columns of a manager, with the shape of their arrays if that is fixed."""
        return [
            (c, self.bindings[c.name][1])
            for c in self.description.columns
            if self.bindings[c.name][0] == manager.number
        ]

    def data(self, rows: int | None = None) -> bytes:
        """Return what its table.dat is to hold."""
        rows = self.rows if rows is None else rows
        return table_dat(self.description, rows, self.order, self.next_number, self.managers, self.bindings)

    def write(self) -> None:
        """Replace table.dat; other processes see the old one or the new one."""
        replace_file(os.path.join(self.path, "table.dat"), self.data())


def table_dat(
    d: Description,
    rows: int,
    order: str,
    next_number: int,
    managers: Sequence[Manager],
    bindings: Mapping[str, tuple[int, tuple[int, ...]]],
) -> bytes:
    """Return the content of a table.dat (version 2)."""
    w = AipsWriter()
    w.begin("Table", 2)
    w.u32(rows)
    w.u32(0 if order == ">" else 1)
    w.string("PlainTable")
    _write_description(w, d)
    w.i32(-2)
    w.u32(rows)
    w.u32(next_number)
    w.u32(len(managers))
    for m in managers:
        w.string(m.kind)
        w.u32(m.number)
    for c in d.columns:
        number, shape = bindings[c.name]
        w.u32(2)
        w.string(c.name)
        w.u32(1)
        w.u32(number)
        if c.kind == "array":
            w.flag(shape)
            if shape:
                write_position(w, shape)
    for m in managers:
        w.u32(len(m.data))
        w.raw(m.data)
    w.end()
    return w.content()


# -- files --------------------------------------------------------------------------------------


def load(path: str) -> bytes:
    """Return the content of a file of metadata."""
    if is_url(path):
        return read_all(path, _MOST_BYTES)
    try:
        with open(path, "rb") as f:
            size = os.fstat(f.fileno()).st_size
            if size > _MOST_BYTES:
                raise FormatError(f"{path!r} is damaged: {size} bytes are too many for a file of its kind")
            return f.read(size)
    except (FileNotFoundError, NotADirectoryError):
        if os.path.isdir(os.path.dirname(path)):
            raise FormatError(
                f"{os.path.dirname(path)!r} is incomplete: it lacks the file {os.path.basename(path)}",
                hint="copy the whole folder again",
            ) from None
        raise not_found(path) from None
    except OSError as exc:
        if isinstance(exc, FormatError):
            raise
        raise storage_error(exc, "read", path) from exc


def has_file(path: str, name: str) -> bool:
    """Tell whether there is a file of metadata in a folder."""
    if is_url(path):
        return read_several([join(path, name)], _MOST_BYTES)[0] is not None
    return os.path.isfile(os.path.join(path, name))


def replace_file(path: str, data: bytes) -> None:
    """Write a file so that others see the old content or the new one, never a part."""
    temporary = path + "_tmp"
    try:
        with open(temporary, "wb") as f:
            f.write(data)
            f.flush()
        os.replace(temporary, path)
    except OSError as exc:
        raise storage_error(exc, "write", path) from exc


def read_info(path: str) -> str:
    """Return the type that table.info names, empty if there is none."""
    if is_url(path):
        line = (read_several([join(path, "table.info")], _MOST_BYTES)[0] or b"").partition(b"\n")[0]
    else:
        try:
            with open(os.path.join(path, "table.info"), "rb") as f:
                line = f.readline(200)
        except OSError:
            return ""
    return line[7:].decode("utf-8", "replace").strip() if line.startswith(b"Type = ") else ""


def write_info(path: str, kind: str, readme: str = "") -> None:
    """Write table.info."""
    text = f"Type = {kind}\nSubType = \n\n" + (readme + "\n" if readme else "")
    replace_file(os.path.join(path, "table.info"), text.encode())


def write_rows(
    path: str,
    description: Description,
    cells: Mapping[str, Sequence[Any]],
    info: tuple[str, str] = ("", ""),
    order: str = "<",
) -> None:
    """Create a table of few rows, whose columns are kept together.

    Parameters
    ----------
    path : str
        The folder.
    description : Description
        Keywords and columns.
    cells : mapping of str to sequence
        The cells of each column.
    info : tuple of str
        Type and text for table.info.
    order : {">", "<"}
        Byte order that the table announces.
    """
    from lattice.io.casa.managers import simple_files

    try:
        os.makedirs(path, exist_ok=True)
    except OSError as exc:
        raise storage_error(exc, "write", path) from exc
    columns = description.columns
    rows = len(cells[columns[0].name]) if columns else 0
    managers, bindings = [], {}
    if columns:
        for suffix, data in simple_files(columns, cells, rows, 0).items():
            replace_file(os.path.join(path, "table.f0" + suffix), data)
        managers = [Manager("StManAipsIO", 0)]
        bindings = {c.name: (0, c.shape) for c in columns}
    write_info(path, *info)
    sync = SyncData(rows, len(columns), 1, 1, [1] * len(managers))
    replace_file(os.path.join(path, "table.lock"), new_lock_file(sync))
    data = table_dat(description, rows, order, len(managers), managers, bindings)
    replace_file(os.path.join(path, "table.dat"), data)


def rewrite_rows(
    path: str,
    description: Description,
    cells: Mapping[str, Sequence[Any]],
    lock: TableLock,
) -> None:
    """Replace the content of a table of few rows in place.

    Others see the old rows or the new ones, and so does who opens the table after a crash: the new files get
    numbers of their own, and replacing table.dat is what makes them count.

    Parameters
    ----------
    path : str
        The folder.
    description : Description
        New keywords and columns.
    cells : mapping of str to sequence
        New cells of each column.
    lock : TableLock
        The lock of the table, held for writing.

    Raises
    ------
    StorageError
        If another process has the table open and would not notice the change.
    """
    from lattice.io.casa.managers import simple_files

    table = Table(path)
    columns = description.columns
    rows = len(cells[columns[0].name]) if columns else 0
    number = _number_for(table, lock, columns)
    old = [m for m in table.managers if m.number != number]
    sync = table.sync or SyncData(table.rows, len(columns), 0, 0, [0] * len(table.managers))
    if old:  # until table.dat is replaced, rows are counted there
        lock.put_sync(replace(sync, rows=0, modified=sync.modified + 1))
    for suffix, data in simple_files(columns, cells, rows, number).items() if columns else ():
        replace_file(os.path.join(path, f"table.f{number}{suffix}"), data)
    table.description, table.rows = description, rows
    table.managers = [Manager("StManAipsIO", number)] if columns else []
    table.bindings = {c.name: (number, c.shape) for c in columns}
    table.next_number = max(table.next_number, number + 1)
    table.write()
    counters = [max(sync.data_changed, default=0)] * len(table.managers)
    changed = replace(sync, columns=len(columns), data_changed=counters)
    lock.put_sync(changed.bumped(table=True, data=True, rows=rows))
    for manager in old:
        for suffix in ("", "i"):
            with contextlib.suppress(OSError):
                os.unlink(os.path.join(path, f"table.f{manager.number}{suffix}"))


def _number_for(table: Table, lock: TableLock, columns: Sequence[Column]) -> int:
    """Return the number of the manager for new content: the old one where another process uses the table."""
    if not lock.used_elsewhere():
        return table.next_number
    same = [(c.name, c.code, c.kind) for c in columns] == [
        (c.name, c.code, c.kind) for c in table.description.columns
    ]
    if same and [m.kind for m in table.managers] == ["StManAipsIO"]:
        return table.managers[0].number
    raise StorageError(
        f"another process has {table.path!r} open and would not notice that it changes",
        hint="close the image there, and try again",
    )
