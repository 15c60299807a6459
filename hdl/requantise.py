"""Stage 8: scales, rounds and clamps a sum to an activation."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import Sum, bit, number, word
from hdl.packets import CHANNEL_SHIFT_WIDTH, MULTIPLIER_WIDTH

FINE_LEVELS = 3
"""Levels of the barrel shifter after its register: shifts by 1, 2 and 4."""


@block
def shift_level(enable, wide, inexact, shifted, still_inexact, *, by):
    """One level of a barrel shifter, combinational: right by `by`, if `enable`.

    `still_inexact` tells whether a one was shifted out here or before.
    """

    @always_comb
    def comb_level():
        if enable:
            shifted.next = wide >> by
            still_inexact.next = inexact or wide[by:] != 0
        else:
            shifted.next = wide
            still_inexact.next = inexact

    return comb_level


@block
def shift_levels(amount, wide, shifted, inexact_in, inexact, *, levels):
    """The levels of a barrel shifter for the bits `levels` of `amount`; combinational."""
    last = levels[-1]
    blocks = []
    for level in levels:
        following, following_inexact = shifted, inexact
        if level != last:
            following, following_inexact = number(len(wide)), bit()
        blocks.append(
            shift_level(
                amount(level), wide, inexact_in, following, following_inexact, by=1 << level
            )
        )
        wide, inexact_in = following, following_inexact
    return blocks


@block
def scale(clock, reset, total, scaled):
    """`scaled.total = total.total * total.multiplier`; latency 1 cycle."""
    positive = 1 << MULTIPLIER_WIDTH

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        scaled.valid.next = total.valid

    @always(clock.posedge)
    def seq_scale():
        factor = intbv(0, min=-positive, max=positive)
        # one bit wider than the field: in Verilog an unsigned factor makes the product unsigned
        factor[:] = total.multiplier
        scaled.total.next = total.total * factor
        scaled.shift.next = total.shift
        scaled.address.next = total.address
        scaled.channel.next = total.channel
        scaled.flags.next = total.flags
        scaled.end.next = total.end

    return seq_valid, seq_scale


@block
def round_and_clamp(clock, reset, job, total, result, read_channel, reading, *, config):
    """`result = clamp(round_half_even(total / 2^shift), low, high)`, latency 3 cycles, 1 a cycle.

    The shift is the job's, or with channel scales that of `total`. The sum is shifted in two
    steps with one bit below the point; what is shifted out beyond it only breaks ties.
    `reading` and `read_channel` tell of the result 2 cycles before it.
    """
    bits = config.bits
    wide_bits = len(total.total) + 1
    high_bits = bits + 2
    kept_bits = high_bits + 1
    levels = range((wide_bits - 1).bit_length())
    amount = total.shift if config.channel_scales else job.shift
    levels_count = len(levels)
    high_low = min(levels_count, CHANNEL_SHIFT_WIDTH - 1)
    beyond_levels = levels_count < CHANNEL_SHIFT_WIDTH
    longest = (1 << levels_count) - 1
    limited = word(levels_count)
    late_amount = word(FINE_LEVELS)
    extended, coarse, shifted_coarse, fine = (number(wide_bits) for _ in range(4))
    exact = bit()
    lost, lost_coarse, lost_fine, inexact = (bit() for _ in range(4))
    near = number(kept_bits)
    over, negative = bit(), bit()
    first, second = Sum(config, bits + 1), Sum(config, bits + 1)
    first_valid, first_address, first_channel = first.valid, first.address, first.channel
    first_flags, first_end = first.flags, first.end
    second_valid, second_address, second_channel = second.valid, second.address, second.channel
    second_flags, second_end = second.flags, second.end
    limit = 1 << (bits + 1)

    coarse_levels = shift_levels(
        limited, extended, coarse, exact, lost, levels=list(levels[FINE_LEVELS:])
    )
    fine_levels = shift_levels(
        late_amount, shifted_coarse, fine, lost_coarse, lost_fine, levels=list(levels[:FINE_LEVELS])
    )

    @always_comb
    def comb_amount():
        limited.next = amount[levels_count:]
        if beyond_levels:
            # whatever the sum, a shift by the longest amount leaves nothing
            if amount[CHANNEL_SHIFT_WIDTH:high_low] != 0:
                limited.next = longest

    @always_comb
    def comb_extend():
        extended.next = total.total << 1
        exact.next = 0
        read_channel.next = first_channel
        reading.next = first_valid

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        first_valid.next = total.valid
        second_valid.next = first_valid
        result.valid.next = second_valid

    @always(clock.posedge)
    def seq_pass():
        first_address.next = total.address
        first_channel.next = total.channel
        first_flags.next = total.flags
        first_end.next = total.end
        second_address.next = first_address
        second_channel.next = first_channel
        second_flags.next = first_flags
        second_end.next = first_end
        result.address.next = second_address
        result.channel.next = second_channel
        result.flags.next = second_flags
        result.end.next = second_end
        late_amount.next = limited[FINE_LEVELS:]

    @always(clock.posedge)
    def seq_shift():
        shifted_coarse.next = coarse
        lost_coarse.next = lost
        near.next = fine[kept_bits:].signed()
        inexact.next = lost_fine
        negative.next = fine < 0
        beyond = intbv(0, min=-(1 << (wide_bits - 1)), max=1 << (wide_bits - 1))
        beyond[:] = fine >> high_bits
        over.next = beyond != 0 and beyond != -1

    @always(clock.posedge)
    def seq_round():
        nearest = intbv(0, min=-(limit * 2), max=limit * 2)
        low = intbv(0, min=-limit, max=limit)
        high = intbv(0, min=-limit, max=limit)
        if job.unsigned_output:
            low[:] = job.low
            high[:] = job.high
        else:
            low[:] = job.low.signed()
            high[:] = job.high.signed()
        nearest[:] = near >> 1
        if near[0] and (inexact or near[1]):
            nearest[:] = nearest + 1
        if over:
            if negative:
                result.total.next = low
            else:
                result.total.next = high
        elif nearest < low:
            result.total.next = low
        elif nearest > high:
            result.total.next = high
        else:
            result.total.next = nearest

    return (
        coarse_levels, fine_levels, comb_amount, comb_extend, seq_valid, seq_pass, seq_shift,
        seq_round,
    )  # fmt: skip


@block
def requantise(clock, reset, job, total, result, read_channel, reading, *, config):
    """Rounds sums to results; latency 3 cycles, or 4 with channel scales, 1 a cycle."""
    if not config.channel_scales:
        return round_and_clamp(
            clock, reset, job, total, result, read_channel, reading, config=config
        )
    scaled = Sum(config, len(total.total) + MULTIPLIER_WIDTH)
    return (
        scale(clock, reset, total, scaled),
        round_and_clamp(clock, reset, job, scaled, result, read_channel, reading, config=config),
    )
