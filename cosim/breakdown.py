"""Where the time of an image goes: every picosecond in exactly one category.

At any instant the first that applies of this list counts:

    host       the CPU works: call, input, cache, descriptors, registers, host layers, result
    compute    a compute job runs on the accelerator
    transfer   the DMA has a buffer under way (descriptor, data, status), or a store job runs
    interrupt  the host learns of the end: interrupt entry and service, or polling
    idle       none of these

So data that moves while a job computes costs nothing in this account, and `transfer` is what the
accelerator had to wait for.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

CATEGORIES = ("host", "compute", "transfer", "interrupt", "idle")
"""In order of priority."""

Interval = tuple[int, int]


@dataclass(frozen=True)
class Activity:
    """Intervals `(start_ps, end_ps)` of each category but `idle`; any order, they may overlap."""

    host: Sequence[Interval]
    compute: Sequence[Interval]
    transfer: Sequence[Interval]
    interrupt: Sequence[Interval]


def classify(activity: Activity, windows: Iterable[Interval]) -> dict[str, int]:
    """Picoseconds of each category, summed over the windows; they sum to the windows' lengths."""
    totals = dict.fromkeys(CATEGORIES, 0)
    left = [window for window in windows if window[1] > window[0]]
    for name in CATEGORIES[:-1]:
        left, taken_ps = _subtract(left, _union(getattr(activity, name)))
        totals[name] = taken_ps
    totals["idle"] = sum(end - start for start, end in left)
    return totals


def to_whole_ns(parts_ps: Mapping[str, int]) -> dict[str, int]:
    """Whole nanoseconds that sum to the rounded sum (largest remainders first)."""
    total_ns = round(sum(parts_ps.values()) / 1000)
    parts_ns = {name: value // 1000 for name, value in parts_ps.items()}
    missing = total_ns - sum(parts_ns.values())
    by_remainder = sorted(parts_ps, key=lambda name: -(parts_ps[name] % 1000))
    for name in by_remainder[:missing]:
        parts_ns[name] += 1
    return parts_ns


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    merged: list[Interval] = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _subtract(windows: Sequence[Interval], taken: Sequence[Interval]) -> tuple[list[Interval], int]:
    """What is left of ordered windows, and how much the ordered intervals took from them."""
    left: list[Interval] = []
    taken_ps = 0
    first = 0
    for start, end in windows:
        while first < len(taken) and taken[first][1] <= start:
            first += 1
        index = first
        while index < len(taken) and taken[index][0] < end:
            low, high = max(start, taken[index][0]), min(end, taken[index][1])
            if low > start:
                left.append((start, low))
            taken_ps += high - low
            start = high
            index += 1
        if start < end:
            left.append((start, end))
    return left, taken_ps
