"""Every picosecond counts once."""

from hypothesis import given
from hypothesis import strategies as st

from cosim.breakdown import CATEGORIES, Activity, classify, to_whole_ns

INTERVALS = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 80)).map(lambda pair: (pair[0], sum(pair))),
    max_size=8,
)


def by_hand(activity: Activity, windows: list[tuple[int, int]]) -> dict[str, int]:
    totals = dict.fromkeys(CATEGORIES, 0)
    for start, end in windows:
        for instant in range(start, end):
            for name in CATEGORIES[:-1]:
                if any(low <= instant < high for low, high in getattr(activity, name)):
                    totals[name] += 1
                    break
            else:
                totals["idle"] += 1
    return totals


@given(INTERVALS, INTERVALS, INTERVALS, INTERVALS, st.lists(st.integers(0, 60), max_size=6))
def test_priority_decides_at_every_instant(
    host: list[tuple[int, int]],
    compute: list[tuple[int, int]],
    transfer: list[tuple[int, int]],
    interrupt: list[tuple[int, int]],
    lengths: list[int],
) -> None:
    activity = Activity(host, compute, transfer, interrupt)
    windows, start = [], 10
    for length in lengths:
        windows.append((start, start + length))
        start += length + length % 3
    assert classify(activity, windows) == by_hand(activity, windows)


@given(st.lists(st.integers(0, 10**12), min_size=5, max_size=5))
def test_whole_nanoseconds_sum_to_the_rounded_total(parts: list[int]) -> None:
    parts_ps = dict(zip(CATEGORIES, parts, strict=True))
    parts_ns = to_whole_ns(parts_ps)
    assert sum(parts_ns.values()) == round(sum(parts) / 1000)
    assert all(abs(parts_ns[name] * 1000 - parts_ps[name]) < 1000 for name in CATEGORIES)
