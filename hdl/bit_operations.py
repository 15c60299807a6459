"""Counting and finding bits: one convertible form, and one that Python runs fast.

A block takes either set as a parameter: the simulator uses `SIMULATION`, the converter `SYNTHESIS`.
`tests/hdl/test_bit_operations.py` ties the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from myhdl import intbv


def one_hot_index(vector):
    """Index of the only one; 0 if there is none."""
    index = intbv(0)[5:]
    # the masks leave out bit 31, which belongs to all: VHDL's integers end there
    if (vector & 0x2AAAAAAA) != 0 or vector[31]:
        index[0] = 1
    if (vector & 0x4CCCCCCC) != 0 or vector[31]:
        index[1] = 1
    if (vector & 0x70F0F0F0) != 0 or vector[31]:
        index[2] = 1
    if (vector & 0x7F00FF00) != 0 or vector[31]:
        index[3] = 1
    if (vector & 0x7FFF0000) != 0 or vector[31]:
        index[4] = 1
    return index


def ones(vector):
    """How many ones there are, added in a tree."""
    total = intbv(0)[32:]
    total[:] = vector
    total[:] = (total & 0x55555555) + ((total >> 1) & 0x55555555)
    total[:] = (total & 0x33333333) + ((total >> 2) & 0x33333333)
    total[:] = (total & 0x0F0F0F0F) + ((total >> 4) & 0x0F0F0F0F)
    total[:] = (total & 0x00FF00FF) + ((total >> 8) & 0x00FF00FF)
    total[:] = (total & 0x0000FFFF) + (total >> 16)
    return total[6:]


def _fast_one_hot_index(vector):
    return max(int(vector).bit_length() - 1, 0)


def _fast_ones(vector):
    return int(vector).bit_count()


@dataclass(frozen=True)
class BitOperations:
    """Functions on a 32-bit vector, combinational."""

    one_hot_index: Callable
    """Index of the only one; 0 if there is none."""
    ones: Callable
    """How many ones there are, 0 to 32."""


SYNTHESIS = BitOperations(one_hot_index, ones)
SIMULATION = BitOperations(_fast_one_hot_index, _fast_ones)
