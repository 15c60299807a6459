"""Scatter-gather engine of a DMA channel: registers, descriptor fetch, status write-back.

Behaviour and latencies follow PG021 v7.1. Writing TAILDESC to a running, idle channel starts it:
after `descriptor_fetch_cycles` it reads the descriptor at CURDESC, and goes on to the tail, at most
`descriptor_queue` ahead of the data. `cosim.datamover` moves the data.
"""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from simpy import Environment, Event, Store

from cosim import descriptors as layout
from cosim.board import DmaConfig
from cosim.bus import MasterPort
from cosim.descriptors import Descriptor
from cosim.interrupt import InterruptLine
from cosim.trace import Trace
from cosim.transactions import Burst, ReadDelivery, Response
from cosim.units import ClockDomain

REFERENCE_FETCH_CYCLES = 9
"""A descriptor's eight words from a 32-bit memory without wait states, part of PG021's figures."""


@dataclass(frozen=True)
class Command:
    """A fetched descriptor whose data may move from `ready_ps` on.

    `requested_ps` is when the channel turned to it: the write of TAILDESC for the first.
    """

    address_bytes: int
    descriptor: Descriptor
    requested_ps: int
    ready_ps: int

    @property
    def end_of_frame(self) -> bool:
        """Says whether a packet ends with this buffer (MM2S)."""
        return bool(self.descriptor.control & layout.END_OF_FRAME)


_DATA_ERRORS = (
    (layout.DECODE_ERROR, layout.STATUS_DMA_DECODE_ERROR),
    (layout.SLAVE_ERROR, layout.STATUS_DMA_SLAVE_ERROR),
    (layout.INTERNAL_ERROR, layout.STATUS_DMA_INTERNAL_ERROR),
)
"""Error bits of a descriptor's status, and the bit of DMASR each sets."""


def data_error(response: Response) -> int:
    """Error bit of a descriptor's status for a bus response."""
    if response == Response.OKAY:
        return 0
    return layout.DECODE_ERROR if response == Response.DECERR else layout.SLAVE_ERROR


def _descriptor_error(response: Response) -> int:
    if response == Response.DECERR:
        return layout.STATUS_SG_DECODE_ERROR
    return layout.STATUS_SG_SLAVE_ERROR


