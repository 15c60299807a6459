"""Means against exact fractions, for every sum where they can be listed."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from networks.rescale import Factor
from networks.schedule.mean_weights import mean_weight
from tests.networks.graphs import accelerator_of


def value(factor: Factor) -> Fraction:
    return Fraction(factor.multiplier) / Fraction(2) ** factor.shift


REAL = Factor(43691, 17)
"""A third, as a factor of real scales is held."""
CASES = {
    # factor, elements, range of inputs: whether it is found without and with channel scales
    "power of two": (Factor(1, 0), 64, (-128, 127), (True, True)),
    "power of two, another scale": (Factor(1, 3), 16, (-128, 127), (True, True)),
    "power of two, real scale": (REAL, 16, (-128, 127), (False, True)),
    "odd": (Factor(1, 0), 49, (-128, 127), (False, True)),
    "odd, few sums": (Factor(1, 0), 3, (0, 10), (True, True)),
    "odd, larger": (Factor(1, -2), 49, (0, 255), (False, True)),
    "odd, with ties": (Factor(1, 1), 9, (-128, 127), (False, False)),
    "odd, real scale": (REAL, 49, (-128, 127), (False, True)),
    "even, with ties": (Factor(1, 0), 36, (-128, 127), (False, False)),
    "even, ties out of reach": (Factor(1, 6), 36, (0, 10), (True, True)),
    "one element": (Factor(1, 0), 1, (-128, 127), (True, True)),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("channel_scales", [False, True])
def test_every_sum_is_rounded_as_the_exact_mean(case: str, channel_scales: bool) -> None:
    factor, elements, (low, high), expected = CASES[case]
    accelerator = accelerator_of(channel_scales=channel_scales)
    found = mean_weight(factor, elements, (low, high), accelerator)
    assert isinstance(found, str) != expected[channel_scales]
    if isinstance(found, str):
        return
    weight, held = found
    assert 0 < weight < 128
    assert 1 <= held.multiplier <= (65535 if channel_scales else 1)
    assert 0 <= held.shift <= 127
    assert elements * max(-low, high) * weight < 1 << (accelerator.accumulator_bits - 1)
    for total in range(elements * low, elements * high + 1):
        assert round(total * weight * value(held)) == round(total * value(factor) / elements)


@given(
    st.sampled_from([16, 32]),
    st.sampled_from([9, 49, 169]),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-3, 0),
)
@settings(deadline=None)
def test_means_of_wide_numbers(bits: int, elements: int, total: int, shift: int) -> None:
    half = 1 << (bits - 1)
    accelerator = accelerator_of(bits, channel_scales=True)
    found = mean_weight(Factor(1, shift), elements, (-half, half - 1), accelerator)
    assert not isinstance(found, str)
    weight, held = found
    assert 0 < weight < half
    total = total * elements >> (32 - bits)
    expected = round(Fraction(total, elements) * 2**-shift)
    assert round(total * weight * value(held)) == expected
