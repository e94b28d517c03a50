"""Random numbers as pixels."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lattice import Image
from lattice.errors import LatticeRangeError, LatticeTypeError
from lattice.io.noise import DISTRIBUTIONS, NoiseReader, distribution_named

MOMENTS = {
    "binomial": ((12, 0.25), 3.0, 2.25),
    "discreteuniform": ((2, 5), 3.5, 1.25),
    "erlang": ((6.0, 12.0), 6.0, 12.0),
    "geometric": ((0.25,), 3.0, 12.0),
    "hypergeometric": ((2.0, 9.0), 2.0, 9.0),
    "lognormal": ((3.0, 4.0), 3.0, 4.0),
    "negativeexponential": ((2.5,), 2.5, 6.25),
    "normal": ((1.5, 4.0), 1.5, 4.0),
    "poisson": ((7.0,), 7.0, 7.0),
    "uniform": ((-1.0, 3.0), 1.0, 16 / 12),
    "weibull": (
        (1.5, 2.0),
        2 ** (1 / 1.5) * math.gamma(1 + 1 / 1.5),
        2 ** (2 / 1.5) * (math.gamma(1 + 2 / 1.5) - math.gamma(1 + 1 / 1.5) ** 2),
    ),
}


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_mean_and_variance(kind: str) -> None:
    parameters, mean, variance = MOMENTS[kind]
    values = NoiseReader((400, 500), np.float64, kind, parameters, [3]).read(
        (slice(0, 400, 1), slice(0, 500, 1))
    )
    error = math.sqrt(variance / values.size)
    assert abs(values.mean() - mean) < 5 * error
    assert abs(values.var() / variance - 1) < 0.05


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_sections_are_parts_of_the_whole(data: st.DataObject) -> None:
    shape = (3, 40, 90)
    reader = NoiseReader(shape, np.float32, "normal", (0, 1), [5])
    whole = reader.read(tuple(slice(0, n, 1) for n in shape))
    section = []
    for n in shape:
        start = data.draw(st.integers(0, n - 1))
        section.append(slice(start, data.draw(st.integers(start + 1, n)), data.draw(st.integers(1, 7))))
    np.testing.assert_array_equal(reader.read(tuple(section)), whole[tuple(section)])
    assert reader.bytes_read(tuple(section)) == 0


def test_readers_are_pickled_and_known_by_their_seed() -> None:
    reader = NoiseReader((7,), np.float32, "uniform", (0, 1), [1, 2])
    again = pickle.loads(pickle.dumps(reader))
    section = (slice(0, 7, 2),)
    np.testing.assert_array_equal(again.read(section), reader.read(section))
    assert again.token == reader.token
    other = NoiseReader((7,), np.float32, "uniform", (0, 1), [1, 3])
    assert other.token != reader.token
    assert (other.read(section) != reader.read(section)).any()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        ("uniform", (3, 1)), ("normal", (0, -1)), ("normal", (1,)), ("normal", (math.nan, 1)),
        ("poisson", (-1,)), ("binomial", (1.5, 0.1)), ("binomial", (4, 1.1)), ("geometric", (0,)),
        ("hypergeometric", (2, 3)),
        ("lognormal", (-1, 1)), ("erlang", (0, 1)), ("weibull", (0, 1)),
    ],
)  # fmt: skip
def test_parameters_are_checked(kind: str, parameters: tuple[float, ...]) -> None:
    with pytest.raises(LatticeRangeError, match=kind):
        NoiseReader((4,), np.float32, kind, parameters, [1])


def test_names_may_be_short() -> None:
    assert distribution_named(" WEI") == "weibull"
    with pytest.raises(LatticeRangeError, match="beginning of"):
        distribution_named("n")
    with pytest.raises(LatticeRangeError, match="not known"):
        distribution_named("gamma")


def test_images_with_noise_are_lazy_and_keep_what_belongs_to_them() -> None:
    values = np.arange(60000, dtype=np.float32).reshape(200, 300)
    image = Image(values, mask=values > 100, unit="Jy/beam", beam=(1e-3, 1e-3, 0.0))
    noisy = image.add_noise("normal", (0.0, 1.0), seed=4)
    assert (noisy.unit, noisy.dtype, noisy.beams) == ("Jy/beam", np.float32, image.beams)
    np.testing.assert_array_equal(np.ma.getmaskarray(noisy.to_masked_array()), values <= 100)
    plain = image.set_default_mask(None).add_noise("normal", (0.0, 1.0), seed=4)
    difference = plain.values - values
    assert difference.std() == pytest.approx(1, rel=0.02)
    np.testing.assert_array_equal(plain[10:20, ::7].values, plain.values[10:20, ::7])
    assert not np.array_equal(image.add_noise().values, image.add_noise().values)
    with pytest.raises(LatticeTypeError, match="added to numbers"):
        Image(values > 3).add_noise()


def test_both_parts_of_complex_images_get_noise_of_their_own() -> None:
    noisy = Image(np.zeros((100, 100), np.complex64)).add_noise("uniform", (1, 2), seed=2)
    assert noisy.dtype == np.complex64
    parts = noisy.values
    for part in (parts.real, parts.imag):
        assert part.min() >= 1
        assert part.max() <= 2
    assert abs(np.corrcoef(parts.real.ravel(), parts.imag.ravel())[0, 1]) < 0.05
