"""What the simulator counts fast is what the converter's functions count, and both are right."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from myhdl import intbv

from hdl.bit_operations import SIMULATION, SYNTHESIS, BitOperations

BOTH = pytest.mark.parametrize(
    "operations", [SYNTHESIS, SIMULATION], ids=["synthesis", "simulation"]
)


def vector_of(value: int) -> intbv:
    return intbv(value)[32:]


@BOTH
def test_one_hot_index(operations: BitOperations) -> None:
    for index in range(32):
        assert operations.one_hot_index(vector_of(1 << index)) == index
    assert operations.one_hot_index(vector_of(0)) == 0


@BOTH
@given(value=st.integers(0, 2**32 - 1))
@example(value=0)
@example(value=2**32 - 1)
def test_ones(operations: BitOperations, value: int) -> None:
    assert operations.ones(vector_of(value)) == bin(value).count("1")
