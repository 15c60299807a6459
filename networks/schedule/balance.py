"""Assignment of filters to processing units: longest first, offline, by expected work."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from networks.compress import CompressedWeights

ASSUMED_ACTIVATION_DENSITY = 0.7
"""Share of non-zero activations assumed where work is estimated. Published layers have 0.19 to 1
(Han et al. 2015, tables 2-5); only the order of filters depends on it, never a result."""

_MAX_SWAPS = 200
_LEAST_GAIN = 1e-4
"""Share of the mean load below which a swap is not worth it."""


def expected_work(
    weights: CompressedWeights, density: float = ASSUMED_ACTIVATION_DENSITY
) -> NDArray[np.float64]:
    """Expected cycles of each filter and window on a unit that pairs bitmaps.

    A section with `k` non-zero weights costs one cycle a match but at least one. Matches are
    binomial if activations are independent, so the mean is `k * density + (1 - density)^k`.
    """
    counts = weights.section_counts.astype(np.float64)
    return (counts * density + (1.0 - density) ** counts).sum(axis=1)


def assign(work: NDArray[np.float64], units: int) -> list[int]:
    """The stored order of filters, so that unit `u` gets stored positions `u`, `u + units`, ...

    `work` is `(filters,)`, or `(filters, stages)` if stages work side by side: a unit's load is
    that of its busiest stage. Longest first, each to the unit with the least load so far that has a
    position left; then the busiest unit swaps filters with others as long as that lowers the larger
    load of the two. Among units with as many filters, lower numbers get the larger loads, as they
    come first where units compete.
    """
    stages = work.reshape(len(work), -1)
    longest_first = np.argsort(-stages.max(axis=1), kind="stable")
    stored = _swapped(_greedy(longest_first, stages, units), stages, units)
    return _ranked(stored, stages, units).tolist()


def _ranked(stored: NDArray[np.int64], work: NDArray[np.float64], units: int) -> NDArray[np.int64]:
    """The same filters together, units with as many filters sorted by descending load."""
    shares = [stored[unit::units] for unit in range(units)]
    peaks = [float(work[share].sum(axis=0).max(initial=0)) for share in shares]
    ranked = sorted(range(units), key=lambda unit: (-len(shares[unit]), -peaks[unit]))
    result = stored.copy()
    for unit, chosen in enumerate(ranked):
        result[unit::units] = shares[chosen]
    return result


@njit(cache=True)
def _greedy(order: NDArray[np.int64], work: NDArray[np.float64], units: int) -> NDArray[np.int64]:
    """Filters in `order`, each to the unit with the least load that has a position left."""
    filters, stages = work.shape
    loads, peaks = np.zeros((units, stages)), np.zeros(units)
    place = np.arange(units)
    peaks[filters:] = np.inf
    stored = np.zeros(filters, np.int64)
    for index in order:
        unit = peaks.argmin()
        stored[place[unit]] = index
        place[unit] += units
        loads[unit] += work[index]
        peaks[unit] = loads[unit].max() if place[unit] < filters else np.inf
    return stored


@njit(cache=True)
def _swapped(stored: NDArray[np.int64], work: NDArray[np.float64], units: int) -> NDArray[np.int64]:
    """Local search: the best swap of one filter each between the busiest unit and another."""
    filters, stages = work.shape
    for _ in range(_MAX_SWAPS):
        loads = np.zeros((units, stages))
        for place in range(filters):
            loads[place % units] += work[stored[place]]
        peaks = np.array([load.max() for load in loads])
        busiest = int(peaks.argmax())
        best_gain = _LEAST_GAIN * peaks.mean()
        best = (-1, -1)
        for other in range(units):
            for mine in range(busiest, filters, units):
                for theirs in range(other, filters, units):
                    larger = 0.0
                    for stage in range(stages):
                        moved = work[stored[mine], stage] - work[stored[theirs], stage]
                        larger = max(larger, loads[busiest, stage] - moved)
                        larger = max(larger, loads[other, stage] + moved)
                    if peaks[busiest] - larger > best_gain:
                        best_gain, best = peaks[busiest] - larger, (mine, theirs)
        if best[0] < 0:
            break
        mine, theirs = best
        stored[mine], stored[theirs] = stored[theirs], stored[mine]
    return stored
