"""Slave ports of the interconnect: pipelined memory and one-at-a-time registers."""

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from simpy import Environment, Event

from cosim.arbiter import Arbiter, LateEvent, Master, Request
from cosim.board import BusConfig
from cosim.memory import MemoryController, Storage
from cosim.trace import Trace
from cosim.transactions import Burst, ReadDelivery, Response, beats_of
from cosim.units import PS_PER_US, ClockDomain


class RegisterSlave(Protocol):
    """A block with 32-bit registers; both methods are processes."""

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        """Writes the register at byte `offset`; returns the response code."""

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        """Reads the register at byte `offset`; returns value and response code."""


def call_at(env: Environment, time_ps: int, action: Callable[[], None]) -> None:
    """Calls `action` at `time_ps`, not before now."""
    timeout = env.timeout(max(0, time_ps - int(env.now)))
    assert timeout.callbacks is not None
    timeout.callbacks.append(lambda _: action())


def past_event(env: Environment, value: Any) -> Event:
    """An event that is over: who waits for it goes on at once, and SimPy has nothing to do."""
    event = env.event()
    event._ok, event._value = True, value
    event.callbacks = None  # type: ignore[assignment]
    return event


@dataclass(eq=False)
class ReadInFlight:
    """A granted read: first beat at `first_ps`, one every `beat_ps`, the last over at `end_ps`.

    `withdrawn`: somebody else plays it.
    """

    request: Request
    first_ps: int
    beat_ps: int
    end_ps: int
    withdrawn: bool = False


@dataclass(eq=False)
class WriteInFlight:
    """A granted write: its data is over on the bus at `end_ps`; then it is stored, and it is known
    that the answer comes at `answer_ps`. `withdrawn`: somebody else plays it."""

    request: Request
    end_ps: int
    answer_ps: int | None = None
    withdrawn: bool = False


