"""The whole accelerator between two clock edges, which it gets over one or many at a time."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cosim.engine import Intake
from cosim.fast.job import compute
from cosim.fast.loader import Loader
from cosim.fast.memories import Memories
from cosim.fast.registers import Registers
from cosim.fast.running_job import RunningJob
from cosim.fast.store import Store
from cosim.monitor import STALL_CAUSES
from hdl.config import AcceleratorConfig

FOREVER = 1 << 62


@dataclass
class FastJob:
    """A job, first and last cycle; unit counts are sums over its cycles.

    The counts are there when it has ended. Of a job that a clear cut short only the cycles are
    known: all units count as waiting.
    """

    first_cycle: int
    last_cycle: int
    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STALL_CAUSES, 0))

    @property
    def cycles(self) -> int:
        """Clock cycles from start to end."""
        return self.last_cycle - self.first_cycle + 1


class FastCore:
    """State of an accelerator after the last edge; `now` counts cycles.

    `jobs` are those started so far. Memories are zero at power-up, as in simulation.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        self.config = config
        self.memories = Memories(config)
        self.registers = Registers(config)
        self.loader = Loader(self.memories, self.registers.write_job)
        self.store = Store(self.memories)
        self.now = 0
        self.jobs: list[FastJob] = []
        self._running: RunningJob | None = None

    @property
    def writes_result(self) -> bool:
        """Whether a result is written in this cycle, so that nothing loaded is."""
        return self._running is not None and self._running.next_write() == self.now

    def take_ready(self) -> bool:
        """Whether the input stream's word would be taken in this cycle."""
        return self.loader.ready(self.registers.busy, not self.writes_result)

    @property
    def filling(self) -> bool:
        """Whether a repeated word is written once more in this cycle."""
        return self.loader.filling(not self.writes_result)

    def cycle(
        self,
        *,
        write: tuple[int, int] | None = None,
        read: int | None = None,
        word: int | None = None,
        last: bool = False,
        ready: bool = False,
        reset: bool = False,
    ) -> None:
        """Plays the cycle `now`. `write`, `read` and `word` are those accepted in it."""
        registers, loader, store = self.registers, self.loader, self.store
        if registers.start and not reset:
            self._begin()
        inner_reset = reset or registers.clear
        result = self.writes_result
        if result:
            assert self._running is not None
            self._running.write_one(marked=not inner_reset)
        busy = registers.busy
        ends = store.done or (self._running is not None and self._running.last_cycle == self.now)
        starts_store = registers.start and registers.storing
        inside, error, loading = loader.register_write, loader.error, loader.loading
        # a word that is read while it is written is the old one
        store.cycle(registers.job if starts_store else None, ready, inner_reset)
        loader.cycle(word, last, word is not None, not result, inner_reset)
        if busy:
            self._count(ends, inner_reset)
        if reset:
            registers.reset()
        else:
            registers.cycle(write, read, inside, loading=loading, error=error, ends=ends)
        self.now += 1

    def rest_cycles(self) -> int:
        """For how many cycles from now on nothing but time passes, if no word is taken.

        The interrupt line, the outputs and what would be taken stay as they are. Zero if the next
        edge may change something.
        """
        if not (self.registers.rests and self.store.rests):
            return 0
        fills = self.loader.fills
        if not fills and not self.loader.rests:
            return 0
        cycles = fills or FOREVER
        if self._running is not None:
            cycles = min(cycles, self._running.last_cycle - self.now)
            write = self._running.next_write() if fills else None
            if write is not None:
                cycles = min(cycles, write - self.now)
        return cycles

    def skip(self, cycles: int) -> None:
        """Plays at most `rest_cycles` cycles in which no word is taken."""
        if self.loader.fills:
            self.loader.fill(cycles)
        self.pass_cycles(cycles)

    def pass_cycles(self, cycles: int) -> None:
        """Notes that cycles have been played in which no job starts, and none ends but quietly."""
        running, left = self._running, self._left
        if self.registers.running:
            self.jobs[-1].last_cycle += min(cycles, left)
        self.registers.skip(cycles, left)
        self.now += cycles
        if running is not None:
            running.write_until(self.now)
            if left <= cycles:
                self._end()

    @property
    def _left(self) -> int:
        """How many cycles from now on the job runs; as good as all if it is a store job."""
        if self._running is not None:
            return self._running.last_cycle - self.now + 1
        return FOREVER if self.registers.busy else 0

    @property
    def idle_cycles(self) -> int:
        """For how many cycles up to now no job has run."""
        if self.registers.busy:
            return 0
        return self.now - 1 - (self.jobs[-1].last_cycle if self.jobs else -1)

    @property
    def only_stores(self) -> bool:
        """Whether a store job runs, and nothing else happens unless a word is taken."""
        registers, loader = self.registers, self.loader
        storing = registers.running and registers.storing
        return storing and registers.rests and loader.rests

    def send(self, count: int, cycles: int) -> NDArray[np.uint32]:
        """Plays cycles of a store job in which so many of `store.plain_words` are taken."""
        words = self.store.send(count)
        self.pass_cycles(cycles)
        return words

    @property
    def rests(self) -> bool:
        """Whether outputs and registers stay as they are, as long as words come and jobs run."""
        quiet = self.loader.only_keeps and not self.loader.error
        return quiet and self.registers.rests and self.store.rests

    def takes(self, words: NDArray[np.uint32], cycles: int) -> Intake:
        """What it does with these words in the next `cycles`: as many as are only stored, until the
        running job ends, unless it does so quietly.

        Results that are written come before words for the activation memory.
        """
        if not self.rests:
            return Intake.none()
        loader, running, left = self.loader, self._running, self._left
        busy, results = left > 0, np.zeros(0, np.int64)
        if running is not None:
            if not self.registers.ends_quietly:
                cycles = min(cycles, left - 1)
            results = running.writes_within(self.now, cycles)
        if not loader.writes or not len(results):
            count = loader.takes(words, busy=busy, writing=len(results) > 0)
            return Intake(count, cycles, left, results[:0])
        count = min(loader.stored_activations(), len(words))
        if not count or self._overwrites(count, cycles):
            return Intake.none()
        return Intake(count, cycles, left, results)

    def _overwrites(self, count: int, cycles: int) -> bool:
        """Whether a result to come goes where one of the next words goes, or the one before."""
        running, lanes = self._running, self.config.lanes
        assert running is not None
        first, end = self.loader.next_word - 1, self.loader.next_word + count
        if first < 0 or end > len(self.memories.words):
            return True
        return running.writes_into(first * lanes, end * lanes, self.now + cycles)

    def take_words(self, words: NDArray[np.uint32], cycles: int, resting: int) -> None:
        """Plays as many cycles, with words of `takes`, none of them in the last `resting` ones.

        When the others come makes no difference.
        """
        self.loader.take_words(words)
        end = self.now + cycles
        results = 0 if self._running is None else self._running.writes_in(end - resting, end)
        if resting:
            self.loader.settle_register()
        if resting > results:
            self.loader.cycle(None, False, False, True, False)
        self.pass_cycles(cycles)

    def _begin(self) -> None:
        self.jobs.append(FastJob(self.now, self.now - 1))
        if not self.registers.storing:
            job = compute(self.registers.job, self.memories)
            self._running = RunningJob(job, self.now, self.memories)

    def _count(self, ends: bool, cut: bool) -> None:
        """Counts a cycle of the job that runs."""
        job = self.jobs[-1]
        job.last_cycle = self.now
        units = self.config.units
        if self._running is None:
            job.stall_cycles["storing"] = job.cycles * units
        elif ends:
            self._end()
        elif cut:
            job.stall_cycles["unit_waiting"] = job.cycles * units
            self._running = None

    def _end(self) -> None:
        """Notes what the compute job that ends has counted."""
        assert self._running is not None
        job, counts = self.jobs[-1], self._running.job.counts
        job.macs_useful, job.multiplications = counts.macs_useful, counts.multiplications
        job.stall_cycles = dict(counts.stall_cycles)
        self._running = None
