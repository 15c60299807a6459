"""Rounding between scales against exact fractions."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from networks.formats import Format
from networks.rescale import (
    MULTIPLIER_BITS,
    Factor,
    add_rescaled,
    divide_half_even,
    requantise,
    rescale,
)

WIDE = Format(40, 0)
ratios = st.floats(1e-9, 1e9)


@given(ratios)
def test_factor_is_within_half_a_unit_of_its_last_bit(ratio: float) -> None:
    factor = Factor.of(ratio)
    assert factor.multiplier % 2 == 1
    assert factor.multiplier < 1 << MULTIPLIER_BITS
    error = abs(Fraction(factor.multiplier) / Fraction(2) ** factor.shift / Fraction(ratio) - 1)
    assert error <= Fraction(1, 1 << MULTIPLIER_BITS)


@given(st.integers(-60, 60))
def test_power_of_two_is_a_shift(exponent: int) -> None:
    assert Factor.of(2.0**exponent) == Factor(1, -exponent)


def test_ratio_that_rounds_up_to_a_power_of_two() -> None:
    assert Factor.of(1 - 2.0**-20) == Factor(1, 0)


@given(st.integers(-(1 << 40), 1 << 40), st.integers(0, 38))
def test_requantise_is_round_half_even_of_the_exact_quotient(accumulator: int, shift: int) -> None:
    expected = min(max(round(Fraction(accumulator, 1 << shift)), -128), 127)
    assert requantise(np.array([accumulator]), shift, Format(8, 0)).tolist() == [expected]


def test_negative_shift_multiplies() -> None:
    assert requantise(np.array([3, 100]), -2, Format(8, 0)).tolist() == [12, 127]


accumulators = st.lists(st.integers(-(1 << 70), 1 << 70), min_size=1, max_size=4)


@given(accumulators, st.lists(ratios, min_size=4, max_size=4))
def test_each_channel_has_its_factor(values: list[int], scales: list[float]) -> None:
    """Also beyond 64 bits, where numbers are Python's."""
    factors = [Factor.of(scale) for scale in scales[: len(values)]]
    fits = all(abs(value) < 1 << 62 for value in values)
    sums = np.array(values, dtype=np.int64 if fits else object).reshape(1, -1)
    expected = [
        round(value * Fraction(factor.multiplier) / Fraction(2) ** factor.shift)
        for value, factor in zip(values, factors, strict=True)
    ]
    clipped = [max(WIDE.min, min(WIDE.max, value)) for value in expected]
    assert rescale(sums, factors, WIDE).tolist() == [clipped]


@given(
    st.lists(st.tuples(st.integers(-(1 << 31), 1 << 31), ratios), min_size=1, max_size=4),
)
def test_sum_is_rounded_once(terms: list[tuple[int, float]]) -> None:
    factors = [Factor.of(ratio) for _, ratio in terms]
    exact = sum(
        value * Fraction(factor.multiplier) / Fraction(2) ** factor.shift
        for (value, _), factor in zip(terms, factors, strict=True)
    )
    tensors = [np.array([value]) for value, _ in terms]
    expected = max(WIDE.min, min(WIDE.max, round(exact)))
    assert add_rescaled(tensors, factors, WIDE).tolist() == [expected]


@given(st.integers(-(1 << 60), 1 << 60), st.integers(1, 1 << 20))
def test_division_is_exact(numerator: int, denominator: int) -> None:
    quotient = divide_half_even(np.array([numerator]), np.array([denominator]))
    assert quotient.tolist() == [round(Fraction(numerator, denominator))]
