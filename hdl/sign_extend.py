"""Activations are signed or unsigned; multipliers take one more bit, signed."""

from myhdl import always_comb, block, intbv


@block
def sign_extend(value, negative, extended):
    """`extended`, one bit wider and signed, is the number that `value` stands for; wires only.

    Who registers `value` registers with it whether it is `negative`: a gate behind the register
    would be in front of the multiplier.
    """
    bits = len(value)

    @always_comb
    def comb_extend():
        wide = intbv(0)[bits + 1 :]
        wide[:] = value
        wide[bits] = negative
        extended.next = wide.signed()

    return comb_extend
