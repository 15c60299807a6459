"""The host CPU: what it can do, what that costs, and a record of when it did what."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Literal

from simpy import AnyOf, Environment, Event

from cosim.board import HostConfig
from cosim.bus import MasterPort
from cosim.errors import SimulationError
from cosim.interrupt import InterruptLine
from cosim.memory import MemoryController, Storage
from cosim.trace import Trace
from cosim.transactions import Burst, ReadDelivery, Response
from cosim.units import ClockDomain, ns_to_ps

Step = Literal["call", "input", "cache", "descriptors", "registers", "layers", "result", "notice"]
"""Kinds of host work; `notice` is learning that the accelerator is done (interrupt or polling)."""


@dataclass(frozen=True)
class HostSpan:
    """The host was busy with a step from `start_ps` to `end_ps`."""

    step: Step
    start_ps: int
    end_ps: int


class Host:
    """A single-threaded CPU with a write-back cache that no other master sees into.

    Data the CPU writes reaches the memory when its lines are flushed; data others write is read
    after its lines are invalidated. All methods that say so are processes to `yield from`.
    `spans` are in order and do not overlap.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        config: HostConfig,
        bus: MasterPort,
        storage: Storage,
        controller: MemoryController,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.config = config
        self.spans: list[HostSpan] = []
        self._bus = bus
        self._storage = storage
        self._controller = controller
        self._trace = trace
        self._line_bytes = config.cache_line_bytes
        self._io_ps = ns_to_ps(config.programmed_io_ns)
        self._access_bytes: int | None = None
        self._busy_until_ps = 0
        self._handler_ps = 0

    def work(self, step: Step, name: str, cycles: float) -> Generator[Event, Any, None]:
        """Process: computes for `cycles` host cycles, rounded to whole ones."""
        yield from self.spend(step, name, self.clock.cycles_to_ps(round(cycles)))

    def spend(self, step: Step, name: str, duration_ps: int) -> Generator[Event, Any, None]:
        """Process: is busy for `duration_ps`."""
        start_ps = int(self.env.now)
        self._busy_until_ps = start_ps + duration_ps
        yield self.env.timeout(duration_ps)
        self._record(step, name, start_ps)

    def write_register(
        self, address_bytes: int, value: int, name: str, step: Step = "registers"
    ) -> Generator[Event, Any, None]:
        """Process: uncached 32-bit write; raises SimulationError on an error response."""
        start_ps = int(self.env.now)
        self._access_bytes = address_bytes
        self._busy_until_ps = start_ps + self._io_ps
        yield self.env.timeout(self._io_ps)
        response: Response = yield self._bus.write(address_bytes, value.to_bytes(4, "little"))
        self._access_bytes = None
        self._record(step, f"write {name}", start_ps)
        _check(response, f"write of {name} at 0x{address_bytes:08x}")

    def read_register(
        self, address_bytes: int, name: str, step: Step = "registers"
    ) -> Generator[Event, Any, int]:
        """Process: uncached 32-bit read; raises SimulationError on an error response."""
        start_ps = int(self.env.now)
        self._access_bytes = address_bytes
        self._busy_until_ps = start_ps + self._io_ps
        yield self.env.timeout(self._io_ps)
        delivery: ReadDelivery = yield self._bus.read(Burst(address_bytes, 4))
        self._access_bytes = None
        self._record(step, f"read {name}", start_ps)
        _check(delivery.response, f"read of {name} at 0x{address_bytes:08x}")
        return int.from_bytes(delivery.data, "little")

    def flush(self, address_bytes: int, data: bytes, name: str) -> Generator[Event, Any, None]:
        """Process: writes `data`, which the CPU has made, from its cache lines to memory."""
        self._controller.reserve("host", address_bytes, len(data), write=True)
        lines = self._lines(address_bytes, len(data))
        duration_ps = ns_to_ps(lines * self.config.flush_line_ns)
        yield from self.spend("cache", f"flush {name}", duration_ps)
        self._storage.write(address_bytes, data)

    def fetch(
        self, address_bytes: int, length_bytes: int, name: str
    ) -> Generator[Event, Any, bytes]:
        """Process: invalidates the cache lines of data that others wrote, and returns it."""
        self._controller.reserve("host", address_bytes, length_bytes, write=False)
        lines = self._lines(address_bytes, length_bytes)
        duration_ps = ns_to_ps(lines * self.config.invalidate_line_ns)
        yield from self.spend("cache", f"invalidate {name}", duration_ps)
        return self._storage.read(address_bytes, length_bytes)

    def take_interrupt(self, lines: tuple[InterruptLine, ...]) -> Generator[Event, Any, None]:
        """Process: waits until one of the lines is high, then enters the handler."""
        steps = {
            "interrupt entry": self.config.interrupt_entry_cycles,
            "interrupt service": self.config.isr_cycles,
        }
        self._handler_ps = sum(self.clock.cycles_to_ps(round(item)) for item in steps.values())
        yield AnyOf(self.env, [line.rising() for line in lines])
        self._handler_ps = 0
        for name, cycles in steps.items():
            yield from self.work("notice", name, cycles)

    def accesses_from(self, base_bytes: int, size_bytes: int) -> float:
        """No register access of the host is put on the bus to these addresses before this time.

        It does one thing after the other, and each access takes it `programmed_io_ns` to begin.
        While it waits for an interrupt, the handler has to be entered first.
        """
        free_ps = max(self.env.peek(), self._busy_until_ps) + self._handler_ps
        address_bytes = self._access_bytes
        if address_bytes is not None and 0 <= address_bytes - base_bytes < size_bytes:
            return free_ps
        return free_ps + self._io_ps

    def _lines(self, address_bytes: int, length_bytes: int) -> int:
        first = address_bytes // self._line_bytes
        return (address_bytes + length_bytes - 1) // self._line_bytes - first + 1

    def _record(self, step: Step, name: str, start_ps: int) -> None:
        end_ps = int(self.env.now)
        self.spans.append(HostSpan(step, start_ps, end_ps))
        if self._trace is not None:
            track = "interrupt" if step == "notice" else "host"
            self._trace.span(track, name, start_ps, end_ps)


def _check(response: Response, what: str) -> None:
    if response != Response.OKAY:
        raise SimulationError(f"{what} must be answered OKAY, not {Response(response).name}")
