"""The compute job that runs: what it has written so far, and how it ends."""

import numpy as np
from numpy.typing import NDArray

from cosim.fast.job import ComputeJob
from cosim.fast.memories import Memories


class RunningJob:
    """A job that started in cycle `start_cycle` and writes its results to `memories` in time."""

    def __init__(self, job: ComputeJob, start_cycle: int, memories: Memories) -> None:
        self.job = job
        self._memories = memories
        self._start_cycle = start_cycle
        self._written = 0

    @property
    def last_cycle(self) -> int:
        """The last cycle in which it runs."""
        return self._start_cycle + self.job.cycles - 1

    def next_write(self) -> int | None:
        """Cycle of its next result write, None if all are done."""
        if self._written == len(self.job.times):
            return None
        return self._start_cycle + int(self.job.times[self._written])

    def writes_within(self, now: int, cycles: int) -> NDArray[np.int64]:
        """In how many cycles from `now` each of its result writes is to come, of the next ones."""
        return self.job.times[self._written : self._writes_before(now + cycles)] + (
            self._start_cycle - now
        )

    def writes_into(self, first: int, end: int, cycle: int) -> bool:
        """Whether a result to come before `cycle` goes to an element from `first` on, before
        `end`."""
        addresses = self.job.addresses[self._written : self._writes_before(cycle)]
        return bool(((addresses >= first) & (addresses < end)).any())

    def _writes_before(self, cycle: int) -> int:
        return int(np.searchsorted(self.job.times, cycle - self._start_cycle))

    def writes_in(self, first: int, end: int) -> int:
        """How many results are written from cycle `first` on, before `end`."""
        return self._writes_before(end) - self._writes_before(first)

    def write_until(self, cycle: int) -> None:
        """Writes the results of all cycles before `cycle`."""
        end = self._writes_before(cycle)
        if end > self._written:
            part = slice(self._written, end)
            self._memories.store_results(self.job.addresses[part], self.job.patterns[part])
            self._written = end

    def write_one(self, *, marked: bool) -> None:
        """Writes the next result; not `marked`: the bitmaps miss it."""
        address, pattern = self.job.addresses[self._written], self.job.patterns[self._written]
        self._memories.store_result(int(address), int(pattern), marked=marked)
        self._written += 1
