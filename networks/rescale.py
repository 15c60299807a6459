"""Rounding from one scale to another in integers: a multiplier and a right shift.

A sum `a` of scale `s` becomes the stored integer of scale `t`

    y = saturate(round_half_even(a * multiplier / 2^shift)),    multiplier / 2^shift ~ s / t

with the exact product and quotient. The multiplier is odd and has at most `MULTIPLIER_BITS` bits:
it is 1 where scales are powers of two, so that this is exact, and otherwise the ratio is rounded to
that many significant bits, an error of less than 2^-16 of the result.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import frexp

import numpy as np
from numpy.typing import NDArray

from networks.formats import Format

MULTIPLIER_BITS = 16
_EXACT_INT64 = 1 << 62


@dataclass(frozen=True)
class Factor:
    """The number `multiplier / 2^shift`; `shift` may be negative."""

    multiplier: int
    shift: int

    @classmethod
    def of(cls, ratio: float) -> "Factor":
        """The nearest factor to a positive ratio of scales."""
        mantissa, exponent = frexp(ratio)
        multiplier = round(mantissa * (1 << MULTIPLIER_BITS))
        even = (multiplier & -multiplier).bit_length() - 1
        return cls(multiplier >> even, MULTIPLIER_BITS - exponent - even)


def requantise(
    accumulators: NDArray, shift: int | NDArray[np.int64], target: Format
) -> NDArray[np.int64]:
    """`saturate(round_half_even(accumulators / 2^shift))` in integers; `shift` may be negative.

    `accumulators` are int64 or Python integers; shifts of an array go with them.
    """
    shifts = np.asarray(shift, dtype=object if accumulators.dtype == object else np.int64)
    left, right = np.maximum(-shifts, 0), np.maximum(shifts, 0)
    scaled = accumulators << left
    rounded = scaled >> right
    remainder = scaled - (rounded << right)
    half = np.left_shift(1, right) >> 1
    tie = (remainder == half) & (right > 0)
    rounded = rounded + ((remainder > half) | (tie & ((rounded & 1) == 1)))
    return np.clip(rounded, target.min, target.max).astype(np.int64)


def rescale(
    accumulators: NDArray, factors: Sequence[Factor], target: Format, *, axis: int = 1
) -> NDArray[np.int64]:
    """Rounds sums to `target`, each slice along `axis` by its own factor, or all by one."""
    shape = [1] * accumulators.ndim
    shape[axis] = len(factors)
    multipliers = np.array([factor.multiplier for factor in factors]).reshape(shape)
    shifts = np.array([factor.shift for factor in factors]).reshape(shape)
    widest = max(factor.multiplier << max(0, -factor.shift) for factor in factors)
    return requantise(multiplied(accumulators, multipliers, widest), shifts, target)


def add_rescaled(
    tensors: Sequence[NDArray], factors: Sequence[Factor], target: Format
) -> NDArray[np.int64]:
    """The sum of tensors, each times its factor, rounded once to `target`."""
    shift = max(0, *(factor.shift for factor in factors))
    total: NDArray | int = 0
    for tensor, factor in zip(tensors, factors, strict=True):
        multiplier = factor.multiplier << (shift - factor.shift)
        total = total + multiplied(tensor, multiplier, 2 * multiplier)
    return requantise(np.asarray(total), shift, target)


def divide_half_even(numerators: NDArray, denominators: NDArray) -> NDArray:
    """Nearest integers to the exact quotients, halves to even; denominators are positive."""
    quotients = numerators // denominators
    doubled = 2 * (numerators - quotients * denominators)
    tie = (doubled == denominators) & ((quotients & 1) == 1)
    return quotients + ((doubled > denominators) | tie)


def multiplied(numbers: NDArray, multipliers: NDArray | int, widest: int) -> NDArray:
    """Exact products: Python's integers where `widest` times the largest exceeds 62 bits."""
    peak = max(abs(int(numbers.max(initial=0))), abs(int(numbers.min(initial=0))))
    exact = numbers.astype(object) if peak * widest >= _EXACT_INT64 else numbers
    product: NDArray = exact * multipliers
    return product
