"""System memory: the bytes, and, apart from them, when the memory controller can serve them."""

from collections.abc import Callable
from dataclasses import dataclass
from mmap import mmap
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from simpy import Environment

from cosim.board import MemoryConfig
from cosim.trace import Trace
from cosim.transactions import Burst
from cosim.units import PS_PER_US, ns_to_ps

Bytes = TypeVar("Bytes", int, NDArray[np.int64])


class Storage:
    """`size_bytes` bytes from `base_bytes`, zero at first; knows nothing of buses or time.

    `on_write`, if set, is called before something is written.
    """

    def __init__(self, base_bytes: int, size_bytes: int) -> None:
        self.base_bytes = base_bytes
        self.size_bytes = size_bytes
        self.on_write: Callable[[], None] | None = None
        # zeroed by the system page by page, as far as it is used
        self._data = mmap(-1, size_bytes)

    def holds(self, first: Burst, last: Burst) -> bool:
        """Whether all bytes from a burst to another are in it."""
        end_bytes = last.address_bytes + last.length_bytes
        begins = self.base_bytes <= first.address_bytes
        return begins and end_bytes <= self.base_bytes + self.size_bytes

    def read(self, address_bytes: int, length_bytes: int) -> bytes:
        """The bytes there; raises IndexError outside the storage."""
        offset = self._offset(address_bytes, length_bytes)
        return self._data[offset : offset + length_bytes]

    def write(self, address_bytes: int, data: bytes) -> None:
        """Replaces the bytes there; raises IndexError outside the storage."""
        if self.on_write is not None:
            self.on_write()
        offset = self._offset(address_bytes, len(data))
        self._data[offset : offset + len(data)] = data

    def _offset(self, address_bytes: int, length_bytes: int) -> int:
        offset = address_bytes - self.base_bytes
        if offset < 0 or offset + length_bytes > self.size_bytes:
            raise IndexError(
                f"memory address must be 0x{self.base_bytes:08x} to "
                f"0x{self.base_bytes + self.size_bytes - 1:08x}, not 0x{address_bytes:08x} "
                f"and {length_bytes} bytes"
            )
        return offset


@dataclass(frozen=True)
class Service:
    """When the controller serves a request: the DRAM bus is busy from `start_ps` to `end_ps`.

    The first byte of a read leaves the controller `latency` after the start, so at `first_ps`.
    """

    start_ps: int
    first_ps: int
    end_ps: int


class MemoryController:
    """Serves requests of all its ports in their order, one after the other, pipelined.

    A request holds the DRAM data bus for `bytes / (peak bandwidth * efficiency)`, where the
    efficiency depends on direction and on whether the request stays in the open row of its bank
    (UG585, table "DDR Efficiency"); the fixed access latency of successive requests overlaps.
    `on_use`, if set, is called before a request is booked.
    """

    def __init__(self, env: Environment, config: MemoryConfig, trace: Trace | None = None) -> None:
        self.env = env
        self.config = config
        self.read_bytes = 0
        self.write_bytes = 0
        self.busy_ps = 0
        self.free_ps = 0
        self.open_rows: dict[int, int] = {}
        """Row that was opened last, by bank."""
        self.last_was_write: bool | None = None
        self.read_latency_ps = ns_to_ps(config.read_latency_ns)
        self.on_use: Callable[[], None] | None = None
        self._trace = trace
        self.write_latency_ps = ns_to_ps(config.write_latency_ns)

    def reserve(self, port: str, address_bytes: int, length_bytes: int, *, write: bool) -> Service:
        """Books the next free time of the DRAM bus for this request, counted from now."""
        if self.on_use is not None:
            self.on_use()
        efficiency = self._efficiency(address_bytes, length_bytes, write)
        duration_ps = self._duration_ps(self.moved_bytes(address_bytes, length_bytes), efficiency)
        start_ps = max(int(self.env.now), self.free_ps)
        end_ps = start_ps + duration_ps
        self.free_ps = end_ps
        self.busy_ps += duration_ps
        if write:
            self.write_bytes += length_bytes
        else:
            self.read_bytes += length_bytes
        if self._trace is not None:
            kind = "write" if write else "read"
            self._trace.span(
                "memory",
                f"{kind} {port}",
                start_ps,
                end_ps,
                address=f"0x{address_bytes:08x}",
                bytes=length_bytes,
                efficiency=efficiency,
            )
        latency_ps = self.write_latency_ps if write else self.read_latency_ps
        return Service(start_ps, start_ps + latency_ps, end_ps)

    def moved_bytes(self, address_bytes: Bytes, length_bytes: Bytes) -> Bytes:
        """What the DRAM moves: whole bursts, whatever part of them was asked for."""
        unit = self.config.access_bytes
        end_bytes = -(-(address_bytes + length_bytes) // unit) * unit
        return end_bytes - address_bytes // unit * unit

    def durations_ps(self, moved_bytes: int, *, write: bool) -> list[list[int]]:
        """How long one holds the DRAM bus: random and sequential, each without and with turn."""
        table = self.config.efficiency
        return [
            [
                self._duration_ps(moved_bytes, efficiency)
                for efficiency in (row.write if write else row.read, row.mixed)
            ]
            for row in (table.random, table.sequential)
        ]

    def _duration_ps(self, moved_bytes: int, efficiency: float) -> int:
        return round(moved_bytes * PS_PER_US / (self.config.peak_mbyte_s * efficiency))

    def _efficiency(self, address_bytes: int, length_bytes: int, write: bool) -> float:
        config = self.config
        row = address_bytes // config.row_bytes
        bank = row % config.banks
        last_row = (address_bytes + length_bytes - 1) // config.row_bytes
        sequential = self.open_rows.get(bank) == row
        self.open_rows[last_row % config.banks] = last_row
        turned = self.last_was_write is not None and self.last_was_write != write
        self.last_was_write = write
        pattern = config.efficiency.sequential if sequential else config.efficiency.random
        if turned:
            return pattern.mixed
        return pattern.write if write else pattern.read
