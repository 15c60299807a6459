"""The multiplier: exact products at every width, at its latency, zero without operands."""

import random
from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import Operands, bit, number
from hdl.multiplier import PAIR_SHIFT, multiplier, multiply_cycles, pair_multiplier
from tests.hdl.bench import UNSHRUNK, run, small_config, stage_reset

BITS = pytest.mark.parametrize("bits", [8, 16, 32])
LATENCY_CYCLES = {8: 1, 16: 1, 32: 2}


def check_products(bits: int, pairs: list[tuple[int, int] | None]) -> None:
    """A pair a cycle, or none."""
    config = small_config(bits=bits)
    assert multiply_cycles(config) == LATENCY_CYCLES[bits]
    clock, operands, result = bit(), Operands(config), number(2 * bits + 1)
    dut = multiplier(clock, stage_reset(), operands, result, config=config)

    def script() -> Iterator[Any]:
        expected: list[int | None] = [None] * LATENCY_CYCLES[bits]
        for pair in [*pairs, *[None] * LATENCY_CYCLES[bits]]:
            operands.valid.next = pair is not None
            if pair is not None:
                operands.weight.next, operands.activation.next = pair
            yield clock.posedge
            wanted = expected.pop(0)
            assert wanted is None or result == wanted
            expected.append(pair[0] * pair[1] if pair is not None else 0)

    run(clock, dut, script=script)


@BITS
def test_extreme_values(bits: int) -> None:
    """Signed weights with signed and unsigned activations; around both ends and half words."""
    limit = 1 << (bits - 1)
    half = 1 << (bits // 2)
    some = {0, 1, -1, half - 1, half, -half, -half - 1, half // 2, -limit, limit - 1, 1 - limit}
    activations = sorted(some | {limit, 2 * limit - 1, 2 * limit - half, half * (half - 1)})
    weights = sorted(value for value in some if -limit <= value < limit)
    check_products(bits, list(product(weights, activations)))


@given(data=st.data(), bits=st.sampled_from([8, 16, 32]))
@settings(max_examples=15, phases=UNSHRUNK)
def test_random_values(data: st.DataObject, bits: int) -> None:
    limit = 1 << (bits - 1)
    pair = st.tuples(st.integers(-limit, limit - 1), st.integers(-limit, 2 * limit - 1))
    check_products(bits, data.draw(st.lists(st.none() | pair, min_size=1, max_size=60)))


@BITS
def test_operands_that_are_not_valid_do_not_count(bits: int) -> None:
    random_ = random.Random(bits)
    config = small_config(bits=bits)
    clock, operands, result = bit(), Operands(config), number(2 * bits + 1)
    dut = multiplier(clock, stage_reset(), operands, result, config=config)

    def script() -> Iterator[Any]:
        for cycle in range(20):
            operands.weight.next = random_.randrange(1, 100)
            operands.activation.next = random_.randrange(1, 100)
            yield clock.posedge
            assert cycle < LATENCY_CYCLES[bits] or result == 0

    run(clock, dut, script=script)


class PairBench:
    """Two units that share a multiplier and an activation."""

    def __init__(self) -> None:
        config = small_config(kind="dense", bits=8, products_per_multiplier=2)
        self.clock = bit()
        self.low, self.high = Operands(config), Operands(config)
        self.high.activation = self.low.activation
        self.low_product, self.high_halves = number(17), number(18)
        self.dut = pair_multiplier(
            self.clock, stage_reset(), self.low, self.high, self.low_product, self.high_halves
        )

    def check(self, items: Iterable[tuple[int, int, int] | None], *, alone: bool = False) -> None:
        """Weights and activation a cycle, or nothing; `alone` without the second unit."""

        def script() -> Iterator[Any]:
            wanted: tuple[int, int] | None = None
            for item in [*items, None]:
                self.low.valid.next = item is not None
                self.high.valid.next = item is not None and not alone
                if item is not None:
                    self.low.weight.next, self.high.weight.next = item[:2]
                    self.low.activation.next = item[2]
                yield self.clock.posedge
                found = int(self.low_product), (int(self.high_halves) + 1) >> 1
                assert wanted is None or found == wanted
                if item is None:
                    wanted = 0, 0
                else:
                    wanted = item[0] * item[2], 0 if alone else item[1] * item[2]

        run(self.clock, self.dut, script=script, limit_cycles=200_000)


@pytest.mark.parametrize("alone", [False, True])
def test_pairs_of_extreme_values(alone: bool) -> None:
    """Every weight and activation in the low half, beside the ends and the middle in the high."""
    ends = (-128, -1, 0, 1, 127)
    activations = (-128, -127, -1, 0, 1, 2, 127, 128, 254, 255)
    PairBench().check(product(range(-128, 128), ends, activations), alone=alone)


@given(data=st.data())
@settings(max_examples=15, phases=UNSHRUNK)
def test_random_pairs(data: st.DataObject) -> None:
    weight = st.integers(-128, 127)
    item = st.none() | st.tuples(weight, weight, st.integers(-128, 255))
    PairBench().check(data.draw(st.lists(item, min_size=1, max_size=100)))


def test_two_products_are_told_apart_whatever_they_are() -> None:
    """The arithmetic of `pair_multiplier` on every pair of weights with every activation."""
    weights = np.arange(-128, 128)
    low, high = weights[:, None], weights[None, :]
    for activation in range(-128, 256):
        whole = ((high << PAIR_SHIFT) + low) * activation
        borrow = (whole >> (PAIR_SHIFT - 1)) & 1
        apart = (whole & ((1 << PAIR_SHIFT) - 1)) - (borrow << PAIR_SHIFT)
        assert (apart == low * activation).all()
        assert ((whole >> PAIR_SHIFT) + borrow == high * activation).all()
