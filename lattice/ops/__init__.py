"""Operations that change shape or labels, one file each.

An operation says what its result looks like (`_build`), and computes any section of it from sections of
its inputs (`evaluate`).  Nothing here knows dask or files.
"""
