"""Counts the values before each section of a unit's weights, while the sections are loaded."""

from myhdl import always, always_seq, block, concat, intbv

from hdl.bundles import word
from hdl.config import SECTION_BITS


@block
def section_loads(clock, reset, load, enable, address, entry, *, config, operations):
    """`entry` is a loaded bitmap with the number of ones before it in its packet; latency 1 cycle.

    Bit `u` of `enable` writes it to unit `u`, at `address`.
    """
    ones = operations.ones
    base_bits = len(entry) - SECTION_BITS
    counted = word(base_bits)
    sum_bits = base_bits + 1

    @always_seq(clock.posedge, reset=reset)
    def seq_enable():
        enable.next = load.bitmaps

    @always(clock.posedge)
    def seq_entry():
        if load.bitmaps != 0:
            base = intbv(0)[base_bits:]
            following = intbv(0)[sum_bits:]
            base[:] = counted
            if load.first:
                base[:] = 0
            following[:] = base + ones(load.data)
            counted.next = following[base_bits:]
            address.next = load.address
            entry.next = concat(base, load.data)

    return seq_enable, seq_entry
