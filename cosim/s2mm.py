"""Stream to memory: the DMA's writing half."""

from collections.abc import Generator
from typing import Any, cast

from simpy import Environment, Event

from cosim import descriptors as layout
from cosim.beats import WORD_BYTES, Beat
from cosim.board import DmaConfig
from cosim.bus import MasterPort
from cosim.datamover import is_legal, trace_buffer
from cosim.dma_channel import Channel, Command, data_error
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.transactions import Burst, Response, burst_room_bytes
from cosim.units import ClockDomain
from cosim.write_train import Arrived, WriteBurst, WriteState, WriteTrain


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
        self._state = WriteState(config.fifo_words)
        self._train: WriteTrain | None = None
        self._queued: Event | None = None
        self._freed: Event | None = None
        self._failed = False
        self._traced_ps = 0
        self._latency_ps = clock.cycles_to_ps(config.s2mm_write_cycles)
        # The next address goes out so early that the data rests for the gap alone.
        self._gap_ps = round((config.s2mm_gap_cycles - 1) * clock.period_ps)

    @property
    def rides(self) -> bool:
        """Whether many bursts are played in one step just now, so that counts stand still."""
        return self._train is not None and self._train.ended is not None

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._collect_beats())
        self.env.process(self._issue_writes())

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
                arrived = Arrived(0, b"", None)
                if packet_start_ps is not None and buffer_start_ps >= 0:
                    earliest_ps = packet_start_ps + self._latency_ps
                    like = WriteBurst(command, 0, b"", earliest_ps, None, buffer_start_ps)
                    arrived = yield from self._ride(like, address_bytes, end_bytes)
                    address_bytes += arrived.full_bytes
                limit_bytes = self._burst_bytes(address_bytes, end_bytes)
                data, take_ps = bytearray(arrived.data), arrived.take_ps
                while len(data) < limit_bytes and not last:
                    beat, put_ps = yield from self._take_beat(take_ps)
                    last, take_ps = beat.last, None
                    if packet_start_ps is None:
                        packet_start_ps = put_ps
                    if buffer_start_ps < 0:
                        buffer_start_ps = put_ps
                    data += beat.data.to_bytes(WORD_BYTES, "little")
                assert packet_start_ps is not None
                final_status = None
                if last or address_bytes + len(data) == end_bytes:
                    moved_bytes = address_bytes + len(data) - descriptor.buffer_bytes
                    final_status = layout.COMPLETE | moved_bytes
                    final_status |= layout.START_OF_FRAME if first_of_packet else 0
                    final_status |= layout.END_OF_FRAME if last else 0
                self._state.queue.append(
                    WriteBurst(
                        command,
                        address_bytes,
                        bytes(data),
                        packet_start_ps + self._latency_ps,
                        final_status,
                        buffer_start_ps,
                    )
                )
                self._note_queued()
                address_bytes += len(data)
            if last:
                packet_start_ps = None

    def _take_beat(self, take_ps: int | None) -> Generator[Event, Any, tuple[Beat, int]]:
        """Process: takes a beat, at `take_ps` if that is known; returns it and when it was put."""
        stream, env, state = self._stream, self.env, self._state
        while not state.free_words:
            self._freed = env.event()
            yield self._freed
        state.free_words -= 1
        if not len(stream):
            yield stream.arrival()
        # A beat can be sampled at the first clock edge after it was put, one an edge.
        edge_ps = self._clock.next_edge(int(env.now)) if take_ps is None else take_ps
        yield env.timeout(edge_ps - int(env.now))
        put_ps = stream.oldest_ps
        return stream.take(), put_ps

    def _ride(
        self, like: WriteBurst, address_bytes: int, end_bytes: int
    ) -> Generator[Event, Any, Arrived]:
        """Process: a train from there on, if one can start; returns how far it came."""
        if self._train is None:
            self._train = self._make_train(Burst(address_bytes, end_bytes - address_bytes))
        train, none = self._train, Arrived(0, b"", None)
        if train is None or not train.may_start():
            return none
        bursts = self._master.split(
            address_bytes, end_bytes - address_bytes, self._config.burst_beats
        )
        ended = train.start(self._state, like, bursts[:-1])
        if ended is None:
            return none
        yield ended
        self._note_queued()
        return train.arrived

    def _make_train(self, buffer: Burst) -> WriteTrain | None:
        """A train from the producer, if it can put many words at once."""
        producer = self._stream.producer
        if producer is None or self._trace is not None:
            return None
        port = self._master.memory_at(buffer)
        if port is None:
            return None
        return WriteTrain(
            self.env,
            self._clock,
            self._master.master,
            port,
            self._stream,
            producer,
            gap_ps=self._gap_ps,
            on_answer=self._finish_writes,
        )

    def _burst_bytes(self, address_bytes: int, end_bytes: int) -> int:
        """Bytes of the burst from an address in a buffer on, 0 at its end."""
        beat_bytes, beats = self._master.beat_bytes, self._config.burst_beats
        return min(burst_room_bytes(address_bytes, beat_bytes, beats), end_bytes - address_bytes)

    def _issue_writes(self) -> Generator[Event, Any, None]:
        env, state = self.env, self._state
        while True:
            if self._train is not None and self._train.ended is not None:
                yield self._train.ended
            elif not state.queue:
                self._queued = env.event()
                yield self._queued
            elif env.now < (issue_ps := max(state.queue[0].earliest_ps, state.issue_from_ps)):
                yield env.timeout(issue_ps - int(env.now))
            else:
                burst = state.queue.popleft()
                answer = self._master.write(burst.address_bytes, burst.data)
                assert answer.callbacks is not None
                answer.callbacks.append(self._finish_writes)
                state.issued.append((burst, answer))
                beats = -(-len(burst.data) // self._master.beat_bytes)
                busy_ps = self._clock.cycles_to_ps(beats + 1) + self._gap_ps
                state.issue_from_ps = int(env.now) + busy_ps

    def _note_queued(self) -> None:
        if self._queued is not None and not self._queued.triggered:
            self._queued.succeed()

    def _finish_writes(self, _: Event) -> None:
        """Notes the answers that have come, in the order of the writes, up to the first error."""
        issued = self._state.issued
        while issued and issued[0][1].processed and not self._failed:
            burst, answer = issued.popleft()
            self._finish(burst, cast(Response, answer.value))

    def _finish(self, burst: WriteBurst, response: Response) -> None:
        self._state.free_words += len(burst.data) // WORD_BYTES
        if self._freed is not None and not self._freed.triggered:
            self._freed.succeed()
        if response != Response.OKAY:
            self._failed = True
            self._channel.complete(burst.command, data_error(response), burst.start_ps)
        elif burst.final_status is not None:
            moved_bytes = burst.final_status & layout.LENGTH_MASK
            # The next buffer's first beats may come before this one's response.
            traced_ps = max(self._traced_ps, burst.start_ps)
            now_ps = int(self.env.now)
            trace_buffer(self._trace, "dma s2mm", burst.command, moved_bytes, traced_ps, now_ps)
            self._traced_ps = now_ps
            self._channel.complete(burst.command, burst.final_status, burst.start_ps)
