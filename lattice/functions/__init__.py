"""The functions of the language: each is defined once, by one decorated definition.

Owns what every function means: types, masks, kernels, documentation.  The modules of this package are
imported by `lattice.functions.registry` when a function is first looked up.  Nothing here knows files,
dask or xarray.
"""
