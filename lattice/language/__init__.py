"""The Lattice Expression Language: from text to graph nodes.

``parser`` turns text into the syntax tree of ``syntax`` by the grammar that ``grammar`` finds, ``diagnosis``
words its complaints, and ``binder`` resolves the names and builds graph nodes.  Nothing here knows files,
dask or execution: names are looked up through the ``Resolver`` that the caller hands in.
"""
