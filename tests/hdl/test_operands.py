"""Bank arbitration and operand fetch: who is granted, how soon, and what reaches the multiplier."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from hdl.activation_memory import activation_memory
from hdl.bundles import (
    ActivationWrite,
    LoadWrite,
    Monitor,
    Operands,
    Pairs,
    ReadPort,
    StoreRead,
    bit,
    operand_latency_cycles,
)
from hdl.config import BANK_COPIES, AcceleratorConfig
from hdl.operands import bank_arbiter, unit_operands
from tests.hdl.bench import run, small_config, stage_reset

UNITS = pytest.mark.parametrize("units", [1, 3, 8, 16])


@dataclass
class Pair:
    needed: bool
    address: int
    value: int
    window: bool
    flags: int


def random_pair(random_: random.Random, config: AcceleratorConfig, few_banks: bool) -> Pair:
    """A pair; `few_banks` makes conflicts likely."""
    needed = random_.random() < 0.9
    address = random_.randrange(config.activation_elements)
    if few_banks:
        address -= address % config.banks - random_.randrange(2)
    window = not needed or random_.random() < 0.3
    return Pair(
        needed,
        address,
        random_.randrange(config.weight_elements),
        window,
        random_.randrange(4),
    )


@dataclass
class Front:
    """Stands where the match stages are: a queue of pairs a unit, shown at random."""

    pairs: Pairs
    banks: int
    queues: list[list[Pair]]
    random_: random.Random
    shown: list[Pair | None] = field(init=False)

    def __post_init__(self) -> None:
        self.shown = [None] * len(self.queues)

    def show(self) -> None:
        """Fills free places; a pair that waits for its grant stays."""
        for unit, queue in enumerate(self.queues):
            if self.shown[unit] is None and queue and self.random_.random() < 0.8:
                self.shown[unit] = queue.pop(0)
            pair = self.shown[unit]
            self.pairs.valid[unit].next = pair is not None
            if pair is not None:
                self.pairs.needed[unit].next = pair.needed
                self.pairs.bank[unit].next = pair.address % self.banks
                self.pairs.row[unit].next = pair.address // self.banks
                self.pairs.value[unit].next = pair.value
                self.pairs.window[unit].next = pair.window
                self.pairs.flags[unit].next = pair.flags

    def take(self) -> dict[int, Pair]:
        """The pairs granted in this cycle, by unit, now gone."""
        taken: dict[int, Pair] = {}
        for unit, pair in enumerate(self.shown):
            if self.pairs.grant[unit]:
                assert pair is not None, "only a valid pair must be granted"
                taken[unit] = pair
                self.shown[unit] = None
        return taken

    @property
    def empty(self) -> bool:
        return not any(self.queues) and not any(self.shown)


def make_front(
    config: AcceleratorConfig, pairs: Pairs, seed: int, pairs_a_unit: int, few_banks: bool
) -> Front:
    random_ = random.Random(seed)
    queues = [
        [random_pair(random_, config, few_banks) for _ in range(pairs_a_unit)]
        for _ in range(config.units)
    ]
    return Front(pairs, config.banks, queues, random_)


@UNITS
@pytest.mark.parametrize("few_banks", [False, True], ids=["spread", "crowded"])
def test_grants(units: int, few_banks: bool) -> None:
    """One grant a copy of a bank, none idle that is wanted, nobody waits for `units` cycles."""
    config = small_config(units=units)
    clock, pairs, read, monitor = bit(), Pairs(config), ReadPort(config), Monitor(config)
    room = [bit() for _ in range(units)]
    dut = bank_arbiter(clock, stage_reset(), bit(), pairs, room, read, monitor, config=config)
    front = make_front(config, pairs, units, 40, few_banks)
    waited = [0] * units

    def bits(vector: Any) -> set[int]:
        return {unit for unit in range(units) if vector[unit]}

    def script() -> Iterator[Any]:
        while not front.empty:
            yield clock.negedge
            front.show()
            for unit in range(units):
                room[unit].next = front.random_.random() < 0.7
            yield clock.posedge
            shown = {unit: pair for unit, pair in enumerate(front.shown) if pair is not None}
            full = {unit for unit, pair in shown.items() if pair.window and not room[unit]}
            wanting = {u for u, pair in shown.items() if pair.needed and u not in full}
            granted = front.take()
            reading = {unit: pair for unit, pair in granted.items() if pair.needed}
            assert not granted.keys() & full, "no window must end without room for its sum"
            ends = {unit for unit, pair in shown.items() if not pair.needed} - full
            assert ends <= granted.keys(), "the end of a window must need no bank"
            ports = Counter(
                (int(pairs.copy[unit]), pair.address % config.banks)
                for unit, pair in reading.items()
            )
            assert set(ports.values()) <= {1}, "a copy of a bank must serve one unit a cycle"
            served = Counter(bank for _, bank in ports)
            wanted = Counter(shown[unit].address % config.banks for unit in wanting)
            assert served == {b: min(n, BANK_COPIES) for b, n in wanted.items()}
            for unit, pair in reading.items():
                bank, row = pair.address % config.banks, pair.address // config.banks
                assert read.row[pairs.copy[unit] * config.banks + bank] == row
            assert read.enable == bool(reading)
            assert bits(monitor.operands) == reading.keys()
            assert bits(monitor.conflict) == wanting - reading.keys()
            assert bits(monitor.blocked) == full
            for unit in range(units):
                losing = unit in wanting and unit not in granted
                waited[unit] = waited[unit] + 1 if losing else 0
                assert waited[unit] < units, f"unit {unit} must not starve"

    run(clock, dut, script=script)


def test_all_units_on_one_bank_take_turns() -> None:
    """With every unit on one bank, each gets its share, whichever unit it is."""
    units, rounds = 5, 12
    config = small_config(units=units)
    clock, pairs, read, monitor = bit(), Pairs(config), ReadPort(config), Monitor(config)
    room = [bit() for _ in range(units)]
    dut = bank_arbiter(clock, stage_reset(), bit(), pairs, room, read, monitor, config=config)
    counts = [0] * units

    def script() -> Iterator[Any]:
        for unit in range(units):
            pairs.valid[unit].next = pairs.needed[unit].next = room[unit].next = True
            pairs.bank[unit].next = 3
        yield clock.negedge
        for _ in range(rounds * units):
            yield clock.posedge
            for unit in range(units):
                counts[unit] += bool(pairs.grant[unit])

    run(clock, dut, script=script)
    assert counts == [rounds * BANK_COPIES] * units


def test_a_job_starts_with_unit_0_first() -> None:
    """The turns of the job before leave no trace, so that a job always takes as many cycles."""
    units = 4
    config = small_config(units=units)
    clock, start, pairs, read = bit(), bit(), Pairs(config), ReadPort(config)
    room = [bit() for _ in range(units)]
    dut = bank_arbiter(
        clock, stage_reset(), start, pairs, room, read, Monitor(config), config=config
    )

    def script() -> Iterator[Any]:
        for unit in range(units):
            pairs.needed[unit].next = room[unit].next = True
            pairs.bank[unit].next = 1
        for turns in range(1, units + 1):
            start.next = True
            yield clock.posedge
            start.next = False
            for turn in range(turns):
                for unit in range(units):
                    pairs.valid[unit].next = True
                yield clock.posedge
                granted = {unit for unit in range(units) if pairs.grant[unit]}
                assert granted == {turn, (turn + 1) % units}
            for unit in range(units):
                pairs.valid[unit].next = False
            yield clock.posedge

    run(clock, dut, script=script)


@UNITS
def test_operands(units: int) -> None:
    """Each unit gets its pairs' weights and activations, in order, at the promised latency."""
    config = small_config(units=units)
    clock, reset = bit(), stage_reset()
    pairs, read, monitor = Pairs(config), ReadPort(config), Monitor(config)
    load, write = LoadWrite(config), ActivationWrite(config)
    room = [bit() for _ in range(units)]
    operands = [Operands(config) for _ in range(units)]
    front = make_front(config, pairs, 7 * units, 40, few_banks=False)
    random_ = random.Random(units)
    activations = [random_.randrange(-128, 128) for _ in range(config.activation_elements)]
    weights = [
        [random_.randrange(-128, 128) for _ in range(config.weight_elements)] for _ in range(units)
    ]
    stages = [
        unit_operands(
            clock, reset, load, load.values(u), pairs.needed[u], pairs.bank[u], pairs.copy[u],
            pairs.value[u], pairs.window[u], pairs.flags[u], pairs.grant[u], read.data, operands[u],
            config=config,
        )
        for u in range(units)
    ]  # fmt: skip
    memory = activation_memory(clock, write, read, StoreRead(config), config=config)
    arbiter = bank_arbiter(clock, reset, bit(), pairs, room, read, monitor, config=config)

    def packed(values: list[int], index: int) -> int:
        return sum((value & 255) << 8 * k for k, value in enumerate(values[4 * index :][:4]))

    def script() -> Iterator[Any]:
        write.enable.next, write.wide.next = True, True
        for index in range(config.activation_elements // 4):
            write.address.next, write.data.next = 4 * index, packed(activations, index)
            yield clock.posedge
        write.enable.next = False
        for unit in range(units):
            load.values.next = 1 << unit
            for index in range(config.weight_words):
                load.address.next, load.data.next = index, packed(weights[unit], index)
                yield clock.posedge
        load.values.next = 0
        yield clock.posedge
        on_the_way: list[dict[int, Pair]] = [{} for _ in range(operand_latency_cycles(config))]
        while not front.empty or any(on_the_way):
            yield clock.negedge
            front.show()
            for unit in range(units):
                room[unit].next = front.random_.random() < 0.7
            yield clock.posedge
            arriving = on_the_way.pop(0)
            for unit, seen in enumerate(operands):
                pair = arriving.get(unit)
                assert seen.valid == (pair is not None and pair.needed)
                assert seen.window == (pair is not None and pair.window)
                if pair is not None and pair.needed:
                    assert seen.weight == weights[unit][pair.value]
                    assert seen.activation == activations[pair.address]
                if pair is not None and pair.window:
                    assert seen.flags == pair.flags
            on_the_way.append(front.take())

    run(clock, stages, memory, arbiter, script=script)
