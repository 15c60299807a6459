"""Sign extension: the ends of the range, with and without a sign."""

from collections.abc import Iterator
from typing import Any

import pytest

from hdl.bundles import bit, number, word
from hdl.sign_extend import sign_extend
from tests.hdl.bench import run


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_extremes(bits: int) -> None:
    value, negative, extended, clock = word(bits), bit(), number(bits + 1), bit()
    limit = 1 << bits

    def script() -> Iterator[Any]:
        for wanted in (-limit, 1 - limit, -limit // 2, -1, 0, 1, limit // 2, limit - 1):
            value.next = wanted % limit
            negative.next = wanted < 0
            yield clock.negedge
            assert extended == wanted

    run(clock, sign_extend(value, negative, extended), script=script)
