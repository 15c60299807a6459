"""Requantisation against `networks.rescale`: scale, round half to even, clamp."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import WINDOW_FLAGS, Job, Sum, bit, word
from hdl.config import AcceleratorConfig
from hdl.packets import CHANNEL_SHIFT_WIDTH, MULTIPLIER_WIDTH
from hdl.requantise import requantise
from networks import rescale
from networks.formats import Format
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

READING_CYCLES = 2
"""From `reading` to the result."""

LAST_SHIFT = (1 << CHANNEL_SHIFT_WIDTH) - 1
CONFIGS = [
    small_config(bits=bits, channel_scales=scales)
    for bits in (8, 16, 32)
    for scales in (False, True)
]
ALL = pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: f"{c.bits}-{'channels' if c.channel_scales else 'job'}"
)


@dataclass(frozen=True)
class Batch:
    """Sums that share a job's registers; scales go round among them."""

    totals: Sequence[int]
    scales: Sequence[tuple[int, int]]
    """Multiplier and shift of each channel; without channel scales there is one, (1, shift)."""
    low: int
    high: int
    unsigned: bool = False

    def wanted(self, bits: int) -> list[int]:
        """Exact, in Python's integers."""
        count = len(self.totals)
        scales = [scale for scale, _ in zip(cycle(self.scales), range(count), strict=False)]
        products = [total * scale[0] for total, scale in zip(self.totals, scales, strict=True)]
        shifts = np.array([shift for _, shift in scales], dtype=object)
        target = Format(bits, 0, signed=not self.unsigned)
        rounded = rescale.requantise(np.array(products, dtype=object), shifts, target)
        return [int(value) for value in np.clip(rounded, self.low, self.high)]


def play(config: AcceleratorConfig, batches: Sequence[Batch]) -> list[list[int]]:
    """Results of each batch; checks latency and what travels along."""
    latency_cycles = 4 if config.channel_scales else 3
    clock, job = bit(), Job(config)
    total, result = Sum(config, config.accumulator_bits), Sum(config, config.bits + 1)
    reading, read_channel = bit(), word(len(total.channel))
    dut = requantise(clock, stage_reset(), job, total, result, read_channel, reading, config=config)
    results: list[list[int]] = []

    def show(index: int | None, batch: Batch) -> None:
        total.valid.next = index is not None
        if index is not None:
            total.total.next = batch.totals[index]
            multiplier, shift = batch.scales[index % len(batch.scales)]
            total.multiplier.next, total.shift.next = multiplier, shift
            total.flags.next = index % (1 << WINDOW_FLAGS)
            total.channel.next = index * 5 % config.bias_entries
            total.address.next = index * 7 % config.activation_elements
            total.end.next = index % 3 == 0

    def script() -> Iterator[Any]:
        mask = (1 << config.bits) - 1
        for batch in batches:
            job.low.next, job.high.next = batch.low & mask, batch.high & mask
            job.unsigned_output.next = batch.unsigned
            # without channel scales; with them it must not matter
            job.shift.next = 5 if config.channel_scales else batch.scales[0][1]
            results.append([])
            entered: list[int | None] = [None] * latency_cycles
            pending = list(range(len(batch.totals)))
            slots = 0
            while pending or any(index is not None for index in entered):
                # an idle cycle after every third, so that what travels along meets gaps too
                slots += 1
                index = pending.pop(0) if pending and slots % 4 else None
                show(index, batch)
                yield clock.posedge
                announced = entered[READING_CYCLES]
                assert reading == (announced is not None)
                if announced is not None:
                    assert read_channel == announced * 5 % config.bias_entries
                leaving = entered.pop(0)
                entered.append(index)
                assert result.valid == (leaving is not None)
                if leaving is None:
                    continue
                results[-1].append(int(result.total))
                seen = int(result.flags), int(result.channel), int(result.address)
                assert seen == (
                    leaving % (1 << WINDOW_FLAGS),
                    leaving * 5 % config.bias_entries,
                    leaving * 7 % config.activation_elements,
                )
                assert result.end == (leaving % 3 == 0)
            total.valid.next = False
            yield clock.posedge

    run(clock, dut, script=script, limit_cycles=200_000)
    return results


def bounds(bits: int, unsigned: bool) -> tuple[int, int]:
    low = 0 if unsigned else -(1 << (bits - 1))
    return low, low + (1 << bits) - 1


