"""Activations are signed or unsigned; multipliers take one more bit, signed."""

from myhdl import always_comb, block, intbv


@block
def sign_extend(value, is_unsigned, extended):
    """`extended`, one bit wider and signed, has the number that `value` stands for; combinational.

    Behind a register, not in front: there the block RAM's delay leaves no time.
    """
    bits = len(value)
    sign = bits - 1

    @always_comb
    def comb_extend():
        wide = intbv(0)[bits + 1 :]
        wide[:] = value
        if value[sign] and not is_unsigned:
            wide[bits] = 1
        extended.next = wide.signed()

    return comb_extend