class Channel:
    """Registers and scatter-gather engine of one direction.

    `commands` holds the fetched descriptors, in order; the data mover takes them from there and
    reports each with `complete`. `read_cycles` is the time from a descriptor's read address to the
    moment its data may be addressed, with a memory without wait states. `intervals` lists start and
    end in picoseconds of the transfers done.
    """

    def __init__(
        self,
        env: Environment,
        name: str,
        clock: ClockDomain,
        config: DmaConfig,
        master: MasterPort,
        interrupt: InterruptLine,
        read_cycles: int,
        trace: Trace | None,
    ) -> None:
        self.env = env
        self.name = name
        self.clock = clock
        self.config = config
        self.commands: Store = Store(env, capacity=config.descriptor_queue)
        self.interrupt = interrupt
        self.completed = 0
        self.intervals: list[tuple[int, int]] = []
        self._master = master
        self._processing_ps = clock.cycles_to_ps(max(0, read_cycles - REFERENCE_FETCH_CYCLES))
        self._trace = trace
        self._control = 1 << layout.CONTROL_THRESHOLD_LOW
        self._status = 0
        self._current_bytes = 0
        self._tail_bytes = 0
        self._threshold_left = 1
        self._fetched_tail = True
        self._pending = 0
        self._kick = env.event()
        self._status_writes: Store = Store(env)

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._fetch_descriptors())
        self.env.process(self._write_statuses())

    @property
    def running(self) -> bool:
        """Says whether the channel runs: DMACR.RS is set and no error has stopped it."""
        return bool(self._control & layout.CONTROL_RUN)

    @property
    def idle(self) -> bool:
        """Says whether everything up to the tail is done."""
        return self._fetched_tail and self._pending == 0

    def read_register(self, offset: int) -> int | None:
        """Value of the register at `offset`, None if there is none."""
        if offset == layout.DMACR:
            return self._control
        if offset == layout.DMASR:
            halted = layout.STATUS_HALTED if not self.running else 0
            idle = layout.STATUS_IDLE if self.running and self.idle else 0
            return self._status | layout.STATUS_SG_INCLUDED | halted | idle
        if offset == layout.CURDESC:
            return self._current_bytes
        if offset == layout.TAILDESC:
            return self._tail_bytes
        return 0 if offset in (layout.CURDESC + 4, layout.TAILDESC + 4) else None

    def write_register(self, offset: int, value: int) -> bool:
        """Writes the register at `offset`; False if there is none."""
        if offset == layout.DMACR:
            self._write_control(value)
        elif offset == layout.DMASR:
            self._status &= ~(value & (layout.STATUS_IOC | layout.STATUS_ERROR))
            self._drive_interrupt()
        elif offset == layout.CURDESC:
            # Read-only while the channel runs (PG021).
            if not self.running:
                self._current_bytes = value & ~(layout.DESCRIPTOR_BYTES - 1)
        elif offset == layout.TAILDESC:
            # Without effect while the channel is halted (PG021).
            if self.running:
                self._tail_bytes = value & ~(layout.DESCRIPTOR_BYTES - 1)
                self._fetched_tail = False
                if not self._kick.triggered:
                    self._kick.succeed()
        else:
            return offset in (layout.CURDESC + 4, layout.TAILDESC + 4)
        return True

    def complete(self, command: Command, status: int, start_ps: int) -> None:
        """Queues a status to be written back; the data mover calls it once a descriptor.

        The buffer's work counts as a transfer from `start_ps` until the status is in memory.
        """
        self._status_writes.put((command, status, start_ps))

    def fail(self, status_bit: int) -> None:
        """Sets an error bit of DMASR and halts the channel."""
        self._status |= status_bit | layout.STATUS_ERROR
        self._control &= ~layout.CONTROL_RUN
        self._drive_interrupt()

    def describe(self) -> str:
        """What the channel is doing, for an error message."""
        errors = self._status & sum(layout.ERROR_NAMES)
        if errors:
            return f"stopped by {layout.error_text(errors)}"
        if self.idle:
            return f"idle, {self.completed} descriptors done"
        return f"{self._pending} descriptors under way, {self.completed} done"

    def _write_control(self, value: int) -> None:
        if value & layout.CONTROL_RESET:
            value = 1 << layout.CONTROL_THRESHOLD_LOW
            self._status = 0
        threshold = value >> layout.CONTROL_THRESHOLD_LOW & layout.CONTROL_THRESHOLD_MAX
        self._threshold_left = max(1, threshold)
        self._control = value
        self._drive_interrupt()

    def _drive_interrupt(self) -> None:
        ioc = self._status & layout.STATUS_IOC and self._control & layout.CONTROL_IOC_ENABLE
        error = self._status & layout.STATUS_ERROR and self._control & layout.CONTROL_ERROR_ENABLE
        self.interrupt.set(bool(ioc or error))

    def _fetch_descriptors(self) -> Generator[Event, Any, None]:
        start_ps = self.clock.cycles_to_ps(self.config.descriptor_fetch_cycles)
        while True:
            yield self._kick
            self._kick = self.env.event()
            requested_ps = int(self.env.now)
            yield self.env.timeout(start_ps)
            while not self._fetched_tail and self.running:
                issued_ps = int(self.env.now)
                address_bytes = self._current_bytes
                burst = Burst(address_bytes, layout.DESCRIPTOR_USED_BYTES)
                delivery: ReadDelivery = yield self._master.read(burst)
                yield self.env.timeout(delivery.end_ps - int(self.env.now))
                self._trace_span("descriptors", "fetch", issued_ps, address_bytes)
                if delivery.response != Response.OKAY:
                    self.fail(_descriptor_error(delivery.response))
                    break
                descriptor = Descriptor.unpack(delivery.data)
                if descriptor.status & layout.COMPLETE:
                    self.fail(layout.STATUS_SG_INTERNAL_ERROR)
                    break
                self._pending += 1
                self._current_bytes = descriptor.next_bytes
                self._fetched_tail = address_bytes == self._tail_bytes
                ready_ps = int(self.env.now) + self._processing_ps
                yield self.commands.put(Command(address_bytes, descriptor, requested_ps, ready_ps))
                requested_ps = int(self.env.now)

    def _write_statuses(self) -> Generator[Event, Any, None]:
        while True:
            command, status, start_ps = yield self._status_writes.get()
            address_bytes = command.address_bytes + layout.STATUS_OFFSET_BYTES
            issued_ps = int(self.env.now)
            response = yield self._master.write(address_bytes, status.to_bytes(4, "little"))
            self._trace_span("status", "status", issued_ps, command.address_bytes)
            self._pending -= 1
            self.completed += 1
            self.intervals.append((start_ps, int(self.env.now)))
            errors = [register for bit, register in _DATA_ERRORS if status & bit]
            if response != Response.OKAY:
                self.fail(_descriptor_error(response))
            elif errors:
                self.fail(errors[0])
            elif status & layout.END_OF_FRAME or command.end_of_frame:
                self._count_frame()

    def _count_frame(self) -> None:
        self._threshold_left -= 1
        if self._threshold_left == 0:
            threshold = self._control >> layout.CONTROL_THRESHOLD_LOW
            self._threshold_left = max(1, threshold & layout.CONTROL_THRESHOLD_MAX)
            self._status |= layout.STATUS_IOC
            self._drive_interrupt()

    def _trace_span(self, kind: str, name: str, start_ps: int, address_bytes: int) -> None:
        if self._trace is not None:
            track = f"dma {self.name} {kind}"
            self._trace.span(
                track, name, start_ps, int(self.env.now), descriptor=f"0x{address_bytes:08x}"
            )
