"""The filters of a `list` job as the units' lists hold them."""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.memories import Memories
from cosim.fast.weights import Filters, compact
from hdl.lists import MIN_LIST_WORDS, ListLayout
from networks.job_walk import JobFields

MOST_KEPT = 8
"""Sets of filters that are kept decoded."""


@dataclass(frozen=True)
class ListWords:
    """Words of list filters `0 ... N - 1`.

    `starts` `(N + 1)`: first word of each; `rows` `(words, slots)`: as in `Filters`, -1 in place of
    a zero weight; `ends` `(N)`: words of its unit's list up to its last one.
    """

    starts: NDArray[np.int64]
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]


def list_filters(job: JobFields, memories: Memories) -> tuple[Filters, ListWords]:
    """Filters of `list` and their words; raises ValueError unless a list ends its filters.

    In lockstep all units go as far as unit 0. Jobs on the same filters, as those of row bands are,
    share what was decoded.
    """
    key = job["JOB_WEIGHTS"]["values"], job["JOB_FILTERS"]["last"]
    if key not in memories.kept:
        while len(memories.kept) >= MOST_KEPT:
            del memories.kept[next(iter(memories.kept))]
        memories.kept[key] = _list_filters(job, memories)
    found: tuple[Filters, ListWords] = memories.kept[key]
    return found


def _list_filters(job: JobFields, memories: Memories) -> tuple[Filters, ListWords]:
    config = memories.config
    layout = ListLayout.of(config)
    count, slots = job["JOB_FILTERS"]["last"] + 1, config.lookahead
    bits = np.array([layout.turn_bit, layout.last_bit, layout.value_bits, layout.offset_bits])
    first = job["JOB_WEIGHTS"]["values"]
    begins, ends, bad = _spans(memories.lists, first, count, bits, not config.independent_units)
    if bad >= 0:
        raise ValueError(f"list of unit {bad} must end each of its filters, its last word too")
    starts, offsets, values = _decode(memories.lists, first, begins, ends, slots, bits)
    rows, distinct = compact(offsets, config.activation_elements)
    words = np.where(values != 0, rows, -1).reshape(-1, slots)
    return Filters(starts * slots, rows, values, distinct), ListWords(starts, words, ends)


@njit(cache=True)
def _bit(entry: NDArray[np.uint32], place: int) -> bool:
    return (entry[place >> 5] >> (place & 31)) & 1 != 0


@njit(cache=True)
def _field(entry: NDArray[np.uint32], low: int, width: int) -> int:
    """Bits `low` to `low + width - 1` of an entry's stream words."""
    index, shift = low >> 5, low & 31
    found = np.int64(entry[index]) >> shift
    if shift + width > 32:
        found |= np.int64(entry[index + 1]) << (32 - shift)
    return int(found & ((np.int64(1) << width) - 1))


@njit(cache=True)
def _spans(
    lists: NDArray[np.uint32], first: int, filters: int, bits: NDArray[np.int64], lockstep: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """First word and end of each filter in its unit's list, and a unit with a bad list or -1."""
    units, entries, _ = lists.shape
    turn, last = bits[0], bits[1]
    begins = np.zeros(filters, np.int64)
    ends = np.zeros(filters, np.int64)
    length = 0
    for unit in range(min(units, filters)):
        if unit == 0 or not lockstep:
            length = 1
            while length < entries and not _bit(lists[unit, (first + length - 1) % entries], turn):
                length += 1
            length += MIN_LIST_WORDS - 1
        if length > entries:
            return begins, ends, unit
        channel, begin = unit, 0
        for place in range(length):
            if _bit(lists[unit, (first + place) % entries], last):
                if channel >= filters:
                    return begins, ends, unit
                begins[channel], ends[channel] = begin, place + 1
                begin = place + 1
                channel += units
        if channel < filters or begin != length:
            return begins, ends, unit
    return begins, ends, -1


@njit(cache=True)
def _decode(
    lists: NDArray[np.uint32],
    first: int,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    slots: int,
    bits: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Starts of the filters in words; offset and value of every slot."""
    units, entries, _ = lists.shape
    value_bits, offset_bits = bits[2], bits[3]
    sign = np.int64(1) << (value_bits - 1)
    filters = len(begins)
    starts = np.zeros(filters + 1, np.int64)
    starts[1:] = np.cumsum(ends - begins)
    offsets = np.empty(starts[-1] * slots, np.int64)
    values = np.empty(starts[-1] * slots, np.int64)
    at = 0
    for n in range(filters):
        for place in range(begins[n], ends[n]):
            entry = lists[n % units, (first + place) % entries]
            for k in range(slots):
                value = _field(entry, k * value_bits, value_bits)
                values[at] = (value ^ sign) - sign
                offsets[at] = _field(entry, slots * value_bits + k * offset_bits, offset_bits)
                at += 1
    return starts, offsets, values
