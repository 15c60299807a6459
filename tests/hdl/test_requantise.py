"""Requantisation against numpy: round half to even, saturate, ReLU."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hdl.bundles import Job, Sum, bit
from hdl.config import AcceleratorConfig
from hdl.requantise import requantise
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIG = small_config()
LARGEST = (1 << (CONFIG.accumulator_bits - 1)) - 1
LAST_SHIFT = CONFIG.accumulator_bits - 2
"""The compiler gives larger ones to the host (`networks.schedule.geometry.unsupported`)."""

LATENCY_CYCLES = 2


def expected(totals: Sequence[int], shift: int, relu: bool) -> list[int]:
    rounded = np.rint(np.array(totals, dtype=np.float64) / 2.0**shift)
    results = np.clip(rounded, -128, 127).astype(int)
    return list(np.maximum(results, 0) if relu else results)


def play(
    batches: Sequence[tuple[int, bool, Sequence[int]]], config: AcceleratorConfig = CONFIG
) -> list[list[int]]:
    """Results of each (shift, relu, totals); checks latency and the tags that travel along."""
    clock, job = bit(), Job(config)
    total, result = Sum(config, config.accumulator_bits), Sum(config, config.bits)
    dut = requantise(clock, stage_reset(), job, total, result, config=config)
    listed = config.kind == "list"
    results: list[list[int]] = []

    def script() -> Iterator[Any]:
        for shift, relu, totals in batches:
            job.shift.next, job.relu.next = shift, relu
            results.append([])
            # an idle cycle after every third, so that the tags meet gaps too
            rows = [None if i % 4 == 3 else i for i in range(len(totals) * 4 // 3 + 1)]
            entered: list[int | None] = [None] * LATENCY_CYCLES
            values = iter(enumerate(totals))
            for row in [*rows, *[None] * LATENCY_CYCLES]:
                index, value = next(values, (None, 0)) if row is not None else (None, 0)
                total.valid.next = index is not None
                total.total.next = value
                if index is not None:
                    total.unit.next = index % config.units
                    total.flags.next = index % 4
                    total.channel.next = index * 5 % config.bias_entries
                yield clock.posedge
                leaving = entered.pop(0)
                entered.append(index)
                assert result.valid == (leaving is not None)
                if leaving is not None:
                    results[-1].append(int(result.total))
                    tags = (int(result.unit), int(result.flags))
                    assert tags == (leaving % config.units, leaving % 4)
                    assert not listed or result.channel == leaving * 5 % config.bias_entries
            assert next(values, None) is None
            total.valid.next = False
            for _ in range(LATENCY_CYCLES + 1):
                yield clock.posedge
                if result.valid:
                    results[-1].append(int(result.total))

    run(clock, dut, script=script)
    return results


def boundaries(shift: int) -> list[int]:
    """Totals around halves, saturation and the ends of the accumulator."""
    unit = 1 << shift
    centres = [0, unit // 2, unit, 3 * unit // 2, 5 * unit // 2, 127 * unit + unit // 2, 128 * unit]
    near = {sign * centre + d for sign in (-1, 1) for centre in centres for d in (-1, 0, 1)}
    ends = {LARGEST, LARGEST - 1, -LARGEST, -LARGEST - 1}
    return sorted(value for value in near | ends if -LARGEST - 1 <= value <= LARGEST)


@pytest.mark.parametrize("kind", ["bitmap", "list"])
@pytest.mark.parametrize("relu", [False, True])
def test_boundaries_of_every_shift(relu: bool, kind: str) -> None:
    batches = [(shift, relu, boundaries(shift)) for shift in range(LAST_SHIFT + 1)]
    results = play(batches, small_config(kind=kind))
    for (shift, _, totals), seen in zip(batches, results, strict=True):
        wanted = expected(totals, shift, relu)
        assert seen == wanted, f"shift {shift}: {list(zip(totals, seen, wanted, strict=True))}"


@given(
    totals=st.lists(st.integers(-LARGEST - 1, LARGEST) | st.integers(-600, 600), min_size=1),
    shift=st.integers(0, LAST_SHIFT),
    relu=st.booleans(),
)
@example(totals=[127, 128, -128, -129], shift=0, relu=False)
@settings(max_examples=25, phases=UNSHRUNK)
def test_random_totals(totals: list[int], shift: int, relu: bool) -> None:
    assert play([(shift, relu, totals)]) == [expected(totals, shift, relu)]
