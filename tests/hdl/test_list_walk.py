"""The walk over a weight list: once a window, from its end back to its start without a pause."""

import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import Job, bit, word
from hdl.list_unit import list_walk
from hdl.lists import MIN_LIST_WORDS
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIG = small_config(kind="list")
SIZE = CONFIG.activation_elements
LIST_WORDS = 16
BASE_CYCLES = 2


class Bench:
    """The block and the list memory behind it, of which only the announcing bit is there."""

    def __init__(self, start: int, length: int) -> None:
        self.list = [(start + index) % LIST_WORDS for index in range(length)]
        self.clock, self.start, self.serve, self.wanted = (bit() for _ in range(4))
        self.advance, self.ends, self.fetching, self.valid = (bit() for _ in range(4))
        self.job = Job(CONFIG)
        self.base_in, self.base = (word(CONFIG.element_address_bits) for _ in range(2))
        self.pointer = word((LIST_WORDS - 1).bit_length())
        self.dut = list_walk(
            self.clock, stage_reset(), self.start, self.job, self.base_in, self.serve, self.wanted,
            self.advance, self.ends, self.fetching, self.pointer, self.base, self.valid,
        )  # fmt: skip

    def read(self) -> None:
        """The list memory's part of an edge: `ends` follows the word that announces the end."""
        if self.advance:
            self.ends.next = self.pointer == self.list[-MIN_LIST_WORDS]


@given(
    start=st.integers(0, LIST_WORDS - 1),
    length=st.integers(MIN_LIST_WORDS, 7),
    bases=st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=8),
    eagerness=st.sampled_from([0.3, 0.8, 1.0]),
    readiness=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=40, phases=UNSHRUNK)
def test_walks_the_list_once_a_window(
    start: int, length: int, bases: list[int], eagerness: float, readiness: float, seed: int
) -> None:
    """A window's first word is read 1 cycle after it is served, or at once after the last word."""
    bench = Bench(start, length)
    random_ = random.Random(seed)

    def play_job(bases: list[int]) -> Iterator[Any]:
        pending, served_cycles = list(bases), [0]
        bench.start.next, bench.serve.next = True, True
        bench.base_in.next = pending.pop(0)
        bench.job.values.next = start + LIST_WORDS * random_.randrange(100)
        yield bench.clock.posedge
        bench.start.next = False
        # the base of the word that was fetched so many advances before, if any
        on_the_way: list[int | None] = [None] * BASE_CYCLES
        window, place, ended, cycle = 0, 0, -1, 0
        while window < len(bases) or cycle < ended + 8:
            cycle += 1
            yield bench.clock.negedge
            serve = bool(bench.wanted) and bool(pending) and random_.random() < readiness
            bench.serve.next = serve
            bench.base_in.next = pending.pop(0) if serve else random_.randrange(SIZE)
            if serve:
                served_cycles.append(cycle)
            bench.advance.next = random_.random() < eagerness
            yield bench.clock.posedge
            bench.read()
            given_ = len(served_cycles) - serve
            here = window < given_ and (place > 0 or cycle > max(ended, served_cycles[window]))
            assert bench.fetching == here
            # one window can wait while another is walked
            assert bench.wanted == (given_ - window - (place > 0) == 0)
            assert bench.valid == (on_the_way[0] is not None)
            if on_the_way[0] is not None:
                assert bench.base == on_the_way[0]
            if not bench.advance:
                continue
            on_the_way.append(bases[window] if here else None)
            on_the_way.pop(0)
            if here:
                assert bench.pointer == bench.list[place]
                place += 1
                if place == length:
                    window, place, ended = window + 1, 0, cycle

    def script() -> Iterator[Any]:
        yield from play_job(bases)
        bench.advance.next = True
        for _ in range(4):
            yield bench.clock.posedge
        yield from play_job(bases[::-1])

    run(bench.clock, bench.dut, script=script)


@pytest.mark.parametrize("length", [3, 4])
def test_windows_follow_without_a_pause(length: int) -> None:
    bench = Bench(15, length)
    pointers: list[int] = []

    def script() -> Iterator[Any]:
        bench.job.values.next = 15
        bench.start.next = bench.serve.next = bench.advance.next = True
        yield bench.clock.posedge
        bench.start.next = bench.serve.next = False
        for _ in range(12):
            yield bench.clock.negedge
            bench.serve.next = bool(bench.wanted)
            yield bench.clock.posedge
            bench.read()
            assert bench.fetching
            pointers.append(int(bench.pointer))

    run(bench.clock, bench.dut, script=script)
    assert pointers == (bench.list * 6)[:12]
