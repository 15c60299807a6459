"""Units in step: a group of filters begins when all have sent the one before, and not later."""

import random
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import Job, bit
from hdl.in_step import in_step
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset


def play(units: int, groups: int, seed: int, *, enabled: bool) -> list[list[tuple[int, int]]]:
    """First and last cycle of each filter, by group and unit; a job is cut off before it."""
    random_ = random.Random(seed)
    clock, start = bit(), bit()
    job = Job(small_config(units=units))
    sent, held = ([bit() for _ in range(units)] for _ in range(2))
    dut = in_step(clock, stage_reset(), start, job, sent, held)
    spans: list[list[tuple[int, int]]] = [[(0, 0)] * units for _ in range(groups)]

    def script() -> Iterator[Any]:
        job.in_step.next = enabled
        # whoever has sent before the start does not count
        for unit in range(units):
            sent[unit].next = unit == 0
        yield clock.posedge
        sent[0].next = False
        start.next = True
        yield clock.posedge
        start.next = False
        group, left, first = [0] * units, [0] * units, [0] * units
        for cycle in range(100 * groups):
            yield clock.negedge
            for unit in range(units):
                if not left[unit] and group[unit] < groups:
                    left[unit] = random_.choice([1, 1, 2, 7])
                    first[unit] = -1
                works = group[unit] < groups and not held[unit]
                if works and first[unit] < 0:
                    first[unit] = cycle
                left[unit] -= works
                sent[unit].next = works and not left[unit]
                if works and not left[unit]:
                    spans[group[unit]][unit] = first[unit], cycle
                    group[unit] += 1
            yield clock.posedge
        assert group == [groups] * units

    run(clock, dut, script=script)
    return spans


@given(units=st.integers(1, 6), groups=st.integers(1, 8), seed=st.integers(0, 1000))
@settings(max_examples=15, phases=UNSHRUNK)
def test_groups_follow_each_other(units: int, groups: int, seed: int) -> None:
    spans = play(units, groups, seed, enabled=True)
    for before, after in pairwise(spans):
        assert {first for first, _ in after} == {1 + max(last for _, last in before)}


@pytest.mark.parametrize("units", [2, 5])
def test_otherwise_nobody_waits(units: int) -> None:
    spans = play(units, 6, 1, enabled=False)
    for before, after in pairwise(spans):
        for (_, last), (first, _) in zip(before, after, strict=True):
            assert first == last + 1
