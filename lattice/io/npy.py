"""NumPy ``.npy`` files as plain lattices: values and shape, nothing else."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np

from lattice.coords.system import default_dims
from lattice.errors import FormatError, LatticeError
from lattice.io.atomic import Staging, allocate
from lattice.io.base import ImageSpec, Output, Stored
from lattice.io.files import Opened, identify, pwrite_from, read_range
from lattice.io.places import absolute, name_of, start_of
from lattice.io.plain import PlainReader, PlainWriter
from lattice.io.raw import Layout

__all__ = ["NpyFormat", "NpyOutput"]

_MAGIC = b"\x93NUMPY"


class NpyFormat:
    """Arrays that ``numpy.save`` writes (``.npy``)."""

    name = "npy"
    suffixes = (".npy",)
    description = "NumPy arrays: values only, in C or Fortran order; written in C order"
    can = frozenset({"read", "write", "parallel", "remote", "bool", "float", "complex"})

    def sniff(self, path: str) -> bool:
        """Return True if the file starts as ``numpy.save`` writes it."""
        return start_of(path, len(_MAGIC)) == _MAGIC

    def open(self, path: str, **selectors: Any) -> Stored:
        """Open an array.

        Integers become floats as those of FITS images do. NaN values are values: an array has no mark for
        bad pixels.

        Parameters
        ----------
        path : str
            The file.
        """
        if selectors:
            raise LatticeError(f"a NumPy array is not selected by {', '.join(selectors)}")
        path = absolute(path)
        identity = identify(path)
        with Opened(path, identity) as fd:
            head = read_range(fd, 0, 1 << 16, path, identity.size)
        layout, fortran = _parse(path, head)
        if layout.offset + layout.nbytes > identity.size:
            raise FormatError(
                f"{path!r} is truncated: its values should end at byte {layout.offset + layout.nbytes}, "
                f"the file has {identity.size}",
                hint="copy or download the file again",
            )
        reader = PlainReader(path, identity, layout, name_of(path), fortran)
        dims = default_dims(["none"] * len(reader.shape))
        return Stored(reader=reader, dims=dims, source=path, format=self.name)

    def create(
        self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False, **options: Any
    ) -> Output:
        """Start a new array.

        Parameters
        ----------
        path : str
            Where it will be.
        spec : ImageSpec
            Its shape and type; an array holds nothing else.
        overwrite : bool
            Whether an existing file may be replaced.
        sync : bool
            Whether it must survive a power failure.
        """
        if options:
            raise LatticeError(f"NumPy output has no option {', '.join(options)}")
        return NpyOutput(path, spec, overwrite=overwrite, sync=sync)


def _parse(path: str, head: bytes) -> tuple[Layout, bool]:
    """Return where the values lie, in the order of the file, and whether that is Fortran's."""
    stream = io.BytesIO(head)
    try:
        version = np.lib.format.read_magic(stream)
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        elif version == (2, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
        else:
            # later versions differ in the names of fields, which pixels do not have
            raise FormatError(f"{path!r}: a NumPy file of version {version[0]}.{version[1]} holds no pixels")
    except FormatError:
        raise
    except Exception as exc:  # the header is a Python literal, whose parser can raise nearly anything
        raise FormatError(f"{path!r} has a damaged NumPy header: {exc}") from exc
    if dtype.kind not in "biufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise FormatError(
            f"{path!r}: values of type {dtype} cannot be pixels",
            hint="pixels are booleans, integers, floats (to 64 bits) or complex numbers (to 128)",
        )
    lengths = tuple(int(n) for n in shape)
    if len(lengths) > 32 or any(n < 0 for n in lengths) or math.prod(lengths) * dtype.itemsize >= 1 << 62:
        raise FormatError(f"{path!r}: an array of shape {lengths} is not possible")
    return Layout(stream.tell(), lengths[::-1] if fortran else lengths, dtype), bool(fortran)


class NpyOutput(Output):
    """An array file being written.

    Parameters
    ----------
    path : str
        Where it will be.
    spec : ImageSpec
        What it will be.
    overwrite, sync : bool
        See `lattice.io.atomic.Staging`.
    """

    def __init__(self, path: str, spec: ImageSpec, *, overwrite: bool = False, sync: bool = False) -> None:
        super().__init__()
        self._open = False
        dtype = np.dtype(spec.dtype).newbyteorder("<")
        stream = io.BytesIO()
        about = {"descr": dtype.str, "fortran_order": False, "shape": tuple(map(int, spec.shape))}
        np.lib.format.write_array_header_1_0(stream, about)
        header = stream.getvalue()
        layout = Layout(len(header), tuple(spec.shape), dtype)
        self._stage = Staging(path, overwrite=overwrite, sync=sync)
        self.path = self._stage.path
        try:
            with Opened(self._stage.temp, None) as fd:
                allocate(fd, len(header) + layout.nbytes, path)
                pwrite_from(fd, memoryview(header), 0, path)
        except BaseException:
            self._stage.abort()
            raise
        self.writer = PlainWriter(self._stage.temp, layout)
        self.mask_writers = {}
        self._open = True

    def _commit(self) -> None:
        self._stage.commit()

    def _abort(self) -> None:
        self._stage.abort()
