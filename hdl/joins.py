"""Gathers single bits of the units into one vector."""

from myhdl import ConcatSignal, always_comb, block


@block
def join_bits(vector, bits):
    """Bit `u` of `vector` follows `bits[u]`."""
    joined = ConcatSignal(*reversed(bits)) if len(bits) > 1 else bits[0]

    @always_comb
    def comb_join():
        vector.next = joined

    return comb_join
