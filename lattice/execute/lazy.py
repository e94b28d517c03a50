"""Graphs as dask arrays, lazy to the end."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np

from lattice.config import Options, get_options
from lattice.errors import LatticeError, ShapeMismatchError
from lattice.execute.run import settled
from lattice.execute.strips import Strips
from lattice.graph.node import Literal, Node
from lattice.graph.types import BOOL
from lattice.plan.blocks import choose
from lattice.plan.program import Program, lower
from lattice.plan.stages import outline, settle

__all__ = ["dask_arrays"]


def dask_arrays(node: Node, options: Options | None = None) -> tuple[Any, Any]:
    """Return values and mask as dask arrays; the mask is None where every pixel is good.

    Nothing is computed: scalars that depend on pixels are one task of the graph, on which the blocks
    depend.

    Parameters
    ----------
    node : Node
        A lattice, or a scalar (an array of no axes).
    options : Options, optional
        The default are those that hold in the calling context.
    """
    import dask.array as da
    from dask.delayed import delayed

    planned = getattr(
        da, "array_expr_enabled", None
    )  # older versions have neither the plans nor the question
    if planned is not None and planned():
        raise LatticeError(
            "dask's array query planning is on, which does not support what lattice needs yet",
            hint="unset DASK_ARRAY__QUERY_PLANNING before dask is imported",
        )
    options = options or get_options()
    shape = node.attrs.shape
    if shape is None:
        raise ShapeMismatchError("an index condition has no shape of its own")
    dtype = node.attrs.dtype
    scalars, streamed = outline(node)
    job: Any = _Boxed(settle([node])[0])
    if scalars:
        job = delayed(_settled, pure=False)(job, options)
    if not shape:
        parts = [da.from_delayed(delayed(_scalar)(job, i), (), t) for i, t in enumerate((dtype, BOOL))]  # type: ignore[no-untyped-call]
        return parts[0], parts[1] if node.attrs.masked else None
    program = lower([streamed], shape)
    blocks = choose(program, options)
    chunks = tuple(
        tuple(min(b, n - i) for i in range(0, n, b)) or (0,) for n, b in zip(shape, blocks.block, strict=True)
    )

    def arrays(part: int, kind: Any) -> Any:
        return da.map_blocks(  # type: ignore[no-untyped-call]
            _block,
            chunks=chunks,
            dtype=kind,
            meta=np.empty((0,) * len(shape), kind),
            job=job,
            part=part,
            strip=options.strip,
        )

    return arrays(0, dtype), arrays(1, BOOL) if program.outputs[0][1] is not None else None


class _Boxed:
    """A graph as one opaque value of a dask graph, lowered once in each process."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self._program: Program | None = None
        self._token = uuid.uuid4().hex  # dask takes tasks of one name for the same

    def __reduce__(self) -> tuple[Any, ...]:
        return (_Boxed, (self.node,))

    def __dask_tokenize__(self) -> str:
        return self._token

    def strips(self, strip: int) -> Strips:
        """Return the program made ready for one block."""
        if self._program is None:
            self._program = lower([self.node], self.node.attrs.shape or ())
        return Strips(self._program, strip)


def _settled(box: _Boxed, options: Options) -> _Boxed:
    # a task of dask's own threads: a pool inside a pool would only wait
    return _Boxed(settled([box.node], options.replace(scheduler="synchronous"))[0])


def _scalar(box: _Boxed, part: int) -> np.ndarray:
    node = box.node
    assert isinstance(node, Literal), "scalars are settled by now"
    if part == 1:
        return np.array(node.value is not None)
    return np.array(0 if node.value is None else node.value, node.attrs.dtype)


def _block(*, job: _Boxed, part: int, strip: int, block_info: Any = None) -> np.ndarray:
    """Compute one block; `block_info` is how dask tells which."""
    where = block_info[None]["array-location"]
    section = tuple(slice(int(a), int(b), 1) for a, b in where)
    values, mask = job.strips(strip).array(section)
    if part == 0:
        return values
    return np.ones(values.shape, bool) if mask is None else mask
