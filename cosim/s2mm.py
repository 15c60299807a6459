"""Stream to memory: the DMA's writing half."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from simpy import Environment, Event, Store

from cosim import descriptors as layout
from cosim.beats import WORD_BYTES
from cosim.board import DmaConfig
from cosim.bus import MasterPort
from cosim.datamover import Credits, is_legal, trace_buffer
from cosim.dma_channel import Channel, Command, data_error
from cosim.stream import Promise, Stream
from cosim.trace import Trace
from cosim.transactions import Response, burst_room_bytes
from cosim.units import ClockDomain


@dataclass(frozen=True)
class _WriteBurst:
    command: Command
    address_bytes: int
    data: bytes
    earliest_ps: int
    final_status: int | None
    start_ps: int


class StreamToMemory:
    """Takes packets from the stream and writes them to the buffers of the channel's descriptors.

    A packet starts a new buffer; one longer than its buffer goes on in the next. The first write
    address of a packet follows its first beat by `s2mm_write_cycles`; between bursts the write data
    channel rests for `s2mm_gap_cycles` on average.
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
        self._answers: Store = Store(env)
        self._latency_ps = clock.cycles_to_ps(config.s2mm_write_cycles)
        # The next address goes out so early that the data rests for the gap alone.
        self._gap_ps = round((config.s2mm_gap_cycles - 1) * clock.period_ps)

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._collect_beats())
        self.env.process(self._issue_writes())
        self.env.process(self._finish_buffers())

    def _collect_beats(self) -> Generator[Event, Any, None]:
        packet_start_ps: int | None = None
        while True:
            command: Command = yield self._channel.commands.get()
            if not is_legal(command):
                self._channel.complete(command, layout.INTERNAL_ERROR, command.requested_ps)
                continue
            first_of_packet = packet_start_ps is None
            descriptor = command.descriptor
            address_bytes = descriptor.buffer_bytes
            end_bytes = address_bytes + descriptor.length_bytes
            buffer_start_ps = -1
            last = False
            while address_bytes < end_bytes and not last:
                limit_bytes = self._burst_bytes(address_bytes, end_bytes)
                following_bytes = self._burst_bytes(address_bytes + limit_bytes, end_bytes)
                data = bytearray()
                while len(data) < limit_bytes and not last:
                    room = (limit_bytes - len(data)) // WORD_BYTES
                    words, last, put_ps = yield from self._take_beats(
                        room, following_bytes // WORD_BYTES
                    )
                    if packet_start_ps is None:
                        packet_start_ps = put_ps
                    if buffer_start_ps < 0:
                        buffer_start_ps = put_ps
                    data += b"".join(word.to_bytes(WORD_BYTES, "little") for word in words)
                assert packet_start_ps is not None
                final_status = None
                if last or address_bytes + len(data) == end_bytes:
                    moved_bytes = address_bytes + len(data) - descriptor.buffer_bytes
                    final_status = layout.COMPLETE | moved_bytes
                    final_status |= layout.START_OF_FRAME if first_of_packet else 0
                    final_status |= layout.END_OF_FRAME if last else 0
                self._bursts.put(
                    _WriteBurst(
                        command,
                        address_bytes,
                        bytes(data),
                        packet_start_ps + self._latency_ps,
                        final_status,
                        buffer_start_ps,
                    )
                )
                address_bytes += len(data)
            if last:
                packet_start_ps = None

    def _take_beats(
        self, room: int, following: int
    ) -> Generator[Event, Any, tuple[Sequence[int], bool, int]]:
        """Process: takes one beat or several, at most `room`, which the burst has left.

        Returns their words, whether the last has TLAST, and when the first was put. `following`:
        room of the burst after this one, in the same buffer.
        """
        stream, env, credits = self._stream, self.env, self._credits
        yield from credits.take(1)
        if not len(stream) and stream.handed is None:
            if stream.promise is None:
                self._promise(min(room, 1 + credits.free_words))
            yield stream.arrival()
        if not stream.takes_promises:
            # A beat can be sampled at the first clock edge after it was put, one an edge.
            yield env.timeout(self._clock.next_edge(int(env.now)) - int(env.now))
            put_ps = stream.oldest_ps
            beat = stream.take()
            return [beat.data], beat.last, put_ps
        handed, last, stream.handed = stream.handed, False, None
        if handed is None:
            handed, last = stream.hand_in(self._clock, min(room, 1 + credits.free_words))
        credits.free_words -= len(handed.words) - 1
        # told now, as the source goes on before the last of these is taken
        left = room - len(handed.words) or following
        self._promise(0 if last else min(left, credits.free_words))
        yield env.timeout(handed.takes_ps[-1] - int(env.now))
        return handed.words, last, handed.first_put_ps

    def _promise(self, beats: int) -> None:
        """Tells the source of a stream, if it is empty, how many beats are taken without pause."""
        stream = self._stream
        stream.promise = None
        if beats > 1 and stream.takes_promises and not len(stream):
            stream.promise = Promise(beats, self._clock, stream.takes_ps, stream.depth_beats)

    def _burst_bytes(self, address_bytes: int, end_bytes: int) -> int:
        """Bytes of the burst from an address in a buffer on, 0 at its end."""
        beat_bytes, beats = self._master.beat_bytes, self._config.burst_beats
        return min(burst_room_bytes(address_bytes, beat_bytes, beats), end_bytes - address_bytes)

    def _issue_writes(self) -> Generator[Event, Any, None]:
        free_ps = 0
        while True:
            burst: _WriteBurst = yield self._bursts.get()
            issue_ps = max(int(self.env.now), burst.earliest_ps, free_ps)
            yield self.env.timeout(issue_ps - int(self.env.now))
            answer = self._master.write(burst.address_bytes, burst.data)
            beats = -(-len(burst.data) // self._master.beat_bytes)
            free_ps = issue_ps + self._clock.cycles_to_ps(beats + 1) + self._gap_ps
            self._answers.put((burst, answer))

    def _finish_buffers(self) -> Generator[Event, Any, None]:
        traced_ps = 0
        while True:
            burst, answer = yield self._answers.get()
            response: Response = yield answer
            self._credits.give(len(burst.data) // WORD_BYTES)
            if response != Response.OKAY:
                self._channel.complete(burst.command, data_error(response), burst.start_ps)
                return
            if burst.final_status is not None:
                moved_bytes = burst.final_status & layout.LENGTH_MASK
                # The next buffer's first beats may come before this one's response.
                traced_ps = max(traced_ps, burst.start_ps)
                now_ps = int(self.env.now)
                trace_buffer(self._trace, "dma s2mm", burst.command, moved_bytes, traced_ps, now_ps)
                traced_ps = now_ps
                self._channel.complete(burst.command, burst.final_status, burst.start_ps)
