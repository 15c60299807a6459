"""Many bursts of a long read in one step, while nobody else is on their way; see `cosim.train`.

Weights come in bursts of a few words, thousands of them, and each costs a dozen events. While
nothing but this read uses the memory and the accelerator takes a word at every edge, all times
follow from recurrences (`cosim.read_times`). A train plays them until the end of the buffer, a word
that is not just stored, or the end of a job that raises the interrupt.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim.arbiter import Master, Request
from cosim.beats import WORD_BYTES, BeatBurst
from cosim.dma_channel import Command
from cosim.engine import Intake
from cosim.ports import MemoryPort, ReadInFlight, past_event
from cosim.read_times import NEVER, Free, Pace, Reached, Reads, Start, advance
from cosim.stream import Stream
from cosim.train import LEAST_BURSTS, Pausable, Shapes, Train, open_rows, rows_of
from cosim.transactions import Burst, Bursts, ReadDelivery, Response
from cosim.units import ClockDomain


@dataclass(frozen=True)
class Taking:
    """What a consumer does from its edge at `edge_ps` on, and from there every `period_ps`.

    It takes the next `words` whenever one is there and an edge has passed since the last one that
    is not in `blocked_ps`, or is that edge: then it has put the last one away. No more is known of
    edges from `last_edge_ps` on, and after `longest_gap_edges` without a word, all of them after
    `busy_until_ps`.
    """

    edge_ps: int
    period_ps: int
    words: int
    last_edge_ps: int
    blocked_ps: NDArray[np.int64]
    busy_until_ps: int
    longest_gap_edges: int

    @classmethod
    def after(
        cls,
        intake: Intake,
        edge_ps: int,
        period_ps: int,
        *,
        most_cycles: int,
        longest_gap_edges: int,
    ) -> "Taking":
        """What an engine does in at most so many cycles, of which the first ends at `edge_ps`."""
        return cls(
            edge_ps,
            period_ps,
            intake.words,
            edge_ps + min(intake.cycles, most_cycles) * period_ps,
            edge_ps + intake.blocked * period_ps,
            edge_ps + (min(intake.busy, most_cycles) - 1) * period_ps,
            longest_gap_edges,
        )


class Consumer(Pausable, Protocol):
    """Who takes words from the stream, and can do so for many edges at once."""

    @property
    def waits(self) -> bool:
        """Whether nothing but words comes to it, as far as is known."""

    def taking(self, words: NDArray[np.uint32]) -> Taking | None:
        """What it does if these words come; None if that cannot be told."""

    def resume(self, words: NDArray[np.uint32], last_take_ps: int) -> None:
        """Plays all edges before now, at which it took these words, the last at that edge."""


@dataclass(eq=False)
class IssuedRead:
    """A burst that was put on the bus and is not on the stream yet."""

    command: Command
    burst: Burst
    delivery: Event

    @property
    def delivered(self) -> ReadDelivery | None:
        """What the bus has delivered, None before."""
        return self.delivery.value if self.delivery.triggered else None

    @property
    def words(self) -> int:
        """32-bit words."""
        return self.burst.length_bytes // WORD_BYTES


@dataclass(eq=False)
class ReadState:
    """Where a reader is.

    `issued` bursts are on the bus, oldest first, the oldest on the stream if `emitting`, until that
    event; `waiting`, of `command`, will be issued from `issue_from_ps` on, if the FIFO has room for
    them (`free_words`). No word is put on the stream before `slot_ps`.
    """

    free_words: int
    issued: list[IssuedRead] = field(default_factory=list)
    waiting: Bursts = field(default_factory=Bursts)
    command: Command | None = None
    issue_from_ps: int = 0
    slot_ps: int = 0
    emitting: Event | None = None


class ReadTrain(Train):
    """Plays the reads of one master."""

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        master: Master,
        port: MemoryPort,
        stream: Stream,
        consumer: Consumer,
        pipeline_ps: int,
    ) -> None:
        super().__init__(env, clock, master, port)
        self._stream = stream
        self._consumer = consumer
        self._pipeline_ps = pipeline_ps

    def start(self, state: ReadState) -> Event | None:
        """Starts if that is possible and pays, and returns the event of its end.

        All of `state` belongs to the train then.
        """
        if not self.may_start() or not state.issued:
            return None
        if not self._port.serves_only(self._master, write=False) or not self._consumer.waits:
            return None
        ahead, command = state.waiting[: self._most_bursts], state.issued[0].command
        coming = [read for read in state.issued if read.command is command]
        words_ahead = ahead
        if command is not state.command or not len(ahead):
            # all of the buffer is on its way, and its last burst ends it
            coming, words_ahead = coming[:-1], Bursts()
        if len(coming) + len(words_ahead) < LEAST_BURSTS:
            return None
        words = self._upcoming(coming, words_ahead)
        taking = None if words is None else self._consumer.taking(words)
        if taking is not None and words is not None:
            self._words = words
            if taking.words >= self._stream.ring.count + LEAST_BURSTS * coming[0].words:
                self._begin(state, ahead, taking, stop=len(coming) + len(words_ahead))
                until_ps = self._advance(NEVER).until_ps
                if until_ps > taking.edge_ps + LEAST_BURSTS * taking.period_ps:
                    self._state = state
                    return self._depart(self._consumer, until_ps)
        self._learn(0)
        return None

    def _upcoming(self, issued: Sequence[IssuedRead], ahead: Bursts) -> NDArray[np.uint32] | None:
        """Words on the stream and those of the bursts after them, of one buffer; None if not all
        are plain ones: with TLAST, or not in this memory."""
        ring, storage = self._stream.ring, self._port.storage
        found = [read.delivered for read in issued]
        delivered = [delivery for delivery in found if delivery is not None]
        okay = all(delivery.response == Response.OKAY for delivery in delivered)
        if not okay or ring.has_last:
            return None
        data = b"".join([delivery.data for delivery in delivered])
        missing = Bursts.joined([read.burst for read in issued[len(delivered) :]], ahead)
        if len(missing):
            first, last = missing[0], missing[-1]
            if not storage.holds(first, last):
                return None
            end_bytes = last.address_bytes + last.length_bytes
            data += storage.read(first.address_bytes, end_bytes - first.address_bytes)
        return np.concatenate((ring.words, np.frombuffer(data, "<u4")))

    def _begin(self, state: ReadState, ahead: Bursts, taking: Taking, stop: int) -> None:
        """Notes what the recurrences start from; changes nothing."""
        port, controller = self._port, self._port.controller
        in_flight = {read.request.done: read for read in port.reads_of(self._master)}
        own = [read.delivery for read in state.issued]
        # reads that are on the stream already but not over on the bus
        gone = [read for done, read in in_flight.items() if done not in own]
        self._deliveries = [read.request.done for read in gone] + own
        granted = [read.delivered or in_flight.get(read.delivery) for read in state.issued]
        times = [
            (read.first_ps, read.end_ps, read.beat_ps)
            for read in (*gone, *granted)
            if read is not None
        ]
        known = [*(read.request.burst for read in gone), *(read.burst for read in state.issued)]
        self._bursts = Bursts.joined(known, ahead)
        self._times = np.array(times, dtype=np.int64).reshape(len(times), 3)
        self._first_issued = len(known)
        self._commands = [read.command for read in state.issued]
        config = port.config
        memory = controller.config
        self._pace = Pace(
            bus_period_ps=self._clock.period_ps,
            address_ps=port.address_ps,
            port_beat_ps=port.beat_ps,
            outstanding=self._master.outstanding,
            latency_ps=controller.read_latency_ps,
            row_bytes=memory.row_bytes,
            pipeline_ps=self._pipeline_ps,
            words_a_beat=max(1, config.beat_bytes // WORD_BYTES),
            stream_places=self._stream.depth_beats,
            edge_period_ps=taking.period_ps,
            longest_gap_edges=taking.longest_gap_edges,
        )
        self._reads = self._describe()
        self._start = Start(
            now_ps=int(self.env.now),
            gone=len(gone),
            granted=len(times),
            issued=self._first_issued,
            free=Free(
                issue_ps=state.issue_from_ps,
                words=state.free_words,
                address_ps=port.reads.address_free_ps,
                data_ps=port.read_free_ps,
                dram_ps=controller.free_ps,
                slot_ps=state.slot_ps,
            ),
            after_write=int(controller.last_was_write is True),
            edge_ps=taking.edge_ps,
            busy_until_ps=taking.busy_until_ps,
            words_to_take=taking.words,
            last_edge_ps=taking.last_edge_ps,
            stop=len(gone) + stop,
        )
        self._blocked_ps = taking.blocked_ps
        self._ring_ps = self._stream.ring.times_ps
        self._rows = rows_of(controller)

    def _describe(self) -> Reads:
        shapes = Shapes(self._bursts, self._port, write=False)
        times = np.zeros((3, len(self._bursts)), dtype=np.int64)
        times[:, : len(self._times)] = self._times.T
        return Reads(
            self._bursts.address_bytes,
            self._bursts.length_bytes,
            self._bursts.length_bytes // WORD_BYTES,
            shapes.beats,
            shapes.kind,
            shapes.durations_ps,
            first_ps=times[0],
            end_ps=times[1],
            beat_ps=times[2],
        )

    def _advance(self, limit_ps: int) -> Reached:
        """Plays until the limit; what it reached is in the arrays `_rows_now` and `_put_ps`."""
        self._rows_now = self._rows.copy()
        self._put_ps = np.zeros(self._stream.depth_beats, dtype=np.int64)
        return advance(
            limit_ps,
            self._pace,
            self._reads,
            self._start,
            self._blocked_ps,
            self._rows_now,
            self._ring_ps,
            self._put_ps,
        )

    def _restore(self, now_ps: int) -> int:
        reached = self._advance(now_ps)
        issued = self._restore_reads(reached, now_ps)
        self._restore_memory(reached)
        self._restore_stream(reached, issued)
        state = self._state
        state.issued = issued
        state.waiting = state.waiting[reached.issued - self._first_issued :]
        state.free_words = reached.free.words
        state.issue_from_ps = reached.free.issue_ps
        state.slot_ps = reached.free.slot_ps
        self._consumer.resume(self._words[: reached.taken], reached.take_ps)
        return reached.emitted - self._start.gone

    def _restore_reads(self, reached: Reached, now_ps: int) -> list[IssuedRead]:
        """Gives reads back to the port; returns those that are issued and not emitted."""
        reads, port = self._reads, self._port
        requests: list[Request] = []
        in_flight: list[ReadInFlight] = []
        issued: list[IssuedRead] = []
        over = int(np.searchsorted(reads.end_ps[: reached.granted], now_ps))
        first = min(over, reached.emitted)
        arrays = (
            reads.address_bytes, reads.length_bytes, reads.first_ps, reads.beat_ps, reads.end_ps
        )  # fmt: skip
        columns = (array[first : reached.issued].tolist() for array in arrays)
        for index, (address, length, *times) in enumerate(zip(*columns, strict=True), first):
            burst = Burst(address, length)
            done = self._deliveries[index] if index < len(self._deliveries) else None
            if done is None or not done.triggered:
                done = self.env.event()
                if index < reached.granted and times[0] < now_ps:
                    done = past_event(self.env, port.delivery(burst, *times))
            if index >= reached.emitted:
                issued.append(IssuedRead(self._command(index), burst, done))
            if index >= over:
                request = Request(self._master, address, length, None, done, now_ps)
                if index < reached.granted:
                    in_flight.append(ReadInFlight(request, *times))
                else:
                    requests.append(request)
        served = reached.granted > self._start.granted
        port.restore_reads(self._master, in_flight, requests, served=served)
        return issued

    def _command(self, index: int) -> Command:
        """Whose burst that is."""
        if index < self._first_issued:
            return self._commands[index - self._start.gone]
        assert self._state.command is not None
        return self._state.command

    def _restore_memory(self, reached: Reached) -> None:
        port, controller = self._port, self._port.controller
        moved = int(self._reads.length_bytes[self._start.granted : reached.granted].sum())
        port.bytes_moved += moved
        port.reads.address_free_ps = reached.free.address_ps
        port.read_free_ps = reached.free.data_ps
        controller.read_bytes += moved
        controller.busy_ps += reached.dram_busy_ps
        controller.free_ps = reached.free.dram_ps
        open_rows(controller, self._rows_now)
        if reached.granted > self._start.granted:
            controller.last_was_write = False

    def _restore_stream(self, reached: Reached, issued: list[IssuedRead]) -> None:
        before = len(self._ring_ps)
        put = before + reached.sent
        put += int(self._reads.words[self._start.gone : reached.emitted].sum())
        data = self._words[reached.taken : put]
        stream = self._stream
        stream.beats += put - before
        stream.ring.refill(self._put_ps[: len(data)].tolist(), [(word, 0) for word in data])
        self._state.emitting = None
        if reached.begun:
            delivery = issued[0].delivered
            assert delivery is not None
            burst = BeatBurst(
                delivery.data,
                False,
                self._clock,
                delivery.first_ps + self._pipeline_ps,
                delivery.beat_ps,
                self._pace.words_a_beat,
                reached.free.slot_ps,
                reached.sent,
            )
            self._state.emitting = stream.go_on(burst, reached.put_ps)
