"""Sums of filters under random gaps and a random collector: right, in order, none lost."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from hdl.bundles import Operands, bit, number, result_depth, result_places
from hdl.config import AcceleratorConfig
from hdl.multiply_accumulate import multiply_accumulate
from tests.hdl.bench import run, small_config, stage_reset

CONFIGS = [
    small_config(kind="dense", bits=8),
    small_config(kind="dense", bits=32),
    small_config(bits=8),
    small_config(bits=16),
    small_config(kind="list", bits=32),
    small_config(kind="list", bits=16, results=2),
    small_config(bits=8, results=16),
    small_config(bits=32, results=16),
]
DEPTHS = {"dense": 1, "bitmap": 2, "list": 1}
ALL = pytest.mark.parametrize(
    "config", CONFIGS, ids=lambda c: f"{c.kind}-{c.bits}-{result_depth(c)}"
)


def sum_cycles(config: AcceleratorConfig) -> int:
    """From a filter's last operands to its sum."""
    return 3 if config.bits == 32 else 2


@dataclass(frozen=True)
class Filter:
    """Pairs of (weight, activation); one without pairs sends only its end."""

    pairs: tuple[tuple[int, int], ...]
    end_alone: bool

    @property
    def total(self) -> int:
        return sum(weight * activation for weight, activation in self.pairs)

    def items(self) -> list[tuple[tuple[int, int] | None, bool]]:
        """(pair or None, whether it ends the filter), in order."""
        if self.end_alone or not self.pairs:
            return [*((pair, False) for pair in self.pairs), (None, True)]
        return [(pair, i == len(self.pairs) - 1) for i, pair in enumerate(self.pairs)]


def random_filters(random_: random.Random, bits: int, count: int) -> list[Filter]:
    """Activations are signed or unsigned; 200 extreme products just fit the accumulator."""
    limit = 1 << (bits - 1)
    weights, activations = [-limit, limit - 1, -1, 0], [-limit, 2 * limit - 1, limit - 1, 1, 0]

    def pair() -> tuple[int, int]:
        return (
            random_.choice([*weights, random_.randrange(-limit, limit)]),
            random_.choice([*activations, random_.randrange(-limit, 2 * limit)]),
        )

    extreme = Filter(((-limit, 2 * limit - 1),) * 200, end_alone=False)
    return [
        extreme,
        *(
            Filter(
                tuple(pair() for _ in range(random_.choice([0, 1, 1, 2, 5, 20]))),
                random_.random() < 0.5,
            )
            for _ in range(count)
        ),
    ]


class Bench:
    """The stage and the signals around it."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.clock, self.sent, self.valid, self.place, self.take = (bit() for _ in range(5))
        self.room, self.useful = bit(), bit()
        self.totals = [number(config.accumulator_bits) for _ in range(result_places(config))]
        self.operands = Operands(config)
        self.dut = multiply_accumulate(
            self.clock, stage_reset(), self.operands, self.sent, self.valid, self.place,
            self.totals, self.take, self.room, self.useful, config=config,
        )  # fmt: skip

    def drive(self, item: tuple[tuple[int, int] | None, bool] | None) -> None:
        pair = item[0] if item is not None else None
        self.operands.valid.next = pair is not None
        if pair is not None:
            self.operands.weight.next, self.operands.activation.next = pair
        self.operands.last.next = item is not None and item[1]


@ALL
@pytest.mark.parametrize(
    ("send_probability", "take_probability"),
    [(1.0, 1.0), (1.0, 0.05), (0.3, 1.0), (0.6, 0.4)],
)
def test_sums(config: AcceleratorConfig, send_probability: float, take_probability: float) -> None:
    """As the collector does: reads the register of the oldest in the cycle after `take`."""
    bench = Bench(config)
    random_ = random.Random(config.bits)
    filters = random_filters(random_, config.bits, 80)
    queue = [item for filter_ in filters for item in filter_.items()]
    depth = result_depth(config)
    assert depth == (config.results or DEPTHS[config.kind])
    taken: list[int] = []
    most_pending = 0

    def script() -> Iterator[Any]:
        nonlocal most_pending
        ended, took = 0, 0
        place: int | None = None
        item: Any = None
        while len(taken) < len(filters):
            yield bench.clock.negedge
            if place is not None:
                taken.append(int(bench.totals[place]))
            pending = ended - took
            most_pending = max(most_pending, pending)
            assert bench.room == (pending < depth)
            bench.drive(item)
            item = None
            if queue and random_.random() < send_probability and (bench.room or not queue[0][1]):
                item = queue.pop(0)
            bench.sent.next = item is not None and item[1]
            take = bool(bench.valid) and random_.random() < take_probability
            bench.take.next = take
            place = int(bench.place) if take else None
            yield bench.clock.posedge
            took += take
            ended += item is not None and item[1]
        bench.take.next = False
        for _ in range(5):
            yield bench.clock.posedge
        assert not bench.valid

    run(bench.clock, bench.dut, script=script)
    assert taken == [filter_.total for filter_ in filters]
    if send_probability == 1.0 and take_probability < 1.0:
        assert most_pending == depth


@ALL
def test_latency(config: AcceleratorConfig) -> None:
    """A sum stands at the output so many cycles after the filter's last operands, not before."""
    bench = Bench(config)

    def script() -> Iterator[Any]:
        bench.sent.next = True
        yield bench.clock.posedge
        bench.sent.next = False
        bench.drive(((7, -9), True))
        for _ in range(sum_cycles(config)):
            yield bench.clock.posedge
            assert not bench.valid
            bench.drive(None)
        bench.take.next = True
        yield bench.clock.posedge
        assert bench.valid
        place = int(bench.place)
        bench.take.next = False
        yield bench.clock.posedge
        assert not bench.valid
        assert bench.totals[place] == -63

    run(bench.clock, bench.dut, script=script)


def test_useful_products() -> None:
    """Only a valid pair without a zero is counted."""
    bench = Bench(small_config())

    def script() -> Iterator[Any]:
        for valid, weight, activation in product((0, 1), (0, 5, -128), (0, 3, -1, 255)):
            yield bench.clock.negedge
            bench.operands.valid.next = bool(valid)
            bench.operands.weight.next, bench.operands.activation.next = weight, activation
            yield bench.clock.posedge
            assert bench.useful == bool(valid and weight and activation)

    run(bench.clock, bench.dut, script=script)
