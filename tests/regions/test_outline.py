"""Outlines of regions run between the pixels that belong and those that do not."""

from __future__ import annotations

import numpy as np
import pytest

from lattice.graph.attributes import Attributes
from lattice.graph.sections import full
from lattice.regions import (
    Annulus,
    Circle,
    PixelBox,
    PixelEllipse,
    PixelEllipsoid,
    PixelPolygon,
    Region,
    from_crtf,
)
from lattice.regions.outline import outline

Path = pytest.importorskip("matplotlib.path").Path
SHAPE = (6, 30, 40)
ATTRS = Attributes(np.dtype("f4"), SHAPE, ("frequency", "y", "x"))


@pytest.mark.parametrize(
    "region",
    [
        PixelEllipse((14.2, 19.7), (5.3, 11.1), 0),
        PixelEllipse((14.2, 19.7), (5.3, 11.1), 37),
        PixelEllipse((3.2, 38.7), (5.3, 11.1), -70),
        PixelEllipsoid((2.4, 14.2, 19.7), (3.1, 9.2, 7.3)),
        PixelPolygon((3.2, 30.3, 20.4, 15.1), (4.1, 6.2, 28.8, 10.3)),
        PixelEllipse((14.2, 19.7), (5.3, 11.1), 37) & PixelBox((1, 0, 0), (3, 29, 39)),
        PixelEllipsoid((2.4, 14.2, 19.7), (3.1, 9.2, 7.3)) & PixelBox((1, 0, 0), (3, 29, 39)),
        Circle(("12.3pix", "14.4pix"), "8.7pix"),
        Annulus(("20.3pix", "14.4pix"), "4.2pix", "8.7pix"),
        from_crtf("poly[[3.3pix, 4.1pix], [30.2pix, 6.2pix], [20.1pix, 28.3pix]]"),
    ],
)
def test_curves_separate_the_pixels(region: Region) -> None:
    fitted = region.fit(ATTRS)
    mask = fitted.mask(full(SHAPE))
    y, x = np.indices(SHAPE[1:])
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    for channel in range(SHAPE[0]):
        curves = outline(fitted, (1, 2), {0: channel})
        assert curves is not None
        inside = np.zeros(len(points), bool)
        for curve in curves:
            np.testing.assert_allclose(curve[0], curve[-1], atol=1e-9)
            inside ^= Path(curve).contains_points(points)
        np.testing.assert_array_equal(inside.reshape(SHAPE[1:]), mask[channel])


@pytest.mark.parametrize(
    "region",
    [
        PixelBox((0, 1, 1), (5, 9, 9)),
        PixelEllipse((14.2, 19.7), (5.3, 11.1)) | PixelEllipse((4.2, 9.7), (5.3, 4.1)),
        PixelEllipse((14.2, 19.7), (5.3, 11.1)) - PixelEllipse((14.2, 19.7), (3.3, 12.1)),
        PixelEllipse((14.2, 19.7), (5.3, 11.1)) & PixelBox((0, 1, 1), (5, 19, 29)),
        PixelEllipse((3.2, 19.7), (2.3, 11.1), axes=(0, 2)),
        ~PixelEllipse((14.2, 19.7), (5.3, 11.1)),
    ],
)
def test_other_edges_are_those_of_pixels(region: Region) -> None:
    assert outline(region.fit(ATTRS), (1, 2), {0: 2}) is None
