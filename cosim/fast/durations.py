"""How long each item of a window takes: data-dependent timing, filter by filter."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from cosim.fast.intrinsics import ones
from cosim.fast.pipe_state import DROPPED, FREES, HEAD_FIELDS, IDLE, LEAVES

_BLOCK = 128
"""Windows done together: their counts stay in the fastest cache."""


@njit(cache=True)
def window_sections(
    words: NDArray[np.uint32], bases: NDArray[np.int64], walk: NDArray[np.int64]
) -> NDArray[np.uint32]:
    """Activation bitmaps `(windows, sections)` from any element on, of memory `words`."""
    sections = np.empty((len(bases), len(walk)), np.uint32)
    count = len(words)
    for w in range(len(bases)):
        for k in range(len(walk)):
            address = bases[w] + walk[k]
            index = (address >> 5) % count
            both = np.uint64(words[index]) | (
                np.uint64(words[(index + 1) % count]) << np.uint64(32)
            )
            sections[w, k] = np.uint32(both >> np.uint64(address & 31))
    return sections


@njit(cache=True)
def section_durations(
    bitmaps: NDArray[np.uint32], sections: NDArray[np.uint32], depth: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8], int, int]:
    """A section takes a cycle a match, at least one.

    `bitmaps` `(filters, sections)` of weights, `sections` `(windows, sections)` of activations.
    Returns heads `(1, filters, windows)` and tails `(filters, depth, windows)` as
    `cosim.fast.pipe_state.Pipes` has them, and how many matches and how many cycles there are.
    """
    filters, steps = bitmaps.shape
    windows = len(sections)
    heads = np.zeros((1, filters, windows), np.int32)
    tails = np.zeros((filters, depth, windows), np.uint8)
    pairs, cycles = 0, 0
    first = max(0, steps - depth)
    for n in range(filters):
        weights = bitmaps[n]
        for w in range(windows):
            activations = sections[w]
            found, empty = np.int64(0), np.int64(0)
            for k in range(first):
                matches = np.int64(ones(np.uint32(weights[k] & activations[k])))
                found += matches
                empty += matches == 0
            heads[0, n, w] = found + empty
            for k in range(first, steps):
                matches = np.int64(ones(np.uint32(weights[k] & activations[k])))
                tails[n, k - first, w] = matches + (matches == 0)
                found += matches
                empty += matches == 0
            pairs += int(found)
            cycles += int(found + empty)
    return heads, tails, pairs, cycles


@njit(cache=True)
def list_durations(
    starts: NDArray[np.int64], rows: NDArray[np.int64], nonzero: NDArray[np.uint8], depth: int
) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """A list word takes a cycle a pair without a zero; one without pairs is dropped meanwhile.

    `starts`, `rows`: see `cosim.fast.lists.ListWords`; `nonzero` `(offsets, windows)` tells of
    activations. Returns heads `(4, filters, windows)` and tails `(filters, depth, windows)` as
    `cosim.fast.pipe_state.Pipes` has them.
    """
    filters, windows = len(starts) - 1, nonzero.shape[1]
    heads = np.zeros((HEAD_FIELDS, filters, windows), np.int32)
    tails = np.zeros((filters, depth, windows), np.uint8)
    pairs = np.zeros(_BLOCK, np.int32)
    for low in range(0, windows, _BLOCK):
        size = min(_BLOCK, windows - low)
        for n in range(filters):
            dropped = heads[DROPPED, n, low : low + size]
            leaves = heads[LEAVES, n, low : low + size]
            frees = heads[FREES, n, low : low + size]
            idle = heads[IDLE, n, low : low + size]
            first = max(starts[n], starts[n + 1] - depth)
            for place in range(starts[n], starts[n + 1]):
                pairs[:size] = 0
                for k in range(rows.shape[1]):
                    if rows[place, k] >= 0:
                        values = nonzero[rows[place, k], low : low + size]
                        for w in range(size):
                            pairs[w] += values[w]
                if place >= first:
                    for w in range(size):
                        tails[n, place - first, low + w] = pairs[w]
                else:
                    _follow(pairs, dropped, leaves, frees, idle)
    return heads, tails


@njit(cache=True)
def _follow(
    pairs: NDArray[np.int32],
    dropped: NDArray[np.int32],
    leaves: NDArray[np.int32],
    frees: NDArray[np.int32],
    idle: NDArray[np.int32],
) -> None:
    """One more word of a head, in every window."""
    for w in range(len(dropped)):
        found = np.int32(pairs[w])
        started = np.int32(frees[w] > 0)
        leave = np.int32(leaves[w] + started)
        if found > 0:
            leave = np.int32(max(leave, frees[w]))
            frees[w] = leave + found
        else:
            dropped[w] += np.int32(1) - started
            idle[w] += started & np.int32(leave > frees[w])
        leaves[w] = leave
