"""System memory: the bytes, and, apart from them, when the memory controller can serve them."""

from dataclasses import dataclass

from simpy import Environment

from cosim.board import MemoryConfig
from cosim.trace import Trace
from cosim.units import PS_PER_US, ns_to_ps


class Storage:
    """`size_bytes` bytes from `base_bytes`, zero at first; knows nothing of buses or time."""

    def __init__(self, base_bytes: int, size_bytes: int) -> None:
        self.base_bytes = base_bytes
        self.size_bytes = size_bytes
        self._data = bytearray(size_bytes)

    def read(self, address_bytes: int, length_bytes: int) -> bytes:
        """The bytes there; raises IndexError outside the storage."""
        offset = self._offset(address_bytes, length_bytes)
        return bytes(self._data[offset : offset + length_bytes])

    def write(self, address_bytes: int, data: bytes) -> None:
        """Replaces the bytes there; raises IndexError outside the storage."""
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
    """

    def __init__(self, env: Environment, config: MemoryConfig, trace: Trace | None = None) -> None:
        self.env = env
        self.config = config
        self.read_bytes = 0
        self.write_bytes = 0
        self.busy_ps = 0
        self._trace = trace
        self._free_ps = 0
        self._open_rows: dict[int, int] = {}
        self._last_was_write: bool | None = None
        self._read_latency_ps = ns_to_ps(config.read_latency_ns)
        self._write_latency_ps = ns_to_ps(config.write_latency_ns)

    def reserve(self, port: str, address_bytes: int, length_bytes: int, *, write: bool) -> Service:
        """Books the next free time of the DRAM bus for this request, counted from now."""
        config = self.config
        efficiency = self._efficiency(address_bytes, length_bytes, write)
        # The DRAM moves whole bursts, whatever part of them was asked for.
        low_bytes = address_bytes // config.access_bytes * config.access_bytes
        high_bytes = -(-(address_bytes + length_bytes) // config.access_bytes) * config.access_bytes
        moved_bytes = high_bytes - low_bytes
        duration_ps = round(moved_bytes * PS_PER_US / (config.peak_mbyte_s * efficiency))
        start_ps = max(int(self.env.now), self._free_ps)
        end_ps = start_ps + duration_ps
        self._free_ps = end_ps
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
        latency_ps = self._write_latency_ps if write else self._read_latency_ps
        return Service(start_ps, start_ps + latency_ps, end_ps)

    def _efficiency(self, address_bytes: int, length_bytes: int, write: bool) -> float:
        config = self.config
        row = address_bytes // config.row_bytes
        bank = row % config.banks
        last_row = (address_bytes + length_bytes - 1) // config.row_bytes
        sequential = self._open_rows.get(bank) == row
        self._open_rows[last_row % config.banks] = last_row
        turned = self._last_was_write is not None and self._last_was_write != write
        self._last_was_write = write
        pattern = config.efficiency.sequential if sequential else config.efficiency.random
        if turned:
            return pattern.mixed
        return pattern.write if write else pattern.read
