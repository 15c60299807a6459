"""The multiplier: exact products at every width, at its latency, zero without operands."""

import random
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdl.bundles import Operands, bit, number
from hdl.multiplier import multiplier, multiply_cycles
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
