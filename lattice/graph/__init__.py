"""The expression graph: frozen nodes and what they know about their result.

Owns the nodes, their attributes (type, dims, shape, unit, coordinates, mask), the rules that infer
them, and the way back to text.  It must not know dask, xarray, lark or any file.
"""
