"""Many bursts of a long write in one step, while nobody else is on their way; see `cosim.train`.

Results leave the accelerator a word at an edge, and the DMA writes them in bursts of a few words: a
dozen events each, and as many stops of the accelerator. Recurrences (`cosim.write_times`) play them
from the first whole burst of a buffer to its last, or to the end of the job.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim.arbiter import Master, Request
from cosim.beats import WORD_BYTES
from cosim.dma_channel import Command
from cosim.ports import MemoryPort, WriteInFlight
from cosim.read_times import NEVER
from cosim.stream import Stream
from cosim.train import LEAST_BURSTS, Pausable, Shapes, Train, open_rows, rows_of
from cosim.transactions import Burst, Bursts
from cosim.units import ClockDomain
from cosim.write_times import Free, Pace, Reached, Start, Writes, advance


@dataclass(frozen=True)
class Sending:
    """What a producer does from its edge at `edge_ps` on, and from there every `period_ps`: at each
    edge it puts one of the next `words`, if there is a place. They have no TLAST."""

    edge_ps: int
    period_ps: int
    words: int


class Producer(Pausable, Protocol):
    """Who puts words on the stream, and can do so for many edges at once."""

    def sending(self) -> Sending | None:
        """What it does next; None if that cannot be told."""

    def resume_sending(self, words: int) -> NDArray[np.uint32]:
        """Plays all edges before now, at which it put so many words; returns those."""


@dataclass(frozen=True)
class WriteBurst:
    """All words of a burst of a buffer; `final_status` of the buffer, if it ends there.

    It is not issued before `earliest_ps`. The buffer's first word was put at `start_ps`.
    """

    command: Command
    address_bytes: int
    data: bytes
    earliest_ps: int
    final_status: int | None
    start_ps: int

    @property
    def burst(self) -> Burst:
        """Where it goes."""
        return Burst(self.address_bytes, len(self.data))


@dataclass
class WriteState:
    """Where a writer is: `queue` holds bursts that are not issued, before `issue_from_ps` none of
    them is; `issued` ones are on the bus, with the events of their answers. The FIFO has room for
    `free_words`."""

    free_words: int
    queue: deque[WriteBurst] = field(default_factory=deque)
    issue_from_ps: int = 0
    issued: deque[tuple[WriteBurst, Event]] = field(default_factory=deque)


@dataclass(frozen=True)
class Arrived:
    """Where a train has brought a buffer: so many bytes of it are full bursts, `data` has come of
    the next, whose next word is taken at `take_ps`, if that is known."""

    full_bytes: int
    data: bytes
    take_ps: int | None


class WriteTrain(Train):
    """Plays the writes of one master; `arrived` tells how far the last train came.

    `on_answer` is to be called when one of the writes it has issued is answered.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        master: Master,
        port: MemoryPort,
        stream: Stream,
        producer: Producer,
        *,
        gap_ps: int,
        on_answer: Callable[[Event], None],
    ) -> None:
        super().__init__(env, clock, master, port)
        self.arrived = Arrived(0, b"", None)
        self._stream = stream
        self._producer = producer
        self._gap_ps = gap_ps
        self._on_answer = on_answer

    def start(self, state: WriteState, like: WriteBurst, bursts: Bursts) -> Event | None:
        """Starts if that is possible and pays, and returns the event of its end.

        All of `state` belongs to the train then. `bursts` are the next ones of a buffer, without
        its last, and `like` all of them but for address and data.
        """
        stream = self._stream
        if len(bursts) < LEAST_BURSTS or not self._port.serves_only(self._master, write=True):
            return None
        if state.issued and state.issued[0][1].triggered:
            # answered at this very instant, which the writer is still to be told
            return None
        if stream.ring.has_last or not self._port.storage.holds(bursts[0], bursts[-1]):
            return None
        before = [*(burst for burst, _ in state.issued), *state.queue]
        sending = self._producer.sending()
        if sending is not None and all(burst.final_status is None for burst in before):
            ahead = bursts[: self._most_bursts]
            words = int(ahead.length_bytes.sum()) // WORD_BYTES
            words = min(words, stream.ring.count + sending.words)
            if words * WORD_BYTES >= int(ahead.length_bytes[:LEAST_BURSTS].sum()):
                self._begin(state, before, ahead, sending, words)
                until_ps = self._advance(NEVER).until_ps
                if until_ps < NEVER:
                    self._state, self._like = state, like
                    return self._depart(self._producer, until_ps)
        self._learn(0)
        return None

    def _begin(
        self,
        state: WriteState,
        before: list[WriteBurst],
        ahead: Bursts,
        sending: Sending,
        words: int,
    ) -> None:
        """Notes what the recurrences start from; changes nothing."""
        port, stream, clock = self._port, self._stream, self._clock
        controller = port.controller
        memory = controller.config
        self._before, self._ahead = before, ahead
        in_flight = port.writes_of(self._master)
        self._pace = Pace(
            bus_period_ps=clock.period_ps,
            address_ps=port.address_ps,
            beat_ps=port.beat_ps,
            outstanding=self._master.outstanding,
            response_ps=port.response_ps,
            latency_ps=controller.write_latency_ps,
            row_bytes=memory.row_bytes,
            gap_ps=self._gap_ps,
            stream_places=stream.depth_beats,
            edge_period_ps=sending.period_ps,
        )
        bursts = Bursts.joined([burst.burst for burst in before], ahead)
        shapes = Shapes(bursts, port, write=True)
        count, now_ps = len(before) + len(ahead), int(self.env.now)
        earliest_ps, end_ps, answer_ps = np.zeros((3, count), dtype=np.int64)
        earliest_ps[: len(before)] = [burst.earliest_ps for burst in before]
        end_ps[: len(in_flight)] = [write.end_ps for write in in_flight]
        stored = [write.answer_ps for write in in_flight if write.answer_ps is not None]
        answer_ps[: len(stored)] = stored
        self._writes = Writes(
            bursts.address_bytes,
            bursts.length_bytes,
            bursts.length_bytes // WORD_BYTES,
            shapes.beats,
            shapes.kind,
            shapes.durations_ps,
            earliest_ps,
            np.full(count, now_ps, dtype=np.int64),
            end_ps,
            answer_ps,
        )
        self._start = Start(
            now_ps=now_ps,
            stored=len(stored),
            granted=len(in_flight),
            issued=len(state.issued),
            full=len(before),
            free=Free(
                issue_ps=state.issue_from_ps,
                words=state.free_words,
                address_ps=port.writes.address_free_ps,
                data_ps=port.write_free_ps,
                dram_ps=controller.free_ps,
            ),
            after_read=int(controller.last_was_write is False),
            edge_ps=sending.edge_ps,
            places=stream.room,
            words=words,
        )
        self._ring_ps = stream.ring.times_ps
        self._rows = rows_of(controller)

    def _advance(self, limit_ps: int) -> Reached:
        """Plays until the limit; what it reached is in the arrays `_rows_now` and `_put_ps`."""
        self._rows_now = self._rows.copy()
        self._put_ps = np.zeros(self._stream.depth_beats, dtype=np.int64)
        return advance(
            limit_ps,
            self._pace,
            self._writes,
            self._start,
            self._rows_now,
            self._ring_ps,
            self._put_ps,
        )

    def _restore(self, now_ps: int) -> int:
        reached = self._advance(now_ps)
        start, lengths = self._start, self._writes.length_bytes
        data = self._restore_stream(reached).astype("<u4").tobytes()
        full_bytes = int(lengths[start.full : reached.full].sum())
        self.arrived = Arrived(full_bytes, data[full_bytes:], reached.take_ps or None)
        self._restore_memory(reached, data)
        self._restore_writes(reached, data, now_ps)
        return reached.full - start.full

    def _restore_stream(self, reached: Reached) -> NDArray[np.uint32]:
        """Returns the words that were taken."""
        ring = self._stream.ring
        on_stream = ring.words
        put = self._producer.resume_sending(reached.put - len(on_stream))
        words = np.concatenate((on_stream, put))
        left = words[reached.taken :]
        ring.refill(self._put_ps[: len(left)].tolist(), [(word, 0) for word in left])
        self._stream.beats += len(put)
        return words[: reached.taken]

    def _restore_memory(self, reached: Reached, data: bytes) -> None:
        """Stores what is over on the bus; `data` are the words that were taken."""
        controller, storage = self._port.controller, self._port.storage
        before, start, lengths = self._before, self._start, self._writes.length_bytes
        for burst in before[start.stored : reached.stored]:
            storage.write(burst.address_bytes, burst.data)
        if reached.stored > len(before):
            stored_bytes = int(lengths[len(before) : reached.stored].sum())
            storage.write(self._ahead[0].address_bytes, data[:stored_bytes])
        controller.write_bytes += int(lengths[start.stored : reached.stored].sum())
        controller.busy_ps += reached.dram_busy_ps
        controller.free_ps = reached.free.dram_ps
        open_rows(controller, self._rows_now)
        if reached.stored > start.stored:
            controller.last_was_write = True

    def _restore_writes(self, reached: Reached, data: bytes, now_ps: int) -> None:
        """Gives writes back to the port, and to the writer what it has to issue."""
        first = min(reached.answered, len(self._before))
        bursts = dict(enumerate(self._before[first:], first))
        bursts |= self._filled(reached, data)
        state, start, port = self._state, self._start, self._port
        moved = self._writes.length_bytes[start.granted : reached.granted].sum()
        port.bytes_moved += int(moved)
        port.writes.address_free_ps = reached.free.address_ps
        port.write_free_ps = reached.free.data_ps
        answers = [answer for _, answer in state.issued]
        state.issued.clear()
        in_flight: list[WriteInFlight] = []
        requests: list[Request] = []
        for index in range(reached.answered, reached.issued):
            burst = bursts[index]
            if index < len(answers):
                done = answers[index]
            else:
                done = self.env.event()
                assert done.callbacks is not None
                done.callbacks.append(self._on_answer)
            state.issued.append((burst, done))
            request = Request(
                self._master, burst.address_bytes, len(burst.data), burst.data, done, now_ps
            )
            if index < reached.granted:
                stored = index < reached.stored
                answer_ps = int(self._writes.answer_ps[index]) if stored else None
                in_flight.append(WriteInFlight(request, int(self._writes.end_ps[index]), answer_ps))
            else:
                requests.append(request)
        served = reached.granted > start.granted
        port.restore_writes(self._master, in_flight, requests, served=served)
        state.queue = deque(bursts[index] for index in range(reached.issued, reached.full))
        state.free_words = reached.free.words
        state.issue_from_ps = reached.free.issue_ps

    def _filled(self, reached: Reached, data: bytes) -> dict[int, WriteBurst]:
        """Bursts that the train has filled and that are not answered, by number."""
        known = len(self._before)
        found, origin = {}, self._ahead[0].address_bytes
        for index in range(max(reached.answered, known), reached.full):
            burst = self._ahead[index - known]
            place = burst.address_bytes - origin
            part = data[place : place + burst.length_bytes]
            found[index] = replace(self._like, address_bytes=burst.address_bytes, data=part)
        return found
