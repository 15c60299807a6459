"""Stage 2 (dense, bitmap): walks the runs of a window, once a filter."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word


@block
def run_walk(
    clock, reset, start, job, weight_start, base_in, serve, wanted, advance, valid, address, weight,
    last, left, *, first, units,
):  # fmt: skip
    """One step of a window a cycle, for filters `first`, `first + units`, ... in turn.

    `weight` counts from `weight_start` through all filters, once a window. Goes on in a cycle with
    `advance`; one cycle passes between a window and the next if that comes late. `last` ends a
    filter; `left` is the number of the job's filters from this one on, minus 1.
    """
    address_bits = len(address)
    weight_bits = len(weight)
    base = word(address_bits)
    next_base = word(address_bits)
    next_valid = bit()
    left_step, left_row = word(address_bits), word(8)
    ends, turns, takes = bit(), bit(), bit()

    @always_comb
    def comb_ends():
        ends.next = left_step == 0 and left_row == 0
        turns.next = left < units
        wanted.next = not next_valid
        last.next = left_step == 0 and left_row == 0

    @always_comb
    def comb_takes():
        takes.next = next_valid and (not valid or (advance and ends and turns))

    @always_seq(clock.posedge, reset=reset)
    def seq_state():
        if start:
            valid.next = 0
            next_valid.next = serve
        else:
            if takes:
                valid.next = 1
                next_valid.next = 0
            elif advance and ends and turns:
                valid.next = 0
            if serve:
                next_valid.next = 1

    @always(clock.posedge)
    def seq_walk():
        total = intbv(0)[address_bits + 1 :]
        following = intbv(0)[weight_bits + 1 :]
        if serve:
            next_base.next = base_in
        if takes:
            base.next = next_base
            address.next = next_base
            weight.next = weight_start[weight_bits:]
            left.next = job.last_filter - first
            left_step.next = job.last_step
            left_row.next = job.last_row
        elif valid and advance:
            following[:] = weight + 1
            weight.next = following[weight_bits:]
            if left_step != 0:
                left_step.next = left_step - 1
                total[:] = address + job.jump_step
            else:
                left_step.next = job.last_step
                if left_row != 0:
                    left_row.next = left_row - 1
                    total[:] = address + job.jump_row
                else:
                    left_row.next = job.last_row
                    total[:] = base
                    if not turns:
                        left.next = left - units
            address.next = total[address_bits:]

    return comb_ends, comb_takes, seq_state, seq_walk
