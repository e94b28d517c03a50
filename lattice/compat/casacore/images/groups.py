"""The attribute groups of an image object: small tables that LOFAR's images carry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from lattice.compat.casacore.errors import CasacoreError, as_casacore
from lattice.compat.casacore.images import attributes
from lattice.compat.casacore.images.core import ImageCore
from lattice.graph.records import Record

__all__ = ["ImageGroups"]


class ImageGroups(ImageCore):
    """Attribute groups, row by row; see `lattice.compat.casacore.images.attributes`."""

    def _group(self, groupname: str) -> Record:
        groups = self._pixels.groups
        if groupname not in groups:
            raise CasacoreError(f"there is no attribute group {groupname!r}")
        return groups[groupname]

    def attrgroupnames(self) -> list[str]:
        """Return the names of the attribute groups."""
        return list(self._pixels.groups)

    def attrcreategroup(self, groupname: str) -> None:
        """Make an attribute group; new images and images in memory take them too."""
        with self._new_groups() as groups:
            if groupname in groups:
                raise CasacoreError(f"there is an attribute group {groupname!r} already")
            groups[groupname] = Record()

    @contextmanager
    def _new_groups(self) -> Iterator[dict[str, Record]]:
        with as_casacore():
            groups = dict(self._pixels.groups)
            yield groups
            self._pixels.put_groups(groups)

    def attrnames(self, groupname: str) -> list[str]:
        """Return the names of the attributes of a group."""
        return list(self._group(groupname))

    def attrnrows(self, groupname: str) -> int:
        """Return the number of rows of a group."""
        return attributes.n_rows(self._group(groupname))

    def attrget(self, groupname: str, attrname: str, rownr: int) -> Any:
        """Return an attribute in a row, a bool, number, text or array; where nothing was put an empty one."""
        return attributes.cell(self._group(groupname), attrname, rownr)

    def attrgetcol(self, groupname: str, attrname: str) -> list[Any]:
        """Return an attribute in all rows."""
        group = self._group(groupname)
        return [attributes.cell(group, attrname, row) for row in range(attributes.n_rows(group))]

    def attrfindrows(self, groupname: str, attrname: str, value: Any) -> list[int]:
        """Return the numbers of the rows in which an attribute has a value."""
        found = self.attrgetcol(groupname, attrname)
        return [row for row, own in enumerate(found) if np.array_equal(own, value)]

    def attrgetrow(self, groupname: str, key: int | str, value: Any = None) -> dict[str, Any]:
        """Return all attributes of a row.

        Parameters
        ----------
        groupname : str
            The group.
        key : int or str
            Number of the row; or an attribute, which has the value in this row and in no other.
        value : optional
            Of that attribute.

        Raises
        ------
        IndexError
            When no row or several have the value.
        """
        if isinstance(key, str):
            rows = self.attrfindrows(groupname, key, value)
            if len(rows) != 1:
                found = "no row" if not rows else f"{len(rows)} rows"
                raise IndexError(f"attribute {key!r} is {value!r} in {found} of group {groupname!r}")
            key = rows[0]
        return attributes.row_of(self._group(groupname), key)

    def attrgetunit(self, groupname: str, attrname: str) -> list[str]:
        """Return the units of an attribute."""
        return attributes.units_of(self._group(groupname), attrname)

    def attrgetmeas(self, groupname: str, attrname: str) -> list[str]:
        """Return type and reference frame of an attribute."""
        return attributes.measure_of(self._group(groupname), attrname)

    def attrput(
        self, groupname: str, attrname: str, rownr: int, value: Any, unit: Any = (), meas: Any = ()
    ) -> None:
        """Put an attribute into a row.

        Parameters
        ----------
        groupname, attrname : str
            Group and attribute; the attribute is made when it is not there.
        rownr : int
            The row, which may be the one behind the last.
        value : bool, int, float, complex, str or array of such
            The value.
        unit : str or list of str, optional
            Unit of a new attribute.
        meas : list of str, optional
            Type and reference frame of a new attribute, such as ``["direction", "J2000"]``.
        """
        group = self._group(groupname)
        changed = attributes.put(group, attrname, rownr, value, unit, meas)
        with self._new_groups() as groups:
            groups[groupname] = changed
