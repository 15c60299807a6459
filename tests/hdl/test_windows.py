"""The ring of windows: each client gets each one, in order, and none is overwritten too soon."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import BEGIN, EMIT, FINAL, WINDOW_FLAGS, Job, WindowPort, bit, word
from hdl.config import AcceleratorConfig
from hdl.registers import WINDOW_LOOPS
from hdl.windows import lead, ring_bits, windows
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIGS = (
    small_config(kind="bitmap", units=5),
    small_config(kind="bitmap", units=3, results=16),
    small_config(kind="list", units=4),
    small_config(kind="list", units=2, results=16),
    small_config(kind="list", units=3, lookahead=1),
    small_config(kind="dense", units=2),
)
NAMES = [f"{config.kind}-{config.units}-{config.results}" for config in CONFIGS]
ALL = pytest.mark.parametrize("config", CONFIGS, ids=NAMES)

Counts = tuple[int, int, int, int]


@dataclass(frozen=True)
class Window:
    """Where a window's elements start, where its results go, its flags."""

    base: int
    place: int
    flags: int


def windows_of(
    counts: Counts, jumps: Counts, start: tuple[int, int], pitch: int, line: int, size: int
) -> list[Window]:
    """The windows of nested loops, innermost first, in order."""
    made: list[Window] = []
    base, place = start
    loops = [range(count) for count in counts]
    for y in loops[3]:
        for x in loops[2]:
            for pool_y in loops[1]:
                for pool_x in loops[0]:
                    at = (pool_x, pool_y, x, y)
                    goes_on = [i < count - 1 for i, count in zip(at, counts, strict=True)]
                    emits = not any(goes_on[:2])
                    flags = (
                        emits << EMIT | (not any(goes_on)) << FINAL | (at[:2] == (0, 0)) << BEGIN
                    )
                    made.append(Window(base % size, place % size, flags))
                    if any(goes_on):
                        base += jumps[goes_on.index(True)]
            place += pitch if x < counts[2] - 1 else line
    return made


