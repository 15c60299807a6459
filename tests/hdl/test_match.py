"""The search for matching pairs: each once, lowest first, a section in `max(1, matches)` cycles."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bit_operations import SIMULATION, SYNTHESIS, BitOperations
from hdl.bundles import bit, word
from hdl.config import SECTION_BITS
from hdl.match import match
from tests.hdl.bench import UNSHRUNK, run, stage_reset

ADDRESS_BITS, VALUE_BITS = 9, 8
LATENCY_CYCLES = 2

Pair = tuple[tuple[int, int] | None, bool]
"""Address of the activation and index of the weight value, if any; whether a filter ends."""


@dataclass(frozen=True)
class Section:
    """Bits of weights and of activations that are not zero, and where the operands start."""

    weights: int
    activations: int
    address: int
    value: int
    last: bool

    @property
    def matches(self) -> int:
        return self.weights & self.activations

    @property
    def cycles(self) -> int:
        return max(1, self.matches.bit_count())

    def pairs(self) -> list[Pair]:
        """Operands in order; a filter's end without any."""
        hits = [i for i in range(SECTION_BITS) if self.matches >> i & 1]
        if not hits:
            return [(None, True)] if self.last else []
        return [
            (
                (
                    (self.address + i) % (1 << ADDRESS_BITS),
                    (self.value + (self.weights & ((1 << i) - 1)).bit_count()) % (1 << VALUE_BITS),
                ),
                self.last and i == hits[-1],
            )
            for i in hits
        ]


def random_sections(random_: random.Random, count: int, densities: list[float]) -> list[Section]:
    def bitmap() -> int:
        density = random_.choice(densities)
        return sum((random_.random() < density) << i for i in range(SECTION_BITS))

    return [
        Section(
            bitmap(),
            bitmap(),
            random_.randrange(1 << ADDRESS_BITS),
            random_.randrange(1 << VALUE_BITS),
            random_.random() < 0.4,
        )
        for _ in range(count)
    ]


class Bench:
    """The stage and the signals around it."""

    def __init__(self, operations: BitOperations = SIMULATION) -> None:
        self.clock, self.advance, self.valid, self.last = (bit() for _ in range(4))
        self.room, self.held, self.sent, self.searching = (bit() for _ in range(4))
        self.pair_valid, self.pair_last, self.empty, self.blocked = (bit() for _ in range(4))
        self.weights, self.matches = word(SECTION_BITS), word(SECTION_BITS)
        self.address, self.pair_address = word(ADDRESS_BITS), word(ADDRESS_BITS)
        self.value, self.pair_value = word(VALUE_BITS), word(VALUE_BITS)
        self.dut = match(
            self.clock, stage_reset(), self.advance, self.valid, self.weights, self.matches,
            self.address, self.value, self.last, self.held, self.room, self.sent,
            self.searching, self.pair_valid, self.pair_address, self.pair_value, self.pair_last,
            self.empty, self.blocked, operations=operations,
        )  # fmt: skip

    def show(self, section: Section | None) -> None:
        self.valid.next = section is not None
        if section is not None:
            self.weights.next, self.matches.next = section.weights, section.matches
            self.address.next, self.value.next = section.address, section.value
            self.last.next = section.last

    def found(self) -> Pair | None:
        if not self.pair_valid and not self.pair_last:
            return None
        operands = (int(self.pair_address), int(self.pair_value)) if self.pair_valid else None
        return operands, bool(self.pair_last)


def play(
    sections: list[Section],
    *,
    eagerness: float,
    room_probability: float,
    seed: int,
    held_probability: float = 0.0,
    operations: BitOperations = SIMULATION,
) -> None:
    """Sections come, filters find room and units are held at random; checks every output."""
    bench = Bench(operations)
    random_ = random.Random(seed)
    queue = list(sections)

    def script() -> Iterator[Any]:
        shown: Section | None = None
        searched: Section | None = None
        left_cycles = idle_cycles = 0
        # (pair, empty, blocked) of the searches before
        found: list[tuple[Pair | None, bool, bool]] = [(None, False, False)] * LATENCY_CYCLES
        while idle_cycles < 5:
            if shown is None and queue and random_.random() < eagerness:
                shown = queue.pop(0)
            bench.show(shown)
            bench.room.next = random_.random() < room_probability
            bench.held.next = random_.random() < held_probability
            yield bench.clock.posedge
            assert (bench.found(), bool(bench.empty), bool(bench.blocked)) == found.pop(0)
            assert bench.searching == (searched is not None)
            last_cycle = left_cycles == 1
            held = searched is not None and bool(bench.held)
            waits = searched is not None and last_cycle and searched.last and not bench.room
            goes = searched is None or (last_cycle and not waits and not held)
            assert bench.advance == goes
            assert bench.sent == (searched is not None and goes and searched.last)
            if searched is None or waits or held:
                found.append((None, False, waits and not held))
            else:
                pairs = searched.pairs()
                pair = pairs[-left_cycles] if pairs else None
                found.append((pair, not searched.matches, False))
            if goes:
                searched, shown = shown, None
                left_cycles = searched.cycles if searched is not None else 0
            elif not waits and not held:
                left_cycles -= 1
            idle_cycles = 0 if searched or queue or shown else idle_cycles + 1

    run(bench.clock, bench.dut, script=script)
    assert not queue


@given(
    densities=st.sampled_from([[0.0], [0.05, 0.3], [0.0, 0.5, 1.0], [1.0]]),
    eagerness=st.sampled_from([0.3, 1.0]),
    room_probability=st.sampled_from([0.1, 0.6, 1.0]),
    held_probability=st.sampled_from([0.0, 0.0, 0.5]),
    seed=st.integers(0, 10_000),
)
@settings(max_examples=25, phases=UNSHRUNK)
def test_a_pair_a_cycle(
    densities: list[float],
    eagerness: float,
    room_probability: float,
    held_probability: float,
    seed: int,
) -> None:
    play(
        random_sections(random.Random(seed), 25, densities),
        eagerness=eagerness,
        room_probability=room_probability,
        held_probability=held_probability,
        seed=seed,
    )


def test_the_form_that_converts_finds_the_same_pairs() -> None:
    sections = random_sections(random.Random(5), 20, [0.0, 0.3, 1.0])
    play(sections, eagerness=1.0, room_probability=0.7, seed=5, operations=SYNTHESIS)


@pytest.mark.parametrize("index", range(SECTION_BITS))
def test_a_single_match_anywhere(index: int) -> None:
    """Below it all ones or none."""
    one = 1 << index
    sections = [
        Section(one, one, 3, 5, last=True),
        Section(2 * one - 1, one, 500, 250, last=False),
        Section(one, 2**SECTION_BITS - 1, 0, 0, last=False),
    ]
    play(sections, eagerness=1.0, room_probability=1.0, seed=0)
