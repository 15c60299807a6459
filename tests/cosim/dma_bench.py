"""A DMA on a bus with memory, for the tests."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from simpy import Environment, Event

from cosim import descriptors as layout
from cosim.board import Board
from cosim.bus import Interconnect
from cosim.descriptors import Descriptor
from cosim.dma import AxiDma
from cosim.memory import MemoryController, Storage
from cosim.stream import Beat, Stream
from cosim.trace import Span, Trace

CYCLE_PS = 10_000


@dataclass
class Bench:
    env: Environment
    storage: Storage
    dma: AxiDma
    trace: Trace
    out: Stream
    back: Stream

    def spans(self, track: str) -> list[Span]:
        return [span for span in self.trace.spans if span.track == track]

    def run_chain(
        self, base: int, chain: Sequence[int], *, packets: int = 1
    ) -> Generator[Event, Any, int]:
        """Process: starts the channel at register offset `base`; returns the time of TAILDESC."""
        control = layout.CONTROL_RUN | packets << layout.CONTROL_THRESHOLD_LOW
        control |= layout.CONTROL_IOC_ENABLE | layout.CONTROL_ERROR_ENABLE
        yield from self.dma.write_register(base + layout.CURDESC, chain[0])
        yield from self.dma.write_register(base + layout.DMACR, control)
        yield from self.dma.write_register(base + layout.TAILDESC, chain[-1])
        return int(self.env.now)

    def drain(
        self, beats: int, taken: list[tuple[int, Beat]], *, pause_ps: int = CYCLE_PS
    ) -> Generator[Event, Any, None]:
        """Process: takes beats from the DMA, with the times at which they were put."""
        for _ in range(beats):
            yield self.out.arrival()
            put_ps = self.out.oldest_ps
            yield self.env.timeout(pause_ps)
            taken.append((put_ps, self.out.take()))

    def feed(self, packets: Sequence[Sequence[int]]) -> Generator[Event, Any, None]:
        """Process: gives packets of words to the DMA, a beat a cycle."""
        for words in packets:
            for index, word in enumerate(words):
                yield self.back.put(Beat(word, index == len(words) - 1))
                yield self.env.timeout(CYCLE_PS)

    def register(self, base: int, offset: int) -> int:
        """Value of a channel's register now."""
        channel = self.dma.s2mm if base else self.dma.mm2s
        value = channel.read_register(offset)
        assert value is not None
        return value

    def status(self, address: int) -> int:
        """Status word of the descriptor at `address`."""
        data = self.storage.read(address, layout.DESCRIPTOR_USED_BYTES)
        return Descriptor.unpack(data).status


def make_bench(board: Board) -> Bench:
    env, trace = Environment(), Trace()
    storage = Storage(board.memory.base_bytes, board.memory.size_bytes)
    bus = Interconnect(env, board.clocks.bus, board.bus, trace)
    bus.add_memory("memory", storage, MemoryController(env, board.memory))
    out, back = Stream(env, 4, "out"), Stream(env, 4, "back")
    dma = AxiDma(env, board.clocks.bus, board.dma, bus, stream_out=out, stream_in=back, trace=trace)
    bus.start()
    dma.start()
    return Bench(env, storage, dma, trace, out, back)


def write_chain(storage: Storage, buffers: Sequence[tuple[int, int]]) -> list[int]:
    """One packet in several buffers (address, length), descriptors from the start of memory."""
    addresses = [storage.base_bytes + layout.DESCRIPTOR_BYTES * i for i in range(len(buffers))]
    for index, (address, length) in enumerate(buffers):
        control = length
        control |= layout.START_OF_FRAME if index == 0 else 0
        control |= layout.END_OF_FRAME if index == len(buffers) - 1 else 0
        following = addresses[(index + 1) % len(addresses)]
        storage.write(addresses[index], Descriptor(following, address, control).pack())
    return addresses


def to_bytes(words: Sequence[int]) -> bytes:
    return b"".join(word.to_bytes(4, "little") for word in words)
