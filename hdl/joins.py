"""Between single bits and vectors with a bit a unit."""

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


@block
def spread_bit(vector, flag):
    """Every bit of `vector` follows `flag`, combinational."""
    width = len(vector)

    @always_comb
    def comb_spread():
        spread = intbv(0)[width:]
        spread[:] = 0
        for u in range(width):
            if flag:
                spread[u] = 1
        vector.next = spread

    return comb_spread
