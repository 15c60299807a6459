"""The collector: every result once, with its channel's bias and scale and its window's place."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hdl.bundles import WINDOW_FLAGS, Job, LoadWrite, Results, Sum, bit, result_places, word
from hdl.collector import collector
from hdl.config import REST_CYCLES, STREAM_BITS, AcceleratorConfig
from hdl.packets import CHANNEL_SHIFT_LOW, MULTIPLIER_LOW
from hdl.windows import ring_bits
from tests.hdl.bench import packed, run, small_config, stage_reset

LATENCY_CYCLES = 5
CONFIGS = [
    small_config(kind="dense", units=1, bits=16),
    small_config(kind="dense", units=8, bits=32, channel_scales=True),
    small_config(kind="bitmap", units=3, bits=8, channel_scales=True),
    small_config(kind="bitmap", units=8, bits=16, bias_entries=16),
    small_config(kind="list", units=3, bits=32),
    small_config(kind="list", units=5, bits=8, results=16),
    small_config(kind="list", units=4, bits=16, lookahead=4, channel_scales=True),
    small_config(kind="list", units=2, bits=8, partial_sums=True),
    small_config(kind="list", units=8, bits=16, channel_scales=True, partial_sums=True),
]
ALL = pytest.mark.parametrize(
    "config",
    CONFIGS,
    ids=lambda c: f"{c.kind}-{c.units}-{c.bits}-{c.bias_words}{'-parts' * c.partial_sums}",
)


@dataclass(frozen=True)
class Collected:
    """What leaves the collector."""

    total: int
    channel: int
    address: int
    flags: int
    end: bool
    multiplier: int
    shift: int


class Bench:
    """The collector, the units' results and the windows behind it."""

    def __init__(self, config: AcceleratorConfig, random_: random.Random) -> None:
        self.config, self.random = config, random_
        self.clock, self.start = bit(), bit()
        self.job, self.load, self.results = Job(config), LoadWrite(config), Results(config)
        self.slot = word(ring_bits(config))
        self.place, self.flags = word(config.element_address_bits), word(WINDOW_FLAGS)
        self.total = Sum(config, config.accumulator_bits)
        self.dut = collector(
            self.clock, stage_reset(), self.start, self.job, self.load, self.results, self.slot,
            self.place, self.flags, self.total, config=config,
        )  # fmt: skip
        limit = 1 << (config.accumulator_bits - 2 - config.partial_sums)
        self.biases = [random_.randrange(-limit, limit) for _ in range(config.bias_entries)]
        scaled = config.channel_scales
        self.scales = [
            (random_.getrandbits(16), random_.getrandbits(7)) if scaled else (0, 0)
            for _ in self.biases
        ]
        self.windows = [
            (random_.randrange(config.activation_elements), random_.getrandbits(WINDOW_FLAGS))
            for _ in range(1 << ring_bits(config))
        ]

    def preload(self) -> Iterator[Any]:
        """Biases and scales, each entry written whole; noise in the bits that do not count."""
        config, random_ = self.config, self.random
        bias_words = config.bias_words - config.channel_scales
        self.load.biases.next = True
        for index, (bias, (multiplier, shift)) in enumerate(
            zip(self.biases, self.scales, strict=True)
        ):
            wide = bias % (1 << config.accumulator_bits)
            wide |= random_.getrandbits(40) << config.accumulator_bits
            words = [(wide >> (STREAM_BITS * i)) % 2**STREAM_BITS for i in range(bias_words)]
            if config.channel_scales:
                noise = random_.getrandbits(9) << 23
                words.append(multiplier << MULTIPLIER_LOW | shift << CHANNEL_SHIFT_LOW | noise)
            older = len(self.load.entry) // STREAM_BITS - len(words)
            before = [random_.getrandbits(STREAM_BITS) for _ in range(older)]
            self.load.entry.next = packed([*before, *words], STREAM_BITS)
            self.load.address.next = index
            yield self.clock.posedge
        self.load.biases.next = False

    def show_window(self) -> None:
        """What the ring of windows does, combinational."""
        self.place.next, self.flags.next = self.windows[int(self.slot)]

    def seen(self) -> Collected | None:
        total = self.total
        if not total.valid:
            return None
        return Collected(
            int(total.total), int(total.channel), int(total.address), int(total.flags),
            bool(total.end), int(total.multiplier), int(total.shift),
        )  # fmt: skip


