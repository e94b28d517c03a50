"""From a graph to work: programs for strips of pixels, stages, blocks and projected memory.

Knows the graph, functions, operations, coordinates and regions; must not know dask or any file format.
"""
