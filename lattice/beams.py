"""A restoring beam as a value."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lattice.image.make import beams_of

if TYPE_CHECKING:
    from astropy.units import Quantity

__all__ = ["Beam"]

# of a Gaussian whose widths are full widths at half maximum
_AREA = math.pi / (4 * math.log(2))


@dataclass(frozen=True, slots=True)
class Beam:
    """An elliptical Gaussian beam.

    It unpacks into the three numbers that images keep: ``major, minor, angle = beam``.

    Attributes
    ----------
    major_deg, minor_deg : float
        Full widths at half maximum in degrees, the larger one first.
    pa_deg : float
        Position angle of the major axis in degrees, from north to east.

    Examples
    --------
    >>> from lattice.beams import Beam
    >>> beam = Beam(10 / 3600, 5 / 3600, 30.0)
    >>> str(beam), f"{beam.area_sr:.5g}"
    ('10 x 5 arcsec, 30 deg', '1.3316e-09')
    """

    major_deg: float
    minor_deg: float
    pa_deg: float = 0.0

    def __post_init__(self) -> None:
        ((major, minor, angle),) = beams_of((self.major_deg, self.minor_deg, self.pa_deg))
        object.__setattr__(self, "major_deg", major)
        object.__setattr__(self, "minor_deg", minor)
        object.__setattr__(self, "pa_deg", angle)

    @classmethod
    def of(cls, beam: Any) -> Beam:
        """Make a beam of (major, minor, angle) in degrees or as Quantities, or of a radio_beam.Beam."""
        return beam if isinstance(beam, Beam) else cls(*beams_of(beam)[0])

    def __iter__(self) -> Iterator[float]:
        return iter((self.major_deg, self.minor_deg, self.pa_deg))

    @property
    def major(self) -> Quantity:
        """Full width at half maximum along the longer axis."""
        return _quantity(self.major_deg * 3600, "arcsec")

    @property
    def minor(self) -> Quantity:
        """Full width at half maximum along the shorter axis."""
        return _quantity(self.minor_deg * 3600, "arcsec")

    @property
    def pa(self) -> Quantity:
        """Position angle of the major axis, from north to east."""
        return _quantity(self.pa_deg, "deg")

    @property
    def area_sr(self) -> float:
        """Solid angle in steradian."""
        return _AREA * math.radians(self.major_deg) * math.radians(self.minor_deg)

    @property
    def area(self) -> Quantity:
        """Solid angle."""
        return _quantity(self.area_sr, "sr")

    def to_radio_beam(self) -> Any:
        """Return the same beam as a radio_beam.Beam."""
        from radio_beam import Beam as RadioBeam  # type: ignore[import-not-found]

        return RadioBeam(major=self.major, minor=self.minor, pa=self.pa)

    def __str__(self) -> str:
        scales = ((0.1 / 3600, 3600e3, "mas"), (1 / 60, 3600, "arcsec"), (1, 60, "arcmin"))
        factor, unit = next(((f, u) for limit, f, u in scales if self.minor_deg < limit), (1.0, "deg"))
        return f"{self.major_deg * factor:.4g} x {self.minor_deg * factor:.4g} {unit}, {self.pa_deg:.4g} deg"


def _quantity(value: float, unit: str) -> Quantity:
    from astropy.units import Quantity

    return Quantity(value, unit)
