"""The filters of a job as the units' memories hold them."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.memories import Memories
from networks.job_walk import JobFields, walk_addresses


@dataclass(frozen=True)
class Filters:
    """Weights of filters `0 ... N - 1` of a job, in order of their items.

    `starts` `(N + 1)`: first weight of each; `rows`: which of `offsets` a weight is multiplied
    with, distances in elements from the window's first; `values`: the weights.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    values: NDArray[np.int64]
    offsets: NDArray[np.int64]


def filter_places(count: int, units: int) -> NDArray[np.int64]:
    """Position of each filter among those of its unit."""
    return np.arange(count) // units


def signed(patterns: NDArray, bits: int) -> NDArray[np.int64]:
    """Two's complement numbers from patterns of `bits` bits."""
    sign = 1 << (bits - 1)
    return ((patterns.astype(np.int64) & ((1 << bits) - 1)) ^ sign) - sign


def dense_filters(job: JobFields, memories: Memories) -> Filters:
    """Filters of `dense`: one weight an element of the window."""
    config = memories.config
    walk = walk_addresses(job)
    count, steps = job["JOB_FILTERS"]["last"] + 1, len(walk)
    stored = memories.values.view(f"<i{config.bits // 8}")
    rows, values = _unpack(stored, job["JOB_WEIGHTS"]["values"], count, steps)
    return Filters(np.arange(count + 1) * steps, rows, values, walk % config.activation_elements)


@njit(cache=True)
def _unpack(
    stored: NDArray, first: int, count: int, steps: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Steps and weights of all filters, one after the other; addresses wrap."""
    units, capacity = stored.shape
    rows = np.empty(count * steps, np.int64)
    values = np.empty(count * steps, np.int64)
    place = 0
    for n in range(count):
        begin = first + n // units * steps
        for step in range(steps):
            rows[place] = step
            values[place] = stored[n % units, (begin + step) % capacity]
            place += 1
    return rows, values


def section_bitmaps(job: JobFields, memories: Memories, steps: int) -> tuple[NDArray, NDArray]:
    """Bitmaps of `bitmap` `(filters, sections)` and the values before each section."""
    config = memories.config
    count = job["JOB_FILTERS"]["last"] + 1
    first = job["JOB_WEIGHTS"]["bitmaps"] + filter_places(count, config.units) * steps
    places = (first[:, None] + np.arange(steps)) % config.bitmap_words
    units = (np.arange(count) % config.units)[:, None]
    return memories.bitmaps[units, places], memories.bases[units, places]


def bitmap_filters(job: JobFields, memories: Memories, bitmaps: NDArray, bases: NDArray) -> Filters:
    """Filters of `bitmap`: one weight a set bit."""
    config = memories.config
    stored = memories.values.view(f"<i{config.bits // 8}")
    walk = walk_addresses(job) % config.activation_elements
    first = bases + job["JOB_WEIGHTS"]["values"]
    starts, offsets, values = _expand(bitmaps, first, walk, stored, config.activation_elements)
    rows, distinct = compact(offsets, config.activation_elements)
    return Filters(starts, rows, values, distinct)


@njit(cache=True)
def _expand(
    bitmaps: NDArray[np.uint32],
    first: NDArray[np.int64],
    walk: NDArray[np.int64],
    stored: NDArray,
    elements: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    filters, sections = bitmaps.shape
    units, capacity = stored.shape
    total = 0
    for bitmap in bitmaps.reshape(-1):
        for bit in range(32):
            total += int((bitmap >> bit) & 1)
    starts = np.zeros(filters + 1, np.int64)
    offsets = np.zeros(total, np.int64)
    values = np.zeros(total, np.int64)
    place = 0
    for n in range(filters):
        for k in range(sections):
            left, value = np.int64(bitmaps[n, k]), first[n, k]
            bit = 0
            while left:
                if left & 1:
                    offsets[place] = (walk[k] + bit) % elements
                    values[place] = stored[n % units, value % capacity]
                    value += 1
                    place += 1
                left >>= 1
                bit += 1
        starts[n + 1] = place
    return starts, offsets, values


@njit(cache=True)
def compact(
    offsets: NDArray[np.int64], elements: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers offsets below `elements` in ascending order of the distinct ones."""
    numbers = np.full(elements, -1, np.int64)
    for offset in offsets:
        numbers[offset] = 0
    distinct = np.empty(elements, np.int64)
    count = 0
    for offset in range(elements):
        if numbers[offset] == 0:
            numbers[offset] = count
            distinct[count] = offset
            count += 1
    rows = np.empty(len(offsets), np.int64)
    for place in range(len(offsets)):
        rows[place] = numbers[offsets[place]]
    return rows, distinct[:count].copy()