def check(config: AcceleratorConfig, batches: Sequence[Batch]) -> None:
    for batch, seen in zip(batches, play(config, batches), strict=True):
        wanted = batch.wanted(config.bits)
        wrong = [
            row for row in zip(batch.totals, cycle(batch.scales), wanted, seen) if row[2] != row[3]
        ]
        assert not wrong, wrong[:5]
        assert len(seen) == len(wanted)


def edges(config: AcceleratorConfig, shift: int) -> list[int]:
    """Sums around ties, the ends of the result and the ends of the accumulator."""
    largest = (1 << (config.accumulator_bits - 1)) - 1
    unit, most = 1 << shift, 1 << (config.bits - 1)
    halves = [0, unit // 2, unit, 3 * unit // 2, 5 * unit // 2]
    ends = [most * unit, most * unit - unit // 2, 2 * most * unit, 2 * most * unit - unit // 2]
    beyond = [4 * most * unit, 8 * most * unit, 256 * most * unit]
    near = {
        sign * place + d for sign in (-1, 1) for place in halves + ends + beyond for d in (-1, 0, 1)
    }
    all_ = near | {largest, largest - 1, largest // 2, -largest, -largest - 1, -largest // 2}
    return sorted(value for value in all_ if -largest - 1 <= value <= largest)


@ALL
def test_edges_of_every_shift(config: AcceleratorConfig) -> None:
    """Shifts from none to the widest that a register can hold, with both kinds of output."""
    check(
        config,
        [
            Batch(edges(config, shift), [(1, shift)], *bounds(config.bits, unsigned), unsigned)
            for shift in range(LAST_SHIFT + 1)
            for unsigned in (False, True)
        ],
    )


@st.composite
def batches(draw: st.DrawFn, config: AcceleratorConfig) -> Batch:
    """Bounds are the number format's, ReLU's, or anywhere in it."""
    bits, unsigned = config.bits, draw(st.booleans())
    least, most = bounds(bits, unsigned)
    limit = 1 << (config.accumulator_bits - 1)
    numbers = st.integers(-limit, limit - 1) | st.integers(-5 << bits, 5 << bits)
    totals = draw(st.lists(numbers, min_size=1, max_size=30))
    some = st.tuples(st.integers(least, most), st.integers(least, most))
    low, high = sorted(draw(st.sampled_from([(least, most), (0, most)]) | some))
    most_shift = config.accumulator_bits + (MULTIPLIER_WIDTH if config.channel_scales else 0)
    shifts = st.integers(0, bits + 4) | st.integers(0, most_shift)
    if not config.channel_scales:
        return Batch(totals, [(1, draw(shifts))], low, high, unsigned)
    multipliers = st.sampled_from([0, 1, (1 << MULTIPLIER_WIDTH) - 1]) | st.integers(
        0, (1 << MULTIPLIER_WIDTH) - 1
    )
    scales = draw(st.lists(st.tuples(multipliers, shifts), min_size=1, max_size=5))
    return Batch(totals, scales, low, high, unsigned)


@ALL
@given(data=st.data())
@settings(max_examples=8, phases=UNSHRUNK)
def test_random_sums(config: AcceleratorConfig, data: st.DataObject) -> None:
    check(config, data.draw(st.lists(batches(config), min_size=1, max_size=4)))


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_ties_after_scaling(bits: int) -> None:
    """Products that end on a half, above and below zero: to the even neighbour."""
    config = small_config(bits=bits, channel_scales=True)
    totals = [sign * odd for odd in range(1, 40, 2) for sign in (-1, 1)]
    scales = [(multiplier, shift) for multiplier in (1, 3, 5, 6) for shift in (1, 2)]
    check(config, [Batch(totals, [scale], *bounds(bits, False)) for scale in scales])


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_bounds_are_read_as_the_output_is(bits: int) -> None:
    """The same bits are -1 and the largest unsigned number."""
    config = small_config(bits=bits)
    ones = (1 << bits) - 1
    totals = [
        -5 << bits,
        -2,
        -1,
        0,
        1,
        ones // 2,
        ones // 2 + 1,
        ones - 1,
        ones,
        ones + 1,
        5 << bits,
    ]
    check(
        config,
        [
            Batch(totals, [(1, 0)], low, high, unsigned)
            for low, high, unsigned in [
                (-1, 0, False),
                (0, ones, True),
                (ones, ones, True),
                (ones // 2 + 1, ones, True),
                (-1 << (bits - 1), -1, False),
            ]
        ],
    )
