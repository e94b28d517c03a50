"""Loops over pixels that operations are made of: weighted sums, gathered pixels, bins.

Each is there twice: as calls of numpy on pieces that fit the cache, and as machine code where llvmlite is
installed (extra ``jit``).  Both round alike, so that results have the same bits.  Nothing here knows of
graphs, images or files.
"""
