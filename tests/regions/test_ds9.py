"""DS9 texts and the shapes of astropy's package `regions`, against the masks that it makes itself."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lattice.coords.system import CoordinateSystem
from lattice.errors import LatticeError, LatticeTypeError, RegionError, StorageError
from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions import (
    Annulus,
    CenterBox,
    Circle,
    Ellipse,
    Region,
    RotatedBox,
    SpectralRange,
    WorldBox,
    WorldPolygon,
    from_astropy,
    from_crtf,
    from_ds9,
    to_astropy,
    to_ds9,
)

package = pytest.importorskip("regions")

SHAPE = (50, 60)
_CARDS = [
    ("CTYPE1", "RA---TAN", ""), ("CRPIX1", 30.0, ""), ("CRVAL1", 150.0, ""), ("CDELT1", -0.01, ""),
    ("CTYPE2", "DEC--TAN", ""), ("CRPIX2", 25.0, ""), ("CRVAL2", 2.0, ""), ("CDELT2", 0.01, ""),
    ("CUNIT1", "deg", ""), ("CUNIT2", "deg", ""), ("RADESYS", "ICRS", ""),
]  # fmt: skip
COORDS = CoordinateSystem.from_header(_CARDS, SHAPE)
IMAGE = Attributes(np.dtype("f4"), SHAPE, COORDS.dims, coords=COORDS)

TEXT = """# Region file format: DS9
image
circle(31.2, 20.3, 7.7)
-circle(31.2, 20.3, 2.4)
ellipse(20.4, 30.1, 9.3, 4.2, 25)
box(40.2, 40.4, 12.3, 5.2, 30)
annulus(15.3, 12.1, 2.2, 5.4)
polygon(40.2, 5.1, 55.3, 8.2, 50.1, 20.9)
# text(3,4) text={here}
icrs
circle(150.12, 2.07, 0.0533)
ellipse(149.85, 1.95, 0.0733, 0.0333, 25)
"""


def _mask(region: Region) -> np.ndarray:
    return region.fit(IMAGE).mask(full(SHAPE))


def test_pixels_are_those_of_the_package() -> None:
    expected = np.zeros(SHAPE, bool)
    for shape in package.Regions.parse(TEXT, format="ds9"):
        pixels = shape.to_pixel(COORDS.wcs()) if hasattr(shape, "to_pixel") else shape
        if not hasattr(pixels, "to_mask") or type(pixels).__name__ == "TextPixelRegion":
            continue
        part = pixels.to_mask(mode="center").to_image(SHAPE) > 0
        expected = expected | part if shape.meta.get("include", True) else expected & ~part
    found = from_ds9(TEXT)
    np.testing.assert_array_equal(_mask(found), expected)
    assert [i.sign for i in found.items].count("-") == 1
    assert found.items[-3].sign == "ann"


_ALL = [
    Circle((150.02, 2.03), 0.1, "ICRS"),
    Circle(("20pix", "30pix"), "4.3pix"),
    Annulus((150.02, 2.03), 0.05, 0.1, "J2000"),
    Ellipse(("20pix", "30pix"), ("9.3pix", "4.3pix"), 33),
    Ellipse((150.02, 2.03), (0.1, 0.05), -20, "ICRS"),
    CenterBox(("20pix", "30pix"), ("9.3pix", "4.3pix")),
    RotatedBox((150.02, 2.03), (0.1, 0.05), -20, "ICRS"),
    WorldPolygon([("20pix", "30pix"), ("9.3pix", "4.3pix"), ("40pix", "10pix")]),
    WorldBox(("20pix", "30pix"), ("9.3pix", "4.3pix")),
]


@pytest.mark.parametrize("region", _ALL, ids=lambda r: type(r).__name__)
def test_shapes_go_there_and_back(region: Region) -> None:
    back = from_astropy(to_astropy(region))
    if not isinstance(region, WorldBox):
        (item,) = back.items
        assert type(item.shape) is type(region)
    np.testing.assert_array_equal(_mask(back), _mask(region))
    np.testing.assert_array_equal(_mask(from_ds9(to_ds9(region))), _mask(region))


def test_files_and_lists(tmp_path: Path) -> None:
    region = _ALL[0] - _ALL[1]
    path = tmp_path / "a.reg"
    path.write_text(to_ds9(region))
    np.testing.assert_array_equal(_mask(from_ds9(path)), _mask(from_ds9(str(path))))
    np.testing.assert_array_equal(_mask(from_ds9(path)), _mask(region))
    galactic = from_ds9("galactic; circle(237.5, 41.2, 0.1)")
    assert galactic.items[0].shape.frame == "GALACTIC"
    with pytest.raises(StorageError):
        from_ds9("missing.reg")
    with pytest.raises(LatticeTypeError):
        from_ds9(3)  # type: ignore[arg-type]


def test_what_has_no_counterpart() -> None:
    with pytest.raises(RegionError, match="no ranges"):
        to_ds9(_ALL[0] & SpectralRange("1GHz", "2GHz"))
    with pytest.raises(RegionError, match="in the frame of the image"):
        to_ds9(Circle((150, 2), 0.1))
    np.testing.assert_array_equal(
        _mask(from_ds9(to_ds9(Circle((150, 2), 0.1), "ICRS"))), _mask(Circle((150, 2), 0.1))
    )
    drawn = from_crtf("ann circle[[1pix, 2pix], 3pix]\ncircle[[4pix, 5pix], 3pix]")
    assert len(to_astropy(drawn)) == 1
    with pytest.raises(RegionError, match="both in pixels"):
        to_ds9(Circle((150, 2), "3pix"))
    with pytest.raises(RegionError, match="no counterpart"):
        from_astropy(3)
    place = package.PixCoord(1, 2)
    with pytest.raises(RegionError, match="no counterpart"):
        from_astropy(package.EllipseAnnulusPixelRegion(place, 1, 2, 1, 2))
    with pytest.raises(RegionError, match="list is empty"):
        from_ds9("")


@given(st.text(max_size=60) | st.text("circle(),.;\n 0123456789-#boxpg", max_size=60))
def test_no_text_gives_another_error(text: str) -> None:
    with contextlib.suppress(LatticeError):
        from_ds9(text + "\n")
