"""Counting and finding bits: one convertible form, and one that Python runs fast.

A block takes either set as a parameter: the simulator uses `SIMULATION`, the converter `SYNTHESIS`.
`tests/hdl/test_bit_operations.py` ties the two together.
"""

from collections.abc import Callable
from dataclasses import dataclass

from myhdl import intbv


def lowest_one(vector):
    """Index of the lowest one; 0 if there is none."""
    index = intbv(0)[5:]
    for i in range(32):
        if vector[31 - i]:
            index[:] = 31 - i
    return index


def ones_below(vector, index):
    """How many ones lie below `index`."""
    total = intbv(0)[6:]
    for i in range(32):
        if vector[i] and i < index:
            total[:] = total + 1
    return total


def ones(vector):
    """How many ones there are."""
    total = intbv(0)[6:]
    for i in range(32):
        if vector[i]:
            total[:] = total + 1
    return total


def _fast_lowest_one(vector):
    value = int(vector)
    return max((value & -value).bit_length() - 1, 0)


def _fast_ones_below(vector, index):
    return (int(vector) & ((1 << int(index)) - 1)).bit_count()


def _fast_ones(vector):
    return int(vector).bit_count()


@dataclass(frozen=True)
class BitOperations:
    """Functions on a 32-bit vector, combinational."""

    lowest_one: Callable
    """Index of the lowest one; 0 if there is none."""
    ones_below: Callable
    """How many ones lie below an index."""
    ones: Callable
    """How many ones there are, 0 to 32."""


SYNTHESIS = BitOperations(lowest_one, ones_below, ones)
SIMULATION = BitOperations(_fast_lowest_one, _fast_ones_below, _fast_ones)
