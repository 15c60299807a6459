"""Cycles of jobs from statistics: the timing of the `fast` engine, with durations that are drawn.

What a job's timing follows from (`cosim.fast.pipe_state.Pipes`) is known of `dense` and of lists in
lockstep: nothing depends on activations there. Of the others the duration of each filter in each
window is drawn, from the statistics, and shared out evenly among its items. A few windows are
played; more go on at the same pace.
"""

from functools import lru_cache

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.estimate.filters import EstimatedFilters
from cosim.fast.latencies import Latencies
from cosim.fast.pipe import simulate
from cosim.fast.pipe_state import FREES, HEAD_FIELDS, LEAVES, Pipes
from cosim.fast.pipes import dense_pipes, independent_pipes, lockstep_lists
from networks.schedule.weights import Tile
from networks.statistics import Durations

LOCKSTEP_WINDOWS = 2, 4
"""Few and many windows, where each is like the one before but the first."""

LEAST_WINDOWS, MOST_WINDOWS = 4, 128
"""Windows that are played otherwise; 128 are many times as many as a unit can be ahead."""

PLAYED_FILTERS = 4096
"""Filters that are played, about, all windows and plays of a job together."""

MOST_PLAYS = 8
"""Plays of a job at most, each with other draws."""

_LITTLE = 1e-6


def job_cycles(filters: EstimatedFilters, tile: Tile, windows: int, *, in_step: bool) -> float:
    """Mean cycles of a job with a tile of filters, over so many windows.

    `in_step`: units wait for each other behind each filter; there is one window.
    """
    few, many = LOCKSTEP_WINDOWS
    if filters.config.independent_units:
        most = PLAYED_FILTERS // (tile.last - tile.first)
        few, many = 1, min(MOST_WINDOWS, max(LEAST_WINDOWS, most))
    if windows <= many:
        return played_cycles(filters, tile.first, tile.last, windows, in_step)
    short, long = (
        played_cycles(filters, tile.first, tile.last, number, in_step) for number in (few, many)
    )
    return long + (windows - many) * (long - short) / (many - few)


@lru_cache(maxsize=16384)
def played_cycles(
    filters: EstimatedFilters, first: int, last: int, windows: int, in_step: bool
) -> float:
    """Mean cycles of a job with filters `first` to `last`, played; kept for later calls."""
    config = filters.config
    count, latencies = last - first, Latencies.of(config)
    if filters.durations is not None:
        plays = max(1, min(MOST_PLAYS, PLAYED_FILTERS // (count * windows)))
        played = _drawn(filters, filters.durations, first, last, windows, plays, in_step)
    elif config.kind == "dense":
        played = [dense_pipes(config, count, int(filters.items[first]), windows)]
    else:
        played = [lockstep_lists(config, _ends(filters, first, last), windows)]
    last_takes = [simulate(pipes).takes[-1] for pipes in played]
    return float(np.mean(last_takes)) + latencies.write + latencies.end + 1


def _ends(filters: EstimatedFilters, first: int, last: int) -> NDArray[np.int64]:
    """Words of its unit's list up to each filter's last; all lists are as long as the longest."""
    words, units = filters.items[first:last], filters.units
    ends = np.empty(len(words), np.int64)
    for unit in range(min(units, len(words))):
        ends[unit::units] = np.cumsum(words[unit::units])
    ends[-units:] = max(filters.least_words, int(ends.max()))
    return ends


def _drawn(
    filters: EstimatedFilters,
    durations: Durations,
    first: int,
    last: int,
    windows: int,
    plays: int,
    in_step: bool,
) -> list[Pipes]:
    """The pipes of a job whose units work each at its own pace, for so many plays.

    What a filter takes beyond a cycle an item has a beta distribution, from nothing to what it
    takes where no activation is zero.
    """
    config, items = filters.config, filters.items[first:last]
    random = np.random.default_rng(1)
    mean, most = (
        np.maximum(cycles[first:last, None] - items[:, None], _LITTLE)
        for cycles in (durations.mean, durations.most)
    )
    # its variance is that of independent weights, or some times that, the same in all windows
    shares = np.minimum(durations.common * mean / most, 1.0)
    variance = (durations.deviation[first:last, None] / most) ** 2
    concentration = (shares * (1 - shares)).mean(axis=1, keepdims=True) / (variance + _LITTLE) - 1
    concentration = np.maximum(concentration, _LITTLE)
    parts = _part_means(durations.common, windows * plays)
    common = np.concatenate(
        [_runs(parts[play::plays], filters.alike, random) for play in range(plays)]
    )
    shares = np.clip(common * mean / most, _LITTLE, 1 - _LITTLE)
    more = most * random.beta(shares * concentration, (1 - shares) * concentration)
    more += random.random(more.shape)
    latencies = Latencies.of(config)
    heads, tails = _shared_out(
        items, items[:, None] + more.astype(np.int64), latencies.depth, latencies.drops
    )
    parted = filters.division.parts > 1
    return [
        independent_pipes(
            config, items, heads[..., own], tails[..., own], in_step=in_step, parts=parted
        )
        for own in (slice(begin, begin + windows) for begin in range(0, windows * plays, windows))
    ]


def _runs(
    values: NDArray[np.float64], length: int, random: np.random.Generator
) -> NDArray[np.float64]:
    """The same row of numbers in runs of so many, one run after another as luck has it."""
    starts = random.permutation(np.arange(0, len(values), length))
    places = (starts[:, None] + np.arange(length)).reshape(-1)
    return values[places[places < len(values)]]


def _part_means(values: NDArray[np.float64], parts: int) -> NDArray[np.float64]:
    """Means of so many equally long parts of a row of numbers, each of which is a step."""
    sums = np.concatenate(([0.0], np.cumsum(values)))
    places = np.linspace(0, len(values), parts + 1)
    return np.diff(np.interp(places, np.arange(len(sums)), sums)) * parts / len(values)


@njit(cache=True)
def _shared_out(
    items: NDArray[np.int64], durations: NDArray[np.int64], depth: int, drops: bool
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """Heads and tails, as `Pipes` has them, of filters that take `durations` `(filters, windows)`.

    An item takes at least a cycle, so none is dropped.
    """
    filters, windows = durations.shape
    heads = np.zeros((HEAD_FIELDS if drops else 1, filters, windows), np.int32)
    tails = np.zeros((filters, depth, windows), np.uint8)
    for n in range(filters):
        count = items[n]
        head = max(0, count - depth)
        for w in range(windows):
            duration = durations[n, w]
            before = head * duration // count
            if not drops:
                heads[0, n, w] = before
            elif head > 0:
                heads[LEAVES, n, w] = (head - 1) * duration // count
                heads[FREES, n, w] = before
            for place in range(head, count):
                after = (place + 1) * duration // count
                tails[n, place - head, w] = min(255, after - before)
                before = after
    return heads, tails
