"""A simulated run of an accelerator for its hand-off: a stream in, its results, register accesses.

The run is the source of the testbench's vectors and of the datasheet's waveforms. It touches all
ports: gaps and back-pressure on both streams, register reads, a refused write, the interrupt.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from myhdl import Simulation, StopSimulation, block, delay, instance

from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.elaboration import elaborate
from hdl.hierarchy import Block, find_blocks
from hdl.port_recorder import PortRecorder
from hdl.ports import Ports
from hdl.registers import BY_NAME
from hdl.waveform import BlockRecorder

RESET_CYCLES = 4
LIMIT_CYCLES = 100_000
PACE = 0.85
"""Probability that a side of a stream is willing in a cycle."""

ALL_BYTES = 0xF


@dataclass(frozen=True)
class ExampleRun:
    """What was recorded; `results` are the words of the result streams, `blocks` the design's."""

    config: AcceleratorConfig
    recorder: PortRecorder
    waveforms: BlockRecorder
    blocks: tuple[Block, ...]
    results: tuple[int, ...]

    @property
    def cycles(self) -> int:
        """Length of the run."""
        return len(self.recorder.samples)


def run_example(
    config: AcceleratorConfig, beats: Sequence[tuple[int, bool]], result_words: int
) -> ExampleRun:
    """Simulates an accelerator that is sent `beats`, words each with its TLAST, as one host would.

    The last job must raise the interrupt. Raises RuntimeError if `result_words` and the interrupt
    have not come after `LIMIT_CYCLES`.
    """
    ports = Ports(config)
    top = elaborate(accelerator, **ports.arguments(), config=config)
    recorder = PortRecorder(top)
    blocks = find_blocks(top)
    waveforms = BlockRecorder(blocks, ports.aclk)
    results: list[int] = []
    simulation = Simulation(
        top,
        recorder.process(),
        waveforms.process(),
        _clock(ports),
        _source(ports, beats),
        _sink(ports, results),
        _host(ports, lambda: len(results) == result_words),
    )
    try:
        simulation.run(quiet=1)
    finally:
        simulation.quit()
    return ExampleRun(config, recorder, waveforms, blocks, tuple(results))


@block
def _clock(ports: Ports) -> Any:
    @instance
    def seq_clock() -> Iterator[Any]:
        for cycle in range(LIMIT_CYCLES):
            ports.aresetn.next = cycle > RESET_CYCLES
            for level in (0, 1):
                ports.aclk.next = level
                yield delay(5)
        raise RuntimeError(f"example run must end within {LIMIT_CYCLES} cycles")

    return seq_clock


@block
def _source(ports: Ports, beats: Sequence[tuple[int, bool]]) -> Any:
    pace = random.Random(1)
    stream = ports.s_axis

    @instance
    def seq_source() -> Iterator[Any]:
        yield ports.aresetn.posedge
        for data, last in beats:
            while pace.random() > PACE:
                yield ports.aclk.posedge
            stream.tdata.next, stream.tlast.next, stream.tvalid.next = data, last, 1
            yield ports.aclk.posedge
            while not stream.tready:
                yield ports.aclk.posedge
            stream.tvalid.next = 0

    return seq_source


@block
def _sink(ports: Ports, results: list[int]) -> Any:
    pace = random.Random(2)
    stream = ports.m_axis

    @instance
    def seq_sink() -> Iterator[Any]:
        while True:
            stream.tready.next = pace.random() < PACE
            yield ports.aclk.posedge
            if stream.tready and stream.tvalid:
                results.append(int(stream.tdata))

    return seq_sink


@block
def _host(ports: Ports, received: Any) -> Any:
    clock, port = ports.aclk, ports.s_axi

    def write(name: str, word: int, strobe: int = ALL_BYTES) -> Iterator[Any]:
        port.awaddr.next, port.awvalid.next = BY_NAME[name].offset, 1
        port.wdata.next, port.wstrb.next, port.wvalid.next = word, strobe, 1
        waiting = [(port.awvalid, port.awready), (port.wvalid, port.wready)]
        while waiting:
            yield clock.posedge
            for valid, ready in [pair for pair in waiting if pair[1]]:
                valid.next = 0
                waiting.remove((valid, ready))
        yield from answered(port.bvalid, port.bready)

    def read(name: str) -> Iterator[Any]:
        port.araddr.next, port.arvalid.next = BY_NAME[name].offset, 1
        yield clock.posedge
        while not port.arready:
            yield clock.posedge
        port.arvalid.next = 0
        yield from answered(port.rvalid, port.rready)

    def answered(valid: Any, ready: Any) -> Iterator[Any]:
        ready.next = 1
        yield clock.posedge
        while not valid:
            yield clock.posedge
        ready.next = 0

    @instance
    def seq_host() -> Iterator[Any]:
        yield ports.aresetn.posedge
        yield clock.posedge
        yield from read("VERSION")
        yield from write("INTERRUPT_ENABLE", BY_NAME["INTERRUPT_ENABLE"].encode(done=1, error=1))
        yield from write("INTERRUPT_ENABLE", 0, strobe=1)
        while not (received() and ports.interrupt):
            yield from read("STATUS")
            for _ in range(20):
                yield clock.posedge
        for name in ("INTERRUPT_STATUS", "CYCLES", "JOBS", "ERROR"):
            yield from read(name)
        yield from write("INTERRUPT_STATUS", BY_NAME["INTERRUPT_STATUS"].encode(done=1))
        for _ in range(4):
            yield clock.posedge
        raise StopSimulation

    return seq_host
