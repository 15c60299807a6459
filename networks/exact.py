"""Sums of products in numpy that are exact whatever the width of the operands."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

_LIMITS = ((2**24, np.float32), (2**53, np.float64), (2**62, np.int64))
"""Below which sums of integers are exact in a type; the first ones are the fastest."""


def exact_type(weights: NDArray, activations: NDArray) -> np.dtype:
    """A number type in which every partial sum of products is an exact integer.

    `weights` is `(outputs, ...)`, `activations` anything, both integers. Floating point if it is
    enough, else 64-bit integers, else Python's.
    """
    peak = max(int(activations.max(initial=0)), -int(activations.min(initial=0)))
    positive, negative = signed_sums(weights)
    worst = int((positive + negative).max(initial=0)) * peak
    return np.dtype(next((number for limit, number in _LIMITS if worst < limit), object))


def signed_sums(weights: NDArray) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sums of the positive weights of each output, and of the negative ones, both positive."""
    if weights.size and not any(weights.strides):
        # One number that stands for all: a layer of which only the shape is known.
        sums = np.full(len(weights), int(weights.flat[0]) * (weights.size // len(weights)))
        return np.maximum(sums, 0), np.maximum(-sums, 0)
    return _row_sums(np.ascontiguousarray(weights).reshape(len(weights), -1))


def check_accumulators(sums: NDArray, bits: int) -> None:
    """Raises ValueError unless all `sums` fit accumulators of so many bits."""
    limit = 1 << (bits - 1)
    if sums.min() < -limit or sums.max() >= limit:
        raise ValueError(f"accumulators must fit {bits} bits")


@njit(cache=True)
def _row_sums(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    positive = np.zeros(len(rows), np.int64)
    negative = np.zeros(len(rows), np.int64)
    for row in range(len(rows)):
        for column in range(rows.shape[1]):
            value = np.int64(rows[row, column])
            if value > 0:
                positive[row] += value
            else:
                negative[row] -= value
    return positive, negative
