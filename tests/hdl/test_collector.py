"""The collector: every result once, with its channel's bias, units in turn."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from hdl.bundles import FINAL, WRAP, Job, LoadWrite, Results, Sum, bit, flag_bits
from hdl.collector import collector
from tests.hdl.bench import run, small_config, stage_reset

LATENCY_CYCLES = 3
RESULTS_A_UNIT = 30


@pytest.mark.parametrize("kind", ["bitmap", "list"])
@pytest.mark.parametrize("units", [1, 3, 8])
@pytest.mark.parametrize("eagerness", [0.1, 1.0])
def test_results(kind: str, units: int, eagerness: float) -> None:
    """A unit stays at a channel until its last window; in `list` it takes the next at each."""
    config = small_config(kind=kind, units=units)
    listed = kind == "list"
    clock, start = bit(), bit()
    job, load, results = Job(config), LoadWrite(config), Results(config)
    total = Sum(config, config.accumulator_bits)
    dut = collector(clock, stage_reset(), start, job, load, results, total, config=config)
    random_ = random.Random(units)
    biases = [random_.randrange(-(2**22), 2**22) for _ in range(config.bias_entries)]
    queues = [
        [
            (random_.randrange(-(2**22), 2**22), random_.randrange(1 << flag_bits(config)))
            for _ in range(RESULTS_A_UNIT)
        ]
        for _ in range(units)
    ]
    first_bias = 40
    channels = list(range(units))
    visited: set[int] = set()
    shown: list[tuple[int, int] | None] = [None] * units
    waited = [0] * units

    def load_biases() -> Iterator[Any]:
        load.biases.next = True
        for entry, bias in enumerate(biases):
            load.address.next, load.data.next = entry, bias % 2**32
            yield clock.posedge
        load.biases.next = False
        job.bias.next, start.next = first_bias, True
        yield clock.posedge
        start.next = False

    def show() -> None:
        for unit, queue in enumerate(queues):
            if shown[unit] is None and queue and random_.random() < eagerness:
                shown[unit] = queue.pop(0)
            item = shown[unit]
            results.valid[unit].next = item is not None
            if item is not None:
                results.total[unit].next = item[0]
                results.flags[unit].next = item[1]

    def script() -> Iterator[Any]:
        yield from load_biases()
        expected: list[Any] = [None] * LATENCY_CYCLES
        while any(queues) or any(shown) or any(expected):
            yield clock.negedge
            show()
            yield clock.posedge
            taken = [unit for unit in range(units) if results.take[unit]]
            assert len(taken) == (1 if any(shown) else 0), "one result a cycle must be taken"
            arriving = expected.pop(0)
            assert total.valid == (arriving is not None)
            if arriving is not None:
                seen = (int(total.unit), int(total.total), int(total.flags))
                assert seen == arriving[:3]
                assert not listed or total.channel == arriving[3]
            item = None
            for unit in taken:
                value = shown[unit]
                assert value is not None, "only a valid result must be taken"
                # the bias memory's end is followed by its start
                entry = (first_bias + channels[unit]) % config.bias_entries
                item = (unit, value[0] + biases[entry], value[1], entry)
                visited.add(channels[unit])
                if listed:
                    wraps = value[1] >> WRAP & 1
                    channels[unit] = unit if wraps else channels[unit] + units
                elif value[1] >> FINAL & 1:
                    channels[unit] += units
                shown[unit] = None
            expected.append(item)
            for unit in range(units):
                waited[unit] = waited[unit] + 1 if shown[unit] is not None else 0
                assert waited[unit] < units, f"unit {unit} must have its turn"

    run(clock, dut, script=script)
    assert len(visited) > 2 * units


def test_units_that_always_have_results_take_turns() -> None:
    config = small_config(units=5)
    clock, results, total = bit(), Results(config), Sum(config, config.accumulator_bits)
    dut = collector(
        clock, stage_reset(), bit(), Job(config), LoadWrite(config), results, total, config=config
    )
    order: list[int] = []

    def script() -> Iterator[Any]:
        for unit in range(5):
            results.valid[unit].next = True
        yield clock.negedge
        for _ in range(20):
            yield clock.posedge
            order.extend(unit for unit in range(5) if results.take[unit])

    run(clock, dut, script=script)
    assert order == [*range(5)] * 4
