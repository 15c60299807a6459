"""Where the worlds meet: the accelerator's hardware, clock by clock, inside a SimPy system.

SimPy owns time. `AcceleratorPort` is a SimPy process that has an engine (`cosim.engine`) play the
cycles of the accelerator's clock. At one instant nothing depends on the order of events:

    SimPy time   T - period            T (rising edge)               T + period
                 ----+-----------------------+-----------------------------+----
    system           | beats put, registers  |                             |
                     | asked for: seen at T  |                             |
    port             |                       | 1 drives the inputs         |
    engine           |                       | 2 lets them settle, samples |
                     |                       |   outputs: the handshakes   |
                     |                       | 3 clock rises, state moves  |
    port             |                       | 4 moves beats, answers, line|

An edge at T sees only beats put before T and room made before T (`cosim.stream`), and register
requests made before T. What the edge does is visible to the system at T, that is to bus edges
after T. So both directions are exact to the cycle.

Running ahead. An edge can be played before SimPy has come to its time if all that it sees is known:

- register requests: none comes before `accesses_from()`, by default the next event in the queue;
- input: all beats of a burst have a time when they are put (`Stream.put_burst`), and until the last
  of them no other comes; without a burst none comes before the next event;
- room at the output is only made, except by the accelerator: known while there is some, else until
  the next event.

The engine stops after an edge at which something happens that the system must be told; the port
waits until then, and tells it. Anything that comes to an edge played before is an error.

In bulk. An engine that can (`StreamingEngine`) takes or sends the words of many bursts in one call
while the port is paused, at the end of a train of bursts (`cosim.train`).

The clock is gated while nothing can change: no job, no valid input or output for `QUIET_CYCLES`.
The hardware keeps its state then (`tests/cosim/test_bridge.py`); gated cycles are counted, and
simulated time in waveforms jumps over them. An arrival wakes the port for the next edge.
"""

from collections import deque
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from simpy import Environment, Event

from cosim.engine import Access, Engine, Inputs, StreamingEngine, Stretch
from cosim.errors import SimulationError
from cosim.interrupt import InterruptLine
from cosim.monitor import JobMonitor, JobRecord
from cosim.read_train import Taking
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from cosim.write_train import Sending
from hdl.bundles import REGISTER_ADDRESS_BITS
from hdl.register_file import SLAVE_ERROR

QUIET_CYCLES = 8
"""Idle cycles after which no register of the hardware changes any more."""

LONGEST_STRETCH_CYCLES = 1 << 16
"""Few enough to see progress; an engine that fills the log stops when it is full."""

LONGEST_TRAIN_CYCLES = 1 << 40
"""More than any train: keeps times within 64 bits."""

RESET_CYCLES = 2
"""Clock cycles of reset at power-up."""


