"""The checks that every format passes, as a class to inherit from."""

from __future__ import annotations

from lattice.testing.damage import DamageChecks
from lattice.testing.parts import PartsChecks
from lattice.testing.reading import ReadingChecks
from lattice.testing.writing import WritingChecks

__all__ = ["FormatConformance"]


class FormatConformance(ReadingChecks, PartsChecks, WritingChecks, DamageChecks):
    """All checks of a file format; subclass it in a test module, and pytest runs them.

    What the format holds is taken from `Format.can`: what is among it must come back as it was written, what
    is not must be named by `lattice.io.losses.losses`.  A format without ``write`` gets the checks of reading
    when the subclass says how its files are made, in `make`.

    Attributes
    ----------
    format : str or Format
        Name of the format, or the format. Checks run in other processes as well, so that it is a registered
        name or an object that can be pickled.
    options : dict
        Options for `Format.create`.
    selectors : dict
        Selectors for `Format.open`.
    suffix : str
        Ending of the files; the first of the format if empty.
    lacks : frozenset of str
        Words of `Format.can` that do not hold with these options.
    dtypes : tuple of str
        Types of pixels; all that `Format.can` promises if empty.
    shapes : tuple of tuple of int
        Shapes that are written and read back in each type.
    shape : tuple of int
        Shape for the checks of sections; choose one of several tiles in each direction.
    comments : bool
        Whether comments of header entries are kept.
    beam_tolerance : float
        Relative accuracy of beams.
    unit : str
        A brightness unit that the format can hold.
    examples : int
        Number of random sections that hypothesis tries.
    large : bool
        Whether files above 4 GB can be made with holes; that check has the marker ``slow``.
    corruptions : int
        Number of files with a wrong byte that are tried.
    seconds, memory : float, int
        What opening and reading one damaged file may take; memory in bytes.

    Examples
    --------
    A test module of a package whose entry point ``mine`` in the group ``lattice.formats`` is a format:

    >>> from lattice.testing import FormatConformance
    >>> class TestMine(FormatConformance):
    ...     format = "mine"
    ...     shape = (3, 200, 300)
    >>> class TestMineCompressed(TestMine):
    ...     options = {"compress": "gzip"}

    One that only reads makes its files by other means:

    >>> class TestOld(FormatConformance):
    ...     format = "old"
    ...     dtypes = ("f4",)
    ...     def make(self, path, sample):
    ...         sample.values.tofile(path)
    """
