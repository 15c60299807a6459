import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.formats import Format


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


@given(st.floats(1e-12, 1e12))
def test_any_scale_is_kept_exactly(scale: float) -> None:
    number_format = Format.of_scale(8, scale)
    assert number_format.scale == scale
    assert number_format.is_fixed_point == (np.frexp(scale)[0] == 0.5)


def test_names() -> None:
    assert str(Format.of_scale(8, 0.25)) == "int8/2^2"
    assert str(Format.of_scale(16, 0.3, signed=False)) == "uint16*0.3"


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan")])
def test_scale_that_is_not_positive(scale: float) -> None:
    with pytest.raises(ValueError, match="scale must be positive, not"):
        Format.of_scale(8, scale)


def test_mantissa_out_of_range() -> None:
    with pytest.raises(ValueError, match=r"mantissa of a format must be 1 to 2, not 2\.5"):
        Format(8, 0, mantissa=2.5)


def test_bits_out_of_range() -> None:
    with pytest.raises(ValueError, match="bits of a format must be 2 to 62, not 63"):
        Format(63, 0)
