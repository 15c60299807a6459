"""Stage 6: accumulates a filter's products; finished sums wait for the collector."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, number, result_depth, word
from hdl.multiplier import multiplier, multiply_cycles


@block
def result_registers(clock, reset, finished, total, take, place, totals):
    """One or two registers, filled in turn; `place` says which of them is the oldest."""
    two = len(totals) == 2
    first = totals[0]
    second = totals[1] if two else number(len(total))
    write_place = bit()

    @always_seq(clock.posedge, reset=reset)
    def seq_place():
        if two:
            if finished:
                write_place.next = not write_place
            if take:
                place.next = not place

    @always(clock.posedge)
    def seq_results():
        if finished:
            if write_place:
                second.next = total
            else:
                first.next = total

    return seq_place, seq_results


@block
def result_queue(clock, reset, finished, total, take, oldest, *, depth):
    """A queue in distributed RAM; `oldest` holds what was taken from the cycle after `take` on."""
    words = [number(len(total)) for _ in range(depth)]
    pointer_bits = (depth - 1).bit_length()
    write_pointer, read_pointer = word(pointer_bits), word(pointer_bits)
    head = number(len(total))

    @always_seq(clock.posedge, reset=reset)
    def seq_pointers():
        if finished:
            write_pointer.next = (write_pointer + 1) % depth
        if take:
            read_pointer.next = (read_pointer + 1) % depth

    @always_comb
    def comb_head():
        head.next = words[read_pointer]

    @always(clock.posedge)
    def seq_queue():
        if finished:
            words[write_pointer].next = total
        if take:
            oldest.next = head

    return seq_pointers, comb_head, seq_queue


@block
def accumulate(
    clock, reset, operands, product, sent, valid, place, totals, take, room, useful,
    *, config, halves=False, full=None,
):  # fmt: skip
    """Sums the products of `operands`, which come `multiply_cycles` after them.

    With `halves` a product is half of `product`, rounded up (`hdl.multiplier.pair_multiplier`). For
    the rest see `multiply_accumulate`.
    """
    depth = result_depth(config)
    acc_bits = config.accumulator_bits
    accumulator, total = number(acc_bits), number(acc_bits)
    early, late = bit(), bit()
    finished = early if multiply_cycles(config) == 1 else late
    pending, waiting = word(depth.bit_length()), word(depth.bit_length())
    if depth > 2:
        results = result_queue(clock, reset, finished, total, take, totals[0], depth=depth)
    else:
        results = result_registers(clock, reset, finished, total, take, place, totals)
    double_limit = 1 << acc_bits

    @always_comb
    def comb_state():
        room.next = pending != depth
        valid.next = waiting != 0
        useful.next = operands.valid and operands.weight != 0 and operands.activation != 0

    @always_comb
    def comb_total():
        if halves:
            # one adder: the half that is added carries a half of the product over
            double = intbv(0, min=-double_limit, max=double_limit)
            double[:] = accumulator
            double[:] = double << 1
            double[0] = 1
            double[:] = double + product
            total.next = double >> 1
        else:
            total.next = accumulator + product

    @always_seq(clock.posedge, reset=reset)
    def seq_last():
        early.next = operands.last
        late.next = early

    @always_seq(clock.posedge, reset=reset)
    def seq_accumulate():
        if finished:
            accumulator.next = 0
        else:
            accumulator.next = total

    @always_seq(clock.posedge, reset=reset)
    def seq_places():
        if sent:
            if not take:
                pending.next = pending + 1
        elif take:
            pending.next = pending - 1
        if finished:
            if not take:
                waiting.next = waiting + 1
        elif take:
            waiting.next = waiting - 1

    @always_comb
    def comb_full():
        if sent:
            full.next = pending == depth - 1 and not take
        else:
            full.next = pending == depth and not take

    foreseen = [] if full is None else [comb_full]
    return (
        results, comb_state, comb_total, seq_last, seq_accumulate, seq_places, foreseen,
    )  # fmt: skip


@block
def multiply_accumulate(
    clock, reset, operands, sent, valid, place, totals, take, room, useful, *, config, full=None
):
    """One product a cycle; a filter's sum waits at the output 2 cycles after its last operands.

    (3 cycles at 32 bits.) `operands.last` ends a filter, with or without operands. The pipeline
    never stalls: `sent` announces the end of a filter that is on its way, at the latest in the
    cycle before it enters `operands`; `room` is low while as many as there are places for are under
    way or wait for `take`; `full` tells, where it is wanted, that in the next cycle there is no
    room. The oldest is found in `totals`, at `place`, in the cycle after `take`.
    The accumulator is wide enough never to wrap: the compiler proves it for each filter.
    """
    product = number(2 * config.bits + 1)
    multiply = multiplier(clock, reset, operands, product, config=config)
    sums = accumulate(
        clock, reset, operands, product, sent, valid, place, totals, take, room, useful,
        config=config, full=full,
    )  # fmt: skip
    return multiply, sums
