"""Speed and memory of lattice beside the programs a user could pick instead.

``python -m benchmarks`` runs the same expressions on the same pixels in lattice, casacore's LEL,
spectral-cube, libvips, plain dask.array and numexpr, checks that the results agree, and prints
seconds and ratios together with the physical limits of the machine.  ``python -m benchmarks memory``
measures the peak memory on a cube that is larger than the limit, ``python -m benchmarks operations``
statistics, collapses, moments, smoothing and regridding beside CASA and spectral-cube.  The
``bench_*.py`` modules hold classes in asv's naming (``time_``, ``peakmem_``, ``track_``).

Nothing here is imported by lattice itself.
"""
