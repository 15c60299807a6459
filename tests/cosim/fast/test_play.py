"""Stretches of cycles on the fast engine: the same as cycle by cycle, however they are cut."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simpy import Environment

from cosim.engine import Access, Inputs, Stretch
from cosim.fast.engine import FastEngine
from cosim.monitor import MonitorLog
from cosim.read_train import Taking
from cosim.stream import Beat, Stream
from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME
from tests.cosim.fast.random_jobs import MEMORIES
from tests.cosim.fast.test_engine import stream_of_jobs

PERIOD_PS = 10_000
QUIET_LIMIT = 8


class Source(Stream):
    """A stream whose beats come at known times; every one in `blocking` holds its sender up.

    `taken`: when each was taken, None for those that were taken together with later ones.
    """

    def __init__(self, beats: list[tuple[int, Beat]], blocking: frozenset[int]) -> None:
        super().__init__(Environment(), len(beats), "source")
        for put_ps, beat in beats:
            self.ring.append(put_ps, beat)
        self.taken: list[int | None] = []
        self._blocking = blocking

    @property
    def blocked(self) -> bool:
        return len(self.taken) in self._blocking

    @property
    def known_words(self) -> NDArray[np.uint32]:
        words, taken = super().known_words, len(self.taken)
        return words[
            : min([place for place in self._blocking if place >= taken], default=-1) - taken
        ]

    def take(self, at_ps: int | None = None) -> Beat:
        self.taken.append(at_ps)
        return super().take(at_ps)

    def take_many(self, taking: Taking) -> tuple[int, int]:
        count, last_ps = super().take_many(taking)
        self.taken += [None] * (count - 1) + [last_ps] * (count > 0)
        return count, last_ps


class Run:
    """An accelerator fed with beats and accesses at given times; results leave when there is room.

    `events` are what came out and when.
    """

    def __init__(self, config: AcceleratorConfig, source: Source, accesses: list[Access]) -> None:
        self.engine = FastEngine(config, PERIOD_PS)
        self.source = source
        self.accesses = deque(accesses)
        self.events: list[tuple[int, str, Any]] = []

    def by_cycle(self, cycles: int, rooms: list[bool]) -> None:
        """Cycle by cycle."""
        line = False
        for index in range(cycles):
            edge_ps = index * PERIOD_PS
            inputs = Inputs()
            inputs.beat, inputs.ready = self.source.first(edge_ps), rooms[index]
            access = self.accesses[0] if self.accesses else None
            if access is not None and access.made_ps < edge_ps and not access.taken:
                if access.value is None:
                    inputs.read = access.offset
                else:
                    inputs.write = access.offset, access.value
            outputs = self.engine.cycle(edge_ps, inputs)
            if outputs.beat_taken:
                self.source.take(edge_ps)
            if outputs.beat is not None and inputs.ready:
                self.events.append((edge_ps, "beat", outputs.beat))
            if access is not None and access.made_ps < edge_ps:
                access.taken |= outputs.write_taken or outputs.read_taken
                read = access.value is None
                answer = outputs.read_data if read else outputs.write_response
                if answer is not None:
                    self.events.append((edge_ps, "answer", answer))
                    self.accesses.popleft()
            if self.engine.interrupt() != line:
                line = not line
                self.events.append((edge_ps, "line", line))

    def in_stretches(self, cycles: int, rooms: list[bool], lengths: list[int]) -> None:
        """In stretches of at most `lengths` cycles, in which the room at the output is known."""
        index, number, line, quiet = 0, 0, False, 0
        while index < cycles:
            longest = lengths[number % len(lengths)]
            number += 1
            length = 1
            while length < longest and index + length < cycles:
                if rooms[index + length] != rooms[min(index + 1, cycles - 1)]:
                    break
                length += 1
            stretch = Stretch(
                index * PERIOD_PS,
                PERIOD_PS,
                (index + length - 1) * PERIOD_PS,
                rooms[index],
                rooms[min(index + 1, cycles - 1)],
                self.accesses[0] if self.accesses else None,
                line,
                quiet,
                QUIET_LIMIT,
            )
            self.engine.play(stretch, self.source, MonitorLog(self.engine.config))
            edge_ps = stretch.last_edge_ps
            index = edge_ps // PERIOD_PS + 1
            quiet = stretch.quiet_cycles if stretch.quiet_cycles <= QUIET_LIMIT else 0
            if stretch.beat_taken:
                self.source.take(edge_ps)
            if stretch.beat is not None:
                self.events.append((edge_ps, "beat", stretch.beat))
            if stretch.access is not None and stretch.access.answer is not None:
                self.events.append((edge_ps, "answer", stretch.access.answer))
                self.accesses.popleft()
            if stretch.interrupt != line:
                line = stretch.interrupt
                self.events.append((edge_ps, "line", line))


def make_run(config: AcceleratorConfig, seed: int, cycles: int) -> Run:
    """The same traffic for the same seed."""
    random = np.random.default_rng(seed)
    beats = stream_of_jobs(config, seed, 3)
    gaps = random.integers(1, 3, len(beats)) * (random.random(len(beats)) < 0.9)
    pauses = 40 * (random.random(len(beats)) < 0.02)
    times = np.cumsum((gaps + pauses) * PERIOD_PS // 2)
    blocking = frozenset(np.flatnonzero(random.random(len(beats)) < 0.1).tolist())
    source = Source(list(zip(times.tolist(), beats, strict=True)), blocking)
    accesses = [Access(BY_NAME["INTERRUPT_ENABLE"].offset, 3, 0)]
    for made_ps in np.sort(random.integers(1, cycles, 12)) * PERIOD_PS:
        names = ["STATUS", "CYCLES", "JOBS", "INTERRUPT_STATUS", "JOB_FILTERS", "JOB_HIGH"]
        name = names[int(random.integers(0, len(names)))]
        write = name == "INTERRUPT_STATUS"
        accesses.append(Access(BY_NAME[name].offset, 3 if write else None, int(made_ps)))
    return Run(config, source, accesses)


@pytest.mark.parametrize("seed", range(6))
def test_stretches_are_cycles(seed: int) -> None:
    kinds: list[Any] = ["bitmap", "dense", "list"]
    config = AcceleratorConfig(kind=kinds[seed % 3], units=3, **MEMORIES)
    cycles = 6000
    random = np.random.default_rng(seed + 100)
    rooms = np.repeat(random.random(cycles) < 0.7, random.integers(1, 30, cycles))[:cycles].tolist()
    first, second = make_run(config, seed, cycles), make_run(config, seed, cycles)
    first.by_cycle(cycles, rooms)
    second.in_stretches(cycles, rooms, random.integers(1, 400, 50).tolist())
    assert first.events == second.events
    times = zip(first.source.taken, second.source.taken, strict=True)
    assert all(time_ps in (None, single_ps) for single_ps, time_ps in times)
    assert None in second.source.taken
    assert not first.source.beats, "all must have been taken"
    assert first.engine.jobs == second.engine.jobs
    assert len(first.engine.jobs) == 6
    np.testing.assert_array_equal(
        first.engine.core.memories.words, second.engine.core.memories.words
    )
