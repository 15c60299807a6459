"""Write-back: pooling, addresses and the shared write port."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.bundles import BEGIN, EMIT, FINAL, WRAP, ActivationWrite, Job, Sum, bit
from hdl.write_back import merge_writes, pool_channels, pool_units
from tests.hdl.bench import run, small_config, stage_reset


@dataclass(frozen=True)
class Result:
    """One requantised window; `address` is where its pooling window goes."""

    value: int
    flags: int
    channel: int
    address: int
    window: tuple[int, int]

    @property
    def emits(self) -> bool:
        return bool(self.flags >> EMIT & 1)


@dataclass(frozen=True)
class Shape:
    """A job: output address, pitch, channels, positions, windows that are pooled into one."""

    output: int
    pitch: int
    channels: int
    positions: int
    window: int


def results_of(
    shape: Shape, units: int, size: int, listed: bool, random_: random.Random
) -> list[list[Result]]:
    """What each unit sends: filter after filter, or (list) all filters at every window."""
    queues: list[list[Result]] = []
    for unit in range(units):
        channels = range(unit, shape.channels, units)
        windows = [(at, item) for at in range(shape.positions) for item in range(shape.window)]
        if listed:
            order = [(channel, *window) for window in windows for channel in channels]
        else:
            order = [(channel, *window) for channel in channels for window in windows]
        queue = []
        for channel, at, item in order:
            emit = item == shape.window - 1
            flags = emit << EMIT | (emit and at == shape.positions - 1) << FINAL
            if listed:
                flags |= (item == 0) << BEGIN | (channel + units >= shape.channels) << WRAP
            value = random_.choice([-128, 127, 0, random_.randrange(-128, 128)])
            address = (shape.output + at * shape.pitch + channel) % size
            queue.append(Result(value, flags, channel, address, (channel, at)))
        queues.append(queue)
    return queues


JOBS = (
    Shape(200, 11, 11, 4, 1),
    Shape(5, 3, 2, 3, 4),
    Shape(77, 20, 19, 2, 2),
    Shape(0, 1, 1, 30, 3),
)


@pytest.mark.parametrize("kind", ["bitmap", "list"])
@pytest.mark.parametrize("units", [1, 3, 8])
@pytest.mark.parametrize("eagerness", [0.5, 1.0])
def test_pooling_and_addresses(kind: str, units: int, eagerness: float) -> None:
    """Jobs one after the other; units finish their windows at random."""
    config = small_config(kind=kind, units=units)
    listed = kind == "list"
    block_, latency_cycles = (pool_channels, 2) if listed else (pool_units, 1)
    size = config.activation_elements
    clock, start, finished = bit(), bit(), bit()
    job, result, write = Job(config), Sum(config, config.bits), ActivationWrite(config)
    dut = block_(clock, stage_reset(), start, job, result, write, finished, config=config)
    random_ = random.Random(units)

    def show(item: tuple[int, Result] | None) -> None:
        result.valid.next = item is not None
        if item is not None:
            unit, sent = item
            result.total.next, result.unit.next = sent.value, unit
            result.flags.next = sent.flags
            result.channel.next = (9 + sent.channel) % config.bias_entries

    def play_job(shape: Shape) -> Iterator[Any]:
        job.output.next, job.pitch.next = shape.output, shape.pitch
        job.last_filter.next = shape.channels - 1
        start.next = True
        yield clock.posedge
        start.next = False
        queues = results_of(shape, units, size, listed, random_)
        best: dict[tuple[int, int], int] = {}
        on_the_way: list[Result | None] = [None] * latency_cycles
        written = 0
        while any(queues) or any(on_the_way):
            item = None
            waiting = [unit for unit in range(units) if queues[unit]]
            if waiting and random_.random() < eagerness:
                unit = random_.choice(waiting)
                item = unit, queues[unit].pop(0)
            show(item)
            yield clock.posedge
            leaving = on_the_way.pop(0)
            on_the_way.append(item[1] if item is not None else None)
            if leaving is not None:
                largest = max(best.get(leaving.window, -128), leaving.value)
                best[leaving.window] = largest
            assert write.enable == (leaving is not None and leaving.emits)
            if leaving is not None and leaving.emits:
                written += 1
                assert (int(write.address), int(write.data)) == (leaving.address, largest % 256)
            assert finished == (bool(write.enable) and written == shape.channels * shape.positions)
        assert written == shape.channels * shape.positions
        show(None)
        yield clock.posedge
        assert not finished

    def script() -> Iterator[Any]:
        for shape in JOBS:
            yield from play_job(shape)

    run(clock, dut, script=script)


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
