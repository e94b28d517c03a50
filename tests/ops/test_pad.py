"""Bad pixels around lattices."""

from __future__ import annotations

import numpy as np
import pytest

from lattice import Image, LatticeError
from lattice.ops.pad import pad


def test_pads_are_read_in_any_section(rng: np.random.Generator) -> None:
    values = rng.normal(size=(3, 4))
    image = Image(pad(Image(values).node, (1, 2), (0, 3)))
    expected = np.full((4, 9), np.nan)
    expected[1:, 2:6] = values
    assert image.expression == "pad(array, before=[1, 2], shape=[4, 9])"
    for key in [
        (),
        (0,),
        (slice(1, 3), slice(0, 2)),
        (slice(None, None, 2), slice(1, 8, 3)),
        (2, slice(8, 3, -2)),
    ]:
        np.testing.assert_array_equal(image[key].filled(), expected[key])
    assert pad(Image(values).node, (0, 0), (0, 0)) is Image(values).node
    truth = Image(pad(Image(values > 0).node, (1, 0), (0, 0)))
    np.testing.assert_array_equal(truth.filled(), np.vstack([np.zeros((1, 4), bool), values > 0]))
    for x, before in ((Image(3).node, ()), (Image(values).node, (1,)), (Image(values).node, (-1, 0))):
        with pytest.raises(LatticeError, match="border"):
            pad(x, before, before)
