"""Cycles of jobs from statistics: how filters spread over units, and what the slowest unit takes.

Filters go to units in the compiler's own order, and tiles are cut as it cuts them. Approximations:
a unit's time is the sum of the mean times of its filters; units at a pace of their own never wait
for each other but where results leave.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from hdl.config import REST_CYCLES, AcceleratorConfig
from networks.schedule.division import WHOLE, Division, stored_order
from networks.statistics import OperationStatistics
from networks.weight_lists import MIN_LIST_WORDS

LOCKSTEP_GAP_CYCLES = 3
"""What a rank of short filters takes beyond one cycle a result, in lockstep; fitted."""

SHARPNESS = 3.5
"""How sharply the busiest unit, or the collector, decides: norm of the two; fitted."""

LARGEST_OF = np.array([0, 0, 0.56, 0.85, 1.03, 1.16, 1.27, 1.35, 1.42])
"""Mean of the largest of so many standard normal numbers (David and Nagaraja, Order Statistics);
above 8 a straight line over their logarithm is as close as a hundredth."""

OVERHEAD_CYCLES = {"dense": 15, "list": 16, "bitmap": 22}
"""From a job's start to its end without any window, results of the last rank apart; fitted."""


@dataclass(frozen=True, eq=False)
class Spread:
    """Filters of one operation on units: sums over ranks, `(ranks + 1, units)`, from 0 up.

    `values`: what is stored of the filters. `cycles`: mean cycles of a window. `held`: filters.
    `variance`: of a window's cycles, as far as units do not share it.
    """

    values: NDArray[np.float64]
    cycles: NDArray[np.float64]
    held: NDArray[np.float64]
    variance: NDArray[np.float64]

    @property
    def ranks(self) -> int:
        """Filters of the unit with most of them."""
        return len(self.values) - 1


def spread(
    operation: OperationStatistics,
    config: AcceleratorConfig,
    *,
    division: Division = WHOLE,
    balance: bool = True,
) -> Spread:
    """The spread of an operation's filters, divided like that, on an accelerator; kept for later
    calls."""
    lookahead = config.lookahead if config.kind == "list" else 0
    return _spread(operation, config.kind, lookahead, config.units, division, balance)


