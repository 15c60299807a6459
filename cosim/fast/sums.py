"""Exact sums of products, and results from them."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.memories import Memories
from cosim.fast.weights import Filters, signed
from hdl.config import AcceleratorConfig
from hdl.packets import (
    CHANNEL_SHIFT_LOW,
    CHANNEL_SHIFT_WIDTH,
    MULTIPLIER_LOW,
    MULTIPLIER_WIDTH,
)
from networks.exact import check_accumulators
from networks.job_walk import JobFields, takes_parts
from networks.words import join_words, words_of

_BLOCK = 64
_HALF = 16
_HALF_SUMMED = 1 << 13
_NOTHING_LEFT = 61


@njit(cache=True)
def gather(
    activations: NDArray, bases: NDArray[np.int64], offsets: NDArray[np.int64], patches: NDArray
) -> None:
    """Fills `patches` `(offsets, windows)` with the activations of each window; addresses wrap."""
    wrap = len(activations) - 1
    for r in range(len(offsets)):
        for w in range(len(bases)):
            patches[r, w] = activations[(bases[w] + offsets[r]) & wrap]


@njit(cache=True)
def _sums(
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    values: NDArray,
    patches: NDArray,
    sums: NDArray,
) -> None:
    """Adds products of each filter to `sums` `(filters, windows)`."""
    windows = patches.shape[1]
    for low in range(0, windows, _BLOCK):
        high = min(windows, low + _BLOCK)
        for n in range(len(starts) - 1):
            own = sums[n, low:high]
            for place in range(starts[n], starts[n + 1]):
                value = values[place]
                if value != 0:
                    activations = patches[rows[place], low:high]
                    for w in range(len(own)):
                        own[w] += value * activations[w]


@njit(cache=True)
def nonzero_products(rows: NDArray[np.int64], values: NDArray[np.int64], patches: NDArray) -> int:
    """Products without a zero: of all `values` in `rows` with every window."""
    total = 0
    counts = np.full(len(patches), -1, np.int64)
    for place in range(len(rows)):
        if values[place] != 0:
            row = rows[place]
            if counts[row] < 0:
                counts[row] = np.count_nonzero(patches[row])
            total += counts[row]
    return total


def patches_of(
    config: AcceleratorConfig, activations: NDArray, bases: NDArray, offsets: NDArray
) -> NDArray:
    """Activations `(offsets, windows)` in the narrowest type that `sums_of` is exact with."""
    types = {8: np.int16, 16: np.int32, 32: np.int64}
    patches = np.empty((len(offsets), len(bases)), dtype=types[config.bits])
    gather(activations, bases, offsets, patches)
    return patches


def sums_of(config: AcceleratorConfig, filters: Filters, patches: NDArray) -> NDArray:
    """Sums of products `(filters, windows)`, int64 or, with 32-bit operands, Python integers."""
    shape = len(filters.starts) - 1, patches.shape[1]
    starts, rows, values = filters.starts, filters.rows, filters.values
    if config.bits == 8:
        # at most 2^16 weights of 2^15: 32 bits are enough
        narrow = np.zeros(shape, np.int32)
        _sums(starts, rows, values.astype(np.int32), patches, narrow)
        return narrow.astype(np.int64)
    if config.bits == 16:
        sums = np.zeros(shape, np.int64)
        _sums(starts, rows, values, patches, sums)
        return sums
    total = np.zeros(shape, dtype=object)
    longest = int(np.diff(starts).max(initial=0))
    for first in range(0, longest, _HALF_SUMMED):
        begins = np.minimum(starts[:-1] + first, starts[1:])
        ends = np.minimum(begins + _HALF_SUMMED, starts[1:])
        part = [np.arange(begin, end) for begin, end in zip(begins, ends, strict=True)]
        chosen = np.concatenate(part)
        own = np.concatenate(([0], np.cumsum(ends - begins)))
        for shift, half in ((_HALF, values >> _HALF), (0, values & ((1 << _HALF) - 1))):
            sums = np.zeros(shape, np.int64)
            _sums(own, rows[chosen], half[chosen], patches, sums)
            total += sums.astype(object) << shift
    return total


def results_of(job: JobFields, memories: Memories, sums: NDArray) -> NDArray[np.int64]:
    """Results of `sums` `(filters, windows)` before pooling, as numbers, one a filter or two parts.

    Raises ValueError if an accumulator overflows, which the compiler rules out.
    """
    config = memories.config
    first = job["JOB_FILTERS"]["bias"]
    entries = memories.biases[(first + np.arange(len(sums))) % config.bias_entries]
    totals = sums + join_words(entries, config.accumulator_bits)[:, None]
    if takes_parts(job, config):
        check_accumulators(sums, config.accumulator_bits)
        totals, entries = totals[::2] + sums[1::2], entries[::2]
    check_accumulators(totals, config.accumulator_bits)
    shifts: NDArray = np.full(len(totals), job["JOB_SCALE"]["shift"])
    if config.channel_scales:
        scales = entries[:, words_of(config.accumulator_bits)].astype(np.int64)
        multipliers = (scales >> MULTIPLIER_LOW) & ((1 << MULTIPLIER_WIDTH) - 1)
        shifts = (scales >> CHANNEL_SHIFT_LOW) & ((1 << CHANNEL_SHIFT_WIDTH) - 1)
        totals = totals * multipliers[:, None]
    low, high = (int(bound) for bound in _bounds(job, config))
    if totals.dtype == object:
        rounded = _round_exactly(totals, shifts[:, None])
        clamped = np.where(rounded < low, low, np.where(rounded > high, high, rounded))
        return clamped.astype(np.int64)
    return _round_and_clamp(totals, np.minimum(shifts, _NOTHING_LEFT), low, high)


def _bounds(job: JobFields, config: AcceleratorConfig) -> NDArray[np.int64]:
    stored = np.array([job[name]["value"] for name in ("JOB_LOW", "JOB_HIGH")], dtype=np.int64)
    if job["JOB_SCALE"]["unsigned_output"]:
        return stored & ((1 << config.bits) - 1)
    return signed(stored, config.bits)


def _round_exactly(totals: NDArray, shifts: NDArray) -> NDArray:
    """`round_half_even(totals / 2^shifts)` on Python integers."""
    amounts = shifts.astype(object)
    floor = totals >> amounts
    rest = (totals - (floor << amounts)) * 2
    one = np.left_shift(1, amounts)
    up = (rest > one) | ((rest == one) & ((floor & 1) == 1))
    rounded: NDArray = floor + up
    return rounded


@njit(cache=True)
def _round_and_clamp(
    totals: NDArray[np.int64], shifts: NDArray[np.int64], low: int, high: int
) -> NDArray[np.int64]:
    results = np.empty(totals.shape, np.int64)
    for n in range(len(totals)):
        shift = shifts[n]
        half = (np.int64(1) << shift) >> 1
        for w in range(totals.shape[1]):
            rounded = totals[n, w]
            if shift > 0:
                rest = rounded & ((half << 1) - 1)
                rounded >>= shift
                if rest > half or (rest == half and rounded & 1):
                    rounded += 1
            if rounded < low:
                rounded = low
            elif rounded > high:
                rounded = high
            results[n, w] = rounded
    return results
