"""Memory to stream: the DMA's reading half."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from simpy import Environment, Event, Store

from cosim import descriptors as layout
from cosim.beats import WORD_BYTES, BeatBurst
from cosim.board import DmaConfig
from cosim.bus import MasterPort
from cosim.datamover import Credits, is_legal, trace_buffer
from cosim.dma_channel import Channel, Command, data_error
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.transactions import ReadDelivery, Response
from cosim.units import ClockDomain


@dataclass(frozen=True)
class _ReadBurst:
    command: Command
    delivery: Event
    words: int
    first: bool
    last: bool


class MemoryToStream:
    """Reads the buffers of the channel's descriptors and puts their words on the stream.

    The first beat follows the read address by `mm2s_beat_cycles` (memory without wait states); then
    one beat a cycle.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        config: DmaConfig,
        channel: Channel,
        master: MasterPort,
        stream: Stream,
        trace: Trace | None,
    ) -> None:
        self.env = env
        self._clock = clock
        self._config = config
        self._channel = channel
        self._master = master
        self._stream = stream
        self._trace = trace
        self._credits = Credits(env, config.fifo_words)
        self._bursts: Store = Store(env)
        # Address phase and first data beat of the bus are part of the published figure.
        self._pipeline_ps = clock.cycles_to_ps(max(0, config.mm2s_beat_cycles - 1))

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._issue_reads())
        self.env.process(self._emit_beats())

    def _issue_reads(self) -> Generator[Event, Any, None]:
        while True:
            command: Command = yield self._channel.commands.get()
            descriptor = command.descriptor
            if not is_legal(command):
                self._channel.complete(command, layout.INTERNAL_ERROR, command.requested_ps)
                continue
            yield self.env.timeout(max(0, command.ready_ps - int(self.env.now)))
            bursts = list(
                self._master.split(
                    descriptor.buffer_bytes, descriptor.length_bytes, self._config.burst_beats
                )
            )
            for index, burst in enumerate(bursts):
                words = burst.length_bytes // WORD_BYTES
                yield from self._credits.take(words)
                delivery = self._master.read(burst)
                self._bursts.put(
                    _ReadBurst(command, delivery, words, index == 0, burst is bursts[-1])
                )
                if burst is not bursts[-1]:
                    yield self.env.timeout(self._clock.period_ps)

    def _emit_beats(self) -> Generator[Event, Any, None]:
        env, stream, period_ps = self.env, self._stream, self._clock.period_ps
        words_per_beat = max(1, self._master.beat_bytes // WORD_BYTES)
        slot_ps = 0
        start_ps = 0
        while True:
            burst: _ReadBurst = yield self._bursts.get()
            delivery: ReadDelivery = yield burst.delivery
            if burst.first:
                start_ps = max(int(env.now), slot_ps)
            if delivery.response != Response.OKAY:
                status = data_error(delivery.response)
                self._channel.complete(burst.command, status, burst.command.requested_ps)
                return
            yield stream.put_burst(
                BeatBurst(
                    delivery.data,
                    burst.last and burst.command.end_of_frame,
                    self._clock,
                    delivery.first_ps + self._pipeline_ps,
                    delivery.beat_ps,
                    words_per_beat,
                    slot_ps,
                )
            )
            slot_ps = int(env.now) + period_ps
            self._credits.give(burst.words)
            if burst.last:
                self._finish(burst.command, start_ps, slot_ps)

    def _finish(self, command: Command, start_ps: int, end_ps: int) -> None:
        length_bytes = command.descriptor.length_bytes
        trace_buffer(self._trace, "dma mm2s", command, length_bytes, start_ps, end_ps)
        self._channel.complete(command, layout.COMPLETE | length_bytes, command.requested_ps)
