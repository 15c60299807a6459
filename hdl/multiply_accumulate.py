"""Stages 5 and 6: multiply and accumulate; two finished windows may wait for the collector."""

from myhdl import always_comb, always_seq, block

from hdl.bundles import bit, number, word

RESULT_DEPTH = 2


@block
def multiply_accumulate(
    clock, reset, operands, sent, valid, total, flags, take, room, useful,
    *, config,
):  # fmt: skip
    """One product a cycle; a window's sum stands at the output 2 cycles after its last operands.

    `operands.window` ends a window, with or without operands (`operands.valid`). The pipeline never
    stalls: `sent` announces the end of a window, and `room` is low while two
    windows are under way or wait for `take`. The accumulator is wide enough never to wrap (the
    compiler proves it for each filter).
    """
    acc_bits = config.accumulator_bits
    product = number(2 * config.bits)
    product_valid, product_window = bit(), bit()
    product_flags, waiting_flags = word(len(flags)), word(len(flags))
    accumulator, window_total = number(acc_bits), number(acc_bits)
    pending = word(2)
    waiting = bit()
    waiting_total = number(acc_bits)

    @always_comb
    def comb_room():
        room.next = pending != RESULT_DEPTH

    @always_comb
    def comb_useful():
        useful.next = operands.valid and operands.weight != 0 and operands.activation != 0

    @always_comb
    def comb_total():
        if product_valid:
            window_total.next = accumulator + product
        else:
            window_total.next = accumulator

    @always_seq(clock.posedge, reset=reset)
    def seq_accumulate():
        product_valid.next = operands.valid
        product_window.next = operands.window
        product_flags.next = operands.flags
        if operands.valid:
            product.next = operands.weight * operands.activation
        if product_window:
            accumulator.next = 0
        elif product_valid:
            accumulator.next = window_total
        if sent:
            if not take:
                pending.next = pending + 1
        elif take:
            pending.next = pending - 1
        if take:
            valid.next = waiting
            waiting.next = 0
            total.next = waiting_total
            flags.next = waiting_flags
        if product_window:
            if valid and not take:
                waiting.next = 1
                waiting_total.next = window_total
                waiting_flags.next = product_flags
            else:
                valid.next = 1
                total.next = window_total
                flags.next = product_flags

    return comb_room, comb_useful, comb_total, seq_accumulate
