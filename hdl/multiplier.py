"""Stage 5: the multiplier of a unit, in as many cycles as its width needs, or of two units."""

from myhdl import always_comb, always_seq, block, intbv

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


PAIR_SHIFT = 16
"""Distance of two weights in a factor: every product of a weight of 8 bits with an activation, at
least -128 and at most 255, fits 16 bits."""


@block
def pair_multiplier(clock, reset, low, high, low_product, high_halves):
    """Products of two weights of 8 bits with the activation they share, by one multiplication.

    `low` and `high` are `Operands`, of which `high` is valid only together with `low`. The second
    product is half of `high_halves`, rounded up: a negative product below it has borrowed one, and
    the last half tells. Latency 1 cycle, 0 without valid operands.
    """
    shift = PAIR_SHIFT
    weights_bits = len(high.weight) + PAIR_SHIFT + 1
    limit = 1 << (weights_bits - 1)
    halves_shift = PAIR_SHIFT - 1
    halves_top = halves_shift + len(high_halves)
    weights = number(weights_bits)
    product = number(weights_bits + len(low.activation))

    @always_comb
    def comb_weights():
        both = intbv(0, min=-limit, max=limit)
        both[:] = 0
        if high.valid:
            both[:] = high.weight
        both[:] = both << shift
        weights.next = both + low.weight

    @always_seq(clock.posedge, reset=reset)
    def seq_product():
        if low.valid:
            product.next = weights * low.activation
        else:
            product.next = 0

    @always_comb
    def comb_split():
        low_product.next = product[shift:].signed()
        high_halves.next = product[halves_top:halves_shift].signed()

    return comb_weights, seq_product, comb_split
