"""The sequencer against nested loops in Python, under a random `advance`."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import BEGIN, EMIT, FINAL, Job, Step, bit
from hdl.config import AcceleratorConfig
from hdl.registers import LOOPS
from hdl.sequencer import sequencer
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIG = small_config()
LIST_CONFIG = small_config(kind="list")
WEIGHT_BITS = 6

Issued = tuple[int, int, int, bool, frozenset[int]]
"""Address, weight, channel, whether a window ends, its flags."""


@dataclass(frozen=True)
class Walk:
    """Loop counts and strides by level, innermost first, and where everything starts."""

    counts: tuple[int, ...]
    strides: tuple[int, ...]
    input: int
    weight_start: int
    last_filter: int

    def jumps(self) -> list[int]:
        """What each level adds to the address when all levels inside it start again."""
        inner, jumps = 0, []
        for count, stride in zip(self.counts, self.strides, strict=True):
            jumps.append(stride - inner)
            inner += (count - 1) * stride
        return jumps

    def steps(self, config: AcceleratorConfig, first_channel: int, stride: int) -> Iterator[Issued]:
        """The steps; in `list` every step of a window has its flags, otherwise the last only."""
        steps_a_filter = self.counts[0] * self.counts[1]
        ranges = [range(count) for count in reversed(self.counts)]
        for index, channel in enumerate(range(first_channel, self.last_filter + 1, stride)):
            for place in product(*ranges):
                at = place[::-1]
                offset = sum(i * step for i, step in zip(at, self.strides, strict=True))
                last = [i == count - 1 for i, count in zip(at, self.counts, strict=True)]
                weight = index * steps_a_filter + at[1] * self.counts[0] + at[0]
                flags = set()
                if config.kind == "list":
                    ends_pool, ends_filter = all(last[2:4]), all(last[2:])
                    if at[2:4] == (0, 0):
                        flags.add(BEGIN)
                else:
                    ends_pool, ends_filter = all(last[:4]), all(last)
                if ends_pool:
                    flags.add(EMIT)
                if ends_filter:
                    flags.add(FINAL)
                yield (
                    (self.input + offset) % config.activation_elements,
                    (self.weight_start + weight) % 2**WEIGHT_BITS,
                    channel,
                    all(last[:2]),
                    frozenset(flags),
                )


def play(
    walk: Walk,
    *,
    first_channel: int,
    stride: int,
    eagerness: float,
    seed: int,
    config: AcceleratorConfig = CONFIG,
) -> list[tuple[int, Issued]]:
    """Runs the block; returns the cycle after `start` in which each step was taken, and the step.

    Checks that a step stays while `advance` is low, and that `running` falls with the last one.
    """
    clock, start, advance, running = bit(), bit(), bit(), bit()
    job, step = Job(config), Step(config, WEIGHT_BITS)
    weights = Job(config).bitmaps
    random_ = random.Random(seed)
    taken: list[tuple[int, Issued]] = []
    sum_of_steps = len(list(walk.steps(config, first_channel, stride)))
    dut = sequencer(
        clock, stage_reset(), start, job, weights, advance, step, running,
        first_channel=first_channel, stride=stride,
    )  # fmt: skip

    def shown() -> tuple[bool, Issued]:
        flags = frozenset(flag for flag in range(len(step.flags)) if step.flags[flag])
        return bool(step.valid), (
            int(step.address), int(step.weight), int(step.channel), bool(step.window), flags,
        )  # fmt: skip

    def script() -> Iterator[Any]:
        modulo = config.activation_elements
        for level, count, jump in zip(LOOPS, walk.counts, walk.jumps(), strict=True):
            getattr(job, f"last_{level}").next = count - 1
            getattr(job, f"jump_{level}").next = jump % modulo
        job.input.next = walk.input
        job.last_filter.next = walk.last_filter
        weights.next = walk.weight_start
        start.next = True
        yield clock.posedge
        start.next = False
        yield clock.negedge
        remaining = bool(running)
        assert remaining == (walk.last_filter >= first_channel)
        cycle, held = 0, None
        while remaining or step.valid:
            yield clock.negedge
            advance.next = random_.random() < eagerness
            yield clock.posedge
            cycle += 1
            valid, now = shown()
            assert held is None or now == held
            held = None if advance else now if valid else None
            if advance and valid:
                taken.append((cycle, now))
            remaining = bool(running)
            assert remaining == (sum_of_steps > len(taken) + (valid and not advance)), (
                "running must be high while there are steps to be issued"
            )
        for _ in range(3):
            yield clock.posedge
            assert not step.valid

    run(clock, dut, script=script)
    return taken


@given(
    counts=st.tuples(*[st.integers(1, 3)] * 4, st.integers(1, 2), st.integers(1, 2)),
    strides=st.tuples(*[st.integers(-40, 70)] * 6),
    start=st.integers(0, CONFIG.activation_elements - 1),
    weight_start=st.integers(0, 2**WEIGHT_BITS - 1),
    last_filter=st.integers(0, 4),
    first_channel=st.integers(0, 3),
    stride=st.integers(1, 3),
    eagerness=st.sampled_from([0.3, 0.8, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=20, phases=UNSHRUNK)
def test_follows_the_loops(
    counts: tuple[int, ...],
    strides: tuple[int, ...],
    start: int,
    weight_start: int,
    last_filter: int,
    first_channel: int,
    stride: int,
    eagerness: float,
    seed: int,
) -> None:
    walk = Walk(counts, strides, start, weight_start, last_filter)
    taken = play(walk, first_channel=first_channel, stride=stride, eagerness=eagerness, seed=seed)
    assert [step for _, step in taken] == list(walk.steps(CONFIG, first_channel, stride))


@given(
    counts=st.tuples(*[st.integers(1, 3)] * 4, st.integers(1, 2), st.integers(1, 2)),
    strides=st.tuples(*[st.integers(-40, 70)] * 6),
    last_filter=st.integers(0, 40),
    seed=st.integers(0, 1000),
)
@settings(max_examples=8, phases=UNSHRUNK)
def test_lists_are_walked_once_a_window(
    counts: tuple[int, ...], strides: tuple[int, ...], last_filter: int, seed: int
) -> None:
    """A list holds all filters of a unit, so one walk over the windows is the whole job."""
    walk = Walk(counts, strides, 7, 3, last_filter)
    options = {"first_channel": 0, "stride": 1 << 16}
    taken = play(walk, **options, eagerness=0.7, seed=seed, config=LIST_CONFIG)
    assert [step for _, step in taken] == list(walk.steps(LIST_CONFIG, **options))


def test_issues_one_step_a_cycle_without_bubbles() -> None:
    walk = Walk((2, 3, 2, 1, 2, 2), (1, 7, 3, 0, 5, 40), 9, 5, 6)
    taken = play(walk, first_channel=1, stride=3, eagerness=1.0, seed=0)
    first = taken[0][0]
    assert [cycle for cycle, _ in taken] == list(range(first, first + 2 * 48))


@pytest.mark.parametrize("first_channel", [3, 7])
def test_a_unit_without_a_channel_stays_idle(first_channel: int) -> None:
    walk = Walk((1,) * 6, (0,) * 6, 0, 0, 2)
    assert play(walk, first_channel=first_channel, stride=8, eagerness=1.0, seed=0) == []


def test_a_job_of_65536_channels_ends() -> None:
    """The channel counter must not wrap below the last filter."""
    walk = Walk((1,) * 6, (0,) * 6, 0, 0, 65535)
    taken = play(walk, first_channel=0, stride=16384, eagerness=1.0, seed=0)
    assert [step[2] for _, step in taken] == [0, 16384, 32768, 49152]
