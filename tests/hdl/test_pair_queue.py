"""What stands between list words and multiplier: no useful pair lost, no useless one kept."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hdl.bundles import WRAP, Operands, bit, word
from hdl.list_pipeline import direct_issue
from hdl.pair_queue import QUEUE_DEPTH, pair_queue
from tests.hdl.bench import run, small_config, stage_reset


@dataclass(frozen=True)
class Entry:
    """One list word with its activations."""

    pairs: tuple[tuple[int, int], ...]
    last: bool
    wrap: bool
    flags: int

    def issues(self, *, keep_zeros: bool) -> list[tuple[tuple[int, int] | None, bool, int]]:
        """(pair or None, whether it ends a filter, flags), in order."""
        kept = [pair for pair in self.pairs if keep_zeros or all(pair)]
        flags = self.flags | self.wrap << WRAP
        if self.last and not kept:
            return [(None, True, flags)]
        return [(pair, self.last and pair is kept[-1], flags) for pair in kept]


def random_entries(seed: int, lookahead: int, count: int, density: float) -> list[Entry]:
    random_ = random.Random(seed)

    def operand() -> int:
        return random_.choice([-128, 127, random_.randrange(1, 128)]) * (random_.random() < density)

    return [
        Entry(
            tuple((operand(), operand()) for _ in range(lookahead)),
            random_.random() < 0.3,
            random_.random() < 0.5,
            random_.randrange(1 << WRAP),
        )
        for _ in range(count)
    ]


class Bench:
    """Either form of the stage and the signals around it."""

    def __init__(self, lookahead: int) -> None:
        self.config = small_config(kind="list", lookahead=lookahead)
        self.clock, self.advance, self.valid, self.last, self.wrap = (bit() for _ in range(5))
        self.room, self.full, self.held, self.sent = (bit() for _ in range(4))
        self.weights, self.activations = (word(8 * lookahead) for _ in range(2))
        self.flags = word(WRAP)
        self.operands = Operands(self.config)
        ports = (
            self.clock, stage_reset(), self.advance, self.valid, self.weights, self.activations,
            self.last, self.wrap, self.flags, self.room, self.full, self.held, self.sent,
            self.operands,
        )  # fmt: skip
        self.dut = (
            direct_issue(*ports) if lookahead == 1 else pair_queue(*ports, config=self.config)
        )

    def show(self, entry: Entry | None) -> None:
        self.valid.next = entry is not None
        if entry is not None:
            weights, activations = zip(*entry.pairs, strict=True)
            self.weights.next = sum((w % 256) << 8 * k for k, w in enumerate(weights))
            self.activations.next = sum((a % 256) << 8 * k for k, a in enumerate(activations))
            self.last.next, self.wrap.next = entry.last, entry.wrap
            self.flags.next = entry.flags

    def issued(self) -> tuple[tuple[int, int] | None, bool, int] | None:
        """What enters the multiplier in this cycle."""
        operands = self.operands
        if not operands.valid and not operands.window:
            return None
        pair = (int(operands.weight), int(operands.activation)) if operands.valid else None
        return pair, bool(operands.window), int(operands.flags)


@pytest.mark.parametrize("lookahead", [1, 2, 4])
@pytest.mark.parametrize("density", [0.2, 0.6, 1.0])
@pytest.mark.parametrize(("eagerness", "room_probability"), [(1.0, 1.0), (0.5, 0.3), (1.0, 0.1)])
def test_pairs(lookahead: int, density: float, eagerness: float, room_probability: float) -> None:
    bench = Bench(lookahead)
    entries = random_entries(lookahead, lookahead, 150, density)
    wanted = [issue for entry in entries for issue in entry.issues(keep_zeros=lookahead == 1)]
    random_ = random.Random(1)
    seen: list[tuple[tuple[int, int] | None, bool, int]] = []

    def script() -> Iterator[Any]:
        queue = list(entries)
        shown: Entry | None = None
        announced = False
        while len(seen) < len(wanted):
            if shown is None and queue and random_.random() < eagerness:
                shown = queue.pop(0)
            bench.show(shown)
            bench.room.next = random_.random() < room_probability
            yield bench.clock.negedge
            # the walk waits for the fullest unit, so at times without a reason of this one
            bench.advance.next = not bench.full and random_.random() < 0.9
            yield bench.clock.posedge
            issue = bench.issued()
            assert (issue is not None and issue[1]) == announced, "an end must be announced before"
            announced = bool(bench.sent)
            assert not bench.sent or bench.room, "a filter must not end without room for its sum"
            assert not bench.held or not bench.room
            if issue is not None:
                seen.append(issue)
            if bench.advance:
                shown = None

    run(bench.clock, bench.dut, script=script)
    assert [(pair, end) for pair, end, _ in seen] == [(pair, end) for pair, end, _ in wanted]
    # flags count at the end of a filter only
    assert [f for _, end, f in seen if end] == [f for _, end, f in wanted if end]


@pytest.mark.parametrize("lookahead", [2, 4])
def test_a_pair_a_cycle_two_cycles_after_an_empty_queue(lookahead: int) -> None:
    bench = Bench(lookahead)
    entries = random_entries(9, lookahead, 20, 1.0)
    issue_cycles = []

    def script() -> Iterator[Any]:
        queue = list(entries)
        bench.room.next = True
        for cycle in range(20 * lookahead + 10):
            bench.show(queue.pop(0) if queue and not bench.full else None)
            bench.advance.next = True
            yield bench.clock.posedge
            if bench.issued() is not None:
                issue_cycles.append(cycle)

    run(bench.clock, bench.dut, script=script)
    assert issue_cycles == list(range(2, 2 + 20 * lookahead))


def test_a_full_queue_holds_sixteen_words() -> None:
    bench = Bench(2)
    entry = Entry(((3, 4), (5, 6)), True, False, 0)

    def script() -> Iterator[Any]:
        pushed = 0
        for _ in range(3 * QUEUE_DEPTH):
            bench.show(entry)
            yield bench.clock.negedge
            bench.advance.next = not bench.full
            yield bench.clock.posedge
            pushed += bool(bench.advance)
        # one pair of the first word may leave, its end waits for room
        assert bench.held
        assert pushed == QUEUE_DEPTH
        bench.advance.next = False
        bench.room.next = True
        ends = 0
        for _ in range(3 * QUEUE_DEPTH):
            yield bench.clock.posedge
            issue = bench.issued()
            ends += issue is not None and issue[1]
        assert ends == QUEUE_DEPTH

    run(bench.clock, bench.dut, script=script)
