"""Running plans: strips, sinks, order statistics, dask graphs.

The only place that builds dask graphs; must not know the language.
"""
