from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.formats import Format, requantise


@pytest.mark.parametrize(
    ("number_format", "low", "high"),
    [
        (Format(8, 7), -128, 127),
        (Format(8, 7, signed=False), 0, 255),
        (Format(16, 0), -32768, 32767),
        (Format(32, 16), -(1 << 31), (1 << 31) - 1),
    ],
)
def test_range(number_format: Format, low: int, high: int) -> None:
    assert (number_format.min, number_format.max) == (low, high)


def test_quantise_rounds_halves_to_even_and_saturates() -> None:
    real = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 300.0, -300.0]) / 4
    assert Format(8, 2).quantise(real).tolist() == [0, 2, 2, 0, -2, 127, -128]


@given(st.integers(-128, 127), st.integers(-10, 20))
def test_dequantise_is_exact(stored: int, frac_bits: int) -> None:
    number_format = Format(8, frac_bits)
    assert number_format.quantise(number_format.dequantise(stored)) == stored


@given(st.integers(-(1 << 40), 1 << 40), st.integers(0, 38))
def test_requantise_is_round_half_even_of_the_exact_quotient(accumulator: int, shift: int) -> None:
    expected = min(max(round(Fraction(accumulator, 1 << shift)), -128), 127)
    assert requantise(np.array([accumulator]), shift, Format(8, 0)).tolist() == [expected]


def test_negative_shift_multiplies() -> None:
    assert requantise(np.array([3, 100]), -2, Format(8, 0)).tolist() == [12, 127]


def test_bits_out_of_range() -> None:
    with pytest.raises(ValueError, match="bits of a format must be 2 to 62, not 63"):
        Format(63, 0)
