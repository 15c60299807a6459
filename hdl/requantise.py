"""Stage 8: rounds, saturates and rectifies an accumulator to an activation."""

from myhdl import always, always_seq, block, intbv

from hdl.bundles import bit, number, word


@block
def requantise(clock, reset, job, total, result, *, config):
    """`result = relu(saturate(round_half_even(total / 2^shift)))`, latency 2 cycles, 1 a cycle.

    Rounding adds `2^(shift-1) - 1` and the lowest bit that stays, then shifts arithmetically.
    """
    acc_bits = config.accumulator_bits
    limit = 1 << (config.bits - 1)
    rounded = number(acc_bits + 1)
    listed = config.kind == "list"
    rounded_channel = word(len(total.channel))
    rounded_valid = bit()
    rounded_flags = word(len(total.flags))
    rounded_unit = word(len(total.unit))

    @always_seq(clock.posedge, reset=reset)
    def seq_valid():
        rounded_valid.next = total.valid
        result.valid.next = rounded_valid

    @always(clock.posedge)
    def seq_round():
        if total.valid:
            shifted = intbv(0, min=-(1 << (acc_bits - 1)), max=1 << (acc_bits - 1))
            half = intbv(0)[acc_bits:]
            # one signed addend: in Verilog an unsigned one makes the whole sum unsigned
            rounding = intbv(0, min=-(1 << acc_bits), max=1 << acc_bits)
            half[:] = 0
            rounding[:] = 0
            if job.shift != 0:
                half[job.shift - 1] = 1
                half[:] = half - 1
                shifted[:] = total.total >> job.shift
                rounding[:] = half.signed()
                if shifted[0]:
                    rounding[:] = rounding + 1
            rounded.next = total.total + rounding
        rounded_unit.next = total.unit
        rounded_flags.next = total.flags
        if listed:
            rounded_channel.next = total.channel

    @always(clock.posedge)
    def seq_saturate():
        if rounded_valid:
            value = intbv(0, min=-(1 << acc_bits), max=1 << acc_bits)
            value[:] = rounded >> job.shift
            if value < 0 and job.relu:
                result.total.next = 0
            elif value < -limit:
                result.total.next = -limit
            elif value > limit - 1:
                result.total.next = limit - 1
            else:
                result.total.next = value
        result.unit.next = rounded_unit
        result.flags.next = rounded_flags
        if listed:
            result.channel.next = rounded_channel

    return seq_valid, seq_round, seq_saturate
