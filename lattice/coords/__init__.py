"""Coordinates of the axes of an image.

Owns the coordinate system that images carry, its exact arithmetic on FITS WCS headers, and the
names of dimensions.  It must not know files or dask.
"""
