"""Stage 5: the multiplier of a unit, in as many cycles as its width needs."""

from myhdl import always_seq, block, intbv

from hdl.bundles import number
from hdl.config import AcceleratorConfig

HALF = 16


def multiply_cycles(config: AcceleratorConfig) -> int:
    """Cycles from operands to product: 32 bits take four hardware multipliers and an adder."""
    return 2 if config.bits == 32 else 1


@block
def multiplier(clock, reset, operands, product, *, config):
    """`product` of weight and activation, 0 without valid operands; latency `multiply_cycles`.

    `reset` clears it too: a product under way must not reach the next job's first sum.
    """
    bits = config.bits
    if multiply_cycles(config) == 1:

        @always_seq(clock.posedge, reset=reset)
        def seq_product():
            if operands.valid:
                product.next = operands.weight * operands.activation
            else:
                product.next = 0

        return seq_product

    low, cross, high = number(2 * HALF + 2), number(2 * HALF + 3), number(2 * HALF + 3)
    second_cross = number(2 * HALF + 3)
    half = HALF
    activation_bits = bits + 1

    @always_seq(clock.posedge, reset=reset)
    def seq_parts():
        weight_low = intbv(0, min=-(1 << HALF), max=1 << HALF)
        activation_low = intbv(0, min=-(1 << HALF), max=1 << HALF)
        weight_high = intbv(0, min=-(1 << HALF), max=1 << HALF)
        activation_high = intbv(0, min=-(1 << HALF), max=1 << HALF)
        # the low halves are unsigned: a variable one bit wider keeps the products signed
        weight_low[:] = operands.weight[half:]
        activation_low[:] = operands.activation[half:]
        weight_high[:] = operands.weight[bits:half].signed()
        activation_high[:] = operands.activation[activation_bits:half].signed()
        if operands.valid:
            low.next = weight_low * activation_low
            cross.next = weight_low * activation_high
            second_cross.next = weight_high * activation_low
            high.next = weight_high * activation_high
        else:
            low.next = 0
            cross.next = 0
            second_cross.next = 0
            high.next = 0

    @always_seq(clock.posedge, reset=reset)
    def seq_sum():
        whole = intbv(0, min=-(1 << (2 * bits + 1)), max=1 << (2 * bits + 1))
        middle = intbv(0, min=-(1 << (2 * bits + 1)), max=1 << (2 * bits + 1))
        whole[:] = high
        whole[:] = whole << (2 * half)
        whole[:] = whole + low
        middle[:] = cross + second_cross
        whole[:] = whole + (middle << half)
        product.next = whole

    return seq_parts, seq_sum
