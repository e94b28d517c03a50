"""The storage of small tables, such as logs and attribute groups: StandardStMan (read), StManAipsIO (both).

Whole files are held in memory.  Every number that leads somewhere is checked against what is there.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from lattice.errors import FormatError, LatticeError
from lattice.io.casa.aipsio import AipsReader, AipsWriter
from lattice.io.casa.records import (
    STRING,
    TYPES,
    read_block,
    read_position,
    read_texts,
    read_values,
    write_values,
)
from lattice.io.casa.tables import Column, Manager, Table, load
from lattice.io.places import join

__all__ = ["column_cells", "simple_files"]

_WIDE = (1 << 31) + 1  # marks that a position of 8 bytes follows
_START = 512  # where the buckets of a StandardStMan begin

Cells = list[Any]


def column_cells(table: Table, name: str) -> Cells:
    """Return the cells of a column of a small table; None for arrays that are not there.

    Parameters
    ----------
    table : Table
        The table.
    name : str
        The column.

    Returns
    -------
    list
        Numpy scalars, texts, or arrays in C order with casacore's axes reversed.
    """
    manager = table.manager_of(name)
    base = join(table.path, f"table.f{manager.number}")
    try:
        if manager.kind == "StManAipsIO":
            return _simple_columns(table, manager, base)[name]
        if manager.kind == "StandardStMan":
            return _Buckets(table, manager, base).cells(name)
    except (struct.error, IndexError, ValueError, OverflowError) as exc:
        if isinstance(exc, LatticeError):
            raise
        raise FormatError(f"{base!r} is damaged: {exc}", hint="copy the image again") from exc
    raise FormatError(
        f"the column {name!r} of {table.path!r} is kept by {manager.kind[:40]}, which is not supported"
    )


def _bits(raw: bytes | memoryview, start: int, n: int) -> np.ndarray:
    data = np.frombuffer(raw, np.uint8)[start // 8 : (start + n + 7) // 8]
    bits = np.unpackbits(data, bitorder="little")[start % 8 :][:n]
    if bits.size != n:
        raise ValueError("truth values lie behind its end")
    return bits.view(np.bool_)


def _product(shape: Sequence[int]) -> int:
    if any(n < 0 for n in shape):
        raise ValueError("an array has a negative length")
    return math.prod(shape) if shape else 0


class _Arrays:
    """The file of arrays that goes with a manager (``...i``)."""

    def __init__(self, path: str, order: str) -> None:
        self.path, self.order = path, order
        self.data = load(path)
        (self.version,) = struct.unpack_from(order + "I", self.data)

    def get(self, position: int, code: int) -> np.ndarray:
        """Return the array at a position."""
        data, order = self.data, self.order
        if not 0 < position < len(data):
            raise ValueError("an array lies behind its end")
        at = position + (4 if self.version > 0 else 0)  # number of users
        (ndim,) = struct.unpack_from(order + "I", data, at)
        if ndim > 32:
            raise ValueError(f"an array of {ndim} axes is announced")
        shape = struct.unpack_from(f"{order}{ndim}i", data, at + 4)
        at += 4 + 4 * ndim
        n = _product(shape)
        least = (n + 7) // 8 if code == 0 else n * (4 if code == STRING else np.dtype(TYPES[code]).itemsize)
        if least > len(data) - at:
            raise ValueError("an array lies behind its end")
        if code == STRING:
            texts = [self._text(p) for p in struct.unpack_from(f"{order}{n}I", data, at)]
            if n * max(map(len, texts), default=0) > 1 << 26:
                raise ValueError("an array of very unequal texts")
            out = np.array(texts, np.str_)
        elif code == 0:
            out = _bits(memoryview(data)[at:], 0, n)
        else:
            dtype = np.dtype(TYPES[code])
            out = np.frombuffer(data, dtype.newbyteorder(order), n, at).astype(dtype)
        return out.reshape(shape[::-1] if shape else (0,))

    def _text(self, position: int) -> str:
        if position == 0:
            return ""
        (length,) = struct.unpack_from(self.order + "I", self.data, position)
        if length > len(self.data) - position - 4:
            raise ValueError("a text lies behind its end")
        return self.data[position + 4 : position + 4 + length].decode("utf-8", "surrogateescape")


def _arrays_file(cells: Sequence[tuple[int, Any]]) -> tuple[bytes, list[int]]:
    """Return the content of a file of arrays (big-endian), and the position of each."""
    buffer = bytearray(16)  # version, length, filler
    positions = []
    for code, value in cells:
        if value is None:
            positions.append(0)
            continue
        array = np.asarray(value)
        buffer += bytes(-len(buffer) % 8)
        positions.append(len(buffer))
        buffer += struct.pack(f">I{array.ndim}i", array.ndim, *array.shape[::-1])
        if code == STRING:
            table = len(buffer)
            buffer += bytes(4 * array.size)
            for i, text in enumerate(array.ravel()):
                raw = str(text).encode("utf-8", "surrogateescape")
                struct.pack_into(">I", buffer, table + 4 * i, len(buffer))
                buffer += struct.pack(">I", len(raw)) + raw
        else:
            w = AipsWriter()
            write_values(w, code, array)
            buffer += w.buffer
        if array.size == 0:
            buffer += b"\0"
    struct.pack_into(">Iq", buffer, 0, 0, len(buffer))
    return bytes(buffer), positions


# -- StManAipsIO --------------------------------------------------------------------------------


def _simple_columns(table: Table, manager: Manager, base: str) -> dict[str, Cells]:
    """Return all columns of a StManAipsIO, which is one object."""
    columns = table.columns_of(manager)
    r = AipsReader(load(base), ">", repr(base))
    _, version = r.begin("StManAipsIO")
    if version > 1:
        r.string()
    number, _, rows, count = r.u32(), r.u32(), r.u32(), r.u32()
    if number != manager.number or count != len(columns):
        raise r.damaged("it belongs to another table")
    if rows != table.rows:
        raise FormatError(
            f"{table.path!r} is damaged: it has {rows} rows where {table.rows} are announced",
            hint="if its folder was copied over another one, remove the file table.lock in it",
        )
    for _ in range(count):
        r.i32()
    out = {c.name: _simple_column(r, c, shape, base, rows) for c, shape in columns}
    r.end()
    return out


def _simple_column(r: AipsReader, c: Column, shape: tuple[int, ...], base: str, rows: int) -> Cells:
    if c.kind == "scalar":

        def scalars(n: int, version: int) -> Cells:
            r.u32()
            return read_texts(r, n) if c.code == STRING else list(read_values(r, c.code, n))

        return _runs(r, scalars, rows)
    if c.kind == "array" and c.direct:
        return _direct_column(r, c, shape, rows)
    _, version = r.begin("StManColumnIndArrayAipsIO")
    code, number = r.i32(), r.u32()
    if code != c.code and c.kind != "record":
        raise r.damaged("a column of another type")
    name = base + ("i" if version > 1 else f"i{number}")

    def positions(n: int, version: int) -> Cells:
        if n * 4 > r.room:
            raise r.damaged(f"{n} arrays are announced where {r.room} bytes are left")
        found = (r.u32() for _ in range(n))
        return [r.i64() if p == _WIDE else p for p in found]

    where = _runs(r, positions, rows)
    r.end()
    if not any(where):
        return [None] * rows
    arrays = _Arrays(name, ">")
    return [arrays.get(p, code) if p else None for p in where]


def _direct_column(r: AipsReader, c: Column, shape: tuple[int, ...], rows: int) -> Cells:
    _, version = r.begin("StManColumnArrayAipsIO")
    if version == 1:
        r.u32()
        read_position(r)
        r.u32()
    size = _product(shape)
    if rows > 8 * r.room:  # empty arrays take no bytes, but a table of them is nothing that exists
        raise r.damaged(f"{rows} arrays are announced where {r.room} bytes are left")

    def arrays(n: int, version: int) -> Cells:
        if version > 1:
            r.u32()
        out = []
        for _ in range(n):
            if version == 1:
                r.u32()
            out.append(read_values(r, c.code, size).reshape(shape[::-1]))
        return out

    cells = _runs(r, arrays, rows)
    r.end()
    return cells


def _runs(r: AipsReader, get: Callable[[int, int], Cells], rows: int) -> Cells:
    """Return the cells of a column, which lie in runs."""
    _, version = r.begin("StManColumnAipsIO")
    if r.u32() != rows:
        raise r.damaged("a column of another number of rows")
    out: Cells = []
    while len(out) < rows:
        n = r.u32() or rows - len(out)
        if n > rows - len(out):
            raise r.damaged("a column of too many rows")
        out += get(n, version)
    r.end()
    return out


def simple_files(
    columns: Sequence[Column], cells: Mapping[str, Sequence[Any]], rows: int, number: int
) -> dict[str, bytes]:
    """Return the files of a StManAipsIO by what their names end with after ``table.f<number>``.

    Parameters
    ----------
    columns : sequence of Column
        The columns.
    cells : mapping of str to sequence
        Their cells.
    rows, number : int
        Number of rows, and number of the manager.
    """
    apart = [c for c in columns if c.indirect]
    data, positions = _arrays_file([(c.code, cell) for c in apart for cell in cells[c.name]])
    where = {c.name: positions[i * rows : (i + 1) * rows] for i, c in enumerate(apart)}
    w = AipsWriter()
    w.begin("StManAipsIO", 2)
    w.string("StManAipsIO")
    w.u32(number)
    w.u32(len(apart))
    w.u32(rows)
    w.u32(len(columns))
    for c in columns:
        w.i32(c.code)
    for c in columns:
        if c.name in where:
            w.begin("StManColumnIndArrayAipsIO", 2)
            w.i32(c.code)
            w.u32(list(where).index(c.name))
        elif c.kind == "array":
            w.begin("StManColumnArrayAipsIO", 2)
        w.begin("StManColumnAipsIO", 2)
        w.u32(rows)
        if rows:
            w.u32(rows)
            _write_cells(w, c, cells[c.name], where.get(c.name))
        w.end()
        if c.kind in ("array", "record"):
            w.end()
    w.end()
    return {"": w.content(), "i": data} if apart else {"": w.content()}


def _write_cells(w: AipsWriter, c: Column, cells: Sequence[Any], where: list[int] | None) -> None:
    if where is not None:
        for position in where:
            if position <= 1 << 31:
                w.u32(position)
            else:
                w.u32(_WIDE)
                w.i64(position)
    elif c.kind == "array":
        w.u32(len(cells) * _product(c.shape))
        for cell in cells:
            write_values(w, c.code, cell)
    else:
        w.u32(len(cells))
        if c.code == STRING:
            for cell in cells:
                w.string(str(cell))
        else:
            write_values(w, c.code, cells)


# -- StandardStMan ------------------------------------------------------------------------------


class _Buckets:
    """Buckets of one size that hold the cells column by column; an index; buckets with long texts."""

    def __init__(self, table: Table, manager: Manager, base: str) -> None:
        self.order, self.base, self.rows = table.order, base, table.rows
        r = AipsReader(manager.data, ">", repr(base))
        r.begin("SSM")
        r.string()
        self.offsets = read_block(r, np.uint32).tolist()
        self.index_of = read_block(r, np.uint32).tolist()
        r.end()
        self.data = memoryview(load(base))
        r = AipsReader(self.data[:_START], self.order, repr(base))
        _, version = r.begin("StandardStMan")
        big = r.flag() if version >= 3 else True
        if big != (self.order == ">"):
            raise FormatError(f"{base!r} is damaged: its byte order is not that of its table")
        self.size, _, _, _, _ = r.u32(), r.u32(), r.u32(), r.u32(), r.i32()
        n_index, first = r.u32(), r.i32()
        offset = r.u32() if version >= 2 else 0
        r.i32()
        length, count = r.u32(), r.u32()
        r.end()
        if not 16 <= self.size <= len(self.data):
            raise r.damaged(f"a bucket of {self.size} bytes")
        self._read_index(n_index, first, offset, length, count)
        columns = table.columns_of(manager)
        if len(self.offsets) < len(columns) or len(self.index_of) < len(columns):
            raise r.damaged("some columns have no place")
        self.columns = {c.name: (i, c, shape) for i, (c, shape) in enumerate(columns)}

    def bucket(self, number: int) -> memoryview:
        """Return the bytes of a bucket."""
        start = _START + number * self.size
        if number < 0 or start >= len(self.data):
            raise ValueError(f"there is no bucket {number}")
        return self.data[start : start + self.size]

    def _read_index(self, n_index: int, number: int, offset: int, length: int, count: int) -> None:
        if n_index > len(self.data) // self.size or length > len(self.data):
            raise ValueError(f"an index of {length} bytes in {n_index} buckets")
        raw = bytearray()
        for _ in range(n_index):
            b = self.bucket(number)
            (number,) = struct.unpack_from(">i", b, 4)  # in this order in all tables
            raw += b[offset : offset + length] if offset else b[8 : 8 + length - len(raw)]
        self.index: list[tuple[np.ndarray, np.ndarray]] = []
        position = 0
        for _ in range(count):
            r = AipsReader(bytes(raw[position:]), self.order, repr(self.base))
            _, version = r.begin("SSMIndex")
            used = r.u32()
            r.u32(), r.i32()
            r.begin("SimpleOrderedMap")  # free space
            r.i32()
            n = r.count(8)
            r.take(4 + 8 * n)
            r.end()
            last = read_block(r, np.uint32 if version == 1 else np.uint64)[:used]
            buckets = read_block(r, np.uint32)[:used]
            r.end()
            position += r.pos
            if len(last) != len(buckets):
                raise r.damaged("an index of unequal lists")
            self.index.append((last.astype(np.int64), buckets.astype(np.int64)))

    def cells(self, name: str) -> Cells:
        """Return the cells of a column."""
        number, c, shape = self.columns[name]
        last, buckets = self.index[self.index_of[number]]
        if self.rows and (not len(last) or int(last[-1]) + 1 < self.rows):
            raise ValueError(f"it has no place for {self.rows} rows")
        arrays: _Arrays | None = None
        out: Cells = []
        start = 0
        for end, bucket in zip(last.tolist(), buckets.tolist(), strict=True):
            b = self.bucket(bucket)
            count = min(end + 1, self.rows) - start
            if count > 8 * self.size:
                raise ValueError(f"a bucket of {count} rows is announced")
            for k in range(count):
                cell = self._cell(c, shape, b, self.offsets[number], k)
                if isinstance(cell, _Position):
                    arrays = arrays or _Arrays(self.base + "i", self.order)
                    cell = arrays.get(cell, 2 if c.kind == "record" else c.code)
                out.append(cell)
            start = end + 1
        return out

    def _cell(self, c: Column, shape: tuple[int, ...], b: memoryview, at: int, k: int) -> Any:
        fixed = c.kind == "array" and c.direct
        n = _product(shape) if fixed else 1
        if c.kind == "record" or (c.kind == "array" and not fixed and c.code != STRING):
            (position,) = struct.unpack_from(self.order + "q", b, at + 8 * k)
            return _Position(position) if position else None
        if c.code == STRING:
            return self._text_cell(c, shape, b, at, k)
        if c.code == 0:
            bits = _bits(b[at:], k * n, n)
            return bits.reshape(shape[::-1]) if fixed else bits[0]
        dtype = np.dtype(TYPES[c.code])
        values = np.frombuffer(b, dtype.newbyteorder(self.order), n, at + k * n * dtype.itemsize)
        return values.astype(dtype).reshape(shape[::-1]) if fixed else values.astype(dtype)[0]

    def _text_cell(self, c: Column, shape: tuple[int, ...], b: memoryview, at: int, k: int) -> Any:
        if c.max_length and c.kind == "scalar":
            at += k * c.max_length
            raw = bytes(b[at : at + c.max_length])
            return raw.split(b"\0")[0].decode("utf-8", "surrogateescape")
        at += 12 * k
        bucket, offset, length = struct.unpack_from(self.order + "3i", b, at)
        if c.kind == "scalar":
            raw = bytes(b[at : at + length]) if length <= 8 else self._text(bucket, offset, length)
            return raw.decode("utf-8", "surrogateescape")
        if length == 0:
            return np.full(shape[::-1], "") if c.direct else None
        raw = self._text(bucket, offset, length)
        at, filled = 0, 1
        if not c.direct:
            (ndim,) = struct.unpack_from(">i", raw)
            if not 0 <= ndim <= 32:
                raise ValueError(f"an array of {ndim} axes is announced")
            *shape_, filled = struct.unpack_from(f">{ndim + 1}i", raw, 4)
            shape, at = tuple(shape_), 8 + 4 * ndim
        n = _product(shape)
        if n > 1 << 24 or (filled and 4 * n > len(raw)):
            raise ValueError(f"an array of {n} texts is announced")
        texts = [""] * n
        for i in range(n if filled else 0):
            (size,) = struct.unpack_from(">i", raw, at)
            texts[i] = raw[at + 4 : at + 4 + size].decode("utf-8", "surrogateescape")
            at += 4 + max(0, size)
        if n * max(map(len, texts), default=0) > 1 << 26:
            raise ValueError("an array of very unequal texts")
        return np.array(texts, np.str_).reshape(shape[::-1] or (0,))

    def _text(self, bucket: int, offset: int, length: int) -> bytes:
        """Return a text from the buckets of texts; it goes on in the next one."""
        if not 0 <= length <= len(self.data) or offset < 0:
            raise ValueError(f"a text of {length} bytes is announced")
        out = bytearray()
        while length > 0:
            b = self.bucket(bucket)
            used, _, following = struct.unpack_from(">3i", b, 4)
            piece = b[16 + offset : 16 + min(used, offset + length)]
            if not piece:
                raise ValueError(f"the bucket {bucket} of texts is too short")
            out += piece
            length -= len(piece)
            bucket, offset = following, 0
        return bytes(out)


class _Position(int):
    """Where the array of a cell lies."""