class Bench:
    """The block, its clients, and what they were given."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.config = config
        self.clients = config.units if config.independent_units else 1
        self.clock, self.start, self.running = bit(), bit(), bit()
        self.reset = stage_reset()
        self.job, self.port = Job(config), WindowPort(config, self.clients)
        self.slot = word(ring_bits(config))
        self.place, self.flags = word(config.element_address_bits), word(WINDOW_FLAGS)
        self.dut = windows(
            self.clock, self.reset, self.start, self.running, self.job, self.port, self.slot,
            self.place, self.flags, config=config, clients=self.clients,
        )  # fmt: skip

    def set_job(
        self, counts: Counts, jumps: Counts, start: tuple[int, int], pitch: int, line: int
    ) -> None:
        size = self.config.activation_elements
        for level, count, jump in zip(WINDOW_LOOPS, counts, jumps, strict=True):
            getattr(self.job, f"last_{level}").next = count - 1
            getattr(self.job, f"jump_{level}").next = jump % size
        self.job.input.next, self.job.output.next = start
        self.job.pitch.next, self.job.line.next = pitch, line

    def served(self) -> list[int]:
        return [client for client in range(self.clients) if self.port.serve[client]]

    def want(self, clients: set[int]) -> None:
        for client in range(self.clients):
            self.port.wanted[client].next = client in clients


@given(
    config=st.sampled_from(CONFIGS),
    counts=st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(1, 3)),
    jumps=st.tuples(*[st.integers(-300, 300)] * 4),
    start=st.tuples(st.integers(0, 255), st.integers(0, 255)),
    pitch=st.integers(0, 255),
    line=st.integers(0, 255),
    last_filter=st.integers(0, 6),
    eagerness=st.sampled_from([0.05, 0.3, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=30, phases=UNSHRUNK)
def test_each_client_gets_each_window(
    config: AcceleratorConfig,
    counts: Counts,
    jumps: Counts,
    start: tuple[int, int],
    pitch: int,
    line: int,
    last_filter: int,
    eagerness: float,
    seed: int,
) -> None:
    """Two jobs, the second with the rest of the first in the ring; clients want at random."""
    bench = Bench(config)
    clock = bench.clock
    random_ = random.Random(seed)
    wanted = windows_of(counts, jumps, start, pitch, line, config.activation_elements)
    # what the ring keeps of the windows that the slowest client has had
    kept = (1 << ring_bits(config)) - lead(config)

    def play_job(active: range, eager: list[float]) -> Iterator[Any]:
        given_ = [0] * bench.clients
        bench.start.next = bench.running.next = True
        yield clock.negedge
        assert bench.served() == list(active), "at the start all clients must get the first window"
        assert bench.port.base == wanted[0].base
        yield clock.posedge
        bench.start.next = False
        for client in active:
            given_[client] = 1
        wanting: set[int] = set()
        idle_cycles, cycle = 0, 0
        while idle_cycles < 3 * bench.clients:
            wanting |= {c for c in range(bench.clients) if random_.random() < eager[c]}
            bench.want(wanting)
            slowest, fastest = min(given_[: len(active)]), max(given_)
            asked = random_.randrange(max(0, slowest - kept), fastest)
            bench.slot.next = asked % (1 << ring_bits(config))
            yield clock.negedge
            served = bench.served()
            if cycle > 0:
                seen = int(bench.place), int(bench.flags)
                assert seen == (wanted[asked].place, wanted[asked].flags)
            for client in served:
                assert client in active
                assert client in wanting
                wanting.remove(client)
                assert client == (cycle - 1) % len(active), "it must be this client's turn"
                assert bench.port.base == wanted[given_[client]].base
                given_[client] += 1
            assert max(given_) <= min(given_[: len(active)]) + lead(config)
            yield clock.posedge
            cycle += 1
            idle_cycles = 0 if served else idle_cycles + 1
            if all(given_[client] == len(wanted) for client in active):
                eager = [1.0] * bench.clients  # nobody must get another
            else:
                idle_cycles = 0
            assert cycle < 20_000
        assert given_ == [len(wanted) if client in active else 0 for client in range(bench.clients)]
        bench.running.next = False

    def script() -> Iterator[Any]:
        bench.set_job(counts, jumps, start, pitch, line)
        for last in (last_filter, 2 * last_filter):
            bench.job.last_filter.next = last
            active = range(min(last + 1, bench.clients))
            eager = [eagerness * random_.choice([0.5, 1.0]) for _ in range(bench.clients)]
            yield from play_job(active, eager)
            # the next job's registers arrive
            bench.job.last_filter.next = 2 * last_filter
            bench.want(set(range(bench.clients)))
            for _ in range(5):
                yield clock.negedge
                assert bench.served() == [], "no window must be served between jobs"
                yield clock.posedge

    run(clock, bench.dut, script=script, limit_cycles=60_000)


@ALL
@pytest.mark.parametrize("last_filter", [0, 1, 60])
def test_a_window_a_turn_of_the_clients(config: AcceleratorConfig, last_filter: int) -> None:
    """Clients that always want one get one in each turn, the first after the ring's first turn.

    Clients without a filter have no turn.
    """
    bench = Bench(config)
    active = min(bench.clients, last_filter + 1)
    cycles: list[list[int]] = [[] for _ in range(bench.clients)]

    def script() -> Iterator[Any]:
        bench.set_job((2, 2, 3, 2), (1, 2, 3, 4), (0, 0), 1, 1)
        bench.job.last_filter.next = last_filter
        bench.want(set(range(bench.clients)))
        bench.start.next = bench.running.next = True
        yield bench.clock.posedge
        bench.start.next = False
        for cycle in range(1, 26 * bench.clients):
            yield bench.clock.posedge
            for client in bench.served():
                cycles[client].append(cycle)

    run(bench.clock, bench.dut, script=script)
    for client, seen in enumerate(cycles[:active]):
        assert seen == [2 + client + active * window for window in range(1, 24)]
    assert not any(cycles[active:])


@ALL
def test_a_cleared_job_serves_nobody(config: AcceleratorConfig) -> None:
    """Its windows stay in the ring until the next job, which starts with its own."""
    bench = Bench(config)
    clock = bench.clock

    def script() -> Iterator[Any]:
        bench.set_job((1, 1, 9, 1), (0, 0, 1, 0), (40, 0), 1, 1)
        bench.job.last_filter.next = 60
        for cycles in (4 * bench.clients, 3 * bench.clients + 1):
            bench.start.next = bench.running.next = True
            yield clock.negedge
            assert bench.port.base == 40
            yield clock.posedge
            bench.start.next = False
            for _ in range(cycles):  # windows get ready that nobody has taken
                yield clock.posedge
            bench.reset.next = True
            bench.running.next = False
            yield clock.posedge
            bench.reset.next = False
            bench.want(set(range(bench.clients)))
            for _ in range(3 * bench.clients):
                yield clock.negedge
                assert bench.served() == []
                yield clock.posedge
            bench.want(set())

    run(clock, bench.dut, script=script)


@pytest.mark.parametrize("config", [c for c in CONFIGS if c.independent_units])
def test_nobody_gets_further_ahead_of_the_slowest(config: AcceleratorConfig) -> None:
    """A client that takes none holds the others after `lead` windows more than its own."""
    bench = Bench(config)
    given_ = [1] * bench.clients

    def script() -> Iterator[Any]:
        bench.set_job((1, 1, 90, 1), (0, 0, 1, 0), (0, 0), 1, 1)
        bench.job.last_filter.next = bench.clients
        others = set(range(1, bench.clients))
        bench.want(others)
        bench.start.next = bench.running.next = True
        yield bench.clock.posedge
        bench.start.next = False
        for held in (1, 2):
            for _ in range(60 * bench.clients):
                yield bench.clock.posedge
                for client in bench.served():
                    given_[client] += 1
            assert given_ == [held] + [held + lead(config)] * len(others)
            bench.want(others | {0})
            while not bench.port.serve[0]:
                yield bench.clock.negedge
            yield bench.clock.posedge
            bench.want(others)
            given_[0] += 1

    run(bench.clock, bench.dut, script=script)
