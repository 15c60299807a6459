"""What the bridge needs of an engine: a cycle at a time, or a stretch of cycles.

A stretch is as many cycles as can be played before anything is to happen outside. `play_by_cycle`
says what that means; an engine may do the same faster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cosim.monitor import JobRecord, MonitorLog
from cosim.stream import Beat, Stream
from hdl.config import AcceleratorConfig


@dataclass
class Inputs:
    """What drives the input ports during one cycle."""

    write: tuple[int, int] | None = None
    """AXI4-Lite write still to be accepted: offset, value."""
    read: int | None = None
    """AXI4-Lite read still to be accepted: offset."""
    beat: Beat | None = None
    ready: bool = False
    reset: bool = False


@dataclass(frozen=True)
class Outputs:
    """What the output ports showed just before the edge."""

    write_taken: bool
    write_response: int | None
    read_taken: bool
    read_data: tuple[int, int] | None
    beat_taken: bool
    beat: Beat | None
    monitor: dict[str, int]


@dataclass(slots=True)
class Access:
    """A register access asked for at `made_ps`; `value` is None for a read.

    `taken`: the address has been accepted. `answer`: the response of a write, the value and
    response of a read, None before it is there.
    """

    offset: int
    value: int | None
    made_ps: int
    taken: bool = False
    answer: int | tuple[int, int] | None = None


@dataclass(slots=True)
class Stretch:
    """Cycles to play in one go: the one that ends at `edge_ps`, and those after it.

    The stretch ends before the first edge after `limit_ps`, after the put of the last beat of the
    stream's burst, or when the log is full. It ends at once after an edge at which

    - a beat left the accelerator (`beat`),
    - one was taken from a stream that somebody waits to put into (`beat_taken`; still in there),
    - `access` was answered,
    - the interrupt line changed (`interrupt`), or
    - nothing had been going on for more than `quiet_limit` cycles (`quiet_cycles`).

    `ready_first` and `ready`: the output has room at the first edge, and at the others.
    `last_edge_ps` is the last edge played.
    """

    edge_ps: int
    period_ps: int
    limit_ps: int
    ready_first: bool
    ready: bool
    access: Access | None
    interrupt: bool
    quiet_cycles: int
    quiet_limit: int
    beat: Beat | None = None
    beat_taken: bool = False
    last_edge_ps: int = 0


class CycleEngine(Protocol):
    """Plays the accelerator one clock cycle at a time."""

    config: AcceleratorConfig

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        """Plays the cycle that ends with the rising edge at `edge_ps`, later than the last one."""

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""

    def close(self) -> None:
        """Ends the simulation; waveforms are complete after it."""


class Engine(CycleEngine, Protocol):
    """Plays the accelerator one clock cycle at a time, or many."""

    @property
    def jobs(self) -> Sequence[JobRecord] | None:
        """Records of the jobs started so far; None: they are to be counted from the log."""

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        """Plays a stretch: takes beats from `stream`, notes each cycle in `log`, which has room."""


@dataclass(frozen=True)
class Intake:
    """What an engine does with words to come: it takes so many `words`, whenever one is there, one
    a cycle; that is known for so many `cycles` from now on, and its outputs stay as they are.

    `blocked`: cycles from now on, in order, in which a word that was taken cannot be put away, so
    that no other is taken. A job runs in the next `busy` cycles; after them it may be left alone
    where no words come.
    """

    words: int
    cycles: int
    busy: int
    blocked: NDArray[np.int64]

    @classmethod
    def none(cls) -> "Intake":
        """Nothing is known."""
        return cls(0, 0, 0, np.zeros(0, np.int64))


@runtime_checkable
class StreamingEngine(Engine, Protocol):
    """An engine that takes many words in one call, or sends them."""

    @property
    def rests(self) -> bool:
        """Whether outputs and registers stay as they are, as long as words come and jobs run."""

    def takes(self, words: NDArray[np.uint32]) -> "Intake":
        """What it does with these words, none of them the stream's last, from now on."""

    def take_words(self, words: NDArray[np.uint32], cycles: int, resting: int) -> int:
        """Plays cycles in which it takes these words, none in the last `resting` of them; returns
        in how many of the last ones no job ran either."""

    def sends(self, *, waiting: bool) -> int:
        """How many words it sends next, none the stream's last, if a word waits at its input or
        not; zero if it does anything else."""

    def send_words(self, count: int, cycles: int) -> NDArray[np.uint32]:
        """Plays cycles in which so many of these words leave; returns them."""


def play_by_cycle(engine: CycleEngine, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
    """Plays a stretch cycle by cycle; see `Engine.play`."""
    edge_ps, limit_ps = stretch.edge_ps, stretch.limit_ps
    in_burst = stream.burst is not None
    ended = False
    while True:
        access = stretch.access
        if access is not None and access.made_ps >= edge_ps:
            access = None
        ready = stretch.ready_first if edge_ps == stretch.edge_ps else stretch.ready
        inputs = Inputs(beat=stream.first(edge_ps), ready=ready)
        if access is not None and not access.taken:
            if access.value is not None:
                inputs.write = access.offset, access.value
            else:
                inputs.read = access.offset
        outputs = engine.cycle(edge_ps, inputs)
        log.append(edge_ps, outputs.monitor)
        if outputs.beat_taken:
            if stream.blocked:
                stretch.beat_taken = ended = True
            else:
                stream.take(edge_ps)
        if outputs.beat is not None and ready:
            stretch.beat = outputs.beat
            ended = True
        if access is not None:
            access.taken |= outputs.write_taken or outputs.read_taken
            written = access.value is not None
            access.answer = outputs.write_response if written else outputs.read_data
            ended |= access.answer is not None
        if engine.interrupt() != stretch.interrupt:
            stretch.interrupt = not stretch.interrupt
            ended = True
        busy = outputs.monitor["job"] or outputs.monitor["load"]
        active = inputs.beat or access or outputs.beat or busy
        stretch.quiet_cycles = 0 if active else stretch.quiet_cycles + 1
        if in_burst and stream.burst is None:
            limit_ps = min(limit_ps, stream.burst_end_ps)
        stretch.last_edge_ps = edge_ps
        edge_ps += stretch.period_ps
        if ended or stretch.quiet_cycles > stretch.quiet_limit or edge_ps > limit_ps or log.full:
            return
