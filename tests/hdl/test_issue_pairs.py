"""From list words to the multiplier: no useful pair lost, no useless one issued."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from myhdl import Signal

from hdl.bundles import Operands, bit, word
from hdl.list_unit import issue_pairs
from tests.hdl.bench import UNSHRUNK, packed, run, small_config, stage_reset

LATENCY_CYCLES = 2

Issue = tuple[tuple[int, int] | None, bool]
"""What enters the multiplier: pair or None, whether it ends a filter."""


@dataclass(frozen=True)
class Entry:
    """One list word with its activations."""

    pairs: tuple[tuple[int, int], ...]
    last: bool

    @property
    def useful(self) -> list[tuple[int, int]]:
        return [pair for pair in self.pairs if all(pair)]

    def issues(self) -> list[Issue]:
        if self.last and not self.useful:
            return [(None, True)]
        ends = len(self.useful) - 1
        return [(pair, self.last and i == ends) for i, pair in enumerate(self.useful)]


def random_entries(
    random_: random.Random, lookahead: int, bits: int, count: int, density: float, unsigned: bool
) -> list[Entry]:
    """Weights are signed, activations may be unsigned."""
    limit = 1 << (bits - 1)
    low, high = (0, 2 * limit) if unsigned else (-limit, limit)

    def operand(extremes: tuple[int, ...], low: int, high: int) -> int:
        if random_.random() >= density:
            return 0
        return random_.choice([*extremes, 1, random_.randrange(low, high)])

    return [
        Entry(
            tuple(
                (
                    operand((-limit, limit - 1), -limit, limit),
                    operand((low, high - 1), low, high),
                )
                for _ in range(lookahead)
            ),
            random_.random() < 0.3,
        )
        for _ in range(count)
    ]


class Bench:
    """The block and the signals around it."""

    def __init__(self, lookahead: int, bits: int = 8, unsigned: bool = False) -> None:
        self.config = small_config(kind="list", lookahead=lookahead, bits=bits)
        self.clock, self.advance, self.valid, self.last = (bit() for _ in range(4))
        self.room, self.sent = bit(), bit()
        self.weights = word(bits * lookahead)
        self.activations = [word(bits) for _ in range(lookahead)]
        self.pairs = word(lookahead)
        self.unsigned = Signal(unsigned)
        self.operands = Operands(self.config)
        self.dut = issue_pairs(
            self.clock, stage_reset(), self.unsigned, self.advance, self.valid, self.weights,
            self.activations, self.pairs, self.last, self.room, self.sent, self.operands,
            config=self.config,
        )  # fmt: skip

    def show(self, entry: Entry | None) -> None:
        self.valid.next = entry is not None
        if entry is not None:
            weights, activations = zip(*entry.pairs, strict=True)
            self.weights.next = packed(weights, self.config.bits)
            for signal, value in zip(self.activations, activations, strict=True):
                signal.next = value % (1 << self.config.bits)
            self.pairs.next = packed([all(pair) for pair in entry.pairs], 1)
            self.last.next = entry.last

    def issued(self) -> Issue | None:
        operands = self.operands
        if not operands.valid and not operands.last:
            return None
        pair = (int(operands.weight), int(operands.activation)) if operands.valid else None
        return pair, bool(operands.last)


@given(
    lookahead=st.sampled_from([2, 4]),
    bits=st.sampled_from([8, 16, 32]),
    unsigned=st.booleans(),
    density=st.sampled_from([0.0, 0.3, 0.7, 1.0]),
    eagerness=st.sampled_from([0.5, 1.0]),
    room_probability=st.sampled_from([0.1, 0.5, 1.0]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=25, phases=UNSHRUNK)
def test_pairs(
    lookahead: int,
    bits: int,
    unsigned: bool,
    density: float,
    eagerness: float,
    room_probability: float,
    seed: int,
) -> None:
    """Words come and filters find room at random."""
    bench = Bench(lookahead, bits, unsigned)
    random_ = random.Random(seed)
    entries = random_entries(random_, lookahead, bits, 60, density, unsigned)
    wanted = [issue for entry in entries for issue in entry.issues()]
    seen: list[Issue] = []

    def script() -> Iterator[Any]:
        queue = list(entries)
        shown: Entry | None = None
        announced = waiting = False
        for _ in range(60 * 40):
            if shown is None and queue and random_.random() < eagerness:
                shown = queue.pop(0)
            bench.show(shown)
            bench.room.next = random_.random() < room_probability
            yield bench.clock.posedge
            issue = bench.issued()
            assert (issue is not None and issue[1]) == announced, "an end must be announced before"
            announced = bool(bench.sent)
            assert not bench.sent or bench.room, "a filter must not end without room for its sum"
            states = (issue is not None and issue[0], bench.operands.empty, bench.operands.blocked)
            assert sum(map(bool, states)) <= 1
            assert not bench.operands.blocked or waiting, "only want of room blocks"
            waiting = not bench.room
            if issue is not None:
                seen.append(issue)
            if bench.advance:
                shown = None
            if not queue and len(seen) == len(wanted) and shown is None:
                break

    run(bench.clock, bench.dut, script=script)
    assert seen == wanted


@pytest.mark.parametrize("lookahead", [2, 4])
@pytest.mark.parametrize("density", [0.1, 0.4, 0.8, 1.0])
def test_a_pair_a_cycle(lookahead: int, density: float) -> None:
    """A word without a useful pair costs a cycle only if no pair is left to be issued meanwhile."""
    bench = Bench(lookahead)
    entries = random_entries(random.Random(3), lookahead, 8, 80, density, False)
    wanted: list[tuple[int, Issue]] = []
    shown_cycle = issued_until = 0
    for entry in entries:
        issues = entry.issues()
        leaves = max(shown_cycle, issued_until) if issues else shown_cycle
        wanted += [(leaves + LATENCY_CYCLES + i, issue) for i, issue in enumerate(issues)]
        if issues:
            issued_until = leaves + len(issues)
        shown_cycle = leaves + 1
    seen: list[tuple[int, Issue]] = []

    def script() -> Iterator[Any]:
        queue = list(entries)
        bench.room.next = True
        bench.show(queue.pop(0))
        for cycle in range(wanted[-1][0] + 3):
            yield bench.clock.posedge
            issue = bench.issued()
            if issue is not None:
                seen.append((cycle, issue))
            if bench.advance:
                bench.show(queue.pop(0) if queue else None)

    run(bench.clock, bench.dut, script=script)
    assert seen == wanted


def test_a_filter_without_room_waits_with_its_last_pair() -> None:
    """The pairs before it leave; `blocked` tells of each cycle that it waits."""
    bench = Bench(4)
    entry = Entry(((1, 2), (0, 5), (3, 4), (5, 6)), last=True)
    seen: list[tuple[int, Issue]] = []
    blocked_cycles: list[int] = []

    def script() -> Iterator[Any]:
        bench.show(entry)
        for cycle in range(16):
            bench.room.next = cycle >= 8
            yield bench.clock.posedge
            issue = bench.issued()
            if issue is not None:
                seen.append((cycle, issue))
            if bench.operands.blocked:
                blocked_cycles.append(cycle)
            if bench.advance:
                bench.show(None)

    run(bench.clock, bench.dut, script=script)
    assert seen == [(2, ((1, 2), False)), (3, ((3, 4), False)), (9, ((5, 6), True))]
    assert blocked_cycles == list(range(4, 9))
