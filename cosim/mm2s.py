"""Memory to stream: the DMA's reading half."""

from collections.abc import Generator
from typing import Any

from simpy import Environment, Event

from cosim import descriptors as layout
from cosim.beats import WORD_BYTES, BeatBurst
from cosim.board import DmaConfig
from cosim.bus import MasterPort
from cosim.datamover import is_legal, trace_buffer
from cosim.dma_channel import Channel, Command, data_error
from cosim.read_train import IssuedRead, ReadState, ReadTrain
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.transactions import ReadDelivery, Response
from cosim.units import ClockDomain


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
        # Address phase and first data beat of the bus are part of the published figure.
        self._pipeline_ps = clock.cycles_to_ps(max(0, config.mm2s_beat_cycles - 1))
        self._state = ReadState(config.fifo_words)
        self._changed = env.event()
        self._train: ReadTrain | None = None

    @property
    def rides(self) -> bool:
        """Whether many bursts are played in one step just now, so that counts stand still."""
        return self._train_end is not None

    @property
    def _train_end(self) -> Event | None:
        """The end of the train that runs, if one does."""
        return None if self._train is None else self._train.ended

    def start(self) -> None:
        """Starts the processes."""
        self.env.process(self._issue_reads())
        self.env.process(self._emit_beats())

    def _issue_reads(self) -> Generator[Event, Any, None]:
        env, state = self.env, self._state
        while True:
            command: Command = yield self._channel.commands.get()
            descriptor = command.descriptor
            if not is_legal(command):
                self._channel.complete(command, layout.INTERNAL_ERROR, command.requested_ps)
                continue
            yield env.timeout(max(0, command.ready_ps - int(env.now)))
            if self._train is not None:
                # it knows of no further buffer
                self._train.cut()
            state.command, state.issue_from_ps = command, int(env.now)
            state.waiting = self._master.split(
                descriptor.buffer_bytes, descriptor.length_bytes, self._config.burst_beats
            )
            while len(state.waiting):
                words = int(state.waiting.length_bytes[0]) // WORD_BYTES
                if (ended := self._train_end) is not None:
                    yield ended
                elif env.now < state.issue_from_ps:
                    yield env.timeout(state.issue_from_ps - int(env.now))
                elif state.free_words < words:
                    yield self._next_change()
                else:
                    burst, state.waiting = state.waiting[0], state.waiting[1:]
                    state.free_words -= words
                    state.issue_from_ps = int(env.now) + self._clock.period_ps
                    state.issued.append(IssuedRead(command, burst, self._master.read(burst)))
                    self._note_change()

    def _emit_beats(self) -> Generator[Event, Any, None]:
        env, state, stream = self.env, self._state, self._stream
        start_ps = 0
        while True:
            while not state.issued:
                yield self._next_change()
            read = state.issued[0]
            command, descriptor = read.command, read.command.descriptor
            if state.emitting is None:
                delivery: ReadDelivery = yield read.delivery
                if read.burst.address_bytes == descriptor.buffer_bytes:
                    start_ps = max(int(env.now), state.slot_ps)
                if delivery.response != Response.OKAY:
                    status = data_error(delivery.response)
                    self._channel.complete(command, status, command.requested_ps)
                    return
                state.emitting = stream.put_burst(self._beats(read, delivery))
            yield state.emitting
            state.emitting = None
            state.issued.pop(0)
            state.slot_ps = int(env.now) + self._clock.period_ps
            state.free_words += read.words
            self._note_change()
            if _is_last(read):
                self._finish(command, start_ps, state.slot_ps)
            elif self._trace is None and (ended := self._ride()) is not None:
                yield ended
                self._note_change()

    def _beats(self, read: IssuedRead, delivery: ReadDelivery) -> BeatBurst:
        return BeatBurst(
            delivery.data,
            _is_last(read) and read.command.end_of_frame,
            self._clock,
            delivery.first_ps + self._pipeline_ps,
            delivery.beat_ps,
            max(1, self._master.beat_bytes // WORD_BYTES),
            self._state.slot_ps,
        )

    def _ride(self) -> Event | None:
        """Starts a train if one can, and returns the event of its end."""
        if self._train is None:
            self._train = self._make_train()
        return None if self._train is None else self._train.start(self._state)

    def _make_train(self) -> ReadTrain | None:
        """A train to the consumer, if it can take many words at once."""
        consumer, master = self._stream.consumer, self._master
        port = master.memory_at(self._state.issued[0].burst) if self._state.issued else None
        if consumer is None or port is None:
            return None
        return ReadTrain(
            self.env, self._clock, master.master, port, self._stream, consumer, self._pipeline_ps
        )

    def _next_change(self) -> Event:
        """An event that fires when bursts have been issued or emitted."""
        if self._changed.triggered:
            self._changed = self.env.event()
        return self._changed

    def _note_change(self) -> None:
        # an event that nobody waits for would only cost time
        if self._changed.callbacks and not self._changed.triggered:
            self._changed.succeed()

    def _finish(self, command: Command, start_ps: int, end_ps: int) -> None:
        length_bytes = command.descriptor.length_bytes
        trace_buffer(self._trace, "dma mm2s", command, length_bytes, start_ps, end_ps)
        self._channel.complete(command, layout.COMPLETE | length_bytes, command.requested_ps)


def _is_last(read: IssuedRead) -> bool:
    """Whether a burst ends its buffer."""
    descriptor, burst = read.command.descriptor, read.burst
    end_bytes = descriptor.buffer_bytes + descriptor.length_bytes
    return burst.address_bytes + burst.length_bytes == end_bytes
