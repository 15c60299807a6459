"""Bits and vectors with a bit a unit."""

from collections.abc import Iterator
from typing import Any

import pytest
from myhdl import Signal, intbv

from hdl.bundles import bit
from hdl.joins import join_bits, spread_bit
from tests.hdl.bench import run


@pytest.mark.parametrize("width", [1, 3])
def test_joins_and_spreads(width: int) -> None:
    clock, flag = bit(), bit()
    bits = [bit() for _ in range(width)]
    joined, spread = (Signal(intbv(0)[width:]) for _ in range(2))

    def script() -> Iterator[Any]:
        for value in [*range(1 << width), 0]:
            for index in range(width):
                bits[index].next = bool(value >> index & 1)
            flag.next = bool(value & 1)
            yield clock.negedge
            assert joined == value
            assert spread == ((1 << width) - 1) * (value & 1)
            yield clock.posedge

    run(clock, join_bits(joined, bits), spread_bit(spread, flag), script=script)
