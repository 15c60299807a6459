"""Sign extension: every number of a width, signed and unsigned."""

from collections.abc import Iterator
from typing import Any

import pytest
from myhdl import Signal

from hdl.bundles import bit, number, word
from hdl.sign_extend import sign_extend
from tests.hdl.bench import run


@pytest.mark.parametrize("bits", [8, 16, 32])
@pytest.mark.parametrize("unsigned", [False, True])
def test_extremes(bits: int, unsigned: bool) -> None:
    value, extended, clock = word(bits), number(bits + 1), bit()
    limit = 1 << (bits - 1)
    low, high = (0, 2 * limit) if unsigned else (-limit, limit)

    def script() -> Iterator[Any]:
        for wanted in (low, low + 1, -1 if low else 1, 0, 1, limit - 1, high - 1):
            value.next = wanted % (1 << bits)
            yield clock.negedge
            assert extended == wanted

    block = sign_extend(value, Signal(unsigned), extended)
    run(clock, block, script=script)