class AcceleratorPort:
    """The accelerator as the system sees it: registers, two streams, an interrupt line.

    `jobs` lists the jobs in order of start; `active_cycles` were simulated, `gated_cycles` skipped
    because nothing could change. Register requests are served one at a time and in order.
    `accesses_from`, if set, tells the earliest time of the next request that is not made yet.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        engine: Engine,
        *,
        stream_in: Stream,
        stream_out: Stream,
        interrupt: InterruptLine,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.accesses_from: Callable[[], float] = env.peek
        self.gated_cycles = 0
        self._engine = engine
        self._stream_in = stream_in
        self._stream_out = stream_out
        self._interrupt = interrupt
        self._monitor = JobMonitor(engine.config, clock.period_ps, trace)
        self._requests: deque[tuple[Access, Event]] = deque()
        self._wake = env.event()
        self._played_cycles = 0
        self._quiet_cycles = 0
        self._last_edge_ps = clock.align(int(env.now))
        self._edge_ps: int | None = None  # the next edge, while only it is waited for
        self._resumed: Event | None = None
        self._on_access: Callable[[], None] | None = None
        stream_in.on_arrival = self._wake_up
        stream_in.follows_bursts = True
        self._streaming = engine if isinstance(engine, StreamingEngine) else None
        if self._streaming is not None:
            stream_in.consumer = self
            stream_out.producer = self
        env.process(self._clock_engine())

    @property
    def jobs(self) -> list[JobRecord]:
        """The jobs started so far."""
        if self._engine.jobs is not None:
            return list(self._engine.jobs)
        self._monitor.count()
        return self._monitor.jobs

    @property
    def active_cycles(self) -> int:
        """Clock cycles simulated so far; what was played ahead does not count yet."""
        ahead_ps = max(0, self._last_edge_ps - int(self.env.now))
        return self._played_cycles + -ahead_ps // self.clock.period_ps

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        """Process: writes a register over AXI4-Lite; returns the response (0 OKAY, 2 SLVERR).

        An offset beyond the port's address lines is refused by the interconnect, at once.
        """
        if offset >> REGISTER_ADDRESS_BITS:
            return SLAVE_ERROR
        response: int = yield self._request(Access(offset, value, int(self.env.now)))
        return response

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        """Process: reads a register over AXI4-Lite; returns its value and the response."""
        if offset >> REGISTER_ADDRESS_BITS:
            return 0, SLAVE_ERROR
        value, response = yield self._request(Access(offset, None, int(self.env.now)))
        return value, response

    @property
    def waits(self) -> bool:
        """Whether nothing but words comes to it, as far as is known."""
        engine = self._streaming
        between = self._edge_ps is not None and not self._requests
        return between and engine is not None and engine.rests

    def taking(self, words: NDArray[np.uint32]) -> Taking | None:
        """What it does if these words come on the stream; see `cosim.read_train`."""
        if self._edge_ps is None or self._streaming is None:
            return None
        return Taking.after(
            self._streaming.takes(words),
            self._edge_ps,
            self.clock.period_ps,
            most_cycles=LONGEST_TRAIN_CYCLES,
            longest_gap_edges=QUIET_CYCLES,
        )

    def pause(self, on_access: Callable[[], None]) -> None:
        """Plays no edge until resumed; calls `on_access` if something else comes."""
        self._on_access = on_access
        self._resumed = self.env.event()

    def resume(self, words: NDArray[np.uint32], last_take_ps: int) -> None:
        """Plays all edges before now, at which it took these words, the last at that edge."""
        engine, edges = self._streaming, self._resume()
        assert engine is not None
        if edges:
            period_ps = self.clock.period_ps
            resting = (self._last_edge_ps - last_take_ps) // period_ps if len(words) else edges
            quiet = engine.take_words(words, edges, resting)
            self._quiet_cycles = quiet + (self._quiet_cycles if quiet == edges else 0)

    def sending(self) -> Sending | None:
        """What it puts on its output; see `cosim.write_train`."""
        if self._edge_ps is None or self._requests or self._streaming is None:
            return None
        words = self._streaming.sends(waiting=len(self._stream_in) > 0)
        return Sending(self._edge_ps, self.clock.period_ps, words) if words else None

    def resume_sending(self, words: int) -> NDArray[np.uint32]:
        """Plays all edges before now, at which it put so many words; returns those."""
        engine, edges = self._streaming, self._resume()
        assert engine is not None
        if edges:
            self._quiet_cycles = 0
        return engine.send_words(words, edges)

    def _resume(self) -> int:
        """Ends the pause; returns how many edges are to be played, all before now."""
        resumed, edge_ps = self._resumed, self._edge_ps
        assert resumed is not None
        assert edge_ps is not None
        self._resumed = self._on_access = None
        period_ps = self.clock.period_ps
        edges = max(0, -(-(int(self.env.now) - edge_ps) // period_ps))
        if edges:
            self._last_edge_ps = edge_ps + (edges - 1) * period_ps
            self._edge_ps = self._last_edge_ps + period_ps
            self._played_cycles += edges
        resumed.succeed()
        return edges

    def describe(self) -> str:
        """What the accelerator is doing, for a system that cannot proceed."""
        running = self.jobs and self.jobs[-1].end_ps == self._last_edge_ps
        waits = f"{len(self._stream_in)} beats wait at its input"
        return f"accelerator {'runs a job' if running else 'idle'}, {waits}"

    def _request(self, access: Access) -> Event:
        done = self.env.event()
        self._requests.append((access, done))
        self._wake_up()
        return done

    def _wake_up(self) -> None:
        if self._on_access is not None:
            self._on_access()
        if self.env.now < self._last_edge_ps:
            raise SimulationError(
                f"the accelerator's port must not be reached at {self.env.now} ps: "
                f"its clock has been played until {self._last_edge_ps} ps"
            )
        if not self._wake.triggered:
            self._wake.succeed()

    def _clock_engine(self) -> Generator[Event, Any, None]:
        env, period_ps = self.env, self.clock.period_ps
        edge_ps = self.clock.next_edge(int(env.now))
        for _ in range(RESET_CYCLES):
            yield env.timeout(edge_ps - int(env.now))
            self._engine.cycle(edge_ps, Inputs(reset=True))
            edge_ps += period_ps
        while True:
            self._edge_ps = edge_ps
            yield env.timeout(edge_ps - int(env.now))
            if self._resumed is not None:
                yield self._resumed
                edge_ps = self._edge_ps
                continue
            self._edge_ps = None
            stretch = self._play(edge_ps)
            if self._must_tell(stretch):
                if stretch.last_edge_ps > env.now:
                    yield env.timeout(stretch.last_edge_ps - int(env.now))
                self._tell(stretch)
            if self._quiet_cycles > QUIET_CYCLES and not self._has_work(self._last_edge_ps):
                edge_ps = yield from self._gate()
            else:
                edge_ps = self._last_edge_ps + period_ps

    def _play(self, edge_ps: int) -> Stretch:
        room = self._stream_out.room > 0
        stretch = Stretch(
            edge_ps,
            self.clock.period_ps,
            self._limit_ps(),
            ready_first=room,
            ready=room or self._stream_out.room_later > 0,
            access=self._requests[0][0] if self._requests else None,
            interrupt=self._interrupt.high,
            quiet_cycles=self._quiet_cycles,
            quiet_limit=QUIET_CYCLES,
        )
        log = self._monitor.log
        if log.full:
            self._monitor.count()
        self._engine.play(stretch, self._stream_in, log)
        self._played_cycles += (stretch.last_edge_ps - edge_ps) // stretch.period_ps + 1
        self._last_edge_ps = stretch.last_edge_ps
        self._quiet_cycles = stretch.quiet_cycles
        return stretch

    def _limit_ps(self) -> int:
        """Edges up to this time see nothing that is not known yet."""
        now_ps = int(self.env.now)
        next_ps = self.env.peek()
        longest_ps = LONGEST_STRETCH_CYCLES * self.clock.period_ps
        limit_ps = min(self.accesses_from(), now_ps + longest_ps)
        if self._stream_in.burst is None:
            limit_ps = min(limit_ps, max(next_ps, self._stream_in.burst_end_ps))
        if not self._stream_out.room_later:
            limit_ps = min(limit_ps, next_ps)
        return int(limit_ps)

    def _must_tell(self, stretch: Stretch) -> bool:
        """Says whether the stretch ended with something the system must be told."""
        answered = stretch.access is not None and stretch.access.answer is not None
        changed = stretch.interrupt != self._interrupt.high
        return answered or changed or stretch.beat is not None or stretch.beat_taken

    def _tell(self, stretch: Stretch) -> None:
        if stretch.beat_taken:
            self._stream_in.take()
        if stretch.beat is not None:
            self._stream_out.offer(stretch.beat)
        if stretch.access is not None and stretch.access.answer is not None:
            access, done = self._requests.popleft()
            done.succeed(access.answer)
        self._interrupt.set(stretch.interrupt)

    def _has_work(self, now_ps: int) -> bool:
        """Says whether a request or a beat is there at `now_ps`."""
        stream = self._stream_in
        return bool(self._requests) or (len(stream) > 0 and stream.oldest_ps <= now_ps)

    def _gate(self) -> Generator[Event, Any, int]:
        """Process: stops the clock until there is work; returns the next edge."""
        env, stream = self.env, self._stream_in
        while not self._has_work(int(env.now)):
            self._wake = env.event()
            if len(stream):
                yield self._wake | env.timeout(stream.oldest_ps - int(env.now))
            else:
                yield self._wake
        next_ps = self.clock.next_edge(int(env.now))
        self.gated_cycles += (next_ps - self._last_edge_ps) // self.clock.period_ps - 1
        return next_ps
