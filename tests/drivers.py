"""MyHDL test drivers of the accelerator's ports, at a random but repeatable pace."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from myhdl import Simulation, StopSimulation, block, delay, instance

HALF_PERIOD = 5


@dataclass
class Pace:
    """How eager one side of a handshake is: in each cycle it is willing with `probability`."""

    probability: float = 1.0
    seed: int = 0
    _random: random.Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise ValueError(f"pace must be above 0 and at most 1, not {self.probability}")
        self._random = random.Random(self.seed)

    def willing(self) -> bool:
        return self._random.random() < self.probability

    def gap_cycles(self) -> int:
        cycles = 0
        while not self.willing():
            cycles += 1
        return cycles


@dataclass
class Access:
    """One AXI4-Lite access: a write of `data`, or a read if it is None; the answer is filled in."""

    offset: int
    data: int | None = None
    strobe: int = 0xF
    response: int | None = None
    read_data: int | None = None


@block
def clock_source(clock: Any) -> Any:
    @instance
    def seq_clock() -> Iterator[Any]:
        while True:
            yield delay(HALF_PERIOD)
            clock.next = not clock

    return seq_clock


@block
def reset_source(clock: Any, resetn: Any, cycles: int = 4) -> Any:
    @instance
    def seq_reset() -> Iterator[Any]:
        resetn.next = 0
        for _ in range(cycles):
            yield clock.posedge
        resetn.next = 1

    return seq_reset


@block
def stream_source(
    clock: Any, resetn: Any, stream: Any, beats: Sequence[tuple[int, bool]], pace: Pace
) -> Any:
    """Sends (data, last) beats; `valid` never waits for `ready` and holds until it is taken."""

    @instance
    def seq_send() -> Iterator[Any]:
        yield resetn.posedge
        yield clock.posedge
        for data, last in beats:
            for _ in range(pace.gap_cycles()):
                yield clock.posedge
            stream.tdata.next = data
            stream.tlast.next = last
            stream.tvalid.next = 1
            yield clock.posedge
            while not stream.tready:
                yield clock.posedge
            stream.tvalid.next = 0

    return seq_send


@block
def stream_sink(clock: Any, stream: Any, received: list[tuple[int, bool]], pace: Pace) -> Any:
    """Receives beats into `received`; checks that a beat stays as it is until it is taken."""

    @instance
    def seq_receive() -> Iterator[Any]:
        waiting = None
        while True:
            stream.tready.next = pace.willing()
            yield clock.posedge
            beat = (int(stream.tdata), bool(stream.tlast)) if stream.tvalid else None
            assert waiting is None or beat == waiting, f"beat {waiting} became {beat} in waiting"
            waiting = None if stream.tready else beat
            if beat is not None and stream.tready:
                received.append(beat)

    return seq_receive


@block
def axi_lite_master(
    clock: Any, resetn: Any, port: Any, accesses: Sequence[Access], pace: Pace
) -> Any:
    """Makes the accesses one after the other; address and data of a write come in any order."""

    @instance
    def seq_access() -> Iterator[Any]:
        yield resetn.posedge
        for access in accesses:
            yield clock.posedge
            write = access.data is not None
            address_gap, data_gap = pace.gap_cycles(), pace.gap_cycles()
            address_sent, data_sent = False, not write
            valid = port.awvalid if write else port.arvalid
            while not (address_sent and data_sent):
                if not address_sent and address_gap == 0:
                    (port.awaddr if write else port.araddr).next = access.offset
                    valid.next = 1
                if not data_sent and data_gap == 0:
                    port.wdata.next = access.data
                    port.wstrb.next = access.strobe
                    port.wvalid.next = 1
                address_gap, data_gap = max(0, address_gap - 1), max(0, data_gap - 1)
                yield clock.posedge
                if valid and (port.awready if write else port.arready):
                    valid.next = 0
                    address_sent = True
                if port.wvalid and port.wready:
                    port.wvalid.next = 0
                    data_sent = True
            ready, answered = (port.bready, port.bvalid) if write else (port.rready, port.rvalid)
            while True:
                ready.next = pace.willing()
                yield clock.posedge
                if ready and answered:
                    break
            ready.next = 0
            access.response = int(port.bresp if write else port.rresp)
            access.read_data = None if write else int(port.rdata)

    return seq_access


@block
def _stop(clock: Any, done: Callable[[], bool], limit_cycles: int) -> Any:
    @instance
    def seq_stop() -> Iterator[Any]:
        for _ in range(limit_cycles):
            yield clock.posedge
            if done():
                raise StopSimulation
        raise AssertionError(f"not done after {limit_cycles} cycles")

    return seq_stop


def simulate(clock: Any, *blocks: Any, done: Callable[[], bool], limit_cycles: int) -> None:
    """Runs the blocks and `clock` until `done()`, looked at on each rising edge.

    Raises AssertionError after `limit_cycles`.
    """
    simulation = Simulation(clock_source(clock), *blocks, _stop(clock, done, limit_cycles))
    try:
        simulation.run(quiet=1)
    finally:
        simulation.quit()
