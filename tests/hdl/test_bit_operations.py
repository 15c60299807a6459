"""What the simulator counts fast is what the converter's functions count, and both are right."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from myhdl import intbv

from hdl.bit_operations import SIMULATION, SYNTHESIS, BitOperations

VECTORS = st.integers(0, 2**32 - 1)
BOTH = pytest.mark.parametrize(
    "operations", [SYNTHESIS, SIMULATION], ids=["synthesis", "simulation"]
)


def vector_of(value: int) -> intbv:
    return intbv(value)[32:]


@BOTH
@given(value=VECTORS)
@example(value=0)
@example(value=1 << 31)
@example(value=2**32 - 1)
def test_lowest_one(operations: BitOperations, value: int) -> None:
    ones = [i for i in range(32) if value >> i & 1]
    assert operations.lowest_one(vector_of(value)) == (ones[0] if ones else 0)


@BOTH
@given(value=VECTORS, index=st.integers(0, 31))
@example(value=2**32 - 1, index=0)
@example(value=2**32 - 1, index=31)
def test_ones_below(operations: BitOperations, value: int, index: int) -> None:
    wanted = sum(value >> i & 1 for i in range(index))
    assert operations.ones_below(vector_of(value), intbv(index)[5:]) == wanted


@BOTH
@given(value=VECTORS)
@example(value=2**32 - 1)
def test_ones(operations: BitOperations, value: int) -> None:
    assert operations.ones(vector_of(value)) == bin(value).count("1")
