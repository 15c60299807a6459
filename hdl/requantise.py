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
    rounded_valid, rounded_emit, rounded_final = (bit() for _ in range(3))
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
            odd = intbv(0)[1:]
            half[:] = 0
            odd[:] = 0
            if job.shift != 0:
                half[job.shift - 1] = 1
                half[:] = half - 1
                shifted[:] = total.total >> job.shift
                odd[:] = shifted[0]
            rounded.next = total.total + half.signed() + odd
        rounded_unit.next = total.unit
        rounded_emit.next = total.emit
        rounded_final.next = total.final

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
        result.emit.next = rounded_emit
        result.final.next = rounded_final

    return seq_valid, seq_round, seq_saturate
