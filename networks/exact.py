"""Sums of products in numpy that are exact whatever the width of the operands."""

import numpy as np
from numpy.typing import NDArray

_EXACT_FLOAT64 = 2.0**53
_EXACT_INT64 = 2.0**62


def exact_type(weights: NDArray, activations: NDArray) -> np.dtype:
    """A number type in which every partial sum of products is an exact integer.

    `weights` is `(outputs, ...)`, `activations` anything. Double precision (fast) if it is enough,
    else 64-bit integers, else Python's.
    """
    peak = float(np.abs(activations.astype(np.float64)).max(initial=0))
    rows = np.abs(weights.astype(np.float64)).reshape(len(weights), -1).sum(axis=1)
    worst = float(rows.max(initial=0)) * peak
    if worst < _EXACT_FLOAT64:
        return np.dtype(np.float64)
    return np.dtype(np.int64 if worst < _EXACT_INT64 else object)
