"""One weight and one factor that make a sum of inputs their mean, rounded as the exact one.

Means over powers of two are exact. For others the nearest ratio that the accelerator can hold is
taken, if no sum that can occur is rounded differently.
"""

from fractions import Fraction

import numpy as np

from hdl.config import AcceleratorConfig
from networks.rescale import Factor, divide_half_even
from networks.schedule.exact_weights import LARGEST_MULTIPLIER, exact_weights, largest_shift

_MOST_TRIED = 1 << 21
_EXACT_INT64 = 1 << 61


def mean_weight(
    factor: Factor, elements: int, input_range: tuple[int, int], accelerator: AcceleratorConfig
) -> tuple[int, Factor] | str:
    """A weight, and a factor, for sums of `elements` inputs, or why there are none.

    The mean is `sum * factor / elements`; inputs are from `input_range`, limits included.
    """
    ratio = Fraction(factor.multiplier) / Fraction(2) ** factor.shift / elements
    if ratio.denominator & (ratio.denominator - 1) == 0:
        exact = Factor(ratio.numerator, ratio.denominator.bit_length() - 1)
        found = exact_weights([exact], accelerator)
        return (found[0][0], found[1]) if found else f"factor of a sum must fit, not {ratio}"
    low, high = (elements * limit for limit in input_range)
    nearest = _nearest(ratio, max(-low, high), accelerator)
    if nearest is not None:
        weight, held = nearest
        used = Fraction(weight * held.multiplier, 1 << held.shift)
        if _is_near(used, ratio, max(-low, high)) or _is_same(used, ratio, low, high):
            return nearest
    return f"mean of {elements} elements times {ratio * elements} must be exact for every sum"


def _nearest(
    ratio: Fraction, largest_sum: int, accelerator: AcceleratorConfig
) -> tuple[int, Factor] | None:
    """The weight and factor whose product is nearest to `ratio`, if sums fit the accumulators."""
    room = (1 << (accelerator.accumulator_bits - 1)) - 1
    most = min((1 << (accelerator.bits - 1)) - 1, room // max(1, largest_sum))
    numerator, denominator = ratio.numerator, ratio.denominator
    largest = LARGEST_MULTIPLIER if accelerator.channel_scales else 1
    best, least = None, float("inf")
    for multiplier in range(largest, largest // 2, -1):  # a smaller one is half of one of these
        divisor = denominator * multiplier
        shift = max(0, (most * divisor // numerator).bit_length() - 1)
        shift = min(shift, largest_shift(accelerator))
        weight = ((numerator << (shift + 1)) + divisor) // (2 * divisor)
        error = abs(weight * divisor - (numerator << shift)) / (denominator << shift)
        if 0 < weight <= most and error < least:
            best, least = (weight, Factor(multiplier, shift)), error
    return best


def _is_near(used: Fraction, ratio: Fraction, largest_sum: int) -> bool:
    """Whether no sum up to the largest can be rounded differently.

    Multiples of `1 / d` are never ties if `d` is odd, and none is nearer to one than `1 / (2 * d)`.
    """
    missed = abs(used - ratio) * largest_sum
    return ratio.denominator % 2 == 1 and missed * 2 * ratio.denominator < 1


def _is_same(used: Fraction, ratio: Fraction, low: int, high: int) -> bool:
    """Whether all sums from `low` to `high` are rounded alike, by trying them."""
    largest = max(-low, high) * max(used.numerator, ratio.numerator)
    widest = max(used.denominator, ratio.denominator)
    if high - low >= _MOST_TRIED or max(largest, widest) >= _EXACT_INT64:
        return False
    sums = np.arange(low, high + 1)
    first, second = (
        divide_half_even(sums * item.numerator, np.array(item.denominator))
        for item in (used, ratio)
    )
    return bool(np.array_equal(first, second))
