"""Sums of windows under random gaps and a random collector: right, in order, none lost."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from hdl.bundles import Operands, bit, number, operand_latency_cycles, word
from hdl.multiply_accumulate import RESULT_DEPTH, multiply_accumulate
from tests.hdl.bench import run, small_config, stage_reset

CONFIG = small_config()


@dataclass(frozen=True)
class Window:
    """Pairs of (weight, activation); an empty window sends only its end."""

    pairs: tuple[tuple[int, int], ...]
    end_alone: bool
    flags: int

    @property
    def total(self) -> int:
        return sum(weight * activation for weight, activation in self.pairs)

    def items(self) -> list[tuple[tuple[int, int] | None, bool]]:
        """(pair or None, whether it ends the window), in order."""
        if self.end_alone or not self.pairs:
            return [*((pair, False) for pair in self.pairs), (None, True)]
        return [(pair, i == len(self.pairs) - 1) for i, pair in enumerate(self.pairs)]


def random_windows(seed: int, count: int) -> list[Window]:
    random_ = random.Random(seed)
    extremes = [-128, -1, 0, 1, 127]

    def operand() -> int:
        return random_.choice([*extremes, random_.randrange(-128, 128)])

    return [
        Window(
            tuple((operand(), operand()) for _ in range(random_.choice([0, 1, 1, 2, 5, 20]))),
            random_.random() < 0.5,
            random_.randrange(4),
        )
        for _ in range(count)
    ]


class Bench:
    """The stage and the signals around it."""

    def __init__(self) -> None:
        self.clock, self.sent, self.valid, self.take = (bit() for _ in range(4))
        self.room, self.useful = bit(), bit()
        self.total = number(CONFIG.accumulator_bits)
        self.operands = Operands(CONFIG)
        self.flags = word(len(self.operands.flags))
        self.dut = multiply_accumulate(
            self.clock, stage_reset(), self.operands, self.sent, self.valid, self.total, self.flags,
            self.take, self.room, self.useful, config=CONFIG,
        )  # fmt: skip

    def drive(self, item: tuple[tuple[int, int] | None, bool, int] | None) -> None:
        pair = item[0] if item is not None else None
        self.operands.valid.next = pair is not None
        if pair is not None:
            self.operands.weight.next, self.operands.activation.next = pair
        self.operands.window.next = item is not None and item[1]
        if item is not None:
            self.operands.flags.next = item[2]


@pytest.mark.parametrize(
    ("send_probability", "take_probability"),
    [(1.0, 1.0), (1.0, 0.1), (0.3, 1.0), (0.6, 0.4)],
)
def test_sums(send_probability: float, take_probability: float) -> None:
    bench = Bench()
    random_ = random.Random(0)
    windows = random_windows(3, 120)
    queue = [(*item, window.flags) for window in windows for item in window.items()]
    taken: list[tuple[int, int]] = []
    most_pending = 0

    def script() -> Iterator[Any]:
        nonlocal most_pending
        on_the_way: list[Any] = [None] * (operand_latency_cycles(CONFIG) - 1)
        ended = 0
        bench.drive(None)
        while len(taken) < len(windows):
            yield bench.clock.negedge
            pending = ended - len(taken)
            most_pending = max(most_pending, pending)
            assert bench.room == (pending < RESULT_DEPTH)
            item = None
            if queue and random_.random() < send_probability and (bench.room or not queue[0][1]):
                item = queue.pop(0)
            bench.sent.next = item is not None and item[1]
            bench.take.next = bool(bench.valid) and random_.random() < take_probability
            yield bench.clock.posedge
            ended += item is not None and item[1]
            if bench.take:
                taken.append((int(bench.total), int(bench.flags)))
            on_the_way.append(item)
            bench.drive(on_the_way.pop(0))
        bench.take.next = False
        for _ in range(5):
            yield bench.clock.posedge
        assert not bench.valid

    run(bench.clock, bench.dut, script=script)
    assert taken == [(window.total, window.flags) for window in windows]
    assert most_pending == RESULT_DEPTH


def test_useful_products() -> None:
    """Only a valid pair without a zero is counted."""
    bench = Bench()

    def script() -> Iterator[Any]:
        for valid, weight, activation in product((0, 1), (0, 5, -128), (0, 3, -1)):
            yield bench.clock.negedge
            bench.operands.valid.next = bool(valid)
            bench.operands.weight.next, bench.operands.activation.next = weight, activation
            yield bench.clock.posedge
            assert bench.useful == bool(valid and weight and activation)

    run(bench.clock, bench.dut, script=script)


def test_latency() -> None:
    """A window's sum stands at the output two cycles after its last operands."""
    bench = Bench()

    def script() -> Iterator[Any]:
        bench.sent.next = True
        yield bench.clock.posedge
        bench.sent.next = False
        bench.drive(((7, -9), True, 2))
        yield bench.clock.posedge
        bench.drive(None)
        yield bench.clock.posedge
        assert not bench.valid
        yield bench.clock.posedge
        assert bench.valid
        assert (int(bench.total), int(bench.flags)) == (-63, 2)

    run(bench.clock, bench.dut, script=script)