class MemoryPort:
    """Passes bursts to the memory; `bytes_moved` counts both directions.

    Earliest first read beat: `address_cycles` after the grant plus the memory's latency. One beat a
    bus cycle, fewer if the port or the DRAM gives less. `on_submit`, if set, is called before a
    request is queued.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        config: BusConfig,
        storage: Storage,
        controller: MemoryController,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.config = config
        self.reads = Arbiter(env, config.arbitration, write=False)
        self.writes = Arbiter(env, config.arbitration, write=True)
        self.bytes_moved = 0
        self.storage = storage
        self.controller = controller
        self.on_submit: Callable[[], None] | None = None
        self.address_ps = clock.cycles_to_ps(config.address_cycles)
        port_beat_ps = round(config.beat_bytes * PS_PER_US / controller.config.port_mbyte_s)
        self.beat_ps = max(clock.period_ps, port_beat_ps)
        self.response_ps = clock.cycles_to_ps(config.response_cycles)
        self.read_free_ps = 0
        self.write_free_ps = 0
        self._trace = trace
        self._reads: list[ReadInFlight] = []
        self._writes: list[WriteInFlight] = []

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._serve(self.reads, self._start_read))
        self.env.process(self._serve(self.writes, self._start_write))

    def submit(self, request: Request) -> None:
        """Queues a burst for its direction."""
        if self.on_submit is not None:
            self.on_submit()
        (self.reads if request.data is None else self.writes).submit(request)

    def serves_only(self, master: Master, *, write: bool) -> bool:
        """Whether nothing waits or is under way but reads, or writes, of this master.

        False while somebody else plays them.
        """
        own, others = (self.writes, self.reads) if write else (self.reads, self.writes)
        in_flight, against = (self._writes, self._reads) if write else (self._reads, self._writes)
        alone = all(burst.request.master is master for burst in in_flight) and not against
        return alone and self.on_submit is None and own.waits_for(master) and others.waits_for(None)

    def reads_of(self, master: Master) -> list[ReadInFlight]:
        """Granted reads of a master that are not over, oldest first."""
        return [read for read in self._reads if read.request.master is master]

    def writes_of(self, master: Master) -> list[WriteInFlight]:
        """Granted writes of a master that are not answered, oldest first."""
        return [write for write in self._writes if write.request.master is master]

    def withdraw(self, master: Master) -> None:
        """Forgets all bursts of the one master it serves: somebody else plays them."""
        in_flight: list[ReadInFlight | WriteInFlight] = [*self._reads, *self._writes]
        for burst in in_flight:
            burst.withdrawn = True
        self._reads.clear()
        self._writes.clear()
        master.reads = master.writes = 0
        self.reads.withdraw(master)
        self.writes.withdraw(master)

    def restore_reads(
        self,
        master: Master,
        reads: Iterable[ReadInFlight],
        requests: Iterable[Request],
        *,
        served: bool,
    ) -> None:
        """Takes reads back: granted ones, not all over at this instant, and waiting ones."""
        for read in reads:
            master.reads += 1
            self._follow(read)
        self.reads.restore(master, requests, served=served)

    def restore_writes(
        self,
        master: Master,
        writes: Iterable[WriteInFlight],
        requests: Iterable[Request],
        *,
        served: bool,
    ) -> None:
        """Takes writes back: granted ones that are not answered yet, and waiting ones."""
        for write in writes:
            master.writes += 1
            self._follow_write(write)
        self.writes.restore(master, requests, served=served)

    def _serve(
        self, arbiter: Arbiter, start: Callable[[Request], None]
    ) -> Generator[Event, Any, None]:
        while True:
            yield from arbiter.wait_for_request()
            now_ps = int(self.env.now)
            grant_ps = self.clock.align(max(now_ps, arbiter.address_free_ps))
            yield LateEvent(self.env, grant_ps - now_ps)
            request = arbiter.grant()
            if request is not None:
                arbiter.address_free_ps = grant_ps + self.address_ps
                start(request)

    def _start_read(self, request: Request) -> None:
        now_ps = int(self.env.now)
        request.master.reads += 1
        service = self.controller.reserve(
            request.master.name, request.address_bytes, request.length_bytes, write=False
        )
        beats = beats_of(Burst(request.address_bytes, request.length_bytes), self.config.beat_bytes)
        beat_ps = max(self.beat_ps, (service.end_ps - service.start_ps) // beats)
        first_ps = self.clock.align(
            max(service.first_ps, now_ps + self.address_ps, self.read_free_ps)
        )
        end_ps = self.clock.align(first_ps + beats * beat_ps)
        self.read_free_ps = end_ps
        self._record("bus read", request, first_ps, end_ps)
        self._follow(ReadInFlight(request, first_ps, beat_ps, end_ps))

    def _follow(self, read: ReadInFlight) -> None:
        """Delivers a granted read, unless that has been done, and finishes it."""
        request = read.request
        burst = Burst(request.address_bytes, request.length_bytes)

        def deliver() -> None:
            if not read.withdrawn:
                request.done.succeed(self.delivery(burst, read.first_ps, read.beat_ps, read.end_ps))

        def finish() -> None:
            if not read.withdrawn:
                self._reads.remove(read)
                request.master.reads -= 1
                self.reads.notify()

        self._reads.append(read)
        if not request.done.triggered:
            call_at(self.env, read.first_ps, deliver)
        call_at(self.env, read.end_ps, finish)

    def delivery(self, burst: Burst, first_ps: int, beat_ps: int, end_ps: int) -> ReadDelivery:
        """What a granted read gives, with what is in memory now."""
        data = self.storage.read(burst.address_bytes, burst.length_bytes)
        return ReadDelivery(data, Response.OKAY, first_ps, beat_ps, end_ps)

    def _start_write(self, request: Request) -> None:
        request.master.writes += 1
        beats = beats_of(Burst(request.address_bytes, request.length_bytes), self.config.beat_bytes)
        first_ps = self.clock.align(max(int(self.env.now) + self.address_ps, self.write_free_ps))
        end_ps = self.clock.align(first_ps + beats * self.beat_ps)
        self.write_free_ps = end_ps
        self._record("bus write", request, first_ps, end_ps)
        self._follow_write(WriteInFlight(request, end_ps))

    def _follow_write(self, write: WriteInFlight) -> None:
        """Stores a granted write, unless that has been done, and answers it."""
        request = write.request

        def store() -> None:
            if write.withdrawn:
                return
            assert request.data is not None
            self.storage.write(request.address_bytes, request.data)
            service = self.controller.reserve(
                request.master.name, request.address_bytes, request.length_bytes, write=True
            )
            answer_ps = max(write.end_ps + self.response_ps, service.first_ps)
            write.answer_ps = self.clock.align(answer_ps)
            call_at(self.env, write.answer_ps, finish)

        def finish() -> None:
            if not write.withdrawn:
                self._writes.remove(write)
                request.master.writes -= 1
                self.writes.notify()
                request.done.succeed(Response.OKAY)

        self._writes.append(write)
        if write.answer_ps is None:
            call_at(self.env, write.end_ps, store)
        else:
            call_at(self.env, write.answer_ps, finish)

    def _record(self, track: str, request: Request, first_ps: int, end_ps: int) -> None:
        self.bytes_moved += request.length_bytes
        if self._trace is not None:
            self._trace.span(
                track,
                request.master.name,
                first_ps,
                end_ps,
                address=f"0x{request.address_bytes:08x}",
                bytes=request.length_bytes,
                waited_ns=(first_ps - request.issued_ps) / 1000,
            )


class RegisterPort:
    """Passes single 32-bit accesses to a register block, one after the other."""

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        config: BusConfig,
        name: str,
        base_bytes: int,
        slave: RegisterSlave,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.accesses = Arbiter(env, config.arbitration, write=False)
        self.bytes_moved = 0
        self._name = name
        self._base_bytes = base_bytes
        self._slave = slave
        self._trace = trace
        self._address_ps = clock.cycles_to_ps(config.address_cycles)

    def start(self) -> None:
        """Starts the process."""
        self.env.process(self._serve_accesses())

    def submit(self, request: Request) -> None:
        """Queues an access."""
        self.accesses.submit(request)

    def _serve_accesses(self) -> Generator[Event, Any, None]:
        while True:
            yield from self.accesses.wait_for_request()
            now_ps = int(self.env.now)
            start_ps = self.clock.align(now_ps)
            yield LateEvent(self.env, start_ps - now_ps)
            request = self.accesses.grant()
            if request is None:
                continue
            yield self.env.timeout(self._address_ps)
            offset = request.address_bytes - self._base_bytes
            if request.length_bytes != 4 or offset % 4:
                value, response = 0, int(Response.SLVERR)
            elif request.data is not None:
                value = int.from_bytes(request.data, "little")
                response = yield from self._slave.write_register(offset, value)
            else:
                value, response = yield from self._slave.read_register(offset)
            end_ps = int(self.env.now)
            self.bytes_moved += request.length_bytes
            if self._trace is not None:
                kind = "read" if request.data is None else "write"
                self._trace.span(
                    "bus registers",
                    f"{kind} {self._name}",
                    start_ps,
                    end_ps,
                    offset=f"0x{offset:02x}",
                    value=f"0x{value:08x}",
                )
            answer: Response | ReadDelivery = Response(response)
            if request.data is None:
                data = value.to_bytes(4, "little")
                answer = ReadDelivery(data, Response(response), end_ps, 0, end_ps)
            request.done.succeed(answer)
