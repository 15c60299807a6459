"""The walk over a window's runs: every step once a filter, in order, without a gap."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import Job, bit, word
from hdl.run_walk import run_walk
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset
from tests.hdl.tasks_at_random import Loop, walk_offsets

CONFIG = small_config()
SIZE = CONFIG.activation_elements
WEIGHT_BITS = 6

Step = tuple[int, int, bool, int]
"""Address, weight, whether it ends a filter, filters of the job from this one on, minus 1."""


class Bench:
    """The block for the filters `first`, `first + units`, ..."""

    def __init__(self, first: int, units: int) -> None:
        self.first, self.units = first, units
        self.clock, self.start, self.serve, self.wanted = (bit() for _ in range(4))
        self.advance, self.valid, self.last = (bit() for _ in range(3))
        self.job = Job(CONFIG)
        self.base, self.address = (word(CONFIG.element_address_bits) for _ in range(2))
        self.weight, self.left = word(WEIGHT_BITS), word(len(self.job.last_filter))
        self.dut = run_walk(
            self.clock, stage_reset(), self.start, self.job, self.job.values, self.base, self.serve,
            self.wanted, self.advance, self.valid, self.address, self.weight, self.last, self.left,
            first=first, units=units,
        )  # fmt: skip

    def set_job(self, step: Loop, row: Loop, weight_start: int, last_filter: int) -> None:
        job = self.job
        job.last_step.next, job.jump_step.next = step.count - 1, step.jump % SIZE
        job.last_row.next, job.jump_row.next = row.count - 1, row.jump % SIZE
        job.values.next, job.last_filter.next = weight_start, last_filter

    def shown(self) -> Step:
        return int(self.address), int(self.weight), bool(self.last), int(self.left)


def steps_of(
    base: int, step: Loop, row: Loop, weight_start: int, channels: range, last_filter: int
) -> list[Step]:
    """The steps of one window, for each channel of the unit."""
    offsets = walk_offsets({"step": step, "row": row})
    return [
        (
            (base + offset) % SIZE,
            (weight_start + index * len(offsets) + place) % (1 << WEIGHT_BITS),
            place == len(offsets) - 1,
            last_filter - channel,
        )
        for index, channel in enumerate(channels)
        for place, offset in enumerate(offsets)
    ]


LOOPS = st.builds(Loop, st.integers(1, 4), st.integers(-40, 70))


@given(
    step=LOOPS,
    row=LOOPS,
    weight_start=st.integers(0, 2**16 - 1),
    last_filter=st.integers(0, 9),
    first=st.integers(0, 3),
    units=st.integers(1, 4),
    bases=st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=8),
    eagerness=st.sampled_from([0.3, 0.8, 1.0]),
    readiness=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, phases=UNSHRUNK)
def test_walks_each_window_at_once(
    step: Loop,
    row: Loop,
    weight_start: int,
    last_filter: int,
    first: int,
    units: int,
    bases: list[int],
    eagerness: float,
    readiness: float,
    seed: int,
) -> None:
    """A window's first step comes 2 cycles after it is served, or at once after the last step."""
    channels = range(first, max(last_filter, first) + 1, units)
    last_filter = max(last_filter, first)
    bench = Bench(first, units)
    random_ = random.Random(seed)

    def play_job(bases: list[int]) -> Iterator[Any]:
        queues = [steps_of(base, step, row, weight_start, channels, last_filter) for base in bases]
        pending = list(bases)
        served_cycles: list[int] = []
        ended, window, cycle = -1, 0, 0
        bench.start.next, bench.serve.next = True, True
        bench.base.next = pending.pop(0)
        served_cycles.append(0)
        yield bench.clock.posedge
        bench.start.next = False
        while window < len(bases) or cycle < ended + 5:
            cycle += 1
            yield bench.clock.negedge
            serve = bool(bench.wanted) and bool(pending) and random_.random() < readiness
            bench.serve.next = serve
            bench.base.next = pending.pop(0) if serve else random_.randrange(SIZE)
            if serve:
                served_cycles.append(cycle)
            bench.advance.next = random_.random() < eagerness
            yield bench.clock.posedge
            here = window < len(served_cycles) and cycle >= max(
                ended + 1, served_cycles[window] + 2
            )
            assert bench.valid == here
            # one window can wait while another is walked
            waiting = len(served_cycles) - serve - window - here
            assert bench.wanted == (waiting == 0)
            if not here:
                continue
            assert bench.shown() == queues[window][0]
            if bench.advance:
                queues[window].pop(0)
                if not queues[window]:
                    window, ended = window + 1, cycle

    def script() -> Iterator[Any]:
        bench.set_job(step, row, weight_start, last_filter)
        yield from play_job(bases)
        yield from play_job(bases[::-1])

    run(bench.clock, bench.dut, script=script)


def test_a_start_forgets_the_walk_before_it() -> None:
    """A job that was cleared leaves neither a step nor a window behind."""
    bench = Bench(0, 1)

    def script() -> Iterator[Any]:
        bench.set_job(Loop(4, 1), Loop(1, 0), 5, 1)
        for base in (10, 20):
            bench.serve.next, bench.base.next = True, base
            yield bench.clock.posedge
        bench.serve.next = False
        for _ in range(2):
            yield bench.clock.posedge
        assert bench.valid
        bench.start.next = True
        yield bench.clock.posedge
        bench.start.next = False
        for _ in range(6):
            yield bench.clock.negedge
            assert not bench.valid
            assert bench.wanted
            yield bench.clock.posedge

    run(bench.clock, bench.dut, script=script)


@pytest.mark.parametrize(("first", "units"), [(0, 16), (3, 16)])
def test_a_job_of_all_channels_ends(first: int, units: int) -> None:
    """The filters left must not wrap."""
    last_filter = CONFIG.bias_entries - 1
    bench = Bench(first, units)
    lefts: list[int] = []

    def script() -> Iterator[Any]:
        bench.set_job(Loop(1, 0), Loop(1, 0), 0, last_filter)
        bench.start.next = bench.serve.next = bench.advance.next = True
        yield bench.clock.posedge
        bench.start.next = bench.serve.next = False
        for _ in range(12):
            yield bench.clock.posedge
            if bench.valid:
                lefts.append(int(bench.left))

    run(bench.clock, bench.dut, script=script)
    assert lefts == [last_filter - channel for channel in range(first, last_filter + 1, units)]