class Unit:
    """A unit's results, in order, and the one that the collector may take."""

    def __init__(self, bench: Bench, index: int, channels: range, windows: int) -> None:
        random_ = bench.random
        limit = 1 << (bench.config.accumulator_bits - 2 - bench.config.partial_sums)
        self.bench, self.index = bench, index
        self.queue = [
            (random_.randrange(-limit, limit), channel, window)
            for window in range(windows)
            for channel in channels
        ]
        self.last_channel = channels[-1] if channels else None
        self.places = result_places(bench.config)
        self.place = random_.randrange(self.places)
        self.shown: tuple[int, int, int] | None = None
        self.read: tuple[int, int] | None = None

    def show(self, eagerness: float) -> None:
        """Sums are only there in the cycle after `take`, in the place that was the oldest's."""
        results, first = self.bench.results, self.index * self.places
        for place in range(self.places):
            total = self.bench.random.getrandbits(8)
            if self.read is not None and self.read[0] == place:
                total = self.read[1]
            results.total[first + place].next = total
        self.read = None
        if self.shown is None and self.queue and self.bench.random.random() < eagerness:
            self.shown = self.queue.pop(0)
        results.valid[self.index].next = self.shown is not None
        results.place[self.index].next = self.place if self.places == 2 else False

    def taken(self, first_bias: int) -> Collected:
        """The shown result as it must leave; frees its place."""
        assert self.shown is not None, "only a valid result must be taken"
        bench, config = self.bench, self.bench.config
        value, channel, window = self.shown
        self.shown, self.read = None, (self.place, value)
        self.place = (self.place + 1) % self.places
        # the bias memory's end is followed by its start
        entry = (first_bias + channel) % config.bias_entries
        place, flags = bench.windows[window % len(bench.windows)]
        return Collected(
            value + bench.biases[entry],
            channel,
            (place + channel) % config.activation_elements,
            flags,
            channel == self.last_channel,
            *bench.scales[entry],
        )


@ALL
@pytest.mark.parametrize("eagerness", [0.05, 1.0])
def test_results(config: AcceleratorConfig, eagerness: float) -> None:
    """Jobs one after the other: each unit's channels in turn, window after window."""
    random_ = random.Random(config.bits + config.units)
    bench = Bench(config, random_)
    clock, units = bench.clock, config.units

    def play_job(
        last_filter: int, windows: int, first_bias: int, *, parts: bool = False
    ) -> Iterator[Any]:
        bench.job.last_filter.next, bench.job.bias.next = last_filter, first_bias
        if config.partial_sums:
            bench.job.partial_sums.next = parts
        bench.start.next = True
        yield clock.posedge
        bench.start.next = False
        players = [Unit(bench, u, range(u, last_filter + 1, units), windows) for u in range(units)]
        resting = [0] * units
        expected: list[Collected | None] = [None] * LATENCY_CYCLES
        while any(player.queue or player.shown for player in players) or any(expected):
            for player in players:
                player.show(eagerness)
            yield clock.negedge
            bench.show_window()
            yield clock.posedge
            assert bench.seen() == expected.pop(0)
            ready = [u for u in range(units) if players[u].shown and not resting[u]]
            if parts:
                ready = [u for u in ready if u % 2 == 0 and players[u + 1].shown]
            wanted = [ready[0] + part for part in range(1 + parts)] if ready else []
            taken = [u for u in range(units) if bench.results.take[u]]
            assert taken == wanted, "the lowest unit that has rested must go first"
            resting = [max(0, cycles - 1) for cycles in resting]
            for unit in taken:
                resting[unit] = REST_CYCLES - 1
            found = [players[unit].taken(first_bias) for unit in taken]
            expected.append(joined(found) if parts and found else next(iter(found), None))

    def joined(found: list[Collected]) -> Collected:
        """What two parts make: the first with the sums of both, at half its channel."""
        first, second = found
        bias = bench.biases[(int(bench.job.bias) + second.channel) % config.bias_entries]
        address = (first.address - first.channel + first.channel // 2) % config.activation_elements
        return replace(first, total=first.total + second.total - bias, address=address)

    def script() -> Iterator[Any]:
        yield from bench.preload()
        most = min(3 * units, config.bias_entries) - 1
        # more windows than the ring has places
        yield from play_job(units - 1, len(bench.windows) + 5, 3)
        yield from play_job(most, 6, config.bias_entries - 2)
        yield from play_job(max(0, units // 2 - 1), 9, 0)
        yield from play_job(random_.randint(0, most), 4, random_.randrange(config.bias_entries))
        if config.partial_sums:
            yield from play_job(units - 1, len(bench.windows) + 5, 3, parts=True)
            yield from play_job(3 * units - 1, 6, 5, parts=True)
            yield from play_job(1, 9, 0, parts=True)
            yield from play_job(units + 1, 4, 0, parts=True)
            yield from play_job(units - 1, 4, 0)

    run(clock, bench.dut, script=script)


@pytest.mark.parametrize("units", [1, 3, 8])
def test_results_of_a_unit_are_apart(units: int) -> None:
    """Units that always have results: low numbers first, each after its rest."""
    config = small_config(units=units)
    bench = Bench(config, random.Random(1))
    order: list[int | None] = []

    def script() -> Iterator[Any]:
        for unit in range(units):
            bench.results.valid[unit].next = True
        for _ in range(12):
            yield bench.clock.negedge
            taken = [unit for unit in range(units) if bench.results.take[unit]]
            order.append(taken[0] if taken else None)
            yield bench.clock.posedge

    run(bench.clock, bench.dut, script=script)
    served = min(units, REST_CYCLES)
    turn: list[int | None] = [*range(served), *[None] * (REST_CYCLES - served)]
    assert order == turn * 3
