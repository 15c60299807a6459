"""Interconnect: masters, slave ports, address decoding.

A master may have `outstanding` bursts under way in each direction. At every bus clock edge each
slave port's arbiter grants one burst among the masters that wait, after all requests of that
instant are in. Reads and writes of a memory port are pipelined and independent, as the AXI channels
are. The bytes of a read leave the memory with its first beat, those of a write reach it after its
last.
"""

from dataclasses import dataclass

from simpy import Environment, Event

from cosim.arbiter import Arbiter, Master, Request
from cosim.board import BusConfig
from cosim.errors import ScenarioError
from cosim.memory import MemoryController, Storage
from cosim.ports import MemoryPort, RegisterPort, RegisterSlave, call_at
from cosim.trace import Trace
from cosim.transactions import Burst, Bursts, ReadDelivery, Response, burst_room_bytes, split_bursts
from cosim.units import ClockDomain


@dataclass(frozen=True)
class Region:
    """An address range and the port behind it."""

    name: str
    base_bytes: int
    size_bytes: int
    port: MemoryPort | RegisterPort

    @property
    def last_bytes(self) -> int:
        """Last address of the range."""
        return self.base_bytes + self.size_bytes - 1


class Interconnect:
    """Connects masters with slave ports.

    `decode_errors` lists the bursts that no port answered.
    """

    def __init__(
        self, env: Environment, clock: ClockDomain, config: BusConfig, trace: Trace | None = None
    ) -> None:
        self.env = env
        self.clock = clock
        self.config = config
        self.decode_errors: list[str] = []
        self._trace = trace
        self._regions: list[Region] = []
        self._masters: list[Master] = []

    def add_memory(self, name: str, storage: Storage, controller: MemoryController) -> MemoryPort:
        """Attaches a memory; raises ScenarioError if its addresses are taken."""
        port = MemoryPort(self.env, self.clock, self.config, storage, controller, self._trace)
        self._add_region(Region(name, storage.base_bytes, storage.size_bytes, port))
        return port

    def add_registers(
        self, name: str, base_bytes: int, size_bytes: int, slave: RegisterSlave
    ) -> RegisterPort:
        """Attaches a register block; raises ScenarioError if its addresses are taken."""
        port = RegisterPort(self.env, self.clock, self.config, name, base_bytes, slave, self._trace)
        self._add_region(Region(name, base_bytes, size_bytes, port))
        return port

    def add_master(self, name: str, priority: int = 0) -> "MasterPort":
        """Adds a master that reaches every slave port."""
        master = Master(name, priority, self.config.outstanding)
        self._masters.append(master)
        for region in self._regions:
            for arbiter in _arbiters(region.port):
                arbiter.add_master(master)
        return MasterPort(self, master)

    def start(self) -> None:
        """Starts the processes of all slave ports."""
        for region in self._regions:
            region.port.start()

    @property
    def bytes_moved(self) -> int:
        """Bytes carried so far, both directions, all ports."""
        return sum(region.port.bytes_moved for region in self._regions)

    def issue(self, master: Master, burst: Burst, data: bytes | None) -> Event:
        """Returns the event of the burst's answer; raises ValueError on an illegal burst."""
        room_bytes = burst_room_bytes(
            burst.address_bytes, self.config.beat_bytes, self.config.max_burst_beats
        )
        if not 1 <= burst.length_bytes <= room_bytes:
            raise ValueError(
                f"burst of {master.name} at 0x{burst.address_bytes:08x} must be 1 to "
                f"{room_bytes} bytes, not {burst.length_bytes}"
            )
        done = self.env.event()
        request = Request(
            master, burst.address_bytes, burst.length_bytes, data, done, int(self.env.now)
        )
        region = self._decode(burst)
        if region is None:
            self._refuse(request)
        else:
            region.port.submit(request)
        return done

    def memory_at(self, burst: Burst) -> MemoryPort | None:
        """The memory port that a burst goes to, if it goes to one."""
        region = self._decode(burst)
        return region.port if region is not None and isinstance(region.port, MemoryPort) else None

    def _decode(self, burst: Burst) -> Region | None:
        for region in self._regions:
            end_bytes = burst.address_bytes + burst.length_bytes - 1
            if region.base_bytes <= burst.address_bytes and end_bytes <= region.last_bytes:
                return region
        return None

    def _refuse(self, request: Request) -> None:
        kind = "read" if request.data is None else "write"
        self.decode_errors.append(
            f"{request.master.name} {kind} of {request.length_bytes} bytes at "
            f"0x{request.address_bytes:08x}: no port there"
        )
        cycles = self.config.address_cycles + self.config.response_cycles
        answer_ps = self.clock.align(int(self.env.now)) + self.clock.cycles_to_ps(cycles)
        answer: Response | ReadDelivery = Response.DECERR
        if request.data is None:
            data = bytes(request.length_bytes)
            answer = ReadDelivery(data, Response.DECERR, answer_ps, 0, answer_ps)

        def refuse() -> None:
            request.done.succeed(answer)

        call_at(self.env, answer_ps, refuse)

    def _add_region(self, new: Region) -> None:
        for region in self._regions:
            if new.base_bytes <= region.last_bytes and region.base_bytes <= new.last_bytes:
                raise ScenarioError(
                    f"Address range 0x{new.base_bytes:08x}-0x{new.last_bytes:08x} of {new.name} "
                    f"overlaps 0x{region.base_bytes:08x}-0x{region.last_bytes:08x} of "
                    f"{region.name}"
                )
        self._regions.append(new)
        for master in self._masters:
            for arbiter in _arbiters(new.port):
                arbiter.add_master(master)


class MasterPort:
    """What a master uses to read and write; both methods return events."""

    def __init__(self, interconnect: Interconnect, master: Master) -> None:
        self._interconnect = interconnect
        self.master = master

    @property
    def beat_bytes(self) -> int:
        """Bytes of a full data beat."""
        return self._interconnect.config.beat_bytes

    @property
    def outstanding(self) -> int:
        """Bursts that may be under way in each direction."""
        return self._interconnect.config.outstanding

    def memory_at(self, burst: Burst) -> MemoryPort | None:
        """The memory port that a burst goes to, if it goes to one."""
        return self._interconnect.memory_at(burst)

    def read(self, burst: Burst) -> Event:
        """Event that fires with a `ReadDelivery` when the first beat is valid."""
        return self._interconnect.issue(self.master, burst, None)

    def write(self, address_bytes: int, data: bytes) -> Event:
        """Event that fires with the `Response` of a write burst of all of `data`."""
        return self._interconnect.issue(self.master, Burst(address_bytes, len(data)), data)

    def split(self, address_bytes: int, length_bytes: int, max_beats: int) -> Bursts:
        """Cuts a transfer into bursts that this bus carries."""
        return split_bursts(
            address_bytes,
            length_bytes,
            beat_bytes=self.beat_bytes,
            max_beats=max_beats,
        )


def _arbiters(port: MemoryPort | RegisterPort) -> tuple[Arbiter, ...]:
    if isinstance(port, MemoryPort):
        return port.reads, port.writes
    return (port.accesses,)
