"""Formats: images on disk and in memory, read and written by section.

Owns the registry of formats, one module per format, open files and atomic output.  It must not
know the expression language, the planner or the engine.
"""