def filter_costs(
    operation: OperationStatistics, kind: str, lookahead: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Of each filter: what is stored, mean cycles of a window, work it is balanced by."""
    if kind == "dense":
        steps = np.full(operation.filters, float(operation.steps))
        return steps, steps, steps
    if kind == "bitmap":
        return operation.nonzero, operation.section_cycles, operation.assumed_cycles
    words = np.maximum(1.0, np.ceil(operation.nonzero / lookahead))
    cycles = words if lookahead == 1 else operation.word_cycles[lookahead]
    return words, cycles, cycles


@lru_cache(maxsize=8192)
def _spread(
    operation: OperationStatistics,
    kind: str,
    lookahead: int,
    units: int,
    division: Division,
    balance: bool,
) -> Spread:
    values, cycles, work = filter_costs(operation, kind, lookahead)
    own = stored_order(work, units, division, balance=balance and kind != "dense")
    order = division.spread(np.array(own))
    filters = len(order)
    ranks = -(-filters // units)
    room = np.zeros((4, ranks * units))
    room[0, :filters] = division.words(values[own]) if kind == "list" else values[order]
    # Results of a unit are some cycles apart at least.
    spent = division.cycles(cycles[own])
    room[1, :filters] = np.maximum(spent, 1 if kind == "dense" else REST_CYCLES)
    # parts of a filter make one result together
    room[2, :filters] = 1 / division.parts
    if kind == "list" and lookahead == 1:
        room[1, :filters] = spent
    room[3, :filters] = operation.spread[order] ** 2 / division.parts
    sums = np.zeros((4, ranks + 1, units))
    np.cumsum(room.reshape(4, ranks, units), axis=1, out=sums[:, 1:])
    return Spread(*sums)


@njit(cache=True)
def cut_tiles(
    values: NDArray[np.float64], sections: int, most_values: float, most_sections: float
) -> NDArray[np.int64]:
    """Ranks at which tiles begin, and the end; only 0 if one filter a unit is too much.

    As `networks.schedule.weights.LayerWeights` cuts them.
    """
    ranks = len(values) - 1
    cuts = [0]
    first = 0
    while first < ranks:
        last = first
        while last < ranks:
            if (values[last + 1] - values[first]).max() > most_values:
                break
            if sections and (last + 1 - first) * sections > most_sections:
                break
            last += 1
        if last == first:
            return np.zeros(1, np.int64)
        cuts.append(last)
        first = last
    return np.array(cuts)


@njit(cache=True)
def largest_of(count: int) -> float:
    """Mean of the largest of `count` standard normal numbers."""
    if count < len(LARGEST_OF):
        return LARGEST_OF[count]
    return LARGEST_OF[-1] + 0.31 * (np.log2(count) - 3)


@njit(cache=True)
def _first_window(
    cycles: NDArray[np.float64], held: NDArray[np.float64], first: int, last: int, luck: float
) -> float:
    """When the collector has all results of a job's first window.

    It has nothing to do before a unit ends a filter; then it takes one a cycle, rank by rank, and
    the last of a rank not before the slowest unit ends it.
    """
    taken = 0.0
    for rank in range(first, last):
        earliest, latest, number = np.inf, 0.0, 0.0
        for unit in range(cycles.shape[1]):
            results = held[rank + 1, unit] - held[rank, unit]
            if results > 0:
                end = cycles[rank + 1, unit] - cycles[first, unit]
                earliest, latest = min(earliest, end), max(latest, end)
                number += results
        share = np.sqrt((rank + 1 - first) / (last - first))
        taken = max(max(taken, earliest) + number, latest + share * luck)
    return taken


@njit(cache=True)
def job_cycles(
    windows: int,
    cycles: NDArray[np.float64],
    held: NDArray[np.float64],
    variance: NDArray[np.float64],
    first: int,
    last: int,
    lockstep: bool,
    dense: bool,
    in_step: bool,
    overhead: int,
) -> float:
    """Cycles of a job with ranks `first` to `last` of a spread, over so many windows.

    `in_step`: units wait for each other behind each rank.
    """
    results = held[last] - held[first]
    units = cycles.shape[1]
    end = (held[last] - held[last - 1]).sum()
    if in_step:
        spent = 0.0
        for rank in range(first, last):
            deviation = np.sqrt((variance[rank + 1] - variance[rank]).mean())
            longest = (cycles[rank + 1] - cycles[rank]).max()
            spent += longest + deviation * largest_of(units) / windows
        return windows * spent + overhead
    if not lockstep:
        # The busiest unit is not the one that is busiest in the mean; windows level that out.
        deviation = np.sqrt((variance[last] - variance[first]).mean())
        luck = deviation * largest_of(units) / windows
        spent = (cycles[last] - cycles[first]).max() + luck
        left = results.sum() / spent
        window = spent * (1 + left**SHARPNESS) ** (1 / SHARPNESS)
        begin = _first_window(cycles, held, first, last, luck)
        return max(begin, window) + (windows - 1) * window + overhead
    if dense:
        window = 0.0
        for rank in range(first, last):
            length = (cycles[rank + 1] - cycles[rank]).max()
            window += max(length, (held[rank + 1] - held[rank]).sum(), REST_CYCLES)
        return windows * window + overhead + end - 1
    window = 0.0
    for rank in range(first, last):
        length = (cycles[rank + 1] - cycles[rank]).max()
        number = (held[rank + 1] - held[rank]).sum()
        window += max(0.0, min(number + LOCKSTEP_GAP_CYCLES, units + LOCKSTEP_GAP_CYCLES) - length)
    longest = (cycles[last] - cycles[first]).max()
    return windows * max(longest + window, MIN_LIST_WORDS) + overhead + end - 1
