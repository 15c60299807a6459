"""The engine that computes jobs instead of simulating them, behind the ports of any other."""

import numpy as np
from numpy.typing import NDArray

from cosim.engine import Inputs, Intake, Outputs, Stretch
from cosim.fast.core import FOREVER, FastCore
from cosim.monitor import JobRecord, MonitorLog, monitor_fields
from cosim.read_train import Taking
from cosim.stream import Beat, Stream
from hdl.config import AcceleratorConfig


class FastEngine:
    """An accelerator whose jobs are computed when they start; no waveforms.

    Of the monitor's outputs `job`, `storing`, `load`, `store` and `write` are as in the hardware;
    the others, which tell of single units, are zero: `jobs` has their sums.
    """

    def __init__(self, config: AcceleratorConfig, period_ps: int) -> None:
        self.config = config
        self.period_ps = period_ps
        self.core = FastCore(config)
        self._starts_ps: list[int] = []
        self._ended: list[JobRecord] = []
        self._quiet_monitor = dict.fromkeys(monitor_fields(config), 0)

    @property
    def jobs(self) -> list[JobRecord]:
        """Records of all jobs started so far; counts of one that runs come with its end."""
        started = len(self._starts_ps)
        # all but the last have ended, and change no more
        self._ended += [self._record(index) for index in range(len(self._ended), started - 1)]
        return [*self._ended, *([self._record(started - 1)] if started else [])]

    def _record(self, index: int) -> JobRecord:
        start_ps, job = self._starts_ps[index], self.core.jobs[index]
        return JobRecord(
            start_ps,
            start_ps + job.cycles * self.period_ps,
            job.cycles,
            job.macs_useful,
            job.multiplications,
            dict(job.stall_cycles),
        )

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        """Plays the cycle that ends with the rising edge at `edge_ps`, later than the last one."""
        core = self.core
        registers, store = core.registers, core.store
        inside = core.loader.register_write
        writes = inputs.write is not None and registers.takes_write(inside)
        reads = inputs.read is not None and registers.read_data is None
        takes = inputs.beat is not None and core.take_ready()
        outputs = Outputs(
            writes,
            registers.response,
            reads,
            registers.read_data,
            takes,
            Beat(store.data, store.last) if store.valid else None,
            self._quiet_monitor
            | {
                "job": int(registers.busy),
                "storing": int(registers.busy and registers.storing),
                "load": int(takes or core.filling),
                "store": int(store.valid and inputs.ready),
                "write": int(core.writes_result),
            },
        )
        core.cycle(
            write=inputs.write if writes else None,
            read=inputs.read if reads else None,
            word=inputs.beat.data if takes and inputs.beat is not None else None,
            last=takes and inputs.beat is not None and inputs.beat.last,
            ready=inputs.ready,
            reset=inputs.reset,
        )
        self._note_start(edge_ps)
        return outputs

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""
        return self.core.registers.interrupt

    def close(self) -> None:
        """Nothing to end."""

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        """Plays a stretch of cycles until something happens outside, as other engines do.

        What others note in `log` cycle by cycle is in `jobs`.
        """
        in_burst = stream.burst is not None
        edge_ps, limit_ps = stretch.edge_ps, stretch.limit_ps
        ended = False
        while True:
            played = self._skip(stretch, stream, edge_ps, limit_ps)
            if not played:
                played = self._wait_for_room(stretch, stream, edge_ps, limit_ps)
            if not played:
                played = self._take_many(stretch, stream, edge_ps, limit_ps)
            if not played:
                ended = self._play_one(stretch, stream, edge_ps)
                played = 1
            stretch.last_edge_ps = edge_ps + (played - 1) * stretch.period_ps
            edge_ps += played * stretch.period_ps
            if in_burst and stream.burst is None:
                limit_ps = min(limit_ps, stream.burst_end_ps)
            if ended or stretch.quiet_cycles > stretch.quiet_limit or edge_ps > limit_ps:
                return

    @property
    def rests(self) -> bool:
        """Whether outputs and registers stay as they are, as long as words come and jobs run."""
        return self.core.rests

    def takes(self, words: NDArray[np.uint32]) -> Intake:
        """What it does if these words come."""
        return self.core.takes(words, FOREVER)

    def take_words(self, words: NDArray[np.uint32], cycles: int, resting: int) -> int:
        """Plays cycles in which it takes these words; in how many of the last ones it rested."""
        self.core.take_words(words, cycles, resting)
        return min(resting, self.core.idle_cycles)

    def sends(self, *, waiting: bool) -> int:
        """How many words it sends next, if a word waits at its input or not."""
        core = self.core
        if not core.only_stores or (waiting and core.take_ready()):
            return 0
        return core.store.plain_words

    def send_words(self, count: int, cycles: int) -> NDArray[np.uint32]:
        """Plays cycles in which so many words leave; returns them."""
        return self.core.send(count, cycles)

    def _play_one(self, stretch: Stretch, stream: Stream, edge_ps: int) -> bool:
        """Plays one cycle of a stretch; returns whether it ends the stretch."""
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
        outputs = self.cycle(edge_ps, inputs)
        ended = False
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
        if self.interrupt() != stretch.interrupt:
            stretch.interrupt = not stretch.interrupt
            ended = True
        busy = outputs.monitor["job"] or outputs.monitor["load"]
        active = inputs.beat or access or outputs.beat or busy
        stretch.quiet_cycles = 0 if active else stretch.quiet_cycles + 1
        return ended

    def _edges_alone(self, stretch: Stretch, edge_ps: int, limit_ps: int) -> int:
        """Edges from `edge_ps` on that are to be played and see no register access."""
        if stretch.access is not None:
            limit_ps = min(limit_ps, stretch.access.made_ps)
        return max(0, (limit_ps - edge_ps) // stretch.period_ps + 1)

    def _skip(self, stretch: Stretch, stream: Stream, edge_ps: int, limit_ps: int) -> int:
        """Plays cycles in which nothing but time passes; returns how many."""
        cycles = min(self.core.rest_cycles(), self._edges_alone(stretch, edge_ps, limit_ps))
        if cycles <= 0 or self.interrupt() != stretch.interrupt:
            return 0
        beat_ps = stream.oldest_ps if len(stream) else None
        visible = beat_ps is not None and beat_ps < edge_ps
        if self.core.take_ready() and beat_ps is not None:
            if visible:
                return 0
            cycles = min(cycles, (beat_ps - edge_ps) // stretch.period_ps + 1)
        if self.core.registers.busy or self.core.loader.fills or visible:
            stretch.quiet_cycles = 0
        else:
            if beat_ps is not None:
                cycles = min(cycles, (beat_ps - edge_ps) // stretch.period_ps + 1)
            cycles = min(cycles, stretch.quiet_limit - stretch.quiet_cycles + 1)
            stretch.quiet_cycles += max(cycles, 0)
        if cycles > 0:
            self.core.skip(cycles)
        return max(cycles, 0)

    def _wait_for_room(self, stretch: Stretch, stream: Stream, edge_ps: int, limit_ps: int) -> int:
        """Plays cycles in which a beat waits for room, and nothing else happens; their number."""
        if stretch.ready or stretch.ready_first or not self.core.store.valid:
            return 0
        cycles = max(0, self._stored_edges(stretch, stream, edge_ps, limit_ps))
        if cycles:
            self.core.pass_cycles(cycles)
            stretch.quiet_cycles = 0
        return cycles

    def _stored_edges(self, stretch: Stretch, stream: Stream, edge_ps: int, limit_ps: int) -> int:
        """Edges from now on at which only the store stage may do something."""
        if not self.core.only_stores or self.interrupt() != stretch.interrupt:
            return 0
        edges = self._edges_alone(stretch, edge_ps, limit_ps)
        if self.core.take_ready() and len(stream):
            edges = min(edges, (stream.oldest_ps - edge_ps) // stretch.period_ps + 1)
        return edges

    def _take_many(self, stretch: Stretch, stream: Stream, edge_ps: int, limit_ps: int) -> int:
        """Takes words that are known to come, as long as they are only stored; edges played."""
        edges = self._edges_alone(stretch, edge_ps, limit_ps)
        waits = stream.blocked or self.interrupt() != stretch.interrupt
        if edges < 2 or waits or not self.core.rests or not self.core.take_ready():
            return 0
        words = stream.known_words
        if len(words) < 2:
            return 0
        intake = self.core.takes(words, edges)
        if intake.words < 2:
            return 0
        taking = Taking.after(
            intake,
            edge_ps,
            stretch.period_ps,
            most_cycles=edges,
            longest_gap_edges=max(1, stretch.quiet_limit - stretch.quiet_cycles),
        )
        taken, take_ps = stream.take_many(taking)
        if not taken:
            return 0
        cycles = (take_ps - edge_ps) // stretch.period_ps + 1
        self.core.take_words(words[:taken], cycles, 0)
        stretch.quiet_cycles = 0
        return cycles

    def _note_start(self, edge_ps: int) -> None:
        if len(self._starts_ps) < len(self.core.jobs):
            self._starts_ps.append(edge_ps - self.period_ps)
