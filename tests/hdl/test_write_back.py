"""Write-back: max-pooling, the job's end and the shared write port."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.bundles import BEGIN, EMIT, FINAL, ActivationWrite, Job, Sum, bit, word
from hdl.config import REST_CYCLES, AcceleratorConfig
from hdl.write_back import merge_writes, pool
from tests.hdl.bench import run, small_config, stage_reset

READING_CYCLES = 2
"""From the announcement of a result to the result."""

WRITE_CYCLES = 1


@dataclass(frozen=True)
class Result:
    """One requantised window of a channel; `largest` is that of its pooling window so far."""

    unit: int
    channel: int
    value: int
    largest: int
    flags: int
    address: int
    end: bool


@dataclass(frozen=True)
class Shape:
    """A job: channels, output positions, windows that are pooled into one."""

    channels: int
    positions: int
    pooled: int


JOBS = (Shape(11, 4, 1), Shape(2, 3, 4), Shape(19, 2, 2), Shape(1, 30, 3), Shape(8, 2, 6))


def results_of(
    shape: Shape, config: AcceleratorConfig, unsigned: bool, random_: random.Random
) -> list[list[Result]]:
    """What each unit sends, in order: all its channels at every window."""
    low = 0 if unsigned else -(1 << (config.bits - 1))
    high = low + (1 << config.bits) - 1
    queues: list[list[Result]] = [[] for _ in range(config.units)]
    largest: dict[int, int] = {}
    for position in range(shape.positions):
        for item in range(shape.pooled):
            emits = item == shape.pooled - 1
            flags = (
                (item == 0) << BEGIN
                | emits << EMIT
                | (emits and position == shape.positions - 1) << FINAL
            )
            for channel in range(shape.channels):
                unit = channel % config.units
                value = random_.choice([low, high, 0, random_.randint(low, high)])
                largest[channel] = max(value, largest[channel]) if item else value
                address = random_.randrange(config.activation_elements)
                end = channel + config.units >= shape.channels
                queues[unit].append(
                    Result(unit, channel, value, largest[channel], flags, address, end)
                )
    return queues


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("units", [1, 3, 8])
@pytest.mark.parametrize("unsigned", [False, True], ids=["signed", "unsigned"])
def test_pooling(bits: int, units: int, unsigned: bool) -> None:
    """Jobs one after the other; units send their results at random, `REST_CYCLES` apart."""
    config = small_config(bits=bits, units=units)
    clock, start, finished, reading = (bit() for _ in range(4))
    job, result, write = Job(config), Sum(config, bits + 1), ActivationWrite(config)
    read_channel = word(len(result.channel))
    dut = pool(
        clock, stage_reset(), start, job, result, read_channel, reading, write, finished,
        config=config,
    )  # fmt: skip
    random_ = random.Random(bits + units)

    def show(sent: Result | None) -> None:
        result.valid.next = sent is not None
        if sent is not None:
            result.total.next, result.flags.next = sent.value, sent.flags
            result.channel.next, result.address.next = sent.channel, sent.address
            result.end.next = sent.end

    def play_job(shape: Shape, eagerness: float) -> Iterator[Any]:
        job.last_filter.next, job.unsigned_output.next = shape.channels - 1, unsigned
        start.next = True
        yield clock.posedge
        start.next = False
        queues = results_of(shape, config, unsigned, random_)
        resting = [0] * units
        announced: list[Result | None] = [None] * READING_CYCLES
        sent: list[Result | None] = [None] * WRITE_CYCLES
        left = shape.channels * shape.positions
        while left:
            ready = [unit for unit in range(units) if queues[unit] and not resting[unit]]
            now = None
            if ready and random_.random() < eagerness:
                now = queues[random_.choice(ready)].pop(0)
                resting[now.unit] = REST_CYCLES
            resting = [max(0, cycles - 1) for cycles in resting]
            reading.next = now is not None
            if now is not None:
                read_channel.next = now.channel
            shown = announced.pop(0)
            announced.append(now)
            show(shown)
            yield clock.posedge
            written = sent.pop(0)
            sent.append(shown)
            emits = written is not None and bool(written.flags >> EMIT & 1)
            assert write.enable == emits
            assert not write.wide
            if written is not None and emits:
                seen = int(write.address), int(write.data)
                assert seen == (written.address, written.largest % (1 << bits))
                left -= 1
            assert finished == (left == 0)
        show(None)
        yield clock.posedge
        assert not finished

    def script() -> Iterator[Any]:
        for shape in JOBS:
            for eagerness in (1.0, 0.5):
                yield from play_job(shape, eagerness)

    run(clock, dut, script=script)


def test_a_start_forgets_the_units_that_had_finished() -> None:
    """A job of three channels is cleared after two of its ends; the next one ends on its own."""
    config = small_config(units=3)
    clock, start, finished, reading = (bit() for _ in range(4))
    job, result, write = Job(config), Sum(config, 9), ActivationWrite(config)
    dut = pool(
        clock, stage_reset(), start, job, result, word(len(result.channel)), reading, write,
        finished, config=config,
    )  # fmt: skip
    ends: list[tuple[int, int]] = []

    def script() -> Iterator[Any]:
        job.last_filter.next = 2
        result.flags.next = 1 << BEGIN | 1 << EMIT | 1 << FINAL
        result.end.next = True
        for results in (2, 3):
            start.next = True
            yield clock.posedge
            start.next = False
            result.valid.next = True
            for _ in range(results):
                yield clock.posedge
            result.valid.next = False
            for cycle in range(4):
                yield clock.posedge
                if finished:
                    ends.append((results, cycle))

    run(clock, dut, script=script)
    assert ends == [(3, 0)]


def test_results_go_before_loads() -> None:
    config = small_config()
    results, loads, write = (ActivationWrite(config) for _ in range(3))
    clock, load_ready = bit(), bit()
    dut = merge_writes(results, loads, write, load_ready)

    def script() -> Iterator[Any]:
        results.address.next, results.data.next = 7, 0x12
        loads.address.next, loads.data.next = 64, 0x89ABCDEF
        for result_enable, load_enable in [(0, 0), (0, 1), (1, 0), (1, 1)]:
            yield clock.negedge
            results.enable.next, loads.enable.next = bool(result_enable), bool(load_enable)
            yield clock.posedge
            assert load_ready == (not result_enable)
            assert write.enable == bool(result_enable or load_enable)
            if result_enable:
                assert (write.wide, write.address, write.data) == (0, 7, 0x12)
            elif load_enable:
                assert (write.wide, write.address, write.data) == (1, 64, 0x89ABCDEF)

    run(clock, dut, script=script)
