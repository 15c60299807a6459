"""Fetch and match together, against a Python model of sections and their matching pairs."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from myhdl import always_comb, block

from hdl.bit_operations import SIMULATION, SYNTHESIS, BitOperations
from hdl.bundles import EMIT, FINAL, BitmapWrite, Job, LoadWrite, Section, Step, bit, word
from hdl.config import SECTION_BITS
from hdl.fetch import fetch
from hdl.match import match
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

CONFIG = small_config()
SIZE = CONFIG.activation_elements
VALUE_BITS = (CONFIG.weight_elements - 1).bit_length()
BANK_BITS = (CONFIG.banks - 1).bit_length()


@dataclass(frozen=True)
class Token:
    """What stands in the match buffer; `flags` only count at the end of a window."""

    needed: bool
    address: int
    value: int
    window: bool
    flags: int

    @classmethod
    def end(cls, flags: int) -> "Token":
        """The end of a window without a match in its last section."""
        return cls(False, 0, 0, True, flags)


@dataclass(frozen=True)
class Plan:
    """One step for the fetch stage."""

    address: int
    weight: int
    window: bool
    flags: int


@dataclass(frozen=True)
class Case:
    """Memory contents and steps; `values` is the index of the first packed weight value."""

    weights: tuple[int, ...]
    activations: tuple[bool, ...]
    values: int
    plans: tuple[Plan, ...]

    def sections(self) -> Iterator[list[Token]]:
        """The tokens of each section, in order."""
        value = filter_value = self.values
        for plan in self.plans:
            bitmap = self.weights[plan.weight]
            ones = [i for i in range(SECTION_BITS) if bitmap >> i & 1]
            hits = [
                (rank, i)
                for rank, i in enumerate(ones)
                if self.activations[(plan.address + i) % SIZE]
            ]
            tokens = []
            for rank, i in hits:
                ends = plan.window and i == hits[-1][1]
                tokens.append(
                    Token(
                        True,
                        (plan.address + i) % SIZE,
                        (value + rank) % 2**VALUE_BITS,
                        ends,
                        plan.flags if ends else 0,
                    )
                )
            if plan.window and not hits:
                tokens.append(Token.end(plan.flags))
            yield tokens
            value += len(ones)
            if plan.flags >> FINAL & 1:
                filter_value = value
            elif plan.window:
                value = filter_value

    def match_cycles(self) -> list[int]:
        """Cycles of each section when nothing blocks it: one a match, at least one."""
        return [max(1, sum(token.needed for token in tokens)) for tokens in self.sections()]


def random_case(seed: int, weight_density: float, activation_density: float) -> Case:
    """Two or three filters, each over the same windows of one to three sections."""
    random_ = random.Random(seed)
    sections, windows = random_.randint(1, 3), random_.randint(1, 3)
    plans, start = [], random_.randrange(8)
    for filter_index in range(random_.randint(2, 3)):
        for window in range(windows):
            for section in range(sections):
                ends = section == sections - 1
                plans.append(
                    Plan(
                        random_.randrange(SIZE),
                        (start + filter_index * sections + section) % CONFIG.bitmap_words,
                        ends,
                        (ends and random_.random() < 0.5) << EMIT
                        | (ends and window == windows - 1) << FINAL,
                    )
                )

    def bitmap() -> int:
        return sum((random_.random() < weight_density) << i for i in range(SECTION_BITS))

    return Case(
        tuple(bitmap() for _ in range(CONFIG.bitmap_words)),
        tuple(random_.random() < activation_density for _ in range(SIZE)),
        random_.randrange(2**VALUE_BITS),
        tuple(plans),
    )


@block
def always_granted(valid: Any, grant: Any) -> Any:
    @always_comb
    def comb_grant() -> None:
        grant.next = valid

    return comb_grant


@dataclass
class Seen:
    """Tokens in the order of their grants, and for each cycle the section searched, if any."""

    tokens: list[Token]
    searched: list[int | None]


def play(
    case: Case, grant_probability: float, seed: int, operations: BitOperations = SIMULATION
) -> Seen:
    """Loads the memories, feeds the steps and grants at random."""
    clock, start, load_enable, advance = (bit() for _ in range(4))
    job, load, bitmap_write = Job(CONFIG), LoadWrite(CONFIG), BitmapWrite(CONFIG)
    step = Step(CONFIG, (CONFIG.bitmap_words - 1).bit_length())
    section = Section(CONFIG)
    valid, needed, window, grant = (bit() for _ in range(4))
    flags = word(len(section.flags))
    bank, row = word(BANK_BITS), word(CONFIG.element_address_bits - BANK_BITS)
    value = word(VALUE_BITS)
    reset = stage_reset()
    blocks = [
        fetch(
            clock, reset, start, job, load, load_enable, bitmap_write, step, advance, section,
            config=CONFIG, operations=operations,
        ),
        match(
            clock, reset, section, advance, valid, needed, bank, row, value, window, flags,
            grant, config=CONFIG, operations=operations,
        ),
    ]  # fmt: skip
    if grant_probability == 1.0:
        blocks.append(always_granted(valid, grant))
    random_ = random.Random(seed)
    wanted = sum(len(tokens) for tokens in case.sections())
    seen = Seen([], [])

    def preload() -> Iterator[Any]:
        load_enable.next, bitmap_write.enable.next = True, True
        for index, bitmap in enumerate(case.weights):
            load.address.next, load.data.next = index, bitmap
            first = index * SECTION_BITS % SIZE
            flags = case.activations[first : first + SECTION_BITS]
            bitmap_write.address.next = first // SECTION_BITS
            bitmap_write.data.next = sum(flag << i for i, flag in enumerate(flags))
            yield clock.posedge
        load_enable.next, bitmap_write.enable.next = False, False

    def show(plan: Plan | None) -> None:
        step.valid.next = plan is not None
        if plan is not None:
            step.address.next, step.weight.next = plan.address, plan.weight
            step.window.next, step.flags.next = plan.window, plan.flags

    def script() -> Iterator[Any]:
        yield from preload()
        job.values.next = case.values
        start.next = True
        yield clock.posedge
        start.next = False
        pending = list(case.plans)
        searched, idle_cycles = 0, 0
        while idle_cycles < 8:
            yield clock.negedge
            if grant_probability < 1.0:
                grant.next = bool(valid) and random_.random() < grant_probability
            yield clock.posedge
            if grant:
                ends = bool(window)
                address = int(row) << BANK_BITS | int(bank)
                seen.tokens.append(
                    Token(True, address, int(value), ends, int(flags) if ends else 0)
                    if needed
                    else Token.end(int(flags))
                )
                assert needed or window, "a token without operands must end a window"
            seen.searched.append(searched if section.valid else None)
            searched += bool(section.valid and advance)
            idle_cycles = 0 if pending or section.valid or valid or step.valid else idle_cycles + 1
            if advance:
                show(pending.pop(0) if pending else None)
        assert searched == len(case.plans)
        assert len(seen.tokens) == wanted

    run(clock, *blocks, script=script)
    return seen


def check_order(case: Case, seen: Seen) -> None:
    assert seen.tokens == [token for tokens in case.sections() for token in tokens]


@given(
    seed=st.integers(0, 10_000),
    weight_density=st.sampled_from([0.0, 0.05, 0.3, 1.0]),
    activation_density=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    grant_probability=st.sampled_from([0.15, 0.5, 0.9, 1.0]),
)
@settings(max_examples=20, phases=UNSHRUNK)
def test_pairs_come_in_order_whatever_the_grants(
    seed: int, weight_density: float, activation_density: float, grant_probability: float
) -> None:
    case = random_case(seed, weight_density, activation_density)
    check_order(case, play(case, grant_probability, seed))


def test_the_form_that_converts_gives_the_same_pairs() -> None:
    case = random_case(5, 0.4, 0.6)
    check_order(case, play(case, 0.7, 5, SYNTHESIS))


@pytest.mark.parametrize("density", [0.05, 0.3, 0.8])
def test_a_section_takes_a_cycle_a_match_and_at_least_one(density: float) -> None:
    case = random_case(11, density, 0.7)
    searched = play(case, 1.0, 0).searched
    busy = searched[searched.index(0) :]
    busy = busy[: len(busy) - busy[::-1].index(len(case.plans) - 1)]
    assert None not in busy, "a section must follow the one before it at once"
    assert [len(list(cycles)) for _, cycles in groupby(busy)] == case.match_cycles()


def test_one_end_for_each_window_without_a_match() -> None:
    last = 1 << EMIT | 1 << FINAL
    plans = tuple(Plan(13 * i, i, i % 2 == 1, last if i == 5 else 0) for i in range(6))
    case = Case((0,) * 64, (True,) * SIZE, 0, plans)
    seen = play(case, 0.4, 1)
    assert seen.tokens == [Token.end(0)] * 2 + [Token.end(last)]


@pytest.mark.parametrize("matches", [4, 5])
def test_a_buffer_holds_four_pairs(matches: int) -> None:
    """Four matches leave their section without a grant; the fifth waits for one."""
    clock, advance, grant = bit(), bit(), bit()
    section = Section(CONFIG)
    valid, needed, window = (bit() for _ in range(3))
    bank, row = word(BANK_BITS), word(CONFIG.element_address_bits - BANK_BITS)
    value, flags = word(VALUE_BITS), word(len(section.flags))
    dut = match(
        clock, stage_reset(), section, advance, valid, needed, bank, row, value, window, flags,
        grant, config=CONFIG, operations=SIMULATION,
    )  # fmt: skip

    def script() -> Iterator[Any]:
        section.weights.next = section.matches.next = 2**matches - 1
        section.valid.next, section.window.next = True, True
        done_after = None
        for cycle in range(1, 12):
            yield clock.posedge
            if section.valid and advance:
                done_after = cycle
                section.valid.next = False
        assert done_after == (4 if matches == 4 else None)
        addresses = []
        for index in range(matches):
            yield clock.negedge
            grant.next = True
            assert valid
            yield clock.posedge
            addresses.append(int(row) << BANK_BITS | int(bank))
            assert window == (index == matches - 1)
            if section.valid and advance:
                section.valid.next = False
        assert addresses == list(range(matches))
        yield clock.negedge
        grant.next = False
        assert not valid

    run(clock, dut, script=script)
