"""Gathers single bits of the units into one vector."""

from myhdl import always_comb, block, intbv


@block
def join_bits(vector, bits):
    """Bit `u` of `vector` follows `bits[u]`, combinational."""
    width = len(bits)

    @always_comb
    def comb_join():
        joined = intbv(0)[width:]
        joined[:] = 0
        for u in range(width):
            if bits[u]:
                joined[u] = 1
        vector.next = joined

    return comb_join
