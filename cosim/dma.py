"""The AXI DMA as one block: two channels behind one register port (PG021 v7.1)."""

from collections.abc import Generator
from typing import Any

from simpy import Environment, Event

from cosim import descriptors as layout
from cosim.board import DmaConfig
from cosim.bus import Interconnect
from cosim.dma_channel import Channel
from cosim.interrupt import InterruptLine
from cosim.mm2s import MemoryToStream
from cosim.s2mm import StreamToMemory
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.transactions import Response
from cosim.units import ClockDomain


class AxiDma:
    """Feeds `stream_out` from memory (MM2S) and memory from `stream_in` (S2MM).

    Three masters on the interconnect: descriptors, MM2S data, S2MM data. A register access takes
    one clock cycle.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        config: DmaConfig,
        interconnect: Interconnect,
        *,
        stream_out: Stream,
        stream_in: Stream,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        descriptor_master = interconnect.add_master("dma sg")
        self.mm2s = Channel(
            env,
            "mm2s",
            clock,
            config,
            descriptor_master,
            InterruptLine(env, "mm2s_introut"),
            config.mm2s_read_cycles,
            trace,
        )
        # A descriptor is no use to S2MM before the first beat, whose latency hides its processing.
        self.s2mm = Channel(
            env,
            "s2mm",
            clock,
            config,
            descriptor_master,
            InterruptLine(env, "s2mm_introut"),
            0,
            trace,
        )
        read_master = interconnect.add_master("dma mm2s")
        write_master = interconnect.add_master("dma s2mm")
        self._reader = MemoryToStream(env, clock, config, self.mm2s, read_master, stream_out, trace)
        self._writer = StreamToMemory(env, clock, config, self.s2mm, write_master, stream_in, trace)

    @property
    def rides(self) -> bool:
        """Whether many bursts are moved in one step just now, so that counts stand still."""
        return self._reader.rides or self._writer.rides

    def start(self) -> None:
        """Starts the processes of both channels."""
        self.mm2s.start()
        self.s2mm.start()
        self._reader.start()
        self._writer.start()

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        """Process: writes a register; returns the response code."""
        yield self.env.timeout(self.clock.period_ps)
        channel, offset = self._select(offset)
        return int(Response.OKAY if channel.write_register(offset, value) else Response.SLVERR)

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        """Process: reads a register; returns value and response code."""
        yield self.env.timeout(self.clock.period_ps)
        channel, offset = self._select(offset)
        value = channel.read_register(offset)
        if value is None:
            return 0, int(Response.SLVERR)
        return value, int(Response.OKAY)

    def _select(self, offset: int) -> tuple[Channel, int]:
        if offset < layout.S2MM_BASE:
            return self.mm2s, offset
        return self.s2mm, offset - layout.S2MM_BASE
